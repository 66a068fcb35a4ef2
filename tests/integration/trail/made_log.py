"""An archive small enough for the log: real database, real keys, no vault and no index; and who tampers with it."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

import archive_app.documents.models
import archive_app.engagements.models
import archive_app.trail.feature
from archive_app.identity.models import Organisation, Person
from archive_app.identity.policy import register as register_people
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, Rules
from archive_app.kernel.database import open_engine
from archive_app.kernel.events import event_type
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy
from archive_app.kernel.tables import Base
from archive_app.proof.note import NoteSigner
from storage import MemoryKeyRing

TRIED = event_type("trial.tried", "Trial")
TRIED_TWICE = event_type("trial.tried_twice", "Second trial")
ARCHIVE_ID = "01980000-0000-7000-8000-000000000001"
ORGANISATION = "01980000-0000-7000-8000-00000000000a"
OTHER = "01980000-0000-7000-8000-00000000000b"


class SteadyClock:
    """Goes on by a millisecond at every look, so that order is certain."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


def make_archive(url: str, directory: Path) -> Archive:
    """An archive on the database at `url`, which gets fresh tables."""
    engine = open_engine(url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    ring = MemoryKeyRing(ARCHIVE_ID)
    origin = f"lantai/{ARCHIVE_ID}"
    signer = NoteSigner(origin, Ed25519PrivateKey.from_private_bytes(ring.secret("log-signing")))
    policy = Policy(SteadyClock().now)
    register_people(policy)
    archive_app.trail.feature.FEATURE.policy(policy)
    document = archive_app.documents.models.Document
    for kind in ("document", "document.words"):
        policy.subject(kind, document.id)
        policy.grant(kind, lambda actor: document.level == 0 if actor.roles else None)
    rules = Rules(ZoneInfo("Asia/Shanghai"), 1, 1, 1, 1, 12, timedelta(1), timedelta(1), timedelta(1))
    return Archive(
        archive_id=ARCHIVE_ID,
        origin=origin,
        verification_key=signer.verifier_key.encode(),
        engine=engine,
        clock=SteadyClock(),
        policy=policy,
        vault=cast("Any", SimpleNamespace(keyring=ring)),
        index=cast("Any", None),
        rules=rules,
        data_directory=directory,
    )


def on_engine(archive: Archive, engine: Engine) -> Archive:
    """The same archive as another process sees it: own connections, own locks."""
    names = [f.name for f in dataclasses.fields(archive) if f.init and f.name not in {"engine", "_write_lock"}]
    return Archive(engine=engine, **{name: getattr(archive, name) for name in names})


def person(name: str = "p1", organisation: str = ORGANISATION, *permissions: Permission) -> Actor:
    """Somebody who reads the log."""
    allowed = frozenset(permissions or (Permission.LOG_READ, Permission.LOG_VERIFY, Permission.DOCUMENTS_READ))
    return Actor(
        name=name,
        via="web",
        permissions=allowed,
        person_id=name,
        organisation_id=organisation,
        roles=frozenset({"archivist"}),
        display_name=f"张{name}",
        address="192.0.2.7",
    )


def record(archive: Archive, count: int = 1, actor: Actor | None = None, **subjects: str) -> list[str]:
    """Records events, one transaction each; returns their ids."""
    ids = []
    for number in range(count):
        with archive.transaction(actor or person()) as uow:
            ids.append(uow.record(TRIED, subjects, title=f"第 {number} 件", number=number))
    return ids


def add_people(archive: Archive) -> None:
    """The people and organisations that events of these tests come from."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.add_all(
            Organisation(id=i, name=i, kind="verification_body", runs_archive=i == ORGANISATION, created_at=uow.now)
            for i in (ORGANISATION, OTHER)
        )
        uow.session.flush()
        for name, organisation in (("p1", ORGANISATION), ("p2", ORGANISATION), ("q1", OTHER)):
            uow.session.add(
                Person(
                    id=name,
                    organisation_id=organisation,
                    login=name,
                    display_name=f"张{name}",
                    language="en",
                    active=True,
                    highest_level=3,
                    created_at=uow.now,
                )
            )


@contextmanager
def tampering(archive: Archive) -> Iterator[Any]:
    """A connection of somebody who writes into the database past the program, with every safeguard off."""
    with archive.engine.execution_options(write=True).connect() as connection:
        if archive.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection
        connection.commit()
        connection.invalidate()
