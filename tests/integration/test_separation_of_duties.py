"""Separation of duties through the use cases that it governs, one after the other and at the same time."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations

import pytest
from sqlalchemy import func, select

from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import EngagementFilters, list_engagements, open_engagement
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.teams import PartNeedsRoleError, list_team, remove_member, set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import (
    REVIEWER_NOT_OF_THE_TEAM,
    VALIDATION_AND_VERIFICATION_APART,
    DutiesNotSeparateError,
    Duty,
)
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from tests.conftest import both_databases
from tests.factories import People, engagement_of

ALL_PARTS = ("team_leader", "verifier", "technical_reviewer")


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


def assign(leader: Actor, engagement: Engagement, person: Actor, part: str) -> None:
    set_member(leader, engagement_id=engagement.id, person_id=person.person_id or "", part=part)


def refused_by(rule: Duty, act: Callable[[], object]) -> bool:
    with pytest.raises(DutiesNotSeparateError) as refused:
        act()
    return refused.value.rule is rule


@both_databases
def test_reviewer_not_of_the_team(people: People, leader: Actor) -> None:
    engagement = engagement_of(leader)
    for part in ("member", "leader"):
        reviewed, of_team = people.person(*ALL_PARTS), people.person(*ALL_PARTS)
        assign(leader, engagement, of_team, part)
        assign(leader, engagement, reviewed, "reviewer")
        for _ in ("assigned", "taken off", "a year later"):
            assert refused_by(REVIEWER_NOT_OF_THE_TEAM, lambda: assign(leader, engagement, of_team, "reviewer"))  # noqa: B023
            assert refused_by(REVIEWER_NOT_OF_THE_TEAM, lambda: assign(leader, engagement, reviewed, part))  # noqa: B023
            for person in (of_team, reviewed):
                if person.person_id in {one.person_id for one in list_team(leader, engagement_id=engagement.id)}:
                    remove_member(leader, engagement_id=engagement.id, person_id=person.person_id or "")
        # Who reviewed once may do so again, and a member may lead.
        assign(leader, engagement, reviewed, "reviewer")
        assign(leader, engagement, of_team, "leader")
        assign(leader, engagement, of_team, "member")
    # Another engagement is another matter.
    assign(leader, engagement_of(leader), of_team, "reviewer")


def test_a_part_is_for_people_with_its_role(people: People, leader: Actor) -> None:
    engagement = engagement_of(leader)
    roles = {"leader": "team_leader", "member": "verifier", "reviewer": "technical_reviewer"}
    for part, other in permutations(roles, 2):
        if (part, other) == ("member", "leader"):
            continue  # who may lead may be a member too
        with pytest.raises(PartNeedsRoleError):
            assign(leader, engagement, people.person(roles[other]), part)


@both_databases
def test_two_assignments_at_the_same_time_make_no_reviewer_of_the_team(
    archive: Archive, people: People, leader: Actor
) -> None:
    for _ in range(4):
        engagement, person = engagement_of(leader), people.person(*ALL_PARTS)
        ends = together(archive, [
            lambda: assign(leader, engagement, person, "member"),  # noqa: B023  # joined here
            lambda: assign(leader, engagement, person, "reviewer"),  # noqa: B023
        ])  # fmt: skip
        assert sorted(type(end).__name__ for end in ends) == ["DutiesNotSeparateError", "NoneType"]
        parts = [one for one in list_team(leader, engagement_id=engagement.id) if one.person_id == person.person_id]
        assert len(parts) == 1


def open_for(leader: Actor, client: Client, number: str, activity: str, project: str) -> Engagement:
    return open_engagement(
        leader,
        client_id=client.id,
        number=number,
        title="项目",
        year=2025,
        activity=activity,
        project_number=project,
    )


@both_databases
def test_validation_and_verification_apart(people: People, leader: Actor) -> None:
    client, other_client = add_client(leader, name="林业公司"), add_client(leader, name="林业公司二")
    open_for(leader, client, "1", "validation", "CCER-2025 001")
    rule = VALIDATION_AND_VERIFICATION_APART
    assert refused_by(rule, lambda: open_for(leader, client, "2", "verification", "ccer－2025001"))
    # Whoever the project belongs to by now.
    assert refused_by(rule, lambda: open_for(leader, other_client, "3", "verification", "CCER-2025001"))
    keeper = people.person("archivist")
    assert refused_by(rule, lambda: open_for(keeper, client, "4", "verification", "CCER-2025001"))
    open_for(leader, client, "5", "validation", "CCER-2025001")
    open_for(leader, client, "6", "verification", "CCER-2025002")
    open_for(leader, client, "7", "verification", "")
    open_for(leader, client, "8", "validation", "")
    # Another body verifies what this one validated, and then does not validate it.
    other = people.person("team_leader", organisation="另一核查机构")
    theirs = add_client(other, name="林业公司")
    open_for(other, theirs, "1", "verification", "CCER-2025001")
    assert refused_by(rule, lambda: open_for(other, theirs, "2", "validation", "CCER-2025001"))
    with pytest.raises(InvalidInputError):
        open_for(leader, client, "9", "both", "")
    validations = list_engagements(keeper, filters=EngagementFilters(activity="validation", text="ccer-2025 001"))
    assert {line.engagement.number for line in validations.items} == {"5", "1"}


@both_databases
def test_two_openings_at_the_same_time_keep_the_activities_apart(archive: Archive, leader: Actor) -> None:
    client = add_client(leader, name="林业公司")
    for number in range(4):
        ends = together(
            archive,
            [
                partial(open_for, leader, client, f"{number}-{activity}", activity, f"P-{number}")
                for activity in ("validation", "verification")
            ],
        )
        assert sorted(type(end).__name__ for end in ends) == ["DutiesNotSeparateError", "Engagement"]
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Engagement)) == 4
        assert uow.session.scalar(select(func.count()).select_from(Assignment)) == 4


@both_databases
def test_two_openings_at_the_same_time_take_a_number_once(archive: Archive, leader: Actor) -> None:
    client = add_client(leader, name="林业公司")
    ends = together(archive, [lambda: open_for(leader, client, "HC-1", "verification", "")] * 3)
    assert sorted(getattr(end, "code", "opened") for end in ends) == ["engagement_number_taken"] * 2 + ["opened"]


def together(archive: Archive, acts: Sequence[Callable[[], object]]) -> list[object]:
    """What each of the acts, done at the same time, gave or how it was refused."""
    ends: list[object] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with archive.activate():
            start.wait()
            try:
                ends.append(act())
            except ArchiveError as error:
                ends.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ends
