"""The year plan: the duties of an organisation by month, and of several organisations in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Select, case, cast, extract, func, select

from archive_app.engagements.data_files import Words
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.recurring.catalogue import known_duty
from archive_app.management.recurring.falling_due import planned_until
from archive_app.management.recurring.models import Occurrence, OwnDuty, Site
from archive_app.management.recurring.rules import FINISHED, OPEN

MONTHS = range(1, 13)
DUTIES_SHOWN, ORGANISATIONS_SHOWN = 60, 200
FIRST_YEAR, LAST_YEAR = 1990, 2200
MARKS: Mapping[str, str] = {
    "done": N_("Done"),
    "late": N_("Done late"),
    "open": N_("To be done"),
    "overdue": N_("Overdue"),
    "not_needed": N_("Not needed"),
    "void": N_("Void"),
}
"""How a time of a duty stands today, in words."""


@dataclass(frozen=True)
class Time:
    """One time of a duty as plans and lists show it; `mark` is one of MARKS."""

    occurrence: Occurrence
    mark: str


@dataclass(frozen=True)
class PlanRow:
    """A duty of the plan: its times by month."""

    duty: OwnDuty
    title: Words
    owner: str
    site: str
    months: Sequence[Sequence[Time]]


@dataclass(frozen=True)
class YearPlan:
    """The plan of an organisation for a year. `totals` are the times of all of its duties by month and mark; `until` is
    the day up to which times are planned."""

    organisation: Organisation
    year: int
    rows: Page[PlanRow]
    totals: Mapping[int, Mapping[str, int]]
    sites: Sequence[Site]
    until: date
    may_manage: bool


@dataclass(frozen=True)
class Count:
    """How many times of duties are settled, still to be done, and overdue."""

    done: int
    open: int
    overdue: int

    @property
    def all(self) -> int:
        """All of them; what is void counts for nothing."""
        return self.done + self.open + self.overdue

    @property
    def mark(self) -> str:
        """The worst that there is; one of MARKS."""
        return "overdue" if self.overdue else "open" if self.open else "done"


@dataclass(frozen=True)
class OverviewRow:
    """An organisation in the overview: the twelve months, None where nothing falls due, and the whole year."""

    organisation: Organisation
    months: Sequence[Count | None]
    year: Count


@dataclass(frozen=True)
class PlanFilters:
    """What a plan is narrowed to: the duties of one site (its id; `none` for those of no site), or one's own."""

    site: str = ""
    mine: bool = False


@query(Permission.DUTIES_READ)
def year_plan(
    actor: Actor,
    uow: UnitOfWork,
    *,
    year: int,
    organisation_id: str = "",
    filters: PlanFilters = PlanFilters(),
    after: str | None = None,
) -> YearPlan:
    """The plan of an organisation that the actor sees; of their own where none is named.

    Raises: NotFoundError, InvalidInputError.
    """
    checked_year(year)
    wanted = organisation_id or actor.organisation_id or ""
    organisation = uow.session.get(Organisation, wanted)
    if organisation is None or not _is_seen(uow, wanted):
        raise NotFoundError
    duties = _duties(uow, organisation.id, year, filters)
    # In the order of the year: the day of the month and the month of a first day stay what they are.
    in_year = cast(extract("month", OwnDuty.first_on) * 100 + extract("day", OwnDuty.first_on), Integer)
    page = fetch_page(uow.session, duties, [in_year, OwnDuty.id], after=after, limit=DUTIES_SHOWN)
    sites = select(Site).where(Site.organisation_id == organisation.id).order_by(Site.name)
    return YearPlan(
        organisation=organisation,
        year=year,
        rows=Page(_rows(uow, organisation, year, [(row[0], row[1], row[2]) for row in page.items]), page.next_key),
        totals=_totals(uow, [organisation.id], year).get(organisation.id, {}),
        sites=uow.session.scalars(sites).all(),
        until=planned_until(uow),
        may_manage=actor.may(Permission.DUTIES_MANAGE) and actor.organisation_id == organisation.id,
    )


@query(Permission.DUTIES_READ)
def overview(actor: Actor, uow: UnitOfWork, *, year: int, after: str | None = None) -> Page[OverviewRow]:
    """The organisations whose duties the actor sees, by name, each in numbers. Raises: InvalidInputError."""
    checked_year(year)
    seen = select(OwnDuty.organisation_id).where(uow.visible("own_duty"))
    organisations = select(Organisation).where(Organisation.id.in_(seen))
    page = fetch_page(
        uow.session, organisations, [Organisation.name, Organisation.id], after=after, limit=ORGANISATIONS_SHOWN
    )
    found: list[Organisation] = [row[0] for row in page.items]
    counted = _totals(uow, [organisation.id for organisation in found], year)
    return Page([_overview_row(one, counted.get(one.id, {})) for one in found], page.next_key)


