"""Deciding about an answer: the correction is confirmed 确认 with its effectiveness, or the answer is returned."""

from sqlalchemy import select

from archive_app.casework.gates import Obstacle, gate
from archive_app.casework.models import Nonconformity, NonconformityDocument, Record
from archive_app.casework.nonconformities.raising import TEXT_LIMIT
from archive_app.casework.nonconformities.rules import (
    BLOCKING,
    CLOSED,
    add_step,
    due_after,
    keep_tasks,
    locked_for,
    require_not_the_corrector,
)
from archive_app.casework.recording import accept
from archive_app.documents.models import Document
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import Scheme
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines

NONCONFORMITY_CONFIRMED = event_type("nonconformity.confirmed", N_("Correction of a nonconformity confirmed"))
NONCONFORMITY_RETURNED = event_type("nonconformity.returned", N_("Answer to a nonconformity returned"))


@use_case(Permission.NONCONFORMITIES_MANAGE)
def confirm_correction(actor: Actor, uow: UnitOfWork, *, nonconformity_id: str, effectiveness: str) -> Nonconformity:
    """Confirms the correction: `effectiveness` says how it was seen to work. What the client brought as evidence of it
    is accepted with it, as far as the actor sees it.

    Raises: NotFoundError, NotOfTheTeamError, InvalidInputError, NonconformityStateError, EngagementSealedError;
    DutiesNotSeparateError for whoever gave or entered an answer.
    """
    engagement, found = locked_for(uow, nonconformity_id, "confirm")
    require_not_the_corrector(uow, found)
    found.effectiveness = some_lines(effectiveness, field=N_("Effectiveness"), limit=TEXT_LIMIT)
    found.state, found.closed_by, found.closed_at = "confirmed", actor.name, uow.now
    brought = (
        select(Record)
        .join(NonconformityDocument, NonconformityDocument.document_id == Record.document_id)
        .where(NonconformityDocument.nonconformity_id == found.id, NonconformityDocument.purpose == "correction")
        .join(Document, Document.id == Record.document_id)
        .where(Record.state == "delivered", Record.type == "correction_evidence", uow.visible("document"))
    )
    for record in uow.session.scalars(brought).all():
        accept(uow, record)
    add_step(uow, found, "confirmed", reason=found.effectiveness)
    keep_tasks(uow, engagement, found)
    uow.record(
        NONCONFORMITY_CONFIRMED,
        subjects_of(uow.session, engagement.id, nonconformity=found.id),
        number=found.position,
        effectiveness=found.effectiveness,
    )
    return found


@use_case(Permission.NONCONFORMITIES_MANAGE)
def return_answer(
    actor: Actor, uow: UnitOfWork, *, nonconformity_id: str, reason: str, days: int | None = None
) -> Nonconformity:
    """Returns an answer that was not enough, for a reason; `days` working days are given from today, or the day stays.

    Raises: as `confirm_correction`, without the rule of two hands: one may find one's own answer wanting.
    """
    engagement, found = locked_for(uow, nonconformity_id, "return")
    why = some_lines(reason, field=N_("Reason"), limit=TEXT_LIMIT)
    if days is not None:
        due = due_after(uow, days)
        found.due_on, found.provisional = due.on, due.provisional
    found.state = "returned"
    add_step(uow, found, "returned", reason=why)
    keep_tasks(uow, engagement, found)
    subjects = subjects_of(uow.session, engagement.id, nonconformity=found.id)
    uow.record(NONCONFORMITY_RETURNED, subjects, number=found.position, reason=why, due=found.due_on.isoformat())
    return found


@gate("nonconformities_closed")
def nonconformities_closed(uow: UnitOfWork, engagement: Engagement, _scheme: Scheme) -> list[Obstacle]:
    """Major and minor nonconformities are confirmed or withdrawn; each that is not stands in the way."""
    waiting = (
        select(Nonconformity.position)
        .where(Nonconformity.engagement_id == engagement.id, Nonconformity.grade.in_(sorted(BLOCKING)))
        .where(Nonconformity.state.not_in(sorted(CLOSED)))
        .order_by(Nonconformity.position)
    )
    words = N_("Nonconformity %(number)s is not confirmed.")
    return [
        Obstacle("nonconformity_open", words, {"number": position}, "nonconformities.list_page")
        for position in uow.session.scalars(waiting)
    ]
