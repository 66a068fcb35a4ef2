"""The times of duties: planned some months ahead, each once, and told to whoever has to do them.

The day by the rule is the key of a time. Whatever the clock did, and however long the job did not run, the times of a
duty are those that its first day and its interval say: none is skipped, and none is there twice.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.database import insert_for
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due, WorkingDays
from archive_app.management.one_by_one import one_by_one
from archive_app.management.periods import month_later, times_until, working_day_until
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.recurring.rules import (
    BY_DUTY,
    BY_SITE,
    OPEN,
    TASKS,
    VOID,
    falls_due,
    keep_tasks,
    owner_can_do,
    revive,
    rule_day,
    site_of,
    tasks_wanted,
)
from archive_app.worklist.calendar import after_calendar_change, working_days
from archive_app.worklist.models import Task

PLAN_JOB, PLAN_EVERY_SECONDS = "management.fall_due", 3600
_PLANNER = Actor.system("duties")
_PORTION = 200


def fall_due(workshop: Workshop, _job: Job) -> None:
    """Plans what is missing and has the right people wait for what is near. Idempotent; each duty and each time of one
    in a transaction of its own."""
    archive = workshop.archive
    with one_by_one(workshop) as tries:
        for duty_id in tries.over(_unplanned(archive)):
            with tries.of(duty_id), archive.transaction(_PLANNER, eventless=True) as uow:
                plan(uow, uow.session.get_one(OwnDuty, duty_id, with_for_update=True, populate_existing=True))
        for occurrence_id in tries.over(_untold(archive)):
            with tries.of(occurrence_id), archive.transaction(_PLANNER, eventless=True) as uow:
                duty_id = uow.session.get_one(Occurrence, occurrence_id).own_duty_id
                uow.session.get_one(OwnDuty, duty_id, with_for_update=True, populate_existing=True)
                keep_tasks(uow, uow.session.get_one(Occurrence, occurrence_id, populate_existing=True))


def plan(uow: UnitOfWork, duty: OwnDuty) -> int:
    """A step: the times of a duty, whose row is locked, are planned as far ahead as plans reach; how many were missing.

    What was made void by the end of the duty, by other days or by the closing of its site is there again where the duty
    falls due on that day after all.
    """
    site, calendar = site_of(uow, duty), working_days(uow)
    planned = select(Occurrence).where(Occurrence.own_duty_id == duty.id, Occurrence.change_id.is_(None))
    known = {found.key: found for found in uow.session.scalars(planned.execution_options(populate_existing=True))}
    missing = 0
    for day in _times(duty, site, planned_until(uow)):
        found = known.get(day.isoformat())
        if found is None:
            missing += _add(uow, duty, day, calendar)
        elif found.state == VOID and found.void_by in {BY_DUTY, BY_SITE}:
            revive(uow, found)
    return missing


def planned_until(uow: UnitOfWork) -> date:
    """The day up to which duties are planned, that one included."""
    return month_later(uow.archive.today(), uow.archive.rules.duties.ahead_months)


def due_by_change(uow: UnitOfWork, change: Change, calendar: WorkingDays) -> Due:
    """The day by which a duty is done again that a change made due."""
    recorded = change.recorded_at.astimezone(uow.archive.rules.zone).date()
    return calendar.after(recorded, uow.archive.rules.duties.change_days)


@after_calendar_change("recurring")
def count_anew(uow: UnitOfWork) -> None:
    """A step: open times whose day was provisional are counted with the calendar as it is known now."""
    calendar = working_days(uow)
    waiting = select(Occurrence).where(Occurrence.state == OPEN, Occurrence.provisional).order_by(Occurrence.id)
    for found in uow.session.scalars(waiting).all():
        if found.change_id:
            due = due_by_change(uow, uow.session.get_one(Change, found.change_id), calendar)
        else:
            due = working_day_until(calendar, rule_day(found))
        found.due_on, found.provisional, found.year = due.on, due.provisional, due.on.year
        uow.session.flush()
        keep_tasks(uow, found)


def _times(duty: OwnDuty, site: Site | None, until: date) -> Iterator[date]:
    days = times_until(duty.first_on, duty.every_months, until)
    return (day for day in days if falls_due(duty, site, day))


def _add(uow: UnitOfWork, duty: OwnDuty, day: date, calendar: WorkingDays) -> int:
    due = working_day_until(calendar, day)
    row = {
        "id": uow.new_id(),
        "organisation_id": duty.organisation_id,
        "own_duty_id": duty.id,
        "key": day.isoformat(),
        "year": due.on.year,
        "due_on": due.on,
        "provisional": due.provisional,
        "owner_id": duty.owner_id,
        "state": OPEN,
        "void_by": "",
        "remark": "",
        "created_at": uow.now,
    }
    added = insert_for(uow.session)(Occurrence).values(row)
    # The lock of the duty keeps a second writer away; the key stands behind it.
    uow.session.execute(added.on_conflict_do_nothing(index_elements=["own_duty_id", "key"]))
    found = uow.session.get(Occurrence, row["id"])
    if found is None:
        return 0
    if due.on <= uow.archive.today() + timedelta(days=uow.archive.rules.duties.remind_days):
        keep_tasks(uow, found)
    return 1


def _unplanned(archive: Archive) -> Iterator[str]:
    """Ids of duties of which a time is missing, found without any lock."""
    after = ""
    while True:
        with archive.reading(_PLANNER) as uow:
            until, today = planned_until(uow), archive.today()
            living = select(OwnDuty, Site).outerjoin(Site, Site.id == OwnDuty.site_id).where(OwnDuty.id > after)
            living = living.where(OwnDuty.ended_on.is_(None) | (OwnDuty.ended_on > today))
            portion = uow.session.execute(living.order_by(OwnDuty.id).limit(_PORTION)).all()
            keys: dict[str, set[str]] = {}
            ids = [duty.id for duty, _site in portion]
            planned = select(Occurrence.own_duty_id, Occurrence.key).where(Occurrence.own_duty_id.in_(ids))
            for duty_id, key in uow.session.execute(planned):
                keys.setdefault(duty_id, set()).add(key)
            missing = [
                duty.id
                for duty, site in portion
                if any(day.isoformat() not in keys.get(duty.id, ()) for day in _times(duty, site, until))
            ]
        yield from missing
        if len(portion) < _PORTION:
            return
        after = ids[-1]


def _untold(archive: Archive) -> Iterator[str]:
    """Ids of open times that are near and about which not exactly those have a task who should."""
    after = ""
    can_do: dict[str, bool] = {}
    while True:
        with archive.reading(_PLANNER) as uow:
            soon = archive.today() + timedelta(days=archive.rules.duties.remind_days)
            near = select(Occurrence).where(Occurrence.state == OPEN, Occurrence.due_on <= soon, Occurrence.id > after)
            portion = uow.session.scalars(near.order_by(Occurrence.id).limit(_PORTION)).all()
            told: dict[str, set[tuple[str, str | None, date]]] = {}
            of_portion = select(Task.subject_id, Task.kind, Task.person_id, Task.due_on).where(
                Task.subject_id.in_([found.id for found in portion]),
                Task.kind.in_([kind.code for kind in TASKS]),
                Task.closed_at.is_(None),
            )
            for subject_id, kind, person_id, due_on in uow.session.execute(of_portion):
                told.setdefault(subject_id, set()).add((kind, person_id, due_on))
            untold = []
            for found in portion:
                if found.owner_id not in can_do:
                    can_do[found.owner_id] = owner_can_do(uow, found)
                wanted = tasks_wanted(uow, found, owner_can=can_do[found.owner_id])
                if {(one.kind.code, one.person_id, found.due_on) for one in wanted} != told.get(found.id, set()):
                    untold.append(found.id)
            last = portion[-1].id if portion else ""
        yield from untold
        if len(portion) < _PORTION:
            return
        after = last
