"""What a case file 案卷 is, for whoever shows it or makes something of it: covers, catalogues, labels, packages.

Items that the reader may not see stand in their place without anything about them: a catalogue has no holes in its
numbers, and tells nothing that the documents themselves would not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from archive_app.casework.models import Record
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Client, Engagement
from archive_app.filing.models import CaseFile, CaseItem, NumberRule, Reopening, Seal, Submission
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.unit_of_work import UnitOfWork

_AT_ONCE = 500
_Row = tuple[CaseItem, Document, Version, Record | None, int | None]


@dataclass(frozen=True)
class ItemView:
    """An item 件 of a case file. A hidden one has its place, number and pages and nothing else.

    `type` is its record type's code (empty where it is no record), `dated_on` the day of the evidence or of the
    document, `first_page` the page of the case file that it begins on. `version` numbers its current version, which
    `version_id`, `name`, `kind`, `size_bytes`, `sha256` and `sm3` (hexadecimal) are of. `seal` is the ordinal of the
    seal that it came under, 0 before; `late_reason` why it was added after the first.
    """

    id: str
    position: int
    number: str
    pages: int | None
    first_page: int | None
    hidden: bool = False
    document_id: str = ""
    title: str = ""
    type: str = ""
    originator: str = ""
    document_number: str = ""
    dated_on: date | None = None
    remark: str = ""
    version_id: str = ""
    version: int = 0
    name: str = ""
    kind: str = ""
    media_type: str = ""
    size_bytes: int = 0
    sha256: str = ""
    sm3: str = ""
    paper_place: str = ""
    level: int = 0
    withdrawn: bool = False
    seal: int = 0
    late_reason: str = ""
    added_at: datetime | None = None


@dataclass(frozen=True)
class SealView:
    """A seal: its kind (first, supplement, again), its manifest, who sealed and when."""

    ordinal: int
    kind: str
    document_id: str
    manifest_sha256: str
    items: int
    sealed_by: str
    sealed_at: datetime


@dataclass(frozen=True)
class ReopeningView:
    """A reopening: why, by whom and when; `resealed` is the ordinal of the seal that ended it, 0 while it is open."""

    reason: str
    reopened_by: str
    reopened_at: datetime
    resealed: int


@dataclass(frozen=True)
class CaseFileView:
    """A case file with its items in order. `count` case files come from the engagement, not counting voided ones.

    `number` is empty before the first submission. `fonds` is the organisation's 全宗号. `pages` are of all items whose
    pages are known; `from_date` and `to_date` span the days of the items that show. `submitted_by` and `accepted_by`
    are names of the last submission.
    """

    id: str
    engagement_id: str
    organisation_id: str
    organisation_name: str
    client_name: str
    engagement_number: str
    engagement_title: str
    engagement_year: int
    position: int
    count: int
    title: str
    number: str
    fonds: str
    category: str
    year: int
    retention: str
    remark: str
    created_at: datetime
    voided_at: datetime | None
    voided_reason: str
    pages: int
    from_date: date | None
    to_date: date | None
    submitted_by: str
    submitted_at: datetime | None
    accepted_by: str
    accepted_at: datetime | None
    sealed_at: datetime | None
    items: tuple[ItemView, ...]
    seals: tuple[SealView, ...]
    reopenings: tuple[ReopeningView, ...]


def case_file_of(uow: UnitOfWork, case_file_id: str) -> CaseFileView:
    """The step that reads a case file as the actor may see it. Raises: NotFoundError."""
    uow.require("case_file", case_file_id)
    row = uow.session.get_one(CaseFile, case_file_id)
    engagement = uow.session.get_one(Engagement, row.engagement_id)
    client = uow.session.get_one(Client, engagement.client_id)
    organisation = uow.session.get_one(Organisation, row.organisation_id)
    rule = uow.session.get(NumberRule, row.organisation_id)
    items = items_of(uow, case_file_id)
    days = [item.dated_on for item in items if item.dated_on is not None]
    living = select(CaseFile.id).where(CaseFile.engagement_id == engagement.id, CaseFile.voided_at.is_(None))
    last = uow.session.scalar(
        select(Submission).where(Submission.engagement_id == engagement.id).order_by(Submission.round.desc()).limit(1)
    )
    accepted = last is not None and last.state == "accepted"
    names = names_of(uow.session, [last.submitted_by, last.decided_by or ""] if last else [])
    return CaseFileView(
        id=row.id,
        engagement_id=engagement.id,
        organisation_id=row.organisation_id,
        organisation_name=organisation.name,
        client_name=client.name,
        engagement_number=engagement.number,
        engagement_title=engagement.title,
        engagement_year=engagement.year,
        position=row.position,
        count=len(uow.session.scalars(living).all()),
        title=row.title,
        number=row.number or "",
        fonds=(row.number or "").partition("-")[0] or (rule.fonds if rule else ""),
        category=row.category,
        year=row.year,
        retention=row.retention,
        remark=row.remark,
        created_at=row.created_at,
        voided_at=row.voided_at,
        voided_reason=row.voided_reason,
        pages=sum(item.pages or 0 for item in items),
        from_date=min(days, default=None),
        to_date=max(days, default=None),
        submitted_by=names[last.submitted_by] if last else "",
        submitted_at=last.submitted_at if last else None,
        accepted_by=names[last.decided_by or ""] if last and accepted else "",
        accepted_at=last.decided_at if last and accepted else None,
        sealed_at=engagement.sealed_at,
        items=items,
        seals=seals_of(uow, engagement.id),
        reopenings=reopenings_of(uow, engagement.id),
    )


def items_of(uow: UnitOfWork, case_file_id: str) -> tuple[ItemView, ...]:
    """The items of a case file in their order, as the actor may see them."""
    found = uow.session.execute(_items(case_file_id).order_by(CaseItem.position))
    return _as_seen(uow, ((row[0], row[1], row[2], row[3], row[4]) for row in found))


def items_page(
    uow: UnitOfWork,
    case_file_id: str,
    *,
    after: str | None = None,
    only: Sequence[str] | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ItemView]:
    """A page of the items of a case file in their order, or of those among `only`."""
    statement = _items(case_file_id)
    if only is not None:
        statement = statement.where(CaseItem.id.in_(only))
    page = fetch_page(uow.session, statement, [CaseItem.position], after=after, limit=limit)
    return Page(_as_seen(uow, ((row[0], row[1], row[2], row[3], row[4]) for row in page.items)), page.next_key)


def _items(case_file_id: str) -> Select[CaseItem, Document, Version, Record | None, int | None]:
    return (
        select(CaseItem, Document, Version, Record, Seal.ordinal)
        .join(Document, Document.id == CaseItem.document_id)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .outerjoin(Record, Record.document_id == Document.id)
        .outerjoin(Seal, Seal.id == CaseItem.seal_id)
        .where(CaseItem.case_file_id == case_file_id)
    )


def _as_seen(uow: UnitOfWork, rows: Iterable[_Row]) -> tuple[ItemView, ...]:
    listed = list(rows)
    seen = visible_documents(uow, [row[1].id for row in listed])
    return tuple(_item(*row) if row[1].id in seen else _hidden(row[0]) for row in listed)


def _hidden(item: CaseItem) -> ItemView:
    return ItemView(item.id, item.position, item.number or "", item.pages, item.first_page, hidden=True)


def visible_documents(uow: UnitOfWork, document_ids: Sequence[str]) -> set[str]:
    """Those of the documents that the actor may see; of a thousand and more in several statements."""
    policy, seen = uow.archive.policy, set[str]()
    for start in range(0, len(document_ids), _AT_ONCE):
        seen |= policy.among(uow.session, uow.actor, "document", document_ids[start : start + _AT_ONCE])
    return seen


def seals_of(uow: UnitOfWork, engagement_id: str) -> tuple[SealView, ...]:
    """The seals of an engagement's file, first to last."""
    rows = uow.session.scalars(select(Seal).where(Seal.engagement_id == engagement_id).order_by(Seal.ordinal)).all()
    names = names_of(uow.session, [row.sealed_by for row in rows])
    return tuple(
        SealView(
            row.ordinal,
            row.kind,
            row.document_id,
            row.manifest_sha256.hex(),
            row.items,
            names[row.sealed_by],
            row.sealed_at,
        )
        for row in rows
    )


