"""The JSON interface of records: read, list, describe, accept, return."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from archive_app.casework.models import Record
from archive_app.casework.records.describing import (
    DescribedDocument,
    accept_record,
    describe_record,
    read_record,
    return_record,
)
from archive_app.casework.records.facts import FACT_NAMES, Facts, facts_of
from archive_app.casework.records.listing import RecordFilters, RecordLine, list_records
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Asked, Day, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("records", __name__)
State = Literal["delivered", "accepted", "returned"]
Method = Literal["examine", "ask", "look", "verify"]
Facet = Literal[
    "",
    "basic_information",
    "boundary_and_sources",
    "method",
    "activity_data",
    "emission_factors",
    "calculation",
    "production_data",
    "control_plan",
]
Verdict = Literal["", "authentic", "doubtful", "not_authentic"]


class RecordShown(Shown):
    """What is said about a document as a record. `rendition_of` is the document whose rendition it is."""

    document_id: str
    state: State
    type: str
    shows: str
    methods: list[Method]
    facet: str
    originator: str
    evidence_on: date | None
    period_from: date | None
    period_to: date | None
    source: str
    unit: str
    monitoring_frequency: str
    department: str
    cross_check: str
    authenticity: str
    authenticity_reason: str
    paper_place: str
    rendition_of: str | None
    rendition: str
    reason: str
    described_by: str
    described_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class ListedShown(Shown):
    """A document of an engagement, and its record where somebody described one."""

    document_id: str
    title: str
    record: RecordShown | None


class RecordsQuery(Paging):
    """What the list is narrowed to."""

    type: Text = Field("", max_length=60, description="A type of record, such as `invoice`.")
    state: Literal["", "undescribed", "delivered", "accepted", "returned"] = Field(
        "", description="`undescribed`: nobody has said yet what it is."
    )
    text: Text = Field("", max_length=200, description="Any part of the title.")


class RecordBody(Asked):
    """What is said about a document as a record. It replaces all that was said before; what is left out is empty."""

    type: Text = Field(max_length=60, title=N_("Type of record"), description="Such as `invoice`.")
    shows: Text = Field("", max_length=500, title=N_("What it shows"))
    methods: list[Method] = Field(default=[], max_length=4, title=N_("Methods"))
    facet: Facet = Field("", title=N_("Point of the verification"))
    originator: Text = Field("", max_length=200, title=N_("Originator"))
    evidence_on: Day | None = Field(
        None, title=N_("Date of the evidence"), description="The day the evidence itself bears."
    )
    period_from: Day | None = Field(None, title=N_("Period"))
    period_to: Day | None = None
    source: Text = Field("", max_length=200, title=N_("Source of the data"), description="Of activity data.")
    unit: Text = Field("", max_length=60, title=N_("Unit"), description="Of activity data.")
    monitoring_frequency: Text = Field("", max_length=100, title=N_("Monitoring frequency"))
    department: Text = Field("", max_length=200, title=N_("Responsible department"))
    cross_check: Text = Field("", max_length=500, title=N_("Cross-check"))
    authenticity: Verdict = Field("", title=N_("Verdict on authenticity"))
    authenticity_reason: Text = Field("", max_length=500, title=N_("Reason of the verdict"))
    paper_place: Text = Field("", max_length=200, title=N_("Place of the paper original"))


class AcceptBody(Asked):
    """An acceptance. `seen_state` is the state that was seen; where it is another by now, nothing is changed."""

    seen_state: Literal["", "delivered", "returned"] = ""


class ReturnBody(Asked):
    """A return with its reason. `seen_state` as in an acceptance."""

    reason: Text = Field(min_length=1, max_length=1000, title=N_("Reason"))
    seen_state: Literal["", "delivered", "accepted"] = ""


_RECORD: dict[str, Any] = {
    "document_id": "019aa2b4-2e00-7d04-8f7e-0a4de64b7d02",
    "state": "accepted",
    "type": "invoice",
    "shows": "3月外购电量",
    "methods": ["examine", "verify"],
    "facet": "activity_data",
    "originator": "江南供电公司",
    "evidence_on": "2026-04-02",
    "period_from": "2026-03-01",
    "period_to": "2026-03-31",
    "source": "电能表",
    "unit": "MWh",
    "monitoring_frequency": "每月",
    "department": "动力部",
    "cross_check": "与台账一致",
    "authenticity": "",
    "authenticity_reason": "",
    "paper_place": "",
    "rendition_of": None,
    "rendition": "",
    "reason": "",
    "described_by": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "described_at": "2026-11-21T02:00:00Z",
    "decided_by": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "decided_at": "2026-11-21T02:00:00Z",
}
_LISTED = {"document_id": _RECORD["document_id"], "title": "3月电费发票", "record": _RECORD}


def show_record(record: Record) -> RecordShown:
    """A record as every part of the interface shows it."""
    told: dict[str, Any] = {name: getattr(record, name) for name in RecordShown.model_fields}
    return RecordShown(**told | {"methods": list(facts_of(record).methods)})


def _listed(line: RecordLine | DescribedDocument) -> ListedShown:
    record = show_record(line.record) if line.record else None
    return ListedShown(document_id=line.document.id, title=line.document.title, record=record)


@blueprint.lists(
    "/engagements/<id:engagement_id>/records",
    Permission.DOCUMENTS_READ,
    of=ListedShown,
    shows=_listed,
    query=RecordsQuery,
    example=_LISTED,
)
def list_of_records(engagement_id: str, query: RecordsQuery) -> Page[RecordLine]:
    """The documents of an engagement in the order of their filing, each with its record."""
    filters = RecordFilters(query.type, query.state, query.text)
    return list_records(
        current_actor(), engagement_id=engagement_id, filters=filters, after=query.after, limit=query.limit
    )


@blueprint.reads(
    "/documents/<id:document_id>/record",
    Permission.DOCUMENTS_READ,
    answer=ListedShown,
    shows=_listed,
    example=_LISTED,
)
def read_one_record(document_id: str) -> DescribedDocument:
    """What is said about a document as a record; `record` is null where nobody said anything yet. What the archive
    proposes is not shown here."""
    return read_record(current_actor(), document_id=document_id)


@blueprint.writes(
    "/documents/<id:document_id>/record",
    Permission.RECORDS_DESCRIBE,
    method="PUT",
    status=200,
    body=RecordBody,
    answer=RecordShown,
    shows=show_record,
    example=_RECORD,
)
def put_record(document_id: str, body: RecordBody) -> Record:
    """Describes a document as a record.

    What the team filed is accepted by it; what the client brought, what was returned, and activity data of which
    something is missing wait in the state `delivered`.
    """
    told = {name: getattr(body, name) for name in FACT_NAMES}
    return describe_record(
        current_actor(), document_id=document_id, facts=Facts(**told | {"methods": tuple(body.methods)})
    )


@blueprint.writes(
    "/documents/<id:document_id>/record/acceptance",
    Permission.RECORDS_ACCEPT,
    status=200,
    body=AcceptBody,
    answer=RecordShown,
    shows=show_record,
    example=_RECORD,
)
def post_acceptance(document_id: str, body: AcceptBody) -> Record:
    """Accepts a record. 409 `record_incomplete` for activity data of which something is missing."""
    return accept_record(current_actor(), document_id=document_id, seen_state=body.seen_state)


@blueprint.writes(
    "/documents/<id:document_id>/record/return",
    Permission.RECORDS_ACCEPT,
    status=200,
    body=ReturnBody,
    answer=RecordShown,
    shows=show_record,
    example=_RECORD,
)
def post_return(document_id: str, body: ReturnBody) -> Record:
    """Returns a record to whoever described or brought it, with the reason."""
    return return_record(current_actor(), document_id=document_id, reason=body.reason, seen_state=body.seen_state)
