"""Backups that meet trouble: lost blobs, full disks at every point, wrong places, old generations, altered copies."""

import errno
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest

from archive_app.backup import writing
from archive_app.backup.database_copy import DatabaseCopyError
from archive_app.backup.format import BackupInvalidError, complete_generations
from archive_app.backup.restoring import BackupDamagedError, NotEmptyError, RestoreFailedError, check_backup, restore
from archive_app.backup.writing import BackupFailedError, BackupPlaceError, Fault, back_up
from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.runtime import open_archive
from archive_app.settings import Settings
from archive_app.trail.sequencing import sequence
from archive_app.trail.verification import verify_log
from tests.conftest import SetClock
from tests.engines import FULL
from tests.factories import People, engagement_of

SYSTEM = Actor.system("test")


@pytest.fixture
def filed(archive: Archive, people: People) -> list[Filed]:
    """Five documents in a sequenced archive."""
    engagement = engagement_of(people.person("team_leader"))
    documents = [
        add_document(
            SYSTEM, engagement_id=engagement.id, stream=io.BytesIO(b"%d" % n * 9000), entry=Entry(name=f"{n}.txt")
        )
        for n in range(3)
    ]
    sequence(archive)
    return documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "backup"


def blob_file(archive: Archive, document: Filed) -> Path:
    blob_id = document.stored.blob.blob_id
    return archive.data_directory / "blobs" / "blobs" / blob_id[:2] / blob_id[2:4] / blob_id


def points() -> Iterator[int]:
    """All points, or every fifth from one that moves on with each day."""
    if FULL:
        return itertools.count(1)
    return itertools.count(1 + date.today().toordinal() % 5, 5)  # noqa: DTZ011  # any day will do


@contextmanager
def failing_at(monkeypatch: pytest.MonkeyPatch, point: int) -> Iterator[Callable[[], bool]]:
    """The `point`-th step that makes something durable or gives it its name fails, as on a full disk."""
    steps = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps == point:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # What was synced is not what these tests look at, and a thousand syncs take a minute.
            return None if real is os.fsync else real(*arguments, **options)

        return step

    with monkeypatch.context() as patched:
        for owner, name in ((Path, "rename"), (Path, "replace"), (shutil, "copyfile"), (os, "fsync")):
            patched.setattr(owner, name, counted(getattr(owner, name)))
        yield lambda: steps >= point


