"""The conditions of stages that are about the team: who declared, who is missing, who is competent, who wrote down
their time; and that nothing the client brought waits undecided.

Only people count who are assigned now and may still use the archive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from archive_app.casework.gates import Obstacle, gate
from archive_app.casework.models import MaterialLine, MaterialRequest
from archive_app.engagements.abilities.kinds import all_competences
from archive_app.engagements.abilities.matching import CompetenceGap, competence_gaps
from archive_app.engagements.models import Assignment, Engagement, GroupMember, PersonDays
from archive_app.engagements.schemes import Group, Scheme
from archive_app.engagements.teams import TEAM_PARTS
from archive_app.identity.models import Person
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

TEAM_PAGE, TIME_PAGE = "engagements.team_page", "abilities.time_page"
NOT_DECLARED = N_("%(name)s has not declared impartiality yet.")
TOO_FEW_PEOPLE = N_("The team needs at least %(least)s people; it has %(count)s.")
TOO_FEW_LEADERS = N_("The team needs at least %(least)s leaders; it has %(count)s.")
NO_REVIEWER = N_("No technical reviewer is assigned.")
GROUP_TOO_SMALL = N_("The group %(group)s needs at least %(least)s people; it has %(count)s.")
SECTOR_UNKNOWN = N_("The sector of the client is not recorded, so nobody can be competent for it.")
NOBODY_COMPETENT = N_("Nobody on the team has a valid competence %(competence)s.")
NOT_COMPETENT = N_("%(name)s has no valid competence %(competence)s.")
NO_PERSON_DAYS = N_("%(name)s has recorded no person-days yet.")
UNDECIDED = N_("“%(line)s” was delivered by the client and is neither accepted nor returned.")


@dataclass(frozen=True)
class Assigned:
    """Somebody who is assigned to the engagement now."""

    person_id: str
    name: str
    part: str
    declared_at: datetime | None


def assigned_now(uow: UnitOfWork, engagement: Engagement) -> Sequence[Assigned]:
    """The step that lists who is assigned, by name."""
    rows = uow.session.execute(
        select(Person.id, Person.display_name, Assignment.part, Assignment.declared_at)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement.id, Assignment.ended_at.is_(None), Person.active)
        .order_by(Person.display_name, Person.id)
    )
    return [Assigned(*row) for row in rows]


def team_of(uow: UnitOfWork, engagement: Engagement) -> Sequence[Assigned]:
    """The step that lists the team proper: without the technical reviewer."""
    return [member for member in assigned_now(uow, engagement) if member.part in TEAM_PARTS]


@gate("declared")
def all_declared(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """Everybody assigned has declared."""
    return [
        Obstacle("not_declared", NOT_DECLARED, {"name": member.name}, TEAM_PAGE, about=member.person_id)
        for member in assigned_now(uow, engagement)
        if member.declared_at is None
    ]


@gate("team_complete")
def team_complete(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[Obstacle]:
    """The team is as the scheme wants it: people, leaders, groups, and a reviewer where one is asked for."""
    assigned, rule = assigned_now(uow, engagement), scheme.team
    people = sum(member.part in TEAM_PARTS for member in assigned)
    leaders = sum(member.part == "leader" for member in assigned)
    found = []
    if people < rule.least_people:
        words = {"least": rule.least_people, "count": people}
        found.append(Obstacle("too_few_people", TOO_FEW_PEOPLE, words, TEAM_PAGE))
    if leaders < rule.leaders:
        words = {"least": rule.leaders, "count": leaders}
        found.append(Obstacle("too_few_leaders", TOO_FEW_LEADERS, words, TEAM_PAGE))
    if rule.reviewer and not any(member.part == "reviewer" for member in assigned):
        found.append(Obstacle("no_reviewer", NO_REVIEWER, {}, TEAM_PAGE))
    counts = group_sizes(uow, engagement)
    for group in (one for one in rule.groups if is_asked(one, engagement, scheme)):
        count = counts.get(group.code, 0)
        if count < group.least_people:
            told = {"group": group.name, "least": group.least_people, "count": count}
            found.append(Obstacle("group_too_small", GROUP_TOO_SMALL, told, TEAM_PAGE, about=group.code))
    return found


def is_asked(group: Group, engagement: Engagement, scheme: Scheme) -> bool:
    """Whether a group of the team has to be there by the end of the stage that the engagement is at."""
    return not group.stage or scheme.position(group.stage) <= scheme.position(engagement.stage)


def group_sizes(uow: UnitOfWork, engagement: Engagement) -> dict[str, int]:
    """The step that counts who is in each group of the team now."""
    of_assigned = (GroupMember.engagement_id == Assignment.engagement_id) & (
        GroupMember.person_id == Assignment.person_id
    )
    rows = uow.session.execute(
        select(GroupMember.group, func.count())
        .join(Assignment, of_assigned)
        .join(Person, Person.id == Assignment.person_id)
        .where(GroupMember.engagement_id == engagement.id, Assignment.ended_at.is_(None), Person.active)
        .where(Assignment.part.in_(TEAM_PARTS))
        .group_by(GroupMember.group)
    )
    return {row[0]: row[1] for row in rows}


@gate("competent")
def team_competent(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[Obstacle]:
    """The team is competent for what the scheme asks, today."""
    if not scheme.competences:
        return []
    return [found for gap in competence_gaps(uow, engagement, scheme) for found in _lacking(gap, engagement)]


def _lacking(gap: CompetenceGap, engagement: Engagement) -> list[Obstacle]:
    if not gap.code:
        return [Obstacle("client_sector_unknown", SECTOR_UNKNOWN, {}, TEAM_PAGE, about=engagement.client_id)]
    about = f"{gap.rule.kind}/{gap.code}"
    competence = {"competence": all_competences()[gap.rule.kind].get(gap.code, gap.code)}
    if not gap.people:
        return [Obstacle("nobody_competent", NOBODY_COMPETENT, competence, TEAM_PAGE, about=about)]
    return [
        Obstacle("not_competent", NOT_COMPETENT, {"name": name, **competence}, TEAM_PAGE, about=about)
        for name in gap.people
    ]


@gate("person_days")
def person_days_recorded(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[Obstacle]:
    """Everybody on the team has written down time that they worked on the engagement."""
    if not scheme.person_days:
        return []
    recorded = select(PersonDays.person_id).where(
        PersonDays.engagement_id == engagement.id, PersonDays.withdrawn_at.is_(None)
    )
    busy = set(uow.session.scalars(recorded.distinct()))
    return [
        Obstacle("no_person_days", NO_PERSON_DAYS, {"name": member.name}, TIME_PAGE, about=member.person_id)
        for member in team_of(uow, engagement)
        if member.person_id not in busy
    ]


@gate("material_decided")
def material_decided(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """Whatever the client brought was accepted or returned."""
    waiting = (
        select(MaterialLine.id, MaterialLine.name)
        .join(MaterialRequest, MaterialRequest.id == MaterialLine.request_id)
        .where(MaterialRequest.engagement_id == engagement.id, MaterialRequest.ended_at.is_(None))
        .where(MaterialLine.state == "delivered")
        .order_by(MaterialRequest.id, MaterialLine.position)
    )
    return [
        Obstacle("material_undecided", UNDECIDED, {"line": name}, "requests.requests_page", about=line_id)
        for line_id, name in uow.session.execute(waiting)
    ]
