"""Days that are worked on: the one calendar that every deadline in working days is counted with.

The public holidays and make-up working days 调休 of the Chinese mainland come from a library that ends where the last
yearly notice ends; what an administrator enters goes before it. Beyond what is known, Monday to Friday are taken for
working days, and what comes of it is provisional.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import chinese_calendar
from chinese_calendar.constants import holidays

FIRST_YEAR = min(day.year for day in holidays)
LAST_YEAR = max(day.year for day in holidays)
"""The years that the library knows."""
_SATURDAY = 5


@dataclass(frozen=True)
class Due:
    """A day by which something is to be done; `provisional` when the calendar does not know all days up to it."""

    on: date
    provisional: bool = False


@dataclass(frozen=True)
class WorkingDays:
    """The calendar: `entered` are days that an administrator entered and whether they are worked on, `known_years` the
    years that are known because of it."""

    entered: Mapping[date, bool] = field(default_factory=dict)
    known_years: Collection[int] = ()

    def knows(self, day: date) -> bool:
        """Whether the holidays of the day's year are known."""
        return day in self.entered or day.year in self.known_years or FIRST_YEAR <= day.year <= LAST_YEAR

    def is_working(self, day: date) -> bool:
        """Whether the day is worked on."""
        if day in self.entered:
            return self.entered[day]
        if day.year in self.known_years or not FIRST_YEAR <= day.year <= LAST_YEAR:
            return day.weekday() < _SATURDAY
        return bool(chinese_calendar.is_workday(day))

    def after(self, start: date, working_days: int) -> Due:
        """The last day of a period of `working_days` that begins on the day after `start`: the day of the event itself
        does not count (民法典 §201). Raises: ValueError for less than one day."""
        if working_days < 1:
            raise ValueError("a period has at least one working day")
        return self._count(start, working_days, self.is_working)

    def calendar_days_after(self, start: date, days: int, *, extend: bool = False) -> Due:
        """The last day of a period of calendar days; with `extend`, one that would end on a day of rest ends on the
        next working day (民法典 §203)."""
        last = start + timedelta(days=days)
        if not extend:
            return Due(last)
        return Due(last, not self.knows(last)) if self.is_working(last) else self.after(last, 1)

    def _count(self, start: date, wanted: int, counts: Callable[[date], bool]) -> Due:
        day, left, provisional = start, wanted, False
        while left:
            day += timedelta(days=1)
            provisional = provisional or not self.knows(day)
            left -= counts(day)
        return Due(day, provisional)
