"""Three years of a park: every duty of S2 on time, none twice, and a major change makes due what S2 says.

The tables below are written by hand from the specification and from the calendars of 2024 to 2026. They are not read
from the configuration, which is what they check.
"""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from archive_app.kernel.archive import Archive
from archive_app.management.recurring.catalogue import all_catalogues
from archive_app.management.recurring.changes import KINDS, Told, record_change
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.recurring.rules import OPEN
from archive_app.management.recurring.settling import settle_done
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases_in_full
from tests.duties import TESTER, Park, park_of, planned_ahead, run_job, taken_on
from tests.factories import People

# Clause -> what it asks for -> the first day by the rule -> the days of three years. A day of rest is due the last
# working day before it: 31 January 2025 lies in the spring festival, of which 27 January is the day before; 15 February
# 2026 too, and the Saturday before it is worked on, as 28 February 2026 is.
S2: dict[str, tuple[str, date, tuple[str, str, str]]] = {
    "5.1b, 7.6.2a": ("risks_and_opportunities", date(2024, 3, 15), ("2024-03-15", "2025-03-14", "2026-03-13")),
    "5.2": ("interested_parties", date(2024, 3, 15), ("2024-03-15", "2025-03-14", "2026-03-13")),
    "5.2c": ("law_review", date(2024, 3, 31), ("2024-03-29", "2025-03-31", "2026-03-31")),
    "6.4a": ("report_to_top_management", date(2024, 7, 31), ("2024-07-31", "2025-07-31", "2026-07-31")),
    "7.1": ("targets", date(2024, 1, 31), ("2024-01-31", "2025-01-27", "2026-01-30")),
    "7.2, A (plan)": ("action_plan", date(2024, 2, 15), ("2024-02-09", "2025-02-14", "2026-02-14")),
    "7.2, A (check)": ("target_fulfilment", date(2024, 12, 31), ("2024-12-31", "2025-12-31", "2026-12-31")),
    "7.3.2": ("emission_review", date(2024, 3, 31), ("2024-03-29", "2025-03-31", "2026-03-31")),
    "7.3.3": ("trading_review", date(2024, 4, 30), ("2024-04-30", "2025-04-30", "2026-04-30")),
    "7.3.4": ("asset_review", date(2024, 5, 31), ("2024-05-31", "2025-05-30", "2026-05-29")),
    "7.3.5": ("neutrality_review", date(2024, 6, 30), ("2024-06-28", "2025-06-30", "2026-06-30")),
    "7.4": ("performance_parameters", date(2024, 4, 30), ("2024-04-30", "2025-04-30", "2026-04-30")),
    "7.5": ("baseline", date(2024, 5, 31), ("2024-05-31", "2025-05-30", "2026-05-29")),
    "8.2b (plan)": ("training_plan", date(2024, 1, 31), ("2024-01-31", "2025-01-27", "2026-01-30")),
    "8.2b (training)": ("training", date(2024, 8, 31), ("2024-08-30", "2025-08-29", "2026-08-31")),
    "8.3b, A": ("information_watch", date(2024, 2, 29), ("2024-02-29", "2025-02-28", "2026-02-28")),
    "9.2.2e": ("emission_report", date(2024, 3, 31), ("2024-03-29", "2025-03-31", "2026-03-31")),
    "9.2.3c": ("allowance_surrender", date(2024, 12, 15), ("2024-12-13", "2025-12-15", "2026-12-15")),
    "9.2.4a": ("asset_statement", date(2024, 12, 31), ("2024-12-31", "2025-12-31", "2026-12-31")),
    "10.1.1 (measuring)": ("monitoring", date(2024, 12, 31), ("2024-12-31", "2025-12-31", "2026-12-31")),
    "10.1.1 (instruments)": ("calibration", date(2024, 6, 30), ("2024-06-28", "2025-06-30", "2026-06-30")),
    "10.1.2": ("compliance_evaluation", date(2024, 9, 30), ("2024-09-30", "2025-09-30", "2026-09-30")),
    "10.2": ("internal_audit", date(2024, 10, 31), ("2024-10-31", "2025-10-31", "2026-10-30")),
    "10.3": ("management_review", date(2024, 11, 30), ("2024-11-29", "2025-11-28", "2026-11-30")),
}
REVIEWS = {"emission_review", "trading_review", "asset_review", "neutrality_review"}
"""The review of the system 碳排放管理体系评审: 7.3.2 to 7.3.5."""
# Kind of change -> when it is recorded -> the twentieth working day after it -> what falls due once more. The Sunday 28
# April 2024 is worked on, and 1 to 5 May are not; neither are 25 to 27 September 2026, but Sunday the 20th is.
# 7.3.1 names the first five kinds; boundaries are also static factors of 7.5, as the scale of installations and the
# sector are, and 7.5 c adds factors and methods.
CHANGES: dict[str, tuple[date, str, set[str]]] = {
    "organisational_boundary": (date(2024, 4, 10), "2024-05-10", REVIEWS | {"baseline"}),
    "operational_boundary": (date(2024, 7, 1), "2024-07-29", REVIEWS | {"baseline"}),
    "output": (date(2025, 4, 16), "2025-05-16", REVIEWS),
    "process": (date(2025, 7, 1), "2025-07-29", REVIEWS),
    "raw_materials": (date(2025, 12, 1), "2025-12-29", REVIEWS),
    "installations": (date(2026, 3, 2), "2026-03-30", {"baseline"}),
    "sector": (date(2026, 3, 16), "2026-04-14", {"baseline"}),
    "method": (date(2026, 9, 1), "2026-09-29", {"baseline"}),
}
GAP = (date(2025, 5, 20), date(2025, 11, 3))
"""The job does not run, for months."""
LAST = date(2026, 12, 31)


