"""Filling a register's rows: read in portions, each row checked, then what rows share with each other.

A run that was cut off is repeated: rows that were read already are known by their content. A later run takes the
register over from an earlier one, which then stops.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from archive_app.documents.held import look
from archive_app.engagements.models import Client, Engagement
from archive_app.intake.registers.acting import actor_named, asked_by
from archive_app.intake.registers.bringing import read_stored, register_subjects
from archive_app.intake.registers.checking import (
    CheckedRow,
    Known,
    RowFields,
    Surroundings,
    check_row,
    columns_digits,
    pack_faults,
    pack_fields,
    unpack_faults,
    unpack_fields,
)
from archive_app.intake.registers.correcting import Earlier, marks_of, merged_fields, recognise, still_confirmed
from archive_app.intake.registers.errors import RowsUnreadableError
from archive_app.intake.registers.faults import Fault, worst_of
from archive_app.intake.registers.keys import name_key, number_key, portions
from archive_app.intake.registers.layouts import RowTaker, unpack_facts, unpack_layout
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.intake.registers.sharing import find_shared
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from search.reading import ReadingError

REGISTER_CHECKED = event_type("register.checked", N_("Register checked"))
PORTION = 500


class _TakenOverError(Exception):
    """Another run has the register now."""


@dataclass
class _Counts:
    kept: int = 0
    changed: int = 0
    added: int = 0
    filed_differ: int = 0


@dataclass(frozen=True)
class _Run:
    """One loading: who asked for it, its own id, and what rows are checked against.

    `sheet` is the one that is read; `same_sheet` the run that has read the same sheet of the same file before, if any.
    """

    archive: Archive
    actor: Actor
    register_id: str
    id: str
    around: Surroundings
    sheet: int | None
    same_sheet: str | None


def check_job(workshop: Workshop, job: Job) -> None:
    """Reads and checks a register whose columns were mapped. Idempotent."""
    load_rows(workshop.archive, job.subject_id, **asked_by(job))


def load_rows(archive: Archive, register_id: str, actor_name: str, held: Collection[str] | None = None) -> None:
    """Fills the rows of a register that waits for its check; a register at any other step is left alone."""
    with archive.transaction(Actor.system("registers"), eventless=True) as uow:
        register = uow.session.get_one(Register, register_id, with_for_update=True)
        if register.state != "checking":
            return
        run_id = register.loader = uow.new_id()
        stored, sheet = look(uow.session, register.held_id), unpack_facts(register.facts).sheet
        layout, name = unpack_layout(register.layout or ""), register.name
        read = json.loads(register.sources)[-1]
        same_sheet = read["run"] if "run" in read and read["sheet"] == sheet else None
    try:
        table = read_stored(archive, stored, name, sheet)
        taker = RowTaker(table, layout)
        with archive.reading(Actor.system("registers")) as uow:
            actor = actor_named(uow, actor_name, register.organisation_id, held)
        digits = columns_digits(fields.cells for _, fields in RowTaker(table, layout))
        with archive.reading(actor) as uow:
            around = surroundings(uow, register, digits)
        run = _Run(archive, actor, register_id, run_id, around, sheet, same_sheet)
        _fill(run, table.row_count, taker)
    except _TakenOverError:
        return
    except ReadingError:
        # Rows are unpacked one by one as they are taken; a reader that lies is found out only then.
        _give_up(archive, register_id, run_id, RowsUnreadableError.code)
    except ArchiveError as error:
        _give_up(archive, register_id, run_id, error.code)


def surroundings(uow: UnitOfWork, register: Register, digits: dict[str, int]) -> Surroundings:
    """What the actor's rows are checked against: only what they may see of it."""
    rows = select(Engagement.id, Engagement.number, Client.name).join(Client, Client.id == Engagement.client_id)
    today = uow.archive.today()
    if register.engagement_id is not None:
        own = uow.session.execute(rows.where(Engagement.id == register.engagement_id)).one()
        return Surroundings(today, own=Known(*own), digits=digits)
    rows = rows.where(Engagement.organisation_id == register.organisation_id, uow.visible("engagement"))
    engagements = {number_key(row[1]): Known(*row) for row in uow.session.execute(rows)}
    names = select(Client.name).where(Client.organisation_id == register.organisation_id, uow.visible("client"))
    clients = {name_key(name): name for name in uow.session.scalars(names)}
    return Surroundings(today, engagements=engagements, clients=clients, digits=digits)


