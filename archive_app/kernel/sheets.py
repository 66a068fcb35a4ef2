"""Tables for spreadsheet programs: CSV and XLSX in which no text of ours can become a formula.

A document may be called `=HYPERLINK(…)`; whoever opens a list of documents must see that name, not run it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | date | datetime | None
# What spreadsheet programs take for the beginning of a formula, in both widths.
_FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"
_LONGEST_CELL_CHARS = 32_767  # where spreadsheet programs cut or refuse
_FIRST_YEAR = 1900  # before it, workbooks know no dates
_BLOCK_BYTES = 64 * 1024
_DAY, _MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def csv_blocks(rows: Iterable[Sequence[Cell]], zone: ZoneInfo) -> Iterator[bytes]:
    """The rows as CSV in UTF-8 with a byte order mark, as spreadsheet programs open it by double click.

    A text that would begin a formula gets an apostrophe before it. Instants are in `zone`. Constant memory.
    """
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    yield "\ufeff".encode()
    for row in rows:
        writer.writerow([_harmless(_plain(cell, zone)) for cell in row])
        if line.tell() >= _BLOCK_BYTES:
            yield _taken(line)
    yield _taken(line)


def xlsx_blocks(rows: Iterable[Sequence[Cell]], widths: Sequence[int], zone: ZoneInfo) -> Iterator[bytes]:
    """The rows as a workbook with one sheet, the first row its heading: texts are texts, dates dates, numbers numbers.

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
        _fill(book, rows, widths, zone)
    finished.seek(0)
    while block := finished.read(_BLOCK_BYTES):
        yield block


def _fill(book: Workbook, rows: Iterable[Sequence[Cell]], widths: Sequence[int], zone: ZoneInfo) -> None:
    sheet, bold, day = book.add_worksheet(), book.add_format({"bold": True}), book.add_format({"num_format": _DAY})
    minute = book.add_format({"num_format": _MINUTE})
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            _put(sheet, number, column, cell, zone, (bold if number == 0 else None, day, minute))


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
        sheet.write_number(row, column, cell)
    elif cell:
        sheet.write_string(row, column, str(cell)[:_LONGEST_CELL_CHARS], text)


def _plain(cell: Cell, zone: ZoneInfo) -> str:
    if isinstance(cell, datetime):
        return cell.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return "" if cell is None else str(cell)


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] and text[0] in _FORMULA_SIGNS else text


def _taken(line: io.StringIO) -> bytes:
    block = line.getvalue().encode()
    line.seek(0)
    line.truncate()
    return block
