"""The JSON interface of case files: the catalogue 案卷目录, one case file, its items 卷内目录."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.filing.reading import CaseFileView, ItemView
from archive_app.filing.showing import FileFilters, FileLine, list_case_files, list_items, view_case_file
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Paging, Text, Whole
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("case_files", __name__)


class CaseFileListed(Shown):
    """A case file as the catalogue lists it; `number` is its archival number."""

    id: str
    engagement_id: str
    number: str
    title: str
    year: int
    category: str
    retention: str
    items: int
    pages: int
    sealed_at: datetime | None
    reopened: bool
    voided_at: datetime | None


class CaseFileShown(Shown):
    """A case file; without a number it was not submitted yet. `from_date` and `to_date` span what one may see of it."""

    id: str
    engagement_id: str
    organisation_id: str
    number: str | None
    position: int
    title: str
    year: int
    category: str
    retention: str
    remark: str
    items: int
    pages: int
    from_date: date | None
    to_date: date | None
    sealed_at: datetime | None
    reopened: bool
    voided_at: datetime | None
    voided_reason: str


class ItemShown(Shown):
    """An item. Of one above the level of whoever asks nothing but its place shows: then `document_id` is null."""

    id: str
    position: int
    number: str | None
    document_id: str | None
    title: str
    record_type: str
    originator: str
    dated_on: date | None
    pages: int | None
    first_page: int | None
    version: int
    sha256: str
    late_reason: str


class CaseFileQuery(Paging):
    """What the catalogue is narrowed to."""

    text: Text = Field("", max_length=200, description="Any part of the number, title, engagement's number or client.")
    year: Whole | None = Field(None, ge=1949, le=2200, description="Only of this year.")
    category: Text = Field("", max_length=20, description="Only of this category, such as ZY·HC.")
    state: Literal["", "open", "sealed", "voided"] = Field("", description="Only in this state.")


_LISTED = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c71",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "number": "J019-ZY·HC·2026·D10-001",
    "title": "2025年度排放核查",
    "year": 2026,
    "category": "ZY·HC",
    "retention": "D10",
    "items": 42,
    "pages": 310,
    "sealed_at": "2026-11-21T02:00:00Z",
    "reopened": False,
    "voided_at": None,
}
_SHOWN = {
    **_LISTED,
    "organisation_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "position": 1,
    "remark": "",
    "from_date": "2026-01-05",
    "to_date": "2026-06-30",
    "voided_reason": "",
}
_ITEM = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c72",
    "position": 1,
    "number": "J019-ZY·HC·2026·D10-001-001",
    "document_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "title": "核查任务书",
    "record_type": "assignment_letter",
    "originator": "省生态环境厅",
    "dated_on": "2026-01-05",
    "pages": 3,
    "first_page": 1,
    "version": 1,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "late_reason": "",
}


def _listed(line: FileLine) -> CaseFileListed:
    row = line.row
    return CaseFileListed(
        id=row.id,
        engagement_id=row.engagement_id,
        number=row.number or "",
        title=row.title,
        year=row.year,
        category=row.category,
        retention=row.retention,
        items=line.items,
        pages=line.pages,
        sealed_at=line.sealed_at,
        reopened=line.reopened,
        voided_at=row.voided_at,
    )


def _shown(view: CaseFileView) -> CaseFileShown:
    named = set(CaseFileShown.model_fields) - {"number", "items", "reopened"}
    facts = {name: getattr(view, name) for name in named}
    return CaseFileShown(**facts, number=view.number or None, items=len(view.items), reopened=bool(view.reopenings))


def _item(item: ItemView) -> ItemShown:
    named = set(ItemShown.model_fields) - {"number", "document_id", "record_type"}
    facts = {name: getattr(item, name) for name in named}
    return ItemShown(**facts, number=item.number or None, document_id=item.document_id or None, record_type=item.type)


@blueprint.lists(
    "/case-files",
    Permission.DOCUMENTS_READ,
    of=CaseFileListed,
    shows=_listed,
    query=CaseFileQuery,
    example=_LISTED,
)
def list_of_case_files(query: CaseFileQuery) -> Page[FileLine]:
    """Case files that have their archival number, by number."""
    filters = FileFilters(query.text, query.year, query.category, query.state)
    return list_case_files(current_actor(), filters=filters, after=query.after, limit=query.limit)


@blueprint.reads(
    "/case-files/<id:case_file_id>",
    Permission.DOCUMENTS_READ,
    answer=CaseFileShown,
    shows=_shown,
    example=_SHOWN,
)
def read_case_file(case_file_id: str) -> CaseFileView:
    """One case file."""
    view, _items = view_case_file(current_actor(), case_file_id=case_file_id)
    return view


@blueprint.lists(
    "/case-files/<id:case_file_id>/items",
    Permission.DOCUMENTS_READ,
    of=ItemShown,
    shows=_item,
    query=Paging,
    problems=[404],
    example=_ITEM,
)
def list_of_items(case_file_id: str, query: Paging) -> Page[ItemView]:
    """The items of a case file, in their order."""
    return list_items(current_actor(), case_file_id=case_file_id, after=query.after, limit=query.limit)
