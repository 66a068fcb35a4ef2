"""The composition root: the one list of features, and the one place where an archive is put together."""

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, column, inspect, select, table
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

import archive_app.casework.feature
import archive_app.documents.feature
import archive_app.engagements.feature
import archive_app.filing.feature
import archive_app.identity.feature
import archive_app.intake.feature
import archive_app.management.feature
import archive_app.supervision.feature
import archive_app.trail.feature
import archive_app.worklist.feature
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import (
    Archive,
    ControlledRules,
    DutyRules,
    FilingRules,
    FolderRule,
    MailRule,
    RequestRules,
    Rules,
)
from archive_app.kernel.clock import Clock, SystemClock
from archive_app.kernel.database import open_engine, sqlite_url
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Feature
from archive_app.kernel.identity_row import ArchiveIdentity, read_identity
from archive_app.kernel.ids import new_id
from archive_app.kernel.language import N_
from archive_app.kernel.marks import unmarked, unstamped
from archive_app.kernel.policy import Policy
from archive_app.proof.note import NoteSigner
from archive_app.settings import CONFIG, FolderSettings, Settings
from search import EngineMissing, EngineName, Synonyms, choose_engine, open_reader
from storage import BlobBackend, FileKeyRing, KeyFileError, KeyRing, PosixBackend, StorageError, Vault

FEATURES: tuple[Feature, ...] = (
    archive_app.worklist.feature.FEATURE,
    archive_app.engagements.feature.FEATURE,
    archive_app.casework.feature.FEATURE,
    archive_app.intake.feature.FEATURE,
    archive_app.documents.feature.FEATURE,
    archive_app.filing.feature.FEATURE,
    archive_app.management.feature.FEATURE,
    archive_app.supervision.feature.FEATURE,
    archive_app.trail.feature.FEATURE,
    archive_app.identity.feature.FEATURE,
)
ARCHIVE_MADE = event_type("archive.made", N_("Archive made"))
ARCHIVE_BACKED_UP = event_type("archive.backed_up", N_("Archive backed up"))
ARCHIVE_RESTORED = event_type("archive.restored", N_("Archive restored from a backup"))
DATABASE_FILE = "archive.db"
SCHEMA_REVISION = "0018"
"""The newest migration: what this program's tables need."""
_SCHEMA_TABLE = table("alembic_version", column("version_num"))


class RefusedToStartError(ArchiveError):
    """The archive's parts do not fit together; the message says which and what to do. Nothing was changed."""

    code = "refused_to_start"
    message = N_("The parts of the archive do not fit together. Nothing was changed.")

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(**params)
        self.message = message


@dataclass(frozen=True)
class Parts:
    """What may be exchanged when an archive is put together; tests pass fakes through here."""

    clock: Clock
    backend: Callable[[Settings], BlobBackend]

    @classmethod
    def usual(cls) -> "Parts":
        """The parts of a real archive."""
        return cls(SystemClock(), lambda settings: PosixBackend(settings.data_directory / "blobs"))


def database_url(settings: Settings) -> str:
    """Where the database is."""
    return settings.database.url or sqlite_url(settings.data_directory / DATABASE_FILE)


def key_file(settings: Settings, archive_id: str) -> Path:
    """Where the keys of the archive are: outside the data directory, one file per archive."""
    return settings.key_directory / f"{archive_id}.keys"


def index_memory_directory(settings: Settings, archive_id: str) -> Path:
    """Where the readable index lives: memory-backed unless configured otherwise. Two data directories that hold the
    same archive (a restored copy beside its original) never share it."""
    place = hashlib.sha256(str(settings.data_directory).encode()).hexdigest()[:8]
    if settings.search.residence == "disk":
        return settings.data_directory / "index-readable"
    return Path(settings.search.memory_directory) / f"lantai-{archive_id}-{place}"


def search_engine(settings: Settings) -> EngineName:
    """The engine that the settings choose. Raises: RefusedToStartError when it is not installed."""
    try:
        return choose_engine(settings.search.engine)
    except EngineMissing as error:
        raise RefusedToStartError(
            N_(
                "The search engine that search.engine names (%(engine)s) is not installed. Nothing was changed. "
                "Install it, or name another."
            ),
            engine=settings.search.engine,
        ) from error


def read_synonyms() -> Synonyms:
    """The names that mean the same, of `config/synonyms.toml`."""
    groups = tomllib.loads((CONFIG / "synonyms.toml").read_text(encoding="utf-8"))["groups"]
    return Synonyms(tuple(map(tuple, groups)))


