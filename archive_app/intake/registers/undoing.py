"""Undoing an import, as long as nothing else happened to its records.

Nothing is destroyed. A copy of each record's bytes goes back to the register's files, then the document is withdrawn
and its row is open again, in one transaction for each row.
"""

import io
from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Version
from archive_app.documents.withdrawing import DOCUMENT_WITHDRAWN, happened_to, withdraw
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.policy import WORK
from archive_app.intake.inbox.holding import WAITING, InboxPlace, entry_of, hold_file
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.acting import actor_named, actor_or_system, asked_by, asking
from archive_app.intake.registers.bringing import register_at_step, register_subjects
from archive_app.intake.registers.errors import CannotUndoError
from archive_app.intake.registers.filing import ROW_FILED
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError
from archive_app.kernel.events import event_label, event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from storage import Purpose

UNDOING_BEGAN = event_type("register.undoing_began", N_("Undoing of an import begun"))
ROW_TAKEN_BACK = event_type("register.row_taken_back", N_("Row of a register taken back"))
UNDOING_ENDED = event_type("register.undoing_ended", N_("Undoing of an import ended"))
_MADE_BY_IMPORT = (ROW_FILED.code, DOCUMENT_WITHDRAWN.code)


@query(Permission.REGISTERS_IMPORT)
def undo_obstacles(actor: Actor, uow: UnitOfWork, *, register_id: str) -> dict[str, int]:
    """What happened to documents of the import and forbids its undoing: how many documents, by the event's words.

    Raises: NotFoundError.
    """
    uow.require("register", register_id)
    return _obstacles(uow.session, register_id)


@use_case(Permission.REGISTERS_IMPORT)
def undo_import(actor: Actor, uow: UnitOfWork, *, register_id: str) -> None:
    """Has the worker take back every record of the import. Raises: NotFoundError, WrongStepError, CannotUndoError."""
    register = register_at_step(uow, register_id, "ready", "closed", lock=True)
    filed = select(func.count()).select_from(RegisterRow)
    rows = uow.session.scalar(filed.where(RegisterRow.register_id == register_id, RegisterRow.state == "filed")) or 0
    if not rows:
        raise ConflictError
    obstacles = _obstacles(uow.session, register_id)
    if obstacles:
        raise _refusal(obstacles)
    register.state, register.done, register.total, register.changed_at = "undoing", 0, rows, uow.now
    uow.enqueue("registers.undo", register_id, **asking(actor))
    uow.record(UNDOING_BEGAN, register_subjects(uow.session, register), name=register.name, rows=rows)


def undo_job(workshop: Workshop, job: Job) -> None:
    """Takes back the records of an import. Idempotent."""
    undo_rows(workshop.archive, job.subject_id, **asked_by(job))


def undo_rows(archive: Archive, register_id: str, actor_name: str, held: Collection[str] | None = None) -> None:
    """Takes back row after row; a row whose document something happened to meanwhile stays filed, and says why."""
    with archive.reading(Actor.system("registers")) as uow:
        register = uow.session.get_one(Register, register_id)
        if register.state != "undoing":
            return
        filed = select(RegisterRow.id).where(RegisterRow.register_id == register_id, RegisterRow.state == "filed")
        row_ids = uow.session.scalars(filed.order_by(RegisterRow.number, RegisterRow.id)).all()
    for done, row_id in enumerate(row_ids, 1):
        try:
            with archive.reading(Actor.system("registers")) as uow:
                actor = actor_named(uow, actor_name, register.organisation_id, held)
            copies = _copies(archive, actor, register, row_id)
            with archive.transaction(actor) as uow:
                _take_back(uow, register, row_id, copies, done)
        except ArchiveError as error:
            with archive.transaction(Actor.system("registers"), eventless=True) as uow:
                row = uow.session.get_one(RegisterRow, row_id)
                row.refusal = error.kept()
    with archive.reading(Actor.system("registers")) as uow:
        actor = actor_or_system(uow, actor_name, register.organisation_id, held)
    with archive.transaction(actor) as uow:
        register = uow.session.get_one(Register, register_id, with_for_update=True)
        left = select(func.count()).select_from(RegisterRow)
        rows = uow.session.scalar(left.where(RegisterRow.register_id == register_id, RegisterRow.state == "filed"))
        register.state, register.done, register.changed_at = "ready", register.total, uow.now
        told = {"taken_back": len(row_ids) - (rows or 0), "left": rows or 0}
        uow.record(UNDOING_ENDED, register_subjects(uow.session, register), name=register.name, **told)


