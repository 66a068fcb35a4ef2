"""Who can see an engagement now, and why: the policy's own answer, person by person, put into words.

Each ground by which the policy opens an engagement has a teller here, which names the people it may concern and the
words for each of them; whether it does concern them is asked of the policy. A room above adds its ground: the name in
`policy.grant(…, ground=…)`, its teller by `tells_of`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, select

from archive_app.engagements.models import Access, Assignment, Client, Engagement
from archive_app.engagements.policy import (
    ASSIGNED,
    BROKEN_GLASS,
    LEAD,
    OWN_AFFAIRS,
    READ,
    REQUEST,
    WHOLE_ORGANISATION,
)
from archive_app.engagements.teams import PARTS
from archive_app.identity.actors import acting_as
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.roles import all_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query


@dataclass(frozen=True)
class Why:
    """A reason why somebody sees an engagement, as a catalogue key with its values.

    `words` are values that are catalogue keys themselves, `roles` the roles that it comes from, `until` when it ends by
    itself, `access_id` the access that can be ended by hand.
    """

    message: str
    words: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    roles: Sequence[str] = ()
    until: datetime | None = None
    access_id: str | None = None
    highest_level: Level = Level.PUBLIC


@dataclass(frozen=True)
class Onlooker:
    """Somebody who sees the engagement, with every reason, up to the highest level that any of them opens."""

    person_id: str
    display_name: str
    organisation_name: str
    reasons: Sequence[Why]

    @property
    def highest_level(self) -> Level:
        """The highest level of documents that they see here."""
        return max(why.highest_level for why in self.reasons)


@dataclass(frozen=True)
class Audience:
    """Who sees an engagement, by name and a page at a time (`next_key` as of a `Page`), and who is assigned to it and
    sees nothing before they declare."""

    onlookers: Sequence[Onlooker]
    next_key: str | None
    undeclared: Sequence[tuple[str, str]]
    may_decide: bool
    may_break: bool


Told = Iterable[tuple[str, Why]]
Teller = Callable[[UnitOfWork, Engagement], Told]
"""The people whom a ground may concern in an engagement, by their identifiers, and the words for each."""
_TELLERS: dict[str, Teller] = {}


def tells_of(ground: str) -> Callable[[Teller], Teller]:
    """Declares who tells of a ground, which is declared once."""

    def declare(teller: Teller) -> Teller:
        if ground in _TELLERS:
            raise ValueError(f"the ground {ground!r} is told of twice")
        return _TELLERS.setdefault(ground, teller)

    return declare


@query(Permission.ENGAGEMENTS_READ)
def who_may_see(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Audience:
    """Everybody who sees the engagement at this moment, by name, for whoever answers for it: its leader, and those
    whose role reaches the whole organisation.

    A page asks the policy about `limit` people, so fewer of them may see it, or none; `next_key` says whether more are
    to be asked about. Raises: NotFoundError.
    """
    uow.require(READ, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    leads = uow.archive.policy.allows(uow.session, actor, LEAD, engagement_id)
    within = actor.organisation_id == engagement.organisation_id or actor.is_system
    if not leads and not (within and actor.may(Permission.ENGAGEMENTS_READ_ALL)):
        raise DeniedError(LEAD, engagement_id)
    page = _onlookers(uow, engagement, after, limit)
    return Audience(
        onlookers=page.items,
        next_key=page.next_key,
        undeclared=_undeclared(uow, engagement),
        may_decide=leads and actor.may(Permission.ACCESS_DECIDE),
        may_break=within and actor.may(Permission.GLASS_BREAK),
    )


def _onlookers(uow: UnitOfWork, engagement: Engagement, after: str | None, limit: int) -> Page[Onlooker]:
    told: dict[str, dict[str, list[Why]]] = {}
    for ground, teller in _TELLERS.items():
        for person_id, why in teller(uow, engagement):
            told.setdefault(person_id, {}).setdefault(ground, []).append(why)
    people = select(Person, Organisation.name).join(Organisation, Organisation.id == Person.organisation_id)
    people = people.where(Person.active, Person.id.in_(told))
    # A client may have thousands of contacts, and each is asked about by itself.
    page = fetch_page(uow.session, people, [Person.display_name, Person.id], after=after, limit=limit)
    onlookers = []
    for person, organisation_name, *_ in page.items:
        reasons = list(_reasons(uow, engagement.id, person, told[person.id]))
        if reasons:
            onlookers.append(Onlooker(person.id, person.display_name, organisation_name, reasons))
    return Page(onlookers, page.next_key)


def _reasons(uow: UnitOfWork, engagement_id: str, person: Person, told: Mapping[str, Sequence[Why]]) -> Iterator[Why]:
    opened = uow.archive.policy.grounds(uow.session, acting_as(uow, person), READ, engagement_id)
    for ground, level in opened:
        for why in told.get(ground, (Why(N_("A rule of this archive")),)):
            yield Why(why.message, why.words, why.params, why.roles, why.until, why.access_id, level)


def _undeclared(uow: UnitOfWork, engagement: Engagement) -> list[tuple[str, str]]:
    waiting = _assigned(engagement).where(Assignment.declared_at.is_(None))
    return [(name, PARTS[part]) for _, name, part in uow.session.execute(waiting)]


def _assigned(engagement: Engagement) -> Select[str, str, str]:
    people = select(Person.id, Person.display_name, Assignment.part).join(Assignment, Assignment.person_id == Person.id)
    of_engagement = people.where(Assignment.engagement_id == engagement.id, Assignment.ended_at.is_(None))
    return of_engagement.order_by(Person.display_name, Person.id)


@tells_of(ASSIGNED)
def _tell_assigned(uow: UnitOfWork, engagement: Engagement) -> Told:
    for person_id, _, part in uow.session.execute(_assigned(engagement)):
        yield person_id, Why(N_("Assigned: %(part)s"), words={"part": PARTS[part]})


@tells_of(WHOLE_ORGANISATION)
def _tell_whole_organisation(uow: UnitOfWork, engagement: Engagement) -> Told:
    yield from _holders(uow, engagement.organisation_id, Permission.ENGAGEMENTS_READ_ALL)


@tells_of(OWN_AFFAIRS)
def _tell_own_affairs(uow: UnitOfWork, engagement: Engagement) -> Told:
    entity_id = uow.session.scalar(select(Client.entity_id).where(Client.id == engagement.client_id))
    if entity_id is not None:
        yield from _holders(uow, entity_id, Permission.OWN_AFFAIRS_READ)


def _holders(uow: UnitOfWork, organisation_id: str, permission: Permission) -> Told:
    roles = [key for key, role in all_roles().items() if permission in role.permissions]
    holding = (
        select(PersonRole.person_id, PersonRole.role)
        .join(Person, Person.id == PersonRole.person_id)
        .where(
            Person.organisation_id == organisation_id, PersonRole.role.in_(roles), PersonRole.granted_at.is_not(None)
        )
    )
    held: dict[str, list[str]] = {}
    for person_id, role in uow.session.execute(holding.order_by(PersonRole.role)):
        held.setdefault(person_id, []).append(role)
    message = (
        N_("Role that reaches the whole organisation: %(roles)s")
        if permission is Permission.ENGAGEMENTS_READ_ALL
        else N_("Contact of the client: %(roles)s")
    )
    return [(person_id, Why(message, roles=roles)) for person_id, roles in held.items()]


@tells_of(REQUEST)
def _tell_requested(uow: UnitOfWork, engagement: Engagement) -> Told:
    return _tell_living(uow, engagement, REQUEST, N_("Access on request: %(grounds)s"))


@tells_of(BROKEN_GLASS)
def _tell_broken_glass(uow: UnitOfWork, engagement: Engagement) -> Told:
    return _tell_living(uow, engagement, BROKEN_GLASS, N_("Broken glass: %(grounds)s"))


def _tell_living(uow: UnitOfWork, engagement: Engagement, ground: str, message: str) -> Told:
    living = select(Access).where(
        Access.engagement_id == engagement.id,
        Access.ground == ground,
        Access.ended_at.is_(None),
        Access.until > uow.now,
    )
    for access in uow.session.scalars(living.order_by(Access.id)):
        words = {"grounds": access.reason}
        yield access.person_id, Why(message, params=words, until=access.until, access_id=access.id)
