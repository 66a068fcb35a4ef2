"""Obligations as pages, papers and tables show them: with their owner, their last evaluation and what it rests on.

Of documents only those show that the actor may see; that there are others is said, and nothing of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, select

from archive_app.documents.models import Document
from archive_app.documents.policy import names_hidden
from archive_app.identity.models import Person
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.laws.acting import WAITING, action_state
from archive_app.management.laws.kinds import IN_FORCE, NOT_COMPLYING
from archive_app.management.laws.models import Evaluation, EvaluationRecord, Law, Obligation
from archive_app.management.laws.validity import Standing, obligation_standing, obligations_in


@dataclass(frozen=True)
class Shown:
    """A document that an evaluation rests on."""

    document_id: str
    title: str


@dataclass(frozen=True)
class EvaluationLine:
    """An evaluation with names in words; `hidden` when it rests on documents that the actor does not see. `action` is
    where its action is, `action_overdue` that it is not done in time."""

    evaluation: Evaluation
    evaluated_by: str
    action_owner: str
    action_done_by: str
    confirmed_by: str
    evidence: Sequence[Shown]
    hidden: bool
    action: str
    action_overdue: bool
    by_owner: bool


@dataclass(frozen=True)
class ObligationLine:
    """An obligation with its law, its owner and its last evaluation. `overdue` when it holds and should have been
    evaluated before today."""

    obligation: Obligation
    law: Law
    standing: Standing
    owner: str
    owner_left: bool
    last: EvaluationLine | None
    overdue: bool


def overdue_on(today: date) -> ColumnElement[bool]:
    """The clause for obligations that should have been evaluated, in a statement that joins their laws."""
    return and_(obligations_in(IN_FORCE, today), Obligation.evaluate_on < today)


def not_complied_on(today: date) -> ColumnElement[bool]:
    """The clause for obligations in force that were not complied with when last evaluated, and whose action nobody
    confirmed to be effective; in a statement that joins their laws."""
    last = select(Evaluation.id).where(
        Evaluation.id == Obligation.last_evaluation_id,
        Evaluation.result.in_(NOT_COMPLYING),
        Evaluation.confirmed_at.is_(None),
    )
    return and_(obligations_in(IN_FORCE, today), last.correlate(Obligation).exists())


def obligation_lines(uow: UnitOfWork, pairs: Sequence[tuple[Obligation, Law]]) -> list[ObligationLine]:
    """A step: the obligations as they stand today."""
    today = uow.archive.today()
    lasts = [one.last_evaluation_id for one, _ in pairs if one.last_evaluation_id]
    rows = uow.session.scalars(select(Evaluation).where(Evaluation.id.in_(lasts))).all()
    found = {line.evaluation.obligation_id: line for line in evaluation_lines(uow, rows)}
    owners = people_of(uow, [one.owner_id for one, _ in pairs])
    lines = []
    for obligation, law in pairs:
        standing, owner = obligation_standing(obligation, law, today), owners[obligation.owner_id]
        overdue = standing.holds and obligation.evaluate_on < today
        last = found.get(obligation.id)
        lines.append(ObligationLine(obligation, law, standing, owner.display_name, not owner.active, last, overdue))
    return lines


def evaluation_lines(uow: UnitOfWork, rows: Sequence[Evaluation]) -> list[EvaluationLine]:
    """A step: evaluations with what they rest on, as far as the actor sees it."""
    ids = [row.id for row in rows]
    evidence: dict[str, list[Shown]] = {}
    beside = (
        select(EvaluationRecord.evaluation_id, Document.id, Document.title)
        .join(Document, Document.id == EvaluationRecord.document_id)
        .where(EvaluationRecord.evaluation_id.in_(ids), uow.visible("document"))
        .order_by(Document.id)
    )
    for evaluation_id, document_id, title in uow.session.execute(beside):
        evidence.setdefault(evaluation_id, []).append(Shown(document_id, title))
    unseen = names_hidden(uow.archive.policy, uow.actor, EvaluationRecord.document_id)
    hidden = set(
        uow.session.scalars(
            select(EvaluationRecord.evaluation_id).where(EvaluationRecord.evaluation_id.in_(ids), unseen)
        )
    )
    told = {name for row in rows for name in _named(row) if name}
    people, owners, today = people_of(uow, told), _owners(uow, rows), uow.archive.today()
    lines = []
    for row in rows:
        by, responsible, doer, confirmer = (people[one].display_name if one in people else "" for one in _named(row))
        state, own = action_state(row), row.evaluated_by == owners.get(row.obligation_id)
        overdue = state == WAITING and row.action_due_on is not None and row.action_due_on < today
        resting = evidence.get(row.id, ())
        lines.append(
            EvaluationLine(row, by, responsible, doer, confirmer, resting, row.id in hidden, state, overdue, own)
        )
    return lines


def people_of(uow: UnitOfWork, ids: Collection[str]) -> Mapping[str, Person]:
    """A step: people by identifier."""
    return {one.id: one for one in uow.session.scalars(select(Person).where(Person.id.in_(sorted(set(ids)))))}


def _named(row: Evaluation) -> tuple[str, str, str, str]:
    return row.evaluated_by, row.action_owner_id or "", row.action_done_by or "", row.confirmed_by or ""


def _owners(uow: UnitOfWork, rows: Sequence[Evaluation]) -> Mapping[str, str]:
    ids = sorted({row.obligation_id for row in rows})
    found = uow.session.execute(select(Obligation.id, Obligation.owner_id).where(Obligation.id.in_(ids)))
    return {row[0]: row[1] for row in found}
