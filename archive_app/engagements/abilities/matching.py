"""Whether a team can do what its scheme asks for: competence that is valid today, of whom it is asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.engagements.abilities.kinds import SECTOR
from archive_app.engagements.abilities.recording import valid_on
from archive_app.engagements.models import Assignment, Client, Competence, Engagement
from archive_app.engagements.policy import READ
from archive_app.engagements.schemes import CompetenceRule, Scheme, scheme_of
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

CLIENT_SECTOR = "client_sector"
"""The code by which a rule asks for the sector of the client, whichever that is."""
OF_LEADER, OF_ANYBODY, OF_EVERYBODY, OF_REVIEWER = "leader", "anybody", "everybody", "reviewer"


@dataclass(frozen=True)
class CompetenceGap:
    """A competence that the scheme asks for and the team lacks: `code` is what it comes to for this client, empty where
    the client's sector is not recorded; `people` are the names of those who lack it, empty where anybody would do."""

    rule: CompetenceRule
    code: str
    people: tuple[str, ...]


@query(Permission.ENGAGEMENTS_READ)
def list_gaps(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Sequence[CompetenceGap]:
    """What the team lacks; nothing to people of other organisations. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    if not actor.is_system and engagement.organisation_id != actor.organisation_id:
        return []
    return competence_gaps(uow, engagement, scheme_of(uow, engagement))


@query(Permission.TEAM_MANAGE)
def fitting_people(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Mapping[str, int]:
    """How many of the competences that the scheme asks for somebody brings, by person: colleagues who bring none are
    not in it. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    asked = {(rule.kind, code) for rule, code in _asked(uow, engagement, scheme_of(uow, engagement)) if code}
    valid = select(Competence.person_id, Competence.kind, Competence.code).where(
        Competence.organisation_id == engagement.organisation_id, *valid_on(uow.archive.today())
    )
    brought = {(person, kind, code) for person, kind, code in uow.session.execute(valid) if (kind, code) in asked}
    people = [person for person, *_ in brought]
    return {person: people.count(person) for person in set(people)}


def competence_gaps(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[CompetenceGap]:
    """The step that says what the team of an engagement lacks today."""
    team = uow.session.execute(
        select(Person.id, Person.display_name, Assignment.part)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement.id, Assignment.ended_at.is_(None))
        .order_by(Person.display_name, Person.id)
    ).all()
    ids = [row[0] for row in team]
    valid = select(Competence.person_id, Competence.kind, Competence.code).where(
        Competence.person_id.in_(ids), *valid_on(uow.archive.today())
    )
    held = {(person, kind, code) for person, kind, code in uow.session.execute(valid)}
    gaps = []
    for rule, code in _asked(uow, engagement, scheme):
        concerned = [(row[0], row[1]) for row in team if _concerns(rule, row[2])]
        lacking = tuple(name for person, name in concerned if not code or (person, rule.kind, code) not in held)
        if rule.of == OF_ANYBODY:
            if len(lacking) == len(concerned):
                gaps.append(CompetenceGap(rule, code, ()))
        elif lacking or not concerned:
            gaps.append(CompetenceGap(rule, code, lacking))
    return gaps


def _asked(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[tuple[CompetenceRule, str]]:
    sector = uow.session.get_one(Client, engagement.client_id).sector or ""
    return [
        (rule, sector if rule.kind == SECTOR and rule.code == CLIENT_SECTOR else rule.code)
        for rule in scheme.competences
    ]


def _concerns(rule: CompetenceRule, part: str) -> bool:
    concerned: Collection[str] = {
        OF_LEADER: ("leader",),
        OF_REVIEWER: ("reviewer",),
    }.get(rule.of, ("leader", "member"))
    return part in concerned
