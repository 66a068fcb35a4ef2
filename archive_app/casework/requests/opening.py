"""How the client comes in: the link, a one-time code, and a session for this one request.

Whoever has the link and no code learns whose archive it is and nothing more. A link that never was, has expired or was
ended is answered in the same words.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from archive_app.casework.models import MaterialRequest, RequestCode, RequestSession
from archive_app.casework.requests.sending import (
    CODE_ASKED_TASK,
    CODE_TRIES,
    add_code,
    is_code,
    is_open,
    mails_codes,
)
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Engagement
from archive_app.identity.models import Organisation
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import OF_A_REQUEST, Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case, use_case
from archive_app.kernel.words import one_line
from archive_app.worklist.notices import notice_kind, send_notice
from archive_app.worklist.tasks import Addressee, open_task

CODE_SENT = event_type("material.code_sent", N_("One-time code of a material request sent"))
CODE_ASKED = event_type("material.code_asked", N_("One-time code of a material request asked for"))
CODE_REFUSED = event_type("material.code_refused", N_("Wrong one-time code for a material request"))
REQUEST_OPENED = event_type("material.opened", N_("Material request opened by the client"))
SESSION_CLOSED = event_type("material.closed", N_("Client left the material request"))
CODE_NOTICE = notice_kind(
    "casework.material_code",
    subject=N_("Your one-time code"),
    body=N_(
        "Your one-time code for the material of the verification %(number)s is %(secret)s. It is good for ten minutes. "
        "If you did not ask for it, somebody else has the link: tell the verification body."
    ),
    why=N_("somebody opened the link that was sent to this address"),
)
ACTOR_PREFIX = "request:"
IDLE = timedelta(hours=2)
LIFETIME = timedelta(hours=12)
_CODES_A_DAY = 20
_FIRST_DELAY = timedelta(seconds=30)
_LONGEST_DELAY = timedelta(minutes=15)
_A_DAY = timedelta(days=1)
_SEEN_EVERY = timedelta(minutes=1)
# Clocks are set right by moments. One that went back further says nothing of how old something is.
_CLOCK_PLAY = timedelta(minutes=1)


class CodeWrongError(ArchiveError):
    """The code does not open the link; nor does any, where the link itself opens nothing."""

    code = "code_wrong"
    message = N_(
        "This code does not open the link. It may be mistyped, older than ten minutes, used already, or tried too "
        "often. Nothing was changed; ask for a new code."
    )


@dataclass(frozen=True)
class Entrance:
    """What somebody who holds a living link may know before they give a code: whose it is, and in which language it
    was written."""

    body: str
    language: str


@dataclass(frozen=True)
class Begun:
    """A session that has just begun: the only time its token is seen."""

    token: str
    expires_at: datetime


@query(Permission.ANYBODY)
def view_entrance(actor: Actor, uow: UnitOfWork, *, token: str) -> Entrance | None:
    """Whose link this is; None for one that opens nothing, whatever the reason."""
    request = _of_link(uow, token)
    if request is None:
        return None
    body = select(Organisation.name).join(Engagement, Engagement.organisation_id == Organisation.id)
    name = uow.session.scalars(body.where(Engagement.id == request.engagement_id)).one()
    return Entrance(name, request.language)


@query(Permission.REQUEST_ANSWER)
def is_link_of_session(actor: Actor, uow: UnitOfWork, *, token: str) -> bool:
    """Whether the link is that of the request which the actor has open."""
    request = _of_link(uow, token)
    return request is not None and actor.name == ACTOR_PREFIX + request.id


@use_case(Permission.ANYBODY)
def ask_code(actor: Actor, uow: UnitOfWork, *, token: str) -> None:
    """Has a one-time code go its way, if the link opens and none went a moment ago; nobody is told which it was.

    Each code of a day is waited for longer than the one before, so that nobody floods a mailbox or guesses for ever.
    """
    request = _of_link(uow, token, lock=True)
    if request is None:
        return
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    if not mails_codes(request):
        _ask_leader(uow, request, subjects)
    elif _may_send(uow, request.id):
        code = add_code(uow, request.id)
        number = select(func.count()).select_from(RequestCode).where(RequestCode.request_id == request.id)
        send_notice(
            uow,
            key=f"material-code:{request.id}:{uow.session.scalar(number)}",
            kind=CODE_NOTICE,
            address=request.address,
            language=request.language,
            link="/material/",
            organisation_id=subjects["organisation"],
            engagement_id=request.engagement_id,
            secret=code.encode(),
        )
        uow.record(CODE_SENT, subjects)


@staged_use_case(Permission.ANYBODY)
def enter_code(actor: Actor, archive: Archive, *, token: str, code: str, name: str) -> Begun:
    """Opens the request for this browser, under the name that the person gives.

    A wrong try counts against every code that is still good, whether or not the answer arrives.
    Raises: CodeWrongError, in the same words for a link that opens nothing; InvalidInputError without a name.
    """
    name = one_line(name, field=N_("Your name"), limit=100)
    with archive.reading(actor) as uow:
        request = _of_link(uow, token)
    if request is None:
        raise CodeWrongError
    holder = _holder(request.id, name, actor.address)
    with archive.transaction(holder) as uow:
        begun = _try_code(uow, token, "".join(code.split()), name)
    if begun is None:
        raise CodeWrongError
    return begun


@use_case(Permission.REQUEST_ANSWER)
def close_session(actor: Actor, uow: UnitOfWork) -> None:
    """Ends the client's own session in this browser."""
    session = uow.session.get(RequestSession, actor.session_id or "", with_for_update=True)
    if session is not None and session.ended_at is None:
        session.ended_at = uow.now
        request = uow.session.get_one(MaterialRequest, session.request_id)
        subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
        uow.record(SESSION_CLOSED, subjects)


