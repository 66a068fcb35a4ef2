"""Filing: bytes into the vault first, then one transaction that makes them a document.

A crash at any point leaves either a complete document or an orphan blob that nothing refers to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from archive_app.documents.errors import EmptyFileError, LevelAboveOwnError, storage_translated
from archive_app.documents.models import Document, Version
from archive_app.documents.names import original_name
from archive_app.documents.policy import require_change
from archive_app.engagements.engagements import lock_engagement, require_unsealed, subjects_of
from archive_app.engagements.policy import WORK
from archive_app.engagements.standing import highest_level_in
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.ids import new_id
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.tables import Base
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.kernel.words import one_line
from search.reading import Kind, identify
from storage import Purpose, StoredBlob, WrappedKey

DOCUMENT_FILED = event_type("document.filed", N_("Document filed"))
VERSION_FILED = event_type("document.version_filed", N_("New version filed"))
DUPLICATE_OFFERED = event_type("document.duplicate_offered", N_("Same content offered again"))
_HEAD_BYTES = 256 * 1024
_TAIL_BYTES = 64 * 1024
_BLOCK_BYTES = 1024 * 1024
_INSERT_DOCUMENT = insert(Base.metadata.tables[Document.__tablename__])


class Stream(Protocol):
    """Anything that gives bytes until it gives none."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class Entry:
    """What is recorded about a file at its entry, besides who, when and how: 形成者, 活动, 时间, 来源系统.

    `name` and `source_path` are the offered ones; `claimed_media_type` is recorded, never trusted. `title`, `number`,
    `dated_on`, `remark` and `level` describe a new document; without a title it is called by its file name. `control`
    is for controlled documents, which are filed as drafts.
    """

    name: str
    source_path: str = ""
    source_system: str = ""
    originator: str = ""
    activity: str = ""
    modified_at: datetime | None = None
    claimed_media_type: str = ""
    title: str = ""
    number: str = ""
    dated_on: date | None = None
    remark: str = ""
    level: Level = Level.INTERNAL
    control: str = ""


@dataclass(frozen=True)
class Stored:
    """Bytes that are in the vault and not yet a document."""

    version_id: str
    key: WrappedKey
    blob: StoredBlob
    kind: Kind


@dataclass(frozen=True)
class Filed:
    """The outcome of filing. With `duplicate_of`, nothing was filed: that document already has the same content."""

    document_id: str | None
    version_id: str
    stored: Stored = field(repr=False)
    duplicate_of: str | None = None


def _accept(_size_bytes: int) -> None:
    """Every complete stream is acceptable."""


@staged_use_case(Permission.DOCUMENTS_ADD)
def add_document(
    actor: Actor,
    archive: Archive,
    *,
    engagement_id: str,
    stream: Stream,
    entry: Entry,
    document_id: str | None = None,
    allow_duplicate: bool = False,
    confirm: Callable[[int], None] = _accept,
    finish: Callable[[UnitOfWork, Filed], None] = lambda _uow, _filed: None,
) -> Filed:
    """Files the bytes of `stream` as a new document, or as a new version of `document_id`.

    `confirm` is called with the number of bytes when the stream has ended and before anything is kept; it raises to
    refuse. `finish` runs as a step of the filing transaction, so that whoever keeps a list of files has it right.
    Permission is checked before the first byte is taken and again inside the transaction.

    Raises: NotFoundError, LevelAboveOwnError, NameMissingError and its kin, EmptyFileError, TooLargeError,
    StorageFullError, StorageUnavailableError, and whatever `stream` and `confirm` raise.
    """
    with archive.reading(actor) as uow:
        _check(uow, engagement_id, document_id)
        # Said before the bytes come; it may be sealed all the same while they do, and is asked again under the lock.
        require_unsealed(uow.session, engagement_id)
        if document_id is None:
            require_level(uow, engagement_id, entry.level)
    original_name(entry.name)
    stored = store(archive, stream, entry.name, confirm)
    with archive.transaction(actor) as uow:
        _check(uow, engagement_id, document_id)
        engagement = lock_engagement(uow.session, engagement_id)
        if document_id is not None:
            # Under the lock once more: it may have been taken back while this waited.
            _check(uow, engagement_id, document_id)
        twin = None if allow_duplicate else find_twin(uow, engagement.id, stored.blob.sha256)
        if twin is not None:
            filed = Filed(None, stored.version_id, stored, duplicate_of=twin)
            uow.record(DUPLICATE_OFFERED, subjects_of(uow.session, engagement.id, document=twin), name=entry.name)
        else:
            filed = file_version(uow, engagement.id, document_id, stored, entry)
        finish(uow, filed)
    return filed


def store(archive: Archive, stream: Stream, name: str, confirm: Callable[[int], None] = _accept) -> Stored:
    """Takes the bytes into the vault in one pass and constant memory; `confirm` as for `add_document`."""
    limit = archive.rules.upload_limit_bytes
    version_id = new_id(archive.clock.now())
    key = archive.vault.new_key(version_id)
    head = bytearray()
    tail = b""
    size = 0
    with (
        storage_translated(limit),
        archive.vault.writer(key, version_id, Purpose.CONTENT, size_limit_bytes=limit) as writer,
    ):
        while block := stream.read(_BLOCK_BYTES):
            if len(head) < _HEAD_BYTES:
                head += block[: _HEAD_BYTES - len(head)]
            tail = block[-_TAIL_BYTES:] if len(block) >= _TAIL_BYTES else (tail + block)[-_TAIL_BYTES:]
            size += len(block)
            writer.write(block)
        confirm(size)
        if size == 0:
            raise EmptyFileError
        kind = identify(bytes(head), tail=tail, name=name)
        blob = writer.commit()
    return Stored(version_id, key, blob, kind)


