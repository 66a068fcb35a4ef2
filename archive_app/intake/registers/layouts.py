"""What the sheet of a register looks like: facts kept at its reading, the header, which column means what."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from operator import itemgetter

from archive_app.intake.registers.checking import RowFields
from archive_app.intake.registers.fields import FIELDS, HEADER_SEARCHED_ROWS, Header, find_header, is_footer, propose
from search.reading import EMPTY, Cell, Table, TableRow

PREVIEW_ROWS = 40
_KEPT_CHARACTERS = 60


@dataclass(frozen=True)
class Facts:
    """What was seen of a sheet when it was read; `preview` holds its first rows as texts, with their numbers."""

    sheets: Sequence[tuple[str, bool]]
    sheet: int
    notes: Sequence[str]
    row_count: int
    column_count: int
    hidden_columns: Sequence[int]
    merged_count: int
    header: Header
    proposed: Mapping[int, str]
    preview: Sequence[tuple[int, Sequence[str]]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Layout:
    """Which row the data begin after, and the field of each column; `headings` name the columns to people."""

    last_header_row: int
    columns: Mapping[int, str]
    headings: Sequence[str]

    @property
    def signature(self) -> str:
        return Header((), tuple(self.headings)).signature

    def heading_of(self, code: str) -> str:
        """What the register itself calls a field."""
        return next((self.headings[column] for column, named in self.columns.items() if named == code), "")

    def column_of(self, code: str) -> int | None:
        """The column of a field, from 0."""
        return next((column for column, named in self.columns.items() if named == code), None)


def column_letters(column: int) -> str:
    """A column (from 0) as spreadsheets call it: A, B, … Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def facts_of(table: Table, today: date) -> Facts:
    """What is worth keeping of a sheet before its columns are mapped."""
    first: list[TableRow] = []
    for row in table.rows():
        if len(first) == PREVIEW_ROWS:
            break
        first.append(row)
    header = find_header(first[:HEADER_SEARCHED_ROWS], table.column_count, table.merged)
    return Facts(
        sheets=[(sheet.name, sheet.hidden) for sheet in table.sheets],
        sheet=table.sheet,
        notes=table.notes,
        row_count=table.row_count,
        column_count=table.column_count,
        hidden_columns=sorted(table.hidden_columns),
        merged_count=len(table.merged),
        header=header,
        proposed=propose(header, first, today),
        preview=[(row.number, [cell.text[:_KEPT_CHARACTERS] for cell in row.cells]) for row in first],
    )


def pack_facts(facts: Facts) -> str:
    return json.dumps({**asdict(facts), "proposed": list(facts.proposed.items())}, ensure_ascii=False)


def unpack_facts(packed: str) -> Facts:
    told = json.loads(packed)
    header = Header(tuple(told["header"]["rows"]), tuple(told["header"]["headings"]))
    sheets = [(name, hidden) for name, hidden in told["sheets"]]
    return Facts(**{**told, "header": header, "proposed": dict(map(tuple, told["proposed"])), "sheets": sheets})


def pack_layout(layout: Layout) -> str:
    told = {"last_header_row": layout.last_header_row, "headings": list(layout.headings)}
    return json.dumps({**told, "columns": list(layout.columns.items())}, ensure_ascii=False)


def unpack_layout(packed: str) -> Layout:
    told = json.loads(packed)
    return Layout(told["last_header_row"], {int(at): code for at, code in told["columns"]}, told["headings"])


class RowTaker:
    """Takes the rows of a table by its layout, one after the other, carrying the values of merged cells downwards."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self._layout = layout
        self._table = table
        self._below = _carried(table.merged, layout)
        self._kept: dict[tuple[int, int], Cell] = {}
        self.left_out = 0

    def __iter__(self) -> Iterator[tuple[int, RowFields]]:
        for row in self._table.rows():
            if row.number <= self._layout.last_header_row:
                continue
            if is_footer(row.cells):
                self.left_out += 1
                continue
            fields = self._take(row)
            if any(cell.text.strip() for cell in fields.cells.values()):
                yield row.number, fields
            else:
                self.left_out += 1

    def _take(self, row: TableRow) -> RowFields:
        cells: dict[str, Cell] = {}
        merged = set()
        for column, code in self._layout.columns.items():
            cell = row.cells[column] if column < len(row.cells) else EMPTY
            origin = _origin(self._below.get(column, ()), row.number)
            if origin == (row.number, column):
                self._kept[origin] = cell
            elif origin is not None and not cell.text.strip():
                cell = self._kept.get(origin, EMPTY)
                merged.add(code)
            if cell.kind != "empty":
                cells[code] = cell
        return RowFields(cells, frozenset(merged & cells.keys()), row.hidden)


def _carried(ranges: Sequence[tuple[int, int, int, int]], layout: Layout) -> dict[int, list[tuple[int, int, int]]]:
    """For each mapped column the merged ranges that go downwards in it, from the top: first row, last row, and the
    column that holds their value. Ranges, not cells: a file of some kilobytes can merge ten million of these."""
    spans: dict[int, list[tuple[int, int, int]]] = {}
    for top, left, bottom, right in sorted(ranges):
        if bottom > top:
            for column in layout.columns:
                if left <= column <= right:
                    spans.setdefault(column, []).append((top, bottom, left))
    return spans


def _origin(spans: Sequence[tuple[int, int, int]], row: int) -> tuple[int, int] | None:
    """The cell that holds the value of the merged range that `row` is in. Ranges of one column do not overlap."""
    place = bisect_right(spans, row, key=itemgetter(0)) - 1
    if place < 0 or spans[place][1] < row:
        return None
    return spans[place][0], spans[place][2]


def known_columns(columns: Mapping[int, str], column_count: int) -> dict[int, str]:
    """The columns that a remembered or posted mapping names rightly: known fields, each once, inside the sheet."""
    found: dict[int, str] = {}
    for column in sorted(columns):
        code = columns[column]
        if code in FIELDS and code not in found.values() and 0 <= column < column_count:
            found[column] = code
    return found
