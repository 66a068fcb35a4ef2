"""Reads the yearly notice on holidays 放假通知 as people paste it: days and ranges, each list before what it means.

"10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。" is read as well as
"2027-10-01 to 2027-10-07 rest; 2027-10-09 work". What stands in brackets is left out; a date that nothing is said
about is refused, so that a notice is either understood or not taken.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_

FIELD = N_("Days of the notice")
FIRST_YEAR, LAST_YEAR = 2000, 2200
LONGEST_TEXT = 20_000
_SATURDAY = 5
_LONGEST_RANGE = timedelta(days=31)
_DAY = r"(?:(?P<{0}y>\d{{4}})\s*[-/.年]\s*)?(?P<{0}m>\d{{1,2}})\s*[-/.月]\s*(?P<{0}d>\d{{1,2}})(?!\d)\s*[日号]?"
_SHORT = r"(?P<sd>\d{1,2})\s*[日号]"
_TO = r"\s*(?:至|到|~|-{1,2}|–|—+|to\b|until\b)\s*"
_TOKEN = re.compile(
    rf"{_DAY.format('a')}(?:{_TO}(?:{_DAY.format('b')}|{_SHORT}))?"
    r"|(?P<rest>放假|休息|rest|holidays?|off\b)|(?P<work>上班|工作|work(?:ing|s)?\b)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\([^()]*\)")


class NoticeNotUnderstoodError(ArchiveError):
    """A date without a meaning, with two, of another year, or that does not exist."""

    code = "calendar_not_understood"
    message = N_(
        "“%(said)s” is not understood. Say after each list of days whether they are 放假 (rest) or 上班 (work). "
        "Nothing was changed."
    )

    def __init__(self, said: str) -> None:
        super().__init__(said=said.strip())


@dataclass(frozen=True)
class NoticedDay:
    """A day of the notice, and whether it is worked on."""

    on: date
    working: bool

    @property
    def odd(self) -> bool:
        """Whether somebody should look twice: a day from Monday to Friday needs no notice to be worked on."""
        return self.working and self.on.weekday() < _SATURDAY


def read_notice(text: str, year: int) -> list[NoticedDay]:
    """The days of a notice for `year`, in their order.

    Raises: NoticeNotUnderstoodError; InvalidInputError for a year out of range and a text without a day.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year of the calendar."))
    if len(text) > LONGEST_TEXT:
        raise InvalidInputError(field=FIELD, reason=N_("This is too long."))
    plain = unicodedata.normalize("NFKC", text)
    while (shorter := _BRACKETS.sub("", plain)) != plain:
        plain = shorter
    found: dict[date, bool] = {}
    for line in re.split(r"[\n。;]", plain):
        _read_line(line, year, found)
    if not found:
        raise InvalidInputError(field=FIELD, reason=N_("No day was found in this."))
    return [NoticedDay(on, found[on]) for on in sorted(found)]


def _read_line(line: str, year: int, found: dict[date, bool]) -> None:
    """Lists of days, each before the word for what they are; or after it, where the line begins with the word."""
    days, meaning_before = list[date](), None
    for match in _TOKEN.finditer(line):
        if match["am"] is not None:
            days += _days_of(match, year)
            continue
        working = match["work"] is not None
        if not days:
            meaning_before = working
            continue
        _keep(days, found, working=working)
        days, meaning_before = [], None
    if days and meaning_before is None:
        raise NoticeNotUnderstoodError(days[0].isoformat())
    _keep(days, found, working=bool(meaning_before))


def _keep(days: list[date], found: dict[date, bool], *, working: bool) -> None:
    for day in days:
        if found.setdefault(day, working) != working:
            raise NoticeNotUnderstoodError(day.isoformat())


def _days_of(match: re.Match[str], year: int) -> list[date]:
    first = _date(match.groupdict(), "a", year, match[0])
    if match["sd"] is not None:
        last = _date({"sy": str(first.year), "sm": str(first.month), "sd": match["sd"]}, "s", year, match[0])
    elif match["bm"] is not None:
        last = _date(match.groupdict(), "b", year, match[0])
    else:
        last = first
    if not timedelta() <= last - first <= _LONGEST_RANGE:
        raise NoticeNotUnderstoodError(match[0])
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _date(parts: Mapping[str, str | None], name: str, year: int, said: str) -> date:
    try:
        day = date(int(parts[f"{name}y"] or year), int(parts[f"{name}m"] or 0), int(parts[f"{name}d"] or 0))
    except ValueError:
        raise NoticeNotUnderstoodError(said) from None
    # A holiday at the turn of the year may begin in the old one.
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        raise NoticeNotUnderstoodError(said)
    return day
