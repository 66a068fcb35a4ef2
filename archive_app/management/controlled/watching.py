"""External documents 外来文件 are watched: somebody looks whether there is a new edition, and that is written down."""

from datetime import date

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
from archive_app.management.controlled.in_use import (
    NotInForceError,
    lock_in_force,
    locked_row,
    open_for_owner,
    require_owner,
)
from archive_app.management.controlled.kinds import EXTERNAL
from archive_app.management.controlled.models import ControlledDocument, Finding
from archive_app.management.controlled.periodic_review import add_finding, ask_to_revise
from archive_app.management.controlled.rules import subjects
from archive_app.management.one_by_one import one_by_one
from archive_app.management.periods import month_later, working_day_until
from archive_app.worklist.calendar import working_days
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import NEEDLESS, close_tasks

WATCH_JOB = "management.watch_documents"
WATCH_EVERY_SECONDS = 24 * 3600
WATCHED = event_type("controlled.watched", N_("Looked for a new edition of an external document"))
TO_WATCH = task_kind(
    "management.to_watch",
    N_("Look whether there is a new edition of an external document"),
    why=N_("You own this controlled document, or control your organisation's documents"),
    endpoint="controlled_life.review_page",
    subject_argument="controlled_id",
)
UNCHANGED, NEW_EDITION = "unchanged", "new_edition"
OUTCOMES = {UNCHANGED: N_("Unchanged"), NEW_EDITION: N_("There is a new edition")}
_SYSTEM = Actor.system("controlled")


@use_case(Permission.CONTROLLED_READ)
def record_look(actor: Actor, uow: UnitOfWork, *, controlled_id: str, outcome: str, remark: str = "") -> Finding:
    """Records a look for a new edition of an external document, by its owner or by one who controls documents: one of
    OUTCOMES. A new edition becomes a task of the owner, who revises it; `remark` says which one it is.

    Raises: NotFoundError, NotInForceError (also for what is no external document), NotTheOwnerError,
    InvalidInputError.
    """
    controlled = lock_in_force(uow, controlled_id)
    if controlled.kind != EXTERNAL:
        raise NotInForceError(controlled)
    require_owner(uow, controlled)
    if outcome not in OUTCOMES:
        raise InvalidInputError(field=N_("Outcome"), reason=N_("Choose one from the list."))
    found = add_finding(uow, controlled, part="watch", outcome=outcome, remark=remark, required=outcome == NEW_EDITION)
    controlled.watched_on = uow.archive.today()
    close_tasks(uow, TO_WATCH, subject_id=controlled.id)
    if outcome == NEW_EDITION:
        ask_to_revise(uow, controlled)
    uow.record(WATCHED, subjects(controlled), number=controlled.number, outcome=outcome, remark=found.remark)
    return found


def end_watching(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    """A step: what is withdrawn is watched no more."""
    close_tasks(uow, TO_WATCH, subject_id=controlled.id, outcome=NEEDLESS)


def look_after(uow: UnitOfWork, controlled: ControlledDocument) -> date:
    """A step: from which day on somebody looks again."""
    began = controlled.watched_on or controlled.reviewed_on or controlled.created_at.date()
    return month_later(began, uow.archive.rules.controlled.watch_months)


def remind(workshop: Workshop, _job: Job) -> None:
    """Asks the owners of external documents to look for new editions. Idempotent: one document a transaction."""
    archive = workshop.archive
    with archive.reading(_SYSTEM) as uow:
        asked = select(Task.subject_id).where(Task.kind == TO_WATCH.code, Task.closed_at.is_(None))
        external = select(ControlledDocument).where(
            ControlledDocument.kind == EXTERNAL,
            ControlledDocument.state == "in_force",
            ControlledDocument.id.not_in(asked),
        )
        today = archive.today()
        due = [row.id for row in uow.session.scalars(external).all() if look_after(uow, row) <= today]
    with one_by_one(workshop) as tries:
        for controlled_id in tries.over(due):
            with tries.of(controlled_id), archive.transaction(_SYSTEM, eventless=True) as uow:
                controlled = locked_row(uow, controlled_id)
                day = look_after(uow, controlled)
                if controlled.state == "in_force" and day <= archive.today():
                    open_for_owner(uow, TO_WATCH, controlled, due=working_day_until(working_days(uow), day))
