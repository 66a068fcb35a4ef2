"""What a management review decides: prepared while it is planned, and done by its owners once it is held."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError, NotTheirsError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.own import require_own
from archive_app.management.reviews.agenda import decision_codes
from archive_app.management.reviews.models import ManagementReview, ReviewDecision, ReviewNothing
from archive_app.management.reviews.rules import (
    in_state_for,
    keep_decision_tasks,
    kind_of,
    locked_review,
    subjects_of_review,
)

DECISION_ADDED = event_type("management_review.decision_added", N_("Decision of a management review written"))
DECISION_DROPPED = event_type("management_review.decision_dropped", N_("Decision of a management review dropped"))
NOTHING_DECIDED = event_type("management_review.nothing_decided", N_("Management review has nothing to decide"))
DECISION_DONE = event_type("management_review.decision_done", N_("Decision of a management review done"))
DECISION_GIVEN = event_type("management_review.decision_given", N_("Decision of a management review given to another"))
MOST_DECISIONS = 200
DECISION_LIMIT = 2000


class DecisionDoneError(ArchiveError):
    """The decision is done already."""

    code = "review_decision_done"
    message = N_("This decision is done already. Nothing was changed; reload its page and see who did it.")


class NotTheOwnerError(NotTheirsError):
    """Whoever was named does what was decided."""

    code = "not_the_owner"
    message = N_("Somebody else is named for this decision, and says themselves that it is done. Nothing was changed.")


@dataclass(frozen=True)
class Decided:
    """A decision: which output it is, what is to be done, by whom (login or identifier) and by which day."""

    code: str
    words: str
    owner: str
    due_on: date


@use_case(Permission.REVIEWS_PREPARE)
def add_decision(actor: Actor, uow: UnitOfWork, *, review_id: str, decided: Decided) -> ReviewDecision:
    """Writes down a decision of a planned review; its owner is told when the review is held.

    Raises: NotFoundError, ReviewStateError, InvalidInputError.
    """
    review = locked_review(uow, review_id, "decide")
    _require_output(uow, review, decided.code)
    if decided.due_on < review.on:
        raise InvalidInputError(field=N_("Due"), reason=N_("This is before the day of the review."))
    written = select(func.count()).select_from(ReviewDecision).where(ReviewDecision.review_id == review.id)
    if (uow.session.scalar(written) or 0) >= MOST_DECISIONS:
        raise InvalidInputError(field=N_("Decision"), reason=N_("These are too many."))
    owner = colleague(uow, review.organisation_id, decided.owner, Permission.WORK_READ, field=N_("Owner"))
    row = ReviewDecision(
        id=uow.new_id(),
        organisation_id=review.organisation_id,
        review_id=review.id,
        code=decided.code,
        words=some_lines(decided.words, field=N_("Decision"), limit=DECISION_LIMIT),
        owner_id=owner.id,
        due_on=decided.due_on,
        result="",
    )
    uow.session.add(row)
    _forget_nothing(uow, review, decided.code)
    subjects = subjects_of_review(review, review_decision=row.id, person=owner.id)
    uow.record(DECISION_ADDED, subjects, code=row.code, words=row.words, due=row.due_on.isoformat())
    return row


@use_case(Permission.REVIEWS_PREPARE)
def drop_decision(actor: Actor, uow: UnitOfWork, *, review_id: str, decision_id: str) -> None:
    """Takes a decision out of a planned review. Raises: NotFoundError, ReviewStateError."""
    review = locked_review(uow, review_id, "decide")
    row = uow.session.get(ReviewDecision, decision_id)
    if row is None or row.review_id != review.id:
        raise NotFoundError
    uow.session.delete(row)
    subjects = subjects_of_review(review, review_decision=row.id)
    uow.record(DECISION_DROPPED, subjects, code=row.code, words=row.words)


@use_case(Permission.REVIEWS_PREPARE)
def decide_nothing(actor: Actor, uow: UnitOfWork, *, review_id: str, code: str, reason: str) -> None:
    """Says that there is nothing to decide about an output, and why; an empty reason takes that back.

    Raises: NotFoundError, ReviewStateError; InvalidInputError, also where there is a decision about it.
    """
    review = locked_review(uow, review_id, "decide")
    _require_output(uow, review, code)
    why = some_lines(reason, field=N_("Reason"), limit=DECISION_LIMIT, required=False)
    about_it = select(ReviewDecision.id).where(ReviewDecision.review_id == review.id, ReviewDecision.code == code)
    if why and uow.session.scalar(about_it.limit(1)):
        raise InvalidInputError(field=N_("Reason"), reason=N_("There is a decision about this; drop it first."))
    _forget_nothing(uow, review, code)
    if why:
        uow.session.add(ReviewNothing(review_id=review.id, code=code, reason=why, said_by=actor.name))
    uow.record(NOTHING_DECIDED, subjects_of_review(review), code=code, reason=why)


@use_case(Permission.WORK_READ)
def finish_decision(actor: Actor, uow: UnitOfWork, *, decision_id: str, result: str) -> ReviewDecision:
    """Says that a decision is done, and what came of it. Its owner does.

    Raises: NotFoundError, ReviewStateError, NotTheOwnerError, DecisionDoneError, InvalidInputError.
    """
    review, row = _locked_decision(uow, decision_id)
    if row.owner_id != actor.person_id:
        raise NotTheOwnerError(subjects_of_review(review))
    row.result = some_lines(result, field=N_("Result"), limit=DECISION_LIMIT)
    row.done_at, row.done_by = uow.now, actor.name
    uow.session.flush()
    keep_decision_tasks(uow, review, row)
    uow.record(DECISION_DONE, subjects_of_review(review, review_decision=row.id), code=row.code, result=row.result)
    return row


@use_case(Permission.REVIEWS_PREPARE)
def give_decision(actor: Actor, uow: UnitOfWork, *, decision_id: str, owner: str) -> ReviewDecision:
    """Gives an open decision of a held review to another owner; words and day stay as the review decided them.

    Raises: NotFoundError, ReviewStateError, DecisionDoneError, InvalidInputError.
    """
    review, row = _locked_decision(uow, decision_id, Permission.REVIEWS_PREPARE)
    person = colleague(uow, row.organisation_id, owner, Permission.WORK_READ, field=N_("Owner"))
    before, row.owner_id = row.owner_id, person.id
    uow.session.flush()
    keep_decision_tasks(uow, review, row)
    subjects = subjects_of_review(review, review_decision=row.id, person=person.id)
    uow.record(DECISION_GIVEN, subjects, code=row.code, before=before)
    return row


def _locked_decision(
    uow: UnitOfWork, decision_id: str, permission: Permission | None = None
) -> tuple[ManagementReview, ReviewDecision]:
    """An open decision of a held review, locked with it. Raises: NotFoundError, ReviewStateError, DecisionDoneError."""
    uow.require("review_decision", decision_id, permission)
    row = uow.session.get_one(ReviewDecision, decision_id, with_for_update=True, populate_existing=True)
    require_own(uow, row.organisation_id, permission or Permission.WORK_READ)
    review = in_state_for(uow.session.get_one(ManagementReview, row.review_id), "reassign")
    if row.done_at is not None:
        raise DecisionDoneError
    return review, row


def _require_output(uow: UnitOfWork, review: ManagementReview, code: str) -> None:
    if code not in decision_codes(kind_of(uow, review)):
        raise InvalidInputError(field=N_("Output"), reason=N_("Choose one from the list."))


def _forget_nothing(uow: UnitOfWork, review: ManagementReview, code: str) -> None:
    said = uow.session.get(ReviewNothing, (review.id, code))
    if said is not None:
        uow.session.delete(said)
        uow.session.flush()
