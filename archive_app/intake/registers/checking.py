"""The check of one row: pure, so that it is the same for 200,000 rows at once and for one cell that was just mended."""

import difflib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from archive_app.engagements.engagements import FIRST_YEAR, LAST_YEAR
from archive_app.intake.registers.dates import read_date
from archive_app.intake.registers.faults import Fault
from archive_app.intake.registers.fields import FIELDS, TEXT_NUMBERS
from archive_app.intake.registers.keys import base_name, file_key, name_key, number_key
from archive_app.kernel.levels import Level
from search.reading import EMPTY, Cell, CellKind

_LEVELS = {
    "": Level.INTERNAL,
    "无": Level.INTERNAL,
    **{level.name.lower(): level for level in Level},
    **dict(zip(("公开", "内部", "敏感", "受限"), Level, strict=True)),
}
_FORBIDDEN = frozenset(':*?"<>|')
_EXACT_DIGITS = 15
_NEAREST_LIKENESS = 0.5


@dataclass(frozen=True)
class Known:
    """An engagement that the row's number names."""

    id: str
    number: str
    client: str


@dataclass(frozen=True)
class Surroundings:
    """What a row is checked against. `own` is the engagement of a register that was brought into one.

    `engagements` and `clients` are found by key. `digits` gives, by field, how many digits the column's numbers with
    leading zeros have.
    """

    today: date
    own: Known | None = None
    engagements: Mapping[str, Known] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RowFields:
    """A row's cells by field, which fields were carried over from a merged cell, and whether the row is hidden."""

    cells: Mapping[str, Cell]
    merged: frozenset[str] = frozenset()
    hidden: bool = False

    def text(self, code: str) -> str:
        """What the field says, without outer white space; nothing for an error of a formula."""
        cell = self.cells.get(code, EMPTY)
        return "" if cell.kind == "error" else cell.text.strip()


@dataclass(frozen=True)
class CheckedRow:
    """A row after its check: its faults and what duplicates and files are looked for by."""

    faults: tuple[Fault, ...]
    engagement_id: str | None
    number_key: str | None
    archive_key: str | None
    file_key: str | None


def check_row(row: RowFields, around: Surroundings) -> CheckedRow:
    """The faults that a row has by itself; what it shares with other rows is asked of the table."""
    faults = list(_row_faults(row, around))
    engagement_id, found = _engagement(row, around)
    return CheckedRow(
        faults=(*faults, *found),
        engagement_id=engagement_id,
        number_key=number_key(row.text("number"))[:200] or None,
        archive_key=number_key(row.text("archive_number"))[:200] or None,
        file_key=file_key(row.text("file_name"))[:300] or None,
    )


def dated_on(row: RowFields, today: date) -> date | None:
    """The day of the row's document, where it names a whole one."""
    cell = row.cells.get("dated_on", EMPTY)
    return None if cell.kind == "error" else read_date(cell.kind, cell.text, today).value


def level_of(row: RowFields) -> Level | None:
    """The level that the row names, in Chinese or English; internal where it names none, None for another word."""
    return _LEVELS.get(row.text("level").strip().lower())


def year_of(row: RowFields) -> int | None:
    """The year of emissions that the row names: 2025, 2025年, 2025年度."""
    text = unicodedata.normalize("NFKC", row.text("year")).strip().removesuffix("度").removesuffix("年").strip()
    known = text.isdecimal() and len(text) == 4 and FIRST_YEAR <= int(text) <= LAST_YEAR  # noqa: PLR2004  digits
    return int(text) if known else None


def pack_fields(row: RowFields) -> str:
    """The row as its column in the table."""
    cells = {code: (cell.kind, cell.text, cell.formula) for code, cell in row.cells.items() if cell.kind != "empty"}
    return json.dumps({"cells": cells, "merged": sorted(row.merged), "hidden": row.hidden}, ensure_ascii=False)


def unpack_fields(packed: str) -> RowFields:
    told = json.loads(packed)
    cells = {code: Cell(kind, text, formula) for code, (kind, text, formula) in told["cells"].items()}
    return RowFields(cells, frozenset(told["merged"]), told["hidden"])


def pack_faults(faults: Iterable[Fault]) -> str:
    return json.dumps([(f.code, f.field, f.value, dict(f.params)) for f in faults], ensure_ascii=False)


def unpack_faults(packed: str) -> list[Fault]:
    return [Fault(*told) for told in json.loads(packed)]


def with_field(row: RowFields, code: str, text: str) -> RowFields:
    """The row after a person typed `text` into a field; that it was a formula, merged or a date no longer matters."""
    kind: CellKind = "text" if text else "empty"
    return RowFields({**row.cells, code: Cell(kind, text)}, row.merged - {code}, row.hidden)


def _row_faults(row: RowFields, around: Surroundings) -> Iterator[Fault]:
    if not row.text("title") and row.cells.get("title", EMPTY).kind != "error":
        yield Fault("title_missing", "title", "")
    for code, cell in row.cells.items():
        yield from _cell_faults(code, cell, around)
        if code in row.merged and cell.text.strip():
            yield Fault("merged", code, cell.text)
    if level_of(row) is None:
        yield Fault("level_unknown", "level", row.text("level"))
    if row.hidden:
        yield Fault("hidden_row", "", "")


