"""What supervisors looked at: read from the events of the looks themselves, for the body and the supervisor alike."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from archive_app.documents.looking import DOWNLOADED, VIEWED
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import Event, EventDetail, EventSubject
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.supervision.policy import SUBJECT

_WAYS = {VIEWED.code: "view", DOWNLOADED.code: "download"}


@dataclass(frozen=True)
class LookLine:
    """One look. `title` is the document's then, empty after the words of the event were erased."""

    event_id: str
    occurred_at: datetime
    way: str
    title: str
    person: str
    document_id: str
    grant_id: str


@query(Permission.SIGNED_IN)
def looks_of_grant(
    actor: Actor, uow: UnitOfWork, *, grant_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[LookLine]:
    """What was looked at by one grant, newest first, for both of its sides. Raises: NotFoundError."""
    uow.require(SUBJECT, grant_id)
    return _looks(uow, SUBJECT, grant_id, after, limit)


@query(Permission.SUPERVISION_GRANT)
def looks_into_engagement(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[LookLine]:
    """What supervisors looked at in one engagement of one's body, newest first. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    return _looks(uow, "engagement", engagement_id, after, limit)


def _looks(uow: UnitOfWork, kind: str, subject_id: str, after: str | None, limit: int) -> Page[LookLine]:
    # Along the index of the one subject, which is in the order of time; the others are found by their keys.
    about, by_grant, document = aliased(EventSubject), aliased(EventSubject), aliased(EventSubject)
    statement = (
        select(Event, EventDetail.detail, Person.display_name, document.subject_id, by_grant.subject_id)
        .join(about, about.event_id == Event.id)
        .join(by_grant, (by_grant.event_id == about.event_id) & (by_grant.kind == SUBJECT))
        .join(document, (document.event_id == about.event_id) & (document.kind == "document"))
        .outerjoin(EventDetail, EventDetail.event_id == Event.id)
        .outerjoin(Person, Person.id == Event.actor)
        # Joining nothing to the code keeps SQLite from going through all looks of the archive by the code's index.
        .where(about.kind == kind, about.subject_id == subject_id, Event.code.concat("").in_(_WAYS))
    )
    page = fetch_page(uow.session, statement, [about.event_id], after=after, descending=True, limit=limit)
    return Page([_line(row) for row in page.items], page.next_key)


def _line(row: Sequence[Any]) -> LookLine:
    event, words, person, document_id, grant_id = row[:5]
    title = json.loads(words).get("title", "") if words else ""
    return LookLine(event.id, event.occurred_at, _WAYS[event.code], title, person or event.actor, document_id, grant_id)