def find_twin(uow: UnitOfWork, engagement_id: str, sha256: bytes) -> str | None:
    """A document of the engagement with a version of exactly this content, if there is one that the actor may see:
    nobody learns by offering a file that it is there already, above their level."""
    twin = select(Version.document_id).where(Version.engagement_id == engagement_id, Version.sha256 == sha256)
    twin = twin.join(Document, Document.id == Version.document_id)
    twin = twin.where(Document.withdrawn_at.is_(None), uow.visible("document"))
    return uow.session.scalar(twin.order_by(Version.id).limit(1))


def require_level(uow: UnitOfWork, engagement_id: str, level: Level) -> None:
    """Refuses a level that the actor does not see in the engagement themselves. Raises: LevelAboveOwnError."""
    if level > min(Level.INTERNAL, uow.actor.highest_level) and level > highest_level_in(uow, engagement_id):
        raise LevelAboveOwnError


def file_version(
    uow: UnitOfWork,
    engagement_id: str,
    document_id: str | None,
    stored: Stored,
    entry: Entry,
    *,
    of_the_archive: bool = False,
) -> Filed:
    """The step that makes stored bytes a version: rows, work for the worker, the event last.

    `of_the_archive` is for what the archive makes itself about documents that whoever acts need not see: its level may
    be above theirs.
    """
    name = original_name(entry.name)
    if document_id is None:
        document_id, number = _new_document(uow, engagement_id, name, entry, of_the_archive=of_the_archive), 1
    else:
        number = _next_number(uow.session, document_id)
    uow.session.add(_version(uow, engagement_id, document_id, number, stored, entry))
    # Found by its name at once, by its words when they have been read.
    uow.enqueue("documents.index", stored.version_id)
    uow.enqueue("documents.read", stored.version_id)
    subjects = subjects_of(uow.session, engagement_id, document=document_id, version=stored.version_id)
    uow.record(
        DOCUMENT_FILED if number == 1 else VERSION_FILED,
        subjects,
        name=name,
        number=number,
        size_bytes=stored.blob.size_bytes,
        sha256=stored.blob.sha256.hex(),
        sm3=stored.blob.sm3.hex() if stored.blob.sm3 else None,
        source_path=entry.source_path,
        source_system=entry.source_system,
        originator=entry.originator,
        activity=entry.activity,
        level=entry.level.name.lower() if number == 1 else None,
    )
    return Filed(document_id, stored.version_id, stored)


def _check(uow: UnitOfWork, engagement_id: str, document_id: str | None) -> None:
    uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
    if document_id is not None:
        require_change(uow, document_id)
        if uow.session.get_one(Document, document_id).engagement_id != engagement_id:
            raise NotFoundError


def _new_document(uow: UnitOfWork, engagement_id: str, name: str, entry: Entry, *, of_the_archive: bool) -> str:
    if not of_the_archive:
        require_level(uow, engagement_id, entry.level)
    document_id = uow.new_id()
    title = one_line(entry.title, field=N_("Title"), limit=300, required=False) or name
    # At once, because the version refers to it.
    row = {
        "id": document_id,
        "engagement_id": engagement_id,
        "title": title,
        "level": entry.level,
        "number": one_line(entry.number, field=N_("Document number"), limit=100, required=False) or None,
        "dated_on": entry.dated_on,
        "remark": one_line(entry.remark, field=N_("Remark"), limit=1000, required=False) or None,
        "control": entry.control,
        "created_at": uow.now,
    }
    uow.session.execute(_INSERT_DOCUMENT, row)
    return document_id


def _next_number(session: Session, document_id: str) -> int:
    last = session.scalar(select(func.max(Version.number)).where(Version.document_id == document_id)) or 0
    session.execute(update(Version).where(Version.document_id == document_id).values(current=False))
    return last + 1


def _version(
    uow: UnitOfWork, engagement_id: str, document_id: str, number: int, stored: Stored, entry: Entry
) -> Version:
    blob = stored.blob
    return Version(
        id=stored.version_id,
        document_id=document_id,
        engagement_id=engagement_id,
        number=number,
        current=True,
        name=original_name(entry.name),
        source_path=entry.source_path,
        source_system=one_line(entry.source_system, field=N_("Source"), limit=100, required=False),
        originator=one_line(entry.originator, field=N_("Originator"), limit=200, required=False),
        activity=one_line(entry.activity, field=N_("Activity"), limit=200, required=False),
        modified_at=entry.modified_at,
        filed_at=uow.now,
        filed_by=uow.actor.name,
        kind=stored.kind.code,
        media_type=stored.kind.media_type,
        claimed_media_type=entry.claimed_media_type[:120],
        size_bytes=blob.size_bytes,
        sha256=blob.sha256,
        sm3=blob.sm3,
        content_blob_id=blob.blob_id,
        stored_size_bytes=blob.stored_size_bytes,
        stored_sha256=blob.stored_sha256,
        key_epoch=stored.key.epoch,
        wrapped_key=stored.key.wrapped,
        reading="waiting",
    )
