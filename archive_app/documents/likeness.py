"""Documents like a given one: other drafts, copies with small changes, the same form filled in again."""

from collections.abc import Sequence
from dataclasses import dataclass

from archive_app.documents.models import Document, Version
from archive_app.documents.reading import current_version
from archive_app.documents.searching import Found, SearchUnavailableError, found_rows, scope_of
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from search import IndexUnavailable

MOST_SIMILAR = 20
NEAR_DUPLICATE = 0.5
"""From this part of common passages on, two documents are called near-duplicates and their likeness is shown."""


@dataclass(frozen=True)
class SimilarLine:
    """A document like the one looked at. `percent` is how much of their passages both have, None below
    `NEAR_DUPLICATE` and where there is too little text to tell."""

    found: Found
    percent: int | None


@dataclass(frozen=True)
class SimilarPage:
    """A document and what is like it among what the reader may see: near-duplicates first."""

    document: Document
    engagement: Engagement
    lines: Sequence[SimilarLine]

    @property
    def in_library(self) -> bool:
        """Whether the document belongs to no engagement."""
        return self.engagement.activity == LIBRARY


@query(Permission.DOCUMENTS_READ)
def similar_documents(actor: Actor, uow: UnitOfWork, *, document_id: str) -> SimilarPage:
    """What is like the current version of a document. Raises: NotFoundError, SearchUnavailableError."""
    uow.require("document", document_id)
    document = uow.session.get_one(Document, document_id)
    engagement = uow.session.get_one(Engagement, document.engagement_id)
    version: Version = current_version(uow.session, document_id)
    try:
        similar = uow.archive.index.similar(version.id, scope_of(actor, uow), MOST_SIMILAR)
    except IndexUnavailable as error:
        raise SearchUnavailableError from error
    rows = found_rows(uow, [one.key for one in similar])
    lines = [SimilarLine(rows[one.key], _percent(one.likeness)) for one in similar if one.key in rows]
    # The sort is stable: what is equally like stays in the index's order.
    ranked = sorted(lines, key=lambda line: -(line.percent or 0))
    return SimilarPage(document, engagement, ranked)


def _percent(likeness: float | None) -> int | None:
    if likeness is None or likeness < NEAR_DUPLICATE:
        return None
    return round(likeness * 100)
