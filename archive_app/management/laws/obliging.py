"""Use cases of obligations 合规义务: record, correct, end and withdraw them, carry them over to a newer law, hand them
over to somebody else (S1 7.8 b)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import or_, select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.laws.kinds import COMING, ENDED, IN_FORCE
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.laws.rules import (
    changes,
    checked_day,
    law_subjects,
    lock_law,
    lock_obligation,
    needed_day,
    own_organisation,
    reason_given,
    require_as_seen,
)
from archive_app.management.laws.validity import law_state, obligations_in
from archive_app.management.laws.waiting import (
    keep_action_tasks,
    keep_obligation_tasks,
    keep_owner_task,
    plan_evaluation,
)
from archive_app.management.periods import MOST_MONTHS, month_later

OBLIGATION_RECORDED = event_type("obligation.recorded", N_("Obligation recorded"))
OBLIGATION_CORRECTED = event_type("obligation.corrected", N_("Obligation corrected"))
OBLIGATION_ENDED = event_type("obligation.ended", N_("Obligation ended"))
OBLIGATION_WITHDRAWN = event_type("obligation.withdrawn", N_("Obligation withdrawn from the register"))
OBLIGATIONS_HANDED_OVER = event_type("obligation.handed_over", N_("Obligations handed over"))


class LawEndedError(ArchiveError):
    """Nothing new follows from what holds no more."""

    code = "law_ended"
    message = N_("This law has ended. Nothing was recorded; obligations belong to the law that came in its place.")


class NotReplacedError(ArchiveError):
    """There is nothing to carry obligations over to."""

    code = "law_not_replaced"
    message = N_("No law in force or coming is recorded in place of this one. Nothing was carried over.")


@dataclass(frozen=True)
class DutyFacts:
    """What is recorded of an obligation. `owner` is the login or identifier of who sees to it; it is evaluated every
    `every_months`, first by `first_on`, or a period after it begins where that is None."""

    requirement: str
    owner: str
    clause: str = ""
    met_by: str = ""
    department: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    every_months: int = 12
    first_on: date | None = None


def duty_of(obligation: Obligation) -> DutyFacts:
    """The facts as they are recorded."""
    return DutyFacts(
        obligation.requirement,
        obligation.owner_id,
        obligation.clause,
        obligation.met_by,
        obligation.department,
        obligation.valid_from,
        obligation.valid_until,
        obligation.every_months,
        obligation.first_on,
    )


@use_case(Permission.LAWS_MANAGE)
def record_obligation(actor: Actor, uow: UnitOfWork, *, law_id: str, facts: DutyFacts) -> Obligation:
    """Records what a law asks of the organisation. Raises: NotFoundError, WithdrawnEntryError, LawEndedError,
    InvalidInputError."""
    return add_obligation(uow, lock_law(uow, law_id), facts)


def add_obligation(uow: UnitOfWork, law: Law, facts: DutyFacts) -> Obligation:
    """The step of `record_obligation`, for a law that is locked."""
    if law_state(law, uow.archive.today()) == ENDED:
        raise LawEndedError
    owner = _owner(uow, law.organisation_id, facts.owner)
    facts = _tidied(replace(facts, owner=owner.id))
    first_on = facts.first_on or month_later(_begins(uow, law, facts.valid_from), facts.every_months)
    return _added(uow, law, replace(facts, first_on=first_on), None)


@use_case(Permission.LAWS_MANAGE)
def correct_obligation(
    actor: Actor, uow: UnitOfWork, *, obligation_id: str, facts: DutyFacts, seen: str | None = None
) -> Obligation:
    """Corrects what is recorded of an obligation; the log keeps what stood there. An owner who left may stay until
    somebody is found. `seen` is `stamp_of` what the person saw.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError; ConflictError when somebody else corrected it since.
    """
    law, obligation = lock_obligation(uow, obligation_id)
    before = duty_of(obligation)
    require_as_seen(before, seen)
    former = uow.session.get_one(Person, obligation.owner_id)
    same = facts.owner.strip() in {former.id, former.login}
    owner = former if same else _owner(uow, law.organisation_id, facts.owner)
    facts = _tidied(replace(facts, owner=owner.id, first_on=facts.first_on or obligation.first_on))
    _fill(obligation, facts)
    plan_evaluation(uow, obligation)
    keep_obligation_tasks(uow, obligation)
    keep_owner_task(uow, former)
    subjects = law_subjects(law, obligation=obligation.id, person=obligation.owner_id)
    uow.record(OBLIGATION_CORRECTED, subjects, clause=obligation.clause, changes=changes(before, facts))
    return obligation


@use_case(Permission.LAWS_MANAGE)
def end_obligation(
    actor: Actor, uow: UnitOfWork, *, obligation_id: str, last_day: date | None, reason: str
) -> Obligation:
    """Says until which day an obligation holds, that day included, though its law goes on.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law, obligation = lock_obligation(uow, obligation_id)
    day = needed_day(last_day, field=N_("Valid until"))
    _require_order(obligation.valid_from, day)
    obligation.valid_until, obligation.ended_reason = day, reason_given(reason)
    keep_obligation_tasks(uow, obligation)
    keep_owner_task(uow, uow.session.get_one(Person, obligation.owner_id))
    told = {"clause": obligation.clause, "valid_until": day.isoformat(), "reason": obligation.ended_reason}
    uow.record(OBLIGATION_ENDED, law_subjects(law, obligation=obligation.id), **told)
    return obligation


