"""The worker's part in reading a document: its text, taken in the sandbox, kept encrypted beside it."""

import io

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Version
from archive_app.engagements.engagements import subjects_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from search.reading import Limits, ReadingError, TextResult, extract_text
from storage import Purpose, StoredBlob

TEXT_PART = "body"
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
}


def read_version(workshop: Workshop, job: Job) -> None:
    """Reads one version: stores its text, says how it went, hands it on to the index. Idempotent."""
    archive, version_id = workshop.archive, job.subject_id
    with archive.reading(Actor.system("reader")) as uow:
        version = uow.session.get_one(Version, version_id)
    try:
        result = _extract(archive, version)
    except ReadingError as error:
        _finish(archive, version_id, "unread", error.code, None)
        return
    if not result.text.strip():
        _finish(archive, version_id, "unread", "empty", result)
        return
    content = io.BytesIO(result.text.encode())
    blob = archive.vault.put(content, key_of(version), version.id, Purpose.TEXT)
    _finish(archive, version_id, "partly" if result.truncated else "read", None, result, blob)


@use_case(Permission.DOCUMENTS_ADD)
def read_again(actor: Actor, uow: UnitOfWork, *, document_id: str) -> None:
    """Has the current version read again. Raises: NotFoundError."""
    uow.require("document", document_id)
    version = current_version(uow.session, document_id)
    version.reading = "waiting"
    uow.enqueue("documents.read", version.id)
    subjects = subjects_of(uow.session, version.engagement_id, document=document_id)
    uow.record(READING_REPEATED, subjects, name=version.name)


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


def _extract(archive: Archive, version: Version) -> TextResult:
    rules = archive.rules
    if version.size_bytes > rules.reading_limit_bytes:
        raise ReadingError("too_large", "larger than the configured limit")
    limits = Limits(
        memory_bytes=rules.reading_memory_bytes,
        cpu_seconds=rules.reading_seconds,
        wall_seconds=float(rules.reading_seconds) * 1.5,
        input_bytes=rules.reading_limit_bytes,
    )
    with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob:
        return extract_text(io.BufferedReader(blob), version.kind, limits=limits)


def _finish(
    archive: Archive,
    version_id: str,
    reading: str,
    note: str | None,
    result: TextResult | None,
    blob: StoredBlob | None = None,
) -> None:
    with archive.transaction(Actor.system("reader"), eventless=True) as uow:
        version = uow.session.get_one(Version, version_id)
        version.reading, version.reading_note = reading, note
        if result is not None:
            version.reader, version.page_count = result.reader, result.pages
        if blob is not None:
            uow.session.merge(derivative(uow, version_id, Purpose.TEXT, TEXT_PART, blob))
        uow.enqueue("documents.index", version_id)


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
