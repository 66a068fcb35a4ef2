"""The manifest 封存清单 of a seal: every item with its number, its bytes' digests and its facts, in one canonical form.

RFC 8785 makes the same file give the same bytes, so that what was checked, what is sealed and what is compared years
later are one digest. It is described in docs/formats.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import rfc8785
from sqlalchemy import select

from archive_app.casework.models import Record
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Client, Engagement
from archive_app.filing.models import CaseFile, CaseItem, LeftOut, Reopening, Seal, Submission
from archive_app.filing.reading import names_of
from archive_app.kernel.levels import Level
from archive_app.kernel.unit_of_work import UnitOfWork

FORMAT = "lantai-seal-manifest/1"
_AT_ONCE = 500


@dataclass(frozen=True)
class Contents:
    """What a seal holds: the case files with their items as plain values, how many items, and the highest level among
    their documents."""

    values: Mapping[str, Any]
    items: int
    level: Level

    def fingerprint(self) -> bytes:
        """The digest of exactly this."""
        return hashlib.sha256(rfc8785.dumps(dict(self.values))).digest()


@dataclass(frozen=True)
class SealFacts:
    """What a manifest says about its own seal."""

    id: str
    ordinal: int
    kind: str
    sealed_by: str
    sealed_at: datetime
    previous_sha256: str


def contents_of(uow: UnitOfWork, engagement: Engagement, *, added_only: bool = False) -> Contents:
    """The step that takes down what the case files of an engagement hold now; with `added_only`, of those items that no
    seal holds yet."""
    of_engagement = select(CaseFile).where(CaseFile.engagement_id == engagement.id).order_by(CaseFile.position)
    rows = uow.session.scalars(of_engagement).all()
    files = [row for row in rows if row.voided_at is None]
    items = _items(uow, engagement.id, added_only=added_only)
    documents = [document.id for found in items.values() for _, document, *_ in found]
    versions = _versions(uow, documents)
    values: dict[str, Any] = {
        "case_files": [
            {
                "archival_number": row.number,
                "category": row.category,
                "id": row.id,
                "items": [_item_values(*one, versions[one[1].id]) for one in items[row.id]],
                "remark": row.remark,
                "retention": row.retention,
                "title": row.title,
                "year": row.year,
            }
            for row in files
            if items[row.id] or not added_only
        ],
    }
    if not added_only:
        values["voided"] = [
            {"archival_number": row.number, "reason": row.voided_reason} for row in rows if row.voided_at is not None
        ]
        values["left_out"] = _left_out(uow, engagement.id)
    levels = [Level(document.level) for found in items.values() for _, document, *_ in found]
    return Contents(values, len(documents), max([*levels, Level.INTERNAL]))


def manifest_bytes(uow: UnitOfWork, engagement: Engagement, contents: Contents, seal: SealFacts) -> bytes:
    """The step that writes the manifest of a seal."""
    client = uow.session.get_one(Client, engagement.client_id)
    submission = uow.session.scalar(
        select(Submission).where(Submission.engagement_id == engagement.id).order_by(Submission.round.desc()).limit(1)
    )
    reopenings = uow.session.scalars(
        select(Reopening).where(Reopening.engagement_id == engagement.id).order_by(Reopening.id)
    ).all()
    people = [
        seal.sealed_by,
        *(row.reopened_by for row in reopenings),
        *([submission.submitted_by] if submission else []),
    ]
    names = names_of(uow.session, people)

    def person(who: str) -> dict[str, str]:
        return {"id": who, "name": names[who]}

    return rfc8785.dumps(
        {
            **contents.values,
            "archive": uow.archive.archive_id,
            "engagement": {
                "client": client.name,
                "id": engagement.id,
                "number": engagement.number,
                "scheme": f"{engagement.scheme} {engagement.scheme_version}",
                "title": engagement.title,
                "year": engagement.year,
            },
            "format": FORMAT,
            "reopenings": [
                {"at": _moment(row.reopened_at), "by": person(row.reopened_by), "reason": row.reason}
                for row in reopenings
            ],
            "seal": {
                "at": _moment(seal.sealed_at),
                "by": person(seal.sealed_by),
                "id": seal.id,
                "items": contents.items,
                "kind": seal.kind,
                "ordinal": seal.ordinal,
                "previous_sha256": seal.previous_sha256 or None,
            },
            "submission": {
                "at": _moment(submission.submitted_at),
                "by": person(submission.submitted_by),
                "round": submission.round,
            }
            if submission
            else None,
        }
    )


_Found = tuple[CaseItem, Document, Record | None, int | None]


def _items(uow: UnitOfWork, engagement_id: str, *, added_only: bool) -> dict[str, list[_Found]]:
    statement = (
        select(CaseItem, Document, Record, Seal.ordinal)
        .join(CaseFile, CaseFile.id == CaseItem.case_file_id)
        .join(Document, Document.id == CaseItem.document_id)
        .outerjoin(Record, Record.document_id == Document.id)
        .outerjoin(Seal, Seal.id == CaseItem.seal_id)
        .where(CaseFile.engagement_id == engagement_id, CaseFile.voided_at.is_(None))
        .order_by(CaseItem.position)
    )
    if added_only:
        statement = statement.where(CaseItem.seal_id.is_(None))
    found: dict[str, list[_Found]] = defaultdict(list)
    for item, document, record, ordinal in uow.session.execute(statement.execution_options(populate_existing=True)):
        found[item.case_file_id].append((item, document, record, ordinal))
    return found


def _versions(uow: UnitOfWork, document_ids: Sequence[str]) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = defaultdict(list)
    for start in range(0, len(document_ids), _AT_ONCE):
        of_some = select(Version).where(Version.document_id.in_(document_ids[start : start + _AT_ONCE]))
        for version in uow.session.scalars(of_some.order_by(Version.number)):
            found[version.document_id].append(version)
    return found


def _item_values(
    item: CaseItem, document: Document, record: Record | None, seal: int | None, versions: Sequence[Version]
) -> dict[str, Any]:
    return {
        "archival_number": item.number,
        "dated_on": _day(document.dated_on),
        "document": document.id,
        "document_number": document.number,
        "first_page": item.first_page,
        "late_reason": item.late_reason or None,
        "pages": item.pages,
        "position": item.position,
        "record": _record_values(record) if record else None,
        "seal": seal,
        "title": document.title,
        "versions": [_version_values(version) for version in versions],
        "withdrawn": document.withdrawn_at is not None,
    }


def _record_values(record: Record) -> dict[str, Any]:
    words: tuple[str, ...] = (
        "type",
        "state",
        "shows",
        "methods",
        "facet",
        "originator",
        "source",
        "unit",
        "monitoring_frequency",
    )
    words += ("department", "cross_check", "authenticity", "authenticity_reason", "paper_place", "rendition")
    return {
        **{name: getattr(record, name) or None for name in words},
        "evidence_on": _day(record.evidence_on),
        "period_from": _day(record.period_from),
        "period_to": _day(record.period_to),
        "rendition_of": record.rendition_of,
    }


def _version_values(version: Version) -> dict[str, Any]:
    return {
        "filed_at": _moment(version.filed_at),
        "filed_by": version.filed_by,
        "id": version.id,
        "kind": version.kind,
        "media_type": version.media_type,
        "name": version.name,
        "number": version.number,
        "originator": version.originator or None,
        "sha256": version.sha256.hex(),
        "size_bytes": version.size_bytes,
        "sm3": version.sm3.hex() if version.sm3 else None,
    }


def _left_out(uow: UnitOfWork, engagement_id: str) -> list[dict[str, Any]]:
    rows = uow.session.execute(
        select(Document.id, Document.title, LeftOut.reason)
        .join(LeftOut, LeftOut.document_id == Document.id)
        .where(LeftOut.engagement_id == engagement_id, Document.withdrawn_at.is_(None))
        .order_by(Document.id)
    )
    return [{"document": row[0], "reason": row[2], "title": row[1]} for row in rows]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
