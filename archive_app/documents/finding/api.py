"""The JSON interface of searching: what matches, with excerpts and counts."""

from datetime import datetime
from typing import Annotated, Literal

from flask import request
from pydantic import Field

from archive_app.documents.api import CONTROL_MEANS, DOCUMENT_EXAMPLE
from archive_app.documents.searching import LAST_OFFSET, PAGE_SIZE, Found, SearchPage, search_documents
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Asked, Day, Identifier, Text, Whole
from archive_app.web.api.routes import Resources, Shown, next_address
from archive_app.web.gate import current_actor
from search import Filters, Sort

blueprint = Resources("finding", __name__)


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
    control: str = Field(description=CONTROL_MEANS)
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
            "control": "",
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


def _hit(found: Found) -> HitShown:
    return HitShown(
        document_id=found.document.id,
        title=found.document.title,
        control=found.document.control,
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
