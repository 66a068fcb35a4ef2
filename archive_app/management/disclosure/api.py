"""The JSON interface of what is made public: the list, and one with its decision."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.disclosure.showing import (
    DisclosureLine,
    DisclosureView,
    list_disclosures,
    view_disclosure,
)
from archive_app.web.api.reading import Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("disclosure", __name__)
State = Literal["proposed", "published", "refused", "ended"]


class DisclosureShown(Shown):
    """A document that was proposed for publication; `served` says whether everybody may read it at this moment, once
    the public page of the organisation is open. `sha256` is of the very version that is public."""

    id: str
    document_id: str
    title: str
    version: int
    name: str
    sha256: str
    state: State
    served: bool
    reason: str
    source: str
    proposed_at: datetime
    decided_at: datetime | None
    decision: str
    until: date | None
    ended_at: datetime | None
    downloads: int


class DisclosureQuery(Paging):
    """What the list is narrowed to."""

    state: State | None = Field(None, description="Only in this state.")
    text: Text | None = Field(None, max_length=200, description="Any part of the title.")


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c99",
    "document_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c66",
    "title": "年度温室气体排放信息",
    "version": 1,
    "name": "年度排放信息.pdf",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "state": "published",
    "served": True,
    "reason": "按标准公开",
    "source": "S2 5.3",
    "proposed_at": "2026-11-20T02:00:00Z",
    "decided_at": "2026-11-21T02:00:00Z",
    "decision": "",
    "until": "2027-12-31",
    "ended_at": None,
    "downloads": 0,
}


def _shown(line: DisclosureLine) -> DisclosureShown:
    of_version = {"version": line.version.number, "name": line.version.name, "sha256": line.version.sha256.hex()}
    own = [name for name in DisclosureShown.model_fields if name not in {*of_version, "served"}]
    told = {name: getattr(line.disclosure, name) for name in own}
    return DisclosureShown.model_validate({**told, **of_version, "served": line.served})


def _one(view: DisclosureView) -> DisclosureShown:
    return _shown(view.line)


@blueprint.lists(
    "/disclosures",
    Permission.CONTROLLED_READ,
    of=DisclosureShown,
    shows=_shown,
    query=DisclosureQuery,
    example=_EXAMPLE,
)
def list_of_disclosures(query: DisclosureQuery) -> Page[DisclosureLine]:
    """What the organisation made public, the latest first; of what is only proposed a program is told nothing."""
    return list_disclosures(
        current_actor(), state=query.state or "", text=query.text or "", after=query.after, limit=query.limit
    )


@blueprint.reads(
    "/disclosures/<id:disclosure_id>",
    Permission.CONTROLLED_READ,
    answer=DisclosureShown,
    shows=_one,
    example=_EXAMPLE,
)
def read_disclosure(disclosure_id: str) -> DisclosureView:
    """One of them."""
    return view_disclosure(current_actor(), disclosure_id=disclosure_id)