def reopenings_of(uow: UnitOfWork, engagement_id: str) -> tuple[ReopeningView, ...]:
    """How often and why an engagement's file was opened again."""
    rows = uow.session.execute(
        select(Reopening, Seal.ordinal)
        .outerjoin(Seal, Seal.id == Reopening.resealed_by_seal)
        .where(Reopening.engagement_id == engagement_id)
        .order_by(Reopening.id)
    ).all()
    names = names_of(uow.session, [row.reopened_by for row, _ in rows])
    return tuple(
        ReopeningView(row.reason, names[row.reopened_by], row.reopened_at, ordinal or 0) for row, ordinal in rows
    )


def names_of(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """The display names of people by the id they act under; whoever is no person keeps the name they acted by."""
    wanted = set(actors)
    rows = session.execute(select(Person.id, Person.display_name).where(Person.id.in_(wanted)))
    return {name: name for name in wanted} | {row[0]: row[1] for row in rows}


def _item(item: CaseItem, document: Document, version: Version, record: Record | None, seal: int | None) -> ItemView:
    return ItemView(
        id=item.id,
        position=item.position,
        number=item.number or "",
        # What was added late is paged when its text has been read.
        pages=version.page_count if item.pages is None else item.pages,
        first_page=item.first_page,
        document_id=document.id,
        title=document.title,
        type=record.type if record else "",
        originator=(record.originator if record else "") or version.originator,
        document_number=document.number or "",
        dated_on=(record.evidence_on if record else None) or document.dated_on,
        remark=document.remark or "",
        version_id=version.id,
        version=version.number,
        name=version.name,
        kind=version.kind,
        media_type=version.media_type,
        size_bytes=version.size_bytes,
        sha256=version.sha256.hex(),
        sm3=version.sm3.hex() if version.sm3 else "",
        paper_place=record.paper_place if record else "",
        level=document.level,
        withdrawn=document.withdrawn_at is not None,
        seal=seal or 0,
        late_reason=item.late_reason,
        added_at=item.added_at,
    )
