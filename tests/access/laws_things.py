"""A law of an organisation's register for the access matrix, with an obligation and an evaluation that failed."""

from datetime import timedelta

from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.laws.models import Evaluation, Law, Obligation
from tests.access.expectation import FOREIGN
from tests.access.things import MARKER, add_row

_MONTH = timedelta(days=30)


def law_row(uow: UnitOfWork, told: dict[str, str], place: str) -> dict[str, str]:
    """The three of them; the action that follows waits for whoever leads the engagement of the place."""
    words = MARKER if place == FOREIGN else ""
    organisation, person, now = told["organisation_id"], told["leader_id"], uow.now
    today = uow.archive.today()
    law = Law(
        id=uow.new_id(), organisation_id=organisation, title=f"{words}条例{place}", number="", issuer="",
        kind="regulation", ended_reason="", reviewed_on=today, review_on=today, provisional=False,
        withdrawn_reason="", recorded_by="system:test", recorded_at=now,
    )  # fmt: skip
    obligation = Obligation(
        id=uow.new_id(), organisation_id=organisation, law_id=law.id, clause="1", requirement=f"{words}保存",
        met_by="", department="", owner_id=person, ended_reason="", every_months=12, first_on=today + _MONTH,
        evaluate_on=today + _MONTH, provisional=False, withdrawn_reason="", recorded_by="system:test", recorded_at=now,
    )  # fmt: skip
    evaluation = Evaluation(
        id=uow.new_id(), organisation_id=organisation, obligation_id=obligation.id, evaluated_on=today, result="fails",
        grounds=f"{words}缺", without_evidence="x", action="补", action_owner_id=person, action_due_on=today + _MONTH,
        action_result="", action_returned="", effect="", withdrawn_reason="", evaluated_by="system:test",
        recorded_at=now,
    )  # fmt: skip
    for row in (law, obligation, evaluation):
        add_row(uow, row)
    obligation.last_evaluation_id = evaluation.id
    return {"law_id": law.id, "obligation_id": obligation.id, "evaluation_id": evaluation.id}
