"""Steps of putting documents into case files: what stands where. They check what the state of the file allows, and
leave permission and events to the use cases, except `arrangeable`, with which each of those begins."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, func, select

from archive_app.casework.models import Record
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.filing.categories import category_of
from archive_app.filing.models import CaseFile, CaseItem, LeftOut, Seal, Submission
from archive_app.filing.order import Piece, first_pages
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork

MANIFEST = "seal_manifest"
"""The record type of manifests: they say what is in the case files, and are in none themselves."""
_AT_ONCE = 500
_AWAY = 1_000_000


class SubmittedError(ArchiveError):
    """The file is submitted, and waits for its checks or for the archivist."""

    code = "file_submitted"
    message = N_(
        "The file is submitted and waits for the archivist. Nothing was changed; withdraw the submission first."
    )


class ItemSealedError(ArchiveError):
    """An item that a seal holds keeps its place and its number."""

    code = "item_sealed"
    message = N_(
        "What was sealed once keeps its place and its number, also in a file that was opened again. Nothing was "
        "changed."
    )


def arrangeable(uow: UnitOfWork, engagement_id: str) -> Engagement:
    """The step that locks an engagement whose case files the actor may arrange now.

    Raises: NotFoundError, EngagementSealedError, SubmittedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    if open_submission(uow, engagement_id) is not None:
        raise SubmittedError
    return engagement


def open_submission(uow: UnitOfWork, engagement_id: str) -> Submission | None:
    """The step that finds the submission that is checked or waits for the archivist."""
    waiting = select(Submission).where(
        Submission.engagement_id == engagement_id, Submission.state.in_(("checking", "waiting"))
    )
    return uow.session.scalars(waiting).one_or_none()


def living_files(uow: UnitOfWork, engagement_id: str) -> list[CaseFile]:
    """The case files of an engagement in their order, voided ones left out."""
    of_engagement = select(CaseFile).where(CaseFile.engagement_id == engagement_id, CaseFile.voided_at.is_(None))
    return list(uow.session.scalars(of_engagement.order_by(CaseFile.position)))


def items_in(uow: UnitOfWork, case_file_id: str) -> list[CaseItem]:
    """The items of a case file in their order; those without a place yet stand last, as they came."""
    rows = list(uow.session.scalars(select(CaseItem).where(CaseItem.case_file_id == case_file_id)))
    return sorted(rows, key=lambda row: (row.position < 0, abs(row.position)))


def unplaced(engagement_id: str) -> Select[str]:
    """The documents of an engagement that are in no case file and not left out. Manifests belong to none."""
    return select(Document.id).where(
        Document.engagement_id == engagement_id,
        Document.withdrawn_at.is_(None),
        ~select(CaseItem.id).where(CaseItem.document_id == Document.id).exists(),
        ~select(LeftOut.document_id).where(LeftOut.document_id == Document.id).exists(),
        ~select(Seal.id).where(Seal.document_id == Document.id).exists(),
    )


def count_unplaced(uow: UnitOfWork, engagement_id: str) -> int:
    """How many there are."""
    return uow.session.scalar(select(func.count()).select_from(unplaced(engagement_id).subquery())) or 0


def append(
    uow: UnitOfWork, target: CaseFile, documents: Sequence[tuple[str, int | None]], *, late_reason: str = ""
) -> list[CaseItem]:
    """The step that puts documents, each with its pages, to the end of a case file; the new items."""
    last = uow.session.scalar(select(func.max(CaseItem.position)).where(CaseItem.case_file_id == target.id)) or 0
    rows = [
        CaseItem(
            id=uow.new_id(),
            case_file_id=target.id,
            document_id=document_id,
            position=place,
            pages=pages,
            late_reason=late_reason,
            added_by=uow.actor.name,
            added_at=uow.now,
        )
        for place, (document_id, pages) in enumerate(documents, start=last + 1)
    ]
    uow.session.add_all(rows)
    uow.session.flush()
    return rows


def settle_positions(uow: UnitOfWork, items: Sequence[CaseItem]) -> None:
    """The step that numbers the places of a case file's items from 1, in this order, with the pages they begin on."""
    wanted = list(enumerate(items, start=1))
    if any(item.position != place for place, item in wanted):
        for place, item in wanted:
            # First all out of the way: no two of a case file stand at the same place, not even for a moment.
            item.position = -place
        uow.session.flush()
    begins = first_pages([item.pages for item in items])
    for (place, item), first_page in zip(wanted, begins, strict=True):
        item.position, item.first_page = place, first_page
    uow.session.flush()


