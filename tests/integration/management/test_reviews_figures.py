"""Figures of management reviews: of the organisation and the period, with the list behind each of them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from archive_app.casework.models import Nonconformity
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    InvalidInputError,
    NotFoundError,
)
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty
from archive_app.management.reviews.agenda import agenda
from archive_app.management.reviews.figures import FIGURES
from archive_app.management.reviews.filling import fill_figures, say
from archive_app.management.reviews.planning import (
    change_plan,
)
from archive_app.management.reviews.showing import rows_behind, view_review
from tests.cases import add_record
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of
from tests.management_reviews import TODAY, ReviewHouse, figures_in, review_house

_TESTER = Actor.system("test")


@pytest.fixture
def house(people: People) -> ReviewHouse:
    return review_house(people)


@both_databases
def test_figures_are_of_the_organisation_and_the_period_and_keep_the_words(
    house: ReviewHouse, archive: Archive, clock: SetClock
) -> None:
    neighbour = review_house(house.people, "邻厂")
    start = clock.instant
    for each in (house, neighbour):
        _put_rows(each, clock)
    clock.instant = start
    review = house.planned()
    say(house.preparer, review_id=review, code="nonconformities", words="均已整改\n第二行")
    fill_figures(house.preparer, review_id=review)
    told = figures_in(house, review)
    assert told == {
        "decisions_done": 0, "decisions_open": 0, "decisions_overdue": 0,
        "nonconformities_raised": 2, "corrections_confirmed": 1, "nonconformities_open": 2,
        "monitoring_records": 1, "calibrations": 0, "audit_reports": 1, "audit_plans": 0, "performance_records": 0,
        "trainings": 1, "feedback": 0, "obligations": 1, "obligations_overdue": 1,
        "obligations_not_met": 1, "evaluations": 1, "evaluations_failed": 1,
        "duties_on_time": 1, "duties_late": 1, "duties_overdue": 1,
        "documents_new": 0, "documents_revised": 0, "documents_withdrawn": 1, "documents_unreviewed": 1,
        "changes": 1, "files_sealed": 1, "files_returned": 0,
    }  # fmt: skip
    assert set(told) <= set(FIGURES)
    point = next(one for one in view_review(house.top, review_id=review).inputs if one.code == "nonconformities")
    assert (point.words, point.filled_at, point.said_by) == ("均已整改\n第二行", clock.instant, "沈洁")
    # The list behind shows as many rows, to who may see them; another organisation sees nothing at all.
    for code, number in told.items():
        behind = rows_behind(house.other("archivist"), review_id=review, figure=code)
        assert (behind.number, len(behind.page.items)) == (number, number), code
        with pytest.raises(NotFoundError):
            rows_behind(neighbour.preparer, review_id=review, figure=code)
    with pytest.raises(InvalidInputError):
        rows_behind(house.preparer, review_id=review, figure="no_such")
    # Counted again they are of now, and the words stay; another period drops them.
    clock.advance(minutes=5)
    with archive.transaction(_TESTER, eventless=True) as uow:
        uow.session.execute(update(Nonconformity).values(state="withdrawn"))
    fill_figures(house.preparer, review_id=review)
    assert figures_in(house, review)["nonconformities_open"] == 0
    change_plan(house.preparer, review_id=review, plan=house.plan(period_from=date(2026, 1, 1)))
    page = view_review(house.preparer, review_id=review)
    assert figures_in(house, review) == {}
    assert next(one for one in page.inputs if one.code == "nonconformities").words == "均已整改\n第二行"


def _put_rows(house: ReviewHouse, clock: SetClock) -> None:
    """Of each kind: one in the period, one before it and one after it, where that can be."""
    archive, now = house.archive, clock.instant
    leader = house.people.person("team_leader", organisation=house.organisation)
    engagement = engagement_of(leader)
    for days in (-400, -100, -5):
        clock.instant = now + timedelta(days=days)
        for record_type in ("monitoring_record", "internal_audit_report", "training_record"):
            add_record(archive, engagement.id, record_type)
        add_record(archive, engagement.id, "training_record", state="proposed")
    clock.instant = now
    with archive.transaction(_TESTER, eventless=True) as uow:
        for place, (days, closed) in enumerate(((-500, -450), (-450, -200), (-380, None), (-30, -2), (-3, None)), 1):
            uow.session.add(
                Nonconformity(
                    id=uow.new_id(), engagement_id=engagement.id, position=place, grade="minor", clause="x",
                    statement=f"不符合 {place}", evidence="", due_on=TODAY, provisional=False,
                    state="raised" if closed is None else "confirmed", raised_by="x",
                    raised_at=now + timedelta(days=days), effectiveness="",
                    closed_at=None if closed is None else now + timedelta(days=closed),
                )
            )  # fmt: skip
        from archive_app.engagements.models import Engagement

        uow.session.get_one(Engagement, engagement.id).sealed_at = now - timedelta(days=60)
        _put_duties(uow, engagement.organisation_id, house.owner.person_id or "")
        for number, state, review_on, withdrawn in (
            ("A-1", "in_force", date(2026, 11, 1), None), ("A-2", "in_force", date(2027, 1, 1), None),
            ("A-3", "withdrawn", date(2026, 1, 1), -100), ("A-4", "withdrawn", None, -2),
        ):  # fmt: skip
            uow.session.add(
                ControlledDocument(
                    id=uow.new_id(), organisation_id=engagement.organisation_id, number=number, title="程序",
                    kind="procedure", keeping="maintain", department="", owner_id=house.owner.person_id, clauses="",
                    level=1, state=state, review_on=review_on, issuer="", issuer_number="", withdrawn_reason="",
                    withdrawn_at=None if withdrawn is None else now + timedelta(days=withdrawn), created_by="x",
                    created_at=now,
                )
            )  # fmt: skip
        _put_law(uow, engagement.organisation_id, house.owner.person_id or "")
        for happened in (date(2026, 5, 1), date(2026, 11, 10), date(2025, 5, 1)):
            uow.session.add(
                Change(
                    id=uow.new_id(), organisation_id=engagement.organisation_id, kind="output", happened_on=happened,
                    description="扩产", recorded_by="x", recorded_at=now, withdrawn_reason="",
                )
            )  # fmt: skip


def _put_duties(uow: UnitOfWork, organisation_id: str, owner_id: str) -> None:
    now = uow.now
    duty = OwnDuty(
        id=uow.new_id(), organisation_id=organisation_id, code="", title="监测", source="", records="",
        owner_id=owner_id, every_months=12, first_on=TODAY, taken_on_by="x", taken_on_at=now,
        ended_reason="",
    )  # fmt: skip
    uow.session.add(duty)
    uow.session.flush()
    # The last second of the day, in the archive's zone, is in time; the first one after it is late.
    midnight = now.replace(year=2026, month=3, day=31, hour=16, minute=0, second=0)
    for key, due, state, settled in (
        ("a", date(2026, 3, 31), "done", midnight - timedelta(seconds=1)),
        ("b", date(2026, 3, 31), "done", midnight),
        ("c", date(2026, 6, 30), "open", None),
        ("d", date(2025, 6, 30), "open", None),
        ("e", date(2026, 6, 30), "void", None),
        ("f", date(2026, 11, 20), "open", None),
    ):
        uow.session.add(
            Occurrence(
                id=uow.new_id(), organisation_id=organisation_id, own_duty_id=duty.id, key=key,
                year=due.year, due_on=due, provisional=False, owner_id=owner_id, state=state,
                remark="", settled_at=settled, created_at=now,
                void_by="",
            )
        )  # fmt: skip


def _put_law(uow: UnitOfWork, organisation_id: str, owner_id: str) -> None:
    """An obligation that failed in the period and is overdue; beside it evaluations before, withdrawn and after."""
    now, common = (
        uow.now,
        {"id": "", "organisation_id": organisation_id, "withdrawn_reason": "", "recorded_at": uow.now},
    )
    law = Law(
        **{**common, "id": uow.new_id()}, title="条例", number="", issuer="", kind="regulation", ended_reason="",
        reviewed_on=TODAY, review_on=TODAY, provisional=False, recorded_by="x",
    )  # fmt: skip
    obligation = Obligation(
        **{**common, "id": uow.new_id()}, law_id=law.id, clause="1", requirement="保存五年", met_by="", department="",
        owner_id=owner_id, ended_reason="", every_months=12, first_on=TODAY, evaluate_on=date(2026, 11, 20),
        provisional=False, recorded_by="x",
    )  # fmt: skip
    uow.session.add(law)
    uow.session.flush()
    uow.session.add(obligation)
    uow.session.flush()
    for day, withdrawn in ((date(2026, 6, 1), None), (date(2026, 7, 1), now), (date(2025, 6, 1), None), (TODAY, None)):
        row = Evaluation(
            **{**common, "id": uow.new_id()}, obligation_id=obligation.id, evaluated_on=day, result="partly",
            grounds="x", without_evidence="x", action="补", action_result="", action_returned="", effect="",
            evaluated_by="x", withdrawn_at=withdrawn,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        obligation.last_evaluation_id = row.id


def test_every_figure_stands_at_an_input_of_each_kind_that_it_can(people: People) -> None:
    known = {one.code for one in agenda().inputs}
    for figure in FIGURES.values():
        assert set(figure.inputs) <= known, figure.code
    for kind in agenda().organisations:
        of_kind = {one.code for one in agenda().inputs_for(kind)}
        lost = [one.code for one in FIGURES.values() if not of_kind & set(one.inputs)]
        assert lost == [], kind
