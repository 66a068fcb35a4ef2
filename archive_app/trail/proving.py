"""Proofs to take away: the newest checkpoint, and the proof that one event stands in the tree it signs."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event, EventDetail, EventSubject
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.proof.leaf import leaf_hash
from archive_app.proof.merkle import prove_inclusion
from archive_app.trail.checkpoints import newest_checkpoint
from archive_app.trail.errors import EventPendingError
from archive_app.trail.models import LogCheckpoint, LogLeaf
from archive_app.trail.reading import is_custody, untold
from archive_app.trail.sequencing import EVENT_COLUMNS, event_leaf, read_subjects
from archive_app.trail.tree import stored_hashes


@dataclass(frozen=True)
class SignedCheckpoint:
    """The newest checkpoint for people, with the key that verifies it; `root` is base64 as in the note."""

    origin: str
    verifier_key: str
    size: int
    root: str
    signed_at: datetime
    note: str


@dataclass(frozen=True)
class EventProof:
    """All that is needed to check one event offline, with the log's verifier key and nothing else.

    `leaf` is the exact text of the leaf; `leaf_hash`, `root` and the `inclusion` path (RFC 6962 §2.1.1, lowest node
    first) are base64; `salt` is hexadecimal. `detail` and `salt` are None when the words of the event were erased.
    """

    event: str
    position: int
    leaf: str
    leaf_hash: str
    inclusion: list[str]
    size: int
    root: str
    checkpoint: str
    verifier_key: str
    detail: Mapping[str, Any] | None
    salt: str | None


@query(Permission.LOG_READ)
def latest_checkpoint(actor: Actor, uow: UnitOfWork) -> SignedCheckpoint | None:
    """The newest checkpoint; None before the first event is in the log."""
    row = uow.session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    if row is None:
        return None
    archive = uow.archive
    root = _base64(row.root_hash)
    return SignedCheckpoint(archive.origin, archive.verification_key, row.size, root, row.signed_at, row.note)


@query(Permission.LOG_READ)
def event_proof(actor: Actor, uow: UnitOfWork, *, event_id: str) -> EventProof:
    """The proof that the event stands in the tree of the newest checkpoint.

    Raises: NotFoundError; EventPendingError; LogBrokenError when the newest checkpoint is not the archive's own.
    """
    uow.require("event", event_id)
    proof = _prove(uow, event_id)
    # Words about a document that the reader may not see are left out as in the list; the leaf holds their digest.
    hidden = untold(uow, read_subjects(uow.session, [event_id]))
    return replace(proof, detail=None, salt=None) if hidden else proof


@query(Permission.DOCUMENTS_READ)
def custody_proof(actor: Actor, uow: UnitOfWork, *, document_id: str, event_id: str) -> EventProof:
    """The same for one event of a document's custody history, for everybody who may see the document.

    The words of the event are left out: they name from which machine a colleague worked, which is for those who read
    the log; the leaf still holds their digest. Raises: as `event_proof`.
    """
    uow.require("document", document_id)
    about = select(EventSubject.event_id).join(Event, Event.id == EventSubject.event_id)
    about = about.where(EventSubject.kind == "document", EventSubject.subject_id == document_id)
    if uow.session.scalar(about.where(Event.id == event_id, is_custody(uow))) is None:
        raise NotFoundError
    return replace(_prove(uow, event_id), detail=None, salt=None)


def _prove(uow: UnitOfWork, event_id: str) -> EventProof:
    session = uow.session
    position = session.scalar(select(LogLeaf.position).where(LogLeaf.event_id == event_id))
    newest = newest_checkpoint(uow.archive, session)
    if position is None or newest.note is None:
        raise EventPendingError
    row = session.execute(select(*EVENT_COLUMNS).where(Event.id == event_id)).one_or_none()
    if row is None:
        raise NotFoundError
    leaf = event_leaf(row, read_subjects(session, [event_id]).get(event_id, {}))
    words = session.get(EventDetail, event_id)
    size = newest.checkpoint.size
    return EventProof(
        event=event_id,
        position=position,
        leaf=leaf.decode(),
        leaf_hash=_base64(leaf_hash(leaf)),
        inclusion=[_base64(node) for node in prove_inclusion(position, size, stored_hashes(session, size))],
        size=size,
        root=_base64(newest.checkpoint.root),
        checkpoint=newest.note,
        verifier_key=uow.archive.verification_key,
        detail=json.loads(words.detail) if words else None,
        salt=words.salt.hex() if words else None,
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
