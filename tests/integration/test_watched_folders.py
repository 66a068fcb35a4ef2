"""Watched folders: what lands there is taken once, and removed only when it is safe."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive_app.documents import ingest
from archive_app.documents.checking import check_all, find_orphans
from archive_app.documents.errors import StorageFullError
from archive_app.documents.held import held_blobs
from archive_app.documents.importing import Found, Source
from archive_app.documents.models import Document, Version
from archive_app.intake.inbox import sources, watching
from archive_app.intake.inbox.models import InboxFile, WatchedFolder
from archive_app.intake.inbox.probing import probe_folders
from archive_app.intake.inbox.watching import WATCHER, Watcher
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, FolderRule
from archive_app.kernel.events import Event
from archive_app.kernel.health import State
from storage import Purpose
from tests.conftest import both_databases
from tests.factories import People, engagement_of

NAME = "扫描仪"


class Folder:
    """A watched folder, a watcher of it, and a tick that stands still until it is moved."""

    def __init__(self, archive: Archive, path: Path, **more: object) -> None:
        rule = FolderRule(name=NAME, path=path, organisation="绿源核查", **more)  # type: ignore[arg-type]
        self.archive = replace(archive, rules=replace(archive.rules, watched_folders=(rule,)))
        self.path = path
        self.now = 0.0
        self.restart()

    def restart(self) -> None:
        """A watcher that remembers nothing, as after a crash."""
        self.watcher = Watcher(self.archive, tick=lambda: self.now)

    def look(self, *, after: float = 11.0) -> int:
        with self.archive.activate():
            self.now += after
            return self.watcher.look()

    def settle(self) -> int:
        """Sees what is there, lets the quiet time pass, takes it."""
        self.look()
        return self.look()

    def drop(self, name: str, content: bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def rows(self) -> list[InboxFile]:
        with self.archive.reading(WATCHER) as uow:
            return list(uow.session.scalars(select(InboxFile).order_by(InboxFile.id)))

    def state(self) -> WatchedFolder:
        with self.archive.reading(WATCHER) as uow:
            return uow.session.get_one(WatchedFolder, NAME)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.path.rglob("*") if path.is_symlink() or not path.is_dir())

    def require_whole(self) -> None:
        """Everything held or filed is readable, and nothing in the vault is unknown."""
        with self.archive.activate():
            assert all(not check.faults for check in check_all(self.archive))
        with self.archive.reading(WATCHER) as uow:
            held = list(held_blobs(uow.session))
        for blob in held:
            self.archive.vault.verify(
                blob.blob_id, blob.key, blob.version_id, Purpose.CONTENT,
                size_bytes=blob.size_bytes, sha256=blob.sha256,
            )  # fmt: skip
        assert find_orphans(self.archive) == []


MakeFolder = Callable[..., Folder]


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def folder(archive: Archive, leader: Actor, tmp_path: Path) -> MakeFolder:
    """Makes the watched folder; its organisation exists."""
    (tmp_path / "watched").mkdir()
    return lambda **more: Folder(archive, tmp_path / "watched", **more)


@both_databases
def test_a_quiet_file_is_taken_and_then_removed(folder: MakeFolder) -> None:
    scans = folder(originator="江南热电", activity="现场核查")
    scans.drop("柜1/报告.txt", "甲".encode())
    assert (scans.look(), scans.left()) == (0, ["报告.txt"])
    assert scans.state().growing == 1
    assert (scans.look(), scans.left()) == (1, [])
    [row] = scans.rows()
    assert (row.name, row.folder, row.state, row.originator) == ("报告.txt", NAME, "waiting", "江南热电")
    assert row.source_path == str(scans.path / "柜1" / "报告.txt")
    assert scans.state().growing == 0
    with scans.archive.reading(WATCHER) as uow:
        event = uow.session.scalars(select(Event).where(Event.code == "inbox.arrived")).one()
        assert event.actor == "system:watcher"
    scans.require_whole()
    assert scans.settle() == 0


def test_a_file_that_grows_is_left_until_it_is_quiet(folder: MakeFolder) -> None:
    scans = folder()
    path = scans.drop("大.bin", b"1")
    for size in range(2, 6):
        assert scans.look() == 0
        path.write_bytes(b"1" * size)
    assert scans.settle() == 1
    assert scans.rows()[0].size_bytes == 5


@pytest.mark.parametrize("later", [b"first and second", b"other"], ids=["it grows", "as long as before"])
def test_a_file_that_changes_while_it_is_read_is_taken_later_whole(
    folder: MakeFolder, monkeypatch: pytest.MonkeyPatch, later: bytes
) -> None:
    scans = folder()
    path = scans.drop("a.txt", b"first")
    scans.look()
    read = Source.read

    def changing(self: Source, size: int = -1, /) -> bytes:
        block = read(self, size)
        if not block:
            path.write_bytes(later)
        return block

    with monkeypatch.context() as patched:
        patched.setattr(Source, "read", changing)
        assert (scans.look(), scans.rows()) == (0, [])
    assert scans.settle() == 1
    assert [row.sha256 for row in scans.rows()] == [hashlib.sha256(later).digest()]


@pytest.mark.parametrize(
    "name", ["~$报告.docx", "a.part", "b.TMP", "c.crdownload", ".hidden", "d.txt~", "Thumbs.db", ".lantai"]
)
def test_names_of_unfinished_files_are_left_alone(folder: MakeFolder, name: str) -> None:
    scans = folder()
    scans.drop(name, b"x")
    assert (scans.settle(), scans.left(), scans.rows()) == (0, [name], [])


def test_links_and_special_files_are_refused_once_and_stay(folder: MakeFolder, tmp_path: Path) -> None:
    scans = folder()
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (scans.path / "link.txt").symlink_to(secret)
    os.mkfifo(scans.path / "pipe")
    (scans.path / "folder-link").symlink_to(tmp_path)
    for _ in range(2):
        scans.settle()
        scans.restart()
    assert sorted((row.name, row.state) for row in scans.rows()) == [
        ("folder-link", "refused"), ("link.txt", "refused"), ("pipe", "refused"),
    ]  # fmt: skip
    assert scans.left() == ["folder-link", "link.txt", "pipe"]
    assert secret.exists()


@both_databases
def test_an_empty_file_is_refused_once_and_taken_when_it_has_content(folder: MakeFolder) -> None:
    scans = folder()
    path = scans.drop("空.txt", b"")
    for _ in range(2):
        assert scans.settle() == 0
        scans.restart()
    assert [row.state for row in scans.rows()] == ["refused"]
    path.write_bytes(b"now")
    assert scans.settle() == 1
    assert scans.left() == []


NAMES = {
    b"\xb1\xa8\xb8\xe6.pdf": "报告.pdf",
    "报告.pdf".encode(): "报告.pdf",
    "ＲＥＰＯＲＴ.txt".encode(): "ＲＥＰＯＲＴ.txt",
    b"REPORT.txt": "REPORT.txt",
    b"report.txt": "report.txt",
    "e\u0301.txt".encode(): "e\u0301.txt",
    "\u00e9.txt".encode(): "\u00e9.txt",
    b"bad\xff\xfe.txt": "bad\ufffd\ufffd.txt",
}


def test_names_of_every_coding_and_form_are_kept_apart(folder: MakeFolder) -> None:
    scans = folder()
    for raw in NAMES:
        with open(os.fsencode(scans.path) + b"/" + raw, "wb") as file:  # noqa: PTH123  # bytes, as they may stand there
            file.write(b"content of " + raw)
    assert scans.settle() == len(NAMES)
    assert sorted(row.name for row in scans.rows()) == sorted(NAMES.values())
    assert len({row.source_path for row in scans.rows()}) == len(NAMES)
    assert scans.left() == []


def test_a_folder_that_is_not_there_is_said_and_mended(folder: MakeFolder) -> None:
    scans = folder()
    scans.drop("a.txt", b"a")
    away = scans.path.with_name("away")
    scans.path.rename(away)
    scans.settle()
    assert "folder" in (scans.state().fault or "")
    with scans.archive.reading(WATCHER) as uow:
        assert [line.state for line in probe_folders(uow)] == [State.BAD]
    away.rename(scans.path)
    assert scans.settle() == 1
    assert scans.state().fault is None


def test_a_folder_of_an_unknown_organisation_takes_nothing(archive: Archive, folder: MakeFolder) -> None:
    scans = folder()
    [rule] = scans.archive.rules.watched_folders
    rules = replace(archive.rules, watched_folders=(replace(rule, organisation="无此机构"),))
    scans.archive = replace(archive, rules=rules)
    scans.restart()
    scans.drop("a.txt", b"a")
    assert (scans.settle(), scans.left()) == (0, ["a.txt"])
    assert "无此机构" in (scans.state().fault or "").encode().decode("unicode_escape")


def test_a_full_disk_takes_nothing_and_removes_nothing(folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = folder()
    scans.drop("a.txt", b"a")
    scans.drop("b.txt", b"b")
    scans.look()
    store = ingest.store

    def full(*_arguments: object) -> None:
        raise StorageFullError

    monkeypatch.setattr("archive_app.intake.inbox.holding.store", full)
    assert (scans.look(), scans.left()) == (0, ["a.txt", "b.txt"])
    assert "no room" in (scans.state().fault or "")
    monkeypatch.setattr("archive_app.intake.inbox.holding.store", store)
    assert scans.look(after=30) == 0, "it pauses, or it would read the same file every few seconds"
    assert scans.look(after=31) == 2
    assert scans.left() == []


def test_a_source_that_cannot_be_removed_is_said_and_not_taken_twice(
    folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = folder()
    scans.drop("a.txt", b"a")

    class ReadOnly:
        """The system's calls, on a folder that lets nothing go; the vault's own go on."""

        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def rename(self, *_arguments: object, **_more: object) -> None:
            raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(sources, "os", ReadOnly())
        assert scans.settle() == 1
        for _ in range(3):
            assert scans.settle() == 0
            scans.restart()
        scans.settle()
        state = scans.state()
        assert (state.left_behind, "Read-only" in (state.fault or "")) == (1, True)
    assert len(scans.rows()) == 1
    scans.restart()
    scans.settle()
    assert (scans.left(), len(scans.rows())) == ([], 1)
    scans.require_whole()


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@pytest.mark.parametrize("place", ["rename", "stat", "unlink"])
@both_databases
def test_killed_between_commit_and_removal_nothing_is_lost_and_nothing_comes_twice(
    folder: MakeFolder, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    scans = folder()
    scans.drop("a.txt", b"a")
    scans.look()
    removing = sources.remove_source

    def killed(*_arguments: object, **_more: object) -> None:
        raise Killed

    def remove(found: Found, row_id: str, identity: sources.Identity) -> bool:
        with monkeypatch.context() as patched:
            patched.setattr(f"archive_app.intake.inbox.sources.os.{place}", killed)
            return removing(found, row_id, identity)

    with monkeypatch.context() as patched:
        patched.setattr(watching, "remove_source", remove)
        with pytest.raises(Killed):
            scans.look()
    assert len(scans.rows()) == 1
    assert len(scans.left()) == 1
    scans.restart()
    scans.settle()
    assert (scans.left(), len(scans.rows())) == ([], 1)
    scans.require_whole()


def test_killed_before_the_commit_the_file_comes_again(folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = folder()
    scans.drop("a.txt", b"a")
    scans.look()
    with monkeypatch.context() as patched:

        def killed(*_arguments: object) -> None:
            raise Killed

        patched.setattr("archive_app.intake.inbox.holding.arrived", killed)
        with pytest.raises(Killed):
            scans.look()
    assert (scans.rows(), scans.left()) == ([], ["a.txt"])
    scans.restart()
    assert scans.settle() == 1
    assert (len(scans.rows()), scans.left()) == (1, [])


def test_another_file_under_the_name_is_not_removed(folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody puts a newer file in place between the commit and the removal."""
    scans = folder()
    path = scans.drop("a.txt", b"old")
    scans.look()
    removing = sources.remove_source

    def replaced(found: Found, row_id: str, identity: sources.Identity) -> bool:
        monkeypatch.setattr(watching, "remove_source", removing)
        newer = path.with_name("newer")
        newer.write_bytes(b"newer content")
        newer.rename(path)
        return removing(found, row_id, identity)

    monkeypatch.setattr(watching, "remove_source", replaced)
    assert scans.look() == 1
    assert path.read_bytes() == b"newer content"
    assert scans.settle() == 1
    assert sorted(row.size_bytes for row in scans.rows()) == [3, 13]
    assert scans.left() == []