def create_archive(settings: Settings, parts: Parts | None = None) -> bool:
    """Makes the archive, or brings an existing one's database up to date; says whether it was made.

    Safe to repeat after a crash at any point. Raises: RefusedToStartError.
    """
    parts = parts or Parts.usual()
    with _failures_named(settings):
        settings.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = open_engine(database_url(settings))
        try:
            return _make(settings, engine, parts)
        finally:
            engine.dispose()


def open_archive(settings: Settings, parts: Parts | None = None) -> Archive:
    """Puts the existing archive together. Raises: RefusedToStartError when a part is missing, fails or does not fit."""
    with _failures_named(settings):
        if not settings.database.url and not (settings.data_directory / DATABASE_FILE).exists():
            raise RefusedToStartError(
                N_("%(place)s holds no archive. Run `lantai init` first."), place=settings.data_directory
            )
        engine = open_engine(database_url(settings))
        try:
            return _put_together(settings, engine, parts or Parts.usual())
        except BaseException:
            engine.dispose()
            raise


def migrate(engine: Engine) -> None:
    """Brings the database to the newest schema."""
    # Loaded here: it would be a fifth of every start, and most starts have nothing to migrate.
    from alembic import command

    from archive_app.migrations import configuration

    if is_current(engine):
        return
    with engine.connect() as connection:
        command.upgrade(configuration(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has exactly the schema of this program."""
    if not inspect(engine).has_table(_SCHEMA_TABLE.name):
        return False
    with engine.connect() as connection:
        return connection.execute(select(_SCHEMA_TABLE.c.version_num)).scalars().all() == [SCHEMA_REVISION]


@contextmanager
def _failures_named(settings: Settings) -> Iterator[None]:
    """Turns a disk, a database or a store that fails at the start into words for the operator.

    Raises: RefusedToStartError.
    """
    try:
        yield
    except (DatabaseError, StorageError, OSError) as error:
        # The driver's own words: SQLAlchemy's would add the statement, PostgreSQL's second line a hint for programmers.
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise RefusedToStartError(
            N_(
                "The archive in %(place)s cannot be opened: %(reason)s. What was filed is as it was. "
                "Remove the cause and start again."
            ),
            place=settings.data_directory,
            reason=reason,
        ) from error


def _make(settings: Settings, engine: Engine, parts: Parts) -> bool:
    migrate(engine)
    with Session(engine) as session:
        if read_identity(session) is not None:
            return False
    if next(iter(parts.backend(settings).entries()), None) is not None:
        raise RefusedToStartError(
            N_(
                "%(place)s holds blobs but its database holds no archive. Nothing was changed. "
                "Restore the database, or choose an empty data directory."
            ),
            place=settings.data_directory,
        )
    _write_identity(settings, engine, parts)
    return True


def _put_together(settings: Settings, engine: Engine, parts: Parts) -> Archive:
    if not is_current(engine):
        raise RefusedToStartError(
            N_("The database is of another version of Lantai. Run `lantai init` to bring it up to date.")
        )
    with Session(engine) as session:
        identity = read_identity(session)
    if identity is None:
        raise RefusedToStartError(N_("The database holds no archive. Run `lantai init` first."))
    policy = Policy(parts.clock.now)
    for feature in reversed(FEATURES):
        feature.policy(policy)
    policy.complete()
    keys = _open_keys(settings, identity)
    return Archive(
        archive_id=identity.archive_id,
        origin=identity.origin,
        verification_key=identity.verification_key,
        engine=engine,
        clock=parts.clock,
        policy=policy,
        vault=Vault(parts.backend(settings), keys, archive_id=identity.archive_id, sm3=settings.archive.sm3),
        index=open_reader(index_memory_directory(settings, identity.archive_id), synonyms=read_synonyms()),
        rules=_rules(settings),
        data_directory=settings.data_directory,
        mark_of=next((feature.marker for feature in FEATURES if feature.marker is not None), unmarked),
        stamp_of=next((feature.stamper for feature in FEATURES if feature.stamper is not None), unstamped),
    )


def _write_identity(settings: Settings, engine: Engine, parts: Parts) -> None:
    # The key file comes first: a crash between the two leaves keys without an archive, never an archive without keys.
    now = parts.clock.now()
    archive_id = new_id(now)
    ring = FileKeyRing.create(key_file(settings, archive_id), archive_id)
    origin = f"lantai/{archive_id}"
    with Session(engine.execution_options(write=True)) as session, session.begin():
        session.add(
            ArchiveIdentity(
                single=1,
                archive_id=archive_id,
                origin=origin,
                verification_key=log_signer(ring, origin).verifier_key.encode(),
                created_at=now,
            )
        )
    archive = open_archive(settings, parts)
    try:
        with archive.transaction(Actor.system("init", via="cli")) as uow:
            uow.record(ARCHIVE_MADE, {"archive": archive_id}, origin=origin)
    finally:
        archive.engine.dispose()


def log_signer(ring: KeyRing, origin: str) -> NoteSigner:
    """The key that signs the log's checkpoints."""
    return NoteSigner(origin, Ed25519PrivateKey.from_private_bytes(ring.secret("log-signing")))


def _open_keys(settings: Settings, identity: ArchiveIdentity) -> KeyRing:
    path = key_file(settings, identity.archive_id)
    if not path.exists():
        raise RefusedToStartError(
            N_(
                "The archive %(archive)s is here, its key file %(place)s is not. Nothing was changed and no new key "
                "was made. Put the key file back, or import the exported copy with `lantai keys import`."
            ),
            archive=identity.archive_id,
            place=path,
        )
    try:
        return FileKeyRing.open(path)
    except KeyFileError as error:
        raise RefusedToStartError(
            N_("The key file %(place)s cannot be used: %(reason)s. Nothing was changed. Mend it, or put a copy back."),
            place=path,
            reason=error,
        ) from error


def _folder_rule(folder: FolderSettings) -> FolderRule:
    return FolderRule(
        name=folder.name,
        path=Path(folder.path).expanduser(),
        organisation=folder.organisation,
        engagement=folder.engagement,
        routes=folder.routes,
        originator=folder.originator,
        activity=folder.activity,
    )


def _mail_rule(settings: Settings) -> MailRule | None:
    mail = settings.mail
    if not mail.host:
        return None
    return MailRule(
        host=mail.host,
        port=mail.port,
        encryption=mail.encryption,
        sender=mail.sender,
        base_url=settings.base_url,
        user=mail.user,
        password=mail.secret(),
        certificates=mail.certificates,
        timeout_seconds=mail.timeout_seconds,
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        zone=ZoneInfo(settings.archive.zone),
        upload_limit_bytes=settings.uploads.limit_bytes,
        reading_limit_bytes=settings.reading.limit_bytes,
        reading_memory_bytes=settings.reading.memory_bytes,
        reading_seconds=settings.reading.seconds,
        password_min_length=settings.passwords.min_length,
        session_idle=timedelta(minutes=settings.sessions.idle_minutes),
        session_lifetime=timedelta(hours=settings.sessions.lifetime_hours),
        link_lifetime=timedelta(hours=settings.sessions.link_hours),
        confirmation_window=timedelta(minutes=settings.sessions.confirmation_minutes),
        glass_window=timedelta(hours=settings.access.broken_glass_hours),
        interest_years=settings.access.interest_years,
        watched_folders=tuple(_folder_rule(folder) for folder in settings.intake.watched_folders()),
        quiet_time=timedelta(seconds=settings.intake.quiet_seconds),
        recognition_pages=settings.reading.recognition_pages,
        part_limit_bytes=settings.reading.part_bytes,
        parts_limit_bytes=settings.reading.parts_bytes,
        parts_limit=settings.reading.parts,
        parts_depth=settings.reading.parts_depth,
        mail=_mail_rule(settings),
        filing=FilingRules(
            items=settings.filing.items,
            pages=settings.filing.pages,
            scanner=settings.malware.socket,
            scanner_timeout=timedelta(seconds=settings.malware.timeout_seconds),
        ),
        controlled=ControlledRules(
            read_days=settings.controlled.read_days,
            review_notice_days=settings.controlled.review_notice_days,
            watch_months=settings.controlled.watch_months,
        ),
        duties=DutyRules(
            ahead_months=settings.duties.ahead_months,
            remind_days=settings.duties.remind_days,
            change_days=settings.duties.change_days,
        ),
        requests=RequestRules(
            link=timedelta(days=settings.requests.link_days),
            longest_link=timedelta(days=settings.requests.longest_link_days),
            files=settings.requests.files,
            total_bytes=settings.requests.total_bytes,
            files_per_minute=settings.requests.files_per_minute,
            remind_days=settings.requests.remind_days,
        ),
    )
