"""The JSON interface of identity: who a token speaks for, and their organisation."""

from datetime import datetime
from typing import Literal, cast

from flask import Request

from archive_app.identity.access_tokens import actor_of_token
from archive_app.identity.models import Organisation
from archive_app.identity.organisations import list_organisations, view_organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import current_archive
from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Paging
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("identity", __name__)
Kind = Literal["verification_body", "authority", "reporting_entity", "park", "service_institution"]


class OrganisationShown(Shown):
    """A body whose people use the archive."""

    id: str
    name: str
    kind: Kind
    created_at: datetime


class PersonShown(Shown):
    """Whom the token speaks for, and the permissions that both they and the token have."""

    id: str
    name: str
    organisation_id: str
    permissions: list[str]


_ORGANISATION = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11",
    "name": "绿源核查有限公司",
    "kind": "verification_body",
    "created_at": "2026-11-21T02:00:00Z",
}
_PERSON = {
    "id": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "name": "顾言",
    "organisation_id": _ORGANISATION["id"],
    "permissions": ["engagement:documents:read", "engagement:engagements:read"],
}


def by_token(asked: Request) -> Actor | None:
    """Who sends this request, by its bearer token; None when that opens nothing."""
    given = asked.authorization
    if given is None or given.type != "bearer" or not given.token:
        return None
    return actor_of_token(current_archive(), given.token, asked.remote_addr or "")


def _organisation(row: Organisation) -> OrganisationShown:
    return OrganisationShown(id=row.id, name=row.name, kind=cast("Kind", row.kind), created_at=row.created_at)


def _person(actor: Actor) -> PersonShown:
    return PersonShown(
        id=actor.person_id or "",
        name=actor.display_name,
        organisation_id=actor.organisation_id or "",
        permissions=sorted(actor.permissions),
    )


@blueprint.reads("/me", Permission.SIGNED_IN, answer=PersonShown, shows=_person, example=_PERSON)
def read_me() -> Actor:
    """Whom the token speaks for."""
    return current_actor()


@blueprint.lists(
    "/organisations", Permission.SIGNED_IN, of=OrganisationShown, shows=_organisation, example=_ORGANISATION
)
def list_of_organisations(query: Paging) -> Page[Organisation]:
    """The organisation that one belongs to, and those that one otherwise sees."""
    return list_organisations(current_actor(), after=query.after, limit=query.limit)


@blueprint.reads(
    "/organisations/<id:organisation_id>",
    Permission.SIGNED_IN,
    answer=OrganisationShown,
    shows=_organisation,
    example=_ORGANISATION,
)
def read_organisation(organisation_id: str) -> Organisation:
    """One organisation."""
    return view_organisation(current_actor(), organisation_id=organisation_id)
