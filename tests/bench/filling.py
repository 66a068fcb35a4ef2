"""Fills an archive with generated documents in bulk: the same rows and stored texts as filing and reading them makes.

Filing one by one would take most of the time of a measure that is about something else.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Table, insert

from archive_app.documents.models import Derivative, Document, Version
from archive_app.documents.reading import TEXT_PART
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.schemes import USUAL_SCHEME, keep_edition, scheme_named
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.ids import new_id
from search import IndexDocument
from storage import Purpose, WrappedKey
from tests.factories import People

_BATCH = 1_000
_WRITERS = 4
_BENCH = Actor.system("bench")
_KINDS = {"docx": "docx", "pdf": "pdf", "txt": "txt", "xlsx": "xlsx"}


@dataclass(frozen=True)
class Filled:
    """Whoever looks: a verifier on the team of every fourth engagement; and the engagements by the corpus's names."""

    viewer: Actor
    engagements: dict[str, str]
    own_engagements: frozenset[str]


def fill_archive(archive: Archive, documents: Iterable[IndexDocument], *, engagements: int, texts: bool) -> Filled:
    """Files `documents` of one organisation; with `texts`, each readable one has its text in the vault."""
    people = People(archive)
    viewer = people.person("verifier")
    ids = _add_engagements(archive, people.organisation(), engagements)
    own = sorted(ids)[::4]
    with archive.transaction(_BENCH, eventless=True) as uow:
        uow.session.add_all(
            Assignment(
                engagement_id=ids[name],
                person_id=viewer.person_id,
                part="member",
                assigned_at=uow.now,
                declared_at=uow.now,
            )
            for name in own
        )
    with ThreadPoolExecutor(_WRITERS) as writers:
        batch: list[IndexDocument] = []
        for document in documents:
            batch.append(document)
            if len(batch) == _BATCH:
                _file(archive, batch, ids, writers, texts=texts)
                batch = []
        _file(archive, batch, ids, writers, texts=texts)
    return Filled(viewer, ids, frozenset(own))


def _add_engagements(archive: Archive, organisation_id: str, count: int) -> dict[str, str]:
    ids = {}
    with archive.transaction(_BENCH, eventless=True) as uow:
        clients = [
            Client(id=uow.new_id(), organisation_id=organisation_id, name=f"江南热电厂 {n}", created_at=uow.now)
            for n in range(max(1, count // 3))
        ]
        uow.session.add_all(clients)
        scheme = scheme_named(USUAL_SCHEME)
        keep_edition(uow, scheme)
        uow.session.flush()
        for number in range(count):
            row = Engagement(
                id=uow.new_id(),
                organisation_id=organisation_id,
                client_id=clients[number % len(clients)].id,
                number=f"HC-{number}",
                title=f"年度温室气体排放核查 {number}",
                year=2021 + number % 5,
                activity="verification",
                scheme=scheme.code,
                scheme_version=scheme.version,
                stage=scheme.stages[0].code,
                created_at=uow.now,
            )
            uow.session.add(row)
            ids[f"e{number:04}"] = row.id
    return ids


@dataclass(frozen=True)
class _Plan:
    document: IndexDocument
    document_id: str
    version_id: str
    engagement_id: str
    filed_at: datetime
    key: WrappedKey


def _file(
    archive: Archive,
    documents: Sequence[IndexDocument],
    engagements: dict[str, str],
    writers: ThreadPoolExecutor,
    *,
    texts: bool,
) -> None:
    if not documents:
        return
    plans = [_plan(archive, document, engagements[document.engagement_id]) for document in documents]
    readable = [plan for plan in plans if texts and plan.document.readable]
    derivatives = list(writers.map(lambda plan: _store_text(archive, plan), readable))
    with archive.transaction(_BENCH, eventless=True) as uow:
        rows: list[tuple[Any, list[dict[str, object]]]] = [
            (Document, [_document_row(plan) for plan in plans]),
            (Version, [_version_row(plan) for plan in plans]),
            (Derivative, derivatives),
        ]
        for table, values in rows:
            if values:
                uow.session.execute(insert(_table(table)), values)


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _plan(archive: Archive, document: IndexDocument, engagement_id: str) -> _Plan:
    filed_at = datetime.combine(document.filed_on, time(8), UTC)
    version_id = new_id(filed_at)
    return _Plan(document, new_id(filed_at), version_id, engagement_id, filed_at, archive.vault.new_key(version_id))


def _store_text(archive: Archive, plan: _Plan) -> dict[str, object]:
    content = io.BytesIO(plan.document.body.encode())
    blob = archive.vault.put(content, plan.key, plan.version_id, Purpose.TEXT)
    return {
        "version_id": plan.version_id,
        "purpose": Purpose.TEXT.value,
        "part": TEXT_PART,
        "blob_id": blob.blob_id,
        "size_bytes": blob.size_bytes,
        "sha256": blob.sha256,
        "stored_sha256": blob.stored_sha256,
        "created_at": plan.filed_at,
    }


def _document_row(plan: _Plan) -> dict[str, object]:
    return {
        "id": plan.document_id,
        "engagement_id": plan.engagement_id,
        "title": plan.document.title,
        "level": plan.document.level,
        "created_at": plan.filed_at,
    }


def _version_row(plan: _Plan) -> dict[str, object]:
    document = plan.document
    digest = hashlib.sha256(plan.version_id.encode()).digest()
    return {
        "id": plan.version_id,
        "document_id": plan.document_id,
        "engagement_id": plan.engagement_id,
        "number": 1,
        "current": True,
        "name": document.name,
        "source_path": document.name,
        "source_system": "",
        "originator": "",
        "activity": document.metadata,
        "filed_at": plan.filed_at,
        "filed_by": "bench",
        "kind": _KINDS[document.kind],
        "media_type": "application/octet-stream",
        "claimed_media_type": "",
        "size_bytes": len(document.body),
        "sha256": digest,
        # Nothing here opens the content itself, only its text: the blob is not made.
        "content_blob_id": digest.hex()[:32],
        "stored_size_bytes": len(document.body),
        "stored_sha256": digest,
        "key_epoch": plan.key.epoch,
        "wrapped_key": plan.key.wrapped,
        "reading": "read" if document.readable else "unread",
    }