def test_what_was_set_aside_and_is_not_known_is_given_back(folder: MakeFolder) -> None:
    scans = folder()
    scans.drop(".lantai-0199-unknown", b"whose is this")
    assert scans.settle() == 0
    assert scans.left() == ["found-0199-unknown"]
    assert scans.look() == 1


ROUTES = ("{engagement}/{name}", "*{engagement}*")


@both_databases
def test_by_its_path_a_file_becomes_a_document_at_once(folder: MakeFolder, leader: Actor) -> None:
    engagement = engagement_of(leader)
    scans = folder(routes=ROUTES)
    scans.drop(f"{engagement.number}/报告.pdf", b"%PDF-1.4 a")
    scans.drop(f"现场 {engagement.number.lower()} 照片.txt", b"photo")
    scans.drop("无号.txt", b"nothing")
    assert scans.settle() == 3
    assert sorted(row.state for row in scans.rows()) == ["filed", "filed", "waiting"]
    with scans.archive.reading(WATCHER) as uow:
        filed = uow.session.execute(select(Version.name, Version.source_system, Version.filed_by)).all()
    assert sorted(filed) == sorted([
        ("报告.pdf", NAME, "system:watcher"), (f"现场 {engagement.number.lower()} 照片.txt", NAME, "system:watcher"),
    ])  # fmt: skip
    assert scans.left() == []
    scans.require_whole()


