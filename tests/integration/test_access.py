"""Access on request: the same answer whatever exists, decided by another, for a time; and who may see an engagement."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update

from archive_app.engagements import requests
from archive_app.engagements.access import end_access
from archive_app.engagements.audience import who_may_see
from archive_app.engagements.models import Access, AccessRequest, Assignment, Client
from archive_app.engagements.requests import (
    AlreadyAssignedError,
    OpensNothingError,
    TooManyRequestsError,
    ask_for_access,
    attach_request,
    grant_access,
    list_own_requests,
    list_waiting,
    refuse_access,
    withdraw_request,
)
from archive_app.engagements.teams import remove_member
from archive_app.identity.actors import acting_as
from archive_app.identity.models import Person, PersonRole, SecondFactor
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import (
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

FAR = datetime.max.replace(tzinfo=UTC)


def sees(archive: Archive, actor: Actor, engagement_id: str) -> bool:
    with archive.reading(actor) as uow:
        return archive.policy.allows(uow.session, actor, "engagement", engagement_id)


def ask(actor: Actor, wanted: str, *, days: int = 7, grounds: str = "投诉处理需要") -> AccessRequest:
    return ask_for_access(actor, wanted=wanted, grounds=grounds, days=days)


def events(archive: Archive, code: str) -> list[dict[str, str]]:
    with archive.reading(Actor.system("test")) as uow:
        ids = uow.session.scalars(select(Event.id).where(Event.code == code).order_by(Event.id)).all()
        rows = uow.session.scalars(select(EventSubject).where(EventSubject.event_id.in_(ids))).all()
    return [{row.kind: row.subject_id for row in rows if row.event_id == key} for key in ids]


@both_databases
def test_access_is_asked_for_granted_for_a_time_and_over_by_itself(
    archive: Archive, people: People, clock: SetClock, workbench: Workbench
) -> None:
    leader, handler = people.person("team_leader"), people.person("complaint_handler")
    engagement = engagement_of(leader)
    request = ask(handler, f" {engagement.number.lower()} ", days=10)
    assert request.engagement_id == engagement.id
    assert not sees(archive, handler, engagement.id)
    [line] = list_waiting(leader, engagement_id=engagement.id).items
    assert (line.asked_by, line.own) == (handler.display_name, False)
    access = grant_access(leader, request_id=request.id, days=3, reason="可以")
    assert access.until == clock.now() + timedelta(days=3)
    assert sees(archive, handler, engagement.id)
    [own] = list_own_requests(handler).items
    assert (own.state(clock.now()), own.engagement and own.engagement.id) == ("open", engagement.id)
    clock.advance(days=3)
    assert not sees(archive, handler, engagement.id)
    [own] = list_own_requests(handler).items
    assert (own.state(clock.now()), own.engagement) == ("over", None)
    workbench.worker.plan_periodic()
    workbench.run()
    # A clock that goes back opens nothing again.
    clock.advance(days=-2)
    assert not sees(archive, handler, engagement.id)
    codes = ("access.asked", "access.granted", "access.expired")
    assert all(events(archive, code)[0]["engagement"] == engagement.id for code in codes)
    assert len(events(archive, "access.expired")) == 1


@both_databases
def test_the_answer_is_the_same_whatever_exists(archive: Archive, people: People) -> None:
    leader, other = people.person("team_leader"), people.person("team_leader", organisation="远山认证")
    asking = people.person("verifier")
    mine, foreign = engagement_of(leader, title="年度核查 同名"), engagement_of(other)
    asked = [ask(asking, wanted) for wanted in (mine.number, foreign.number, foreign.id, "没有这个项目", mine.title)]
    assert [request.engagement_id for request in asked] == [mine.id, None, None, None, mine.id]
    lines = list_own_requests(asking).items
    assert {(line.state(archive.clock.now()), line.access, line.engagement) for line in lines} == {
        ("waiting", None, None)
    }
    # The other organisation hears nothing of it, and neither does anybody's colleague.
    assert list_waiting(other).items == []
    assert {line.request.id for line in list_waiting(leader).items} == {asked[0].id, asked[4].id}
    archivist = people.person("archivist")
    assert {line.request.id for line in list_waiting(archivist).items} == {request.id for request in asked}
    assert list_waiting(people.person("archivist", organisation="远山认证")).items == []
    with pytest.raises(PermissionMissingError):
        list_waiting(people.person("verifier"))


def test_a_title_that_two_engagements_have_is_found_to_mean_none(people: People) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    first, _ = engagement_of(leader, title="同名"), engagement_of(leader, title="同名")
    assert ask(asking, "同名").engagement_id is None
    assert ask(asking, first.number).engagement_id == first.id


def test_the_archivist_says_which_engagement_is_meant(archive: Archive, people: People) -> None:
    leader, archivist, asking = (people.person(role) for role in ("team_leader", "archivist", "verifier"))
    foreign = engagement_of(people.person("team_leader", organisation="远山认证"))
    engagement = engagement_of(leader)
    request = ask(asking, "去年那家电厂")
    with pytest.raises(InvalidInputError):
        grant_access(archivist, request_id=request.id)
    for wanted in (foreign.number, foreign.id, "没有"):
        with pytest.raises(InvalidInputError):
            attach_request(archivist, request_id=request.id, wanted=wanted)
    with pytest.raises(NotFoundError):
        attach_request(leader, request_id=request.id, wanted=engagement.number)
    attach_request(archivist, request_id=request.id, wanted=engagement.number)
    with pytest.raises(ConflictError):
        attach_request(archivist, request_id=request.id, wanted=engagement.number)
    grant_access(leader, request_id=request.id)
    assert sees(archive, asking, engagement.id)


def test_nobody_decides_about_their_own_request(archive: Archive, people: People) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    engagement = engagement_of(leader)
    request = ask(archivist, engagement.number)
    for decide in (grant_access, lambda actor, request_id: refuse_access(actor, request_id=request_id, reason="不")):
        with pytest.raises(DutiesNotSeparateError) as refused:
            decide(archivist, request_id=request.id)
        assert refused.value.rule.name == "access_decided_by_another"
    grant_access(leader, request_id=request.id)
    # By name, and therefore up to what they are cleared for, not up to what a role of the whole organisation sees.
    with archive.reading(archivist) as uow:
        grounds = dict(archive.policy.grounds(uow.session, archivist, "engagement", engagement.id))
    assert grounds == {"whole_organisation": Level.SENSITIVE, "request": Level.RESTRICTED}


def test_a_refusal_has_a_reason_that_the_asker_reads(archive: Archive, people: People) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    request = ask(asking, engagement.number)
    for reason in ("", " \n ", "理" * 1001):
        with pytest.raises(InvalidInputError):
            refuse_access(leader, request_id=request.id, reason=reason)
    refuse_access(leader, request_id=request.id, reason="与本次投诉无关")
    [own] = list_own_requests(asking).items
    assert (own.state(archive.clock.now()), own.request.reason) == ("refused", "与本次投诉无关")
    for again in (grant_access, lambda a, request_id: refuse_access(a, request_id=request_id, reason="再")):
        with pytest.raises(ConflictError):
            again(leader, request_id=request.id)
    with pytest.raises(ConflictError):
        withdraw_request(asking, request_id=request.id)
    assert not sees(archive, asking, engagement.id)
    assert len(events(archive, "access.refused")) == 1


@both_databases
def test_of_two_who_decide_at_once_one_wins(archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, archivist, asking = (people.person(role) for role in ("team_leader", "archivist", "verifier"))
    engagement = engagement_of(leader)
    request = ask(asking, engagement.number)
    both, locked = threading.Barrier(2, timeout=20), requests._locked

    def together(*args: object) -> AccessRequest:
        # Both have been let in before either of them holds the row; one writer at a time passes here alone.
        if archive.engine.dialect.name == "postgresql":
            both.wait()
        return locked(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(requests, "_locked", together)
    outcomes: list[str] = []

    def run(decide: Callable[[], object]) -> None:
        with archive.activate():
            try:
                decide()
                outcomes.append("decided")
            except ConflictError:
                outcomes.append("late")

    deciding = [
        threading.Thread(target=run, args=(lambda: grant_access(leader, request_id=request.id),)),
        threading.Thread(target=run, args=(lambda: refuse_access(archivist, request_id=request.id, reason="不"),)),
    ]
    for thread in deciding:
        thread.start()
    for thread in deciding:
        thread.join(30)
    assert sorted(outcomes) == ["decided", "late"]
    with archive.reading(Actor.system("test")) as uow:
        outcome = uow.session.get_one(AccessRequest, request.id).outcome
        granted = uow.session.scalar(select(func.count()).select_from(Access))
    assert granted == (1 if outcome == "granted" else 0)
    assert len(events(archive, "access.granted")) + len(events(archive, "access.refused")) == 1


def test_what_cannot_be_asked_or_granted(archive: Archive, people: People) -> None:
    leader, asking, officer = (people.person(role) for role in ("team_leader", "verifier", "security_officer"))
    engagement = engagement_of(leader)
    for days in (0, -1, 91, 10**9):
        with pytest.raises(InvalidInputError):
            ask(asking, engagement.number, days=days)
    for wanted, grounds in (("", "有"), ("有", ""), ("有" * 201, "有"), ("有", "有" * 1001), ("a\0b", "有")):
        with pytest.raises(InvalidInputError):
            ask(asking, wanted, grounds=grounds)
    with pytest.raises(PermissionMissingError):
        ask(replace(asking, permissions=frozenset()), engagement.number)
    request = ask(asking, engagement.number, days=5)
    for days in (0, 6, 90):
        with pytest.raises(InvalidInputError):
            grant_access(leader, request_id=request.id, days=days)
    with pytest.raises(ConfirmationRequiredError):
        grant_access(replace(leader, confirmed_at=None), request_id=request.id)
    # Granting content to a role that opens none would look like a grant and be none.
    with pytest.raises(OpensNothingError):
        grant_access(leader, request_id=ask(officer, engagement.number).id)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Person).where(Person.id == asking.person_id).values(active=False))
    with pytest.raises(OpensNothingError):
        grant_access(leader, request_id=request.id)


def test_a_person_has_a_bounded_number_of_requests_waiting(people: People, clock: SetClock) -> None:
    asking = people.person("verifier")
    asked = [ask(asking, f"项目 {number}") for number in range(requests.MOST_WAITING)]
    with pytest.raises(TooManyRequestsError):
        ask(asking, "再一个")
    withdraw_request(asking, request_id=asked[0].id)
    clock.advance(seconds=1)
    ask(asking, "再一个")
    [first, *_] = list_own_requests(asking).items
    assert first.request.wanted == "再一个"


def test_the_assigned_declare_and_the_removed_may_ask(archive: Archive, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader, team=[member])
    with pytest.raises(AlreadyAssignedError):
        ask(member, engagement.number)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Assignment).where(Assignment.person_id == member.person_id).values(declared_at=None))
    with pytest.raises(AlreadyAssignedError):
        ask(member, engagement.title)
    remove_member(leader, engagement_id=engagement.id, person_id=member.person_id or "")
    request = ask(member, engagement.number)
    grant_access(leader, request_id=request.id)
    assert sees(archive, member, engagement.id)
    with archive.reading(member) as uow:
        assert not archive.policy.allows(uow.session, member, "engagement.work", engagement.id)


@both_databases
def test_access_ends_at_once_by_whoever_decides_or_has_it(archive: Archive, people: People, clock: SetClock) -> None:
    leader, archivist, asking = (people.person(role) for role in ("team_leader", "archivist", "verifier"))
    engagement = engagement_of(leader)
    for ending in (leader, archivist, asking):
        access = grant_access(leader, request_id=ask(asking, engagement.number).id)
        assert sees(archive, asking, engagement.id)
        with pytest.raises(NotFoundError):
            end_access(people.person("verifier"), access_id=access.id)
        end_access(ending, access_id=access.id, reason="不再需要")
        assert not sees(archive, asking, engagement.id)
        with pytest.raises(ConflictError):
            end_access(ending, access_id=access.id)
    clock.advance(days=-30)
    assert not sees(archive, asking, engagement.id)
    assert len(events(archive, "access.ended")) == 3


def test_identifiers_of_another_organisation_open_nothing_and_are_recorded(archive: Archive, people: People) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    request = ask(asking, engagement.number)
    granted = grant_access(leader, request_id=ask(asking, engagement.number).id)
    outside = people.person("archivist", "team_leader", organisation="远山认证")
    tried: list[Callable[[], object]] = [
        lambda: grant_access(outside, request_id=request.id),
        lambda: refuse_access(outside, request_id=request.id, reason="不"),
        lambda: attach_request(outside, request_id=request.id, wanted=engagement.number),
        lambda: withdraw_request(outside, request_id=request.id),
        lambda: end_access(outside, access_id=granted.id),
        lambda: who_may_see(outside, engagement_id=engagement.id),
    ]
    for attempt in tried:
        with pytest.raises(NotFoundError):
            attempt()
    denials = [
        event for event in events(archive, ACCESS_DENIED.code) if event["organisation"] == outside.organisation_id
    ]
    assert len(denials) == len(tried)
    # A colleague can take back nobody's request either, nor can anybody do anything to what is not there.
    with pytest.raises(NotFoundError):
        withdraw_request(leader, request_id=request.id)
    with pytest.raises(NotFoundError):
        grant_access(leader, request_id="019aa2b4-0000-7000-8000-000000000000")


def test_what_ran_out_is_ended_once(archive: Archive, people: People, clock: SetClock, workbench: Workbench) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    ends = [grant_access(leader, request_id=ask(asking, engagement.number, days=days).id).until for days in (1, 2, 9)]
    clock.advance(days=2)
    for _ in range(2):
        workbench.worker.plan_periodic()
        workbench.run()
        clock.advance(minutes=2)
    with archive.reading(Actor.system("test")) as uow:
        rows = uow.session.execute(select(Access.until, Access.ended_at).order_by(Access.until)).all()
    assert [tuple(row) for row in rows] == [(ends[0], ends[0]), (ends[1], ends[1]), (ends[2], None)]
    assert len(events(archive, "access.expired")) == 2


@both_databases
def test_who_may_see_is_who_the_policy_lets_see(archive: Archive, people: People, clock: SetClock) -> None:
    """Every role, inside and outside, with every kind of assignment, access, and what is missing to hold a role."""
    leader, archivist = people.person("team_leader"), people.person("archivist")
    entity = people.organisation("江南热电", kind="reporting_entity")
    cast = [leader, archivist]
    inside = ("verifier", "quality_manager", "top_manager", "internal_auditor", "complaint_handler", "verifier")
    cast += [people.person(role) for role in inside]
    cast += [people.person(role) for role in ("system_administrator", "security_officer", "security_auditor")]
    cast += [people.person("client_contact", organisation="江南热电") for _ in range(2)]
    cast += [people.person(role, organisation="远山认证") for role in ("archivist", "team_leader", "quality_manager")]
    lost_factor, unpaid = people.person("archivist"), people.person("quality_manager")
    cast += [lost_factor, unpaid]
    team = people.person("verifier"), people.person("verifier")
    cast += team
    engagement, other = engagement_of(leader, team=team), engagement_of(leader)
    grant_access(leader, request_id=ask(cast[6], engagement.number).id)
    over = grant_access(leader, request_id=ask(cast[7], engagement.number, days=1).id)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Client).where(Client.id == engagement.client_id).values(entity_id=entity))
        undeclared = update(Assignment).where(Assignment.person_id == team[1].person_id).values(declared_at=None)
        uow.session.execute(undeclared)
        uow.session.execute(delete(SecondFactor).where(SecondFactor.person_id == lost_factor.person_id))
        uow.session.execute(update(PersonRole).where(PersonRole.person_id == unpaid.person_id).values(granted_at=None))
        uow.session.execute(update(Person).where(Person.id == cast[12].person_id).values(active=False))
        # Somebody who is assigned without a declaration and was let in as well sees nothing all the same.
        uow.session.add(
            Access(
                id=uow.new_id(),
                engagement_id=engagement.id,
                person_id=team[1].person_id or "",
                ground="request",
                reason="x",
                granted_by="x",
                granted_at=uow.now,
                until=uow.now + timedelta(days=9),
            )
        )
    clock.advance(days=1)
    assert over.until <= clock.now()
    for of in (engagement, other):
        told = {person.person_id: person for person in who_may_see(archivist, engagement_id=of.id).onlookers}
        with archive.reading(Actor.system("test")) as uow:
            for row in uow.session.scalars(select(Person)):
                actor = acting_as(uow, row)
                allowed = row.active and archive.policy.allows(uow.session, actor, "engagement", of.id)
                assert allowed == (row.id in told), (row.display_name, actor.roles)
                if allowed:
                    grounds = archive.policy.grounds(uow.session, actor, "engagement", of.id)
                    assert told[row.id].highest_level == max(level for _, level in grounds)
                    assert len(told[row.id].reasons) >= len(grounds) > 0
    audience = who_may_see(leader, engagement_id=engagement.id)
    assert [name for name, _ in audience.undeclared] == [team[1].display_name]
    assert audience.may_decide
    with pytest.raises(NotFoundError):
        who_may_see(team[0], engagement_id=engagement.id)
    assert not who_may_see(cast[3], engagement_id=engagement.id).may_decide
