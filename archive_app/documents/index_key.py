"""The key that seals the search index at rest: random, wrapped by a master key, so that it ends with its epoch."""

import os

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents.models import IndexKey
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from storage import WrappedKey


def index_key(archive: Archive) -> bytes:
    """The key that seals the index; made when there is none."""
    ring = archive.vault.keyring
    with archive.transaction(Actor.system("indexer"), eventless=True) as uow:
        row = _newest_key(uow.session)
        if row is None:
            row_id = uow.new_id()
            wrapped = ring.wrap(os.urandom(32), index_key_context(archive, row_id))
            row = IndexKey(id=row_id, key_epoch=wrapped.epoch, wrapped_key=wrapped.wrapped, created_at=uow.now)
            uow.session.add(row)
    return ring.unwrap(WrappedKey(row.key_epoch, row.wrapped_key), index_key_context(archive, row.id))


def index_key_context(archive: Archive, row_id: str) -> bytes:
    """What the wrapped index key is bound to."""
    return f"lantai index key v1\n{archive.archive_id}\n{row_id}".encode()


def _newest_key(session: Session) -> IndexKey | None:
    return session.scalars(select(IndexKey).order_by(IndexKey.id.desc()).limit(1)).one_or_none()
