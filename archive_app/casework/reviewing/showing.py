"""Reviews, remarks and issues as pages and programs see them.

A round shows to whoever sees the report and belongs to the verification body or supervises it; a remark to whoever sees
the document that it is about as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select

from archive_app.casework.hands import is_assigned, reviewed, worked_on
from archive_app.casework.models import Issue, Review, ReviewComment
from archive_app.casework.reviewing.reports import (
    ISSUE,
    NOTIFICATION,
    PASSED,
    Report,
    latest_review,
    living_issue,
    report_type,
    reports_of,
)
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Assignment, Engagement
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.engagements.teams import TEAM_PARTS
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

MOST_CHOICES = 500


@dataclass(frozen=True)
class RoundLine:
    """A round as lists show it; `current` when its version is still the newest of its document."""

    review: Review
    document_id: str
    title: str
    number: int
    current: bool


@dataclass(frozen=True)
class IssueLine:
    """An issue or notification as lists show it, of which version of which document."""

    issue: Issue
    document_id: str
    title: str
    number: int


@dataclass(frozen=True)
class ReportLine:
    """A report as it stands: the last round about its current version, and what was issued and told of that."""

    report: Report
    review: Review | None
    issued: Issue | None
    told: Issue | None

    @property
    def state(self) -> str:
        """What comes next: submit, review, mend, issue, tell; or done."""
        if self.review is None:
            return "submit"
        if self.review.verdict != PASSED:
            return "mend" if self.review.verdict else "review"
        if self.issued is None:
            return "issue"
        return "done" if self.told else "tell"


@dataclass(frozen=True)
class ReviewPage:
    """The review of an engagement. `reviewers` are who a report can be submitted to now, by id; the rest says what the
    actor could do."""

    engagement: Engagement
    reports: Sequence[ReportLine]
    rounds: Page[RoundLine]
    issues: Sequence[IssueLine]
    names: Mapping[str, str]
    reviewers: Mapping[str, str]
    documents: Sequence[tuple[str, str]]
    leads: bool
    issues_reports: bool
    had_a_hand: bool


@dataclass(frozen=True)
class RemarkLine:
    """A remark with the round it was written in, and the document that it is about."""

    remark: ReviewComment
    round: int
    title: str

    @property
    def seen(self) -> str:
        """When the answer was given, as acts on it name what somebody saw."""
        return self.remark.answered_at.isoformat() if self.remark.answered_at else ""


@dataclass(frozen=True)
class RoundPage:
    """A round with its remarks, those of rounds before that are open among them."""

    line: RoundLine
    engagement: Engagement
    remarks: Sequence[RemarkLine]
    names: Mapping[str, str]
    reviews: bool
    answers: bool
    leads: bool

    @property
    def goes_on(self) -> bool:
        """Whether its verdict is awaited."""
        return self.line.review.verdict == ""

    @property
    def grave(self) -> int:
        """How many grave remarks are open."""
        return sum(1 for line in self.remarks if line.remark.grave and line.remark.resolved_at is None)


@query(Permission.DOCUMENTS_READ)
def list_rounds(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[RoundLine]:
    """The rounds of an engagement that the actor may see, newest first. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    return _rounds(uow, engagement_id, after, limit)


