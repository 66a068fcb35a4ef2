"""The readers of tables, run inside the sandbox: bytes in, one line of JSON for the sheet and one for each row out.

Values come from calamine, which is fast and knows all the forms. What it does not tell of a sheet of Office Open XML
(formulas, errors, hidden rows and columns) is looked for in the sheet's own part; ISO/IEC 29500-1 §18.3.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search.reading.encodings import decode
from search.reading.model import ReadingError

if TYPE_CHECKING:
    from search.reading.open_xml import Package

CELL_CHARACTERS = 4000
COLUMNS_LIMIT = 200
_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 30
_EXACT_FLOAT = 2**53
_REFERENCE = re.compile(rb"([A-Z]{1,3})([0-9]{1,7})")
_OPEN_CELL = re.compile(rb"<c\b[^>]*?\br=\"([A-Z]{1,3}[0-9]{1,7})\"")
_ERROR_CELL = re.compile(
    rb"<c\b(?=[^>]*\bt=\"e\")[^>]*\br=\"([A-Z]{1,3}[0-9]{1,7})\"[^>]*>.{0,9000}?<v>([^<]{1,20})</v>", re.DOTALL
)
_HIDDEN_ROW = re.compile(rb"<row\b(?=[^>]*\bhidden=\"(?:1|true)\")[^>]*\br=\"([0-9]{1,7})\"")
_COLUMN = re.compile(rb"<col\b[^>]*>")
_NUMBER_ATTRIBUTE = r'\b%s="([^"]*)"'


@dataclass
class _Layout:
    """What calamine does not tell; cells are (row from 1, column from 0)."""

    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)


def read_table(content: bytes, *, kind_code: str, sheet: int | None, row_limit: int) -> bytes:
    """The facts about the table, then its rows. Raises: ReadingError."""
    if kind_code in {"csv", "txt"}:
        return _delimited(content, row_limit)
    return _workbook(content, kind_code, sheet, row_limit)


def _workbook(content: bytes, kind_code: str, sheet: int | None, row_limit: int) -> bytes:
    if kind_code == "xlsx":
        from search.reading.open_xml import checked_package, is_xml

        package = checked_package(content)
        for name in package.names:
            if is_xml(name):  # compared with its checksum, which calamine does not do
                package.stream(name, lambda _chunk, _last: None)
        notes = ["macros"] if any(name.endswith("vbaProject.bin") for name in package.names) else []
        notes += ["external_links"] if any(name.startswith("xl/externalLinks/") for name in package.names) else []
        return _open_xml(content, package, sheet, row_limit, notes)
    return _with_calamine(content, sheet, row_limit, ["layout_unknown"], _Layout())


def _open_xml(content: bytes, package: Package, sheet: int | None, row_limit: int, notes: list[str]) -> bytes:
    parts = _sheet_parts(package)
    chosen = _chosen(content, sheet)
    part = parts[chosen] if 0 <= chosen < len(parts) else ""
    if part not in package.names:
        return _with_calamine(content, chosen, row_limit, [*notes, "layout_unknown"], _Layout())
    layout = _layout(package.content(part, package.size_bytes(part)))
    return _with_calamine(content, chosen, row_limit, notes, layout)


def _chosen(content: bytes, sheet: int | None) -> int:
    """The sheet asked for, or the first that is visible and not empty."""
    workbook = _calamine(content)
    if sheet is not None:
        return sheet
    import python_calamine

    for number, about in enumerate(workbook.sheets_metadata):
        visible = about.visible == python_calamine.SheetVisibleEnum.Visible
        if visible and about.typ == python_calamine.SheetTypeEnum.WorkSheet:
            found = workbook.get_sheet_by_index(number)
            if found.start is not None and found.total_height:
                return number
    return 0


def _calamine(content: bytes) -> Any:
    import python_calamine

    try:
        return python_calamine.load_workbook(io.BytesIO(content))
    except python_calamine.PasswordError as error:
        raise ReadingError("encrypted", "the workbook asks for a password") from error
    except Exception as error:  # calamine raises what its parsers raise, a panic among them
        raise ReadingError("unreadable", f"calamine: {type(error).__name__}") from error


def _with_calamine(content: bytes, sheet: int | None, row_limit: int, notes: list[str], layout: _Layout) -> bytes:
    import python_calamine

    workbook = _calamine(content)
    chosen = _chosen(content, sheet)
    try:
        found = workbook.get_sheet_by_index(chosen)
        start = found.start or (0, 0)
        merged = found.merged_cell_ranges or []
        rows = found.iter_rows() if found.start is not None else iter(())
    except IndexError as error:
        raise ReadingError("unsupported", "there is no such sheet") from error
    except python_calamine.CalamineError as error:
        raise ReadingError("unreadable", f"calamine: {type(error).__name__}") from error
    if found.width + start[1] > COLUMNS_LIMIT:
        notes.append("columns_cut")
    lines, last = _lines(rows, start[1], layout, row_limit)
    visible = python_calamine.SheetVisibleEnum.Visible
    sheets = [
        (about.name[:CELL_CHARACTERS], about.visible != visible, last if number == chosen else None)
        for number, about in enumerate(workbook.sheets_metadata)
    ]
    head = {
        "sheets": sheets,
        "sheet": chosen,
        "merged": [(a + 1, b, c + 1, d) for (a, b), (c, d) in merged][:100_000],
        "hidden_columns": sorted(layout.hidden_columns),
        "notes": notes,
        "row_count": last,
        "column_count": found.width + start[1],
    }
    return _answer(head, lines)


def _lines(rows: Iterator[Sequence[Any]], first_column: int, layout: _Layout, row_limit: int) -> tuple[list[str], int]:
    lines: list[str] = []
    last = 0
    pad = [""] * first_column
    marked = {row for row, _ in layout.formulas} | {row for row, _ in layout.errors}
    for number, values in enumerate(rows, 1):
        cells: list[Any] = [*pad, *(_value(value) for value in values)][:COLUMNS_LIMIT]
        if number in marked:
            _mark(cells, number, layout)
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            last = number
            if number <= row_limit:
                lines.append(json.dumps((number, number in layout.hidden_rows, cells), ensure_ascii=False))
    return lines, last


def _mark(cells: list[Any], number: int, layout: _Layout) -> None:
    """Says of computed and faulty cells that they are."""
    for column in range(COLUMNS_LIMIT):
        place = (number, column)
        if place not in layout.formulas and place not in layout.errors:
            continue
        cells.extend([""] * (column + 1 - len(cells)))
        told = cells[column]
        kind, text = ("t", told) if isinstance(told, str) else (told[0], told[1])
        if place in layout.errors:
            kind, text = "r", layout.errors[place]
        cells[column] = (kind if text else "x", text, place in layout.formulas)


def _value(value: Any) -> Any:
    """A plain string for text, otherwise (kind, text, is formula)."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return "b", "TRUE" if value else "FALSE", False
    if isinstance(value, int | float):
        return "n", number_text(value), False
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return ("d", value.date().isoformat(), False) if midnight else ("m", value.isoformat("T", "seconds"), False)
    if isinstance(value, dt.date):
        return "d", value.isoformat(), False
    return _clean(str(value))


