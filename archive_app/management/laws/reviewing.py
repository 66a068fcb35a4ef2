"""Looking at set intervals whether the laws are still as they were recorded (S1 A.2; S2 5.2 c)."""

from collections.abc import Mapping
from dataclasses import dataclass

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.laws.kinds import OUTCOMES, UNCHANGED
from archive_app.management.laws.models import LawReview
from archive_app.management.laws.rules import law_subjects, lock_law
from archive_app.management.laws.waiting import keep_review_task, plan_review

LAW_REVIEWED = event_type("law.reviewed", N_("Law looked at again"))
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Look:
    """What somebody found of a law: one of `kinds.OUTCOMES`, with a remark that everything but the first needs."""

    outcome: str
    remark: str = ""


@use_case(Permission.LAWS_MANAGE)
def review_laws(actor: Actor, uow: UnitOfWork, *, looks: Mapping[str, Look]) -> int:
    """Records what was found of laws, all of them or none; each is looked at again after its interval. What changed is
    corrected, replaced or ended by itself.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    if not looks:
        raise InvalidInputError(field=N_("Laws"), reason=N_("Choose at least one."))
    if len(looks) > MOST_AT_ONCE:
        raise InvalidInputError(field=N_("Laws"), reason=N_("These are too many."))
    # In one order, so that two who look at the same laws wait for each other instead of for ever.
    for law_id in sorted(looks):
        _look_at(uow, law_id, looks[law_id])
    return len(looks)


def _look_at(uow: UnitOfWork, law_id: str, look: Look) -> None:
    law = lock_law(uow, law_id)
    if look.outcome not in OUTCOMES:
        raise InvalidInputError(field=N_("Outcome"), reason=N_("Choose one from the list."))
    remark = one_line(look.remark, field=N_("Remark"), limit=1000, required=look.outcome != UNCHANGED)
    row = LawReview(
        id=uow.new_id(),
        organisation_id=law.organisation_id,
        law_id=law.id,
        outcome=look.outcome,
        remark=remark,
        reviewed_by=uow.actor.name,
        reviewed_at=uow.now,
    )
    uow.session.add(row)
    law.reviewed_on = uow.archive.today()
    plan_review(uow, law)
    keep_review_task(uow, law.organisation_id)
    uow.record(LAW_REVIEWED, law_subjects(law), title=law.title, outcome=look.outcome, remark=remark)
