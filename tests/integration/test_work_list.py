"""My work: what waits for whom, in which order, and what shows to nobody who may not see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from archive_app.engagements.glass import break_glass
from archive_app.engagements.requests import (
    ask_for_access,
    attach_request,
    grant_access,
    refuse_access,
    withdraw_request,
)
from archive_app.engagements.teams import declared, remove_member, set_member
from archive_app.engagements.waiting import DECLARE, GLASS
from archive_app.identity.accounts import deactivate, invite, reactivate
from archive_app.identity.granting import grant_roles, propose_roles, refuse_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.worklist.kinds import KINDS, TaskKind, task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import Addressee, close_tasks, open_task
from archive_app.worklist.work import (
    LATER,
    MOST_COUNTED,
    OVERDUE,
    THIS_WEEK,
    TODAY,
    WITHOUT_DAY,
    WorkFilters,
    WorkLine,
    count_work,
    find_task,
    list_work,
    note_task,
)
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of

EVERYTHING = WorkFilters()
HERE = {"test.review", "test.count", "engagements.declare", "engagements.decide_access", "engagements.glass_broken"}
HERE |= {"identity.roles_wait"}
REVIEW = task_kind("test.review", "Review", why="You review", endpoint="engagements.team_page")
COUNT = task_kind("test.count", "Count", why="You count", endpoint="engagements.team_page")


@contextmanager
def unit(archive: Archive) -> Iterator[UnitOfWork]:
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        yield uow


def waiting(actor: Actor, **filters: object) -> list[tuple[str, str]]:
    """Kind and subject's name of what waits for somebody, of the kinds that are looked at here."""
    found = list_work(actor, filters=WorkFilters(**filters), limit=500).items  # type: ignore[arg-type]
    return [(line.task.kind, line.task.about) for line in found if line.task.kind in HERE]


def lines(actor: Actor) -> list[WorkLine]:
    """The same as lines."""
    return [line for line in list_work(actor, filters=EVERYTHING).items if line.task.kind in HERE]


def kinds_for(actor: Actor) -> list[str]:
    return [kind for kind, _ in waiting(actor)]


