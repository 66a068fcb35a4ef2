"""What is made public: proposed, decided by another, served to everybody for as long as it may be, and no longer."""

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from archive_app.documents import outgoing
from archive_app.documents.control import set_control
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.models import Document, Version
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import DISCLOSED_BY_ANOTHER, DutiesNotSeparateError
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
    SignInRequiredError,
)
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.management.controlled.drafting import add_file, revise
from archive_app.management.controlled.issuing import issue_edition, take_effect
from archive_app.management.controlled.models import Edition
from archive_app.management.controlled.withdrawing import withdraw_document
from archive_app.management.disclosure.deciding import DISCLOSURE_PUBLISHED, decide_disclosure
from archive_app.management.disclosure.ending import end_what_is_over
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.opening import PublicCodeTakenError, set_public_page
from archive_app.management.disclosure.proposing import (
    Proposal,
    leave_unpublished,
    propose_disclosure,
    take_back,
)
from archive_app.management.disclosure.public import open_public, view_public_page
from archive_app.management.disclosure.rules import (
    TO_DECIDE,
    TO_PROPOSE_ANEW,
    DisclosureDecidedError,
    DisclosureLivesError,
    NotDisclosableError,
)
from archive_app.management.disclosure.showing import disclosure_panel, list_disclosures, view_disclosure
from archive_app.trail.reading import read_event
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases
from tests.controlled import approve_edition, controlled_cast, issued_document
from tests.factories import People
from tests.integration.management.disclosures import (
    CODE,
    CONTENT,
    NOBODY,
    WHY,
    Publishers,
    filed,
    opened,
    published,
    publishers,
)

OPERATOR = Actor.system("test")


@pytest.fixture
def cast(people: People) -> Publishers:
    return publishers(people)


def titles(code: str = CODE) -> list[str]:
    return [file.title for file in view_public_page(NOBODY, code=code).files.items]


def listed(code: str) -> list[str]:
    return [file.id for file in view_public_page(NOBODY, code=code).files.items]


def readable(row: Disclosure, code: str = CODE) -> bool:
    """Whether anybody gets the bytes; the list never says anything else."""
    try:
        opened = open_public(NOBODY, code=code, disclosure_id=row.id)
    except NotFoundError:
        assert row.id not in listed(code)
        return False
    with opened.stream as stream:
        assert stream.read()
    assert row.id in listed(code)
    return True


def waiting(archive: Archive, code: str) -> list[str]:
    with archive.reading(OPERATOR) as uow:
        return list(uow.session.scalars(select(Task.subject_id).where(Task.kind == code, Task.closed_at.is_(None))))


def by_row(archive: Archive, document_id: str, **values: object) -> None:
    with archive.transaction(OPERATOR, eventless=True) as uow:
        uow.session.execute(update(Document).where(Document.id == document_id).values(**values))


def end_all(archive: Archive) -> None:
    end_what_is_over(Workshop(archive), Job())


@both_databases
def test_from_the_proposal_to_the_public_and_back(archive: Archive, cast: Publishers) -> None:
    document_id = filed(cast)
    opened(cast)
    row = propose_disclosure(cast.archivist, document_id=document_id, proposal=WHY)
    assert waiting(archive, TO_DECIDE.code) == [row.id]
    assert titles() == []
    assert not readable(row)
    with pytest.raises(DisclosureLivesError):
        propose_disclosure(cast.second, document_id=document_id, proposal=WHY)

    decide_disclosure(cast.decider, disclosure_id=row.id, publish=True, words="同意公开")
    assert waiting(archive, TO_DECIDE.code) == []
    with open_public(NOBODY, code=CODE, disclosure_id=row.id).stream as stream:
        assert stream.read() == CONTENT + "排放信息.txt".encode()
    shown = view_public_page(NOBODY, code=CODE)
    assert (shown.name, shown.introduction) == ("绿源核查", "核查机构\n<b>介绍</b>")
    with archive.reading(OPERATOR) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == document_id)).one()
        [event_id] = uow.session.scalars(select(Event.id).where(Event.code == DISCLOSURE_PUBLISHED.code)).all()
        about = dict(
            uow.session.execute(
                select(EventSubject.kind, EventSubject.subject_id).where(EventSubject.event_id == event_id)
            ).all()
        )
    assert shown.files.items[0].sha256 == version.sha256.hex()
    told = read_event(cast.archivist, event_id=event_id)
    assert (about["disclosure"], about["version"], about["person"]) == (row.id, version.id, cast.decider.person_id)
    assert (told.actor, told.detail["sha256"]) == (cast.decider.name, version.sha256.hex())

    # A newer version is filed: what is public stays the very one that was decided about.
    filed_later(cast, document_id)
    assert [file.sha256 for file in view_public_page(NOBODY, code=CODE).files.items] == [version.sha256.hex()]

    view = view_disclosure(cast.second, disclosure_id=row.id)
    assert (view.line.disclosure.downloads, view.decider != "") == (1, True)
    take_back(cast.archivist, disclosure_id=row.id, reason="数字有误")
    assert not readable(row)
    with pytest.raises(DisclosureDecidedError):
        take_back(cast.archivist, disclosure_id=row.id, reason="再次")
    again = propose_disclosure(cast.archivist, document_id=document_id, proposal=WHY)
    decide_disclosure(cast.decider, disclosure_id=again.id, publish=False, words="先复核数字")
    assert not readable(again)
    assert {line.disclosure.state for line in list_disclosures(cast.decider).items} == {"refused", "ended"}
    assert disclosure_panel(cast.archivist, document_id=document_id).may_propose  # type: ignore[union-attr]


