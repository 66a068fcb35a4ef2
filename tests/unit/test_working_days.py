"""The calendar of working days against the notices of the State Council, written down here by hand."""

from datetime import date, timedelta

import pytest

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.working_days import FIRST_YEAR, LAST_YEAR, Due, WorkingDays
from archive_app.worklist.calendar import known_until
from archive_app.worklist.holidays import NoticedDay, NoticeNotUnderstoodError, read_notice

# 国务院办公厅关于部分节假日安排的通知, as published for each year: 放假 and 上班.
NOTICES = {
    2024: """元旦：1月1日放假，与周末连休。春节：2月10日至17日放假调休，共8天。2月4日（星期日）、2月18日（星期日）上班。
清明节：4月4日至6日放假调休，共3天。4月7日（星期日）上班。劳动节：5月1日至5日放假调休，共5天。4月28日（星期日）、5月11日（星期六）上班。
端午节：6月10日放假，与周末连休。中秋节：9月15日至17日放假调休，共3天。9月14日（星期六）上班。
国庆节：10月1日至7日放假调休，共7天。9月29日（星期日）、10月12日（星期六）上班。""",
    2025: """元旦：1月1日（周三）放假1天，不调休。
春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。
1月26日（周日）、2月8日（周六）上班。
清明节：4月4日（周五）至6日（周日）放假，共3天。劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
端午节：5月31日（周六）至6月2日（周一）放假，共3天。
国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。""",
    2026: """元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
清明节：4月4日（周六）至6日（周一）放假，共3天。劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
端午节：6月19日（周五）至21日（周日）放假，共3天。中秋节：9月25日（周五）至27日（周日）放假，共3天。
国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。""",
}
# The same as days, so that neither the reading of a notice nor the library is compared with itself.
REST = {
    2024: "0101 0210-0217 0404-0406 0501-0505 0610 0915-0917 1001-1007",
    2025: "0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008",
    2026: "0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007",
}
WORK = {
    2024: "0204 0218 0407 0428 0511 0914 0929 1012",
    2025: "0126 0208 0427 0928 1011",
    2026: "0104 0214 0228 0509 0920 1010",
}
LIBRARY = WorkingDays()


def days_of(year: int, told: str) -> set[date]:
    found = set()
    for item in told.split():
        first, _, last = item.partition("-")
        day, end = (date(year, int(text[:2]), int(text[2:])) for text in (first, last or first))
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


@pytest.mark.parametrize("year", NOTICES)
def test_library_notice_and_table_agree_on_every_day(year: int) -> None:
    rest, work = days_of(year, REST[year]), days_of(year, WORK[year])
    read = {noticed.on: noticed.working for noticed in read_notice(NOTICES[year], year)}
    assert read == dict.fromkeys(rest, False) | dict.fromkeys(work, True)
    entered = WorkingDays(read, {year})
    day = date(year, 1, 1)
    while day.year == year:
        expected = day in work or (day.weekday() < 5 and day not in rest)
        assert (LIBRARY.is_working(day), entered.is_working(day)) == (expected, expected), day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        ("2026-09-30", 1, "2026-10-08"),  # the holiday is long
        ("2026-09-30", 3, "2026-10-10"),  # and the Saturday after it is worked on
        ("2025-12-30", 2, "2026-01-04"),  # over new year: the Sunday is worked on
        ("2025-12-31", 1, "2026-01-04"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-06-05", 5, "2026-06-12"),
        ("2026-06-06", 1, "2026-06-08"),  # an event on a day of rest
    ],
)
def test_a_period_ends_where_the_law_says(start: str, count: int, last: str) -> None:
    assert LIBRARY.after(date.fromisoformat(start), count) == Due(date.fromisoformat(last))


def test_beyond_what_is_known_a_period_is_provisional() -> None:
    assert (FIRST_YEAR, LAST_YEAR) == (2004, 2026)
    over = LIBRARY.after(date(2026, 12, 30), 2)
    assert over == Due(date(2027, 1, 1), provisional=True)
    assert not LIBRARY.after(date(2026, 12, 30), 1).provisional
    assert LIBRARY.calendar_days_after(date(2026, 12, 31), 1, extend=True).provisional
    assert LIBRARY.calendar_days_after(date(2026, 10, 1), 2, extend=True) == Due(date(2026, 10, 8))
    assert LIBRARY.calendar_days_after(date(2026, 10, 1), 2) == Due(date(2026, 10, 3))
    new_year = WorkingDays({date(2027, 1, 1): False}, {2027})
    assert new_year.after(date(2026, 12, 30), 2) == Due(date(2027, 1, 4))
    for days in (LIBRARY, new_year):
        with pytest.raises(ValueError, match="at least one"):
            days.after(date(2026, 1, 1), 0)
    # A year that was entered goes before the library, whatever the library says of it.
    other = WorkingDays({date(2026, 10, 1): False}, {2026})
    assert (other.is_working(date(2026, 10, 2)), other.is_working(date(2026, 10, 10))) == (True, False)
    assert known_until(LIBRARY, date(2026, 5, 1)) == date(2026, 12, 31)
    assert known_until(new_year, date(2026, 5, 1)) == date(2027, 12, 31)
    assert known_until(LIBRARY, date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("text", "rest", "work"),
    [
        ("10月1日至7日放假，9月27日（周日）、10月10日（周六）上班", "1001-1007", "0927 1010"),
        ("2026-10-01 to 2026-10-03 rest; 2026-10-10 work", "1001-1003", "1010"),
        ("rest: 2026-10-01 - 2026-10-02, 2026-10-05\nwork: 2026/10/10", "1001-1002 1005", "1010"),
        ("2026.10.1—2026.10.3 休息", "1001-1003", ""),
        ("１０月１日放假", "1001", ""),
    ],
)
def test_what_people_paste_is_read(text: str, rest: str, work: str) -> None:
    found = read_notice(text, 2026)
    assert {day.on for day in found if not day.working} == days_of(2026, rest)
    assert {day.on for day in found if day.working} == days_of(2026, work)


@pytest.mark.parametrize(
    "text",
    ["10月1日", "10月1日至7日", "13月1日放假", "2月30日放假", "10月7日至1日放假", "5月1日放假，5月1日上班",
     "2028-01-01 rest", "2025-11-30 rest", "10月1日放假，10月10日", "1月1日至12月31日放假"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(NoticeNotUnderstoodError):
        read_notice(text, 2026)


def test_a_notice_has_bounds() -> None:
    assert read_notice("2025-12-31至1月1日放假", 2026) == [
        NoticedDay(date(2025, 12, 31), working=False),
        NoticedDay(date(2026, 1, 1), working=False),
    ]
    assert NoticedDay(date(2026, 10, 9), working=True).odd
    assert not NoticedDay(date(2026, 10, 10), working=True).odd
    for text, year in (("", 2026), ("nothing", 2026), ("1月1日放假", 1999), ("x" * 20_001, 2026)):
        with pytest.raises(InvalidInputError):
            read_notice(text, year)
