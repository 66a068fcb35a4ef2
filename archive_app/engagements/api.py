"""The JSON interface of clients and engagements."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from archive_app.engagements.clients import add_client, list_clients, view_client
from archive_app.engagements.engagements import (
    FIRST_YEAR,
    LAST_YEAR,
    EngagementFilters,
    EngagementLine,
    list_engagements,
    open_engagement,
    view_engagement,
)
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.schemes import USUAL_SCHEME
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Asked, Identifier, Paging, Text, Whole
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("engagements", __name__)
Activity = Literal["verification", "validation", "certification", "evaluation", "service", "management"]


class ClientShown(Shown):
    """A reporting entity whose emissions are verified."""

    id: str
    organisation_id: str
    name: str
    credit_code: str | None
    province: str | None
    sector: str | None
    created_at: datetime


class NewClient(Asked):
    """A client to add."""

    name: str = Field(title="Name", min_length=1, max_length=200, examples=["江南热电有限公司"])
    credit_code: str = Field(
        "",
        title="Credit code",
        pattern="^([0-9A-HJ-NPQRTUWXY]{18})?$",
        description="Unified social credit code, 18 digits and capital letters, the last one the check of the others.",
    )
    province: str = Field(
        "",
        title="Province",
        pattern="^([0-9]{2})?$",
        description="Two digits of GB/T 2260; left out, the province whose authority gave out the credit code.",
        examples=["32"],
    )
    sector: str = Field(
        "",
        title="Sector",
        max_length=40,
        description="One of the installation's sectors; what its verification asks people to be competent for.",
        examples=["power_generation"],
    )


class EngagementShown(Shown):
    """A verification assignment."""

    id: str
    organisation_id: str
    client_id: str
    number: str
    title: str
    year: int
    activity: Activity
    project_number: str | None
    scheme: str
    scheme_version: str
    stage: str
    parent_id: str | None
    sealed_at: datetime | None
    created_at: datetime


class EngagementListed(EngagementShown):
    """A verification assignment with its client's name."""

    client_name: str


class NewEngagement(Asked):
    """An engagement to open; a team leader who opens it leads its team, and declares in the browser first."""

    client_id: Identifier = Field(examples=["019aa2b4-11c0-7d04-8f7e-0a4de64b7c33"])
    number: str = Field(title="Number", min_length=1, max_length=60, examples=["HC-2026-001"])
    title: str = Field(title="Title", min_length=1, max_length=200, examples=["2025年度排放核查"])
    year: int = Field(title="Year", ge=FIRST_YEAR, le=LAST_YEAR, examples=[2025])
    scheme: str = Field(
        USUAL_SCHEME,
        title="Scheme",
        max_length=60,
        description="What kind of engagement it is; the page “Schemes” shows the codes.",
    )
    activity: Activity | None = Field(None, title="Activity", description="Left out, as the scheme says.")
    parent_number: str = Field(
        "",
        title="Follows",
        max_length=60,
        description="The number of the engagement of the same client that this one follows, as a re-check does.",
    )
    project_number: str = Field(
        "",
        title="Project number",
        max_length=60,
        description="The registered number of the project, which one body either validates or verifies.",
    )


class ClientQuery(Paging):
    """What a list of clients is narrowed to."""

    text: Text = Field("", max_length=200, description="Any part of the name or credit code.")


class EngagementQuery(Paging):
    """What a list of engagements is narrowed to."""

    text: Text = Field("", max_length=200, description="Any part of the title, number or client's name.")
    client: Identifier | None = Field(None, description="Only of this client.")
    year: Whole | None = Field(None, ge=FIRST_YEAR, le=LAST_YEAR, description="Only of this year.")
    activity: Activity | None = Field(None, description="Only of this activity.")
    scheme: Text = Field("", max_length=60, description="Only of this scheme.")
    stage: Text = Field("", max_length=40, description="Only in this stage.")


