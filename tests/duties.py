"""A park with recurring duties, made through the use cases, and the job that plans them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.management.recurring.falling_due import PLAN_JOB, fall_due
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.recurring.rules import OPEN
from archive_app.management.recurring.taking_on import OwnWords, Wish, take_on, take_on_own
from archive_app.worklist.models import Task
from tests.factories import People

PARK = "高新产业园区"
TESTER = Actor.system("test")


@dataclass(frozen=True)
class Park:
    """Somebody who manages its duties, somebody who does them, and somebody who only reads."""

    organisation_id: str
    manager: Actor
    doer: Actor
    other: Actor


def park_of(people: People, *, name: str = PARK, kind: str = "park") -> Park:
    """The cast of a park, made anew."""
    return Park(
        organisation_id=people.organisation(name, kind),
        manager=people.person("management_representative", name="管理者代表", organisation=name),
        doer=people.person("staff_member", name="体系专员", organisation=name),
        other=people.person("staff_member", name="另一位专员", organisation=name),
    )


def planned_ahead(archive: Archive, months: int) -> Archive:
    """The archive with another figure of how far ahead duties are planned."""
    return replace(archive, rules=replace(archive.rules, duties=replace(archive.rules.duties, ahead_months=months)))


def run_job(archive: Archive) -> None:
    """Has the job plan and tell, as the worker does."""
    fall_due(Workshop(archive), Job(kind=PLAN_JOB, subject_id=""))


def taken_on(park: Park, first: Mapping[str, date], *, site_id: str = "", owner: Actor | None = None) -> list[OwnDuty]:
    """Duties of the catalogue by code, each with its first day, for the one who does them."""
    person = (owner or park.doer).person_id or ""
    return take_on(park.manager, wishes=[Wish(code, person, day, site_id) for code, day in first.items()])


def own_duty(park: Park, title: str, first_on: date, *, every_months: int = 12, site_id: str = "") -> OwnDuty:
    """A duty of own words, without records."""
    owner = park.doer.person_id or ""
    return take_on_own(park.manager, own=OwnWords(title, "", owner, first_on, every_months, site_id=site_id))


def times_of(archive: Archive, duty_id: str) -> Sequence[Occurrence]:
    """The times of a duty, by day."""
    with archive.reading(TESTER) as uow:
        of_duty = select(Occurrence).where(Occurrence.own_duty_id == duty_id)
        return uow.session.scalars(of_duty.order_by(Occurrence.due_on, Occurrence.key)).all()


def tasks_about(archive: Archive, subject_id: str) -> list[tuple[str, str | None, str | None, date]]:
    """The open tasks about something: kind, person, permission, day."""
    with archive.reading(TESTER) as uow:
        about = select(Task.kind, Task.person_id, Task.permission, Task.due_on).where(
            Task.subject_id == subject_id, Task.closed_at.is_(None)
        )
        return sorted((row[0], row[1], row[2], row[3]) for row in uow.session.execute(about))


def occurrence_of(archive: Archive, person: Actor) -> str:
    """An open time of a duty of the person's organisation, which is theirs; its id."""
    with archive.transaction(TESTER, eventless=True) as uow:
        day = uow.archive.today()
        duty = OwnDuty(
            id=uow.new_id(), organisation_id=person.organisation_id, code="", title="巡检", source="", records="",
            owner_id=person.person_id, every_months=12, first_on=day, taken_on_by="x", taken_on_at=uow.now,
            ended_reason="",
        )  # fmt: skip
        uow.session.add(duty)
        uow.session.flush()
        found = Occurrence(
            id=uow.new_id(), organisation_id=person.organisation_id, own_duty_id=duty.id, key=day.isoformat(),
            year=day.year, due_on=day, provisional=False, owner_id=person.person_id, state=OPEN, void_by="", remark="",
            created_at=uow.now,
        )  # fmt: skip
        uow.session.add(found)
        return found.id
