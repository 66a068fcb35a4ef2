"""Use cases of groups inside a team: 核查技术工作组, 现场核查组 (S0 1.2.1)."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, select

from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Assignment, Engagement, GroupMember
from archive_app.engagements.policy import LEAD, READ
from archive_app.engagements.schemes import Group, scheme_of
from archive_app.engagements.teams import TEAM_PARTS
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

GROUPS_SET = event_type("team.groups_set", N_("Groups of a team member set"))


@use_case(Permission.TEAM_MANAGE)
def set_groups(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str, groups: Collection[str]) -> None:
    """Says in which groups of the team somebody works: all of them, none is kept from before.

    Raises: NotFoundError for somebody who is not of the team, InvalidInputError for a group that the scheme has not,
    EngagementSealedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    assignment = uow.session.get(Assignment, (engagement_id, person_id))
    if assignment is None or assignment.ended_at is not None or assignment.part not in TEAM_PARTS:
        raise NotFoundError
    known = {group.code for group in scheme_of(uow, engagement).team.groups}
    if not set(groups) <= known:
        raise InvalidInputError(field=N_("Group"), reason=N_("Choose one from the list."))
    of_person = (GroupMember.engagement_id == engagement_id, GroupMember.person_id == person_id)
    uow.session.execute(delete(GroupMember).where(*of_person))
    for group in sorted(set(groups)):
        row = GroupMember(engagement_id=engagement_id, person_id=person_id, group=group, named_at=uow.now)
        uow.session.add(row)
    uow.session.flush()
    subjects = subjects_of(uow.session, engagement_id, person=person_id)
    uow.record(GROUPS_SET, subjects, groups=sorted(set(groups)))


@query(Permission.ENGAGEMENTS_READ)
def list_groups(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Mapping[str, tuple[str, ...]]:
    """The groups that those assigned now work in, by person. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    return groups_of(uow, uow.session.get_one(Engagement, engagement_id))


@query(Permission.ENGAGEMENTS_READ)
def team_groups(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Sequence[Group]:
    """The groups that the engagement's scheme has. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    return scheme_of(uow, uow.session.get_one(Engagement, engagement_id)).team.groups


def groups_of(uow: UnitOfWork, engagement: Engagement) -> Mapping[str, tuple[str, ...]]:
    """The step that says who works in which groups now, by person."""
    rows = uow.session.execute(
        select(GroupMember.person_id, GroupMember.group)
        .join(
            Assignment,
            (Assignment.engagement_id == GroupMember.engagement_id) & (Assignment.person_id == GroupMember.person_id),
        )
        .where(GroupMember.engagement_id == engagement.id, Assignment.ended_at.is_(None))
        .order_by(GroupMember.person_id, GroupMember.group)
    ).all()
    return {person: tuple(row[1] for row in rows if row[0] == person) for person in {row[0] for row in rows}}
