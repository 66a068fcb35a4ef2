"""Short secrets in rows, wrapped like data keys: each room that keeps some says where, so that a rotation of the master
key wraps them again and a check opens each of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_app.kernel.unit_of_work import UnitOfWork
from storage import KeyCorrupt, KeyMissing, WrappedKey

_ALL: dict[str, "WrappedSecrets"] = {}


@dataclass(frozen=True)
class WrappedSecrets:
    """Secrets of one table: `name` for people, the columns of the row's id, of the epoch and of the wrapped secret
    (both empty where there may be none, and is none), and the context that a secret is wrapped for, of the row's id."""

    name: str
    key: InstrumentedAttribute[str]
    epoch: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
    wrapped: InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None]
    context: Callable[[str], bytes]


def keep_wrapped(secrets: WrappedSecrets) -> WrappedSecrets:
    """Says that a table holds wrapped secrets; said once, where the room's steps are. Raises: ValueError."""
    if secrets.name in _ALL:
        raise ValueError(f"wrapped secrets {secrets.name} are declared twice")
    _ALL[secrets.name] = secrets
    return secrets


def count_by_epoch(session: Session) -> dict[int, int]:
    """How many secrets stand under each epoch."""
    counted: dict[int, int] = {}
    for kept in _ALL.values():
        under = select(kept.epoch, func.count()).where(kept.epoch.is_not(None)).group_by(kept.epoch)
        for epoch, count in session.execute(under):
            if epoch is not None:
                counted[epoch] = counted.get(epoch, 0) + count
    return counted


def all_kept() -> Sequence[WrappedSecrets]:
    """Every declaration, in the order of names."""
    return [_ALL[name] for name in sorted(_ALL)]


def rewrap(uow: UnitOfWork, kept: WrappedSecrets, epoch: int, *, after: str, limit: int) -> tuple[list[str], list[str]]:
    """A step: wraps again, under the current epoch, the next `limit` secrets that stand under one before `epoch`.

    Returns the ids of the rows, in order after `after`, and of those whose secret could not be opened and stays.
    """
    older = select(kept.key.class_).where(kept.key > after, kept.epoch < epoch)
    older = older.order_by(kept.key).limit(limit).with_for_update()
    seen, refused, ring = list[str](), list[str](), uow.archive.vault.keyring
    for row in uow.session.scalars(older).all():
        row_id = getattr(row, kept.key.key)
        seen.append(row_id)
        try:
            key = ring.wrap(_opened(uow, kept, row), kept.context(row_id))
        except (KeyMissing, KeyCorrupt):
            refused.append(row_id)
        else:
            setattr(row, kept.epoch.key, key.epoch)
            setattr(row, kept.wrapped.key, key.wrapped)
    return seen, refused


def unreadable(uow: UnitOfWork) -> Iterator[str]:
    """A step: names each secret that does not open."""
    for kept in all_kept():
        for row in uow.session.scalars(select(kept.key.class_).where(kept.epoch.is_not(None)).order_by(kept.key)):
            try:
                _opened(uow, kept, row)
            except (KeyMissing, KeyCorrupt):
                yield f"{kept.name} {getattr(row, kept.key.key)}"


def _opened(uow: UnitOfWork, kept: WrappedSecrets, row: object) -> bytes:
    key = WrappedKey(getattr(row, kept.epoch.key), getattr(row, kept.wrapped.key))
    return uow.archive.vault.keyring.unwrap(key, kept.context(getattr(row, kept.key.key)))
