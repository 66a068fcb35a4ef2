"""Nonconformities: raised, answered, confirmed; who may, in which state; what the client does by their link."""

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from archive_app.casework.gates import GATES
from archive_app.casework.models import MaterialRequest, Nonconformity, NonconformityStep, Record, RequestSession
from archive_app.casework.nonconformities import bringing
from archive_app.casework.nonconformities.answering import Correction, answer_by_request, answer_for_client
from archive_app.casework.nonconformities.bringing import EvidenceThereError, bring_evidence
from archive_app.casework.nonconformities.deciding import confirm_correction, return_answer
from archive_app.casework.nonconformities.raising import (
    Finding,
    ask_client,
    raise_nonconformity,
    withdraw_nonconformity,
)
from archive_app.casework.nonconformities.rules import NotOfTheTeamError
from archive_app.casework.nonconformities.showing import (
    list_nonconformities,
    own_nonconformities,
    own_nonconformity,
    view_nonconformity,
)
from archive_app.casework.requests.own import RequestClosedError, RequestOverError
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import CORRECTION_CONFIRMED_BY_ANOTHER, DutiesNotSeparateError
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_A_REQUEST
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.factories import People, declare, engagement_of, file_bytes

CORRECTION = Correction("已更正燃煤低位发热量", "抄录错误", "无", "增加复核")
FINDING = Finding("major", "GB/T 32151.1 5.2", "燃煤低位发热量与检测报告不一致", "检测报告 2025-03 第2页", (), 10)


@dataclass
class Case:
    """An engagement with its people and a link of the client."""

    archive: Archive
    leader: Actor
    member: Actor
    other: Actor
    reviewer: Actor
    engagement: Engagement
    request_id: str
    client: Actor

    def raised(self, finding: Finding = FINDING, *, by_link: bool = True) -> str:
        request_id = self.request_id if by_link else ""
        return raise_nonconformity(
            self.leader, engagement_id=self.engagement.id, finding=finding, request_id=request_id
        ).id

    def answered(self) -> str:
        found = self.raised()
        answer_by_request(self.client, nonconformity_id=found, correction=CORRECTION)
        return found

    def state(self, nonconformity_id: str) -> str:
        with self.archive.reading(Actor.system("test")) as uow:
            return uow.session.get_one(Nonconformity, nonconformity_id).state

    def obstacles(self) -> list[object]:
        with self.archive.reading(Actor.system("test")) as uow:
            engagement = uow.session.get_one(Engagement, self.engagement.id)
            found = GATES["nonconformities_closed"](uow, engagement, scheme_of(uow, engagement))
            return [obstacle.params["number"] for obstacle in found]

    def waiting(self) -> set[tuple[str, str | None]]:
        with self.archive.reading(Actor.system("test")) as uow:
            of_these = select(Task.kind, Task.part).where(
                Task.closed_at.is_(None), Task.kind.startswith("casework.nonconformity")
            )
            return {(row[0].rpartition("_")[2], row[1]) for row in uow.session.execute(of_these)}

    def change(self, statement: object) -> None:
        with self.archive.transaction(Actor.system("test"), eventless=True) as uow:
            uow.session.execute(statement)  # type: ignore[call-overload]


