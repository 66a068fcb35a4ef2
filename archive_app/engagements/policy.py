"""Who sees which client and which engagement, and who works in it and leads it.

An engagement is open to the people assigned to it, from their declaration until the end of the assignment; to those
whose role reaches all of their organisation's engagements; to whom access was granted for a time; and to contacts of
the client itself. What else opens one is added from above. Somebody who is assigned and has not declared sees nothing
of it, whatever else would open it.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Access, AccessRequest, Assignment, Client, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy, Reach
from archive_app.worklist.kinds import codes_of_unseen
from archive_app.worklist.models import Task

READ, WORK, LEAD = "engagement", "engagement.work", "engagement.lead"
"""The engagement as a subject to read, to file into, and to decide about."""
ASSIGNED, WHOLE_ORGANISATION, OWN_AFFAIRS = "assigned", "whole_organisation", "own_affairs"
REQUEST, BROKEN_GLASS = "request", "broken_glass"
"""Why somebody sees an engagement; the last two are also the grounds of an `Access`."""
DECIDE = "access_request.decide"
"""A request for access as a subject to decide about; to read, it is `access_request`."""


def register(policy: Policy) -> None:
    """Declares clients and engagements."""
    for kind in (READ, WORK, LEAD):
        policy.subject(kind, Engagement.id)
        policy.deny(kind, _assigned_and_undeclared)
        # Nobody works in a library: its documents show, by rules of their own, and it does not.
        policy.hide(kind, lambda _actor: Engagement.activity == LIBRARY)
    policy.grant(READ, _assigned, ground=ASSIGNED)
    policy.grant(READ, _whole_organisation, ground=WHOLE_ORGANISATION)
    policy.grant(READ, lambda actor: _accessible(policy, actor, REQUEST), ground=REQUEST)
    policy.grant(READ, lambda actor: _accessible(policy, actor, BROKEN_GLASS), ground=BROKEN_GLASS)
    policy.grant(READ, _own_affairs, ground=OWN_AFFAIRS)
    policy.grant(WORK, _assigned)
    policy.grant(WORK, _kept)
    policy.grant(LEAD, _led)
    policy.grant(LEAD, _kept)

    def client_of_visible_engagement(actor: Actor) -> ColumnElement[bool] | None:
        if not actor.may(Permission.CLIENTS_READ):
            return None
        visible = select(Engagement.id).where(Engagement.client_id == Client.id, policy.visible_to(actor, READ))
        return visible.correlate(Client).exists()

    policy.subject("client", Client.id)
    policy.grant("client", client_of_visible_engagement)
    policy.grant("client", _client_of_own_organisation)
    _register_access(policy)
    # What waits for a part of the team waits for whoever has it now; of an engagement that somebody does not see, only
    # what asks them to begin.
    policy.grant("task", _task_of_part)
    policy.grant("task", _task_unseen)


def _register_access(policy: Policy) -> None:
    """Requests show to whoever asked and to whoever decides: the engagement's leader and the archivist, who alone sees
    those that were not found to mean an engagement. So does what was granted."""

    def led(actor: Actor, engagement_id: InstrumentedAttribute[Any]) -> ColumnElement[bool] | None:
        if not actor.may(Permission.ACCESS_DECIDE):
            return None
        of_led = select(Engagement.id).where(Engagement.id == engagement_id, policy.visible_to(actor, LEAD))
        return of_led.correlate(engagement_id.class_).exists()

    for kind in ("access_request", DECIDE):
        policy.subject(kind, AccessRequest.id)
        policy.grant(kind, lambda actor: led(actor, AccessRequest.engagement_id))
        policy.grant(kind, _unplaced)
    policy.grant("access_request", lambda actor: _of_person(actor, AccessRequest.person_id))
    policy.subject("access", Access.id)
    policy.grant("access", lambda actor: led(actor, Access.engagement_id))
    policy.grant("access", lambda actor: _of_person(actor, Access.person_id))


def keeps_the_archive(actor: Actor) -> bool:
    """Whether the actor keeps the whole archive of their organisation."""
    return actor.may(Permission.ENGAGEMENTS_KEEP) and actor.organisation_id is not None


def _assigned(actor: Actor) -> Reach | None:
    if actor.person_id is None or not actor.may(Permission.ENGAGEMENTS_READ):
        return None
    return Reach(Engagement.id.in_(_assignments(actor).where(Assignment.declared_at.is_not(None))), actor.highest_level)


def _led(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.TEAM_LEAD):
        return None
    return Engagement.id.in_(_assignments(actor).where(Assignment.part == "leader"))


def _assigned_and_undeclared(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None:
        return None
    return Engagement.id.in_(_assignments(actor).where(Assignment.declared_at.is_(None)))


def _assignments(actor: Actor) -> Select[str]:
    return select(Assignment.engagement_id).where(
        Assignment.person_id == actor.person_id, Assignment.ended_at.is_(None)
    )


def _task_of_part(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.ENGAGEMENTS_READ):
        return None
    mine = select(Assignment.engagement_id, Assignment.part).where(
        Assignment.person_id == actor.person_id, Assignment.ended_at.is_(None), Assignment.declared_at.is_not(None)
    )
    return tuple_(Task.engagement_id, Task.part).in_(mine)


def _task_unseen(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.ENGAGEMENTS_READ):
        return None
    undeclared = _assignments(actor).where(Assignment.declared_at.is_(None))
    return and_(Task.person_id == actor.person_id, Task.kind.in_(codes_of_unseen()), Task.engagement_id.in_(undeclared))


def task_in_sight(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """The clause for tasks of engagements that the actor sees; what asks somebody to begin is not among them."""
    seen = select(Engagement.id).where(Engagement.id == Task.engagement_id, policy.visible_to(actor, READ))
    return and_(Task.kind.not_in(codes_of_unseen()), seen.correlate(Task).exists())


def _whole_organisation(actor: Actor) -> Reach | None:
    if actor.organisation_id is None or not actor.may(Permission.ENGAGEMENTS_READ_ALL):
        return None
    # Restricted content is for people who are assigned or were let in by name.
    level = min(actor.highest_level, Level.SENSITIVE)
    return Reach(Engagement.organisation_id == actor.organisation_id, level, actor.organisation_id)


def _kept(actor: Actor) -> ColumnElement[bool] | None:
    return Engagement.organisation_id == actor.organisation_id if keeps_the_archive(actor) else None


def _accessible(policy: Policy, actor: Actor, ground: str) -> Reach | None:
    needed = Permission.GLASS_BREAK if ground == BROKEN_GLASS else Permission.ENGAGEMENTS_READ
    if actor.person_id is None or not actor.may(needed):
        return None
    living = select(Access.engagement_id).where(
        Access.person_id == actor.person_id,
        Access.ground == ground,
        Access.ended_at.is_(None),
        Access.until > policy.now,
    )
    # Broken glass is for what one may not see otherwise, so it opens every level.
    level = Level.RESTRICTED if ground == BROKEN_GLASS else actor.highest_level
    return Reach(Engagement.id.in_(living), level)


def _own_affairs(actor: Actor) -> Reach | None:
    if actor.organisation_id is None or not actor.may(Permission.OWN_AFFAIRS_READ):
        return None
    own = select(Client.id).where(Client.entity_id == actor.organisation_id)
    # The client of a library stands there because one must: what is in it is the affair of the body alone.
    about_them = and_(Engagement.client_id.in_(own), Engagement.activity != LIBRARY)
    return Reach(about_them, Level.PUBLIC)


def _unplaced(actor: Actor) -> ColumnElement[bool] | None:
    if not keeps_the_archive(actor) or not actor.may(Permission.ACCESS_DECIDE):
        return None
    own = AccessRequest.organisation_id == actor.organisation_id
    return and_(AccessRequest.engagement_id.is_(None), own)


def _of_person(actor: Actor, person_id: InstrumentedAttribute[str]) -> ColumnElement[bool] | None:
    return person_id == actor.person_id if actor.person_id is not None else None


def _client_of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
    # Whoever may add clients must see which are there, or they add them twice.
    if actor.organisation_id is None:
        return None
    if not (actor.may(Permission.CLIENTS_MANAGE) or actor.may(Permission.INTERESTS_MANAGE)):
        return None
    return Client.organisation_id == actor.organisation_id