def checked_year(year: int) -> int:
    """Raises: InvalidInputError for what is no year of anybody's plan."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year that can be meant."))
    return year


def mark_of(found: Occurrence, today: date, zone: ZoneInfo) -> str:
    """How a time of a duty stands today; one of MARKS."""
    if found.state == OPEN:
        return "overdue" if found.due_on < today else "open"
    if found.state == FINISHED:
        return "late" if found.settled_at and _day(found.settled_at, zone) > found.due_on else "done"
    return found.state


def title_of(kind: str, duty: OwnDuty) -> Words:
    """What a duty of an organisation of this kind is called, in both languages."""
    known = known_duty(kind, duty.code)
    return known.name if known else Words(duty.title, duty.title)


def _overview_row(organisation: Organisation, months: Mapping[int, Mapping[str, int]]) -> OverviewRow:
    counts = [_count(months[number]) if number in months else None for number in MONTHS]
    there = [count for count in counts if count is not None]
    year = Count(
        sum(count.done for count in there), sum(count.open for count in there), sum(count.overdue for count in there)
    )
    return OverviewRow(organisation, [count if count and count.all else None for count in counts], year)


def _count(of_month: Mapping[str, int]) -> Count:
    settled = of_month.get("done", 0) + of_month.get("not_needed", 0)
    return Count(settled, of_month.get("open", 0), of_month.get("overdue", 0))


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _is_seen(uow: UnitOfWork, organisation_id: str) -> bool:
    """One's own organisation, also before it took anything on; another by what is seen of it."""
    if uow.actor.organisation_id == organisation_id:
        return True
    seen = select(OwnDuty.id).where(OwnDuty.organisation_id == organisation_id, uow.visible("own_duty"))
    return uow.session.scalar(seen.limit(1)) is not None


def _duties(uow: UnitOfWork, organisation_id: str, year: int, filters: PlanFilters) -> Select[OwnDuty, str, str | None]:
    """Those that are kept, and those that have a time in the year."""
    in_year = select(Occurrence.id).where(Occurrence.own_duty_id == OwnDuty.id, Occurrence.year == year)
    kept = OwnDuty.ended_on.is_(None) | (OwnDuty.ended_on > uow.archive.today())
    duties = (
        select(OwnDuty, Person.display_name, Site.name)
        .join(Person, Person.id == OwnDuty.owner_id)
        .outerjoin(Site, Site.id == OwnDuty.site_id)
        .where(OwnDuty.organisation_id == organisation_id, uow.visible("own_duty"))
        .where(kept | in_year.correlate(OwnDuty).exists())
    )
    if filters.site:
        site_id = None if filters.site == "none" else filters.site
        duties = duties.where(OwnDuty.site_id == site_id)
    if filters.mine:
        duties = duties.where(OwnDuty.owner_id == uow.actor.person_id)
    return duties


def _rows(
    uow: UnitOfWork, organisation: Organisation, year: int, duties: Sequence[tuple[OwnDuty, str, str | None]]
) -> list[PlanRow]:
    today, zone = uow.archive.today(), uow.archive.rules.zone
    ids = [duty.id for duty, _owner, _site in duties]
    times = select(Occurrence).where(
        Occurrence.organisation_id == organisation.id, Occurrence.year == year, Occurrence.own_duty_id.in_(ids)
    )
    of_month: dict[tuple[str, int], list[Time]] = {}
    for found in uow.session.scalars(times.order_by(Occurrence.due_on, Occurrence.id)):
        of_month.setdefault((found.own_duty_id, found.due_on.month), []).append(
            Time(found, mark_of(found, today, zone))
        )
    return [
        PlanRow(
            duty, title_of(organisation.kind, duty), owner, site or "", [of_month.get((duty.id, m), ()) for m in MONTHS]
        )
        for duty, owner, site in duties
    ]


def _totals(uow: UnitOfWork, organisation_ids: Sequence[str], year: int) -> dict[str, dict[int, dict[str, int]]]:
    """How many times of duties stand how, by organisation, month and mark; what was done late counts as done."""
    overdue = (Occurrence.state == OPEN) & (Occurrence.due_on < uow.archive.today())
    mark = case((overdue, "overdue"), else_=Occurrence.state)
    month = extract("month", Occurrence.due_on)
    counted = (
        select(Occurrence.organisation_id, month, mark, func.count())
        .where(Occurrence.organisation_id.in_(organisation_ids), Occurrence.year == year, uow.visible("occurrence"))
        .group_by(Occurrence.organisation_id, month, mark)
    )
    totals: dict[str, dict[int, dict[str, int]]] = {}
    for organisation_id, number, code, count in uow.session.execute(counted):
        totals.setdefault(organisation_id, {}).setdefault(int(number), {})[code] = count
    return totals
