"""What the client sees of their own request, and nothing besides it.

Rooms that the same link opens for something else of this request register a `Section`: it stands on the client's page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from archive_app.casework.models import MaterialDelivery, MaterialRequest, Record, RequestSession
from archive_app.casework.requests.own import is_closed, own_line, own_request
from archive_app.casework.requests.viewing import OWED, LineSummary, state_of, summaries
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


@dataclass(frozen=True)
class Section:
    """Something else that the client answers by this link: words for it with `%(count)s` of what waits for them, and
    the endpoint of its page below `/material/`."""

    words: str
    endpoint: str
    count: int


SECTIONS: list[Callable[[UnitOfWork, MaterialRequest], Section | None]] = []
"""Steps that tell of what else waits for the client of a request; None where there is nothing to tell."""


@dataclass(frozen=True)
class Asked:
    """The client's page: who asks, of whom, and for what. `is_closed`: nothing more is taken."""

    body: str
    leaders: Sequence[str]
    client: str
    year: int
    message: str
    until: datetime
    lines: Sequence[LineSummary]
    sections: Sequence[Section]
    today: date
    is_closed: bool

    @property
    def owed(self) -> int:
        """How many lines the client is still to bring."""
        return sum(one.line.state in OWED for one in self.lines)


@dataclass(frozen=True)
class OwnFile:
    """A file that the client brought; `may_take_back` as long as nobody decided about it."""

    id: str
    name: str
    size_bytes: int
    delivered_at: datetime
    by: str
    state: str
    reason: str
    may_take_back: bool


@dataclass(frozen=True)
class AskedLine:
    """One line of the client's, with what they brought for it, newest first."""

    summary: LineSummary
    files: Page[OwnFile]
    limit_bytes: int
    takes: bool
    today: date


@query(Permission.REQUEST_ANSWER)
def view_own_request(actor: Actor, uow: UnitOfWork) -> Asked:
    """The request whose session acts. Raises: RequestOverError."""
    request = own_request(uow)
    row = uow.session.execute(
        select(Organisation.name, Client.name, Engagement.year)
        .select_from(Engagement)
        .join(Client, Client.id == Engagement.client_id)
        .join(Organisation, Organisation.id == Engagement.organisation_id)
        .where(Engagement.id == request.engagement_id)
    ).one()
    leaders = (
        select(Person.display_name)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == request.engagement_id, Assignment.part == "leader")
        .where(Assignment.ended_at.is_(None))
    )
    sections = [found for section in SECTIONS if (found := section(uow, request)) is not None]
    return Asked(
        body=row[0],
        leaders=uow.session.scalars(leaders.order_by(Person.id)).all(),
        client=row[1],
        year=row[2],
        message=request.message,
        until=request.until,
        # What is still owed stands first; what is done goes below it.
        lines=sorted(summaries(uow, [request])[request.id], key=lambda one: one.line.state not in OWED),
        sections=sections,
        today=uow.archive.today(),
        is_closed=is_closed(uow, request),
    )


@query(Permission.REQUEST_ANSWER)
def view_own_line(actor: Actor, uow: UnitOfWork, *, line_id: str, after: str | None = None) -> AskedLine:
    """One line of the actor's own request. Raises: RequestOverError, NotFoundError."""
    line = own_line(uow, line_id)
    request = own_request(uow)
    statement = (
        select(MaterialDelivery, RequestSession.name, Document.withdrawn_at, Record, Version.name, Version.size_bytes)
        .join(RequestSession, RequestSession.id == MaterialDelivery.session_id)
        .join(Document, Document.id == MaterialDelivery.document_id)
        # What they brought, whatever the team made of it since.
        .join(Version, (Version.document_id == Document.id) & (Version.number == 1))
        .outerjoin(Record, Record.document_id == MaterialDelivery.document_id)
        .where(MaterialDelivery.line_id == line_id)
    )
    page = fetch_page(uow.session, statement, [MaterialDelivery.id], after=after, descending=True)
    takes = not is_closed(uow, request) and line.state != "accepted"
    files = [
        OwnFile(
            id=delivery.id,
            name=file_name,
            size_bytes=size,
            delivered_at=delivery.delivered_at,
            by=by,
            state=state_of(withdrawn_at, record),
            reason=record.reason if record else "",
            may_take_back=takes and record is not None and record.state == "delivered" and withdrawn_at is None,
        )
        for delivery, by, withdrawn_at, record, file_name, size, *_key in page.items
    ]
    own = next(one for one in summaries(uow, [request])[request.id] if one.line.id == line_id)
    limit = min(uow.archive.rules.upload_limit_bytes, uow.archive.rules.requests.total_bytes)
    return AskedLine(own, Page(files, page.next_key), limit, takes, uow.archive.today())