def _at(clock: SetClock, day: date) -> None:
    clock.instant = datetime(day.year, day.month, day.day, 2, 0, tzinfo=UTC)


def _days_of_the_job(chance: random.Random) -> list[date]:
    days, day = [], date(2023, 12, 21)
    while day <= LAST:
        if not GAP[0] < day < GAP[1]:
            days.append(day)
        day += timedelta(days=chance.choice((1, 3, 8, 15, 21)))
    # Twice on some days, and once after the clock went back by two months.
    return [*days[:40], *days[39:41], days[34], *days[41:], LAST]


@both_databases_in_full
def test_three_years_of_a_park(archive: Archive, clock: SetClock, people: People) -> None:
    """Every time of every duty is there when its day is near and was told to its owner; nothing is there twice; each
    change makes due what its clause names and nothing else."""
    _at(clock, date(2023, 12, 20))
    with planned_ahead(archive, 2).activate() as near:
        park = park_of(people)
        duties = taken_on(park, {code: first for code, first, _days in S2.values()})
        assert len(duties) == len(S2)
        coming = sorted((recorded, kind) for kind, (recorded, _due, _codes) in CHANGES.items())
        for day in _days_of_the_job(random.Random(20251014)):
            while coming and coming[0][0] <= day:
                recorded, kind = coming.pop(0)
                _at(clock, recorded)
                _change_twice(park, kind, recorded)
            _at(clock, day)
            run_job(near)
            _nothing_is_late_to_appear(near, day)
            _settle_what_is_due(near, park, day)
    _compare(archive)


def _change_twice(park: Park, kind: str, day: date) -> None:
    told = Told(kind, day, f"{kind} of {day}")
    first, second = (record_change(park.manager, told=told) for _ in range(2))
    assert not first.again
    assert second.again
    assert first.change.id == second.change.id
    assert first.occurrences == second.occurrences == len(CHANGES[kind][2])


def _nothing_is_late_to_appear(archive: Archive, today: date) -> None:
    """Whatever is due within the next thirty days, by the table, is there and its owner has a task."""
    near = {
        (code, day)
        for code, _first, days in S2.values()
        for day in days
        if today <= date.fromisoformat(day) <= today + timedelta(days=30)
    }
    with archive.reading(TESTER) as uow:
        there = select(OwnDuty.code, Occurrence.due_on, Occurrence.state, Task.person_id).select_from(Occurrence)
        there = there.join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        there = there.outerjoin(Task, (Task.subject_id == Occurrence.id) & Task.closed_at.is_(None))
        there = there.where(Occurrence.change_id.is_(None))
        rows = uow.session.execute(there).all()
    told = {(code, day.isoformat()) for code, day, state, person in rows if state != OPEN or person}
    assert near <= told, f"on {today} nobody was told of {sorted(near - told)}"


def _settle_what_is_due(archive: Archive, park: Park, today: date) -> None:
    with archive.reading(TESTER) as uow:
        due = select(Occurrence.id).where(Occurrence.state == OPEN, Occurrence.due_on <= today)
        waiting = uow.session.scalars(due.order_by(Occurrence.id)).all()
    for occurrence_id in waiting:
        settle_done(park.doer, occurrence_id=occurrence_id, records=(), remark="记录见纸质卷宗")


def _compare(archive: Archive) -> None:
    with archive.reading(TESTER) as uow:
        joined = select(OwnDuty.code, Occurrence).join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        rows = uow.session.execute(joined).all()
    by_rule = Counter((code, row.due_on.isoformat()) for code, row in rows if not row.change_id)
    expected = Counter((code, day) for code, _first, days in S2.values() for day in days)
    of_later = {pair: count for pair, count in by_rule.items() if pair[1] > LAST.isoformat()}
    assert by_rule - Counter(of_later) == expected
    by_change = Counter((code, row.due_on.isoformat()) for code, row in rows if row.change_id)
    assert by_change == Counter((code, due) for _day, due, codes in CHANGES.values() for code in codes)
    assert not any(row.provisional for _code, row in rows if row.due_on <= LAST)
    assert all(row.state == "done" for _code, row in rows if row.due_on <= LAST)


def test_the_table_is_whole() -> None:
    """Twenty-four duties, none named twice, and no other in the catalogue: a line that was lost here would let the plan
    lose one, and one that was added there would be checked by nobody."""
    codes = [code for code, _first, _days in S2.values()]
    assert len(codes) == len(set(codes)) == 24
    assert sorted(codes) == sorted(duty.code for duty in all_catalogues()["park"].duties)
    assert {S2[clause][0] for clause in ("7.3.2", "7.3.3", "7.3.4", "7.3.5")} == REVIEWS
    assert set(CHANGES) == set(KINDS)
