"""What a supervisor reads: the engagements that the living grants of a body name; and who sees the grants.

A grant opens what its scope names and nothing by leaving something out: see `SupervisionScope`. What it opens goes out
marked, up to the level `sensitive`: restricted content is opened to single people by name, never to an authority.
"""

from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from archive_app.documents.control import DRAFT
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy, Reach
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.reviews.models import ManagementReview
from archive_app.supervision.models import SupervisionGrant, SupervisionScope

_OF_A_WHOLE_BODY: dict[str, tuple[InstrumentedAttribute[Any], Permission]] = {
    "own_duty": (OwnDuty.organisation_id, Permission.DUTIES_READ),
    "occurrence": (Occurrence.organisation_id, Permission.DUTIES_READ),
    "site": (Site.organisation_id, Permission.DUTIES_READ),
    "change": (Change.organisation_id, Permission.DUTIES_READ),
    "controlled_document": (ControlledDocument.organisation_id, Permission.CONTROLLED_READ),
    "law": (Law.organisation_id, Permission.LAWS_READ),
    "obligation": (Obligation.organisation_id, Permission.LAWS_READ),
    "evaluation": (Evaluation.organisation_id, Permission.LAWS_READ),
    "management_review": (ManagementReview.organisation_id, Permission.REVIEWS_READ),
}
"""What a grant of a whole body opens of its management system, to be read and no more; of its controlled documents what
was issued, never a draft."""
WAITING, OFFERED, GRANTED, REFUSED = "", "offered", "granted", "refused"
OUTCOMES = (WAITING, OFFERED, GRANTED, REFUSED)
GROUND, GROUND_OF_ALL = "supervision", "supervision_of_all"
SUBJECT = "supervision_grant"
AUTHORITY = "authority"
"""Kinds of subjects: an event about a grant is about the body as its organisation, and about the authority."""


def register(policy: Policy) -> None:
    """Declares grants, and adds what they open to engagements."""

    def parts(actor: Actor) -> Reach | None:
        if actor.person_id is None or not actor.may(Permission.SUPERVISION_USE):
            return None
        return Reach(opened_parts(policy, actor.person_id), _level(actor), marked=True)

    def bodies(actor: Actor) -> Reach | None:
        if actor.person_id is None or not actor.may(Permission.SUPERVISION_USE):
            return None
        whole = opened_bodies(policy, actor.person_id)
        return Reach(Engagement.organisation_id.in_(whole), _level(actor), organisations=whole, marked=True)

    policy.grant(READ, parts, ground=GROUND)
    policy.grant(READ, bodies, ground=GROUND_OF_ALL)
    for kind, (organisation, permission) in _OF_A_WHOLE_BODY.items():
        policy.grant(kind, partial(_of_whole_bodies, policy, organisation, permission))
    policy.subject(SUBJECT, SupervisionGrant.id)
    policy.grant(SUBJECT, _of_the_authority)
    policy.grant(SUBJECT, _offered)
    policy.grant(SUBJECT, _of_the_body)
    policy.grant("event", _about_own_authority)


def _of_whole_bodies(
    policy: Policy, organisation: InstrumentedAttribute[Any], permission: Permission, actor: Actor
) -> ColumnElement[bool] | None:
    if actor.person_id is None or not (actor.may(Permission.SUPERVISION_USE) and actor.may(permission)):
        return None
    whole = organisation.in_(opened_bodies(policy, actor.person_id))
    if permission is not Permission.CONTROLLED_READ:
        return whole
    return and_(whole, ControlledDocument.state != DRAFT, ControlledDocument.level <= _level(actor))


def _level(actor: Actor) -> Level:
    # Restricted content is opened to single people by name, never to an authority.
    return min(actor.highest_level, Level.SENSITIVE)


def living(policy: Policy) -> ColumnElement[bool]:
    """The grants that open something at this moment."""
    return and_(
        SupervisionGrant.outcome == GRANTED, SupervisionGrant.ended_at.is_(None), SupervisionGrant.until > policy.now
    )


def opened_parts(policy: Policy, person_id: str) -> ColumnElement[bool]:
    """The engagements that a person's living grants name one by one, by client, by year, or by both; each of the body
    that gave the grant.

    One list of identifiers that does not depend on the engagement at hand, made from the few rows of the grants by the
    indexes of engagements: one in a hundred thousand is found without looking at the others.
    """
    scope, found = SupervisionScope, aliased(Engagement)
    by_client, by_year = scope.client_id.is_not(None), scope.year.is_not(None)
    # A library is of no year and of no client: it is opened with the whole body.
    of_body = (found.organisation_id == SupervisionGrant.organisation_id) & (found.activity != LIBRARY)
    shapes = (
        (scope.engagement_id.is_not(None), found.id == scope.engagement_id),
        (by_client & ~by_year, found.client_id == scope.client_id),
        (by_client & by_year, (found.client_id == scope.client_id) & (found.year == scope.year)),
        (~by_client & by_year, found.year == scope.year),
    )
    mine = _mine(policy, person_id)
    return Engagement.id.in_(
        union_all(
            *(
                select(found.id)
                .select_from(SupervisionGrant)
                .join(scope, mine)
                .join(found, of_body & fits)
                .where(shape)
                for shape, fits in shapes
            )
        )
    )


def opened_bodies(policy: Policy, person_id: str) -> Select[str]:
    """The bodies that a person's living grants open as a whole."""
    return select(SupervisionGrant.organisation_id).where(_mine(policy, person_id), SupervisionScope.whole)


def _mine(policy: Policy, person_id: str) -> ColumnElement[bool]:
    of_grant = SupervisionGrant.id == SupervisionScope.grant_id
    return and_(of_grant, SupervisionGrant.person_id == person_id, living(policy))


def opens(policy: Policy, engagement: Engagement, *, whole: bool | None = None) -> ColumnElement[bool]:
    """The other way round: the living grants that open one engagement; by the whole body or by parts, where asked."""
    scope = SupervisionScope
    by_parts = or_(
        scope.engagement_id == engagement.id,
        and_(scope.client_id == engagement.client_id, or_(scope.year.is_(None), scope.year == engagement.year)),
        and_(scope.client_id.is_(None), scope.year == engagement.year),
    )
    if engagement.activity == LIBRARY:
        by_parts = false()
    names = or_(*(clause for clause, kind in ((by_parts, False), (scope.whole, True)) if whole in {None, kind}))
    named = select(scope.id).where(scope.grant_id == SupervisionGrant.id, names).correlate(SupervisionGrant).exists()
    return and_(SupervisionGrant.organisation_id == engagement.organisation_id, living(policy), named)


def _of_the_authority(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.SUPERVISION_USE):
        return None
    return SupervisionGrant.authority_id == actor.organisation_id


def _offered(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.SUPERVISION_USE):
        return None
    own_login = select(Person.login).where(Person.id == actor.person_id).scalar_subquery()
    return and_(SupervisionGrant.outcome == OFFERED, SupervisionGrant.offered_to == own_login)


def _of_the_body(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.SUPERVISION_GRANT):
        return None
    return SupervisionGrant.organisation_id == actor.organisation_id


def _about_own_authority(actor: Actor) -> ColumnElement[bool] | None:
    # The other side of the same event: its organisation is the body, whose auditor sees it by that.
    if actor.organisation_id is None or not actor.may(Permission.LOG_READ):
        return None
    about = select(EventSubject.event_id).where(
        EventSubject.event_id == Event.id,
        EventSubject.kind == AUTHORITY,
        EventSubject.subject_id == actor.organisation_id,
    )
    return about.correlate(Event).exists()
