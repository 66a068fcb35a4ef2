"""The JSON interface of material requests: how they stand, to read only."""

from datetime import date, datetime
from typing import Literal

from archive_app.casework.requests.viewing import RequestSummary, list_requests
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("material_requests", __name__)


class MaterialLineShown(Shown):
    """A line of a material request, and how many files were brought for it and not taken back."""

    id: str
    name: str
    record_type: str
    due_on: date | None
    state: Literal["open", "delivered", "returned", "accepted"]
    reason: str
    files: int


class MaterialRequestShown(Shown):
    """What the client was asked for, and how it stands."""

    id: str
    engagement_id: str
    recipient: str
    channel: Literal["email", "told"]
    state: Literal["draft", "open", "expired", "ended"]
    until: datetime | None
    created_at: datetime
    lines: list[MaterialLineShown]


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c77",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "recipient": "王会计",
    "channel": "email",
    "state": "open",
    "until": "2026-12-21T02:00:00Z",
    "created_at": "2026-11-21T02:00:00Z",
    "lines": [
        {
            "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c78",
            "name": "供热发票",
            "record_type": "invoice",
            "due_on": "2026-12-04",
            "state": "delivered",
            "reason": "",
            "files": 2,
        }
    ],
}


class MaterialRequestQuery(Paging):
    """Which requests of an engagement."""


def _shown(one: RequestSummary) -> MaterialRequestShown:
    request = one.request
    lines = [
        MaterialLineShown(
            id=summary.line.id,
            name=summary.line.name,
            record_type=summary.line.record_type,
            due_on=summary.due_on,
            state=summary.line.state,  # type: ignore[arg-type]  # the column knows no other
            reason=summary.line.reason if summary.line.state == "returned" else "",
            files=summary.files,
        )
        for summary in one.lines
    ]
    return MaterialRequestShown(
        id=request.id,
        engagement_id=request.engagement_id,
        recipient=request.recipient,
        channel=request.channel,  # type: ignore[arg-type]  # as above
        state=one.state,  # type: ignore[arg-type]  # as above
        until=request.until if request.sent_at else None,
        created_at=request.created_at,
        lines=lines,
    )


@blueprint.lists(
    "/engagements/<id:engagement_id>/material-requests",
    Permission.ENGAGEMENTS_READ,
    of=MaterialRequestShown,
    shows=_shown,
    query=MaterialRequestQuery,
    example=_EXAMPLE,
)
def list_of_material_requests(engagement_id: str, query: MaterialRequestQuery) -> Page[RequestSummary]:
    """Material requests of an engagement with their lines, newest first."""
    return list_requests(current_actor(), engagement_id=engagement_id, after=query.after, limit=query.limit)
