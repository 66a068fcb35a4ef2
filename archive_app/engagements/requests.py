"""Access on request (S2 8.4 d): anybody asks with grounds; somebody else grants for a time or refuses with a reason.

Whoever asks gets the same answer whatever exists: what the request means is found out silently, inside their own
organisation only, and what was not found out goes to the archivist.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, or_, select

from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Access, AccessRequest, Assignment, Engagement
from archive_app.engagements.policy import DECIDE, LEAD, READ, REQUEST
from archive_app.engagements.waiting import await_decision, decided
from archive_app.identity.actors import acting_as
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import ACCESS_DECIDED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

ACCESS_ASKED = event_type("access.asked", N_("Access asked for"))
REQUEST_WITHDRAWN = event_type("access.request_withdrawn", N_("Request for access withdrawn"))
REQUEST_ATTACHED = event_type("access.request_attached", N_("Request for access put to an engagement"))
ACCESS_GRANTED = event_type("access.granted", N_("Access granted"))
ACCESS_REFUSED = event_type("access.refused", N_("Request for access refused"))
WAITING, GRANTED, REFUSED, WITHDRAWN = "", "granted", "refused", "withdrawn"
MOST_WAITING = 20
MOST_DAYS = 90
_GROUNDS, _REASON = N_("Grounds"), N_("Reason")
_LONGEST = 1000


class TooManyRequestsError(ArchiveError):
    """A person has as many requests waiting as anybody may have."""

    code = "too_many_requests"
    message = N_(
        "You have %(count)s requests waiting already. Nothing was asked; wait for an answer, or withdraw one of them."
    )


class AlreadyAssignedError(ArchiveError):
    """Somebody asks for what they are assigned to; they know of it, so this tells them nothing."""

    code = "already_assigned"
    message = N_(
        "You are assigned to this engagement, so there is nothing to ask for. If it does not open yet, declare your "
        "impartiality for it first."
    )


class OpensNothingError(ArchiveError):
    """The roles of whoever asked open no content at all, so that granting would give nothing."""

    code = "access_opens_nothing"
    message = N_(
        "The roles of %(name)s open no documents of any engagement, so access would give nothing. Nothing was granted; "
        "the request goes on waiting."
    )


@dataclass(frozen=True)
class OwnRequest:
    """A request as whoever asked sees it. `access` is what it led to; `engagement` shows once it was opened."""

    request: AccessRequest
    access: Access | None
    engagement: Engagement | None

    def state(self, now: datetime) -> str:
        """Waiting, withdrawn, refused, open, or over."""
        if self.access is None:
            return self.request.outcome or "waiting"
        return "open" if self.access.ended_at is None and self.access.until > now else "over"


@dataclass(frozen=True)
class RequestLine:
    """A request as whoever decides sees it; without an engagement the archivist must find out what is meant."""

    request: AccessRequest
    asked_by: str
    engagement: Engagement | None
    own: bool


@use_case(Permission.ACCESS_ASK)
def ask_for_access(actor: Actor, uow: UnitOfWork, *, wanted: str, grounds: str, days: int) -> AccessRequest:
    """Keeps a request to read an engagement, named by its number or title or in any words, for so many days.

    Raises: InvalidInputError, TooManyRequestsError; AlreadyAssignedError for an engagement one is assigned to.
    """
    if actor.person_id is None or actor.organisation_id is None:
        raise NotFoundError
    wanted = one_line(wanted, field=N_("Engagement"), limit=200)
    grounds = one_line(_unbroken(grounds), field=_GROUNDS, limit=_LONGEST)
    _check_days(days, MOST_DAYS)
    # In line with what the same person asks at the same moment, so that the bound is one; but not the key, because
    # whoever assigns them at this moment holds the engagement and refers to them.
    uow.session.get_one(Person, actor.person_id, with_for_update={"key_share": True})
    waiting = select(func.count()).where(AccessRequest.person_id == actor.person_id, AccessRequest.outcome == WAITING)
    if (uow.session.scalar(waiting) or 0) >= MOST_WAITING:
        raise TooManyRequestsError(count=MOST_WAITING)
    engagement_id = _meant(uow, actor.organisation_id, wanted)
    assigned = select(Assignment.person_id).where(
        Assignment.engagement_id == engagement_id,
        Assignment.person_id == actor.person_id,
        Assignment.ended_at.is_(None),
    )
    if uow.session.scalar(assigned) is not None:
        raise AlreadyAssignedError
    request = AccessRequest(
        id=uow.new_id(),
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        engagement_id=engagement_id,
        wanted=wanted,
        grounds=grounds,
        days=days,
        asked_at=uow.now,
        outcome=WAITING,
        reason="",
    )
    uow.session.add(request)
    await_decision(uow, request, asked_by=actor.display_name)
    uow.record(ACCESS_ASKED, _subjects(request), wanted=wanted, grounds=grounds, days=days)
    return request


@use_case(Permission.ACCESS_ASK)
def withdraw_request(actor: Actor, uow: UnitOfWork, *, request_id: str) -> None:
    """Takes one's own waiting request back. Raises: NotFoundError, ConflictError once it was decided."""
    uow.require("access_request", request_id)
    request = _locked(uow, request_id)
    if request.person_id != actor.person_id:
        raise DeniedError("access_request", request_id)
    _settle(uow, request, WITHDRAWN, "")
    uow.record(REQUEST_WITHDRAWN, _subjects(request), wanted=request.wanted)


