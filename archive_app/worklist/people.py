"""Whom a task is told: people with a confirmed address, each asked of the policy as they would be on the page."""

from collections.abc import Iterator

from sqlalchemy import select

from archive_app.identity.actors import actor_for, standing_of
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.calendar import working_days
from archive_app.worklist.engagements_known import having_part
from archive_app.worklist.models import NoticeWish, Task
from archive_app.worklist.moments import Quiet

AT_ONCE, DAILY, NOT_AT_ALL = "at_once", "daily", "none"


def actor_of(uow: UnitOfWork, person: Person) -> Actor:
    """A step: a person as somebody who acts, with what they may do at this moment."""
    return actor_for(person, standing_of(uow, person), address="")


def sees(uow: UnitOfWork, person: Person, task: Task) -> bool:
    """A step: whether the task stands on the person's list."""
    actor = actor_of(uow, person)
    if not person.active or not actor.may(Permission.WORK_READ):
        return False
    return uow.archive.policy.allows(uow.session, actor, "task", task.id)


def told_of(uow: UnitOfWork, task: Task) -> Iterator[tuple[Person, NoticeWish]]:
    """A step: who is to be told of a task by mail, with what they wish."""
    asked = select(Person, NoticeWish).join(NoticeWish, NoticeWish.person_id == Person.id)
    asked = asked.where(Person.active, NoticeWish.confirmed_at.is_not(None), NoticeWish.way != NOT_AT_ALL)
    if task.person_id is not None:
        asked = asked.where(Person.id == task.person_id)
    elif task.part is not None:
        asked = asked.where(Person.id.in_(having_part(uow, task.engagement_id or "", task.part)))
    else:
        asked = asked.where(Person.organisation_id == task.organisation_id)
    for person, wish in uow.session.execute(asked.order_by(Person.id)).all():
        if sees(uow, person, task):
            yield person, wish


def quiet_of(uow: UnitOfWork, wish: NoticeWish, *, urgent: bool) -> Quiet:
    """A step: when somebody wants to hear nothing."""
    return Quiet(
        uow.archive.rules.zone,
        working_days(uow).is_working,
        wish.quiet_from,
        wish.quiet_until,
        on_rest_days=urgent and wish.urgent_anyway,
    )
