"""Examining a whole installation, part by part: each part is looked at even where another is broken."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from archive_app.doctor.machine import LOOKS, file_system
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import Event, PendingEvent
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.runtime import (
    ARCHIVE_BACKED_UP,
    DATABASE_FILE,
    FEATURES,
    RefusedToStartError,
    index_memory_directory,
    key_file,
    open_archive,
)
from archive_app.settings import FILE_NAME, Settings
from archive_app.web.health import probe_jobs, probe_space
from search import EngineMissing, EngineName, IndexUnavailable, choose_engine

_OPERATOR = Actor.system("doctor", via="cli")
_OTHERS = 0o077
_MEMORY_RESERVE_BYTES = 256 * 2**20
_CLOCK_TOLERANCE = timedelta(minutes=2)
_PENDING_LIMIT = timedelta(minutes=1)
_BACKUP_LIMIT = timedelta(days=2)


def examine_installation(settings: Settings, environ: Mapping[str, str]) -> Iterator[Line]:
    """Everything there is to say about the archive of `settings`, in the order in which one would repair it."""
    yield from _look(N_("Settings"), lambda: _settings(settings, environ))
    yield from _look(N_("Data directory"), lambda: _data_directory(settings))
    yield from _look(N_("Database"), lambda: _database(settings))
    yield from _look(N_("Key file"), lambda: _key_leftovers(settings.key_directory))
    for title, look in LOOKS.items():
        yield from _look(title, look)
    try:
        archive = open_archive(settings)
    except RefusedToStartError as error:
        yield Line(N_("Archive"), State.BAD, error.message, error.params)
        return
    try:
        with archive.activate():
            yield from _opened(settings, archive)
    finally:
        archive.engine.dispose()


def worker_runs(settings: Settings) -> bool:
    """Whether a worker of this archive runs on this machine: it holds the lock of the sealed index."""
    try:
        lock = os.open(settings.data_directory / "index" / "writer.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def _opened(settings: Settings, archive: Archive) -> Iterator[Line]:
    running = worker_runs(settings)
    yield from _look(N_("Key file"), lambda: _key_file(settings, archive))
    yield from _look(N_("Search index"), lambda: _index(settings, archive))
    yield from _look(N_("Search engine"), lambda: _engine(settings))
    text = N_("running") if running else N_("not running; nothing is read, indexed or sequenced until it is")
    yield Line(N_("Worker"), State.GOOD if running else State.WATCH, text)
    probes = (_clock, lambda uow: _pending(uow, running=running), _last_backup, probe_jobs, probe_space)
    for probe in (*probes, *(probe for feature in FEATURES for probe in feature.probes)):
        yield from _look(N_("Health"), lambda probe=probe: _asked(archive, probe))  # type: ignore[misc]  # bound now


def _look(title: str, part: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """One part's lines; where looking itself fails, that is the finding."""
    try:
        yield from list(part())
    except Exception as error:  # noqa: BLE001  # whatever is broken is to be said, and the other parts still looked at
        reason = error.text("en") if isinstance(error, ArchiveError) else f"{type(error).__name__}: {error}"
        yield Line(title, State.BAD, N_("could not be examined: %(reason)s"), {"reason": reason})


def _asked(archive: Archive, probe: Callable[[UnitOfWork], Iterable[Line]]) -> list[Line]:
    with archive.reading(_OPERATOR) as uow:
        return list(probe(uow))


def _settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Line]:
    own = environ.get("LANTAI_CONFIG") or str(settings.data_directory / FILE_NAME)
    names = ", ".join(sorted(name for name in environ if name.startswith("LANTAI_"))) or "-"
    if Path(own).exists():
        yield Line(
            N_("Settings"), State.GOOD, N_("defaults, then %(file)s, then %(names)s"), {"file": own, "names": names}
        )
    else:
        yield Line(N_("Settings"), State.GOOD, N_("defaults, then %(names)s"), {"names": names})


def _data_directory(settings: Settings) -> Iterator[Line]:
    place = settings.data_directory
    if not place.is_dir():
        yield Line(N_("Data directory"), State.BAD, N_("%(place)s is not there. Run `lantai init`."), {"place": place})
        return
    mode = place.stat().st_mode & 0o777
    state = State.BAD if mode & _OTHERS else State.GOOD
    yield Line(
        N_("Data directory"),
        state,
        N_("%(place)s, mode %(mode)s (700 is right)"),
        {"place": place, "mode": f"{mode:o}"},
    )


def _database(settings: Settings) -> Iterator[Line]:
    if settings.database.url:
        yield Line(N_("Database"), State.GOOD, N_("PostgreSQL"))
        return
    path = settings.data_directory / DATABASE_FILE
    if not path.exists():
        yield Line(N_("Database"), State.BAD, N_("%(place)s is not there. Run `lantai init`."), {"place": path})
        return
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=10)) as connection:
        answers = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    params = {"version": sqlite3.sqlite_version, "journal": journal, "answers": "; ".join(answers)}
    if answers != ["ok"]:
        yield Line(N_("Database"), State.BAD, N_("SQLite finds damage: %(answers)s. Restore a backup."), params)
    else:
        state = State.GOOD if journal == "wal" else State.WATCH
        yield Line(N_("Database"), state, N_("SQLite %(version)s, quick check ok, journal %(journal)s"), params)


