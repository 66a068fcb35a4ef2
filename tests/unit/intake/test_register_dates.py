"""Dates of registers: every way a day is written means that day, every other text says why it means none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.intake.registers.dates import read_date
from archive_app.intake.registers.faults import FAULTS
from archive_app.intake.registers.keys import file_key, name_key, number_key, stem

TODAY = date(2026, 11, 21)
DAYS = st.dates(date(1900, 1, 1), TODAY)
_NUMERALS = "〇一二三四五六七八九"


def chinese(day: date) -> str:
    def small(number: int) -> str:
        tens, ones = divmod(number, 10)
        return ("" if not tens else "十" if tens == 1 else f"{_NUMERALS[tens]}十") + (_NUMERALS[ones] if ones else "")

    year = "".join(_NUMERALS[int(digit)] for digit in str(day.year))
    return f"{year}年{small(day.month)}月{small(day.day)}日"


WAYS = {
    "iso": lambda day: f"{day:%Y-%m-%d}",
    "points": lambda day: f"{day.year}.{day.month}.{day.day}",
    "slashes": lambda day: f"{day:%Y/%m/%d}",
    "words": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "wide": lambda day: f"２０{day:%y}年{day.month}月{day.day}日" if day.year >= 2000 else f"{day:%Y-%m-%d}",
    "run together": lambda day: f"{day:%Y%m%d}",
    "with time": lambda day: f"{day:%Y-%m-%d} 08:30",
    "in Chinese": chinese,
    "spaced": lambda day: f" {day.year} - {day.month} - {day.day} ",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@given(day=DAYS)
def test_every_way_of_writing_a_day_means_it(way, day: date) -> None:  # type: ignore[no-untyped-def]
    read = read_date("text", way(day), TODAY)
    assert (read.value, read.note) == (day, None)


@given(day=st.dates(date(1955, 1, 1), TODAY))
def test_a_day_in_excels_count_is_taken_and_said(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    read = read_date("number", str(serial), TODAY)
    assert (read.value, read.note) == (day, "date_serial")


@given(text=st.text(max_size=40), kind=st.sampled_from(["text", "number"]))
def test_no_text_breaks_the_reader(text: str, kind: str) -> None:
    read = read_date(kind, text, TODAY)  # type: ignore[arg-type]
    assert read.note is None or read.note in FAULTS
    assert read.note is not None or read.value is not None or not text.strip().strip("。.")


@given(days=st.integers(1, 10_000))
def test_a_day_to_come_is_named(days: int) -> None:
    day = TODAY + timedelta(days=days)
    assert read_date("text", day.isoformat(), TODAY).note == "date_future"


NOT_WHOLE = [
    ("2025-02-30", "date_impossible"),
    ("20250230", "date_impossible"),
    ("2025-13-01", "date_impossible"),
    ("2025年2月29日", "date_impossible"),
    ("0000-00-00", "date_impossible"),
    ("2025年3月", "date_partial"),
    ("2025.3", "date_partial"),
    ("202503", "date_partial"),
    ("2025", "date_partial"),
    ("2025年度", "date_partial"),
    ("2025年13月", "date_impossible"),
    ("2025-01-01至2025-12-31", "date_range"),
    ("2025.1.1-2025.12.31", "date_unreadable"),
    ("去年", "date_unreadable"),
    ("03/04/2025", "date_unreadable"),
    ("1.23E+15", "date_unreadable"),
    ("#REF!", "date_unreadable"),
]


@pytest.mark.parametrize(("text", "note"), NOT_WHOLE)
def test_what_is_no_whole_day_says_why(text: str, note: str) -> None:
    read = read_date("text", text, TODAY)
    assert (read.value, read.note) == (None, note)


@pytest.mark.parametrize(
    ("text", "day"), [("25.3.1", date(2025, 3, 1)), ("99-12-31", date(1999, 12, 31)), ("05/1/2", date(2005, 1, 2))]
)
def test_years_of_two_digits_are_taken_and_said(text: str, day: date) -> None:
    read = read_date("text", text, TODAY)
    assert (read.value, read.note) == (day, "date_two_digit_year")


SAME_NUMBER = [
    ("绿核〔2025〕3号", "绿核[2025]3号"),
    ("绿核〔2025〕3号", "绿核(2025)3号"),
    ("HC-2025-001", "ＨＣ—２０２５—００１"),
    ("HC-2025-001", "hc/2025/001"),
    ("HC 2025 001", "HC-2025-001"),
]


@pytest.mark.parametrize(("one", "other"), SAME_NUMBER)
def test_numbers_are_compared_without_their_dress(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(("one", "other"), [("HC-01", "HC-1"), ("绿核3号", "绿核31号"), ("1-23", "12-3")])
def test_different_numbers_stay_different(one: str, other: str) -> None:
    assert number_key(one) != number_key(other)


@given(text=st.text(alphabet="绿核号〔〕[]()（）-—－_/ 　0１2aAＡzß.。ﬁ", max_size=40))
def test_keys_are_stable(text: str) -> None:
    for key in (number_key, file_key, name_key):
        assert key(key(text)) == key(text)


def test_file_names_are_compared_by_their_last_part() -> None:
    assert file_key("扫描件\\第１卷\\报告　一.PDF") == file_key("报告 一.pdf")
    assert [stem(name) for name in ("报告.v2", "a.b.pdf", ".hidden", "3.2025")] == ["报告", "a.b", ".hidden", "3.2025"]
