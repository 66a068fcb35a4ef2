"""Bytes in the vault that are not yet a document: duplicates that wait, files of the inbox, parts of an upload.

They stand in one table, whoever holds them, so that rotation, backup, integrity check and the search for orphans look
in one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive_app.documents.ingest import Stored
from archive_app.documents.models import HeldContent
from archive_app.kernel.errors import ConflictError
from archive_app.kernel.unit_of_work import UnitOfWork
from search.reading import KINDS, Kind
from storage import StoredBlob, WrappedKey


@dataclass(frozen=True)
class HeldBlob:
    """The bytes as they stand in the vault; the version they may become owns them."""

    id: str
    name: str
    version_id: str
    key: WrappedKey
    blob_id: str
    size_bytes: int
    sha256: bytes
    stored_size_bytes: int
    stored_sha256: bytes


def hold(uow: UnitOfWork, stored: Stored, name: str = "") -> str:
    """The step that keeps stored bytes until somebody takes or releases them; `name` is for people. Returns the id."""
    blob = stored.blob
    held = HeldContent(
        id=uow.new_id(),
        version_id=stored.version_id,
        key_epoch=stored.key.epoch,
        wrapped_key=stored.key.wrapped,
        blob_id=blob.blob_id,
        size_bytes=blob.size_bytes,
        sha256=blob.sha256,
        sm3=blob.sm3,
        stored_size_bytes=blob.stored_size_bytes,
        stored_sha256=blob.stored_sha256,
        kind=stored.kind.code,
        media_type=stored.kind.media_type,
        name=name,
        created_at=uow.now,
    )
    uow.session.add(held)
    # At once: whoever holds the bytes refers to this row.
    uow.session.flush()
    return held.id


def look(session: Session, held_id: str) -> Stored:
    """The held bytes, which stay held. Raises: ConflictError when somebody took or released them."""
    held = session.get(HeldContent, held_id)
    if held is None:
        raise ConflictError
    return _stored(held)


def take(uow: UnitOfWork, held_id: str) -> Stored:
    """The step that hands held bytes over: they are no longer held, and the caller makes them a version in the same
    unit of work. Nothing may refer to them any more when this is called.

    Raises: ConflictError when somebody else took or released them.
    """
    uow.session.flush()
    # Read again under the lock: a rotation may have wrapped the key anew a moment ago.
    held = uow.session.get(HeldContent, held_id, with_for_update=True, populate_existing=True)
    if held is None:
        raise ConflictError
    stored = _stored(held)
    uow.session.delete(held)
    uow.session.flush()
    return stored


def release(uow: UnitOfWork, held_id: str) -> None:
    """The step that lets held bytes go: they become an orphan blob, which is set aside, not destroyed."""
    uow.session.flush()
    uow.session.execute(delete(HeldContent).where(HeldContent.id == held_id))


def held_blobs(session: Session) -> Iterator[HeldBlob]:
    """Everything that is held, in the order it came."""
    everything = select(HeldContent).order_by(HeldContent.id).execution_options(yield_per=500)
    for held in session.scalars(everything):
        yield HeldBlob(
            id=held.id,
            name=held.name,
            version_id=held.version_id,
            key=WrappedKey(held.key_epoch, held.wrapped_key),
            blob_id=held.blob_id,
            size_bytes=held.size_bytes,
            sha256=held.sha256,
            stored_size_bytes=held.stored_size_bytes,
            stored_sha256=held.stored_sha256,
        )


def _stored(held: HeldContent) -> Stored:
    blob = StoredBlob(
        blob_id=held.blob_id,
        size_bytes=held.size_bytes,
        sha256=held.sha256,
        sm3=held.sm3,
        stored_size_bytes=held.stored_size_bytes,
        stored_sha256=held.stored_sha256,
    )
    kind = KINDS.get(held.kind) or Kind(held.kind, held.media_type)
    return Stored(held.version_id, WrappedKey(held.key_epoch, held.wrapped_key), blob, kind)
