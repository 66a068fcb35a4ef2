"""The records of an engagement as a list: every document that one may see, with what is said or proposed about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from archive_app.casework.models import Record
from archive_app.casework.recording import missing_fields
from archive_app.casework.records.describing import described
from archive_app.casework.records.kin import proposals_of
from archive_app.casework.records.proposals import Proposal
from archive_app.documents.models import Document, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

UNDESCRIBED = "undescribed"
"""The filter for documents that nobody described as records, whether something is proposed about them or not."""


@dataclass(frozen=True)
class RecordFilters:
    """What the list is narrowed to; empty fields narrow nothing. `state` is one of `recording.STATES`, or
    `UNDESCRIBED`; `text` any part of the title."""

    type: str = ""
    state: str = ""
    text: str = ""


@dataclass(frozen=True)
class RecordLine:
    """A document of the list. `record` is None where nobody described it; then `proposal` may say something."""

    document: Document
    version: Version
    record: Record | None
    proposal: Proposal
    incomplete: bool


@query(Permission.DOCUMENTS_READ)
def list_records(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    filters: RecordFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RecordLine]:
    """The engagement's documents in the order of their filing, with what is said about them. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    statement = (
        select(Document, Version, Record)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(Document.engagement_id == engagement_id, uow.visible("document"), *_narrowed(filters))
    )
    page = fetch_page(uow.session, statement, [Document.id], after=after, limit=limit)
    open_ones = [row[0].id for row in page.items if described(row[2]) is None]
    proposals = proposals_of(uow, open_ones) if open_ones else {}
    lines = [_line(row[0], row[1], described(row[2]), proposals) for row in page.items]
    return Page(lines, page.next_key)


@query(Permission.DOCUMENTS_READ)
def count_records(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Mapping[str, int]:
    """How many documents one may see of the engagement by state; those that nobody described under `UNDESCRIBED`.

    Raises: NotFoundError.
    """
    uow.require("engagement", engagement_id)
    rows = uow.session.execute(
        select(Record.state, func.count())
        .select_from(Document)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(Document.engagement_id == engagement_id, uow.visible("document"))
        .group_by(Record.state)
    )
    counts: dict[str, int] = {}
    for state, count in rows:
        name = UNDESCRIBED if state in {None, "proposed"} else state
        counts[name] = counts.get(name, 0) + count
    return counts


def _narrowed(filters: RecordFilters) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.type:
        clauses.append(Record.type == filters.type)
    if filters.state == UNDESCRIBED:
        clauses.append(or_(Record.document_id.is_(None), Record.state == "proposed"))
    elif filters.state:
        clauses.append(Record.state == filters.state)
    if text := filters.text.strip():
        clauses.append(Document.title.contains(text, autoescape=True))
    return clauses


def _line(document: Document, version: Version, record: Record | None, found: Mapping[str, Proposal]) -> RecordLine:
    incomplete = record is not None and bool(missing_fields(record))
    return RecordLine(document, version, record, found.get(document.id, Proposal()), incomplete)