def _cell_faults(code: str, cell: Cell, around: Surroundings) -> Iterator[Fault]:
    if cell.kind == "error":
        yield Fault("error_value", code, cell.text, {"value": cell.text})
        return
    yield from _text_faults(code, cell.text)
    if code == "dated_on":
        read = read_date(cell.kind, cell.text, around.today)
        if read.note:
            yield Fault(read.note, code, cell.text, {"taken": read.value.isoformat()} if read.value else {})
    if code in TEXT_NUMBERS:
        yield from _number_faults(code, cell, around.digits.get(code, 0))
    if code == "file_name" and (wrong := sorted(_FORBIDDEN & set(base_name(cell.text)))):
        yield Fault("file_name_forbidden", code, cell.text, {"characters": " ".join(wrong)})
    if cell.formula and cell.text.strip():
        yield Fault("formula", code, cell.text)


def _text_faults(code: str, text: str) -> Iterator[Fault]:
    limit = FIELDS[code].limit
    if len(text.strip()) > limit:
        params = {"length": str(len(text.strip())), "limit": str(limit)}
        yield Fault("title_too_long" if code == "title" else "value_too_long", code, text, params)
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\r\n\t" for letter in text):
        yield Fault("control_characters", code, text)


def _number_faults(code: str, cell: Cell, digits: int) -> Iterator[Fault]:
    if cell.kind in {"date", "moment"}:
        day = date.fromisoformat(cell.text[:10])
        yield Fault("number_became_date", code, cell.text, {"guess": f"{day.month}-{day.day}"})
    plain = cell.text.strip()
    if _is_cut_number(cell.kind, plain):
        yield Fault("number_lost_digits", code, cell.text)
    elif cell.kind == "number" and plain.isdecimal() and len(plain) < digits:
        yield Fault("leading_zeros", code, cell.text, {"width": str(digits)})


def _is_cut_number(kind: CellKind, text: str) -> bool:
    mantissa, exponent, power = text.upper().partition("E+")
    if exponent:
        return power.isdecimal() and mantissa.replace(".", "", 1).isdecimal()
    return kind == "number" and len(text.lstrip("-").partition(".")[0]) > _EXACT_DIGITS


def _engagement(row: RowFields, around: Surroundings) -> tuple[str | None, list[Fault]]:
    number = row.text("engagement")
    year = row.text("year")
    faults = [Fault("year_unreadable", "year", year)] if year and year_of(row) is None else []
    if around.own is not None:
        if number and number_key(number) != number_key(around.own.number):
            return None, [*faults, Fault("engagement_other", "engagement", number, {"number": around.own.number})]
        return around.own.id, faults
    if not number:
        return None, [*faults, Fault("engagement_missing", "engagement", "")]
    known = around.engagements.get(number_key(number))
    if known is None:
        return None, [*faults, *_new_engagement(row, around)]
    client = row.text("client")
    if client and name_key(client) != name_key(known.client):
        faults.append(Fault("client_differs", "client", client, {"client": known.client}))
    return known.id, faults


def _new_engagement(row: RowFields, around: Surroundings) -> Iterator[Fault]:
    number, client, year = row.text("engagement"), row.text("client"), year_of(row)
    if not client or year is None:
        yield Fault("engagement_unknown", "engagement", number)
        return
    if name_key(client) not in around.clients:
        yield Fault("client_unknown", "client", client, {"nearest": nearest(client, around.clients)})
    yield Fault("engagement_new", "engagement", number, {"client": client, "year": str(year)})


def nearest(name: str, clients: Mapping[str, str]) -> str:
    """The client whose name is most like `name`; a dash where none is."""
    # The first thousands by a cheap measure, so that a long list of clients does not make a long check of each row.
    wanted = name_key(name)
    common = sorted(clients, key=lambda key: -len(set(key) & set(wanted)))[:50]
    found = difflib.get_close_matches(wanted, common, n=1, cutoff=_NEAREST_LIKENESS)
    return clients[found[0]] if found else "—"


def columns_digits(rows: Iterable[Mapping[str, Cell]]) -> dict[str, int]:
    """By field, the digits of its numbers that keep leading zeros as text: the width that others have lost."""
    widths: dict[str, int] = {}
    for cells in rows:
        for code in TEXT_NUMBERS & cells.keys():
            text = cells[code].text.strip()
            if cells[code].kind == "text" and text.isdecimal() and text.startswith("0"):
                widths[code] = max(widths.get(code, 0), len(text))
    return widths


def shared_number(code: str, value: str, rows: Sequence[int]) -> Fault:
    """The fault of a number that other rows have too."""
    return Fault("number_duplicate", code, value, {"rows": _some(rows)})


def shared_file(value: str, rows: Sequence[int], *, same: bool) -> Fault:
    """The fault of a file name that other rows have too, to the letter or only alike."""
    return Fault("file_named_twice" if same else "file_names_alike", "file_name", value, {"rows": _some(rows)})


def _some(rows: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in rows[:5])
    return f"{shown} …" if len(rows) > 5 else shown  # noqa: PLR2004  as many as a person reads
