"""Choosing people of one's own organisation: those who are there, may do what is asked of them, and see what it is
about."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from archive_app.identity.actors import standing_of
from archive_app.identity.models import Person, PersonRole
from archive_app.identity.names import fold_login
from archive_app.identity.roles import all_roles, highest_level_of, permissions_of
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork

MOST_OFFERED = 500
"""How many colleagues a form offers; the others are typed by their login."""
PERSON = N_("Person")
_AT_ONCE = 500


@dataclass(frozen=True)
class Colleague:
    """Somebody to choose: their id, the login that is typed, and their name."""

    person_id: str
    login: str
    name: str


def colleagues(
    uow: UnitOfWork, organisation_id: str, permission: Permission | None = None, *, limit: int = MOST_OFFERED
) -> Sequence[Colleague]:
    """A step: active people of the organisation who hold the permission, by name, the first `limit` of them."""
    people = _holding(select(Person.id, Person.login, Person.display_name), permission)
    people = people.where(Person.organisation_id == organisation_id, Person.active)
    rows = uow.session.execute(people.order_by(Person.display_name, Person.id).limit(limit))
    return [Colleague(row[0], row[1], row[2]) for row in rows]


def colleague(
    uow: UnitOfWork,
    organisation_id: str,
    login_or_id: str,
    permission: Permission | None = None,
    *,
    level: Level = Level.PUBLIC,
    field: str = PERSON,
) -> Person:
    """A step: the active person of the organisation with this login or identifier, who holds `permission` and sees
    documents of `level`. Somebody of another organisation is as unknown as somebody who is not there.

    Raises: InvalidInputError, which says what keeps them from it.
    """
    typed = login_or_id.strip()
    named = (Person.id == typed) | (Person.login == fold_login(typed))
    # Held until this unit of work ends: whoever leaves at this moment has left before, or sees to it afterwards.
    of_organisation = (
        select(Person)
        .where(Person.organisation_id == organisation_id, named)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    person = uow.session.scalars(of_organisation).first() if typed else None
    if person is None:
        raise InvalidInputError(field=field, reason=N_("Nobody of your organisation has this login."))
    if not person.active:
        raise InvalidInputError(field=field, reason=N_("This account is closed. Choose somebody else."))
    if permission is not None and not holds(uow, person, permission):
        raise InvalidInputError(field=field, reason=N_("Their roles do not allow this. Choose somebody else."))
    if level > level_of(uow, person):
        raise InvalidInputError(field=field, reason=N_("They do not see documents of this level."))
    return person


def holds(uow: UnitOfWork, person: Person, permission: Permission) -> bool:
    """A step: whether the granted roles of an active person include the permission, a second factor aside."""
    standing = standing_of(uow, person)
    return person.active and permission in permissions_of(standing.roles, runs_archive=standing.runs_archive)


def level_of(uow: UnitOfWork, person: Person) -> Level:
    """A step: the highest level of documents that the person sees."""
    return min(Level(person.highest_level), highest_level_of(standing_of(uow, person).roles))


def roles_of_many(uow: UnitOfWork, person_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """A step: the granted roles of people, by their ids."""
    wanted, found = sorted(person_ids), defaultdict[str, set[str]](set)
    for first in range(0, len(wanted), _AT_ONCE):
        granted = select(PersonRole.person_id, PersonRole.role).where(
            PersonRole.person_id.in_(wanted[first : first + _AT_ONCE]), PersonRole.granted_at.is_not(None)
        )
        for person_id, role in uow.session.execute(granted):
            found[person_id].add(role)
    return {person_id: frozenset(found[person_id]) for person_id in wanted}


def _holding(people: Select[str, str, str], permission: Permission | None) -> Select[str, str, str]:
    if permission is None:
        return people
    roles = [key for key, role in all_roles().items() if permission in role.permissions]
    held = select(PersonRole.person_id).where(
        PersonRole.person_id == Person.id, PersonRole.role.in_(roles), PersonRole.granted_at.is_not(None)
    )
    return people.where(held.exists())
