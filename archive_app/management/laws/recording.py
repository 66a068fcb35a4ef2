"""Use cases of laws: record, correct and withdraw them; end them, and carry their obligations over to what came in
their place (S1 7.8 a; S2 5.2 a)."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.laws.kinds import KINDS
from archive_app.management.laws.models import Law, Obligation
from archive_app.management.laws.rules import (
    LawTakenError,
    changes,
    checked_day,
    law_subjects,
    lock_law,
    needed_day,
    own_organisation,
    reason_given,
    require_as_seen,
)
from archive_app.management.laws.waiting import keep_law_tasks, keep_obligation_tasks, plan_review
from archive_app.management.periods import MOST_MONTHS

LAW_RECORDED = event_type("law.recorded", N_("Law recorded"))
LAW_CORRECTED = event_type("law.corrected", N_("Law corrected"))
LAW_ENDED = event_type("law.ended", N_("End of a law recorded"))
LAW_END_TAKEN_BACK = event_type("law.end_taken_back", N_("End of a law taken back"))
LAW_WITHDRAWN = event_type("law.withdrawn", N_("Law withdrawn from the register"))
_CHOOSE = N_("Choose one from the list.")


@dataclass(frozen=True)
class LawFacts:
    """What is recorded of a law. `review_months` is how often somebody looks whether it is still so, None for never;
    `controlled_document_id` its text, a controlled document of the kind external, or None."""

    title: str
    kind: str
    number: str = ""
    issuer: str = ""
    published_on: date | None = None
    effective_on: date | None = None
    review_months: int | None = 12
    controlled_document_id: str | None = None


def facts_of(law: Law) -> LawFacts:
    """The facts as they are recorded."""
    return LawFacts(
        law.title,
        law.kind,
        law.number,
        law.issuer,
        law.published_on,
        law.effective_on,
        law.review_months,
        law.controlled_document_id,
    )


@use_case(Permission.LAWS_MANAGE)
def record_law(actor: Actor, uow: UnitOfWork, *, facts: LawFacts) -> Law:
    """Puts a law into the register of the actor's organisation.

    Raises: InvalidInputError, LawTakenError; NotFoundError for a text that the actor does not see.
    """
    return add_law(uow, own_organisation(uow), facts)


def add_law(uow: UnitOfWork, organisation_id: str, facts: LawFacts) -> Law:
    """The step of `record_law`."""
    facts = tidied(facts)
    _require_text(uow, organisation_id, facts)
    law = Law(
        id=uow.new_id(),
        organisation_id=organisation_id,
        reviewed_on=uow.archive.today(),
        provisional=False,
        ended_reason="",
        withdrawn_reason="",
        recorded_by=uow.actor.name,
        recorded_at=uow.now,
        **vars(facts),
    )
    uow.session.add(law)
    _flushed(uow, facts)
    plan_review(uow, law)
    keep_law_tasks(uow, law)
    uow.record(LAW_RECORDED, law_subjects(law), **_told(facts))
    return law


@use_case(Permission.LAWS_MANAGE)
def correct_law(actor: Actor, uow: UnitOfWork, *, law_id: str, facts: LawFacts, seen: str | None = None) -> Law:
    """Corrects what is recorded of a law; the log keeps what stood there. `seen` is `stamp_of` what the person saw.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError, LawTakenError; ConflictError when somebody else
    corrected it since.
    """
    law = lock_law(uow, law_id)
    before = facts_of(law)
    require_as_seen(before, seen)
    facts = tidied(facts)
    if facts.controlled_document_id != before.controlled_document_id:
        _require_text(uow, law.organisation_id, facts)
    _require_order(facts.effective_on, law.ended_on)
    for name, value in vars(facts).items():
        setattr(law, name, value)
    _flushed(uow, facts)
    plan_review(uow, law)
    _keep_all(uow, law)
    uow.record(LAW_CORRECTED, law_subjects(law), title=law.title, changes=changes(before, facts))
    return law


@use_case(Permission.LAWS_MANAGE)
def end_law(
    actor: Actor, uow: UnitOfWork, *, law_id: str, ended_on: date | None, reason: str, replaced_by_id: str = ""
) -> Law:
    """Records from which day on a law holds no more, and what came in its place. Its obligations end with it. Said
    again, it corrects what was said before.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law = lock_law(uow, law_id)
    day = needed_day(ended_on, field=N_("Holds no more from"))
    _require_order(law.effective_on, day)
    why = reason_given(reason)
    if replaced_by_id:
        _require_successor(uow, law, replaced_by_id)
    before = law.ended_on
    law.ended_on, law.ended_reason, law.replaced_by_id = day, why, replaced_by_id or None
    _keep_all(uow, law)
    others = {"replacement": replaced_by_id} if replaced_by_id else {}
    told = {"title": law.title, "ended_on": day.isoformat(), "before": before.isoformat() if before else None}
    uow.record(LAW_ENDED, law_subjects(law, **others), **told, reason=why)
    return law


