"""What an administrator does with accounts: invite, make reset links, deactivate, reactivate."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from archive_app.identity.access_tokens import end_tokens
from archive_app.identity.granting import (
    ROLES_MOVED,
    add_roles,
    keep_able,
    lock_organisation,
    require_fit,
    roles_of,
    subjects_of,
    take_person,
)
from archive_app.identity.links import INVITATION, RESET, issue_link, void_links
from archive_app.identity.models import Organisation, Person
from archive_app.identity.names import checked_display_name, checked_language, checked_login
from archive_app.identity.sessions import end_sessions
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case

PERSON_INVITED = event_type("person.invited", N_("Person invited"))
RESET_LINK_MADE = event_type("password.reset_link_made", N_("Password link made"))
PERSON_DEACTIVATED = event_type("person.deactivated", N_("Account deactivated"))
PERSON_REACTIVATED = event_type("person.reactivated", N_("Account reactivated"))


class LoginTakenError(ArchiveError):
    """Logins are unique in the archive."""

    code = "login_taken"
    message = N_("The login %(login)s is already in use. Nobody was invited; choose another login.")


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
    actor: Actor,
    uow: UnitOfWork,
    *,
    login: str,
    display_name: str,
    roles: Collection[str],
    language: str,
    organisation_id: str | None = None,
) -> Handed:
    """Makes an account without a password, and the link by which its person chooses one.

    The roles wait until a security officer grants them; those that the operator gives are granted at once. Only the
    operator, who belongs to no organisation, names one.
    Raises: InvalidInputError, LoginTakenError, RolesNotOfferedError, RolesExcludeError, NotFoundError.
    """
    organisation_id = _organisation_for(actor, uow, organisation_id)
    lock_organisation(uow, organisation_id)
    chosen = frozenset(roles)
    if not chosen:
        raise InvalidInputError(field=N_("Roles"), reason=N_("Choose at least one."))
    require_fit(uow, organisation_id, {"organisation": organisation_id}, (), chosen)
    person = add_person(uow, organisation_id, login=login, display_name=display_name, language=language)
    add_roles(uow, person.id, chosen)
    token = issue_link(uow, INVITATION, person.id)
    given = {"roles" if actor.is_system else "proposed": sorted(chosen)}
    ROLES_MOVED.announce(uow, person)
    uow.record(PERSON_INVITED, subjects_of(person), login=person.login, name=person.display_name, **given)
    return Handed(person.id, token)


def add_person(uow: UnitOfWork, organisation_id: str, *, login: str, display_name: str, language: str) -> Person:
    """A step: an account without password, roles and link. Raises: InvalidInputError, LoginTakenError."""
    login = checked_login(login)
    if uow.session.scalar(select(Person.id).where(Person.login == login)):
        raise LoginTakenError(login=login)
    person = Person(
        id=uow.new_id(),
        organisation_id=organisation_id,
        login=login,
        display_name=checked_display_name(display_name),
        language=checked_language(language),
        active=True,
        highest_level=Level.SENSITIVE,
        created_at=uow.now,
    )
    uow.session.add(person)
    try:
        uow.session.flush()
    except IntegrityError as error:
        # Of two who invite under the same login at once, the database lets one through.
        raise LoginTakenError(login=login) from error
    return person


@use_case(Permission.ACCOUNTS_MANAGE, confirmed=True)
def make_reset_link(actor: Actor, uow: UnitOfWork, *, person_id: str) -> Handed:
    """A link by which the person chooses a new password; for somebody invited, a new invitation.

    The old password works until the link is used. Raises: NotFoundError, InactiveError.
    """
    person = take_person(uow, person_id)
    if not person.active:
        raise InactiveError
    token = issue_link(uow, RESET if person.password_hash else INVITATION, person.id)
    uow.record(RESET_LINK_MADE, subjects_of(person), login=person.login)
    return Handed(person.id, token)


@use_case(Permission.ACCOUNTS_MANAGE)
def deactivate(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Closes the account: its sessions and access tokens end and its links stop working at once. What the person did
    stays theirs, and so do their roles.

    Raises: NotFoundError, LastAdministratorError, LastOfficerError.
    """
    person = take_person(uow, person_id)
    if not person.active:
        return
    keep_able(uow, person, roles_of(uow, person_id))
    # The links first: whoever uses one at this moment holds it and waits for the person.
    void_links(uow, person_id)
    person.active = False
    end_sessions(uow, person_id)
    end_tokens(uow, person_id)
    ROLES_MOVED.announce(uow, person)
    uow.record(PERSON_DEACTIVATED, subjects_of(person), login=person.login)


@use_case(Permission.ACCOUNTS_MANAGE)
def reactivate(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Opens the account again with its old password. Its roles are proposed anew and wait for a security officer:
    whoever opens an account that nobody watches any more, and makes a link to it, must not hold its rights. The
    operator gives them back at once.

    Raises: NotFoundError.
    """
    person = take_person(uow, person_id)
    if person.active:
        return
    person.active = True
    roles = roles_of(uow, person_id)
    if not actor.is_system:
        for row in roles.values():
            row.proposed_by, row.proposed_at, row.granted_by, row.granted_at = actor.name, uow.now, None, None
    ROLES_MOVED.announce(uow, person)
    uow.record(PERSON_REACTIVATED, subjects_of(person), login=person.login, proposed=sorted(roles))


def _organisation_for(actor: Actor, uow: UnitOfWork, named: str | None) -> str:
    if not actor.is_system:
        if actor.organisation_id is None:
            raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
        return actor.organisation_id
    if named is not None:
        uow.require("organisation", named)
        return named
    # The operator at the command line belongs to none; an archive of one organisation leaves no doubt.
    found = uow.session.scalars(select(Organisation.id).limit(2)).all()
    if not found:
        raise ConflictError
    if len(found) > 1:
        raise InvalidInputError(
            field=N_("Organisation"), reason=N_("There is more than one; say which, such as by --organisation.")
        )
    return found[0]
