"""Use cases of an engagement's team."""

from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement, TeamMember
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

MEMBER_ADDED = event_type("team.member_added", N_("Team member added"))
MEMBER_REMOVED = event_type("team.member_removed", N_("Team member removed"))
PARTS = {"leader": N_("Team leader"), "member": N_("Team member")}


class LastLeaderError(ArchiveError):
    """A team keeps at least one leader."""

    code = "last_leader"
    message = N_("%(name)s is the only leader of this team and was kept. Name another leader first.")


@dataclass(frozen=True)
class Member:
    """A person on a team."""

    person_id: str
    display_name: str
    part: str


@use_case(Permission.TEAM_MANAGE)
def set_member(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str, part: str) -> None:
    """Puts an active colleague on the team, or changes their part.

    Raises: NotFoundError, InvalidInputError, LastLeaderError.
    """
    uow.require("engagement", engagement_id)
    if part not in PARTS:
        raise InvalidInputError(field=N_("Part"), reason=N_("Choose leader or member."))
    engagement = lock_engagement(uow.session, engagement_id)
    person = uow.session.get(Person, person_id)
    if person is None or not person.active or person.organisation_id != engagement.organisation_id:
        raise NotFoundError
    member = uow.session.get(TeamMember, (engagement_id, person_id))
    if member is None:
        uow.session.add(TeamMember(engagement_id=engagement_id, person_id=person_id, part=part, assigned_at=uow.now))
    else:
        if member.part == "leader" and part != "leader":
            _keep_a_leader(uow, engagement_id, person)
        member.part = part
    subjects = {"engagement": engagement_id, "person": person_id, "organisation": engagement.organisation_id}
    uow.record(MEMBER_ADDED, subjects, name=person.display_name, part=part)


@use_case(Permission.TEAM_MANAGE)
def remove_member(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str) -> None:
    """Takes a person off the team; they lose sight of it at once. Raises: NotFoundError, LastLeaderError."""
    uow.require("engagement", engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    member = uow.session.get(TeamMember, (engagement_id, person_id))
    if member is None:
        raise NotFoundError
    person = uow.session.get_one(Person, person_id)
    if member.part == "leader":
        _keep_a_leader(uow, engagement_id, person)
    uow.session.delete(member)
    subjects = {"engagement": engagement_id, "person": person_id, "organisation": engagement.organisation_id}
    uow.record(MEMBER_REMOVED, subjects, name=person.display_name)


@query(Permission.ENGAGEMENTS_READ)
def list_team(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> list[Member]:
    """The team, leaders first. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    rows = uow.session.execute(
        select(Person.id, Person.display_name, TeamMember.part)
        .join(TeamMember, TeamMember.person_id == Person.id)
        .where(TeamMember.engagement_id == engagement_id)
        .order_by(TeamMember.part, Person.display_name, Person.id)
    )
    return [Member(*row) for row in rows]


@query(Permission.TEAM_MANAGE)
def list_candidates(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> list[Member]:
    """Active colleagues who are not on the team yet, by name. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    organisation_id = select(Engagement.organisation_id).where(Engagement.id == engagement_id).scalar_subquery()
    on_team = select(TeamMember.person_id).where(TeamMember.engagement_id == engagement_id)
    rows = uow.session.execute(
        select(Person.id, Person.display_name)
        .where(Person.organisation_id == organisation_id, Person.active, Person.id.not_in(on_team))
        .order_by(Person.display_name, Person.id)
    )
    return [Member(row[0], row[1], "") for row in rows]


def _keep_a_leader(uow: UnitOfWork, engagement_id: str, leaving: Person) -> None:
    others = select(func.count()).where(
        TeamMember.engagement_id == engagement_id,
        TeamMember.part == "leader",
        TeamMember.person_id != leaving.id,
    )
    if not uow.session.scalar(others):
        raise LastLeaderError(name=leaving.display_name)