def number_text(value: float) -> str:
    """A number as a person would have typed it: whole ones without point, no exponent where digits can be shown."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124  NaN is not itself
        return str(value)
    if value == int(value) and abs(value) < 1e21:  # noqa: PLR2004  beyond this the digits are noise
        return str(int(value)) if abs(value) < _EXACT_FLOAT else f"{value:.0f}"
    return repr(value)


def _clean(text: str) -> str:
    # Halves of surrogate pairs cannot be written down; control characters stay, because the check names them.
    return text[:CELL_CHARACTERS].encode("utf-8", "replace").decode()


def _layout(part: bytes) -> _Layout:
    layout = _Layout()
    layout.hidden_rows = {int(number) for number in _HIDDEN_ROW.findall(part)}
    for column in _COLUMN.findall(part.partition(b"<sheetData")[0]):
        told = column.decode("ascii", "replace")
        if re.search(_NUMBER_ATTRIBUTE % "hidden", told) and 'hidden="0"' not in told:
            first, last = (re.search(_NUMBER_ATTRIBUTE % name, told) for name in ("min", "max"))
            if first and last and first[1].isdigit() and last[1].isdigit():
                layout.hidden_columns |= set(range(int(first[1]) - 1, min(int(last[1]), COLUMNS_LIMIT)))
    for found in re.finditer(rb"<f[ />]", part):
        opened = _OPEN_CELL.match(part, part.rfind(b"<c", max(0, found.start() - 400), found.start()))
        if opened:
            layout.formulas.add(_place(opened[1]))
    for reference, text in _ERROR_CELL.findall(part):
        layout.errors[_place(reference)] = text.decode("utf-8", "replace")
    return layout


def _place(reference: bytes) -> tuple[int, int]:
    letters, digits = _REFERENCE.fullmatch(reference).groups()  # type: ignore[union-attr]  # found by the same pattern
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return int(digits), column - 1


def _sheet_parts(package: Package) -> list[str]:
    """The parts of the sheets in the order of the workbook."""
    from search.reading.open_xml import Elements, attribute

    if "xl/workbook.xml" not in package.names:
        return []
    found: list[str] = []

    def start(local: str, attributes: dict[str, str]) -> None:
        if local == "sheet":
            found.append(attribute({key: value for key, value in attributes.items() if " " in key}, "id"))

    package.stream("xl/workbook.xml", Elements(start=start).feed)
    targets = package.relations("xl/workbook.xml")
    return [targets[key].target if key in targets else "" for key in found]


def _delimited(content: bytes, row_limit: int) -> bytes:
    decoded = decode(content)
    if decoded is None:
        raise ReadingError("unreadable", "the content is no text in any known encoding")
    text, delimiter = _delimiter(decoded.text.lstrip("\ufeff"))
    csv.field_size_limit(2**24)
    notes = ["damaged_characters"] if decoded.damaged else []
    notes += ["guessed_encoding"] if decoded.encoding == "cp1252" else []
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        lines, last = _lines(iter(rows), 0, _Layout(), row_limit)
    except csv.Error as error:
        raise ReadingError("unreadable", f"csv: {error}") from error
    columns = max((len(json.loads(line)[2]) for line in lines[:_SAMPLE_LINES]), default=0)
    head = {
        "sheets": [("", False, last)],
        "sheet": 0,
        "merged": [],
        "hidden_columns": [],
        "notes": notes,
        "row_count": last,
        "column_count": columns,
    }
    return _answer(head, lines)


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's own `sep=` line, and the delimiter that splits its first lines most evenly."""
    told = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    if told and told[1] in _DELIMITERS:
        return text[told.end() :], told[1]
    sample = "\n".join(text.splitlines()[:_SAMPLE_LINES])
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row)
        width, rows = max(widths.items(), key=lambda found: (found[0] > 1, found[1]), default=(1, 0))
        if width > 1 and rows * min(width, 20) > most:
            best, most = delimiter, rows * min(width, 20)
    return text, best


def _answer(head: dict[str, Any], lines: list[str]) -> bytes:
    return "\n".join([json.dumps(head, ensure_ascii=False), *lines, ""]).encode("utf-8", "replace")
