"""Reading a blob at random, never releasing a byte that was not authenticated."""

import io
from typing import TYPE_CHECKING, BinaryIO

from storage.crypto import CryptoProvider, NotAuthentic
from storage.errors import BlobCorrupt, translating_os_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class BlobReader(io.RawIOBase):
    """The plaintext of one blob: seekable, readable, for one thread.

    Opening authenticates the header and the final chunk, which proves the length (C2SP chunked-encryption,
    "Implementation notes"); every other chunk is authenticated before any byte of it is given out.

    Raises:
        BlobCorrupt: on opening or reading, a check failed.
        StorageUnavailable: the medium refused.
    """

    def __init__(self, stored: BinaryIO, *, blob_id: str, key: bytes, context: bytes, provider: CryptoProvider) -> None:
        super().__init__()
        self._stored = stored
        self._blob_id = blob_id
        self._layout = provider.layout
        self._sealed = memoryview(bytearray(self._layout.sealed_bytes))
        self._plain = memoryview(bytearray(self._layout.chunk_bytes))
        self._cached_index: int | None = None
        self._position = 0
        with translating_os_errors("reading a blob"):
            stored_size_bytes = stored.seek(0, io.SEEK_END)
            stored.seek(0)
            header = stored.read(self._layout.header_bytes)
        try:
            self._size_bytes = self._layout.plain_size(stored_size_bytes)
            self._opener = provider.opener(key, context, header)
        except NotAuthentic as error:
            raise BlobCorrupt(blob_id, str(error)) from error
        self._load(self._size_bytes // self._layout.chunk_bytes)

    @property
    def size_bytes(self) -> int:
        """Length of the plaintext; authenticated."""
        return self._size_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._require_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._require_open()
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}
        if whence not in origins or origins[whence] + offset < 0:
            raise ValueError(f"cannot seek to {offset} from {whence}")
        self._position = origins[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill `buffer` as far as the blob reaches; 0 means the end."""
        self._require_open()
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and self._position < self._size_bytes:
            index, start = divmod(self._position, self._layout.chunk_bytes)
            plain = self._load(index)[start : start + len(target) - filled]
            target[filled : filled + len(plain)] = plain
            filled += len(plain)
            self._position += len(plain)
        return filled

    def authenticate(self) -> None:
        """Check every chunk and go back to where the reader was. Raises `BlobCorrupt`, `StorageUnavailable`."""
        for index in range(self._size_bytes // self._layout.chunk_bytes + 1):
            self._load(index)

    def close(self) -> None:
        if not self.closed:
            self._stored.close()
        super().close()

    def _load(self, index: int) -> memoryview:
        plain = self._plain[: min(self._layout.chunk_bytes, self._size_bytes - index * self._layout.chunk_bytes)]
        if index != self._cached_index:
            self._cached_index = None
            self._decrypt(index, plain)
            self._cached_index = index
        return plain

    def _decrypt(self, index: int, plain: memoryview) -> None:
        sealed = self._sealed[: len(plain) + self._layout.tag_bytes]
        with translating_os_errors("reading a blob"):
            self._stored.seek(self._layout.offset(index))
            self._read_fully(sealed)
        try:
            self._opener.open_into(index, sealed, plain)
        except NotAuthentic as error:
            raise BlobCorrupt(self._blob_id, str(error)) from error

    def _read_fully(self, sealed: memoryview) -> None:
        filled = 0
        while filled < len(sealed):
            block = self._stored.read(len(sealed) - filled)
            if not block:
                raise BlobCorrupt(self._blob_id, "the stored file became shorter while it was being read")
            sealed[filled : filled + len(block)] = block
            filled += len(block)

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on a closed blob")
