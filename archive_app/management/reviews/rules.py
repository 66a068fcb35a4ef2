"""What may be done with a management review, in which state and by whom: the one table, and the steps that ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.identity.models import Organisation, Person
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.management.colleagues import holds
from archive_app.management.own import require_own
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import DONE, NEEDLESS, Addressee, close_tasks, open_task

PLANNED, HELD, CANCELLED = "planned", "held", "cancelled"
STATES = {PLANNED: N_("Planned"), HELD: N_("Held"), CANCELLED: N_("Cancelled")}
WORDS_LIMIT = 10_000
CONCLUSION = {
    "suitability": N_("Suitability"),
    "adequacy": N_("Adequacy"),
    "effectiveness": N_("Effectiveness"),
}
"""What top management concludes about (S1 10.3.1, S2 10.3), by column."""


@dataclass(frozen=True)
class Act:
    """Something that is done with a review: in which states, and who may."""

    states: frozenset[str]
    permission: Permission


_WHILE_PLANNED, _AFTER = frozenset({PLANNED}), frozenset({HELD})
ACTS: Mapping[str, Act] = {
    "change": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "attend": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "fill": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "say": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "decide": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "cancel": Act(_WHILE_PLANNED, Permission.REVIEWS_PREPARE),
    "hold": Act(_WHILE_PLANNED, Permission.REVIEWS_HOLD),
    "settle": Act(_AFTER, Permission.DUTIES_DO),
    "reassign": Act(_AFTER, Permission.REVIEWS_PREPARE),
}

TO_HOLD = task_kind(
    "management.review_to_hold",
    N_("Hold the management review"),
    why=N_("You are named as top management that reviews in person"),
    endpoint="reviews.review_page",
    subject_argument="management_review_id",
)
REVIEWER_GONE = task_kind(
    "management.reviewer_gone",
    N_("Name somebody else who holds the management review"),
    why=N_("Whoever was named left, or may not hold it any more"),
    endpoint="reviews.review_page",
    subject_argument="management_review_id",
)
TO_DO = task_kind(
    "management.review_decision",
    N_("Do what the management review decided"),
    why=N_("The management review named you for it"),
    endpoint="review_decisions.decision_page",
    subject_argument="decision_id",
)
OWNER_GONE = task_kind(
    "management.review_decision_left",
    N_("Give a decision of the management review to somebody else"),
    why=N_("Whoever was to do it left"),
    endpoint="review_decisions.decision_page",
    subject_argument="decision_id",
)


class ReviewStateError(ArchiveError):
    """The review is in a state in which this is not done with it."""

    code = "management_review_state"
    message = N_(
        "The management review “%(title)s” is in the state “%(state)s”, in which this cannot be done. Nothing was "
        "changed; reload its page and see what happened to it."
    )
    translated = ("state",)

    def __init__(self, review: ManagementReview) -> None:
        super().__init__(title=review.title, state=STATES[review.state])


def locked_review(uow: UnitOfWork, review_id: str, act: str) -> ManagementReview:
    """The step that every act begins with: who, which review (locked), in which state.

    Raises: NotFoundError, PermissionMissingError, ReviewStateError.
    """
    uow.require("management_review", review_id, ACTS[act].permission)
    review = uow.session.get_one(ManagementReview, review_id, with_for_update=True, populate_existing=True)
    require_own(uow, review.organisation_id, ACTS[act].permission)
    return in_state_for(review, act)


def in_state_for(review: ManagementReview, act: str) -> ManagementReview:
    """The review, where the act is done in its state. Raises: ReviewStateError."""
    if review.state not in ACTS[act].states:
        raise ReviewStateError(review)
    return review


def subjects_of_review(review: ManagementReview, **more: str) -> dict[str, str]:
    """What events about a review name."""
    return {"organisation": review.organisation_id, "management_review": review.id, **more}


def kind_of(uow: UnitOfWork, review: ManagementReview) -> str:
    """The kind of organisation whose review it is."""
    return uow.session.get_one(Organisation, review.organisation_id).kind


def keep_review_tasks(uow: UnitOfWork, review: ManagementReview) -> None:
    """A step: the review waits for whoever holds it, or for another to be named, or for nobody. Repeated, it changes
    nothing."""
    reviewer = uow.session.get_one(Person, review.reviewer_id, populate_existing=True)
    waits = review.state == PLANNED
    fit = waits and holds(uow, reviewer, Permission.REVIEWS_HOLD)
    about = _About(review.id, review.organisation_id, review.title, review.on, ended_well=review.state == HELD)
    _keep(uow, TO_HOLD, about, Addressee(person_id=reviewer.id) if fit else None)
    _keep(uow, REVIEWER_GONE, about, Addressee(permission=Permission.REVIEWS_PREPARE) if waits and not fit else None)


def keep_decision_tasks(uow: UnitOfWork, review: ManagementReview, decision: ReviewDecision) -> None:
    """A step: a decision of a held review waits for its owner, or where they left, for somebody to name another.
    Repeated, it changes nothing."""
    owner = uow.session.get_one(Person, decision.owner_id, populate_existing=True)
    waits = review.state == HELD and decision.done_at is None
    about = _About(
        decision.id, review.organisation_id, decision.words, decision.due_on, ended_well=decision.done_at is not None
    )
    _keep(uow, TO_DO, about, Addressee(person_id=owner.id) if waits and owner.active else None)
    asked = Addressee(permission=Permission.REVIEWS_PREPARE)
    _keep(uow, OWNER_GONE, about, asked if waits and not owner.active else None)


@dataclass(frozen=True)
class _About:
    """What a task is about."""

    subject_id: str
    organisation_id: str
    words: str
    due_on: date
    ended_well: bool


def _keep(uow: UnitOfWork, kind: TaskKind, about: _About, to: Addressee | None) -> None:
    """Exactly the one task is open, or none."""
    of_subject = select(Task).where(
        Task.kind == kind.code, Task.subject_id == about.subject_id, Task.closed_at.is_(None)
    )
    wanted = (to.person_id, to.permission) if to else None
    if any((task.person_id, task.permission) != wanted for task in uow.session.scalars(of_subject)):
        close_tasks(uow, kind, subject_id=about.subject_id, outcome=DONE if about.ended_well else NEEDLESS)
    if to is not None:
        open_task(
            uow,
            kind,
            to=to,
            subject_id=about.subject_id,
            organisation_id=about.organisation_id,
            about=about.words,
            due=Due(about.due_on),
        )


def decisions_of(uow: UnitOfWork, review_id: str) -> list[ReviewDecision]:
    """The decisions of a review, in their order."""
    rows = select(ReviewDecision).where(ReviewDecision.review_id == review_id).order_by(ReviewDecision.id)
    return list(uow.session.scalars(rows.execution_options(populate_existing=True)))
