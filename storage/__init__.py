"""Encrypted storage of documents: a library that knows nothing of the application.

`Vault` stores, reads, checks and erases blobs. A `KeyRing` keeps the master keys, a `BlobBackend` the ciphertext.
This is the whole public face; nobody imports below it.
"""

from storage.backend import BlobBackend, MemoryBackend, TemporaryBlob
from storage.crypto import COBBLESTONE, ChunkLayout, CryptoProvider
from storage.envelope import BlobEntry, Purpose, StoredBlob
from storage.errors import (
    AlgorithmUnavailable,
    BlobCorrupt,
    BlobMissing,
    KeyCorrupt,
    KeyFileError,
    KeyFileProblem,
    KeyMissing,
    SizeLimitExceeded,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from storage.keyfile import FileKeyRing
from storage.keyformat import Argon2Cost
from storage.keyring import SECRET_NAMES, KeyRing, MemoryKeyRing, WrappedKey
from storage.posix import PosixBackend
from storage.reader import BlobReader
from storage.vault import Readable, Vault
from storage.writer import BlobWriter

__all__ = [
    "COBBLESTONE",
    "SECRET_NAMES",
    "AlgorithmUnavailable",
    "Argon2Cost",
    "BlobBackend",
    "BlobCorrupt",
    "BlobEntry",
    "BlobMissing",
    "BlobReader",
    "BlobWriter",
    "ChunkLayout",
    "CryptoProvider",
    "FileKeyRing",
    "KeyCorrupt",
    "KeyFileError",
    "KeyFileProblem",
    "KeyMissing",
    "KeyRing",
    "MemoryBackend",
    "MemoryKeyRing",
    "PosixBackend",
    "Purpose",
    "Readable",
    "SizeLimitExceeded",
    "StorageError",
    "StorageFull",
    "StorageUnavailable",
    "StoredBlob",
    "TemporaryBlob",
    "Vault",
    "WrappedKey",
]
