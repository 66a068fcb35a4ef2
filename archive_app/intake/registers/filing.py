"""Rows become records: one transaction for each row, by the worker, as the person who said so.

A run that was cut off goes on where it stopped, because a filed row is no longer open. What a row cannot be filed for
stays on the row; its neighbours are filed all the same.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from archive_app.documents.ingest import Entry
from archive_app.engagements.clients import ClientExistsError, add_client
from archive_app.engagements.engagements import NumberTakenError, open_engagement
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.undeclared import awaits_declaration, require_declared
from archive_app.intake.inbox.holding import entry_of, file_held
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.acting import actor_named, actor_or_system, asked_by, asking
from archive_app.intake.registers.bringing import register_at_step, register_subjects
from archive_app.intake.registers.checking import RowFields, dated_on, level_of, unpack_fields, year_of
from archive_app.intake.registers.errors import NothingToFileError, StillOpenError
from archive_app.intake.registers.faults import REFUSE
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.keys import name_key, number_key
from archive_app.intake.registers.layouts import Layout, unpack_layout
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.intake.registers.reviewing import RowLine, told_row
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

FILING_BEGAN = event_type("register.filing_began", N_("Filing of a register begun"))
ROW_FILED = event_type("register.row_filed", N_("Row of a register filed"))
ROW_REFUSED = event_type("register.row_refused", N_("Row of a register not filed"))
ROW_CONFIRMED_SAME = event_type("register.same_content_confirmed", N_("Same content filed all the same"))
FILING_ENDED = event_type("register.filing_ended", N_("Filing of a register ended"))
DUPLICATE_CONTENT = "duplicate_content"
_PORTION = 100
_TOLD_EVERY = timedelta(seconds=1)
_KEPT_IN_REMARK = ("item_number", "archive_number", "volume_number", "pages", "retention", "barcode")


class SameContentError(ArchiveError):
    code = "register_same_content"
    message = N_(
        "The file %(name)s has the same content as a document of this engagement. The row was not filed; detach the "
        "file, or file it all the same."
    )


@dataclass(frozen=True)
class Summary:
    """What filing now would do."""

    records: int
    documents: int
    engagements: int
    clients: int
    faulty: int
    without_file: int
    files_left: int


@query(Permission.REGISTERS_IMPORT)
def summarise(actor: Actor, uow: UnitOfWork, *, register_id: str) -> Summary:
    """What filing now would make, and what it would leave. Raises: NotFoundError."""
    uow.require("register", register_id)
    session = uow.session
    ready, attached = _may_be_filed(register_id), _attached()
    of_open = (RegisterRow.register_id == register_id, RegisterRow.state == "open")
    made: set[str] = set()
    clients: set[str] = set()
    new = select(RegisterRow.fields, RegisterRow.confirmed).where(ready, RegisterRow.engagement_id.is_(None))
    for packed, confirmed in session.execute(new.execution_options(yield_per=1000)):
        fields = unpack_fields(packed)
        made.add(number_key(fields.text("engagement")))
        if "client_unknown" in json.loads(confirmed):
            clients.add(name_key(fields.text("client")))
    counted = select(func.count()).select_from(RegisterRow)
    files = select(func.count()).select_from(RegisterFile)
    left = files.where(RegisterFile.register_id == register_id, RegisterFile.row_id.is_(None))
    documents = files.join(RegisterRow, RegisterRow.id == RegisterFile.row_id).where(ready)
    return Summary(
        records=session.scalar(counted.where(ready)) or 0,
        documents=session.scalar(documents) or 0,
        engagements=len(made),
        clients=len(clients),
        faulty=session.scalar(counted.where(*of_open, RegisterRow.worst == REFUSE)) or 0,
        without_file=session.scalar(counted.where(*of_open, ~attached)) or 0,
        files_left=session.scalar(left) or 0,
    )


@use_case(Permission.REGISTERS_IMPORT)
def file_now(actor: Actor, uow: UnitOfWork, *, register_id: str) -> None:
    """Has every ready row filed by the worker, those too that could not be filed the last time.

    Raises: NotFoundError, WrongStepError, NothingToFileError.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    may = _may_be_filed(register_id)
    ready = uow.session.scalar(select(func.count()).select_from(RegisterRow).where(may)) or 0
    if not ready:
        raise NothingToFileError
    again = update(RegisterRow).where(may, RegisterRow.refusal.is_not(None)).values(refusal=None)
    uow.session.execute(again.execution_options(synchronize_session=False))
    register.state, register.done, register.total, register.changed_at = "filing", 0, ready, uow.now
    uow.enqueue("registers.file", register_id, **asking(actor))
    uow.record(FILING_BEGAN, register_subjects(uow.session, register), name=register.name, rows=ready)


