"""Records: who describes, accepts and returns them, what waits for whom, and what is refused."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from archive_app.casework.models import Record
from archive_app.casework.recording import RecordIncompleteError, after_decision, record_as, record_of
from archive_app.casework.records import describing
from archive_app.casework.records.at_once import accept_many, confirm_proposals, describe_many, return_many
from archive_app.casework.records.describing import (
    NotDescribedError,
    accept_record,
    describe_record,
    return_record,
    stamp_of,
    view_record,
)
from archive_app.casework.records.facts import Facts
from archive_app.casework.records.listing import UNDESCRIBED, RecordFilters, count_records, list_records
from archive_app.casework.records.renditions import (
    link_rendition,
    part_rendition,
)
from archive_app.casework.records.seals import SealFacts, register_seal_use
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.models import Version
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Access, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.trail.reading import EventFilters, list_events
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.factories import People, engagement_of

INVOICE = Facts(type="invoice")
WHOLE = Facts(
    type="invoice",
    source="电能表",
    unit="MWh",
    monitoring_frequency="每月",
    department="动力部",
    cross_check="与台账一致",
)
SEAL = SealFacts("核查专用章", date(2026, 6, 1), 3, "张敏", "王总")
SHEET = Facts(type="sign_in_sheet", evidence_on=date(2026, 5, 12), originator="张敏")


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def member(people: People) -> Actor:
    return people.person("verifier", name="顾言")


@pytest.fixture
def engagement(leader: Actor, member: Actor) -> Engagement:
    return engagement_of(leader, team=[member])


def filed(actor: Actor, engagement: Engagement, name: str, *, level: Level = Level.INTERNAL) -> str:
    content = io.BytesIO(name.encode())
    made = add_document(actor, engagement_id=engagement.id, stream=content, entry=Entry(name=name, level=level))
    assert made.document_id
    return made.document_id


def described(actor: Actor, document_id: str) -> Record:
    """The record that the document is, as somebody sees it; a proposal is none."""
    record = view_record(actor, document_id=document_id).record
    assert record is not None
    return record


@contextmanager
def step(archive: Archive) -> Iterator[UnitOfWork]:
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        yield uow


def brought(archive: Archive, leader: Actor, engagement: Engagement, name: str, *, kind: str = "other") -> str:
    """A document as the client brings it by a link."""
    document_id = filed(leader, engagement, name)
    with step(archive) as uow:
        of_document = update(Version).where(Version.document_id == document_id)
        uow.session.execute(of_document.values(filed_by="request:1"))
        record_as(uow, document_id, type=kind, state="delivered")
    return document_id


def tasks(archive: Archive) -> set[tuple[str, str, str | None]]:
    with archive.reading(Actor.system("test")) as uow:
        found = uow.session.scalars(select(Task).where(Task.closed_at.is_(None), Task.kind.like("casework.record%")))
        return {(task.kind, task.subject_id, task.part or task.person_id) for task in found}


def events(leader: Actor, code: str) -> list[dict[str, object]]:
    return [dict(line.detail) for line in list_events(leader, filters=EventFilters(code=code)).items]


def test_what_the_team_describes_is_accepted_at_once_and_recorded(
    people: People, leader: Actor, member: Actor, engagement: Engagement, archive: Archive, clock: SetClock
) -> None:
    document_id = filed(member, engagement, "签到表.pdf")
    before = view_record(member, document_id=document_id)
    assert (before.record, before.works) == (None, True)
    facts = replace(SHEET, shows="  首次会议 \n 到会者 ", methods=("verify", "ask"), facet="basic_information")
    record = describe_record(member, document_id=document_id, facts=facts, seen="")
    assert (record.state, record.decided_by, record.methods) == ("accepted", member.person_id, "ask,verify")
    assert (record.shows, record.evidence_on) == ("首次会议 到会者", date(2026, 5, 12))
    assert tasks(archive) == set()
    auditor = people.person("security_auditor")
    [told] = events(auditor, "record.described")
    assert (told["title"], told["type"], told["state"]) == ("签到表.pdf", "sign_in_sheet", "accepted")
    assert (told["originator"], told["evidence_on"]) == ("张敏", "2026-05-12")
    # Said again: the decision stays, and only what changed is told.
    clock.advance(seconds=1)
    again = describe_record(leader, document_id=document_id, facts=replace(facts, originator="顾言"))
    assert (again.state, again.decided_by, again.described_by) == ("accepted", member.person_id, leader.person_id)
    newest = events(auditor, "record.described")[0]
    assert (newest["originator"], newest["type_before"]) == ("顾言", "sign_in_sheet")
    assert "evidence_on" not in newest


@both_databases_in_full
def test_activity_data_wait_until_all_is_said(
    leader: Actor, member: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(member, engagement, "发票.pdf")
    record = describe_record(member, document_id=document_id, facts=replace(WHOLE, unit=" "))
    assert record.state == "delivered"
    assert view_record(leader, document_id=document_id).missing == ["unit"]
    assert tasks(archive) == {("casework.record_to_accept", document_id, "leader")}
    with pytest.raises(RecordIncompleteError):
        accept_record(leader, document_id=document_id)
    with pytest.raises(RecordIncompleteError), step(archive) as uow:
        record_as(uow, document_id, type="invoice", state="accepted")
    assert describe_record(member, document_id=document_id, facts=WHOLE).state == "accepted"
    assert tasks(archive) == set()
    # What loses a field waits again; what is no activity data needs none of them.
    incomplete = describe_record(member, document_id=document_id, facts=INVOICE)
    assert (incomplete.state, incomplete.decided_by) == ("delivered", None)
    assert describe_record(member, document_id=document_id, facts=SHEET).state == "accepted"
    assert tasks(archive) == set()


@both_databases
def test_what_the_client_brought_waits_for_somebody(
    people: People, leader: Actor, member: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = brought(archive, leader, engagement, "执照.pdf")
    seen = []
    after_decision(lambda _uow, record: seen.append((record.document_id, record.state)))
    assert describe_record(member, document_id=document_id, facts=Facts(type="legal_papers")).state == "delivered"
    with pytest.raises(ConflictError):
        accept_record(member, document_id=document_id, seen_state="returned")
    with pytest.raises(InvalidInputError):
        return_record(leader, document_id=document_id, reason="  ")
    returned = return_record(leader, document_id=document_id, reason=" 看不\n清 ", seen_state="delivered")
    assert (returned.state, returned.reason) == ("returned", "看不 清")
    assert tasks(archive) == {("casework.record_to_mend", document_id, member.person_id)}
    with pytest.raises(ConflictError):
        return_record(leader, document_id=document_id, reason="又一次")
    # Describing it anew does not bring what the client has to bring.
    assert describe_record(member, document_id=document_id, facts=Facts(type="legal_papers")).state == "returned"
    accepted = accept_record(member, document_id=document_id, seen_state="returned")
    assert (accepted.state, accepted.reason, accepted.decided_by) == ("accepted", "", member.person_id)
    assert seen == [(document_id, "returned"), (document_id, "accepted")]
    assert tasks(archive) == set()
    auditor = people.person("security_auditor")
    assert [told["reason"] for told in events(auditor, "record.returned")] == ["看不 清"]
    assert len(events(auditor, "record.accepted")) == 1
    # Whether somebody said before that it waits or not: who filed it counts.
    unsaid = brought(archive, leader, engagement, "许可证.pdf")
    with step(archive) as uow:
        uow.session.delete(record_of(uow, unsaid))
    assert describe_record(leader, document_id=unsaid, facts=Facts(type="legal_papers")).state == "delivered"
    # One that nobody described as a record cannot be accepted; a proposal counts for nothing.
    silent = filed(leader, engagement, "别的.pdf")
    with step(archive) as uow:
        record_as(uow, silent, type="invoice", state="proposed")
    with pytest.raises(NotDescribedError):
        accept_record(leader, document_id=silent)
    assert describing.read_record(leader, document_id=silent).record is None


def test_what_was_returned_to_the_team_waits_again_when_it_is_mended(
    leader: Actor, member: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(member, engagement, "签到表.pdf")
    describe_record(member, document_id=document_id, facts=SHEET)
    return_record(leader, document_id=document_id, reason="签名不全", seen_state="accepted")
    assert tasks(archive) == {("casework.record_to_mend", document_id, member.person_id)}
    assert describe_record(member, document_id=document_id, facts=SHEET).state == "delivered"
    assert tasks(archive) == {("casework.record_to_accept", document_id, "leader")}
    # It waits still, however often it is described.
    assert describe_record(member, document_id=document_id, facts=SHEET).state == "delivered"
    assert accept_record(leader, document_id=document_id).state == "accepted"
    assert tasks(archive) == set()
    # Activity data, too: completing the description does not accept what somebody returned.
    returned = filed(member, engagement, "发票.pdf")
    describe_record(member, document_id=returned, facts=INVOICE)
    return_record(leader, document_id=returned, reason="看不清")
    for facts in (INVOICE, WHOLE, WHOLE):
        assert describe_record(member, document_id=returned, facts=facts).state == "delivered"


def test_who_may_not_and_what_is_sealed(
    people: People, leader: Actor, member: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(leader, engagement, "签到表.pdf")
    describe_record(leader, document_id=document_id, facts=SHEET)
    reviewer, stranger = people.person("technical_reviewer"), people.person("team_leader")
    whole = people.person("quality_manager")
    acts: tuple[Callable[[Actor], object], ...] = (
        lambda actor: describe_record(actor, document_id=document_id, facts=SHEET),
        lambda actor: accept_record(actor, document_id=document_id),
        lambda actor: return_record(actor, document_id=document_id, reason="x"),
        lambda actor: part_rendition(actor, document_id=document_id),
        lambda actor: register_seal_use(actor, document_id=document_id, facts=SEAL),
    )
    # Let in to read, and no more.
    reader = people.person("verifier")
    with step(archive) as uow:
        told = {"ground": "request", "reason": "", "granted_by": "test", "granted_at": uow.now}
        until = uow.now + timedelta(days=1)
        let_in = Access(id=uow.new_id(), engagement_id=engagement.id, person_id=reader.person_id, until=until, **told)
        uow.session.add(let_in)
    assert view_record(reader, document_id=document_id).works is False
    of, ids = engagement.id, [document_id]
    of_many: tuple[Callable[[Actor], object], ...] = (
        lambda actor: accept_many(actor, engagement_id=of, document_ids=ids),
        lambda actor: return_many(actor, engagement_id=of, document_ids=ids, reason="x"),
    )
    for act in (*acts, *of_many):
        with pytest.raises(NotFoundError):
            act(reader)
    for act in acts:
        with pytest.raises(PermissionMissingError):
            act(reviewer)
        with pytest.raises(NotFoundError):
            act(stranger)
        with pytest.raises(PermissionMissingError):
            act(whole)
    assert view_record(whole, document_id=document_id).works is False
    # A restricted document is nobody's who does not reach its level.
    low = people.person("verifier", level=Level.INTERNAL)
    other = engagement_of(leader, team=[low])
    hidden = filed(leader, other, "机密.pdf", level=Level.RESTRICTED)
    describe_record(leader, document_id=hidden, facts=SHEET)
    with pytest.raises(NotFoundError):
        describe_record(low, document_id=hidden, facts=SHEET)
    assert list_records(low, engagement_id=other.id, filters=RecordFilters()).items == []
    assert count_records(low, engagement_id=other.id) == {}
    assert count_records(leader, engagement_id=other.id) == {"accepted": 1}
    [line] = describe_many(low, engagement_id=other.id, document_ids=[hidden], facts=SHEET)
    assert line.error is not None
    assert line.error.code == "not_found"
    with step(archive) as uow:
        uow.session.get_one(Engagement, engagement.id).sealed_at = uow.now
    for act in (*acts, lambda actor: link_rendition(actor, document_id=document_id, of=hidden, rendition="final")):
        with pytest.raises(EngagementSealedError):
            act(leader)
    assert described(member, document_id).state == "accepted"


REFUSED = [
    (Facts(), "Type of record"),
    (Facts(type="no_such_type"), "Type of record"),
    (replace(SHEET, facet="nowhere"), "Point of the verification"),
    (replace(SHEET, methods=("smell",)), "Methods"),
    (replace(SHEET, evidence_on=date(2026, 11, 22)), "Date of the evidence"),
    (replace(SHEET, evidence_on=date(1899, 12, 31)), "Date of the evidence"),
    (replace(SHEET, period_from=date(2025, 2, 1), period_to=date(2025, 1, 31)), "Period"),
    (replace(SHEET, period_from=date(2025, 2, 1)), "Period"),
    (replace(SHEET, period_to=date(2025, 2, 1)), "Period"),
    (replace(SHEET, period_from=date(2026, 12, 1), period_to=date(2026, 12, 31)), "Period"),
    (replace(SHEET, period_from=date(1800, 1, 1), period_to=date(2025, 1, 1)), "Period"),
    (replace(SHEET, shows="字" * 501), "What it shows"),
    (replace(SHEET, originator="字" * 201), "Originator"),
    (replace(SHEET, originator="a\0b"), "Originator"),
    (replace(SHEET, unit="字" * 61), "Unit"),
    (replace(SHEET, authenticity="perhaps", authenticity_reason="x"), "Verdict on authenticity"),
    (replace(SHEET, authenticity="authentic"), "Reason of the verdict"),
    (replace(SHEET, authenticity_reason="原件"), "Verdict on authenticity"),
]


def test_bad_facts_are_refused_with_their_field_and_change_nothing(
    leader: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(leader, engagement, "签到表.pdf")
    for facts, field in REFUSED:
        with pytest.raises(InvalidInputError) as refused:
            describe_record(leader, document_id=document_id, facts=facts)
        assert refused.value.params["field"] == field, facts
    assert view_record(leader, document_id=document_id).record is None
    # What only looks bad: the very day, a period that goes on, a plan of the year to come.
    today, year = date(2026, 11, 21), (date(2027, 1, 1), date(2027, 12, 31))
    fine = replace(SHEET, evidence_on=today, period_from=today, period_to=date(2026, 12, 31))
    assert describe_record(leader, document_id=document_id, facts=fine).period_to == date(2026, 12, 31)
    plan = Facts(type="monitoring_plan", period_from=year[0], period_to=year[1])
    assert describe_record(leader, document_id=document_id, facts=plan).period_from == year[0]
    with pytest.raises(InvalidInputError), step(archive) as uow:
        record_as(uow, document_id, type="no_such_type", state="accepted")
    with pytest.raises(InvalidInputError), step(archive) as uow:
        record_as(uow, document_id, type="other", state="perhaps")


def test_two_people_at_once_do_not_overwrite_each_other(leader: Actor, member: Actor, engagement: Engagement) -> None:
    document_id = filed(leader, engagement, "签到表.pdf")
    describe_record(member, document_id=document_id, facts=SHEET, seen="")
    with pytest.raises(ConflictError):
        describe_record(leader, document_id=document_id, facts=INVOICE, seen="")
    seen = stamp_of(view_record(leader, document_id=document_id).record)
    [line] = confirm_proposals(leader, engagement_id=engagement.id, proposed={document_id: INVOICE})
    assert (line.error.code if line.error else "") == "conflict"
    assert describe_record(leader, document_id=document_id, facts=SHEET, seen=seen).type == "sign_in_sheet"


@both_databases
def test_many_at_once_each_by_itself(
    people: People, leader: Actor, member: Actor, engagement: Engagement, archive: Archive
) -> None:
    first, second = filed(leader, engagement, "一.pdf"), filed(leader, engagement, "二.pdf")
    third = filed(leader, engagement, "三.pdf")
    foreign = filed(leader, engagement_of(leader), "别处.pdf")
    describe_record(leader, document_id=first, facts=replace(SHEET, authenticity="doubtful", authenticity_reason="旧"))
    lines = describe_many(
        member,
        engagement_id=engagement.id,
        document_ids=[first, second, foreign, second, "019aa2b4-0000-7000-8000-000000000000"],
        facts=Facts(paper_place="档案室 3 柜", authenticity="authentic", authenticity_reason="见过原件"),
    )
    assert [(line.title, line.state, line.error and line.error.code) for line in lines] == [
        ("一.pdf", "accepted", None),
        ("二.pdf", "", "invalid_input"),
        ("", "", "not_found"),
        ("", "", "not_found"),
    ]
    record = described(leader, first)
    # What was left empty stayed; the verdict and its reason go together.
    assert (record.type, record.originator, record.paper_place) == ("sign_in_sheet", "张敏", "档案室 3 柜")
    assert (record.authenticity, record.authenticity_reason) == ("authentic", "见过原件")
    assert [
        line.state
        for line in describe_many(leader, engagement_id=engagement.id, document_ids=[second, third], facts=INVOICE)
    ] == [
        "delivered",
        "delivered",
    ]
    assert [
        line.error and line.error.code
        for line in accept_many(leader, engagement_id=engagement.id, document_ids=[second, first])
    ] == [
        "record_incomplete",
        "conflict",
    ]
    describe_many(leader, engagement_id=engagement.id, document_ids=[second], facts=replace(WHOLE, type=""))
    assert [
        line.state
        for line in return_many(leader, engagement_id=engagement.id, document_ids=[second, third], reason="重交")
    ] == [
        "returned",
        "returned",
    ]
    for wrong in ([], [f"{number}" for number in range(201)]):
        with pytest.raises(InvalidInputError):
            accept_many(leader, engagement_id=engagement.id, document_ids=wrong)
    with pytest.raises(InvalidInputError):
        describe_many(leader, engagement_id=engagement.id, document_ids=[first], facts=Facts())
    with pytest.raises(InvalidInputError):
        return_many(leader, engagement_id=engagement.id, document_ids=[first], reason=" ")
    assert count_records(leader, engagement_id=engagement.id) == {"accepted": 1, "returned": 2}


def test_the_list_is_narrowed_and_paged(leader: Actor, engagement: Engagement, archive: Archive) -> None:
    # While the clock stands still, later ones may sort before earlier ones.
    ids = sorted(filed(leader, engagement, f"{number}.pdf") for number in range(5))
    describe_many(leader, engagement_id=engagement.id, document_ids=ids[:2], facts=SHEET)
    describe_many(leader, engagement_id=engagement.id, document_ids=ids[2:3], facts=INVOICE)
    with step(archive) as uow:
        record_as(uow, ids[3], type="invoice", state="proposed")

    def listed(**told: str) -> list[str]:
        page = list_records(leader, engagement_id=engagement.id, filters=RecordFilters(**told))
        return [line.document.id for line in page.items]

    assert listed() == ids
    assert listed(state=UNDESCRIBED) == ids[3:]
    assert listed(state="accepted") == ids[:2]
    title = view_record(leader, document_id=ids[1]).document.title
    assert listed(state="accepted", text=title[:3]) == ids[1:2]
    assert listed(type="invoice") == ids[2:4]
    assert listed(type="invoice", state="delivered") == ids[2:3]
    assert listed(type="no_such", state="no_such") == []
    page, walked = list_records(leader, engagement_id=engagement.id, filters=RecordFilters(), limit=2), []
    while True:
        walked += [line.document.id for line in page.items]
        if page.next_key is None:
            break
        page = list_records(leader, engagement_id=engagement.id, filters=RecordFilters(), after=page.next_key, limit=2)
    assert walked == ids
    assert count_records(leader, engagement_id=engagement.id) == {"accepted": 2, "delivered": 1, UNDESCRIBED: 2}
