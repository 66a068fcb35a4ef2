"""Reading the log: the list of events for those who may see it, and the custody history of one document."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.events import Event, EventDetail, EventSubject, event_label, event_types
from archive_app.kernel.ids import lowest_id
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.trail.models import LogLeaf
from archive_app.trail.sequencing import read_subjects

ALARMS_OF = timedelta(days=30)
_MOST_PEOPLE = 1_000


@dataclass(frozen=True)
class EventFilters:
    """What to look for; dates are days in the archive's zone, both included."""

    person: str | None = None
    engagement: str | None = None
    document: str | None = None
    code: str | None = None
    from_date: date | None = None
    to_date: date | None = None


@dataclass(frozen=True)
class Alarm:
    """A kind of event that rings; `label` is a catalogue key, `count` says how often in the last `ALARMS_OF`."""

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class EventLine:
    """One event as people read it. `position` is None while it has no leaf; `label` is a catalogue key.

    `actor_name` is the actor's name as it was then; `detail` holds the other words, empty after their erasure, and
    where they are `withheld` because they tell of a document that the reader may not see.
    """

    id: str
    position: int | None
    code: str
    label: str
    occurred_at: datetime
    actor: str
    actor_name: str
    via: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    withheld: bool = False


@query(Permission.LOG_READ)
def list_events(
    actor: Actor,
    uow: UnitOfWork,
    *,
    filters: EventFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EventLine]:
    """The events that the actor may see, newest first."""
    statement, key = _about({"document": filters.document, "engagement": filters.engagement})
    return _read_page(uow, statement.where(uow.visible("event"), *_conditions(uow, filters)), key, after, limit)


@query(Permission.DOCUMENTS_READ)
def document_history(
    actor: Actor,
    uow: UnitOfWork,
    *,
    document_id: str,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EventLine]:
    """The custody history 流转记录 of a document, newest first, for everybody who may see the document.

    Refused access is no custody and stays in the log proper. Raises: NotFoundError.
    """
    uow.require("document", document_id)
    statement, key = _about({"document": document_id})
    page = _read_page(uow, statement.where(is_custody(uow)), key, after, limit)
    return Page([_without_address(line) for line in page.items], page.next_key)


def engagement_flow(
    uow: UnitOfWork, engagement_id: str, *told: ColumnElement[bool], limit: int = PAGE_SIZE
) -> Sequence[EventLine]:
    """The step that reads the newest events about an engagement, of those that belong to its custody as the actor may
    know it and that `told` lets through: whoever asks says there what else may not be told."""
    statement, key = _about({"engagement": engagement_id})
    page = _read_page(uow, statement.where(is_custody(uow), *told), key, None, limit)
    return [_without_address(line) for line in page.items]


def is_custody(uow: UnitOfWork) -> ColumnElement[bool]:
    """A step: the clause of those events about a document that belong to its custody as the actor may know it.

    People of the body that keeps it know all of it; others what that body, their own organisation and the archive did:
    a client's contact does not learn that a supervisor looked.
    """
    actor, told = uow.actor, Event.code != ACCESS_DENIED.code
    if actor.is_system:
        return told
    about = (EventSubject.event_id == Event.id) & (EventSubject.kind == "organisation")
    of_own_body = select(EventSubject.event_id).where(about, EventSubject.subject_id == actor.organisation_id)
    known = or_(Person.organisation_id == actor.organisation_id, Person.organisation_id == EventSubject.subject_id)
    by_known = select(Person.id).select_from(Person).join(EventSubject, about).where(Person.id == Event.actor, known)
    return told & or_(
        of_own_body.correlate(Event).exists(), by_known.correlate(Event).exists(), Event.actor.startswith("system:")
    )


@query(Permission.LOG_READ)
def read_event(actor: Actor, uow: UnitOfWork, *, event_id: str) -> EventLine:
    """One event. Raises: NotFoundError."""
    uow.require("event", event_id)
    statement, _ = _about({})
    row = uow.session.execute(statement.where(Event.id == event_id)).one()
    subjects = read_subjects(uow.session, [event_id])
    return _lines([row], subjects, untold(uow, subjects))[0]


