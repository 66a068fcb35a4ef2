"""Who sees which relation: the person it is of, and whoever reads those of their organisation."""

from sqlalchemy import ColumnElement

from archive_app.engagements.models import Interest
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares relations."""
    policy.subject("interest", Interest.id)
    policy.grant("interest", _own)
    policy.grant("interest", _of_the_organisation)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.ENGAGEMENTS_READ):
        return None
    return Interest.person_id == actor.person_id


def _of_the_organisation(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.INTERESTS_READ):
        return None
    return Interest.organisation_id == actor.organisation_id
