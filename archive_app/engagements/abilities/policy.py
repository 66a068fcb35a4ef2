"""Who sees which competence: the person it is of, and whoever reads those of their organisation."""

from sqlalchemy import ColumnElement

from archive_app.engagements.models import Competence
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares competences."""
    policy.subject("competence", Competence.id)
    policy.grant("competence", _own)
    policy.grant("competence", _of_the_organisation)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    return Competence.person_id == actor.person_id if actor.person_id else None


def _of_the_organisation(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.COMPETENCE_READ):
        return None
    return Competence.organisation_id == actor.organisation_id
