"""Remarks of the technical reviewer on places of documents: written, answered by the team, resolved by the reviewer."""

from sqlalchemy import select

from archive_app.casework.hands import is_assigned, worked_on
from archive_app.casework.models import Review, ReviewComment
from archive_app.casework.reviewing.reports import report_type
from archive_app.casework.reviewing.rounds import open_round
from archive_app.casework.reviewing.waiting import keep_review_tasks
from archive_app.documents.models import Document, Version
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import WORK
from archive_app.engagements.teams import TEAM_PARTS
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import REVIEWER_NOT_OF_THE_TEAM
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines

REMARK_WRITTEN = event_type("review.remark_written", N_("Remark of the technical review written"))
REMARK_ANSWERED = event_type("review.remark_answered", N_("Remark of the technical review answered"))
REMARK_RESOLVED = event_type("review.remark_resolved", N_("Remark of the technical review resolved"))
TEXT_LIMIT, QUOTE_LIMIT, LAST_PAGE = 2000, 500, 100_000


class NotTheReviewerError(ArchiveError):
    """A round is done by the reviewer it was submitted to, as long as they are assigned."""

    code = "not_the_reviewer"
    message = N_(
        "This round was submitted to somebody else, or you are not assigned as the technical reviewer any more. "
        "Nothing was changed."
    )


class RemarkResolvedError(ArchiveError):
    """The reviewer is satisfied already."""

    code = "remark_resolved"
    message = N_("The reviewer is satisfied with this remark already. Nothing was changed.")


@use_case(Permission.TECHNICAL_REVIEW)
def write_remark(
    actor: Actor,
    uow: UnitOfWork,
    *,
    review_id: str,
    remark: str,
    page: int | None = None,
    quote: str = "",
    grave: bool = False,
    document_id: str = "",
) -> ReviewComment:
    """Writes a remark on a place of the report, or of another document of the engagement: `page` from 1, `quote` as it
    stands there. A grave one stands in the way of passing until it is resolved.

    Raises: NotFoundError, NotTheReviewerError, DutiesNotSeparateError, ReviewOverError, InvalidInputError,
    EngagementSealedError.
    """
    engagement, review = locked_round(uow, review_id)
    if page is not None and not 1 <= page <= LAST_PAGE:
        raise InvalidInputError(field=N_("Page"), reason=N_("There is no such page."))
    about = document_id or uow.session.get_one(Version, review.version_id).document_id
    uow.require("document", about)
    if uow.session.get_one(Document, about).engagement_id != engagement.id:
        raise NotFoundError
    row = ReviewComment(
        id=uow.new_id(),
        review_id=review.id,
        document_id=about,
        page=page,
        quote=some_lines(quote, field=N_("Quote"), limit=QUOTE_LIMIT, required=False),
        remark=some_lines(remark, field=N_("Review remark"), limit=TEXT_LIMIT),
        grave=grave,
        written_by=actor.name,
        written_at=uow.now,
        answer="",
    )
    uow.session.add(row)
    uow.session.flush()
    keep_review_tasks(uow, engagement, review)
    subjects = subjects_of(uow.session, engagement.id, review=review.id, document=about)
    uow.record(REMARK_WRITTEN, subjects, round=review.round, grave=grave)
    return row


@use_case(Permission.TEAM_JOIN)
def answer_remark(actor: Actor, uow: UnitOfWork, *, remark_id: str, answer: str, seen: str = "") -> ReviewComment:
    """The team answers a remark, or changes its answer as long as the reviewer is not satisfied. `seen` is when the
    answer was given that the actor saw, in ISO form; empty where there was none.

    Raises: NotFoundError, RemarkResolvedError, InvalidInputError, EngagementSealedError; ConflictError
    when somebody else answered in the meantime.
    """
    engagement, review, row = _locked_remark(uow, remark_id)
    uow.require(WORK, engagement.id)
    if not is_assigned(uow.session, engagement.id, actor.person_id, *TEAM_PARTS):
        # The reviewer works in the engagement too, and does not answer themselves.
        raise NotFoundError
    if row.resolved_at is not None:
        raise RemarkResolvedError
    if seen != (row.answered_at.isoformat() if row.answered_at else ""):
        raise ConflictError
    row.answer = some_lines(answer, field=N_("Answer"), limit=TEXT_LIMIT)
    row.answered_by, row.answered_at = actor.name, uow.now
    uow.session.flush()
    keep_review_tasks(uow, engagement, current_round(uow, review))
    subjects = subjects_of(uow.session, engagement.id, review=review.id, document=row.document_id)
    uow.record(REMARK_ANSWERED, subjects, round=review.round)
    return row


