"""The worker's part in reading a document: its text, taken in the sandbox, kept encrypted beside it.

A file is read in up to three steps, each a job: its own text; the files inside of it (`parts`); its pages that have no
text (`recognising`). After each step what there is becomes the version's text and is indexed.
"""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from archive_app.documents import pieces
from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Part, Read, Version
from archive_app.documents.pieces import Assembly, OwnText, Recognised
from archive_app.documents.places import PLACES_PART, prefix_of, written_passages
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from search.reading import KINDS, Child, Limits, ReadingError, extract_text, recognition_engine, render_page
from storage import Purpose, StoredBlob

TEXT_PART = pieces.TEXT_PART
READER = Actor.system("reader")
READING_REPEATED = event_type("document.reading_repeated", N_("Reading repeated"))
READING_NOTES = {
    "unreadable": N_("The text could not be read: the file is damaged or of a form that the reader does not know."),
    "too_large": N_("The text was not read: the file is too large for the reader."),
    "timeout": N_("The text was not read: the reader took too long and was stopped."),
    "memory": N_("The text was not read: the reader needed too much memory and was stopped."),
    "killed": N_("The text was not read: the reader broke down on this file."),
    "encrypted": N_("The text was not read: the file is protected by a password."),
    "output_limit": N_("The text was not read: it is larger than the reader may give out."),
    "unsupported": N_("The text of this kind of file is not read. It is found by its name and metadata."),
    "empty": N_("No text was found in it."),
    "cut": N_("The text is longer than is kept: its end was left out."),
    "parts_waiting": N_("The files inside of it are being read."),
    "recognising": N_("Its pages without text are being recognised."),
    "no_recognition": N_("Pages without text were not recognised: no recognition is installed on this machine."),
    "pages_limit": N_("Some pages were not recognised: the document has more of them than the archive recognises."),
    "pages_failed": N_("Some pages could not be recognised."),
    "parts_limit": N_("It holds more files than are read; the others are in the original only."),
    "parts_failed": N_("Some of the files inside of it could not be read."),
    "too_deep": N_("It lies too deep inside of other files and was not opened."),
}
"""Catalogue keys by the codes of `Version.reading_note`."""
PENDING_NOTES = frozenset({"parts_waiting", "recognising"})
_UNFINISHED = frozenset({"cut", "no_recognition", "pages_limit", "pages_failed", "parts_limit", "parts_failed"})
_BREAKDOWNS = frozenset({"unreadable", "too_large", "timeout", "memory", "killed", "output_limit"})
_MINOR = frozenset({None, "unsupported", "empty"})


_NOTHING = OwnText()
_AFTER_READING: list[Callable[[UnitOfWork, Version], None]] = []


@dataclass(frozen=True)
class FileText:
    """What the reader of one file found, or why it found nothing."""

    own: OwnText = _NOTHING
    children: Sequence[Child] = ()
    reader: str | None = None
    pages: int | None = None
    failed: str | None = None


def read_version(workshop: Workshop, job: Job) -> None:
    """Reads the file of one version, and hands on what is inside of it and what must be recognised. Idempotent."""
    archive, version_id = workshop.archive, job.subject_id
    with archive.reading(READER) as uow:
        version = uow.session.get_one(Version, version_id)
    found = _read_content(archive, version)
    blob = pieces.keep_own(archive, version, found.own) if found.own.blank_pages or found.children else None
    with archive.transaction(READER, eventless=True) as uow:
        version = uow.session.get_one(Version, version_id, with_for_update=True)
        pieces.forget_parts(uow, version)
        set_read(version, found)
        own = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, pieces.own_part("")))
        if blob is not None:
            uow.session.merge(derivative(uow, version_id, Purpose.TEXT, pieces.own_part(""), blob))
        elif own is not None:
            uow.session.delete(own)
        children = found.children[: archive.rules.parts_limit]
        uow.session.add_all(part_row(version_id, "", child) for child in children)
        add_note(version, "parts_limit", when=len(children) < len(found.children))
        _hand_on(uow, version, parts=bool(children))
        read_before = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, TEXT_PART)) is not None
    # What an earlier reading found stays findable until the new one is complete.
    if not (read_before and pending(version)):
        put_together(archive, version_id, found.own)


@use_case(Permission.DOCUMENTS_ADD)
def read_again(actor: Actor, uow: UnitOfWork, *, document_id: str) -> None:
    """Has the current version read again. Raises: NotFoundError."""
    uow.require("document", document_id)
    version = current_version(uow.session, document_id)
    uow.require(WORK, version.engagement_id)
    version.reading = "waiting"
    uow.enqueue("documents.read", version.id)
    subjects = subjects_of(uow.session, version.engagement_id, document=document_id)
    uow.record(READING_REPEATED, subjects, name=version.name)


