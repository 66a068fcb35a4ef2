"""Days and periods in file names and headings, as people write them in Chinese and in English.

`2025年3月抄表` is of March 2025, `能源台账2025` of the year, `检定证书20250314` of one day. What can be meant in two
ways is not read at all.
"""

import calendar
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

_YEAR = r"(?P<y>(?:19|20)\d{2})"
_GAP = r"[\s./_-]"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_TO = r"\s*(?:[-~–—至到]|to)\s*"
_ALONE_BEFORE, _ALONE_AFTER = r"(?<!\d)", r"(?!\d)"
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
# Numbers of standards and of papers hold years that say nothing about what a file is of.
_NUMBERS = re.compile(
    r"(?:gb|db|iso|iec|hj|dl|jjg|jjf|rb|cnas|qx)/?[tz]?[\s/]*\d[\d.]*\s*[-:—–]\s*(?:19|20)\d{2}|〔\d{4}〕\s*\d*号?"
)
_DAYS = [
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}\s*年\s*(?P<m>{_MONTH})\s*月\s*(?P<d>{_DAY})\s*日"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}{_GAP}(?P<m>{_MONTH}){_GAP}(?P<d>{_DAY}){_ALONE_AFTER}"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01]){_ALONE_AFTER}"),
    re.compile(rf"(?<![a-z\d])(?P<d>{_DAY})\s+{_MONTH_NAME}\.?,?\s+{_YEAR}{_ALONE_AFTER}"),
    re.compile(rf"(?<![a-z]){_MONTH_NAME}\.?\s+(?P<d>{_DAY}),?\s+{_YEAR}{_ALONE_AFTER}"),
]
_MONTHS = [
    re.compile(
        rf"{_ALONE_BEFORE}{_YEAR}\s*[年./-]\s*(?P<m>{_MONTH})\s*月?{_TO}(?:(?P<y2>(?:19|20)\d{{2}})\s*[年./-]\s*)?"
        rf"(?P<m2>{_MONTH})\s*月?{_ALONE_AFTER}"
    ),
    re.compile(
        rf"{_ALONE_BEFORE}{_YEAR}(?P<m>0[1-9]|1[0-2]){_TO}(?P<y2>(?:19|20)\d{{2}})(?P<m2>0[1-9]|1[0-2]){_ALONE_AFTER}"
    ),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}\s*年?{_GAP}*(?:第?(?P<q>[一二三四1-4])季度|q(?P<q2>[1-4])(?![a-z\d]))"),
    re.compile(rf"(?<![a-z\d])q(?P<q>[1-4]){_GAP}*{_YEAR}{_ALONE_AFTER}"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}\s*年?{_GAP}*(?P<half>上|下)半年"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}{_GAP}*h(?P<h>[12])(?![a-z\d])"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}\s*年\s*(?P<m>{_MONTH})\s*月"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}[./_-](?P<m>{_MONTH}){_ALONE_AFTER}"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}(?P<m>0[1-9]|1[0-2]){_ALONE_AFTER}"),
    re.compile(rf"(?<![a-z]){_MONTH_NAME}\.?{_GAP}*{_YEAR}{_ALONE_AFTER}"),
]
_YEARS = [
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}\s*年?度?{_TO}(?P<y2>(?:19|20)\d{{2}})\s*年?度?{_ALONE_AFTER}"),
    re.compile(rf"{_ALONE_BEFORE}{_YEAR}{_ALONE_AFTER}(?!\s*年\s*\d{{1,2}}\s*月)"),
]


@dataclass(frozen=True)
class Period:
    """A stretch of days, both ends in it, and the words that say it."""

    first: date
    last: date
    words: str


def day_in(text: str, *, latest: date) -> tuple[date, str] | None:
    """The one day that `text` names, and the words for it; None for none, for several, and for one after `latest`."""
    found = {day: words for day, words in _days(_folded(text)) if day <= latest}
    return next(iter(found.items())) if len(found) == 1 else None


def period_in(text: str, *, latest: date) -> Period | None:
    """The one period that `text` names: a month, months, a quarter, half a year, a year or years. None for none, for
    several, and for what begins after `latest`. Two days with a dash between them are a period."""
    text = _folded(text)
    between = _between_days(text)
    if between is not None:
        return between if between.first <= latest else None
    for _day, words in _days(text):
        text = text.replace(words, " ")
    for patterns in (_MONTHS, _YEARS):
        found: dict[tuple[date, date], Period] = {}
        for pattern in patterns:
            for hit in pattern.finditer(text):
                period = _period(hit)
                if period is not None and period.first <= latest:
                    found.setdefault((period.first, period.last), period)
            text = pattern.sub(" ", text)
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _folded(text: str) -> str:
    return _NUMBERS.sub(" ", unicodedata.normalize("NFKC", text).lower())


def _days(text: str) -> Iterator[tuple[date, str]]:
    for pattern in _DAYS:
        for hit in pattern.finditer(text):
            told = hit.groupdict()
            month = int(told["m"]) if told.get("m") else _ENGLISH.index(told["name"][:3]) + 1
            try:
                yield date(int(told["y"]), month, int(told["d"])), hit[0]
            except ValueError:
                continue


def _between_days(text: str) -> Period | None:
    found = sorted(_days(text), key=lambda one: text.index(one[1]))
    for (first, words), (last, more) in pairwise(found):
        begin, end = text.index(words), text.rindex(more)
        if first <= last and re.fullmatch(_TO, text[begin + len(words) : end]):
            return Period(first, last, text[begin : end + len(more)])
    return None


def _period(hit: re.Match[str]) -> Period | None:
    told = hit.groupdict()
    year = int(told["y"])
    last_year = int(told.get("y2") or year)
    first, last = _span(told)
    if (last_year, last) < (year, first):
        return None
    end = date(last_year, last, calendar.monthrange(last_year, last)[1])
    return Period(date(year, first, 1), end, hit[0].strip())


def _span(told: dict[str, str]) -> tuple[int, int]:
    """The first and the last month."""
    if quarter := told.get("q") or told.get("q2"):
        number = _QUARTERS[quarter]
        return 3 * number - 2, 3 * number
    if half := told.get("half") or told.get("h"):
        return (1, 6) if half in {"上", "1"} else (7, 12)
    if name := told.get("name"):
        month = _ENGLISH.index(name[:3]) + 1
        return month, month
    if month_said := told.get("m"):
        return int(month_said), int(told.get("m2") or month_said)
    return 1, 12
