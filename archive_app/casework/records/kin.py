"""What is proposed about documents to somebody: what their own names and texts say, and what their kin are.

Kin are the files beside it and last year's files of the same client. They are looked for when a proposal is shown,
among what that person may see, and never stored: nobody learns from a proposal what they would not be shown.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from sqlalchemy import or_, select

from archive_app.casework.models import Record
from archive_app.casework.records.proposals import Proposal, Reason, pattern_of, read_reasons
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.record_types import OTHER
from archive_app.kernel.unit_of_work import UnitOfWork

_MOST_KIN = 2000
_LEAST_IN_FOLDER = 2
_SHORTEST_PATTERN = 2
_OWN_WORDS = frozenset({"name", "path"})
"""Where a type is proposed from that kin do not gainsay."""


def proposals_of(uow: UnitOfWork, document_ids: Sequence[str]) -> Mapping[str, Proposal]:
    """A step: what is proposed about each of the documents, all of which the actor may see."""
    rows = uow.session.execute(
        select(Document.id, Document.engagement_id, Version.name, Version.source_path, Record)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .outerjoin(Record, (Record.document_id == Document.id) & (Record.state == "proposed"))
        .where(Document.id.in_(document_ids))
    ).all()
    found = {row[0]: stored_proposal(row[4]) for row in rows}
    by_engagement = defaultdict(list)
    for row in rows:
        if found[row[0]].source_of("type") not in _OWN_WORDS:
            by_engagement[row[1]].append(row)
    for engagement_id, lacking in by_engagement.items():
        folders = _types_by_folder(uow, engagement_id, {_folder(row[3]) for row in lacking})
        earlier = _last_year(uow, engagement_id)
        for row in lacking:
            found[row[0]] = _with_kin(found[row[0]], folders.get(_folder(row[3])), earlier.get(pattern_of(row[2])))
    return found


def stored_proposal(record: Record | None) -> Proposal:
    """What the archive proposed when it had read the document; nothing where it proposed nothing."""
    if record is None:
        return Proposal()
    reasons = read_reasons(record.reason)
    proposal = Proposal(
        type=record.type,
        evidence_on=record.evidence_on,
        period_from=record.period_from,
        period_to=record.period_to,
        originator=record.originator,
        reasons=reasons,
    )
    return proposal if proposal.source_of("type") else replace(proposal, type="")


def _with_kin(proposal: Proposal, beside: Counter[str] | None, earlier: tuple[str, str, str] | None) -> Proposal:
    if earlier is not None:
        kind, originator, name = earlier
        proposal = proposal.with_(Reason("type", "last_year", name), type=kind)
        if originator and not proposal.originator:
            proposal = proposal.with_(Reason("originator", "last_year", name), originator=originator)
        return proposal
    if beside and len(beside) == 1 and beside.total() >= _LEAST_IN_FOLDER:
        return proposal.with_(Reason("type", "folder", str(beside.total())), type=next(iter(beside)))
    return proposal


def _types_by_folder(uow: UnitOfWork, engagement_id: str, folders: set[str]) -> Mapping[str, Counter[str]]:
    folders = folders - {""}
    if not folders:
        return {}
    within = or_(*(Version.source_path.startswith(f"{folder}/", autoescape=True) for folder in sorted(folders)))
    rows = uow.session.execute(
        select(Version.source_path, Record.type)
        .join(Document, Document.id == Version.document_id)
        .join(Record, Record.document_id == Document.id)
        .where(Record.engagement_id == engagement_id, Record.state == "accepted", Record.type != OTHER)
        .where(Version.current, within, uow.visible("document"))
        .order_by(Document.id)
        .limit(_MOST_KIN)
    )
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for path, kind in rows:
        counted[_folder(path)][kind] += 1
    return counted


def _last_year(uow: UnitOfWork, engagement_id: str) -> Mapping[str, tuple[str, str, str]]:
    """Type, originator and name of last year's accepted records of the same client, by what their names have in
    common; without names that were of two types."""
    now = uow.session.get_one(Engagement, engagement_id)
    rows = uow.session.execute(
        select(Version.name, Record.type, Record.originator)
        .join(Document, Document.id == Version.document_id)
        .join(Record, Record.document_id == Document.id)
        .join(Engagement, Engagement.id == Document.engagement_id)
        .where(Engagement.client_id == now.client_id, Engagement.year == now.year - 1)
        .where(Record.state == "accepted", Record.type != OTHER, Version.current, uow.visible("document"))
        .order_by(Document.id.desc())
        .limit(_MOST_KIN)
    )
    found: dict[str, tuple[str, str, str]] = {}
    torn = set()
    for name, kind, originator in rows:
        pattern = pattern_of(name)
        if found.setdefault(pattern, (kind, originator, name))[0] != kind or len(pattern) < _SHORTEST_PATTERN:
            torn.add(pattern)
    return {pattern: told for pattern, told in found.items() if pattern not in torn}


def _folder(path: str) -> str:
    folder = str(PurePosixPath(path.replace("\\", "/")).parent)
    return "" if folder == "." else folder
