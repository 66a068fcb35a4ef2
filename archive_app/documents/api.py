"""The JSON interface of documents: list, file, read, content."""

from datetime import date, datetime
from io import BytesIO
from typing import Any, Literal

from pydantic import Field
from werkzeug.wrappers import Response

from archive_app.documents.describing import (
    describe_document,
    describe_version,
    list_versions,
    settle_filing,
)
from archive_app.documents.errors import MarkedOnlyError, StampedOnlyError
from archive_app.documents.giving import open_package, open_rendition
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.looking import DocumentLine, list_documents, open_content
from archive_app.documents.models import Version
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import Asked, Day, Instant, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.downloads import content_answer, package_answer
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language

blueprint = Resources("documents", __name__)
LevelName = Literal["public", "internal", "sensitive", "restricted"]
CONTROL_MEANS = "What a controlled document is at: draft, in_force, superseded or withdrawn; empty for every other one."
_LEVEL_NAMES: dict[int, LevelName] = {0: "public", 1: "internal", 2: "sensitive", 3: "restricted"}


class VersionShown(Shown):
    """One version of a document: what is recorded about its exact original bytes. Digests are hexadecimal."""

    number: int
    current: bool
    name: str
    kind: str
    media_type: str
    size_bytes: int
    sha256: str
    sm3: str | None
    filed_at: datetime
    filed_by: str
    modified_at: datetime | None
    source_path: str
    source_system: str
    originator: str
    activity: str
    reading: Literal["waiting", "read", "partly", "unread"]
    page_count: int | None
    checked_at: datetime | None


class DocumentShown(Shown):
    """A document with its current version."""

    id: str
    engagement_id: str
    title: str
    number: str | None
    dated_on: date | None
    remark: str | None
    level: LevelName
    control: str = Field(description=CONTROL_MEANS)
    created_at: datetime
    version: VersionShown


class DocumentQuery(Paging):
    """What a list of documents is narrowed to."""

    text: Text = Field("", max_length=200, description="Any part of the title.")


