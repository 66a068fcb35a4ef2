"""What the pages of case files show: the state of an engagement's file, one case file, the catalogue 案卷目录."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select

from archive_app.documents.models import Document
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import scheme_of
from archive_app.filing.findings import Finding, kept, words_of
from archive_app.filing.late import late_items
from archive_app.filing.models import CaseFile, CaseItem, LeftOut, Reopening, Submission
from archive_app.filing.numbering import rule_of
from archive_app.filing.placing import count_unplaced, unplaced
from archive_app.filing.policy import ARCHIVING, CASE_FILE
from archive_app.filing.reading import (
    CaseFileView,
    ItemView,
    ReopeningView,
    SealView,
    case_file_of,
    items_page,
    names_of,
    reopenings_of,
    seals_of,
    visible_documents,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

MOST_FINDINGS = 200
STATES = ("open", "sealed", "voided")


@dataclass(frozen=True)
class FileLine:
    """A case file as lists show it."""

    row: CaseFile
    items: int
    pages: int
    engagement_number: str
    client_name: str
    sealed_at: datetime | None
    reopened: bool


@dataclass(frozen=True)
class FoundLine:
    """A finding as the page shows it: its words, and the document or case file it is about as far as it shows."""

    finding: Finding
    words: str
    title: str
    hidden: bool


@dataclass(frozen=True)
class SubmissionView:
    """A submission with the names of its people. `mine`: whoever looks made it, so another accepts it."""

    row: Submission
    submitted_by: str
    decided_by: str
    mine: bool


@dataclass(frozen=True)
class ArchivingView:
    """How it stands with archiving an engagement. `may_arrange`: the actor may change the arrangement now."""

    engagement: Engagement
    client_name: str
    files: Sequence[FileLine]
    loose: int
    left_out: int
    numbered: bool
    submission: SubmissionView | None
    findings: Sequence[FoundLine]
    more_findings: int
    seals: Sequence[SealView]
    reopenings: Sequence[ReopeningView]
    late: Sequence[ItemView]
    leads: bool

    @property
    def submitted(self) -> bool:
        """Whether a submission is checked or waits."""
        return self.submission is not None and self.submission.row.state in {"checking", "waiting"}

    @property
    def may_arrange(self) -> bool:
        """Whether the actor may change the arrangement now."""
        return self.leads and self.engagement.sealed_at is None and not self.submitted


@dataclass(frozen=True)
class DocumentLine:
    """A document that is in no case file; `reason` where it was left out. One that does not show has no title."""

    document_id: str
    title: str
    reason: str
    hidden: bool


@dataclass(frozen=True)
class FileFilters:
    """What the catalogue is narrowed to."""

    text: str = ""
    year: int | None = None
    category: str = ""
    state: str = ""


@query(Permission.DOCUMENTS_READ)
def view_archiving(actor: Actor, uow: UnitOfWork, *, engagement_id: str, language: str) -> ArchivingView:
    """Where the file of an engagement is on its way into the archive. Raises: NotFoundError."""
    uow.require(ARCHIVING, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    files = [_line(*row) for row in uow.session.execute(_of_engagement(engagement_id))]
    submission = _last_submission(uow, engagement_id)
    found = kept(submission.row) if submission else []
    left_out = select(func.count()).select_from(LeftOut).where(LeftOut.engagement_id == engagement_id)
    late = [item.id for item in late_items(uow, engagement_id)] if engagement.sealed_at else []
    leads = uow.archive.policy.allows(uow.session, actor, LEAD, engagement_id)
    return ArchivingView(
        engagement=engagement,
        client_name=uow.session.get_one(Client, engagement.client_id).name,
        files=files,
        loose=count_unplaced(uow, engagement_id),
        left_out=uow.session.scalar(left_out) or 0,
        numbered=rule_of(uow, engagement.organisation_id) is not None,
        submission=submission,
        findings=_shown(uow, engagement, found[:MOST_FINDINGS], language),
        more_findings=max(len(found) - MOST_FINDINGS, 0),
        seals=seals_of(uow, engagement_id),
        reopenings=reopenings_of(uow, engagement_id),
        late=[item for one in files for item in items_page(uow, one.row.id, only=late).items] if late else [],
        leads=leads,
    )


@query(Permission.DOCUMENTS_READ)
def view_case_file(
    actor: Actor, uow: UnitOfWork, *, case_file_id: str, after: str | None = None
) -> tuple[CaseFileView, Page[ItemView]]:
    """A case file, and a page of its items. Raises: NotFoundError."""
    return case_file_of(uow, case_file_id), items_page(uow, case_file_id, after=after)


@query(Permission.DOCUMENTS_READ)
def list_items(
    actor: Actor, uow: UnitOfWork, *, case_file_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[ItemView]:
    """A page of the items of a case file. Raises: NotFoundError."""
    uow.require(CASE_FILE, case_file_id)
    return items_page(uow, case_file_id, after=after, limit=limit)


@query(Permission.CASE_FILES_SUBMIT)
def list_loose(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, left_out: bool = False, after: str | None = None
) -> Page[DocumentLine]:
    """The documents of an engagement that wait for a place, or those that were left out with a reason.

    Raises: NotFoundError.
    """
    uow.require(ARCHIVING, engagement_id)
    if left_out:
        statement = select(Document.id, Document.title, LeftOut.reason).join(
            LeftOut, LeftOut.document_id == Document.id
        )
        statement = statement.where(LeftOut.engagement_id == engagement_id, Document.withdrawn_at.is_(None))
    else:
        statement = select(Document.id, Document.title, literal("").label("reason"))
        statement = statement.where(Document.id.in_(unplaced(engagement_id)))
    page = fetch_page(uow.session, statement, [Document.id], after=after)
    seen = visible_documents(uow, [row[0] for row in page.items])
    lines = [DocumentLine(row[0], row[1] if row[0] in seen else "", row[2], row[0] not in seen) for row in page.items]
    return Page(lines, page.next_key)


@query(Permission.DOCUMENTS_READ)
def list_case_files(
    actor: Actor, uow: UnitOfWork, *, filters: FileFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[FileLine]:
    """The catalogue 案卷目录: case files that have a number, by number. Raises: InvalidInputError."""
    statement = _lines().where(uow.visible(CASE_FILE), CaseFile.number.is_not(None))
    if text := filters.text.strip():
        statement = statement.where(
            CaseFile.number.contains(text, autoescape=True)
            | CaseFile.title.contains(text, autoescape=True)
            | Engagement.number.contains(text, autoescape=True)
            | Client.name.contains(text, autoescape=True)
        )
    if filters.year:
        statement = statement.where(CaseFile.year == filters.year)
    if filters.category:
        statement = statement.where(CaseFile.category == filters.category)
    if filters.state in STATES:
        statement = statement.where(_in_state(filters.state))
    page = fetch_page(uow.session, statement, [CaseFile.number, CaseFile.id], after=after, limit=limit)
    return Page([_line(*row[:7]) for row in page.items], page.next_key)


@query(Permission.CASE_FILES_ACCEPT)
def list_chosen(actor: Actor, uow: UnitOfWork, *, engagement_id: str, item_ids: Sequence[str]) -> list[ItemView]:
    """Those of the items that are in the case files of the engagement, in their order. Raises: NotFoundError."""
    uow.require(ARCHIVING, engagement_id)
    files = uow.session.scalars(
        select(CaseFile.id).where(CaseFile.engagement_id == engagement_id).order_by(CaseFile.position)
    ).all()
    return [item for case_file_id in files for item in items_page(uow, case_file_id, only=item_ids).items]


@query(Permission.DOCUMENTS_READ)
def catalogue_choices(actor: Actor, uow: UnitOfWork) -> tuple[Sequence[int], Sequence[str]]:
    """Years, newest first, and categories that the catalogue has."""
    seen = (uow.visible(CASE_FILE), CaseFile.number.is_not(None))
    years = uow.session.scalars(select(CaseFile.year).where(*seen).distinct().order_by(CaseFile.year.desc())).all()
    categories = select(CaseFile.category).where(*seen).distinct().order_by(CaseFile.category)
    return years, uow.session.scalars(categories).all()


@query(Permission.ENGAGEMENTS_READ)
def view_seal_state(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str
) -> tuple[datetime | None, Sequence[ReopeningView]]:
    """Whether and when the file of an engagement was sealed, and how often it was opened again, for the banner on its
    pages. Whoever does not see how it is archived sees that nothing of it changes any more, and no more.

    Raises: NotFoundError.
    """
    uow.require("engagement", engagement_id)
    sealed_at = uow.session.get_one(Engagement, engagement_id).sealed_at
    if not uow.archive.policy.allows(uow.session, actor, ARCHIVING, engagement_id):
        return sealed_at, ()
    return sealed_at, reopenings_of(uow, engagement_id)


def _lines() -> Select[CaseFile, int, int, str, str, datetime | None, int]:
    """Case files with what lists show beside: items, pages, engagement, client, seal, reopenings."""
    # Counted for the rows shown, not for every case file there is.
    of_file = select(func.count()).where(CaseItem.case_file_id == CaseFile.id).correlate(CaseFile)
    pages = select(func.coalesce(func.sum(CaseItem.pages), 0)).where(CaseItem.case_file_id == CaseFile.id)
    reopened = select(Reopening.id).where(Reopening.engagement_id == CaseFile.engagement_id).correlate(CaseFile)
    return (
        select(
            CaseFile,
            of_file.scalar_subquery(),
            pages.correlate(CaseFile).scalar_subquery(),
            Engagement.number,
            Client.name,
            Engagement.sealed_at,
            case((reopened.exists(), 1), else_=0),
        )
        .join(Engagement, Engagement.id == CaseFile.engagement_id)
        .join(Client, Client.id == Engagement.client_id)
    )


def _of_engagement(engagement_id: str) -> Select[CaseFile, int, int, str, str, datetime | None, int]:
    return _lines().where(CaseFile.engagement_id == engagement_id).order_by(CaseFile.position)


def _line(
    row: CaseFile, items: int, pages: int, number: str, client: str, sealed_at: datetime | None, reopened: int
) -> FileLine:
    return FileLine(row, items, pages, number, client, sealed_at, bool(reopened))


def _in_state(state: str) -> ColumnElement[bool]:
    if state == "voided":
        return CaseFile.voided_at.is_not(None)
    sealed = Engagement.sealed_at.is_not(None) if state == "sealed" else Engagement.sealed_at.is_(None)
    return and_(CaseFile.voided_at.is_(None), sealed)


def _last_submission(uow: UnitOfWork, engagement_id: str) -> SubmissionView | None:
    of_engagement = select(Submission).where(Submission.engagement_id == engagement_id)
    row = uow.session.scalar(of_engagement.order_by(Submission.round.desc()).limit(1))
    if row is None:
        return None
    names = names_of(uow.session, [row.submitted_by, row.decided_by or ""])
    return SubmissionView(row, names[row.submitted_by], names[row.decided_by or ""], row.submitted_by == uow.actor.name)


def _shown(uow: UnitOfWork, engagement: Engagement, found: Sequence[Finding], language: str) -> list[FoundLine]:
    documents = sorted({one.document_id for one in found if one.document_id})
    seen = visible_documents(uow, documents)
    titles = {row.id: row.title for row in uow.session.scalars(select(Document).where(Document.id.in_(seen)))}
    files = select(CaseFile).where(CaseFile.engagement_id == engagement.id)
    titles |= {row.id: row.number or row.title for row in uow.session.scalars(files)}
    scheme = scheme_of(uow, engagement)
    return [
        FoundLine(
            one,
            words_of(one, scheme, language),
            titles.get(one.document_id or one.case_file_id, ""),
            bool(one.document_id) and one.document_id not in seen,
        )
        for one in found
    ]
