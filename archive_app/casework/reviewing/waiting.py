"""What waits for whom in review and issue: the kinds of tasks, and the step that keeps them right."""

from functools import partial

from sqlalchemy import func, select

from archive_app.casework.models import Review, ReviewComment
from archive_app.casework.reviewing.reports import PASSED, RETURNED
from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

_of_round = partial(task_kind, endpoint="reviewing.round_page", subject_argument="review_id")
REVIEW_TO_DO = _of_round(
    "casework.review", N_("Review a report"), why=N_("You are the technical reviewer of this engagement")
)
REMARKS_TO_ANSWER = _of_round(
    "casework.remarks", N_("Answer the remarks of the technical review"), why=N_("You lead this engagement")
)
ANSWERS_TO_SEE = _of_round(
    "casework.remark_answers",
    N_("See the answers to your remarks"),
    why=N_("You are the technical reviewer of this engagement"),
)
REPORT_RETURNED = _of_round(
    "casework.report_returned",
    N_("Mend the report and submit it again"),
    why=N_("You lead this engagement"),
)
REPORT_TO_ISSUE = task_kind(
    "casework.issue", N_("Issue a report"), why=N_("You may issue reports"), endpoint="reviewing.review_page"
)
RESULT_TO_TELL = task_kind(
    "casework.notification",
    N_("Tell the client the result"),
    why=N_("You lead this engagement"),
    endpoint="reviewing.review_page",
)


def keep_review_tasks(uow: UnitOfWork, engagement: Engagement, review: Review) -> None:
    """The step that opens and closes what a round as it is now has people wait for."""
    unanswered, unseen = _counts(uow, review)
    goes_on, returned = review.verdict == "", review.verdict == RETURNED
    reviewer, leader = Addressee(person_id=review.reviewer_id), Addressee(part="leader")
    for kind, to, waits in (
        (REVIEW_TO_DO, reviewer, goes_on),
        (ANSWERS_TO_SEE, reviewer, goes_on and unseen > 0),
        (REMARKS_TO_ANSWER, leader, (goes_on or returned) and unanswered > 0),
        (REPORT_RETURNED, leader, returned),
    ):
        _keep(uow, engagement, kind, review.id, to, waits=waits, about=f"{engagement.number} · {review.round}")
    if review.verdict:
        keep_issue_task(uow, engagement, review.version_id, waits=review.verdict == PASSED)


def keep_issue_task(uow: UnitOfWork, engagement: Engagement, version_id: str, *, waits: bool) -> None:
    """The step that has whoever issues reports wait for this version, or not any more."""
    to = Addressee(permission=Permission.REPORTS_ISSUE)
    _keep(uow, engagement, REPORT_TO_ISSUE, version_id, to, waits=waits, about=engagement.number)


def keep_telling_task(uow: UnitOfWork, engagement: Engagement, version_id: str, *, waits: bool) -> None:
    """The step that has the leader wait to tell the result of an issued version, or not any more."""
    to = Addressee(part="leader")
    _keep(uow, engagement, RESULT_TO_TELL, version_id, to, waits=waits, about=engagement.number)


def submitted_again(uow: UnitOfWork, before: Review) -> None:
    """The step that ends what a returned round waits for: another one began."""
    for kind in (REPORT_RETURNED, REMARKS_TO_ANSWER):
        close_tasks(uow, kind, subject_id=before.id)


def _counts(uow: UnitOfWork, review: Review) -> tuple[int, int]:
    """How many remarks of all rounds about the same document are not answered, and how many answered ones were not
    resolved."""
    document = select(Version.document_id).where(Version.id == review.version_id).scalar_subquery()
    rounds = select(Review.id).join(Version, Version.id == Review.version_id).where(Version.document_id == document)
    answered = ReviewComment.answered_at.is_not(None)
    counts = select(func.count().filter(~answered), func.count().filter(answered)).select_from(ReviewComment)
    row = uow.session.execute(
        counts.where(ReviewComment.review_id.in_(rounds), ReviewComment.resolved_at.is_(None))
    ).one()
    return row[0], row[1]


def _keep(
    uow: UnitOfWork,
    engagement: Engagement,
    kind: TaskKind,
    subject_id: str,
    to: Addressee,
    *,
    waits: bool,
    about: str,
) -> None:
    if not waits:
        close_tasks(uow, kind, subject_id=subject_id)
        return
    open_task(
        uow,
        kind,
        to=to,
        subject_id=subject_id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=about,
    )