class FileQuery(Asked):
    """What is recorded about a file at its entry."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["监测计划.pdf"])
    modified_at: Instant | None = Field(None, description="When it was last changed where it comes from.")
    source_path: Text = Field("", max_length=2000, description="Where it lay where it comes from.")
    source_system: Text = Field("", max_length=100, description="The system that it comes from.")
    originator: Text = Field("", max_length=200, description="Who made it.")
    activity: Text = Field("", max_length=200, description="In the course of what it was made or received.")
    duplicates: Literal["refuse", "keep"] = Field(
        default="refuse", description="What to do when the engagement already has a document of the same content."
    )


class NewDocumentQuery(FileQuery):
    """What is recorded about a file that becomes a document of its own."""

    title: Text = Field("", max_length=300, description="Its title; without one it is called by its file name.")
    number: Text = Field("", max_length=100, description="What the document calls itself.")
    dated_on: Day | None = Field(None, description="The document's own date.")
    remark: Text = Field("", max_length=1000)
    level: LevelName = Field(default="internal", description="How widely it may be seen; nobody files above their own.")


_VERSION: dict[str, Any] = {
    "number": 1,
    "current": True,
    "name": "监测计划.pdf",
    "kind": "pdf",
    "media_type": "application/pdf",
    "size_bytes": 48211,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "sm3": None,
    "filed_at": "2026-11-21T02:00:00Z",
    "filed_by": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "modified_at": None,
    "source_path": "",
    "source_system": "",
    "originator": "江南热电有限公司",
    "activity": "",
    "reading": "waiting",
    "page_count": None,
    "checked_at": None,
}
DOCUMENT_EXAMPLE = {
    "id": "019aa2b4-2e00-7d04-8f7e-0a4de64b7d02",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "title": "监测计划",
    "number": None,
    "dated_on": None,
    "remark": None,
    "level": "internal",
    "control": "",
    "created_at": "2026-11-21T02:00:00Z",
    "version": _VERSION,
}


def _version(row: Version) -> VersionShown:
    told = {name: getattr(row, name) for name in VersionShown.model_fields if name not in {"sha256", "sm3"}}
    return VersionShown(**told, sha256=row.sha256.hex(), sm3=row.sm3.hex() if row.sm3 else None)


def show_document(line: DocumentLine) -> DocumentShown:
    """A document as every part of the interface shows it."""
    told = {
        name: getattr(line.document, name) for name in DocumentShown.model_fields if name not in {"version", "level"}
    }
    return DocumentShown(**told, level=_LEVEL_NAMES[line.document.level], version=_version(line.version))


def _entry(query: FileQuery, sent: SentFile) -> Entry:
    told = query.model_dump(exclude={"duplicates", "level"})
    if isinstance(query, NewDocumentQuery):
        told["level"] = Level[query.level.upper()]
    return Entry(**told, claimed_media_type=sent.media_type)


@blueprint.lists(
    "/engagements/<id:engagement_id>/documents",
    Permission.DOCUMENTS_READ,
    of=DocumentShown,
    shows=show_document,
    query=DocumentQuery,
    example=DOCUMENT_EXAMPLE,
)
def list_of_documents(engagement_id: str, query: DocumentQuery) -> Page[DocumentLine]:
    """The documents of an engagement, newest first."""
    return list_documents(
        current_actor(), engagement_id=engagement_id, after=query.after, text=query.text, limit=query.limit
    )


@blueprint.writes(
    "/engagements/<id:engagement_id>/documents",
    Permission.DOCUMENTS_ADD,
    query=NewDocumentQuery,
    takes_file=True,
    answer=DocumentShown,
    shows=show_document,
    located="/documents/{id}",
    example=DOCUMENT_EXAMPLE,
)
def post_document(engagement_id: str, query: NewDocumentQuery, sent: SentFile) -> None:
    """Files the body as a new document.

    A body that ends early, or whose digest is not the announced one, leaves nothing. A duplicate answers 409
    `duplicate` and names the document of the same content.
    """
    add_document(
        current_actor(),
        engagement_id=engagement_id,
        stream=sent,
        entry=_entry(query, sent),
        allow_duplicate=query.duplicates == "keep",
        finish=settle_filing,
    )


@blueprint.reads(
    "/documents/<id:document_id>",
    Permission.DOCUMENTS_READ,
    answer=DocumentShown,
    shows=show_document,
    example=DOCUMENT_EXAMPLE,
)
def read_document(document_id: str) -> DocumentLine:
    """What is recorded about a document and its current version."""
    return describe_document(current_actor(), document_id=document_id)


@blueprint.lists(
    "/documents/<id:document_id>/versions",
    Permission.DOCUMENTS_READ,
    of=VersionShown,
    shows=_version,
    example=_VERSION,
)
def list_of_versions(document_id: str, query: Paging) -> Page[Version]:
    """The versions of a document, newest first."""
    return list_versions(current_actor(), document_id=document_id, after=query.after, limit=query.limit)


@blueprint.writes(
    "/documents/<id:document_id>/versions",
    Permission.DOCUMENTS_ADD,
    query=FileQuery,
    takes_file=True,
    answer=DocumentShown,
    shows=show_document,
    located="/documents/{id}",
    example=DOCUMENT_EXAMPLE,
)
def post_version(document_id: str, query: FileQuery, sent: SentFile) -> None:
    """Files the body as a new version of a document; the versions before it stay."""
    line = describe_document(current_actor(), document_id=document_id)
    add_document(
        current_actor(),
        engagement_id=line.document.engagement_id,
        document_id=document_id,
        stream=sent,
        entry=_entry(query, sent),
        allow_duplicate=query.duplicates == "keep",
        finish=settle_filing,
    )


@blueprint.reads(
    "/documents/<id:document_id>/versions/<int(min=1,max=999999):number>",
    Permission.DOCUMENTS_READ,
    answer=VersionShown,
    shows=_version,
    example=_VERSION,
)
def read_version(document_id: str, number: int) -> Version:
    """What is recorded about one version."""
    return describe_version(current_actor(), document_id=document_id, number=number)


@blueprint.reads(
    "/documents/<id:document_id>/versions/<int(min=1,max=999999):number>/content",
    Permission.DOCUMENTS_READ,
    problems=[416],
    media_type="application/octet-stream",
)
def read_content(document_id: str, number: int) -> Response:
    """The exact original bytes of a version; Range and If-Range are answered. The look is recorded.

    Who sees the document by a grant for supervision gets a ZIP file instead: `cover.html` says who got it, when and
    what for, `original/` holds the exact bytes, `SHA256SUMS` their digest. It is made anew each time, without ranges.
    Of a controlled document that is not in force any more, the bare original goes to those who control documents and to
    archivists; the others get a stamped copy (PDF), or where none can be drawn that ZIP file.
    """
    try:
        opened = open_content(current_actor(), document_id=document_id, number=number)
    except MarkedOnlyError:
        return _given(document_id, number)
    version = opened.version
    return content_answer(
        opened.stream,
        name=version.name,
        size_bytes=version.size_bytes,
        sha256=version.sha256,
        modified_at=version.filed_at,
    )


def _given(document_id: str, number: int) -> Response:
    """What goes out under a mark or a stamp."""
    actor, language = current_actor(), current_language()
    try:
        package = open_package(actor, document_id=document_id, number=number, language=language)
    except StampedOnlyError:
        made = open_rendition(actor, document_id=document_id, number=number, language=language)
        return content_answer(
            BytesIO(made.content),
            name=made.name,
            size_bytes=len(made.content),
            sha256=made.sha256,
            modified_at=made.made_at,
        )
    return package_answer(package, name=package.name)