@both_databases
def test_what_waits_is_listed_by_day_and_paged_by_key(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    today = archive.today()
    assert today.isoformat() == "2026-11-21"  # a Saturday
    days = {"none": None, "yesterday": -1, "today": 0, "sunday": 1, "monday": 2, "long ago": -400, "also today": 0}
    with unit(archive) as uow:
        for name, offset in days.items():
            due = None if offset is None else Due(today + timedelta(days=offset), provisional=offset == 2)
            open_task(
                uow,
                REVIEW,
                to=Addressee(person_id=leader.person_id),
                subject_id=name,
                organisation_id=leader.organisation_id or "",
                engagement_id=engagement.id if name != "none" else None,
                about=name,
                due=due,
            )
    expected = [
        ("long ago", OVERDUE),
        ("yesterday", OVERDUE),
        ("today", TODAY),
        ("also today", TODAY),
        ("sunday", THIS_WEEK),
        ("monday", LATER),
        ("none", WITHOUT_DAY),
    ]
    found, after = [], None
    for number in range(len(expected)):
        page = list_work(leader, filters=WorkFilters(kind="test.review"), after=after, limit=1)
        [line] = page.items
        found.append((line.task.about, line.group))
        assert (line.engagement is None) == (line.task.about == "none")
        assert line.engagement is None or (line.engagement.number, line.engagement.title) == (
            engagement.number,
            engagement.title,
        )
        assert line.task.provisional == (line.task.about == "monday")
        assert (line.due_on is None) == (line.task.about == "none")
        after = page.next_key
        assert (after is None) == (number == len(expected) - 1), found
    assert found == expected
    assert [name for _, name in waiting(leader, overdue=True)] == ["long ago", "yesterday"]
    assert [name for _, name in waiting(leader, engagement=engagement.number)] == [n for n, _ in expected[:-1]]
    assert waiting(leader, engagement="HC-none") == waiting(leader, kind="test.other") == []
    assert len(waiting(leader, kind="test.review")) == len(expected)
    for wrong in ("x", "W1siMjAyNi0wMS0wMSIsIngiXQ"):
        with pytest.raises(InvalidInputError):
            list_work(leader, filters=EVERYTHING, after=wrong)


@both_databases
def test_a_task_waits_for_a_person_a_part_or_a_permission_and_for_nobody_else(archive: Archive, people: People) -> None:
    leader, outside = people.person("team_leader"), people.person("verifier")
    member = people.person("verifier", "team_leader")
    keeper, stranger = people.person("archivist"), people.person("archivist", organisation="他人核查")
    engagement = engagement_of(leader, team=[member])
    to = {
        "person": Addressee(person_id=member.person_id),
        "part": Addressee(part="leader"),
        "permission": Addressee(permission=Permission.ENGAGEMENTS_KEEP),
    }
    with unit(archive) as uow:
        for name, addressee in to.items():
            for engagement_id in (engagement.id, None if name != "part" else engagement.id):
                open_task(
                    uow,
                    REVIEW,
                    to=addressee,
                    subject_id=f"{name} {engagement_id}",
                    organisation_id=engagement.organisation_id,
                    engagement_id=engagement_id,
                    about=name,
                )
    everybody = {"leader": leader, "member": member, "outside": outside, "keeper": keeper, "stranger": stranger}
    found = {name: sorted(about for _, about in waiting(actor)) for name, actor in everybody.items()}
    assert found == {
        "leader": ["part"],
        "member": ["person", "person"],
        "outside": [],
        "keeper": ["permission", "permission"],
        "stranger": [],
    }
    for actor in everybody.values():
        assert count_work(actor) == len(list_work(actor, filters=EVERYTHING, limit=500).items)
    # The policy for one task and the branches of the list never disagree.
    with archive.reading(Actor.system("test")) as uow:
        tasks = list(uow.session.query(Task.id, Task.about))
    for actor in everybody.values():
        listed = {line.task.id for line in list_work(actor, filters=EVERYTHING).items}
        with archive.reading(actor) as uow:
            assert {
                task_id for task_id, _ in tasks if archive.policy.allows(uow.session, actor, "task", task_id)
            } == listed
    # Whoever left the team sees nothing of the engagement any more, whatever waited for them by name.
    remove_member(leader, engagement_id=engagement.id, person_id=member.person_id or "")
    assert [about for _, about in waiting(member)] == ["person"]
    set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="leader")
    assert sorted(kinds_for(member)) == [DECLARE.code, "test.review"]
    with unit(archive) as uow:
        declared(uow, engagement.id, member.person_id or "")
    assert sorted(about for _, about in waiting(member)) == ["part", "person", "person"]
    with pytest.raises(PermissionMissingError):
        count_work(people.person("security_auditor"))


