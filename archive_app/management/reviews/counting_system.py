"""Figures of a management review from the rooms of the management system: compliance, duties, controlled documents,
changes. Each is of the organisation and of the period; what is overdue is so on the day of counting.
"""

from sqlalchemy import ColumnElement, Select, literal, select

from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.laws.kinds import IN_FORCE, NOT_COMPLYING
from archive_app.management.laws.lines import not_complied_on, overdue_on
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.laws.validity import obligations_in
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty
from archive_app.management.reviews.figures import Behind, Counted, Scope, review_figure

_CONTROLLED = Behind("controlled_document", Permission.CONTROLLED_READ, "controlled.document_page", "controlled_id")
_OCCURRENCE = Behind("occurrence", Permission.DUTIES_READ, "recurring.occurrence_page", "occurrence_id")
_EVALUATION = Behind("evaluation", Permission.LAWS_READ, "laws.evaluation_page", "evaluation_id")
_OBLIGATION = Behind("obligation", Permission.LAWS_READ, "laws.obligation_page", "obligation_id")
_NO_ENGAGEMENT = literal("")


# Compliance.


def _obligations(scope: Scope, clause: ColumnElement[bool]) -> Counted:
    return (
        select(Obligation.id, Obligation.requirement, _NO_ENGAGEMENT)
        .join(Law, Law.id == Obligation.law_id)
        .where(Law.organisation_id == scope.organisation_id, clause)
    )


@review_figure("obligations", N_("Compliance obligations in force"), inputs=("compliance",), behind=_OBLIGATION)
def _all_obligations(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _obligations(scope, obligations_in(IN_FORCE, scope.today))


@review_figure(
    "obligations_overdue",
    N_("Obligations whose evaluation is overdue"),
    inputs=("compliance",),
    behind=_OBLIGATION,
    grave=True,
)
def _overdue_obligations(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _obligations(scope, overdue_on(scope.today))


@review_figure(
    "obligations_not_met",
    N_("Obligations not complied with and not put right"),
    inputs=("compliance",),
    behind=_OBLIGATION,
    grave=True,
)
def _obligations_not_met(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _obligations(scope, not_complied_on(scope.today))


def _evaluations(scope: Scope, *results: str) -> Counted:
    evaluated = (
        select(Evaluation.id, Obligation.requirement, _NO_ENGAGEMENT)
        .join(Obligation, Obligation.id == Evaluation.obligation_id)
        .where(
            Evaluation.organisation_id == scope.organisation_id,
            Evaluation.withdrawn_at.is_(None),
            Evaluation.evaluated_on >= scope.first,
            Evaluation.evaluated_on <= scope.last,
        )
    )
    return evaluated.where(Evaluation.result.in_(results)) if results else evaluated


@review_figure("evaluations", N_("Compliance evaluations"), inputs=("compliance",), behind=_EVALUATION)
def _all_evaluations(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _evaluations(scope)


@review_figure(
    "evaluations_failed",
    N_("Evaluations: complied with in part or not at all"),
    inputs=("compliance",),
    behind=_EVALUATION,
    grave=True,
)
def _failed_evaluations(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _evaluations(scope, *sorted(NOT_COMPLYING))


# Duties.


def _occurrences(scope: Scope) -> Select[str, str, str]:
    return (
        select(Occurrence.id, OwnDuty.title, _NO_ENGAGEMENT)
        .join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        .where(
            Occurrence.organisation_id == scope.organisation_id,
            Occurrence.due_on >= scope.first,
            Occurrence.due_on <= scope.last,
        )
    )


def _done(uow: UnitOfWork, scope: Scope, *, late: bool) -> Counted:
    # A moment and a day are compared in the archive's zone, which no database knows; a year has some hundred of them.
    settled = (
        _occurrences(scope)
        .where(Occurrence.state == "done")
        .with_only_columns(Occurrence.id, Occurrence.due_on, Occurrence.settled_at)
    )
    zone = uow.archive.rules.zone
    fitting = [
        row[0]
        for row in uow.session.execute(settled)
        if row[2] is not None and (row[2].astimezone(zone).date() > row[1]) == late
    ]
    return _occurrences(scope).where(Occurrence.id.in_(fitting))


@review_figure("duties_on_time", N_("Duties done in time"), inputs=("action_plans", "performance"), behind=_OCCURRENCE)
def _duties_on_time(uow: UnitOfWork, scope: Scope) -> Counted:
    return _done(uow, scope, late=False)


@review_figure("duties_late", N_("Duties done late"), inputs=("action_plans", "performance"), behind=_OCCURRENCE)
def _duties_late(uow: UnitOfWork, scope: Scope) -> Counted:
    return _done(uow, scope, late=True)


@review_figure(
    "duties_overdue",
    N_("Duties overdue and not done"),
    inputs=("action_plans", "performance"),
    behind=_OCCURRENCE,
    grave=True,
)
def _duties_overdue(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _occurrences(scope).where(Occurrence.state == "open", Occurrence.due_on < scope.today)


# Controlled documents.


def _controlled(scope: Scope, *clauses: ColumnElement[bool]) -> Counted:
    return select(ControlledDocument.id, ControlledDocument.title, _NO_ENGAGEMENT).where(
        ControlledDocument.organisation_id == scope.organisation_id, *clauses
    )


def _took_effect(scope: Scope, *clauses: ColumnElement[bool]) -> ColumnElement[bool]:
    issued = select(Edition.id).where(
        Edition.controlled_document_id == ControlledDocument.id,
        Edition.issued_at.is_not(None),
        Edition.effective_on >= scope.first,
        Edition.effective_on <= scope.last,
        *clauses,
    )
    return issued.exists()


@review_figure(
    "documents_new", N_("Controlled documents issued for the first time"),
    inputs=("system_changes", "context_changes"), behind=_CONTROLLED,
)  # fmt: skip
def _documents_new(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _controlled(scope, _took_effect(scope, Edition.ordinal == 1))


@review_figure(
    "documents_revised", N_("Controlled documents revised"),
    inputs=("system_changes", "context_changes"), behind=_CONTROLLED,
)  # fmt: skip
def _documents_revised(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _controlled(scope, _took_effect(scope, Edition.ordinal > 1))


@review_figure(
    "documents_withdrawn", N_("Controlled documents withdrawn"),
    inputs=("system_changes", "context_changes"), behind=_CONTROLLED,
)  # fmt: skip
def _documents_withdrawn(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _controlled(
        scope, ControlledDocument.withdrawn_at >= scope.start, ControlledDocument.withdrawn_at < scope.end
    )


@review_figure(
    "documents_unreviewed", N_("Controlled documents whose review is overdue"),
    inputs=("system_changes", "context_changes"), behind=_CONTROLLED, grave=True,
)  # fmt: skip
def _documents_unreviewed(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _controlled(scope, ControlledDocument.state == "in_force", ControlledDocument.review_on < scope.today)


# Changes.


@review_figure(
    "changes", N_("Changes recorded"), inputs=("context_changes",), behind=Behind(permission=Permission.DUTIES_READ)
)
def _changes(_uow: UnitOfWork, scope: Scope) -> Counted:
    return select(Change.id, Change.description, _NO_ENGAGEMENT).where(
        Change.organisation_id == scope.organisation_id,
        Change.withdrawn_at.is_(None),
        Change.happened_on >= scope.first,
        Change.happened_on <= scope.last,
    )
