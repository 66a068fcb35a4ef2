"""Files inside of files: attachments and members of archives, each read in a process of its own, and opened on demand.

Their bytes are never kept by themselves: a part is taken out of the version's own bytes whenever it is wanted.
"""

import hashlib
import io
import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from archive_app.documents import pieces
from archive_app.documents.control import stamp_of
from archive_app.documents.errors import NotPreviewableError, PartUnavailableError, storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.looking import PREVIEW_WIDTHS_PX, look_at, version_of
from archive_app.documents.models import Derivative, Part, Version
from archive_app.documents.reading import (
    READER,
    FileText,
    add_note,
    conclude,
    derivative,
    hand_to_recognition,
    part_row,
    put_together,
    read_file,
    reading_limits,
    set_read,
)
from archive_app.documents.watermark import stamped
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from search.reading import HEAD_BYTES, KINDS, TAIL_BYTES, Kind, ReadingError, extract_child, identify, render_page
from storage import Purpose

SECONDS_AT_ONCE = 15.0
"""After so long a job gives way to those that wait."""


@dataclass(frozen=True)
class OpenPart:
    """A part's exact bytes; `name` is without the folders that a container gave it, `filed_at` when it came."""

    name: str
    content: bytes
    sha256: bytes
    filed_at: datetime


@dataclass(frozen=True)
class _Taken:
    """A part that was taken out and read; `content` is empty where it could not be taken out."""

    kind: Kind
    content: bytes
    found: FileText


def read_parts(workshop: Workshop, job: Job) -> GiveWay | None:
    """Reads the parts of one version that wait, for some seconds; a hostile part costs only itself. Idempotent."""
    archive, version_id = workshop.archive, job.subject_id
    until = time.monotonic() + SECONDS_AT_ONCE
    while True:
        with archive.reading(READER) as uow:
            version = uow.session.get_one(Version, version_id)
            rows = pieces.parts_in_order(uow.session, version_id)
        waiting = next((part for part in rows if part.reading == "waiting" and part.reading_note is None), None)
        if waiting is None:
            break
        if workshop.stopping() or time.monotonic() > until:
            return GiveWay()
        _read_part(archive, version, waiting, rows)
    with archive.transaction(READER, eventless=True) as uow:
        version = uow.session.get_one(Version, version_id, with_for_update=True)
        add_note(version, "parts_waiting", when=False)
        hand_to_recognition(uow, version, pieces.parts_in_order(uow.session, version_id))
    put_together(archive, version_id)
    return None


@staged_use_case(Permission.DOCUMENTS_READ)
def open_part(actor: Actor, archive: Archive, *, document_id: str, number: int, part: str) -> OpenPart:
    """A part's bytes, taken out in the sandbox; counts as a download of the document.

    Raises: NotFoundError, PartUnavailableError, ContentCorruptError; MarkedOnlyError and
    StampedOnlyError as for the whole document.
    """
    look_at(archive, actor, document_id, "download", bare=True)
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        version = version_of(uow, document_id, number)
    return opened_part(archive, actor, version, part)


def opened_part(archive: Archive, actor: Actor, version: Version, part: str) -> OpenPart:
    """A step: a part's bytes. Raises: NotFoundError, PartUnavailableError, ContentCorruptError."""
    with archive.reading(actor) as uow:
        row, kinds = _part(uow, version, part)
    try:
        content = take_out(archive, version, part, kinds)
    except ReadingError as error:
        raise PartUnavailableError from error
    name = row.name.replace("\\", "/").rpartition("/")[2] or part
    return OpenPart(name, content, hashlib.sha256(content).digest(), version.filed_at)


@staged_use_case(Permission.DOCUMENTS_READ)
def part_picture(
    actor: Actor, archive: Archive, *, document_id: str, number: int, part: str, page_index: int, width_px: int
) -> bytes:
    """A picture (WebP) of one page of a part, made in the sandbox once and kept encrypted.

    Raises: NotFoundError, NotPreviewableError, ContentCorruptError.
    """
    if width_px not in PREVIEW_WIDTHS_PX or page_index < 0:
        raise NotFoundError
    mark = look_at(archive, actor, document_id, "view")
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        version = version_of(uow, document_id, number)
        stamp = stamp_of(uow, document_id)
    picture = kept_part_picture(archive, actor, version, part, page_index, width_px)
    return stamped(picture, mark, stamp) if mark or stamp else picture


