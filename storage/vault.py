"""The vault: every document's bytes, encrypted, under ids that say nothing about them."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import BinaryIO, Protocol, TypeVar

from storage.backend import BlobBackend
from storage.crypto import COBBLESTONE, KEY_BYTES, CryptoProvider
from storage.envelope import BlobEntry, Purpose, StoredBlob, blob_context, data_key_context, new_blob_id
from storage.errors import BlobCorrupt, KeyCorrupt, KeyMissing
from storage.keyring import KeyRing, WrappedKey
from storage.reader import BlobReader
from storage.writer import BLOCK_BYTES, BlobWriter, anonymous_buffer

_T = TypeVar("_T")


class Readable(Protocol):
    """A source of bytes; b"" is its end."""

    def read(self, size: int, /) -> bytes: ...


class Vault:
    """Stores, reads, checks and erases encrypted blobs of one archive.

    A document version (the "owner") has one data key, wrapped by the key ring and kept by the caller; its content, text
    and preview are bound to archive, owner and purpose, so none can stand in for another. Safe to share among threads;
    writers and readers are not.

    Raises:
        KeyMissing: the key ring belongs to another archive.
        AlgorithmUnavailable: SM3 is wanted and not available.
    """

    def __init__(
        self,
        backend: BlobBackend,
        keyring: KeyRing,
        *,
        archive_id: str,
        sm3: bool = False,
        provider: CryptoProvider = COBBLESTONE,
    ) -> None:
        if keyring.archive_id != archive_id:
            raise KeyMissing(f"the keys belong to archive {keyring.archive_id}, but this is archive {archive_id}")
        if sm3:
            provider.sm3()
        self.keyring = keyring
        self._backend = backend
        self._archive_id = archive_id
        self._sm3 = sm3
        self._provider = provider

    def new_key(self, owner_id: str) -> WrappedKey:
        """A fresh random data key for this owner, wrapped under the current epoch."""
        return self.keyring.wrap(os.urandom(KEY_BYTES), data_key_context(self._archive_id, owner_id))

    def rewrap(self, key: WrappedKey, owner_id: str) -> WrappedKey:
        """The same data key under the current epoch; blobs stay as they are.

        Raises:
            KeyMissing: the epoch of `key` was destroyed.
            KeyCorrupt: `key` is not this owner's.
        """
        context = data_key_context(self._archive_id, owner_id)
        return self.keyring.wrap(self.keyring.unwrap(key, context), context)

    def writer(
        self, key: WrappedKey, owner_id: str, purpose: Purpose, *, size_limit_bytes: int | None = None
    ) -> BlobWriter:
        """Begin a blob; use it as a context manager.

        Raises:
            KeyMissing, KeyCorrupt: the data key cannot be unwrapped.
            StorageFull, StorageUnavailable: the backend refuses.
        """
        data_key = self.keyring.unwrap(key, data_key_context(self._archive_id, owner_id))
        encryptor = self._provider.encryptor(data_key, blob_context(self._archive_id, owner_id, purpose))
        sm3 = self._provider.sm3() if self._sm3 else None
        blob_id = new_blob_id()
        return BlobWriter(
            self._backend.create(blob_id),
            encryptor,
            blob_id=blob_id,
            layout=self._provider.layout,
            sm3=sm3,
            size_limit_bytes=size_limit_bytes,
        )

    def put(
        self,
        stream: Readable,
        key: WrappedKey,
        owner_id: str,
        purpose: Purpose,
        *,
        size_limit_bytes: int | None = None,
    ) -> StoredBlob:
        """Store a whole stream in one pass and constant memory; durable when this returns.

        Raises:
            SizeLimitExceeded, StorageFull, StorageUnavailable, KeyMissing, KeyCorrupt: nothing was stored.
            Exception: whatever `stream` raises, unchanged; nothing was stored.
        """
        with self.writer(key, owner_id, purpose, size_limit_bytes=size_limit_bytes) as writer:
            for block in _blocks(stream):
                writer.write(block)
            return writer.commit()

    def open(
        self, blob_id: str, key: WrappedKey, owner_id: str, purpose: Purpose, *, verified: bool = False
    ) -> BlobReader:
        """Open a blob for random access; with `verified`, only after every chunk was authenticated once.

        Raises:
            BlobMissing: it is not stored, or it is in quarantine.
            BlobCorrupt: it was altered, or it is not this owner's blob of this purpose.
            KeyMissing: the master key of `key` is not in the ring.
            StorageUnavailable: the medium refused.
        """
        with ExitStack() as on_failure:
            stored = on_failure.enter_context(self._backend.open(blob_id))
            reader = BlobReader(
                stored,
                blob_id=blob_id,
                key=self._unwrap_for(blob_id, key, owner_id),
                context=blob_context(self._archive_id, owner_id, purpose),
                provider=self._provider,
            )
            if verified:
                reader.authenticate()
            on_failure.pop_all()
            return reader

    def verify(
        self, blob_id: str, key: WrappedKey, owner_id: str, purpose: Purpose, *, size_bytes: int, sha256: bytes
    ) -> None:
        """Read the whole blob and compare it with what was recorded at entry.

        Raises:
            BlobMissing, BlobCorrupt, KeyMissing, StorageUnavailable: saying what is wrong.
        """
        digest = hashlib.sha256()
        with self.open(blob_id, key, owner_id, purpose) as reader:
            if reader.size_bytes != size_bytes:
                raise BlobCorrupt(blob_id, f"it holds {reader.size_bytes} bytes, but {size_bytes} were recorded")
            for block in _blocks(reader):
                digest.update(block)
        if not compare_digest(digest.digest(), sha256):
            raise BlobCorrupt(blob_id, "its SHA-256 is not the recorded one")

    def erase(self, blob_id: str) -> None:
        """Remove a stored or quarantined blob, durably. Raises `BlobMissing`, `StorageUnavailable`."""
        self._backend.erase(blob_id)

    def blobs(self) -> Iterator[BlobEntry]:
        """Every stored blob, in order of id. Raises `StorageUnavailable`."""
        return self._backend.entries()

    def quarantine(self, blob_id: str) -> None:
        """Set aside a blob that nothing refers to. Raises `BlobMissing`, `StorageUnavailable`."""
        self._backend.quarantine(blob_id)

    def quarantined(self) -> Iterator[BlobEntry]:
        """Every blob set aside; `modified_at` is the moment that happened. Raises `StorageUnavailable`."""
        return self._backend.quarantined()

    def release(self, blob_id: str) -> None:
        """Put a quarantined blob back. Raises `BlobMissing`, `StorageUnavailable`."""
        self._backend.release(blob_id)

    def sweep_temporary(self, older_than: timedelta) -> int:
        """Remove what killed writers left, by the age of the last write; how many. Raises `StorageUnavailable`."""
        return self._backend.sweep_temporary(datetime.now(UTC) - older_than)

    def open_stored(self, blob_id: str) -> BinaryIO:
        """The ciphertext, for a backup. Raises `BlobMissing`, `StorageUnavailable`."""
        return self._backend.open(blob_id)

    def put_stored(self, blob_id: str, stream: Readable, *, stored_sha256: bytes) -> None:
        """Restore a ciphertext under its id, atomically, replacing what stands there.

        Raises:
            BlobCorrupt: the stream is not the recorded ciphertext; nothing was changed.
            StorageFull, StorageUnavailable: nothing was stored.
        """
        digest = hashlib.sha256()
        temporary = self._backend.create(blob_id)
        try:
            for block in _blocks(stream):
                digest.update(block)
                temporary.write(block)
            if not compare_digest(digest.digest(), stored_sha256):
                raise BlobCorrupt(blob_id, "the SHA-256 of the backup's ciphertext is not the recorded one")
            temporary.commit()
        finally:
            temporary.abort()

    def _unwrap_for(self, blob_id: str, key: WrappedKey, owner_id: str) -> bytes:
        try:
            return self.keyring.unwrap(key, data_key_context(self._archive_id, owner_id))
        except KeyCorrupt as error:
            raise BlobCorrupt(blob_id, str(error)) from error


def _blocks(stream: Readable) -> Iterator[memoryview]:
    """Read in blocks, into one reused buffer where the stream can: it must not be kept beyond the next step."""
    if not hasattr(stream, "readinto"):
        while block := _ready(stream.read(BLOCK_BYTES)):
            yield memoryview(block)
        return
    buffer = anonymous_buffer(BLOCK_BYTES)
    while count := _ready(stream.readinto(buffer)):
        yield buffer[:count]


def _ready(answer: _T | None) -> _T:
    """Refuse the None of a non-blocking stream that has nothing yet: taken for the end, it would cut the document."""
    if answer is None:
        raise BlockingIOError(errno.EAGAIN, "the stream is in non-blocking mode")
    return answer
