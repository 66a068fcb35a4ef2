"""Fixtures of every kind of test: a real archive in a temporary place, a clock that stands still, people."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import create_engine, make_url, text

from archive_app.app import create_app
from archive_app.kernel import typesetting
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.database import open_engine, sqlite_url
from archive_app.runtime import (
    DATABASE_FILE,
    FEATURES,
    Parts,
    create_archive,
    index_memory_directory,
    migrate,
    open_archive,
)
from archive_app.settings import Settings, load_settings
from archive_app.trail.sequencing import sequence
from archive_app.worker import Worker, open_index
from tests.engines import FULL, engines_in_use, note_engines, require, start_postgres
from tests.factories import People, signed_in

SignedIn = Callable[[Actor], FlaskClient]


class _CompiledTemplates(BytecodeCache):
    """Templates compiled once in a run: every application would compile its own, which was a large part of each test
    of pages."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _CompiledTemplates()


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, **by: float) -> None:
        """Moves the clock; the arguments are those of timedelta."""
        self.instant += timedelta(**by)


@pytest.fixture
def clock() -> SetClock:
    """The archive's clock in tests."""
    return SetClock()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running PostgreSQL, or a skipped test where there is none."""
    # Not below pytest's own folder: that is closed to the user that the server runs as when the tests run as root.
    with tempfile.TemporaryDirectory(prefix="lantai-postgres-") as directory, start_postgres(Path(directory)) as url:
        yield url


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and nothing in them: migrating anew would be most of every test's time."""
    path = tmp_path_factory.mktemp("empty-tables") / DATABASE_FILE
    engine = open_engine(sqlite_url(path))
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def empty_postgres_tables(postgres_url: str) -> str:
    """The name of a database with all tables and nothing in them, to be copied."""
    url = _fresh_database(postgres_url, "empty_tables", "template0")
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return make_url(url).database or ""


@pytest.fixture(params=["sqlite"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an archive in a temporary place; parametrize indirectly with "postgres" for the other database.

    Where the test wants an archive made, the tables are there already.
    """
    made = "archive" in request.fixturenames
    environ = {
        "HOME": str(tmp_path / "home"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(tmp_path / "memory"),
        "LANTAI_READING__SECONDS": "20",
    }
    (tmp_path / "memory").mkdir()
    if request.param == "postgres":
        template = request.getfixturevalue("empty_postgres_tables") if made else "template0"
        url = _fresh_database(request.getfixturevalue("postgres_url"), tmp_path.name, template)
        environ["LANTAI_DATABASE__URL"] = url
    elif made:
        (tmp_path / "data").mkdir(mode=0o700)
        shutil.copyfile(request.getfixturevalue("empty_tables"), tmp_path / "data" / DATABASE_FILE)
    return load_settings(environ, data_directory=tmp_path / "data")


both_databases = pytest.mark.parametrize(
    "settings", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


both_databases_in_full = pytest.mark.parametrize(
    "settings", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.full])], indirect=True
)
"""For what asks no database for locks or for SQL of its own: the other one only where nothing is sampled."""


@pytest.fixture
def archive(settings: Settings, clock: SetClock) -> Iterator[Archive]:
    """A real archive, active for the test."""
    parts = replace(Parts.usual(), clock=clock)
    create_archive(settings, parts)
    opened = open_archive(settings, parts)
    with opened.activate():
        yield opened
    opened.engine.dispose()


@pytest.fixture
def people(archive: Archive) -> People:
    """Makes people with roles, as the set-up and invitations would."""
    return People(archive)


@dataclass(frozen=True)
class Workbench:
    """The worker's part, on demand instead of in the background."""

    archive: Archive
    worker: Worker

    def run(self) -> None:
        """Does all work that is due, then sequences the log."""
        self.worker.drain()
        sequence(self.archive)


@pytest.fixture
def workbench(archive: Archive, settings: Settings) -> Iterator[Workbench]:
    """A worker with a real index."""
    memory = index_memory_directory(settings, archive.archive_id)
    with open_index(archive, settings, memory) as index:
        yield Workbench(archive, Worker(archive, index, FEATURES))


@pytest.fixture
def app(archive: Archive, settings: Settings) -> Flask:
    """The web application on the archive."""
    flask = create_app(archive, settings, FEATURES)
    flask.config["TESTING"] = True
    flask.config["PROPAGATE_EXCEPTIONS"] = False
    flask.jinja_env.bytecode_cache = _COMPILED
    return flask


@pytest.fixture
def browser(app: Flask) -> Callable[[], FlaskClient]:
    """Makes clients, each with cookies of its own."""
    return app.test_client


@pytest.fixture
def without_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a Chinese font: what is printed is refused, after every question of who may have it."""
    monkeypatch.setattr(typesetting, "chinese_font_file", lambda: None)


@pytest.fixture
def english(archive: Archive, browser: Callable[[], FlaskClient]) -> SignedIn:
    """Signs people in, each with a browser of their own that asks for pages in English."""

    def make(person: Actor) -> FlaskClient:
        client = signed_in(archive, browser(), person, language="en")
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    return make


def _fresh_database(url: str, name: str, template: str) -> str:
    database = "".join(c if c.isalnum() else "_" for c in name.lower()) + f"_{os.getpid()}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{database}" ENCODING UTF8 TEMPLATE "{template}"'))
    server.dispose()
    base, _, query = url.partition("?")
    return f"{base.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no name of a test: those of an archive made while tests are collected hold the moment, and two
    processes would not agree on what there is to run."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`full` tests run only when asked for by `-m full` or `LANTAI_FULL`."""
    if "full" in (config.option.markexpr or "") or FULL:
        return
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="runs in `make test-full`"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Engines that a test needs are there, or the test is skipped, or fails where `LANTAI_REQUIRE` asks for them."""
    for engine in ("chromium", "postgres", "strace", "clamav"):
        marker = "browser" if engine == "chromium" else engine
        if item.get_closest_marker(marker):
            require(engine)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tells the process that spread the tests which engines this one exercised."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["engines"] = engines_in_use()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hears it from each of them."""
    note_engines(getattr(node, "workeroutput", {}).get("engines", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says which engines the run really exercised."""
    terminalreporter.section("engines")
    for name, state in engines_in_use().items():
        terminalreporter.write_line(f"{name}: {state}")
