"""Giving content out under a mark or a stamp: as a copy that bears it, or as the exact original with a cover sheet.

Whoever's access is not marked gets the original itself (`looking.open_content`); the two never mix. Of a document that
is not in force any more everybody gets the stamped copy here; where no copy can be drawn, and for whoever has a mark,
the exact original goes with a cover sheet that says so.
"""

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, cast

from archive_app.documents.control import stamp_of
from archive_app.documents.cover_sheets import Given, cover_html, cover_page
from archive_app.documents.errors import (
    NotPreviewableError,
    RenditionTooLongError,
    StampedOnlyError,
    storage_translated,
)
from archive_app.documents.keys import key_of
from archive_app.documents.looking import PREVIEW_WIDTHS_PX, count_pages, kept_picture, look_at, version_of
from archive_app.documents.models import Document, Version
from archive_app.documents.outgoing import WhileAllowed
from archive_app.documents.packing import Sink, inner_name, zip_entry
from archive_app.documents.parts import OpenPart, kept_part_picture, opened_part
from archive_app.documents.picture_pdf import PicturePage, page_of, write_pdf
from archive_app.documents.pieces import parts_in_order
from archive_app.documents.watermark import drawn_over, open_own
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.marks import Mark, Stamp
from archive_app.kernel.permissions import Permission
from archive_app.kernel.use_case import staged_use_case
from search.reading import KINDS
from storage import Purpose

MOST_PAGES = 100
MOST_SECONDS = 45
MOST_MEGABYTES = 100
_CHUNK_BYTES = 256 * 1024
_STEM_BYTES = 100


@dataclass(frozen=True)
class Rendition:
    """A marked or stamped copy (PDF) whose first page says what it is a copy of."""

    name: str
    content: bytes
    sha256: bytes
    made_at: datetime


class Package:
    """A ZIP file with a cover sheet and the exact original, made while it is read; `close` lets go of the original."""

    def __init__(self, name: str, given: Given, source: BinaryIO, language: str) -> None:
        self.name = name
        self._given, self._source, self._language = given, source, language

    def __iter__(self) -> Iterator[bytes]:
        sink = Sink()
        inside = f"original/{inner_name(self._given.name)}"
        sums = f"{self._given.sha256}  {inside}\n"
        moment = self._given.moment.timetuple()[:6]
        with zipfile.ZipFile(cast("BinaryIO", sink), "w", zipfile.ZIP_STORED) as packed:
            packed.writestr(zip_entry("cover.html", moment), cover_html(self._given, self._language))
            packed.writestr(zip_entry("SHA256SUMS", moment), sums)
            with packed.open(zip_entry(inside, moment), "w", force_zip64=True) as member:
                while chunk := self._source.read(_CHUNK_BYTES):
                    member.write(chunk)
                    yield sink.taken()
        yield sink.taken()

    def close(self) -> None:
        """Closes the original; called by the server, whether it came to the end or not."""
        self._source.close()


@dataclass(frozen=True)
class _Subject:
    """What is given out: a version, or a part of it."""

    mark: Mark | None
    stamp: Stamp | None
    version: Version
    given: Given
    part: str | None
    kind: str
    page_count: int | None


@staged_use_case(Permission.DOCUMENTS_READ)
def open_package(
    actor: Actor, archive: Archive, *, document_id: str, number: int | None, part: str | None = None, language: str
) -> Package:
    """The exact original, or a file inside of it, with a cover sheet; counts as a download. The caller closes it.

    Raises: NotFoundError, also for somebody whose access bears no mark to a document without a stamp; StampedOnlyError
    where a stamped copy can be drawn; PartUnavailableError, ContentCorruptError.
    """
    subject = _subject(archive, actor, document_id, number, part, way="package")
    version, given = subject.version, subject.given
    name = f"{_stem(given.name)}.original-with-cover-sheet.zip"
    if part is not None:
        opened = opened_part(archive, actor, version, part)
        return Package(name, _of_part(given, opened), io.BytesIO(opened.content), language)
    with storage_translated():
        blob = archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT)
    original = WhileAllowed(blob, archive, actor, document_id)
    return Package(name, given, cast("BinaryIO", original), language)


