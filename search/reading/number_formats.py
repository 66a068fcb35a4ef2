"""Which numbers of a workbook are dates (ISO/IEC 29500-1 §18.8.30), and how numbers are written as text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal

# Formats that every program knows without a definition; 27 to 36 and 50 to 58 are dates in East Asian editions.
_DATES = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
_TIMES = frozenset({18, 19, 20, 21, 45, 46, 47})
_TIMES_EAST_ASIA = frozenset({32, 33, 34, 35, 55, 56})
# What a format shows as it stands: quoted, escaped, padded; and colours or conditions in brackets.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
# Of what programs take as a format; a longer one that opens many brackets would cost the square of its length.
_LONGEST_FORMAT_CHARS = 1000
_LARGEST_DATE = 2_958_466  # the day after 9999-12-31
_SMALLEST, _LARGEST = 1e-15, 1e25
_EXACT = 10**15  # whole numbers below are exact in a float and are written without a fraction


class NumberFormats:
    """The styles part as a stream (`start`, `end`), then `shown` for cells."""

    def __init__(self, *, since_1904: bool = False, defined: Iterable[tuple[int, str]] = ()) -> None:
        self._origin = dt.datetime(1904, 1, 1) if since_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001  cells know no zone
        self._codes: dict[int, str] = dict(defined)
        self._styles: list[int] = []
        self._in_cell_styles = False
        self._kinds: dict[str, str] = {}

    def start(self, local: str, attributes: dict[str, str]) -> None:
        if local == "numFmt":
            self._codes[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif local == "cellXfs":
            self._in_cell_styles = True
        elif local == "xf" and self._in_cell_styles:
            self._styles.append(_whole(attributes.get("numFmtId")))

    def end(self, local: str) -> None:
        if local == "cellXfs":
            self._in_cell_styles = False

    def shown(self, value: str, style: str) -> str:
        """A stored number as text: a date or time where its style says so, else the shortest decimal."""
        kind = self._kinds.get(style)
        if kind is None:
            number = _whole(style)
            format_id = self._styles[number] if 0 <= number < len(self._styles) else 0
            kind = self._kinds[style] = kind_of_format(format_id, self._codes.get(format_id, ""))
        return shown_number(value, kind, self._origin)


def kind_of_format(format_id: int, code: str) -> str:
    """ "date", "time", "moment" (both) or "number"."""
    if code:
        bare = _LITERAL.sub("", code[:_LONGEST_FORMAT_CHARS].partition(";")[0]).lower()
        if "general" in bare:
            return "number"
        # "m" alone is a month; beside hours or seconds it is minutes.
        has_time = bool(re.search("[hs]", bare))
        has_date = bool(re.search("[yde]" if has_time else "[ydme]", re.sub(r"[0#?]e[+-]", "", bare)))
        return {(True, True): "moment", (True, False): "date", (False, True): "time"}.get(
            (has_date, has_time), "number"
        )
    if format_id in _TIMES_EAST_ASIA:
        return "moment"
    return "date" if format_id in _DATES else "time" if format_id in _TIMES else "number"


def shown_number(value: str, kind: str, origin: dt.datetime) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    if kind == "number" or not 0 <= number < _LARGEST_DATE:
        return _decimal(number)
    # To the second: a float holds no more of a time of day.
    moment = origin + dt.timedelta(seconds=round(number * 86400))
    if kind == "time" and number >= 1:  # a duration or a moment; both are whole only with their days
        hours, rest = divmod(round(number * 86400), 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    if kind == "time":
        return moment.strftime("%H:%M:%S")
    midnight = moment.time() == dt.time()
    return moment.strftime("%Y-%m-%d") if midnight else moment.strftime("%Y-%m-%d %H:%M:%S")


def _decimal(number: float) -> str:
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    shortest = repr(number)
    # Without exponent, as people would look for it, as long as that is a number and not a wall of noughts.
    return format(Decimal(shortest), "f") if "e" in shortest and _SMALLEST < abs(number) < _LARGEST else shortest


def _whole(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 10 else 0  # noqa: PLR2004  digits
