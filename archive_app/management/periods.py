"""When what comes back falls due: months counted from the first day, and no day of rest."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import MAXYEAR, date, timedelta
from itertools import count

from archive_app.kernel.working_days import Due, WorkingDays

MOST_MONTHS = 120
"""No rule lets anything wait longer than ten years."""
_MONTHS_OF_A_YEAR = 12


def month_later(first: date, months: int, n: int = 1) -> date:
    """The day of the `n`th time of what is due on `first` (n = 0) and then every `months` months.

    It is the same day of the month, or the last day of a shorter one, and always counted from `first`: from 31 January
    28 February and then 31 March, from 29 February the 28th in common years and the 29th again in leap years.

    Raises: ValueError for less than one month, for a negative `n`, and for what is beyond the last year there is.
    """
    if months < 1 or n < 0:
        raise ValueError("what comes back does so after a month at least, and counts from its first day")
    year, month = divmod(first.year * _MONTHS_OF_A_YEAR + first.month - 1 + months * n, _MONTHS_OF_A_YEAR)
    if year > MAXYEAR:
        raise ValueError(f"there is no year {year}")
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))


def times_until(first: date, months: int, last: date) -> Iterator[date]:
    """Every day on which it is due up to `last`, that one included."""
    for n in count():
        if (first.year * _MONTHS_OF_A_YEAR + first.month + months * n) > last.year * _MONTHS_OF_A_YEAR + last.month:
            return
        day = month_later(first, months, n)
        if day > last:
            return
        yield day


def working_day_until(days: WorkingDays, day: date) -> Due:
    """The last working day on or before `day`: what is due by the rule on a day of rest is due before it, never after.

    Provisional when the calendar does not know each of the days that it looked at.
    """
    on = day
    while not days.is_working(on):
        on -= timedelta(days=1)
    # The years between are known whenever both ends are: nothing is due more than a holiday's length before its day.
    return Due(on, not (days.knows(on) and days.knows(day)))