def filed_later(cast: Publishers, document_id: str) -> None:
    stream = io.BytesIO("更正后的内容".encode())
    add_document(
        cast.leader,
        engagement_id=cast.engagement.id,
        document_id=document_id,
        stream=stream,
        entry=Entry(name="更正.txt"),
    )


def test_what_keeps_a_document_from_being_public(archive: Archive, cast: Publishers, people: People) -> None:
    internal, public = filed(cast, "内部.txt", level=Level.INTERNAL), filed(cast)
    yesterday = archive.today() - timedelta(days=1)
    with pytest.raises(NotDisclosableError):
        propose_disclosure(cast.archivist, document_id=internal, proposal=WHY)
    for proposal in (Proposal(" "), Proposal("x", until=yesterday), Proposal("x" * 1001), Proposal("x", "y" * 101)):
        with pytest.raises(InvalidInputError):
            propose_disclosure(cast.archivist, document_id=public, proposal=proposal)
    with pytest.raises(PermissionMissingError):
        propose_disclosure(cast.leader, document_id=public, proposal=WHY)
    people.organisation("清源核查")
    stranger = people.person("archivist", "quality_manager", organisation="清源核查")
    with pytest.raises(NotFoundError):
        propose_disclosure(stranger, document_id=public, proposal=WHY)
    hidden = people.person("document_controller")
    with pytest.raises(NotFoundError):
        propose_disclosure(hidden, document_id=public, proposal=WHY)
    assert disclosure_panel(cast.archivist, document_id=internal) is None

    row = propose_disclosure(cast.decider, document_id=public, proposal=WHY)
    for publish in (True, False):
        with pytest.raises(DutiesNotSeparateError) as own:
            decide_disclosure(cast.decider, disclosure_id=row.id, publish=publish)
        assert own.value.rule is DISCLOSED_BY_ANOTHER
    for attempt, refusal in (
        (lambda: decide_disclosure(cast.second, disclosure_id=row.id, publish=False), InvalidInputError),
        (lambda: decide_disclosure(cast.archivist, disclosure_id=row.id, publish=True), PermissionMissingError),
        (lambda: decide_disclosure(NOBODY, disclosure_id=row.id, publish=True), SignInRequiredError),
        (
            lambda: decide_disclosure(replace(cast.second, confirmed_at=None), disclosure_id=row.id, publish=True),
            ConfirmationRequiredError,
        ),
        (lambda: view_disclosure(stranger, disclosure_id=row.id), NotFoundError),
        (lambda: take_back(stranger, disclosure_id=row.id, reason="x"), NotFoundError),
        (lambda: leave_unpublished(cast.archivist, disclosure_id=row.id), DisclosureDecidedError),
    ):
        with pytest.raises(refusal):
            attempt()
    by_row(archive, public, level=Level.INTERNAL)
    with pytest.raises(NotDisclosableError):
        decide_disclosure(cast.second, disclosure_id=row.id, publish=True)


