"""Reading grants: the same list for both sides, and what the body's archivist chooses from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from archive_app.engagements.models import Client, Engagement
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.supervision.models import SupervisionGrant
from archive_app.supervision.policy import GRANTED, OFFERED, REFUSED, SUBJECT, WAITING
from archive_app.supervision.scopes import NamedThing, Thing, name_things, things_of

STATES = {
    "waiting": N_("Waiting for the answer"),
    "offered": N_("Offered, not taken yet"),
    "living": N_("In force"),
    "refused": N_("Refused"),
    "ended": N_("Ended"),
    "expired": N_("Expired"),
}
"""The states of a grant, with the catalogue keys of their words."""
_CHOICES = 20
_MOST_BODIES = 1000


@dataclass(frozen=True)
class GrantLine:
    """A grant as both sides see it; `person` is the login it was offered to as long as nobody took it."""

    grant: SupervisionGrant
    person: str
    authority: str
    body: str
    state: str


@dataclass(frozen=True)
class GrantPage:
    """A grant as its own page shows it, with what it opens and who decided and ended it."""

    line: GrantLine
    things: Sequence[NamedThing]
    decided_by: str
    ended_by: str


@dataclass(frozen=True)
class Choices:
    """What an archivist finds by a part of a name, to choose from."""

    engagements: Sequence[NamedThing]
    clients: Sequence[NamedThing]


def state_of(grant: SupervisionGrant, now: datetime) -> str:
    """Which of STATES a grant is in."""
    if grant.outcome == REFUSED:
        return "refused"
    if grant.ended_at is not None:
        return "ended"
    if (grant.until or grant.asked_until) <= now:
        return "expired"
    return {WAITING: "waiting", OFFERED: "offered", GRANTED: "living"}[grant.outcome]


@query(Permission.SUPERVISION_USE)
def list_bodies(actor: Actor, uow: UnitOfWork) -> list[tuple[str, str]]:
    """Ids and names of the verification bodies of this archive, by name."""
    bodies = select(Organisation.id, Organisation.name).where(Organisation.kind == "verification_body")
    rows = uow.session.execute(bodies.order_by(Organisation.name, Organisation.id).limit(_MOST_BODIES))
    return [(body_id, name) for body_id, name in rows]


@query(Permission.SUPERVISION_USE)
def list_own_grants(
    actor: Actor,
    uow: UnitOfWork,
    *,
    shown: str = "",
    mine: bool = False,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[GrantLine]:
    """What the supervisors of one's authority asked for and have, and what is offered to oneself, newest first."""
    conditions = [_shown(uow, shown)]
    if mine:
        conditions.append(or_(SupervisionGrant.person_id == actor.person_id, SupervisionGrant.outcome == OFFERED))
    return _page(uow, conditions, after, limit)


@query(Permission.SUPERVISION_GRANT)
def list_given_grants(
    actor: Actor, uow: UnitOfWork, *, shown: str = "", after: str | None = None, limit: int = PAGE_SIZE
) -> Page[GrantLine]:
    """What was asked of one's body, what it gave and offered, newest first."""
    return _page(uow, [_shown(uow, shown), SupervisionGrant.organisation_id == actor.organisation_id], after, limit)


@query(Permission.SIGNED_IN)
def view_grant(actor: Actor, uow: UnitOfWork, *, grant_id: str) -> GrantPage:
    """One grant, for both of its sides. Raises: NotFoundError."""
    uow.require(SUBJECT, grant_id)
    [line] = _page(uow, [SupervisionGrant.id == grant_id], None, 1).items
    grant = line.grant
    people = [by for by in (grant.decided_by, grant.ended_by) if by]
    told = select(Person.id, Person.display_name).where(Person.id.in_(people))
    names = {row[0]: row[1] for row in uow.session.execute(told)}
    return GrantPage(
        line,
        things_of(uow.session, grant_id),
        names.get(grant.decided_by or "", grant.decided_by or ""),
        names.get(grant.ended_by or "", grant.ended_by or ""),
    )


@query(Permission.SUPERVISION_GRANT)
def find_choices(actor: Actor, uow: UnitOfWork, *, text: str) -> Choices:
    """Engagements and clients of one's own body by a part of name or number, the newest of each."""
    part = "".join(filter(str.isprintable, text)).strip()
    engagements = (
        select(Engagement.id, Engagement.number, Engagement.title)
        .join(Client, Client.id == Engagement.client_id)
        .where(Engagement.organisation_id == actor.organisation_id, uow.visible("engagement"))
        .where(
            Engagement.title.contains(part, autoescape=True)
            | Engagement.number.contains(part, autoescape=True)
            | Client.name.contains(part, autoescape=True)
        )
    )
    clients = select(Client.id, Client.name).where(
        Client.organisation_id == actor.organisation_id, Client.name.contains(part, autoescape=True)
    )
    return Choices(
        [
            NamedThing(Thing(engagement_id=row[0]), "engagement", f"{row[1]} {row[2]}")
            for row in uow.session.execute(engagements.order_by(Engagement.id.desc()).limit(_CHOICES))
        ],
        [
            NamedThing(Thing(client_id=row[0]), "client", row[1])
            for row in uow.session.execute(clients.order_by(Client.id.desc()).limit(_CHOICES))
        ],
    )


@query(Permission.SUPERVISION_GRANT)
def name_chosen(actor: Actor, uow: UnitOfWork, *, things: Sequence[Thing]) -> list[NamedThing]:
    """What was chosen so far, with names. Raises: NotFoundError for what is not of one's body."""
    return name_things(uow, actor.organisation_id or "", things)


def _shown(uow: UnitOfWork, shown: str) -> ColumnElement[bool]:
    now = uow.archive.policy.now
    open_still = and_(
        SupervisionGrant.ended_at.is_(None),
        # What waits has no end of its own yet.
        or_(SupervisionGrant.until > now, and_(SupervisionGrant.until.is_(None), SupervisionGrant.asked_until > now)),
    )
    if shown == "asked":
        return and_(open_still, SupervisionGrant.outcome.in_((WAITING, OFFERED)))
    if shown == "living":
        return and_(open_still, SupervisionGrant.outcome == GRANTED)
    if shown == "past":
        return or_(~open_still, SupervisionGrant.outcome == REFUSED)
    return SupervisionGrant.id.is_not(None)


def _page(uow: UnitOfWork, conditions: Sequence[ColumnElement[bool]], after: str | None, limit: int) -> Page[GrantLine]:
    body, authority = aliased(Organisation), aliased(Organisation)
    statement = (
        select(SupervisionGrant, Person.display_name, authority.name, body.name)
        .join(body, body.id == SupervisionGrant.organisation_id)
        .outerjoin(authority, authority.id == SupervisionGrant.authority_id)
        .outerjoin(Person, Person.id == SupervisionGrant.person_id)
        .where(uow.visible(SUBJECT), *conditions)
    )
    page = fetch_page(uow.session, statement, [SupervisionGrant.id], after=after, descending=True, limit=limit)
    return Page([_line(uow, row) for row in page.items], page.next_key)


def _line(uow: UnitOfWork, row: Sequence[Any]) -> GrantLine:
    grant, person, authority, body = row[:4]
    return GrantLine(grant, person or grant.offered_to, authority or "", body, state_of(grant, uow.now))
