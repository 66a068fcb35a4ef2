"""A duty that was taken on changes hands or days, or ends."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, update

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.recurring.catalogue import known_duty
from archive_app.management.recurring.falling_due import plan
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.recurring.rules import (
    BY_DUTY,
    OPEN,
    DutyEndedError,
    keep_tasks,
    lock_duty,
    rule_day,
    subjects_of,
    void,
)
from archive_app.management.recurring.taking_on import (
    FIRST_DAY,
    OWNER,
    checked_first_day,
    checked_interval,
    checked_template,
)

DUTY_CHANGED = event_type("duty.changed", N_("Recurring duty changed"))
DUTY_ENDED = event_type("duty.ended", N_("Recurring duty ended"))
REASON_LIMIT = 1000


@dataclass(frozen=True)
class Terms:
    """How a duty is kept from now on: who has to do it (login or identifier), how often, and when next."""

    owner: str
    every_months: int
    first_on: date
    template_id: str = ""


@use_case(Permission.DUTIES_MANAGE)
def change_duty(actor: Actor, uow: UnitOfWork, *, duty_id: str, terms: Terms) -> OwnDuty:
    """Gives a duty to somebody else, or sets its days anew. With other days, what is open from today on is void and
    planned anew; what was done, and what is overdue, stays.

    Raises: NotFoundError, InvalidInputError, DutyEndedError.
    """
    duty = lock_duty(uow, duty_id)
    _require_living(duty)
    kind = uow.session.get_one(Organisation, duty.organisation_id).kind
    known = known_duty(kind, duty.code)
    every_months = checked_interval(terms.every_months, known)
    owner = colleague(uow, duty.organisation_id, terms.owner, Permission.DUTIES_DO, field=OWNER)
    duty.template_id = checked_template(uow, terms.template_id)
    plan(uow, duty)
    if (every_months, terms.first_on) != (duty.every_months, duty.first_on):
        today = uow.archive.today()
        if terms.first_on < today:
            raise InvalidInputError(field=FIRST_DAY, reason=N_("Choose a day from today on."))
        checked_first_day(uow, terms.first_on, known)
        for found in _open_times(uow, duty):
            if not found.change_id and rule_day(found) >= today:
                void(uow, found, by=BY_DUTY, reason="")
        duty.every_months, duty.first_on = every_months, terms.first_on
        uow.session.flush()
        plan(uow, duty)
    if owner.id != duty.owner_id:
        duty.owner_id = owner.id
    _give(uow, duty)
    told = {"owner": owner.login, "every_months": duty.every_months, "first_on": duty.first_on.isoformat()}
    uow.record(DUTY_CHANGED, subjects_of(duty), **told)
    return duty


@use_case(Permission.DUTIES_MANAGE)
def end_duty(actor: Actor, uow: UnitOfWork, *, duty_id: str, ended_on: date, reason: str) -> OwnDuty:
    """Ends a duty: from that day on it does not fall due, and what is open from then on is void with the reason.

    Raises: NotFoundError, InvalidInputError, DutyEndedError.
    """
    duty = lock_duty(uow, duty_id)
    _require_living(duty)
    why = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    # What fell due before is planned first, however long the job did not run.
    plan(uow, duty)
    duty.ended_on, duty.ended_reason = ended_on, why
    for found in _open_times(uow, duty):
        if rule_day(found) >= ended_on:
            void(uow, found, by=BY_DUTY, reason=why)
    uow.record(DUTY_ENDED, subjects_of(duty), on=ended_on.isoformat(), reason=why)
    return duty


def _require_living(duty: OwnDuty) -> None:
    if duty.ended_on is not None:
        raise DutyEndedError(title=duty.title, day=duty.ended_on.isoformat())


def _open_times(uow: UnitOfWork, duty: OwnDuty) -> list[Occurrence]:
    still_open = select(Occurrence).where(Occurrence.own_duty_id == duty.id, Occurrence.state == OPEN)
    return list(uow.session.scalars(still_open.order_by(Occurrence.id).execution_options(populate_existing=True)))


def _give(uow: UnitOfWork, duty: OwnDuty) -> None:
    """What is open of a duty is in the hands of its owner."""
    of_others = update(Occurrence).where(
        Occurrence.own_duty_id == duty.id, Occurrence.state == OPEN, Occurrence.owner_id != duty.owner_id
    )
    uow.session.execute(of_others.values(owner_id=duty.owner_id))
    for found in _open_times(uow, duty):
        keep_tasks(uow, found)
