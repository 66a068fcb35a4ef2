"""The sequencer: gives every committed event its one place in the tree.

It takes what stands in `event_pending`, never "what is newer than the last": a transaction that began earlier may
commit later. Leaves, removal from pending, tiles and checkpoint are one transaction: a crash leaves all or nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, delete, insert, select, text
from sqlalchemy.orm import Session

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventSubject, PendingEvent
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.proof.leaf import leaf_bytes, leaf_hash
from archive_app.proof.tiles import grow
from archive_app.trail.checkpoints import add_checkpoint, require_intact
from archive_app.trail.errors import LogBrokenError
from archive_app.trail.models import LogLeaf
from archive_app.trail.published import publish, read_published
from archive_app.trail.tree import store_tiles, tile_loader

BATCH = 2_000
"""Events per transaction: large enough to be fast, small enough that other writers hardly wait."""

# Any number will do, as long as every sequencer of the database takes the same.
_POSTGRESQL_LOCK = 0x6C616E746169
_SEQUENCER = Actor.system("sequencer")
EventRow = Row[str, str, datetime, str, str, bytes]
EVENT_COLUMNS = (Event.id, Event.code, Event.occurred_at, Event.actor, Event.via, Event.detail_digest)


def sequence(archive: Archive, *, limit: int = BATCH) -> int:
    """Puts the waiting events into the log in batches of `limit`, each with a checkpoint signed and published.

    Returns how many it placed, after the first batch that was not full. Safe to call from several threads, processes
    and machines at once: they take turns.

    Raises: LogWentBackError, LogBrokenError, CheckpointFileError, LogKeyError; then nothing was placed or signed.
    """
    placed = 0
    while True:
        count = _place_batch(archive, limit) if _anything_waits(archive) else 0
        # Also without a batch: a crash between commit and publication is made good here.
        publish(archive)
        placed += count
        if count < limit:
            return placed


def _anything_waits(archive: Archive) -> bool:
    with archive.reading(_SEQUENCER) as uow:
        return uow.session.scalar(select(PendingEvent.event_id).limit(1)) is not None


def _place_batch(archive: Archive, limit: int) -> int:
    with archive.transaction(_SEQUENCER, eventless=True) as uow:
        _wait_for_turn(uow.session)
        size = require_intact(uow, read_published(archive))
        events = _waiting_events(uow.session, limit)
        if events:
            _append(uow, size, events)
        return len(events)


def _wait_for_turn(session: Session) -> None:
    # On SQLite the transaction itself is the lock: it began IMMEDIATE.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})


def _waiting_events(session: Session, limit: int) -> list[EventRow]:
    # Identifiers begin with the time, so their order finds the oldest without sorting a long queue.
    waiting = session.scalars(select(PendingEvent.event_id).order_by(PendingEvent.event_id).limit(limit)).all()
    rows = session.execute(select(*EVENT_COLUMNS).where(Event.id.in_(waiting))).all()
    if len(rows) != len(waiting):
        raise LogBrokenError(reason="an event disappeared before it was placed")
    return sorted(rows, key=lambda row: (row.occurred_at, row.id))


def _append(uow: UnitOfWork, size: int, events: Sequence[EventRow]) -> None:
    session, ids = uow.session, [row.id for row in events]
    hashes = list(leaf_hashes(events, read_subjects(session, ids)))
    leaves = [
        {"position": size + place, "event_id": event_id, "leaf_hash": digest}
        for place, (event_id, digest) in enumerate(zip(ids, hashes, strict=True))
    ]
    session.execute(insert(LogLeaf), leaves)
    session.execute(delete(PendingEvent).where(PendingEvent.event_id.in_(ids)))
    store_tiles(session, grow(size, hashes, tile_loader(session)))
    add_checkpoint(uow, size + len(hashes))


def read_subjects(session: Session, event_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The subjects of these events, by event and kind; events without subjects are left out."""
    columns = (EventSubject.event_id, EventSubject.kind, EventSubject.subject_id)
    subjects: dict[str, dict[str, str]] = {}
    for event_id, kind, subject_id in session.execute(select(*columns).where(EventSubject.event_id.in_(event_ids))):
        subjects.setdefault(event_id, {})[kind] = subject_id
    return subjects


def leaf_hashes(events: Sequence[EventRow], subjects: Mapping[str, Mapping[str, str]]) -> Iterator[bytes]:
    """The leaf hash of each event row (`EVENT_COLUMNS`), computed from nothing but the rows."""
    for row in events:
        yield leaf_hash(event_leaf(row, subjects.get(row.id, {})))


def event_leaf(row: EventRow, subjects: Mapping[str, str]) -> bytes:
    """The leaf of one event row with its subjects."""
    return leaf_bytes(
        event_id=row.id,
        code=row.code,
        occurred_at=row.occurred_at,
        actor=row.actor,
        via=row.via,
        subjects=subjects,
        detail_digest=row.detail_digest,
    )
