"""What rows of one register share with each other and with the archive: numbers, file names."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_app.documents.models import Document
from archive_app.intake.registers.checking import (
    pack_faults,
    shared_file,
    shared_number,
    unpack_faults,
    unpack_fields,
)
from archive_app.intake.registers.faults import Fault, worst_of
from archive_app.intake.registers.keys import base_name, number_key, portions
from archive_app.intake.registers.models import RegisterRow
from archive_app.kernel.unit_of_work import UnitOfWork

_SHARED_AT_ONCE = 200
_AT_ONCE = 500
_NAMED = 7
"""So many of the rows that share something tell all that is said of them: five others, and that there are more."""
_SHARED_CODES = frozenset({"number_duplicate", "file_named_twice", "file_names_alike"})


@dataclass
class _Group:
    """Rows that share a key: the first of them with their numbers, and how often each file name is written so."""

    first: list[tuple[str, int]] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)


def in_portions(session: Session, wanted: Select[RegisterRow]) -> Iterator[RegisterRow]:
    """The rows that are wanted now, to be changed one after the other: of a long register only some are in memory."""
    for ids in portions(session.scalars(wanted.with_only_columns(RegisterRow.id)).all(), _AT_ONCE):
        yield from session.scalars(select(RegisterRow).where(RegisterRow.id.in_(ids)).order_by(RegisterRow.id))
        # What was changed is let go of only when it is written.
        session.flush()


def find_shared(uow: UnitOfWork, register_id: str, only: Iterable[str] | None = None) -> None:
    """The step that names on every open row what it shares with others: numbers and file names; with `only`, for the
    rows that have one of these keys. Numbers that the engagement's documents already have are named too."""
    keys = None if only is None else sorted({key for key in only if key})
    for column in (RegisterRow.number_key, RegisterRow.archive_key, RegisterRow.file_key):
        for values in _shared_values(uow.session, register_id, column, keys):
            _name_shared(uow, register_id, column, values)
    _find_in_archive(uow, register_id, keys)


def forget_closed(uow: UnitOfWork, register_id: str, keys: Collection[str]) -> None:
    """The step that names anew what open rows share, after many rows with these keys were closed."""
    named = or_(*(RegisterRow.faults.contains(f'["{code}"', autoescape=True) for code in sorted(_SHARED_CODES)))
    faulty = select(RegisterRow.number_key, RegisterRow.archive_key, RegisterRow.file_key)
    faulty = faulty.where(RegisterRow.register_id == register_id, RegisterRow.state == "open", named)
    touched = {key for row in uow.session.execute(faulty) for key in row if key in keys}
    for portion in portions(sorted(touched), _SHARED_AT_ONCE):
        find_shared(uow, register_id, portion)


def _shared_values(
    session: Session, register_id: str, column: InstrumentedAttribute[str | None], keys: Sequence[str] | None
) -> Iterator[Sequence[str]]:
    """Values of a key that rows have in portions: those of several rows, or exactly the given ones."""
    if keys is not None:
        yield from portions(keys, _SHARED_AT_ONCE)
        return
    of_register = (RegisterRow.register_id == register_id, RegisterRow.state != "closed", column.is_not(None))
    several = select(column).where(*of_register).group_by(column).having(func.count() > 1)
    yield from portions([value for value in session.scalars(several) if value], _SHARED_AT_ONCE)


def _name_shared(
    uow: UnitOfWork, register_id: str, column: InstrumentedAttribute[str | None], values: Sequence[str]
) -> None:
    of_rows = (RegisterRow.register_id == register_id, column.in_(values))
    sharing = select(RegisterRow.id, RegisterRow.number, column, RegisterRow.fields)
    sharing = sharing.where(*of_rows, RegisterRow.state != "closed").order_by(RegisterRow.number, RegisterRow.id)
    groups: dict[str | None, _Group] = {}
    for row_id, number, key, packed in uow.session.execute(sharing.execution_options(yield_per=_AT_ONCE)):
        group = groups.setdefault(key, _Group())
        if len(group.first) < _NAMED:
            group.first.append((row_id, number))
        if column is RegisterRow.file_key:
            group.names[_file_name(packed)] += 1
    for row in in_portions(uow.session, select(RegisterRow).where(*of_rows, RegisterRow.state == "open")):
        group = groups[getattr(row, column.key)]
        others = [number for row_id, number in group.first if row_id != row.id]
        _set_shared(row, column.key, others, same=group.names[_file_name(row.fields)] > 1 if group.names else False)


def _file_name(packed: str) -> str:
    return base_name(unpack_fields(packed).text("file_name"))


def _set_shared(row: RegisterRow, key: str, others: Sequence[int], *, same: bool) -> None:
    """Names on a row the numbers of the first rows that share its key; `same` says that one writes it to the letter."""
    fields = unpack_fields(row.fields)
    code = {"number_key": "number", "archive_key": "archive_number", "file_key": "file_name"}[key]
    kept = [fault for fault in unpack_faults(row.faults) if fault.code not in _SHARED_CODES or fault.field != code]
    if others and key == "file_key":
        kept.append(shared_file(fields.text("file_name"), others, same=same))
    elif others:
        kept.append(shared_number(code, fields.text(code), others))
    row.faults, row.worst = pack_faults(kept), worst_of(kept, json.loads(row.confirmed))


def _find_in_archive(uow: UnitOfWork, register_id: str, keys: Sequence[str] | None) -> None:
    """Names on open rows the documents of their engagement that already have their number, to the letter."""
    rows = select(RegisterRow).where(
        RegisterRow.register_id == register_id,
        RegisterRow.state == "open",
        RegisterRow.engagement_id.is_not(None),
        RegisterRow.number_key.is_not(None),
    )
    if keys is not None:
        rows = rows.where(RegisterRow.number_key.in_(keys))
    engagements = {
        key for key in uow.session.scalars(rows.with_only_columns(RegisterRow.engagement_id).distinct()) if key
    }
    numbered = select(Document.engagement_id, Document.number).where(
        Document.engagement_id.in_(engagements), Document.number.is_not(None), uow.visible("document")
    )
    there = {(engagement_id, number_key(number or "")) for engagement_id, number in uow.session.execute(numbered)}
    if not there:
        return
    for row in in_portions(uow.session, rows):
        if (row.engagement_id or "", row.number_key or "") in there:
            kept = [fault for fault in unpack_faults(row.faults) if fault.code != "number_in_archive"]
            number = unpack_fields(row.fields).text("number")
            kept.append(Fault("number_in_archive", "number", number))
            row.faults, row.worst = pack_faults(kept), worst_of(kept, json.loads(row.confirmed))
