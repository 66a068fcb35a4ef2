"""Reading: the people of an organisation, what they may do and who gave it to them, and who is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, not_, select

from archive_app.identity.models import Organisation, Person, PersonRole, SecondFactor
from archive_app.identity.roles import AUDITOR, OFFICER
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


class AccountState(StrEnum):
    """Whether somebody can sign in."""

    ACTIVE = "active"
    INVITED = "invited"
    INACTIVE = "inactive"


STATE_LABELS = {
    AccountState.ACTIVE: N_("Active"),
    AccountState.INVITED: N_("Invited"),
    AccountState.INACTIVE: N_("Deactivated"),
}


@dataclass(frozen=True)
class PersonLine:
    """A person as lists and pages show them: `roles` count, `proposed` ones wait for a security officer."""

    id: str
    login: str
    display_name: str
    organisation_name: str
    language: str
    state: AccountState
    roles: frozenset[str]
    proposed: frozenset[str]
    highest_level: Level
    has_second_factor: bool
    created_at: datetime


@dataclass(frozen=True)
class Author:
    """Who did something: a colleague's `name`, or the catalogue key of the words for somebody else."""

    name: str
    label: str


@dataclass(frozen=True)
class Grant:
    """How somebody came by a role: who proposed and who granted it; `granted_at` is None while it waits."""

    person_id: str
    display_name: str
    login: str
    role: str
    proposed_by: Author
    proposed_at: datetime
    granted_by: Author
    granted_at: datetime | None
    is_own_proposal: bool


@dataclass(frozen=True)
class MissingMember:
    """One of the three members that nobody of the organisation is; `appointed` are those who have not come yet,
    `proposed` those whom nobody has granted it yet."""

    role: str
    appointed: tuple[str, ...]
    proposed: tuple[str, ...]


