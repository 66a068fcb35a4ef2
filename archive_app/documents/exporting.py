"""The list of hits as a table to take along: the same scope and the same check of every row as on the page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from archive_app.documents.kinds import KIND_NAMES
from archive_app.documents.models import Document, Version
from archive_app.documents.question import Question, address_of, kept_pairs, question_of
from archive_app.documents.searching import ask, scope_of
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.sheets import Cell, csv_blocks, xlsx_blocks
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from search import Query

SEARCH_EXPORTED = event_type("search.exported", N_("List of hits exported"))
MOST_ROWS = 10_000
_BATCH = 500
_READ = {
    "read": N_("Read"),
    "partly": N_("Partly read"),
    "waiting": N_("Being read"),
    "unread": N_("Not recognised"),
}
# Heading and width of every column, in the order of `_cells`.
_COLUMNS = (
    (N_("Title"), 40),
    (N_("Document number"), 18),
    (N_("Document date"), 12),
    (N_("Client"), 28),
    (N_("Engagement number"), 16),
    (N_("Engagement"), 32),
    (N_("Year"), 8),
    (N_("Kind"), 14),
    (N_("Original name"), 32),
    (N_("Version"), 8),
    (N_("Filed on"), 17),
    (N_("Originator"), 20),
    (N_("Activity"), 20),
    (N_("Size in bytes"), 14),
    (N_("Text"), 12),
    (N_("Digest (SHA-256)"), 68),
    (N_("Link"), 60),
)
_ROWS: Select[Version, Document, Engagement, str] = (
    select(Version, Document, Engagement, Client.name)
    .join(Document, Document.id == Version.document_id)
    .join(Engagement, Engagement.id == Version.engagement_id)
    .join(Client, Client.id == Engagement.client_id)
)
Address = Callable[[str, int], str]
"""The address of a document's version by the document's id and the version's number."""


class Form(StrEnum):
    """What the table can be made as."""

    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True)
class Export:
    """The table in blocks, made while it is read, and how many of the hits are in it."""

    blocks: Iterator[bytes]
    count: int
    total: int


@staged_use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def export_hits(
    actor: Actor, archive: Archive, *, pairs: Iterable[tuple[str, str]], form: Form, language: str, address: Address
) -> Export:
    """All hits of the question that `pairs` ask, up to `MOST_ROWS`, in its order; recorded before the first of them.

    What has become invisible while the table is being made is left out of it, and so is what goes out with a mark only:
    a table cannot bear one. A last row says when hits were cut off.
    Raises: QueryTooLongError, SearchUnavailableError.
    """
    kept = kept_pairs(pairs)
    with archive.reading(actor) as uow:
        keys, total = _hits(uow, question_of(kept))
    with archive.transaction(actor) as uow:
        uow.record(SEARCH_EXPORTED, {}, search=address_of(kept), count=len(keys), total=total, form=form.value)
    rows = _table(actor, archive, keys, total, language, address)
    zone = archive.rules.zone
    if form is Form.CSV:
        return Export(csv_blocks(rows, zone), len(keys), total)
    widths = [width for _, width in _COLUMNS]
    blocks = xlsx_blocks(rows, widths, zone)
    return Export(blocks, len(keys), total)


def _hits(uow: UnitOfWork, question: Question) -> tuple[list[str], int]:
    """Keys of visible hits in order, and the number of all hits."""
    scope = scope_of(uow.actor, uow)
    asked = Query(question.text, scope, question.filters, question.sort, 0, MOST_ROWS, (), question.synonyms)
    results = ask(uow.archive, asked)
    keys = [hit.key for hit in results.hits]
    visible: set[str] = set()
    for batch in _batches(keys):
        found = select(Version.id).join(Document, Document.id == Version.document_id)
        visible.update(uow.session.scalars(found.where(Version.id.in_(batch), _may_be_taken(uow))))
    return [key for key in keys if key in visible], results.total


def _may_be_taken(uow: UnitOfWork) -> ColumnElement[bool]:
    """What the actor sees by a right that asks for no mark."""
    visible, reaches = uow.visible("document"), uow.archive.policy.reaches(uow.actor, READ)
    if uow.actor.is_system or not any(reach.marked for reach in reaches):
        return visible
    bare = (and_(reach.clause, Document.level <= reach.highest_level) for reach in reaches if not reach.marked)
    opened = select(Engagement.id).where(Engagement.id == Document.engagement_id, or_(False, *bare))
    return and_(visible, opened.correlate(Document).exists())


def _table(
    actor: Actor, archive: Archive, keys: Sequence[str], total: int, language: str, address: Address
) -> Iterator[Sequence[Cell]]:
    yield [translate(language, heading) for heading, _ in _COLUMNS]
    for batch in _batches(keys):
        # Each batch by itself: a slow reader at the other end must not keep a snapshot of the database open.
        with archive.reading(actor) as uow:
            rows = uow.session.execute(_ROWS.where(Version.id.in_(batch), _may_be_taken(uow)))
            cells = {row[0].id: _cells(row, language, address) for row in rows}
        yield from (cells[key] for key in batch if key in cells)
    if total > MOST_ROWS:
        cut = N_("Only the first %(count)s of %(total)s hits are listed. Narrow the search down to get the others.")
        yield [translate(language, cut, count=len(keys), total=total)]


def _cells(row: Any, language: str, address: Address) -> list[Cell]:
    version, document, engagement, client_name = row
    return [
        document.title,
        document.number,
        document.dated_on,
        client_name,
        engagement.number,
        engagement.title,
        engagement.year,
        translate(language, KIND_NAMES[version.kind]),
        version.name,
        version.number,
        version.filed_at,
        version.originator,
        version.activity,
        version.size_bytes,
        translate(language, _READ[version.reading]),
        version.sha256.hex(),
        address(document.id, version.number),
    ]


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
