"""Connections: SQLite and PostgreSQL, each with the settings that make a commit mean what it says."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from archive_app.kernel.errors import ArchiveError, BusyError, DatabaseFailedError, NoRoomError

_BUSY_TIMEOUT_MS = 10_000
_PRAGMAS = (
    f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
)

# What SQLite and PostgreSQL say, by the part that does not change with the place.
_FAILURES: Mapping[str, type[ArchiveError]] = {
    "database is locked": BusyError,
    "lock timeout": BusyError,
    "database or disk is full": NoRoomError,
    "No space left on device": NoRoomError,
    "disk I/O error": DatabaseFailedError,
    "unable to open database file": DatabaseFailedError,
    # What SQLite says after it could open its file for reading only.
    "attempt to write a readonly database": DatabaseFailedError,
}


def open_engine(url: str) -> Engine:
    """An engine for `url`, which is `sqlite:///…` or `postgresql+psycopg://…`.

    Connections obtained with `execution_options(write=True)` begin with BEGIN IMMEDIATE on SQLite: a transaction that
    reads first and writes later would otherwise fail at once when somebody else wrote in between.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, pool_size=20, max_overflow=20, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True)


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite database at `path`."""
    return f"sqlite:///{path}"


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ARG001  # SQLAlchemy's signature
    # The driver's own transaction handling is switched off; `_begin_sqlite` begins every transaction explicitly.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def failures_translated() -> Iterator[None]:
    """Turns a database that is locked, full or on a failing disk into words for people; all else passes unchanged.

    Raises: BusyError, NoRoomError, DatabaseFailedError.
    """
    try:
        yield
    except OperationalError as error:
        for sign, translated in _FAILURES.items():
            if sign in str(error.orig):
                raise translated from error
        raise


def insert_for(session: Session) -> Callable[..., Any]:
    """The insert of the session's database with `on_conflict_…`, which SQLite and PostgreSQL spell alike."""
    dialect = session.get_bind().dialect.name
    return postgresql.insert if dialect == "postgresql" else sqlite.insert
