"""Records that the archive writes itself: plain text in UTF-8, filed like any document of the engagement."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archive_app.casework.recording import record_as
from archive_app.documents.ingest import Entry, Stored, file_version, store
from archive_app.engagements.models import Engagement
from archive_app.kernel.archive import Archive
from archive_app.kernel.language import N_, translate
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class TextRecord:
    """A record to file: `type` is its type of record, `level` that of what it tells of."""

    type: str
    title: str
    text: str
    level: Level
    activity: str


def facts(language: str, told: Mapping[str, str]) -> Iterable[str]:
    """Lines of labels (catalogue keys) and values, without those that say nothing."""
    for label, value in told.items():
        if value:
            yield translate(language, N_("%(label)s: %(value)s"), label=translate(language, label), value=value)


def keep_text(archive: Archive, record: TextRecord) -> Stored:
    """Takes the text into the vault; it becomes a document by `file_text`, or stays behind as an orphan."""
    return store(archive, io.BytesIO(record.text.encode()), _file_name(record))


def file_text(uow: UnitOfWork, engagement: Engagement, stored: Stored, record: TextRecord) -> str:
    """The step that files the text as an accepted record; returns the document's id. Raises: LevelAboveOwnError."""
    originator = uow.actor.display_name
    entry = Entry(
        name=_file_name(record),
        title=record.title[:300],
        originator=originator,
        activity=record.activity,
        level=record.level,
    )
    filed = file_version(uow, engagement.id, None, stored, entry)
    document_id = filed.document_id or ""
    record_as(
        uow,
        document_id,
        type=record.type,
        state="accepted",
        originator=originator,
        evidence_on=uow.archive.today(),
        shows=record.title,
    )
    return document_id


def _file_name(record: TextRecord) -> str:
    # A slash in a name would be read as a folder.
    return record.title.replace("/", "_").replace("\\", "_")[:60] + ".txt"
