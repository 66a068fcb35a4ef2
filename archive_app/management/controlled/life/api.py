"""The JSON interface of controlled documents in use: who is to read an edition, and who did.

Reading is confirmed on the page, by the person: a program does not read.
"""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.acknowledging import ReaderLine, list_readers
from archive_app.web.api.reading import Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("controlled_life", __name__)
State = Literal["waiting", "read", "void"]


class ReaderShown(Shown):
    """Somebody is to read an edition; days are in the archive's zone. `void`: it was replaced, or they left before."""

    edition_id: str
    person_id: str
    state: State
    due_on: date
    told_at: datetime
    read_at: datetime | None
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
    "name": "张敏",
    "overdue": False,
}


def _reader(line: ReaderLine) -> ReaderShown:
    told = {
        name: getattr(line.acknowledgement, name)
        for name in ReaderShown.model_fields
        if name not in {"name", "overdue"}
    }
    return ReaderShown(**told, name=line.person.display_name, overdue=line.overdue)


@blueprint.lists(
    "/controlled-editions/<id:edition_id>/readers",
    Permission.CONTROLLED_READ,
    of=ReaderShown,
    shows=_reader,
    query=ReaderQuery,
    example=_EXAMPLE,
)
def list_of_readers(edition_id: str, query: ReaderQuery) -> Page[ReaderLine]:
    """Who is to read an edition of a controlled document, and who did."""
    return list_readers(
        current_actor(), edition_id=edition_id, state=query.state or "", after=query.after, limit=query.limit
    )
