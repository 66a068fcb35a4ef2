"""Which row of a corrected register is which row of the one before: pure, by what both say, never by the place alone.

What a row has (its attached files, what was mended and confirmed on it) is evidence of one item. A row that is not
surely the same item gets nothing of it.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive_app.intake.registers.checking import RowFields
from archive_app.intake.registers.faults import FAULTS, Fault
from archive_app.intake.registers.keys import file_key, name_key, number_key
from search.reading import EMPTY, Cell

_WAYS = ("file_name", "number", "title")
"""What an item is known again by, the surest first."""
_KEYS = {"file_name": file_key, "number": number_key, "title": name_key, "engagement": number_key}
_SHARED_BY_NUMBERS = frozenset({"number_duplicate", "number_in_archive"})
_NUMBERS = ("number", "archive_number")

Marks = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A row of the register as it was: what it said in its file and, where that was mended, what it says now.

    `placed`: it was read from the very sheet that is read now, so that its place alone tells which row it is.
    """

    id: str
    number: int
    filed: bool
    said: tuple[Marks, ...]
    placed: bool = False


def marks_of(fields: RowFields) -> Marks:
    """What a row is known again by, without what is empty."""
    return {code: key for code, make in _KEYS.items() if (key := make(fields.text(code)))}


def recognise(earlier: Sequence[Earlier], rows: Sequence[tuple[int, RowFields]]) -> dict[int, str]:
    """For places in `rows` (row number and fields) the id of the earlier row that is the same item, each once.

    A file name, number or title decides that only one row on either side has; where several have it, so must the row
    number agree.
    """
    new = [(number, marks_of(fields)) for number, fields in rows]
    found = _by_place(earlier, new)
    for way in _WAYS:
        _by_way(way, earlier, new, found)
    return found


def same_item(was: Earlier, now: Marks) -> bool:
    """Whether they are one item: one file name; or one number or title, and at most one other thing differs.

    A title alone says nothing across engagements. What is filed already is recognised more strictly, because its new
    writing is not taken over: its number and file name must not differ.
    """
    agree = {code for code in now if any(said.get(code) == now[code] for said in was.said)}
    differ = {code for code in now.keys() - agree if any(code in said for said in was.said)}
    if "file_name" in agree:
        return True
    if not agree & set(_WAYS) or len(differ) > 1:
        return False
    if was.filed and differ & {"file_name", "number"}:
        return False
    return "number" in agree or "engagement" not in differ


def merged_fields(source: RowFields, fields: RowFields, now: RowFields) -> RowFields:
    """The row as the corrected file has it, with what was mended in cells that the correction left alone."""
    cells, merged = dict(now.cells), set(now.merged)
    for code in source.cells.keys() | fields.cells.keys() | now.cells.keys():
        if _cell(source, code) == _cell(now, code):
            cells[code] = fields.cells.get(code, EMPTY)
            merged = merged - {code} | ({code} & fields.merged)
    full = {code: cell for code, cell in cells.items() if cell.kind != "empty"}
    return RowFields(full, frozenset(merged & full.keys()), now.hidden)


def still_confirmed(
    confirmed: str, was: tuple[RowFields, Collection[Fault]], now: tuple[RowFields, Collection[Fault]]
) -> str:
    """Of the faults that a person accepted those that are still about the same values; both as JSON."""
    before = {(fault.code, fault.field, fault.value) for fault in was[1]}
    numbers_same = all(was[0].text(code) == now[0].text(code) for code in _NUMBERS)
    kept = []
    for code in json.loads(confirmed):
        again = {(fault.code, fault.field, fault.value) for fault in now[1] if fault.code == code}
        # What rows share is named later than their own faults; and what is no fault is about the attached files.
        if (again and again <= before) or (code in _SHARED_BY_NUMBERS and numbers_same) or code not in FAULTS:
            kept.append(code)
    return json.dumps(kept)


def _cell(row: RowFields, code: str) -> tuple[Cell, bool]:
    return row.cells.get(code, EMPTY), code in row.merged


def _by_place(earlier: Iterable[Earlier], new: Sequence[tuple[int, Marks]]) -> dict[int, str]:
    there = {row.number: row.id for row in earlier if row.placed}
    return {place: there[number] for place, (number, _) in enumerate(new) if number in there}


def _by_way(way: str, earlier: Sequence[Earlier], new: Sequence[tuple[int, Marks]], found: dict[int, str]) -> None:
    """Adds to `found` what agrees in one way among the rows that are left on both sides."""
    taken = set(found.values())
    having: dict[str, list[Earlier]] = {}
    for row in earlier:
        if row.id not in taken:
            for key in {said[way] for said in row.said if way in said}:
                having.setdefault(key, []).append(row)
    times = Counter(marks[way] for place, (_, marks) in enumerate(new) if way in marks and place not in found)
    at_place = {(key, row.number): row for key, rows in having.items() for row in rows}
    for place, (number, marks) in enumerate(new):
        key = marks.get(way, "")
        if place in found or key not in having:
            continue
        alone = len(having[key]) == 1 and times[key] == 1
        likely = having[key][0] if alone else at_place.get((key, number))
        if likely is not None and likely.id not in taken and same_item(likely, marks):
            found[place] = likely.id
            taken.add(likely.id)
