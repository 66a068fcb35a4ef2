"""A management review of each organisation of the matrix: cancelled, so that nothing is done with it whoever asks."""

from datetime import date

from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.models import ManagementReview, ReviewAttendance, ReviewDecision, ReviewInput
from tests.access.expectation import FOREIGN
from tests.access.things import MARKER, add_row

_DAY = date(2026, 11, 20)


def review_row(uow: UnitOfWork, told: dict[str, str], place: str) -> dict[str, str]:
    """A cancelled review with a point, somebody who was to take part, and a decision."""
    words = MARKER if place == FOREIGN else ""
    organisation, leader, now = told["organisation_id"], told["leader_id"], uow.now
    ordinal = {"own": 1, "other": 2}.get(place, 1)
    review = ManagementReview(
        id=uow.new_id(), organisation_id=organisation, year=2026, ordinal=ordinal, title=f"{words}管理评审", on=_DAY,
        place="", period_from=date(2025, 11, 1), period_to=date(2026, 10, 31), reviewer_id=leader, state="cancelled",
        suitability="", adequacy="", effectiveness="", cancelled_at=now, cancelled_by="system:test", reason="x",
        created_by="system:test", created_at=now,
    )  # fmt: skip
    add_row(uow, review)
    attendance = ReviewAttendance(id=uow.new_id(), review_id=review.id, name=f"{words}王工", function="")
    decision = ReviewDecision(
        id=uow.new_id(), organisation_id=organisation, review_id=review.id, code="policy_decisions",
        words=f"{words}修订方针", owner_id=leader, due_on=_DAY, result="",
    )  # fmt: skip
    add_row(uow, ReviewInput(review_id=review.id, code="audits", figures="{}", words=words))
    add_row(uow, attendance)
    add_row(uow, decision)
    return {
        "management_review_id": review.id,
        "attendance_id": attendance.id,
        "decision_id": decision.id,
        "point": "audits",
        "output": "policy_decisions",
        "figure": "audit_reports",
        "occurrence_id": told.get("occurrence_id", review.id),
    }
