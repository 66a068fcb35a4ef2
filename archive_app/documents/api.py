"""The JSON interface of documents: list, file, read, content; and the search."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask import request
from pydantic import Field
from werkzeug.wrappers import Response

from archive_app.documents.describing import (
    describe_document,
    describe_version,
    list_versions,
    settle_filing,
)
from archive_app.documents.errors import MarkedOnlyError
from archive_app.documents.giving import open_package
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.looking import DocumentLine, list_documents, open_content
from archive_app.documents.models import Version
from archive_app.documents.searching import LAST_OFFSET, PAGE_SIZE, Found, SearchPage, search_documents
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import Asked, Day, Identifier, Instant, Paging, Text, Whole
from archive_app.web.api.routes import Resources, Shown, next_address
from archive_app.web.downloads import content_answer, package_answer
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language
from search import Filters, Sort

blueprint = Resources("documents", __name__)
LevelName = Literal["public", "internal", "sensitive", "restricted"]
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
    "created_at": "2026-11-21T02:00:00Z",
    "version": _VERSION,
}


class SearchQuery(Asked):
    """What is looked for, and what it is narrowed to. Filters of one name are alternatives."""

    q: Text = Field("", max_length=2000, description="Words, phrases in quotation marks, fields such as 类型:pdf.")
    engagement: list[Identifier] = Field(default=[], max_length=50)
    client: list[Identifier] = Field(default=[], max_length=50)
    year: list[Annotated[Whole, Field(ge=0, le=9999)]] = Field(default=[], max_length=50)
    kind: list[Text] = Field(default=[], max_length=50, description="Such as `pdf`.")
    filed_from: Day | None = None
    filed_to: Day | None = None
    versions: Literal["current", "all"] = "current"
    reading: Literal["any", "unread"] = Field(default="any", description="`unread`: only what has no text.")
    synonyms: Literal["on", "off"] = Field(
        default="on", description="Whether the standards' synonyms are looked for as well."
    )
    sort: Literal["relevance", "newest", "oldest", "title"] = "relevance"
    after: Whole | None = Field(
        None, ge=1, le=LAST_OFFSET, description="How many hits to pass over; in `next`. A page has 20 hits."
    )


class PieceShown(Shown):
    """A piece of an excerpt; the marked ones are what was looked for."""

    text: str
    marked: bool


class HitShown(Shown):
    """A version that was found, with excerpts of its text."""

    document_id: str
    title: str
    version: int
    current: bool
    name: str
    kind: str
    filed_at: datetime
    engagement_id: str
    engagement_title: str
    year: int
    client_name: str
    excerpts: list[list[PieceShown]]


class FacetShown(Shown):
    """A value to narrow by, its words, and how many hits it has."""

    value: str
    label: str
    count: int


class ExpansionShown(Shown):
    """A word of the query, and the synonyms that were looked for as well."""

    term: str
    added: list[str]


class SearchShown(Shown):
    """One page of hits among what one may see, with the exact number of all and exact counts of the same."""

    items: list[HitShown]
    total: int
    facets: dict[str, list[FacetShown]]
    notes: list[str]
    expanded: list[ExpansionShown]
    next: str | None


_SEARCH = {
    "items": [
        {
            "document_id": DOCUMENT_EXAMPLE["id"],
            "title": "监测计划",
            "version": 1,
            "current": True,
            "name": "监测计划.pdf",
            "kind": "pdf",
            "filed_at": "2026-11-21T02:00:00Z",
            "engagement_id": DOCUMENT_EXAMPLE["engagement_id"],
            "engagement_title": "2025年度排放核查",
            "year": 2025,
            "client_name": "江南热电有限公司",
            "excerpts": [[{"text": "一号锅炉的", "marked": False}, {"text": "排放量", "marked": True}]],
        }
    ],
    "total": 1,
    "facets": {"kind": [{"value": "pdf", "label": "pdf", "count": 1}]},
    "notes": [],
    "expanded": [],
    "next": None,
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


def _hit(found: Found) -> HitShown:
    return HitShown(
        document_id=found.document.id,
        title=found.document.title,
        version=found.version.number,
        current=found.version.current,
        name=found.version.name,
        kind=found.version.kind,
        filed_at=found.version.filed_at,
        engagement_id=found.engagement.id,
        engagement_title=found.engagement.title,
        year=found.engagement.year,
        client_name=found.client_name,
        excerpts=[[PieceShown(text=p.text, marked=p.marked) for p in cut.pieces] for cut in found.fragments],
    )


def _search(page: SearchPage) -> SearchShown:
    passed = int(request.args.get("after", 0)) + PAGE_SIZE
    following = str(passed) if passed < min(page.total, LAST_OFFSET + 1) else None
    facets = {
        name: [FacetShown(value=value.value, label=value.label, count=value.count) for value in values]
        for name, values in page.facets.items()
    }
    return SearchShown(
        items=[_hit(found) for found in page.found],
        total=page.total,
        facets=facets,
        notes=list(page.notes),
        expanded=[ExpansionShown(term=more.term, added=list(more.added)) for more in page.expanded],
        next=next_address(Page((), following)),
    )


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
    """
    try:
        opened = open_content(current_actor(), document_id=document_id, number=number)
    except MarkedOnlyError:
        language = current_language()
        package = open_package(current_actor(), document_id=document_id, number=number, language=language)
        return package_answer(package, name=package.name)
    version = opened.version
    return content_answer(
        opened.stream,
        name=version.name,
        size_bytes=version.size_bytes,
        sha256=version.sha256,
        modified_at=version.filed_at,
    )


@blueprint.reads(
    "/search", Permission.DOCUMENTS_READ, answer=SearchShown, shows=_search, query=SearchQuery, example=_SEARCH
)
def search(query: SearchQuery) -> SearchPage:
    """What matches among the documents that one may see, with excerpts and counts to narrow by.

    A filter leaves its own counts alone: they say what choosing another value would give.
    """
    filters = Filters(
        engagements=frozenset(query.engagement),
        clients=frozenset(query.client),
        years=frozenset(query.year),
        kinds=frozenset(query.kind),
        filed_from=query.filed_from,
        filed_to=query.filed_to,
        current_only=query.versions == "current",
        unread_only=query.reading == "unread",
    )
    return search_documents(
        current_actor(),
        text=query.q,
        filters=filters,
        sort=Sort(query.sort),
        offset=query.after or 0,
        synonyms=query.synonyms == "on",
    )
