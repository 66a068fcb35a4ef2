"""The JSON interface of the audit log: events and their proofs; and the custody history of a document."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from pydantic import Field

from archive_app.kernel.paging import Page
from archive_app.kernel.permissions import Permission
from archive_app.trail.proving import EventProof, custody_proof, event_proof
from archive_app.trail.reading import EventFilters, EventLine, document_history, list_events, read_event
from archive_app.web.api.reading import Day, Identifier, Paging, Text
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor

blueprint = Resources("trail", __name__)


class EventShown(Shown):
    """Something that happened. `position` is its place in the log, null in the seconds before it has one; `detail`
    holds the words, empty after their erasure."""

    id: str
    position: int | None
    code: str
    label: str
    occurred_at: datetime
    actor: str
    actor_name: str
    via: str
    subjects: dict[str, str]
    detail: dict[str, Any]


class ProofShown(Shown):
    """All that is needed to check offline that an event stands in the log: RFC 6962 inclusion proof, signed checkpoint,
    verifier key. Hashes are base64. `detail` and `salt` are null where the words are erased or not for the asker."""

    event: str
    position: int
    leaf: str
    leaf_hash: str
    inclusion: list[str]
    size: int
    root: str
    checkpoint: str
    verifier_key: str
    detail: dict[str, Any] | None
    salt: str | None


class EventQuery(Paging):
    """What a list of events is narrowed to; days are those of the archive's zone, both included."""

    person: Identifier | None = Field(None, description="Only what this person did.")
    engagement: Identifier | None = Field(None, description="Only about this engagement.")
    document: Identifier | None = Field(None, description="Only about this document.")
    action: Text | None = Field(None, max_length=64, description="Only of this code, such as `document.filed`.")
    from_day: Day | None = Field(None, description="Not before this day.")
    to_day: Day | None = Field(None, description="Not after this day.")


_EVENT = {
    "id": "019aa2b4-2f00-7d04-8f7e-0a4de64b7d01",
    "position": 41,
    "code": "document.filed",
    "label": "文件已入库",
    "occurred_at": "2026-11-21T02:00:00Z",
    "actor": "019aa2b4-11c0-7d04-8f7e-0a4de64b7c22",
    "actor_name": "顾言",
    "via": "api",
    "subjects": {"document": "019aa2b4-2e00-7d04-8f7e-0a4de64b7d02"},
    "detail": {"name": "监测计划.pdf", "size_bytes": 48211},
}
_PROOF = {
    "event": _EVENT["id"],
    "position": 41,
    "leaf": '{"code":"document.filed"}',
    "leaf_hash": "kY0vPpG1Xx0b0j1q3m6jv8m6Q0o1nV2o3rC8n0y7p8E=",
    "inclusion": ["nE5K3m2j0w5k8r1Vd1s1y0G0w9f4o2k7c3b6a5d4e3g="],
    "size": 42,
    "root": "V3hX0c8nM2r5t7u9w1y3A5c7e9g1i3k5m7o9q1s3u5w=",
    "checkpoint": "lantai/…\n42\nV3hX…\n\n— lantai/… …\n",
    "verifier_key": "lantai/…+…",
    "detail": None,
    "salt": None,
}


def _event(line: EventLine) -> EventShown:
    told: Mapping[str, Any] = {name: getattr(line, name) for name in EventShown.model_fields if name != "label"}
    return EventShown(**told, label=_(line.label))


def _proof(proof: EventProof) -> ProofShown:
    return ProofShown(**asdict(proof))


@blueprint.lists("/events", Permission.LOG_READ, of=EventShown, shows=_event, query=EventQuery, example=_EVENT)
def list_of_events(query: EventQuery) -> Page[EventLine]:
    """The audit log, newest first."""
    filters = EventFilters(
        person=query.person,
        engagement=query.engagement,
        document=query.document,
        code=query.action,
        from_date=query.from_day,
        to_date=query.to_day,
    )
    return list_events(current_actor(), filters=filters, after=query.after, limit=query.limit)


@blueprint.reads("/events/<id:event_id>", Permission.LOG_READ, answer=EventShown, shows=_event, example=_EVENT)
def read_one_event(event_id: str) -> EventLine:
    """One event."""
    return read_event(current_actor(), event_id=event_id)


@blueprint.reads(
    "/events/<id:event_id>/proof",
    Permission.LOG_READ,
    answer=ProofShown,
    shows=_proof,
    problems=[409],
    example=_PROOF,
)
def read_event_proof(event_id: str) -> EventProof:
    """The proof that an event stands in the log. Answers 409 `event_pending` in the seconds before it does."""
    return event_proof(current_actor(), event_id=event_id)


@blueprint.lists(
    "/documents/<id:document_id>/custody", Permission.DOCUMENTS_READ, of=EventShown, shows=_event, example=_EVENT
)
def list_of_custody(document_id: str, query: Paging) -> Page[EventLine]:
    """The custody history of a document, newest first."""
    return document_history(current_actor(), document_id=document_id, after=query.after, limit=query.limit)


@blueprint.reads(
    "/documents/<id:document_id>/custody/<id:event_id>/proof",
    Permission.DOCUMENTS_READ,
    answer=ProofShown,
    shows=_proof,
    problems=[409],
    example=_PROOF,
)
def read_custody_proof(document_id: str, event_id: str) -> EventProof:
    """The proof that an event of a document's custody stands in the log, without its words."""
    return custody_proof(current_actor(), document_id=document_id, event_id=event_id)
