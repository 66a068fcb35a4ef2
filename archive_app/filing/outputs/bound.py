"""The whole case file as one PDF with bookmarks: cover, contents, then each item as far as its pages can be shown.

PDF files go in as they look, pictures and page pictures as pages, other files by their text, and what does not fit or
cannot be read by a sheet that says so and where the exact file is: in the ZIP. It is a copy for reading, never the
original, and says so on its sheets.
"""

import io
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from archive_app.documents.errors import (
    ContentCorruptError,
    MarkedOnlyError,
    NotPreviewableError,
    storage_translated,
)
from archive_app.documents.keys import key_of
from archive_app.documents.kinds import KIND_NAMES
from archive_app.documents.looking import PREVIEW_WIDTHS_PX, count_pages, kept_picture, look_at
from archive_app.documents.models import Version
from archive_app.documents.picture_pdf import page_of, write_pdf
from archive_app.documents.reading import read_text
from archive_app.documents.watermark import open_own
from archive_app.filing.outputs.papers import Paper, papers_pdf
from archive_app.filing.outputs.taking import LEFT_OUT, look_into, record_taking
from archive_app.filing.reading import CaseFileView, ItemView
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, BusyError, NotFoundError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.typesetting import plain_text, typeset
from archive_app.kernel.use_case import staged_use_case
from search.reading import KINDS, Chapter, ReadingError, bind_pdf, screen_pdf
from storage import Purpose

MOST_PAGES = 2_000
MOST_MEGABYTES = 60
MOST_SECONDS = 60
MOST_TEXT_CHARACTERS = 300_000
"""Of all texts together; of each of them `_LONGEST_TEXT`."""
_LONGEST_TEXT = 40_000
_MOST_PICTURES = 60
_WAIT_SECONDS = 30.0
_SHEETS = Path(__file__).with_name("sheets.typ")
_AT_WORK = threading.BoundedSemaphore(2)
"""Each binding holds its pages in memory: so many at once, in each process."""
_NOTES = {
    "text": N_(
        "This is the text of the file. How it looks is in the file itself, which is in the ZIP of the case file."
    ),
    "cut": N_("The text is longer than is printed here. The whole file is in the ZIP of the case file."),
    "none": N_("Files of this kind have no pages. The file is in the ZIP of the case file."),
    "broken": N_("The file is damaged, so that its pages cannot be shown. It is in the ZIP of the case file as it is."),
    "encrypted": N_("The file is protected by a password, so that its pages cannot be shown. It is in the ZIP."),
    "full": N_(
        "It did not fit into this PDF, which has a limit of size, pages and time. It is in the ZIP of the case file."
    ),
}
_COPY = N_("A sheet of the bookmarked copy of the case file, made by the archive. It is not part of the original.")
_READING_NOTES = {"encrypted": "encrypted", "too_large": "full"}


class BindingError(ArchiveError):
    """The pages were there and could not be put together."""

    code = "binding_failed"
    message = N_(
        "The pages of this case file could not be put together (%(reason)s). Nothing was changed. Take the ZIP, "
        "and tell your administrator."
    )


@dataclass(frozen=True)
class BoundFile:
    """The PDF."""

    name: str
    content: bytes


@dataclass
class _Work:
    """What was gathered so far, and how much more fits."""

    archive: Archive
    actor: Actor
    language: str
    until: float
    bytes_left: int
    pages_left: int
    text_left: int
    chapters: list[Chapter] = field(default_factory=list)
    sheets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return self.pages_left <= 0 or self.bytes_left <= 0 or time.monotonic() > self.until


@staged_use_case(Permission.DOCUMENTS_EXPORT, confirmed=True)
def bind_case_file(actor: Actor, archive: Archive, *, case_file_id: str, language: str) -> BoundFile:
    """The case file as one PDF; each item that is in it counts as a download.

    Within MOST_PAGES, MOST_MEGABYTES and MOST_SECONDS; what does not fit has a sheet that says so.
    Raises: NotFoundError, NoChineseFontError, TypesettingError, BindingError; BusyError while others are at work.
    """
    taken = look_into(archive, actor, case_file_id)
    view = taken.view
    moment = archive.clock.now().astimezone(archive.rules.zone)
    front = papers_pdf(view, (Paper.COVER, Paper.CATALOGUE), language=language, moment=moment)
    if not _AT_WORK.acquire(timeout=_WAIT_SECONDS):
        raise BusyError
    try:
        record_taking(archive, actor, taken, "pdf")
        until = time.monotonic() + MOST_SECONDS
        work = _Work(archive, actor, language, until, MOST_MEGABYTES * 10**6, MOST_PAGES, MOST_TEXT_CHARACTERS)
        reasons = {item.id: reason for item, reason in taken.left_out}
        for item in view.items:
            if item.id in reasons:
                _add_sheet(work, item, translate(language, LEFT_OUT[reasons[item.id]]))
            else:
                _add_item(work, item)
        content = _bound(work, view, front, moment)
    finally:
        _AT_WORK.release()
    name = plain_text(f"{view.number or view.engagement_number} {view.title}").replace("\n", " ")
    return BoundFile(f"{name[:80].replace('/', '_')}.pdf", content)


