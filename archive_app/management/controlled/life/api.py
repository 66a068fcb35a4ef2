"""The JSON interface of controlled documents in use: who is to read an edition, and acknowledging it."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.acknowledging import ReaderLine, acknowledge, list_readers
from archive_app.management.controlled.models import Acknowledgement
from archive_app.web.api.reading import Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("controlled_life", __name__)
State = Literal["waiting", "read", "void"]


class AcknowledgementShown(Shown):
    """Somebody is to read an edition; days are in the archive's zone. `void`: it was replaced, or they left before."""

    edition_id: str
    person_id: str
    state: State
    due_on: date
    told_at: datetime
    read_at: datetime | None


class ReaderShown(AcknowledgementShown):
    """The same, with a name, and whether the day is past."""

    name: str
    overdue: bool


class ReaderQuery(Paging):
    """What a list of readers is narrowed to."""

    state: Literal["waiting", "read", "void", "overdue"] | None = Field(None, description="Only in this state.")


_EXAMPLE = {
    "edition_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "person_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "state": "read",
    "due_on": "2026-11-27",
    "told_at": "2026-11-21T02:00:00Z",
    "read_at": "2026-11-23T02:00:00Z",
}


def _facts(row: Acknowledgement) -> dict[str, object]:
    return {name: getattr(row, name) for name in AcknowledgementShown.model_fields}


def _one(row: Acknowledgement) -> AcknowledgementShown:
    return AcknowledgementShown.model_validate(_facts(row))


def _reader(line: ReaderLine) -> ReaderShown:
    told = {**_facts(line.acknowledgement), "name": line.person.display_name, "overdue": line.overdue}
    return ReaderShown.model_validate(told)


@blueprint.lists(
    "/controlled-editions/<id:edition_id>/readers",
    Permission.CONTROLLED_READ,
    of=ReaderShown,
    shows=_reader,
    query=ReaderQuery,
    example={**_EXAMPLE, "name": "张敏", "overdue": False},
)
def list_of_readers(edition_id: str, query: ReaderQuery) -> Page[ReaderLine]:
    """Who is to read an edition of a controlled document, and who did."""
    return list_readers(
        current_actor(), edition_id=edition_id, state=query.state or "", after=query.after, limit=query.limit
    )


@blueprint.writes(
    "/controlled-editions/<id:edition_id>/acknowledgement",
    Permission.CONTROLLED_READ,
    answer=AcknowledgementShown,
    shows=_one,
    status=200,
    problems=[404],
    example=_EXAMPLE,
)
def post_acknowledgement(edition_id: str) -> Acknowledgement:
    """Confirms that the asker read the edition; again, it stays as it is. Refused with `conflict` once it is not in
    force any more, and `not_found` for whoever was not asked to read it."""
    return acknowledge(current_actor(), edition_id=edition_id)