def reason_given(text: str) -> str:
    """A reason in one line. Raises: InvalidInputError without one."""
    reason = " ".join(text.split())
    if not reason:
        raise InvalidInputError(field=N_("Reason"), reason=N_("This must not be empty."))
    if len(reason) > 1000:  # noqa: PLR2004  # as long as the column
        raise InvalidInputError(field=N_("Reason"), reason=N_("This is too long."))
    return reason


def new_file(uow: UnitOfWork, engagement: Engagement, title: str = "") -> CaseFile:
    """The step that begins a case file behind the others, numbered later."""
    last = uow.session.scalar(select(func.max(CaseFile.position)).where(CaseFile.engagement_id == engagement.id)) or 0
    usual = category_of(engagement.scheme)
    row = CaseFile(
        id=uow.new_id(),
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        position=last + 1,
        title=(title or engagement.title)[:300],
        year=uow.archive.today().year,
        category=usual.category,
        retention=usual.retention,
        remark="",
        voided_reason="",
        created_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def remove_file(uow: UnitOfWork, row: CaseFile, *, reason: str) -> None:
    """The step that ends a case file without items: it goes, or is voided and stays where it has a number."""
    if row.number is None:
        uow.session.delete(row)
    else:
        row.voided_at, row.voided_reason = uow.now, reason
    uow.session.flush()


def take_out(uow: UnitOfWork, items: Iterable[CaseItem]) -> None:
    """The step that takes items out of their case files. Raises: ItemSealedError."""
    listed = list(items)
    if any(item.seal_id is not None for item in listed):
        raise ItemSealedError
    touched = {item.case_file_id for item in listed}
    for item in listed:
        uow.session.delete(item)
    uow.session.flush()
    for case_file_id in sorted(touched):
        settle_positions(uow, items_in(uow, case_file_id))


def set_aside(uow: UnitOfWork, moved: Sequence[CaseItem], target: CaseFile) -> None:
    """The step that puts items into a case file out of the way of those that have a place there; `settle_positions`
    gives them theirs."""
    for number, item in enumerate(moved):
        item.case_file_id, item.position = target.id, -_AWAY - number
    uow.session.flush()


def loose_pieces(uow: UnitOfWork, engagement_id: str) -> list[Piece]:
    """What is in no case file and not left out, as it is put in order."""
    found = uow.session.execute(
        select(Document, Version.page_count, Record.type, Record.evidence_on, Record.rendition_of)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(Document.id.in_(unplaced(engagement_id)))
    ).all()
    zone = uow.archive.rules.zone
    return [
        Piece(
            document.id,
            code or "",
            evidence_on or document.dated_on or document.created_at.astimezone(zone).date(),
            pages,
            rendition_of or "",
        )
        for document, pages, code, evidence_on, rendition_of in found
    ]


def file_to_arrange(uow: UnitOfWork, case_file_id: str) -> tuple[Engagement, CaseFile]:
    """The step that locks the engagement of a case file that the actor may arrange now.

    Raises: NotFoundError (also for a voided one), EngagementSealedError, SubmittedError.
    """
    uow.require("case_file", case_file_id)
    row = uow.session.get_one(CaseFile, case_file_id)
    engagement = arrangeable(uow, row.engagement_id)
    uow.session.refresh(row)
    if row.voided_at is not None:
        raise NotFoundError
    return engagement, row


def item_of(uow: UnitOfWork, engagement: Engagement, item_id: str) -> CaseItem:
    """The step that finds an item of the engagement that may be moved. Raises: NotFoundError, ItemSealedError."""
    item = uow.session.get(CaseItem, item_id)
    if item is None or uow.session.get_one(CaseFile, item.case_file_id).engagement_id != engagement.id:
        raise NotFoundError
    if item.seal_id is not None:
        raise ItemSealedError
    return item


def document_of(uow: UnitOfWork, engagement: Engagement, document_id: str) -> str:
    """The step that makes sure that a document is one of the engagement. Raises: NotFoundError."""
    document = uow.session.get(Document, document_id)
    if document is None or document.withdrawn_at is not None:
        raise NotFoundError
    if document.engagement_id != engagement.id:
        raise DeniedError("document", document_id)
    if uow.session.scalar(select(Seal.id).where(Seal.document_id == document_id)) is not None:
        raise NotFoundError
    return document_id
