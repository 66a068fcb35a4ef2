"""Who sees which organisation and which person: their own people see them, and whoever has to do with all of them."""

from sqlalchemy import ColumnElement, true

from archive_app.identity.models import Organisation, Person
from archive_app.identity.roles import all_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares organisations and people. Raises: SettingsError when the roles' file is wrong: that stops the start."""
    all_roles()
    policy.subject("organisation", Organisation.id)
    policy.grant("organisation", _own)
    policy.grant("organisation", _all)
    policy.grant("organisation", _verification_bodies)
    policy.subject("person", Person.id)
    policy.grant("person", _of_own_organisation)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    return Organisation.id == actor.organisation_id if actor.organisation_id else None


def _all(actor: Actor) -> ColumnElement[bool] | None:
    """Whoever adds organisations to the archive sees them; of their people only how many there are."""
    return true() if actor.may(Permission.ORGANISATIONS_MANAGE) else None


def _verification_bodies(actor: Actor) -> ColumnElement[bool] | None:
    """A supervisor knows by name whom to ask for a grant."""
    return Organisation.kind == "verification_body" if actor.may(Permission.SUPERVISION_USE) else None


def _of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
    return Person.organisation_id == actor.organisation_id if actor.organisation_id else None
