"""Looking at a register's rows and mending them: one cell, one confirmation, one closed row at a time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.engagements.models import Engagement
from archive_app.intake.registers.bringing import proposed_columns, register_at_step, register_subjects
from archive_app.intake.registers.checking import (
    RowFields,
    check_row,
    pack_fields,
    unpack_faults,
    unpack_fields,
    with_field,
)
from archive_app.intake.registers.faults import FAULTS, Fault, worst_of
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.layouts import Facts, Layout, column_letters, unpack_facts, unpack_layout
from archive_app.intake.registers.loading import apply_check, count_rows, digits_of, surroundings
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.intake.registers.recovering import is_stopped
from archive_app.intake.registers.sharing import find_shared, forget_closed, in_portions
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from search.reading import EMPTY

ROW_MENDED = event_type("register.row_mended", N_("Row of a register mended"))
ROW_CONFIRMED = event_type("register.row_confirmed", N_("Row of a register confirmed as it is"))
ROW_CLOSED = event_type("register.row_closed", N_("Row of a register closed"))
ROW_REOPENED = event_type("register.row_reopened", N_("Row of a register opened again"))
NO_FILE = "no_file"
REASONS = {NO_FILE: N_("No electronic file"), "left_out": N_("Left out")}
_TYPED_CHARACTERS = 4000


@dataclass(frozen=True)
class RowFilters:
    """What the list of rows is narrowed to; empty fields narrow nothing. `state` may also be `faulty` or `refused`."""

    state: str = ""
    fault: str = ""
    text: str = ""


@dataclass(frozen=True)
class FaultLine:
    """A fault as a page shows it: where (column letters and the register's own heading), what, and whether accepted."""

    fault: Fault
    column: str
    heading: str
    confirmed: bool


@dataclass(frozen=True)
class RowLine:
    """A row as pages show it. `reason` is one of `REASONS`, with the words of whoever closed the row; empty for others.
    `refusal` is why filing it failed last, as the row keeps it."""

    id: str
    number: int
    state: str
    worst: str
    values: Mapping[str, str]
    source: Mapping[str, str]
    faults: Sequence[FaultLine]
    reason: str
    reason_words: str
    refusal: str
    files: int


@dataclass(frozen=True)
class RegisterPage:
    """A register as its pages show it; `counts` are rows by state and fault. `stopped`: its job is gone."""

    register: Register
    facts: Facts
    layout: Layout | None
    columns: Mapping[int, str]
    remembered: bool
    counts: Mapping[str, int]
    files: int
    files_left: int
    engagement: Engagement | None
    sources: Sequence[Mapping[str, object]]
    stopped: bool


@dataclass(frozen=True)
class RegisterLine:
    """A register in a list."""

    register: Register
    counts: Mapping[str, int]


@query(Permission.REGISTERS_IMPORT)
def list_registers(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str = "",
    text: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RegisterLine]:
    """Visible registers, newest first."""
    statement = select(Register).where(uow.visible("register"))
    if engagement_id:
        statement = statement.where(Register.engagement_id == engagement_id)
    if text.strip():
        statement = statement.where(Register.name.contains(text.strip(), autoescape=True))
    shown = uow.visible("register_row")
    page = fetch_page(uow.session, statement, [Register.id], after=after, descending=True, limit=limit)
    return Page([RegisterLine(row[0], count_rows(uow.session, row[0].id, shown)) for row in page.items], page.next_key)


@query(Permission.REGISTERS_IMPORT)
def view_register(actor: Actor, uow: UnitOfWork, *, register_id: str) -> RegisterPage:
    """One register. Raises: NotFoundError."""
    uow.require("register", register_id)
    session = uow.session
    register = session.get_one(Register, register_id)
    facts = unpack_facts(register.facts)
    columns, remembered = proposed_columns(session, register, facts)
    of_register = RegisterFile.register_id == register_id
    waiting = select(func.count()).select_from(RegisterFile).where(of_register, RegisterFile.document_id.is_(None))
    return RegisterPage(
        register=register,
        facts=facts,
        layout=unpack_layout(register.layout) if register.layout else None,
        columns=columns,
        remembered=remembered,
        counts=count_rows(session, register_id, uow.visible("register_row")),
        files=session.scalar(select(func.count()).select_from(RegisterFile).where(of_register)) or 0,
        files_left=session.scalar(waiting.where(RegisterFile.row_id.is_(None))) or 0,
        engagement=session.get(Engagement, register.engagement_id) if register.engagement_id else None,
        sources=json.loads(register.sources),
        stopped=is_stopped(session, register),
    )


@query(Permission.REGISTERS_IMPORT)
def list_rows(
    actor: Actor,
    uow: UnitOfWork,
    *,
    register_id: str,
    filters: RowFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RowLine]:
    """The register's rows in their order. Raises: NotFoundError."""
    uow.require("register", register_id)
    layout = _layout(uow.session.get_one(Register, register_id))
    attached = select(func.count()).select_from(RegisterFile).where(RegisterFile.row_id == RegisterRow.id)
    statement = select(RegisterRow, attached.correlate(RegisterRow).scalar_subquery())
    statement = statement.where(RegisterRow.register_id == register_id, uow.visible("register_row"))
    if filters.state == "faulty":
        statement = statement.where(RegisterRow.state == "open", RegisterRow.worst != "")
    elif filters.state == "refused":
        statement = statement.where(RegisterRow.refusal.is_not(None))
    elif filters.state:
        statement = statement.where(RegisterRow.state == filters.state)
    if filters.fault in FAULTS:
        statement = statement.where(RegisterRow.faults.contains(f'["{filters.fault}"', autoescape=True))
    if filters.text.strip():
        # The stored JSON keeps the letters as they are.
        statement = statement.where(RegisterRow.fields.contains(filters.text.strip(), autoescape=True))
    page = fetch_page(uow.session, statement, [RegisterRow.number, RegisterRow.id], after=after, limit=limit)
    return Page([row_line(row[0], layout, row[1]) for row in page.items], page.next_key)


@query(Permission.REGISTERS_IMPORT)
def view_row(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str) -> RowLine:
    """One row. Raises: NotFoundError."""
    uow.require("register", register_id)
    row = uow.session.get(RegisterRow, row_id)
    if row is None or row.register_id != register_id:
        raise NotFoundError
    uow.require("register_row", row_id)
    return told_row(uow, uow.session.get_one(Register, register_id), row)


@query(Permission.REGISTERS_IMPORT)
def count_faults(actor: Actor, uow: UnitOfWork, *, register_id: str) -> dict[str, int]:
    """How many open rows have each fault that nobody has confirmed, the gravest and most frequent first."""
    uow.require("register", register_id)
    found: dict[str, int] = {}
    faulty = select(RegisterRow.faults, RegisterRow.confirmed).where(
        RegisterRow.register_id == register_id, RegisterRow.state == "open", RegisterRow.worst != ""
    )
    for faults, confirmed in uow.session.execute(faulty.execution_options(yield_per=1000)):
        accepted = set(json.loads(confirmed))
        for code in {fault.code for fault in unpack_faults(faults)} - accepted:
            found[code] = found.get(code, 0) + 1
    order = sorted(found, key=lambda code: (FAULTS[code].severity, -found[code], code))
    return {code: found[code] for code in order}


@use_case(Permission.REGISTERS_IMPORT)
def mend_cell(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str, field: str, text: str) -> RowLine:
    """Puts another value into a cell, and checks the row and those it shares something with at once.

    Returns the row as it stands then.

    Raises: NotFoundError, WrongStepError, ConflictError for a row that is filed or closed, InvalidInputError.
    """
    register, row = _open_row(uow, register_id, row_id)
    if field not in FIELDS:
        raise InvalidInputError(field=N_("Field"), reason=N_("There is no such field."))
    text = one_line(text, field=FIELDS[field].label, limit=_TYPED_CHARACTERS, required=False)
    was = unpack_fields(row.fields)
    if was.text(field) == text and field not in was.merged and was.cells.get(field, EMPTY).kind in {"text", "empty"}:
        return told_row(uow, register, row)
    confirmed = set(json.loads(row.confirmed))
    row.confirmed = json.dumps(sorted(confirmed - {f.code for f in unpack_faults(row.faults) if f.field == field}))
    row.refusal = None
    _recheck(uow, register, row, with_field(was, field, text))
    words = {"row": row.number, "field": field, "was": was.cells[field].text if field in was.cells else "", "now": text}
    uow.record(ROW_MENDED, register_subjects(uow.session, register), name=register.name, **words)
    return told_row(uow, register, row)


@use_case(Permission.REGISTERS_IMPORT)
def confirm_fault(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str, fault: str) -> RowLine:
    """Accepts what a fault names as right; returns the row as it stands then.

    Raises: NotFoundError, WrongStepError, ConflictError, InvalidInputError.
    """
    register, row = _open_row(uow, register_id, row_id)
    named = [found for found in unpack_faults(row.faults) if found.code == fault]
    if not named or not FAULTS[fault].confirmable:
        raise InvalidInputError(field=N_("Fault"), reason=N_("This cannot be confirmed; it must be corrected."))
    row.confirmed = json.dumps(sorted({*json.loads(row.confirmed), fault}))
    _recheck(uow, register, row, unpack_fields(row.fields))
    words = {"row": row.number, "fault": fault, "value": named[0].value}
    uow.record(ROW_CONFIRMED, register_subjects(uow.session, register), name=register.name, **words)
    return told_row(uow, register, row)


@use_case(Permission.REGISTERS_IMPORT)
def confirm_warnings(actor: Actor, uow: UnitOfWork, *, register_id: str, fault: str) -> int:
    """Accepts one kind of warning on all rows that have it; returns how many. Raises: as `confirm_fault`."""
    register = register_at_step(uow, register_id, "ready", lock=True)
    if fault not in FAULTS or not FAULTS[fault].confirmable or FAULTS[fault].severity != "warn":
        raise InvalidInputError(field=N_("Fault"), reason=N_("This cannot be confirmed; it must be corrected."))
    faulty = select(RegisterRow).where(
        RegisterRow.register_id == register_id,
        RegisterRow.state == "open",
        RegisterRow.faults.contains(f'["{fault}"', autoescape=True),
    )
    rows = 0
    for row in in_portions(uow.session, faulty):
        row.confirmed = json.dumps(sorted({*json.loads(row.confirmed), fault}))
        refresh_worst(row)
        rows += 1
    if rows:
        words = {"rows": rows, "fault": fault}
        uow.record(ROW_CONFIRMED, register_subjects(uow.session, register), name=register.name, **words)
    return rows


@use_case(Permission.REGISTERS_IMPORT)
def close_row(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str, reason: str, words: str = "") -> RowLine:
    """Ends a row without a record: it has no electronic file, or is left out. Its attached files are free again.

    Returns the row as it stands then. Raises: NotFoundError, WrongStepError, ConflictError, InvalidInputError.
    """
    register, row = _open_row(uow, register_id, row_id)
    close_one(uow, register, row, reason, words)
    return told_row(uow, register, row)


@use_case(Permission.REGISTERS_IMPORT)
def close_rows_without_file(actor: Actor, uow: UnitOfWork, *, register_id: str, words: str = "") -> int:
    """Closes every open row that no file is attached to as having no electronic file; returns how many.

    Raises: NotFoundError, WrongStepError.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    attached = select(RegisterFile.row_id).where(RegisterFile.row_id == RegisterRow.id).exists()
    bare = select(RegisterRow).where(RegisterRow.register_id == register_id, RegisterRow.state == "open", ~attached)
    words = one_line(words, field=N_("Reason"), limit=250, required=False)
    numbers: list[int] = []
    freed: set[str] = set()
    for row in in_portions(uow.session, bare.order_by(RegisterRow.number, RegisterRow.id)):
        row.state, row.reason, row.changed_at = "closed", json.dumps([NO_FILE, words]), uow.now
        numbers.append(row.number)
        freed.update(_keys(row))
    if numbers:
        forget_closed(uow, register_id, freed)
        told = {"rows": len(numbers), "numbers": sorted(numbers)[:1000], "reason": NO_FILE, "words": words}
        uow.record(ROW_CLOSED, register_subjects(uow.session, register), name=register.name, **told)
    return len(numbers)


@use_case(Permission.REGISTERS_IMPORT)
def reopen_row(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str) -> RowLine:
    """Opens a closed row again; returns it. Raises: NotFoundError, WrongStepError, ConflictError."""
    register = register_at_step(uow, register_id, "ready", lock=True)
    row = _row(uow, register_id, row_id)
    if row.state != "closed":
        raise ConflictError
    row.state, row.reason = "open", None
    _recheck(uow, register, row, unpack_fields(row.fields))
    uow.record(ROW_REOPENED, register_subjects(uow.session, register), name=register.name, row=row.number)
    return told_row(uow, register, row)


def close_one(uow: UnitOfWork, register: Register, row: RegisterRow, reason: str, words: str) -> None:
    """The step that closes one open row."""
    if reason not in REASONS:
        raise InvalidInputError(field=N_("Reason"), reason=N_("Choose why the row is closed."))
    words = one_line(words, field=N_("Reason"), limit=250, required=False)
    for attached in uow.session.scalars(select(RegisterFile).where(RegisterFile.row_id == row.id)):
        attached.row_id = attached.how = None
    keys = _keys(row)
    row.state, row.reason, row.changed_at = "closed", json.dumps([reason, words]), uow.now
    uow.session.flush()
    find_shared(uow, register.id, keys)
    told = {"row": row.number, "reason": reason, "words": words}
    uow.record(ROW_CLOSED, register_subjects(uow.session, register), name=register.name, **told)


def told_row(uow: UnitOfWork, register: Register, row: RegisterRow) -> RowLine:
    """The step that tells of a row as it stands now."""
    files = select(func.count()).select_from(RegisterFile).where(RegisterFile.row_id == row.id)
    return row_line(row, _layout(register), uow.session.scalar(files) or 0)


def row_line(row: RegisterRow, layout: Layout, files: int) -> RowLine:
    """The row as pages show it."""
    confirmed = set(json.loads(row.confirmed))
    fields, source = unpack_fields(row.fields), unpack_fields(row.source)
    reason, reason_words = json.loads(row.reason) if row.reason else ("", "")
    return RowLine(
        id=row.id,
        number=row.number,
        state=row.state,
        worst=row.worst,
        values={code: cell.text for code, cell in fields.cells.items()},
        source={code: cell.text for code, cell in source.cells.items()},
        faults=[_fault_line(fault, layout, confirmed) for fault in unpack_faults(row.faults)],
        reason=reason,
        reason_words=reason_words,
        refusal=row.refusal or "",
        files=files,
    )


def refresh_worst(row: RegisterRow) -> None:
    """The step that counts anew what is left of a row's faults after a confirmation."""
    row.worst = worst_of(unpack_faults(row.faults), json.loads(row.confirmed))


def _fault_line(fault: Fault, layout: Layout, confirmed: set[str]) -> FaultLine:
    column = layout.column_of(fault.field)
    letters = "" if column is None else column_letters(column)
    accepted = fault.kind.confirmable and fault.code in confirmed
    return FaultLine(fault, letters, layout.heading_of(fault.field), accepted)


def _recheck(uow: UnitOfWork, register: Register, row: RegisterRow, fields: RowFields) -> None:
    before = _keys(row)
    row.fields = pack_fields(fields)
    around = surroundings(uow, register, digits_of(uow.session, register.id))
    apply_check(uow, row, check_row(fields, around))
    uow.session.flush()
    find_shared(uow, register.id, [*before, *_keys(row)])


def _keys(row: RegisterRow) -> list[str]:
    return [key for key in (row.number_key, row.archive_key, row.file_key) if key]


def _layout(register: Register) -> Layout:
    return unpack_layout(register.layout) if register.layout else Layout(0, {}, [])


def _open_row(uow: UnitOfWork, register_id: str, row_id: str) -> tuple[Register, RegisterRow]:
    register = register_at_step(uow, register_id, "ready", lock=True)
    row = _row(uow, register_id, row_id)
    if row.state != "open":
        raise ConflictError
    return register, row


def _row(uow: UnitOfWork, register_id: str, row_id: str) -> RegisterRow:
    row = uow.session.get(RegisterRow, row_id, with_for_update=True)
    if row is None or row.register_id != register_id:
        raise NotFoundError
    return row
