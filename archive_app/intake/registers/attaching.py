"""Attaching files to rows 挂接: files come to the register's page, are matched, and what is left is matched by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, not_, select
from sqlalchemy.orm import Session

from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.ingest import Entry, Stream
from archive_app.documents.names import storable_text
from archive_app.documents.policy import names_hidden
from archive_app.intake.inbox.holding import WAITING, InboxPlace, discard, hold_file
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.bringing import register_at_step, register_subjects
from archive_app.intake.registers.checking import RowFields, unpack_fields
from archive_app.intake.registers.matching import Wanted, match_files
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.intake.registers.reviewing import RowLine, told_row
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case, use_case
from archive_app.kernel.words import one_line

FILES_MATCHED = event_type("register.files_matched", N_("Files matched with rows of a register"))
FILE_ATTACHED = event_type("register.file_attached", N_("File attached to a row of a register"))
FILE_DETACHED = event_type("register.file_detached", N_("File detached from a row of a register"))
MAX_ANNOUNCED = 2000
_LISTED = 200
_NOT_CLOSED = ("mapping", "checking", "ready", "filing", "undoing")
_NUMBER_FIELDS = ("number", "archive_number", "item_number")


@dataclass(frozen=True)
class Offer:
    """A file as the browser announces it: `path` is relative inside a dropped folder, or just the name."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class FileLine:
    """A file of the register as pages show it; the row is the one it is attached to."""

    id: str
    name: str
    path: str
    size_bytes: int
    how: str
    row_id: str | None
    row_number: int | None
    document_id: str | None


@dataclass(frozen=True)
class OpenRow:
    """A row that waits for a file."""

    id: str
    number: int
    title: str
    told: str


@dataclass(frozen=True)
class Left:
    """What has no partner yet on either side, and how many there are in all."""

    rows: Sequence[OpenRow]
    row_count: int
    files: Sequence[FileLine]
    file_count: int


@query(Permission.REGISTERS_IMPORT)
def known_files(actor: Actor, uow: UnitOfWork, *, register_id: str, offers: Sequence[Offer]) -> list[bool]:
    """For each offered file whether the register has it already, by path and size: it need not be sent again.

    Raises: NotFoundError, InvalidInputError for a list that is too long.
    """
    uow.require("register", register_id)
    if not 0 < len(offers) <= MAX_ANNOUNCED:
        raise InvalidInputError(field=N_("Files"), reason=N_("Between 1 and 2,000 files can be announced at once."))
    there = select(InboxFile.source_path, InboxFile.size_bytes).where(
        InboxFile.register_id == register_id, InboxFile.state.in_((WAITING, "filed"))
    )
    known = {tuple(row) for row in uow.session.execute(there)}
    return [(storable_text(offer.path), offer.size_bytes) in known for offer in offers]


@staged_use_case(Permission.DOCUMENTS_ADD)
def receive_file(
    actor: Actor,
    archive: Archive,
    *,
    register_id: str,
    stream: Stream,
    entry: Entry,
    expected_bytes: int | None = None,
    confirm: Callable[[int], None] = lambda _size_bytes: None,
) -> str:
    """Takes a file into the inbox for this register; it is durable when this returns. Returns its id.

    Raises: NotFoundError, WrongStepError, NameMissingError and its kin, EmptyFileError, TooLargeError,
    InterruptedError when fewer bytes came than announced.
    """
    with archive.reading(actor) as uow:
        register = register_at_step(uow, register_id, "ready", "mapping", "checking")
        place = InboxPlace(register.organisation_id, register.engagement_id, register_id=register_id)

    def complete(size: int) -> None:
        confirm(size)
        if expected_bytes is not None and size != expected_bytes:
            raise TransferInterruptedError(received=size, expected=expected_bytes)

    def list_it(uow: UnitOfWork, inbox_file: InboxFile) -> None:
        # A long file takes a while. In a register that was closed meanwhile nobody would ever find it.
        register_at_step(uow, register_id, *_NOT_CLOSED, lock=True)
        uow.session.add(RegisterFile(inbox_file_id=inbox_file.id, register_id=register_id, position=0))
        uow.session.flush()

    held = hold_file(actor, stream=stream, entry=entry, place=place, confirm=complete, finish=list_it)
    return held.id


