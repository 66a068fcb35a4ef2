"""What the team sees of material requests: who was asked for what, and how each line stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from archive_app.casework.models import MaterialDelivery, MaterialLine, MaterialRequest, Record, RequestSession
from archive_app.casework.requests.preparing import DROPPED, edition_of, lines_of, require_line
from archive_app.casework.requests.sending import is_open
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

STATES = {
    "open": N_("Not brought yet"),
    "delivered": N_("Delivered"),
    "returned": N_("Returned"),
    "accepted": N_("Accepted"),
}
"""How a line stands, in words."""
OWED = ("open", "returned")
"""States in which the client is to bring something."""


@dataclass(frozen=True)
class LineSummary:
    """A line with how many files were brought for it, and not taken back."""

    line: MaterialLine
    files: int
    due_on: date | None

    def is_overdue(self, today: date) -> bool:
        """Whether the client owes it since before today."""
        return self.line.state in OWED and self.due_on is not None and self.due_on < today


@dataclass(frozen=True)
class RequestSummary:
    """A request with its lines; `state` is draft, open, expired or ended. The address shows to those who work in the
    engagement only."""

    request: MaterialRequest
    lines: Sequence[LineSummary]
    state: str
    address: str

    def count(self, state: str) -> int:
        """How many lines are in the state."""
        return sum(one.line.state == state for one in self.lines)


@dataclass(frozen=True)
class Opening:
    """When somebody opened the request, under the name that they gave."""

    name: str
    opened_at: datetime
    address: str


@dataclass(frozen=True)
class RequestView:
    """One request, and what the actor may do about it."""

    engagement: Engagement
    summary: RequestSummary
    edition: str
    openings: Sequence[Opening]
    leads: bool
    works: bool


@dataclass(frozen=True)
class BroughtFile:
    """A file that the client brought, as somebody on the team sees it; without a document where that may not be seen.
    `state` is that of the record, or taken_back."""

    delivery: MaterialDelivery
    by: str
    state: str
    reason: str
    document: Document | None
    version: Version | None


@dataclass(frozen=True)
class LineView:
    """One line with what was brought for it, newest first."""

    engagement: Engagement
    request: MaterialRequest
    summary: LineSummary
    files: Page[BroughtFile]
    works: bool


@query(Permission.ENGAGEMENTS_READ)
def list_requests(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[RequestSummary]:
    """The requests of an engagement with their lines, newest first. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    statement = select(MaterialRequest).where(
        MaterialRequest.engagement_id == engagement_id, uow.visible("material_request")
    )
    page = fetch_page(uow.session, statement, [MaterialRequest.id], after=after, descending=True, limit=limit)
    works = uow.archive.policy.allows(uow.session, actor, WORK, engagement_id)
    requests: list[MaterialRequest] = [row[0] for row in page.items]
    lines = summaries(uow, requests)
    return Page([_summary(uow, request, lines[request.id], works=works) for request in requests], page.next_key)


@query(Permission.ENGAGEMENTS_READ)
def view_request(actor: Actor, uow: UnitOfWork, *, request_id: str) -> RequestView:
    """One request. Raises: NotFoundError."""
    uow.require("material_request", request_id)
    request = uow.session.get_one(MaterialRequest, request_id)
    allows = uow.archive.policy.allows
    works = allows(uow.session, actor, WORK, request.engagement_id)
    sessions = select(RequestSession).where(RequestSession.request_id == request_id)
    last = uow.session.scalars(sessions.order_by(RequestSession.id.desc()).limit(20)).all() if works else []
    return RequestView(
        engagement=uow.session.get_one(Engagement, request.engagement_id),
        summary=_summary(uow, request, summaries(uow, [request])[request.id], works=works),
        edition=edition_of(request, lines_of(uow, request_id)),
        openings=[Opening(one.name, one.opened_at, one.address) for one in last],
        leads=allows(uow.session, actor, LEAD, request.engagement_id),
        works=works,
    )


@query(Permission.DOCUMENTS_READ)
def view_line(actor: Actor, uow: UnitOfWork, *, line_id: str, after: str | None = None) -> LineView:
    """One line with what was brought for it. Raises: NotFoundError."""
    line = require_line(uow, line_id)
    request = uow.session.get_one(MaterialRequest, line.request_id)
    statement = (
        select(MaterialDelivery, RequestSession.name, Document.withdrawn_at, Record)
        .join(RequestSession, RequestSession.id == MaterialDelivery.session_id)
        .join(Document, Document.id == MaterialDelivery.document_id)
        .outerjoin(Record, Record.document_id == MaterialDelivery.document_id)
        .where(MaterialDelivery.line_id == line_id)
    )
    page = fetch_page(uow.session, statement, [MaterialDelivery.id], after=after, descending=True)
    ids = [row[0].document_id for row in page.items]
    shown = select(Document, Version).join(Version, (Version.document_id == Document.id) & Version.current)
    seen = uow.session.execute(shown.where(Document.id.in_(ids), uow.visible("document"))).all()
    documents: dict[str, tuple[Document, Version]] = {row[0].id: (row[0], row[1]) for row in seen}
    works = uow.archive.policy.allows(uow.session, actor, WORK, request.engagement_id)
    files = [_brought(row, documents, works=works) for row in page.items]
    counted = summaries(uow, [request])[request.id]
    summary = next((one for one in counted if one.line.id == line_id), LineSummary(line, len(files), line.due_on))
    engagement = uow.session.get_one(Engagement, request.engagement_id)
    return LineView(engagement, request, summary, Page(files, page.next_key), works)


def summaries(uow: UnitOfWork, requests: Sequence[MaterialRequest]) -> Mapping[str, Sequence[LineSummary]]:
    """The lines of each request that were not dropped, in their order."""
    ids = [request.id for request in requests]
    brought = (
        select(func.count())
        .select_from(MaterialDelivery)
        .join(Document, Document.id == MaterialDelivery.document_id)
        .where(MaterialDelivery.line_id == MaterialLine.id, Document.withdrawn_at.is_(None))
        .correlate(MaterialLine)
        .scalar_subquery()
    )
    rows = uow.session.execute(
        select(MaterialLine, brought)
        .where(MaterialLine.request_id.in_(ids), MaterialLine.state != DROPPED)
        .order_by(MaterialLine.request_id, MaterialLine.position)
    ).all()
    due = {request.id: request.due_on for request in requests}
    found: dict[str, list[LineSummary]] = {request_id: [] for request_id in ids}
    for line, files in rows:
        found[line.request_id].append(LineSummary(line, files, line.due_on or due[line.request_id]))
    return found


def _summary(uow: UnitOfWork, request: MaterialRequest, lines: Sequence[LineSummary], *, works: bool) -> RequestSummary:
    if request.ended_at is not None:
        state = "ended"
    elif request.sent_at is None:
        state = "draft"
    else:
        state = "open" if is_open(request, uow.now) else "expired"
    return RequestSummary(request, lines, state, request.address if works else "")


def _brought(row: Any, documents: Mapping[str, tuple[Document, Version]], *, works: bool) -> BroughtFile:
    delivery, name, withdrawn_at, record, *_key = row
    document, version = documents.get(delivery.document_id, (None, None))
    by, reason = (name if works else ""), (record.reason if record else "")
    return BroughtFile(delivery, by, state_of(withdrawn_at, record), reason, document, version)


def state_of(withdrawn_at: datetime | None, record: Record | None) -> str:
    """How a file that was brought stands: as its record, or taken_back."""
    if withdrawn_at is not None or record is None:
        return "taken_back"
    return record.state
