"""People as actors: what somebody may do at this moment, from their roles and their second factor."""

from dataclasses import dataclass

from sqlalchemy import select

from archive_app.identity.models import Organisation, Person, PersonRole, SecondFactor
from archive_app.identity.roles import highest_level_of, needs_second_factor, permissions_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_HALF_SIGNED_IN, OF_SIGNED_IN
from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Standing:
    """What a person's rights come from: granted roles; whether their organisation runs the archive; whether they have
    enrolled a second factor, and whether they have passed it where they have one."""

    roles: frozenset[str]
    runs_archive: bool = False
    enrolled: bool = False
    passed: bool = True


def actor_for(person: Person, standing: Standing, *, address: str) -> Actor:
    """The person as somebody who acts in the browser.

    Without the second factor that they have, or that their roles ask for, they hold no role: they can give the one or
    enrol the other, and nothing else.
    """
    roles, permissions, awaits = standing.roles, permissions_of(standing.roles, runs_archive=standing.runs_archive), ""
    if standing.enrolled and not standing.passed:
        roles, permissions, awaits = frozenset(), OF_HALF_SIGNED_IN, "second_factor"
    elif needs_second_factor(roles) and not standing.enrolled:
        roles, permissions, awaits = frozenset(), OF_SIGNED_IN, "enrolment"
    return Actor(
        name=person.id,
        via="web",
        permissions=permissions,
        person_id=person.id,
        organisation_id=person.organisation_id,
        roles=roles,
        display_name=person.display_name,
        address=address,
        highest_level=min(Level(person.highest_level), highest_level_of(roles)),
        awaits=awaits,
    )


def acting_as(uow: UnitOfWork, person: Person) -> Actor:
    """A step: the person as somebody who acts from where this unit's actor came from."""
    return actor_for(person, standing_of(uow, person), address=uow.actor.address)


def standing_of(uow: UnitOfWork, person: Person) -> Standing:
    """A step: what the person's rights come from, with their second factor passed."""
    roles = uow.session.scalars(
        select(PersonRole.role).where(PersonRole.person_id == person.id, PersonRole.granted_at.is_not(None))
    )
    runs_archive = uow.session.scalar(
        select(Organisation.runs_archive).where(Organisation.id == person.organisation_id)
    )
    factor = uow.session.get(SecondFactor, person.id)
    return Standing(frozenset(roles), bool(runs_archive), factor is not None)
