"""What can go wrong in storage, said so that the caller can decide what to do next.

`StorageError` is the root. Nothing of `OSError` or of the cryptographic library leaves this package.
"""

# The names say what happened to which thing; with the suffix `Error` they would only be longer.
# ruff: noqa: N818

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class StorageError(Exception):
    """The root of all errors of this package."""


class BlobMissing(StorageError):
    """No blob of this id is stored."""

    def __init__(self, blob_id: str, detail: str = "no such blob is stored") -> None:
        super().__init__(f"blob {blob_id}: {detail}")
        self.blob_id = blob_id


class BlobCorrupt(StorageError):
    """The stored bytes are not what was filed, or not under this key, owner and purpose.

    Authenticated encryption cannot tell these cases apart. `detail` says which check failed.
    """

    def __init__(self, blob_id: str, detail: str) -> None:
        super().__init__(f"blob {blob_id}: {detail}")
        self.blob_id = blob_id
        self.detail = detail


class KeyCorrupt(StorageError):
    """A wrapped data key does not open under its epoch's master key for this archive and owner."""


class KeyMissing(StorageError):
    """A master key or a named secret is not in the key ring. A new one must never be made in its place."""


class KeyFileProblem(StrEnum):
    """Why a key file or a key export was refused."""

    UNREADABLE = "unreadable"
    PERMISSIONS = "permissions"
    FORMAT = "format"
    EXISTS = "exists"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a problem


class KeyFileError(StorageError):
    """A key file or a key export was refused; `problem` says in which way."""

    def __init__(self, problem: KeyFileProblem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class AlgorithmUnavailable(StorageError):
    """A configured algorithm is not provided by the cryptographic libraries of this machine."""


class SizeLimitExceeded(StorageError):
    """More bytes were written than the caller allowed; nothing was stored."""

    def __init__(self, size_limit_bytes: int) -> None:
        super().__init__(f"the content is larger than the limit of {size_limit_bytes} bytes")
        self.size_limit_bytes = size_limit_bytes


class StorageUnavailable(StorageError):
    """The operating system refused (EIO, EROFS, EACCES …); the cause is the `OSError`."""


class StorageFull(StorageError):
    """No space or no quota is left (ENOSPC, EDQUOT); the cause is the `OSError`."""


@contextmanager
def translating_os_errors(action: str) -> Iterator[None]:
    """Turn an `OSError` raised inside into `StorageFull` or `StorageUnavailable`; `action` begins the message."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise (StorageFull if full else StorageUnavailable)(f"{action}: {error.strerror or error}") from error
