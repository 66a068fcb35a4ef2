"""Figures of a management review from its own decisions and from the rooms of engagements: records, nonconformities,
case files. Each is of the organisation's own engagements and of the period; what is open or overdue is so on the last
day of the period as far as rows tell of it, and otherwise on the day of counting.
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, literal, or_, select

from archive_app.casework.models import Nonconformity, Record
from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.filing.models import Submission
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.figures import Behind, Counted, Scope, review_figure
from archive_app.management.reviews.models import ManagementReview, ReviewDecision

_DECISION = Behind("review_decision", endpoint="review_decisions.decision_page", argument="decision_id")
_NONCONFORMITY = Behind(
    "nonconformity", Permission.ENGAGEMENTS_READ, "nonconformities.nonconformity_page", "nonconformity_id", True
)
_DOCUMENT = Behind("document", Permission.DOCUMENTS_READ, "documents.document_page", "document_id")
_ENGAGEMENT = Behind("engagement", Permission.ENGAGEMENTS_READ, "documents.engagement_page", "engagement_id")
_NO_ENGAGEMENT = literal("")


# What earlier reviews decided.


def _decisions(scope: Scope, *clauses: ColumnElement[bool]) -> Counted:
    held = select(ManagementReview.id).where(
        ManagementReview.id == ReviewDecision.review_id, ManagementReview.state == "held"
    )
    return select(ReviewDecision.id, ReviewDecision.words, _NO_ENGAGEMENT).where(
        ReviewDecision.organisation_id == scope.organisation_id, held.exists(), *clauses
    )


@review_figure("decisions_done", N_("Decisions done in the period"), inputs=("previous_actions",), behind=_DECISION)
def _decisions_done(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _decisions(scope, ReviewDecision.done_at >= scope.start, ReviewDecision.done_at < scope.end)


@review_figure("decisions_open", N_("Decisions still open"), inputs=("previous_actions",), behind=_DECISION)
def _decisions_open(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _decisions(scope, ReviewDecision.done_at.is_(None))


@review_figure("decisions_overdue", N_("Of these, overdue"), inputs=("previous_actions",), behind=_DECISION, grave=True)
def _decisions_overdue(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _decisions(scope, ReviewDecision.done_at.is_(None), ReviewDecision.due_on < scope.today)


# Nonconformities.


def _nonconformities(scope: Scope, *clauses: ColumnElement[bool]) -> Counted:
    return (
        select(Nonconformity.id, Nonconformity.statement, Nonconformity.engagement_id)
        .join(Engagement, Engagement.id == Nonconformity.engagement_id)
        .where(Engagement.organisation_id == scope.organisation_id, Nonconformity.state != "withdrawn", *clauses)
    )


@review_figure(
    "nonconformities_raised", N_("Nonconformities raised"), inputs=("nonconformities",), behind=_NONCONFORMITY
)
def _raised(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _nonconformities(scope, Nonconformity.raised_at >= scope.start, Nonconformity.raised_at < scope.end)


@review_figure("corrections_confirmed", N_("Corrections confirmed"), inputs=("nonconformities",), behind=_NONCONFORMITY)
def _confirmed(_uow: UnitOfWork, scope: Scope) -> Counted:
    return _nonconformities(
        scope,
        Nonconformity.state == "confirmed",
        Nonconformity.closed_at >= scope.start,
        Nonconformity.closed_at < scope.end,
    )


@review_figure(
    "nonconformities_open",
    N_("Nonconformities open at the end of the period"),
    inputs=("nonconformities",),
    behind=_NONCONFORMITY,
    grave=True,
)
def _open(_uow: UnitOfWork, scope: Scope) -> Counted:
    still_open = or_(Nonconformity.closed_at.is_(None), Nonconformity.closed_at >= scope.end)
    return _nonconformities(scope, Nonconformity.raised_at < scope.end, still_open)


# Records that were filed, by their type.


def _records(*types: str) -> Callable[[UnitOfWork, Scope], Counted]:
    def counts(_uow: UnitOfWork, scope: Scope) -> Counted:
        return (
            select(Document.id, Document.title, Document.engagement_id)
            .join(Record, Record.document_id == Document.id)
            .join(Engagement, Engagement.id == Document.engagement_id)
            .where(
                Engagement.organisation_id == scope.organisation_id,
                Document.withdrawn_at.is_(None),
                Document.created_at >= scope.start,
                Document.created_at < scope.end,
                Record.type.in_(types),
                Record.state == "accepted",
            )
        )

    return counts


for _code, _words, _inputs, _types in (
    ("monitoring_records", N_("Monitoring records filed"), ("monitoring",), ("monitoring_record",)),
    ("calibrations", N_("Calibration certificates filed"), ("monitoring",), ("calibration_certificate",)),
    ("audit_reports", N_("Internal audit reports filed"), ("audits",), ("internal_audit_report",)),
    ("audit_plans", N_("Internal audit programmes filed"), ("audits",), ("internal_audit_plan",)),
    (
        "performance_records",
        N_("Evaluations of what was reached"),
        ("targets", "performance"),
        ("action_evaluation", "performance_parameters"),
    ),
    ("trainings", N_("Training records filed"), ("resources", "performance"), ("training_record",)),
    (
        "feedback",
        N_("Feedback of interested parties filed"),
        ("stakeholder_communication", "stakeholder_needs"),
        ("satisfaction_survey", "communication_record"),
    ),
):
    review_figure(_code, _words, inputs=_inputs, behind=_DOCUMENT)(_records(*_types))


# Files of engagements.


@review_figure("files_sealed", N_("Case files accepted and sealed"), inputs=("performance",), behind=_ENGAGEMENT)
def _files_sealed(_uow: UnitOfWork, scope: Scope) -> Counted:
    return select(Engagement.id, Engagement.title, Engagement.id).where(
        Engagement.organisation_id == scope.organisation_id,
        Engagement.sealed_at >= scope.start,
        Engagement.sealed_at < scope.end,
    )


@review_figure("files_returned", N_("Case files returned for correction"), inputs=("performance",), behind=_ENGAGEMENT)
def _files_returned(_uow: UnitOfWork, scope: Scope) -> Counted:
    returned = select(Submission.id).where(
        and_(
            Submission.engagement_id == Engagement.id,
            Submission.state == "returned",
            Submission.decided_at >= scope.start,
            Submission.decided_at < scope.end,
        )
    )
    return select(Engagement.id, Engagement.title, Engagement.id).where(
        Engagement.organisation_id == scope.organisation_id, returned.exists()
    )
