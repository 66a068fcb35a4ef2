"""Declarations: nothing opens before one is made, one is made once, and it is filed or nothing is."""

import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from archive_app.documents.checking import find_orphans
from archive_app.documents.looking import list_documents, open_content, view_document
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import EngagementFilters, list_engagements, view_engagement
from archive_app.engagements.independence import NotIndependentError
from archive_app.engagements.interests import list_own_interests
from archive_app.engagements.models import Assignment, Engagement
from archive_app.engagements.teams import list_conflicts, list_team, remove_member, set_member
from archive_app.engagements.undeclared import list_awaited
from archive_app.filing.declaring import (
    Made,
    NotAScanError,
    bring_signed,
    declare,
    state_relation,
    view_declaration,
    view_record,
    view_scan,
)
from archive_app.filing.models import Declaration
from archive_app.filing.sheet import SheetUnknownError
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.levels import Level
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of

ZH = "zh_Hans_CN"
SCAN = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def member(people: People) -> Actor:
    return people.person("verifier", name="顾言")


@pytest.fixture
def engagement(leader: Actor, member: Actor) -> Engagement:
    """An engagement that its leader has declared for, and its member has not."""
    made = engagement_of(leader)
    set_member(leader, engagement_id=made.id, person_id=member.person_id or "", part="member")
    return made


def declares(actor: Actor, engagement: Engagement, read_in: str = ZH, **changed: Any) -> Made:
    sheet = view_declaration(actor, engagement_id=engagement.id, language=read_in).sheet
    told = {"language": read_in, "version": sheet.version, "text_sha256": sheet.wording.digest().hex()}
    return declare(actor, engagement_id=engagement.id, **{**told, "no_relation": True, **changed})


def code_of(actor: Actor, engagement: Engagement, language: str = ZH) -> str:
    return view_declaration(actor, engagement_id=engagement.id, language=language).sheet.code


def bring(actor: Actor, engagement: Engagement, person: Actor, code: str, **changed: Any) -> Made:
    sent = {"name": "scan.pdf", "stream": io.BytesIO(SCAN), **changed}
    return bring_signed(actor, engagement_id=engagement.id, person_id=person.person_id or "", code=code, **sent)


def kept(archive: Archive) -> tuple[int, int, int]:
    """How many declarations, documents, and open assignments there are."""
    with archive.reading(Actor.system("test")) as uow:
        opened = select(func.count()).select_from(Assignment).where(Assignment.declared_at.is_not(None))
        counted = [select(func.count()).select_from(Declaration), select(func.count()).select_from(Document), opened]
        numbers = [uow.session.scalar(one) or 0 for one in counted]
        return numbers[0], numbers[1], numbers[2]


def sees_nothing(actor: Actor, engagement: Engagement) -> bool:
    for look in (view_engagement, list_documents, list_team, list_conflicts):
        with pytest.raises(NotFoundError):
            look(actor, engagement_id=engagement.id)
    return not list_engagements(actor, filters=EngagementFilters()).items