@both_databases
def test_what_is_over_is_not_served_from_that_moment_on(archive: Archive, cast: Publishers, clock: SetClock) -> None:
    """The job only writes down what the question for it said already."""
    opened(cast)
    until = archive.today() + timedelta(days=2)
    names = ("到期.txt", "升级.txt", "撤回.txt", "留下.txt")
    documents = {name: filed(cast, name) for name in names}
    rows = {name: published(cast, documents[name], until=until if name == "到期.txt" else None) for name in names}
    clock.advance(days=2)
    assert [readable(row) for row in rows.values()] == [True] * 4, "the last day is one of them"
    clock.advance(days=1)
    by_row(archive, documents["升级.txt"], level=Level.INTERNAL)
    by_row(archive, documents["撤回.txt"], withdrawn_at=clock.now())
    wanted = [False, False, False, True]
    assert [readable(row) for row in rows.values()] == wanted
    overs = {line.disclosure.title: line.over for line in list_disclosures(cast.archivist).items}
    assert overs == {"到期.txt": "expired", "升级.txt": "level_raised", "撤回.txt": "withdrawn", "留下.txt": ""}
    # Proposed anew before anything was written down: what is over stands in nobody's way.
    propose_disclosure(cast.archivist, document_id=documents["到期.txt"], proposal=WHY)
    for _ in range(2):
        end_all(archive)
        assert [readable(row) for row in rows.values()] == wanted
        with archive.reading(OPERATOR) as uow:
            found = uow.session.scalars(select(Disclosure).where(Disclosure.id.in_([row.id for row in rows.values()])))
            assert {row.title: row.state for row in found} == {
                "到期.txt": "ended",
                "升级.txt": "ended",
                "撤回.txt": "ended",
                "留下.txt": "published",
            }
    # What has ended stays so: a level that is lowered again makes nothing public by itself.
    by_row(archive, documents["升级.txt"], level=Level.PUBLIC)
    assert not readable(rows["升级.txt"])


@both_databases
def test_of_a_controlled_document_the_edition_in_force_alone_is_public(
    archive: Archive, people: People, cast: Publishers, clock: SetClock
) -> None:
    opened(cast)
    makers = controlled_cast(people)
    first = issued_document(people, makers, level=Level.PUBLIC, title="公开的程序")
    row = published(cast, first.document_id)
    assert readable(row)

    day = archive.today() + timedelta(days=1)
    second = revise(makers.author, controlled_id=first.controlled_id, change_note="按评审意见修订").id
    add_file(makers.author, edition_id=second, stream=io.BytesIO(CONTENT), name="程序.txt")
    approve_edition(makers, second)
    issue_edition(makers.controller, edition_id=second, effective_on=day)
    with archive.reading(OPERATOR) as uow:
        newer = uow.session.get_one(Edition, second).document_id or ""
    with pytest.raises(ArchiveError):
        propose_disclosure(makers.controller, document_id=newer, proposal=WHY)
    assert readable(row), "until its day has come the former edition is in force"
    clock.advance(days=1)
    assert not readable(row), "on that day, whatever the worker has written down"
    end_all(archive)
    assert waiting(archive, TO_PROPOSE_ANEW.code) == [row.id]
    take_effect(Workshop(archive), Job())
    assert not readable(row)
    view = view_disclosure(cast.archivist, disclosure_id=row.id)
    assert (view.waits_for_newer, view.newer_document_id) == (True, newer)
    again = published(cast, newer)
    assert waiting(archive, TO_PROPOSE_ANEW.code) == []
    assert readable(again)
    assert not readable(row)

    withdraw_document(makers.controller, controlled_id=first.controlled_id, reason="不再需要")
    assert not readable(again), "withdrawn at once"
    end_all(archive)
    assert waiting(archive, TO_PROPOSE_ANEW.code) == [], "there is no edition to propose any more"
    with pytest.raises(NotDisclosableError):
        propose_disclosure(cast.archivist, document_id=first.document_id, proposal=WHY)