def put_together(archive: Archive, version_id: str, own: OwnText | None = None) -> None:
    """Makes the version's text and its places from the pieces that there are, and has it indexed. Idempotent."""
    with archive.reading(READER) as uow:
        version = uow.session.get_one(Version, version_id)
        kept = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, pieces.own_part("")))
        own = own or pieces.read_own(archive, uow.session, version) or _NOTHING
        assembly, recognised, parts = _assembled(archive, uow.session, version, own)
    text = assembly.text if assembly.text.strip() else ""
    rows = [(TEXT_PART, pieces.put_text(archive, version, text))] if text else []
    if text and assembly.passages:
        rows.append((PLACES_PART, pieces.put_text(archive, version, _compact(assembly))))
    with archive.transaction(READER, eventless=True) as uow:
        version = uow.session.get_one(Version, version_id, with_for_update=True)
        now = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, pieces.own_part("")))
        if (now.blob_id if now else None) != (kept.blob_id if kept else None):
            return  # read anew meanwhile; that reading puts it together itself
        if rows or not _failed(version):
            _keep_rows(uow, version_id, rows)
        for number, outcome in recognised.items():
            row: Read = uow.session.get_one(Part, (version_id, number)) if number else version
            _set_recognised(row, outcome)
        add_note(version, "cut", when=own.truncated or assembly.cut)
        failed = any(part.reading in {"unread", "partly"} and part.reading_note not in _MINOR for part in parts)
        add_note(version, "parts_failed", when=failed)
        there = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, TEXT_PART)) is not None
        conclude(version, readable=there)
        uow.enqueue("documents.index", version_id)
        if not pending(version):
            for step in _AFTER_READING:
                step(uow, version)


def after_reading(step: Callable[[UnitOfWork, Version], None]) -> Callable[[UnitOfWork, Version], None]:
    """Registers a step of a room above: it runs in the transaction by which a version's reading comes to its end, and
    hands on what is to follow."""
    _AFTER_READING.append(step)
    return step


def _assembled(
    archive: Archive, session: Session, version: Version, own: OwnText
) -> tuple[Assembly, dict[str, Recognised], list[Part]]:
    assembly = Assembly()
    pages = pieces.read_pages(archive, session, version, "", own)
    recognised = {"": pieces.add_own(assembly, own, pages)}
    parts = pieces.parts_in_order(session, version.id)
    for part in parts:
        assembly.end()
        heading, place = pieces.part_heading(part)
        assembly.add(heading, [place])
        inner = pieces.read_own(archive, session, version, part.number)
        if inner is not None:
            pages = pieces.read_pages(archive, session, version, part.number, inner)
            recognised[part.number] = pieces.add_own(assembly, inner, pages, prefix_of(part.number))
    return assembly, recognised, parts


def conclude(row: Read, *, readable: bool) -> None:
    """Says in a word how the reading stands."""
    notes = set(notes_of(row))
    if notes & PENDING_NOTES:
        row.reading = "partly" if readable else "waiting"
    elif readable:
        row.reading = "partly" if notes & (_UNFINISHED | _BREAKDOWNS) or row.unread_pages else "read"
    else:
        row.reading = "unread"
        add_note(row, "empty", when=not notes)


def set_read(row: Read, found: FileText) -> None:
    """Notes what the reader of a file said; what an earlier reading said is forgotten."""
    row.reading, row.reading_note = "waiting", found.failed
    row.reader, row.page_count = found.reader, found.pages
    row.recogniser = row.confidence = row.recognised_pages = None
    row.unread_pages = len(found.own.blank_pages) or None
    if row.unread_pages and recognition_engine() is None:
        add_note(row, "no_recognition", when=True)


def add_note(row: Read, code: str, *, when: bool) -> None:
    """Puts a code among the notes, or takes it away."""
    notes = [note for note in notes_of(row) if note != code] + [code] * when
    row.reading_note = ",".join(notes) or None


def notes_of(row: Read) -> list[str]:
    """The codes of what was left out."""
    return (row.reading_note or "").split(",") if row.reading_note else []


def pending(row: Read) -> bool:
    """Whether a further step of reading is still to come."""
    return bool(PENDING_NOTES & set(notes_of(row)))


def part_row(version_id: str, inside: str, child: Child) -> Part:
    """The row of a file inside a file, before it has been read."""
    return Part(
        version_id=version_id,
        number=f"{inside}/{child.number}" if inside else str(child.number),
        name=child.name[:500],
        kind="unknown",
        size_bytes=child.size_bytes,
        reading="unread" if child.refused else "waiting",
        reading_note=child.refused,
    )