@use_case(Permission.TECHNICAL_REVIEW)
def resolve_remark(actor: Actor, uow: UnitOfWork, *, remark_id: str, review_id: str, seen: str = "") -> ReviewComment:
    """The reviewer of the round `review_id`, which goes on, is satisfied with a remark of it or of a round before, with
    the answer that they saw (`seen` as of `answer_remark`).

    Raises: NotFoundError, NotTheReviewerError, DutiesNotSeparateError, ReviewOverError, RemarkResolvedError,
    ConflictError, EngagementSealedError.
    """
    engagement, review = locked_round(uow, review_id)
    row = uow.session.get(ReviewComment, remark_id, populate_existing=True)
    if row is None or uow.session.get_one(Review, row.review_id).engagement_id != engagement.id:
        raise NotFoundError
    uow.require("document", row.document_id)
    if row.resolved_at is not None:
        raise RemarkResolvedError
    if seen != (row.answered_at.isoformat() if row.answered_at else ""):
        raise ConflictError
    row.resolved_at = uow.now
    uow.session.flush()
    keep_review_tasks(uow, engagement, review)
    subjects = subjects_of(uow.session, engagement.id, review=review.id, document=row.document_id)
    uow.record(REMARK_RESOLVED, subjects, round=review.round, grave=row.grave)
    return row


def locked_round(uow: UnitOfWork, review_id: str) -> tuple[Engagement, Review]:
    """The step that every act of the reviewer begins with: the round goes on and is theirs, they are assigned as the
    reviewer and had no hand in the work; the engagement is locked.

    Raises: NotFoundError, EngagementSealedError, ReviewOverError, NotTheReviewerError, DutiesNotSeparateError.
    """
    uow.require("review", review_id)
    engagement = lock_engagement(uow.session, uow.session.get_one(Review, review_id).engagement_id)
    review = open_round(uow, review_id)
    require_reviewer(uow, engagement, review)
    return engagement, review


def require_reviewer(uow: UnitOfWork, engagement: Engagement, review: Review) -> None:
    """A step: refuses whoever is not the reviewer of the round. Raises: NotTheReviewerError, DutiesNotSeparateError."""
    person_id = uow.actor.person_id
    # Asked first: whoever worked on it hears why, however they came to be assigned.
    REVIEWER_NOT_OF_THE_TEAM.require_apart(
        person_id, worked_on(uow.session, engagement.id, report_type(uow, engagement))
    )
    if review.reviewer_id != person_id or not is_assigned(uow.session, engagement.id, person_id, "reviewer"):
        raise NotTheReviewerError


def _locked_remark(uow: UnitOfWork, remark_id: str) -> tuple[Engagement, Review, ReviewComment]:
    row = uow.session.get(ReviewComment, remark_id)
    if row is None:
        raise NotFoundError
    uow.require("review", row.review_id)
    uow.require("document", row.document_id)
    review = uow.session.get_one(Review, row.review_id)
    engagement = lock_engagement(uow.session, review.engagement_id)
    uow.session.refresh(row)
    uow.session.refresh(review)
    return engagement, review, row


def current_round(uow: UnitOfWork, review: Review) -> Review:
    """The last round about the same document; what waits, waits for that one."""
    document = select(Version.document_id).where(Version.id == review.version_id).scalar_subquery()
    rounds = (
        select(Review)
        .join(Version, Version.id == Review.version_id)
        .where(Version.document_id == document)
        .order_by(Review.round.desc())
        .limit(1)
    )
    return uow.session.scalars(rounds).one()
