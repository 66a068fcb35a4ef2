"""One suite for every key ring; then the key file and its export, which must never leak, lose or replace a key."""

import errno
import json
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import (
    SECRET_NAMES,
    Argon2Cost,
    FileKeyRing,
    KeyCorrupt,
    KeyFileError,
    KeyFileProblem,
    KeyMissing,
    KeyRing,
    MemoryKeyRing,
    StorageFull,
    WrappedKey,
)

QUICK: Final = Argon2Cost(iterations=1, lanes=1, memory_kib=8)
DATA_KEY: Final = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "master.json"


@pytest.fixture(params=["memory", "file"])
def ring(request: pytest.FixtureRequest, path: Path) -> KeyRing:
    return MemoryKeyRing("archive-1") if request.param == "memory" else FileKeyRing.create(path, "archive-1")


class TestEveryKeyRing:
    def test_a_data_key_comes_back_under_its_own_binding_only(self, ring: KeyRing) -> None:
        key = ring.wrap(DATA_KEY, b"binding")
        assert (key.epoch, len(key.wrapped)) == (1, 60)
        assert ring.unwrap(key, b"binding") == DATA_KEY
        assert ring.wrap(DATA_KEY, b"binding") != key
        with pytest.raises(KeyCorrupt):
            ring.unwrap(key, b"another")

    def test_every_altered_or_cut_wrapped_key_is_refused(self, ring: KeyRing) -> None:
        wrapped = ring.wrap(DATA_KEY, b"b").wrapped
        altered = [wrapped[:n] + bytes([wrapped[n] ^ 1]) + wrapped[n + 1 :] for n in range(60)]
        for damaged in [*altered, *(wrapped[:n] for n in range(60)), wrapped + b"\0"]:
            with pytest.raises(KeyCorrupt):
                ring.unwrap(WrappedKey(1, damaged), b"b")

    def test_epochs_are_added_destroyed_and_never_used_again(self, ring: KeyRing) -> None:
        old = ring.wrap(DATA_KEY, b"b")
        assert ring.add_epoch() == ring.current_epoch == 2
        new = ring.wrap(DATA_KEY, b"b")
        assert (ring.unwrap(old, b"b"), ring.unwrap(new, b"b"), new.epoch) == (DATA_KEY, DATA_KEY, 2)
        with pytest.raises(KeyCorrupt):
            ring.unwrap(WrappedKey(2, old.wrapped), b"b")
        with pytest.raises(ValueError, match="current"):
            ring.destroy_epoch(2)
        ring.destroy_epoch(1)
        assert ring.epochs() == (2,)
        for use in (lambda: ring.unwrap(old, b"b"), lambda: ring.destroy_epoch(1), lambda: ring.destroy_epoch(9)):
            with pytest.raises(KeyMissing):
                use()
        assert ring.add_epoch() == 3

    def test_the_named_secrets_are_there_from_the_beginning_and_stay(self, ring: KeyRing) -> None:
        before = {name: ring.secret(name) for name in SECRET_NAMES}
        ring.add_epoch()
        assert {name: ring.secret(name) for name in SECRET_NAMES} == before
        assert {len(secret) for secret in before.values()} == {32}
        assert len(set(before.values())) == len(SECRET_NAMES)
        with pytest.raises(KeyMissing, match="nonsense"):
            ring.secret("nonsense")

    def test_no_key_shows_in_a_representation(self, ring: KeyRing) -> None:
        assert "secrets" not in repr(vars(ring))


def refusal(use: Callable[[], object]) -> KeyFileProblem:
    with pytest.raises(KeyFileError) as caught:
        use()
    return caught.value.problem


def test_a_key_file_is_private_from_the_first_byte(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    real = os.write

    def write(descriptor: int, data: Any) -> int:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    before = os.umask(0)
    try:
        FileKeyRing.create(path, "a").add_epoch()
    finally:
        os.umask(before)
    assert set(modes) == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("there", ["file", "broken link"])
def test_a_key_file_is_never_overwritten(path: Path, there: str) -> None:
    path.parent.mkdir()
    path.write_text("precious") if there == "file" else path.symlink_to("nowhere")
    assert refusal(lambda: FileKeyRing.create(path, "a")) is KeyFileProblem.EXISTS
    export = FileKeyRing.create(path.with_name("other"), "a").export("p", cost=QUICK)
    assert refusal(lambda: FileKeyRing.import_(export, "p", path)) is KeyFileProblem.EXISTS
    assert path.is_symlink() or path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o620])
def test_a_key_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    FileKeyRing.create(path, "a")
    path.chmod(mode)
    assert refusal(lambda: FileKeyRing.open(path)) is KeyFileProblem.PERMISSIONS


def test_a_missing_key_file_is_refused_and_not_made(path: Path) -> None:
    assert refusal(lambda: FileKeyRing.open(path)) is KeyFileProblem.UNREADABLE
    assert not path.exists()


def test_the_file_is_followed_by_every_process_that_holds_it(path: Path) -> None:
    first, second = FileKeyRing.create(path, "a"), FileKeyRing.open(path)
    key = first.wrap(DATA_KEY, b"b")
    assert second.unwrap(key, b"b") == DATA_KEY
    second.add_epoch()
    assert first.current_epoch == first.wrap(DATA_KEY, b"b").epoch == 2
    first.destroy_epoch(1)
    with pytest.raises(KeyMissing):
        second.unwrap(key, b"b")
    assert FileKeyRing.open(path).epochs() == (2,)