def untold(uow: UnitOfWork, subjects: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The step that finds the events whose words the actor may not read: they tell of a document above their level."""
    about = {event_id: told["document"] for event_id, told in subjects.items() if "document" in told}
    shown = uow.archive.policy.among(uow.session, uow.actor, "document.words", set(about.values()))
    return {event_id for event_id, document_id in about.items() if document_id not in shown}


@query(Permission.LOG_READ)
def list_alarms(actor: Actor, uow: UnitOfWork) -> list[Alarm]:
    """Every kind of event that is an alarm, with how often it happened lately as far as the actor may see."""
    lately = lowest_id(uow.now - ALARMS_OF)
    counted = select(func.count()).select_from(Event).where(Event.id >= lately, uow.visible("event"))
    return [
        Alarm(kind.code, kind.label, uow.session.scalar(counted.where(Event.code == kind.code)) or 0)
        for kind in event_types()
        if kind.rings
    ]


@query(Permission.LOG_READ)
def list_people(actor: Actor, uow: UnitOfWork) -> list[tuple[str, str]]:
    """Ids and names of the people whose events one may look for."""
    people = select(Person.id, Person.display_name).where(uow.visible("person"))
    rows = uow.session.execute(people.order_by(Person.display_name, Person.id).limit(_MOST_PEOPLE))
    return [(person_id, name) for person_id, name in rows]


def _about(subjects: Mapping[str, str | None]) -> tuple[Any, InstrumentedAttribute[str]]:
    """Events about all the given subjects, and the column to page them by.

    The list is ordered by identifier, which begins with the time of the event: so the index of a subject, a person or
    an action gives the newest events in order, and no list is ever sorted.
    """
    statement: Any = (
        select(Event, LogLeaf.position, EventDetail.detail)
        .outerjoin(LogLeaf, LogLeaf.event_id == Event.id)
        .outerjoin(EventDetail, EventDetail.event_id == Event.id)
    )
    key = Event.id
    for kind, subject_id in subjects.items():
        if subject_id is not None:
            about = aliased(EventSubject)
            statement = statement.join(about, about.event_id == Event.id)
            statement = statement.where(about.kind == kind, about.subject_id == subject_id)
            key = about.event_id if key is Event.id else key
    return statement, key


def _conditions(uow: UnitOfWork, filters: EventFilters) -> Iterator[ColumnElement[bool]]:
    zone = uow.archive.rules.zone
    # A list about a subject is read along the subject's index; joining nothing to a column keeps SQLite from choosing
    # the column's own index, and then sorting all that a person ever did.
    along_subject = filters.document is not None or filters.engagement is not None
    for column, wanted in ((Event.actor, filters.person), (Event.code, filters.code)):
        if wanted is not None:
            yield (column.concat("") if along_subject else column) == wanted
    if filters.from_date is not None:
        yield Event.id >= lowest_id(datetime.combine(filters.from_date, time.min, zone))
    if filters.to_date is not None and filters.to_date < date.max:
        yield Event.id < lowest_id(datetime.combine(filters.to_date + timedelta(days=1), time.min, zone))


def _read_page(
    uow: UnitOfWork, statement: Any, key: InstrumentedAttribute[str], after: str | None, limit: int
) -> Page[EventLine]:
    page = fetch_page(uow.session, statement, [key], after=after, descending=True, limit=limit)
    subjects = read_subjects(uow.session, [row[0].id for row in page.items])
    return Page(_lines(page.items, subjects, untold(uow, subjects)), page.next_key)


def _lines(
    rows: Sequence[Any], subjects: Mapping[str, Mapping[str, str]], withheld: Collection[str]
) -> list[EventLine]:
    lines = []
    for event, position, words, *_ in rows:
        detail = json.loads(words) if words else {}
        actor_name = detail.pop("by", event.actor)
        lines.append(
            EventLine(
                id=event.id,
                position=position,
                code=event.code,
                label=event_label(event.code),
                occurred_at=event.occurred_at,
                actor=event.actor,
                actor_name=actor_name,
                via=event.via,
                detail={} if event.id in withheld else detail,
                withheld=event.id in withheld,
                subjects=subjects.get(event.id, {}),
            )
        )
    return lines


def _without_address(line: EventLine) -> EventLine:
    # From which machine a colleague worked is for those who read the log, not for the whole team.
    return replace(line, detail={key: value for key, value in line.detail.items() if key != "address"})
