"""The archive as the use cases see it: its parts, and the transactions they are changed in."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from archive_app.kernel.actor import Actor
from archive_app.kernel.clock import Clock
from archive_app.kernel.database import failures_translated
from archive_app.kernel.marks import Marker, Stamper, unmarked, unstamped
from archive_app.kernel.policy import Policy
from archive_app.kernel.unit_of_work import UnitOfWork, UnitSession
from search import IndexReader
from storage import Vault

_current: ContextVar["Archive"] = ContextVar("current_archive")
_SNAPSHOT: dict[str, dict[str, Any]] = {"sqlite": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}
_in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


@dataclass(frozen=True)
class FolderRule:
    """A folder of this machine whose files are taken into the inbox.

    `organisation` is a name or an identifier; `engagement` is the number of the one that everything in it belongs to.
    `routes` are patterns of paths below the folder by which a file finds its engagement.
    """

    name: str
    path: Path
    organisation: str
    engagement: str = ""
    routes: tuple[str, ...] = ()
    originator: str = ""
    activity: str = ""


@dataclass(frozen=True)
class RequestRules:
    """The figures of material requests: how long a link opens, how much may be brought by it, and how many working
    days before the due day the client is reminded."""

    link: timedelta = timedelta(days=30)
    longest_link: timedelta = timedelta(days=180)
    files: int = 2000
    total_bytes: int = 20 * 2**30
    files_per_minute: int = 120
    remind_days: int = 3


@dataclass(frozen=True)
class FilingRules:
    """The figures of case files: after how many items or pages the next one begins; and where the scanner for malware
    listens (a path, or host:port; nowhere where it is empty), with the time that it has for one file."""

    items: int = 100
    pages: int = 300
    scanner: str = ""
    scanner_timeout: timedelta = timedelta(seconds=120)


@dataclass(frozen=True)
class ControlledRules:
    """The figures of controlled documents: within how many working days an edition is read and acknowledged; how many
    days before its day a periodic review is asked for; after how many months somebody looks again for a new edition of
    an external document."""

    read_days: int = 5
    review_notice_days: int = 30
    watch_months: int = 6


@dataclass(frozen=True)
class DutyRules:
    """The figures of duties that come back: how many months ahead their times are planned; how many days before its day
    whoever has to do one is told; within how many working days one is done again after a change of the organisation."""

    ahead_months: int = 15
    remind_days: int = 30
    change_days: int = 20


@dataclass(frozen=True)
class MailRule:
    """The mail server that notices are handed to. `encryption` is none, starttls or tls; with one of the latter two the
    server's certificate is checked, against `certificates` where that names a file. `base_url` is what links in mails
    begin with."""

    host: str
    port: int
    encryption: str
    sender: str
    base_url: str
    user: str = ""
    password: str = field(default="", repr=False)
    certificates: str = ""
    timeout_seconds: float = 30.0


@dataclass(frozen=True)
class Rules:
    """The figures that use cases obey; they come from the settings."""

    zone: ZoneInfo
    upload_limit_bytes: int
    reading_limit_bytes: int
    reading_memory_bytes: int
    reading_seconds: int
    password_min_length: int
    session_idle: timedelta
    session_lifetime: timedelta
    link_lifetime: timedelta
    confirmation_window: timedelta = timedelta(minutes=10)
    glass_window: timedelta = timedelta(hours=4)
    interest_years: int = 3
    look_window: timedelta = timedelta(minutes=10)
    watched_folders: tuple[FolderRule, ...] = ()
    quiet_time: timedelta = timedelta(seconds=10)
    recognition_pages: int = 2000
    part_limit_bytes: int = 64 * 2**20
    parts_limit_bytes: int = 2**30
    parts_limit: int = 500
    parts_depth: int = 3
    mail: MailRule | None = None
    filing: FilingRules = FilingRules()
    requests: RequestRules = RequestRules()
    duties: DutyRules = DutyRules()
    controlled: ControlledRules = ControlledRules()


@dataclass(frozen=True)
class Archive:
    """Everything a use case may need, built once by `runtime` from the settings."""

    archive_id: str
    origin: str
    verification_key: str
    engine: Engine
    clock: Clock
    policy: Policy
    vault: Vault
    index: IndexReader
    rules: Rules
    data_directory: Path
    mark_of: Marker = unmarked
    stamp_of: Stamper = unstamped
    _write_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def today(self) -> date:
        """The date in the archive's zone."""
        return self.clock.now().astimezone(self.rules.zone).date()

    @contextmanager
    def activate(self) -> Iterator["Archive"]:
        """Makes this the archive that use cases called inside act on."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)

    @contextmanager
    def transaction(self, actor: Actor, *, eventless: bool = False) -> Iterator[UnitOfWork]:
        """One unit of work: committed at the end of the block, rolled back by any exception.

        A unit that changed something must have recorded an event. `eventless` is for the archive's own bookkeeping
        (leases, leaves, sign-in clocks), which is not an act of anybody.

        Raises: BusyError when the database stays locked, NoRoomError, DatabaseFailedError; RuntimeError inside another
        unit of work.
        """
        if _in_transaction.get():
            raise RuntimeError("a unit of work was opened inside another one")
        token = _in_transaction.set(True)
        try:
            with failures_translated(), self._one_writer(), self._session(write=True) as session, session.begin():
                uow = UnitOfWork(actor, self, session, self.clock.now(), eventless=eventless)
                yield uow
                uow.close()
        finally:
            _in_transaction.reset(token)

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[UnitOfWork]:
        """A consistent view that cannot change anything."""
        with failures_translated(), self._session(write=False) as session:
            try:
                yield UnitOfWork(actor, self, session, self.clock.now(), readonly=True)
            finally:
                # Let go first: a rollback empties the rows it still holds, and callers read them afterwards.
                session.expunge_all()
                session.rollback()

    def _session(self, *, write: bool) -> Session:
        # Both databases read from one snapshot: SQLite by itself, PostgreSQL when asked to.
        options = {"write": True} if write else _SNAPSHOT[self.engine.dialect.name]
        return UnitSession(self.engine.execution_options(**options), expire_on_commit=False)

    def _one_writer(self) -> AbstractContextManager[object]:
        # SQLite lets one writer in at a time; waiting in line here is fair, waiting inside SQLite is not.
        return self._write_lock if self.engine.dialect.name == "sqlite" else nullcontext()


def current_archive() -> Archive:
    """The archive activated for this request, job or command."""
    return _current.get()
