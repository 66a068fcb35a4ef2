"""Filing from this machine's own file system: folders walked in a fixed order, each file filed by itself.

Links and special files are never followed, not even when somebody puts one in place between looking and opening: every
step goes through the descriptor of the folder above it.

Several files are under way at once: while one waits for the disk, another is digested. What is told keeps its order.
"""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from io import FileIO
from typing import Self

from sqlalchemy import select

from archive_app.documents.errors import ChangedWhileReadError
from archive_app.documents.ingest import DUPLICATE_OFFERED, Entry, add_document, require_level
from archive_app.documents.models import Document, Version
from archive_app.documents.names import readable_path
from archive_app.documents.uploads import UPLOAD_REFUSED
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.use_case import staged_use_case

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe that took a file's place would wait for ever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BLOCK_BYTES = 1024 * 1024
_AT_ONCE = 4


class NotAPlainFileError(ArchiveError):
    code = "not_a_plain_file"
    message = N_("This is a link or a special file. It was not followed and not filed; offer the file itself.")


class SourceUnreadableError(ArchiveError):
    code = "source_unreadable"
    message = N_("This could not be read (%(reason)s). Nothing of it was kept; check the medium and its permissions.")


class Outcome(StrEnum):
    """What became of one path."""

    FILED = "filed"
    ALREADY = "already"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True)
class Imported:
    """One path of the import: `document_id` is the filed document, or the one that already has the content."""

    path: str
    outcome: Outcome
    size_bytes: int = 0
    document_id: str | None = None
    error: ArchiveError | None = None


@dataclass(frozen=True)
class Origin:
    """What all files of one import have in common."""

    engagement_id: str
    activity: str = ""
    originator: str = ""
    file_duplicates: bool = False
    level: Level = Level.INTERNAL


@dataclass(frozen=True)
class Found:
    """A path to file: its folder's descriptor, valid until the next one is asked for; or why it cannot be filed."""

    path: str
    folder: int = -1
    size_bytes: int = -1
    error: ArchiveError | None = None

    @property
    def name(self) -> str:
        return os.path.basename(self.path)  # noqa: PTH119  # a Path would normalise what must stay exact


@staged_use_case(Permission.DOCUMENTS_ADD)
def import_paths(actor: Actor, archive: Archive, *, paths: Iterable[str], origin: Origin) -> Iterator[Imported]:
    """Files everything below `paths`, in the order of names; yields what became of each path.

    A file that fails never stops the others. What an earlier run filed from the same path with the same content is
    not filed again, so a run that was cut off is simply repeated.
    Raises: NotFoundError for an engagement that is not there, before anything is read.
    """
    with archive.reading(actor) as uow:
        uow.require(WORK, origin.engagement_id, Permission.DOCUMENTS_ADD)
        require_level(uow, origin.engagement_id, origin.level)
        sizes = set(
            uow.session.scalars(select(Version.size_bytes).where(Version.engagement_id == origin.engagement_id))
        )
    return _import_all(actor, archive, walk(paths), origin, sizes)


def walk(paths: Iterable[str]) -> Iterator[Found]:
    """Every file below `paths`, folders in the order of their names' bytes, and everything that is not one."""
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
        parent, name = os.path.split(absolute)
        try:
            folder = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            yield Found(absolute, error=_unreadable(error))
            continue
        try:
            yield from _walk_entry(folder, name or ".", absolute)
        finally:
            os.close(folder)


def _walk_entry(folder: int, name: str, path: str) -> Iterator[Found]:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        mode = status.st_mode
        if stat.S_ISREG(mode):
            yield Found(path, folder, status.st_size)
            return
        if not stat.S_ISDIR(mode):
            yield Found(path, error=NotAPlainFileError())
            return
        inner = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    except OSError as error:
        yield Found(path, error=_unreadable(error))
        return
    try:
        for entry in sorted(os.listdir(inner), key=os.fsencode):  # noqa: PTH208  # of a descriptor, not of a path
            yield from _walk_entry(inner, entry, os.path.join(path, entry))  # noqa: PTH118  # exact, not normalised
    finally:
        os.close(inner)


def _import_all(
    actor: Actor, archive: Archive, found_files: Iterator[Found], origin: Origin, sizes: set[int]
) -> Iterator[Imported]:
    under_way: deque[tuple[int, Future[Imported]]] = deque()

    def oldest() -> Imported:
        size_bytes, future = under_way.popleft()
        imported = future.result()
        sizes.add(size_bytes)
        return imported

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import") as pool:
        for found in found_files:
            # Of two files with the same content the second must find the first already filed, or its bytes would be
            # left in the vault as an orphan. Only files of the same size can be the same.
            while len(under_way) == _AT_ONCE or any(size == found.size_bytes for size, _ in under_way):
                yield oldest()
            # A descriptor of its own: the walk closes the folder's when it moves on.
            kept = replace(found, folder=os.dup(found.folder)) if found.error is None else found
            run = copy_context().run
            task = pool.submit(run, _import_one, actor, archive, kept, origin, found.size_bytes in sizes)
            under_way.append((found.size_bytes, task))
        while under_way:
            yield oldest()


