"""What is recorded about a document and its versions, without their content: reading it is no look."""

from sqlalchemy import select

from archive_app.documents.errors import DuplicateError
from archive_app.documents.ingest import Filed
from archive_app.documents.looking import DocumentLine
from archive_app.documents.models import Document, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


@query(Permission.DOCUMENTS_READ)
def describe_document(actor: Actor, uow: UnitOfWork, *, document_id: str) -> DocumentLine:
    """A document with its current version. Raises: NotFoundError."""
    uow.require("document", document_id)
    row = uow.session.execute(
        select(Document, Version)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .where(Document.id == document_id)
    ).one()
    return DocumentLine(row[0], row[1])


@query(Permission.DOCUMENTS_READ)
def describe_version(actor: Actor, uow: UnitOfWork, *, document_id: str, number: int) -> Version:
    """One version. Raises: NotFoundError."""
    uow.require("document", document_id)
    of_document = select(Version).where(Version.document_id == document_id, Version.number == number)
    version = uow.session.scalars(of_document).one_or_none()
    if version is None:
        raise NotFoundError
    return version


@query(Permission.DOCUMENTS_READ)
def list_versions(
    actor: Actor, uow: UnitOfWork, *, document_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[Version]:
    """The versions of a document, newest first. Raises: NotFoundError."""
    uow.require("document", document_id)
    statement = select(Version).where(Version.document_id == document_id)
    page = fetch_page(uow.session, statement, [Version.number], after=after, descending=True, limit=limit)
    return Page([row[0] for row in page.items], page.next_key)


def outcome(uow: UnitOfWork, filed: Filed) -> DocumentLine | DuplicateError:
    """What came of a filing: the document with its new version, or the refusal of a duplicate, which is recorded."""
    if filed.document_id is None:
        return DuplicateError(document_id=filed.duplicate_of)
    uow.session.flush()
    document = uow.session.get_one(Document, filed.document_id)
    return DocumentLine(document, uow.session.get_one(Version, filed.version_id))


def settle_filing(uow: UnitOfWork, filed: Filed) -> None:
    """The step that ends a filing for whoever waits for its outcome."""
    settle(uow, outcome(uow, filed))