@use_case(Permission.ACCESS_DECIDE, confirmed=True)
def grant_access(
    actor: Actor, uow: UnitOfWork, *, request_id: str, days: int | None = None, reason: str = ""
) -> Access:
    """Lets whoever asked read the engagement for `days`, at most as many as they asked for.

    Raises: NotFoundError, InvalidInputError, ConflictError once it was decided, DutiesNotSeparateError for one's own
    request, OpensNothingError.
    """
    uow.require(DECIDE, request_id)
    request = _locked(uow, request_id)
    ACCESS_DECIDED_BY_ANOTHER.require_apart(actor.person_id, {request.person_id})
    days = request.days if days is None else days
    _check_days(days, request.days)
    reason = one_line(_unbroken(reason), field=_REASON, limit=_LONGEST, required=False)
    if request.engagement_id is None:
        raise InvalidInputError(field=N_("Engagement"), reason=N_("Say first which engagement is meant."))
    person = uow.session.get_one(Person, request.person_id)
    asking = acting_as(uow, person)
    if not (person.active and asking.may(Permission.ENGAGEMENTS_READ) and asking.may(Permission.DOCUMENTS_READ)):
        raise OpensNothingError(name=person.display_name)
    _settle(uow, request, GRANTED, reason)
    access = Access(
        id=uow.new_id(),
        engagement_id=request.engagement_id,
        person_id=request.person_id,
        request_id=request.id,
        ground=REQUEST,
        reason=request.grounds,
        granted_by=actor.name,
        granted_at=uow.now,
        until=uow.now + timedelta(days=days),
    )
    uow.session.add(access)
    words = {"name": person.display_name, "grounds": request.grounds, "days": days, "until": access.until.isoformat()}
    uow.record(ACCESS_GRANTED, {**_subjects(request), "access": access.id}, **words, reason=reason)
    return access


@use_case(Permission.ACCESS_DECIDE)
def refuse_access(actor: Actor, uow: UnitOfWork, *, request_id: str, reason: str) -> None:
    """Refuses a request with a reason, which whoever asked will read.

    Raises: NotFoundError, InvalidInputError without a reason, ConflictError, DutiesNotSeparateError.
    """
    uow.require(DECIDE, request_id)
    request = _locked(uow, request_id)
    ACCESS_DECIDED_BY_ANOTHER.require_apart(actor.person_id, {request.person_id})
    reason = one_line(_unbroken(reason), field=_REASON, limit=_LONGEST)
    _settle(uow, request, REFUSED, reason)
    name = uow.session.get_one(Person, request.person_id).display_name
    uow.record(ACCESS_REFUSED, _subjects(request), name=name, grounds=request.grounds, reason=reason)


