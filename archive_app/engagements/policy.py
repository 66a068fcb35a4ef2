"""Who sees which client and which engagement: its team, and its organisation's archivist."""

from sqlalchemy import ColumnElement, select

from archive_app.engagements.models import Client, Engagement, TeamMember
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares clients and engagements."""
    policy.subject("engagement", Engagement.id)
    policy.grant("engagement", _own_team)
    policy.grant("engagement", _own_organisation_as_archivist)
    policy.subject("client", Client.id)
    policy.grant("client", _client_of_own_team)
    policy.grant("client", _client_of_own_organisation)


def is_archivist(actor: Actor) -> bool:
    """Whether the actor keeps the whole archive of their organisation."""
    return "archivist" in actor.roles and actor.organisation_id is not None


def _own_team(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.ENGAGEMENTS_READ):
        return None
    return Engagement.id.in_(select(TeamMember.engagement_id).where(TeamMember.person_id == actor.person_id))


def _own_organisation_as_archivist(actor: Actor) -> ColumnElement[bool] | None:
    return Engagement.organisation_id == actor.organisation_id if is_archivist(actor) else None


def _client_of_own_team(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.CLIENTS_READ):
        return None
    own = select(TeamMember.engagement_id).where(TeamMember.person_id == actor.person_id)
    return Client.id.in_(select(Engagement.client_id).where(Engagement.id.in_(own)))


def _client_of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
    # Whoever may add clients must see which are there, or they add them twice.
    if not actor.may(Permission.CLIENTS_MANAGE) or actor.organisation_id is None:
        return None
    return Client.organisation_id == actor.organisation_id
