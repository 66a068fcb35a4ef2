"""The register of the use of the body's seal 用印登记: on the record, by engagement, and as a table to take along."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Row, Select, select

from archive_app.casework.models import SealUse
from archive_app.casework.records.describing import lock_for_change, required_record, subjects_in
from archive_app.casework.records.facts import FIRST_DAY
from archive_app.documents.models import Document
from archive_app.engagements.engagements import subjects_of
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.sheets import Cell, Sheet, workbook
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

SEAL_USED = event_type("record.sealed", N_("Use of the seal registered"))
REGISTER_EXPORTED = event_type("record.seal_register_exported", N_("Register of the seal exported"))
MOST_COPIES = 999
MOST_ROWS = 10_000
_COLUMNS = (
    (N_("The record"), 40),
    (N_("Seal"), 24),
    (N_("Sealed on"), 12),
    (N_("Copies"), 8),
    (N_("Asked for by"), 16),
    (N_("Approved by"), 16),
    (N_("Registered by"), 16),
    (N_("Registered on"), 17),
)


@dataclass(frozen=True)
class SealFacts:
    """A use of the seal: which one, when, on how many copies, who asked for it and who approved it."""

    seal: str
    sealed_on: date
    copies: int
    asked_by: str
    approved_by: str


@dataclass(frozen=True)
class SealLine:
    """A use of the seal as lists show it; `registered_by` is the name of who registered it."""

    use: SealUse
    document: Document
    registered_by: str


@use_case(Permission.RECORDS_DESCRIBE)
def register_seal_use(actor: Actor, uow: UnitOfWork, *, document_id: str, facts: SealFacts) -> SealUse:
    """Registers that the body's seal was put on a record.

    Raises: NotFoundError, EmergencyReadsOnlyError, EngagementSealedError, NotDescribedError, InvalidInputError.
    """
    document = lock_for_change(uow, document_id)
    required_record(uow, document_id)
    if not FIRST_DAY <= facts.sealed_on <= uow.archive.today():
        raise InvalidInputError(field=N_("Sealed on"), reason=N_("This is not a day that can be meant."))
    if not 1 <= facts.copies <= MOST_COPIES:
        raise InvalidInputError(field=N_("Copies"), reason=N_("This is not a number that can be meant."))
    use = SealUse(
        id=uow.new_id(),
        engagement_id=document.engagement_id,
        document_id=document_id,
        seal=one_line(facts.seal, field=N_("Seal"), limit=100),
        sealed_on=facts.sealed_on,
        copies=facts.copies,
        asked_by=one_line(facts.asked_by, field=N_("Asked for by"), limit=100),
        approved_by=one_line(facts.approved_by, field=N_("Approved by"), limit=100),
        recorded_by=uow.actor.name,
        recorded_at=uow.now,
    )
    uow.session.add(use)
    words = {"title": document.title, "seal": use.seal, "sealed_on": use.sealed_on.isoformat(), "copies": use.copies}
    words |= {"asked_by": use.asked_by, "approved_by": use.approved_by}
    uow.record(SEAL_USED, subjects_in(uow, document), **words)
    return use


@query(Permission.DOCUMENTS_READ)
def list_seal_uses(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[SealLine]:
    """The uses of the seal in an engagement, newest first, on documents that one may see. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    page = fetch_page(uow.session, _uses(uow, engagement_id), [SealUse.id], after=after, descending=True, limit=limit)
    return Page([SealLine(row[0], row[1], row[2] or row[0].recorded_by) for row in page.items], page.next_key)


@use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def export_seal_uses(actor: Actor, uow: UnitOfWork, *, engagement_id: str, language: str) -> bytes:
    """The same as XLSX, oldest first, at most `MOST_ROWS`; recorded.

    Raises: NotFoundError, ConfirmationRequiredError.
    """
    uow.require("engagement", engagement_id)
    found = uow.session.execute(_uses(uow, engagement_id).order_by(SealUse.id).limit(MOST_ROWS)).all()
    table = workbook([Sheet(_table(found, language), [width for _, width in _COLUMNS])], uow.archive.rules.zone)
    uow.record(REGISTER_EXPORTED, subjects_of(uow.session, engagement_id), count=len(found))
    return table


def _uses(uow: UnitOfWork, engagement_id: str) -> Select[SealUse, Document, str]:
    return (
        select(SealUse, Document, Person.display_name)
        .join(Document, Document.id == SealUse.document_id)
        .outerjoin(Person, Person.id == SealUse.recorded_by)
        .where(SealUse.engagement_id == engagement_id, uow.visible("document"))
    )


def _table(rows: Sequence[Row[SealUse, Document, str]], language: str) -> Iterator[Sequence[Cell]]:
    yield [translate(language, heading) for heading, _ in _COLUMNS]
    for use, document, name in rows:
        yield [
            document.title,
            use.seal,
            use.sealed_on,
            use.copies,
            use.asked_by,
            use.approved_by,
            name or use.recorded_by,
            use.recorded_at,
        ]