def digits_of(session: Session, register_id: str) -> dict[str, int]:
    """The widths of numbers with leading zeros among the first rows, for a check of single rows."""
    first = select(RegisterRow.source).where(RegisterRow.register_id == register_id).order_by(RegisterRow.number)
    return columns_digits(unpack_fields(packed).cells for packed in session.scalars(first.limit(1000)))


def _fill(run: _Run, total: int, taker: RowTaker) -> None:
    counts = _Counts()
    unmatched: Iterable[tuple[int, RowFields]] = taker
    again: Mapping[int, str] = {}
    if _known_rows(run):
        unmatched = others = _keep_known(run, taker, counts, total)
        again = _recognised(run, others) if others else {}
    done, place = counts.kept, 0
    for portion in portions(unmatched, PORTION):
        rows = [(again.get(at), number, fields) for at, (number, fields) in enumerate(portion, place)]
        _add(run, rows, counts)
        done, place = done + len(portion), place + len(portion)
        _progress(run, done, total)
    _finish(run, counts, taker.left_out)


def _known_rows(run: _Run) -> bool:
    with run.archive.reading(run.actor) as uow:
        return uow.session.scalar(_rows_of(run).limit(1)) is not None


def _rows_of(run: _Run) -> Select[RegisterRow]:
    return select(RegisterRow).where(RegisterRow.register_id == run.register_id)


def _keep_known(run: _Run, taker: RowTaker, counts: _Counts, total: int) -> list[tuple[int, RowFields]]:
    """Keeps every row that says exactly what it said before, wherever it stands now; gives the others."""
    others: list[tuple[int, RowFields]] = []
    for portion in portions(taker, PORTION):
        with _portion(run) as uow:
            same = _same_rows(run, uow.session, {_source_key(pack_fields(fields)) for _, fields in portion})
            for number, fields in portion:
                rows = same.get(_source_key(pack_fields(fields)))
                if not rows:
                    others.append((number, fields))
                    continue
                counts.kept += 1
                row = rows.pop(0)
                row.number, row.run = number, run.id
                if row.state != "filed":
                    apply_check(uow, row, check_row(unpack_fields(row.fields), run.around))
        _progress(run, counts.kept, total)
    return others


def _same_rows(run: _Run, session: Session, keys: set[bytes]) -> dict[bytes, list[RegisterRow]]:
    found: dict[bytes, list[RegisterRow]] = {}
    same = _rows_of(run).where(RegisterRow.source_key.in_(keys), RegisterRow.run != run.id)
    for row in session.scalars(same.order_by(RegisterRow.number, RegisterRow.id)):
        found.setdefault(row.source_key, []).append(row)
    return found


def _recognised(run: _Run, others: Sequence[tuple[int, RowFields]]) -> Mapping[int, str]:
    """For places in `others` the row that is the same item and says something else now."""
    earlier = []
    with run.archive.reading(run.actor) as uow:
        left = select(
            RegisterRow.id,
            RegisterRow.number,
            RegisterRow.state,
            RegisterRow.run,
            RegisterRow.source,
            RegisterRow.fields,
        )
        left = left.where(RegisterRow.register_id == run.register_id, RegisterRow.run != run.id)
        left = left.order_by(RegisterRow.number, RegisterRow.id).execution_options(yield_per=1000)
        for row_id, number, state, seen_by, source, fields in uow.session.execute(left):
            said = tuple(marks_of(unpack_fields(packed)) for packed in dict.fromkeys((source, fields)))
            earlier.append(Earlier(row_id, number, state == "filed", said, placed=seen_by == run.same_sheet))
    return recognise(earlier, others)


def _add(run: _Run, rows: Sequence[tuple[str | None, int, RowFields]], counts: _Counts) -> None:
    """Rows that say something else than before, with their ids, and new ones."""
    with _portion(run) as uow:
        known = select(RegisterRow).where(RegisterRow.id.in_([row_id for row_id, _, _ in rows if row_id]))
        old = {row.id: row for row in uow.session.scalars(known)}
        fresh = []
        for row_id, number, fields in rows:
            if row_id is None:
                counts.added += 1
                fresh.append(_new_row(uow, run, number, fields))
            else:
                _change(uow, run, old[row_id], number, fields, counts)
        if fresh:
            uow.session.execute(insert(RegisterRow), fresh)


def _change(uow: UnitOfWork, run: _Run, row: RegisterRow, number: int, fields: RowFields, counts: _Counts) -> None:
    row.run, row.number = run.id, number
    if row.state == "filed":
        # What is a record is no longer changed by a register.
        counts.filed_differ += 1
        return
    counts.changed += 1
    was = unpack_fields(row.fields)
    now = merged_fields(unpack_fields(row.source), was, fields)
    checked = check_row(now, run.around)
    row.confirmed = still_confirmed(row.confirmed, (was, unpack_faults(row.faults)), (now, checked.faults))
    row.source, row.fields = pack_fields(fields), pack_fields(now)
    row.source_key, row.state, row.reason, row.refusal = _source_key(row.source), "open", None, None
    apply_check(uow, row, checked)


