"""Archives for the tests of the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive_app.kernel.archive import Archive
from tests.integration.trail.made_log import add_people, make_archive


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def log_archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An archive on each database."""
    file = f"sqlite:///{tmp_path}/archive.db"
    archive = make_archive(file if request.param == "sqlite" else request.getfixturevalue("postgres_url"), tmp_path)
    add_people(archive)
    with archive.activate():
        yield archive
    archive.engine.dispose()


@pytest.fixture
def sqlite_archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive on SQLite, for what does not depend on the database."""
    archive = make_archive(f"sqlite:///{tmp_path}/archive.db", tmp_path)
    add_people(archive)
    with archive.activate():
        yield archive
    archive.engine.dispose()
