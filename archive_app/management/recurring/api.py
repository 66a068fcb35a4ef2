"""The JSON interface of recurring duties: what an organisation took on, what falls due, and settling it."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.management.recurring.listing import (
    DutyLine,
    TimeFilters,
    TimeLine,
    list_duties,
    list_times,
)
from archive_app.management.recurring.models import Occurrence
from archive_app.management.recurring.planning import FIRST_YEAR, LAST_YEAR
from archive_app.management.recurring.settling import MOST_RECORDS, REMARK_LIMIT, Shows, settle_done
from archive_app.management.recurring.showing import OccurrencePage, view_occurrence
from archive_app.web.api.reading import Asked, Identifier, Paging, Whole
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("recurring", __name__)
State = Literal["open", "done", "not_needed", "void"]
Mark = Literal["open", "overdue", "done", "not_needed", "void"]


class DutyShown(Shown):
    """A recurring duty that an organisation took on. `code` is of its catalogue, empty for one of own words; it falls
    due every `every_months`, counted from `first_on`; days are in the archive's zone."""

    id: str
    organisation_id: str
    site_id: str | None
    code: str
    title: str
    source: str
    records: list[str]
    owner_id: str
    every_months: int
    first_on: date
    ended_on: date | None


class OccurrenceShown(Shown):
    """One time that a duty falls due. `overdue` and `late` are said of today, and of the day that it was settled on."""

    id: str
    duty_id: str
    organisation_id: str
    change_id: str | None
    due_on: date
    provisional: bool
    owner_id: str
    state: State
    remark: str
    settled_at: datetime | None


class OccurrenceListed(OccurrenceShown):
    """One time of a duty with what the duty is called."""

    title: str
    overdue: bool
    late: bool


class OccurrenceWhole(OccurrenceListed):
    """One time of a duty with the documents that it rests on, of those that one may see."""

    documents: list[str]


class DutyQuery(Paging):
    """What a list of duties is narrowed to."""

    organisation_id: Identifier | None = Field(None, description="Only of this organisation.")


class OccurrenceQuery(Paging):
    """What a list of times of duties is narrowed to."""

    organisation_id: Identifier | None = Field(None, description="Only of this organisation.")
    duty_id: Identifier | None = Field(None, description="Only of this duty.")
    year: Whole | None = Field(None, ge=FIRST_YEAR, le=LAST_YEAR, description="Only those due in this year.")
    state: Mark | None = Field(None, description="Only those that stand like this today.")


class SettlementRecord(Asked):
    """A document that shows that the duty was done, and the type of record that it stands for."""

    document_id: Identifier = Field(title="Document")
    type: str = Field(title="Type of record", min_length=1, max_length=60, examples=["training_record"])


class Settlement(Asked):
    """The duty was done: the documents that show it, or a remark that says what does."""

    records: list[SettlementRecord] = Field([], title="Records", max_length=MOST_RECORDS)
    remark: str = Field("", title="Remark", max_length=REMARK_LIMIT, examples=["培训记录为纸质"])


_DUTY = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "organisation_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "site_id": None,
    "code": "training",
    "title": "碳排放管理知识培训",
    "source": "S2 8.2b",
    "records": ["training_record"],
    "owner_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c33",
    "every_months": 12,
    "first_on": "2026-08-31",
    "ended_on": None,
}
_OCCURRENCE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "duty_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "organisation_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "change_id": None,
    "due_on": "2026-08-31",
    "provisional": False,
    "owner_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c33",
    "state": "done",
    "remark": "",
    "settled_at": "2026-08-28T02:00:00Z",
}
_LISTED = {**_OCCURRENCE, "title": "碳排放管理知识培训", "overdue": False, "late": False}


def _duty(line: DutyLine) -> DutyShown:
    duty = line.duty
    named = {name: getattr(duty, name) for name in DutyShown.model_fields if name not in {"records", "title"}}
    return DutyShown.model_validate({**named, "records": duty.records.split(), "title": line.title.zh})


def _facts(found: Occurrence) -> dict[str, object]:
    named = {name: getattr(found, name) for name in OccurrenceShown.model_fields if name != "duty_id"}
    return {**named, "duty_id": found.own_duty_id}


def _one(found: Occurrence) -> OccurrenceShown:
    return OccurrenceShown.model_validate(_facts(found))


def _standing(mark: str) -> dict[str, object]:
    return {"overdue": mark == "overdue", "late": mark == "late"}


def _listed(line: TimeLine) -> OccurrenceListed:
    facts = _facts(line.occurrence) | _standing(line.mark)
    return OccurrenceListed.model_validate({**facts, "title": line.title.zh})


def _whole(page: OccurrencePage) -> OccurrenceWhole:
    facts = _facts(page.occurrence) | _standing(page.mark)
    documents = [record.document_id for record in page.records]
    return OccurrenceWhole.model_validate({**facts, "title": page.title.zh, "documents": documents})


@blueprint.lists("/duties", Permission.DUTIES_READ, of=DutyShown, shows=_duty, query=DutyQuery, example=_DUTY)
def list_of_duties(query: DutyQuery) -> Page[DutyLine]:
    """The recurring duties that one may see, in the order in which they were taken on."""
    return list_duties(
        current_actor(), organisation_id=query.organisation_id or "", after=query.after, limit=query.limit
    )


@blueprint.lists(
    "/duties/occurrences",
    Permission.DUTIES_READ,
    of=OccurrenceListed,
    shows=_listed,
    query=OccurrenceQuery,
    example=_LISTED,
)
def list_of_occurrences(query: OccurrenceQuery) -> Page[TimeLine]:
    """Times of duties that one may see, by the day that they are due."""
    filters = TimeFilters(
        year=query.year,
        mark=query.state or "",
        organisation_id=query.organisation_id or "",
        duty_id=query.duty_id or "",
    )
    return list_times(current_actor(), filters=filters, after=query.after, limit=query.limit)


@blueprint.reads(
    "/duties/occurrences/<id:occurrence_id>",
    Permission.DUTIES_READ,
    answer=OccurrenceWhole,
    shows=_whole,
    problems=[404],
    example={**_LISTED, "documents": []},
)
def get_occurrence(occurrence_id: str) -> OccurrencePage:
    """One time of a duty."""
    return view_occurrence(current_actor(), occurrence_id=occurrence_id)


@blueprint.writes(
    "/duties/occurrences/<id:occurrence_id>/settlement",
    Permission.DUTIES_DO,
    body=Settlement,
    answer=OccurrenceShown,
    shows=_one,
    status=200,
    problems=[404],
    example=_OCCURRENCE,
)
def post_settlement(occurrence_id: str, body: Settlement) -> Occurrence:
    """Records that it was done. Refused with `not_responsible` for whoever is neither responsible nor manages duties,
    with `duty_records_missing` where a type of record is missing and the remark says nothing, and with
    `occurrence_state` where it is not open."""
    records = [Shows(record.document_id, record.type) for record in body.records]
    return settle_done(current_actor(), occurrence_id=occurrence_id, records=records, remark=body.remark)
