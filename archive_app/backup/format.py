"""What a backup looks like on its medium: names, the two small JSON documents, the list of blobs.

The format is written down in `docs/formats/backup.md`. Reading is strict: what is not exactly as written is refused.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_

FORMAT = "lantai-backup"
VERSION = 1
IDENTITY_FILE = "lantai-backup.json"
LOCK_FILE = "lock"
BLOBS_FOLDER = "blobs"
TEMPORARY_FOLDER = "tmp"
GENERATIONS_FOLDER = "generations"
MANIFEST_FILE = "manifest.json"
BLOB_LIST_FILE = "blobs.jsonl"
CHECKPOINT_FILE = "checkpoint"

_GENERATION = re.compile(r"\d{8}T\d{6}\.\d{3}Z")
_BLOB_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1024 * 1024


class BackupInvalidError(ArchiveError):
    code = "backup_invalid"
    message = N_("The backup is damaged or not one: %(path)s (%(reason)s). Nothing was changed.")


@dataclass(frozen=True)
class Identity:
    """Which archive a backup folder belongs to; what verifiers of its log pin."""

    archive_id: str
    origin: str
    verification_key: str


@dataclass(frozen=True)
class Manifest:
    """One generation. `database_kind` is sqlite or postgresql; `log_size` is the size of the checkpoint in it.

    `key_epochs` are the epochs that a key file must hold to read everything; `faults` counts blobs that could not be
    copied because the archive itself had lost them.
    """

    archive_id: str
    generation: str
    created_at: str
    database_kind: str
    database_file: str
    database_size_bytes: int
    database_sha256: str
    blob_list_sha256: str
    blob_count: int
    blob_bytes: int
    faults: int
    log_size: int
    key_epochs: tuple[int, ...]

    def dump(self) -> bytes:
        """The manifest as it stands on the medium."""
        return _dump({"format": FORMAT, "version": VERSION, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """The manifest in a file. Raises: BackupInvalidError."""
        told = _load(path, {field.name for field in fields(cls)})
        _require_types(path, told, _MANIFEST_TYPES)
        manifest = cls(**{**told, "key_epochs": tuple(told["key_epochs"])})
        if (
            manifest.database_kind not in _DATABASE_FILES
            or manifest.database_file != _DATABASE_FILES[manifest.database_kind]
        ):
            raise BackupInvalidError(path=path, reason="unknown kind of database")
        return manifest


@dataclass(frozen=True)
class BlobLine:
    """A blob that a generation needs: its id, size and SHA-256 of its ciphertext; `fault` if it was not copied."""

    blob_id: str
    size_bytes: int
    sha256: str
    fault: str = ""

    def dump(self) -> bytes:
        """The line with its newline."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode() + b"\n"


_DATABASE_FILES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_MANIFEST_TYPES: Mapping[str, type] = {
    **{field.name: str for field in fields(Manifest)},
    **dict.fromkeys(("database_size_bytes", "blob_count", "blob_bytes", "faults", "log_size"), int),
    "key_epochs": list,
}


def database_file(kind: str) -> str:
    """The name of the database copy of this kind."""
    return _DATABASE_FILES[kind]


def write_identity(folder: Path, identity: Identity) -> None:
    """Marks a folder as a backup of this archive."""
    write_durably(folder / IDENTITY_FILE, _dump({"format": FORMAT, "version": VERSION, **asdict(identity)}))


def read_identity(folder: Path) -> Identity:
    """Whose backup the folder holds. Raises: BackupInvalidError."""
    path = folder / IDENTITY_FILE
    told = _load(path, {field.name for field in fields(Identity)})
    _require_types(path, told, dict.fromkeys(told, str))
    return Identity(**told)


def generation_name(moment: datetime) -> str:
    """The name of a generation made at this (aware, UTC) moment; names sort by time."""
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"


def complete_generations(folder: Path) -> list[str]:
    """The names of complete generations, oldest first."""
    place = folder / GENERATIONS_FOLDER
    if not place.is_dir():
        return []
    return sorted(path.name for path in place.iterdir() if _GENERATION.fullmatch(path.name))


def blob_path(folder: Path, blob_id: str) -> Path:
    """`blobs/ab/cd/abcd…`."""
    return folder / BLOBS_FOLDER / blob_id[:2] / blob_id[2:4] / blob_id


def read_blob_list(path: Path) -> Iterator[BlobLine]:
    """The lines of a list of blobs. Raises: BackupInvalidError."""
    try:
        with path.open("rb") as file:
            for raw in file:
                yield _parse_line(path, raw)
    except OSError as error:
        raise BackupInvalidError(path=path, reason=error.strerror) from error


def file_sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal. Raises: OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_durably(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: written beside it, synced, renamed, the folder synced. Raises: OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Writes a file's content or a folder's entries to stable storage. Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse_line(path: Path, raw: bytes) -> BlobLine:
    try:
        told: dict[str, object] = json.loads(raw)
        line = BlobLine(**told)  # type: ignore[arg-type]  # the types are compared next
        same_types = [type(value) for value in asdict(line).values()] == [str, int, str, str]
    except (ValueError, TypeError) as error:
        raise BackupInvalidError(path=path, reason="a line cannot be read") from error
    if not same_types or not _BLOB_ID.fullmatch(line.blob_id) or not _SHA256.fullmatch(line.sha256):
        raise BackupInvalidError(path=path, reason="a line is not well formed")
    return line


def _dump(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def _load(path: Path, names: set[str]) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except OSError as error:
        raise BackupInvalidError(path=path, reason=error.strerror) from error
    except ValueError as error:
        raise BackupInvalidError(path=path, reason="it is not JSON") from error
    if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
        raise BackupInvalidError(path=path, reason=f"it is not a {FORMAT}")
    if told.pop("version", None) != VERSION:
        raise BackupInvalidError(path=path, reason=f"its version is not {VERSION}")
    if told.keys() != names:
        raise BackupInvalidError(path=path, reason="unknown or missing: " + ", ".join(sorted(told.keys() ^ names)))
    return told


def _require_types(path: Path, told: Mapping[str, object], types: Mapping[str, type]) -> None:
    for name, kind in types.items():
        if type(told[name]) is not kind:
            raise BackupInvalidError(path=path, reason=f"{name} is not of type {kind.__name__}")
