"""What happened lately in an engagement 流转记录, as far as whoever looks may know it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, not_, or_, select
from sqlalchemy.orm import aliased

from archive_app.documents.models import Document
from archive_app.kernel.events import Event, EventSubject
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.trail.reading import EventLine, engagement_flow

MOST_EVENTS = 12
_FLOW = (
    "case_file",
    "checklist.",
    "deadline.",
    "declaration.",
    "document.classified",
    "document.filed",
    "document.version_filed",
    "document.withdrawn",
    "engagement.",
    "issue.",
    "material.",
    "nonconformity.",
    "record.",
    "review.",
    "seal",
    "stage.",
    "submission.",
    "team.",
    "time.",
)
"""Kinds of events that are the course of the work: who asked for access or looked at what stays in the log proper."""


def recent_events(uow: UnitOfWork, engagement_id: str) -> Sequence[EventLine]:
    """The step that reads the newest events of the course of an engagement. What is about a document that the actor
    does not see is left out altogether."""
    flow = or_(*(Event.code.startswith(code, autoescape=True) for code in _FLOW))
    return engagement_flow(uow, engagement_id, flow, not_(_of_hidden_document(uow)), limit=MOST_EVENTS)


def _of_hidden_document(uow: UnitOfWork) -> ColumnElement[bool]:
    about = aliased(EventSubject)
    hidden = (
        select(about.event_id)
        .join(Document, Document.id == about.subject_id)
        .where(about.event_id == Event.id, about.kind == "document", not_(uow.visible("document")))
    )
    return hidden.correlate(Event).exists()