@use_case(Permission.LAWS_MANAGE)
def take_back_end(actor: Actor, uow: UnitOfWork, *, law_id: str, reason: str) -> Law:
    """Takes back that a law ended, which was recorded wrongly: it and its obligations hold again.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law = lock_law(uow, law_id)
    why = reason_given(reason)
    if law.ended_on is None:
        raise InvalidInputError(field=N_("Holds no more from"), reason=N_("No end is recorded."))
    before = law.ended_on
    law.ended_on, law.ended_reason, law.replaced_by_id = None, "", None
    _keep_all(uow, law)
    uow.record(LAW_END_TAKEN_BACK, law_subjects(law), title=law.title, before=before.isoformat(), reason=why)
    return law


@use_case(Permission.LAWS_MANAGE)
def withdraw_law(actor: Actor, uow: UnitOfWork, *, law_id: str, reason: str) -> Law:
    """Takes a law out of the register that should never have been in it; it stays to be read, with the reason, and so
    do its obligations and their evaluations.

    Raises: NotFoundError, WithdrawnEntryError, InvalidInputError.
    """
    law = lock_law(uow, law_id)
    law.withdrawn_reason = reason_given(reason)
    law.withdrawn_at, law.withdrawn_by = uow.now, actor.name
    _keep_all(uow, law)
    uow.record(LAW_WITHDRAWN, law_subjects(law), title=law.title, reason=law.withdrawn_reason)
    return law


def tidied(facts: LawFacts) -> LawFacts:
    """The facts as they are kept. Raises: InvalidInputError."""
    if facts.kind not in KINDS:
        raise InvalidInputError(field=N_("Kind"), reason=_CHOOSE)
    if facts.review_months is not None and not 1 <= facts.review_months <= MOST_MONTHS:
        raise InvalidInputError(field=N_("Looked at every (months)"), reason=N_("This is not between 1 and 120."))
    published = checked_day(facts.published_on, field=N_("Published on"))
    effective = checked_day(facts.effective_on, field=N_("In force from"))
    return replace(
        facts,
        title=one_line(facts.title, field=N_("Title"), limit=300),
        number=one_line(facts.number, field=N_("Number"), limit=100, required=False),
        issuer=one_line(facts.issuer, field=N_("Issuing authority"), limit=200, required=False),
        published_on=published,
        effective_on=effective,
        controlled_document_id=facts.controlled_document_id or None,
    )


def _require_order(effective_on: date | None, ended_on: date | None) -> None:
    if effective_on is not None and ended_on is not None and ended_on < effective_on:
        raise InvalidInputError(
            field=N_("Holds no more from"), reason=N_("This is before the day on which it came into force.")
        )


def _require_successor(uow: UnitOfWork, law: Law, successor_id: str) -> None:
    """What comes in place of a law is another living one of the register, and not what it replaced itself."""
    uow.require("law", successor_id)
    step: str | None = successor_id
    passed: set[str] = set()
    # Two who end two laws at once, each by the other, could close a ring: it is walked through once and no further.
    while step is not None and step not in passed:
        passed.add(step)
        found = uow.session.get_one(Law, step)
        if found.id == law.id:
            raise InvalidInputError(field=N_("Replaced by"), reason=N_("This is the law itself, or one it replaced."))
        step = found.replaced_by_id
    successor = uow.session.get_one(Law, successor_id)
    if successor.organisation_id != law.organisation_id:
        raise NotFoundError
    if successor.withdrawn_at is not None:
        raise InvalidInputError(field=N_("Replaced by"), reason=N_("This entry is withdrawn."))


def _require_text(uow: UnitOfWork, organisation_id: str, facts: LawFacts) -> None:
    if facts.controlled_document_id is None:
        return
    uow.require("controlled_document", facts.controlled_document_id)
    text = uow.session.get_one(ControlledDocument, facts.controlled_document_id)
    if text.organisation_id != organisation_id:
        raise NotFoundError
    if text.kind != "external":
        raise InvalidInputError(field=N_("Text of the law"), reason=N_("This is no external document."))


def _flushed(uow: UnitOfWork, facts: LawFacts) -> None:
    try:
        uow.session.flush()
    except IntegrityError as error:
        # Of two who record the same law at once, the database lets one through.
        raise LawTakenError(title=facts.title) from error


def _keep_all(uow: UnitOfWork, law: Law) -> None:
    uow.session.flush()
    keep_law_tasks(uow, law)
    of_law = select(Obligation).where(Obligation.law_id == law.id, Obligation.withdrawn_at.is_(None))
    for obligation in uow.session.scalars(of_law.order_by(Obligation.id)).all():
        keep_obligation_tasks(uow, obligation)


def _told(facts: LawFacts) -> dict[str, Any]:
    told = {name: value.isoformat() if isinstance(value, date) else value for name, value in vars(facts).items()}
    return {"law_kind" if name == "kind" else name: value for name, value in told.items()}
