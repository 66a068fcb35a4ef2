"""Documents of an organisation's library as rows, at every state that a controlled document can be at."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from archive_app.documents.control import DRAFT, set_control
from archive_app.documents.ingest import Entry, file_version, store
from archive_app.engagements.libraries import library_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from tests import files

T = TypeVar("T", ControlledDocument, Edition, EditionStep)
WORD = "体系文件入炉煤采样程序"
_STATES = {"draft": "in_review", "in_force": "in_force", "superseded": "superseded", "withdrawn": "withdrawn"}


@dataclass(frozen=True)
class Kept:
    """A document of a library: of the organisation of `author`, who wrote it; `control` is empty for what is kept and
    never revised."""

    name: str
    control: str
    level: Level = Level.INTERNAL


def keep(archive: Archive, author: Actor, kept: Kept, *, asked: Actor | None = None) -> str:
    """Files the document with the rows of its edition, `asked` to review it; returns its id."""
    # Drawing pages and reading them takes a process each: as often as it must be.
    pictured = kept.control in {"", "draft"}
    content = files.pdf([f"{WORD} {kept.name}"]) if pictured else files.plain_text(f"{WORD} {kept.name}")
    name, title = f"{kept.name}.{'pdf' if pictured else 'txt'}", f"{WORD}{kept.name}"
    entry = Entry(name=name, title=title, level=kept.level, control=kept.control and DRAFT)
    stored = store(archive, io.BytesIO(content), entry.name, lambda _size: None)
    organisation_id, person_id = author.organisation_id or "", author.person_id or ""
    with archive.transaction(author) as uow:
        library = library_of(uow, organisation_id)
        document_id = file_version(uow, library.id, None, stored, entry, of_the_archive=True).document_id or ""
        if not kept.control:
            return document_id
        controlled = _row(
            ControlledDocument(
                id=uow.new_id(),
                organisation_id=organisation_id,
                number=f"QP-{kept.name}",
                level=kept.level,
                state=kept.control if kept.control in {"draft", "withdrawn"} else "in_force",
                owner_id=person_id,
                created_at=uow.now,
            )
        )
        uow.session.add(controlled)
        uow.session.flush()
        edition = _row(
            Edition(
                id=uow.new_id(),
                controlled_document_id=controlled.id,
                ordinal=1,
                state=_STATES[kept.control],
                on_the_way=kept.control == DRAFT,
                document_id=document_id,
                author_id=person_id,
                begun_at=uow.now,
            )
        )
        uow.session.add(edition)
        uow.session.flush()
        uow.session.add(
            EditionFile(document_id=document_id, edition_id=edition.id, ordinal=1, added_by=person_id, added_at=uow.now)
        )
        if asked is not None:
            step = EditionStep(
                id=uow.new_id(),
                edition_id=edition.id,
                document_id=document_id,
                part="review",
                person_id=asked.person_id or "",
                state="waiting",
                asked_at=uow.now,
            )
            uow.session.add(_row(step))
        if kept.control != DRAFT:
            set_control(uow, document_id, kept.control)
    return document_id


def keep_all(
    archive: Archive, author: Actor, kept: Mapping[str, Kept], *, asked: Actor | None = None
) -> dict[str, str]:
    """Ids of the documents, by the same names."""
    return {name: keep(archive, author, one, asked=asked) for name, one in kept.items()}


def _row(row: T) -> T:
    """The same row with empty words where it says nothing."""
    for column in row.__table__.columns:
        if getattr(row, column.name, None) is None and not column.nullable and column.type.python_type is str:
            setattr(row, column.name, "")
    return row
