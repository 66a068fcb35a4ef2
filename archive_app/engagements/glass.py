"""Broken glass: the archivist opens what is restricted in an emergency, at once and alone, and the team hears of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Access, Assignment, Engagement
from archive_app.engagements.policy import BROKEN_GLASS, LEAD, READ
from archive_app.engagements.waiting import ring
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

GLASS_BROKEN = event_type("access.glass_broken", N_("Broken glass"), rings=True)
RINGS_FOR = timedelta(days=14)
SHORTEST_REASON = 10
_MOST_ALARMS = 20


class GlassAlreadyBrokenError(ArchiveError):
    """The person's emergency access to the engagement still lasts."""

    code = "glass_already_broken"
    message = N_("Your emergency access to this engagement still lasts. Nothing was changed.")


@dataclass(frozen=True)
class Alarm:
    """Somebody broke the glass: who, when, why, until when; `ended_at` is set once it is over."""

    engagement_id: str
    number: str
    title: str
    name: str
    reason: str
    granted_at: datetime
    until: datetime
    ended_at: datetime | None


@use_case(Permission.GLASS_BREAK, confirmed=True)
def break_glass(actor: Actor, uow: UnitOfWork, *, engagement_id: str, reason: str) -> Access:
    """Opens every level of an engagement of the actor's own organisation for as long as the settings say.

    Raises: NotFoundError also for somebody who is assigned and has not declared; InvalidInputError without a reason of
    some length; GlassAlreadyBrokenError.
    """
    uow.require(READ, engagement_id)
    # In line with whoever breaks the same glass at the same moment.
    engagement = uow.session.get_one(Engagement, engagement_id, with_for_update=True)
    if actor.person_id is None or engagement.organisation_id != actor.organisation_id:
        raise DeniedError(READ, engagement_id)
    reason = one_line(" ".join(reason.split()), field=N_("Reason"), limit=1000)
    if len(reason) < SHORTEST_REASON:
        raise InvalidInputError(field=N_("Reason"), reason=N_("Say in at least ten characters why this is necessary."))
    lasting = select(func.count()).where(
        Access.engagement_id == engagement_id,
        Access.person_id == actor.person_id,
        Access.ground == BROKEN_GLASS,
        Access.ended_at.is_(None),
        Access.until > uow.now,
    )
    if uow.session.scalar(lasting):
        raise GlassAlreadyBrokenError
    access = Access(
        id=uow.new_id(),
        engagement_id=engagement_id,
        person_id=actor.person_id,
        ground=BROKEN_GLASS,
        reason=reason,
        granted_by=actor.name,
        granted_at=uow.now,
        until=uow.now + uow.archive.rules.glass_window,
    )
    uow.session.add(access)
    ring(uow, engagement, access, by=actor.display_name)
    subjects = subjects_of(uow.session, engagement_id, person=actor.person_id, access=access.id)
    uow.record(GLASS_BROKEN, subjects, title=engagement.title, reason=reason, until=access.until.isoformat())
    return access


@query(Permission.ENGAGEMENTS_READ)
def glass_alarms(actor: Actor, uow: UnitOfWork, *, engagement_id: str | None = None) -> list[Alarm]:
    """What rings for the actor, the latest first: glass broken lately in the engagements they are assigned to, or with
    `engagement_id` in that one, if they are assigned to it or decide about it."""
    assigned = Engagement.id.in_(
        select(Assignment.engagement_id).where(
            Assignment.person_id == (actor.person_id or ""), Assignment.ended_at.is_(None)
        )
    )
    hears = assigned if engagement_id is None else or_(assigned, uow.visible(LEAD))
    broken = (
        select(
            Engagement.id,
            Engagement.number,
            Engagement.title,
            Person.display_name,
            Access.reason,
            Access.granted_at,
            Access.until,
            Access.ended_at,
        )
        .select_from(Access)
        .join(Engagement, Engagement.id == Access.engagement_id)
        .join(Person, Person.id == Access.person_id)
        .where(Access.ground == BROKEN_GLASS, Access.granted_at > uow.now - RINGS_FOR, uow.visible(READ), hears)
    )
    if engagement_id is not None:
        broken = broken.where(Access.engagement_id == engagement_id)
    return [Alarm(*row) for row in uow.session.execute(broken.order_by(Access.id.desc()).limit(_MOST_ALARMS))]
