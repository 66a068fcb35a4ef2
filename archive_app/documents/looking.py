"""Looking at a document: its page, its content, its text, a picture of a page.

A look is recorded before its first byte. What goes out under a mark or a stamp (`kernel.marks`) bears it, or both.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive_app.documents.control import stamp_of
from archive_app.documents.errors import MarkedOnlyError, NotPreviewableError, StampedOnlyError, storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Document, Look, Part, Version
from archive_app.documents.outgoing import WhileAllowed
from archive_app.documents.pieces import parts_in_order
from archive_app.documents.places import places_of, prefix_of
from archive_app.documents.reading import derivative, read_text
from archive_app.documents.text_view import NOWHERE, Box, Spot, TextView, boxes_on, offset_of, page_of, view_text
from archive_app.documents.watermark import stamped
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Client, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event, EventSubject, event_type
from archive_app.kernel.language import N_
from archive_app.kernel.marks import Mark, Stamp
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case
from search.reading import KINDS, PageImage, ReadingError, render_page
from storage import Purpose

VIEWED = event_type("document.viewed", N_("Document viewed"))
DOWNLOADED = event_type("document.downloaded", N_("Document downloaded"))
PREVIEW_WIDTHS_PX = (320, 1200)
_WAYS = {"view": VIEWED, "download": DOWNLOADED}


@dataclass(frozen=True)
class DocumentPage:
    """A document as its page shows it; `version` is the one being looked at."""

    document: Document
    version: Version
    versions: Sequence[Version]
    engagement: Engagement
    client_name: str
    text: str | None
    view: TextView | None
    shown_page: int
    boxes: Sequence[Box]
    parts: Sequence[Part]
    part: Part | None
    mark: Mark | None = None
    stamp: Stamp | None = None

    @property
    def in_library(self) -> bool:
        """Whether the document belongs to no engagement."""
        return self.engagement.activity == LIBRARY

    @property
    def shown(self) -> Version | Part:
        """The file whose pages are shown: the version's, or that of the part somebody looks at."""
        return self.part or self.version

    @property
    def pictured(self) -> bool:
        """Whether pages of this kind can be drawn."""
        return KINDS[self.shown.kind].page_images

    @property
    def version_pictured(self) -> bool:
        """Whether a copy of the whole document can be drawn."""
        return KINDS[self.version.kind].page_images


@dataclass(frozen=True)
class DocumentLine:
    """A document as lists show it, with its current version."""

    document: Document
    version: Version


@dataclass(frozen=True)
class OpenContent:
    """The exact original bytes of a version, readable and seekable; the caller closes `stream`."""

    version: Version
    stream: WhileAllowed


@staged_use_case(Permission.DOCUMENTS_READ)
def view_document(
    actor: Actor, archive: Archive, *, document_id: str, number: int | None = None, spot: Spot = NOWHERE
) -> DocumentPage:
    """Everything the document's page shows, opened at a spot; counts as a look.

    Raises: NotFoundError, ContentCorruptError.
    """
    mark = look_at(archive, actor, document_id, "view")
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        version = version_of(uow, document_id, number)
        versions = uow.session.scalars(
            select(Version).where(Version.document_id == document_id).order_by(Version.number.desc())
        ).all()
        document, engagement, client_name = uow.session.execute(
            select(Document, Engagement, Client.name)
            .join(Engagement, Engagement.id == Document.engagement_id)
            .join(Client, Client.id == Engagement.client_id)
            .where(Document.id == document_id)
        ).one()
        text = read_text(archive, uow.session, version)
        places = places_of(archive, uow.session, version)
        parts = parts_in_order(uow.session, version.id)
        stamp = stamp_of(uow, document_id)
    place = None if spot.at is None else places.at(spot.at)
    wanted = place.part if place is not None else spot.part
    part = next((part for part in parts if part.number == wanted), None)
    page = min(max(page_of(spot, places) or 1, 1), max((part or version).page_count or 1, 1))
    code = f"{prefix_of(part.number) if part else ''}page:{page}"
    return DocumentPage(
        document=document,
        version=version,
        versions=versions,
        engagement=engagement,
        client_name=client_name,
        text=text,
        view=None if text is None else view_text(text, places, offset_of(spot, places)),
        shown_page=page,
        boxes=boxes_on(text, places, code, spot.query) if text and spot.query.strip() else (),
        parts=parts,
        part=part,
        mark=mark,
        stamp=stamp,
    )


