"""Access for a time, however it came about: who has it, its end by hand, and its end by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Access
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line

ACCESS_ENDED = event_type("access.ended", N_("Access ended"))
ACCESS_EXPIRED = event_type("access.expired", N_("Access expired"))
EXPIRE_EVERY_SECONDS = 60
_PORTION = 100
_KEEPER = Actor.system("access")


@dataclass(frozen=True)
class Over:
    """What was ended, and of whom."""

    engagement_id: str
    person_id: str


@use_case(Permission.ACCESS_ASK)
def end_access(actor: Actor, uow: UnitOfWork, *, access_id: str, reason: str = "") -> Over:
    """Ends a living access at once: for the engagement's leader, the archivist, and whoever has it.

    Raises: NotFoundError, InvalidInputError, ConflictError when it is over already.
    """
    uow.require("access", access_id)
    reason = one_line(" ".join(reason.split()), field=N_("Reason"), limit=1000, required=False)
    access = uow.session.get_one(Access, access_id, with_for_update=True, populate_existing=True)
    if access.ended_at is not None or access.until <= uow.now:
        raise ConflictError
    access.ended_at = uow.now
    _record(uow, access, ended=True, reason=reason)
    return Over(access.engagement_id, access.person_id)


def expire_access(workshop: Workshop, _job: Job) -> None:
    """Writes the end of what has run out, so that no clock that goes back opens it again. Idempotent."""
    archive = workshop.archive
    while keys := _run_out(workshop):
        for access_id in keys:
            with archive.transaction(_KEEPER) as uow:
                access = uow.session.get_one(Access, access_id, with_for_update=True, populate_existing=True)
                if access.ended_at is not None or access.until > uow.now:
                    continue
                access.ended_at = access.until
                _record(uow, access, ended=False, reason="")


def _run_out(workshop: Workshop) -> Sequence[str]:
    with workshop.archive.reading(_KEEPER) as uow:
        over = select(Access.id).where(Access.ended_at.is_(None), Access.until <= uow.now)
        return uow.session.scalars(over.order_by(Access.until, Access.id).limit(_PORTION)).all()


def _record(uow: UnitOfWork, access: Access, *, ended: bool, reason: str) -> None:
    person = uow.session.get(Person, access.person_id)
    if person is None:
        raise NotFoundError
    subjects = subjects_of(uow.session, access.engagement_id, person=access.person_id, access=access.id)
    words = {"name": person.display_name, "ground": access.ground, "reason": reason}
    uow.record(ACCESS_ENDED if ended else ACCESS_EXPIRED, subjects, **words)