def _new_row(uow: UnitOfWork, run: _Run, number: int, fields: RowFields) -> dict[str, object]:
    checked = check_row(fields, run.around)
    packed = pack_fields(fields)
    return {
        "id": uow.new_id(),
        "register_id": run.register_id,
        "number": number,
        "state": "open",
        "source": packed,
        "source_key": _source_key(packed),
        "run": run.id,
        "fields": packed,
        "faults": pack_faults(checked.faults),
        "worst": worst_of(checked.faults),
        "confirmed": "[]",
        "engagement_id": checked.engagement_id,
        "number_key": checked.number_key,
        "archive_key": checked.archive_key,
        "file_key": checked.file_key,
        "changed_at": uow.now,
    }


def apply_check(uow: UnitOfWork, row: RegisterRow, checked: CheckedRow, shared: Iterable[Fault] = ()) -> None:
    """The step that puts the outcome of a check on its row."""
    faults = [*checked.faults, *shared]
    row.faults, row.worst = pack_faults(faults), worst_of(faults, json.loads(row.confirmed))
    row.engagement_id, row.number_key = checked.engagement_id, checked.number_key
    row.archive_key, row.file_key, row.changed_at = checked.archive_key, checked.file_key, uow.now


@contextmanager
def _portion(run: _Run) -> Iterator[UnitOfWork]:
    """A unit of work of a run that still has the register."""
    with run.archive.transaction(run.actor, eventless=True) as uow:
        register = uow.session.get_one(Register, run.register_id, with_for_update=True)
        if register.loader != run.id:
            raise _TakenOverError
        yield uow


def _progress(run: _Run, done: int, total: int) -> None:
    with _portion(run) as uow:
        register = uow.session.get_one(Register, run.register_id)
        register.done, register.total = done, total


def _finish(run: _Run, counts: _Counts, left_out: int) -> None:
    """Forgets what the file no longer has, finds what rows share, and says that the check is done."""
    with _portion(run) as uow:
        gone = select(RegisterRow.id).where(
            RegisterRow.register_id == run.register_id, RegisterRow.run != run.id, RegisterRow.state != "filed"
        )
        removed = uow.session.scalar(select(func.count()).select_from(gone.subquery())) or 0
        uow.session.execute(update(RegisterFile).where(RegisterFile.row_id.in_(gone)).values(row_id=None, how=None))
        uow.session.execute(delete(RegisterRow).where(RegisterRow.id.in_(gone)))
        find_shared(uow, run.register_id)
        register = uow.session.get_one(Register, run.register_id)
        register.state, register.loader, register.left_out, register.changed_at = "ready", None, left_out, uow.now
        sources = json.loads(register.sources)
        outcome = {"removed": removed, **vars(counts)}
        sources[-1] |= outcome | {"sheet": run.sheet, "run": run.id}
        register.sources = json.dumps(sources, ensure_ascii=False)
        uow.record(
            REGISTER_CHECKED,
            register_subjects(uow.session, register),
            name=register.name,
            **count_rows(uow.session, register.id),
            **outcome,
        )


def _give_up(archive: Archive, register_id: str, run_id: str, fault: str) -> None:
    with archive.transaction(Actor.system("registers"), eventless=True) as uow:
        register = uow.session.get_one(Register, register_id, with_for_update=True)
        if register.loader == run_id:
            register.state, register.loader, register.fault = "mapping", None, fault
            register.changed_at = uow.now


def count_rows(session: Session, register_id: str, *shown: ColumnElement[bool]) -> dict[str, int]:
    """How many rows there are, of those `shown`, and how many of those still open have a fault that refuses or only
    warns."""
    counted = select(RegisterRow.state, RegisterRow.worst, func.count())
    counted = counted.where(RegisterRow.register_id == register_id, *shown)
    found = {"rows": 0, "refuse": 0, "warn": 0, "open": 0, "filed": 0, "closed": 0}
    for state, worst, count in session.execute(counted.group_by(RegisterRow.state, RegisterRow.worst)):
        found["rows"] += count
        found[state] += count
        if state == "open" and worst:
            found[worst] += count
    return found


def _source_key(packed: str) -> bytes:
    return hashlib.sha256(packed.encode()).digest()
