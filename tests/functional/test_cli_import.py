"""`lantai import`: folders with everything that can stand in them, filed once each, resumed, reported."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from archive_app.documents import importing
from archive_app.documents.models import Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventDetail
from archive_app.runtime import open_archive
from tests.command_line import CommandLine
from tests.factories import People, engagement_of

SYSTEM = Actor.system("test")


@pytest.fixture
def lantai(tmp_path: Path) -> CommandLine:
    """A terminal on a fresh archive."""
    command_line = CommandLine.below(tmp_path / "machine")
    command_line.run("init")
    return command_line


@pytest.fixture
def engagement(lantai: CommandLine) -> str:
    """The id of an engagement to import into."""
    archive = open_archive(lantai.settings)
    with archive.activate():
        engagement_id = engagement_of(People(archive).person("team_leader")).id
    archive.engine.dispose()
    return engagement_id


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with plain files in it."""
    folder = tmp_path / "source"
    (folder / "b").mkdir(parents=True)
    for name, content in (("b/二.txt", "乙"), ("a.txt", "甲"), ("c 🏭.txt", "丙")):
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def look(lantai: CommandLine, ask: Callable[[Archive], object]) -> object:
    archive = open_archive(lantai.settings)
    try:
        with archive.activate():
            return ask(archive)
    finally:
        archive.engine.dispose()


def names(lantai: CommandLine) -> list[str]:
    def ask(archive: Archive) -> list[str]:
        with archive.reading(SYSTEM) as uow:
            return list(uow.session.scalars(select(Version.name).order_by(Version.id)))

    found = look(lantai, ask)
    assert isinstance(found, list)
    return found


def reasons(lantai: CommandLine) -> list[str]:
    def ask(archive: Archive) -> list[str]:
        with archive.reading(SYSTEM) as uow:
            refused = select(EventDetail.detail).join(Event, Event.id == EventDetail.event_id)
            return sorted(uow.session.scalars(refused.where(Event.code == "upload.refused")))

    found = look(lantai, ask)
    assert isinstance(found, list)
    return found


def test_a_folder_is_filed_in_the_order_of_names_with_where_it_came_from(
    lantai: CommandLine, engagement: str, source: Path
) -> None:
    said = lantai.run("import", source, "--engagement", engagement, "--activity", "现场核查", "--originator", "热电厂")
    assert "3 filed, 0 filed before, 0 duplicates, 0 refused" in said.stdout
    assert names(lantai) == ["a.txt", "二.txt", "c 🏭.txt"]

    def ask(archive: Archive) -> Version:
        with archive.reading(SYSTEM) as uow:
            return uow.session.scalars(select(Version).where(Version.name == "二.txt")).one()

    version = look(lantai, ask)
    assert isinstance(version, Version)
    assert version.source_path == str(source / "b" / "二.txt")
    assert (version.activity, version.originator, version.source_system) == ("现场核查", "热电厂", "import")
    assert version.modified_at is not None
    assert version.modified_at.timestamp() == pytest.approx((source / "b" / "二.txt").stat().st_mtime)
    lantai.run("verify")


def test_a_repeated_run_files_only_what_is_new(lantai: CommandLine, engagement: str, source: Path) -> None:
    lantai.run("import", source / "b", "--engagement", engagement)
    said = lantai.run("import", source, "--engagement", engagement)
    assert "2 filed, 1 filed before" in said.stdout
    (source / "a.txt").write_text("changed", encoding="utf-8")
    said = lantai.run("import", source, "--engagement", engagement)
    assert "1 filed, 2 filed before" in said.stdout


def test_the_same_content_elsewhere_is_linked_or_filed_as_asked(
    lantai: CommandLine, engagement: str, source: Path
) -> None:
    (source / "z.txt").write_text("甲", encoding="utf-8")
    said = lantai.run("import", source, "--engagement", engagement)
    assert "3 filed, 0 filed before, 1 duplicates" in said.stdout
    assert f"{source}/z.txt: the same content is already here, as document " in said.stdout
    assert "For information" not in lantai.run("verify").stdout, "a duplicate left an orphan"
    said = lantai.run("import", source, "--engagement", engagement, "--duplicates", "file")
    assert "1 filed, 3 filed before" in said.stdout
    assert "0 filed, 4 filed before" in lantai.run("import", source, "--engagement", engagement).stdout


def test_whatever_cannot_be_filed_is_named_with_its_reason_and_stops_nothing(
    lantai: CommandLine, engagement: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "empty.txt").touch()
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder link").symlink_to("/etc")
    os.mkfifo(source / "pipe")
    endpoint = socket.socket(socket.AF_UNIX)
    (source / "not utf8 \udcff.txt").write_text("x", encoding="utf-8")
    monkeypatch.chdir(source)
    endpoint.bind("socket")
    endpoint.close()
    said = lantai.run("import", source, source / "absent", "--engagement", engagement, expect=1)
    assert "3 filed, 0 filed before, 0 duplicates, 7 refused" in said.stdout
    for name, reason in (
        ("empty.txt", "empty (0 bytes)"),
        ("link", "link or a special file"),
        ("folder link", "link or a special file"),
        ("pipe", "link or a special file"),
        ("socket", "link or a special file"),
        ("not utf8 \\xff.txt", "control characters"),
        ("absent", "No such file"),
    ):
        assert any(line.startswith(f"{source}/{name}: ") and reason in line for line in said.stdout.splitlines()), name
    assert len(reasons(lantai)) == 7
    assert names(lantai) == ["a.txt", "二.txt", "c 🏭.txt"]
    lantai.run("verify")


@pytest.mark.parametrize("change", ["grows", "touched", "replaced"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    lantai: CommandLine, engagement: str, source: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    victim = source / "a.txt"
    read = importing.Source.read

    def changing(self: importing.Source, size: int = -1, /) -> bytes:
        if change == "grows":
            with victim.open("a") as file:
                file.write("more")
        elif change == "touched":
            os.utime(victim, ns=(1, 1))
        else:
            (source / "new").write_text("甲", encoding="utf-8")
            (source / "new").replace(victim)
        return read(self, size)

    monkeypatch.setattr(importing.Source, "read", changing)
    said = lantai.run("import", victim, "--engagement", engagement, expect=1)
    assert "changed while it was read" in said.stdout
    assert names(lantai) == []


def test_a_folder_swapped_for_a_link_between_looking_and_opening_is_not_followed(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "plan.txt").write_text("x", encoding="utf-8")
    look_at = os.stat

    def swapping(name: str, **options: object) -> os.stat_result:
        found: os.stat_result = look_at(name, **options)  # type: ignore[arg-type]  # passed through
        if name == "b":
            (source / "b").rename(tmp_path / "gone")
            (source / "b").symlink_to(secret)
        return found

    monkeypatch.setattr(os, "stat", swapping)
    found = list(importing.walk([str(source)]))
    monkeypatch.undo()
    assert [Path(entry.path).name for entry in found if entry.error is None] == ["a.txt", "c 🏭.txt"]
    assert [type(entry.error) for entry in found if entry.error] == [importing.SourceUnreadableError]


def test_an_unknown_engagement_is_refused_before_anything_is_read(lantai: CommandLine, source: Path) -> None:
    said = lantai.run("import", source, "--engagement", "01a1fbd4-f500-7001-b6da-7b5e9098fc14", expect=1)
    assert "Nothing is here" in said.stderr
    assert names(lantai) == []
