"""The JSON interface of the legal register: laws, and the obligations that follow from them."""

from dataclasses import replace
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.laws.lines import ObligationLine
from archive_app.management.laws.models import Law
from archive_app.management.laws.showing import (
    LawLine,
    LawPage,
    RegisterFilters,
    list_laws,
    list_obligations,
    view_law,
)
from archive_app.web.api.reading import Identifier, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("laws", __name__)
State = Literal["in_force", "coming", "ended", "withdrawn"]
Kind = Literal[
    "law",
    "regulation",
    "rule",
    "local",
    "policy",
    "national_standard",
    "sector_standard",
    "local_standard",
    "international",
    "agreement",
    "other",
]
Result = Literal["complies", "partly", "fails", "not_applicable"]


class LawShown(Shown):
    """A law of the register. It holds from `effective_on` on, and from `ended_on` on no more; `state` is that of today,
    in the archive's zone."""

    id: str
    title: str
    number: str
    issuer: str
    kind: Kind
    state: State
    published_on: date | None
    effective_on: date | None
    ended_on: date | None
    replaced_by_id: str | None
    controlled_document_id: str | None
    review_on: date | None
    recorded_at: datetime


class LawListed(LawShown):
    """A law, with how many obligations in force it leads to, how many of them are overdue for their evaluation, and how
    many were not complied with."""

    obligations: int
    overdue: int
    not_complied: int


class ObligationShown(Shown):
    """An obligation. `result` and `evaluated_on` are of its last evaluation; `evaluate_on` is by when the next is due,
    while it holds. `state` is that of today."""

    id: str
    law_id: str
    clause: str
    requirement: str
    met_by: str
    department: str
    owner_id: str
    owner_name: str
    valid_from: date | None
    valid_until: date | None
    state: State
    every_months: int
    evaluate_on: date | None
    overdue: bool
    evaluated_on: date | None
    result: Result | None


class LawWhole(LawShown):
    """A law with all obligations that it leads to."""

    obligations: list[ObligationShown]


class LawQuery(Paging):
    """What a list of laws is narrowed to."""

    text: Text | None = Field(None, max_length=200, description="In title, number, issuer or an obligation.")
    kind: Kind | None = Field(None, description="Only of this kind.")
    state: State | None = Field(None, description="Only what stands there today; without it, all but withdrawn.")
    owner_id: Identifier | None = Field(None, description="Only where this person sees to an obligation.")


class ObligationQuery(LawQuery):
    """What a list of obligations is narrowed to."""

    overdue: Literal["true"] | None = Field(None, description="Only those whose evaluation is overdue.")
    not_complied: Literal["true"] | None = Field(None, description="Only those that are not complied with.")


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "title": "碳排放权交易管理暂行条例",
    "number": "国务院令第775号",
    "issuer": "国务院",
    "kind": "regulation",
    "state": "in_force",
    "published_on": "2024-02-04",
    "effective_on": "2024-05-01",
    "ended_on": None,
    "replaced_by_id": None,
    "controlled_document_id": None,
    "review_on": "2027-11-19",
    "recorded_at": "2026-11-21T02:00:00Z",
}
_DUTY_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c66",
    "law_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "clause": "第十一条",
    "requirement": "原始记录和管理台账至少保存五年",
    "met_by": "档案保管期限表",
    "department": "档案室",
    "owner_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c77",
    "owner_name": "张敏",
    "valid_from": None,
    "valid_until": None,
    "state": "in_force",
    "every_months": 12,
    "evaluate_on": "2027-11-19",
    "overdue": False,
    "evaluated_on": "2026-11-20",
    "result": "complies",
}


def _facts(law: Law, state: str) -> dict[str, object]:
    named = {name: getattr(law, name) for name in LawShown.model_fields if name != "state"}
    return {**named, "state": state}


def _listed(line: LawLine) -> LawListed:
    counts = {name: getattr(line, name) for name in ("obligations", "overdue", "not_complied")}
    return LawListed.model_validate({**_facts(line.law, line.state), **counts})


def _duty(line: ObligationLine) -> ObligationShown:
    names = ("id", "law_id", "clause", "requirement", "met_by", "department", "owner_id", "valid_from", "valid_until")
    told = {name: getattr(line.obligation, name) for name in names}
    last = line.last.evaluation if line.last else None
    return ObligationShown.model_validate(
        {
            **told,
            "owner_name": line.owner,
            "state": line.standing.state,
            "every_months": line.obligation.every_months,
            "evaluate_on": line.obligation.evaluate_on if line.standing.holds else None,
            "overdue": line.overdue,
            "evaluated_on": last.evaluated_on if last else None,
            "result": last.result if last else None,
        }
    )


def _whole(page: LawPage) -> LawWhole:
    return LawWhole.model_validate(
        {**_facts(page.law, page.state), "obligations": [_duty(line) for line in page.chain]}
    )


def _filters(query: LawQuery) -> RegisterFilters:
    return RegisterFilters(
        text=query.text or "", kind=query.kind or "", state=query.state or "", owner=query.owner_id or ""
    )


@blueprint.lists(
    "/laws",
    Permission.LAWS_READ,
    of=LawListed,
    shows=_listed,
    query=LawQuery,
    example={**_EXAMPLE, "obligations": 3, "overdue": 0, "not_complied": 1},
)
def list_of_laws(query: LawQuery) -> Page[LawLine]:
    """The legal register of the asker's organisation, by title."""
    return list_laws(current_actor(), filters=_filters(query), after=query.after, limit=query.limit)


@blueprint.reads(
    "/laws/<id:law_id>",
    Permission.LAWS_READ,
    answer=LawWhole,
    shows=_whole,
    problems=[404],
    example={**_EXAMPLE, "obligations": [_DUTY_EXAMPLE]},
)
def get_law(law_id: str) -> LawPage:
    """One law with the obligations that it leads to, each with its last evaluation."""
    return view_law(current_actor(), law_id=law_id)


@blueprint.lists(
    "/obligations",
    Permission.LAWS_READ,
    of=ObligationShown,
    shows=_duty,
    query=ObligationQuery,
    example=_DUTY_EXAMPLE,
)
def list_of_obligations(query: ObligationQuery) -> Page[ObligationLine]:
    """Obligations by the day of their next evaluation; without `state`, those that hold or will."""
    filters = replace(_filters(query), overdue=query.overdue is not None, not_complied=query.not_complied is not None)
    return list_obligations(current_actor(), filters=filters, after=query.after, limit=query.limit)