def _add_item(work: _Work, item: ItemView) -> None:
    """The pages of an item, or a sheet in their place."""
    if work.full:
        _add_sheet(work, item, _note(work, "full"))
        return
    try:
        look_at(work.archive, work.actor, item.document_id, "download", bare=True)
        with work.archive.reading(work.actor) as uow:
            uow.require("document", item.document_id)
            version = uow.session.get_one(Version, item.version_id)
        way: Callable[[_Work, ItemView, Version], None] = _add_text
        if item.kind == "pdf":
            way = _add_pdf
        elif KINDS[item.kind].page_images:
            way = _add_pictures
        way(work, item, version)
    except ReadingError as error:
        _add_sheet(work, item, _note(work, _READING_NOTES.get(error.code, "broken")))
    except NotPreviewableError:
        _add_sheet(work, item, _note(work, "broken"))
    except (ContentCorruptError, NotFoundError, MarkedOnlyError) as error:
        code = {"content_corrupt": "damaged", "marked_only": "marked_only"}.get(error.code, "no_longer_visible")
        _add_sheet(work, item, translate(work.language, LEFT_OUT[code]))


def _add_pdf(work: _Work, item: ItemView, version: Version) -> None:
    if version.size_bytes > work.bytes_left:
        raise ReadingError("too_large", "the PDF does not fit")
    with (
        storage_translated(),
        work.archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob,
    ):
        screened = screen_pdf(io.BufferedReader(blob), item.number, work.pages_left)
    _add_pages(work, item, screened.content, screened.pages)


def _add_pictures(work: _Work, item: ItemView, version: Version) -> None:
    count = count_pages(work.archive, version)
    if count > min(work.pages_left, _MOST_PICTURES):
        raise ReadingError("too_large", "too many pages to draw")
    pages, size = [], 0
    for index in range(count):
        if time.monotonic() > work.until or size > work.bytes_left:
            raise ReadingError("too_large", "the pictures do not fit")
        picture = kept_picture(work.archive, work.actor, version, index, PREVIEW_WIDTHS_PX[-1])
        pages.append(page_of(open_own(picture)))
        size += len(pages[-1].jpeg)
    screened = screen_pdf(io.BytesIO(write_pdf(pages)), item.number, count)
    _add_pages(work, item, screened.content, screened.pages)


def _add_pages(work: _Work, item: ItemView, content: bytes, pages: int) -> None:
    if len(content) > work.bytes_left:
        raise ReadingError("too_large", "the pages do not fit")
    work.bytes_left -= len(content)
    work.pages_left -= pages
    work.chapters.append(Chapter(_heading(item), content))


def _add_text(work: _Work, item: ItemView, version: Version) -> None:
    most = min(_LONGEST_TEXT, work.text_left)
    with work.archive.reading(work.actor) as uow:
        # So many bytes hold at least so many characters.
        text = read_text(work.archive, uow.session, version, limit_bytes=4 * (most + 1)) if most else None
    if not text or not text.strip():
        _add_sheet(work, item, _note(work, "none"))
        return
    printed = plain_text(text[:most])
    work.text_left -= len(printed)
    _add_sheet(work, item, _note(work, "text" if len(text) <= most else "cut"), printed)


def _add_sheet(work: _Work, item: ItemView, note: str, text: str = "") -> None:
    """A page about an item; one of those that may not be seen says no more than its place."""
    facts: Mapping[str, str] = {}
    if not item.hidden:
        facts = {
            N_("Original name"): item.name,
            N_("Kind"): translate(work.language, KIND_NAMES[item.kind]),
            N_("Size in bytes"): str(item.size_bytes),
            N_("Digest (SHA-256)"): item.sha256,
        }
    told = [[translate(work.language, label), value] for label, value in facts.items()]
    work.chapters.append(Chapter(_heading(item), section=len(work.sheets)))
    work.sheets.append({"heading": _heading(item), "facts": told, "note": note, "text": text.split("\n")})


def _bound(work: _Work, view: CaseFileView, front: bytes, moment: datetime) -> bytes:
    """Everything in its order, each piece under its bookmark."""
    cover, contents = (translate(work.language, words) for words in (N_("Case file"), N_("Contents of the case file")))
    sheets = b""
    if work.sheets:
        words = {"copy": translate(work.language, _COPY), "sheets": work.sheets, "foot": view.number}
        sheets = typeset(_SHEETS, words, language=work.language, moment=moment)
    chapters = [Chapter(cover, front), Chapter(contents, page=1), *work.chapters]
    try:
        return bind_pdf(chapters, plain_text(f"{view.number} {view.title}".strip()), sheets=sheets)
    except ReadingError as error:
        raise BindingError(reason=error.code) from error


def _heading(item: ItemView) -> str:
    """What stands in the list of bookmarks."""
    return plain_text(" ".join(filter(None, (item.number or str(item.position), item.title)))).replace("\n", " ")


def _note(work: _Work, code: str) -> str:
    return translate(work.language, _NOTES[code])
