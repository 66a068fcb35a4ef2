"""Assignments that wait for their declaration: their people are told so, because they know of the engagement."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


class DeclarationAwaitedError(ArchiveError):
    """Somebody is assigned and has not declared yet."""

    code = "declaration_awaited"
    message = N_(
        "You are assigned to the engagement %(number)s and have not declared your impartiality for it yet. "
        "Nothing was changed; declare on its page, then do this once more."
    )


@dataclass(frozen=True)
class Awaited:
    """What somebody is told of an engagement that they are assigned to and have not declared for: what it takes to
    decide whether they can, and nothing of what is inside."""

    engagement_id: str
    number: str
    title: str
    year: int
    client_name: str
    part: str
    assigned_at: datetime


@query(Permission.ENGAGEMENTS_READ)
def list_awaited(actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE) -> Page[Awaited]:
    """The engagements that wait for the actor's declaration, newest first."""
    page = fetch_page(uow.session, _awaited(actor), [Engagement.id], after=after, descending=True, limit=limit)
    return Page([Awaited(*row[:7]) for row in page.items], page.next_key)


def _awaited(actor: Actor) -> Select[str, str, str, int, str, str, datetime]:
    return (
        select(
            Engagement.id,
            Engagement.number,
            Engagement.title,
            Engagement.year,
            Client.name,
            Assignment.part,
            Assignment.assigned_at,
        )
        .join(Client, Client.id == Engagement.client_id)
        .join(Assignment, Assignment.engagement_id == Engagement.id)
        .where(Assignment.person_id == actor.person_id, Assignment.ended_at.is_(None), Assignment.declared_at.is_(None))
    )


def awaits_declaration(whose: Actor) -> ColumnElement[bool]:
    """The engagements that somebody is assigned to and has not declared for."""
    waiting = select(Assignment.engagement_id).where(
        Assignment.person_id == whose.person_id, Assignment.ended_at.is_(None), Assignment.declared_at.is_(None)
    )
    return Engagement.id.in_(waiting)


def require_declared(uow: UnitOfWork, engagement_id: str) -> None:
    """Refuses somebody who is assigned and has not declared. Raises: DeclarationAwaitedError."""
    awaited = select(Engagement.number).where(Engagement.id == engagement_id, awaits_declaration(uow.actor))
    if (number := uow.session.scalar(awaited)) is not None:
        raise DeclarationAwaitedError(number=number)
