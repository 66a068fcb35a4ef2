"""The calendar of working days as this archive knows it, and who is told when it changed."""

from collections.abc import Callable, Iterable
from datetime import date

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.feature import Workshop
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import WorkingDays
from archive_app.worklist.models import CalendarDay, CalendarYear

CALENDAR_JOB = "worklist.calendar"
AfterChange = Callable[[UnitOfWork], None]
_AFTER_CHANGE: dict[str, AfterChange] = {}
_DECEMBER = 12
_ACTOR = Actor.system("calendar")


def working_days(uow: UnitOfWork) -> WorkingDays:
    """The step that gives the calendar: what the program brings, and what administrators entered."""
    entered = {row.on: row.working for row in uow.session.scalars(select(CalendarDay))}
    return WorkingDays(entered, frozenset(uow.session.scalars(select(CalendarYear.year))))


def after_calendar_change(name: str) -> Callable[[AfterChange], AfterChange]:
    """Registers a step that counts provisional deadlines anew once the calendar was told more. It is run by the worker,
    each in an eventless unit of work of its own, at least once; a room says so at the top of its module.

    Raises: ValueError when the name is taken.
    """

    def register(step: AfterChange) -> AfterChange:
        if name in _AFTER_CHANGE:
            raise ValueError(f"{name} hears of the calendar twice")
        _AFTER_CHANGE[name] = step
        return step

    return register


def count_anew(workshop: Workshop, _job: Job) -> None:
    """Has every room count its provisional deadlines anew."""
    for _name, step in sorted(_AFTER_CHANGE.items()):
        with workshop.archive.transaction(_ACTOR, eventless=True) as uow:
            step(uow)


def known_until(days: WorkingDays, today: date) -> date | None:
    """The last day up to which every day is known from today on; None when not even today is."""
    year = today.year
    while days.knows(date(year, 7, 1)):
        year += 1
    return date(year - 1, 12, 31) if year > today.year else None


def probe_calendar(uow: UnitOfWork) -> Iterable[Line]:
    """Up to which day deadlines in working days are certain."""
    today = uow.archive.today()
    until = known_until(working_days(uow), today)
    title = N_("Working days")
    if until is None:
        yield Line(title, State.BAD, N_("the holidays of this year are not known; enter the yearly notice"))
        return
    late = until.year == today.year and today.month == _DECEMBER
    yield Line(
        title,
        State.WATCH if late else State.GOOD,
        N_("holidays are known until %(day)s; deadlines after it are provisional"),
        {"day": until.isoformat()},
    )
