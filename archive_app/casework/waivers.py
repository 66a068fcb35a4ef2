"""Use cases of required records that do not apply to an engagement 不适用: said with a reason, taken back with one."""

from sqlalchemy import select

from archive_app.casework.checklist import ChecklistLine, checklist_of
from archive_app.casework.models import Waiver
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line

RECORD_WAIVED = event_type("checklist.waived", N_("Required record does not apply"))
RECORD_ASKED_AGAIN = event_type("checklist.asked_again", N_("Required record applies after all"))


class NothingToWaiveError(ArchiveError):
    """The record is there already, or was said not to apply before."""

    code = "nothing_to_waive"
    message = N_("This record is accepted already, or was said not to apply before. Nothing was changed.")


@use_case(Permission.STAGES_MOVE, confirmed=True)
def waive_record(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, stage: str, record_type: str, reason: str
) -> ChecklistLine:
    """Says that a required record does not apply to the engagement, for a reason that stays with its file.

    Raises: NotFoundError, also where the scheme does not require it; NothingToWaiveError, InvalidInputError,
    EngagementSealedError.
    """
    engagement, line = _line(uow, engagement_id, stage, record_type)
    reason = one_line(reason, field=N_("Reason"), limit=1000)
    if not line.open:
        raise NothingToWaiveError
    row = Waiver(
        id=uow.new_id(),
        engagement_id=engagement_id,
        stage=stage,
        type=record_type,
        reason=reason,
        waived_by=actor.name,
        waived_at=uow.now,
    )
    uow.session.add(row)
    about = {"stage": stage, "type": record_type, "reason": reason}
    uow.record(RECORD_WAIVED, subjects_of(uow.session, engagement_id), **about)
    return _found(uow, engagement, stage, record_type)


@use_case(Permission.STAGES_MOVE, confirmed=True)
def ask_again(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, stage: str, record_type: str, reason: str
) -> ChecklistLine:
    """Takes back that a required record does not apply, for a reason.

    Raises: NotFoundError, also where nothing of the kind was said; InvalidInputError, EngagementSealedError.
    """
    engagement, _ = _line(uow, engagement_id, stage, record_type)
    reason = one_line(reason, field=N_("Reason"), limit=1000)
    living = select(Waiver).where(
        Waiver.engagement_id == engagement_id,
        Waiver.stage == stage,
        Waiver.type == record_type,
        Waiver.ended_at.is_(None),
    )
    row = uow.session.scalar(living)
    if row is None:
        raise NotFoundError
    row.ended_at = uow.now
    about = {"stage": stage, "type": record_type, "reason": reason}
    uow.record(RECORD_ASKED_AGAIN, subjects_of(uow.session, engagement_id), **about)
    return _found(uow, engagement, stage, record_type)


def _line(uow: UnitOfWork, engagement_id: str, stage: str, record_type: str) -> tuple[Engagement, ChecklistLine]:
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    return engagement, _found(uow, engagement, stage, record_type)


def _found(uow: UnitOfWork, engagement: Engagement, stage: str, record_type: str) -> ChecklistLine:
    for line in checklist_of(uow, engagement).lines:
        if (line.stage, line.type) == (stage, record_type) and line.record.required:
            return line
    raise NotFoundError
