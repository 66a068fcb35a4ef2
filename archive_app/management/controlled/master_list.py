"""The master list of controlled documents 受控文件清单: what there is, which edition is in force, who owns it, and
when it is looked at next; as pages and as a table for spreadsheet programs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.sheets import Cell, xlsx_blocks
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case
from archive_app.management.controlled.issuing import stands
from archive_app.management.controlled.kinds import (
    APPROVED,
    DOCUMENT_STATES,
    IN_REVIEW,
    KINDS,
    STATES,
    WAITING,
)
from archive_app.management.controlled.models import Acknowledgement, ControlledDocument, Edition, EditionStep

LIST_EXPORTED = event_type("controlled.list_exported", N_("Master list taken as a table"))
OVERDUE, SOON = "overdue", "soon"
REVIEWS: Mapping[str, str] = {OVERDUE: N_("Review overdue"), SOON: N_("Review within 30 days")}
"""Which documents are to be looked at again."""
_SOON = timedelta(days=30)
_BATCH = 500
_MOST_OTHERS = 500
_COLUMNS = (
    (N_("Number"), 18),
    (N_("Title"), 40),
    (N_("Kind"), 14),
    (N_("Edition"), 9),
    (N_("In force since"), 14),
    (N_("Department"), 18),
    (N_("Owner"), 14),
    (N_("Next review"), 12),
    (N_("State"), 14),
    (N_("Edition on its way"), 18),
    (N_("Clauses"), 24),
    (N_("Issuer"), 24),
    (N_("Issuer's number"), 18),
)


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty fields narrow nothing. `text` is looked for in numbers and titles, `owner` in
    names and logins; `review` is one of `REVIEWS`; `mine` keeps what waits for whoever asks. `organisation` is another
    one whose documents they see; without it, it is their own."""

    text: str = ""
    kind: str = ""
    state: str = ""
    department: str = ""
    owner: str = ""
    review: str = ""
    mine: bool = False
    organisation: str = ""


@dataclass(frozen=True)
class Line:
    """A controlled document on the list: the edition in force at this moment, and the one on its way as far as whoever
    asks knows of it."""

    controlled: ControlledDocument
    owner_name: str
    in_force: Edition | None
    on_the_way: Edition | None
    review_overdue: bool

    @property
    def state(self) -> str:
        """Where the document stands by the days, whatever was written down yet."""
        return "in_force" if self.in_force else self.controlled.state


