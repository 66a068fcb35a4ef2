"""What was withdrawn is nowhere in a search from that transaction on, however far behind the index is; and a damaged
text costs its own excerpt alone."""

import io
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import select

from archive_app.documents.exporting import Form, export_hits
from archive_app.documents.feature import probe_reading
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.likeness import similar_documents
from archive_app.documents.looking import list_documents
from archive_app.documents.models import Derivative, ReadingRun, Version
from archive_app.documents.rereading import request_reading, view_reading
from archive_app.documents.saved_searches import list_searches, open_search, save_search
from archive_app.documents.searching import search_documents
from archive_app.documents.suggesting import suggest
from archive_app.documents.withdrawing import withdraw
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.outbox import Job
from search import Filters
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of

TEXT = "入炉煤低位发热量缺失时采用最近一次检测值，净购入电量采用结算电量作为活动数据，每月核对皮带秤校准记录并签字确认"


@dataclass(frozen=True)
class Told:
    """Everything a search says of how much there is."""

    total: int
    found: int
    counted: set[int]
    suggested: list[tuple[str, int | None]]
    exported: tuple[int, int]
    new: int | None


def filed(actor: Actor, engagement_id: str, name: str, content: bytes) -> str:
    """Files a document; its id."""
    added = add_document(actor, engagement_id=engagement_id, stream=io.BytesIO(content), entry=Entry(name=name))
    assert added.document_id
    return added.document_id


def told(actor: Actor) -> Told:
    page = search_documents(actor, text="低位发热量", filters=Filters())
    export = export_hits(
        actor, pairs=[("q", "低位发热量")], form=Form.CSV, language="en", address=lambda document_id, _: document_id
    )
    return Told(
        total=page.total,
        found=len(page.found),
        counted={value.count for value in chain.from_iterable(page.facets.values())},
        suggested=[(one.words, one.count) for one in suggest(actor, text="监测", language="en")],
        exported=(export.count, export.total),
        new=list_searches(actor).items[0].new,
    )


@both_databases
def test_a_withdrawn_document_is_left_out_before_the_index_forgets_it(
    archive: Archive, people: People, workbench: Workbench, clock: SetClock
) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    for actor in (leader, archivist):
        open_search(actor, search_id=save_search(actor, name="发热量", pairs=[("q", "低位发热量")]))
    clock.advance(seconds=1)
    kept, gone = (
        filed(leader, engagement.id, name, text.encode())
        for name, text in (("监测计划一.txt", TEXT), ("监测计划二.txt", f"{TEXT}。"))
    )
    workbench.run()
    before = Told(2, 2, {2}, [("监测计划一.txt", 1), ("监测计划二.txt", 1)], (2, 2), 2)
    assert told(leader) == told(archivist) == before
    assert len(similar_documents(leader, document_id=kept).lines) == 1

    # No worker runs: the index says what it said before.
    with archive.transaction(leader) as uow:
        withdraw(uow, gone, reason="test")
    after = Told(1, 1, {1}, [("监测计划一.txt", 1)], (1, 1), 1)
    assert told(leader) == told(archivist) == after
    assert similar_documents(leader, document_id=kept).lines == []

    # The index confirms it, and nothing is left to be excluded.
    workbench.run()
    assert told(leader) == told(archivist) == after
    with archive.reading(leader) as uow:
        assert uow.session.scalars(select(Job).where(Job.every_seconds.is_(None))).all() == []


@both_databases
def test_a_version_that_is_still_to_be_indexed_does_not_come_back(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    document_id = filed(leader, engagement_of(leader).id, "监测计划.txt", TEXT.encode())
    # Its jobs of indexing and reading wait behind this one.
    with archive.transaction(leader) as uow:
        withdraw(uow, document_id, reason="test")
    workbench.run()
    assert search_documents(leader, text="", filters=Filters()).total == 0


@both_databases
def test_what_was_withdrawn_is_not_among_what_could_be_read_again(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    kept, gone = (
        filed(leader, engagement.id, "坏.pdf", content) for content in (b"%PDF-1.7 broken", b"%PDF-1.7 broken too")
    )
    workbench.run()
    assert view_reading(archivist).counts["failed"] == 2
    with archive.transaction(leader) as uow:
        withdraw(uow, gone, reason="test")
    workbench.run()
    counts = view_reading(archivist).counts
    assert (counts["failed"], counts["all"]) == (1, 1)
    with archive.reading(archivist) as uow:
        assert [line.params["unread"] for line in probe_reading(uow)] == [1]
    run = request_reading(archivist, reason="all")
    workbench.run()
    with archive.reading(archivist) as uow:
        assert uow.session.get_one(ReadingRun, run.id).handed_on == 1
    assert list_documents(leader, engagement_id=engagement.id).items[0].document.id == kept


def test_a_damaged_text_costs_its_own_excerpt_alone(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    for name in ("一.txt", "二.txt"):
        filed(leader, engagement.id, name, f"{TEXT}{name}".encode())
    workbench.run()
    with archive.reading(leader) as uow:
        damaged = uow.session.scalars(
            select(Derivative.blob_id)
            .join(Version, Version.id == Derivative.version_id)
            .where(Version.name == "一.txt", Derivative.part == "body")
        ).one()
    path = archive.data_directory / "blobs" / "blobs" / damaged[:2] / damaged[2:4] / damaged
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    page = search_documents(leader, text="低位发热量", filters=Filters())
    assert {found.version.name: bool(found.fragments) for found in page.found} == {"一.txt": False, "二.txt": True}
