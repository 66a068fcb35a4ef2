"""Who sees which event: those of one's own organisation; the archive's own ones are for the auditor of
the organisation that runs it."""

from sqlalchemy import ColumnElement, Select, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares events."""
    policy.subject("event", Event.id)
    policy.grant("event", _of_own_organisation)
    policy.grant("event", _of_the_archive)


def _of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
    if not actor.may(Permission.LOG_READ) or actor.organisation_id is None:
        return None
    return _organisation().where(EventSubject.subject_id == actor.organisation_id).exists()


def _of_the_archive(actor: Actor) -> ColumnElement[bool] | None:
    if not actor.may(Permission.ARCHIVE_LOG_READ):
        return None
    return ~_organisation().exists()


def _organisation() -> Select[str]:
    about = select(EventSubject.event_id)
    return about.where(EventSubject.event_id == Event.id, EventSubject.kind == "organisation").correlate(Event)
