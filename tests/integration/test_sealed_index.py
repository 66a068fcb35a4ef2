"""The sealed memory index: durable, unreadable on disk, and whole again after any crash."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search import (
    EngineFailed,
    IndexBusy,
    IndexDocument,
    IndexUnavailable,
    IndexUnsealable,
    Query,
    Scope,
    SealFailed,
    open_reader,
    open_writer,
    rebuild,
)
from search.index import Index
from search.sealing import MANIFEST_NAME
from tests.corpus import documents

KEY, ARCHIVE = bytes(range(32)), "archive-1"
ALL = Scope(everything=True)
TEMPLATE = replace(next(documents(1)), current=True, level=0)


class Place:
    def __init__(self, root: Path) -> None:
        self.memory, self.sealed = root / "memory", root / "sealed"

    def make(self, *filed: IndexDocument, watermark: str | None = None) -> Index:
        return rebuild(self.memory, self.sealed, KEY, ARCHIVE, documents=filed, watermark=watermark)

    def open(self) -> Index:
        return open_writer(self.memory, self.sealed, KEY, ARCHIVE)

    def lose_memory(self) -> None:
        shutil.rmtree(self.memory)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def document(number: int) -> IndexDocument:
    # Term dictionaries are compressed, so what is looked for in files is planted in a stored field as well.
    planted = f"{'abcdefghij'[number]}plantedphrase"
    return replace(TEMPLATE, key=f"v{number}", document_id=planted, body=f"碳排放报告 {planted}")


def found(searcher: Any, text: str = "") -> list[str]:
    return sorted(hit.key for hit in searcher.query(Query(text, ALL)).hits)


def test_put_commit_lose_memory_and_resume(place: Place) -> None:
    with place.make() as index:
        assert (index.count, index.watermark) == (0, None)
        index.put([document(1), document(2)])
        index.commit("7")
        index.remove(["v1"])
        index.commit("8")
    place.lose_memory()
    with place.open() as index:
        assert (index.count, index.watermark, found(index, "碳排放")) == (1, "8", ["v2"])


def test_a_restart_with_memory_intact_needs_no_unsealing(place: Place) -> None:
    with place.make(document(1), watermark="1"):
        pass
    generation = (place.memory / "current").readlink()
    with place.open() as index:
        assert found(index) == ["v1"]
    assert (place.memory / "current").readlink() == generation


def test_memory_of_a_later_state_is_not_trusted_after_a_restore(place: Place) -> None:
    """A data directory restored from a backup must not be searched through the memory of what came after."""
    with place.make(document(1), watermark="1"):
        pass
    shutil.copytree(place.sealed, place.sealed.with_name("backup"))
    with place.open() as index:
        for number in (2, 3):
            index.put([document(number)])
            index.commit(str(number))
    shutil.rmtree(place.sealed)
    place.sealed.with_name("backup").rename(place.sealed)
    with place.open() as index:
        assert (found(index), index.watermark) == (["v1"], "1")


def test_broken_memory_is_replaced_from_the_seal(place: Place) -> None:
    with place.make(document(1)):
        pass
    (place.memory / "current" / "meta.json").unlink()
    with place.open() as index:
        assert found(index) == ["v1"]


def test_readers_follow_commits_rebuilds_and_restarts(place: Place) -> None:
    reader = open_reader(place.memory)
    with pytest.raises(IndexUnavailable):
        reader.query(Query("", ALL))
    with place.make(document(1)) as index:
        assert found(reader) == ["v1"]
        index.put([document(2)])
        assert found(reader) == ["v1"]
        index.commit(None)
        assert (found(reader), reader.count) == (["v1", "v2"], 2)
        index.rebuild(documents=[document(3)], watermark=None)
        assert found(reader) == ["v3"]
    place.lose_memory()
    with pytest.raises(IndexUnavailable):
        reader.query(Query("", ALL))
    with place.open():
        assert found(reader) == ["v3"]


def test_a_second_writer_is_told_at_once(place: Place) -> None:
    with place.make(), pytest.raises(IndexBusy):
        place.open()
    with place.open():
        pass


def test_memory_laid_out_by_somebody_else_is_refused(place: Place) -> None:
    place.memory.mkdir(mode=0o777)
    place.memory.chmod(0o755)
    with pytest.raises(IndexUnavailable):
        place.make()
    place.memory.rmdir()
    elsewhere = place.memory.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    place.memory.symlink_to(elsewhere)
    with pytest.raises(IndexUnavailable):
        place.make()


# --- what cannot be unsealed is said, never taken for empty ---


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def sealed_files(place: Place) -> list[Path]:
    return [path for path in sorted(place.sealed.glob("*.sealed")) if path.name != MANIFEST_NAME]


def swap(one: Path, other: Path) -> None:
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


DAMAGE: dict[str, Callable[[Place], object]] = {
    "everything missing": lambda place: shutil.rmtree(place.sealed),
    "manifest missing": lambda place: (place.sealed / MANIFEST_NAME).unlink(),
    "manifest empty": lambda place: (place.sealed / MANIFEST_NAME).write_bytes(b""),
    "manifest flipped": lambda place: flip(place.sealed / MANIFEST_NAME, -1),
    "file missing": lambda place: sealed_files(place)[0].unlink(),
    "file flipped": lambda place: flip(sealed_files(place)[0], -5),
    "file cut short": lambda place: os.truncate(sealed_files(place)[0], 80),
    "files swapped": lambda place: swap(*sealed_files(place)[:2]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_said_and_a_rebuild_helps(place: Place, damage: Callable[[Place], object]) -> None:
    with place.make(document(1), watermark="1"):
        pass
    place.lose_memory()
    damage(place)
    with pytest.raises(IndexUnsealable):
        place.open()
    with place.make(document(1), document(2), watermark="2"):
        pass
    place.lose_memory()
    with place.open() as index:
        assert (found(index), index.watermark) == (["v1", "v2"], "2")


@pytest.mark.parametrize(("key", "archive"), [(bytes(32), ARCHIVE), (KEY, "archive-2")])
def test_another_key_or_archive_cannot_unseal(place: Place, key: bytes, archive: str) -> None:
    with place.make(document(1)):
        pass
    with pytest.raises(IndexUnsealable):
        open_writer(place.memory, place.sealed, key, archive)


def test_another_layout_is_unsealable(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.make(document(1)):
        pass
    monkeypatch.setattr("search.tantivy_engine.TantivyEngine.layout", "another")
    with pytest.raises(IndexUnsealable):
        place.open()


# --- nothing readable, nothing left over ---


def every_byte(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_nothing_filed_is_readable_on_disk_and_names_tell_nothing(place: Place) -> None:
    with place.make(document(1)) as index:
        segments = [path.name.split(".")[0] for path in (place.memory / "current").glob("*.idx")]
        assert b"planted" in every_byte(place.memory / "current")
        index.put([document(2)])
        index.commit("secret-watermark")
    on_disk = every_byte(place.sealed) + "\n".join(path.name for path in place.sealed.iterdir()).encode()
    for word in ("planted", "碳排", "secret-watermark", "tantivy", TEMPLATE.title, *segments):
        assert word.encode() not in on_disk
    assert {path.stat().st_mode & 0o777 for path in place.sealed.iterdir()} == {0o600}


def test_rebuild_erases_what_remove_leaves_in_the_files(place: Place) -> None:
    with place.make(document(1), document(2)) as index:
        index.remove(["v1"])
        index.commit(None)
        assert b"bplantedphrase" in every_byte(place.memory)
        index.rebuild(documents=[document(2)], watermark=None)
        assert b"bplantedphrase" not in every_byte(place.memory)
        assert len(list(place.memory.glob("g-*"))) == 1


def test_old_sealed_files_go_and_unchanged_ones_are_not_written_again(place: Place) -> None:
    with place.make(*map(document, range(3))) as index:
        before = set(sealed_files(place))
        index.put([document(4)])
        index.commit(None)
        assert before < set(sealed_files(place))
        index.rebuild(documents=[], watermark=None)
        assert not before & set(sealed_files(place))
    assert not list(place.sealed.glob("*.new"))


def test_many_commits_and_their_merges_keep_the_seal_whole(place: Place) -> None:
    filed = list(documents(60, body_bytes=300))
    with place.make() as index:
        for number, one in enumerate(filed):
            index.put([one])
            index.commit(str(number))
    place.lose_memory()
    with place.open() as index:
        assert (index.count, index.watermark) == (60, "59")


# --- crashes ---


class Crash(BaseException):
    """As good as SIGKILL: nothing in the library catches it to go on."""


CALLS = ("open", "fsync", "replace", "unlink", "mkdir", "symlink")


def break_call(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> list[str]:
    """Let the file-system call of this number fail; returns the growing list of calls seen."""
    seen: list[str] = []

    def wrap(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            seen.append(name)
            if len(seen) == number:
                raise error
            return real(*arguments, **options)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, wrap(name))
    return seen


def abandon(index: Index) -> None:
    """What the kernel does for a killed process: drop its locks."""
    if index._engine is not None:
        vars(index._engine)["_writer"] = None
    index._store.close()


FAILURES = {
    "killed": Crash(),
    "EIO": OSError(errno.EIO, "input/output error"),
    "ENOSPC": OSError(errno.ENOSPC, "no space left"),
}


@pytest.mark.parametrize(
    ("failure", "memory_lost"),
    [
        ("killed", True),
        ("EIO", False),
        # The other combinations take the same paths through the library.
        pytest.param("killed", False, marks=pytest.mark.full),
        pytest.param("EIO", True, marks=pytest.mark.full),
        pytest.param("ENOSPC", False, marks=pytest.mark.full),
        pytest.param("ENOSPC", True, marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("action", ["commit", "rebuild"])
def test_any_failing_call_leaves_a_usable_state(
    tmp_path: Path, failure: str, action: str, *, memory_lost: bool
) -> None:
    number, points = 0, 0
    while True:
        number += 1
        place = Place(tmp_path / str(number))
        index = place.make(document(1), watermark="1")
        with pytest.MonkeyPatch.context() as patch:
            seen = break_call(patch, number, FAILURES[failure])
            try:
                if action == "commit":
                    index.put([document(2)])
                    index.commit("2")
                else:
                    index.rebuild(documents=[document(1), document(2)], watermark="2")
                acknowledged = True
            except (Crash, SealFailed, EngineFailed, OSError):
                acknowledged = False
        abandon(index)
        if memory_lost:
            place.lose_memory()
        with place.open() as again:
            assert again.watermark in ({"2"} if acknowledged else {"1", "2"}), (number, seen)
            assert found(again) == ["v1", "v2"] or (again.watermark == "1" and found(again) == ["v1"]), (number, seen)
            again.put([document(2)])
            again.commit("2")
            assert found(open_reader(place.memory)) == ["v1", "v2"]
        assert not list(place.sealed.glob("*.new"))
        named = len(again._manifest.files) if again._manifest else 0
        assert len(sealed_files(place)) == named
        shutil.rmtree(tmp_path / str(number))
        if len(seen) < number:
            break
        points += 1
    print(f"\n{action} × {failure}, memory {'lost' if memory_lost else 'kept'}: {points} points")
    assert points >= 10


def test_the_new_manifest_is_synced_before_anything_old_is_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.make(document(1)) as index:
        calls = break_call(monkeypatch, 0, Crash())
        index.rebuild(documents=[document(2)], watermark=None)
        order = " ".join(calls)
    # Manifest written and synced, renamed, the directory synced; only then removal.
    assert "open fsync open fsync replace open fsync unlink" in order
    assert "unlink" not in order.partition("replace")[0]


def test_killed_between_sealing_and_noting_it_memory_is_still_good(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = place.make(document(1), watermark="1")
    index.put([document(2)])

    def die(*_: object) -> None:
        raise Crash

    monkeypatch.setattr("search.memory.MemoryDirectory.note_state", die)
    with pytest.raises(Crash):
        index.commit("2")
    monkeypatch.undo()
    abandon(index)
    generation = (place.memory / "current").readlink()
    with place.open() as again:
        assert (again.watermark, found(again)) == ("2", ["v1", "v2"])
    assert (place.memory / "current").readlink() == generation


def test_a_failing_engine_is_said(place: Place) -> None:
    with place.make(document(1)) as index:
        shutil.rmtree((place.memory / "current").resolve())
        index.put([document(2)])
        with pytest.raises(EngineFailed):
            index.commit("2")
    with place.open() as index:
        assert found(index) == ["v1"]


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from tests.corpus import documents
from search import open_writer
root = Path(sys.argv[1])
index = open_writer(root / "memory", root / "sealed", bytes(range(32)), "archive-1")
for number, document in enumerate(documents(10_000, body_bytes=400), start=int(index.watermark or -1) + 1):
    index.put([replace(document, key=f"k{number}", current=True)])
    index.commit(str(number))
    print(number, flush=True)
"""


@pytest.mark.parametrize("memory_lost", [False, True])
def test_killed_in_the_middle_of_commits(place: Place, *, memory_lost: bool) -> None:
    with place.make():
        pass
    reached = -1
    for lines in (3, 17, 9):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place.memory.parent)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert writer.stdout is not None
        for _ in range(lines):
            reached = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        reached = max([reached, *(int(line) for line in writer.stdout.read().split())])
        writer.wait()
        writer.stdout.close()
        if memory_lost:
            place.lose_memory()
        with place.open() as index:
            watermark = int(index.watermark or -1)
            assert watermark >= reached
            assert index.count in {watermark + 1, watermark + 2}
            if memory_lost:
                assert index.count == watermark + 1
