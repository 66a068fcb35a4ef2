"""Excel 97–2003 workbooks and those of WPS Spreadsheets, which writes the same format (MS-XLS).

Cells by calamine; headers, footers, comments and text boxes, which it leaves out, from the records themselves.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from search.reading.compound import Compound
from search.reading.compound_writing import written_compound
from search.reading.model import ReadingError
from search.reading.writing import TextBuilder, row_place

# Types of records (MS-XLS §2.3).
_HEADER, _FOOTER, _CONTINUED, _SHEET, _PASSWORD, _OBJECT_TEXT, _BEGIN = 0x14, 0x15, 0x3C, 0x85, 0x2F, 0x1B6, 0x809
_VERSION_97 = 0x0600
_SEVERAL = frozenset({0xBD, 0xBE})  # MulRk, MulBlank
_CELLS = frozenset({0x06, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E}) | _SEVERAL
_AREA_LIMIT = 8_000_000
# Codes in headers and footers (§2.5.150): sections, fonts, sizes and colours, and fields such as the page's number.
_HEADER_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|\d{1,3}|[LCR]|[A-Z+-]|(?P<and>&))')
_SECTION = re.compile(r"&[LCR]")


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Each sheet's name and its rows as their values, then its headers, footers, comments and text boxes.

    Raises: ReadingError ("unreadable", "encrypted"); Full.
    """
    del kind_code
    stream = _workbook_stream(content)
    if any(kind == _PASSWORD for kind, _, _ in _records(stream, 0)):
        raise ReadingError("encrypted", "the workbook asks for a password")
    places = _sheet_places(stream)
    _refuse_large_areas(stream, places)
    import python_calamine

    try:
        # In a container of our own: calamine follows a looping chain of sectors until its memory is used up.
        workbook = python_calamine.load_workbook(io.BytesIO(written_compound({("Workbook",): stream})))
        names = workbook.sheet_names
    except python_calamine.PasswordError as error:
        raise ReadingError("encrypted", "the workbook asks for a password") from error
    except python_calamine.CalamineError as error:
        raise ReadingError("unreadable", f"the workbook is damaged: {type(error).__name__}") from error
    for number, name in enumerate(names):
        text.add(f"sheet:{name}", name)
        _add_rows(workbook, number, name, text)
        if number < len(places):
            _add_beside(stream, places[number], name, text)


def _workbook_stream(content: bytes) -> bytes:
    compound = Compound(content)
    return next((compound.stream(name) for name in ("Workbook", "Book") if compound.has(name)), b"")


def _add_rows(workbook: Any, number: int, name: str, text: TextBuilder) -> None:
    import python_calamine

    try:
        sheet = workbook.get_sheet_by_index(number)
    except python_calamine.CalamineError:
        text.warn("a sheet is damaged and was left out")
        return
    if sheet.start is None:
        return
    # The rows come from the first one on, their cells from the first column that has any.
    leading = "\t" * sheet.start[1]
    for row_number, row in enumerate(sheet.iter_rows(), 1):
        text.add(row_place(name, row_number), leading + "\t".join(map(_shown, row)))


def _shown(value: Any) -> str:
    """A cell's value in words: numbers as short as they are exact, moments as ISO 8601."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and math.fabs(value) < 1e15 else repr(value)  # noqa: PLR2004
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of each record of the substream that begins at `at`, up to the next one's beginning."""
    first = True
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if (kind == _BEGIN and not first) or at + 4 + size > len(stream):
            return
        first = False
        yield kind, at + 4, at + 4 + size
        at += 4 + size


def _sheet_places(stream: bytes) -> list[int]:
    """Where the substream of each sheet begins, in the order of the sheets; empty for versions before 97."""
    if len(stream) < 6 or struct.unpack_from("<4xH", stream)[0] != _VERSION_97:  # noqa: PLR2004  type, size, version
        return []
    return [
        struct.unpack_from("<I", stream, begin)[0]
        for kind, begin, end in _records(stream, 0)
        if kind == _SHEET and end - begin >= 8  # noqa: PLR2004  the head of the record
    ]


def _refuse_large_areas(stream: bytes, places: list[int]) -> None:
    """Calamine keeps every cell between the first and the last one of a sheet, also where there are none.

    Raises: ReadingError ("too_large").
    """
    area = 0
    for place in places:
        rows: list[int] = []
        columns: list[int] = []
        for kind, begin, end in _records(stream, place):
            if kind in _CELLS and end - begin >= 6:  # noqa: PLR2004  row, column, format
                row, column = struct.unpack_from("<HH", stream, begin)
                rows.append(row)
                # A record of several cells ends with the number of its last column.
                columns += (column, struct.unpack_from("<H", stream, end - 2)[0] if kind in _SEVERAL else column)
        if rows:
            area += (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1)
    if area > _AREA_LIMIT:
        raise ReadingError("too_large", f"the sheets span more than {_AREA_LIMIT} cells")


def _add_beside(stream: bytes, place: int, name: str, text: TextBuilder) -> None:
    """Headers, footers and the texts of objects (comments, text boxes) of one sheet."""
    waiting = 0  # characters of an object whose text begins in the next record
    for kind, begin, end in _records(stream, place):
        if kind in {_HEADER, _FOOTER} and end - begin > 3:  # noqa: PLR2004  length and form, then characters
            (length,) = struct.unpack_from("<H", stream, begin)
            shown = _characters(stream[begin + 2 : end], length)
            text.add("header" if kind == _HEADER else "footer", _without_codes(shown))
        elif kind == _OBJECT_TEXT and end - begin >= 12:  # noqa: PLR2004  where its length ends
            waiting = struct.unpack_from("<10xH", stream, begin)[0]
        elif kind == _CONTINUED and waiting > 0:
            shown = _characters(stream[begin:end], waiting)
            waiting -= len(shown)
            text.write(shown)
            if waiting <= 0 or not shown:
                waiting = 0
                text.end(f"sheet:{name}")
        else:
            waiting = 0
            text.end(f"sheet:{name}")


def _characters(raw: bytes, length: int) -> str:
    """Characters behind the byte that tells their width (§2.5.294)."""
    if raw[:1] and raw[0] & 1:
        return raw[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return raw[1 : 1 + length].decode("latin-1")


def _without_codes(shown: str) -> str:
    return _HEADER_CODE.sub(lambda found: found["and"] or "", _SECTION.sub("\n", shown))
