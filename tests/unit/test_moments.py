"""When somebody may be told something."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from archive_app.worklist.moments import Quiet

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def is_weekday(day: date) -> bool:
    return day.weekday() < 5


def told(text: str, begins: int | None, ends: int | None, zone: ZoneInfo = SHANGHAI, *, rest: bool = False) -> str:
    moment = datetime.fromisoformat(text).replace(tzinfo=zone)
    found = Quiet(zone, is_weekday, begins, ends, on_rest_days=rest).earliest(moment.astimezone(UTC))
    assert found.tzinfo is UTC
    return found.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("moment", "quiet", "expected"),
    [
        ("2026-11-20 10:00", (None, None), "2026-11-20 10:00"),
        ("2026-11-20 10:00", (600, 600), "2026-11-20 10:00"),  # from ten to ten: never
        ("2026-11-20 12:00", (720, 780), "2026-11-20 13:00"),
        ("2026-11-20 13:00", (720, 780), "2026-11-20 13:00"),
        ("2026-11-19 22:00", (1320, 420), "2026-11-20 07:00"),
        ("2026-11-20 06:59", (1320, 420), "2026-11-20 07:00"),
        ("2026-11-20 23:30", (1320, 420), "2026-11-23 07:00"),  # a Friday night
        ("2026-11-21 12:00", (None, None), "2026-11-23 00:00"),
        ("2026-11-21 12:00", (0, 480), "2026-11-23 08:00"),
    ],
)
def test_quiet_hours_and_rest_put_it_off(moment: str, quiet: tuple[int | None, int | None], expected: str) -> None:
    assert told(moment, *quiet) == expected


def test_on_days_of_rest_what_is_urgent_heeds_quiet_hours_only() -> None:
    assert told("2026-11-21 12:00", None, None, rest=True) == "2026-11-21 12:00"
    assert told("2026-11-21 23:00", 1320, 420, rest=True) == "2026-11-22 07:00"


def test_clocks_that_change_lose_no_moment() -> None:
    # On the 29th of March 2026 there is no half past two in Berlin; on the 25th of October there are two of them.
    assert told("2026-03-29 01:30", 60, 150, BERLIN, rest=True) == "2026-03-29 03:30"
    assert told("2026-10-25 01:30", 60, 180, BERLIN, rest=True) == "2026-10-25 03:00"


def test_a_calendar_without_a_working_day_is_said() -> None:
    with pytest.raises(ValueError, match="no day"):
        Quiet(SHANGHAI, lambda _day: False).earliest(datetime(2026, 1, 1, tzinfo=UTC))