_CLIENT = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c33",
    "organisation_id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "name": "江南热电有限公司",
    "credit_code": None,
    "province": "32",
    "sector": "power_generation",
    "created_at": "2026-11-21T02:00:00Z",
}
_ENGAGEMENT = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44",
    "organisation_id": _CLIENT["organisation_id"],
    "client_id": _CLIENT["id"],
    "number": "HC-2026-001",
    "title": "2025年度排放核查",
    "year": 2025,
    "activity": "verification",
    "project_number": None,
    "scheme": USUAL_SCHEME,
    "scheme_version": "1",
    "stage": "arrangement",
    "parent_id": None,
    "sealed_at": None,
    "created_at": "2026-11-21T02:00:00Z",
}
_LISTED = {**_ENGAGEMENT, "client_name": _CLIENT["name"]}


def _client(row: Client) -> ClientShown:
    return ClientShown(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        credit_code=row.credit_code,
        province=row.province,
        sector=row.sector,
        created_at=row.created_at,
    )


def _engagement(row: Engagement) -> EngagementShown:
    return EngagementShown(**_facts(row))


def _listed(line: EngagementLine) -> EngagementListed:
    return EngagementListed(**_facts(line.engagement), client_name=line.client_name)


def _facts(row: Engagement) -> dict[str, Any]:
    return {name: getattr(row, name) for name in EngagementShown.model_fields}


@blueprint.lists("/clients", Permission.CLIENTS_READ, of=ClientShown, shows=_client, query=ClientQuery, example=_CLIENT)
def list_of_clients(query: ClientQuery) -> Page[Client]:
    """Clients by name."""
    return list_clients(current_actor(), text=query.text, after=query.after, limit=query.limit)


@blueprint.reads("/clients/<id:client_id>", Permission.CLIENTS_READ, answer=ClientShown, shows=_client, example=_CLIENT)
def read_client(client_id: str) -> Client:
    """One client."""
    return view_client(current_actor(), client_id=client_id)


@blueprint.writes(
    "/clients",
    Permission.CLIENTS_MANAGE,
    body=NewClient,
    answer=ClientShown,
    shows=_client,
    located="/clients/{id}",
    example=_CLIENT,
)
def post_client(body: NewClient) -> Client:
    """Adds a client to one's own organisation."""
    said = {"credit_code": body.credit_code, "province": body.province, "sector": body.sector}
    return add_client(current_actor(), name=body.name, **said)


@blueprint.lists(
    "/engagements",
    Permission.ENGAGEMENTS_READ,
    of=EngagementListed,
    shows=_listed,
    query=EngagementQuery,
    example=_LISTED,
)
def list_of_engagements(query: EngagementQuery) -> Page[EngagementLine]:
    """Engagements, newest first."""
    said = (query.text, query.client or "", query.year, query.activity or "", query.scheme, query.stage)
    filters = EngagementFilters(*said)
    return list_engagements(current_actor(), filters=filters, after=query.after, limit=query.limit)


@blueprint.reads(
    "/engagements/<id:engagement_id>",
    Permission.ENGAGEMENTS_READ,
    answer=EngagementListed,
    shows=_listed,
    example=_LISTED,
)
def read_engagement(engagement_id: str) -> EngagementLine:
    """One engagement."""
    found = view_engagement(current_actor(), engagement_id=engagement_id)
    return EngagementLine(found.engagement, found.client.name, found.scheme)


@blueprint.writes(
    "/engagements",
    Permission.ENGAGEMENTS_CREATE,
    body=NewEngagement,
    answer=EngagementShown,
    shows=_engagement,
    located="/engagements/{id}",
    problems=[404],
    example=_ENGAGEMENT,
)
def post_engagement(body: NewEngagement) -> Engagement:
    """Opens an engagement for a client. Refused with `not_independent` where the body or whoever would lead it has a
    relation with the client, and with `duties_not_separate` where the body did the other activity for the project."""
    return open_engagement(
        current_actor(),
        client_id=body.client_id,
        number=body.number,
        title=body.title,
        year=body.year,
        scheme=body.scheme,
        activity=body.activity or "",
        project_number=body.project_number,
        parent_number=body.parent_number,
    )
