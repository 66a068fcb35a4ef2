"""Tables as their owner sees them, cell by cell: spreadsheets and delimited text, for whoever imports a register.

`extract_text` is for finding words; this is for taking over rows, so it keeps what Excel knows of a cell: its type,
that it was computed, that it is merged or hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Literal

from search.reading.model import DEFAULT_LIMITS, MIB, Limits, ReadingError
from search.reading.sandbox import run_confined
from search.reading.table_readers import CELL_CHARACTERS, COLUMNS_LIMIT

CellKind = Literal["empty", "text", "number", "date", "moment", "truth", "error"]
TABLE_KINDS = frozenset({"xlsx", "xls", "et", "csv", "txt"})
_KINDS: Mapping[str, CellKind] = {
    "x": "empty", "t": "text", "n": "number", "d": "date", "m": "moment", "b": "truth", "r": "error",
}  # fmt: skip
"""The letters that stand for kinds of cells between the two processes."""
_TABLE_OUTPUT_BYTES = 192 * MIB


@dataclass(frozen=True)
class Cell:
    """One cell. `text` is the value: dates as 2025-03-01, moments as 2025-03-01T10:05:00, numbers without exponent.

    `formula`: the value is the one that was stored when the file was last saved; nothing is computed here.
    """

    kind: CellKind = "empty"
    text: str = ""
    formula: bool = False


EMPTY = Cell()


@dataclass(frozen=True)
class Sheet:
    """A sheet of the file; `row_count` is None for the sheets that were not read."""

    name: str
    hidden: bool = False
    row_count: int | None = None


@dataclass(frozen=True)
class TableRow:
    """A row that is not empty, without the cells beyond its last full one; `number` counts from 1 as on the screen."""

    number: int
    cells: tuple[Cell, ...]
    hidden: bool = False


@dataclass(frozen=True)
class Table:
    """One sheet of a file. `merged` ranges are (first row, first column, last row, last column), rows from 1, columns
    from 0; only the first cell of a range has a value.

    `notes` says what a person should know: `macros`, `external_links`, `guessed_encoding`, `damaged_characters`,
    `columns_cut`, `layout_unknown` (formulas, merged and hidden parts of this form are not told).
    """

    sheets: tuple[Sheet, ...]
    sheet: int
    merged: tuple[tuple[int, int, int, int], ...]
    hidden_columns: frozenset[int]
    notes: tuple[str, ...]
    row_count: int
    column_count: int
    _lines: Sequence[bytes]

    def rows(self) -> Iterator[TableRow]:
        """The rows one after the other: a long table never stands in memory as objects. Raises: ReadingError."""
        for line in self._lines:
            yield _row(line)


def extract_table(
    content: BinaryIO,
    kind_code: str,
    sheet: int | None = None,
    *,
    row_limit: int = 1_000_000,
    limits: Limits = DEFAULT_LIMITS,
) -> Table:
    """Sheet `sheet` of a spreadsheet, from 0 (None: the first that is not hidden and not empty), or a delimited text.

    In the sandbox, like all reading: macros never run, links are never followed. At most `row_limit` rows are given;
    `row_count` says how many there are.

    Raises: ReadingError ("unsupported", "encrypted", "unreadable", "too_large", …); whatever reading `content` raises.
    """
    if kind_code not in TABLE_KINDS:
        raise ReadingError("unsupported", f"no table is read from kind {kind_code!r}")
    answer = run_confined(
        ("search.reading.table_readers", "read_table"),
        content,
        arguments={
            "kind_code": kind_code,
            "sheet": sheet,
            "row_limit": row_limit,
        },
        limits=replace(limits, output_bytes=max(limits.output_bytes, _TABLE_OUTPUT_BYTES)),
    )
    head, _, body = answer.content.partition(b"\n")
    lines = body.split(b"\n")[:-1]
    try:
        return _table(json.loads(head), lines)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as lie:
        raise _outside_protocol() from lie


def _table(told: Any, lines: Sequence[bytes]) -> Table:
    sheets = tuple(
        Sheet(_words(name), bool(hidden), None if count is None else int(count))
        for name, hidden, count in told["sheets"]
    )
    return Table(
        sheets=sheets,
        sheet=range(len(sheets))[int(told["sheet"])],
        merged=tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in told["merged"]),
        hidden_columns=frozenset(int(column) for column in told["hidden_columns"]),
        notes=tuple(_words(note) for note in told["notes"]),
        row_count=int(told["row_count"]),
        column_count=min(int(told["column_count"]), COLUMNS_LIMIT),
        _lines=lines,
    )


def _row(line: bytes) -> TableRow:
    try:
        number, hidden, cells = json.loads(line)
        if type(number) is not int or len(cells) > COLUMNS_LIMIT:
            raise ValueError  # noqa: TRY301  one verdict for every kind of lie
        return TableRow(number, tuple(_cell(cell) for cell in cells), bool(hidden))
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as lie:
        raise _outside_protocol() from lie


def _cell(told: Any) -> Cell:
    if isinstance(told, str):
        return Cell("text", _words(told)) if told else EMPTY
    kind, text, formula = told
    return Cell(_KINDS[kind], _words(text), bool(formula))


def _words(text: Any) -> str:
    if not isinstance(text, str) or len(text) > CELL_CHARACTERS:
        raise ValueError("no text of a cell")
    text.encode()  # halves of surrogate pairs would break every store after us
    return text


def _outside_protocol() -> ReadingError:
    return ReadingError("killed", "the reader answered outside of its protocol")
