"""Whose mark is on what a supervisor sees: asked for every document and page that is given out."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.marks import Mark
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.supervision.models import SupervisionGrant
from archive_app.supervision.policy import AUTHORITY, SUBJECT, opens


def mark_of(uow: UnitOfWork, kind: str, subject_id: str) -> Mark | None:
    """The mark on an engagement or a document that the actor sees by supervision alone; see `kernel.marks.Marker`.

    Whoever also reaches it by another right of theirs sees it as everybody who has that right. Where neither holds any
    more, the answer is not "no mark" but that nothing is there. Raises: NotFoundError.
    """
    actor = uow.actor
    if actor.person_id is None or not actor.may(Permission.SUPERVISION_USE):
        return None
    engagement = select(Engagement).where(Engagement.id == subject_id)
    level = None
    if kind == "document":
        found = uow.session.execute(
            select(Document.engagement_id, Document.level).where(Document.id == subject_id)
        ).one_or_none()
        if found is None:
            raise DeniedError(kind, subject_id)
        engagement, level = select(Engagement).where(Engagement.id == found[0]), found[1]
    if uow.session.scalar(engagement.where(_reached_otherwise(uow, level))) is not None:
        return None
    row = uow.session.scalars(engagement).one_or_none()
    mark = None if row is None else _mark(uow, row)
    if mark is None:
        raise DeniedError(kind, subject_id)
    return mark


@query(Permission.SUPERVISION_USE)
def mark_on_page(actor: Actor, uow: UnitOfWork, *, kind: str, subject_id: str) -> Mark | None:
    """The mark for a page about an engagement or a document; None where there is none, or nothing to see."""
    if not uow.archive.policy.allows(uow.session, actor, kind, subject_id):
        return None
    return mark_of(uow, kind, subject_id)


@query(Permission.SUPERVISION_USE)
def own_name(actor: Actor, uow: UnitOfWork) -> tuple[str, ...]:
    """What is laid over a page that may show content of several grants: name, authority and moment."""
    login, name, organisation = uow.session.execute(
        select(Person.login, Person.display_name, Organisation.name)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.id == actor.person_id)
    ).one()
    moment = uow.now.astimezone(uow.archive.rules.zone)
    return (f"{name} · {organisation}", f"{moment:%Y-%m-%d %H:%M} · {login}")


def _reached_otherwise(uow: UnitOfWork, level: int | None) -> ColumnElement[bool]:
    policy = uow.archive.policy
    others = [
        reach.clause
        for reach in policy.reaches(uow.actor, READ)
        if not reach.marked and (level is None or level <= reach.highest_level)
    ]
    return and_(or_(False, *others), *(~denial for denial in policy.denials(uow.actor, READ)))


def _mark(uow: UnitOfWork, engagement: Engagement) -> Mark | None:
    authority, body = aliased(Organisation), aliased(Organisation)
    found = uow.session.execute(
        select(SupervisionGrant, Person.login, Person.display_name, authority.name, body.name)
        .join(Person, Person.id == SupervisionGrant.person_id)
        .join(authority, authority.id == SupervisionGrant.authority_id)
        .join(body, body.id == SupervisionGrant.organisation_id)
        .where(
            SupervisionGrant.person_id == uow.actor.person_id,
            opens(uow.archive.policy, engagement),
        )
        # Of several the first: one look is by one grant, always the same as long as it lives.
        .order_by(SupervisionGrant.id)
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    grant, login, name, authority_name, body_name = found
    until = grant.until or uow.now
    zone = uow.archive.rules.zone
    return Mark(
        person=name,
        login=login,
        person_id=grant.person_id or "",
        organisation=authority_name,
        source=body_name,
        purpose=grant.purpose,
        reference=grant.reference,
        until=until.astimezone(zone),
        moment=uow.now.astimezone(zone),
        grant_id=grant.id,
        subjects={SUBJECT: grant.id, AUTHORITY: grant.authority_id or ""},
    )