def _import_one(actor: Actor, archive: Archive, found: Found, origin: Origin, like_sized: bool) -> Imported:
    path = readable_path(found.path)
    try:
        if found.error is not None:
            raise found.error
        with Source(found) as source:
            known = _known_outcome(actor, archive, source, path, origin) if like_sized else None
            return known or _file(actor, source, found, path, origin)
    except ArchiveError as error:
        return _refused(actor, archive, path, origin, error)
    except OSError as error:
        return _refused(actor, archive, path, origin, _unreadable(error))
    finally:
        if found.folder >= 0:
            os.close(found.folder)


def _known_outcome(actor: Actor, archive: Archive, source: "Source", path: str, origin: Origin) -> Imported | None:
    """Compares content before filing where the engagement has a file of the same size: a duplicate that went into the
    vault first would be left there as an orphan."""
    digest = source.digest()
    same = (
        select(Version.document_id, Version.source_path)
        .join(Document, Document.id == Version.document_id)
        .where(Version.engagement_id == origin.engagement_id, Version.sha256 == digest)
        .where(Document.withdrawn_at.is_(None))
        .order_by(Version.id)
    )
    with archive.reading(actor) as uow:
        twins = uow.session.execute(same.where(uow.visible("document"))).all()
    for document_id, source_path in twins:
        if source_path == path:
            return Imported(path, Outcome.ALREADY, source.size_bytes, document_id)
    if not twins or origin.file_duplicates:
        return None
    with archive.transaction(actor) as uow:
        subjects = subjects_of(uow.session, origin.engagement_id, document=twins[0].document_id)
        uow.record(DUPLICATE_OFFERED, subjects, name=os.path.basename(path), source_path=path)  # noqa: PTH119
    return Imported(path, Outcome.DUPLICATE, source.size_bytes, twins[0].document_id)


def _file(actor: Actor, source: "Source", found: Found, path: str, origin: Origin) -> Imported:
    filed = add_document(
        actor,
        engagement_id=origin.engagement_id,
        stream=source,
        entry=Entry(
            name=found.name,
            source_path=path,
            source_system="import",
            originator=origin.originator,
            activity=origin.activity,
            modified_at=source.modified_at,
            level=origin.level,
        ),
        allow_duplicate=origin.file_duplicates,
        confirm=source.confirm,
    )
    outcome = Outcome.FILED if filed.duplicate_of is None else Outcome.DUPLICATE
    return Imported(path, outcome, source.size_bytes, filed.duplicate_of or filed.document_id)


def _refused(actor: Actor, archive: Archive, path: str, origin: Origin, error: ArchiveError) -> Imported:
    with archive.transaction(actor) as uow:
        name = os.path.basename(path)  # noqa: PTH119
        subjects = subjects_of(uow.session, origin.engagement_id)
        uow.record(UPLOAD_REFUSED, subjects, name=name, source_path=path, reason=error.code)
    return Imported(path, Outcome.REFUSED, error=error)


def _unreadable(error: OSError) -> SourceUnreadableError:
    return SourceUnreadableError(reason=error.strerror or type(error).__name__)


class Source:
    """A plain file that is being read, and the proof that it stayed the same meanwhile."""

    def __init__(self, found: Found) -> None:
        self._file = FileIO(os.open(found.name, _FILE_FLAGS, dir_fd=found.folder))
        try:
            status = _plain_status(self._file.fileno())
        except BaseException:
            self._file.close()
            raise
        self._found = found
        self._first = _identity(status)
        self.size_bytes = status.st_size
        self.modified_at = datetime.fromtimestamp(status.st_mtime, UTC)

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size) or b""
        if self._file.tell() > self.size_bytes:
            # Told at once: a file that grows as fast as it is read would never end.
            raise ChangedWhileReadError
        return block

    def digest(self) -> bytes:
        """The SHA-256 of the whole; the next read begins at the start again."""
        digest = hashlib.sha256()
        while block := self.read(_BLOCK_BYTES):
            digest.update(block)
        self._file.seek(0)
        return digest.digest()

    def confirm(self, size_bytes: int) -> None:
        """Refuses what changed since it was opened. Raises: ChangedWhileReadError."""
        # Both the open file and what stands under its name: a writer may change the file or put another in its place.
        now = _identity(os.fstat(self._file.fileno()))
        named = _identity(os.stat(self._found.name, dir_fd=self._found.folder, follow_symlinks=False))
        if not self._first == now == named or size_bytes != self.size_bytes:
            raise ChangedWhileReadError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


def _plain_status(descriptor: int) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise NotAPlainFileError
    return status


def _identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
