"""What a place for ciphertext must be able to do, and the one in memory. It never sees a key."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from storage.envelope import BlobEntry, is_blob_id
from storage.errors import BlobMissing, StorageUnavailable


class TemporaryBlob(Protocol):
    """A blob that is being written: invisible until `commit` returns."""

    def write(self, data: memoryview) -> None:
        """Append all of `data`. Raises `StorageFull`, `StorageUnavailable`."""

    def commit(self) -> None:
        """Make the blob durable and visible at once, replacing one of the same id; or leave nothing and raise."""

    def abort(self) -> None:
        """Remove what was written; nothing happens after a commit or a second time."""


class BlobBackend(Protocol):
    """Keeps ciphertext under blob ids: written once, read at random, set aside, erased."""

    def create(self, blob_id: str) -> TemporaryBlob:
        """Begin a blob. Raises `StorageFull`, `StorageUnavailable`."""

    def open(self, blob_id: str) -> BinaryIO:
        """The seekable ciphertext. Raises `BlobMissing` (also for a quarantined blob), `StorageUnavailable`."""

    def erase(self, blob_id: str) -> None:
        """Remove a stored or quarantined blob, durably. Raises `BlobMissing`, `StorageUnavailable`."""

    def entries(self) -> Iterator[BlobEntry]:
        """Every stored blob in order of id, without temporaries and quarantine."""

    def quarantine(self, blob_id: str) -> None:
        """Set a stored blob aside; it is no longer found. Raises `BlobMissing`, `StorageUnavailable`."""

    def quarantined(self) -> Iterator[BlobEntry]:
        """Every blob set aside, with the moment that happened."""

    def release(self, blob_id: str) -> None:
        """Put a quarantined blob back. Raises `BlobMissing`, `StorageUnavailable`."""

    def sweep_temporary(self, before: datetime) -> int:
        """Remove temporaries last written before this moment; how many there were."""


def require_blob_id(blob_id: str) -> str:
    """Return a well-formed id. Raises `BlobMissing`: no blob can have another, and it must not become a path."""
    if not is_blob_id(blob_id):
        raise BlobMissing(repr(blob_id), "this is not a blob id")
    return blob_id


class _MemoryTemporary:
    def __init__(self, backend: "MemoryBackend", blob_id: str) -> None:
        self._backend = backend
        self._blob_id = blob_id
        self._data = bytearray()

    def write(self, data: memoryview) -> None:
        if self not in self._backend.temporaries:
            raise StorageUnavailable("writing a blob: its temporary was removed")
        self._data += data
        self._backend.temporaries[self] = datetime.now(UTC)

    def commit(self) -> None:
        if self._backend.temporaries.pop(self, None) is None:
            raise StorageUnavailable("committing a blob: its temporary was removed")
        self._backend.stored[self._blob_id] = (bytes(self._data), datetime.now(UTC))

    def abort(self) -> None:
        self._backend.temporaries.pop(self, None)


class MemoryBackend:
    """Blobs in memory, for tests and trials: the same promises as on disk, except that nothing survives the process."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[bytes, datetime]] = {}
        self.set_aside: dict[str, tuple[bytes, datetime]] = {}
        self.temporaries: dict[_MemoryTemporary, datetime] = {}

    def create(self, blob_id: str) -> TemporaryBlob:
        temporary = _MemoryTemporary(self, require_blob_id(blob_id))
        self.temporaries[temporary] = datetime.now(UTC)
        return temporary

    def open(self, blob_id: str) -> BinaryIO:
        return io.BytesIO(self._find(self.stored, blob_id)[0])

    def erase(self, blob_id: str) -> None:
        place = self.set_aside if blob_id in self.set_aside else self.stored
        self._find(place, blob_id)
        self.stored.pop(blob_id, None)
        self.set_aside.pop(blob_id, None)

    def entries(self) -> Iterator[BlobEntry]:
        return self._list(self.stored)

    def quarantine(self, blob_id: str) -> None:
        self.set_aside[blob_id] = (self._find(self.stored, blob_id)[0], datetime.now(UTC))
        del self.stored[blob_id]

    def quarantined(self) -> Iterator[BlobEntry]:
        return self._list(self.set_aside)

    def release(self, blob_id: str) -> None:
        self.stored[blob_id] = self._find(self.set_aside, blob_id)
        del self.set_aside[blob_id]

    def sweep_temporary(self, before: datetime) -> int:
        old = [temporary for temporary, written_at in self.temporaries.items() if written_at < before]
        for temporary in old:
            temporary.abort()
        return len(old)

    @staticmethod
    def _find(place: dict[str, tuple[bytes, datetime]], blob_id: str) -> tuple[bytes, datetime]:
        try:
            return place[require_blob_id(blob_id)]
        except KeyError:
            raise BlobMissing(blob_id) from None

    @staticmethod
    def _list(place: dict[str, tuple[bytes, datetime]]) -> Iterator[BlobEntry]:
        return iter([BlobEntry(blob_id, len(data), at) for blob_id, (data, at) in sorted(place.items())])
