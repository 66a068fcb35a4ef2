"""Documents of each level, and who sees them."""

import io
from collections.abc import Callable

import pytest

from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.documents.looking import list_documents
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.levels import Level

WORDS = "内容 低位发热量检测"


def file_at(actor: Actor, engagement_id: str, level: Level, *, text: str = "") -> Filed:
    """A document called by its level."""
    name = f"{level.name.lower()}.txt"
    entry = Entry(name=name, level=level, number=f"NO-{level.name}", originator=f"检测站{level.name}")
    content = io.BytesIO(f"{WORDS} {level.name} {text}".encode())
    return add_document(actor, engagement_id=engagement_id, stream=content, entry=entry)


def names(actor: Actor, engagement_id: str) -> set[str]:
    return {line.document.title for line in list_documents(actor, engagement_id=engagement_id).items}


def refused(attempt: Callable[[], object]) -> type[ArchiveError]:
    with pytest.raises(ArchiveError) as caught:
        attempt()
    return type(caught.value)


def file_version_of(actor: Actor, engagement_id: str, document_id: str) -> Filed:
    stream = io.BytesIO(b"next")
    return add_document(
        actor, engagement_id=engagement_id, document_id=document_id, stream=stream, entry=Entry(name="n.txt")
    )
