"""One-time links: by them people choose a password that nobody else ever learns."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from archive_app.identity.access_tokens import end_tokens
from archive_app.identity.actors import acting_as
from archive_app.identity.delays import forgive, try_key
from archive_app.identity.models import OneTimeLink, Organisation, Person
from archive_app.identity.passwords import check_password, hash_password
from archive_app.identity.sessions import NewSession, begin_session, end_sessions
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case

SET_UP, INVITATION, RESET = "set_up", "invitation", "reset"
PERSON_ACTIVATED = event_type("person.activated", N_("Invitation accepted"))
PASSWORD_RESET = event_type("password.reset", N_("Password reset by link"))


class LinkUnusableError(ArchiveError):
    """Used, expired, replaced by a newer one, or never made: the answer is the same."""

    code = "link_unusable"
    message = N_(
        "This link was already used, has expired or was replaced. Nothing was changed; please ask for a new one."
    )


@dataclass(frozen=True)
class LinkView:
    """What somebody who holds a link may know before using it."""

    purpose: str
    login: str
    display_name: str
    organisation_name: str


def issue_link(uow: UnitOfWork, purpose: str, person_id: str | None) -> str:
    """A step: makes a link, which replaces earlier ones for the same person (or for set-up); returns its token."""
    void_links(uow, person_id)
    token = new_token()
    link = OneTimeLink(
        id=uow.new_id(),
        purpose=purpose,
        token_digest=token_digest(token),
        person_id=person_id,
        created_at=uow.now,
        expires_at=uow.now + uow.archive.rules.link_lifetime,
    )
    uow.session.add(link)
    return token


def void_links(uow: UnitOfWork, person_id: str | None) -> None:
    """A step: makes the person's unused links worthless; without a person, those for set-up."""
    theirs = update(OneTimeLink).where(OneTimeLink.person_id == person_id, OneTimeLink.used_at.is_(None))
    uow.session.execute(theirs.values(used_at=uow.now))


def consume_link(uow: UnitOfWork, token: str, *purposes: str) -> str | None:
    """A step: uses the link up; returns whom it is for. Of two at once, one gets it. Raises: LinkUnusableError."""
    found = uow.session.execute(
        update(OneTimeLink)
        .where(_usable(uow, token, purposes))
        .values(used_at=uow.now)
        .returning(OneTimeLink.person_id)
        .execution_options(synchronize_session=False)
    ).first()
    if found is None:
        raise LinkUnusableError
    person_id: str | None = found[0]
    return person_id


def require_link(uow: UnitOfWork, token: str, *purposes: str) -> OneTimeLink:
    """A step: the link, not used up. Raises: LinkUnusableError."""
    link = uow.session.scalar(select(OneTimeLink).where(_usable(uow, token, purposes)))
    if link is None:
        raise LinkUnusableError
    return link


@query(Permission.ANYBODY)
def view_link(actor: Actor, uow: UnitOfWork, *, token: str) -> LinkView:
    """What an invitation or reset link is for; looking does not use it up. Raises: LinkUnusableError."""
    return _view(uow, token)


@staged_use_case(Permission.ANYBODY)
def use_link(actor: Actor, archive: Archive, *, token: str, password: str) -> NewSession:
    """Sets the password of the link's person, ends all their other sessions and begins one.

    The link stands in for the password alone: a second factor stays as it is, and is asked for.
    Raises: LinkUnusableError, and what `check_password` raises; a refused password leaves the link usable.
    """
    with archive.reading(actor) as uow:
        view = _view(uow, token)
        holder = _holder(uow, token)
    own_words = (view.login, view.display_name, view.organisation_name)
    check_password(password, min_length=archive.rules.password_min_length, own_words=own_words)
    hashed = hash_password(password)
    with archive.transaction(holder) as uow:
        return _choose_password(uow, token, hashed)


def _choose_password(uow: UnitOfWork, token: str, hashed: str) -> NewSession:
    person = uow.session.get_one(Person, consume_link(uow, token, INVITATION, RESET), with_for_update=True)
    if not person.active:
        raise LinkUnusableError
    is_new = person.password_hash is None
    person.password_hash = hashed
    end_sessions(uow, person.id)
    # Whoever had the old password may have made tokens with it.
    end_tokens(uow, person.id)
    forgive(uow, try_key(person.login, uow.actor.address))
    subjects = {"person": person.id, "organisation": person.organisation_id}
    uow.record(PERSON_ACTIVATED if is_new else PASSWORD_RESET, subjects, login=person.login)
    return begin_session(uow, person)


def _usable(uow: UnitOfWork, token: str, purposes: tuple[str, ...]) -> ColumnElement[bool]:
    return (
        (OneTimeLink.token_digest == token_digest(token))
        & OneTimeLink.purpose.in_(purposes)
        & OneTimeLink.used_at.is_(None)
        & (OneTimeLink.expires_at > uow.now)
    )


def _view(uow: UnitOfWork, token: str) -> LinkView:
    link = require_link(uow, token, INVITATION, RESET)
    person = uow.session.get_one(Person, link.person_id)
    organisation = uow.session.get_one(Organisation, person.organisation_id)
    return LinkView(link.purpose, person.login, person.display_name, organisation.name)


def _holder(uow: UnitOfWork, token: str) -> Actor:
    link = require_link(uow, token, INVITATION, RESET)
    return acting_as(uow, uow.session.get_one(Person, link.person_id))