@use_case(Permission.REGISTERS_IMPORT)
def allow_same_content(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str) -> RowLine:
    """Has a row filed although its content is filed already; returns it.

    Raises: NotFoundError, WrongStepError, ConflictError.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    row = uow.session.get(RegisterRow, row_id, with_for_update=True)
    if row is None or row.register_id != register_id or row.state != "open" or row.refusal is None:
        raise ConflictError
    row.confirmed = json.dumps(sorted({*json.loads(row.confirmed), DUPLICATE_CONTENT}))
    row.refusal = None
    words = {"row": row.number, "fault": DUPLICATE_CONTENT}
    uow.record(ROW_CONFIRMED_SAME, register_subjects(uow.session, register), name=register.name, **words)
    return told_row(uow, register, row)


def file_job(workshop: Workshop, job: Job) -> None:
    """Files the ready rows of a register. Idempotent."""
    file_rows(workshop.archive, job.subject_id, **asked_by(job))


def file_rows(archive: Archive, register_id: str, actor_name: str, held: Collection[str] | None = None) -> None:
    """Files row after row until none is ready; a register at any other step is left alone."""
    # Each row is tried once. How far it has come is two values, however many rows there are.
    tried, last = 0, (-1, "")
    told_at = archive.clock.now()
    while True:
        with archive.reading(Actor.system("registers")) as uow:
            register = uow.session.get_one(Register, register_id)
            if register.state != "filing":
                return
            place = tuple_(RegisterRow.number, RegisterRow.id)
            ready = select(RegisterRow.number, RegisterRow.id).where(_is_ready(register_id), place > tuple_(*last))
            rows = uow.session.execute(ready.order_by(RegisterRow.number, RegisterRow.id).limit(_PORTION)).all()
        if not rows:
            break
        for number, row_id in rows:
            _file_or_refuse(archive, register, row_id, partial(actor_named, name=actor_name, held=held))
            tried, last = tried + 1, (number, row_id)
            if archive.clock.now() - told_at >= _TOLD_EVERY:
                told_at = archive.clock.now()
                _tell_progress(archive, register_id, tried)
    _end(archive, register_id, actor_name, held)


def require_nothing_open(session: Session, register_id: str) -> None:
    """Raises: StillOpenError while rows are open."""
    still = select(func.count()).select_from(RegisterRow)
    rows = session.scalar(still.where(RegisterRow.register_id == register_id, RegisterRow.state == "open")) or 0
    if rows:
        raise StillOpenError(rows=rows)


def _attached() -> ColumnElement[bool]:
    link = aliased(RegisterFile)
    return select(link.row_id).where(link.row_id == RegisterRow.id).correlate(RegisterRow).exists()


def _may_be_filed(register_id: str) -> ColumnElement[bool]:
    """Open, with a file, and no fault that refuses it."""
    return and_(
        RegisterRow.register_id == register_id, RegisterRow.state == "open", RegisterRow.worst != REFUSE, _attached()
    )


def _is_ready(register_id: str) -> ColumnElement[bool]:
    """May be filed, and was not refused in this run."""
    return and_(_may_be_filed(register_id), RegisterRow.refusal.is_(None))


def _file_or_refuse(archive: Archive, register: Register, row_id: str, who: Callable[..., Actor]) -> None:
    try:
        with archive.reading(Actor.system("registers")) as uow:
            actor = who(uow, organisation_id=register.organisation_id)
        engagement_id = _engagement_for(archive, actor, register, row_id)
        with archive.transaction(actor) as uow:
            _file_row(uow, register, row_id, engagement_id)
    except ArchiveError as error:
        with archive.transaction(Actor.system("registers")) as uow:
            row = uow.session.get_one(RegisterRow, row_id, with_for_update=True)
            if row.state != "open":
                uow.bookkeeping()
                return
            row.refusal = error.kept()
            words = {"row": row.number, "reason": error.code}
            uow.record(ROW_REFUSED, register_subjects(uow.session, register), name=register.name, **words)


def _engagement_for(archive: Archive, actor: Actor, register: Register, row_id: str, *, again: bool = True) -> str:
    """The row's engagement; one that does not exist yet is opened, and its client added where that was confirmed."""
    with archive.reading(actor) as uow:
        row = uow.session.get_one(RegisterRow, row_id)
        if row.engagement_id is not None:
            return row.engagement_id
        fields = unpack_fields(row.fields)
        number, name, year = fields.text("engagement"), fields.text("client"), year_of(fields)
        there = select(Engagement.id, Engagement.number).where(
            Engagement.organisation_id == register.organisation_id,
            # An engagement that an earlier row opened waits for the opener's declaration; it is not opened again.
            or_(uow.visible("engagement"), awaits_declaration(actor)),
        )
        known = {number_key(found): key for key, found in uow.session.execute(there)}
        names = select(Client.name, Client.id).where(
            Client.organisation_id == register.organisation_id, uow.visible("client")
        )
        clients = {name_key(found): key for found, key in uow.session.execute(names)}
    if number_key(number) in known:
        return known[number_key(number)]
    try:
        client_id = clients.get(name_key(name)) or add_client(actor, name=name).id
        return open_engagement(actor, client_id=client_id, number=number, title=number, year=year or 0).id
    except (ClientExistsError, NumberTakenError):
        # Somebody was faster: what they made is found now; what is there and may not be seen is refused again.
        if again:
            return _engagement_for(archive, actor, register, row_id, again=False)
        raise