@use_case(Permission.REGISTERS_IMPORT)
def match(actor: Actor, uow: UnitOfWork, *, register_id: str, with_inbox: bool = False) -> int:
    """Attaches every file that certainly belongs to one row; `with_inbox` looks at waiting files of the inbox too.

    A file of the inbox that is known to belong to an engagement goes to none but that engagement's rows.
    Returns how many were attached. Raises: NotFoundError, WrongStepError.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    session = uow.session
    rows = _wanted_rows(session, register_id)
    files = _loose_files(session, register_id)
    others = _inbox_files(uow, register) if with_inbox else {}
    named = dict(sorted({**others, **files}.items(), key=lambda item: (item[1], item[0])))
    # A row that has its file already takes only further parts of the same record.
    taken = set(session.scalars(select(RegisterFile.row_id).where(RegisterFile.register_id == register_id)))
    bound = _bound_files(session, register, with_inbox=with_inbox)
    found = [one for one in match_files(rows, named, bound) if one.how == "group" or one.row_id not in taken]
    for matched in found:
        if matched.file_id in others:
            session.add(RegisterFile(inbox_file_id=matched.file_id, register_id=register_id, position=0))
            session.flush()
        attached = session.get_one(RegisterFile, matched.file_id)
        attached.row_id, attached.how, attached.position = matched.row_id, matched.how, matched.position
    if found:
        ways = {how: sum(matched.how == how for matched in found) for how in {matched.how for matched in found}}
        uow.record(FILES_MATCHED, register_subjects(session, register), name=register.name, files=len(found), ways=ways)
    return len(found)


@use_case(Permission.REGISTERS_IMPORT)
def attach(actor: Actor, uow: UnitOfWork, *, register_id: str, row_id: str, file_ids: Sequence[str]) -> RowLine:
    """Attaches files to a row by hand; returns the row.

    Raises: NotFoundError, WrongStepError, ConflictError, InvalidInputError.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    row = uow.session.get(RegisterRow, row_id)
    if row is None or row.register_id != register_id:
        raise NotFoundError
    if row.state != "open":
        raise ConflictError
    if not file_ids:
        raise InvalidInputError(field=N_("Files"), reason=N_("Choose at least one file."))
    last = uow.session.scalar(select(func.max(RegisterFile.position)).where(RegisterFile.row_id == row_id)) or 0
    names = []
    for place, file_id in enumerate(file_ids, last + 1):
        attached, inbox_file = _file(uow, register_id, file_id)
        attached.row_id, attached.how, attached.position = row_id, "hand", place
        names.append(inbox_file.name)
    words = {"row": row.number, "files": names}
    uow.record(FILE_ATTACHED, register_subjects(uow.session, register), name=register.name, **words)
    return told_row(uow, register, row)


@use_case(Permission.REGISTERS_IMPORT)
def detach(actor: Actor, uow: UnitOfWork, *, register_id: str, file_id: str) -> FileLine:
    """Takes a file off its row; returns it. Raises: NotFoundError, WrongStepError, ConflictError."""
    register = register_at_step(uow, register_id, "ready", lock=True)
    attached, inbox_file = _file(uow, register_id, file_id)
    row = uow.session.get(RegisterRow, attached.row_id) if attached.row_id else None
    if row is None:
        raise ConflictError
    attached.row_id = attached.how = None
    words = {"row": row.number, "files": [inbox_file.name]}
    uow.record(FILE_DETACHED, register_subjects(uow.session, register), name=register.name, **words)
    return _line(attached, inbox_file, None)


@use_case(Permission.REGISTERS_IMPORT)
def let_go(actor: Actor, uow: UnitOfWork, *, register_id: str, file_id: str, reason: str) -> InboxFile:
    """Discards a file that belongs to no row; its bytes are set aside, not destroyed. One that was sorted in the inbox
    meanwhile is only let go of. Returns it.

    Raises: NotFoundError, WrongStepError, ConflictError, InvalidInputError without a reason.
    """
    register = register_at_step(uow, register_id, "ready", lock=True)
    attached, inbox_file = _file(uow, register_id, file_id)
    if attached.row_id is not None:
        raise ConflictError
    uow.session.delete(attached)
    if inbox_file.state == WAITING:
        discard(uow, inbox_file, reason=reason)
    else:
        # Somebody filed or discarded it in the inbox: only the register has to let it go.
        words = {"files": [inbox_file.name], "reason": one_line(reason, field=N_("Reason"), limit=300)}
        uow.record(FILE_DETACHED, register_subjects(uow.session, register), name=register.name, **words)
    return inbox_file


@query(Permission.REGISTERS_IMPORT)
def list_left(actor: Actor, uow: UnitOfWork, *, register_id: str, row_text: str = "", file_text: str = "") -> Left:
    """Open rows without a file and files without a row, the first of each. Raises: NotFoundError."""
    uow.require("register", register_id)
    attached = select(RegisterFile.row_id).where(RegisterFile.row_id == RegisterRow.id).exists()
    rows = select(RegisterRow).where(RegisterRow.register_id == register_id, RegisterRow.state == "open", ~attached)
    if row_text.strip():
        rows = rows.where(RegisterRow.fields.contains(row_text.strip(), autoescape=True))
    files = _files_of(register_id).where(RegisterFile.row_id.is_(None), RegisterFile.document_id.is_(None))
    if file_text.strip():
        files = files.where(InboxFile.name.contains(file_text.strip(), autoescape=True))
    shown = uow.session.scalars(rows.order_by(RegisterRow.number, RegisterRow.id).limit(_LISTED))
    listed = uow.session.execute(files.order_by(InboxFile.name, InboxFile.id).limit(_LISTED))
    return Left(
        [_open_row(row) for row in shown],
        uow.session.scalar(select(func.count()).select_from(rows.subquery())) or 0,
        [_line(*row) for row in listed],
        uow.session.scalar(select(func.count()).select_from(files.subquery())) or 0,
    )


