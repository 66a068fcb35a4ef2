"""Recognition of pages that have no text of their own: page by page, each kept as soon as it is done.

What remains to do is read from what is there, so that a restart loses at most the page that was being recognised.
"""

import io
import time
from dataclasses import dataclass
from typing import BinaryIO

from archive_app.documents import pieces
from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Part, Version
from archive_app.documents.parts import kinds_of, take_out
from archive_app.documents.pieces import PageText
from archive_app.documents.reading import READER, add_note, derivative, notes_of, put_together, reading_limits
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import GiveWay, Job
from search.reading import ReadingError, recognise_page
from storage import Purpose

SECONDS_AT_ONCE = 30.0
"""After so long a job gives way to those that wait: a letter is not to wait for three thousand pages."""


@dataclass(frozen=True)
class _Page:
    """A page that wants recognition; `number` is that of the part it is in, empty for the version itself."""

    number: str
    kind: str
    index: int


def recognise_version(workshop: Workshop, job: Job) -> GiveWay | None:
    """Recognises pages of one version, for some seconds. Idempotent."""
    archive, version_id = workshop.archive, job.subject_id
    with archive.reading(READER) as uow:
        version = uow.session.get_one(Version, version_id)
        parts = pieces.parts_in_order(uow.session, version_id)
        wanted = [
            _Page(number, kind, index)
            for number, kind in (("", version.kind), *((part.number, part.kind) for part in parts))
            for index in (pieces.read_own(archive, uow.session, version, number) or pieces.OwnText()).blank_pages
        ]
        done = pieces.recognised_since(uow.session, version)
    if "recognising" not in notes_of(version):
        return None  # read anew meanwhile, or done by a job that was repeated after a crash
    allowed = wanted[: archive.rules.recognition_pages]
    left = [page for page in allowed if pieces.page_part(page.number, page.index) not in done]
    if not _recognise(workshop, version, parts, left):
        return GiveWay()
    with archive.transaction(READER, eventless=True) as uow:
        version = uow.session.get_one(Version, version_id, with_for_update=True)
        add_note(version, "recognising", when=False)
        add_note(version, "pages_limit", when=len(allowed) < len(wanted))
    put_together(archive, version_id)
    return None


def _recognise(workshop: Workshop, version: Version, parts: list[Part], pages: list[_Page]) -> bool:
    """Recognises in order until all is done or it is time to give way; says whether all is done."""
    archive = workshop.archive
    until = time.monotonic() + SECONDS_AT_ONCE
    files = _Files(archive, version, parts)
    for page in pages:
        if workshop.stopping() or time.monotonic() > until:
            return False
        _keep(archive, version, page, _recognised(archive, files, page))
    return True


def _recognised(archive: Archive, files: "_Files", page: _Page) -> PageText:
    try:
        with files.opened(page.number) as content:
            return pieces.page_of(recognise_page(content, page.kind, page.index, limits=reading_limits(archive)))
    except ReadingError as error:
        return PageText(failed=error.code)


def _keep(archive: Archive, version: Version, page: _Page, text: PageText) -> None:
    blob = pieces.keep_page(archive, version, text)
    name = pieces.page_part(page.number, page.index)
    with archive.transaction(READER, eventless=True) as uow:
        uow.session.merge(derivative(uow, version.id, Purpose.TEXT, name, blob))


class _Files:
    """The files that pages are in; the last part that was taken out is kept for its next page."""

    def __init__(self, archive: Archive, version: Version, parts: list[Part]) -> None:
        self._archive, self._version, self._kinds = archive, version, kinds_of(parts)
        self._taken = ("", b"")

    def opened(self, number: str) -> BinaryIO:
        """The bytes of a part, or of the version. Raises: ReadingError, ContentCorruptError."""
        if not number:
            version = self._version
            with storage_translated():
                return io.BufferedReader(
                    self._archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT)
                )
        if self._taken[0] != number:
            self._taken = (number, take_out(self._archive, self._version, number, self._kinds))
        return io.BytesIO(self._taken[1])
