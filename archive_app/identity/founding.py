"""Further organisations of an archive: adding one with its first administrator, naming it, seeing how it is doing.

Whoever does this belongs to the organisation that runs the archive. Of the people of others they learn how many there
are, and nobody's name.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.exc import IntegrityError

from archive_app.identity.accounts import Handed, add_person
from archive_app.identity.granting import lock_organisation
from archive_app.identity.links import INVITATION, issue_link
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.names import checked_credit_code
from archive_app.identity.organisations import KINDS, checked_kind
from archive_app.identity.roles import ADMINISTRATOR
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

ORGANISATION_ADDED = event_type("organisation.added", N_("Organisation added"))
ORGANISATION_CHANGED = event_type("organisation.changed", N_("Organisation renamed"))
INVITATION_RENEWED = event_type("organisation.invitation_renewed", N_("First invitation renewed"))


class OrganisationExistsError(ArchiveError):
    """Names and credit codes of organisations are unique in the archive."""

    code = "organisation_exists"
    message = N_(
        "An organisation with this name or credit code is already there. Nothing was changed; look for it in the list."
    )


class OrganisationSettledError(ArchiveError):
    """Whoever runs the archive lets the first person in, and nobody after that."""

    code = "organisation_settled"
    message = N_(
        "Somebody of this organisation uses the archive already and invites the others. No link was made; they ask "
        "their own administrator, or the operator of the archive."
    )


@dataclass(frozen=True)
class OrganisationLine:
    """An organisation as whoever runs the archive sees it; `active` people have chosen a password."""

    id: str
    name: str
    kind: str
    credit_code: str | None
    runs_archive: bool
    created_at: datetime
    people: int
    active: int


@use_case(Permission.ORGANISATIONS_MANAGE, confirmed=True)
def add_organisation(
    actor: Actor,
    uow: UnitOfWork,
    *,
    name: str,
    kind: str,
    display_name: str,
    login: str,
    language: str,
    credit_code: str = "",
) -> tuple[str, Handed]:
    """Adds an organisation and its first person: their system administrator at once, because nobody else is there.

    Returns the organisation's id and the invitation for that person.
    Raises: InvalidInputError, OrganisationExistsError, LoginTakenError.
    """
    organisation = Organisation(
        id=uow.new_id(),
        name=_checked_name(name),
        kind=checked_kind(kind),
        credit_code=checked_credit_code(credit_code),
        runs_archive=False,
        created_at=uow.now,
    )
    _require_unique(uow, organisation.id, organisation.name, organisation.credit_code)
    uow.session.add(organisation)
    _flush(uow)
    person = add_person(uow, organisation.id, login=login, display_name=display_name, language=language)
    by, at = actor.name, uow.now
    uow.session.add(
        PersonRole(
            person_id=person.id, role=ADMINISTRATOR, proposed_by=by, proposed_at=at, granted_by=by, granted_at=at
        )
    )
    token = issue_link(uow, INVITATION, person.id)
    subjects = {"organisation": organisation.id, "person": person.id}
    facts = {"name": organisation.name, "organisation_kind": organisation.kind, "credit_code": organisation.credit_code}
    uow.record(ORGANISATION_ADDED, subjects, login=person.login, roles=[ADMINISTRATOR], **facts)
    return organisation.id, Handed(person.id, token)


@use_case(Permission.ORGANISATIONS_MANAGE)
def change_organisation(actor: Actor, uow: UnitOfWork, *, organisation_id: str, name: str, credit_code: str) -> None:
    """Gives an organisation another name or credit code; its kind stays, because roles depend on it.

    Raises: NotFoundError, InvalidInputError, OrganisationExistsError.
    """
    uow.require("organisation", organisation_id)
    organisation = uow.session.get_one(Organisation, organisation_id, with_for_update=True)
    before = {"name": organisation.name, "credit_code": organisation.credit_code}
    after = {"name": _checked_name(name), "credit_code": checked_credit_code(credit_code)}
    if before == after:
        return
    _require_unique(uow, organisation_id, after["name"] or "", after["credit_code"])
    organisation.name, organisation.credit_code = after["name"] or "", after["credit_code"]
    _flush(uow)
    uow.record(ORGANISATION_CHANGED, {"organisation": organisation_id}, before=before, after=after)


@use_case(Permission.ORGANISATIONS_MANAGE, confirmed=True)
def renew_first_invitation(actor: Actor, uow: UnitOfWork, *, organisation_id: str) -> Handed:
    """A fresh invitation for the first administrator, while nobody of the organisation has chosen a password.

    Raises: NotFoundError, OrganisationSettledError.
    """
    uow.require("organisation", organisation_id)
    lock_organisation(uow, organisation_id)
    of_it = Person.organisation_id == organisation_id
    arrived = uow.session.scalar(select(Person.id).where(of_it, Person.password_hash.is_not(None)).limit(1))
    appointed = select(PersonRole.person_id).where(PersonRole.role == ADMINISTRATOR, PersonRole.granted_at.is_not(None))
    first = uow.session.scalar(
        select(Person).where(of_it, Person.active, Person.id.in_(appointed)).order_by(Person.id).limit(1)
    )
    if arrived is not None or first is None:
        raise OrganisationSettledError
    token = issue_link(uow, INVITATION, first.id)
    uow.record(INVITATION_RENEWED, {"organisation": organisation_id, "person": first.id}, login=first.login)
    return Handed(first.id, token)


@query(Permission.ORGANISATIONS_MANAGE)
def survey_organisations(
    actor: Actor,
    uow: UnitOfWork,
    *,
    text: str = "",
    kind: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OrganisationLine]:
    """All organisations, by name; `text` is any part of name or code, an unknown `kind` narrows nothing."""
    statement = _surveyed().where(uow.visible("organisation"))
    if part := text.strip():
        by_code = Organisation.credit_code.contains(part.upper(), autoescape=True)
        statement = statement.where(Organisation.name.contains(part, autoescape=True) | by_code)
    if kind in KINDS:
        statement = statement.where(Organisation.kind == kind)
    page = fetch_page(uow.session, statement, [Organisation.name, Organisation.id], after=after, limit=limit)
    return Page([_line(row[0], row[1], row[2]) for row in page.items], page.next_key)


@query(Permission.ORGANISATIONS_MANAGE)
def survey_organisation(actor: Actor, uow: UnitOfWork, *, organisation_id: str) -> OrganisationLine:
    """One organisation of the archive. Raises: NotFoundError."""
    uow.require("organisation", organisation_id)
    row = uow.session.execute(_surveyed().where(Organisation.id == organisation_id)).one()
    return _line(row[0], row[1], row[2])


def _surveyed() -> Select[Organisation, int, int]:
    of_it = Person.organisation_id == Organisation.id
    arrived = and_(Person.active, Person.password_hash.is_not(None))
    return select(Organisation, _count(of_it), _count(and_(of_it, arrived)))


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count(Person.id)).where(which).correlate(Organisation).scalar_subquery()


def _line(row: Organisation, people: int, active: int) -> OrganisationLine:
    return OrganisationLine(
        row.id, row.name, row.kind, row.credit_code, row.runs_archive, row.created_at, people, active
    )


def _checked_name(name: str) -> str:
    return one_line(name, field=N_("Name of the organisation"), limit=200)


def _require_unique(uow: UnitOfWork, own_id: str, name: str, credit_code: str | None) -> None:
    same = Organisation.name == name
    if credit_code is not None:
        same = same | (Organisation.credit_code == credit_code)
    if uow.session.scalar(select(Organisation.id).where(same, Organisation.id != own_id).limit(1)):
        raise OrganisationExistsError


def _flush(uow: UnitOfWork) -> None:
    # Of two who add the same at once, the database lets one through.
    try:
        uow.session.flush()
    except IntegrityError as error:
        raise OrganisationExistsError from error
