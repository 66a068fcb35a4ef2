"""Use cases of an engagement's team."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from archive_app.engagements.engagements import Step, lock_engagement
from archive_app.engagements.independence import (
    Conflict,
    by_person,
    find_conflicts,
    lock_relations,
    require_independent,
)
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.scheme_values import INDEPENDENT_ACTIVITIES
from archive_app.engagements.waiting import follow_declarations, has_declared
from archive_app.identity.actors import actor_for, standing_of
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import REVIEWER_NOT_OF_THE_TEAM
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case

MEMBER_ADDED = event_type("team.member_added", N_("Team member added"))
MEMBER_REMOVED = event_type("team.member_removed", N_("Team member removed"))
PARTS = {"leader": N_("Team leader"), "member": N_("Team member"), "reviewer": N_("Technical reviewer")}
TEAM_PARTS = frozenset({"leader", "member"})
"""The parts of the team proper: the technical reviewer is assigned to the engagement and not of its team."""
_AFTER_CHANGE: list[Step] = []
_NEEDED = {
    "leader": Permission.TEAM_LEAD,
    "member": Permission.TEAM_JOIN,
    "reviewer": Permission.TECHNICAL_REVIEW,
}


class LastLeaderError(ArchiveError):
    """A team keeps at least one leader."""

    code = "last_leader"
    message = N_("%(name)s is the only leader of this team and was kept. Name another leader first.")


@dataclass(frozen=True)
class Member:
    """A person who is assigned; `declared_at` is None as long as they have not declared.

    Of a candidate, `part` is the one they had before, or empty.
    """

    person_id: str
    display_name: str
    part: str
    declared_at: datetime | None = None


class PartNeedsRoleError(ArchiveError):
    """A part is for people with its role."""

    code = "part_needs_role"
    message = N_("%(name)s does not hold the role that this part needs. Nobody was assigned.")


def after_team_change(step: Step) -> Step:
    """Registers a step of a room above that runs, in the same unit of work, when somebody was assigned, got another
    part, or was taken off."""
    _AFTER_CHANGE.append(step)
    return step


@use_case(Permission.TEAM_MANAGE)
def set_member(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str, part: str) -> None:
    """Assigns an active colleague, or changes their part. They see the engagement once they have declared.

    Raises: NotFoundError, InvalidInputError, PartNeedsRoleError, LastLeaderError, DutiesNotSeparateError;
    NotIndependentError and ClientProvinceMissingError where they or the body have a relation that rules it out.
    """
    uow.require(LEAD, engagement_id)
    if part not in PARTS:
        raise InvalidInputError(field=N_("Part"), reason=N_("Choose a part from the list."))
    engagement = lock_engagement(uow.session, engagement_id)
    person = uow.session.get(Person, person_id)
    if person is not None and person.organisation_id != engagement.organisation_id:
        raise DeniedError("person", person_id)
    if person is None or not person.active:
        raise NotFoundError
    if not actor_for(person, standing_of(uow, person), address="").may(_NEEDED[part]):
        raise PartNeedsRoleError(name=person.display_name)
    lock_relations(uow, engagement.organisation_id)
    client = uow.session.get_one(Client, engagement.client_id)
    require_independent(uow, client, person, activity=engagement.activity)
    _assign(uow, engagement, person, part)
    _changed(uow, engagement)
    subjects = {"engagement": engagement_id, "person": person_id, "organisation": engagement.organisation_id}
    uow.record(MEMBER_ADDED, subjects, name=person.display_name, part=part)


@use_case(Permission.TEAM_MANAGE)
def remove_member(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str) -> None:
    """Ends somebody's assignment; they lose sight of the engagement at once. Raises: NotFoundError, LastLeaderError."""
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    assignment = uow.session.get(Assignment, (engagement_id, person_id))
    if assignment is None or assignment.ended_at is not None:
        raise NotFoundError
    person = uow.session.get_one(Person, person_id)
    if assignment.part == "leader":
        _keep_a_leader(uow, engagement_id, person)
    assignment.ended_at = uow.now
    _changed(uow, engagement)
    subjects = {"engagement": engagement_id, "person": person_id, "organisation": engagement.organisation_id}
    uow.record(MEMBER_REMOVED, subjects, name=person.display_name)


