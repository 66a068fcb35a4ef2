"""Sessions: a browser that somebody signed in with, until it is signed out, idle too long, or too old.

Where a second factor is to be given, the password alone opens half a session, for ten minutes and for the page that
asks for the factor. Whenever a session comes to open more, it goes on under a token that never existed before.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, select, update

from archive_app.identity.actors import Standing, actor_for, standing_of
from archive_app.identity.models import Organisation, Person, PersonRole, SecondFactor, SignInSession
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError, SignInRequiredError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.tables import UtcDateTime
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case

SESSION_BEGAN = event_type("session.began", N_("Signed in"))
SESSION_HALF_BEGAN = event_type("session.half_began", N_("Password given; second factor awaited"))
SESSION_CONFIRMED = event_type("session.confirmed", N_("Confirmed who they are"))
SESSION_ENDED = event_type("session.ended", N_("Signed out"))
OTHER_SESSIONS_ENDED = event_type("session.others_ended", N_("Other sessions ended"))
HALF_SESSION = timedelta(minutes=10)
_SEEN_EVERY = timedelta(minutes=1)
# Clocks are set right by moments. One that went back further says nothing of how old a session is.
_CLOCK_PLAY = timedelta(minutes=1)


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun or goes on under a fresh token: the only time that is seen. `awaits`: see Actor."""

    token: str
    expires_at: datetime
    language: str
    awaits: str = ""


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
        told = {"token_digest": token_digest(token), "now": now, "idle_since": idle_since, "seen_by": now + _CLOCK_PLAY}
        rows = uow.session.execute(_HOLDER, told).all()
        if not rows:
            return None
        session, person, runs_archive, enrolled_at, _ = rows[0]
        standing = Standing(
            roles=frozenset(filter(None, (role for *_, role in rows))),
            runs_archive=runs_archive,
            enrolled=enrolled_at is not None,
            passed=session.passed_at is not None,
        )
        confirmed_at = session.confirmed_at
        if confirmed_at is not None and confirmed_at > now + _CLOCK_PLAY:
            confirmed_at = None
        actor = replace(actor_for(person, standing, address=address), session_id=session.id, confirmed_at=confirmed_at)
    if now - session.last_seen_at >= _SEEN_EVERY:
        _note_seen(archive, actor, session.id)
    return actor


def begin_session(uow: UnitOfWork, person: Person) -> NewSession:
    """A step: gives `person` a session under a fresh token and records it; half a one where they have a second factor
    to give."""
    awaits = actor_for(person, replace(standing_of(uow, person), passed=False), address="").awaits
    is_half = awaits == "second_factor"
    token = new_token()
    session = SignInSession(
        id=uow.new_id(),
        token_digest=token_digest(token),
        person_id=person.id,
        created_at=uow.now,
        last_seen_at=uow.now,
        expires_at=uow.now + (HALF_SESSION if is_half else uow.archive.rules.session_lifetime),
        passed_at=None if is_half else uow.now,
        confirmed_at=None if is_half else uow.now,
    )
    uow.session.add(session)
    kind = SESSION_HALF_BEGAN if is_half else SESSION_BEGAN
    uow.record(kind, _subjects(session.id, person), login=person.login)
    return NewSession(token, session.expires_at, person.language, awaits)


def pass_session(uow: UnitOfWork, person: Person) -> NewSession:
    """A step: makes the actor's half session a whole one, because they gave their second factor, and records it.

    Raises: SignInRequiredError when it has ended meanwhile.
    """
    session = _own_session(uow, person)
    session.passed_at = session.confirmed_at = uow.now
    session.expires_at = uow.now + uow.archive.rules.session_lifetime
    begun = _renewed(uow, session, person)
    uow.record(SESSION_BEGAN, _subjects(session.id, person), login=person.login)
    return begun


def confirm_session(uow: UnitOfWork, person: Person) -> NewSession:
    """A step: notes that the actor proved who they are, and records it.

    Raises: SignInRequiredError when the session has ended meanwhile.
    """
    session = _own_session(uow, person)
    session.confirmed_at = uow.now
    begun = _renewed(uow, session, person)
    uow.record(SESSION_CONFIRMED, _subjects(session.id, person), login=person.login)
    return begun


