"""What everybody may read without signing in: the page of an organisation, and the files that it made public.

An address that nobody chose, one that is closed and a file that is not public any more are all the same: nothing is
there. Who reads is not asked, and of downloads only how many there were is kept.
"""

import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, cast

from sqlalchemy import select, update

from archive_app.documents.errors import storage_translated
from archive_app.documents.keys import key_of
from archive_app.documents.models import Version
from archive_app.documents.outgoing import WhileAllowed
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case
from archive_app.management.disclosure.models import Disclosure, DisclosurePage
from archive_app.management.disclosure.rules import served, with_document
from storage import BlobReader, Purpose

PUBLIC_PAGE_SIZE = 50


@dataclass(frozen=True)
class PublicFile:
    """A published file as everybody reads of it: nothing that is not said here leaves the archive."""

    id: str
    title: str
    name: str
    kind: str
    size_bytes: int
    sha256: str
    published_at: datetime
    until: date | None


@dataclass(frozen=True)
class PublicPage:
    """The public page of an organisation."""

    code: str
    name: str
    credit_code: str
    introduction: str
    files: Page[PublicFile]


@dataclass(frozen=True)
class PublicContent:
    """The exact bytes of a published version, readable and seekable; the caller closes `stream`."""

    file: PublicFile
    sha256: bytes
    stream: BinaryIO


@query(Permission.ANYBODY)
def view_public_page(actor: Actor, uow: UnitOfWork, *, code: str, after: str | None = None) -> PublicPage:
    """The page of the organisation with this address, the latest files first. Raises: NotFoundError."""
    page, organisation = _open_page(uow, code)
    statement = with_document().where(Disclosure.organisation_id == page.organisation_id, served(uow))
    rows = fetch_page(uow.session, statement, [Disclosure.id], after=after, descending=True, limit=PUBLIC_PAGE_SIZE)
    files = [_file(row[0], row[2]) for row in rows.items]
    return PublicPage(
        page.code,
        organisation.name,
        organisation.credit_code or "",
        page.introduction,
        Page(files, rows.next_key),
    )


@staged_use_case(Permission.ANYBODY)
def open_public(
    actor: Actor, archive: Archive, *, code: str, disclosure_id: str, counted: bool = True
) -> PublicContent:
    """The bytes of a published file, each part authenticated before it goes out, for as long as it is public.

    `counted` says whether this is a download and not a part of one, or a question about it. Raises: NotFoundError,
    ContentCorruptError.
    """
    with archive.reading(actor) as uow:
        row, version = _published(uow, code, disclosure_id)
        found = _file(row, version)
    with storage_translated():
        blob = archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT)
    if counted:
        with archive.transaction(actor, eventless=True) as uow:
            one_more = update(Disclosure).where(Disclosure.id == disclosure_id)
            uow.session.execute(one_more.values(downloads=Disclosure.downloads + 1))
    stream = WhilePublic(blob, archive, actor, version.document_id, code=code, disclosure_id=disclosure_id)
    return PublicContent(found, version.sha256, cast("BinaryIO", stream))


class WhilePublic(WhileAllowed):
    """The bytes of a published file, as long as it is public. Raises: NotFoundError on reading, once it is not."""

    def __init__(
        self, blob: BlobReader, archive: Archive, actor: Actor, document_id: str, *, code: str, disclosure_id: str
    ) -> None:
        super().__init__(blob, archive, actor, document_id)
        self._where = code, disclosure_id

    def _ask_again(self) -> None:
        with self._archive.reading(self._actor) as uow:
            _published(uow, *self._where)
        self._since_bytes, self._since = 0, time.monotonic()


def _open_page(uow: UnitOfWork, code: str) -> tuple[DisclosurePage, Organisation]:
    found = uow.session.execute(
        select(DisclosurePage, Organisation)
        .join(Organisation, Organisation.id == DisclosurePage.organisation_id)
        .where(DisclosurePage.code == code, DisclosurePage.open)
    ).one_or_none()
    if found is None:
        raise NotFoundError
    return found[0], found[1]


def _published(uow: UnitOfWork, code: str, disclosure_id: str) -> tuple[Disclosure, Version]:
    page, _organisation = _open_page(uow, code)
    wanted = (Disclosure.id == disclosure_id, Disclosure.organisation_id == page.organisation_id)
    row = uow.session.execute(with_document().where(*wanted, served(uow))).one_or_none()
    if row is None:
        raise NotFoundError
    return row[0], row[2]


def _file(row: Disclosure, version: Version) -> PublicFile:
    return PublicFile(
        id=row.id,
        title=row.title,
        name=version.name,
        kind=version.kind,
        size_bytes=version.size_bytes,
        sha256=version.sha256.hex(),
        published_at=row.published_at or row.proposed_at,
        until=row.until,
    )
