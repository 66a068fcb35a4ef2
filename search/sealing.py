"""The sealed form of an index on disk: encrypted files of meaningless names and one encrypted manifest.

The byte format is in `docs/formats/sealed-index.md`. A state is sealed in this order, so that a crash at any point
leaves the earlier state usable: (1) new files, each under a fresh name, written and synced; (2) the directory synced;
(3) the manifest written beside the old one, synced, renamed over it, the directory synced; (4) files that the
manifest does not name removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from search.errors import IndexBusy, IndexUnsealable, SealFailed

FORMAT = "lantai-sealed-index/1"
MANIFEST_NAME = "manifest.sealed"
KEY_BYTES = 32
_LOCK_NAME = "writer.lock"
_BLOCK_BYTES = 1 << 20
_SNAPSHOT_ATTEMPTS = 20

Snapshot = Callable[[], tuple[dict[str, str], list[str]]]
"""Gives small changing files by content and the names of unchanging ones (see `TantivyEngine.snapshot`)."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """An index file: its name in the index, its name on disk, its plaintext's size and SHA-256 (hex)."""

    name: str
    sealed: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A sealed state. `digest` is the SHA-256 of the manifest as it stands on disk, `previous` that of the one before.

    `watermark` is the caller's word for how far its outbox had been taken in; `inline` holds small files by content.
    """

    layout: str
    generation: str
    serial: int
    watermark: str | None
    previous: str | None
    inline: dict[str, str]
    files: tuple[SealedFile, ...]
    digest: str


class SealedStore:
    """The sealed directory of one archive's index; held for writing by at most one `SealedStore` at a time."""

    def __init__(
        self, directory: Path, key: bytes, archive_id: str, *, name_token: Callable[[], str] | None = None
    ) -> None:
        """Take the directory for writing (it is made if absent, mode 0700).

        Raises:
            IndexBusy: somebody else has it.
        """
        if len(key) != KEY_BYTES:
            msg = f"the seal key has {KEY_BYTES} bytes"
            raise ValueError(msg)
        self._directory, self._key, self._archive_id = directory, key, archive_id
        self._name_token = name_token or (lambda: secrets.token_hex(16))
        self._manifest: Manifest | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # The kernel drops this lock when its holder dies, however it dies.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            msg = f"the sealed index in {directory} is held by another writer"
            raise IndexBusy(msg) from error

    def close(self) -> None:
        """Let go of the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, layout: str) -> Manifest:
        """The sealed state.

        Raises:
            IndexUnsealable: missing, damaged, under another key or archive, or made for another layout.
        """
        try:
            sealed = (self._directory / MANIFEST_NAME).read_bytes()
        except FileNotFoundError as error:
            msg = f"there is no sealed index in {self._directory}"
            raise IndexUnsealable(msg) from error
        manifest = self._parse_manifest(sealed)
        if manifest.layout != layout:
            msg = f"the sealed index has layout {manifest.layout}, this program makes {layout}"
            raise IndexUnsealable(msg)
        self._manifest = manifest
        return manifest

    def unseal(self, manifest: Manifest, directory: Path) -> None:
        """Write the files of a sealed state into an existing, empty directory.

        Raises:
            IndexUnsealable: a file is missing or damaged. The directory may be half full then.
        """
        for file in manifest.files:
            self._unseal_file(file, directory / file.name)
        for name, content in manifest.inline.items():
            (directory / name).write_text(content, "utf-8")

    def seal(
        self, directory: Path, snapshot: Snapshot, *, layout: str, generation: str, watermark: str | None
    ) -> Manifest:
        """Make what `snapshot` describes in `directory` the sealed state.

        Raises:
            SealFailed: nothing changed, or the new state stands and only old files could not be removed.
        """
        before = self._manifest
        known = {file.name: file for file in before.files} if before and before.generation == generation else {}
        try:
            inline, files = self._seal_files(directory, snapshot, known)
            self._sync_directory()  # (2)
            manifest = Manifest(
                layout=layout,
                generation=generation,
                serial=before.serial + 1 if before else 1,
                watermark=watermark,
                previous=before.digest if before else None,
                inline=inline,
                files=files,
                digest="",
            )
            self._manifest = self._write_manifest(manifest)  # (3)
            self._remove_unnamed(self._manifest)  # (4)
        except OSError as error:
            msg = f"the index could not be sealed into {self._directory}: {error}"
            raise SealFailed(msg) from error
        return self._manifest

    def _seal_files(
        self, directory: Path, snapshot: Snapshot, known: dict[str, SealedFile]
    ) -> tuple[dict[str, str], tuple[SealedFile, ...]]:
        """Step (1). A merge in the background may take files away between the look and the read: look again then."""
        for _ in range(_SNAPSHOT_ATTEMPTS):
            inline, names = snapshot()
            try:
                for name in names:
                    if name not in known:
                        known[name] = self._seal_file(directory / name)
            except FileNotFoundError:
                continue
            return inline, tuple(known[name] for name in names)
        msg = f"the index files in {directory} never stood still"
        raise SealFailed(msg)

    def _seal_file(self, source: Path) -> SealedFile:
        with source.open("rb") as plain:
            sealed_name = f"{self._name_token()}.sealed"
            digest, size = hashlib.sha256(), 0
            encryptor = Cobblestone256Encryptor(self._key, self._context("file", sealed_name))

            def sealed_blocks() -> Iterator[bytes]:
                nonlocal size
                while block := plain.read(_BLOCK_BYTES):
                    digest.update(block)
                    size += len(block)
                    yield encryptor.update(block)
                yield encryptor.finalize()

            self._write_synced(self._directory / sealed_name, sealed_blocks())
        return SealedFile(source.name, sealed_name, size, digest.hexdigest())

    def _unseal_file(self, file: SealedFile, target: Path) -> None:
        decryptor = Cobblestone256Decryptor(self._key, self._context("file", file.sealed))
        digest, size = hashlib.sha256(), 0
        try:
            with (self._directory / file.sealed).open("rb") as sealed, target.open("xb") as plain:
                while block := sealed.read(_BLOCK_BYTES):
                    opened = decryptor.update(block)
                    size += plain.write(opened)
                    digest.update(opened)
                opened = decryptor.finalize()
                size += plain.write(opened)
                digest.update(opened)
        except (FileNotFoundError, InvalidTag) as error:
            msg = f"the sealed index file {file.sealed} is missing or damaged"
            raise IndexUnsealable(msg) from error
        if (size, digest.hexdigest()) != (file.size_bytes, file.sha256):
            msg = f"the sealed index file {file.sealed} is not the one that the manifest names"
            raise IndexUnsealable(msg)

    def _parse_manifest(self, sealed: bytes) -> Manifest:
        decryptor = Cobblestone256Decryptor(self._key, self._context("manifest", MANIFEST_NAME))
        try:
            plain = decryptor.update(sealed) + decryptor.finalize()
        except InvalidTag as error:
            msg = "the manifest of the sealed index is damaged, or sealed under another key or for another archive"
            raise IndexUnsealable(msg) from error
        content = json.loads(plain)
        if content.pop("format") != FORMAT or content.pop("archive_id") != self._archive_id:
            msg = "the manifest of the sealed index is of another format or archive"
            raise IndexUnsealable(msg)
        files = tuple(SealedFile(**file) for file in content.pop("files"))
        return Manifest(**content, files=files, digest=hashlib.sha256(sealed).hexdigest())

    def _write_manifest(self, manifest: Manifest) -> Manifest:
        content = {"format": FORMAT, "archive_id": self._archive_id, **asdict(manifest)}
        del content["digest"]
        plain = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        encryptor = Cobblestone256Encryptor(self._key, self._context("manifest", MANIFEST_NAME))
        sealed = encryptor.update(plain) + encryptor.finalize()
        new = self._directory / f"{MANIFEST_NAME}.new"
        self._write_synced(new, [sealed])
        new.replace(self._directory / MANIFEST_NAME)
        self._sync_directory()
        return replace(manifest, digest=hashlib.sha256(sealed).hexdigest())

    def _remove_unnamed(self, manifest: Manifest) -> None:
        named = {MANIFEST_NAME, *(file.sealed for file in manifest.files)}
        for path in self._directory.glob("*.sealed"):
            if path.name not in named:
                path.unlink()

    def _context(self, purpose: str, name: str) -> bytes:
        return "\0".join((FORMAT, self._archive_id, purpose, name)).encode()

    @staticmethod
    def _write_synced(path: Path, blocks: Iterable[bytes]) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
