"""Writes that a program may repeat: the answer is kept in the transaction of the change, and given again.

A key names one write of one person. Before the use case runs, the key is reserved in a unit of its own, with an owner
and a short lease. The use case's own transaction then keeps the answer under the reservation, provided that its owner
is still the same. So whatever dies between two steps leaves either a reservation that runs out and no change, or the
change together with its answer; and of two attempts that both believe to hold the key only one can commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.database import insert_for
from archive_app.kernel.errors import ArchiveError, SignInRequiredError
from archive_app.kernel.language import N_
from archive_app.kernel.tables import Base, Id
from archive_app.kernel.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=10)
RENEWED_EVERY = timedelta(seconds=3)
KEPT = timedelta(hours=48)
KEY_LENGTH = 200


class KeyReusedError(ArchiveError):
    """The key already names a different request."""

    code = "idempotency_key_reused"
    message = N_(
        "This Idempotency-Key already belongs to a different request. Nothing was changed; use a fresh key for each "
        "new write."
    )


class WriteInProgressError(ArchiveError):
    """Another connection is doing the very same write now."""

    code = "write_in_progress"
    message = N_(
        "The same request is being carried out on another connection. Nothing was done twice; repeat it in a few "
        "seconds to get its answer."
    )


class AnsweredWrite(Base):
    """A write that a program asked for under a key of its own; without `status` it is not answered yet.

    `request` is a digest of what was asked, `content_sha256` of the file that came with it.
    """

    __tablename__ = "answered_write"
    __table_args__ = (UniqueConstraint("person_id", "key"), Index(None, "expires_at"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    person_id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    request: Mapped[bytes]
    owner: Mapped[Id]
    leased_until: Mapped[datetime]
    status: Mapped[int | None]
    location: Mapped[str | None] = mapped_column(String(300))
    body: Mapped[str | None] = mapped_column(Text)
    content_sha256: Mapped[bytes | None]
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class Reservation:
    """The right to do one write, as long as its owner is not replaced."""

    id: str
    owner: str


@dataclass(frozen=True)
class KeptAnswer:
    """The answer to a write: HTTP status, address of what was made, JSON text."""

    status: int
    location: str | None
    body: str
    content_sha256: bytes | None = None


def reserve(archive: Archive, actor: Actor, key: str, request: bytes) -> Reservation | KeptAnswer:
    """Takes the key for this request, or gives the answer that the same request got before.

    Raises: KeyReusedError, WriteInProgressError.
    """
    if actor.person_id is None:
        raise SignInRequiredError
    with archive.transaction(actor, eventless=True) as uow:
        owner = uow.new_id()
        lease = {"owner": owner, "leased_until": uow.now + LEASE, "expires_at": uow.now + KEPT}
        fresh = {"id": owner, "person_id": actor.person_id, "key": key, "request": request, **lease}
        inserted = insert_for(uow.session)(AnsweredWrite).values(**fresh)
        inserted = inserted.on_conflict_do_nothing(index_elements=["person_id", "key"]).returning(AnsweredWrite.id)
        if uow.session.scalar(inserted) is not None:
            return Reservation(owner, owner)
        known = select(AnsweredWrite).where(AnsweredWrite.person_id == actor.person_id, AnsweredWrite.key == key)
        row = uow.session.scalars(known.with_for_update()).one_or_none()
        if row is None:
            # Released between the two statements by another connection.
            raise WriteInProgressError
        return _take_over(uow, row, request, lease)


def keep(uow: UnitOfWork, reservation: Reservation, answer: KeptAnswer) -> None:
    """The step that ends a write: its answer is committed if and only if the change is.

    Raises: WriteInProgressError when another attempt has taken the key over; the change is then undone.
    """
    # The change must have its event by now; what follows is bookkeeping.
    uow.close()
    uow.bookkeeping()
    kept = (
        update(AnsweredWrite)
        .where(AnsweredWrite.id == reservation.id, AnsweredWrite.owner == reservation.owner)
        .values(
            status=answer.status,
            location=answer.location,
            body=answer.body,
            content_sha256=answer.content_sha256,
            expires_at=uow.now + KEPT,
        )
        .returning(AnsweredWrite.id)
    )
    if uow.session.scalar(kept) is None:
        raise WriteInProgressError


def release(archive: Archive, actor: Actor, reservation: Reservation) -> None:
    """Gives the key back after a refusal, which changed nothing. An answer that was committed stays."""
    with archive.transaction(actor, eventless=True) as uow:
        mine = (AnsweredWrite.id == reservation.id, AnsweredWrite.owner == reservation.owner)
        uow.session.execute(delete(AnsweredWrite).where(*mine, AnsweredWrite.status.is_(None)))


def renewing(archive: Archive, actor: Actor, reservation: Reservation) -> Callable[[], None]:
    """What a long upload calls with each block: the reservation lives as long as bytes come."""
    renewed_at = archive.clock.now()

    def renew() -> None:
        nonlocal renewed_at
        now = archive.clock.now()
        if now - renewed_at < RENEWED_EVERY:
            return
        renewed_at = now
        with archive.transaction(actor, eventless=True) as uow:
            mine = (AnsweredWrite.id == reservation.id, AnsweredWrite.owner == reservation.owner)
            held = update(AnsweredWrite).where(*mine).values(leased_until=uow.now + LEASE)
            if uow.session.scalar(held.returning(AnsweredWrite.id)) is None:
                raise WriteInProgressError

    return renew


def forget_expired(uow: UnitOfWork) -> None:
    """A step: removes the answers that nobody asks for any more."""
    uow.session.execute(delete(AnsweredWrite).where(AnsweredWrite.expires_at < uow.now))


def _take_over(uow: UnitOfWork, row: AnsweredWrite, request: bytes, lease: dict[str, Any]) -> Reservation | KeptAnswer:
    expired = row.expires_at <= uow.now
    if row.request != request and not expired:
        raise KeyReusedError
    if row.status is not None and not expired:
        return KeptAnswer(row.status, row.location, row.body or "", row.content_sha256)
    if row.leased_until > uow.now:
        raise WriteInProgressError
    again = {"request": request, "status": None, "location": None, "body": None, "content_sha256": None, **lease}
    uow.session.execute(update(AnsweredWrite).where(AnsweredWrite.id == row.id).values(**again))
    return Reservation(row.id, lease["owner"])
