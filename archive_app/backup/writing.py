"""Backing up a running archive: the database first, then the blobs that this copy refers to; never the keys.

Blobs are written once and never changed, so whatever the copied database names is there or was lost before. Blobs are
shared among generations. A generation counts once its folder has its final name, which is the last step.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.backup.database_copy import copied_database
from archive_app.backup.format import (
    BLOB_LIST_FILE,
    BLOBS_FOLDER,
    CHECKPOINT_FILE,
    GENERATIONS_FOLDER,
    IDENTITY_FILE,
    LOCK_FILE,
    MANIFEST_FILE,
    TEMPORARY_FOLDER,
    BlobLine,
    Identity,
    Manifest,
    blob_path,
    complete_generations,
    database_file,
    file_sha256,
    generation_name,
    read_blob_list,
    read_identity,
    sync,
    write_durably,
    write_identity,
)
from archive_app.documents.models import Derivative, HeldContent, IndexKey, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_, translate
from archive_app.runtime import ARCHIVE_BACKED_UP
from archive_app.trail.checkpoints import newest_checkpoint
from storage import BlobMissing, StorageError

KEPT_GENERATIONS = 7
MISSING, CORRUPT, UNREADABLE = N_("missing"), N_("corrupt"), N_("unreadable")
_BLOCK_BYTES = 1024 * 1024
_PARTIAL = ".partial-"
Progress = Callable[[int, int], None]


class BackupPlaceError(ArchiveError):
    code = "backup_place"
    message = N_("%(place)s cannot take this backup: %(reason)s Nothing was written.")

    def text(self, language: str) -> str:
        # The reason is a catalogue key itself.
        reason = translate(language, str(self.params["reason"]))
        return translate(language, self.message, place=self.params["place"], reason=reason)


class BackupFailedError(ArchiveError):
    code = "backup_failed"
    message = N_("The backup could not be finished (%(reason)s). Earlier generations are intact; run it again.")


@dataclass(frozen=True)
class Fault:
    """A blob that the archive itself no longer has as it was filed; `result` is missing, corrupt or unreadable."""

    blob_id: str
    result: str


@dataclass(frozen=True)
class Backup:
    """A finished generation: what it holds, what was new in it, what could not be copied, what was let go."""

    manifest: Manifest
    copied_count: int
    copied_bytes: int
    faults: Sequence[Fault]
    removed_generations: Sequence[str]


@dataclass
class _Copied:
    lines: int = 0
    total_bytes: int = 0
    new: int = 0
    new_bytes: int = 0
    faults: list[Fault] = field(default_factory=list)
    shards: set[Path] = field(default_factory=set)


def back_up(
    archive: Archive,
    folder: Path,
    *,
    avoid: Sequence[Path] = (),
    kept: int = KEPT_GENERATIONS,
    told: Progress = lambda _done, _total: None,
) -> Backup:
    """Adds one generation to the backup in `folder`, which is made if it is absent; keeps the newest `kept`.

    `avoid` are places that the backup must not touch, besides the data directory; `told` hears how many of how many
    blobs were looked at. Raises: BackupPlaceError; BackupFailedError, DatabaseCopyError, ProgramMissingError, after
    which earlier generations are as they were.
    """
    folder = folder.absolute()
    _require_apart(folder, (archive.data_directory, *avoid))
    try:
        with _claimed(archive, folder):
            backup = _add_generation(archive, folder, told)
            removed = _let_go(folder, kept)
    except OSError as error:
        raise BackupFailedError(reason=f"{error.filename or folder}: {error.strerror}") from error
    manifest = backup.manifest
    with archive.transaction(Actor.system("backup", via="cli")) as uow:
        uow.record(
            ARCHIVE_BACKED_UP, {}, generation=manifest.generation, blobs=manifest.blob_count, faults=manifest.faults
        )
    return Backup(manifest, backup.copied_count, backup.copied_bytes, backup.faults, removed)


def _require_apart(folder: Path, places: Sequence[Path]) -> None:
    real = folder.resolve()
    for place in places:
        other = place.resolve()
        if real == other or real.is_relative_to(other) or other.is_relative_to(real):
            raise BackupPlaceError(place=folder, reason=N_("It overlaps with the data or the keys of the archive."))


@contextmanager
def _claimed(archive: Archive, folder: Path) -> Iterator[None]:
    """The folder as a backup of this archive, alone. Raises: BackupPlaceError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir() if not path.name.startswith(f".{IDENTITY_FILE}.")}
    if IDENTITY_FILE not in names and names - {LOCK_FILE}:
        raise BackupPlaceError(place=folder, reason=N_("It holds something else."))
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupPlaceError(place=folder, reason=N_("Another backup is being written to it.")) from error
        _require_own(archive, folder)
        yield
    finally:
        os.close(lock)


