"""Checkpoints in the database: signing the next, opening the newest, and refusing to go on over a broken log."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_app.kernel.archive import Archive
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.proof.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from archive_app.proof.errors import CheckpointError, ProofError
from archive_app.proof.merkle import EMPTY_ROOT, read_root
from archive_app.proof.note import NoteSigner, VerifierKey
from archive_app.trail.errors import LogBrokenError, LogKeyError, LogWentBackError
from archive_app.trail.models import LogCheckpoint, LogLeaf
from archive_app.trail.tree import stored_hashes

SIGNING_SECRET = "log-signing"  # noqa: S105  # the name of the secret in the key ring


@dataclass(frozen=True)
class Newest:
    """The newest checkpoint of a log with its signed note; the empty log has size 0 and no note."""

    checkpoint: Checkpoint
    note: str | None


def open_note(archive: Archive, note: str) -> Checkpoint:
    """The checkpoint that this archive signed in `note`. Raises: ProofError."""
    return open_checkpoint(note, VerifierKey.decode(archive.verification_key), archive.origin)


def open_row(archive: Archive, row: LogCheckpoint) -> Checkpoint:
    """The checkpoint of a stored row, if the row says what its signed note says. Raises: ProofError."""
    checkpoint = open_note(archive, row.note)
    if (checkpoint.size, checkpoint.root) != (row.size, row.root_hash):
        raise CheckpointError(f"the row of size {row.size} differs from its signed note")
    return checkpoint


def add_checkpoint(uow: UnitOfWork, size: int) -> None:
    """Signs the stored tree of `size` leaves. The caller made sure that it continues the newest checkpoint.

    Raises: LogKeyError when the key ring belongs to another log.
    """
    archive, session = uow.archive, uow.session
    seed = archive.vault.keyring.secret(SIGNING_SECRET)
    signer = NoteSigner(archive.origin, Ed25519PrivateKey.from_private_bytes(seed))
    if signer.verifier_key.encode() != archive.verification_key:
        raise LogKeyError
    checkpoint = Checkpoint(archive.origin, size, read_root(size, stored_hashes(session, size)))
    note = sign_checkpoint(checkpoint, signer)
    session.add(LogCheckpoint(size=size, root_hash=checkpoint.root, note=note, signed_at=uow.now))


def newest_checkpoint(archive: Archive, session: Session) -> Newest:
    """The newest stored checkpoint, its signature verified. Raises: LogBrokenError."""
    row = session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    if row is None:
        return Newest(Checkpoint(archive.origin, 0, EMPTY_ROOT), None)
    try:
        return Newest(open_row(archive, row), row.note)
    except ProofError as error:
        raise LogBrokenError(reason=f"checkpoint {row.size}: {error}") from error


def require_intact(uow: UnitOfWork, published: Checkpoint | None) -> int:
    """The size of the stored tree, after making sure that its next state will continue all that was ever signed.

    Raises: LogBrokenError when leaves, tiles and newest checkpoint disagree; LogWentBackError when they do not continue
    the `published` one.
    """
    newest = newest_checkpoint(uow.archive, uow.session).checkpoint
    last = uow.session.scalar(select(func.max(LogLeaf.position)))
    leaves = 0 if last is None else last + 1
    if published is not None:
        require_continuation(uow.session, newest, published)
    if leaves != newest.size:
        raise LogBrokenError(reason=f"{leaves} leaves, but the newest checkpoint has {newest.size}")
    if root_or_broken(uow.session, newest.size) != newest.root:
        raise LogBrokenError(reason=f"the tiles do not lead to the root of checkpoint {newest.size}")
    return newest.size


def require_continuation(session: Session, newest: Checkpoint, published: Checkpoint) -> None:
    """Refuses unless the stored tree, whose newest checkpoint is `newest`, continues `published`.

    Raises: LogWentBackError; LogBrokenError when tiles are missing.
    """
    if published.size == newest.size:
        continues = published.root == newest.root
    else:
        continues = published.size < newest.size and root_or_broken(session, published.size) == published.root
    if not continues:
        raise LogWentBackError(size=newest.size, published=published.size)


def root_or_broken(session: Session, size: int) -> bytes:
    """The root of the first `size` leaves from the stored tiles. Raises: LogBrokenError when a tile is missing."""
    try:
        return read_root(size, stored_hashes(session, size))
    except ProofError as error:
        raise LogBrokenError(reason=str(error)) from error