@use_case(Permission.ACCESS_DECIDE)
def attach_request(actor: Actor, uow: UnitOfWork, *, request_id: str, wanted: str) -> AccessRequest:
    """Says which engagement a request means that nothing was found for: by its exact number or title.

    Raises: NotFoundError, ConflictError when it was decided or put to one already, InvalidInputError when no such
    engagement, or more than one, is among those that the actor decides about.
    """
    uow.require(DECIDE, request_id)
    request = _locked(uow, request_id)
    if request.outcome != WAITING or request.engagement_id is not None:
        raise ConflictError
    found = _meant(uow, request.organisation_id, one_line(wanted, field=N_("Engagement"), limit=200))
    if found is None or not uow.archive.policy.allows(uow.session, actor, LEAD, found):
        # The same whether there is none or none that may be decided about.
        raise InvalidInputError(field=N_("Engagement"), reason=N_("No engagement has exactly this number or title."))
    request.engagement_id = found
    await_decision(uow, request, asked_by=uow.session.get_one(Person, request.person_id).display_name)
    uow.record(REQUEST_ATTACHED, _subjects(request), wanted=request.wanted)
    return request


@query(Permission.ACCESS_ASK)
def list_own_requests(
    actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[OwnRequest]:
    """What the actor asked for, newest first."""
    shown = and_(Engagement.id == AccessRequest.engagement_id, AccessRequest.outcome == GRANTED, uow.visible(READ))
    statement = (
        select(AccessRequest, Access, Engagement)
        .outerjoin(Access, Access.request_id == AccessRequest.id)
        .outerjoin(Engagement, shown)
        .where(AccessRequest.person_id == (actor.person_id or ""))
    )
    page = fetch_page(uow.session, statement, [AccessRequest.id], after=after, descending=True, limit=limit)
    return Page([OwnRequest(row[0], row[1], row[2]) for row in page.items], page.next_key)


@query(Permission.ACCESS_DECIDE)
def view_request(actor: Actor, uow: UnitOfWork, *, request_id: str) -> RequestLine:
    """One request, for whoever decides about it. Raises: NotFoundError."""
    uow.require(DECIDE, request_id)
    row = uow.session.execute(_decided().where(AccessRequest.id == request_id)).one()
    return RequestLine(row[0], row[1], row[2], row[0].person_id == actor.person_id)


@query(Permission.ACCESS_DECIDE)
def list_waiting(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str | None = None,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RequestLine]:
    """Requests that wait for the actor's decision, oldest first; with `engagement_id` only those for that one."""
    statement = _decided().where(AccessRequest.outcome == WAITING, uow.visible(DECIDE))
    if engagement_id is not None:
        statement = statement.where(AccessRequest.engagement_id == engagement_id)
    page = fetch_page(uow.session, statement, [AccessRequest.id], after=after, limit=limit)
    lines = [RequestLine(row[0], row[1], row[2], row[0].person_id == actor.person_id) for row in page.items]
    return Page(lines, page.next_key)


def _decided() -> Select[AccessRequest, str, Engagement]:
    requests = select(AccessRequest, Person.display_name, Engagement).join(Person, Person.id == AccessRequest.person_id)
    return requests.outerjoin(Engagement, Engagement.id == AccessRequest.engagement_id)


def _meant(uow: UnitOfWork, organisation_id: str, wanted: str) -> str | None:
    """The one engagement of the organisation that has exactly this number or title, if there is one."""
    named = or_(func.lower(Engagement.number) == wanted.lower(), func.lower(Engagement.title) == wanted.lower())
    of_body = (Engagement.organisation_id == organisation_id, Engagement.activity != LIBRARY)
    found = select(Engagement.id).where(*of_body, named).limit(2)
    keys = uow.session.scalars(found).all()
    return keys[0] if len(keys) == 1 else None


def _locked(uow: UnitOfWork, request_id: str) -> AccessRequest:
    return uow.session.get_one(AccessRequest, request_id, with_for_update=True, populate_existing=True)


def _settle(uow: UnitOfWork, request: AccessRequest, outcome: str, reason: str) -> None:
    """The end of a waiting request. Raises: ConflictError when somebody was faster."""
    if request.outcome != WAITING:
        raise ConflictError
    request.outcome, request.reason = outcome, reason
    request.decided_at, request.decided_by = uow.now, uow.actor.name
    decided(uow, request)


def _check_days(days: int, most: int) -> None:
    if not 1 <= days <= most:
        raise InvalidInputError(field=N_("Days"), reason=N_("Give a number of days from 1 to what may be granted."))


def _unbroken(text: str) -> str:
    """Grounds are typed over several lines and kept as one."""
    return " ".join(text.split())


def _subjects(request: AccessRequest) -> dict[str, str]:
    return {
        "organisation": request.organisation_id,
        "engagement": request.engagement_id or "",
        "person": request.person_id,
        "access_request": request.id,
    }
