"""Generated worlds as rows of an archive: bulk inserts of what filing, reading and assigning would have made."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, insert

from archive_app.documents.models import Derivative, Document, HeldContent, Upload, Version
from archive_app.documents.reading import TEXT_PART
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Access, Assignment, Client, Engagement
from archive_app.engagements.schemes import USUAL_SCHEME, all_schemes, keep_edition
from archive_app.identity.models import Organisation, Person, PersonRole, SecondFactor
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.models import Register
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.tables import UtcDateTime
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.supervision.models import SupervisionGrant, SupervisionScope
from storage import Purpose
from tests.worlds import RARE, TEXT, Paper, World


def write_worlds(archive: Archive, worlds: Sequence[World]) -> None:
    """Puts worlds into the archive, and hands their documents to the worker to be indexed."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        keep_edition(uow, all_schemes()[USUAL_SCHEME])
        for model, rows in (
            *_rows_of_people(uow, worlds),
            *_rows_of_engagements(worlds),
            *_rows_of_reasons(uow, worlds),
            *_rows_of_supervision(uow, worlds),
            *_rows_of_documents(uow, worlds),
            *_rows_of_editions(uow, worlds),
            *_rows_of_lists(uow, worlds),
        ):
            if rows:
                table: Table = model.__table__
                dull = _dull(table, uow.now)
                uow.session.execute(insert(table), [{**dull, **row} for row in rows])
        for world in worlds:
            for paper in world.papers:
                for version in paper.versions:
                    uow.enqueue("documents.index", version)


def _dull(table: Table, now: datetime) -> dict[str, object]:
    """Something for every column that must be filled and that sight does not depend on."""
    of_type: dict[type, object] = {str: "", int: 0, bool: False, bytes: b"", date: now.date()}
    return {
        column.name: now if isinstance(column.type, UtcDateTime) else of_type[column.type.python_type]
        for column in table.columns
        if not column.nullable and not column.primary_key and not column.foreign_keys
    }


_Rows = Iterable[tuple[Any, list[dict[str, object]]]]


