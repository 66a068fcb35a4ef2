"""Withdrawal: 废止 of a regulation, 作废 of everything else. Nothing is deleted; whoever works by it is told."""

from dataclasses import dataclass

from sqlalchemy import select

from archive_app.documents.control import WITHDRAWN, set_control
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import some_lines
from archive_app.management.controlled.acknowledging import void_waiting
from archive_app.management.controlled.copies import collect_copies, copies_out
from archive_app.management.controlled.drafting import void_waiting as void_steps
from archive_app.management.controlled.forms_in_use import running_uses
from archive_app.management.controlled.in_use import called, lock_in_force
from archive_app.management.controlled.issuing import settle_effect
from archive_app.management.controlled.kinds import ABANDONED
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.controlled.periodic_review import end_reviews
from archive_app.management.controlled.rules import edition_on_the_way, lock_controlled, subjects
from archive_app.management.controlled.waiting import close_all_tasks
from archive_app.management.controlled.watching import end_watching
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import Addressee, open_task

DOCUMENT_WITHDRAWN = event_type("controlled.withdrawn", N_("Controlled document withdrawn"))
FORM_WITHDRAWN = task_kind(
    "management.form_withdrawn",
    N_("A form that this engagement uses was withdrawn: it may be finished with the edition that was taken"),
    why=N_("You lead this engagement"),
    endpoint="controlled_life.forms_page",
    noted=True,
)
REASON_LIMIT = 1000
WITHDRAWERS = (Permission.CONTROLLED_MANAGE, Permission.CONTROLLED_APPROVE)
"""Who withdraws: those who control documents, and those who approve them."""


class NotAWithdrawerError(DeniedError):
    """What is in force is withdrawn by those who control documents and those who approve them."""

    code = "not_a_withdrawer"
    message = N_(
        "Only those who control documents or approve them withdraw one. Nothing was changed; tell the document "
        "controller why it is not needed any more."
    )


@dataclass(frozen=True)
class WithdrawnDocument:
    """What came of a withdrawal: how many paper copies are still out, and how many engagements were told."""

    controlled: ControlledDocument
    copies_out: int
    engagements_told: int


@query(Permission.CONTROLLED_READ)
def require_withdrawer(actor: Actor, uow: UnitOfWork, *, controlled_id: str) -> None:
    """Refuses whoever could not withdraw the document. Raises: NotFoundError, NotAWithdrawerError."""
    uow.require("controlled_document", controlled_id)
    _require_withdrawer(uow, controlled_id)


@use_case(Permission.CONTROLLED_READ, confirmed=True)
def withdraw_document(
    actor: Actor, uow: UnitOfWork, *, controlled_id: str, reason: str, replaced_by_id: str | None = None
) -> WithdrawnDocument:
    """Withdraws a controlled document that is in force, for a reason; `replaced_by_id` comes in its place. Done by one
    who controls documents or approves them. An edition on its way is abandoned, what was to be read needs no reading,
    and running engagements finish with the edition that they took.

    Raises: NotFoundError, NotAWithdrawerError, NotInForceError; InvalidInputError without a reason, and for a
    replacement that is not in force.
    """
    found = lock_controlled(uow, controlled_id)
    _require_withdrawer(uow, controlled_id)
    settle_effect(uow, found)
    controlled = lock_in_force(uow, controlled_id)
    why = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    replacement = _replacement(uow, controlled, replaced_by_id)
    edition = uow.session.get_one(Edition, controlled.in_force_id, populate_existing=True)
    edition.state, edition.ended_at = "withdrawn", uow.now
    controlled.state, controlled.in_force_id = "withdrawn", None
    controlled.withdrawn_at, controlled.withdrawn_by, controlled.withdrawn_reason = uow.now, actor.name, why
    controlled.replaced_by_id = replacement.id if replacement else None
    if edition.document_id is not None:
        set_control(uow, edition.document_id, WITHDRAWN)
    void_waiting(uow, edition.id)
    end_reviews(uow, controlled)
    end_watching(uow, controlled)
    _abandon(uow, controlled)
    out = _collect(uow, controlled)
    told = _tell_leaders(uow, controlled)
    uow.record(
        DOCUMENT_WITHDRAWN,
        subjects(controlled, edition, document=edition.document_id or ""),
        number=controlled.number,
        reason=why,
        replaced_by=replacement.number if replacement else None,
        copies_out=out,
        engagements=told,
    )
    return WithdrawnDocument(controlled, out, told)


def _require_withdrawer(uow: UnitOfWork, controlled_id: str) -> None:
    if not any(map(uow.actor.may, WITHDRAWERS)):
        raise NotAWithdrawerError("controlled_document", controlled_id)


def _replacement(uow: UnitOfWork, controlled: ControlledDocument, wanted: str | None) -> ControlledDocument | None:
    if not wanted:
        return None
    seen = select(ControlledDocument).where(
        ControlledDocument.id == wanted,
        ControlledDocument.organisation_id == controlled.organisation_id,
        ControlledDocument.state == "in_force",
        ControlledDocument.id != controlled.id,
        uow.visible("controlled_document"),
    )
    replacement = uow.session.scalar(seen)
    if replacement is None:
        raise InvalidInputError(field=N_("Replaced by"), reason=N_("This is not a document that is in force."))
    return replacement


def _abandon(uow: UnitOfWork, controlled: ControlledDocument) -> None:
    under_way = edition_on_the_way(uow, controlled.id)
    if under_way is None:
        return
    void_steps(uow, under_way)
    under_way.state, under_way.on_the_way, under_way.ended_at = ABANDONED, False, uow.now
    close_all_tasks(uow, under_way)


def _collect(uow: UnitOfWork, controlled: ControlledDocument) -> int:
    editions = select(Edition).where(Edition.controlled_document_id == controlled.id).order_by(Edition.ordinal)
    out = 0
    for edition in uow.session.scalars(editions).all():
        collect_copies(uow, controlled, edition)
        out += copies_out(uow, edition.id)
    return out


def _tell_leaders(uow: UnitOfWork, controlled: ControlledDocument) -> int:
    uses = running_uses(uow, controlled.id)
    for use, engagement, edition in uses:
        open_task(
            uow,
            FORM_WITHDRAWN,
            to=Addressee(part="leader"),
            subject_id=use.id,
            organisation_id=engagement.organisation_id,
            engagement_id=engagement.id,
            # A leader may not see a form of a high level: its number says enough.
            about=f"{called(controlled) if controlled.level <= Level.INTERNAL else controlled.number} {edition.label}",
        )
    return len({engagement.id for _use, engagement, _edition in uses})
