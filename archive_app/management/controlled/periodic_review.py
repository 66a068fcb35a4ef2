"""Periodic review 定期评审: whether a controlled document still fits, by a day that is never later than its rule."""

from datetime import date, timedelta

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.kernel.working_days import Due
from archive_app.management.controlled.in_use import lock_in_force, locked_row, open_for_owner, require_owner
from archive_app.management.controlled.models import ControlledDocument, Finding
from archive_app.management.controlled.rules import subjects
from archive_app.management.one_by_one import one_by_one
from archive_app.management.periods import month_later, working_day_until
from archive_app.worklist.calendar import after_calendar_change, working_days
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import NEEDLESS, Addressee, close_tasks, open_task

REVIEW_JOB = "management.review_documents"
REVIEW_EVERY_SECONDS = 6 * 3600
REVIEWED = event_type("controlled.review_held", N_("Periodic review of a controlled document held"))
_OWNED = N_("You own this controlled document, or control your organisation's documents")
TO_REVIEW = task_kind(
    "management.periodic_review",
    N_("Review whether a controlled document still fits"),
    why=_OWNED,
    endpoint="controlled_life.review_page",
    subject_argument="controlled_id",
)
TO_REVISE = task_kind(
    "management.to_revise",
    N_("Revise a controlled document"),
    why=_OWNED,
    endpoint="controlled.document_page",
    subject_argument="controlled_id",
)
TO_WITHDRAW = task_kind(
    "management.to_withdraw",
    N_("Withdraw a controlled document"),
    why=N_("You control your organisation's documents"),
    endpoint="controlled_life.withdrawal_page",
    subject_argument="controlled_id",
)
FIT, REVISE, WITHDRAW = "fit", "to_revise", "to_withdraw"
OUTCOMES = {FIT: N_("Fit"), REVISE: N_("To be revised"), WITHDRAW: N_("To be withdrawn")}
REMARK_LIMIT = 1000
_SYSTEM = Actor.system("controlled")


def set_review_day(uow: UnitOfWork, controlled: ControlledDocument, reviewed_on: date) -> None:
    """A step: it was found fit on a day, as it is when it is issued; the next review is due by its rule, on the last
    working day where that is a day of rest."""
    controlled.reviewed_on = reviewed_on
    due = _due(uow, controlled)
    controlled.review_on = due.on if due else None
    for kind in (TO_REVIEW, TO_REVISE):
        close_tasks(uow, kind, subject_id=controlled.id)
    close_tasks(uow, TO_WITHDRAW, subject_id=controlled.id, outcome=NEEDLESS)


def end_reviews(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    """A step: what is withdrawn is reviewed no more."""
    controlled.review_on = None
    for kind in (TO_REVIEW, TO_REVISE):
        close_tasks(uow, kind, subject_id=controlled.id, outcome=NEEDLESS)
    close_tasks(uow, TO_WITHDRAW, subject_id=controlled.id)


@use_case(Permission.CONTROLLED_READ)
def record_review(actor: Actor, uow: UnitOfWork, *, controlled_id: str, outcome: str, remark: str = "") -> Finding:
    """Records what a review found, by its owner or by one who controls documents: one of OUTCOMES. What is to be
    revised or withdrawn becomes a task. The next review is counted from today in any case, so that what was decided and
    not done is asked about again.

    Raises: NotFoundError, NotInForceError, NotTheOwnerError, InvalidInputError.
    """
    controlled = lock_in_force(uow, controlled_id)
    require_owner(uow, controlled)
    if outcome not in OUTCOMES:
        raise InvalidInputError(field=N_("Outcome"), reason=N_("Choose one from the list."))
    found = add_finding(uow, controlled, part="review", outcome=outcome, remark=remark, required=outcome != FIT)
    set_review_day(uow, controlled, uow.archive.today())
    if outcome == REVISE:
        ask_to_revise(uow, controlled)
    elif outcome == WITHDRAW:
        open_task(
            uow,
            TO_WITHDRAW,
            to=Addressee(permission=Permission.CONTROLLED_MANAGE),
            subject_id=controlled.id,
            organisation_id=controlled.organisation_id,
            about=controlled.number,
        )
    uow.record(REVIEWED, subjects(controlled), number=controlled.number, outcome=outcome, remark=found.remark)
    return found


def add_finding(
    uow: UnitOfWork, controlled: ControlledDocument, *, part: str, outcome: str, remark: str, required: bool
) -> Finding:
    """A step: what a review, or a look for a new edition, found. Raises: InvalidInputError."""
    found = Finding(
        id=uow.new_id(),
        controlled_document_id=controlled.id,
        part=part,
        outcome=outcome,
        remark=one_line(remark, field=N_("Remark"), limit=REMARK_LIMIT, required=required),
        found_by=uow.actor.name,
        found_at=uow.now,
    )
    uow.session.add(found)
    return found


def ask_to_revise(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    """A step: the owner is to revise it; done when the next edition is in force."""
    open_for_owner(uow, TO_REVISE, controlled)


def remind(workshop: Workshop, _job: Job) -> None:
    """Asks for the reviews whose days come near. Idempotent: one document a transaction."""
    archive = workshop.archive
    notice = timedelta(days=archive.rules.controlled.review_notice_days)
    with archive.reading(_SYSTEM) as uow:
        asked = select(Task.subject_id).where(Task.kind == TO_REVIEW.code, Task.closed_at.is_(None))
        near = select(ControlledDocument.id).where(
            ControlledDocument.review_on <= archive.today() + notice,
            ControlledDocument.state == "in_force",
            ControlledDocument.id.not_in(asked),
        )
        waiting = uow.session.scalars(near.order_by(ControlledDocument.review_on, ControlledDocument.id)).all()
    with one_by_one(workshop) as tries:
        for controlled_id in tries.over(waiting):
            with tries.of(controlled_id), archive.transaction(_SYSTEM, eventless=True) as uow:
                controlled = locked_row(uow, controlled_id)
                due = _due(uow, controlled)
                if controlled.state == "in_force" and due is not None and due.on <= archive.today() + notice:
                    open_for_owner(uow, TO_REVIEW, controlled, due=due)


@after_calendar_change("controlled_reviews")
def count_days_anew(uow: UnitOfWork) -> None:
    """Counts the days of coming reviews anew: the calendar may know now which of them are days of rest."""
    coming = select(ControlledDocument).where(
        ControlledDocument.review_on >= uow.archive.today(), ControlledDocument.state == "in_force"
    )
    for controlled in uow.session.scalars(coming).all():
        due = _due(uow, controlled)
        if due is None or due.on == controlled.review_on:
            continue
        controlled.review_on = due.on
        asked = select(Task).where(
            Task.kind == TO_REVIEW.code, Task.subject_id == controlled.id, Task.closed_at.is_(None)
        )
        for task in uow.session.scalars(asked):
            task.due_on, task.provisional = due.on, due.provisional


def _due(uow: UnitOfWork, controlled: ControlledDocument) -> Due | None:
    if controlled.review_months is None or controlled.reviewed_on is None:
        return None
    return working_day_until(working_days(uow), month_later(controlled.reviewed_on, controlled.review_months))