@query(Permission.DOCUMENTS_READ)
def list_documents(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    after: str | None = None,
    text: str = "",
    limit: int = PAGE_SIZE,
) -> Page[DocumentLine]:
    """The engagement's documents, newest first; `text` is any part of the title. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    statement = (
        select(Document, Version)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .where(Document.engagement_id == engagement_id, uow.visible("document"))
    )
    if text.strip():
        statement = statement.where(Document.title.contains(text.strip(), autoescape=True))
    page = fetch_page(uow.session, statement, [Document.id], after=after, descending=True, limit=limit)
    return Page([DocumentLine(row[0], row[1]) for row in page.items], page.next_key)


@staged_use_case(Permission.DOCUMENTS_READ)
def open_content(actor: Actor, archive: Archive, *, document_id: str, number: int | None = None) -> OpenContent:
    """The original bytes, with their end authenticated; each part is authenticated before it is given out.

    Raises: NotFoundError, ContentCorruptError; MarkedOnlyError and StampedOnlyError for somebody who gets it by
    `giving` only.
    """
    look_at(archive, actor, document_id, "download", bare=True)
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        version = version_of(uow, document_id, number)
    with storage_translated():
        blob = archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT)
    return OpenContent(version, WhileAllowed(blob, archive, actor, document_id))


@staged_use_case(Permission.DOCUMENTS_READ)
def page_picture(
    actor: Actor, archive: Archive, *, document_id: str, number: int, page_index: int, width_px: int
) -> bytes:
    """A picture (WebP) of one page, `page_index` from 0, made in the sandbox once and kept encrypted.

    Raises: NotFoundError, NotPreviewableError, ContentCorruptError.
    """
    if width_px not in PREVIEW_WIDTHS_PX or page_index < 0:
        raise NotFoundError
    mark = look_at(archive, actor, document_id, "view")
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        version = version_of(uow, document_id, number)
        stamp = stamp_of(uow, document_id)
    picture = kept_picture(archive, actor, version, page_index, width_px)
    return stamped(picture, mark, stamp) if mark or stamp else picture


def kept_picture(archive: Archive, actor: Actor, version: Version, page_index: int, width_px: int) -> bytes:
    """A step: the picture of a page as it is kept, without a mark, drawn at its first use.

    Raises: NotPreviewableError, ContentCorruptError.
    """
    part, key = f"{page_index}-{width_px}", key_of(version)
    with archive.reading(actor) as uow:
        kept = uow.session.get(Derivative, (version.id, Purpose.PREVIEW.value, part))
    if kept is not None:
        with storage_translated(), archive.vault.open(kept.blob_id, key, version.id, Purpose.PREVIEW) as blob:
            return blob.read()
    picture = _draw(archive, version, page_index, width_px).content
    with storage_translated():
        stored = archive.vault.put(io.BytesIO(picture), key, version.id, Purpose.PREVIEW)
    with archive.transaction(actor, eventless=True) as uow:
        # Two people asking at once both draw; the second blob becomes an orphan.
        uow.session.get_one(Version, version.id, with_for_update=True)
        if uow.session.get(Derivative, (version.id, Purpose.PREVIEW.value, part)) is None:
            uow.session.add(derivative(uow, version.id, Purpose.PREVIEW, part, stored))
    return picture


def count_pages(archive: Archive, version: Version) -> int:
    """A step: how many pages there are to draw, also of what was not read yet.

    Raises: NotPreviewableError, ContentCorruptError.
    """
    return version.page_count or _draw(archive, version, 0, PREVIEW_WIDTHS_PX[0]).page_count


def _draw(archive: Archive, version: Version, page_index: int, width_px: int) -> PageImage:
    if version.size_bytes > archive.rules.reading_limit_bytes:
        raise NotPreviewableError
    try:
        with (
            storage_translated(),
            archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob,
        ):
            return render_page(io.BufferedReader(blob), version.kind, page_index, width_px=width_px)
    except ReadingError as error:
        raise NotPreviewableError from error


def look_at(archive: Archive, actor: Actor, document_id: str, way: str, *, bare: bool = False) -> Mark | None:
    """Records the look of a person, once in a while, before its first byte; returns the mark that what is seen bears.

    `bare` is for bytes that cannot bear one, nor a stamp. Raises: NotFoundError; MarkedOnlyError or StampedOnlyError
    when they should, and then nothing is recorded.
    """
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        mark = archive.mark_of(uow, "document", document_id)
        if bare and mark is not None:
            raise MarkedOnlyError
        stamp = stamp_of(uow, document_id) if bare else None
        if stamp is not None and not stamp.bare:
            raise StampedOnlyError
        if actor.person_id is None or _looked_lately(uow, document_id, way, mark):
            return mark
    with archive.transaction(actor) as uow:
        uow.require("document", document_id)
        # Two requests of one person at once are one look: the second waits here and then sees the first.
        document = uow.session.get_one(Document, document_id, with_for_update=True)
        if _looked_lately(uow, document_id, way, mark):
            return mark
        uow.session.merge(Look(person_id=actor.person_id, document_id=document_id, way=way, looked_at=uow.now))
        subjects = subjects_of(uow.session, document.engagement_id, document=document_id)
        uow.record(_WAYS[way], {**subjects, **(mark.subjects if mark else {})}, title=document.title)
    return mark


def _looked_lately(uow: UnitOfWork, document_id: str, way: str, mark: Mark | None) -> bool:
    look = uow.session.get(Look, (uow.actor.person_id, document_id, way))
    if look is None or uow.now - look.looked_at >= uow.archive.rules.look_window:
        return False
    return mark is None or _recorded_under(uow, document_id, way, mark, look.looked_at)


def _recorded_under(uow: UnitOfWork, document_id: str, way: str, mark: Mark, looked_at: datetime) -> bool:
    """Whether the latest look is found from what the mark stands for: the next grant lists its own."""
    about = select(EventSubject.event_id).where(EventSubject.kind == "document", EventSubject.subject_id == document_id)
    found = select(Event.id).where(
        Event.code == _WAYS[way].code,
        Event.actor == uow.actor.name,
        Event.occurred_at >= looked_at,
        Event.id.in_(about),
    )
    for kind, subject_id in mark.subjects.items():
        by = select(EventSubject.event_id).where(EventSubject.kind == kind, EventSubject.subject_id == subject_id)
        found = found.where(Event.id.in_(by))
    return uow.session.scalar(found.limit(1)) is not None


def version_of(uow: UnitOfWork, document_id: str, number: int | None) -> Version:
    """One version of a document, the current one without a number. Raises: NotFoundError."""
    of_document = select(Version).where(Version.document_id == document_id)
    wanted = of_document.where(Version.current if number is None else Version.number == number)
    version = uow.session.scalars(wanted).one_or_none()
    if version is None:
        raise NotFoundError
    return version