def _rows_of_people(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    now, by = uow.now, "system:test"
    bodies = [body for world in worlds for body in world.bodies]
    humans = [human for world in worlds for human in world.humans]
    yield (
        Organisation,
        [{"id": one.id, "name": one.name, "kind": one.kind, "runs_archive": one.runs_archive} for one in bodies],
    )
    yield (
        Person,
        [
            {
                "id": one.id,
                "organisation_id": one.body,
                "login": one.id,
                "display_name": "某人",
                "language": "zh_Hans_CN",
                "active": True,
                "highest_level": one.level,
            }
            for one in humans
        ],
    )
    yield (
        PersonRole,
        [
            {
                "person_id": one.id,
                "role": role,
                "granted_by": by if role in one.roles else None,
                "granted_at": now if role in one.roles else None,
            }
            for one in humans
            for role in sorted(one.roles | one.proposed)
        ],
    )
    yield SecondFactor, [{"person_id": one.id, "enrolled_at": now} for one in humans if one.enrolled]


def _rows_of_engagements(worlds: Sequence[World]) -> _Rows:
    yield (
        Client,
        [
            {
                "id": one.id,
                "organisation_id": one.body,
                "name": one.name,
                "entity_id": one.entity,
            }
            for world in worlds
            for one in world.clients
        ],
    )
    yield (
        Engagement,
        [
            {
                "id": one.id,
                "organisation_id": one.body,
                "client_id": one.client,
                "number": one.number,
                "title": one.number,
                "year": one.year,
                "activity": LIBRARY if one.library else "",
                "scheme": USUAL_SCHEME,
                "scheme_version": all_schemes()[USUAL_SCHEME].version,
                "stage": all_schemes()[USUAL_SCHEME].stages[0].code,
            }
            for world in worlds
            for one in world.tasks
        ],
    )


def _rows_of_reasons(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    now = uow.now
    yield (
        Assignment,
        [
            {
                "engagement_id": one.task,
                "person_id": one.human,
                "part": one.part,
                "declared_at": now if one.declared else None,
                "ended_at": now if one.ended else None,
            }
            for world in worlds
            for one in world.assigned
        ],
    )
    yield (
        Access,
        [
            {
                "id": one.id,
                "engagement_id": one.task,
                "person_id": one.human,
                "ground": one.ground,
                "until": one.until,
                "ended_at": now if one.ended else None,
            }
            for world in worlds
            for one in world.let
        ],
    )


def _rows_of_supervision(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    at_home = {human.id: human.body for world in worlds for human in world.humans}
    yield (
        SupervisionGrant,
        [
            {
                "id": one.id,
                "authority_id": at_home[one.human],
                "person_id": one.human,
                "organisation_id": one.body,
                "outcome": one.outcome,
                "until": one.until,
                "ended_at": uow.now if one.ended else None,
            }
            for world in worlds
            for one in world.grants
        ],
    )
    yield (
        SupervisionScope,
        [
            {
                "id": uow.new_id(),
                "grant_id": one.id,
                "whole": (task, client, year) == (None, None, None),
                "engagement_id": task,
                "client_id": client,
                "year": year,
            }
            for world in worlds
            for one in world.grants
            for task, client, year in one.scopes
        ],
    )


def _rows_of_documents(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    papers = [paper for world in worlds for paper in world.papers]
    yield (
        Document,
        [
            {
                "id": one.id,
                "engagement_id": one.task,
                "title": one.title,
                "level": one.level,
                "withdrawn_at": uow.now if one.withdrawn else None,
                "control": one.control,
            }
            for one in papers
        ],
    )
    versions, texts = [], []
    for paper in papers:
        for number, version_id in enumerate(paper.versions, start=1):
            version, text = _version(uow, paper, number, version_id)
            versions.append(version)
            texts.append(text)
    yield Version, versions
    yield Derivative, texts


def _version(
    uow: UnitOfWork, paper: Paper, number: int, version_id: str
) -> tuple[dict[str, object], dict[str, object]]:
    vault = uow.archive.vault
    key, digest = vault.new_key(version_id), hashlib.sha256(version_id.encode()).digest()
    body = f"{TEXT}{RARE if paper.rare else ''}".encode()
    blob = vault.put(io.BytesIO(body), key, version_id, Purpose.TEXT)
    version: dict[str, object] = {
        "id": version_id,
        "document_id": paper.id,
        "engagement_id": paper.task,
        "number": number,
        "current": number == len(paper.versions),
        "name": f"{paper.id[-6:]}.{paper.kind}",
        "filed_at": uow.now,
        "kind": paper.kind,
        "sha256": digest,
        # Nothing here opens the content itself, only its text: the blob is not made.
        "content_blob_id": digest.hex()[:32],
        "stored_sha256": digest,
        "key_epoch": key.epoch,
        "wrapped_key": key.wrapped,
        "reading": "read",
    }
    text: dict[str, object] = {
        "version_id": version_id,
        "purpose": Purpose.TEXT.value,
        "part": TEXT_PART,
        "blob_id": blob.blob_id,
        "size_bytes": blob.size_bytes,
        "sha256": blob.sha256,
        "stored_sha256": blob.stored_sha256,
        "created_at": uow.now,
    }
    return version, text


def _rows_of_editions(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    """Each controlled document is one by itself, with the first of its hands as the author and the others asked."""
    bodies = {task.id: task.body for world in worlds for task in world.tasks}
    controlled = [paper for world in worlds for paper in world.papers if paper.control]
    ids = {paper.id: uow.new_id() for paper in controlled}
    yield (
        ControlledDocument,
        [
            {
                "id": ids[one.id],
                "organisation_id": bodies[one.task],
                "number": one.id,
                "level": one.level,
                "owner_id": one.hands[0],
                "state": {"draft": "draft", "withdrawn": "withdrawn"}.get(one.control, "in_force"),
            }
            for one in controlled
        ],
    )
    yield (
        Edition,
        [
            {
                "id": one.id,
                "controlled_document_id": ids[one.id],
                "ordinal": 1,
                "state": "in_review" if one.control == "draft" else one.control,
                "on_the_way": one.control == "draft",
                "document_id": one.id,
                "author_id": one.hands[0],
            }
            for one in controlled
        ],
    )
    yield (
        EditionFile,
        [{"document_id": one.id, "edition_id": one.id, "ordinal": 1, "added_by": one.hands[0]} for one in controlled],
    )
    yield (
        EditionStep,
        [
            {"id": uow.new_id(), "edition_id": one.id, "document_id": one.id, "person_id": asked, "state": "waiting"}
            for one in controlled
            for asked in one.hands[1:]
        ],
    )


def _rows_of_lists(uow: UnitOfWork, worlds: Sequence[World]) -> _Rows:
    registers = [one for world in worlds for one in world.registers]
    held = [uow.new_id() for _ in registers]
    yield (
        HeldContent,
        [
            {
                "id": held_id,
                "version_id": held_id,
                "blob_id": hashlib.sha256(held_id.encode()).hexdigest()[:32],
                "sha256": b"",
                "kind": "xlsx",
            }
            for held_id in held
        ],
    )
    yield (
        Register,
        [
            {
                "id": one.id,
                "organisation_id": one.body,
                "engagement_id": one.task,
                "held_id": held_id,
                "brought_by": one.by,
                "state": "ready",
                "sources": "[]",
                "facts": "{}",
            }
            for one, held_id in zip(registers, held, strict=True)
        ],
    )
    yield (
        InboxFile,
        [
            {
                "id": one.id,
                "organisation_id": one.body,
                "engagement_id": one.task,
                "register_id": one.register,
                "brought_by": one.by,
                "kind": "pdf",
                "state": "waiting",
            }
            for world in worlds
            for one in world.inbox
        ],
    )
    yield (
        Upload,
        [
            {"id": one.id, "engagement_id": one.task, "person_id": one.by, "entry": "{}", "state": "waiting"}
            for world in worlds
            for one in world.uploads
        ],
    )
