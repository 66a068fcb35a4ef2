"""Issue of the report 签发 and notification of its result 告知 (S4 6.3.1; S0 1.2.1; Interim Regulations, article 12).

Whoever issues neither worked on the engagement nor reviewed it. What was withdrawn stays, with its reason.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.casework.gates import Obstacle, gate
from archive_app.casework.hands import reviewed, worked_on
from archive_app.casework.models import Issue
from archive_app.casework.recording import record_as, record_of
from archive_app.casework.reviewing.reports import (
    ISSUE,
    NOTIFICATION,
    PASSED,
    Report,
    latest_review,
    living_issue,
    report_for,
    report_type,
    reports_of,
)
from archive_app.casework.reviewing.waiting import keep_issue_task, keep_telling_task
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.independence import lock_relations
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import Scheme
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import ISSUED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines

REPORT_ISSUED = event_type("report.issued", N_("Report issued"))
ISSUE_WITHDRAWN = event_type("report.issue_withdrawn", N_("Issue of a report withdrawn"))
RESULT_TOLD = event_type("report.result_told", N_("Client told the result"))
TELLING_WITHDRAWN = event_type("report.telling_withdrawn", N_("Notification of the result withdrawn"))
REASON_LIMIT = 2000
NOTICE = "result_notification"
"""The type of record that shows that the result was told."""


class NotReviewedError(ArchiveError):
    """Only what passed the technical review is issued."""

    code = "not_reviewed"
    message = N_("The current version of the report has not passed the technical review. Nothing was issued.")


class AlreadyIssuedError(ArchiveError):
    """The report is issued, in this version or in one before."""

    code = "already_issued"
    message = N_(
        "This report was issued already, under the number %(number)s. Nothing was issued; withdraw that issue first, "
        "with its reason."
    )


class ReportNumberTakenError(ArchiveError):
    """Another report bears the number."""

    code = "report_number_taken"
    message = N_("The number %(number)s belongs to another report. Nothing was issued; choose another number.")


class NotIssuedError(ArchiveError):
    """Only the result of an issued report is told."""

    code = "not_issued"
    message = N_("The current version of the report is not issued. Nothing was recorded.")


class IssueOverError(ArchiveError):
    """It was withdrawn before."""

    code = "issue_withdrawn"
    message = N_("This was withdrawn already. Nothing was changed.")


@dataclass(frozen=True)
class Telling:
    """How somebody was told the result: to whom, by which way, on which day; the record of it where there is one."""

    told_to: str
    way: str
    on: date
    record_id: str = ""


@use_case(Permission.REPORTS_ISSUE, confirmed=True)
def issue_report(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, document_id: str, version_id: str, number: str
) -> Issue:
    """Issues the current version of the report, which the actor saw and which passed the technical review, under a
    number that no other report of the organisation bears or bore.

    Raises: NotFoundError, ConfirmationRequiredError, NoReportError, ConflictError, NotReviewedError,
    AlreadyIssuedError, ReportNumberTakenError, InvalidInputError, EngagementSealedError; DutiesNotSeparateError for
    whoever worked on the engagement or reviewed it.
    """
    engagement = _own_engagement(uow, engagement_id)
    ISSUED_BY_ANOTHER.require_apart(
        actor.person_id,
        worked_on(uow.session, engagement_id, report_type(uow, engagement)) | reviewed(uow.session, engagement_id),
    )
    report = report_for(uow, engagement, document_id, version_id)
    review = latest_review(uow, report.version.id)
    if review is None or review.verdict != PASSED:
        raise NotReviewedError
    told = one_line(number, field=N_("Number of the report"), limit=100)
    lock_relations(uow, engagement.organisation_id)
    _require_free(uow, engagement, report, told)
    row = Issue(
        id=uow.new_id(),
        engagement_id=engagement_id,
        kind=ISSUE,
        version_id=report.version.id,
        number=told,
        told_to="",
        way="",
        on=uow.archive.today(),
        by=actor.name,
        at=uow.now,
        reason="",
    )
    uow.session.add(row)
    uow.session.flush()
    keep_issue_task(uow, engagement, row.version_id, waits=False)
    keep_telling_task(uow, engagement, row.version_id, waits=True)
    subjects = subjects_of(uow.session, engagement_id, document=document_id, version=row.version_id, issue=row.id)
    uow.record(REPORT_ISSUED, subjects, number=told, sha256=report.version.sha256.hex())
    return row


@use_case(Permission.TEAM_LEAD, confirmed=True)
def tell_result(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, document_id: str, version_id: str, telling: Telling
) -> Issue:
    """Records that somebody was told the result of the issued report; a document that proves it becomes its record.

    Raises: NotFoundError, ConfirmationRequiredError, NoReportError, ConflictError, NotIssuedError, InvalidInputError,
    EngagementSealedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    report = report_for(uow, engagement, document_id, version_id)
    issued = living_issue(uow, ISSUE, report.version.id)
    if issued is None:
        raise NotIssuedError
    if not issued.on <= telling.on <= uow.archive.today():
        raise InvalidInputError(field=N_("Day"), reason=N_("This is before the issue, or in the future."))
    row = Issue(
        id=uow.new_id(),
        engagement_id=engagement_id,
        kind=NOTIFICATION,
        version_id=report.version.id,
        number=issued.number,
        told_to=one_line(telling.told_to, field=N_("Told to"), limit=200),
        way=one_line(telling.way, field=N_("Way"), limit=100),
        on=telling.on,
        by=actor.name,
        at=uow.now,
        document_id=_recorded(uow, engagement, telling),
        reason="",
    )
    uow.session.add(row)
    uow.session.flush()
    keep_telling_task(uow, engagement, row.version_id, waits=False)
    subjects = subjects_of(uow.session, engagement_id, document=document_id, version=row.version_id, issue=row.id)
    uow.record(RESULT_TOLD, subjects, told_to=row.told_to, way=row.way, on=row.on.isoformat())
    return row


