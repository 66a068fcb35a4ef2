"""One suite for every place that keeps ciphertext; then what only a real file system can get wrong."""

import errno
import hashlib
import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from storage import (
    BlobBackend,
    BlobCorrupt,
    BlobMissing,
    MemoryBackend,
    MemoryKeyRing,
    PosixBackend,
    Purpose,
    StorageError,
    StorageFull,
    StorageUnavailable,
    StoredBlob,
    Vault,
)

FIRST: Final = "00" + "ab" * 15
SECOND: Final = "ff" + "cd" * 15
MALFORMED: Final = [
    "",
    "..",
    "../../etc/passwd",
    "a" * 31,
    "a" * 33,
    "A" * 32,
    "a" * 31 + "/",
    "a" * 31 + "\0",
    "ａ" * 32,
]


@pytest.fixture(params=["memory", "posix"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> BlobBackend:
    return MemoryBackend() if request.param == "memory" else PosixBackend(tmp_path / "data")


def store(backend: BlobBackend, blob_id: str, data: bytes) -> None:
    temporary = backend.create(blob_id)
    temporary.write(memoryview(data))
    temporary.commit()


def content(backend: BlobBackend, blob_id: str) -> bytes:
    with backend.open(blob_id) as stored:
        return stored.read()


def ids(entries: Any) -> list[str]:
    return [entry.blob_id for entry in entries]


class TestEveryBackend:
    def test_a_blob_is_invisible_until_it_is_committed(self, backend: BlobBackend) -> None:
        temporary = backend.create(FIRST)
        temporary.write(memoryview(b"one "))
        temporary.write(memoryview(b""))
        temporary.write(memoryview(b"two"))
        assert ids(backend.entries()) == []
        with pytest.raises(BlobMissing, match=FIRST):
            backend.open(FIRST)
        temporary.commit()
        temporary.abort()
        with backend.open(FIRST) as stored:
            assert (stored.seekable(), stored.read()) == (True, b"one two")
            assert (stored.seek(4), stored.read(2)) == (4, b"tw")

    def test_an_aborted_blob_leaves_nothing(self, backend: BlobBackend) -> None:
        temporary = backend.create(FIRST)
        temporary.write(memoryview(b"x"))
        temporary.abort()
        temporary.abort()
        assert ids(backend.entries()) == []
        assert backend.sweep_temporary(datetime.now(UTC) + timedelta(days=1)) == 0

    def test_a_commit_replaces_a_blob_of_the_same_id(self, backend: BlobBackend) -> None:
        store(backend, FIRST, b"damaged")
        store(backend, FIRST, b"restored")
        assert content(backend, FIRST) == b"restored"
        assert ids(backend.entries()) == [FIRST]

    def test_the_listing_is_ordered_and_tells_size_and_time(self, backend: BlobBackend) -> None:
        earliest = datetime.now(UTC) - timedelta(seconds=5)
        store(backend, SECOND, b"12345")
        store(backend, FIRST, b"")
        backend.create(FIRST)
        entries = list(backend.entries())
        assert [(entry.blob_id, entry.stored_size_bytes) for entry in entries] == [(FIRST, 0), (SECOND, 5)]
        assert all(earliest < entry.modified_at < datetime.now(UTC) + timedelta(seconds=5) for entry in entries)

    def test_a_quarantined_blob_is_not_found_until_it_is_released(self, backend: BlobBackend) -> None:
        store(backend, FIRST, b"orphan")
        backend.quarantine(FIRST)
        assert ids(backend.entries()) == []
        assert [(entry.blob_id, entry.stored_size_bytes) for entry in backend.quarantined()] == [(FIRST, 6)]
        with pytest.raises(BlobMissing):
            backend.open(FIRST)
        with pytest.raises(BlobMissing):
            backend.quarantine(FIRST)
        backend.release(FIRST)
        assert ids(backend.quarantined()) == []
        assert content(backend, FIRST) == b"orphan"
        with pytest.raises(BlobMissing):
            backend.release(FIRST)

    def test_stored_and_quarantined_blobs_can_be_erased_once(self, backend: BlobBackend) -> None:
        store(backend, FIRST, b"stored")
        store(backend, SECOND, b"orphan")
        backend.quarantine(SECOND)
        for blob_id in (FIRST, SECOND):
            backend.erase(blob_id)
            with pytest.raises(BlobMissing):
                backend.erase(blob_id)
        assert ids(backend.entries()) + ids(backend.quarantined()) == []

    @pytest.mark.parametrize("blob_id", MALFORMED)
    def test_what_is_not_a_blob_id_is_missing_everywhere(self, backend: BlobBackend, blob_id: str) -> None:
        for use in (backend.create, backend.open, backend.erase, backend.quarantine, backend.release):
            with pytest.raises(BlobMissing):
                use(blob_id)

    def test_the_sweep_goes_by_the_age_of_the_last_write(self, backend: BlobBackend) -> None:
        writing = backend.create(FIRST)
        writing.write(memoryview(b"x"))
        assert backend.sweep_temporary(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert backend.sweep_temporary(datetime.now(UTC) + timedelta(hours=1)) == 1
        with pytest.raises(StorageUnavailable):
            writing.commit()
        assert ids(backend.entries()) == []


class TestVaultOverEveryBackend:
    @pytest.fixture
    def vault(self, backend: BlobBackend) -> Vault:
        return Vault(backend, MemoryKeyRing("a"), archive_id="a")

    def test_a_backup_of_the_ciphertext_restores_without_any_key(self, vault: Vault) -> None:
        key = vault.new_key("o")
        blob = vault.put(io.BytesIO(b"x" * 100_000), key, "o", Purpose.CONTENT)
        with vault.open_stored(blob.blob_id) as stored:
            saved = stored.read()
        assert (len(saved), hashlib.sha256(saved).digest()) == (blob.stored_size_bytes, blob.stored_sha256)
        vault.erase(blob.blob_id)
        vault.put_stored(blob.blob_id, io.BytesIO(saved), stored_sha256=blob.stored_sha256)
        vault.verify(blob.blob_id, key, "o", Purpose.CONTENT, size_bytes=blob.size_bytes, sha256=blob.sha256)

    def test_a_damaged_backup_is_refused_and_what_is_stored_stays(self, vault: Vault) -> None:
        key = vault.new_key("o")
        blob = vault.put(io.BytesIO(b"good"), key, "o", Purpose.CONTENT)
        with vault.open_stored(blob.blob_id) as stored:
            cut = stored.read()[:-1]
        for damaged in (b"", b"garbage", cut):
            with pytest.raises(BlobCorrupt, match="backup"):
                vault.put_stored(blob.blob_id, io.BytesIO(damaged), stored_sha256=blob.stored_sha256)
        with vault.open(blob.blob_id, key, "o", Purpose.CONTENT) as reader:
            assert reader.read() == b"good"
        assert vault.sweep_temporary(timedelta(hours=-1)) == 0

    def test_orphans_go_to_quarantine_and_back(self, vault: Vault) -> None:
        blob = vault.put(io.BytesIO(b"orphan"), vault.new_key("o"), "o", Purpose.TEXT)
        vault.quarantine(blob.blob_id)
        assert (ids(vault.blobs()), ids(vault.quarantined())) == ([], [blob.blob_id])
        vault.release(blob.blob_id)
        assert (ids(vault.blobs()), ids(vault.quarantined())) == ([blob.blob_id], [])

    def test_no_plaintext_reaches_the_backend(self, vault: Vault, tmp_path: Path) -> None:
        phrase = b"emission factor 0.5703"
        vault.put(io.BytesIO(phrase * 5000), vault.new_key("o"), "o", Purpose.CONTENT)
        assert all(phrase not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


# What only a real file system can get wrong.

FAULTED: Final = ("open", "write", "fsync", "close", "mkdir", "rename")


class Calls:
    """Counts the write-side system calls, notes their order, and can break one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[tuple[str, str]] = []
        self.break_at: int | None = None
        self.errno = errno.EIO
        self._names: dict[int, str] = {}
        for name in FAULTED:
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            point = len(self.log)
            target = self._names.get(args[0], "?") if isinstance(args[0], int) else str(args[0])
            self.log.append((name, target))
            if name == "close":
                real(*args, **kwargs)  # A close that reports an error has closed all the same.
            if point == self.break_at:
                raise OSError(self.errno, os.strerror(self.errno))
            if name == "close":
                return None
            result = real(*args, **kwargs)
            if name == "open":
                self._names[result] = target
            return result

        return call


def put(vault: Vault) -> StoredBlob:
    return vault.put(io.BytesIO(bytes(2_500_000)), vault.new_key("o"), "o", Purpose.CONTENT)


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_the_file_is_synced_before_its_name_and_every_new_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    vault = Vault(PosixBackend(root), MemoryKeyRing("a"), archive_id="a")
    calls = Calls(monkeypatch)
    blob_id = put(vault).blob_id
    shard = root / "blobs" / blob_id[:2] / blob_id[2:4]
    temporary = next(target for name, target in calls.log if name == "rename")
    renamed = calls.log.index(("rename", temporary))
    assert calls.log.index(("fsync", temporary)) < renamed
    assert max(index for index, entry in enumerate(calls.log) if entry == ("write", temporary)) < calls.log.index(
        ("fsync", temporary)
    )
    assert calls.log.index(("fsync", str(shard))) > renamed
    for made in (shard, shard.parent):
        assert calls.log.index(("fsync", str(made.parent))) > calls.log.index(("mkdir", str(made)))


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EIO, StorageUnavailable), (errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull)],
)
def test_any_broken_system_call_of_a_put_leaves_no_blob_and_says_which_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StorageError]
) -> None:
    with monkeypatch.context() as trial:
        calls = Calls(trial)
        put(Vault(PosixBackend(tmp_path / "trial"), MemoryKeyRing("a"), archive_id="a"))
        points = len(calls.log)
    assert points > 12
    for point in range(points):
        root = tmp_path / f"point-{point}"
        with monkeypatch.context() as broken:
            calls = Calls(broken)
            calls.break_at, calls.errno = point, number
            with pytest.raises(error) as caught:
                put(Vault(PosixBackend(root), MemoryKeyRing("a"), archive_id="a"))
        assert isinstance(caught.value.__cause__, OSError)
        assert files_below(root) == [], calls.log[point]


def test_a_disk_that_takes_only_a_few_bytes_at_a_time_still_stores_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(PosixBackend(tmp_path / "data"), MemoryKeyRing("a"), archive_id="a")
    key, real = vault.new_key("o"), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    blob = vault.put(io.BytesIO(b"y" * 1000), key, "o", Purpose.CONTENT)
    vault.verify(blob.blob_id, key, "o", Purpose.CONTENT, size_bytes=1000, sha256=hashlib.sha256(b"y" * 1000).digest())
    assert next(vault.blobs()).stored_size_bytes == blob.stored_size_bytes


def test_an_unreadable_medium_is_unavailable_not_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(PosixBackend(tmp_path / "data"), MemoryKeyRing("a"), archive_id="a")
    key = vault.new_key("o")
    blob = vault.put(io.BytesIO(bytes(100_000)), key, "o", Purpose.CONTENT)
    reader = vault.open(blob.blob_id, key, "o", Purpose.CONTENT)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    broken = type("Broken", (), {"seek": fail, "read": fail})()
    with reader, monkeypatch.context() as trial:
        trial.setattr(reader, "_stored", broken)
        with pytest.raises(StorageUnavailable, match="Input/output"):
            reader.read()


def test_the_layout_is_sharded_private_and_says_nothing(tmp_path: Path) -> None:
    root = tmp_path / "data"
    backend = PosixBackend(root)
    store(backend, FIRST, b"x")
    path = root / "blobs" / "00" / "ab" / FIRST
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for directory in (root / "blobs", root / "tmp", root / "quarantine", path.parent, path.parent.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    backend.quarantine(FIRST)
    assert (root / "quarantine" / FIRST).read_bytes() == b"x"


def test_strange_files_among_the_blobs_are_not_taken_for_blobs(tmp_path: Path) -> None:
    root = tmp_path / "data"
    backend = PosixBackend(root)
    store(backend, FIRST, b"x")
    for stranger in ("blobs/README", "blobs/00/.nfs0001", "blobs/00/ab/notes.txt", "quarantine/.keep"):
        (root / stranger).write_bytes(b"?")
    assert ids(backend.entries()) == [FIRST]
    assert ids(backend.quarantined()) == []


def test_quarantine_counts_from_the_moment_of_setting_aside(tmp_path: Path) -> None:
    backend = PosixBackend(tmp_path / "data")
    store(backend, FIRST, b"x")
    os.utime(tmp_path / "data" / "blobs" / "00" / "ab" / FIRST, (0, 0))
    assert next(backend.entries()).modified_at == datetime(1970, 1, 1, tzinfo=UTC)
    backend.quarantine(FIRST)
    assert datetime.now(UTC) - next(backend.quarantined()).modified_at < timedelta(minutes=1)


KILLED_WRITER: Final = """
import os, pathlib, sys
from storage import PosixBackend
PosixBackend(pathlib.Path(sys.argv[1])).create(sys.argv[2]).write(memoryview(b"half"))
os.kill(os.getpid(), 9)
"""


def test_a_writer_killed_before_commit_leaves_a_temporary_that_a_later_process_sweeps(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WRITER, str(tmp_path / "data"), FIRST]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    backend = PosixBackend(tmp_path / "data")
    assert [path.read_bytes() for path in files_below(tmp_path)] == [b"half"]
    assert ids(backend.entries()) == []
    assert backend.sweep_temporary(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert files_below(tmp_path) == []