def test_a_full_disk_at_any_point_leaves_the_earlier_generation_and_a_second_run_works(
    archive: Archive, filed: list[Filed], folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(archive, folder)
    for path in (folder / "blobs").glob("*/*/*"):
        path.unlink()  # so that each run has real work
    for point in points():
        clock.advance(minutes=1)
        before = complete_generations(folder)
        with failing_at(monkeypatch, point) as reached:
            with suppress(BackupFailedError, DatabaseCopyError):
                back_up(archive, folder, kept=100)
            if not reached():
                break
        clock.advance(minutes=1)
        back_up(archive, folder, kept=100)
        assert set(before) <= set(complete_generations(folder))
        assert check_backup(folder).sound
        shutil.rmtree(folder / "blobs")
    print(f"{point - 1} points")


def test_a_full_disk_at_any_point_of_a_restore_serves_nothing_and_a_second_run_works(
    archive: Archive, settings: Settings, filed: list[Filed], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(archive, folder)
    archive.engine.dispose()
    for point in points():
        shutil.rmtree(settings.data_directory)
        with failing_at(monkeypatch, point) as reached:
            try:
                restore(folder, settings)
            except RestoreFailedError:
                assert not (settings.data_directory / "archive.db").exists()
                restored = False
            else:
                restored = True
            if not reached():
                break
        if not restored:
            restore(folder, settings)
        again = open_archive(settings)
        assert verify_log(again) == []
        again.engine.dispose()
    print(f"{point - 1} points")


def test_names_that_an_interrupted_run_left_are_synced_before_anything_relies_on_them(
    archive: Archive, filed: list[Filed], folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def fail(path: Path) -> None:
        if (folder / "blobs") in path.parents:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(writing, "sync", fail)
        with pytest.raises(BackupFailedError):
            back_up(archive, folder)
    left = list((folder / "blobs").glob("??/??"))
    assert left
    monkeypatch.setattr(writing, "sync", synced.append)
    clock.advance(minutes=1)
    assert back_up(archive, folder).copied_count == 0
    assert {folder / "blobs", *left, *(shard.parent for shard in left)} <= set(synced)
    synced.clear()
    clock.advance(minutes=1)
    back_up(archive, folder)
    assert not set(left) & set(synced), "after a whole run nothing is synced twice"


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_lost_blob_is_named_and_everything_else_is_backed_up(
    archive: Archive, settings: Settings, filed: list[Filed], folder: Path, damage: str
) -> None:
    path = blob_file(archive, filed[2])
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    backup = back_up(archive, folder)
    lost = Fault(filed[2].stored.blob.blob_id, damage)
    assert (backup.faults, backup.manifest.faults, backup.copied_count) == ([lost], 1, 2)
    assert [(finding.blob_id, finding.result) for finding in check_backup(folder).blob_findings] == [
        (lost.blob_id, damage)
    ]
    archive.engine.dispose()
    shutil.rmtree(settings.data_directory)
    with pytest.raises(BackupDamagedError):
        restore(folder, settings)
    assert not (settings.data_directory / "archive.db").exists()
    restore(folder, settings, accept_faults=True)
    assert (settings.data_directory / "archive.db").exists()


def test_a_blob_that_an_earlier_generation_saved_is_not_lost_with_the_archive(
    archive: Archive, filed: list[Filed], folder: Path, clock: SetClock
) -> None:
    back_up(archive, folder)
    blob_file(archive, filed[0]).unlink()
    clock.advance(minutes=1)
    second = back_up(archive, folder)
    assert (second.faults, second.copied_count) == ([], 0)
    assert check_backup(folder).sound


def test_only_the_newest_generations_are_kept_and_blobs_that_none_needs_go(
    archive: Archive, filed: list[Filed], folder: Path, clock: SetClock
) -> None:
    for _ in range(4):
        back_up(archive, folder, kept=3)
        clock.advance(minutes=1)
    assert len(complete_generations(folder)) == 3
    stray = folder / "blobs" / "ab" / "cd" / ("abcd" + 28 * "0")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"of a generation that was let go")
    back_up(archive, folder, kept=3)
    assert not stray.exists()
    assert check_backup(folder, complete_generations(folder)[0]).sound


def test_a_backup_refuses_places_that_are_not_its_own(
    archive: Archive, settings: Settings, filed: list[Filed], tmp_path: Path
) -> None:
    keys = (settings.key_directory,)
    data = settings.data_directory
    for place in (data, data / "backup", data.parent, settings.key_directory / "x"):
        with pytest.raises(BackupPlaceError):
            back_up(archive, place, avoid=keys)
    (tmp_path / "link").symlink_to(data)
    with pytest.raises(BackupPlaceError):
        back_up(archive, tmp_path / "link" / "backup", avoid=keys)
    other = tmp_path / "other"
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"")
    with pytest.raises(BackupPlaceError):
        back_up(archive, other, avoid=keys)
    assert [path.name for path in other.iterdir()] == ["holiday.jpg"]
    assert not (data / "backup").exists()


def test_a_backup_of_another_archive_is_not_mixed_in(archive: Archive, filed: list[Filed], folder: Path) -> None:
    back_up(archive, folder)
    identity = folder / "lantai-backup.json"
    identity.write_text(json.dumps({**json.loads(identity.read_text()), "archive_id": "another"}))
    with pytest.raises(BackupPlaceError):
        back_up(archive, folder)


def test_no_key_and_no_phrase_is_in_a_backup(
    archive: Archive, settings: Settings, filed: list[Filed], folder: Path
) -> None:
    back_up(archive, folder)
    keys = json.loads(next(settings.key_directory.glob("*.keys")).read_text())
    secret = [*keys["master_keys"].values(), *keys["secrets"].values()]
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(text.encode() in content for text in secret)
            assert b"1" * 100 not in content


def test_a_backup_is_for_its_owner_alone(archive: Archive, filed: list[Filed], folder: Path) -> None:
    back_up(archive, folder)
    assert folder.stat().st_mode & 0o077 == 0


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["manifest.json", "database.sqlite", "blobs.jsonl", "checkpoint"])
def test_an_altered_generation_is_refused(
    archive: Archive, settings: Settings, filed: list[Filed], folder: Path, name: str
) -> None:
    generation = back_up(archive, folder).manifest.generation
    alter(folder / "generations" / generation / name)
    with pytest.raises(BackupInvalidError):
        check_backup(folder)
    shutil.rmtree(settings.data_directory)
    with pytest.raises(BackupInvalidError):
        restore(folder, settings)
    assert not settings.data_directory.exists()


def test_an_altered_blob_is_named(archive: Archive, filed: list[Filed], folder: Path) -> None:
    back_up(archive, folder)
    path = next(path for path in (folder / "blobs").glob("*/*/*"))
    alter(path)
    assert [finding.blob_id for finding in check_backup(folder).blob_findings] == [path.name]


def test_checking_writes_nothing(archive: Archive, filed: list[Filed], folder: Path) -> None:
    back_up(archive, folder)

    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}

    before = state()
    assert check_backup(folder).sound
    assert state() == before


def test_a_restore_never_touches_an_existing_archive(
    archive: Archive, settings: Settings, filed: list[Filed], folder: Path
) -> None:
    back_up(archive, folder)
    with pytest.raises(NotEmptyError):
        restore(folder, settings)
    assert verify_log(archive) == []


def test_every_refusal_has_words_in_both_languages(archive: Archive, settings: Settings, folder: Path) -> None:
    with pytest.raises(ArchiveError) as refused:
        back_up(archive, settings.data_directory)
    assert "overlaps" in refused.value.text("en")