def kept_part_picture(
    archive: Archive, actor: Actor, version: Version, part: str, page_index: int, width_px: int
) -> bytes:
    """A step: the picture of a part's page as it is kept, without a mark, drawn at its first use.

    Raises: NotFoundError, NotPreviewableError, ContentCorruptError.
    """
    name = f"{part}:{page_index}-{width_px}"
    with archive.reading(actor) as uow:
        row, kinds = _part(uow, version, part)
        kept = uow.session.get(Derivative, (version.id, Purpose.PREVIEW.value, name))
    if kept is not None:
        with (
            storage_translated(),
            archive.vault.open(kept.blob_id, key_of(version), version.id, Purpose.PREVIEW) as blob,
        ):
            return blob.read()
    if not KINDS[row.kind].page_images:
        raise NotPreviewableError
    try:
        content = io.BytesIO(take_out(archive, version, part, kinds))
        picture = render_page(content, row.kind, page_index, width_px=width_px).content
    except ReadingError as error:
        raise NotPreviewableError from error
    with storage_translated():
        drawn = archive.vault.put(io.BytesIO(picture), key_of(version), version.id, Purpose.PREVIEW)
    with archive.transaction(actor, eventless=True) as uow:
        # Two people asking at once both draw; the second blob becomes an orphan.
        uow.session.get_one(Version, version.id, with_for_update=True)
        if uow.session.get(Derivative, (version.id, Purpose.PREVIEW.value, name)) is None:
            uow.session.add(derivative(uow, version.id, Purpose.PREVIEW, name, drawn))
    return picture


def take_out(archive: Archive, version: Version, number: str, kinds: dict[str, str]) -> bytes:
    """The bytes of a part, out of the version through every file that it is inside of.

    `kinds` gives the kind of each of those by number. Raises: ReadingError, ContentCorruptError.
    """
    limits = reading_limits(archive, output_bytes=archive.rules.part_limit_bytes)
    steps = pieces.steps(number)
    with (
        storage_translated(),
        archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob,
    ):
        content = extract_child(io.BufferedReader(blob), version.kind, steps[0], limits=limits)
    for depth, step in enumerate(steps[1:], start=1):
        inside = "/".join(map(str, steps[:depth]))
        content = extract_child(io.BytesIO(content), kinds[inside], step, limits=limits)
    return content


def kinds_of(rows: list[Part]) -> dict[str, str]:
    """The kinds of parts by number, for `take_out`."""
    return {row.number: row.kind for row in rows}


def _read_part(archive: Archive, version: Version, part: Part, rows: list[Part]) -> None:
    taken = _take_and_read(archive, version, part, rows)
    blob = pieces.keep_own(archive, version, taken.found.own)
    with archive.transaction(READER, eventless=True) as uow:
        row = uow.session.get(Part, (version.id, part.number), with_for_update=True)
        if row is None or row.reading != "waiting":
            return  # the version is being read anew, or another worker was here
        row.kind = taken.kind.code
        if taken.content:
            row.size_bytes, row.sha256 = len(taken.content), hashlib.sha256(taken.content).digest()
        set_read(row, taken.found)
        _add_children(uow, version, row, taken.found)
        if not row.unread_pages or row.reading_note:
            conclude(row, readable=bool(taken.found.own.text.strip()))
        else:
            row.reading = "partly" if taken.found.own.text.strip() else "unread"
        uow.session.merge(derivative(uow, version.id, Purpose.TEXT, pieces.own_part(part.number), blob))


def _take_and_read(archive: Archive, version: Version, part: Part, rows: list[Part]) -> _Taken:
    unknown = KINDS["unknown"]
    total = sum(row.size_bytes or 0 for row in rows if row.sha256 is not None)
    if total + (part.size_bytes or 0) > archive.rules.parts_limit_bytes:
        return _Taken(unknown, b"", FileText(failed="too_large"))
    try:
        content = take_out(archive, version, part.number, kinds_of(rows))
    except ReadingError as error:
        return _Taken(unknown, b"", FileText(failed=error.code))
    kind = identify(content[:HEAD_BYTES], tail=content[-TAIL_BYTES:], name=part.name)
    return _Taken(kind, content, read_file(io.BytesIO(content), kind.code, reading_limits(archive)))


def _add_children(uow: UnitOfWork, version: Version, row: Part, found: FileText) -> None:
    rules = uow.archive.rules
    there = uow.session.scalar(select(func.count()).select_from(Part).where(Part.version_id == version.id)) or 0
    children = found.children[: max(0, rules.parts_limit - there)]
    for child in children:
        inner = part_row(version.id, row.number, child)
        if len(pieces.steps(inner.number)) > rules.parts_depth:
            inner.reading, inner.reading_note = "unread", "too_deep"
        uow.session.add(inner)
    if len(children) < len(found.children):
        whole = uow.session.get_one(Version, version.id)
        add_note(whole, "parts_limit", when=True)


def _part(uow: UnitOfWork, version: Version, number: str) -> tuple[Part, dict[str, str]]:
    rows = pieces.parts_in_order(uow.session, version.id)
    row = next((row for row in rows if row.number == number), None)
    if row is None:
        raise NotFoundError
    return row, kinds_of(rows)
