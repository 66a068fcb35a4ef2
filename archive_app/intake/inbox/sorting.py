"""The inbox as a person sorts it: the list, a file beside it, the engagements it may go to."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from archive_app.documents.errors import NotPreviewableError, storage_translated
from archive_app.documents.held import look
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import WORK
from archive_app.intake.inbox.holding import WAITING, inbox_subjects
from archive_app.intake.inbox.models import InboxFile, WatchedFolder
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError, read_kept
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case
from search.reading import KINDS, Kind, ReadingError, extract_text, render_page
from storage import Purpose

INBOX_VIEWED = event_type("inbox.viewed", N_("File of the inbox viewed"))
PREVIEW_WIDTH_PX = 1200
TEXT_HEAD_CHARACTERS = 4000
_TEXT_LIMIT_BYTES = 8 * 2**20
LAST_USED = 9
CHOICES = 12
STATES = ("waiting", "refused", "filed", "discarded")


@dataclass(frozen=True)
class InboxFilters:
    """What the inbox is narrowed to; empty fields narrow nothing, an unknown state is that of waiting files."""

    text: str = ""
    folder: str = ""
    state: str = WAITING


@dataclass(frozen=True)
class InboxLine:
    """A file of the inbox as the list shows it; `reason` is a text in the asker's language."""

    file: InboxFile
    engagement_number: str
    reason: str

    @property
    def pictured(self) -> bool:
        """Whether a picture of its first page can be drawn."""
        return self._kept_as(lambda kind: kind.page_images)

    @property
    def readable(self) -> bool:
        """Whether the beginning of its text can be shown."""
        return self._kept_as(lambda kind: kind.text_readable)

    def _kept_as(self, can: Callable[[Kind], bool]) -> bool:
        return self.file.held_id is not None and self.file.kind in KINDS and can(KINDS[self.file.kind])


@dataclass(frozen=True)
class Choice:
    """An engagement that the actor may add to."""

    id: str
    number: str
    title: str
    client_name: str


@dataclass(frozen=True)
class FolderState:
    """A watched folder as the inbox page shows it; `fault` is in the asker's language, empty when all is well."""

    name: str
    waiting: int
    growing: int
    fault: str


@dataclass(frozen=True)
class Inbox:
    """The inbox page: a portion of the list, the folders, and the engagements that were used last."""

    page: Page[InboxLine]
    folders: Sequence[FolderState]
    last_used: Sequence[Choice]
    waiting: int


