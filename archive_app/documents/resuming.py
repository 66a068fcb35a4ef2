"""Large files over bad lines: sent in parts, so that a broken line costs one part and not the file.

Each part is encrypted and durable before it is acknowledged. When the last one is there, the file is put together in
one streaming pass that encrypts it anew and digests the whole, and filed like any other; then its parts are erased.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.errors import TooLargeError, storage_translated
from archive_app.documents.ingest import Entry, Stream, add_document, store
from archive_app.documents.models import HeldContent, Upload
from archive_app.documents.upload_parts import drop_parts, keep_part, parts_of
from archive_app.documents.uploads import OPEN_STATES, entry_of, finish, open_line, own_line, refuse
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from storage import BlobReader, Purpose, StorageError, WrappedKey

PART_BYTES = 8 * 2**20
"""The most that one part may hold; only the last one may hold less than what the sender chose."""
PARTS_KEPT = timedelta(days=7)
_BLOCK_BYTES = 1024 * 1024
log = logging.getLogger("lantai.uploads")


class DigestMismatchError(ArchiveError):
    code = "digest_mismatch"
    message = N_(
        "What arrived is not what was sent: the digests differ. Nothing was filed and the parts were let go; send the "
        "file again from its start."
    )


@staged_use_case(Permission.DOCUMENTS_ADD)
def receive_part(
    actor: Actor,
    archive: Archive,
    *,
    upload_id: str,
    start: int,
    stream: Stream,
    expected_bytes: int | None,
    claimed_media_type: str = "",
    expected_sha256: bytes | None = None,
) -> Upload:
    """Takes the bytes of an announced file from `start` on; files it when they complete it.

    What came before is not taken again: the answer says how much is there. A part that breaks off leaves nothing.
    `expected_sha256` is that of the whole file, for senders that know it.
    Raises: NotFoundError, ConflictError for a line that is not open or a part that leaves a gap, InvalidInputError for
    one that is too large, TransferInterruptedError, DigestMismatchError, ArchiveError as `add_document` raises.
    """
    upload = open_line(actor, archive, upload_id)

    def own(uow: UnitOfWork) -> Upload:
        return own_line(uow, upload_id)

    def file(stream: Stream, entry: Entry, confirm: Callable[[int], None]) -> None:
        add_document(
            actor,
            engagement_id=upload.engagement_id,
            document_id=upload.document_id,
            stream=stream,
            entry=entry,
            confirm=confirm,
            finish=lambda uow, filed: finish(uow, upload_id, filed),
        )

    part = Part(start, stream, expected_bytes, claimed_media_type, expected_sha256)
    return take_part(Sender(actor, archive, own, file), upload, part)


@dataclass(frozen=True)
class Sender:
    """Who sends an announced file in parts, and by what right: `own` gives the line locked, or refuses whoever it is
    not; `file` takes the whole as a stream, files it and ends the line in the same transaction."""

    actor: Actor
    archive: Archive
    own: Callable[[UnitOfWork], Upload]
    file: Callable[[Stream, Entry, Callable[[int], None]], None]


@dataclass(frozen=True)
class Part:
    """A stretch of a file as it comes; see `receive_part`."""

    start: int
    stream: Stream
    expected_bytes: int | None
    claimed_media_type: str = ""
    expected_sha256: bytes | None = None


def take_part(sender: Sender, upload: Upload, part: Part) -> Upload:
    """Takes a part of a file whose line was found open, and files it when it is complete. The caller has checked who
    sends; everything else, and what it raises, is as in `receive_part`."""
    archive, start, stream = sender.archive, part.start, part.stream
    limit = archive.rules.upload_limit_bytes
    if upload.size_bytes > limit:
        # Told before the first part: the parts of what can never be filed would only fill the disk.
        too_large = TooLargeError(limit_gib=f"{limit / 2**30:.1f}")
        refuse(sender.actor, archive, upload.id, too_large)
        raise too_large
    if start < upload.received_bytes:
        _skip(stream)
        return upload
    length = part.expected_bytes or 0
    if start > upload.received_bytes:
        raise ConflictError
    if length > PART_BYTES or start + length > upload.size_bytes:
        raise InvalidInputError(field=N_("Files"), reason=N_("This part is larger than was announced."))
    if length:
        upload = _keep(sender, upload, stream, length)
    if upload.received_bytes < upload.size_bytes:
        return upload
    return _complete(sender, upload, part)


def forget_parts(workshop: Workshop, _job: Job) -> None:
    """Lets the parts of files go that nobody went on sending for a week."""
    archive = workshop.archive
    with archive.transaction(Actor.system("uploads"), eventless=True) as uow:
        stale = select(Upload).where(
            Upload.received_bytes > 0, Upload.state.in_(OPEN_STATES), Upload.changed_at < uow.now - PARTS_KEPT
        )
        drop_parts(uow, uow.session.scalars(stale.with_for_update()).all())


def _keep(sender: Sender, upload: Upload, stream: Stream, length: int) -> Upload:
    def confirm(size: int) -> None:
        if size != length:
            raise TransferInterruptedError(received=size, expected=length)

    try:
        stored = store(sender.archive, stream, upload.name, confirm)
    except OSError as error:
        # The line is not refused: what came before is kept, and the sender goes on from there.
        raise TransferInterruptedError(received="?", expected=length) from error
    with sender.archive.transaction(sender.actor) as uow:
        line = sender.own(uow)
        if line.state not in OPEN_STATES or line.received_bytes != upload.received_bytes:
            # Another attempt was faster; these bytes become an orphan.
            raise ConflictError
        keep_part(uow, line, stored)
        line.state, line.reason, line.changed_at = "waiting", None, uow.now
        uow.bookkeeping()
    return line


def _complete(sender: Sender, upload: Upload, part: Part) -> Upload:
    actor, archive = sender.actor, sender.archive
    with archive.reading(actor) as uow:
        parts = parts_of(uow, upload.id)
    whole = _Joined(archive, parts)

    def confirm(size: int) -> None:
        if size != upload.size_bytes:
            raise TransferInterruptedError(received=size, expected=upload.size_bytes)
        if part.expected_sha256 is not None and whole.sha256 != part.expected_sha256:
            raise DigestMismatchError

    try:
        sender.file(whole, entry_of(upload, part.claimed_media_type), confirm)
    except DigestMismatchError as error:
        _drop(sender)
        refuse(actor, archive, upload.id, error)
        raise
    except ArchiveError as error:
        refuse(actor, archive, upload.id, error)
        raise
    finally:
        whole.close()
    _erase(archive, parts)
    with archive.reading(actor) as uow:
        return uow.session.get_one(Upload, upload.id)


def _drop(sender: Sender) -> None:
    with sender.archive.transaction(sender.actor, eventless=True) as uow:
        drop_parts(uow, [sender.own(uow)])


def _erase(archive: Archive, parts: Sequence[HeldContent]) -> None:
    """The whole is filed, so its parts are only copies; one that stays is an orphan, which is set aside later."""
    for part in parts:
        try:
            archive.vault.erase(part.blob_id)
        except StorageError:
            log.warning("a part of a filed upload stays as an orphan", exc_info=True)


def _skip(stream: Stream) -> None:
    # Read all the same: a sender whose body is not taken sees a broken line instead of the answer.
    while stream.read(_BLOCK_BYTES):
        pass


class _Joined:
    """The parts of a file as one stream; each authenticates itself as it is read."""

    def __init__(self, archive: Archive, parts: Sequence[HeldContent]) -> None:
        self._archive = archive
        self._left = list(parts)
        self._open: BlobReader | None = None
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        """Of everything that was read so far."""
        return self._digest.digest()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, of one part at a time; none at the end of the last."""
        while self._open is not None or self._left:
            if self._open is None:
                part = self._left.pop(0)
                key = WrappedKey(part.key_epoch, part.wrapped_key)
                with storage_translated():
                    self._open = self._archive.vault.open(part.blob_id, key, part.version_id, Purpose.CONTENT)
            with storage_translated():
                block = self._open.read(size)
            if block:
                self._digest.update(block)
                return block
            self.close()
        return b""

    def close(self) -> None:
        """Lets go of the part that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None
