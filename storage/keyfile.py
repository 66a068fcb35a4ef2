"""The key ring in a file: small, private, replaced atomically, and followed by every process that holds it open."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from storage.crypto import COBBLESTONE, CryptoProvider
from storage.directory import sync_directory, write_all
from storage.errors import KeyFileError, KeyFileProblem, translating_os_errors
from storage.keyformat import Argon2Cost, dump_export, dump_key_file, load_export, load_key_file
from storage.keyring import KeyMaterial, MaterialKeyRing

_PRIVATE_MODE = 0o600
_OTHERS = 0o077

_Version = tuple[int, int, int, int]


class FileKeyRing(MaterialKeyRing):
    """Master keys and secrets in a file that only its owner can read.

    Made by `create`, `open` or `import_`. A change by another process is seen at the next use; while the file is
    absent or refused, nothing is wrapped or unwrapped, because a key that is not on disk is lost with the process.
    """

    def __init__(self, path: Path, material: KeyMaterial, version: _Version, provider: CryptoProvider) -> None:
        super().__init__(material, provider)
        self._path = path
        self._version = version

    @classmethod
    def create(cls, path: Path, archive_id: str, *, provider: CryptoProvider = COBBLESTONE) -> Self:
        """Make fresh keys for a new archive; the directory is made with mode 0700 where it is missing.

        Raises:
            KeyFileError: exists: a key file is never overwritten.
            StorageFull, StorageUnavailable: nothing was written.
        """
        return cls._create(path, KeyMaterial.generate(archive_id), provider)

    @classmethod
    def open(cls, path: Path, *, provider: CryptoProvider = COBBLESTONE) -> Self:
        """Read an existing key file.

        Raises:
            KeyFileError: unreadable, permissions (readable by group or others) or format.
        """
        return cls(path, *_read(path), provider)

    @classmethod
    def import_(cls, export: bytes, passphrase: str, path: Path, *, provider: CryptoProvider = COBBLESTONE) -> Self:
        """Make a key file out of an export.

        Raises:
            KeyFileError: format, passphrase, or exists.
            StorageFull, StorageUnavailable: nothing was written.
        """
        return cls._create(path, load_export(export, passphrase, provider), provider)

    def export(self, passphrase: str, *, cost: Argon2Cost | None = None) -> bytes:
        """All keys as text under a passphrase, for the safe. An epoch destroyed later stays in it.

        Raises:
            ValueError: the passphrase is empty.
        """
        return dump_export(self._current(), passphrase, cost or Argon2Cost(), self._provider)

    @classmethod
    def _create(cls, path: Path, material: KeyMaterial, provider: CryptoProvider) -> Self:
        with translating_os_errors("creating the key file"):
            if not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True)
                sync_directory(path.parent.parent)
            with _locked(path.parent):
                if os.path.lexists(path):
                    raise KeyFileError(KeyFileProblem.EXISTS, f"{path} exists; a key file is never overwritten")
                try:
                    version = _replace(path, dump_key_file(material))
                except OSError:
                    # A file whose name may not survive must not be taken for the keys of the archive.
                    with suppress(OSError):
                        path.unlink(missing_ok=True)
                    raise
                return cls(path, material, version, provider)

    def _current(self) -> KeyMaterial:
        try:
            unchanged = _version(self._path.stat()) == self._version
        except OSError as error:
            raise _unreadable(self._path, error) from error
        return self._material if unchanged else self._reload()

    def _reload(self) -> KeyMaterial:
        material, version = _read(self._path)
        if material.archive_id != self._material.archive_id:
            detail = f"{self._path} now belongs to archive {material.archive_id}, no longer {self._material.archive_id}"
            raise KeyFileError(KeyFileProblem.FORMAT, detail)
        self._material, self._version = material, version
        return material

    def _change(self, change: Callable[[KeyMaterial], KeyMaterial]) -> KeyMaterial:
        with translating_os_errors("changing the key file"), _locked(self._path.resolve().parent):
            material = change(self._reload())
            self._version = _replace(self._path.resolve(), dump_key_file(material))
            self._material = material
            return material


def _read(path: Path) -> tuple[KeyMaterial, _Version]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    if status.st_mode & _OTHERS:
        detail = f"{path} has mode {status.st_mode & 0o777:04o}; it must be readable by its owner only (chmod 600)"
        raise KeyFileError(KeyFileProblem.PERMISSIONS, detail)
    return load_key_file(text), _version(status)


def _replace(path: Path, text: bytes) -> _Version:
    """Write a temporary beside the file and rename it into place, so the file is always whole. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    try:
        try:
            write_all(descriptor, memoryview(text))
            os.fsync(descriptor)
            version = _version(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return version


def _version(status: os.stat_result) -> _Version:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _unreadable(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(KeyFileProblem.UNREADABLE, f"{path} cannot be read: {error.strerror or error}")


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One writer at a time, among threads and processes: the lock is on the directory, because the file is replaced."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