def _require_own(archive: Archive, folder: Path) -> None:
    own = Identity(archive.archive_id, archive.origin, archive.verification_key)
    if not (folder / IDENTITY_FILE).exists():
        write_identity(folder, own)
        sync(folder.parent)
    elif read_identity(folder) != own:
        raise BackupPlaceError(place=folder, reason=N_("It holds the backup of another archive."))


def _add_generation(archive: Archive, folder: Path, told: Progress) -> Backup:
    _sweep(folder)
    created_at = archive.clock.now()
    name = generation_name(created_at)
    partial = folder / GENERATIONS_FOLDER / f"{_PARTIAL}{name}"
    partial.mkdir(mode=0o700, parents=True)
    kind = archive.engine.dialect.name
    database = partial / database_file(kind)
    with copied_database(archive.engine, database) as session:
        sync(database)
        newest = newest_checkpoint(archive, session)
        epochs = _epochs(session)
        lines = list(_needed(session))
    copied = _copy_blobs(archive, folder, partial / BLOB_LIST_FILE, lines, told)
    if newest.note is not None:
        write_durably(partial / CHECKPOINT_FILE, newest.note.encode())
    manifest = Manifest(
        archive_id=archive.archive_id,
        generation=name,
        created_at=created_at.isoformat(),
        database_kind=kind,
        database_file=database.name,
        database_size_bytes=database.stat().st_size,
        database_sha256=file_sha256(database),
        blob_list_sha256=file_sha256(partial / BLOB_LIST_FILE),
        blob_count=copied.lines,
        blob_bytes=copied.total_bytes,
        faults=len(copied.faults),
        log_size=newest.checkpoint.size,
        key_epochs=tuple(sorted(epochs)),
    )
    write_durably(partial / MANIFEST_FILE, manifest.dump())
    partial.rename(partial.with_name(name))
    sync(partial.parent)
    sync(folder)
    return Backup(manifest, copied.new, copied.new_bytes, copied.faults, ())


def _sweep(folder: Path) -> None:
    """Removes what an interrupted run left; whole blobs stay, they are work already done."""
    shutil.rmtree(folder / TEMPORARY_FOLDER, ignore_errors=True)
    (folder / TEMPORARY_FOLDER).mkdir(mode=0o700)
    partials = list((folder / GENERATIONS_FOLDER).glob(f"{_PARTIAL}*"))
    if partials:
        _sync_names(folder, (folder / BLOBS_FOLDER).glob("??/??"))
    for partial in partials:
        shutil.rmtree(partial)


def _sync_names(folder: Path, shards: Iterable[Path]) -> None:
    """Makes the names of the blobs in these folders, and of the folders, survive a power cut."""
    # As a set first: many new blobs share few folders.
    for place in sorted({place for shard in shards for place in (shard, shard.parent, folder / BLOBS_FOLDER)}):
        sync(place)


def _epochs(session: Session) -> set[int]:
    epochs = set(session.scalars(select(Version.key_epoch).distinct()))
    epochs |= set(session.scalars(select(IndexKey.key_epoch).distinct()))
    return epochs | set(session.scalars(select(HeldContent.key_epoch).distinct()))