@query(Permission.ENGAGEMENTS_READ)
def list_team(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> list[Member]:
    """The team, leaders first. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    rows = uow.session.execute(
        select(Person.id, Person.display_name, Assignment.part, Assignment.declared_at)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement_id, Assignment.ended_at.is_(None))
        .order_by(Assignment.part, Person.display_name, Person.id)
    )
    return [Member(*row) for row in rows]


@query(Permission.ENGAGEMENTS_READ)
def may_lead(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> bool:
    """Whether the actor decides about the engagement: as its leader, or keeping the archive."""
    return uow.archive.policy.allows(uow.session, actor, LEAD, engagement_id)


@query(Permission.TEAM_MANAGE)
def list_candidates(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> list[Member]:
    """Active colleagues who are not assigned yet, by name. Raises: NotFoundError."""
    uow.require(LEAD, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    rows = uow.session.execute(
        select(Person.id, Person.display_name, func.coalesce(Assignment.part, ""))
        .outerjoin(Assignment, and_(Assignment.person_id == Person.id, Assignment.engagement_id == engagement_id))
        .where(Person.organisation_id == engagement.organisation_id, Person.active)
        .where(or_(Assignment.part.is_(None), Assignment.ended_at.is_not(None)))
        .order_by(Person.display_name, Person.id)
    )
    return [Member(*row) for row in rows]


@query(Permission.ENGAGEMENTS_READ)
def list_conflicts(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Mapping[str | None, Conflict]:
    """Which relations stand in the way at the engagement's client, by person, of the body under None: assigned or not,
    because a relation may be recorded long after the assignment. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    if engagement.organisation_id != actor.organisation_id or engagement.activity not in INDEPENDENT_ACTIVITIES:
        # Nobody else's matter: neither a supervisor's nor the client's.
        return {}
    return by_person(find_conflicts(uow, uow.session.get_one(Client, engagement.client_id)))


def declared(uow: UnitOfWork, engagement_id: str, person_id: str) -> Assignment:
    """A step: opens the engagement to somebody who is assigned to it and has now declared. Raises: NotFoundError."""
    assignment = uow.session.get(Assignment, (engagement_id, person_id), with_for_update=True)
    if assignment is None or assignment.ended_at is not None:
        raise NotFoundError
    assignment.declared_at = uow.now
    has_declared(uow, engagement_id, person_id)
    return assignment


def _changed(uow: UnitOfWork, engagement: Engagement) -> None:
    uow.session.flush()
    follow_declarations(uow, engagement)
    for step in _AFTER_CHANGE:
        step(uow, engagement)


def _assign(uow: UnitOfWork, engagement: Engagement, person: Person, part: str) -> None:
    assignment = uow.session.get(Assignment, (engagement.id, person.id))
    if assignment is None:
        row = Assignment(engagement_id=engagement.id, person_id=person.id, part=part, assigned_at=uow.now)
        uow.session.add(row)
        return
    if (part in TEAM_PARTS) != (assignment.part in TEAM_PARTS):
        # Whoever was on the team once does not review it, whatever became of the assignment; nor the other way round.
        REVIEWER_NOT_OF_THE_TEAM.require_apart(person.id, {assignment.person_id})
    if assignment.ended_at is not None:
        # A new assignment asks for a new declaration.
        assignment.ended_at, assignment.declared_at, assignment.assigned_at = None, None, uow.now
    elif assignment.part == "leader" and part != "leader":
        _keep_a_leader(uow, engagement.id, person)
    assignment.part = part


def _keep_a_leader(uow: UnitOfWork, engagement_id: str, leaving: Person) -> None:
    others = select(func.count()).where(
        Assignment.engagement_id == engagement_id,
        Assignment.part == "leader",
        Assignment.ended_at.is_(None),
        Assignment.person_id != leaving.id,
    )
    if not uow.session.scalar(others):
        raise LastLeaderError(name=leaving.display_name)
