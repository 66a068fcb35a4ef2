"""Dates as registers write them. Nothing is guessed silently: what was assumed is named, what is impossible refused."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from search.reading import CellKind

_EPOCH = date(1899, 12, 30)  # day 0 of Excel's calendar from March 1900 on
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_CENTURY_TURN = 70
# Longer than two dates with what stands between them. A cell holds 32,767 characters, and looking for dates in those
# would cost the square of their number, or as many calls within each other as there are signs of a range.
_LONGEST_CHARS = 100
_FULL = re.compile(
    r"(\d{4}|\d{2})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?"
)
_MONTH = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*月?")
_YEAR = re.compile(r"(\d{4})\s*年?度?")
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH_DIGITS = re.compile(r"(\d{4})(\d{2})")
_RANGE = re.compile(r"(.{4,}?)\s*(?:至|到|~|—+|--+)\s*(.{4,})")
_NUMERALS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_TENS = re.compile(r"([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_CHINESE = re.compile(r"[〇○零一二三四五六七八九]{4}年[一二三四五六七八九十]{1,3}月(?:[一二三四五六七八九十]{1,3}日)?")


@dataclass(frozen=True)
class DateRead:
    """What a cell says about a day. `note` is a fault's code (see `faults`), or None where nothing was assumed."""

    value: date | None
    note: str | None = None


def read_date(kind: CellKind, text: str, today: date) -> DateRead:
    """The day that a cell means. Of any text; an empty one is no day and no fault."""
    text = unicodedata.normalize("NFKC", text).strip().strip("。.")
    if not text:
        return DateRead(None)
    if len(text) > _LONGEST_CHARS:
        return DateRead(None, "date_unreadable")
    if kind in {"date", "moment"}:
        return _checked(*(int(part) for part in text[:10].split("-")), today=today)
    if _CHINESE.fullmatch(text):
        text = _TENS.sub(lambda tens: f"{tens[1] or '一'}{tens[2] or '〇'}", text).translate(_NUMERALS)
    if kind == "number" or text.isdecimal():
        return _of_digits(text, today)
    return _of_text(text, today)


def _of_digits(text: str, today: date) -> DateRead:
    if found := _DIGITS.fullmatch(text):
        return _checked(int(found[1]), int(found[2]), int(found[3]), today=today)
    if text.isdecimal() and _FIRST_SERIAL <= int(text[:9]) <= _LAST_SERIAL:
        return DateRead(_EPOCH + timedelta(days=int(text)), "date_serial")
    if found := _MONTH_DIGITS.fullmatch(text):
        return _partial(int(found[1]), int(found[2]))
    if (found := _MONTH.fullmatch(text)) or (found := _YEAR.fullmatch(text)):
        return _partial(int(found[1]), int(found[2]) if found.re is _MONTH else 1)
    return DateRead(None, "date_unreadable")


def _of_text(text: str, today: date) -> DateRead:
    if found := _FULL.fullmatch(text):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
        if len(found[1]) == 4:  # noqa: PLR2004  digits of a year
            return _checked(year, month, day, today=today)
        century = 2000 if year < _CENTURY_TURN else 1900
        read = _checked(century + year, month, day, today=today)
        return DateRead(read.value, read.note if read.value is None else "date_two_digit_year")
    if (found := _MONTH.fullmatch(text)) or (found := _YEAR.fullmatch(text)):
        return _partial(int(found[1]), int(found[2]) if found.re is _MONTH else 1)
    if found := _RANGE.fullmatch(text):
        sides = [read_date("text", side, today) for side in found.groups()]
        readable = all(side.value is not None or side.note == "date_partial" for side in sides)
        return DateRead(None, "date_range" if readable else "date_unreadable")
    return DateRead(None, "date_unreadable")


def _checked(year: int, month: int, day: int, *, today: date) -> DateRead:
    try:
        value = date(year, month, day)
    except ValueError:
        return DateRead(None, "date_impossible")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return DateRead(None, "date_impossible")
    return DateRead(value, "date_future" if value > today else None)


def _partial(year: int, month: int) -> DateRead:
    plausible = _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12  # noqa: PLR2004  months
    return DateRead(None, "date_partial" if plausible else "date_impossible")