def test_a_task_is_open_once_and_takes_the_new_day(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    first, later = date(2026, 12, 1), date(2026, 12, 9)
    common = {"to": Addressee(person_id=leader.person_id), "subject_id": "s", "organisation_id": leader.organisation_id}
    with unit(archive) as uow:
        one = open_task(uow, REVIEW, due=Due(first, provisional=True), **common)  # type: ignore[arg-type]
        assert open_task(uow, REVIEW, due=Due(later), **common).id == one.id  # type: ignore[arg-type]
        open_task(uow, COUNT, **common)  # type: ignore[arg-type]
    [line, _] = lines(leader)
    assert (line.due_on, line.task.provisional) == (later, False)
    with unit(archive) as uow:
        close_tasks(uow, REVIEW, subject_id="s")
        close_tasks(uow, REVIEW, subject_id="another")
    assert kinds_for(leader) == ["test.count"]
    with unit(archive) as uow:
        assert open_task(uow, REVIEW, **common).id != one.id  # type: ignore[arg-type]
    assert len(kinds_for(leader)) == 2


def test_the_badge_counts_to_ninety_nine_and_no_further(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    for number in (MOST_COUNTED, 3):
        with unit(archive) as uow:
            for _ in range(number):
                open_task(
                    uow,
                    COUNT,
                    to=Addressee(person_id=leader.person_id),
                    subject_id=uow.new_id(),
                    organisation_id=leader.organisation_id or "",
                )
        assert count_work(leader) == min(number + (MOST_COUNTED if number == 3 else 0), MOST_COUNTED + 1)


def test_declarations_requests_and_broken_glass_wait_where_they_are_done(
    archive: Archive, people: People, clock: SetClock
) -> None:
    leader, member, keeper = people.person("team_leader"), people.person("verifier"), people.person("archivist")
    asking = people.person("verifier", name="求阅者")
    engagement = engagement_of(leader)
    set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    assert waiting(member) == [(DECLARE.code, "")]
    [line] = lines(member)
    assert line.engagement is not None
    assert line.engagement.number == engagement.number
    remove_member(leader, engagement_id=engagement.id, person_id=member.person_id or "")
    assert waiting(member) == []
    # A request goes to the leader; one that means nothing to whoever keeps the archive, until it is put to one.
    placed = ask_for_access(asking, wanted=engagement.number, grounds="交叉核对", days=3)
    vague = ask_for_access(asking, wanted="那家电厂", grounds="交叉核对", days=3)
    decide = "engagements.decide_access"
    assert (waiting(leader), waiting(keeper)) == ([(decide, "求阅者")], [(decide, "求阅者")])
    attach_request(keeper, request_id=vague.id, wanted=engagement.number)
    assert (len(waiting(leader)), waiting(keeper)) == (2, [])
    grant_access(leader, request_id=placed.id)
    refuse_access(leader, request_id=vague.id, reason="不需要")
    assert waiting(leader) == []
    third = ask_for_access(asking, wanted="还有一家", grounds="交叉核对", days=3)
    withdraw_request(asking, request_id=third.id)
    assert waiting(keeper) == []
    # An alarm stays until it was noted; nobody but its leader notes it, and nobody notes what asks for more.
    break_glass(keeper, engagement_id=engagement.id, reason="监管部门现场要求调阅")
    assert waiting(leader) == [(GLASS.code, keeper.display_name)]
    [alarm] = lines(leader)
    with pytest.raises(NotFoundError):
        note_task(member, task_id=alarm.task.id)
    note_task(leader, task_id=alarm.task.id)
    assert find_task(leader, task_id=alarm.task.id).task.outcome == "done"
    with pytest.raises(ConflictError):
        note_task(leader, task_id=alarm.task.id)
    assert waiting(leader) == []
    set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    [to_declare] = lines(member)
    with pytest.raises(ConflictError):
        note_task(member, task_id=to_declare.task.id)


def test_proposed_roles_wait_for_the_security_officer(people: People) -> None:
    administrator, officer = people.person("system_administrator"), people.person("security_officer")
    other = people.person("security_officer", organisation="他人核查")
    roles = "identity.roles_wait"
    handed = invite(administrator, login="newcomer", display_name="新来者", roles=["verifier"], language="en")
    assert (waiting(officer), waiting(other)) == ([(roles, "新来者")], [])
    propose_roles(administrator, person_id=handed.person_id, roles=["verifier", "team_leader"])
    assert len(waiting(officer)) == 1
    grant_roles(officer, person_id=handed.person_id, roles=["verifier"])
    assert len(waiting(officer)) == 1
    refuse_roles(officer, person_id=handed.person_id, roles=["team_leader"])
    assert waiting(officer) == []
    deactivate(administrator, person_id=handed.person_id)
    reactivate(administrator, person_id=handed.person_id)
    assert len(waiting(officer)) == 1
    deactivate(administrator, person_id=handed.person_id)
    assert waiting(officer) == []


@pytest.fixture(autouse=True, scope="module")
def kinds_of_tests() -> Iterator[None]:
    """Kinds of these tests leave the table of kinds again: others look at all of it."""
    yield
    for kind in (REVIEW, COUNT):
        forget(kind)


def forget(kind: TaskKind) -> None:
    from archive_app.worklist import kinds

    assert KINDS[kind.code] is kind
    del kinds._KINDS[kind.code]
