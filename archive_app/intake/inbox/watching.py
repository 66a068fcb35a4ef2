"""Watched folders: what lands there is taken into the archive, and only then removed.

A file is taken when it has not changed for the quiet time. Its bytes are in the vault and its row is committed before
the source is touched; after a crash anywhere it is known again by path, content and identity, and just removed. What
is wrong with a folder is kept for the inbox page and the health page; nothing that goes wrong stops the other folders.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, or_, select

from archive_app.documents.errors import ChangedWhileReadError, StorageFullError, StorageUnavailableError
from archive_app.documents.importing import Found, NotAPlainFileError, Source, walk
from archive_app.documents.ingest import Entry
from archive_app.documents.names import readable_path
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.identity.models import Organisation
from archive_app.intake.inbox.holding import InboxPlace, file_held, hold_file, refused
from archive_app.intake.inbox.models import InboxFile, WatchedFolder
from archive_app.intake.inbox.routing import folded, route_of
from archive_app.intake.inbox.sources import (
    ASIDE,
    Identity,
    identity_of,
    is_temporary,
    person_name,
    put_back,
    remove_source,
    source_key,
)
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, FolderRule
from archive_app.kernel.errors import ArchiveError, BusyError, DatabaseFailedError, NoRoomError, kept_words
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

WATCHER = Actor.system("watcher")
PAUSE_SECONDS = 60.0
_NOTE_EVERY = timedelta(minutes=1)
_OUR_TROUBLE = (StorageFullError, StorageUnavailableError, NoRoomError, DatabaseFailedError, BusyError)
SAME_CONTENT = N_("The engagement has the same content already.")


class OrganisationUnknownError(ArchiveError):
    code = "folder_organisation_unknown"
    message = N_("No organisation is called %(organisation)s. Nothing is taken; correct the settings and start again.")


class EngagementUnknownError(ArchiveError):
    code = "folder_engagement_unknown"
    message = N_("No engagement has the number %(number)s. Files wait in the inbox; correct the settings.")


class FolderUnreadableError(ArchiveError):
    code = "folder_unreadable"
    message = N_("The folder %(path)s cannot be read (%(reason)s). Nothing is taken; it is tried again.")


class SourceLeftError(ArchiveError):
    code = "source_left"
    message = N_(
        "%(count)s files are safe in the archive and cannot be removed from the folder (%(reason)s; the first is "
        "%(name)s). They are not taken again; remove them, or let the archive write there."
    )


class FilesUnreadableError(ArchiveError):
    code = "files_unreadable"
    message = N_(
        "%(count)s files cannot be read (%(reason)s; the first is %(name)s). They stay where they are and are tried "
        "again."
    )


@dataclass
class _Seen:
    """A file as it was seen first in its present form."""

    identity: Identity
    since: float
    settled: str = ""


@dataclass
class _Look:
    """What one look at a folder found."""

    present: set[str] = field(default_factory=set)
    growing: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    fault: ArchiveError | None = None

    def trouble(self) -> ArchiveError | None:
        """The worst that a person has to know of."""
        for found, kind in ((self.unreadable, FilesUnreadableError), (self.left, SourceLeftError)):
            if found and self.fault is None:
                name, reason = found[0]
                return kind(count=len(found), name=name, reason=reason)
        return self.fault


@dataclass
class _Belonging:
    """Whose files a folder holds, and by which numbers they find their engagement."""

    organisation_id: str
    engagement_id: str | None
    numbers: Mapping[str, str]


class Watcher:
    """Looks at the watched folders again and again; remembers what it saw, so that a look costs little."""

    def __init__(self, archive: Archive, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._archive = archive
        self._tick = tick
        self._seen: dict[str, dict[str, _Seen]] = {}
        self._paused: dict[str, float] = {}

    def begin(self) -> None:
        """Forgets the state of folders that are not watched any more."""
        names = [folder.name for folder in self._archive.rules.watched_folders]
        with self._archive.transaction(WATCHER, eventless=True) as uow:
            uow.session.execute(delete(WatchedFolder).where(WatchedFolder.name.not_in(names)))

    def look(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Looks at every folder once; returns how many files were taken."""
        taken = 0
        for folder in self._archive.rules.watched_folders:
            if stopped():
                break
            if self._tick() >= self._paused.get(folder.name, 0.0):
                taken += self._look_at(folder, stopped)
        return taken

    def _look_at(self, folder: FolderRule, stopped: Callable[[], bool]) -> int:
        look, taken, belonging = _Look(), 0, None
        try:
            belonging = self._belonging(folder, look)
            for found in walk([os.fspath(folder.path)]):
                if stopped():
                    return taken
                taken += self._consider(folder, belonging, found, look)
        except _OUR_TROUBLE as error:
            look.fault = error
            self._paused[folder.name] = self._tick() + PAUSE_SECONDS
        except OrganisationUnknownError as error:
            look.fault = error
        else:
            seen = self._seen.setdefault(folder.name, {})
            for path in seen.keys() - look.present:
                del seen[path]
        self._keep_state(folder, belonging, look)
        return taken

    def _consider(self, folder: FolderRule, belonging: _Belonging, found: Found, look: _Look) -> int:
        """Takes the file if it is due; says how many were taken, 0 or 1."""
        shown = readable_path(found.path)
        if found.error is not None and found.path == os.path.abspath(folder.path):  # noqa: PTH100  # as `walk` does
            look.fault = FolderUnreadableError(path=shown, reason=found.error.params.get("reason", "a link"))
            return 0
        if found.error is not None and not isinstance(found.error, NotAPlainFileError):
            look.unreadable.append((shown, str(found.error.params.get("reason", ""))))
            return 0
        if found.error is None and found.name.startswith(ASIDE):
            self._finish_removal(found, look)
            return 0
        if is_temporary(found.name):
            return 0
        try:
            return self._consider_plain(folder, belonging, found, look)
        except ChangedWhileReadError:
            self._seen[folder.name].pop(found.path, None)
            look.growing += 1
        except FileNotFoundError:
            # Somebody took it away again: nothing of it is ours.
            pass
        except OSError as error:
            look.unreadable.append((shown, error.strerror or type(error).__name__))
        return 0

    def _consider_plain(self, folder: FolderRule, belonging: _Belonging, found: Found, look: _Look) -> int:
        status = _status(found)
        seen = self._quiet(folder, found, identity_of(status), look)
        if seen is None:
            return 0
        key = source_key(folder.name, found.path, seen.identity)
        known = self._known(key)
        if found.error is not None:
            self._refuse(folder, belonging, found, seen, found.error, known=known is not None)
            return 0
        with Source(found) as source:
            if known is not None and (known.state == "refused" or known.sha256 == source.digest()):
                if known.state == "refused":
                    seen.settled = "refused"
                else:
                    self._remove(found, seen, known.id, look)
                return 0
            try:
                row_id = self._take(folder, belonging, found, source, key)
            except _OUR_TROUBLE:
                raise
            except ChangedWhileReadError:
                raise
            except ArchiveError as error:
                self._refuse(folder, belonging, found, seen, error, known=False)
                return 0
        self._remove(found, seen, row_id, look)
        return 1

    def _quiet(self, folder: FolderRule, found: Found, identity: Identity, look: _Look) -> _Seen | None:
        """What is remembered of the file, if it is due; None while it grows or when it is settled."""
        look.present.add(found.path)
        memory = self._seen.setdefault(folder.name, {})
        seen = memory.get(found.path)
        if seen is None or seen.identity != identity:
            seen = memory[found.path] = _Seen(identity, self._tick())
        if seen.settled:
            if seen.settled != "refused":
                look.left.append((readable_path(found.path), seen.settled))
            return None
        if self._tick() - seen.since < self._archive.rules.quiet_time.total_seconds():
            look.growing += 1
            return None
        return seen

    def _known(self, key: bytes) -> InboxFile | None:
        with self._archive.reading(WATCHER) as uow:
            rows = select(InboxFile).where(InboxFile.source_key == key).order_by(InboxFile.id.desc())
            return uow.session.scalars(rows.limit(1)).first()

    def _take(self, folder: FolderRule, belonging: _Belonging, found: Found, source: Source, key: bytes) -> str:
        """Into the vault and the database; returns the row's id. Nothing has happened to the source yet."""
        below = os.path.relpath(found.path, folder.path)
        engagement_id = belonging.engagement_id
        if engagement_id is None and folder.routes:
            engagement_id = route_of(person_name(below), folder.routes, belonging.numbers)

        def finish(uow: UnitOfWork, inbox_file: InboxFile) -> None:
            if engagement_id is None:
                return
            filed = file_held(uow, inbox_file, engagement_id=engagement_id)
            if filed.duplicate_of is not None:
                inbox_file.reason = kept_words(SAME_CONTENT, {})

        inbox_file = hold_file(
            WATCHER,
            stream=source,
            entry=_entry(folder, found, source),
            place=InboxPlace(belonging.organisation_id, engagement_id, folder=folder.name, source_key=key),
            confirm=source.confirm,
            finish=finish,
        )
        return inbox_file.id

    def _remove(self, found: Found, seen: _Seen, row_id: str, look: _Look) -> None:
        try:
            remove_source(found, row_id, seen.identity)
        except FileNotFoundError:
            # Somebody was faster; the archive has it.
            pass
        except OSError as error:
            seen.settled = error.strerror or type(error).__name__
            look.left.append((readable_path(found.path), seen.settled))

    def _finish_removal(self, found: Found, look: _Look) -> None:
        """A file that was set aside when the worker was killed: removed if the archive has it, else given back."""
        try:
            with self._archive.reading(WATCHER) as uow:
                row = uow.session.get(InboxFile, found.name.removeprefix(ASIDE))
            with Source(found) as source:
                held = row is not None and row.state != "refused" and row.sha256 == source.digest()
            if held:
                os.unlink(found.name, dir_fd=found.folder)
            else:
                put_back(found.folder, found.name, row.name if row else f"found-{found.name.removeprefix(ASIDE)}")
        except (OSError, NotAPlainFileError) as error:
            look.unreadable.append((readable_path(found.path), str(error)))

    def _refuse(
        self, folder: FolderRule, belonging: _Belonging, found: Found, seen: _Seen, error: ArchiveError, *, known: bool
    ) -> None:
        """Keeps once why a file cannot be taken; it stays where it is until it is another one."""
        if not known:
            key = source_key(folder.name, found.path, seen.identity)
            place = InboxPlace(belonging.organisation_id, folder=folder.name, source_key=key)
            entry = Entry(name=person_name(found.name), source_path=readable_path(found.path))
            with self._archive.transaction(WATCHER) as uow:
                refused(uow, entry, place, seen.identity[1], error)
        seen.settled = "refused"

    def _belonging(self, folder: FolderRule, look: _Look) -> _Belonging:
        with self._archive.reading(WATCHER) as uow:
            named = select(Organisation.id).where(
                or_(Organisation.id == folder.organisation, Organisation.name == folder.organisation)
            )
            organisation_id = uow.session.scalar(named)
            if organisation_id is None:
                raise OrganisationUnknownError(organisation=folder.organisation)
            rows = select(Engagement.number, Engagement.id)
            rows = rows.where(Engagement.organisation_id == organisation_id, Engagement.activity != LIBRARY)
            numbers: dict[str, str] = {}
            doubtful: set[str] = set()
            for number, numbered_id in uow.session.execute(rows):
                key = folded(number)
                if key in numbers:
                    doubtful.add(key)
                numbers[key] = numbered_id
        # Two numbers that differ only by case or width lead nowhere by themselves.
        clear = {key: value for key, value in numbers.items() if key not in doubtful}
        engagement_id = clear.get(folded(folder.engagement)) if folder.engagement else None
        if folder.engagement and engagement_id is None:
            look.fault = EngagementUnknownError(number=folder.engagement)
        return _Belonging(organisation_id, engagement_id, clear)

    def _keep_state(self, folder: FolderRule, belonging: _Belonging | None, look: _Look) -> None:
        """Keeps how the folder is doing, when that changed or a minute has passed."""
        trouble = look.trouble()
        fault = trouble.kept() if trouble else None
        with self._archive.reading(WATCHER) as uow:
            kept = uow.session.get(WatchedFolder, folder.name)
            now = uow.now
        figures = (look.growing, len(look.left), fault)
        if kept and (kept.growing, kept.left_behind, kept.fault) == figures and now - kept.looked_at < _NOTE_EVERY:
            return
        since = kept.fault_since if kept and kept.fault and fault else now
        row = WatchedFolder(
            name=folder.name,
            organisation_id=belonging.organisation_id if belonging else (kept.organisation_id if kept else None),
            looked_at=now,
            growing=look.growing,
            left_behind=len(look.left),
            fault=fault,
            fault_since=since if fault else None,
        )
        with self._archive.transaction(WATCHER, eventless=True) as uow:
            uow.session.merge(row)


def _status(found: Found) -> os.stat_result:
    if found.error is not None:
        # A link or a special file: looked at, never opened.
        return os.stat(found.path, follow_symlinks=False)  # noqa: PTH116
    return os.stat(found.name, dir_fd=found.folder, follow_symlinks=False)


def _entry(folder: FolderRule, found: Found, source: Source) -> Entry:
    return Entry(
        name=person_name(found.name),
        source_path=readable_path(found.path),
        source_system=folder.name,
        originator=folder.originator,
        activity=folder.activity,
        modified_at=source.modified_at,
    )