@query(Permission.CONTROLLED_READ)
def list_controlled(
    actor: Actor, uow: UnitOfWork, *, filters: Filters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[Line]:
    """The controlled documents of an organisation that the actor sees, by number. Raises: InvalidInputError."""
    return _page(uow, filters, after, limit)


@query(Permission.CONTROLLED_READ)
def other_organisations(actor: Actor, uow: UnitOfWork) -> Sequence[tuple[str, str]]:
    """The organisations, besides their own, of whose controlled documents the actor sees any: identifiers and names."""
    seen = select(ControlledDocument.id).where(
        ControlledDocument.organisation_id == Organisation.id, uow.visible("controlled_document")
    )
    others = select(Organisation.id, Organisation.name).where(
        Organisation.id != (actor.organisation_id or ""), seen.correlate(Organisation).exists()
    )
    return [(row[0], row[1]) for row in uow.session.execute(others.order_by(Organisation.name).limit(_MOST_OTHERS))]


@staged_use_case(Permission.CONTROLLED_READ, confirmed=True)
def export_list(actor: Actor, archive: Archive, *, filters: Filters, language: str) -> Iterator[bytes]:
    """The whole of the list that the filters leave, as a workbook; recorded before its first row.

    Raises: ConfirmationRequiredError, InvalidInputError.
    """
    with archive.transaction(actor) as uow:
        _clauses(uow, filters)
        uow.record(LIST_EXPORTED, {"organisation": actor.organisation_id or ""})
    widths = [width for _heading, width in _COLUMNS]
    return xlsx_blocks(_table(actor, archive, filters, language), widths, archive.rules.zone)


def _table(actor: Actor, archive: Archive, filters: Filters, language: str) -> Iterator[Sequence[Cell]]:
    yield [translate(language, heading) for heading, _width in _COLUMNS]
    after: str | None = None
    while True:
        with archive.reading(actor) as uow:
            page = _page(uow, filters, after, _BATCH)
        for line in page.items:
            yield _cells(line, language)
        if (after := page.next_key) is None:
            return


def _cells(line: Line, language: str) -> Sequence[Cell]:
    row, edition, coming = line.controlled, line.in_force, line.on_the_way
    return (
        row.number,
        row.title,
        translate(language, KINDS[row.kind]),
        edition.label if edition else "",
        edition.effective_on if edition else None,
        row.department,
        line.owner_name,
        row.review_on,
        translate(language, DOCUMENT_STATES[line.state]),
        f"{coming.label} {translate(language, STATES[coming.state])}" if coming else "",
        row.clauses,
        row.issuer,
        row.issuer_number,
    )


def _page(uow: UnitOfWork, filters: Filters, after: str | None, limit: int) -> Page[Line]:
    listed = (
        select(ControlledDocument, Person.display_name)
        .join(Person, Person.id == ControlledDocument.owner_id)
        .where(*_clauses(uow, filters))
    )
    page = fetch_page(uow.session, listed, (ControlledDocument.number, ControlledDocument.id), after=after, limit=limit)
    rows = [(row[0], row[1]) for row in page.items]
    in_force, coming = _editions(uow, [row.id for row, _name in rows])
    today = uow.archive.today()
    lines = [Line(row, name, in_force.get(row.id), coming.get(row.id), _overdue(row, today)) for row, name in rows]
    return Page(lines, page.next_key)


def _overdue(row: ControlledDocument, today: date) -> bool:
    return row.state == "in_force" and row.review_on is not None and row.review_on < today


def _editions(uow: UnitOfWork, controlled_ids: Sequence[str]) -> tuple[dict[str, Edition], dict[str, Edition]]:
    """Of each document the edition in force, and the visible one on its way."""
    today = uow.archive.today()
    of_documents = Edition.controlled_document_id.in_(controlled_ids)
    # Issued and not ended; which of them stand is asked of the few rows, or the states of all editions would be read.
    standing = select(Edition).where(of_documents, Edition.issued_at.is_not(None), Edition.ended_at.is_(None))
    # The later one is the one in force, where the worker has not put the former out of force yet.
    withdrawn = select(ControlledDocument.id).where(
        ControlledDocument.id.in_(controlled_ids), ControlledDocument.withdrawn_at.is_not(None)
    )
    gone = set(uow.session.scalars(withdrawn))
    in_force = {
        row.controlled_document_id: row
        for row in uow.session.scalars(standing.order_by(Edition.ordinal))
        if row.controlled_document_id not in gone and stands(row, today)
    }
    way = select(Edition).where(of_documents, Edition.on_the_way, uow.visible("edition"))
    coming = {row.controlled_document_id: row for row in uow.session.scalars(way)}
    return in_force, {key: row for key, row in coming.items() if row is not in_force.get(key)}


def _clauses(uow: UnitOfWork, filters: Filters) -> list[ColumnElement[bool]]:
    # The organisation is in the policy too; said here, the list is read in the order of an index.
    clauses = [
        uow.visible("controlled_document"),
        ControlledDocument.organisation_id == (filters.organisation or uow.actor.organisation_id or ""),
    ]
    if text := filters.text.strip():
        clauses.append(_contains(text, ControlledDocument.number, ControlledDocument.title))
    if filters.kind:
        clauses.append(ControlledDocument.kind == filters.kind)
    if filters.state:
        clauses.append(ControlledDocument.state == filters.state)
    if department := filters.department.strip():
        clauses.append(_contains(department, ControlledDocument.department))
    if owner := filters.owner.strip():
        owners = select(Person.id).where(
            Person.id == ControlledDocument.owner_id, _contains(owner, Person.display_name, Person.login)
        )
        clauses.append(owners.correlate(ControlledDocument).exists())
    if filters.review:
        clauses.append(_review(filters.review, uow.archive.today()))
    if filters.mine:
        clauses.append(waits_for_actor(uow))
    return clauses


def _contains(text: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _review(which: str, today: date) -> ColumnElement[bool]:
    if which not in REVIEWS:
        raise InvalidInputError(field=N_("Next review"), reason=N_("Choose one from the list."))
    day = today - timedelta(days=1) if which == OVERDUE else today + _SOON
    return and_(ControlledDocument.state == "in_force", ControlledDocument.review_on <= day)


def waits_for_actor(uow: UnitOfWork) -> ColumnElement[bool]:
    """The clause for documents of which something waits for the actor: to be written, decided, issued or read."""
    me = uow.actor.person_id or ""
    waiting = _steps(EditionStep.state == WAITING)
    of_mine = and_(
        Edition.author_id == me,
        or_(Edition.state == "draft", and_(Edition.state == IN_REVIEW, ~waiting.exists())),
    )
    to_do = [_steps(EditionStep.state == WAITING, EditionStep.person_id == me).exists(), of_mine]
    if uow.actor.may(Permission.CONTROLLED_MANAGE):
        to_do.append(and_(Edition.state == APPROVED, Edition.issued_at.is_(None)))
    of_document = Edition.controlled_document_id == ControlledDocument.id
    on_the_way = select(Edition.id).where(of_document, Edition.on_the_way, or_(*to_do))
    unread = (
        select(Edition.id)
        .join(Acknowledgement, Acknowledgement.edition_id == Edition.id)
        .where(of_document, Acknowledgement.person_id == me, Acknowledgement.state == WAITING)
    )
    return or_(on_the_way.correlate(ControlledDocument).exists(), unread.correlate(ControlledDocument).exists())


def _steps(*clauses: ColumnElement[bool]) -> Select[str]:
    return select(EditionStep.id).where(EditionStep.edition_id == Edition.id, *clauses).correlate(Edition)
