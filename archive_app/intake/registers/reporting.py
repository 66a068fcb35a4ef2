"""The report of an import as a workbook: every row with its outcome, its faults, what was done, and what is left."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select

from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.bringing import register_at_step, register_subjects
from archive_app.intake.registers.checking import unpack_faults, unpack_fields
from archive_app.intake.registers.faults import FAULTS
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.filing import require_nothing_open
from archive_app.intake.registers.layouts import Layout, column_letters, unpack_layout
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.intake.registers.reviewing import REASONS
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, read_kept
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.sheets import Cell, Sheet, workbook
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case

REGISTER_CLOSED = event_type("register.closed", N_("Import of a register closed"))
STATES = {"open": N_("Still open"), "filed": N_("Filed"), "closed": N_("Closed")}
WAYS = {
    "name": N_("by its name"),
    "stem": N_("by its name without ending"),
    "number": N_("by a number"),
    "barcode": N_("by its barcode"),
    "group": N_("as a further part"),
    "hand": N_("by hand"),
}
_TITLE_FIELDS = ("title", "number", "dated_on", "file_name")


@query(Permission.REGISTERS_IMPORT)
def report(actor: Actor, uow: UnitOfWork, *, register_id: str, language: str) -> bytes:
    """The report as it stands now, as .xlsx. Every cell is text or a number: nothing in it is ever a formula.

    Raises: NotFoundError.
    """
    uow.require("register", register_id)
    return _Report(uow, uow.session.get_one(Register, register_id), language).made()


@staged_use_case(Permission.REGISTERS_IMPORT)
def close_register(actor: Actor, archive: Archive, *, register_id: str, language: str) -> None:
    """Ends an import: the report is made a last time, and its digest stands in the log.

    Raises: NotFoundError, WrongStepError, StillOpenError while rows are open; InvalidInputError while files are left.
    """
    with archive.reading(actor) as uow:
        _require_done(uow, register_id, lock=False)
        content = _Report(uow, uow.session.get_one(Register, register_id), language).made()
    with archive.transaction(actor) as uow:
        register = _require_done(uow, register_id, lock=True)
        register.state, register.changed_at = "closed", uow.now
        counted = select(RegisterRow.state, func.count()).where(RegisterRow.register_id == register_id)
        counts = {row[0]: row[1] for row in uow.session.execute(counted.group_by(RegisterRow.state))}
        told = {"report_sha256": hashlib.sha256(content).hexdigest(), "sha256": register.sha256.hex(), **counts}
        uow.record(REGISTER_CLOSED, register_subjects(uow.session, register), name=register.name, **told)
        settle(uow, register)


def _require_done(uow: UnitOfWork, register_id: str, *, lock: bool) -> Register:
    register = register_at_step(uow, register_id, "ready", lock=lock)
    require_nothing_open(uow.session, register_id)
    left = (
        select(func.count())
        .select_from(RegisterFile)
        .where(
            RegisterFile.register_id == register_id, RegisterFile.row_id.is_(None), RegisterFile.document_id.is_(None)
        )
    )
    if uow.session.scalar(left):
        raise InvalidInputError(
            field=N_("Files"), reason=N_("Some files belong to no row yet. Attach or discard them first.")
        )
    return register


class _Report:
    """One workbook: what was brought, the rows, the files that are left."""

    def __init__(self, uow: UnitOfWork, register: Register, language: str) -> None:
        self._uow = uow
        self._register = register
        self._language = language
        self._layout = unpack_layout(register.layout) if register.layout else Layout(0, {}, [])

    def made(self) -> bytes:
        made = (
            (N_("Summary"), [34, 90], self._summary()),
            (N_("Rows"), [8, 50, 24, 14, 34, 26, 18, 40, 38, 60, 60], self._rows()),
            (N_("Files left over"), [40, 60, 14, 70], self._files()),
        )
        sheets = [Sheet(rows, widths, self._say(title), wrapped=True) for title, widths, rows in made]
        # The register's own time, so that the same state makes the same bytes.
        return workbook(sheets, self._uow.archive.rules.zone, made_at=self._register.created_at)

    def _say(self, message: str, **params: object) -> str:
        return translate(self._language, message, **params)

    def _summary(self) -> Iterator[Sequence[Cell]]:
        register, session = self._register, self._uow.session
        yield self._say(N_("What")), self._say(N_("Value"))
        shown = (RegisterRow.register_id == register.id, self._uow.visible("register_row"))
        counted = select(RegisterRow.state, func.count()).where(*shown)
        counts = {row[0]: row[1] for row in session.execute(counted.group_by(RegisterRow.state))}
        for state, label in STATES.items():
            yield self._say(label), counts.get(state, 0)
        yield self._say(N_("Lines below the table that were left out")), register.left_out
        for source in json.loads(register.sources):
            yield self._say(N_("Register")), source["name"]
            yield "SHA-256", source["sha256"]
        for column, code in sorted(self._layout.columns.items()):
            yield self._say(FIELDS[code].label), f"{column_letters(column)} {self._layout.headings[column]}"

    def _rows(self) -> Iterator[Sequence[Cell]]:
        heads = [
            N_("Row"),
            *(FIELDS[code].label for code in _TITLE_FIELDS),
            N_("Outcome"),
            N_("Engagement"),
            N_("Files"),
            N_("Document"),
            N_("Faults"),
            N_("What was done"),
        ]
        yield [self._say(head) for head in heads]
        session = self._uow.session
        rows = select(RegisterRow, Engagement.number).outerjoin(Engagement, Engagement.id == RegisterRow.engagement_id)
        rows = rows.where(RegisterRow.register_id == self._register.id, self._uow.visible("register_row"))
        rows = rows.order_by(RegisterRow.number, RegisterRow.id)
        attached = self._attached()
        for row, engagement in session.execute(rows.execution_options(yield_per=1000)):
            fields = unpack_fields(row.fields)
            files = attached.get(row.id, [])
            values = [*(fields.text(code) for code in _TITLE_FIELDS), self._outcome(row), engagement]
            values += ["\n".join(name for name, _, _ in files), "\n".join(key for _, key, _ in files if key)]
            yield row.number, *values, self._faults(row), self._done(row, files)

    def _attached(self) -> dict[str, list[tuple[str, str | None, str]]]:
        links = select(RegisterFile.row_id, InboxFile.name, RegisterFile.document_id, RegisterFile.how)
        links = links.join(InboxFile, InboxFile.id == RegisterFile.inbox_file_id)
        links = links.outerjoin(Document, Document.id == RegisterFile.document_id)
        links = links.where(RegisterFile.register_id == self._register.id, RegisterFile.row_id.is_not(None))
        found: dict[str, list[tuple[str, str | None, str]]] = {}
        for row_id, name, key, how in self._uow.session.execute(links.order_by(RegisterFile.position, InboxFile.name)):
            found.setdefault(row_id or "", []).append((name, key, how or ""))
        return found

    def _outcome(self, row: RegisterRow) -> str:
        state = self._say(STATES[row.state])
        if not row.reason:
            return state
        reason, words = json.loads(row.reason)
        return ": ".join(part for part in (state, self._say(REASONS[reason]), words) if part)

    def _faults(self, row: RegisterRow) -> str:
        told = []
        for fault in unpack_faults(row.faults):
            column = self._layout.column_of(fault.field)
            place = "" if column is None else f"{column_letters(column)} {self._layout.headings[column]} "
            told.append(f"{place}«{fault.value[:80]}» {self._say(FAULTS[fault.code].words, **fault.params)}")
        if row.refusal:
            told.append(read_kept(row.refusal, self._language))
        return "\n".join(told)

    def _done(self, row: RegisterRow, files: Sequence[tuple[str, str | None, str]]) -> str:
        was, now = unpack_fields(row.source), unpack_fields(row.fields)
        told = []
        for code in FIELDS:
            before, after = was.cells.get(code), now.cells.get(code)
            if (before.text if before else "") != (after.text if after else ""):
                words = {"field": self._say(FIELDS[code].label), "was": before.text if before else ""}
                told.append(
                    self._say(N_("%(field)s: %(was)s became %(now)s"), **words, now=after.text if after else "")
                )
        confirmed = set(json.loads(row.confirmed))
        told += [
            self._say(N_("Confirmed: %(words)s"), words=self._say(FAULTS[fault.code].words, **fault.params))
            for fault in unpack_faults(row.faults)
            if fault.code in confirmed
        ]
        told += [f"{name}: {self._say(WAYS[how])}" for name, _, how in files if how in WAYS]
        return "\n".join(told)

    def _files(self) -> Iterator[Sequence[Cell]]:
        yield [self._say(head) for head in (N_("File"), N_("Path"), N_("Bytes"), "SHA-256")]
        left = select(InboxFile).join(RegisterFile, RegisterFile.inbox_file_id == InboxFile.id)
        left = left.where(
            RegisterFile.register_id == self._register.id,
            RegisterFile.row_id.is_(None),
            RegisterFile.document_id.is_(None),
        )
        for file in self._uow.session.scalars(left.order_by(InboxFile.name, InboxFile.id)):
            yield file.name, file.source_path, file.size_bytes, file.sha256.hex() if file.sha256 else ""
