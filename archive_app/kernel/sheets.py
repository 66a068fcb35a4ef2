"""Tables for spreadsheet programs: CSV and XLSX in which no text of ours can become a formula.

A document may be called `=HYPERLINK(…)`; whoever opens a list of documents must see that name, not run it.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | date | datetime | None
# What spreadsheet programs take for the beginning of a formula, in both widths.
_FORMULA_SIGNS = "=+-@\t\r\n\0＝＋－＠"
# The same behind what some programs skip at the beginning of a cell, or take for the end of the one before: where a
# semicolon separates cells, a line of ours is split at other places than we meant.
_FORMULA_WITHIN = re.compile(r"((?:^|[;\t\r\n])[ \"\xa0\u2000-\u200f\u2060\u3000\ufeff]*+)([=+\-@＝＋－＠])")
_LONGEST_CELL_CHARS = 32_767  # where spreadsheet programs cut or refuse
_LONGEST_TITLE_CHARS = 31  # the same
_FIRST_YEAR = 1900  # before it, workbooks know no dates
_BLOCK_BYTES = 64 * 1024
_DAY, _MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def csv_blocks(rows: Iterable[Sequence[Cell]], zone: ZoneInfo) -> Iterator[bytes]:
    """The rows as CSV in UTF-8 with a byte order mark, as spreadsheet programs open it by double click.

    What would begin a formula gets an apostrophe before it. Instants are in `zone`. Constant memory.
    """
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    yield "\ufeff".encode()
    for row in rows:
        writer.writerow([_harmless(_plain(cell, zone)) for cell in row])
        if line.tell() >= _BLOCK_BYTES:
            yield _taken(line)
    yield _taken(line)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: its rows, the first one the heading, and how wide its columns are, in characters.

    `wrapped` says that texts may have several lines.
    """

    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int]
    title: str | None = None
    wrapped: bool = False


def xlsx_blocks(rows: Iterable[Sequence[Cell]], widths: Sequence[int], zone: ZoneInfo) -> Iterator[bytes]:
    """The rows as a workbook with one sheet, in blocks; as `workbook`."""
    finished = io.BytesIO(workbook([Sheet(rows, widths)], zone))
    while block := finished.read(_BLOCK_BYTES):
        yield block


def workbook(sheets: Iterable[Sheet], zone: ZoneInfo, *, made_at: datetime | None = None) -> bytes:
    """The sheets as XLSX: texts are texts, dates dates, numbers numbers. With `made_at` the same rows make the same
    bytes.

    It is made in memory, about 4 kB a row: what the archive holds is nowhere on a disk in plain.
    """
    finished = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": _MINUTE,
    }
    with Workbook(finished, options) as book:
        if made_at is not None:
            book.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
        for sheet in sheets:
            _fill(book, sheet, zone)
    return finished.getvalue()


def _fill(book: Workbook, told: Sheet, zone: ZoneInfo) -> None:
    sheet = book.add_worksheet(told.title and told.title[:_LONGEST_TITLE_CHARS])
    layout = {"text_wrap": True, "valign": "top"} if told.wrapped else {}
    heading, text = book.add_format({"bold": True, **layout}), book.add_format(layout) if layout else None
    # Shown as text, it would still become a formula when somebody edits the cell; with this mark it does not.
    guarded = book.add_format({"quote_prefix": True, **layout})
    day, minute = book.add_format({"num_format": _DAY, **layout}), book.add_format({"num_format": _MINUTE, **layout})
    for column, width in enumerate(told.widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(told.rows):
        for column, cell in enumerate(row):
            plain = guarded if isinstance(cell, str) and _begins_formula(cell) else text if number else heading
            _put(sheet, number, column, cell, zone, (plain, day, minute))


def _put(
    sheet: Worksheet,
    row: int,
    column: int,
    cell: Cell,
    zone: ZoneInfo,
    formats: tuple[Format | None, Format, Format],
) -> None:
    text, day, minute = formats
    if isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell.astimezone(zone).replace(tzinfo=None), minute)
    elif isinstance(cell, date) and cell.year >= _FIRST_YEAR:
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell, text)
    elif cell:
        sheet.write_string(row, column, str(cell)[:_LONGEST_CELL_CHARS], text)


def _plain(cell: Cell, zone: ZoneInfo) -> str:
    if isinstance(cell, datetime):
        return cell.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return "" if cell is None else str(cell)


def _harmless(text: str) -> str:
    marked = f"'{text}" if _begins_formula(text) else text
    return _FORMULA_WITHIN.sub(r"\1'\2", marked)


def _begins_formula(text: str) -> bool:
    return text[:1] != "" and text[0] in _FORMULA_SIGNS


def _taken(line: io.StringIO) -> bytes:
    block = line.getvalue().encode()
    line.seek(0)
    line.truncate()
    return block
