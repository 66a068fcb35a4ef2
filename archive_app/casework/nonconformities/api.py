"""The JSON interface of nonconformities: list them, raise one, confirm a correction."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from archive_app.casework.models import Nonconformity
from archive_app.casework.nonconformities.deciding import confirm_correction
from archive_app.casework.nonconformities.raising import MOST_DOCUMENTS, TEXT_LIMIT, Finding, raise_nonconformity
from archive_app.casework.nonconformities.rules import MOST_DAYS
from archive_app.casework.nonconformities.showing import NonconformityLine, list_nonconformities
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Asked, Identifier, Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("nonconformities", __name__)
Grade = Literal["major", "minor", "observation"]
State = Literal["raised", "answered", "confirmed", "returned", "withdrawn"]


class NonconformityShown(Shown):
    """A nonconformity. `number` counts them in the engagement; days are in the archive's zone."""

    id: str
    engagement_id: str
    number: int
    grade: Grade
    clause: str
    statement: str
    state: State
    due_on: date
    provisional: bool
    raised_at: datetime
    closed_at: datetime | None


class NonconformityListed(NonconformityShown):
    """A nonconformity, and whether its answer is overdue."""

    overdue: bool


class NonconformityQuery(Paging):
    """What a list of nonconformities is narrowed to."""

    state: State | None = Field(None, description="Only in this state.")
    grade: Grade | None = Field(None, description="Only of this grade.")


class NewNonconformity(Asked):
    """A nonconformity to raise; `days` working days are given for the answer."""

    grade: Grade = Field(title="Grade")
    clause: str = Field(title="Clause", min_length=1, max_length=100, examples=["GB/T 32151.1 5.2"])
    statement: str = Field(title="Statement", min_length=1, max_length=TEXT_LIMIT, examples=["排放因子无依据"])
    evidence: str = Field("", title="Evidence", max_length=TEXT_LIMIT)
    documents: list[Identifier] = Field([], title="Documents that show it", max_length=MOST_DOCUMENTS)
    days: int = Field(10, title="Working days", ge=1, le=MOST_DAYS)
    request_id: Identifier | None = Field(None, title="Link of the client")


class Confirmation(Asked):
    """The correction is confirmed, with how it was seen to work."""

    effectiveness: str = Field(
        title="Effectiveness", min_length=1, max_length=TEXT_LIMIT, examples=["抽查三个月，均一致"]
    )


_EXAMPLE = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c55",
    "engagement_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "number": 1,
    "grade": "minor",
    "clause": "GB/T 32151.1 5.2",
    "statement": "排放因子无依据",
    "state": "raised",
    "due_on": "2026-12-04",
    "provisional": False,
    "raised_at": "2026-11-21T02:00:00Z",
    "closed_at": None,
}


def _facts(row: Nonconformity) -> dict[str, object]:
    named = {name: getattr(row, name) for name in NonconformityShown.model_fields if name != "number"}
    return {**named, "number": row.position}


def _one(row: Nonconformity) -> NonconformityShown:
    return NonconformityShown.model_validate(_facts(row))


def _listed(line: NonconformityLine) -> NonconformityListed:
    return NonconformityListed.model_validate({**_facts(line.nonconformity), "overdue": line.overdue})


@blueprint.lists(
    "/engagements/<id:engagement_id>/nonconformities",
    Permission.ENGAGEMENTS_READ,
    of=NonconformityListed,
    shows=_listed,
    query=NonconformityQuery,
    example={**_EXAMPLE, "overdue": False},
)
def list_of_nonconformities(engagement_id: str, query: NonconformityQuery) -> Page[NonconformityLine]:
    """The nonconformities of an engagement, by number."""
    return list_nonconformities(
        current_actor(),
        engagement_id=engagement_id,
        state=query.state or "",
        grade=query.grade or "",
        after=query.after,
        limit=query.limit,
    )


@blueprint.writes(
    "/engagements/<id:engagement_id>/nonconformities",
    Permission.NONCONFORMITIES_MANAGE,
    body=NewNonconformity,
    answer=NonconformityShown,
    shows=_one,
    problems=[404],
    example=_EXAMPLE,
)
def post_nonconformity(engagement_id: str, body: NewNonconformity) -> Nonconformity:
    """Raises a nonconformity. Refused with `not_of_the_team` for whoever is not on the team proper."""
    finding = Finding(body.grade, body.clause, body.statement, body.evidence, tuple(body.documents), body.days)
    return raise_nonconformity(
        current_actor(), engagement_id=engagement_id, finding=finding, request_id=body.request_id or ""
    )


@blueprint.writes(
    "/nonconformities/<id:nonconformity_id>/confirmation",
    Permission.NONCONFORMITIES_MANAGE,
    body=Confirmation,
    answer=NonconformityShown,
    shows=_one,
    status=200,
    problems=[404],
    example={**_EXAMPLE, "state": "confirmed"},
)
def post_correction_confirmation(nonconformity_id: str, body: Confirmation) -> Nonconformity:
    """Confirms a correction. Refused with `duties_not_separate` for whoever gave or entered an answer, and with
    `nonconformity_state` where no answer waits."""
    return confirm_correction(current_actor(), nonconformity_id=nonconformity_id, effectiveness=body.effectiveness)
