"""Filing: one large file as a whole command, and many small files, beside the loops that do the bare minimum."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from archive_app.documents.importing import Origin, import_paths
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.database import open_engine, sqlite_url
from tests.bench.bench_vault import bare_put, fill
from tests.bench.figures import MEGABYTE, Figure, Scale, alternate, at_least
from tests.bench.installation import Installation, installation
from tests.factories import People, engagement_of

_LARGE_GOAL = 0.6
_ROUNDS = 3
_SMALL_FILE_BYTES = 20_000
_OPERATOR = Actor.system("operator", via="cli")


def measure_large(scale: Scale) -> Iterator[Figure]:
    """A file of 1 GiB by `lantai import`, start of the process included, and by the use case alone."""
    size = scale.choose(2**30, 2**27)
    source, target = scale.directory / "source.bin", scale.directory / "bare.bin"
    fill(source, size)
    with installation(scale.directory / "archive") as place:
        # An engagement for each round: content that it already has would be refused as a duplicate.
        engagements = engagements_in(place, 2 * _ROUNDS)
        seconds = alternate(
            _ROUNDS,
            {
                "bare": lambda _number: _bare(source, target),
                "command": lambda n: place.command("import", str(source), "--engagement", engagements[2 * n]),
                "use case": lambda n: _import(place, source, engagements[2 * n + 1]),
            },
        )
    rates = {name: size / value / MEGABYTE for name, value in seconds.items()}
    against = "read, SHA-256, GCM, write, fsync"
    command = Figure("import of a large file, whole command", rates["command"], "MB/s", against, rates["bare"])
    yield at_least(_LARGE_GOAL, command)
    yield Figure("import of a large file, use case alone", rates["use case"], "MB/s", against, rates["bare"])


def measure_small(scale: Scale) -> Iterator[Figure]:
    """Files of 20 KB by `lantai import`, each filed by itself: its blob durable, its transaction, its event."""
    count = scale.choose(2_000, 100)
    sources = [_folder(scale.directory / f"small-{number}", count) for number in range(_ROUNDS)]
    loops = scale.directory / "loops"
    loops.mkdir()
    with installation(scale.directory / "archive") as place, add_rows(loops) as add_row:
        engagements = engagements_in(place, _ROUNDS)
        seconds = alternate(
            _ROUNDS,
            {
                "command": lambda n: place.command("import", str(sources[n]), "--engagement", engagements[n]),
                "rows": lambda n: _for_each(sources[n], lambda path: add_row(path.name)),
                "files": lambda n: _for_each(sources[n], lambda path: _write_durably(loops, path.read_bytes())),
            },
        )
    rates = {name: count / value for name, value in seconds.items()}
    words = "import of small files, whole command"
    yield Figure(words, rates["command"], "files/s", "an ORM commit for each", rates["rows"])
    yield Figure(words, rates["command"], "files/s", "fsync, rename, fsync of the folder", rates["files"])


def _bare(source: Path, target: Path) -> None:
    bare_put(source, target, os.urandom(32))
    target.unlink()


def _import(place: Installation, source: Path, engagement_id: str) -> None:
    with place.opened():
        for imported in import_paths(_OPERATOR, paths=[str(source)], origin=Origin(engagement_id)):
            if imported.error is not None:
                raise imported.error


def engagements_in(place: Installation, count: int) -> list[str]:
    with place.opened() as archive:
        leader = People(archive).person("team_leader")
        made: list[Engagement] = [engagement_of(leader) for _ in range(count)]
    return [engagement.id for engagement in made]


def _for_each(folder: Path, step: Callable[[Path], None]) -> None:
    for path in sorted(folder.iterdir()):
        step(path)


def _folder(directory: Path, count: int) -> Path:
    directory.mkdir()
    for number in range(count):
        (directory / f"{number:05}.bin").write_bytes(os.urandom(_SMALL_FILE_BYTES))
    return directory


class _Base(DeclarativeBase):
    pass


class _File(_Base):
    __tablename__ = "file"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str]


@contextmanager
def add_rows(directory: Path) -> Iterator[Callable[[str], None]]:
    """Adds one row in a transaction of its own, to a database with the settings of ours."""
    engine = open_engine(sqlite_url(directory / "rows.db"))
    _Base.metadata.create_all(engine)
    writing = engine.execution_options(write=True)

    def add_row(name: str) -> None:
        with Session(writing) as session, session.begin():
            session.add(_File(id=secrets.token_hex(16), name=name))

    yield add_row
    engine.dispose()


def _write_durably(directory: Path, content: bytes) -> None:
    temporary = directory / "new"
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(directory / secrets.token_hex(16))
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
