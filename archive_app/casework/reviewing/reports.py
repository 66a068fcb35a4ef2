"""The report of an engagement: which documents are it, which of their versions passed the technical review and which
were issued."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from archive_app.casework.models import Issue, Record, Review
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

ISSUE, NOTIFICATION = "issue", "notification"
PASSED, RETURNED, TAKEN_BACK = "passed", "returned", "withdrawn"
VERDICTS = {
    "": N_("Under review"),
    PASSED: N_("Passed"),
    RETURNED: N_("Returned"),
    TAKEN_BACK: N_("Taken back"),
}


class NoReportError(ArchiveError):
    """The document is not the report of its engagement."""

    code = "not_the_report"
    message = N_(
        "This document is not recorded as the report of the engagement. Nothing was changed; describe it as the report "
        "first, on the page of records."
    )


@dataclass(frozen=True)
class Report:
    """A document that is the report, with its current version."""

    document: Document
    version: Version


def report_type(uow: UnitOfWork, engagement: Engagement) -> str:
    """The type of record that is reviewed and issued in the engagement."""
    return scheme_of(uow, engagement).report


def reports_of(uow: UnitOfWork, engagement: Engagement) -> Sequence[Report]:
    """The step that finds the reports, oldest first; a signed or scanned rendition of one is not another."""
    return [Report(*row) for row in uow.session.execute(_reports(uow, engagement))]


def report_for(uow: UnitOfWork, engagement: Engagement, document_id: str, version_id: str) -> Report:
    """The step that finds one report, of the version that somebody saw.

    Raises: NotFoundError, NoReportError; ConflictError when another version is current by now.
    """
    uow.require("document", document_id)
    if uow.session.get_one(Document, document_id).engagement_id != engagement.id:
        raise NotFoundError
    row = uow.session.execute(_reports(uow, engagement).where(Document.id == document_id)).one_or_none()
    if row is None:
        raise NoReportError
    if row[1].id != version_id:
        raise ConflictError
    return Report(*row)


def latest_review(uow: UnitOfWork, version_id: str) -> Review | None:
    """The last round about a version that was not taken back."""
    rounds = select(Review).where(Review.version_id == version_id, Review.verdict != TAKEN_BACK)
    return uow.session.scalar(rounds.order_by(Review.round.desc()).limit(1).execution_options(populate_existing=True))


def living_issue(uow: UnitOfWork, kind: str, version_id: str) -> Issue | None:
    """The issue or notification of a version that was not withdrawn; the last one of several."""
    rows = select(Issue).where(Issue.kind == kind, Issue.version_id == version_id, Issue.withdrawn_at.is_(None))
    return uow.session.scalar(rows.order_by(Issue.id.desc()).limit(1).execution_options(populate_existing=True))


def _reports(uow: UnitOfWork, engagement: Engagement) -> Select[Document, Version]:
    return (
        select(Document, Version)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .join(Record, Record.document_id == Document.id)
        .where(Document.engagement_id == engagement.id, Document.withdrawn_at.is_(None))
        .where(Record.type == report_type(uow, engagement), Record.rendition_of.is_(None), Record.state == "accepted")
        .order_by(Document.id)
        .execution_options(populate_existing=True)
    )
