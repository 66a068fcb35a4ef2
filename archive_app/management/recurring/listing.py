"""Times of duties as a list by day, on the page and as XLSX."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from archive_app.engagements.data_files import Words
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.sheets import Cell, Sheet, workbook
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.management.recurring.models import Occurrence, OccurrenceRecord, OwnDuty, Site
from archive_app.management.recurring.planning import MARKS, checked_year, mark_of, title_of
from archive_app.management.recurring.rules import FINISHED, OPEN

PLAN_EXPORTED = event_type("duty.plan_exported", N_("Year plan exported"))
MOST_ROWS = 20_000
_SHOWN = (*MARKS, "")
_COLUMNS = (
    (N_("Organisation"), 28),
    (N_("Site"), 16),
    (N_("Duty"), 36),
    (N_("Source"), 20),
    (N_("Due"), 12),
    (N_("State"), 12),
    (N_("Responsible"), 16),
    (N_("Settled"), 18),
    (N_("Records"), 8),
    (N_("Remark"), 50),
)
_Row = tuple[Occurrence, OwnDuty, Organisation, str, str | None]


@dataclass(frozen=True)
class TimeFilters:
    """What a list of times is narrowed to; `mark` is one of `planning.MARKS`, where `done` includes what was late."""

    year: int | None = None
    mark: str = ""
    organisation_id: str = ""
    duty_id: str = ""
    mine: bool = False


@dataclass(frozen=True)
class TimeLine:
    """A time of a duty as lists show it."""

    occurrence: Occurrence
    duty: OwnDuty
    title: Words
    mark: str
    organisation: Organisation
    owner: str
    site: str


@dataclass(frozen=True)
class DutyLine:
    """A duty as lists show it."""

    duty: OwnDuty
    title: Words


@query(Permission.DUTIES_READ)
def list_duties(
    actor: Actor,
    uow: UnitOfWork,
    *,
    organisation_id: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[DutyLine]:
    """Duties that the actor sees, in the order in which they were taken on. Raises: InvalidInputError."""
    duties = select(OwnDuty, Organisation.kind).join(Organisation, Organisation.id == OwnDuty.organisation_id)
    duties = duties.where(uow.visible("own_duty"))
    if organisation_id:
        duties = duties.where(OwnDuty.organisation_id == organisation_id)
    page = fetch_page(uow.session, duties, [OwnDuty.id], after=after, limit=limit)
    return Page([DutyLine(row[0], title_of(row[1], row[0])) for row in page.items], page.next_key)


@query(Permission.DUTIES_READ)
def list_times(
    actor: Actor,
    uow: UnitOfWork,
    *,
    filters: TimeFilters = TimeFilters(),
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TimeLine]:
    """Times of duties that the actor sees, by day. Raises: InvalidInputError."""
    page = fetch_page(uow.session, _times(uow, filters), [Occurrence.due_on, Occurrence.id], after=after, limit=limit)
    return Page([_line(uow, (row[0], row[1], row[2], row[3], row[4])) for row in page.items], page.next_key)


@use_case(Permission.DUTIES_READ, confirmed=True)
def export_times(actor: Actor, uow: UnitOfWork, *, filters: TimeFilters, language: str) -> bytes:
    """The same as XLSX, at most MOST_ROWS; recorded. Raises: InvalidInputError, ConfirmationRequiredError."""
    times = _times(uow, filters).order_by(Occurrence.due_on, Occurrence.id).limit(MOST_ROWS)
    lines = [_line(uow, (row[0], row[1], row[2], row[3], row[4])) for row in uow.session.execute(times)]
    ids = {line.occurrence.id for line in lines}
    counted = select(OccurrenceRecord.occurrence_id, func.count()).group_by(OccurrenceRecord.occurrence_id)
    records = {row[0]: row[1] for row in uow.session.execute(counted) if row[0] in ids}
    rows = _table(lines, records, language)
    table = workbook([Sheet(rows, [width for _, width in _COLUMNS])], uow.archive.rules.zone)
    uow.record(PLAN_EXPORTED, {"organisation": actor.organisation_id or ""}, count=len(lines), year=filters.year)
    return table


def _times(uow: UnitOfWork, filters: TimeFilters) -> Select[*_Row]:
    times = (
        select(Occurrence, OwnDuty, Organisation, Person.display_name, Site.name)
        .join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        .join(Organisation, Organisation.id == Occurrence.organisation_id)
        .join(Person, Person.id == Occurrence.owner_id)
        .outerjoin(Site, Site.id == OwnDuty.site_id)
        .where(uow.visible("occurrence"))
    )
    if filters.year is not None:
        times = times.where(Occurrence.year == checked_year(filters.year))
    if filters.organisation_id:
        times = times.where(Occurrence.organisation_id == filters.organisation_id)
    if filters.duty_id:
        times = times.where(Occurrence.own_duty_id == filters.duty_id)
    if filters.mine:
        times = times.where(Occurrence.owner_id == uow.actor.person_id)
    return _standing(uow, times, filters.mark)


def _standing(uow: UnitOfWork, times: Select[*_Row], mark: str) -> Select[*_Row]:
    today = uow.archive.today()
    if mark not in _SHOWN or mark == "late":
        raise InvalidInputError(field=N_("State"), reason=N_("Choose one from the list."))
    if mark == "overdue":
        return times.where(Occurrence.state == OPEN, Occurrence.due_on < today)
    if mark == "open":
        return times.where(Occurrence.state == OPEN, Occurrence.due_on >= today)
    return times.where(Occurrence.state == (FINISHED if mark == "done" else mark)) if mark else times


def _line(uow: UnitOfWork, row: _Row) -> TimeLine:
    found, duty, organisation, owner, site = row
    mark = mark_of(found, uow.archive.today(), uow.archive.rules.zone)
    return TimeLine(found, duty, title_of(organisation.kind, duty), mark, organisation, owner, site or "")


def _table(lines: Sequence[TimeLine], records: dict[str, int], language: str) -> Iterator[Sequence[Cell]]:
    yield [translate(language, heading) for heading, _ in _COLUMNS]
    for line in lines:
        yield [
            line.organisation.name,
            line.site,
            line.title.text(language),
            line.duty.source,
            line.occurrence.due_on,
            translate(language, MARKS[line.mark]),
            line.owner,
            line.occurrence.settled_at,
            records.get(line.occurrence.id, 0),
            line.occurrence.remark,
        ]