@both_databases
def test_who_is_assigned_sees_the_engagement_once_they_have_declared(
    archive: Archive, people: People, leader: Actor, member: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    assert sees_nothing(member, engagement)
    told = list_awaited(member).items
    assert [(line.engagement_id, line.title, line.part) for line in told] == [
        (engagement.id, engagement.title, "member")
    ]
    made = declares(member, engagement)
    assert not list_awaited(member).items
    assert view_engagement(member, engagement_id=engagement.id).engagement.title == engagement.title

    document_id = made.document_id or ""
    assert view_record(leader, engagement_id=engagement.id, person_id=member.person_id or "") == document_id
    with open_content(member, document_id=document_id).stream as stream:
        record = stream.read().decode()
    sheet = view_declaration(member, engagement_id=engagement.id, language=ZH).sheet
    assert record.startswith(sheet.wording.text())
    for proof in ("顾言", engagement.number, "系统确认", "2026-11-21 10:00:00+08:00", sheet.wording.digest().hex()):
        assert proof in record
    view = view_document(leader, document_id=document_id)
    assert view.document.level == Level.INTERNAL
    assert "声明" in view.document.title
    assert (view.version.filed_by, view.version.sha256) == (member.name, hashlib.sha256(record.encode()).digest())
    with archive.reading(Actor.system("test")) as uow:
        row = uow.session.scalars(select(Declaration)).one()
        assert (row.way, row.version, row.language, row.recorded_by) == ("confirmed", "1", ZH, member.name)
        assert row.text_sha256 == sheet.wording.digest()
        about = select(EventSubject.kind).join(Event, Event.id == EventSubject.event_id)
        subjects = set(uow.session.scalars(about.where(Event.code == "declaration.made")))
    assert subjects == {"declaration", "document", "engagement", "organisation", "person"}
    outsider = people.person("verifier")
    for look in (view_engagement, lambda actor, **of: view_declaration(actor, language=ZH, **of)):
        with pytest.raises(NotFoundError):
            look(outsider, engagement_id=engagement.id)


def test_an_archivist_who_is_assigned_sees_nothing_before_declaring(people: People, leader: Actor) -> None:
    keeper = people.person("archivist", "team_leader")
    engagement = engagement_of(leader)
    view_engagement(keeper, engagement_id=engagement.id)
    set_member(leader, engagement_id=engagement.id, person_id=keeper.person_id or "", part="leader")
    assert sees_nothing(keeper, engagement)
    declares(keeper, engagement, "en")
    view_engagement(keeper, engagement_id=engagement.id)


def test_what_was_not_read_is_not_declared(
    archive: Archive, clock: SetClock, member: Actor, engagement: Engagement
) -> None:
    before = kept(archive)
    refusals: list[tuple[type[ArchiveError], dict[str, Any]]] = [
        (ConflictError, {"text_sha256": "0" * 64}),
        (ConflictError, {"version": "0"}),
        (ConflictError, {"language": "en"}),
        (InvalidInputError, {"language": "fr"}),
        (InvalidInputError, {"no_relation": False}),
    ]
    for error, changed in refusals:
        with pytest.raises(error):
            declares(member, engagement, **changed)
    for moment in (None, clock.now() - timedelta(minutes=10)):
        with pytest.raises(ConfirmationRequiredError):
            declares(replace(member, confirmed_at=moment), engagement)
    with pytest.raises(NotFoundError):
        declare(member, engagement_id="no such", language=ZH, version="1", text_sha256="0" * 64, no_relation=True)
    assert kept(archive) == before
    declares(replace(member, confirmed_at=clock.now() - timedelta(minutes=9)), engagement)


@both_databases
def test_a_second_try_and_parallel_tabs_make_one_declaration(
    archive: Archive, member: Actor, engagement: Engagement
) -> None:
    before = kept(archive)
    ends: list[object] = []
    start = threading.Barrier(4)

    def press() -> None:
        with archive.activate():
            start.wait()
            try:
                ends.append(declares(member, engagement).document_id)
            except ArchiveError as error:
                ends.append(error)

    together([press] * 4)
    assert len(ends) == 4
    assert len(set(ends)) == 1
    assert declares(member, engagement).document_id == ends[0]
    assert kept(archive) == (before[0] + 1, before[1] + 1, before[2] + 1)


@both_databases
def test_a_crash_between_vault_and_transaction_leaves_an_orphan_at_most(
    archive: Archive, member: Actor, engagement: Engagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(archive)
    for step in ("archive_app.filing.declaring.lock_engagement", "archive_app.filing.declaring.declared"):
        with monkeypatch.context() as broken:
            broken.setattr(step, _die)
            with pytest.raises(_Killed):
                declares(member, engagement)
            with pytest.raises(_Killed):
                bring(member, engagement, member, code_of(member, engagement))
        assert kept(archive) == before
        assert sees_nothing(member, engagement)
    # The bytes came into the vault each time, and nothing refers to them.
    assert len(find_orphans(archive)) == 4
    declares(member, engagement)
    assert kept(archive) == (before[0] + 1, before[1] + 1, before[2] + 1)


@both_databases
def test_whoever_comes_back_declares_anew(
    archive: Archive, clock: SetClock, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    first_code = code_of(member, engagement)
    first = declares(member, engagement)
    remove_member(leader, engagement_id=engagement.id, person_id=member.person_id or "")
    with pytest.raises(NotFoundError):
        declares(member, engagement)
    clock.advance(days=1)
    set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    assert sees_nothing(member, engagement)
    # Paper that was signed for the earlier assignment is not good for this one.
    with pytest.raises(SheetUnknownError):
        bring(member, engagement, member, first_code)
    second = declares(member, engagement)
    assert second.document_id != first.document_id
    assert view_record(leader, engagement_id=engagement.id, person_id=member.person_id or "") == second.document_id
    assert kept(archive)[0] == 2


@both_databases
def test_a_signed_sheet_is_filed_as_what_was_signed(
    archive: Archive, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    english = code_of(member, engagement, "en")
    assert english != code_of(member, engagement, ZH)
    made = bring(member, engagement, member, english.lower().replace("-", " "), name="声明 扫描.pdf")
    with open_content(member, document_id=made.document_id or "").stream as stream:
        assert stream.read() == SCAN
    with archive.reading(Actor.system("test")) as uow:
        row = uow.session.scalars(select(Declaration)).one()
        version = uow.session.scalars(select(Version).where(Version.document_id == row.document_id)).one()
    sheet = view_declaration(member, engagement_id=engagement.id, language="en").sheet
    assert (row.way, row.language, row.text_sha256) == ("signed", "en", sheet.wording.digest())
    assert (row.recorded_by, version.filed_by, version.name) == (member.name, member.name, "声明 扫描.pdf")


def test_leader_and_archivist_bring_the_sheet_of_others_and_are_recorded(
    archive: Archive, people: People, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    other, keeper = people.person("verifier"), people.person("archivist")
    set_member(leader, engagement_id=engagement.id, person_id=other.person_id or "", part="member")
    code = code_of(member, engagement)
    # Neither a colleague, nor somebody of another team, nor whoever has not declared themselves.
    everybody_else = [people.person("verifier"), people.person("team_leader"), people.person("quality_manager"), other]
    for person in everybody_else:
        with pytest.raises((NotFoundError, PermissionMissingError)):
            bring(person, engagement, member, code)
        with pytest.raises((NotFoundError, PermissionMissingError)):
            view_scan(person, engagement_id=engagement.id, person_id=member.person_id or "")
    assert view_scan(leader, engagement_id=engagement.id, person_id=member.person_id or "").person.display_name
    bring(leader, engagement, member, code)
    bring(keeper, engagement, other, code_of(other, engagement))
    with archive.reading(Actor.system("test")) as uow:
        brought = {(row.person_id, row.recorded_by) for row in uow.session.scalars(select(Declaration))}
    assert brought == {(member.person_id, leader.name), (other.person_id, keeper.name)}
    view_engagement(member, engagement_id=engagement.id)


def test_a_file_that_cannot_be_a_signed_sheet_is_refused(
    archive: Archive, people: People, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    before = kept(archive)
    code = code_of(member, engagement)
    other = people.person("verifier")
    set_member(leader, engagement_id=engagement.id, person_id=other.person_id or "", part="member")
    hostile: list[tuple[str, dict[str, Any]]] = [
        ("sheet_unknown", {"code": ""}),
        ("sheet_unknown", {"code": "0000-0000"}),
        ("sheet_unknown", {"code": code_of(other, engagement)}),
        ("sheet_unknown", {"code": "声明\0" * 9}),
        ("empty_file", {"stream": io.BytesIO(b"")}),
        ("name_missing", {"name": ""}),
        ("name_missing", {"name": ".."}),
        ("name_invalid", {"name": "a\nb.pdf"}),
        (NotAScanError.code, {"stream": io.BytesIO(b"<svg onload='alert(1)'/>"), "name": "scan.pdf"}),
        (NotAScanError.code, {"stream": io.BytesIO(b"<script>alert(1)</script>"), "name": "scan.png"}),
        (NotAScanError.code, {"stream": io.BytesIO(b"MZ" + bytes(200)), "name": "scan.pdf"}),
    ]
    for told, changed in hostile:
        with pytest.raises(ArchiveError) as refused:
            bring(member, engagement, member, changed.pop("code", code), **changed)
        assert refused.value.code == told
    limit = archive.rules.upload_limit_bytes
    object.__setattr__(archive.rules, "upload_limit_bytes", 10)
    with pytest.raises(ArchiveError, match="too_large"):
        bring(member, engagement, member, code)
    object.__setattr__(archive.rules, "upload_limit_bytes", limit)
    assert kept(archive) == before
    # A path in the name goes nowhere.
    bring(member, engagement, member, code, name="../../etc/声明.pdf")


@both_databases
def test_a_relation_with_the_client_keeps_from_declaring(
    archive: Archive, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    code = code_of(member, engagement)
    today = archive.today()
    recorded = state_relation(member, engagement_id=engagement.id, kind="consulting", began_on=today, note="培训")
    assert [line.number for line in recorded.touched] == [engagement.number]
    page = view_declaration(member, engagement_id=engagement.id, language=ZH)
    assert isinstance(page.refusal, NotIndependentError)
    with pytest.raises(NotIndependentError, match=r"S0 5\.5"):
        declares(member, engagement)
    with pytest.raises(NotIndependentError, match=r"S0 5\.5"):
        bring(member, engagement, member, code)
    assert sees_nothing(member, engagement)
    assert list_conflicts(leader, engagement_id=engagement.id)[member.person_id].kind == "consulting"
    assert [line.interest.note for line in list_own_interests(member).items] == ["培训"]


def test_a_relation_that_counts_no_longer_is_kept_and_opens(
    archive: Archive, member: Actor, engagement: Engagement
) -> None:
    today = archive.today()
    long_ago = today.replace(year=today.year - 3)
    began_on = long_ago.replace(year=2015)
    recorded = state_relation(
        member, engagement_id=engagement.id, kind="employment", began_on=began_on, ended_on=long_ago
    )
    assert not recorded.touched
    declares(member, engagement)


class _Killed(BaseException):
    """The process ends here."""


def _die(*_args: object, **_more: object) -> None:
    raise _Killed


def together(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