@query(Permission.REGISTERS_IMPORT)
def list_files(
    actor: Actor,
    uow: UnitOfWork,
    *,
    register_id: str,
    row_id: str = "",
    left_only: bool = False,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[FileLine]:
    """The register's files, those of one row, or those that belong to no row yet. Raises: NotFoundError."""
    uow.require("register", register_id)
    hidden = names_hidden(uow.archive.policy, actor, RegisterFile.document_id)
    statement = _files_of(register_id).where(not_(hidden))
    if row_id:
        statement = statement.where(RegisterFile.row_id == row_id)
    if left_only:
        statement = statement.where(RegisterFile.row_id.is_(None), RegisterFile.document_id.is_(None))
    page = fetch_page(uow.session, statement, [RegisterFile.inbox_file_id], after=after, limit=limit)
    return Page([_line(row[0], row[1], row[2]) for row in page.items], page.next_key)


def wanted_of(row_id: str, fields: RowFields, engagement_id: str | None = None) -> Wanted:
    """What a file can be recognised by as belonging to the row."""
    numbers = tuple(fields.text(code) for code in _NUMBER_FIELDS if fields.text(code))
    return Wanted(row_id, fields.text("file_name"), numbers, fields.text("barcode"), engagement_id)


def _wanted_rows(session: Session, register_id: str) -> list[Wanted]:
    rows = select(RegisterRow.id, RegisterRow.fields, RegisterRow.engagement_id).where(
        RegisterRow.register_id == register_id, RegisterRow.state == "open"
    )
    rows = rows.order_by(RegisterRow.number, RegisterRow.id).execution_options(yield_per=2000)
    found = session.execute(rows)
    return [wanted_of(row_id, unpack_fields(packed), engagement_id) for row_id, packed, engagement_id in found]


def _loose_files(session: Session, register_id: str) -> dict[str, str]:
    loose = select(InboxFile.id, InboxFile.name).join(RegisterFile, RegisterFile.inbox_file_id == InboxFile.id)
    loose = loose.where(RegisterFile.register_id == register_id, RegisterFile.row_id.is_(None))
    return {row[0]: row[1] for row in session.execute(loose.where(InboxFile.state == WAITING))}


def _inbox_files(uow: UnitOfWork, register: Register) -> dict[str, str]:
    """Waiting files of the inbox that came with no register and do not belong to another engagement."""
    taken = select(RegisterFile.inbox_file_id).where(RegisterFile.inbox_file_id == InboxFile.id).exists()
    waiting = select(InboxFile.id, InboxFile.name).where(
        InboxFile.state == WAITING,
        InboxFile.organisation_id == register.organisation_id,
        InboxFile.register_id.is_(None),
        ~taken,
        uow.visible("inbox_file"),
    )
    if register.engagement_id:
        fits = InboxFile.engagement_id.is_(None) | (InboxFile.engagement_id == register.engagement_id)
        waiting = waiting.where(fits)
    return {row[0]: row[1] for row in uow.session.execute(waiting)}


def _bound_files(session: Session, register: Register, *, with_inbox: bool) -> dict[str, str]:
    """The engagements of files that came through the inbox for one; a file that came with the register has none yet."""
    bound = select(InboxFile.id, InboxFile.engagement_id).where(
        InboxFile.state == WAITING,
        InboxFile.organisation_id == register.organisation_id,
        InboxFile.register_id.is_(None),
        InboxFile.engagement_id.is_not(None),
    )
    if not with_inbox:
        ours = select(RegisterFile.inbox_file_id).where(RegisterFile.register_id == register.id)
        bound = bound.where(InboxFile.id.in_(ours))
    return {file_id: engagement_id for file_id, engagement_id in session.execute(bound) if engagement_id}


def _file(uow: UnitOfWork, register_id: str, file_id: str) -> tuple[RegisterFile, InboxFile]:
    attached = uow.session.get(RegisterFile, file_id, with_for_update=True)
    if attached is None or attached.register_id != register_id:
        raise NotFoundError
    if attached.document_id is not None:
        raise ConflictError
    return attached, uow.session.get_one(InboxFile, file_id)


def _files_of(register_id: str) -> Select[RegisterFile, InboxFile, int | None]:
    statement = select(RegisterFile, InboxFile, RegisterRow.number)
    statement = statement.join(InboxFile, InboxFile.id == RegisterFile.inbox_file_id)
    statement = statement.outerjoin(RegisterRow, RegisterRow.id == RegisterFile.row_id)
    return statement.where(RegisterFile.register_id == register_id)


def _line(attached: RegisterFile, inbox_file: InboxFile, number: int | None) -> FileLine:
    return FileLine(
        id=inbox_file.id,
        name=inbox_file.name,
        path=inbox_file.source_path,
        size_bytes=inbox_file.size_bytes,
        how=attached.how or "",
        row_id=attached.row_id,
        row_number=number,
        document_id=attached.document_id,
    )


def _open_row(row: RegisterRow) -> OpenRow:
    fields = unpack_fields(row.fields)
    told = " · ".join(fields.text(code) for code in ("number", "file_name", "item_number") if fields.text(code))
    return OpenRow(row.id, row.number, fields.text("title"), told)
