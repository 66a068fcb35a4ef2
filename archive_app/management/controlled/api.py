"""The JSON interface of controlled documents: the master list, and one with its editions."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.levels import Level
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.master_list import Filters, Line, list_controlled
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.controlled.showing import ControlledPage, EditionShown, view_controlled
from archive_app.web.api.reading import Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("controlled", __name__)
Kind = Literal["manual", "procedure", "regulation", "instruction", "form", "external", "plan", "other"]
State = Literal["draft", "in_force", "withdrawn"]
EditionState = Literal[
    "draft", "in_review", "in_approval", "approved", "in_force", "superseded", "withdrawn", "abandoned"
]


class ControlledListed(Shown):
    """A controlled document on the master list. `edition` is in force at this moment, `document_id` the document that
    opens by default; days are in the archive's zone."""

    id: str
    number: str
    title: str
    kind: Kind
    keeping: Literal["maintain", "retain"]
    department: str
    owner: str
    clauses: str
    level: Literal["public", "internal", "sensitive", "restricted"]
    state: State
    edition: str
    in_force_since: date | None
    document_id: str | None
    review_on: date | None
    issuer: str
    issuer_number: str


class EditionOfControlled(Shown):
    """An edition that the asker sees, newest first in its document."""

    id: str
    label: str
    state: EditionState
    author: str
    approver: str
    change_note: str
    begun_at: datetime
    approved_at: datetime | None
    effective_on: date | None
    ended_at: datetime | None
    document_id: str | None


class ControlledShown(ControlledListed):
    """A controlled document with its newest editions."""

    editions: list[EditionOfControlled]


class ControlledQuery(Paging):
    """What the master list is narrowed to."""

    text: Text | None = Field(None, max_length=200, description="In the number or the title.")
    kind: Kind | None = Field(None, description="Only of this kind.")
    state: State | None = Field(None, description="Only in this state.")
    department: Text | None = Field(None, max_length=200, description="In the name of the department.")
    owner: Text | None = Field(None, max_length=100, description="In the owner's name or login.")
    review: Literal["overdue", "soon"] | None = Field(None, description="To be looked at again.")
    mine: Literal["true"] | None = Field(None, description="Only what waits for the asker.")


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "number": "CX-01",
    "title": "文件控制程序",
    "kind": "procedure",
    "keeping": "maintain",
    "department": "综合部",
    "owner": "王文控",
    "clauses": "8.2",
    "level": "internal",
    "state": "in_force",
    "edition": "A/1",
    "in_force_since": "2026-12-01",
    "document_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c66",
    "review_on": "2027-12-01",
    "issuer": "",
    "issuer_number": "",
}
_EXAMPLE_EDITION = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c77",
    "label": "A/1",
    "state": "in_force",
    "author": "李编写",
    "approver": "张批准",
    "change_note": "补充 8.2 的保存期限",
    "begun_at": "2026-11-01T02:00:00Z",
    "approved_at": "2026-11-20T02:00:00Z",
    "effective_on": "2026-12-01",
    "ended_at": None,
    "document_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c66",
}


def _facts(row: ControlledDocument, owner: str, state: str) -> dict[str, object]:
    same = ("id", "number", "title", "kind", "keeping", "department", "clauses", "review_on", "issuer", "issuer_number")
    told = {name: getattr(row, name) for name in same}
    return {**told, "owner": owner, "state": state, "level": Level(row.level).name.lower()}


def _listed(line: Line) -> ControlledListed:
    edition = line.in_force
    return ControlledListed.model_validate(
        {
            **_facts(line.controlled, line.owner_name, line.state),
            "edition": edition.label if edition else "",
            "in_force_since": edition.effective_on if edition else None,
            "document_id": edition.document_id if edition else None,
        }
    )


def _edition(shown: EditionShown) -> EditionOfControlled:
    names = set(EditionOfControlled.model_fields) - {"author", "approver"}
    told = {name: getattr(shown.edition, name) for name in names}
    return EditionOfControlled.model_validate({**told, "author": shown.author, "approver": shown.approver})


def _one(page: ControlledPage) -> ControlledShown:
    edition = page.in_force.edition if page.in_force else None
    return ControlledShown.model_validate(
        {
            **_facts(page.controlled, page.owner, page.state),
            "edition": edition.label if edition else "",
            "in_force_since": edition.effective_on if edition else None,
            "document_id": edition.document_id if edition else None,
            "editions": [_edition(one) for one in page.editions.items],
        }
    )


@blueprint.lists(
    "/controlled-documents",
    Permission.CONTROLLED_READ,
    of=ControlledListed,
    shows=_listed,
    query=ControlledQuery,
    example=_EXAMPLE,
)
def list_of_controlled_documents(query: ControlledQuery) -> Page[Line]:
    """The master list of the asker's organisation, by number."""
    filters = Filters(
        text=query.text or "",
        kind=query.kind or "",
        state=query.state or "",
        department=query.department or "",
        owner=query.owner or "",
        review=query.review or "",
        mine=query.mine == "true",
    )
    return list_controlled(current_actor(), filters=filters, after=query.after, limit=query.limit)


@blueprint.reads(
    "/controlled-documents/<id:controlled_id>",
    Permission.CONTROLLED_READ,
    answer=ControlledShown,
    shows=_one,
    problems=[404],
    example={**_EXAMPLE, "editions": [_EXAMPLE_EDITION]},
)
def get_controlled_document(controlled_id: str) -> ControlledPage:
    """A controlled document, and the newest of its editions that the asker sees."""
    return view_controlled(current_actor(), controlled_id=controlled_id)
