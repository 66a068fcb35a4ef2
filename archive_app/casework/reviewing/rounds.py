"""Rounds of the technical review 技术复核 (S4 6.3.1): a version of the report is submitted to the reviewer; the
submission is taken back when it was wrong or its reviewer has left."""

from sqlalchemy import func, select

from archive_app.casework.gates import Obstacle, gate
from archive_app.casework.hands import is_assigned, worked_on
from archive_app.casework.models import Review
from archive_app.casework.reviewing.reports import (
    PASSED,
    RETURNED,
    TAKEN_BACK,
    latest_review,
    report_for,
    report_type,
    reports_of,
)
from archive_app.casework.reviewing.waiting import keep_issue_task, keep_review_tasks, submitted_again
from archive_app.documents.models import Version
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import Scheme
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import REVIEWER_NOT_OF_THE_TEAM
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines

REVIEW_ASKED = event_type("review.asked", N_("Report submitted to the technical review"))
REVIEW_TAKEN_BACK = event_type("review.taken_back", N_("Submission to the technical review taken back"))
SUMMARY_LIMIT = 2000


class ReviewerNotAssignedError(ArchiveError):
    """A report is reviewed by somebody who is assigned to the engagement as its technical reviewer and has declared."""

    code = "reviewer_not_assigned"
    message = N_(
        "This person is not assigned to the engagement as its technical reviewer, or has not declared yet. Nothing was "
        "changed; name a reviewer on the page of the team first."
    )


class ReviewGoesOnError(ArchiveError):
    """A round about the same report goes on."""

    code = "review_goes_on"
    message = N_(
        "Round %(round)s of the review of this report goes on. Nothing was submitted; wait for its verdict, or take it "
        "back first."
    )


class ReviewOverError(ArchiveError):
    """The round has ended, with a verdict or taken back."""

    code = "review_over"
    message = N_("Round %(round)s of the review is over. Nothing was changed; reload the page.")


class AlreadyPassedError(ArchiveError):
    """This very version has passed the review."""

    code = "review_passed_already"
    message = N_("This version of the report has passed the technical review. Nothing was submitted.")


@use_case(Permission.TEAM_LEAD)
def submit_for_review(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, document_id: str, version_id: str, reviewer_id: str
) -> Review:
    """Submits the current version of the report, which the actor saw, to a reviewer: the next round.

    Raises: NotFoundError, NoReportError, ConflictError, ReviewGoesOnError, AlreadyPassedError,
    ReviewerNotAssignedError, EngagementSealedError; DutiesNotSeparateError for a reviewer who worked on it.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    report = report_for(uow, engagement, document_id, version_id)
    _require_reviewer(uow, engagement, reviewer_id)
    last = select(func.max(Review.round)).where(Review.engagement_id == engagement_id)
    before = (
        select(Review)
        .join(Version, Version.id == Review.version_id)
        .where(Version.document_id == document_id, Review.verdict.in_(("", RETURNED)))
        .order_by(Review.round)
    )
    for row in uow.session.scalars(before.execution_options(populate_existing=True)).all():
        if row.verdict == "":
            raise ReviewGoesOnError(round=row.round)
        submitted_again(uow, row)
    known = latest_review(uow, report.version.id)
    if known is not None and known.verdict == PASSED:
        raise AlreadyPassedError
    review = Review(
        id=uow.new_id(),
        engagement_id=engagement_id,
        round=(uow.session.scalar(last) or 0) + 1,
        version_id=report.version.id,
        reviewer_id=reviewer_id,
        asked_by=actor.name,
        asked_at=uow.now,
        verdict="",
        summary="",
    )
    uow.session.add(review)
    uow.session.flush()
    _forget_older_issues(uow, engagement, document_id, report.version.id)
    keep_review_tasks(uow, engagement, review)
    about = {"review": review.id, "document": document_id, "version": report.version.id, "person": reviewer_id}
    uow.record(REVIEW_ASKED, subjects_of(uow.session, engagement_id, **about), round=review.round)
    return review


@use_case(Permission.TEAM_LEAD)
def take_back_review(actor: Actor, uow: UnitOfWork, *, review_id: str, reason: str) -> Review:
    """Ends a round without a verdict, for a reason: its reviewer has left, or the wrong version was submitted. Its
    remarks stay, and grave ones go on standing in the way.

    Raises: NotFoundError, ReviewOverError, InvalidInputError, EngagementSealedError.
    """
    uow.require("review", review_id)
    engagement_id = uow.session.get_one(Review, review_id).engagement_id
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    review = open_round(uow, review_id)
    review.summary = some_lines(reason, field=N_("Reason"), limit=SUMMARY_LIMIT)
    review.verdict, review.decided_at = TAKEN_BACK, uow.now
    uow.session.flush()
    keep_review_tasks(uow, engagement, review)
    subjects = subjects_of(uow.session, engagement_id, review=review.id, person=review.reviewer_id)
    uow.record(REVIEW_TAKEN_BACK, subjects, round=review.round, reason=review.summary)
    return review


def open_round(uow: UnitOfWork, review_id: str) -> Review:
    """The step that reads a round under the lock of its engagement. Raises: ReviewOverError."""
    review = uow.session.get_one(Review, review_id, populate_existing=True)
    if review.verdict != "":
        raise ReviewOverError(round=review.round)
    return review


def _require_reviewer(uow: UnitOfWork, engagement: Engagement, reviewer_id: str) -> None:
    if not is_assigned(uow.session, engagement.id, reviewer_id, "reviewer"):
        raise ReviewerNotAssignedError
    REVIEWER_NOT_OF_THE_TEAM.require_apart(
        reviewer_id, worked_on(uow.session, engagement.id, report_type(uow, engagement))
    )


def _forget_older_issues(uow: UnitOfWork, engagement: Engagement, document_id: str, version_id: str) -> None:
    older = select(Version.id).where(Version.document_id == document_id, Version.id != version_id)
    for other in uow.session.scalars(older).all():
        keep_issue_task(uow, engagement, other, waits=False)


@gate("review_passed")
def review_passed(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """The current version of every report has passed the technical review: a newer version closes this again."""
    reports = reports_of(uow, engagement)
    if not reports:
        return [Obstacle("report_missing", N_("There is no report yet."), {}, "reviewing.review_page")]
    found = []
    for report in reports:
        review = latest_review(uow, report.version.id)
        if review is None:
            words = N_("The current version of the report was not submitted to the technical review.")
            found.append(Obstacle("review_missing", words, {}, "reviewing.review_page"))
        elif review.verdict != PASSED:
            words = N_("Round %(round)s of the technical review has not passed the report.")
            found.append(Obstacle("review_not_passed", words, {"round": review.round}, "reviewing.review_page"))
    return found
