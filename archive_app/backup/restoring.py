"""Checking a backup, and restoring it into an empty place.

Everything is checked before anything can be served: digests, the signed checkpoint, the whole log against it. The
database gets its name last, so that a restore which was cut off has restored nothing that could be opened, and is
simply repeated.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from archive_app.backup.database_copy import load_postgresql, reading_engine
from archive_app.backup.format import (
    BLOB_LIST_FILE,
    CHECKPOINT_FILE,
    GENERATIONS_FOLDER,
    MANIFEST_FILE,
    BackupInvalidError,
    BlobLine,
    Identity,
    Manifest,
    blob_path,
    complete_generations,
    file_sha256,
    read_blob_list,
    read_identity,
    sync,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, Rules
from archive_app.kernel.clock import SystemClock
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.identity_row import read_identity as read_identity_row
from archive_app.kernel.language import N_
from archive_app.kernel.policy import Policy
from archive_app.proof.checkpoint import open_checkpoint
from archive_app.proof.errors import ProofError
from archive_app.proof.note import VerifierKey
from archive_app.runtime import (
    ARCHIVE_RESTORED,
    DATABASE_FILE,
    Parts,
    RefusedToStartError,
    create_archive,
    key_file,
    log_signer,
    open_archive,
)
from archive_app.settings import FILE_NAME, Settings
from archive_app.trail.findings import Finding
from archive_app.trail.published import FILE_NAME as PUBLISHED_FILE
from archive_app.trail.sequencing import sequence
from archive_app.trail.verification import find_problems
from search import open_reader
from storage import BlobCorrupt, FileKeyRing, MemoryBackend, MemoryKeyRing, PosixBackend, StorageError, Vault

_STAGING = "restoring"
_BLOBS = "blobs"
_OPERATOR = Actor.system("restore", via="cli")
Progress = Callable[[int, int], None]


class GenerationMissingError(ArchiveError):
    code = "generation_missing"
    message = N_("%(folder)s holds no generation %(generation)s. There are: %(known)s. Nothing was changed.")


class NotEmptyError(ArchiveError):
    code = "data_directory_not_empty"
    message = N_("%(place)s is not empty. Nothing was changed; restore into an empty data directory (LANTAI_DATA).")


class KeysAbsentError(ArchiveError):
    code = "keys_absent"
    message = N_(
        "The keys of archive %(archive)s are not in %(path)s. Nothing was changed. Put the "
        "key file there, or import the "
        "exported copy with `lantai keys import FILE`, then restore again."
    )


class KeysUnfitError(ArchiveError):
    code = "keys_unfit"
    message = N_(
        "The key file %(path)s does not fit this backup: %(reason)s. Nothing was changed. Use "
        "a newer copy of the keys, "
        "or another generation."
    )


class BackupDamagedError(ArchiveError):
    code = "backup_damaged"
    message = N_(
        "The backup does not stand its check (%(count)s findings). Nothing was restored; try another generation."
    )


class RestoreFailedError(ArchiveError):
    code = "restore_failed"
    message = N_(
        "The restore could not be finished (%(reason)s). Nothing can be opened yet; repeat it when the cause is gone."
    )


@dataclass(frozen=True)
class BlobFinding:
    """A blob that the generation needs and the backup does not have as it was; `result` says how."""

    blob_id: str
    result: str


@dataclass(frozen=True)
class Check:
    """What a check of a generation found. `log_checked` is false for PostgreSQL: its copy needs a server to be read."""

    manifest: Manifest
    blob_findings: Sequence[BlobFinding]
    log_findings: Sequence[Finding]
    log_checked: bool

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.blob_findings and not self.log_findings


def check_backup(folder: Path, generation: str | None = None, told: Progress = lambda _done, _total: None) -> Check:
    """Checks one generation (the newest unless named) without keys and without writing anything.

    Raises: BackupInvalidError, GenerationMissingError.
    """
    identity, manifest, place = _open_generation(folder, generation)
    found = _check_database(identity, manifest, place)
    blobs = [] if manifest.blob_count == 0 else list(_check_blobs(folder, place, manifest, told))
    return Check(manifest, blobs, found, log_checked=manifest.database_kind == "sqlite")


def restore(
    folder: Path,
    settings: Settings,
    generation: str | None = None,
    *,
    accept_faults: bool = False,
    told: Progress = lambda _done, _total: None,
) -> Check:
    """Restores one generation (the newest unless named) into the empty data directory of `settings`.

    With `accept_faults`, blobs that the backup has lost are left out; `lantai verify` will name them. Safe to repeat
    after a crash at any point. Raises: NotEmptyError, KeysAbsentError, KeysUnfitError, BackupInvalidError,
    GenerationMissingError, BackupDamagedError, RestoreFailedError.
    """
    identity, manifest, place = _open_generation(folder, generation)
    _require_empty(settings)
    _require_keys(settings, identity, manifest)
    log_findings = _check_database(identity, manifest, place)
    if log_findings:
        raise BackupDamagedError(count=len(log_findings))
    try:
        backend = PosixBackend(_prepared(settings) / _BLOBS)
        lost = _restore_blobs(folder, place, manifest, _keyless_vault(identity, backend), told)
        if lost and not accept_faults:
            raise BackupDamagedError(count=len(lost))
        _restore_database(settings, manifest, place, backend)
    except (OSError, StorageError, OperationalError) as error:
        raise RestoreFailedError(reason=str(error)) from error
    except RefusedToStartError as error:
        raise RestoreFailedError(reason=error.params.get("reason", error)) from error
    return Check(manifest, lost, log_findings, log_checked=manifest.database_kind == "sqlite")


def _open_generation(folder: Path, generation: str | None) -> tuple[Identity, Manifest, Path]:
    identity = read_identity(folder)
    known = complete_generations(folder)
    if not known or (generation is not None and generation not in known):
        raise GenerationMissingError(folder=folder, generation=generation or "", known=", ".join(known) or "-")
    place = folder / GENERATIONS_FOLDER / (generation or known[-1])
    manifest = Manifest.load(place / MANIFEST_FILE)
    if (manifest.archive_id, manifest.generation) != (identity.archive_id, place.name):
        raise BackupInvalidError(path=place / MANIFEST_FILE, reason="it belongs to another archive or generation")
    for name, digest in (
        (manifest.database_file, manifest.database_sha256),
        (BLOB_LIST_FILE, manifest.blob_list_sha256),
    ):
        try:
            same = file_sha256(place / name) == digest
        except OSError as error:
            raise BackupInvalidError(path=place / name, reason=error.strerror) from error
        if not same:
            raise BackupInvalidError(path=place / name, reason="its SHA-256 is not the recorded one")
    _check_checkpoint(identity, manifest, place)
    return identity, manifest, place


def _check_checkpoint(identity: Identity, manifest: Manifest, place: Path) -> None:
    path = place / CHECKPOINT_FILE
    if manifest.log_size == 0:
        return
    try:
        key = VerifierKey.decode(identity.verification_key)
        checkpoint = open_checkpoint(path.read_text(encoding="utf-8"), key, identity.origin)
    except (OSError, UnicodeDecodeError, ProofError) as error:
        raise BackupInvalidError(path=path, reason=str(error)) from error
    if checkpoint.size != manifest.log_size:
        raise BackupInvalidError(path=path, reason=f"it is for {checkpoint.size} entries, not {manifest.log_size}")


def _check_database(identity: Identity, manifest: Manifest, place: Path) -> list[Finding]:
    """Recomputes the log in the database copy and compares it with the checkpoint beside it."""
    if manifest.database_kind != "sqlite":
        return []
    path = place / manifest.database_file
    with _copy_as_archive(identity, path) as archive:
        with archive.reading(_OPERATOR) as uow:
            row = read_identity_row(uow.session)
        if row is None or Identity(row.archive_id, row.origin, row.verification_key) != identity:
            raise BackupInvalidError(path=path, reason="it is the database of another archive")
        return list(find_problems(archive))


@contextmanager
def _copy_as_archive(identity: Identity, database: Path) -> Iterator[Archive]:
    """The copied database as an archive that can be read and nothing else: it has no keys and no blobs."""
    engine: Engine = reading_engine(database)
    a_while = timedelta(hours=1)
    rules = Rules(ZoneInfo("UTC"), 1, 1, 1, 1, 1, a_while, a_while, a_while)
    try:
        yield Archive(
            archive_id=identity.archive_id,
            origin=identity.origin,
            verification_key=identity.verification_key,
            engine=engine,
            clock=SystemClock(),
            policy=Policy(SystemClock().now),
            vault=_keyless_vault(identity, MemoryBackend()),
            index=open_reader(database.parent / "no-index"),
            rules=rules,
            data_directory=database.parent,
        )
    finally:
        engine.dispose()


def _keyless_vault(identity: Identity, backend: PosixBackend | MemoryBackend) -> Vault:
    # Ciphertext is copied and compared without any key; these are made up and never used.
    return Vault(backend, MemoryKeyRing(identity.archive_id), archive_id=identity.archive_id)


def _check_blobs(folder: Path, place: Path, manifest: Manifest, told: Progress) -> Iterator[BlobFinding]:
    for done, line in enumerate(read_blob_list(place / BLOB_LIST_FILE), start=1):
        if result := _blob_result(folder, line):
            yield BlobFinding(line.blob_id, result)
        told(done, manifest.blob_count)


def _blob_result(folder: Path, line: BlobLine) -> str:
    try:
        return "" if file_sha256(blob_path(folder, line.blob_id)) == line.sha256 else "corrupt"
    except FileNotFoundError:
        return line.fault or "missing"
    except OSError:
        return "unreadable"


def _require_empty(settings: Settings) -> None:
    """Empty but for settings, or for what a restore that was cut off left."""
    place = settings.data_directory
    names = {path.name for path in place.iterdir()} if place.exists() else set()
    left = {_STAGING, _BLOBS, PUBLISHED_FILE} if _STAGING in names else set()
    if names - {FILE_NAME} - left:
        raise NotEmptyError(place=place)


def _require_keys(settings: Settings, identity: Identity, manifest: Manifest) -> None:
    path = key_file(settings, identity.archive_id)
    if not path.exists():
        raise KeysAbsentError(archive=identity.archive_id, path=path)
    ring = FileKeyRing.open(path)
    if ring.archive_id != identity.archive_id:
        raise KeysUnfitError(path=path, reason=f"it belongs to archive {ring.archive_id}")
    if log_signer(ring, identity.origin).verifier_key.encode() != identity.verification_key:
        raise KeysUnfitError(path=path, reason="its signing key is not that of the audit log")
    absent = sorted(set(manifest.key_epochs) - set(ring.epochs()))
    if absent:
        raise KeysUnfitError(path=path, reason=f"it lacks epochs {', '.join(map(str, absent))}")


def _prepared(settings: Settings) -> Path:
    place = settings.data_directory
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The folder says, from the first moment on, that what stands here is a restore and may be restored over.
    shutil.rmtree(place / _STAGING, ignore_errors=True)
    (place / _STAGING).mkdir(mode=0o700)
    sync(place)
    return place


def _restore_blobs(folder: Path, place: Path, manifest: Manifest, vault: Vault, told: Progress) -> list[BlobFinding]:
    there = {entry.blob_id: entry.stored_size_bytes for entry in vault.blobs()}
    lost = []
    for done, line in enumerate(read_blob_list(place / BLOB_LIST_FILE), start=1):
        # What an earlier attempt stored was checked and synced before it got its name.
        if there.get(line.blob_id) != line.size_bytes:
            result = _restore_blob(folder, line, vault)
            if result:
                lost.append(BlobFinding(line.blob_id, result))
        told(done, manifest.blob_count)
    return lost


def _restore_blob(folder: Path, line: BlobLine, vault: Vault) -> str:
    try:
        with blob_path(folder, line.blob_id).open("rb") as source:
            vault.put_stored(line.blob_id, source, stored_sha256=bytes.fromhex(line.sha256))
    except FileNotFoundError:
        return line.fault or "missing"
    except BlobCorrupt:
        return "corrupt"
    return ""


def _restore_database(settings: Settings, manifest: Manifest, place: Path, backend: PosixBackend) -> None:
    """Brings the database up to date and continues its log while it is still set aside; then puts it in place."""
    staging = settings.data_directory / _STAGING
    if manifest.log_size:
        _copy_durably(place / CHECKPOINT_FILE, staging / PUBLISHED_FILE)
    if manifest.database_kind == "sqlite":
        _copy_durably(place / manifest.database_file, staging / DATABASE_FILE)
    else:
        load_postgresql(settings.database.url, place / manifest.database_file)
    staged = replace(settings, data_directory=staging)
    parts = replace(Parts.usual(), backend=lambda _settings: backend)
    create_archive(staged, parts)
    _record(staged, parts, manifest)
    for name in (PUBLISHED_FILE, DATABASE_FILE):
        if (staging / name).exists():
            _put_in_place(staging / name, settings.data_directory / name)
    # From here on the archive is restored; what the folder still holds is a lock file without meaning.
    shutil.rmtree(staging, ignore_errors=True)


def _record(settings: Settings, parts: Parts, manifest: Manifest) -> None:
    archive = open_archive(settings, parts)
    try:
        with archive.activate():
            with archive.transaction(_OPERATOR) as uow:
                uow.record(
                    ARCHIVE_RESTORED,
                    {},
                    generation=manifest.generation,
                    made=manifest.created_at,
                    log_size=manifest.log_size,
                )
            sequence(archive)
    finally:
        # Closing the last connection writes SQLite's log back into the file, which is then whole by itself.
        archive.engine.dispose()


def _put_in_place(source: Path, target: Path) -> None:
    source.rename(target)
    try:
        sync(target.parent)
    except OSError:
        # The caller will say that nothing was restored, so nothing may stand there that could be opened.
        target.rename(source)
        raise


def _copy_durably(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    sync(target)
    sync(target.parent)
