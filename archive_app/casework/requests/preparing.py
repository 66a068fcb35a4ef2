"""Use cases by which the leader prepares a material request: whom it is for, and the lines that they are asked for.

It begins with the lines of the engagement's scheme. Lines can be changed as long as the request is not ended, also when
the client has it already; what was brought for a line stays with it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select, update

from archive_app.casework.models import (
    MaterialDelivery,
    MaterialLine,
    MaterialRequest,
    RequestCode,
    RequestSession,
)
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.policy import LEAD
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.schemes import scheme_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import LANGUAGES, N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from archive_app.worklist.notices import is_address

REQUEST_MADE = event_type("material.request_made", N_("Material request prepared"))
REQUEST_CHANGED = event_type("material.request_changed", N_("Material request changed"))
EMAIL, TOLD = "email", "told"
CHANNELS = {EMAIL: N_("By mail to the address"), TOLD: N_("The leader reads it out by telephone")}
DROPPED = "dropped"
MAX_LINES = 200


class LineHasMaterialError(ArchiveError):
    """A line for which something was brought is part of the record of what was asked and what came."""

    code = "line_has_material"
    message = N_("Something was brought for %(name)s already, so it was not dropped. Nothing was changed.")


@dataclass(frozen=True)
class RequestWish:
    """Whom a request is for and how their one-time codes reach them: to `address` where the channel is `email`."""

    recipient: str
    channel: str
    address: str = ""
    language: str = "zh_Hans_CN"
    message: str = ""
    due_on: date | None = None


@dataclass(frozen=True)
class LineWish:
    """A line as the leader wants it; `line_id` is empty for a new one. Its place is its place in the list."""

    name: str
    record_type: str
    explanation: str = ""
    example: str = ""
    due_on: date | None = None
    line_id: str = ""


@use_case(Permission.REQUESTS_MANAGE)
def make_request(actor: Actor, uow: UnitOfWork, *, engagement_id: str, wish: RequestWish) -> MaterialRequest:
    """Prepares a request with the lines of the engagement's scheme, in the request's language; nobody gets it yet.

    Raises: NotFoundError, InvalidInputError, EngagementSealedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    request = MaterialRequest(
        id=uow.new_id(),
        engagement_id=engagement_id,
        until=uow.now,
        received_bytes=0,
        created_by=actor.name,
        created_at=uow.now,
    )
    _describe(request, wish)
    uow.session.add(request)
    uow.session.flush()
    asked = scheme_of(uow, engagement).request_lines
    for position, line in enumerate(asked, start=1):
        words = (text.text(request.language) for text in (line.name, line.explanation, line.example))
        name, explanation, example = words
        uow.session.add(_new_line(uow, request, position, LineWish(name, line.record_type, explanation, example)))
    subjects = subjects_of(uow.session, engagement_id, material_request=request.id)
    uow.record(REQUEST_MADE, subjects, recipient=request.recipient, channel=request.channel, lines=len(asked))
    return request


@use_case(Permission.REQUESTS_MANAGE)
def change_request(
    actor: Actor, uow: UnitOfWork, *, request_id: str, wish: RequestWish, lines: Sequence[LineWish], seen: str
) -> MaterialRequest:
    """Changes whom a request is for and its lines, which stand in the given order afterwards; lines that are missing
    from it are dropped. `seen` is the `edition_of` what the person saw. Where the one-time codes go another way from
    now on, whoever came in by the way before is out, and no code that went there opens anything.

    Raises: NotFoundError, InvalidInputError, ConflictError when somebody else changed it meanwhile,
    LineHasMaterialError, EngagementSealedError.
    """
    request = lock_request(uow, request_id)
    standing = lines_of(uow, request_id)
    if edition_of(request, standing) != seen:
        raise ConflictError
    if len(lines) > MAX_LINES:
        raise InvalidInputError(field=N_("Lines"), reason=N_("This is too long."))
    way = request.channel, request.address
    _describe(request, wish)
    if (request.channel, request.address) != way:
        end_openings(uow, request_id)
    known = {line.id: line for line in standing}
    if len({wanted.line_id for wanted in lines if wanted.line_id}) != sum(bool(wanted.line_id) for wanted in lines):
        raise ConflictError
    _make_room(uow, request_id)
    for position, wanted in enumerate(lines, start=1):
        if not wanted.line_id:
            uow.session.add(_new_line(uow, request, position, wanted))
            continue
        line = known.pop(wanted.line_id, None)
        if line is None:
            raise ConflictError
        _change_line(uow, line, position, wanted)
    dropped = [_drop(uow, line) for line in known.values()]
    subjects = subjects_of(uow.session, request.engagement_id, material_request=request.id)
    uow.record(REQUEST_CHANGED, subjects, recipient=request.recipient, lines=len(lines), dropped=dropped)
    return request