def test_changes_made_at_once_are_all_kept(path: Path) -> None:
    FileKeyRing.create(path, "a")
    threads = [threading.Thread(target=FileKeyRing.open(path).add_epoch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert FileKeyRing.open(path).epochs() == tuple(range(1, 10))


def test_a_file_that_vanished_or_was_exchanged_stops_its_use(path: Path) -> None:
    ring = FileKeyRing.create(path, "a")
    other = FileKeyRing.create(path.with_name("other"), "b")
    path.with_name("other").replace(path)
    assert refusal(lambda: ring.wrap(DATA_KEY, b"")) is KeyFileProblem.FORMAT
    path.unlink()
    for use in (lambda: ring.wrap(DATA_KEY, b""), lambda: ring.secret("session"), other.add_epoch):
        assert refusal(use) is KeyFileProblem.UNREADABLE


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
def test_a_change_that_fails_leaves_the_old_file_whole(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    ring = FileKeyRing.create(path, "a")
    before, real = path.read_bytes(), getattr(os, call)

    def fail(*args: Any, **kwargs: Any) -> Any:
        if call == "open" and not args[1] & os.O_CREAT:
            return real(*args, **kwargs)
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(StorageFull):
            ring.add_epoch()
        with pytest.raises(StorageFull):
            FileKeyRing.create(path.with_name("new"), "a")
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert ring.current_epoch == 1


def change(field: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda fields: fields.__setitem__(field, value)


@pytest.mark.parametrize(
    "damage",
    [
        change("format", "something-else"),
        change("version", 2),
        change("version", True),
        change("surprise", 1),
        change("archive_id", "another"),
        change("current_epoch", 2),
        change("master_keys", {}),
        change("master_keys", []),
        change("secrets", None),
        lambda fields: fields["master_keys"].__setitem__("1", "AAAA"),
        lambda fields: fields["master_keys"].__setitem__("01", fields["master_keys"]["1"]),
        lambda fields: fields.pop("secrets"),
        lambda fields: fields.pop("sha256"),
    ],
)
def test_a_key_file_that_was_edited_is_refused(path: Path, damage: Callable[[dict[str, Any]], None]) -> None:
    FileKeyRing.create(path, "a")
    fields = json.loads(path.read_text())
    damage(fields)
    path.write_text(json.dumps(fields))
    assert refusal(lambda: FileKeyRing.open(path)) is KeyFileProblem.FORMAT


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b"null", b" " * 2_000_000])
def test_what_is_no_key_text_at_all_is_refused(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.touch(0o600)
    path.write_bytes(text)
    assert refusal(lambda: FileKeyRing.open(path)) is KeyFileProblem.FORMAT
    assert refusal(lambda: FileKeyRing.import_(text, "p", path.with_name("new"))) is KeyFileProblem.FORMAT


def test_an_export_brings_every_key_back(path: Path) -> None:
    ring = FileKeyRing.create(path, "档案 1")
    keys = [ring.wrap(DATA_KEY, b"b")]
    ring.add_epoch()
    keys.append(ring.wrap(DATA_KEY, b"b"))
    export = ring.export("correct horse 电池")
    assert all(secret not in export for secret in (b"master_keys", b"log-signing"))
    export.decode("ascii")
    copy = FileKeyRing.import_(export, "correct horse 电池", path.with_name("copy"))
    assert stat.S_IMODE(path.with_name("copy").stat().st_mode) == 0o600
    assert [copy.unwrap(key, b"b") for key in keys] == [DATA_KEY, DATA_KEY]
    assert (copy.archive_id, copy.epochs(), copy.current_epoch) == ("档案 1", (1, 2), 2)
    assert [copy.secret(name) for name in SECRET_NAMES] == [ring.secret(name) for name in SECRET_NAMES]
    assert path.read_bytes() == path.with_name("copy").read_bytes()


def test_the_passphrase_decides_and_its_composition_does_not(path: Path) -> None:
    ring = FileKeyRing.create(path, "a")
    export = ring.export("caf\u00e9 ＡＢ", cost=QUICK)
    FileKeyRing.import_(export, "cafe\u0301 AB", path.with_name("copy"))
    for wrong in ("", "cafe AB", "caf\u00e9 AB "):
        use = lambda wrong=wrong: FileKeyRing.import_(export, wrong, path.with_name("no"))  # noqa: E731
        assert refusal(use) is KeyFileProblem.PASSPHRASE
    assert not path.with_name("no").exists()
    with pytest.raises(ValueError, match="passphrase"):
        ring.export("")


@pytest.mark.parametrize(
    "greed", [{"memory_kib": 2**40}, {"iterations": 2**31}, {"lanes": 10**6}, {"memory_kib": 1}, {"lanes": 0}]
)
def test_an_export_cannot_ask_for_all_the_memory_and_time(path: Path, greed: dict[str, int]) -> None:
    fields = json.loads(FileKeyRing.create(path, "a").export("p", cost=QUICK))
    fields["kdf"].update(greed)
    use = lambda: FileKeyRing.import_(json.dumps(fields).encode(), "p", path.with_name("no"))  # noqa: E731
    assert refusal(use) is KeyFileProblem.FORMAT


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mangled_export_gives_nothing_but_a_refusal(path: Path, data: st.DataObject) -> None:
    if not path.exists():
        FileKeyRing.create(path, "a")
    export = FileKeyRing.open(path).export("p", cost=QUICK)
    start = data.draw(st.integers(0, len(export)))
    mangled = export[:start] + data.draw(st.binary(max_size=8)) + export[data.draw(st.integers(start, start + 8)) :]
    target = path.with_name("mangled")
    with suppress(KeyFileError):
        FileKeyRing.import_(mangled, "p", target)
        # White space or an escape may change without changing what is said.
        assert json.loads(mangled) == json.loads(export)
        target.unlink()
    assert not target.exists()