def read_file(content: BinaryIO, kind: str, limits: Limits) -> FileText:
    """The text of one file. What a hostile one does to its reader is told by `failed`."""
    try:
        if KINDS[kind].text_readable:
            result = extract_text(content, kind, limits=limits)
            return FileText(pieces.own_of(result), result.children, result.reader, result.pages)
        if KINDS[kind].page_images:
            # A picture: as many pages to recognise as it has. One that cannot be drawn cannot be recognised.
            pages = render_page(content, kind, 0, width_px=16, limits=limits).page_count
            return FileText(OwnText(blank_pages=range(pages)), pages=pages)
    except ReadingError as error:
        return FileText(failed=error.code)
    return FileText(failed="unsupported")


def reading_limits(archive: Archive, **changes: int) -> Limits:
    """What reading one file may cost."""
    rules = archive.rules
    return Limits(
        memory_bytes=rules.reading_memory_bytes,
        cpu_seconds=rules.reading_seconds,
        wall_seconds=float(rules.reading_seconds) * 1.5,
        input_bytes=rules.reading_limit_bytes,
        **changes,
    )


def current_version(session: Session, document_id: str) -> Version:
    """The newest version of a document that exists."""
    return session.scalars(select(Version).where(Version.document_id == document_id, Version.current)).one()


def read_text(archive: Archive, session: Session, version: Version, *, limit_bytes: int = -1) -> str | None:
    """The stored text of a version, or None where there is none. Raises: ContentCorruptError."""
    row = session.get(Derivative, (version.id, Purpose.TEXT.value, TEXT_PART))
    return None if row is None else open_text(archive, version, row.blob_id, limit_bytes=limit_bytes)


def is_text_of(version: type[Version]) -> ColumnElement[bool]:
    """The clause that joins a version's text, for queries that want many texts at once."""
    return and_(
        Derivative.version_id == version.id, Derivative.purpose == Purpose.TEXT.value, Derivative.part == TEXT_PART
    )


def open_text(archive: Archive, version: Version, blob_id: str, *, limit_bytes: int = -1) -> str:
    """The text in the blob that is a version's text. Raises: ContentCorruptError."""
    with storage_translated(), archive.vault.open(blob_id, key_of(version), version.id, Purpose.TEXT) as blob:
        cut = 0 <= limit_bytes < blob.size_bytes
        return blob.read(limit_bytes if cut else blob.size_bytes).decode("utf-8", "ignore" if cut else "strict")


def derivative(uow: UnitOfWork, version_id: str, purpose: Purpose, part: str, blob: StoredBlob) -> Derivative:
    """The row of a blob made from a version."""
    return Derivative(
        version_id=version_id,
        purpose=purpose.value,
        part=part,
        blob_id=blob.blob_id,
        size_bytes=blob.size_bytes,
        sha256=blob.sha256,
        stored_sha256=blob.stored_sha256,
        created_at=uow.now,
    )


def hand_to_recognition(uow: UnitOfWork, version: Version, parts: Iterable[Part]) -> None:
    """Has pages without text recognised, where there are any and an engine to do it."""
    rows: list[Read] = [version, *parts]
    wanted = any(row.unread_pages for row in rows)
    if wanted and recognition_engine() is not None:
        add_note(version, "recognising", when=True)
        uow.enqueue("documents.recognise", version.id)


def _hand_on(uow: UnitOfWork, version: Version, *, parts: bool) -> None:
    if parts:
        add_note(version, "parts_waiting", when=True)
        uow.enqueue("documents.read_parts", version.id)
    else:
        hand_to_recognition(uow, version, ())


def _read_content(archive: Archive, version: Version) -> FileText:
    if version.size_bytes > archive.rules.reading_limit_bytes:
        return FileText(failed="too_large")
    with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob:
        return read_file(cast("BinaryIO", io.BufferedReader(blob)), version.kind, reading_limits(archive))


def _set_recognised(row: Read, outcome: Recognised) -> None:
    if not outcome.done and not outcome.failures:
        return
    row.recogniser, row.confidence = outcome.engine, outcome.confidence
    row.recognised_pages, row.unread_pages = outcome.done, outcome.left or None
    add_note(row, "pages_failed", when=bool(outcome.failures))
    if isinstance(row, Part):
        conclude(row, readable=bool(outcome.confidence) or row.reading in {"read", "partly"})


def _keep_rows(uow: UnitOfWork, version_id: str, rows: Sequence[tuple[str, StoredBlob]]) -> None:
    for part in {TEXT_PART, PLACES_PART} - {part for part, _ in rows}:
        gone = uow.session.get(Derivative, (version_id, Purpose.TEXT.value, part))
        if gone is not None:
            uow.session.delete(gone)
    for part, blob in rows:
        uow.session.merge(derivative(uow, version_id, Purpose.TEXT, part, blob))


def _failed(version: Version) -> bool:
    """Whether the reader broke down: what an earlier one found is then worth keeping."""
    return bool(set(notes_of(version)) & _BREAKDOWNS)


def _compact(assembly: Assembly) -> str:
    return json.dumps(written_passages(assembly.passages), ensure_ascii=False, separators=(",", ":"))
