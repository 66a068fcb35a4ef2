"""Rotation of the master key: a new epoch, then every living data key wrapped again under it. Blobs stay as they are.

Old epochs stay in the key ring: older backups need them until disposal destroys them. Each batch is one transaction.
What is left to do is read from the rows themselves, so a rotation that was cut off anywhere goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, bindparam, func, select, update

from archive_app.documents.held import held_blobs
from archive_app.documents.index_key import index_key_context
from archive_app.documents.models import HeldContent, IndexKey, Version
from archive_app.kernel import wrapped_secrets
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import EventSubject, event_type
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.tables import Base
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from storage import KeyCorrupt, KeyMissing, WrappedKey

KEYS_ROTATED = event_type("keys.rotated", N_("Keys rotated"))
KEYS_EXPORTED = event_type("keys.exported", N_("Keys exported for the safe"))
BATCH = 1000
FIRST_EPOCH = 1
_EPOCH = "epoch"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class KeyState:
    """Where the keys stand. `rows_by_epoch` counts wrapped keys; `unfinished` says that a rotation was cut off."""

    current_epoch: int
    epochs: Sequence[int]
    rows_by_epoch: dict[int, int]
    unfinished: bool


@dataclass(frozen=True)
class Rotation:
    """What a rotation did. `unreadable` names keys that could not be opened and stay as they are."""

    epoch: int
    continued: bool
    rewrapped: int
    unreadable: Sequence[str]


@dataclass(frozen=True)
class _Holder:
    """A table whose rows hold the wrapped keys of blobs, and the column that names a key's owner."""

    kind: str
    table: Table
    owner: ColumnElement[str]


_VERSIONS = _Holder("version", Base.metadata.tables["version"], Base.metadata.tables["version"].c.id)
_HELD = _Holder("held", Base.metadata.tables["held_content"], Base.metadata.tables["held_content"].c.version_id)


@staged_use_case(Permission.SYSTEM)
def rotate_keys(actor: Actor, archive: Archive, *, told: Progress = lambda _done, _total: None) -> Rotation:
    """Makes a new epoch and wraps every living key under it; or finishes a rotation that was cut off.

    `told` hears, after each batch, how many of how many keys are done.
    Raises: StorageFull, StorageUnavailable when the key file cannot be written; then nothing was changed.
    """
    state = key_state(actor, archive)
    ring = archive.vault.keyring
    epoch = ring.current_epoch if state.unfinished else ring.add_epoch()
    rewrapped, unreadable = 0, list[str]()
    total = sum(count for older, count in state.rows_by_epoch.items() if older != epoch)
    for done, refused in _rewrap_all(archive, actor, epoch):
        rewrapped += done
        unreadable += refused
        told(rewrapped, total)
    with archive.transaction(actor) as uow:
        uow.record(KEYS_ROTATED, {_EPOCH: str(epoch)}, epoch=epoch, keys=rewrapped, unreadable=len(unreadable))
    return Rotation(epoch, state.unfinished, rewrapped, unreadable)


def key_state(actor: Actor, archive: Archive) -> KeyState:
    """Which epochs there are, how many keys stand under each, and whether a rotation is unfinished."""
    ring = archive.vault.keyring
    with archive.reading(actor) as uow:
        rows = _count_by_epoch(uow)
        # The event is the last step of a rotation. A filing that ran across it may leave a few keys under the epoch
        # before, which is still held, so they alone do not make it unfinished.
        recorded = select(EventSubject.event_id).where(
            EventSubject.kind == _EPOCH, EventSubject.subject_id == str(ring.current_epoch)
        )
        finished = ring.current_epoch == FIRST_EPOCH or uow.session.scalar(recorded.limit(1)) is not None
    return KeyState(ring.current_epoch, ring.epochs(), rows, unfinished=not finished)


def probe_keys(uow: UnitOfWork) -> Iterable[Line]:
    """Which epochs are in use, and whether a rotation was cut off."""
    state = key_state(uow.actor, uow.archive)
    params: dict[str, object] = {"current": state.current_epoch, "held": ", ".join(map(str, state.epochs))}
    missing = sorted(state.rows_by_epoch.keys() - set(state.epochs))
    if missing:
        params["missing"] = ", ".join(map(str, missing))
        yield Line(N_("Keys"), State.BAD, N_("keys of epochs %(missing)s are missing from the key file"), params)
    elif state.unfinished:
        text = N_("a rotation to epoch %(current)s was cut off; run `lantai keys rotate` to finish it")
        yield Line(N_("Keys"), State.WATCH, text, params)
    else:
        yield Line(N_("Keys"), State.GOOD, N_("epoch %(current)s; held: %(held)s"), params)