def _file_row(uow: UnitOfWork, register: Register, row_id: str, engagement_id: str) -> None:
    """The one transaction of a row: every file of it a document, the row filed, or nothing at all."""
    session = uow.session
    uow.require("register", register.id, Permission.REGISTERS_IMPORT)
    require_declared(uow, engagement_id)
    row = session.get_one(RegisterRow, row_id, with_for_update=True, populate_existing=True)
    if row.state != "open" or row.worst == REFUSE:
        raise ConflictError
    fields, layout = unpack_fields(row.fields), unpack_layout(register.layout or "")
    same = DUPLICATE_CONTENT in json.loads(row.confirmed)
    attached = session.execute(
        select(RegisterFile, InboxFile)
        .join(InboxFile, InboxFile.id == RegisterFile.inbox_file_id)
        .where(RegisterFile.row_id == row_id)
        .order_by(RegisterFile.position, InboxFile.name, InboxFile.id)
    ).all()
    if not attached:
        raise ConflictError
    documents = []
    for place, (link, inbox_file) in enumerate(attached, 1):
        entry = entry_for(fields, layout, inbox_file, uow, place)
        filed = file_held(uow, inbox_file, engagement_id=engagement_id, entry=entry, allow_duplicate=same)
        if filed.document_id is None:
            # Not which document: the row is shown to people who may not see that one.
            raise SameContentError(name=inbox_file.name)
        link.document_id = filed.document_id
        documents.append(filed.document_id)
    row.state, row.engagement_id, row.changed_at = "filed", engagement_id, uow.now
    subjects = register_subjects(session, register, document=documents[0]) | {"engagement": engagement_id}
    words = {"row": row.number, "title": fields.text("title"), "documents": documents}
    uow.record(ROW_FILED, subjects, name=register.name, **words)


def entry_for(fields: RowFields, layout: Layout, inbox_file: InboxFile, uow: UnitOfWork, place: int) -> Entry:
    """What a row says about its document; of several files all but the first carry their place in the title."""
    came = entry_of(inbox_file)
    title = " ".join(fields.text("title").split())
    return Entry(
        name=came.name,
        source_path=came.source_path,
        source_system=came.source_system,
        originator=_line(fields, "originator") or came.originator,
        activity=came.activity,
        modified_at=came.modified_at,
        title=title if place == 1 else f"{title[:290]}({place})",
        number=_line(fields, "number") or _line(fields, "archive_number"),
        dated_on=dated_on(fields, uow.archive.today()),
        level=Level.INTERNAL if (level := level_of(fields)) is None else level,
        remark=remark_of(fields, layout, has_day=dated_on(fields, uow.archive.today()) is not None),
    )


def remark_of(fields: RowFields, layout: Layout, *, has_day: bool) -> str:
    """The remark, and under the register's own headings what a document has no field for."""
    kept = [code for code in _KEPT_IN_REMARK if fields.text(code)]
    if fields.text("dated_on") and not has_day:
        kept.append("dated_on")
    told = [f"{layout.heading_of(code) or FIELDS[code].names[0]}:{_line(fields, code)}" for code in kept]
    return "; ".join(part for part in [_line(fields, "remark"), *told] if part)[:1000]


def _line(fields: RowFields, code: str) -> str:
    return " ".join(fields.text(code).split())


def _tell_progress(archive: Archive, register_id: str, done: int) -> None:
    with archive.transaction(Actor.system("registers"), eventless=True) as uow:
        uow.session.get_one(Register, register_id).done = done


def _end(archive: Archive, register_id: str, actor_name: str, held: Collection[str] | None) -> None:
    with archive.reading(Actor.system("registers")) as uow:
        register = uow.session.get_one(Register, register_id)
        actor = actor_or_system(uow, actor_name, register.organisation_id, held)
    with archive.transaction(actor) as uow:
        register = uow.session.get_one(Register, register_id, with_for_update=True)
        counted = select(RegisterRow.state, func.count()).where(RegisterRow.register_id == register_id)
        counts = {row[0]: row[1] for row in uow.session.execute(counted.group_by(RegisterRow.state))}
        refused = (
            select(func.count())
            .select_from(RegisterRow)
            .where(
                RegisterRow.register_id == register_id, RegisterRow.refusal.is_not(None), RegisterRow.state == "open"
            )
        )
        told = {**counts, "refused": uow.session.scalar(refused) or 0}
        register.state, register.done, register.changed_at = "ready", register.total, uow.now
        uow.record(FILING_ENDED, register_subjects(uow.session, register), name=register.name, **told)