def renew_session(uow: UnitOfWork, person: Person) -> NewSession | None:
    """A step: ends the person's other sessions and goes on with the actor's under a fresh token; None for an actor
    without one. The act that causes it is what gets recorded. Raises: SignInRequiredError."""
    end_sessions(uow, person.id, keep=uow.actor.session_id)
    if uow.actor.session_id is None:
        return None
    return _renewed(uow, _own_session(uow, person), person)


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
    uow.record(SESSION_ENDED, _subjects(session.id, uow.session.get_one(Person, person_id)))
    return True


@use_case(Permission.ANYBODY)
def sign_out(actor: Actor, uow: UnitOfWork) -> None:
    """Ends the session that the actor came with, whole or half; somebody without one has nothing to end."""
    if actor.session_id is not None and actor.person_id is not None:
        end_one(uow, actor.session_id, actor.person_id)


@use_case(Permission.SIGNED_IN)
def end_session(actor: Actor, uow: UnitOfWork, *, session_id: str) -> None:
    """Ends one of the actor's own sessions. Raises: NotFoundError."""
    session = uow.session.get(SignInSession, session_id)
    if session is not None and session.person_id != actor.person_id:
        raise DeniedError("session", session_id)
    if actor.person_id is None or not end_one(uow, session_id, actor.person_id):
        raise NotFoundError


@use_case(Permission.SIGNED_IN)
def end_other_sessions(actor: Actor, uow: UnitOfWork) -> None:
    """Ends all sessions of the actor except the one they came with."""
    person = uow.session.get(Person, actor.person_id or "")
    if person is None:
        raise NotFoundError
    end_sessions(uow, person.id, keep=actor.session_id)
    uow.record(OTHER_SESSIONS_ENDED, _subjects(actor.session_id or "", person))


@query(Permission.SIGNED_IN)
def list_own_sessions(actor: Actor, uow: UnitOfWork, *, after: str | None = None) -> Page[SessionLine]:
    """The actor's living sessions, newest first."""
    alive = _alive(uow.now, uow.now - uow.archive.rules.session_idle, uow.now + _CLOCK_PLAY)
    statement = select(SignInSession).where(SignInSession.person_id == actor.person_id, alive)
    page = fetch_page(uow.session, statement, [SignInSession.id], after=after, descending=True)
    lines = [
        SessionLine(s.id, s.created_at, s.last_seen_at, s.expires_at, s.id == actor.session_id) for s, *_ in page.items
    ]
    return Page(lines, page.next_key)


def _own_session(uow: UnitOfWork, person: Person) -> SignInSession:
    session = uow.session.get(SignInSession, uow.actor.session_id or "", with_for_update=True, populate_existing=True)
    if session is None or session.person_id != person.id or session.ended_at or session.expires_at <= uow.now:
        raise SignInRequiredError
    return session


def _renewed(uow: UnitOfWork, session: SignInSession, person: Person) -> NewSession:
    token = new_token()
    session.token_digest = token_digest(token)
    session.last_seen_at = uow.now
    return NewSession(token, session.expires_at, person.language)


_Moment = datetime | BindParameter[datetime]


def _alive(now: _Moment, idle_since: _Moment, seen_by: _Moment) -> ColumnElement[bool]:
    return and_(
        SignInSession.ended_at.is_(None),
        SignInSession.expires_at > now,
        SignInSession.last_seen_at > idle_since,
        SignInSession.last_seen_at <= seen_by,
    )


# Asked at every request, so it is put together once.
_HOLDER = (
    select(SignInSession, Person, Organisation.runs_archive, SecondFactor.enrolled_at, PersonRole.role)
    .join(Person, Person.id == SignInSession.person_id)
    .join(Organisation, Organisation.id == Person.organisation_id)
    .outerjoin(SecondFactor, SecondFactor.person_id == Person.id)
    .outerjoin(PersonRole, and_(PersonRole.person_id == Person.id, PersonRole.granted_at.is_not(None)))
    .where(
        SignInSession.token_digest == bindparam("token_digest"),
        Person.active,
        _alive(*(bindparam(name, type_=UtcDateTime()) for name in ("now", "idle_since", "seen_by"))),
    )
)


def _note_seen(archive: Archive, actor: Actor, session_id: str) -> None:
    with archive.transaction(actor, eventless=True) as uow:
        uow.session.execute(
            update(SignInSession)
            .where(SignInSession.id == session_id, SignInSession.last_seen_at < uow.now)
            .values(last_seen_at=uow.now)
        )


def _subjects(session_id: str, person: Person) -> dict[str, str]:
    return {"person": person.id, "session": session_id, "organisation": person.organisation_id}
