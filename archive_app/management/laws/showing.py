"""The legal register as lists and pages show it: which law leads to which obligation, and what shows that it is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.laws.kinds import COMING, ENDED, IN_FORCE, KINDS, STATES, WITHDRAWN
from archive_app.management.laws.lines import (
    EvaluationLine,
    ObligationLine,
    evaluation_lines,
    not_complied_on,
    obligation_lines,
    overdue_on,
    people_of,
)
from archive_app.management.laws.models import Evaluation, EvaluationRecord, Law, LawReview, Obligation
from archive_app.management.laws.obliging import duty_of
from archive_app.management.laws.recording import facts_of
from archive_app.management.laws.rules import stamp_of
from archive_app.management.laws.validity import law_state, laws_in, obligations_in
from archive_app.management.laws.waiting import AHEAD, due_for_review

_TEXT_LIMIT = 200


@dataclass(frozen=True)
class RegisterFilters:
    """What the register is narrowed to; empty fields narrow nothing. `state` and `kind` are those of the law (of the
    obligation in the list of obligations); `owner` is the identifier of a person."""

    text: str = ""
    kind: str = ""
    state: str = ""
    owner: str = ""
    overdue: bool = False
    not_complied: bool = False


@dataclass(frozen=True)
class LawLine:
    """A law as the register lists it, with how many obligations in force it leads to."""

    law: Law
    state: str
    obligations: int
    overdue: int
    not_complied: int


@dataclass(frozen=True)
class LawPage:
    """A law with everything that follows from it, one obligation a link of the chain. `text` is the controlled document
    that holds its words, where the actor sees it; `carried` are obligations that go on under another law."""

    law: Law
    state: str
    seen: str
    text: ControlledDocument | None
    replaced_by: Law | None
    replaces: Sequence[Law]
    chain: Sequence[ObligationLine]
    carried: frozenset[str]
    reviews: Sequence[tuple[LawReview, str]]
    recorded_by: str
    review_due: bool


@dataclass(frozen=True)
class ObligationPage:
    """An obligation with all its evaluations, newest first."""

    line: ObligationLine
    seen: str
    evaluations: Sequence[EvaluationLine]
    carried_from: ObligationLine | None
    carried_to: ObligationLine | None


@query(Permission.LAWS_READ)
def list_laws(
    actor: Actor, uow: UnitOfWork, *, filters: RegisterFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[LawLine]:
    """The register, by title. Withdrawn entries show where they are asked for. Raises: InvalidInputError."""
    today = uow.archive.today()
    clauses = _law_clauses(filters, today)
    wanted = _wanted(filters, today)
    if wanted:
        of_law = select(Obligation.id).where(Obligation.law_id == Law.id, *wanted)
        clauses.append(of_law.correlate(Law).exists())
    statement = select(Law).where(uow.visible("law"), *clauses)
    page = fetch_page(uow.session, statement, [Law.title, Law.id], after=after, limit=limit)
    laws = [row[0] for row in page.items]
    counts = _counts(uow, laws, today)
    return Page([LawLine(law, law_state(law, today), *counts.get(law.id, (0, 0, 0))) for law in laws], page.next_key)


@query(Permission.LAWS_READ)
def list_obligations(
    actor: Actor, uow: UnitOfWork, *, filters: RegisterFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[ObligationLine]:
    """Obligations by the day of their next evaluation; those that ended or were withdrawn show where they are asked
    for. Raises: InvalidInputError."""
    today = uow.archive.today()
    _require_known(filters)
    shown = obligations_in(filters.state, today) if filters.state else _living(today)
    clauses = [shown, *_wanted(filters, today)]
    if filters.kind:
        clauses.append(Law.kind == filters.kind)
    if text := _text(filters):
        clauses.append(or_(*_like(text, Law.title, Law.number, *_WORDS)))
    statement = select(Obligation, Law).join(Law, Law.id == Obligation.law_id)
    statement = statement.where(uow.visible("obligation"), *clauses)
    order = [Obligation.evaluate_on, Obligation.id]
    page = fetch_page(uow.session, statement, order, after=after, limit=limit)
    return Page(obligation_lines(uow, [(row[0], row[1]) for row in page.items]), page.next_key)


@query(Permission.LAWS_READ)
def view_law(actor: Actor, uow: UnitOfWork, *, law_id: str) -> LawPage:
    """One law as a chain. Raises: NotFoundError."""
    uow.require("law", law_id)
    law = uow.session.get_one(Law, law_id)
    of_law = select(Obligation).where(Obligation.law_id == law.id, uow.visible("obligation")).order_by(Obligation.id)
    obligations = uow.session.scalars(of_law).all()
    ids = [one.id for one in obligations]
    gone_on = select(Obligation.carried_from_id).where(
        Obligation.carried_from_id.in_(ids), Obligation.withdrawn_at.is_(None)
    )
    reviews = uow.session.scalars(select(LawReview).where(LawReview.law_id == law.id).order_by(LawReview.id.desc()))
    looks = list(reviews.fetchmany(50))
    names = people_of(uow, [law.recorded_by, *(look.reviewed_by for look in looks)])
    older = select(Law).where(Law.replaced_by_id == law.id, Law.withdrawn_at.is_(None)).order_by(Law.title, Law.id)
    today = uow.archive.today()
    state = law_state(law, today)
    due = law.review_on is not None and law.review_on <= today + AHEAD and state not in (ENDED, WITHDRAWN)
    return LawPage(
        law=law,
        state=state,
        seen=stamp_of(facts_of(law)),
        text=_text_of(uow, law),
        replaced_by=uow.session.get(Law, law.replaced_by_id) if law.replaced_by_id else None,
        replaces=uow.session.scalars(older).all(),
        chain=obligation_lines(uow, [(one, law) for one in obligations]),
        carried=frozenset(filter(None, uow.session.scalars(gone_on))),
        reviews=[(look, names[look.reviewed_by].display_name if look.reviewed_by in names else "") for look in looks],
        recorded_by=names[law.recorded_by].display_name if law.recorded_by in names else "",
        review_due=due,
    )


@query(Permission.LAWS_READ)
def view_obligation(actor: Actor, uow: UnitOfWork, *, obligation_id: str) -> ObligationPage:
    """One obligation with the history of its evaluations. Raises: NotFoundError."""
    uow.require("obligation", obligation_id)
    obligation = uow.session.get_one(Obligation, obligation_id)
    history = select(Evaluation).where(Evaluation.obligation_id == obligation.id, uow.visible("evaluation"))
    rows = uow.session.scalars(history.order_by(Evaluation.evaluated_on.desc(), Evaluation.id.desc())).all()
    [line] = obligation_lines(uow, [(obligation, uow.session.get_one(Law, obligation.law_id))])
    later = select(Obligation).where(Obligation.carried_from_id == obligation.id, Obligation.withdrawn_at.is_(None))
    newer = uow.session.scalars(later.order_by(Obligation.id).limit(1)).first()
    older = uow.session.get(Obligation, obligation.carried_from_id) if obligation.carried_from_id else None
    return ObligationPage(
        line=line,
        seen=stamp_of(duty_of(obligation)),
        evaluations=evaluation_lines(uow, rows),
        carried_from=_other(uow, older),
        carried_to=_other(uow, newer),
    )


@query(Permission.LAWS_READ)
def find_evaluation(actor: Actor, uow: UnitOfWork, *, evaluation_id: str) -> Evaluation:
    """An evaluation, for who comes from a task. Raises: NotFoundError."""
    uow.require("evaluation", evaluation_id)
    return uow.session.get_one(Evaluation, evaluation_id)


@query(Permission.LAWS_READ)
def evaluations_panel(actor: Actor, uow: UnitOfWork, *, document_id: str) -> Sequence[ObligationLine] | None:
    """What the page of a document shows: the evaluations that rest on it, of the actor's own register; None where there
    are none. The last evaluation of each line is the one that rests on it. Raises: NotFoundError."""
    uow.require("document", document_id)
    resting = (
        select(Evaluation)
        .join(EvaluationRecord, EvaluationRecord.evaluation_id == Evaluation.id)
        .where(EvaluationRecord.document_id == document_id, Evaluation.withdrawn_at.is_(None))
        .where(uow.visible("evaluation"))
        .order_by(Evaluation.evaluated_on.desc(), Evaluation.id.desc())
        .limit(PAGE_SIZE)
    )
    lines = []
    for found in evaluation_lines(uow, uow.session.scalars(resting).all()):
        obligation = uow.session.get_one(Obligation, found.evaluation.obligation_id)
        [line] = obligation_lines(uow, [(obligation, uow.session.get_one(Law, obligation.law_id))])
        lines.append(
            ObligationLine(obligation, line.law, line.standing, line.owner, line.owner_left, found, line.overdue)
        )
    return lines or None


@query(Permission.LAWS_MANAGE)
def laws_to_review(actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE) -> Page[LawLine]:
    """What somebody has to look at within the next weeks, the oldest first."""
    today = uow.archive.today()
    statement = select(Law).where(uow.visible("law"), *due_for_review(today, AHEAD))
    page = fetch_page(uow.session, statement, [Law.review_on, Law.id], after=after, limit=limit)
    laws = [row[0] for row in page.items]
    counts = _counts(uow, laws, today)
    return Page([LawLine(law, law_state(law, today), *counts.get(law.id, (0, 0, 0))) for law in laws], page.next_key)


def _other(uow: UnitOfWork, obligation: Obligation | None) -> ObligationLine | None:
    if obligation is None or obligation.organisation_id != uow.actor.organisation_id:
        return None
    [line] = obligation_lines(uow, [(obligation, uow.session.get_one(Law, obligation.law_id))])
    return line


def _text_of(uow: UnitOfWork, law: Law) -> ControlledDocument | None:
    shown = select(ControlledDocument).where(
        ControlledDocument.id == law.controlled_document_id, uow.visible("controlled_document")
    )
    return uow.session.scalars(shown).first()


def _law_clauses(filters: RegisterFilters, today: date) -> list[ColumnElement[bool]]:
    _require_known(filters)
    clauses = [laws_in(filters.state, today) if filters.state else Law.withdrawn_at.is_(None)]
    if filters.kind:
        clauses.append(Law.kind == filters.kind)
    if text := _text(filters):
        within = select(Obligation.id).where(
            Obligation.law_id == Law.id, Obligation.withdrawn_at.is_(None), or_(*_like(text, *_WORDS))
        )
        clauses.append(or_(*_like(text, Law.title, Law.number, Law.issuer), within.correlate(Law).exists()))
    return clauses


def _wanted(filters: RegisterFilters, today: date) -> list[ColumnElement[bool]]:
    """What an obligation has to be like."""
    clauses: list[ColumnElement[bool]] = []
    if filters.owner:
        clauses += [Obligation.owner_id == filters.owner.replace("\0", ""), _living(today)]
    if filters.overdue:
        clauses.append(overdue_on(today))
    if filters.not_complied:
        clauses.append(not_complied_on(today))
    return clauses


def _living(today: date) -> ColumnElement[bool]:
    return or_(obligations_in(IN_FORCE, today), obligations_in(COMING, today))


_WORDS: tuple[Any, ...] = (Obligation.clause, Obligation.requirement, Obligation.met_by, Obligation.department)


def _like(text: str, *columns: Any) -> list[ColumnElement[bool]]:
    return [column.contains(text, autoescape=True) for column in columns]


def _text(filters: RegisterFilters) -> str:
    return filters.text.replace("\0", "").strip()[:_TEXT_LIMIT]


def _require_known(filters: RegisterFilters) -> None:
    for value, known, field in ((filters.kind, KINDS, N_("Kind")), (filters.state, STATES, N_("State"))):
        if value and value not in known:
            raise InvalidInputError(field=field, reason=N_("Choose one from the list."))


def _counts(uow: UnitOfWork, laws: Sequence[Law], today: date) -> Mapping[str, tuple[int, int, int]]:
    counted = (
        select(
            Obligation.law_id,
            func.count(),
            func.sum(case((overdue_on(today), 1), else_=0)),
            func.sum(case((not_complied_on(today), 1), else_=0)),
        )
        .join(Law, Law.id == Obligation.law_id)
        .where(Obligation.law_id.in_([law.id for law in laws]), obligations_in(IN_FORCE, today))
        .group_by(Obligation.law_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in uow.session.execute(counted)}
