"""Sessions: a browser that somebody signed in with, until it is signed out, idle too long, or too old."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, select, update

from archive_app.identity.models import Person, PersonRole, SignInSession
from archive_app.identity.roles import permissions_of
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.tables import UtcDateTime
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

SESSION_BEGAN = event_type("session.began", N_("Signed in"))
SESSION_ENDED = event_type("session.ended", N_("Signed out"))
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun: the only time its token is seen."""

    token: str
    expires_at: datetime
    language: str


@dataclass(frozen=True)
class SessionLine:
    """A living session as its owner sees it."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


def actor_of_session(archive: Archive, token: str, address: str) -> Actor | None:
    """The person who holds `token`, or None when it opens nothing any more. One query; at most one write a minute."""
    now = archive.clock.now()
    with archive.reading(Actor.anonymous(address=address)) as uow:
        idle_since = now - archive.rules.session_idle
        told = {"token_digest": token_digest(token), "now": now, "idle_since": idle_since}
        rows = uow.session.execute(_HOLDER, told).all()
        if not rows:
            return None
        session_id, last_seen_at, person, _ = rows[0]
        roles = frozenset(filter(None, (role for *_, role in rows)))
        actor = actor_for(person, roles, address=address, session_id=session_id)
    if now - last_seen_at >= _SEEN_EVERY:
        _note_seen(archive, actor, session_id)
    return actor


def actor_for(person: Person, roles: frozenset[str], *, address: str, session_id: str | None = None) -> Actor:
    """The person as somebody who acts in the browser."""
    return Actor(
        name=person.id,
        via="web",
        permissions=permissions_of(roles),
        person_id=person.id,
        organisation_id=person.organisation_id,
        roles=roles,
        display_name=person.display_name,
        address=address,
        session_id=session_id,
    )


def acting_as(uow: UnitOfWork, person: Person) -> Actor:
    """A step: the person as somebody who acts from where this unit's actor came from."""
    roles = uow.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id))
    return actor_for(person, frozenset(roles), address=uow.actor.address)


def begin_session(uow: UnitOfWork, person: Person) -> NewSession:
    """A step: gives `person` a session under a fresh token and records it."""
    token = new_token()
    session = SignInSession(
        id=uow.new_id(),
        token_digest=token_digest(token),
        person_id=person.id,
        created_at=uow.now,
        last_seen_at=uow.now,
        expires_at=uow.now + uow.archive.rules.session_lifetime,
    )
    uow.session.add(session)
    uow.record(SESSION_BEGAN, _subjects(session.id, person.id), login=person.login)
    return NewSession(token, session.expires_at, person.language)


def end_sessions(uow: UnitOfWork, person_id: str, *, keep: str | None = None) -> None:
    """A step: ends the person's sessions, except the one to `keep`. The act that causes it is what gets recorded."""
    theirs = update(SignInSession).where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
    if keep is not None:
        theirs = theirs.where(SignInSession.id != keep)
    uow.session.execute(theirs.values(ended_at=uow.now))


def end_one(uow: UnitOfWork, session_id: str, person_id: str) -> bool:
    """A step: ends and records one session of the person; says whether it was alive."""
    session = uow.session.get(SignInSession, session_id, with_for_update=True)
    if session is None or session.person_id != person_id or session.ended_at is not None:
        return False
    session.ended_at = uow.now
    uow.record(SESSION_ENDED, _subjects(session.id, person_id))
    return True


@use_case(Permission.SIGNED_IN)
def sign_out(actor: Actor, uow: UnitOfWork) -> None:
    """Ends the session that the actor came with."""
    if actor.session_id is not None and actor.person_id is not None:
        end_one(uow, actor.session_id, actor.person_id)


@use_case(Permission.SIGNED_IN)
def end_session(actor: Actor, uow: UnitOfWork, *, session_id: str) -> None:
    """Ends one of the actor's own sessions. Raises: NotFoundError."""
    if actor.person_id is None or not end_one(uow, session_id, actor.person_id):
        raise NotFoundError


@query(Permission.SIGNED_IN)
def list_own_sessions(actor: Actor, uow: UnitOfWork, *, after: str | None = None) -> Page[SessionLine]:
    """The actor's living sessions, newest first."""
    alive = _alive(uow.now, uow.now - uow.archive.rules.session_idle)
    statement = select(SignInSession).where(SignInSession.person_id == actor.person_id, alive)
    page = fetch_page(uow.session, statement, [SignInSession.id], after=after, descending=True)
    lines = [
        SessionLine(s.id, s.created_at, s.last_seen_at, s.expires_at, s.id == actor.session_id) for s, *_ in page.items
    ]
    return Page(lines, page.next_key)


def _alive(
    now: datetime | BindParameter[datetime], idle_since: datetime | BindParameter[datetime]
) -> ColumnElement[bool]:
    return and_(
        SignInSession.ended_at.is_(None), SignInSession.expires_at > now, SignInSession.last_seen_at > idle_since
    )


# Asked at every request, so it is put together once.
_HOLDER = (
    select(SignInSession.id, SignInSession.last_seen_at, Person, PersonRole.role)
    .join(Person, Person.id == SignInSession.person_id)
    .outerjoin(PersonRole, PersonRole.person_id == Person.id)
    .where(
        SignInSession.token_digest == bindparam("token_digest"),
        Person.active,
        _alive(bindparam("now", type_=UtcDateTime()), bindparam("idle_since", type_=UtcDateTime())),
    )
)


def _note_seen(archive: Archive, actor: Actor, session_id: str) -> None:
    with archive.transaction(actor, eventless=True) as uow:
        uow.session.execute(
            update(SignInSession)
            .where(SignInSession.id == session_id, SignInSession.last_seen_at < uow.now)
            .values(last_seen_at=uow.now)
        )


def _subjects(session_id: str, person_id: str) -> dict[str, str]:
    return {"person": person_id, "session": session_id}