def test_the_same_content_again_waits_for_a_decision(folder: MakeFolder, leader: Actor) -> None:
    engagement = engagement_of(leader)
    scans = folder(engagement=engagement.number)
    scans.drop("一.txt", b"same")
    assert scans.settle() == 1
    scans.drop("二.txt", b"same")
    assert scans.settle() == 1
    rows = {row.name: row for row in scans.rows()}
    assert {name: (row.state, row.engagement_id) for name, row in rows.items()} == {
        "一.txt": ("filed", engagement.id), "二.txt": ("waiting", engagement.id),
    }  # fmt: skip
    assert "same content" in (rows["二.txt"].reason or "")
    assert scans.left() == []
    scans.require_whole()


def test_a_number_that_no_engagement_has_is_said_and_files_wait(folder: MakeFolder) -> None:
    scans = folder(engagement="HC-0000")
    scans.drop("a.txt", b"a")
    assert scans.settle() == 1
    assert scans.rows()[0].state == "waiting"
    assert "HC-0000" in (scans.state().fault or "")


def test_the_state_of_folders_that_are_watched_no_more_is_forgotten(archive: Archive, folder: MakeFolder) -> None:
    scans = folder()
    scans.look()
    with archive.activate():
        Watcher(scans.archive).begin()
        assert scans.state().name == NAME
        Watcher(archive).begin()
    with archive.reading(WATCHER) as uow:
        assert uow.session.scalar(select(func.count()).select_from(WatchedFolder)) == 0


@pytest.mark.parametrize("count", [120, pytest.param(10_000, marks=pytest.mark.full)])
def test_many_files_are_taken_in_one_look_and_each_once(folder: MakeFolder, count: int) -> None:
    many = folder()
    for number in range(count):
        many.drop(f"{number // 50}/{number}.txt", b"%d" % number)
    assert many.settle() == count
    assert (many.left(), len(many.rows())) == ([], count)
    with many.archive.reading(WATCHER) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Document)) == 0