@both_databases
def test_of_two_who_decide_at_once_one_does(archive: Archive, cast: Publishers) -> None:
    row = propose_disclosure(cast.archivist, document_id=filed(cast), proposal=WHY)

    def decide(actor: Actor, *, publish: bool) -> Callable[[], object]:
        return lambda: decide_disclosure(actor, disclosure_id=row.id, publish=publish, words="决定")

    outcomes = at_once(archive, decide(cast.decider, publish=True), decide(cast.second, publish=False))
    assert sorted(outcomes) == ["", "disclosure_decided"]
    document_id = filed(cast, "另一份.txt")
    outcomes = at_once(
        archive,
        *(
            lambda actor=actor: propose_disclosure(actor, document_id=document_id, proposal=WHY)
            for actor in (cast.archivist, cast.second)
        ),
    )
    assert sorted(outcomes) == ["", "disclosure_lives"]


def at_once(archive: Archive, *acts: Callable[[], object]) -> list[str]:
    """The codes of the refusals of acts that begin together, empty for what went through."""
    together, outcomes = threading.Barrier(len(acts)), [""] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        with archive.activate():
            together.wait()
            try:
                act()
            except ArchiveError as error:
                outcomes[place] = error.code

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@both_databases
def test_the_page_is_closed_until_somebody_opens_it(archive: Archive, cast: Publishers, people: People) -> None:
    row = published(cast, filed(cast))
    for code in (CODE, "", "unknown", " ", "Luyuan"):
        with pytest.raises(NotFoundError):
            view_public_page(NOBODY, code=code)
        with pytest.raises(NotFoundError):
            open_public(NOBODY, code=code, disclosure_id=row.id)
    for code in ("ab", "a" * 41, "a--b", "-ab", "ab-", "a/b", "a_b", "绿源", "a.b", "a b", "a%2fb"):
        with pytest.raises(InvalidInputError):
            set_public_page(cast.decider, code=code, shown=True, introduction="")
    with pytest.raises(ConfirmationRequiredError):
        set_public_page(replace(cast.decider, confirmed_at=None), code=CODE, shown=True, introduction="")
    with pytest.raises(PermissionMissingError):
        set_public_page(cast.archivist, code=CODE, shown=True, introduction="")
    opened(cast, shown=False)
    with pytest.raises(NotFoundError):
        view_public_page(NOBODY, code=CODE)
    opened(cast)
    assert readable(row)

    people.organisation("清源核查")
    others = publishers(people, "清源核查")
    with pytest.raises(PublicCodeTakenError):
        set_public_page(others.decider, code=CODE, shown=True, introduction="")
    opened(others, "qingyuan")
    elsewhere = published(others, filed(others, "别处.txt"))
    with pytest.raises(NotFoundError):
        open_public(NOBODY, code=CODE, disclosure_id=elsewhere.id)
    assert titles("qingyuan") == ["别处.txt"]
    opened(cast, "luyuan-2")
    with pytest.raises(NotFoundError):
        view_public_page(NOBODY, code=CODE)
    assert titles("luyuan-2") == [row.title]
    outcomes = at_once(
        archive,
        lambda: set_public_page(cast.decider, code="same", shown=True, introduction=""),
        lambda: set_public_page(others.decider, code="same", shown=True, introduction=""),
    )
    assert sorted(outcomes) == ["", "public_code_taken"]
    with archive.reading(OPERATOR) as uow:
        assert uow.session.scalars(select(Organisation.id)).all()


def test_a_download_ends_with_the_publication(
    archive: Archive, cast: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(cast)
    row = published(cast, filed(cast, content=b"x" * 300_000))
    monkeypatch.setattr(outgoing, "ASK_EVERY_BYTES", 65_536)
    with open_public(NOBODY, code=CODE, disclosure_id=row.id).stream as stream:
        assert len(stream.read(65_536)) == 65_536
        take_back(cast.archivist, disclosure_id=row.id, reason="停止公开")
        with pytest.raises(NotFoundError):
            stream.read(200_000)


def test_what_waits_about_a_newer_edition_can_be_left(archive: Archive, people: People, cast: Publishers) -> None:
    first = issued_document(people, level=Level.PUBLIC, title="公开的手册")
    row = published(cast, first.document_id)
    with archive.transaction(OPERATOR, eventless=True) as uow:
        set_control(uow, first.document_id, "superseded")
    end_all(archive)
    assert waiting(archive, TO_PROPOSE_ANEW.code) == [row.id]
    leave_unpublished(cast.archivist, disclosure_id=row.id)
    assert waiting(archive, TO_PROPOSE_ANEW.code) == []
