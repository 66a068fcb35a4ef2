"""Writing a blob in one pass: hash the plaintext, encrypt it, hash the ciphertext, store it."""

import hashlib
import mmap
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from storage.backend import TemporaryBlob
from storage.crypto import ChunkLayout, Digest, StreamEncryptor
from storage.envelope import StoredBlob
from storage.errors import SizeLimitExceeded

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Measured: 256 KiB spends its time in handing over, 4 MiB falls out of the cache.
BLOCK_BYTES = 1024 * 1024


def anonymous_buffer(size_bytes: int) -> memoryview:
    """Zeroed memory whose pages cost nothing until they are touched: small blobs use little of their buffers."""
    return memoryview(mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


class _Drain:
    """Hashes and stores ciphertext on a second thread while the caller encrypts the next block.

    One block is in flight at most, so memory is bounded and a failure surfaces at the next block. Blobs of a single
    block never start the thread.
    """

    def __init__(self, temporary: TemporaryBlob) -> None:
        self._temporary = temporary
        self._sha256 = hashlib.sha256()
        self._pool: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.size_bytes = 0

    def push(self, block: memoryview) -> None:
        """Begin to store `block`, which must not change until the next call returns."""
        self._wait()
        self._pool = self._pool or ThreadPoolExecutor(max_workers=1, thread_name_prefix="blob-drain")
        self._pending = self._pool.submit(self._store, block)

    def finish(self, block: memoryview) -> bytes:
        """Store the last block and return the SHA-256 of all of them."""
        self._wait()
        self._store(block)
        return self._sha256.digest()

    def close(self) -> None:
        """Wait for the thread to end; its outcome no longer matters."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _wait(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _store(self, block: memoryview) -> None:
        self._sha256.update(block)
        self._temporary.write(block)
        self.size_bytes += len(block)


class BlobWriter:
    """A blob in the making. Nothing is visible before `commit`; leaving the `with` block without it removes everything.

    After an error the writer is closed and nothing remains.
    """

    def __init__(
        self,
        temporary: TemporaryBlob,
        encryptor: StreamEncryptor,
        *,
        blob_id: str,
        layout: ChunkLayout,
        sm3: Digest | None,
        size_limit_bytes: int | None,
    ) -> None:
        self._temporary = temporary
        self._encryptor = encryptor
        self._blob_id = blob_id
        self._size_limit_bytes = size_limit_bytes
        self._sha256 = hashlib.sha256()
        self._sm3 = sm3
        self._size_bytes = 0
        self._drain = _Drain(temporary)
        self._layout = layout
        # Two buffers in turn: one is filled while the other is being stored.
        self._filling = anonymous_buffer(layout.output_bound(BLOCK_BYTES))
        self._storing = anonymous_buffer(layout.output_bound(BLOCK_BYTES))
        self._filled = 0
        self._open = True

    def write(self, data: "ReadableBuffer") -> None:
        """Append plaintext; `data` may be reused at once.

        Raises:
            SizeLimitExceeded, StorageFull, StorageUnavailable: nothing was stored.
        """
        view = memoryview(data).cast("B")
        self._require_open()
        try:
            for start in range(0, len(view), BLOCK_BYTES):
                self._encrypt(view[start : start + BLOCK_BYTES])
        except BaseException:
            self.abort()
            raise

    def commit(self) -> StoredBlob:
        """Make the blob durable and return its receipt.

        Raises:
            StorageFull, StorageUnavailable: nothing was stored.
        """
        self._require_open()
        try:
            return self._commit()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove what was written; nothing happens after a commit or a second time."""
        if self._open:
            self._open = False
            self._drain.close()
            self._temporary.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _encrypt(self, block: memoryview) -> None:
        self._size_bytes += len(block)
        if self._size_limit_bytes is not None and self._size_bytes > self._size_limit_bytes:
            raise SizeLimitExceeded(self._size_limit_bytes)
        self._sha256.update(block)
        if self._sm3 is not None:
            self._sm3.update(block)
        if self._filled + self._layout.output_bound(len(block)) > len(self._filling):
            self._hand_over()
        self._filled += self._encryptor.update_into(block, self._filling[self._filled :])

    def _hand_over(self) -> None:
        self._drain.push(self._filling[: self._filled])
        self._filling, self._storing = self._storing, self._filling
        self._filled = 0

    def _commit(self) -> StoredBlob:
        tail = self._encryptor.finalize()
        if self._filled + len(tail) > len(self._filling):
            self._hand_over()
        self._filling[self._filled : self._filled + len(tail)] = tail
        stored_sha256 = self._drain.finish(self._filling[: self._filled + len(tail)])
        self._temporary.commit()
        return StoredBlob(
            blob_id=self._blob_id,
            size_bytes=self._size_bytes,
            sha256=self._sha256.digest(),
            sm3=None if self._sm3 is None else self._sm3.digest(),
            stored_size_bytes=self._drain.size_bytes,
            stored_sha256=stored_sha256,
        )

    def _require_open(self) -> None:
        if not self._open:
            raise ValueError("this blob writer is closed")