@query(Permission.INBOX_SORT)
def view_inbox(
    actor: Actor,
    uow: UnitOfWork,
    *,
    filters: InboxFilters,
    language: str,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Inbox:
    """What waits in the organisation, oldest first, and what it may be sorted into."""
    state = filters.state if filters.state in STATES else WAITING
    statement = (
        select(InboxFile, Engagement.number)
        .outerjoin(Engagement, Engagement.id == InboxFile.engagement_id)
        .where(uow.visible("inbox_file"), InboxFile.state == state, InboxFile.register_id.is_(None))
    )
    if text := filters.text.strip():
        statement = statement.where(
            InboxFile.name.contains(text, autoescape=True) | InboxFile.source_path.contains(text, autoescape=True)
        )
    if filters.folder:
        statement = statement.where(InboxFile.folder == filters.folder)
    newest_first = state != WAITING
    page = fetch_page(uow.session, statement, [InboxFile.id], after=after, descending=newest_first, limit=limit)
    lines = [InboxLine(row[0], row[1] or "", read_kept(row[0].reason, language)) for row in page.items]
    folders = _folders(uow, language)
    return Inbox(Page(lines, page.next_key), folders, _last_used(uow), sum(folder.waiting for folder in folders))


@query(Permission.INBOX_SORT)
def engagement_choices(actor: Actor, uow: UnitOfWork, *, text: str) -> list[Choice]:
    """The engagements of one's organisation that one may add to, narrowed to any part of number, title or client."""
    if not actor.may(Permission.DOCUMENTS_ADD):
        return []
    statement = _choices(uow)
    for word in text.split():
        statement = statement.where(
            Engagement.number.contains(word, autoescape=True)
            | Engagement.title.contains(word, autoescape=True)
            | Client.name.contains(word, autoescape=True)
        )
    rows = uow.session.execute(statement.order_by(Engagement.id.desc()).limit(CHOICES)).all()
    return [Choice(*row) for row in rows]


@query(Permission.INBOX_SORT)
def view_inbox_file(actor: Actor, uow: UnitOfWork, *, inbox_id: str, language: str) -> InboxLine:
    """One file of the inbox. Raises: NotFoundError."""
    uow.require("inbox_file", inbox_id)
    inbox_file = uow.session.get_one(InboxFile, inbox_id)
    number = uow.session.scalar(select(Engagement.number).where(Engagement.id == inbox_file.engagement_id))
    return InboxLine(inbox_file, number or "", read_kept(inbox_file.reason, language))


@staged_use_case(Permission.INBOX_SORT)
def inbox_picture(actor: Actor, archive: Archive, *, inbox_id: str) -> bytes:
    """A picture (WebP) of the first page, drawn in the sandbox and not kept; counts as a look.

    Raises: NotFoundError, NotPreviewableError, ContentCorruptError.
    """
    content, kind = _open(actor, archive, inbox_id)
    with content as stream:
        if not KINDS[kind].page_images:
            raise NotPreviewableError
        try:
            return render_page(stream, kind, 0, width_px=PREVIEW_WIDTH_PX).content
        except ReadingError as error:
            raise NotPreviewableError from error


@staged_use_case(Permission.INBOX_SORT)
def inbox_text(actor: Actor, archive: Archive, *, inbox_id: str) -> str:
    """The beginning of the text of a small file, read in the sandbox and not kept; counts as a look.

    Raises: NotFoundError, NotPreviewableError, ContentCorruptError.
    """
    content, kind = _open(actor, archive, inbox_id)
    with content as stream:
        if not KINDS[kind].text_readable or stream.seek(0, io.SEEK_END) > _TEXT_LIMIT_BYTES:
            raise NotPreviewableError
        stream.seek(0)
        try:
            return extract_text(stream, kind).text[:TEXT_HEAD_CHARACTERS]
        except ReadingError as error:
            raise NotPreviewableError from error


def _open(actor: Actor, archive: Archive, inbox_id: str) -> tuple[io.BufferedReader, str]:
    """The held bytes of a file and its kind, once the look is recorded."""
    with archive.transaction(actor) as uow:
        uow.require("inbox_file", inbox_id)
        inbox_file = uow.session.get_one(InboxFile, inbox_id)
        if inbox_file.held_id is None:
            raise NotFoundError
        stored = look(uow.session, inbox_file.held_id)
        uow.record(INBOX_VIEWED, inbox_subjects(uow, inbox_file), name=inbox_file.name)
    if stored.blob.size_bytes > archive.rules.reading_limit_bytes or stored.kind.code not in KINDS:
        raise NotPreviewableError
    with storage_translated():
        blob = archive.vault.open(stored.blob.blob_id, stored.key, stored.version_id, Purpose.CONTENT)
    return io.BufferedReader(blob), stored.kind.code


def _folders(uow: UnitOfWork, language: str) -> list[FolderState]:
    waiting = select(InboxFile.folder, func.count()).where(
        uow.visible("inbox_file"), InboxFile.state == WAITING, InboxFile.register_id.is_(None)
    )
    counted = {row[0]: row[1] for row in uow.session.execute(waiting.group_by(InboxFile.folder))}
    own = select(WatchedFolder).order_by(WatchedFolder.name)
    if not uow.actor.is_system:
        own = own.where(WatchedFolder.organisation_id == uow.actor.organisation_id)
    states = [
        FolderState(row.name, counted.pop(row.name, 0), row.growing, read_kept(row.fault, language))
        for row in uow.session.scalars(own)
    ]
    return states + [FolderState(name, count, 0, "") for name, count in sorted(counted.items())]


def _last_used(uow: UnitOfWork) -> list[Choice]:
    """Where the actor filed files of the inbox last, the latest first."""
    if not uow.actor.may(Permission.DOCUMENTS_ADD):
        return []
    used = select(InboxFile.engagement_id, func.max(InboxFile.changed_at).label("at")).where(
        InboxFile.sorted_by == uow.actor.name, InboxFile.state == "filed"
    )
    latest = used.group_by(InboxFile.engagement_id).order_by(func.max(InboxFile.changed_at).desc()).limit(LAST_USED)
    ids = [row[0] for row in uow.session.execute(latest)]
    known = {row[0]: Choice(*row) for row in uow.session.execute(_choices(uow).where(Engagement.id.in_(ids)))}
    return [known[engagement_id] for engagement_id in ids if engagement_id in known]


def _choices(uow: UnitOfWork) -> Select[str, str, str, str]:
    statement = select(Engagement.id, Engagement.number, Engagement.title, Client.name)
    statement = statement.join(Client, Client.id == Engagement.client_id).where(uow.visible(WORK))
    if not uow.actor.is_system:
        statement = statement.where(Engagement.organisation_id == uow.actor.organisation_id)
    return statement
