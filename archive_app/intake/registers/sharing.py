"""What rows of one register share with each other and with the archive: numbers, file names."""

import json
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import func, select
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
_SHARED_CODES = frozenset({"number_duplicate", "file_named_twice", "file_names_alike"})


def find_shared(uow: UnitOfWork, register_id: str, only: Iterable[str] | None = None) -> None:
    """The step that names on every open row what it shares with others: numbers and file names; with `only`, for the
    rows that have one of these keys. Numbers that the engagement's documents already have are named too."""
    keys = None if only is None else sorted({key for key in only if key})
    for column in (RegisterRow.number_key, RegisterRow.archive_key, RegisterRow.file_key):
        for values in _shared_values(uow.session, register_id, column, keys):
            _name_shared(uow, register_id, column, values)
    _find_in_archive(uow, register_id, keys)


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
    rows = uow.session.scalars(
        select(RegisterRow)
        .where(RegisterRow.register_id == register_id, RegisterRow.state != "closed", column.in_(values))
        .order_by(RegisterRow.number, RegisterRow.id)
    ).all()
    groups: dict[str, list[RegisterRow]] = {}
    for row in rows:
        groups.setdefault(str(getattr(row, column.key)), []).append(row)
    for group in groups.values():
        for row in group:
            if row.state == "open":
                _set_shared(row, column.key, [other for other in group if other is not row])


def _set_shared(row: RegisterRow, key: str, others: Sequence[RegisterRow]) -> None:
    fields = unpack_fields(row.fields)
    numbers = [other.number for other in others]
    code = {"number_key": "number", "archive_key": "archive_number", "file_key": "file_name"}[key]
    kept = [fault for fault in unpack_faults(row.faults) if fault.code not in _SHARED_CODES or fault.field != code]
    if others and key == "file_key":
        mine = base_name(fields.text("file_name"))
        same = any(base_name(unpack_fields(other.fields).text("file_name")) == mine for other in others)
        kept.append(shared_file(fields.text("file_name"), numbers, same=same))
    elif others:
        kept.append(shared_number(code, fields.text(code), numbers))
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
    numbered = select(Document.engagement_id, Document.number, Document.title).where(
        Document.engagement_id.in_(engagements), Document.number.is_not(None), uow.visible("document")
    )
    there = {(row[0], number_key(row[1] or "")): row[2] for row in uow.session.execute(numbered)}
    if not there:
        return
    for row in uow.session.scalars(rows):
        title = there.get((row.engagement_id or "", row.number_key or ""))
        if title is not None:
            kept = [fault for fault in unpack_faults(row.faults) if fault.code != "number_in_archive"]
            number = unpack_fields(row.fields).text("number")
            kept.append(Fault("number_in_archive", "number", number, {"title": title}))
            row.faults, row.worst = pack_faults(kept), worst_of(kept, json.loads(row.confirmed))