def find_unreadable_keys(archive: Archive, actor: Actor) -> Iterator[str]:
    """Names every wrapped key that does not open for its owner."""
    with archive.reading(actor) as uow:
        versions = select(Version.id, Version.key_epoch, Version.wrapped_key).execution_options(yield_per=1000)
        for owner, epoch, wrapped in uow.session.execute(versions):
            if _rewrapped(archive, WrappedKey(epoch, wrapped), owner) is None:
                yield f"version {owner}"
        for held in held_blobs(uow.session):
            if _rewrapped(archive, held.key, held.version_id) is None:
                yield f"held {held.id}"
        for row in uow.session.scalars(select(IndexKey)):
            if _rewrapped_index_key(archive, row) is None:
                yield f"index {row.id}"
        yield from wrapped_secrets.unreadable(uow)


def _count_by_epoch(uow: UnitOfWork) -> dict[int, int]:
    counted: dict[int, int] = {}
    for column in (Version.key_epoch, HeldContent.key_epoch, IndexKey.key_epoch):
        for epoch, count in uow.session.execute(select(column, func.count()).group_by(column)):
            counted[epoch] = counted.get(epoch, 0) + count
    for epoch, count in wrapped_secrets.count_by_epoch(uow.session).items():
        counted[epoch] = counted.get(epoch, 0) + count
    return counted


def _rewrap_all(archive: Archive, actor: Actor, epoch: int) -> Iterator[tuple[int, list[str]]]:
    """After each batch: how many keys it wrapped again, and the names of those it could not open."""
    for holder in (_VERSIONS, _HELD):
        after = ""
        while True:
            with archive.transaction(actor, eventless=True) as uow:
                ids, refused = _rewrap_rows(uow, holder, epoch, after)
            if not ids:
                break
            yield len(ids) - len(refused), refused
            after = ids[-1]
    with archive.transaction(actor, eventless=True) as uow:
        done, refused = _rewrap_index_keys(uow, epoch)
    yield done, refused
    yield from _rewrap_secrets(archive, actor, epoch)


def _rewrap_secrets(archive: Archive, actor: Actor, epoch: int) -> Iterator[tuple[int, list[str]]]:
    """The same of short secrets in rows of any room, which said where it keeps them."""
    for kept in wrapped_secrets.all_kept():
        after = ""
        while True:
            with archive.transaction(actor, eventless=True) as uow:
                rows, refused = wrapped_secrets.rewrap(uow, kept, epoch, after=after, limit=BATCH)
            if not rows:
                break
            yield len(rows) - len(refused), [f"{kept.name} {row_id}" for row_id in refused]
            after = rows[-1]


def _rewrap_rows(uow: UnitOfWork, holder: _Holder, epoch: int, after: str) -> tuple[list[str], list[str]]:
    columns, kind = holder.table.c, holder.kind
    older = select(columns.id, holder.owner, columns.key_epoch, columns.wrapped_key).where(columns.id > after)
    older = older.where(columns.key_epoch < epoch).order_by(columns.id).limit(BATCH).with_for_update()
    rows = uow.session.execute(older).all()
    changes, refused = [], []
    for row_id, owner, key_epoch, wrapped in rows:
        key = _rewrapped(uow.archive, WrappedKey(key_epoch, wrapped), owner)
        if key is None:
            refused.append(f"{kind} {row_id}")
        else:
            changes.append({"row": row_id, "epoch": key.epoch, "wrapped": key.wrapped})
    if changes:
        change = update(holder.table).where(columns.id == bindparam("row"))
        values: dict[str, object] = {"key_epoch": bindparam("epoch"), "wrapped_key": bindparam("wrapped")}
        uow.session.connection().execute(change.values(values), changes)
    return [row.id for row in rows], refused


def _rewrap_index_keys(uow: UnitOfWork, epoch: int) -> tuple[int, list[str]]:
    done, refused = 0, []
    for row in uow.session.scalars(select(IndexKey).where(IndexKey.key_epoch < epoch).with_for_update()):
        fresh = _rewrapped_index_key(uow.archive, row)
        if fresh is None:
            refused.append(f"index {row.id}")
        else:
            row.key_epoch, row.wrapped_key = fresh.epoch, fresh.wrapped
            done += 1
    return done, refused


def _rewrapped(archive: Archive, key: WrappedKey, owner: str) -> WrappedKey | None:
    try:
        return archive.vault.rewrap(key, owner)
    except (KeyCorrupt, KeyMissing):
        return None


def _rewrapped_index_key(archive: Archive, row: IndexKey) -> WrappedKey | None:
    ring, context = archive.vault.keyring, index_key_context(archive, row.id)
    try:
        return ring.wrap(ring.unwrap(WrappedKey(row.key_epoch, row.wrapped_key), context), context)
    except (KeyCorrupt, KeyMissing):
        return None