def _copies(archive: Archive, actor: Actor, register: Register, row_id: str) -> Mapping[str, str]:
    """For each file of a filed row a waiting copy of its bytes; one that an interrupted run left is used again."""
    with archive.reading(actor) as uow:
        links = uow.session.execute(
            select(InboxFile, Version)
            .join(RegisterFile, RegisterFile.inbox_file_id == InboxFile.id)
            .join(Version, Version.document_id == RegisterFile.document_id)
            .where(RegisterFile.row_id == row_id, Version.number == 1)
        ).all()
        copies = {came.id: _left_over(uow.session, register.id, came) for came, _ in links}
    place = InboxPlace(register.organisation_id, register.engagement_id, register_id=register.id)
    for came, version in links:
        if copies[came.id] is None:
            with (
                storage_translated(),
                archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob,
            ):
                held = hold_file(
                    actor, stream=io.BufferedReader(blob), entry=entry_of(came), place=place, finish=_listing(register)
                )
            copies[came.id] = held.id
    return {old: new for old, new in copies.items() if new}


def _listing(register: Register) -> Callable[[UnitOfWork, InboxFile], None]:
    def list_it(uow: UnitOfWork, inbox_file: InboxFile) -> None:
        uow.session.add(RegisterFile(inbox_file_id=inbox_file.id, register_id=register.id, position=0))
        uow.session.flush()

    return list_it


def _left_over(session: Session, register_id: str, came: InboxFile) -> str | None:
    same = select(InboxFile.id).join(RegisterFile, RegisterFile.inbox_file_id == InboxFile.id)
    return session.scalar(
        same.where(
            RegisterFile.register_id == register_id,
            RegisterFile.row_id.is_(None),
            InboxFile.state == WAITING,
            InboxFile.sha256 == came.sha256,
            InboxFile.source_path == came.source_path,
        ).limit(1)
    )


def _take_back(uow: UnitOfWork, register: Register, row_id: str, copies: Mapping[str, str], done: int) -> None:
    session = uow.session
    uow.require("register", register.id, Permission.REGISTERS_IMPORT)
    row = session.get_one(RegisterRow, row_id, with_for_update=True, populate_existing=True)
    if row.state != "filed":
        raise ConflictError
    if row.engagement_id is not None:
        # Nobody files a new version into its documents between the question what happened to them and the answer.
        lock_engagement(session, row.engagement_id)
        uow.require(WORK, row.engagement_id)
    links = session.scalars(select(RegisterFile).where(RegisterFile.row_id == row_id)).all()
    documents = [link.document_id for link in links if link.document_id]
    happened = happened_to(session, documents, besides=_MADE_BY_IMPORT)
    if happened:
        raise _refusal(_counted(happened))
    for link in links:
        copy = session.get_one(RegisterFile, copies[link.inbox_file_id])
        copy.row_id, copy.how, copy.position = row_id, link.how, link.position
        # The old link names what the document was made from; the row now has the copy.
        link.row_id = None
    row.state, row.refusal, row.changed_at = "open", None, uow.now
    session.get_one(Register, register.id).done = done
    for document_id in documents:
        withdraw(uow, document_id, reason="register.undone")
    subjects = register_subjects(session, register, document=documents[0])
    uow.record(ROW_TAKEN_BACK, subjects, name=register.name, row=row.number, documents=documents)


def _obstacles(session: Session, register_id: str) -> dict[str, int]:
    filed = select(RegisterFile.document_id).where(
        RegisterFile.register_id == register_id, RegisterFile.document_id.is_not(None), RegisterFile.row_id.is_not(None)
    )
    documents = [document_id for document_id in session.scalars(filed) if document_id]
    return _counted(happened_to(session, documents, besides=_MADE_BY_IMPORT))


def _counted(happened: Mapping[str, Sequence[str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for codes in happened.values():
        for code in set(codes):
            counts[code] = counts.get(code, 0) + 1
    return counts


def _refusal(obstacles: Mapping[str, int]) -> CannotUndoError:
    reasons = ", ".join(event_label(code) for code in obstacles)
    return CannotUndoError(documents=max(obstacles.values()), reasons=reasons)
