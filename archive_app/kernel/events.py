"""The event table: what happened, written in the same transaction as the change itself.

An event row holds codes, times and identifiers only. Everything that names people or content stands in its detail row,
bound to the event by a salted digest, so that disposal can erase the words and leave every proof valid.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from archive_app.kernel.actor import Actor
from archive_app.kernel.tables import Base, Id
from archive_app.proof.leaf import SALT_BYTES, canonical_detail, detail_digest

_TYPES: dict[str, "EventType"] = {}


@dataclass(frozen=True)
class EventType:
    """A kind of event: a stable code, and the catalogue key of its words for people.

    One that `rings` is an alarm: the page of the log shows it by itself, above everything else.
    """

    code: str
    label: str
    rings: bool = False


def event_type(code: str, label: str, *, rings: bool = False) -> EventType:
    """Declares a kind of event; a code is declared once in the whole archive."""
    if code in _TYPES:
        raise ValueError(f"event type {code!r} is declared twice")
    return _TYPES.setdefault(code, EventType(code, label, rings))


def event_label(code: str) -> str:
    """The catalogue key for `code`; an event of a feature no longer installed shows its code."""
    known = _TYPES.get(code)
    return known.label if known else code


def event_types() -> list[EventType]:
    """All declared kinds, by code."""
    return [_TYPES[code] for code in sorted(_TYPES)]


class Event(Base):
    """Something that happened: the part that becomes a leaf of the log."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "occurred_at", "id"), Index(None, "actor", "id"), Index(None, "code", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    occurred_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    via: Mapped[str] = mapped_column(String(16))
    detail_digest: Mapped[bytes]


class EventSubject(Base):
    """What an event is about: one row per kind of subject."""

    __tablename__ = "event_subject"
    __table_args__ = (Index(None, "kind", "subject_id", "event_id"),)

    event_id: Mapped[Id] = mapped_column(ForeignKey("event.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject_id: Mapped[Id]


class EventDetail(Base):
    """The words of an event: erasable without touching the log."""

    __tablename__ = "event_detail"

    event_id: Mapped[Id] = mapped_column(ForeignKey("event.id"), primary_key=True)
    salt: Mapped[bytes]
    detail: Mapped[str] = mapped_column(Text)


class PendingEvent(Base):
    """An event that has no leaf yet. The sequencer removes the row in the transaction that inserts the leaf."""

    __tablename__ = "event_pending"

    event_id: Mapped[Id] = mapped_column(ForeignKey("event.id"), primary_key=True)


# Rows that nobody changes later need no unit-of-work bookkeeping. Every change writes them, and without it they cost a
# third.
_INSERT_EVENT, _INSERT_SUBJECTS, _INSERT_DETAIL, _INSERT_PENDING = (
    insert(Base.metadata.tables[rows.__tablename__]) for rows in (Event, EventSubject, EventDetail, PendingEvent)
)


def write_event(
    session: Session,
    actor: Actor,
    now: datetime,
    event_id: str,
    kind: EventType,
    subjects: Mapping[str, str],
    detail: Mapping[str, object],
) -> str:
    """Inserts one event with its subjects and detail; returns its id."""
    words = {**detail, "by": actor.display_name, "address": actor.address}
    words = json.loads(json.dumps({key: value for key, value in words.items() if value not in (None, "")}))
    salt = secrets.token_bytes(SALT_BYTES)
    about = {kind: subject for kind, subject in subjects.items() if subject}
    if actor.organisation_id:
        about.setdefault("organisation", actor.organisation_id)
    event = {
        "id": event_id,
        "code": kind.code,
        "occurred_at": now,
        "actor": actor.name,
        "via": actor.via,
        "detail_digest": detail_digest(salt, words),
    }
    session.execute(_INSERT_EVENT, event)
    if about:
        session.execute(
            _INSERT_SUBJECTS, [{"event_id": event_id, "kind": k, "subject_id": v} for k, v in about.items()]
        )
    session.execute(_INSERT_DETAIL, {"event_id": event_id, "salt": salt, "detail": canonical_detail(words).decode()})
    session.execute(_INSERT_PENDING, {"event_id": event_id})
    return event_id
