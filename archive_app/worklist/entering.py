"""Entering a year's notice on holidays, which goes before the calendar that the program brings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, extract, func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from archive_app.worklist.calendar import CALENDAR_JOB, known_until, working_days
from archive_app.worklist.holidays import NoticedDay, read_notice
from archive_app.worklist.models import CalendarDay, CalendarYear

CALENDAR_ENTERED = event_type("calendar.entered", N_("Holidays of a year entered"))


@dataclass(frozen=True)
class EnteredYear:
    """A year whose notice was entered, and how many days it names."""

    year: int
    notice: str
    entered_at: datetime
    days: int


@dataclass(frozen=True)
class CalendarView:
    """What the calendar knows: until when, and the years that were entered, newest first."""

    until: date | None
    entered: Sequence[EnteredYear]


@dataclass(frozen=True)
class PreviewedDay:
    """A day as a notice names it; `differs` from what the calendar says of it now."""

    day: NoticedDay
    differs: bool


@query(Permission.CALENDAR_MANAGE)
def view_calendar(actor: Actor, uow: UnitOfWork) -> CalendarView:
    """How far the calendar goes."""
    of_year = extract("year", CalendarDay.on) == CalendarYear.year
    count = select(func.count()).where(of_year).correlate(CalendarYear).scalar_subquery()
    rows = select(CalendarYear.year, CalendarYear.notice, CalendarYear.entered_at, count)
    entered = [EnteredYear(*row) for row in uow.session.execute(rows.order_by(CalendarYear.year.desc()))]
    return CalendarView(known_until(working_days(uow), uow.archive.today()), entered)


@query(Permission.CALENDAR_MANAGE)
def preview_notice(actor: Actor, uow: UnitOfWork, *, year: int, text: str) -> list[PreviewedDay]:
    """What a pasted notice is understood to say; nothing is kept.

    Raises: InvalidInputError, NoticeNotUnderstoodError.
    """
    known = working_days(uow)
    return [PreviewedDay(day, known.is_working(day.on) != day.working) for day in read_notice(text, year)]


@use_case(Permission.CALENDAR_MANAGE)
def enter_notice(actor: Actor, uow: UnitOfWork, *, year: int, notice: str, text: str) -> None:
    """Keeps a year's notice in place of an earlier one of the year, and has provisional deadlines counted anew.

    Raises: InvalidInputError, NoticeNotUnderstoodError.
    """
    notice = one_line(notice, field=N_("Name of the notice"), limit=200)
    days = read_notice(text, year)
    uow.session.execute(
        delete(CalendarDay).where(CalendarDay.on >= date(year, 1, 1), CalendarDay.on <= date(year, 12, 31))
    )
    uow.session.execute(delete(CalendarDay).where(CalendarDay.on.in_([day.on for day in days])))
    known = uow.session.get(CalendarYear, year, with_for_update=True)
    if known is None:
        known = CalendarYear(year=year)
        uow.session.add(known)
    known.notice, known.entered_by, known.entered_at = notice, actor.name, uow.now
    uow.session.add_all(
        CalendarDay(on=day.on, working=day.working, notice=notice, entered_by=actor.name, entered_at=uow.now)
        for day in days
    )
    uow.enqueue(CALENDAR_JOB, str(year))
    said = [f"{day.on.isoformat()} {'work' if day.working else 'rest'}" for day in days]
    uow.record(CALENDAR_ENTERED, {"organisation": actor.organisation_id or ""}, year=year, notice=notice, days=said)