@query(Permission.PEOPLE_READ)
def list_people(
    actor: Actor,
    uow: UnitOfWork,
    *,
    text: str = "",
    state: str = "",
    role: str = "",
    waiting: bool = False,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[PersonLine]:
    """Visible people by name; `text` is any part of the name or login, an unknown `state` narrows nothing.

    `role` is one that they hold or that is proposed; `waiting` leaves those with a proposal.
    """
    statement = _people().where(uow.visible("person"))
    if part := text.strip():
        by_login = Person.login.contains(part.casefold(), autoescape=True)
        statement = statement.where(Person.display_name.contains(part, autoescape=True) | by_login)
    if state in _STATE_CLAUSES:
        statement = statement.where(_STATE_CLAUSES[AccountState(state)])
    if role:
        statement = statement.where(Person.id.in_(select(PersonRole.person_id).where(PersonRole.role == role)))
    if waiting:
        proposed = select(PersonRole.person_id).where(PersonRole.granted_at.is_(None))
        statement = statement.where(Person.id.in_(proposed))
    page = fetch_page(uow.session, statement, [Person.display_name, Person.id], after=after, limit=limit)
    return Page(_lines(uow, [(row[0], row[1], row[2]) for row in page.items]), page.next_key)


@query(Permission.PEOPLE_READ)
def view_person(actor: Actor, uow: UnitOfWork, *, person_id: str) -> PersonLine:
    """One person. Raises: NotFoundError."""
    uow.require("person", person_id)
    return _one(uow, person_id)


@query(Permission.PEOPLE_READ)
def list_grants(actor: Actor, uow: UnitOfWork, *, person_id: str) -> list[Grant]:
    """The roles of a person and how they came by them, in order of time. Raises: NotFoundError."""
    uow.require("person", person_id)
    by_time = _grants().where(Person.id == person_id).order_by(PersonRole.proposed_at, PersonRole.role)
    return _named(uow, [(row[0], row[1]) for row in uow.session.execute(by_time)])


@query(Permission.RIGHTS_GRANT)
def list_waiting(actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE) -> Page[Grant]:
    """What waits for a security officer, by the name of the person it is for."""
    waiting = _grants().where(uow.visible("person"), PersonRole.granted_at.is_(None))
    order = [Person.display_name, PersonRole.person_id, PersonRole.role]
    page = fetch_page(uow.session, waiting, order, after=after, limit=limit)
    return Page(_named(uow, [(row[0], row[1]) for row in page.items]), page.next_key)


@query(Permission.PEOPLE_READ)
def list_missing(actor: Actor, uow: UnitOfWork) -> list[MissingMember]:
    """Which of the security officer and the security auditor the actor's organisation lacks."""
    holders: dict[str, list[Person]] = {OFFICER: [], AUDITOR: []}
    proposed: dict[str, list[Person]] = {OFFICER: [], AUDITOR: []}
    held = (
        select(PersonRole.role, PersonRole.granted_at, Person)
        .join(Person, Person.id == PersonRole.person_id)
        .where(
            Person.organisation_id == actor.organisation_id,
            Person.active,
            PersonRole.role.in_(holders),
        )
        .order_by(Person.display_name, Person.id)
    )
    for role, granted_at, person in uow.session.execute(held):
        (proposed if granted_at is None else holders)[role].append(person)
    return [
        MissingMember(role, _shown(people), _shown(proposed[role]))
        for role, people in holders.items()
        if actor.organisation_id is not None and all(person.password_hash is None for person in people)
    ]


def _shown(people: Iterable[Person]) -> tuple[str, ...]:
    return tuple(person.display_name for person in people)


@query(Permission.SIGNED_IN)
def view_own_account(actor: Actor, uow: UnitOfWork) -> PersonLine:
    """The actor. Raises: NotFoundError for an actor who is no person."""
    if actor.person_id is None:
        raise NotFoundError
    return _one(uow, actor.person_id)


_STATE_CLAUSES: dict[AccountState, ColumnElement[bool]] = {
    AccountState.ACTIVE: and_(Person.active, Person.password_hash.is_not(None)),
    AccountState.INVITED: and_(Person.active, Person.password_hash.is_(None)),
    AccountState.INACTIVE: not_(Person.active),
}


def _people() -> Select[Person, str, datetime | None]:
    return (
        select(Person, Organisation.name, SecondFactor.enrolled_at)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(SecondFactor, SecondFactor.person_id == Person.id)
    )


def _one(uow: UnitOfWork, person_id: str) -> PersonLine:
    row = uow.session.execute(_people().where(Person.id == person_id)).one()
    return _lines(uow, [(row[0], row[1], row[2])])[0]


def _lines(uow: UnitOfWork, people: Sequence[tuple[Person, str, datetime | None]]) -> list[PersonLine]:
    roles: dict[str, set[str]] = {person.id: set() for person, *_ in people}
    proposed: dict[str, set[str]] = {person.id: set() for person, *_ in people}
    held = select(PersonRole.person_id, PersonRole.role, PersonRole.granted_at).where(PersonRole.person_id.in_(roles))
    for person_id, role, granted_at in uow.session.execute(held):
        (proposed if granted_at is None else roles)[person_id].add(role)
    return [
        PersonLine(
            id=person.id,
            login=person.login,
            display_name=person.display_name,
            organisation_name=organisation,
            language=person.language,
            state=_state_of(person),
            roles=frozenset(roles[person.id]),
            proposed=frozenset(proposed[person.id]),
            highest_level=Level(person.highest_level),
            has_second_factor=enrolled_at is not None,
            created_at=person.created_at,
        )
        for person, organisation, enrolled_at in people
    ]


def _state_of(person: Person) -> AccountState:
    if not person.active:
        return AccountState.INACTIVE
    return AccountState.ACTIVE if person.password_hash else AccountState.INVITED


def _grants() -> Select[PersonRole, Person]:
    return select(PersonRole, Person).join(Person, Person.id == PersonRole.person_id)


def _named(uow: UnitOfWork, rows: Sequence[tuple[PersonRole, Person]]) -> list[Grant]:
    names = _names(uow, {by for row, _ in rows for by in (row.proposed_by, row.granted_by or "")})
    return [
        Grant(
            person_id=person.id,
            display_name=person.display_name,
            login=person.login,
            role=row.role,
            proposed_by=_author(names, row.proposed_by),
            proposed_at=row.proposed_at,
            granted_by=_author(names, row.granted_by or ""),
            granted_at=row.granted_at,
            is_own_proposal=row.proposed_by == uow.actor.name,
        )
        for row, person in rows
    ]


def _names(uow: UnitOfWork, ids: Iterable[str]) -> dict[str, str]:
    """The names of those whom the actor may see: whoever runs the archive stays nameless to the others."""
    known = select(Person.id, Person.display_name).where(Person.id.in_(set(ids)), uow.visible("person"))
    return {row[0]: row[1] for row in uow.session.execute(known)}


def _author(names: dict[str, str], actor: str) -> Author:
    if actor in names:
        return Author(names[actor], "")
    if actor.startswith("system:"):
        return Author("", N_("Operator") if actor == "system:operator" else N_("System"))
    return Author("", N_("Whoever runs the archive"))