@use_case(Permission.LAWS_MANAGE)
def withdraw_obligation(actor: Actor, uow: UnitOfWork, *, obligation_id: str, reason: str) -> Obligation:
    """Takes back an obligation that was recorded wrongly; it stays to be read, with its evaluations.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law, obligation = lock_obligation(uow, obligation_id)
    obligation.withdrawn_reason = reason_given(reason)
    obligation.withdrawn_at, obligation.withdrawn_by = uow.now, actor.name
    uow.session.flush()
    keep_obligation_tasks(uow, obligation)
    keep_owner_task(uow, uow.session.get_one(Person, obligation.owner_id))
    subjects = law_subjects(law, obligation=obligation.id)
    uow.record(OBLIGATION_WITHDRAWN, subjects, clause=obligation.clause, reason=obligation.withdrawn_reason)
    return obligation


@use_case(Permission.LAWS_MANAGE)
def carry_over(actor: Actor, uow: UnitOfWork, *, law_id: str, obligation_ids: Sequence[str]) -> Sequence[Obligation]:
    """Makes obligations of a law that was replaced obligations of the one that came in its place, each with its owner
    and the day on which it would have been evaluated next. The old ones end with their law and keep their evaluations.

    Raises: NotFoundError, WithdrawnEntryError, NotReplacedError, InvalidInputError; ConflictError for one that was
    carried over before.
    """
    law = lock_law(uow, law_id)
    if not obligation_ids:
        raise InvalidInputError(field=N_("Obligations"), reason=N_("Choose at least one."))
    if law.replaced_by_id is None:
        raise NotReplacedError
    successor = lock_law(uow, law.replaced_by_id)
    if law_state(successor, uow.archive.today()) == ENDED:
        raise NotReplacedError
    return [_carried(uow, law, successor, one) for one in dict.fromkeys(obligation_ids)]


@use_case(Permission.LAWS_MANAGE)
def hand_over(actor: Actor, uow: UnitOfWork, *, owner_id: str, to: str) -> int:
    """Gives everything that somebody sees to, obligations and open actions, to somebody else; returns how much it was.

    Raises: NotFoundError, InvalidInputError.
    """
    organisation_id = own_organisation(uow)
    former = uow.session.get(Person, owner_id)
    if former is None or former.organisation_id != organisation_id:
        raise NotFoundError
    new = _owner(uow, organisation_id, to)
    if new.id == former.id:
        raise InvalidInputError(field=N_("Owner"), reason=N_("They see to it already."))
    obligations = _living_of(uow, former.id)
    for obligation in obligations:
        obligation.owner_id = new.id
    open_actions = select(Evaluation).where(
        Evaluation.action_owner_id == former.id,
        Evaluation.action_done_at.is_(None),
        Evaluation.withdrawn_at.is_(None),
    )
    actions = uow.session.scalars(open_actions.order_by(Evaluation.id).with_for_update()).all()
    for evaluation in actions:
        evaluation.action_owner_id = new.id
    uow.session.flush()
    for obligation in obligations:
        keep_obligation_tasks(uow, obligation)
    for evaluation in actions:
        keep_action_tasks(uow, evaluation)
    keep_owner_task(uow, former)
    uow.record(
        OBLIGATIONS_HANDED_OVER,
        {"organisation": organisation_id, "person": former.id},
        name=former.display_name,
        to=new.display_name,
        obligations=[one.id for one in obligations],
        actions=[one.id for one in actions],
    )
    return len(obligations) + len(actions)


def carried_already(uow: UnitOfWork, obligation_id: str) -> bool:
    """A step: whether an obligation goes on under a newer law."""
    kept = select(Obligation.id).where(Obligation.carried_from_id == obligation_id, Obligation.withdrawn_at.is_(None))
    return uow.session.scalar(kept.limit(1)) is not None


def _carried(uow: UnitOfWork, law: Law, successor: Law, obligation_id: str) -> Obligation:
    uow.require("obligation", obligation_id)
    old = uow.session.get_one(Obligation, obligation_id, with_for_update=True, populate_existing=True)
    if old.law_id != law.id or old.withdrawn_at is not None:
        raise NotFoundError
    if carried_already(uow, old.id):
        raise ConflictError
    start = max(uow.archive.today(), successor.effective_on or uow.archive.today())
    facts = replace(duty_of(old), valid_from=None, valid_until=None, first_on=max(old.evaluate_on, start))
    return _added(uow, successor, facts, old.id)


def _added(uow: UnitOfWork, law: Law, facts: DutyFacts, carried_from_id: str | None) -> Obligation:
    obligation = Obligation(
        id=uow.new_id(),
        organisation_id=law.organisation_id,
        law_id=law.id,
        carried_from_id=carried_from_id,
        provisional=False,
        ended_reason="",
        withdrawn_reason="",
        recorded_by=uow.actor.name,
        recorded_at=uow.now,
        evaluate_on=facts.first_on,
    )
    _fill(obligation, facts)
    uow.session.add(obligation)
    uow.session.flush()
    plan_evaluation(uow, obligation)
    keep_obligation_tasks(uow, obligation)
    uow.record(
        OBLIGATION_RECORDED,
        law_subjects(law, obligation=obligation.id, person=obligation.owner_id),
        law=law.title,
        clause=obligation.clause,
        requirement=obligation.requirement,
        every_months=obligation.every_months,
        carried_from=carried_from_id,
    )
    return obligation


def _fill(obligation: Obligation, facts: DutyFacts) -> None:
    for name, value in vars(facts).items():
        setattr(obligation, "owner_id" if name == "owner" else name, value)


def _living_of(uow: UnitOfWork, person_id: str) -> Sequence[Obligation]:
    today = uow.archive.today()
    held = (
        select(Obligation)
        .join(Law, Law.id == Obligation.law_id)
        .where(Obligation.owner_id == person_id, uow.visible("obligation"))
        .where(or_(obligations_in(IN_FORCE, today), obligations_in(COMING, today)))
        .order_by(Obligation.id)
        .with_for_update(of=Obligation)
    )
    return uow.session.scalars(held.execution_options(populate_existing=True)).all()


def _owner(uow: UnitOfWork, organisation_id: str, owner: str) -> Person:
    typed = one_line(owner, field=N_("Owner"), limit=100)
    return colleague(uow, organisation_id, typed, Permission.LAWS_EVALUATE, field=N_("Owner"))


def _begins(uow: UnitOfWork, law: Law, valid_from: date | None) -> date:
    return max(day for day in (uow.archive.today(), law.effective_on, valid_from) if day is not None)


def _require_order(valid_from: date | None, valid_until: date | None) -> None:
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise InvalidInputError(field=N_("Valid until"), reason=N_("This is before the first day."))


def _tidied(facts: DutyFacts) -> DutyFacts:
    if not 1 <= facts.every_months <= MOST_MONTHS:
        raise InvalidInputError(field=N_("Evaluated every (months)"), reason=N_("This is not between 1 and 120."))
    first = checked_day(facts.valid_from, field=N_("Valid from"))
    last = checked_day(facts.valid_until, field=N_("Valid until"))
    _require_order(first, last)
    return replace(
        facts,
        clause=one_line(facts.clause, field=N_("Clause"), limit=100, required=False),
        requirement=some_lines(facts.requirement, field=N_("Requirement"), limit=1000),
        met_by=some_lines(facts.met_by, field=N_("How it is met"), limit=1000, required=False),
        department=one_line(facts.department, field=N_("Department"), limit=200, required=False),
        first_on=checked_day(facts.first_on, field=N_("First evaluation by")),
    )