def _key_file(settings: Settings, archive: Archive) -> Iterator[Line]:
    path = key_file(settings, archive.archive_id)
    mode = path.stat().st_mode & 0o777
    params = {"path": path, "mode": f"{mode:o}"}
    yield Line(N_("Key file"), State.BAD if mode & _OTHERS else State.GOOD, N_("%(path)s, mode %(mode)s"), params)


def _key_leftovers(folder: Path) -> Iterator[Line]:
    """Key files that were being written when the power failed: `.<name>.<hexadecimal digits>` beside the real ones."""
    text = N_(
        "%(path)s was left by a change of keys that was cut off. Nothing needs it, and it holds keys, also ones that "
        "are destroyed later. Delete it."
    )
    if not folder.is_dir():
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Whoever changes a key file holds this lock; what is there without it is nobody's any more.
        fcntl.flock(lock, fcntl.LOCK_SH)
        left = sorted(folder.glob(".*.keys.*"))
    finally:
        os.close(lock)
    for path in left:
        yield Line(N_("Key file"), State.BAD, text, {"path": path})


def _index(settings: Settings, archive: Archive) -> Iterator[Line]:
    sealed = settings.data_directory / "index"
    size_bytes = sum(path.stat().st_size for path in sealed.iterdir()) if sealed.is_dir() else 0
    free_bytes = shutil.disk_usage(settings.search.memory_directory).free
    params = {"size": size_bytes >> 20, "free": free_bytes >> 20, "count": _count(archive)}
    if settings.search.residence == "disk":
        text = N_("%(count)s versions; readable files on disk: the volume must be encrypted by you")
        yield Line(N_("Search index"), State.WATCH, text, params)
        return
    # A rebuild needs room for the old and the new one at once.
    tight = free_bytes < size_bytes + _MEMORY_RESERVE_BYTES
    text = N_("%(count)s versions in memory, sealed %(size)s MiB, free memory %(free)s MiB")
    yield Line(N_("Search index"), State.BAD if tight else State.GOOD, text, params)
    place = index_memory_directory(settings, archive.archive_id)
    if file_system(place) not in {"tmpfs", "ramfs"}:
        text = N_("%(place)s is not memory-backed: readable words reach a disk")
        yield Line(N_("Search index"), State.WATCH, text, {"place": place})


def _engine(settings: Settings) -> Iterator[Line]:
    wanted = settings.search.engine
    try:
        name = choose_engine(wanted)
    except EngineMissing:
        text = N_("%(engine)s is not installed: install it, or name another in search.engine")
        yield Line(N_("Search engine"), State.BAD, text, {"engine": wanted})
        return
    if name is EngineName.WHOOSH and wanted == "auto":
        text = N_("%(engine)s, which is slow: tantivy is not installed")
        yield Line(N_("Search engine"), State.WATCH, text, {"engine": name})
    else:
        yield Line(N_("Search engine"), State.GOOD, N_("in use: %(engine)s"), {"engine": name})


def _count(archive: Archive) -> str:
    try:
        return str(archive.index.count)
    except IndexUnavailable:
        return "-"


def _clock(uow: UnitOfWork) -> Iterator[Line]:
    last = uow.session.scalar(select(func.max(Event.occurred_at)))
    now = uow.now
    params = {"now": now.isoformat(timespec="seconds"), "last": last.isoformat(timespec="seconds") if last else "-"}
    if last is not None and last > now + _CLOCK_TOLERANCE:
        yield Line(
            N_("Clock"), State.BAD, N_("it is %(now)s, but the last event is of %(last)s: set the clock"), params
        )
    else:
        yield Line(N_("Clock"), State.GOOD, N_("%(now)s UTC"), params)


def _pending(uow: UnitOfWork, *, running: bool) -> Iterator[Line]:
    count = uow.session.scalar(select(func.count()).select_from(PendingEvent)) or 0
    waiting = select(Event.occurred_at).join(PendingEvent, PendingEvent.event_id == Event.id)
    oldest = uow.session.scalar(waiting.order_by(Event.id).limit(1))
    age = timedelta() if oldest is None else uow.now - oldest
    late = State.BAD if running else State.WATCH
    params = {"count": count, "seconds": int(age.total_seconds())}
    text = N_("%(count)s events wait for their place, the oldest for %(seconds)s s")
    yield Line(N_("Audit log"), late if age > _PENDING_LIMIT else State.GOOD, text, params)


def _last_backup(uow: UnitOfWork) -> Iterator[Line]:
    last = uow.session.scalar(select(func.max(Event.occurred_at)).where(Event.code == ARCHIVE_BACKED_UP.code))
    if last is None:
        yield Line(N_("Backup"), State.WATCH, N_("there is none; run `lantai backup FOLDER` every day"))
        return
    state = State.WATCH if uow.now - last > _BACKUP_LIMIT else State.GOOD
    yield Line(N_("Backup"), state, N_("the last one is of %(last)s"), {"last": last.isoformat(timespec="minutes")})