def _needed(session: Session) -> Iterator[tuple[str, bytes]]:
    """Every blob that the database refers to, with the SHA-256 of its ciphertext."""
    content = select(Version.content_blob_id, Version.stored_sha256)
    derived = select(Derivative.blob_id, Derivative.stored_sha256)
    held = select(HeldContent.blob_id, HeldContent.stored_sha256)
    for statement in (content, derived, held):
        yield from session.execute(statement.execution_options(yield_per=1000))


def _copy_blobs(
    archive: Archive, folder: Path, list_path: Path, needed: Sequence[tuple[str, bytes]], told: Progress
) -> _Copied:
    copied = _Copied()
    with list_path.open("xb") as file:
        for done, (blob_id, stored_sha256) in enumerate(needed, start=1):
            line = _have_blob(archive, folder, blob_id, stored_sha256, copied)
            file.write(line.dump())
            copied.lines += 1
            copied.total_bytes += line.size_bytes
            told(done, len(needed))
        file.flush()
        os.fsync(file.fileno())
    # Before the manifest that relies on them. A run cut off earlier than this leaves its partial generation, by which
    # the next one knows.
    _sync_names(folder, copied.shards)
    return copied


def _have_blob(archive: Archive, folder: Path, blob_id: str, stored_sha256: bytes, copied: _Copied) -> BlobLine:
    target = blob_path(folder, blob_id)
    try:
        return BlobLine(blob_id, target.stat().st_size, stored_sha256.hex())
    except FileNotFoundError:
        pass
    try:
        size_bytes = _copy_blob(archive, folder, blob_id, stored_sha256)
    except BlobMissing:
        copied.faults.append(Fault(blob_id, MISSING))
        return BlobLine(blob_id, 0, stored_sha256.hex(), MISSING)
    except (StorageError, _SourceUnreadableError):
        copied.faults.append(Fault(blob_id, UNREADABLE))
        return BlobLine(blob_id, 0, stored_sha256.hex(), UNREADABLE)
    if size_bytes is None:
        copied.faults.append(Fault(blob_id, CORRUPT))
        return BlobLine(blob_id, 0, stored_sha256.hex(), CORRUPT)
    copied.shards.add(target.parent)
    copied.new += 1
    copied.new_bytes += size_bytes
    return BlobLine(blob_id, size_bytes, stored_sha256.hex())


class _SourceUnreadableError(Exception):
    """The archive's own medium refused; the backup's refusals are plain OSErrors and end the backup."""


def _copy_blob(archive: Archive, folder: Path, blob_id: str, stored_sha256: bytes) -> int | None:
    """Copies the ciphertext and returns its size; None, keeping nothing, where it is not what was filed."""
    temporary = folder / TEMPORARY_FOLDER / blob_id
    digest = hashlib.sha256()
    with archive.vault.open_stored(blob_id) as source, temporary.open("xb") as target:
        while block := _read(source):
            digest.update(block)
            target.write(block)
        size_bytes = target.tell()
        whole = digest.digest() == stored_sha256
        if whole:
            target.flush()
            os.fsync(target.fileno())
    if not whole:
        temporary.unlink()
        return None
    final = blob_path(folder, blob_id)
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary.rename(final)
    return size_bytes


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_BLOCK_BYTES)
    except OSError as error:
        raise _SourceUnreadableError(str(error)) from error


def _let_go(folder: Path, kept: int) -> list[str]:
    """Removes all but the newest `kept` generations, then the blobs that no remaining one needs."""
    generations = complete_generations(folder)
    surplus = generations[: max(0, len(generations) - kept)]
    if not surplus:
        return []
    place = folder / GENERATIONS_FOLDER
    for name in surplus:
        # Renamed first, so that a half-removed generation is never taken for a whole one.
        (place / name).rename(place / f"{_PARTIAL}{name}")
        sync(place)
        shutil.rmtree(place / f"{_PARTIAL}{name}")
    needed = {
        line.blob_id for name in complete_generations(folder) for line in read_blob_list(place / name / BLOB_LIST_FILE)
    }
    for shard in (folder / BLOBS_FOLDER).glob("??/??"):
        for path in shard.iterdir():
            if path.name not in needed:
                path.unlink()
    return surplus