def link_of(archive: Archive, engagement: Engagement) -> tuple[str, Actor]:
    """A link of the client that somebody opened."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        request = MaterialRequest(
            id=uow.new_id(), engagement_id=engagement.id, recipient="王工", channel="told", address="",
            language="zh_Hans_CN", message="", link_sha256=uow.new_id().encode(), until=uow.now + timedelta(days=30),
            sent_at=uow.now, received_bytes=0, created_by="system:test", created_at=uow.now,
        )  # fmt: skip
        uow.session.add(request)
        uow.session.flush()
        session = RequestSession(
            id=uow.new_id(), request_id=request.id, token_sha256=uow.new_id().encode(), name="王工", address="",
            opened_at=uow.now, until=uow.now + timedelta(days=20),
        )  # fmt: skip
        uow.session.add(session)
        uow.session.flush()
    client = Actor(
        name=f"request:{request.id}", via="request", permissions=OF_A_REQUEST, display_name="王工",
        session_id=session.id, highest_level=Level.INTERNAL,
    )  # fmt: skip
    return request.id, client


@pytest.fixture
def case(archive: Archive, people: People) -> Case:
    leader, reviewer = people.person("team_leader", name="张敏"), people.person("technical_reviewer", "verifier")
    member, other = people.person("verifier", name="顾言"), people.person("verifier", name="何平")
    engagement = engagement_of(leader, team=[member, other])
    set_member(leader, engagement_id=engagement.id, person_id=reviewer.person_id or "", part="reviewer")
    declare(archive, engagement.id)
    return Case(archive, leader, member, other, reviewer, engagement, *link_of(archive, engagement))


def refused(expected: type[ArchiveError], act: Callable[[], object]) -> bool:
    with pytest.raises(expected):
        act()
    return True


@both_databases_in_full
def test_the_way_of_a_nonconformity(case: Case, archive: Archive) -> None:
    shown = file_bytes(case.leader, case.engagement, "检测报告.txt", b"report").document_id or ""
    found = case.raised(replace(FINDING, documents=(shown,)))
    second = case.raised(replace(FINDING, grade="observation"), by_link=False)
    page = view_nonconformity(case.member, engagement_id=case.engagement.id, nonconformity_id=found)
    assert (page.nonconformity.position, page.nonconformity.state) == (1, "raised")
    # 21 November 2026 is a Saturday: ten working days end on Friday, 4 December.
    assert page.nonconformity.due_on.isoformat() == "2026-12-04"
    assert [one.document_id for one in page.evidence_documents] == [shown]
    assert page.acts == {"answer", "show", "ask"}
    assert case.obstacles() == [1]
    assert case.waiting() == {("raised", "leader")}
    bring_evidence(case.client, nonconformity_id=found, name="整改.txt", stream=io.BytesIO(b"mended"))
    answer_by_request(case.client, nonconformity_id=found, correction=CORRECTION)
    assert case.waiting() == {("raised", "leader"), ("answered", "leader")}  # the observation waits still
    return_answer(case.leader, nonconformity_id=found, reason="原因分析不充分", days=5)
    own = own_nonconformity(case.client, nonconformity_id=found)
    assert (own.answerable, own.returned_because, list(own.brought)) == (True, "原因分析不充分", ["1 · 整改.txt"])
    assert own.nonconformity.due_on.isoformat() == "2026-11-27"
    answer_by_request(case.client, nonconformity_id=found, correction=CORRECTION)
    confirm_correction(case.member, nonconformity_id=found, effectiveness="抽查三个月，均一致")
    assert case.obstacles() == []
    page = view_nonconformity(case.member, engagement_id=case.engagement.id, nonconformity_id=found)
    kinds = [step.kind for step in page.steps]
    assert kinds == ["raised", "shown", "answered", "returned", "answered", "confirmed"]
    assert [step.name for step in page.steps] == ["张敏", "王工", "王工", "张敏", "王工", "顾言"]
    assert [one.state for one in page.correction_documents] == ["accepted"]
    withdraw_nonconformity(case.leader, nonconformity_id=second, reason="重复")
    assert case.waiting() == set()
    lines = list_nonconformities(case.member, engagement_id=case.engagement.id).items
    assert [(line.nonconformity.position, line.nonconformity.state) for line in lines] == [
        (1, "confirmed"),
        (2, "withdrawn"),
    ]
    third = case.raised()
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.get_one(Nonconformity, third).position == 3


def test_who_corrected_does_not_confirm(case: Case) -> None:
    found = case.raised()
    answer_for_client(case.leader, nonconformity_id=found, answered_by="王工", correction=CORRECTION)
    # The leader entered it, so that somebody else looks at it.
    assert case.waiting() == {("answered", "member")}
    with pytest.raises(DutiesNotSeparateError) as told:
        confirm_correction(case.leader, nonconformity_id=found, effectiveness="有效")
    assert told.value.rule is CORRECTION_CONFIRMED_BY_ANOTHER
    return_answer(case.leader, nonconformity_id=found, reason="再看")
    answer_for_client(case.member, nonconformity_id=found, answered_by="王工", correction=CORRECTION)
    # Whoever gave an earlier answer is kept from it as well.
    for corrector in (case.leader, case.member):
        assert view_nonconformity(corrector, engagement_id=case.engagement.id, nonconformity_id=found).own_answer
        assert refused(
            DutiesNotSeparateError,
            lambda: confirm_correction(corrector, nonconformity_id=found, effectiveness="有效"),  # noqa: B023
        )
    assert case.state(found) == "answered"
    confirm_correction(case.other, nonconformity_id=found, effectiveness="有效")
    assert case.state(found) == "confirmed"


def test_only_the_team_acts_and_only_the_leader_withdraws(case: Case, people: People) -> None:
    found = case.answered()
    stranger = people.person("team_leader", "verifier")
    of_client = people.person("client_contact", "team_leader", organisation="江南热电", name="客户")
    acts: list[Callable[[Actor], object]] = [
        lambda actor: raise_nonconformity(actor, engagement_id=case.engagement.id, finding=FINDING),
        lambda actor: confirm_correction(actor, nonconformity_id=found, effectiveness="有效"),
        lambda actor: return_answer(actor, nonconformity_id=found, reason="不足"),
        lambda actor: withdraw_nonconformity(actor, nonconformity_id=found, reason="误"),
        lambda actor: ask_client(actor, nonconformity_id=found, request_id=case.request_id),
    ]
    for act in acts:
        assert refused(NotFoundError, lambda: act(stranger))  # noqa: B023
        assert refused(NotFoundError, lambda: act(of_client))  # noqa: B023
    # The reviewer works in the engagement, and holds the role of a verifier as well: still not of the team.
    for act in (*acts[:3], acts[4]):
        assert refused(NotOfTheTeamError, lambda: act(case.reviewer))  # noqa: B023
    assert refused(NotFoundError, lambda: acts[3](case.member))
    with pytest.raises(ArchiveError) as told:
        answer_by_request(case.leader, nonconformity_id=found, correction=CORRECTION)
    assert told.value.code == "permission_missing"
    assert case.state(found) == "answered"


def test_the_link_opens_its_own_nonconformities_as_long_as_it_lives(case: Case, archive: Archive) -> None:
    own, of_others = case.raised(), case.raised(by_link=False)
    _, another = link_of(archive, case.engagement)
    assert [one.nonconformity.id for one in own_nonconformities(case.client)] == [own]
    assert own_nonconformities(another) == []
    taken_back = case.raised()
    withdraw_nonconformity(case.leader, nonconformity_id=taken_back, reason="误")
    assert refused(NotFoundError, lambda: own_nonconformity(case.client, nonconformity_id=taken_back))
    for found, client in ((of_others, case.client), (own, another)):
        assert refused(NotFoundError, lambda: own_nonconformity(client, nonconformity_id=found))  # noqa: B023
        assert refused(
            NotFoundError,
            lambda: answer_by_request(client, nonconformity_id=found, correction=CORRECTION),  # noqa: B023
        )
        assert refused(
            NotFoundError,
            lambda: bring_evidence(client, nonconformity_id=found, name="a.txt", stream=io.BytesIO(b"a")),  # noqa: B023
        )
    bring_evidence(case.client, nonconformity_id=own, name="a.txt", stream=io.BytesIO(b"a"))
    assert refused(
        EvidenceThereError,
        lambda: bring_evidence(case.client, nonconformity_id=own, name="b.txt", stream=io.BytesIO(b"a")),
    )
    with archive.reading(Actor.system("test")) as uow:
        record = uow.session.scalars(select(Record).where(Record.type == "correction_evidence")).one()
        assert (record.state, record.originator) == ("delivered", "王工")
        assert uow.session.get_one(Document, record.document_id).level == Level.INTERNAL
        # What came twice is counted twice: its bytes are there.
        assert uow.session.get_one(MaterialRequest, case.request_id).received_bytes == 2
    case.change(update(MaterialRequest).values(ended_at=archive.clock.now()))
    for act in (
        lambda: own_nonconformity(case.client, nonconformity_id=own),
        lambda: answer_by_request(case.client, nonconformity_id=own, correction=CORRECTION),
        lambda: bring_evidence(case.client, nonconformity_id=own, name="c.txt", stream=io.BytesIO(b"c")),
    ):
        assert refused(RequestOverError, act)


def test_a_flood_of_files_through_the_link_is_bounded(
    case: Case, archive: Archive, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, another = case.raised(), case.raised()
    bounds = replace(archive.rules.requests, files_per_minute=2)
    monkeypatch.setitem(archive.__dict__, "rules", replace(archive.rules, requests=bounds))
    monkeypatch.setattr(bringing, "MOST_DOCUMENTS", 3)

    def bring(content: bytes, beside: str = found) -> str:
        try:
            bring_evidence(case.client, nonconformity_id=beside, name="a.txt", stream=io.BytesIO(content))
        except ArchiveError as error:
            return error.code
        return ""

    assert [bring(b"1"), bring(b"2", another), bring(b"3")] == ["", "", "too_many_files"]
    clock.advance(minutes=2)
    assert [bring(b"3"), bring(b"4")] == ["", ""]
    clock.advance(minutes=2)
    assert bring(b"5") == "request_full"
    case.change(update(MaterialRequest).values(received_bytes=bounds.total_bytes - 3))
    assert [bring(b"four", another), bring(b"six", another)] == ["request_full", ""]
    with archive.reading(Actor.system("test")) as uow:
        kept = uow.session.scalars(select(Version.size_bytes).order_by(Version.size_bytes)).all()
        assert kept == [1, 1, 1, 1, 3]


def test_nobody_learns_of_documents_above_their_level(case: Case, archive: Archive, people: People) -> None:
    low = people.person("verifier", level=Level.INTERNAL)
    set_member(case.leader, engagement_id=case.engagement.id, person_id=low.person_id or "", part="member")
    declare(archive, case.engagement.id)
    made = [
        file_bytes(case.leader, case.engagement, f"机密{place}.txt", b"%d" % place).document_id or ""
        for place in range(2)
    ]
    found = case.raised(replace(FINDING, documents=made[:1]), by_link=False)
    answer_for_client(
        case.leader, nonconformity_id=found, answered_by="王工", correction=CORRECTION, documents=made[1:]
    )
    case.change(update(Document).where(Document.id.in_(made)).values(level=Level.SENSITIVE))
    low_page = view_nonconformity(low, engagement_id=case.engagement.id, nonconformity_id=found)
    assert (low_page.evidence, list(low_page.evidence_documents), list(low_page.correction_documents)) == (None, [], [])
    page = view_nonconformity(case.member, engagement_id=case.engagement.id, nonconformity_id=found)
    assert (page.evidence, len(page.evidence_documents), len(page.correction_documents)) == (FINDING.evidence, 1, 1)
    # Nor by naming one: what one does not see is not there.
    assert refused(
        NotFoundError,
        lambda: raise_nonconformity(
            low, engagement_id=case.engagement.id, finding=replace(FINDING, documents=tuple(made))
        ),
    )
    elsewhere = engagement_of(case.leader)
    foreign = file_bytes(case.leader, elsewhere, "别处.txt", b"x").document_id or ""
    assert refused(NotFoundError, lambda: case.raised(replace(FINDING, documents=(foreign,))))


def test_what_is_typed_is_checked_and_a_sealed_file_refuses_everything(case: Case, archive: Archive) -> None:
    wrong = [
        {"grade": "catastrophic"},
        {"clause": " "},
        {"statement": "\n"},
        {"statement": "x" * 2001},
        {"statement": "a\0b"},
        {"days": 0},
        {"days": 251},
        {"documents": tuple(str(number) for number in range(101))},
    ]
    for change in wrong:
        assert refused(InvalidInputError, lambda: case.raised(replace(FINDING, **change)))  # type: ignore[arg-type]  # noqa: B023
    elsewhere, _ = link_of(archive, engagement_of(case.leader))
    assert refused(
        NotFoundError,
        lambda: raise_nonconformity(
            case.leader, engagement_id=case.engagement.id, finding=FINDING, request_id=elsewhere
        ),
    )
    found = case.raised(replace(FINDING, statement="第一行\r\n第二行\t列"))
    page = view_nonconformity(case.leader, engagement_id=case.engagement.id, nonconformity_id=found)
    assert page.nonconformity.statement == "第一行\n第二行 列"
    assert page.nonconformity.position == 1
    for lacking in (replace(CORRECTION, correction=""), replace(CORRECTION, cause=" ")):
        assert refused(
            InvalidInputError,
            lambda: answer_by_request(case.client, nonconformity_id=found, correction=lacking),  # noqa: B023
        )
    answer_by_request(case.client, nonconformity_id=found, correction=CORRECTION)
    case.change(update(Engagement).where(Engagement.id == case.engagement.id).values(sealed_at=archive.clock.now()))
    team: list[Callable[[], object]] = [
        case.raised,
        lambda: confirm_correction(case.member, nonconformity_id=found, effectiveness="有效"),
        lambda: return_answer(case.member, nonconformity_id=found, reason="不足"),
        lambda: withdraw_nonconformity(case.leader, nonconformity_id=found, reason="误"),
        lambda: ask_client(case.leader, nonconformity_id=found, request_id=case.request_id),
        lambda: answer_for_client(case.member, nonconformity_id=found, answered_by="王", correction=CORRECTION),
    ]
    for act in team:
        assert refused(EngagementSealedError, act)
    assert refused(
        RequestClosedError, lambda: answer_by_request(case.client, nonconformity_id=found, correction=CORRECTION)
    )
    assert view_nonconformity(case.leader, engagement_id=case.engagement.id, nonconformity_id=found).acts == set()


@both_databases
def test_of_acts_at_the_same_time_one_counts(case: Case, archive: Archive) -> None:
    def together(*acts: Callable[[], object]) -> list[str]:
        told: list[str] = []
        gate = threading.Barrier(len(acts))

        def run(act: Callable[[], object]) -> None:
            with archive.activate():
                gate.wait()
                try:
                    act()
                    told.append("done")
                except ArchiveError as error:
                    told.append(error.code)

        threads = [threading.Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(told)

    confirmed = case.answered()
    acts = [
        lambda actor=actor: confirm_correction(actor, nonconformity_id=confirmed, effectiveness="有效")
        for actor in (case.leader, case.member, case.other)
    ]
    assert together(*acts) == ["done", "nonconformity_state", "nonconformity_state"]
    contested = case.raised()
    told = together(
        lambda: answer_by_request(case.client, nonconformity_id=contested, correction=CORRECTION),
        lambda: withdraw_nonconformity(case.leader, nonconformity_id=contested, reason="误"),
    )
    # Answered first, it is withdrawn after; withdrawn first, it takes no answer.
    assert told in (["done", "done"], ["done", "nonconformity_state"])
    assert case.state(contested) == "withdrawn"
    assert together(case.raised, case.raised, case.raised) == ["done"] * 3
    with archive.reading(Actor.system("test")) as uow:
        positions = uow.session.scalars(select(Nonconformity.position).order_by(Nonconformity.position)).all()
        confirmations = select(NonconformityStep.id).where(NonconformityStep.kind == "confirmed")
        assert positions == [1, 2, 3, 4, 5]
        assert len(uow.session.scalars(confirmations).all()) == 1
