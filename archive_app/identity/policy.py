"""Who sees which organisation and which person: their own people see them."""

from sqlalchemy import ColumnElement

from archive_app.identity.models import Organisation, Person
from archive_app.identity.roles import all_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares organisations and people. Raises: SettingsError when the roles' file is wrong: that stops the start."""
    all_roles()
    policy.subject("organisation", Organisation.id)
    policy.grant("organisation", _own)
    policy.subject("person", Person.id)
    policy.grant("person", _of_own_organisation)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    return Organisation.id == actor.organisation_id if actor.organisation_id else None


def _of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
    return Person.organisation_id == actor.organisation_id if actor.organisation_id else None
