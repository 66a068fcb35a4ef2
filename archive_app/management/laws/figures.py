"""How an organisation stands with its obligations, in figures: for the register and for the management review."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.laws.kinds import COMING, IN_FORCE, RESULTS
from archive_app.management.laws.lines import not_complied_on, overdue_on
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.laws.rules import own_organisation
from archive_app.management.laws.validity import laws_in, obligations_in

NEVER = "never"
"""The share of obligations in force that nobody evaluated yet."""


@dataclass(frozen=True)
class ComplianceFigures:
    """Counts of one organisation. As of today: laws in force and coming, obligations in force, how many of them are
    overdue for their evaluation and how many were not complied with and are not put right; `last` how many had which
    result when last evaluated (`kinds.RESULTS`, and `NEVER`). Of the period, both days included: how many evaluations
    were made, with which `results`, and how many actions came of them, of which `actions_open` are not confirmed."""

    laws: int
    laws_coming: int
    obligations: int
    overdue: int
    not_complied: int
    last: Mapping[str, int]
    evaluations: int
    results: Mapping[str, int]
    actions: int
    actions_open: int


def compliance_figures(uow: UnitOfWork, organisation_id: str, period: tuple[date, date]) -> ComplianceFigures:
    """A step: the figures, whoever asks for them; `period` is its first and its last day."""
    today = uow.archive.today()
    own = Law.organisation_id == organisation_id
    laws = select(func.count()).select_from(Law).where(own)
    in_force = select(Obligation).join(Law, Law.id == Obligation.law_id).where(own, obligations_in(IN_FORCE, today))
    overdue, not_complied = (
        func.coalesce(func.sum(case((clause, 1), else_=0)), 0) for clause in (overdue_on(today), not_complied_on(today))
    )
    counted = uow.session.execute(in_force.with_only_columns(func.count(), overdue, not_complied)).one()
    evaluated = in_force.outerjoin(Evaluation, Evaluation.id == Obligation.last_evaluation_id)
    by_result = evaluated.with_only_columns(Evaluation.result, func.count()).group_by(Evaluation.result)
    last = {row[0] or NEVER: row[1] for row in uow.session.execute(by_result)}
    made = _made(uow, organisation_id, period)
    return ComplianceFigures(
        laws=uow.session.scalar(laws.where(laws_in(IN_FORCE, today))) or 0,
        laws_coming=uow.session.scalar(laws.where(laws_in(COMING, today))) or 0,
        obligations=counted[0],
        overdue=counted[1],
        not_complied=counted[2],
        last={code: last.get(code, 0) for code in (*RESULTS, NEVER)},
        evaluations=sum(count for count, _, _ in made.values()),
        results={code: made[code][0] if code in made else 0 for code in RESULTS},
        actions=sum(actions for _, actions, _ in made.values()),
        actions_open=sum(waiting for _, _, waiting in made.values()),
    )


@query(Permission.LAWS_READ)
def view_figures(actor: Actor, uow: UnitOfWork) -> ComplianceFigures:
    """The figures of the actor's organisation, of this year so far. Raises: NotFoundError."""
    today = uow.archive.today()
    return compliance_figures(uow, own_organisation(uow), (date(today.year, 1, 1), today))


def _made(uow: UnitOfWork, organisation_id: str, period: tuple[date, date]) -> dict[str, tuple[int, int, int]]:
    has_action = Evaluation.action != ""
    waiting = has_action & Evaluation.confirmed_at.is_(None)
    of_period = (
        select(
            Evaluation.result,
            func.count(),
            func.sum(case((has_action, 1), else_=0)),
            func.sum(case((waiting, 1), else_=0)),
        )
        .where(Evaluation.organisation_id == organisation_id, Evaluation.withdrawn_at.is_(None))
        .where(Evaluation.evaluated_on.between(*period))
        .group_by(Evaluation.result)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in uow.session.execute(of_period)}
