"""Months counted from the first day, and the working day before a day of rest."""

from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.kernel.working_days import Due, WorkingDays
from archive_app.management.periods import month_later, times_until, working_day_until


def test_the_last_day_of_a_shorter_month_and_then_the_first_day_again() -> None:
    """31 January is followed by 28 February and 31 March; 29 February by the 28th, until there is a 29th again."""
    assert [month_later(date(2026, 1, 31), 1, n) for n in range(5)] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert [month_later(date(2024, 2, 29), 12, n) for n in range(5)] == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]
    assert month_later(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert month_later(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert month_later(date(2026, 12, 15), 1) == date(2027, 1, 15)
    # Not a leap year, although 2096 and 2104 are.
    assert month_later(date(2096, 2, 29), 12, 4) == date(2100, 2, 28)


@pytest.mark.parametrize(("months", "n"), [(0, 1), (-12, 1), (12, -1)])
def test_what_does_not_come_back_is_refused(months: int, n: int) -> None:
    """No period of no months, no time before the first."""
    with pytest.raises(ValueError, match="after a month at least"):
        month_later(date(2026, 1, 1), months, n)


def test_beyond_the_last_year() -> None:
    """The calendar of the machine ends with the year 9999, and the list of times with it."""
    with pytest.raises(ValueError, match="no year 10000"):
        month_later(date(9999, 12, 1), 1)
    assert list(times_until(date(9999, 11, 30), 1, date.max)) == [date(9999, 11, 30), date(9999, 12, 30)]


@given(
    first=st.dates(date(1990, 1, 1), date(2100, 12, 31)),
    months=st.integers(1, 60),
    span=st.integers(-400, 4000),
)
def test_times_are_neither_skipped_nor_doubled(first: date, months: int, span: int) -> None:
    """Up to any day: the days rise, one each `months` months, the first among them, none after the last."""
    last = first + timedelta(days=span)
    days = list(times_until(first, months, last))
    assert days == [month_later(first, months, n) for n in range(len(days))]
    assert all(day <= last for day in days)
    assert month_later(first, months, len(days)) > last
    ordinals = [day.year * 12 + day.month for day in days]
    assert all(after - before == months for before, after in pairwise(ordinals))
    assert all(day.day == first.day or (day + timedelta(days=1)).day == 1 for day in days)


def test_a_day_of_rest_is_due_the_working_day_before() -> None:
    """A Sunday, a day of the spring festival, a Saturday that was made a working day, and beyond the calendar."""
    days = WorkingDays()
    assert working_day_until(days, date(2026, 5, 29)) == Due(date(2026, 5, 29))
    assert working_day_until(days, date(2026, 5, 31)) == Due(date(2026, 5, 29))
    # Spring festival of 2026: 15 to 23 February; the 14th is a Saturday that is worked on.
    assert working_day_until(days, date(2026, 2, 20)) == Due(date(2026, 2, 14))
    # 1 January is in a known year, the working day before it in the year before.
    assert working_day_until(days, date(2026, 1, 1)) == Due(date(2025, 12, 31))
    assert working_day_until(days, date(2090, 10, 2)) == Due(date(2090, 10, 2), provisional=True)


def test_provisional_when_one_of_the_days_is_not_known() -> None:
    """The day by the rule in a year that is not known, the working day before it in one that is."""
    days = WorkingDays({date(2091, 1, 1): False}, frozenset({2090}))
    assert working_day_until(days, date(2091, 1, 1)) == Due(date(2090, 12, 29))  # a Friday
    assert working_day_until(days, date(2091, 1, 7)).provisional


@given(st.dates(date(2005, 1, 1), date(2060, 1, 1)))
def test_never_after_the_rule(day: date) -> None:
    """Always a working day, on or before the day by the rule, and no working day between the two."""
    days = WorkingDays()
    due = working_day_until(days, day)
    assert due.on <= day
    assert days.is_working(due.on)
    between = (due.on + timedelta(days=n) for n in range(1, (day - due.on).days + 1))
    assert not any(map(days.is_working, islice(between, 30)))
