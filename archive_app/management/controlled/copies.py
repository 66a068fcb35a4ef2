"""Numbered paper copies 受控副本 of an edition: given, returned, destroyed, marked 作废, lost.

A copy of what is not in force any more has to come back: that is a task until the last one is accounted for.
"""

from collections.abc import Sequence

from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from archive_app.management.controlled.in_use import document_of
from archive_app.management.controlled.kinds import STATES
from archive_app.management.controlled.models import ControlledCopy, ControlledDocument, Edition
from archive_app.management.controlled.rules import WrongStateError, lock_edition, subjects
from archive_app.management.own import require_own
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

COPY_GIVEN = event_type("controlled.copy_given", N_("Paper copy given"))
COPY_ENDED = event_type("controlled.copy_ended", N_("Paper copy accounted for"))
TO_COLLECT = task_kind(
    "management.copies_to_collect",
    N_("Collect the paper copies of what is not in force any more"),
    why=N_("You control your organisation's documents"),
    endpoint="controlled_life.copies_page",
    subject_argument="edition_id",
)
OUTCOMES = {
    "returned": N_("Returned"),
    "destroyed": N_("Destroyed"),
    "marked": N_("Kept, and marked as void"),
    "lost": N_("Lost"),
}
"""What became of a copy; while it is out, nothing."""


def copies_out(uow: UnitOfWork, edition_id: str) -> int:
    """A step: how many copies of an edition are out."""
    out = select(func.count()).where(ControlledCopy.edition_id == edition_id, ControlledCopy.outcome == "")
    return uow.session.scalar(out) or 0


def collect_copies(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition) -> None:
    """A step: copies of an edition that is not in force any more are to be collected, where any are out."""
    if not copies_out(uow, edition.id):
        return
    open_task(
        uow,
        TO_COLLECT,
        to=Addressee(permission=Permission.CONTROLLED_MANAGE),
        subject_id=edition.id,
        organisation_id=controlled.organisation_id,
        about=f"{controlled.number} {edition.label}",
    )


@query(Permission.CONTROLLED_MANAGE)
def list_copies(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Sequence[ControlledCopy]:
    """The copies of an edition by number. Raises: NotFoundError, PermissionMissingError."""
    uow.require("edition", edition_id)
    edition = uow.session.get_one(Edition, edition_id)
    controlled = uow.session.get_one(ControlledDocument, edition.controlled_document_id)
    require_own(uow, controlled.organisation_id, Permission.CONTROLLED_MANAGE)
    of_edition = select(ControlledCopy).where(ControlledCopy.edition_id == edition_id)
    return uow.session.scalars(of_edition.order_by(ControlledCopy.number)).all()


@use_case(Permission.CONTROLLED_MANAGE)
def give_copy(actor: Actor, uow: UnitOfWork, *, edition_id: str, holder: str, place: str = "") -> ControlledCopy:
    """Gives a copy of the edition in force to somebody, under the next number. Its number is never used again.

    Raises: NotFoundError, InvalidInputError; WrongStateError for an edition that is not in force.
    """
    controlled, edition = lock_edition(uow, edition_id)
    if edition.state != "in_force":
        raise WrongStateError(label=edition.label, state=STATES[edition.state], way=N_("Give the one in force."))
    last = select(func.max(ControlledCopy.number)).where(ControlledCopy.edition_id == edition.id)
    copy = ControlledCopy(
        id=uow.new_id(),
        edition_id=edition.id,
        number=(uow.session.scalar(last) or 0) + 1,
        holder=one_line(holder, field=N_("Holder"), limit=200),
        place=one_line(place, field=N_("Place"), limit=200, required=False),
        given_by=actor.name,
        given_on=uow.archive.today(),
        outcome="",
    )
    uow.session.add(copy)
    uow.record(COPY_GIVEN, subjects(controlled, edition), number=copy.number, holder=copy.holder)
    return copy


@use_case(Permission.CONTROLLED_MANAGE)
def end_copy(actor: Actor, uow: UnitOfWork, *, copy_id: str, outcome: str) -> ControlledCopy:
    """Says what became of a copy: one of OUTCOMES.

    Raises: NotFoundError, InvalidInputError; ConflictError for one that is accounted for already.
    """
    copy = uow.session.get(ControlledCopy, copy_id)
    if copy is None:
        raise NotFoundError
    controlled = document_of(uow, copy.edition_id)
    uow.session.refresh(copy)
    if outcome not in OUTCOMES:
        raise InvalidInputError(field=N_("Outcome"), reason=N_("Choose one from the list."))
    if copy.outcome:
        raise ConflictError
    copy.outcome, copy.ended_on, copy.ended_by = outcome, uow.archive.today(), actor.name
    uow.session.flush()
    if not copies_out(uow, copy.edition_id):
        close_tasks(uow, TO_COLLECT, subject_id=copy.edition_id)
    uow.record(COPY_ENDED, {**subjects(controlled), "edition": copy.edition_id}, number=copy.number, outcome=outcome)
    return copy