@staged_use_case(Permission.DOCUMENTS_READ)
def open_rendition(
    actor: Actor, archive: Archive, *, document_id: str, number: int | None, part: str | None = None, language: str
) -> Rendition:
    """A copy with the mark, the stamp or both on every page, of what can be drawn; counts as a download.

    It is put together before its first byte goes out, within MOST_PAGES, MOST_MEGABYTES and MOST_SECONDS.

    Raises: NotFoundError, also for somebody whose access bears no mark to a document without a stamp;
    NotPreviewableError, RenditionTooLongError, ContentCorruptError.
    """
    subject = _subject(archive, actor, document_id, number, part, way="rendition")
    if not KINDS[subject.kind].page_images:
        raise NotPreviewableError
    given = subject.given
    if part is not None:
        given = _of_part(given, opened_part(archive, actor, subject.version, part))
    count = _page_count(archive, subject)
    if count > MOST_PAGES:
        raise _too_long()
    given = replace(given, page_count=count)
    content = write_pdf(_pages(archive, actor, subject, given, language))
    way = "watermarked" if subject.mark else "stamped"
    name = f"{_stem(given.name)}.{way}.original-sha256-{given.sha256}.pdf"
    return Rendition(name, content, hashlib.sha256(content).digest(), given.moment)


def _subject(
    archive: Archive, actor: Actor, document_id: str, number: int | None, part: str | None, *, way: str
) -> _Subject:
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        mark, stamp = archive.mark_of(uow, "document", document_id), stamp_of(uow, document_id)
        version, row = version_of(uow, document_id, number), None
        if part is not None:
            row = next((one for one in parts_in_order(uow.session, version.id) if one.number == part), None)
        if (mark is None and stamp is None) or (part is not None and row is None):
            raise NotFoundError
        if way == "package" and mark is None and KINDS[(row or version).kind].page_images:
            # Nothing is recorded for what is not given out.
            raise StampedOnlyError
    mark = look_at(archive, actor, document_id, "download")
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        title = uow.session.get_one(Document, document_id).title
        stamp = stamp_of(uow, document_id)
        moment = uow.now.astimezone(archive.rules.zone)
    if mark is None and stamp is None:
        raise NotFoundError
    given = Given(
        title,
        version.name,
        version.number,
        version.size_bytes,
        version.sha256.hex(),
        mark.moment if mark else moment,
        version.sm3.hex() if version.sm3 else "",
        mark=mark,
        stamp=stamp,
    )
    return _Subject(mark, stamp, version, given, part, (row or version).kind, (row or version).page_count)


def _of_part(given: Given, opened: OpenPart) -> Given:
    title, size_bytes = f"{given.title} · {opened.name}", len(opened.content)
    return replace(given, title=title, name=opened.name, size_bytes=size_bytes, sha256=opened.sha256.hex(), sm3="")


def _page_count(archive: Archive, subject: _Subject) -> int:
    if subject.part is None:
        return count_pages(archive, subject.version)
    if subject.page_count is None:
        # A part that is not read yet: nobody knows how many pages it has.
        raise NotPreviewableError
    return subject.page_count


def _pages(archive: Archive, actor: Actor, subject: _Subject, given: Given, language: str) -> Iterator[PicturePage]:
    until = time.monotonic() + MOST_SECONDS
    yield page_of(drawn_over(cover_page(given, language), subject.mark, subject.stamp))
    width_px, size_bytes = PREVIEW_WIDTHS_PX[-1], 0
    for index in range(given.page_count or 0):
        if time.monotonic() > until or size_bytes > MOST_MEGABYTES * 10**6:
            raise _too_long()
        if subject.part is None:
            picture = kept_picture(archive, actor, subject.version, index, width_px)
        else:
            picture = kept_part_picture(archive, actor, subject.version, subject.part, index, width_px)
        page = page_of(drawn_over(open_own(picture), subject.mark, subject.stamp))
        size_bytes += len(page.jpeg)
        yield page


def _too_long() -> RenditionTooLongError:
    return RenditionTooLongError(most=MOST_PAGES, megabytes=MOST_MEGABYTES, seconds=MOST_SECONDS)


def _stem(name: str) -> str:
    stem = name.rpartition(".")[0] or name
    return stem.encode()[:_STEM_BYTES].decode(errors="ignore")
