"""The words of the blob envelope: purposes, receipts, and what a ciphertext is bound to.

The format is written down in `docs/formats/blob-envelope.md`.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_BLOB_ID = re.compile(r"[0-9a-f]{32}")


class Purpose(StrEnum):
    """What a blob holds. Blobs of one owner share its data key; the purpose keeps them apart."""

    CONTENT = "content"
    TEXT = "text"
    PREVIEW = "preview"


@dataclass(frozen=True)
class StoredBlob:
    """The receipt of a committed blob.

    `size_bytes`, `sha256` and `sm3` describe the plaintext; `stored_size_bytes` and `stored_sha256` the ciphertext
    file, so that a backup can be checked without any key.
    """

    blob_id: str
    size_bytes: int
    sha256: bytes
    sm3: bytes | None
    stored_size_bytes: int
    stored_sha256: bytes


@dataclass(frozen=True)
class BlobEntry:
    """One line of a listing. `modified_at` is aware UTC; in quarantine it is the moment of setting aside."""

    blob_id: str
    stored_size_bytes: int
    modified_at: datetime


def new_blob_id() -> str:
    """128 random bits as 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def is_blob_id(text: str) -> bool:
    """Whether `text` has the shape of a blob id. Nothing else may ever become a part of a path."""
    return _BLOB_ID.fullmatch(text) is not None


def bind(label: str, *parts: str) -> bytes:
    """The canonical binding: `label`, a zero byte, then each part as 4-byte big-endian length and UTF-8.

    Two different sequences of parts never give the same bytes, because every part carries its length.
    """
    encoded = [part.encode() for part in parts]
    return label.encode() + b"\0" + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def blob_context(archive_id: str, owner_id: str, purpose: Purpose) -> bytes:
    """What a blob's ciphertext is bound to: format version, archive, owner, purpose."""
    return bind("lantai/blob/v1", archive_id, owner_id, purpose.value)


def data_key_context(archive_id: str, owner_id: str) -> bytes:
    """What a wrapped data key is bound to; the key ring adds the epoch."""
    return bind("lantai/data-key/v1", archive_id, owner_id)
