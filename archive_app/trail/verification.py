"""Verifying the log: everything is computed again from the event rows, and compared with leaves, tiles and checkpoints.

It trusts no column: a row that cannot even be read is an altered row, named like any other.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventDetail, EventSubject, PendingEvent
from archive_app.proof.checkpoint import Checkpoint
from archive_app.proof.errors import ProofError
from archive_app.proof.leaf import leaf_hash
from archive_app.proof.merkle import HASH_BYTES
from archive_app.proof.tiles import TILE_WIDTH
from archive_app.trail.errors import CheckpointFileError
from archive_app.trail.findings import Finding, Kind, found
from archive_app.trail.models import LogCheckpoint, LogLeaf
from archive_app.trail.published import read_published
from archive_app.trail.replay import Replay
from archive_app.trail.sequencing import EVENT_COLUMNS, event_leaf, read_subjects

Progress = Callable[[int, int], None]
"""Told, now and then, how many of how many entries were checked."""

_AnyRow = Row[*tuple[Any, ...]]
_AnySelect = Select[*tuple[Any, ...]]
_BATCH = 8 * TILE_WIDTH
_UNREADABLE = (TypeError, ValueError, AttributeError)


def verify_log(archive: Archive, progress: Progress | None = None) -> list[Finding]:
    """Everything that is wrong with the log; an empty list means that it is whole."""
    return list(find_problems(archive, progress))


def find_problems(archive: Archive, progress: Progress | None = None) -> Iterator[Finding]:
    """The findings of `verify_log` one by one, in constant memory, from one consistent view of the database."""
    # The file first: the sequencer may go on meanwhile, which makes the database longer and never shorter.
    try:
        published = read_published(archive)
    except CheckpointFileError:
        published = None
        yield found(Kind.FILE_INVALID)
    with archive.reading(Actor.system("verifier")) as uow:
        _freeze(uow.session)
        if published is None:
            yield from _check_file(archive, uow.session)
        yield from _check_entries(archive, uow.session, published, progress or (lambda _done, _total: None))
        yield from _check_waiting(uow.session)
        yield from _find_strays(uow.session)


def _freeze(session: Session) -> None:
    # SQLite's readers see one snapshot anyway; PostgreSQL's do when they ask for it.
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _check_file(archive: Archive, session: Session) -> Iterator[Finding]:
    size = session.scalar(select(func.max(LogCheckpoint.size)))
    try:
        # Asked again: the very first checkpoint may have been published since.
        missing = size is not None and read_published(archive) is None
    except CheckpointFileError:
        return
    if missing and size is not None:
        yield found(Kind.FILE_MISSING, size=size)


def _check_entries(
    archive: Archive, session: Session, published: Checkpoint | None, progress: Progress
) -> Iterator[Finding]:
    replay = Replay(archive, session, published)
    total = session.scalar(select(func.count()).select_from(LogLeaf)) or 0
    done = 0
    for positions in _keys(session, LogLeaf.position):
        columns = (LogLeaf.position, LogLeaf.event_id, LogLeaf.leaf_hash)
        leaves = {row.position: row for row in _readable(session, select(*columns), LogLeaf.position, positions)}
        yield from _check_batch(session, replay, positions, leaves)
        done += len(positions)
        progress(done, total)
    replay.finish()
    yield from _take(replay)


def _check_batch(
    session: Session, replay: Replay, positions: Sequence[int], leaves: Mapping[int, _AnyRow]
) -> Iterator[Finding]:
    ids = [row.event_id for row in leaves.values()]
    events, subjects = _read_events(session, ids), read_subjects(session, ids)
    known = set(session.scalars(select(Event.id).where(Event.id.in_(ids)))) if len(events) < len(ids) else set(events)
    hashes: list[bytes] = []
    for position in positions:
        if position != replay.size + len(hashes):
            replay.extend(hashes)
            hashes = []
            replay.fill(position)
        leaf = leaves.get(position)
        event = events.get(leaf.event_id) if leaf else None
        computed = _leaf_hash(event, subjects) if event else None
        stored = replay.stored_hash(position)
        yield from _check_leaf(position, leaf, computed, stored, known)
        yield from _check_detail(event)
        if position >= 0 and not replay.torn:
            hashes.append(_trusted(leaf, computed, stored))
    replay.extend(hashes)
    yield from _take(replay)


def _check_leaf(
    position: int, leaf: _AnyRow | None, computed: bytes | None, stored: bytes | None, known: set[str]
) -> Iterator[Finding]:
    if leaf is None:
        yield found(Kind.LEAF_ALTERED, position=position, event="?")
        return
    where = {"position": position, "event": leaf.event_id}
    # A leaf row that alone disagrees was altered itself; then the event is innocent.
    leaf_altered = position < 0 or (stored is not None and leaf.leaf_hash != stored)
    if leaf_altered:
        yield Finding(Kind.LEAF_ALTERED, where)
    if leaf.event_id not in known:
        yield Finding(Kind.EVENT_MISSING, where)
    elif computed != leaf.leaf_hash and not (leaf_altered and computed == stored):
        yield Finding(Kind.EVENT_ALTERED, where)


def _trusted(leaf: _AnyRow | None, computed: bytes | None, stored: bytes | None) -> bytes:
    """The hash with which the tree goes on, so that one altered row is one finding and not a thousand."""
    if leaf is not None and len(leaf.leaf_hash) == HASH_BYTES and (computed is None or computed != stored):
        return bytes(leaf.leaf_hash)
    return computed or stored or bytes(HASH_BYTES)


def _check_detail(event: _AnyRow | None) -> Iterator[Finding]:
    if event is None:
        return
    if event.detail is None:
        yield found(Kind.DETAIL_MISSING, event=event.id)
        return
    try:
        # The stored text is the canonical form that the digest was made of: any other spelling is an alteration too.
        digest = hashlib.sha256(event.salt + event.detail.encode()).digest()
    except _UNREADABLE:
        digest = b""
    if digest != event.detail_digest:
        yield found(Kind.DETAIL_ALTERED, event=event.id)


def _check_waiting(session: Session) -> Iterator[Finding]:
    for ids in _keys(session, PendingEvent.event_id):
        events = _read_events(session, ids)
        for event in events.values():
            yield from _check_detail(event)
    both = select(LogLeaf.position, LogLeaf.event_id).join(PendingEvent, PendingEvent.event_id == LogLeaf.event_id)
    for position, event_id in _stream(session, both):
        yield found(Kind.EVENT_TWICE, position=position, event=event_id)


def _find_strays(session: Session) -> Iterator[Finding]:
    logged = select(LogLeaf.event_id).where(LogLeaf.event_id == Event.id).exists()
    waiting = select(PendingEvent.event_id).where(PendingEvent.event_id == Event.id).exists()
    for (event_id,) in _stream(session, select(Event.id).where(~logged, ~waiting).order_by(Event.id)):
        yield found(Kind.EVENT_UNLOGGED, event=event_id)
    for (event_id,) in _stream(session, _without_event(select(EventDetail.event_id), EventDetail.event_id)):
        yield found(Kind.DETAIL_STRAY, event=event_id)
    for (event_id,) in _stream(session, _without_event(select(PendingEvent.event_id), PendingEvent.event_id)):
        yield found(Kind.PENDING_STRAY, event=event_id)
    subjects = select(EventSubject.event_id, EventSubject.kind)
    for event_id, kind in _stream(session, _without_event(subjects, EventSubject.event_id)):
        yield found(Kind.SUBJECT_STRAY, event=event_id, subject=kind)


def _without_event(statement: _AnySelect, column: InstrumentedAttribute[str]) -> _AnySelect:
    return statement.where(~select(Event.id).where(Event.id == column).exists())


def _read_events(session: Session, ids: Sequence[str]) -> dict[str, _AnyRow]:
    statement = select(*EVENT_COLUMNS, EventDetail.salt, EventDetail.detail)
    statement = statement.outerjoin(EventDetail, EventDetail.event_id == Event.id)
    return {row.id: row for row in _readable(session, statement, Event.id, ids)}


def _leaf_hash(event: _AnyRow, subjects: Mapping[str, Mapping[str, str]]) -> bytes | None:
    try:
        return leaf_hash(event_leaf(event, subjects.get(event.id, {})))
    except (ProofError, *_UNREADABLE):
        return None


def _keys(session: Session, column: InstrumentedAttribute[Any]) -> Iterator[Sequence[Any]]:
    """All values of a key column, in order, in batches."""
    after: Any = None
    while True:
        statement = select(column).order_by(column).limit(_BATCH)
        keys = session.scalars(statement if after is None else statement.where(column > after)).all()
        if not keys:
            return
        yield keys
        after = keys[-1]


def _readable(
    session: Session, statement: _AnySelect, column: InstrumentedAttribute[Any], keys: Sequence[Any]
) -> list[_AnyRow]:
    """The rows with these keys; one by one where a row has values of the wrong type, leaving that row out."""
    try:
        return list(session.execute(statement.where(column.in_(keys))))
    except _UNREADABLE:
        if len(keys) == 1:
            return []
    middle = len(keys) // 2
    halves = (keys[:middle], keys[middle:])
    return [row for half in halves for row in _readable(session, statement, column, half)]


def _stream(session: Session, statement: _AnySelect) -> Iterator[_AnyRow]:
    yield from session.execute(statement.execution_options(yield_per=1000))


def _take(replay: Replay) -> Iterator[Finding]:
    yield from replay.findings
    replay.findings.clear()
