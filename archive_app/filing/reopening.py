"""Opening a sealed file again: by the archivist, for a reason, and it says so for ever."""

from archive_app.casework.stages import SEALED, take_to
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import scheme_of
from archive_app.filing.late import NotSealedError
from archive_app.filing.models import Reopening
from archive_app.filing.placing import reason_given
from archive_app.filing.waiting import MEND, wait_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case

REOPENED = event_type("engagement.reopened", N_("Sealed file opened again"))


@use_case(Permission.CASE_FILES_ACCEPT, confirmed=True)
def reopen(actor: Actor, uow: UnitOfWork, *, engagement_id: str, reason: str) -> None:
    """Opens a sealed file again, so that work in it goes on until it is submitted and sealed anew. What the seals hold
    keeps its place and its number.

    Raises: NotFoundError, ConfirmationRequiredError, InvalidInputError without a reason, NotSealedError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id, sealed_too=True)
    if engagement.sealed_at is None:
        raise NotSealedError(number=engagement.number)
    why = reason_given(reason)
    engagement.sealed_at = None
    row = Reopening(
        id=uow.new_id(), engagement_id=engagement_id, reason=why, reopened_by=actor.name, reopened_at=uow.now
    )
    uow.session.add(row)
    uow.session.flush()
    _step_back(uow, engagement, why)
    wait_for(uow, MEND, engagement)
    subjects = {"engagement": engagement_id, "organisation": engagement.organisation_id}
    uow.record(REOPENED, subjects, reason=why)


def _step_back(uow: UnitOfWork, engagement: Engagement, reason: str) -> None:
    """To the stage that waits for the seal, where the engagement is behind it."""
    scheme = scheme_of(uow, engagement)
    if SEALED in scheme.stage(engagement.stage).needs:
        return
    before = [stage.code for stage in scheme.stages if engagement.stage in stage.next]
    if before:
        take_to(uow, engagement, scheme, before[-1], reason)
