"""What an administrator does with accounts: invite, give roles, make reset links, deactivate, reactivate."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.identity.access_tokens import end_tokens
from archive_app.identity.links import INVITATION, RESET, issue_link, void_links
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.names import checked_display_name, checked_language, checked_login
from archive_app.identity.roles import ADMINISTRATOR, checked_roles
from archive_app.identity.sessions import end_sessions
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case

PERSON_INVITED = event_type("person.invited", N_("Person invited"))
RESET_LINK_MADE = event_type("password.reset_link_made", N_("Password link made"))
PERSON_DEACTIVATED = event_type("person.deactivated", N_("Account deactivated"))
PERSON_REACTIVATED = event_type("person.reactivated", N_("Account reactivated"))
ROLES_CHANGED = event_type("person.roles_changed", N_("Roles changed"))


class LoginTakenError(ArchiveError):
    """Logins are unique in the archive."""

    code = "login_taken"
    message = N_("The login %(login)s is already in use. Nobody was invited; choose another login.")


class LastAdministratorError(ArchiveError):
    """An organisation keeps somebody who can let others in."""

    code = "last_administrator"
    message = N_(
        "%(name)s is the only active system administrator. Nothing was changed; make somebody else administrator first."
    )


class InactiveError(ArchiveError):
    """A deactivated account gets no links."""

    code = "person_inactive"
    message = N_("This account is deactivated. No link was made; reactivate the account first.")


@dataclass(frozen=True)
class Handed:
    """A link to hand to a person: its token is shown this once and kept nowhere."""

    person_id: str
    token: str


@use_case(Permission.ACCOUNTS_MANAGE)
def invite(
    actor: Actor, uow: UnitOfWork, *, login: str, display_name: str, roles: Collection[str], language: str
) -> Handed:
    """Makes an account without a password, and the link by which its person chooses one.

    Raises: InvalidInputError, LoginTakenError.
    """
    organisation_id = _organisation_of(actor, uow)
    login = checked_login(login)
    chosen = checked_roles(roles)
    if uow.session.scalar(select(Person.id).where(Person.login == login)):
        raise LoginTakenError(login=login)
    person = Person(
        id=uow.new_id(),
        organisation_id=organisation_id,
        login=login,
        display_name=checked_display_name(display_name),
        language=checked_language(language),
        active=True,
        created_at=uow.now,
    )
    uow.session.add(person)
    uow.session.flush()
    uow.session.add_all(PersonRole(person_id=person.id, role=role) for role in chosen)
    token = issue_link(uow, INVITATION, person.id)
    uow.record(PERSON_INVITED, _subjects(person), login=login, name=person.display_name, roles=sorted(chosen))
    return Handed(person.id, token)


@use_case(Permission.ACCOUNTS_MANAGE)
def make_reset_link(actor: Actor, uow: UnitOfWork, *, person_id: str) -> Handed:
    """A link by which the person chooses a new password; for somebody invited, a new invitation.

    The old password works until the link is used. Raises: NotFoundError, InactiveError.
    """
    person = _take(uow, person_id)
    if not person.active:
        raise InactiveError
    token = issue_link(uow, RESET if person.password_hash else INVITATION, person.id)
    uow.record(RESET_LINK_MADE, _subjects(person), login=person.login)
    return Handed(person.id, token)


@use_case(Permission.ACCOUNTS_MANAGE)
def set_roles(actor: Actor, uow: UnitOfWork, *, person_id: str, roles: Collection[str]) -> None:
    """Gives the person exactly these roles, from their next click on.

    Raises: NotFoundError, InvalidInputError, LastAdministratorError.
    """
    person = _take(uow, person_id)
    chosen = checked_roles(roles)
    held = {row.role: row for row in uow.session.scalars(select(PersonRole).where(PersonRole.person_id == person_id))}
    if chosen == held.keys():
        return
    if ADMINISTRATOR not in chosen:
        _keep_an_administrator(uow, person)
    for role in held.keys() - chosen:
        uow.session.delete(held[role])
    uow.session.add_all(PersonRole(person_id=person_id, role=role) for role in chosen - held.keys())
    uow.record(ROLES_CHANGED, _subjects(person), login=person.login, before=sorted(held), after=sorted(chosen))


@use_case(Permission.ACCOUNTS_MANAGE)
def deactivate(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Closes the account: its sessions and access tokens end and its links stop working at once. What the person did
    stays theirs.

    Raises: NotFoundError, LastAdministratorError.
    """
    person = _take(uow, person_id)
    if not person.active:
        return
    _keep_an_administrator(uow, person)
    person.active = False
    end_sessions(uow, person_id)
    end_tokens(uow, person_id)
    void_links(uow, person_id)
    uow.record(PERSON_DEACTIVATED, _subjects(person), login=person.login)


@use_case(Permission.ACCOUNTS_MANAGE)
def reactivate(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Opens the account again with its old password and roles. Raises: NotFoundError."""
    person = _take(uow, person_id)
    if person.active:
        return
    person.active = True
    uow.record(PERSON_REACTIVATED, _subjects(person), login=person.login)


def _take(uow: UnitOfWork, person_id: str) -> Person:
    """The person, if the actor may see them; other changes to accounts of their organisation wait."""
    uow.require("person", person_id)
    person = uow.session.get_one(Person, person_id)
    uow.session.execute(select(Organisation.id).where(Organisation.id == person.organisation_id).with_for_update())
    uow.session.refresh(person)
    return person


def _keep_an_administrator(uow: UnitOfWork, leaving: Person) -> None:
    able = (
        select(func.count())
        .select_from(Person)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(
            Person.organisation_id == leaving.organisation_id,
            PersonRole.role == ADMINISTRATOR,
            Person.active,
            # Somebody who was only invited cannot let anybody in yet.
            Person.password_hash.is_not(None),
        )
    )
    leaves = uow.session.scalar(able.where(Person.id == leaving.id))
    if leaves and not uow.session.scalar(able.where(Person.id != leaving.id)):
        raise LastAdministratorError(name=leaving.display_name)


def _organisation_of(actor: Actor, uow: UnitOfWork) -> str:
    if actor.organisation_id is not None:
        return actor.organisation_id
    # The operator at the command line belongs to none; an archive of one organisation leaves no doubt.
    found = uow.session.scalars(select(Organisation.id).limit(2)).all()
    if not found:
        raise ConflictError
    if len(found) > 1:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return found[0]


def _subjects(person: Person) -> dict[str, str]:
    return {"person": person.id, "organisation": person.organisation_id}