@use_case(Permission.REPORTS_ISSUE, confirmed=True)
def withdraw_issue(actor: Actor, uow: UnitOfWork, *, issue_id: str, reason: str) -> Issue:
    """Withdraws an issue for a reason; what was told of its result stays, and counts no more.

    Raises: NotFoundError, ConfirmationRequiredError, InvalidInputError, IssueOverError, EngagementSealedError.
    """
    row = _visible(uow, issue_id, ISSUE)
    engagement = _own_engagement(uow, row.engagement_id)
    _withdraw(uow, row, reason)
    review = latest_review(uow, row.version_id)
    keep_telling_task(uow, engagement, row.version_id, waits=False)
    is_current = uow.session.get_one(Version, row.version_id, populate_existing=True).current
    passed = review is not None and review.verdict == PASSED
    keep_issue_task(uow, engagement, row.version_id, waits=is_current and passed)
    subjects = subjects_of(uow.session, engagement.id, version=row.version_id, issue=row.id)
    uow.record(ISSUE_WITHDRAWN, subjects, number=row.number, reason=row.reason)
    return row


@use_case(Permission.TEAM_LEAD, confirmed=True)
def withdraw_telling(actor: Actor, uow: UnitOfWork, *, issue_id: str, reason: str) -> Issue:
    """Withdraws a notification that was recorded wrongly, for a reason.

    Raises: as `withdraw_issue`.
    """
    row = _visible(uow, issue_id, NOTIFICATION)
    uow.require(LEAD, row.engagement_id)
    engagement = lock_engagement(uow.session, row.engagement_id)
    _withdraw(uow, row, reason)
    waits = living_issue(uow, ISSUE, row.version_id) is not None
    still_told = living_issue(uow, NOTIFICATION, row.version_id) is not None
    keep_telling_task(uow, engagement, row.version_id, waits=waits and not still_told)
    subjects = subjects_of(uow.session, engagement.id, version=row.version_id, issue=row.id)
    uow.record(TELLING_WITHDRAWN, subjects, told_to=row.told_to, reason=row.reason)
    return row


@gate("issued")
def issued(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """The current version of every report is issued."""
    words = N_("The current version of the report is not issued.")
    return _missing(uow, engagement, ISSUE, Obstacle("not_issued", words, {}, "reviewing.review_page"))


@gate("notified")
def notified(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """The result of every issued report was told."""
    words = N_("It is not recorded that the client was told the result.")
    return _missing(uow, engagement, NOTIFICATION, Obstacle("not_notified", words, {}, "reviewing.review_page"))


def _missing(uow: UnitOfWork, engagement: Engagement, kind: str, obstacle: Obstacle) -> list[Obstacle]:
    reports = reports_of(uow, engagement)
    done = [
        living_issue(uow, ISSUE, report.version.id) is not None
        and living_issue(uow, kind, report.version.id) is not None
        for report in reports
    ]
    return [] if done and all(done) else [obstacle]


def _own_engagement(uow: UnitOfWork, engagement_id: str) -> Engagement:
    """The engagement, locked, of the actor's own organisation: a client issues nothing in its verification body's name,
    whatever its people see."""
    uow.require("engagement", engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    if not uow.actor.is_system and engagement.organisation_id != uow.actor.organisation_id:
        raise DeniedError("engagement", engagement_id)
    return engagement


def _visible(uow: UnitOfWork, issue_id: str, kind: str) -> Issue:
    row = uow.session.get(Issue, issue_id)
    if row is None or row.kind != kind:
        raise NotFoundError
    uow.require("engagement", row.engagement_id)
    uow.require("document", uow.session.get_one(Version, row.version_id).document_id)
    return row


def _withdraw(uow: UnitOfWork, row: Issue, reason: str) -> None:
    uow.session.refresh(row)
    if row.withdrawn_at is not None:
        raise IssueOverError
    row.reason = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    row.withdrawn_at, row.withdrawn_by = uow.now, uow.actor.name
    uow.session.flush()


def _require_free(uow: UnitOfWork, engagement: Engagement, report: Report, number: str) -> None:
    """A report is issued once at a time, and its number is its own for ever: withdrawn, it may be issued under it once
    more."""
    same_document = select(Version.id).where(Version.document_id == report.document.id)
    before = select(Issue.number).where(
        Issue.kind == ISSUE, Issue.version_id.in_(same_document), Issue.withdrawn_at.is_(None)
    )
    if (known := uow.session.scalar(before)) is not None:
        raise AlreadyIssuedError(number=known)
    taken = (
        select(Issue.id)
        .join(Engagement, Engagement.id == Issue.engagement_id)
        .where(Engagement.organisation_id == engagement.organisation_id, Issue.kind == ISSUE, Issue.number == number)
        .where(Issue.version_id.not_in(same_document))
    )
    if uow.session.scalar(taken.limit(1)) is not None:
        raise ReportNumberTakenError(number=number)


def _recorded(uow: UnitOfWork, engagement: Engagement, telling: Telling) -> str | None:
    if not telling.record_id:
        return None
    uow.require("document", telling.record_id)
    if uow.session.get_one(Document, telling.record_id).engagement_id != engagement.id:
        raise NotFoundError
    known = record_of(uow, telling.record_id)
    if known is not None and known.state != "proposed" and known.type not in {NOTICE, "other"}:
        raise InvalidInputError(field=N_("Record"), reason=N_("This document is a record of another type."))
    record_as(uow, telling.record_id, type=NOTICE, state="accepted", evidence_on=telling.on)
    return telling.record_id
