"""Renditions of one record: the final text 定稿, and the sealed ones 签章版 as a scan or as OFD, kept together."""

from sqlalchemy import select

from archive_app.casework.models import Record
from archive_app.casework.recording import accept, new_record, record_of
from archive_app.casework.records.describing import described, lock_for_change, required_record, subjects_in
from archive_app.documents.models import Document
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

RENDITION_LINKED = event_type("record.rendition_linked", N_("Rendition of a record linked"))
RENDITION_PARTED = event_type("record.rendition_parted", N_("Rendition taken from its record"))
RENDITIONS = {
    "final": N_("Final text"),
    "sealed_scan": N_("Sealed, as a scan"),
    "sealed_ofd": N_("Sealed, as OFD"),
}
MOST_CHOICES = 200


class RenditionChainError(ArchiveError):
    """A rendition of a rendition, or one that has renditions itself."""

    code = "rendition_chain"
    message = N_(
        "One of the two is a rendition already, or has renditions itself. Nothing was changed; link every rendition to "
        "the one record that they are renditions of."
    )


@query(Permission.RECORDS_DESCRIBE)
def rendition_choices(actor: Actor, uow: UnitOfWork, *, document_id: str, text: str = "") -> list[Document]:
    """Documents of the engagement that one may see and that could be renditions of the record; `text` is any part of
    the title. The newest ones, at most `MOST_CHOICES`. Raises: NotFoundError."""
    uow.require("document", document_id)
    document = uow.session.get_one(Document, document_id)
    others = (
        select(Document)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(Document.engagement_id == document.engagement_id, Document.id != document_id, uow.visible("document"))
        .where(Record.rendition_of.is_(None))
    )
    if text.strip():
        others = others.where(Document.title.contains(text.strip(), autoescape=True))
    return list(uow.session.scalars(others.order_by(Document.id.desc()).limit(MOST_CHOICES)))


@use_case(Permission.RECORDS_DESCRIBE)
def link_rendition(actor: Actor, uow: UnitOfWork, *, document_id: str, of: str, rendition: str) -> Record:
    """Says that a document is a rendition of the record `of`. One that nobody described yet becomes a record of the
    same type.

    Raises: NotFoundError, also where the two are of different engagements; EmergencyReadsOnlyError,
    EngagementSealedError, InvalidInputError, NotDescribedError, RecordIncompleteError, RenditionChainError.
    """
    main, document = lock_for_change(uow, of), lock_for_change(uow, document_id)
    if rendition not in RENDITIONS:
        raise InvalidInputError(field=N_("Rendition"), reason=N_("Choose one from the list."))
    if document_id == of:
        raise RenditionChainError
    if document.engagement_id != main.engagement_id:
        raise NotFoundError
    record_of_main = required_record(uow, of)
    has_own = select(Record.document_id).where(Record.rendition_of == document_id).limit(1)
    if record_of_main.rendition_of or uow.session.scalar(has_own):
        raise RenditionChainError
    record = record_of(uow, document_id) or new_record(uow, document_id)
    uow.session.add(record)
    if described(record) is None:
        _take_over(uow, record, record_of_main)
    record.rendition_of, record.rendition = of, rendition
    subjects = subjects_in(uow, document)
    uow.record(RENDITION_LINKED, subjects, title=document.title, of=main.title, rendition=rendition)
    return record


@use_case(Permission.RECORDS_DESCRIBE)
def part_rendition(actor: Actor, uow: UnitOfWork, *, document_id: str) -> Record:
    """Says that a document is no rendition after all; it stays a record.

    Raises: NotFoundError, EmergencyReadsOnlyError, EngagementSealedError; ConflictError for what is no rendition.
    """
    document = lock_for_change(uow, document_id)
    record = required_record(uow, document_id)
    if record.rendition_of is None:
        raise ConflictError
    rendition = record.rendition
    record.rendition_of, record.rendition = None, ""
    uow.record(RENDITION_PARTED, subjects_in(uow, document), title=document.title, rendition=rendition)
    return record


def _take_over(uow: UnitOfWork, record: Record, main: Record) -> None:
    """What is said of the record is said of its rendition: it is the same one on another carrier."""
    record.type, record.shows, record.methods, record.facet = main.type, main.shows, main.methods, main.facet
    record.originator, record.evidence_on = main.originator, main.evidence_on
    record.period_from, record.period_to = main.period_from, main.period_to
    for field in ("source", "unit", "monitoring_frequency", "department", "cross_check"):
        setattr(record, field, getattr(main, field))
    record.described_by, record.described_at = uow.actor.name, uow.now
    accept(uow, record)
