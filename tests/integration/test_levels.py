"""Levels: given at filing, changed later; who is not cleared sees nothing of a document anywhere, at once."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from archive_app.documents.checking import check_document
from archive_app.documents.classifying import classify, selected_documents
from archive_app.documents.describing import describe_document, list_versions
from archive_app.documents.errors import LevelAboveOwnError
from archive_app.documents.exporting import Form, export_hits
from archive_app.documents.importing import Origin as ImportOrigin
from archive_app.documents.importing import import_paths
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.likeness import similar_documents
from archive_app.documents.looking import open_content, page_picture, view_document
from archive_app.documents.models import Document
from archive_app.documents.reading import read_again
from archive_app.documents.searching import search_documents
from archive_app.documents.suggesting import suggest
from archive_app.documents.uploads import (
    Offer,
    Origin,
    announce,
    keep_duplicate,
    list_uploads,
    receive,
    view_upload,
)
from archive_app.intake.inbox.holding import InboxPlace, file_many, hold_file
from archive_app.intake.inbox.sorting import InboxFilters, view_inbox, view_inbox_file
from archive_app.intake.registers import filing
from archive_app.intake.registers.attaching import list_files
from archive_app.intake.registers.reviewing import RowFilters, list_registers, list_rows, view_row
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.errors import ConfirmationRequiredError, InvalidInputError, NotFoundError, read_kept
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.trail.proving import event_proof
from archive_app.trail.reading import EventFilters, document_history, list_events, read_event
from search import Filters
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of
from tests.files import pdf
from tests.levels import WORDS, file_at, file_version_of, names, refused
from tests.registers import HEADS, all_rows, bring, give, rows_of, workbook


@both_databases
def test_nobody_files_above_what_they_see_there(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    cleared = {level: people.person("verifier", level=level) for level in Level}
    archivist = people.person("archivist")
    engagement = engagement_of(leader, team=list(cleared.values()))
    for own, person in cleared.items():
        for level in Level:
            stream = io.BytesIO(f"{own}{level}".encode())
            entry = Entry(name=f"{own}-{level}.txt", level=level)
            if level <= own:
                add_document(person, engagement_id=engagement.id, stream=stream, entry=entry)
                continue
            with pytest.raises(LevelAboveOwnError):
                add_document(person, engagement_id=engagement.id, stream=stream, entry=entry)
            offers, origin = [Offer("x.txt", 1)], Origin(level=level)
            with pytest.raises(LevelAboveOwnError):
                announce(person, engagement_id=engagement.id, offers=offers, origin=origin)
    filed = {f"{by}-{level}.txt": level for by in cleared for level in Level if level <= by}
    for own, person in cleared.items():
        assert names(person, engagement.id) == {name for name, level in filed.items() if level <= own}
    # Cleared for everything, and seeing no restricted document here: their role reaches the whole organisation.
    with pytest.raises(LevelAboveOwnError):
        file_at(archivist, engagement.id, Level.RESTRICTED)
    file_at(archivist, engagement.id, Level.SENSITIVE)


def test_every_way_in_gives_the_level(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    origin = Origin(level=Level.SENSITIVE)
    [line] = announce(leader, engagement_id=engagement.id, offers=[Offer("上传.txt", 3)], origin=origin)
    uploaded = receive(leader, upload_id=line.id, stream=io.BytesIO(b"abc"), expected_bytes=3)
    source = archive.data_directory.parent / "导入.txt"
    source.write_bytes(b"imported")
    origin_of_import = ImportOrigin(engagement.id, level=Level.RESTRICTED)
    [imported] = import_paths(Actor.system("operator", via="cli"), paths=[str(source)], origin=origin_of_import)
    plain = add_document(leader, engagement_id=engagement.id, stream=io.BytesIO(b"x"), entry=Entry("平常.txt"))
    wanted = {uploaded.filed_document_id: 2, imported.document_id: 3, plain.document_id: 1}
    with archive.reading(Actor.system("test")) as uow:
        rows = uow.session.execute(select(Document.id, Document.level)).all()
    assert {row[0]: row[1] for row in rows} == wanted
    with pytest.raises(LevelAboveOwnError):
        import_paths(replace(leader, highest_level=Level.INTERNAL), paths=[str(source)], origin=origin_of_import)


@both_databases
def test_raising_hides_at_once_and_lowering_asks_more(archive: Archive, people: People, workbench: Workbench) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])
    document_id = file_at(leader, engagement.id, Level.INTERNAL).document_id or ""
    add_document(
        leader,
        engagement_id=engagement.id,
        document_id=document_id,
        stream=io.BytesIO(f"{WORDS} 第二版".encode()),
        entry=Entry(name="internal.txt"),
    )
    workbench.run()

    def found(actor: Actor, *, current_only: bool = False) -> int:
        return search_documents(actor, text="低位发热量", filters=Filters(current_only=current_only)).total

    assert (found(member), found(leader)) == (2, 2)
    hasty = replace(leader, confirmed_at=None)
    [done] = classify(hasty, document_ids=[document_id], level=Level.SENSITIVE)
    assert (done.before, done.after, done.error) == (Level.INTERNAL, Level.SENSITIVE, None)
    # The index still has the old level; as long as it does, the document is in nobody's search.
    assert (found(member), found(leader), names(member, engagement.id)) == (0, 0, set())
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalar(select(func.count()).where(Job.kind == "documents.narrow")) == 1
    workbench.run()
    assert (found(member), found(leader)) == (0, 2)
    # The same level again is nothing that happened.
    [done] = classify(hasty, document_ids=[document_id], level=Level.SENSITIVE)
    assert done.before == done.after == Level.SENSITIVE
    with pytest.raises(InvalidInputError):
        classify(leader, document_ids=[document_id], level=Level.PUBLIC)
    with pytest.raises(ConfirmationRequiredError):
        classify(hasty, document_ids=[document_id], level=Level.PUBLIC, reason="已公开披露")
    with pytest.raises(NotFoundError):
        classify(people.person("team_leader"), document_ids=[document_id], level=Level.PUBLIC, reason="已公开披露")
    classify(leader, document_ids=[document_id], level=Level.PUBLIC, reason="已公开披露")
    workbench.run()
    assert (found(member), found(leader)) == (2, 2)
    history = [event for event in document_history(leader, document_id=document_id).items if "before" in event.detail]
    changes = {(event.detail["before"], event.detail["after"]) for event in history}
    assert changes == {("internal", "sensitive"), ("sensitive", "public")}


def test_a_selection_with_a_foreign_document_changes_nothing(archive: Archive, people: People) -> None:
    leader, other = people.person("team_leader"), people.person("team_leader", organisation="远山认证")
    mine = file_at(leader, engagement_of(leader).id, Level.INTERNAL).document_id or ""
    foreign = file_at(other, engagement_of(other).id, Level.INTERNAL).document_id or ""
    led_by_another = engagement_of(people.person("team_leader"), team=[leader])
    seen = file_at(leader, led_by_another.id, Level.INTERNAL).document_id or ""
    gone = "019aa2b4-0000-7000-8000-000000000000"
    for bad in (foreign, seen, gone):
        for attempt in (
            lambda: classify(leader, document_ids=[mine, bad], level=Level.SENSITIVE),  # noqa: B023  # called at once
            lambda: selected_documents(leader, document_ids=[mine, bad]),  # noqa: B023
        ):
            with pytest.raises(NotFoundError):
                attempt()
    for count in (0, 201):
        with pytest.raises(InvalidInputError):
            classify(leader, document_ids=[mine] * count, level=Level.SENSITIVE)
    with archive.reading(Actor.system("test")) as uow:
        assert set(uow.session.scalars(select(Document.level))) == {Level.INTERNAL}
        denied = select(EventSubject.subject_id).join(Event, Event.id == EventSubject.event_id)
        told = uow.session.scalars(denied.where(Event.code == ACCESS_DENIED.code, EventSubject.kind != "organisation"))
        assert sorted(told) == sorted([foreign, foreign, led_by_another.id, led_by_another.id])


@both_databases
def test_whoever_is_not_cleared_sees_nothing_of_it_anywhere(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    member = people.person("team_leader", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])
    shown = {level: file_at(leader, engagement.id, level, text="相同的长句" * 40) for level in Level}
    workbench.run()
    hidden = [shown[level].document_id or "" for level in (Level.SENSITIVE, Level.RESTRICTED)]
    cleared, uncleared = (search_documents(who, text="低位发热量", filters=Filters()) for who in (leader, member))
    assert (cleared.total, uncleared.total) == (4, 2)
    assert [sum(value.count for value in values) for values in uncleared.facets.values()] == [2, 2, 2, 2]
    for typed in ("sensitive", "restricted", "检测站SENS", "NO-RES"):
        assert suggest(leader, text=typed, language="en")
        assert suggest(member, text=typed, language="en") == []
    like = similar_documents(member, document_id=shown[Level.PUBLIC].document_id or "")
    assert {line.found.document.title for line in like.lines} <= {"internal.txt"}
    exported = export_hits(
        member,
        pairs=[("q", "低位发热量")],
        form=Form.CSV,
        language="en",
        address=lambda *told: "/".join(map(str, told)),
    )
    table = b"".join(exported.blocks).decode()
    assert exported.count == 2
    assert not any(word in table for word in ("sensitive.txt", "restricted.txt"))
    for document_id in hidden:
        attempts: list[Callable[[], object]] = [
            lambda: view_document(member, document_id=document_id),  # noqa: B023  # called at once, here and below
            lambda: open_content(member, document_id=document_id),  # noqa: B023
            lambda: page_picture(member, document_id=document_id, number=1, page_index=0, width_px=320),  # noqa: B023
            lambda: describe_document(member, document_id=document_id),  # noqa: B023
            lambda: list_versions(member, document_id=document_id),  # noqa: B023
            lambda: document_history(member, document_id=document_id),  # noqa: B023
            lambda: similar_documents(member, document_id=document_id),  # noqa: B023
            lambda: check_document(member, document_id=document_id),  # noqa: B023
            lambda: read_again(member, document_id=document_id),  # noqa: B023
            lambda: classify(member, document_ids=[document_id], level=Level.PUBLIC, reason="x"),  # noqa: B023
            lambda: file_version_of(member, engagement.id, document_id),  # noqa: B023
        ]
        assert {refused(attempt) for attempt in attempts} <= {NotFoundError} | set(NotFoundError.__subclasses__())


@both_databases
def test_one_s_own_list_of_uploads_tells_nothing_of_what_was_raised(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])

    def sent(name: str, content: bytes) -> str:
        offers = [Offer(name, len(content))]
        [line] = announce(member, engagement_id=engagement.id, offers=offers, origin=Origin())
        receive(member, upload_id=line.id, stream=io.BytesIO(content), expected_bytes=len(content))
        return line.id

    first, twin = sent("原件.txt", b"same"), sent("副本.txt", b"same")
    lines = {line.id: line for line in list_uploads(member, engagement_id=engagement.id, language="en")}
    assert (lines[twin].state, lines[twin].document_title) == ("duplicate", "原件.txt")
    document_id = lines[first].document_id or ""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Document).where(Document.id == document_id).values(title="已改名的机密"))
    classify(leader, document_ids=[document_id], level=Level.RESTRICTED)
    [line] = list_uploads(member, engagement_id=engagement.id, language="en")
    assert (line.id, line.document_id, line.document_title) == (twin, None, "")
    assert view_upload(member, upload_id=twin).filed_document_id is None
    with pytest.raises(NotFoundError):
        view_upload(member, upload_id=first)
    # The same content, offered again, is filed like any other: nothing says that it is there.
    again = sent("第三份.txt", b"same")
    assert view_upload(member, upload_id=again).state == "filed"
    assert (
        add_document(
            member, engagement_id=engagement.id, stream=io.BytesIO(b"same"), entry=Entry(name="第四份.txt")
        ).duplicate_of
        == view_upload(member, upload_id=again).filed_document_id
    )
    assert keep_duplicate(member, upload_id=twin)


@both_databases
def test_registers_and_the_inbox_tell_nothing_of_what_was_raised(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader, member = people.person("team_leader"), people.person("team_leader", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"one", "核查资料002.txt": b"two"})
    place = InboxPlace(leader.organisation_id or "", engagement.id)
    inbox_id = hold_file(leader, stream=io.BytesIO(b"three"), entry=Entry(name="收件.txt"), place=place).id
    file_many(leader, inbox_ids=[inbox_id], engagement_id=engagement.id)
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    files = list_files(leader, register_id=register_id).items
    [raised] = [file for file in files if file.name == "核查资料001.txt"]
    inbox_document = view_inbox_file(member, inbox_id=inbox_id, language="en").file.document_id or ""
    classify(leader, document_ids=[raised.document_id or "", inbox_document], level=Level.SENSITIVE)

    def rows(actor: Actor) -> list[str]:
        return [row.id for row in list_rows(actor, register_id=register_id, filters=RowFilters()).items]

    assert (len(rows(leader)), len(rows(member))) == (2, 1)
    [hidden] = set(rows(leader)) - set(rows(member))
    with pytest.raises(NotFoundError):
        view_row(member, register_id=register_id, row_id=hidden)
    assert [file.name for file in list_files(member, register_id=register_id).items] == ["核查资料002.txt"]
    assert [line.counts["filed"] for line in list_registers(member).items] == [1]
    assert [line.counts["filed"] for line in list_registers(leader).items] == [2]
    with pytest.raises(NotFoundError):
        view_inbox_file(member, inbox_id=inbox_id, language="en")
    filed = InboxFilters(state="filed")
    assert view_inbox(member, filters=filed, language="en").page.items == []
    assert [line.file.id for line in view_inbox(leader, filters=filed, language="en").page.items] == [inbox_id]


def test_the_log_withholds_words_about_what_its_reader_may_not_see(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader, archivist, auditor = (people.person(role) for role in ("team_leader", "archivist", "security_auditor"))
    engagement = engagement_of(leader)
    document_id = file_at(leader, engagement.id, Level.RESTRICTED).document_id
    workbench.run()
    filters = EventFilters(document=document_id)
    [event] = list_events(auditor, filters=filters).items
    assert (event.detail["name"], event.withheld) == ("restricted.txt", False)
    [event] = list_events(archivist, filters=filters).items
    assert (event.detail, event.withheld, event.actor_name) == ({}, True, leader.display_name)
    assert read_event(archivist, event_id=event.id).withheld
    proof = event_proof(archivist, event_id=event.id)
    assert (proof.detail, proof.salt) == (None, None)
    assert event_proof(auditor, event_id=event.id).detail


def test_pages_of_a_document_above_one_s_level_are_not_drawn(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])
    entry = Entry(name="图.pdf", level=Level.RESTRICTED)
    filed = add_document(leader, engagement_id=engagement.id, stream=io.BytesIO(pdf()), entry=entry)
    document_id = filed.document_id or ""
    assert page_picture(leader, document_id=document_id, number=1, page_index=0, width_px=320)
    with pytest.raises(NotFoundError):
        page_picture(member, document_id=document_id, number=1, page_index=0, width_px=320)


def test_a_register_names_the_levels_of_its_rows(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader", level=Level.SENSITIVE)
    engagement = engagement_of(leader)
    named = ("公开", "", "SENSITIVE", "受限", "绝密", "无")
    rows = [[*row, level] for row, level in zip(rows_of(6), named, strict=True)]
    register_id = bring(leader, workbook(rows, heads=(*HEADS, "密级")), engagement_id=engagement.id)
    workbench.run()
    assert [row.number for row in all_rows(leader, register_id, fault="level_unknown")] == [6]
    give(leader, register_id, {f"核查资料{number:03d}.txt": b"%d" % number for number in range(1, 7)})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    with archive.reading(Actor.system("test")) as uow:
        levels = uow.session.execute(select(Document.number, Document.level)).all()
    assert {row[0]: row[1] for row in levels} == {rows[0][2]: 0, rows[1][2]: 1, rows[2][2]: 2, rows[5][2]: 1}
    # A row above one's own level is not filed, and says why.
    [above] = [row for row in all_rows(leader, register_id, state="refused") if row.values["level"] == "受限"]
    assert "You do not see documents of this level" in read_kept(above.refusal, "en")
