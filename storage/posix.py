"""Blobs in a local directory.

    root/blobs/ab/cd/abcd…   committed blobs: 0123…  --2 levels-->  blobs/01/23/0123…
    root/tmp/                blobs being written; they survive a killed process until they are swept
    root/quarantine/         blobs that nothing refers to, set aside

All three must lie on one file system, because a commit is a rename.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from storage.backend import TemporaryBlob, require_blob_id
from storage.directory import sync_directory, write_all
from storage.envelope import BlobEntry, is_blob_id
from storage.errors import BlobMissing, translating_os_errors

# Readers ask for single chunks of 16 KiB; four of them in one system call measure faster than one by one.
_READ_AHEAD_BYTES = 64 * 1024
_SHARD = re.compile(r"[0-9a-f]{2}")


class _PosixTemporary:
    def __init__(self, backend: "PosixBackend", blob_id: str, path: Path) -> None:
        self._backend = backend
        self._blob_id = blob_id
        self._path = path
        self._committed = False
        with translating_os_errors("creating a temporary blob"):
            self._descriptor: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, data: memoryview) -> None:
        if self._descriptor is None:
            raise ValueError("this temporary blob is closed")
        with translating_os_errors("writing a blob"):
            write_all(self._descriptor, data)

    def commit(self) -> None:
        if self._descriptor is None:
            raise ValueError("this temporary blob is closed")
        try:
            with translating_os_errors("committing a blob"):
                os.fsync(self._descriptor)
                self._close()
                self._backend.publish(self._path, self._blob_id)
                self._committed = True
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        if self._committed:
            return
        # A temporary that cannot be removed now is removed by the sweep; the first error is the one to be told.
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class PosixBackend:
    """Blobs below a local directory, durable when `commit` returns: file, name and new directories are synced.

    Raises:
        StorageFull, StorageUnavailable: the directories cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._temporaries = root / "tmp"
        self._quarantine = root / "quarantine"
        self._durable_directories: set[Path] = set()
        with translating_os_errors("preparing the blob directory"):
            for directory in (self._blobs, self._temporaries, self._quarantine):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(root)
            sync_directory(root.parent)

    def create(self, blob_id: str) -> TemporaryBlob:
        # The random part lets two processes restore the same blob at once.
        name = f"{require_blob_id(blob_id)}.{secrets.token_hex(4)}"
        return _PosixTemporary(self, blob_id, self._temporaries / name)

    def publish(self, temporary: Path, blob_id: str) -> None:
        """Give a synced temporary its name; on failure nothing stands under that name. Raises `OSError`."""
        target = self._path(blob_id)
        self._prepare_shard(target.parent)
        temporary.rename(target)
        try:
            sync_directory(target.parent)
        except OSError:
            # The caller will be told that nothing was stored, so nothing may stay.
            with suppress(OSError):
                target.unlink()
            raise

    def open(self, blob_id: str) -> BinaryIO:
        path = self._path(blob_id)
        with translating_os_errors("opening a blob"):
            try:
                return path.open("rb", buffering=_READ_AHEAD_BYTES)
            except FileNotFoundError:
                raise BlobMissing(blob_id) from None

    def erase(self, blob_id: str) -> None:
        paths = [self._path(blob_id), self._quarantine / blob_id]
        with translating_os_errors("erasing a blob"):
            found = [path for path in paths if path.exists()]
            if not found:
                raise BlobMissing(blob_id)
            for path in found:
                path.unlink(missing_ok=True)
                sync_directory(path.parent)

    def entries(self) -> Iterator[BlobEntry]:
        for first in _shards(self._blobs):
            for second in _shards(self._blobs / first):
                yield from _entries(self._blobs / first / second)

    def quarantine(self, blob_id: str) -> None:
        source = self._path(blob_id)
        with translating_os_errors("quarantining a blob"):
            try:
                # Stamped before it is moved: a crash in between makes it look younger, and so kept longer, never older.
                os.utime(source)
                _move(source, self._quarantine / blob_id)
            except FileNotFoundError:
                raise BlobMissing(blob_id) from None

    def quarantined(self) -> Iterator[BlobEntry]:
        return _entries(self._quarantine)

    def release(self, blob_id: str) -> None:
        target = self._path(blob_id)
        with translating_os_errors("releasing a blob"):
            self._prepare_shard(target.parent)
            try:
                _move(self._quarantine / blob_id, target)
            except FileNotFoundError:
                raise BlobMissing(blob_id, "it is not in quarantine") from None

    def sweep_temporary(self, before: datetime) -> int:
        swept = 0
        with translating_os_errors("sweeping temporary blobs"):
            for name in _names(self._temporaries):
                path = self._temporaries / name
                # A writer may finish, or another sweep may run, between listing and removal.
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before.timestamp():
                        path.unlink()
                        swept += 1
        return swept

    def _path(self, blob_id: str) -> Path:
        return self._blobs / require_blob_id(blob_id)[:2] / blob_id[2:4] / blob_id

    def _prepare_shard(self, shard: Path) -> None:
        # A directory found existing may have been made by another process that has not synced it yet, so every
        # process syncs each name above a shard once; syncing them at each commit would halve the rate of commits.
        for directory in (shard.parent, shard):
            if directory not in self._durable_directories:
                directory.mkdir(mode=0o700, exist_ok=True)
                sync_directory(directory.parent)
                self._durable_directories.add(directory)


def _move(source: Path, target: Path) -> None:
    source.rename(target)
    sync_directory(target.parent)
    sync_directory(source.parent)


def _names(directory: Path) -> list[str]:
    with translating_os_errors("listing blobs"):
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are what is wanted, not a path object for each


def _shards(directory: Path) -> list[str]:
    return [name for name in _names(directory) if _SHARD.fullmatch(name)]


def _entries(directory: Path) -> Iterator[BlobEntry]:
    for blob_id in filter(is_blob_id, _names(directory)):
        with translating_os_errors("listing blobs"):
            try:
                status = (directory / blob_id).stat()
            except FileNotFoundError:
                continue  # It was erased or set aside while the list was being read.
        yield BlobEntry(blob_id, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
