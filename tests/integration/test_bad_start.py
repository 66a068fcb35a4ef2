"""What must not start: a setting that nobody knows, data without its key, a database that fails."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archive_app.kernel.archive import Archive
from archive_app.runtime import DATABASE_FILE, RefusedToStartError, create_archive, key_file, open_archive
from archive_app.settings import Settings, SettingsError, load_settings
from tests.conftest import both_databases
from tests.factories import People, engagement_of, file_bytes


@pytest.mark.parametrize(
    ("environ", "own", "named"),
    [
        ({"LANTAI_WEB__PROT": "9"}, "", "LANTAI_WEB__PROT"),
        ({"LANTAI_PORT": "9"}, "", "LANTAI_PORT"),
        ({}, "[web]\nprot = 9\n", "web.prot"),
        ({}, "[wbe]\nport = 9\n", "[wbe]"),
        ({}, '[web]\nport = "9"\n', "web.port"),
        ({}, "port = 9\n", "[port]"),
        ({}, "[web\n", "lantai.toml"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    tmp_path: Path, environ: dict[str, str], own: str, named: str
) -> None:
    (tmp_path / "lantai.toml").write_text(own, encoding="utf-8")
    environ = {"HOME": str(tmp_path / "home"), "LANTAI_DATA": str(tmp_path), "LANG": "C", **environ}
    with pytest.raises(SettingsError, match=named.replace("[", r"\[")):
        load_settings(environ)
    command = [sys.executable, "-m", "archive_app.cli", "serve"]
    environ |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    refused = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert named in refused.stderr
    assert "Traceback" not in refused.stderr


@both_databases
def test_data_without_its_key_refuses_to_start(archive: Archive, people: People, settings: Settings) -> None:
    leader = people.person("team_leader")
    file_bytes(leader, engagement_of(leader), "一.txt", b"one")
    keys = key_file(settings, archive.archive_id)
    keys.rename(keys.with_suffix(".elsewhere"))
    with pytest.raises(RefusedToStartError, match=archive.archive_id):
        open_archive(settings)
    assert create_archive(settings) is False
    assert not keys.exists(), "a new key was made"
    with pytest.raises(RefusedToStartError, match="holds blobs"):
        create_archive(replace(settings, database=replace(settings.database, url=f"sqlite:///{keys.parent}/empty.db")))


def _folder_in_its_place(database: Path) -> None:
    database.unlink()
    database.mkdir()


FAILING: dict[str, tuple[Callable[[Path], object], str]] = {
    "cannot be opened": (_folder_in_its_place, "unable to open database file"),
    "is something else": (lambda database: database.write_bytes(b"no database " * 400), "not a database"),
    "cannot be reached": (lambda database: database.unlink(), "connection to server"),
}


@pytest.mark.parametrize(("spoil", "reason"), FAILING.values(), ids=list(FAILING))
def test_a_failing_database_is_said_and_let_go(
    archive: Archive, settings: Settings, spoil: Callable[[Path], object], reason: str
) -> None:
    archive.engine.dispose()
    database = settings.data_directory / DATABASE_FILE
    spoil(database)
    if not database.exists():
        nobody_listens = "postgresql+psycopg://somebody:secret@127.0.0.1:1/nothing"
        settings = replace(settings, database=replace(settings.database, url=nobody_listens))
    for start in (open_archive, create_archive):
        with pytest.raises(RefusedToStartError, match=reason) as refused:
            start(settings)
        assert "secret" not in refused.value.text("en")
        assert "\n" not in refused.value.text("en")
    assert _open_files(database) == []


def test_every_refusal_lets_the_database_go(archive: Archive, settings: Settings) -> None:
    archive.engine.dispose()
    key_file(settings, archive.archive_id).unlink()
    with pytest.raises(RefusedToStartError):
        open_archive(settings)
    assert _open_files(settings.data_directory / DATABASE_FILE) == []


def _open_files(database: Path) -> list[str]:
    """Which of this process's open files belong to the database."""
    opened = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # the listing's own
            continue
        if target.startswith(str(database)):
            opened.append(target)
    return opened
