"""The JSON interface of the technical review: its rounds, to read only; a verdict asks for a confirmation in person."""

from datetime import datetime
from typing import Literal

from archive_app.casework.reviewing.showing import RoundLine, list_rounds
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("reviewing", __name__)


class ReviewShown(Shown):
    """A round of the technical review of a version of the report; `current` when no newer version was filed since."""

    id: str
    engagement_id: str
    round: int
    document_id: str
    version: int
    current: bool
    reviewer_id: str
    state: Literal["open", "passed", "returned", "withdrawn"]
    asked_at: datetime
    decided_at: datetime | None


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c66",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "round": 1,
    "document_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c45",
    "version": 1,
    "current": True,
    "reviewer_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "state": "passed",
    "asked_at": "2026-11-21T02:00:00Z",
    "decided_at": "2026-11-23T02:00:00Z",
}


def _shown(line: RoundLine) -> ReviewShown:
    row = line.review
    return ReviewShown.model_validate(
        {
            "id": row.id,
            "engagement_id": row.engagement_id,
            "round": row.round,
            "document_id": line.document_id,
            "version": line.number,
            "current": line.current,
            "reviewer_id": row.reviewer_id,
            "state": row.verdict or "open",
            "asked_at": row.asked_at,
            "decided_at": row.decided_at,
        }
    )


@blueprint.lists(
    "/engagements/<id:engagement_id>/reviews",
    Permission.DOCUMENTS_READ,
    of=ReviewShown,
    shows=_shown,
    query=Paging,
    example=_EXAMPLE,
)
def list_of_reviews(engagement_id: str, query: Paging) -> Page[RoundLine]:
    """The rounds of the technical review that one may see, newest first."""
    return list_rounds(current_actor(), engagement_id=engagement_id, after=query.after, limit=query.limit)
