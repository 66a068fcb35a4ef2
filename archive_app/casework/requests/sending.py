"""Use cases by which the leader gives the client a way in: the link, its end, and a code that is read out.

The link's secret is seen once, by whoever made it or by the recipient of the mail; the archive keeps its digest. A new
link replaces the one before, and with it every browser that the old one opened.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from archive_app.casework.models import MaterialRequest, RequestCode
from archive_app.casework.requests.preparing import EMAIL, end_openings, lines_of, lock_request
from archive_app.engagements.engagements import subjects_of
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.notices import notice_kind, send_notice
from archive_app.worklist.tasks import close_tasks

LINK_MADE = event_type("material.link_made", N_("Link of a material request made"))
REQUEST_ENDED = event_type("material.request_ended", N_("Material request ended"))
CODE_MADE = event_type("material.code_made", N_("One-time code made to be read out"))
CODE_ASKED_TASK = task_kind(
    "casework.code_asked",
    N_("Read a one-time code out to the client"),
    why=N_("You lead this engagement"),
    endpoint="requests.request_page",
    subject_argument="material_id",
)
REMIND_TASK = task_kind(
    "casework.remind_client",
    N_("Remind the client of material that is due"),
    why=N_("You lead this engagement"),
    endpoint="requests.request_page",
    subject_argument="material_id",
    noted=True,
)
ASKED_NOTICE = notice_kind(
    "casework.material_asked",
    subject=N_("Material for the verification %(number)s"),
    body=N_(
        "You are asked for material for the verification %(number)s. Open the link on a telephone or a computer; it "
        "asks for a one-time code, which then comes to this address. Do not pass the link on."
    ),
    why=N_("the verification body named this address for material"),
)
CODE_LASTS = timedelta(minutes=10)
CODE_TRIES = 5
_CODE_DIGITS = 6


class RequestEmptyError(ArchiveError):
    """A request without lines asks for nothing."""

    code = "request_empty"
    message = N_("This request has no line yet. Nothing was sent; say first what is asked for.")


class NoAddressError(ArchiveError):
    """There is no address to mail the link to."""

    code = "request_without_address"
    message = N_("This request names no mail address. Nothing was sent; copy the link instead, or name an address.")


class RequestNotSentError(ArchiveError):
    """There is no living link that a code could open."""

    code = "request_not_sent"
    message = N_("The link of this request opens nothing at present. No code was made; make a new link first.")


@dataclass(frozen=True)
class Sent:
    """What came of making a link: `token` is its secret, empty where the recipient alone gets it by mail."""

    request: MaterialRequest
    token: str
    until: datetime


@use_case(Permission.REQUESTS_MANAGE)
def send_request(actor: Actor, uow: UnitOfWork, *, request_id: str, by_mail: bool, days: int | None = None) -> Sent:
    """Makes a link that opens for `days`, and mails it or hands it out once. An earlier link, and what it opened, ends.

    Raises: NotFoundError, InvalidInputError, RequestEmptyError, NoAddressError, EngagementSealedError.
    """
    request = lock_request(uow, request_id)
    rules = uow.archive.rules.requests
    lifetime = rules.link if days is None else timedelta(days=days)
    if not timedelta(days=1) <= lifetime <= rules.longest_link:
        raise InvalidInputError(field=N_("Days that the link opens"), reason=N_("This is too long or too short."))
    if not lines_of(uow, request_id):
        raise RequestEmptyError
    if by_mail and not request.address:
        raise NoAddressError
    end_openings(uow, request_id)
    token = new_token()
    request.link_sha256 = token_digest(token)
    request.until = uow.now + lifetime
    request.sent_at, request.ended_at, request.ended_by = uow.now, None, None
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    if by_mail:
        send_notice(
            uow,
            key=f"material-link:{request.id}:{request.link_sha256.hex()[:16]}",
            kind=ASKED_NOTICE,
            address=request.address,
            language=request.language,
            link="/material/{secret}",
            organisation_id=subjects["organisation"],
            engagement_id=request.engagement_id,
            secret=token.encode(),
        )
    uow.record(LINK_MADE, subjects, recipient=request.recipient, by_mail=by_mail, until=request.until.isoformat())
    return Sent(request, "" if by_mail else token, request.until)


@use_case(Permission.REQUESTS_MANAGE)
def end_request(actor: Actor, uow: UnitOfWork, *, request_id: str) -> MaterialRequest:
    """Ends a request: its link opens nothing any more, and whoever has it open is out. What came whole stays.

    Raises: NotFoundError, EngagementSealedError.
    """
    request = lock_request(uow, request_id)
    end_openings(uow, request_id)
    request.link_sha256 = None
    request.ended_at, request.ended_by = uow.now, actor.name
    for kind in (CODE_ASKED_TASK, REMIND_TASK):
        close_tasks(uow, kind, subject_id=request_id, outcome="void")
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    uow.record(REQUEST_ENDED, subjects, recipient=request.recipient)
    return request


@use_case(Permission.REQUESTS_MANAGE, confirmed=True)
def make_code(actor: Actor, uow: UnitOfWork, *, request_id: str) -> str:
    """Makes a one-time code for the leader to read out; it is seen this once.

    Raises: NotFoundError, RequestNotSentError, EngagementSealedError.
    """
    request = lock_request(uow, request_id)
    if not is_open(request, uow.now):
        raise RequestNotSentError
    code = add_code(uow, request_id)
    close_tasks(uow, CODE_ASKED_TASK, subject_id=request_id)
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    uow.record(CODE_MADE, subjects, recipient=request.recipient)
    return code


def add_code(uow: UnitOfWork, request_id: str) -> str:
    """The step that makes a code which opens the request once, within the next minutes; returns it."""
    code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
    salt = secrets.token_bytes(16)
    row = RequestCode(
        id=uow.new_id(),
        request_id=request_id,
        salt=salt,
        sha256=_digest(salt, code),
        made_at=uow.now,
        until=uow.now + CODE_LASTS,
        tries=0,
    )
    uow.session.add(row)
    uow.session.flush()
    return code


def is_code(row: RequestCode, code: str) -> bool:
    """Whether `code` is the one of the row."""
    return hmac.compare_digest(row.sha256, _digest(row.salt, code))


def is_open(request: MaterialRequest, now: datetime) -> bool:
    """Whether the request's link opens at this moment."""
    return request.link_sha256 is not None and request.ended_at is None and request.until > now


def mails_codes(request: MaterialRequest) -> bool:
    """Whether codes go to the recipient's address."""
    return request.channel == EMAIL and bool(request.address)


def _digest(salt: bytes, code: str) -> bytes:
    return hashlib.sha256(salt + code.encode("utf-8", "surrogatepass")).digest()