@query(Permission.REQUESTS_MANAGE)
def require_leading(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> None:
    """Refuses whoever does not lead the engagement, before a page offers them what they cannot do.

    Raises: NotFoundError.
    """
    uow.require(LEAD, engagement_id)


def lock_request(uow: UnitOfWork, request_id: str) -> MaterialRequest:
    """The step that gives a request to whoever leads its engagement, with the engagement locked.

    Raises: NotFoundError, EngagementSealedError.
    """
    uow.require("material_request", request_id)
    engagement_id = uow.session.get_one(MaterialRequest, request_id).engagement_id
    uow.require(LEAD, engagement_id, Permission.REQUESTS_MANAGE)
    lock_engagement(uow.session, engagement_id)
    return uow.session.get_one(MaterialRequest, request_id, with_for_update=True, populate_existing=True)


def lines_of(uow: UnitOfWork, request_id: str) -> Sequence[MaterialLine]:
    """The lines of a request that were not dropped, in their order."""
    lines = select(MaterialLine).where(MaterialLine.request_id == request_id, MaterialLine.state != DROPPED)
    return uow.session.scalars(lines.order_by(MaterialLine.position)).all()


def end_openings(uow: UnitOfWork, request_id: str) -> None:
    """A step: nobody has the request open any more, and no code opens it."""
    living: tuple[ColumnElement[bool], ...] = (
        RequestSession.request_id == request_id,
        RequestSession.ended_at.is_(None),
    )
    uow.session.execute(update(RequestSession).where(*living).values(ended_at=uow.now))
    unused = (RequestCode.request_id == request_id, RequestCode.used_at.is_(None), RequestCode.until > uow.now)
    uow.session.execute(update(RequestCode).where(*unused).values(until=uow.now))


def edition_of(request: MaterialRequest, lines: Sequence[MaterialLine]) -> str:
    """What tells one state of a request from another: of its words, not of what was brought."""
    words = [request.recipient, request.channel, request.address, request.language, request.message, request.due_on]
    for line in lines:
        words += [line.id, line.record_type, line.name, line.explanation, line.example, line.due_on]
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]


def _describe(request: MaterialRequest, wish: RequestWish) -> None:
    if wish.channel not in CHANNELS:
        raise InvalidInputError(field=N_("One-time codes"), reason=N_("Choose one from the list."))
    if wish.language not in LANGUAGES:
        raise InvalidInputError(field=N_("Language"), reason=N_("Choose one from the list."))
    request.recipient = one_line(wish.recipient, field=N_("Recipient"), limit=100)
    request.channel, request.language, request.due_on = wish.channel, wish.language, wish.due_on
    address = wish.address.strip()
    if (address or wish.channel == EMAIL) and not is_address(address):
        raise InvalidInputError(field=N_("Mail address"), reason=N_("No mail can go to this address."))
    request.address = address
    request.message = text_of(wish.message, field=N_("Message"), limit=1000)


def text_of(text: str, *, field: str, limit: int) -> str:
    """Words of several lines: each tidied like one line, empty ones at the ends left out. Raises: InvalidInputError."""
    lines = [one_line(line, field=field, limit=limit, required=False) for line in text.replace("\t", " ").splitlines()]
    return one_line("\u2028".join(lines).strip("\u2028 "), field=field, limit=limit, required=False).replace(
        "\u2028", "\n"
    )


def _new_line(uow: UnitOfWork, request: MaterialRequest, position: int, wish: LineWish) -> MaterialLine:
    line = MaterialLine(id=uow.new_id(), request_id=request.id, position=position, state="open", reason="")
    _word(line, wish)
    line.changed_at = uow.now
    return line


def _change_line(uow: UnitOfWork, line: MaterialLine, position: int, wish: LineWish) -> None:
    before = line.name, line.record_type, line.explanation, line.example, line.due_on
    _word(line, wish)
    line.position = position
    if before != (line.name, line.record_type, line.explanation, line.example, line.due_on):
        line.changed_at = uow.now


def _word(line: MaterialLine, wish: LineWish) -> None:
    if wish.record_type not in all_record_types():
        raise InvalidInputError(field=N_("Type of record"), reason=N_("Choose one from the list."))
    line.record_type = wish.record_type
    line.name = one_line(wish.name, field=N_("What is asked for"), limit=200)
    line.explanation = text_of(wish.explanation, field=N_("Explanation"), limit=1000)
    line.example = one_line(wish.example, field=N_("Example"), limit=300, required=False)
    line.due_on = wish.due_on


def _make_room(uow: UnitOfWork, request_id: str) -> None:
    """Takes all lines out of the places that they are about to get: each place is held once at every moment."""
    everything = select(MaterialLine).where(MaterialLine.request_id == request_id)
    lowest = uow.session.scalar(select(func.min(MaterialLine.position)).where(MaterialLine.request_id == request_id))
    start = min(lowest or 0, 0) - 1
    for place, line in enumerate(uow.session.scalars(everything.order_by(MaterialLine.id))):
        line.position = start - place
        uow.session.flush()


def _drop(uow: UnitOfWork, line: MaterialLine) -> str:
    if uow.session.scalar(select(MaterialDelivery.id).where(MaterialDelivery.line_id == line.id).limit(1)):
        raise LineHasMaterialError(name=line.name)
    line.state, line.changed_at = DROPPED, uow.now
    return line.name


def require_line(uow: UnitOfWork, line_id: str) -> MaterialLine:
    """A step: a line of a request that the actor may see. Raises: NotFoundError."""
    line = uow.session.get(MaterialLine, line_id)
    if line is None:
        raise NotFoundError
    uow.require("material_request", line.request_id)
    return line
