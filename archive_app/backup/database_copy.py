"""A consistent copy of the database while others write to it, and its way back."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.orm import Session

from archive_app.backup.format import BackupInvalidError
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_

_BUSY_TIMEOUT_SECONDS = 60.0


class DatabaseCopyError(ArchiveError):
    code = "database_copy_failed"
    message = N_("The database could not be copied (%(reason)s). Earlier generations of the backup are intact.")


class ProgramMissingError(ArchiveError):
    code = "program_missing"
    message = N_(
        "The program %(program)s is needed for a PostgreSQL database and is not installed "
        "(apt: postgresql-client). Nothing was changed."
    )


class DatabaseNotEmptyError(ArchiveError):
    code = "database_not_empty"
    message = N_("The PostgreSQL database is not empty. Nothing was changed; name an empty one in database.url.")


@contextmanager
def copied_database(engine: Engine, target: Path) -> Iterator[Session]:
    """Copies the database into `target` and lends a session that sees exactly what was copied.

    Raises: DatabaseCopyError, ProgramMissingError.
    """
    if engine.dialect.name == "sqlite":
        _copy_sqlite(Path(engine.url.database or ""), target)
        with reading_copy(target) as session:
            yield session
        return
    dump = _program("pg_dump")
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run([dump, "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}"], engine.url)
        yield Session(connection)


@contextmanager
def reading_copy(path: Path) -> Iterator[Session]:
    """A session on a copied SQLite database that cannot change a byte of it. Raises: BackupInvalidError."""
    engine = reading_engine(path)
    try:
        with Session(engine) as session:
            yield session
    except sqlite3.DatabaseError as error:
        raise BackupInvalidError(path=path, reason=str(error)) from error
    finally:
        engine.dispose()


def reading_engine(path: Path) -> Engine:
    """An engine on a copied SQLite database that cannot change a byte of it."""
    # "immutable" keeps SQLite from making its side files even where the medium could be written.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool, hide_parameters=True
    )


def load_postgresql(url: str, source: Path) -> None:
    """Fills an empty PostgreSQL database from a copy, wholly or not at all.

    Raises: ProgramMissingError, DatabaseNotEmptyError, DatabaseCopyError.
    """
    restore = _program("pg_restore")
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if inspect(engine).get_table_names():
        raise DatabaseNotEmptyError
    parsed = make_url(url)
    arguments = ["--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={parsed.database}", str(source)]
    _run([restore, *arguments], parsed)


def _copy_sqlite(source: Path, target: Path) -> None:
    # VACUUM INTO reads one snapshot without stopping writers, and leaves free pages behind: what was erased in the
    # archive is not in its copy either.
    try:
        with closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_SECONDS)
        ) as connection:
            connection.isolation_level = None
            connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise DatabaseCopyError(reason=str(error)) from error


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ProgramMissingError(program=name)
    return path


def _run(command: list[str], url: URL) -> None:
    # The password goes by the environment: arguments are visible to everybody on the machine.
    place = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environ = {**os.environ, **{name: str(value) for name, value in place.items() if value}}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
    if done.returncode:
        raise DatabaseCopyError(reason=done.stderr.strip().partition("\n")[0])