@query(Permission.DOCUMENTS_READ)
def view_review(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, leading: bool = False
) -> ReviewPage:
    """How the reports of an engagement stand; `leading` is for pages of whoever leads it. Raises: NotFoundError."""
    uow.require(LEAD if leading else READ, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    own = actor.is_system or engagement.organisation_id == actor.organisation_id
    leads = (
        actor.may(Permission.TEAM_LEAD)
        and engagement.sealed_at is None
        and uow.archive.policy.allows(uow.session, actor, LEAD, engagement_id)
    )
    # To others the report is what was issued: its review is the verification body's own business.
    reports = reports_of(uow, engagement) if own or actor.may(Permission.SUPERVISION_USE) else ()
    ids = [report.document.id for report in reports]
    visible = uow.archive.policy.among(uow.session, actor, "document", ids)
    hands = worked_on(uow.session, engagement_id, report_type(uow, engagement)) | reviewed(uow.session, engagement_id)
    return ReviewPage(
        engagement=engagement,
        reports=[_report(uow, report) for report in reports if report.document.id in visible],
        rounds=_rounds(uow, engagement_id, after, PAGE_SIZE),
        issues=_issues(uow, engagement_id),
        names=_names(uow, engagement),
        reviewers=_reviewers(uow, engagement_id) if leads else {},
        documents=_documents(uow, engagement_id) if leads else (),
        leads=leads,
        issues_reports=own and actor.may(Permission.REPORTS_ISSUE) and engagement.sealed_at is None,
        had_a_hand=actor.person_id in hands,
    )


@query(Permission.DOCUMENTS_READ)
def view_round(actor: Actor, uow: UnitOfWork, *, engagement_id: str, review_id: str) -> RoundPage:
    """One round. Raises: NotFoundError."""
    uow.require("review", review_id)
    line = _line(uow.session.execute(_lines().where(Review.id == review_id)).one())
    if line.review.engagement_id != engagement_id:
        raise NotFoundError
    engagement = uow.session.get_one(Engagement, engagement_id)
    open_still = engagement.sealed_at is None
    reviewer = is_assigned(uow.session, engagement_id, actor.person_id, "reviewer")
    allows = uow.archive.policy.allows
    return RoundPage(
        line=line,
        engagement=engagement,
        remarks=_remarks(uow, line),
        names=_names(uow, engagement),
        reviews=open_still
        and reviewer
        and actor.may(Permission.TECHNICAL_REVIEW)
        and line.review.verdict == ""
        and line.review.reviewer_id == actor.person_id,
        answers=open_still
        and actor.may(Permission.TEAM_JOIN)
        and allows(uow.session, actor, WORK, engagement_id)
        and is_assigned(uow.session, engagement_id, actor.person_id, *TEAM_PARTS),
        leads=open_still and actor.may(Permission.TEAM_LEAD) and allows(uow.session, actor, LEAD, engagement_id),
    )


def _report(uow: UnitOfWork, report: Report) -> ReportLine:
    version_id = report.version.id
    issued, told = (living_issue(uow, kind, version_id) for kind in (ISSUE, NOTIFICATION))
    return ReportLine(report, latest_review(uow, version_id), issued, told)


def _lines() -> Select[Review, str, str, int, bool]:
    return (
        select(Review, Document.id, Document.title, Version.number, Version.current)
        .join(Version, Version.id == Review.version_id)
        .join(Document, Document.id == Version.document_id)
    )


def _rounds(uow: UnitOfWork, engagement_id: str, after: str | None, limit: int) -> Page[RoundLine]:
    statement = _lines().where(Review.engagement_id == engagement_id, uow.visible("review"))
    page = fetch_page(uow.session, statement, [Review.round], after=after, descending=True, limit=limit)
    return Page([_line(row) for row in page.items], page.next_key)


def _line(row: Row[*tuple[Any, ...]]) -> RoundLine:
    return RoundLine(row[0], row[1], row[2], row[3], row[4])


def _issues(uow: UnitOfWork, engagement_id: str) -> list[IssueLine]:
    rows = (
        select(Issue, Document.id, Document.title, Version.number)
        .join(Version, Version.id == Issue.version_id)
        .join(Document, Document.id == Version.document_id)
        .where(Issue.engagement_id == engagement_id, uow.visible("document"))
        .order_by(Issue.id.desc())
        .limit(PAGE_SIZE)
    )
    return [IssueLine(*row) for row in uow.session.execute(rows)]


def _remarks(uow: UnitOfWork, line: RoundLine) -> list[RemarkLine]:
    """The remarks of the round, and before them those of earlier rounds that were still open when it began."""
    review = line.review
    rows = (
        select(ReviewComment, Review.round, Document.title)
        .join(Review, Review.id == ReviewComment.review_id)
        .join(Document, Document.id == ReviewComment.document_id)
        .where(Review.engagement_id == review.engagement_id, Review.round <= review.round, uow.visible("document"))
        .where(
            (Review.id == review.id)
            | ReviewComment.resolved_at.is_(None)
            | (ReviewComment.resolved_at >= review.asked_at)
        )
        .order_by(ReviewComment.id)
    )
    return [RemarkLine(row[0], row[1], row[2]) for row in uow.session.execute(rows)]


def _names(uow: UnitOfWork, engagement: Engagement) -> dict[str, str]:
    """Names of those who had a hand in it, by id."""
    hands = worked_on(uow.session, engagement.id, report_type(uow, engagement)) | reviewed(uow.session, engagement.id)
    hands |= set(uow.session.scalars(select(Issue.by).where(Issue.engagement_id == engagement.id)))
    rows = uow.session.execute(select(Person.id, Person.display_name).where(Person.id.in_(sorted(hands))))
    return {row[0]: row[1] for row in rows}


def _reviewers(uow: UnitOfWork, engagement_id: str) -> dict[str, str]:
    rows = (
        select(Person.id, Person.display_name)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement_id, Assignment.part == "reviewer")
        .where(Assignment.ended_at.is_(None), Assignment.declared_at.is_not(None))
        .order_by(Person.display_name, Person.id)
    )
    return {row[0]: row[1] for row in uow.session.execute(rows)}


def _documents(uow: UnitOfWork, engagement_id: str) -> list[tuple[str, str]]:
    """The newest documents, to choose one that proves a notification."""
    rows = select(Document.id, Document.title).where(Document.engagement_id == engagement_id, uow.visible("document"))
    return [(row[0], row[1]) for row in uow.session.execute(rows.order_by(Document.id.desc()).limit(MOST_CHOICES))]