def actor_of_request(archive: Archive, token: str, address: str) -> Actor | None:
    """The client who holds the session's `token`, or None when it opens nothing any more. At most one write a
    minute, which keeps the session from falling asleep."""
    now = archive.clock.now()
    with archive.reading(Actor.anonymous(address=address)) as uow:
        found = select(RequestSession, MaterialRequest).join(
            MaterialRequest, MaterialRequest.id == RequestSession.request_id
        )
        row = uow.session.execute(found.where(RequestSession.token_sha256 == token_digest(token))).one_or_none()
    if row is None or not is_alive(row[0], row[1], now):
        return None
    session: RequestSession = row[0]
    until = min(session.opened_at + LIFETIME, now + IDLE)
    actor = _holder(session.request_id, session.name, address, session.id)
    if until - session.until >= _SEEN_EVERY:
        with archive.transaction(actor, eventless=True) as uow:
            seen = uow.session.get_one(RequestSession, session.id, with_for_update=True)
            seen.until = max(seen.until, until)
    return actor


def is_alive(session: RequestSession, request: MaterialRequest, now: datetime) -> bool:
    """Whether a session still opens its request."""
    is_sane = session.opened_at <= now + _CLOCK_PLAY
    return session.ended_at is None and session.until > now and is_sane and is_open(request, now)


def _holder(request_id: str, name: str, address: str, session_id: str | None = None) -> Actor:
    return Actor(
        name=ACTOR_PREFIX + request_id,
        via="request",
        permissions=OF_A_REQUEST,
        display_name=name,
        address=address,
        session_id=session_id,
        # What they bring is internal. It opens nothing to them: they hold no permission to read.
        highest_level=Level.INTERNAL,
    )


def _of_link(uow: UnitOfWork, token: str, *, lock: bool = False) -> MaterialRequest | None:
    found = select(MaterialRequest).where(MaterialRequest.link_sha256 == token_digest(token))
    if lock:
        found = found.with_for_update()
    request = uow.session.scalar(found)
    return request if request is not None and is_open(request, uow.now) else None


def _ask_leader(uow: UnitOfWork, request: MaterialRequest, subjects: dict[str, str]) -> None:
    task = open_task(
        uow,
        CODE_ASKED_TASK,
        to=Addressee(part="leader"),
        subject_id=request.id,
        organisation_id=subjects["organisation"],
        engagement_id=request.engagement_id,
        about=request.recipient,
    )
    if task.opened_at == uow.now:
        uow.record(CODE_ASKED, subjects)
    else:
        uow.bookkeeping()


def _may_send(uow: UnitOfWork, request_id: str) -> bool:
    """Whether the next code may go: at once for the first of a day, later and later for those that follow."""
    lately = select(func.count(), func.max(RequestCode.made_at)).where(
        RequestCode.request_id == request_id, RequestCode.made_at > uow.now - _A_DAY
    )
    count, last = uow.session.execute(lately).one()
    if not count:
        return True
    delay = min(_FIRST_DELAY * 2 ** min(count - 1, 10), _LONGEST_DELAY)
    # The clock may have gone back since the last one; nobody waits longer than the delay for that.
    return count < _CODES_A_DAY and (last > uow.now + _CLOCK_PLAY or uow.now - last >= delay)


def _try_code(uow: UnitOfWork, token: str, code: str, name: str) -> Begun | None:
    request = _of_link(uow, token, lock=True)
    if request is None:
        return None
    good = select(RequestCode).where(
        RequestCode.request_id == request.id,
        RequestCode.used_at.is_(None),
        RequestCode.until > uow.now,
        RequestCode.made_at <= uow.now + _CLOCK_PLAY,
        RequestCode.tries < CODE_TRIES,
    )
    codes = uow.session.scalars(good.order_by(RequestCode.id).with_for_update()).all()
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    matching = [row for row in codes if is_code(row, code)]
    if not matching:
        for row in codes:
            row.tries += 1
        if codes:
            uow.record(CODE_REFUSED, subjects, tries=max(row.tries for row in codes))
        return None
    matching[0].used_at = uow.now
    token = new_token()
    session = RequestSession(
        id=uow.new_id(),
        request_id=request.id,
        token_sha256=token_digest(token),
        name=name,
        address=uow.actor.address[:45],
        opened_at=uow.now,
        until=uow.now + IDLE,
    )
    uow.session.add(session)
    uow.record(REQUEST_OPENED, subjects, name=name)
    return Begun(token, uow.now + LIFETIME)
