"""Bringing a register: its file goes into the vault as evidence first, then its sheet is looked at in the sandbox."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from archive_app.documents.errors import storage_translated
from archive_app.documents.held import hold, look
from archive_app.documents.ingest import Stored, Stream, store
from archive_app.documents.names import original_name
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.policy import WORK
from archive_app.intake.registers.acting import asking
from archive_app.intake.registers.errors import (
    ColumnsUnmappedError,
    NotARegisterError,
    RegisterEmptyError,
    RegisterProtectedError,
    RegisterTooLongError,
    RegisterUnreadableError,
    WrongStepError,
)
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.layouts import (
    Facts,
    Layout,
    facts_of,
    known_columns,
    pack_facts,
    pack_layout,
    unpack_facts,
    unpack_layout,
)
from archive_app.intake.registers.models import Register, RegisterLayout
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case
from search.reading import TABLE_KINDS, Limits, ReadingError, Table, extract_table
from storage import Purpose

REGISTER_BROUGHT = event_type("register.brought", N_("Register brought"))
REGISTER_REPLACED = event_type("register.replaced", N_("Corrected register brought"))
REGISTER_MAPPED = event_type("register.mapped", N_("Columns of the register named"))
MAX_ROWS = 200_000
_SLACK_ROWS = 100  # headers and footers
_MEMORY_BYTES = 2 * 2**30
_SECONDS = 120


@dataclass(frozen=True)
class _Brought:
    stored: Stored
    name: str
    facts: Facts


@staged_use_case(Permission.REGISTERS_IMPORT)
def bring_register(
    actor: Actor, archive: Archive, *, stream: Stream, name: str, engagement_id: str | None = None
) -> str:
    """Keeps the file, reads its sheet, proposes columns; returns the register's id.

    Raises: NotFoundError, NotARegisterError and its kin, NameMissingError and its kin, what `store` raises.
    """
    with archive.reading(actor) as uow:
        _require_place(uow, engagement_id)
    brought = _take_in(archive, stream, name)
    with archive.transaction(actor) as uow:
        organisation_id = _require_place(uow, engagement_id)
        held_id = hold(uow, brought.stored, brought.name)
        register = Register(
            id=uow.new_id(),
            organisation_id=organisation_id,
            engagement_id=engagement_id,
            sources="[]",
            state="mapping",
            done=0,
            total=0,
            left_out=0,
            brought_by=actor.name,
            created_at=uow.now,
        )
        _set_source(uow, register, held_id, brought)
        uow.session.add(register)
        uow.record(REGISTER_BROUGHT, register_subjects(uow.session, register), **_words(register))
        settle(uow, register)
        return register.id


@staged_use_case(Permission.REGISTERS_IMPORT)
def replace_register(actor: Actor, archive: Archive, *, register_id: str, stream: Stream, name: str) -> None:
    """Brings a corrected file for a register of which rows may be filed already: they stay, the others are read anew.

    The columns stay as they were mapped if the header is the same. Raises: as `bring_register`; WrongStepError.
    """
    with archive.reading(actor) as uow:
        register_at_step(uow, register_id, "mapping", "ready")
    brought = _take_in(archive, stream, name)
    with archive.transaction(actor) as uow:
        register = register_at_step(uow, register_id, "mapping", "ready", lock=True)
        same = register.layout is not None and _same_header(unpack_layout(register.layout), brought.facts)
        _set_source(uow, register, hold(uow, brought.stored, brought.name), brought)
        if same:
            _start_check(uow, register)
        else:
            register.state, register.layout = "mapping", None
        uow.record(REGISTER_REPLACED, register_subjects(uow.session, register), **_words(register))
        settle(uow, register)


@staged_use_case(Permission.REGISTERS_IMPORT)
def choose_sheet(actor: Actor, archive: Archive, *, register_id: str, sheet: int) -> None:
    """Looks at another sheet of the same file, counted from 0 as its facts list them.

    Raises: NotFoundError, WrongStepError, InvalidInputError, RegisterEmptyError and its kin.
    """
    with archive.reading(actor) as uow:
        register = register_at_step(uow, register_id, "mapping", "ready")
        if not 0 <= sheet < max(1, len(unpack_facts(register.facts).sheets)):
            raise InvalidInputError(field=N_("Sheet"), reason=N_("There is no such sheet."))
        stored = look(uow.session, register.held_id)
    facts = _facts_of_stored(archive, stored, register.name, sheet)
    with archive.transaction(actor) as uow:
        register = register_at_step(uow, register_id, "mapping", "ready", lock=True)
        register.facts = pack_facts(facts)
        register.state, register.layout, register.changed_at = "mapping", None, uow.now
        uow.bookkeeping()
        settle(uow, register)


@use_case(Permission.REGISTERS_IMPORT)
def map_columns(
    actor: Actor, uow: UnitOfWork, *, register_id: str, columns: Mapping[int, str], last_header_row: int | None = None
) -> None:
    """Says which column means what, remembers it for this header, and has every row checked.

    Raises: NotFoundError, WrongStepError, ColumnsUnmappedError without a title, or without an engagement where the
    register has none of its own; InvalidInputError for one field in two columns.
    """
    register = register_at_step(uow, register_id, "mapping", "ready", lock=True)
    facts = unpack_facts(register.facts)
    chosen = {column: code for column, code in columns.items() if code}
    if len(set(chosen.values())) < len(chosen):
        raise InvalidInputError(field=N_("Columns"), reason=N_("Two columns are marked as the same field."))
    # Judged by what can be taken: a column that the sheet does not have would leave its field out of every row.
    if known_columns(chosen, facts.column_count) != chosen:
        raise InvalidInputError(
            field=N_("Columns"), reason=N_("The sheet has no such column, or there is no such field.")
        )
    needed = ["title"] if register.engagement_id else ["title", "engagement"]
    for code in needed:
        if code not in chosen.values():
            raise ColumnsUnmappedError(field=FIELDS[code].label)
    above = max(facts.header.rows, default=0) if last_header_row is None else max(0, last_header_row)
    layout = Layout(above, dict(sorted(chosen.items())), facts.header.headings)
    register.layout = pack_layout(layout)
    kept = {layout.headings[column]: code for column, code in layout.columns.items()}
    remembered = RegisterLayout(
        organisation_id=register.organisation_id,
        signature=facts.header.signature,
        columns=json.dumps(list(layout.columns.items())),
        changed_at=uow.now,
    )
    uow.session.merge(remembered)
    _start_check(uow, register)
    uow.record(REGISTER_MAPPED, register_subjects(uow.session, register), name=register.name, columns=kept)


def proposed_columns(session: Session, register: Register, facts: Facts) -> tuple[dict[int, str], bool]:
    """The columns as they are mapped, as this organisation mapped the same header before, or as their names say; and
    whether they were remembered."""
    if register.layout is not None:
        return dict(unpack_layout(register.layout).columns), False
    remembered = session.get(RegisterLayout, (register.organisation_id, facts.header.signature))
    if remembered is None:
        return dict(facts.proposed), False
    columns = {int(column): str(code) for column, code in json.loads(remembered.columns)}
    return known_columns(columns, facts.column_count), True


def register_at_step(uow: UnitOfWork, register_id: str, *states: str, lock: bool = False) -> Register:
    """The register at one of these steps, for whoever works on it. Raises: NotFoundError, WrongStepError."""
    uow.require("register", register_id, Permission.REGISTERS_IMPORT)
    register = uow.session.get_one(Register, register_id, with_for_update=lock, populate_existing=lock)
    if register.engagement_id is not None:
        # Whoever only reads the engagement sees the register and does nothing to it.
        uow.require(WORK, register.engagement_id)
    if register.state not in states:
        raise WrongStepError
    return register


def register_subjects(session: Session, register: Register, **more: str) -> dict[str, str]:
    """What an event about a register is about."""
    if register.engagement_id:
        return subjects_of(session, register.engagement_id, register=register.id, **more)
    return {"organisation": register.organisation_id, "register": register.id, **more}


def read_stored(archive: Archive, stored: Stored, name: str, sheet: int | None) -> Table:
    """The sheet of a register that is in the vault. Raises: NotARegisterError and its kin, ContentCorruptError."""
    if stored.kind.code == "office-encrypted":
        raise RegisterProtectedError(name=name)
    if stored.kind.code not in TABLE_KINDS:
        raise NotARegisterError(name=name)
    limits = Limits(
        memory_bytes=_MEMORY_BYTES,
        cpu_seconds=_SECONDS,
        wall_seconds=_SECONDS * 1.5,
        input_bytes=archive.rules.reading_limit_bytes,
    )
    with (
        storage_translated(),
        archive.vault.open(stored.blob.blob_id, stored.key, stored.version_id, Purpose.CONTENT) as blob,
    ):
        try:
            return extract_table(
                io.BufferedReader(blob), stored.kind.code, sheet, row_limit=MAX_ROWS + _SLACK_ROWS, limits=limits
            )
        except ReadingError as error:
            if error.code == "encrypted":
                raise RegisterProtectedError(name=name) from error
            raise RegisterUnreadableError(name=name) from error


def _take_in(archive: Archive, stream: Stream, name: str) -> _Brought:
    """Stores and reads. A file that is no register becomes an orphan blob that nothing refers to."""
    name = original_name(name)
    stored = store(archive, stream, name, lambda _size_bytes: None)
    return _Brought(stored, name, _facts_of_stored(archive, stored, name, None))


def _facts_of_stored(archive: Archive, stored: Stored, name: str, sheet: int | None) -> Facts:
    table = _not_empty(read_stored(archive, stored, name, sheet), name)
    try:
        return facts_of(table, archive.today())
    except ReadingError as error:
        # Rows are unpacked one by one as they are looked at; a reader that lies is found out only then.
        raise RegisterUnreadableError(name=name) from error


def _not_empty(table: Table, name: str) -> Table:
    if table.row_count == 0:
        raise RegisterEmptyError(name=name)
    if table.row_count > MAX_ROWS + _SLACK_ROWS:
        raise RegisterTooLongError(name=name, rows=table.row_count, limit=MAX_ROWS)
    return table


def _require_place(uow: UnitOfWork, engagement_id: str | None) -> str:
    """The organisation that a register is brought into. Raises: NotFoundError, InvalidInputError."""
    if engagement_id is not None:
        uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
        return subjects_of(uow.session, engagement_id)["organisation"]
    if uow.actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return uow.actor.organisation_id


def _set_source(uow: UnitOfWork, register: Register, held_id: str, brought: _Brought) -> None:
    blob = brought.stored.blob
    told = {
        "name": brought.name,
        "held_id": held_id,
        "sha256": blob.sha256.hex(),
        "size_bytes": blob.size_bytes,
        "by": uow.actor.name,
        "at": uow.now.isoformat(),
    }
    register.sources = json.dumps([*json.loads(register.sources), told], ensure_ascii=False)
    register.name, register.held_id, register.kind = brought.name, held_id, brought.stored.kind.code
    register.sha256, register.size_bytes = blob.sha256, blob.size_bytes
    register.facts, register.changed_at = pack_facts(brought.facts), uow.now


def _start_check(uow: UnitOfWork, register: Register) -> None:
    register.state, register.loader, register.fault = "checking", None, None
    register.done, register.total, register.changed_at = 0, 0, uow.now
    uow.enqueue("registers.check", register.id, **asking(uow.actor))


def _same_header(layout: Layout, facts: Facts) -> bool:
    return layout.signature == facts.header.signature and layout.last_header_row == max(facts.header.rows, default=0)


def _words(register: Register) -> dict[str, object]:
    return {"name": register.name, "sha256": register.sha256.hex(), "size_bytes": register.size_bytes}
