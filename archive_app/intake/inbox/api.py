"""The JSON interface of the inbox: files that come without a place, and where they go."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from archive_app.documents.api import DOCUMENT_EXAMPLE, DocumentShown, show_document
from archive_app.documents.errors import DuplicateError
from archive_app.documents.ingest import Entry
from archive_app.documents.looking import DocumentLine
from archive_app.intake.inbox.filing import file_one
from archive_app.intake.inbox.holding import InboxPlace, hold_file
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.inbox.sorting import InboxFilters, InboxLine, view_inbox, view_inbox_file
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.bodies import SentFile
from archive_app.web.api.reading import Asked, Identifier, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language

blueprint = Resources("inbox", __name__)


class InboxFileShown(Shown):
    """A file that came in. `state`: waiting, filed, refused, discarded."""

    id: str
    name: str
    kind: str
    size_bytes: int
    sha256: str | None
    folder: str
    source_path: str
    source_system: str
    originator: str
    activity: str
    state: str
    engagement_id: str | None
    document_id: str | None
    created_at: datetime


class SentFileQuery(Asked):
    """What is known of a file that comes in."""

    name: Text = Field(min_length=1, max_length=1000, description="Its file name.", examples=["001.pdf"])
    source_path: Text = Field("", max_length=2000)
    source_system: Text = Field("", max_length=100)
    originator: Text = Field("", max_length=200)
    activity: Text = Field("", max_length=200)


class InboxSentQuery(SentFileQuery):
    """What is known of a file for the inbox."""

    engagement: Identifier | None = Field(None, description="Where it probably belongs.")


class InboxQuery(Paging):
    """What the inbox is narrowed to."""

    state: Literal["waiting", "filed", "refused", "discarded"] = "waiting"
    folder: Text = Field("", max_length=100)
    text: Text = Field("", max_length=200)


class InboxFiling(Asked):
    """Where a file of the inbox is filed."""

    engagement_id: Identifier = Field(examples=["019aa2b4-11c0-7d04-8f7e-0a4de64b7c44"])
    duplicates: Literal["refuse", "keep"] = "refuse"


INBOX_EXAMPLE: dict[str, Any] = {
    "id": "019aa2b4-5000-7d04-8f7e-0a4de64b7f01",
    "name": "001.pdf",
    "kind": "pdf",
    "size_bytes": 48211,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "folder": "扫描仪 3 楼",
    "source_path": "HC-2026-001/001.pdf",
    "source_system": "scanner",
    "originator": "",
    "activity": "",
    "state": "waiting",
    "engagement_id": None,
    "document_id": None,
    "created_at": "2026-11-21T02:00:00Z",
}


def show_inbox_file(row: InboxFile) -> InboxFileShown:
    """A file that came in, as every part of the interface shows it."""
    told = {name: getattr(row, name) for name in InboxFileShown.model_fields if name != "sha256"}
    return InboxFileShown(**told, sha256=row.sha256.hex() if row.sha256 else None)


def _inbox_line(line: InboxLine) -> InboxFileShown:
    return show_inbox_file(line.file)


@blueprint.lists(
    "/inbox",
    Permission.INBOX_SORT,
    of=InboxFileShown,
    shows=_inbox_line,
    query=InboxQuery,
    example=INBOX_EXAMPLE,
)
def list_of_inbox(query: InboxQuery) -> Page[InboxLine]:
    """The files of the inbox: waiting ones the oldest first, others the newest first."""
    filters = InboxFilters(text=query.text, folder=query.folder, state=query.state)
    inbox = view_inbox(
        current_actor(), filters=filters, language=current_language(), after=query.after, limit=query.limit
    )
    return inbox.page


@blueprint.writes(
    "/inbox",
    Permission.DOCUMENTS_ADD,
    query=InboxSentQuery,
    takes_file=True,
    answer=InboxFileShown,
    shows=show_inbox_file,
    located="/inbox/{id}",
    problems=[404],
    example=INBOX_EXAMPLE,
)
def post_inbox_file(query: InboxSentQuery, sent: SentFile) -> None:
    """Puts a file into the inbox of one's own organisation."""
    actor = current_actor()
    entry = Entry(**query.model_dump(exclude={"engagement"}), claimed_media_type=sent.media_type)
    place = InboxPlace(actor.organisation_id or "", query.engagement)
    hold_file(actor, stream=sent, entry=entry, place=place)


@blueprint.reads(
    "/inbox/<id:inbox_id>",
    Permission.INBOX_SORT,
    answer=InboxFileShown,
    shows=_inbox_line,
    example=INBOX_EXAMPLE,
)
def read_inbox_file(inbox_id: str) -> InboxLine:
    """One file of the inbox."""
    return view_inbox_file(current_actor(), inbox_id=inbox_id, language=current_language())


@blueprint.writes(
    "/inbox/<id:inbox_id>/filing",
    Permission.INBOX_SORT,
    body=InboxFiling,
    answer=DocumentShown,
    shows=show_document,
    located="/documents/{id}",
    example=DOCUMENT_EXAMPLE,
)
def post_inbox_filing(inbox_id: str, body: InboxFiling) -> DocumentLine | DuplicateError:
    """Files a waiting file of the inbox into an engagement; a duplicate goes on waiting."""
    return file_one(
        current_actor(),
        inbox_id=inbox_id,
        engagement_id=body.engagement_id,
        allow_duplicate=body.duplicates == "keep",
    )
