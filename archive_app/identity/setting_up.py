"""First-run set-up: the organisation and the first person, by a one-time link, once in an archive's life."""

from sqlalchemy import select

from archive_app.identity.actors import Standing, actor_for
from archive_app.identity.links import SET_UP, consume_link, issue_link, require_link
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.names import checked_display_name, checked_language, checked_login
from archive_app.identity.organisations import checked_kind
from archive_app.identity.passwords import check_password, hash_password
from archive_app.identity.roles import first_roles
from archive_app.identity.sessions import NewSession, begin_session
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.identity_row import ArchiveIdentity
from archive_app.kernel.ids import new_id
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case, use_case
from archive_app.kernel.words import one_line

SETUP_LINK_MADE = event_type("setup.link_made", N_("Set-up link made"))
ORGANISATION_SET_UP = event_type("organisation.set_up", N_("Organisation set up"))


class AlreadySetUpError(ArchiveError):
    """Somebody has an account here already."""

    code = "already_set_up"
    message = N_(
        "This archive is already set up. Nothing was changed; sign in, or ask its administrator for an invitation."
    )


def create_setup_link(archive: Archive) -> str | None:
    """The token of a fresh set-up link, for `/set-up/<token>`; None once the archive has people.

    Earlier set-up links stop working. Only the token's digest is kept.
    """
    with archive.activate():
        return make_setup_link(Actor.system("operator", via="cli"))


@use_case(Permission.SYSTEM)
def make_setup_link(actor: Actor, uow: UnitOfWork) -> str | None:
    """What `create_setup_link` does, in the archive that is active."""
    _wait_for_others(uow)
    if _has_people(uow):
        return None
    token = issue_link(uow, SET_UP, None)
    uow.record(SETUP_LINK_MADE, {})
    return token


@query(Permission.ANYBODY)
def is_set_up(actor: Actor, uow: UnitOfWork) -> bool:
    """Whether somebody has an account here."""
    return _has_people(uow)


@query(Permission.ANYBODY)
def check_setup_link(actor: Actor, uow: UnitOfWork, *, token: str) -> None:
    """Refuses a link that would be refused later. Raises: AlreadySetUpError, LinkUnusableError."""
    if _has_people(uow):
        raise AlreadySetUpError
    require_link(uow, token, SET_UP)


@staged_use_case(Permission.ANYBODY)
def set_up(
    actor: Actor,
    archive: Archive,
    *,
    token: str,
    language: str,
    organisation_name: str,
    display_name: str,
    login: str,
    password: str,
    kind: str = "verification_body",
) -> NewSession:
    """Makes the organisation and its first person, who administers, archives and leads, and signs them in.

    Raises: AlreadySetUpError, LinkUnusableError, InvalidInputError, and what `check_password` raises; a refused form
    leaves the link usable.
    """
    check_setup_link(actor, token=token)
    now = archive.clock.now()
    organisation_name = one_line(organisation_name, field=N_("Organisation"), limit=200)
    organisation = Organisation(
        id=new_id(now), name=organisation_name, kind=checked_kind(kind), runs_archive=True, created_at=now
    )
    person = Person(
        id=new_id(now),
        organisation_id=organisation.id,
        login=checked_login(login),
        display_name=checked_display_name(display_name),
        language=checked_language(language),
        active=True,
        highest_level=Level.RESTRICTED,
        created_at=now,
    )
    own_words = (person.login, person.display_name, organisation.name)
    check_password(password, min_length=archive.rules.password_min_length, own_words=own_words)
    person.password_hash = hash_password(password)
    with archive.transaction(actor_for(person, Standing(first_roles(kind)), address=actor.address)) as uow:
        return _move_in(uow, token, organisation, person)


def _move_in(uow: UnitOfWork, token: str, organisation: Organisation, person: Person) -> NewSession:
    _wait_for_others(uow)
    if _has_people(uow):
        raise AlreadySetUpError
    consume_link(uow, token, SET_UP)
    # Flushed one after the other: the tables have foreign keys but no ORM relationships to order them by.
    for row in (organisation, person):
        uow.session.add(row)
        uow.session.flush()
    for role in sorted(first_roles(organisation.kind)):
        granted = {"granted_by": person.id, "granted_at": uow.now}
        uow.session.add(
            PersonRole(person_id=person.id, role=role, proposed_by=person.id, proposed_at=uow.now, **granted)
        )
    subjects = {"organisation": organisation.id, "person": person.id}
    uow.record(
        ORGANISATION_SET_UP, subjects, name=organisation.name, organisation_kind=organisation.kind, login=person.login
    )
    return begin_session(uow, person)


def _wait_for_others(uow: UnitOfWork) -> None:
    # The archive's one identity row serves as the lock: before set-up there is nothing else to hold on to.
    uow.session.execute(select(ArchiveIdentity.single).with_for_update())


def _has_people(uow: UnitOfWork) -> bool:
    return uow.session.scalar(select(Person.id).limit(1)) is not None
