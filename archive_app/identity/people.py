"""Reading: the people of an organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, not_, select

from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.language import N_
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
    """A person as lists and pages show them."""

    id: str
    login: str
    display_name: str
    organisation_name: str
    language: str
    state: AccountState
    roles: frozenset[str]
    created_at: datetime


@query(Permission.ACCOUNTS_MANAGE)
def list_people(
    actor: Actor,
    uow: UnitOfWork,
    *,
    text: str = "",
    state: str = "",
    role: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[PersonLine]:
    """Visible people by name; `text` is any part of the name or login, an unknown `state` narrows nothing."""
    statement = _people().where(uow.visible("person"))
    if part := text.strip():
        by_login = Person.login.contains(part.casefold(), autoescape=True)
        statement = statement.where(Person.display_name.contains(part, autoescape=True) | by_login)
    if state in _STATE_CLAUSES:
        statement = statement.where(_STATE_CLAUSES[AccountState(state)])
    if role:
        statement = statement.where(Person.id.in_(select(PersonRole.person_id).where(PersonRole.role == role)))
    page = fetch_page(uow.session, statement, [Person.display_name, Person.id], after=after, limit=limit)
    return Page(_lines(uow, [(row[0], row[1]) for row in page.items]), page.next_key)


@query(Permission.ACCOUNTS_MANAGE)
def view_person(actor: Actor, uow: UnitOfWork, *, person_id: str) -> PersonLine:
    """One person. Raises: NotFoundError."""
    uow.require("person", person_id)
    return _one(uow, person_id)


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


def _people() -> Select[Person, str]:
    return select(Person, Organisation.name).join(Organisation, Organisation.id == Person.organisation_id)


def _one(uow: UnitOfWork, person_id: str) -> PersonLine:
    person, organisation_name = uow.session.execute(_people().where(Person.id == person_id)).one()
    return _lines(uow, [(person, organisation_name)])[0]


def _lines(uow: UnitOfWork, people: Sequence[tuple[Person, str]]) -> list[PersonLine]:
    roles: dict[str, set[str]] = {person.id: set() for person, _ in people}
    held = select(PersonRole.person_id, PersonRole.role).where(PersonRole.person_id.in_(roles))
    for person_id, role in uow.session.execute(held):
        roles[person_id].add(role)
    return [
        PersonLine(
            p.id, p.login, p.display_name, organisation, p.language, _state_of(p), frozenset(roles[p.id]), p.created_at
        )
        for p, organisation in people
    ]


def _state_of(person: Person) -> AccountState:
    if not person.active:
        return AccountState.INACTIVE
    return AccountState.ACTIVE if person.password_hash else AccountState.INVITED
