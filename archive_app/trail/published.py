"""The published checkpoint: a file beside the database that only ever moves forward.

Whoever cuts off the end of the log in the database, with leaves, tiles and checkpoints, leaves this file behind, which
then says more than the database. Copies of it elsewhere serve the same purpose.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.proof.checkpoint import Checkpoint
from archive_app.proof.errors import ProofError
from archive_app.trail.checkpoints import newest_checkpoint, open_note, require_continuation
from archive_app.trail.errors import CheckpointFileError

FILE_NAME = "checkpoint"


def read_published(archive: Archive) -> Checkpoint | None:
    """The checkpoint in the file, its signature verified; None where there is no file.

    Raises: CheckpointFileError. The file is replaced as a whole, so a damaged one was never written by this archive.
    """
    path = archive.data_directory / FILE_NAME
    try:
        return open_note(archive, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ProofError, UnicodeDecodeError) as error:
        raise CheckpointFileError(path=path, reason=str(error)) from error


def publish(archive: Archive) -> None:
    """Brings the file up to the newest checkpoint; called after every batch and once at every start.

    Raises: LogWentBackError when the database does not continue the file; CheckpointFileError; LogBrokenError.
    """
    with _alone(archive.data_directory):
        # The file is read first: what another sequencer commits in between only makes the database longer.
        published = read_published(archive)
        with archive.reading(Actor.system("sequencer")) as uow:
            newest = newest_checkpoint(archive, uow.session)
            if published is not None:
                require_continuation(uow.session, newest.checkpoint, published)
        if newest.note is not None and (published is None or published.size < newest.checkpoint.size):
            _replace(archive.data_directory / FILE_NAME, newest.note)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One publisher at a time on this machine: comparing and replacing must not be torn apart."""
    lock = os.open(directory / f"{FILE_NAME}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _replace(path: Path, note: str) -> None:
    # A temporary file left by a crash is simply written over: only the holder of the lock comes here.
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
