"""My work 工作台: what waits for somebody, what is overdue first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page, follows
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.worklist.engagements_known import Named, names_of, numbered
from archive_app.worklist.kinds import KINDS, TaskKind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import DONE, NO_DAY

TASK_NOTED = event_type("task.noted", N_("Noted on the work list"))
OVERDUE, TODAY, THIS_WEEK, LATER, WITHOUT_DAY = "overdue", "today", "this_week", "later", "no_day"
GROUPS = {
    OVERDUE: N_("Overdue"),
    TODAY: N_("Today"),
    THIS_WEEK: N_("This week"),
    LATER: N_("Later"),
    WITHOUT_DAY: N_("Without a day"),
}
MOST_COUNTED = 99


@dataclass(frozen=True)
class WorkFilters:
    """What the list is narrowed to: an engagement by its exact number, a kind of task, only what is overdue. Empty
    fields narrow nothing."""

    engagement: str = ""
    kind: str = ""
    overdue: bool = False


@dataclass(frozen=True)
class WorkLine:
    """Something that waits. `kind` is None for a task of a program that knew more kinds than this one; `engagement` is
    None where it is about none; `group` is one of GROUPS; `due_on` is None where nothing is due."""

    task: Task
    kind: TaskKind | None
    engagement: Named | None
    group: str

    @property
    def due_on(self) -> date | None:
        """The day by which it is to be done."""
        return None if self.task.due_on == NO_DAY else self.task.due_on


@query(Permission.WORK_READ)
def list_work(
    actor: Actor, uow: UnitOfWork, *, filters: WorkFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[WorkLine]:
    """What waits for the actor, by the day it is due and, within a day, in the order it came."""
    return work_of(uow, actor, filters=filters, after=after, limit=limit)


@query(Permission.WORK_READ)
def count_work(actor: Actor, uow: UnitOfWork) -> int:
    """How much waits for the actor; one more than MOST_COUNTED where it is more than that."""
    waiting = _waiting(uow, actor, [], limit=MOST_COUNTED + 1).limit(MOST_COUNTED + 1).subquery()
    return uow.session.scalar(select(func.count()).select_from(waiting)) or 0


@query(Permission.WORK_READ)
def find_task(actor: Actor, uow: UnitOfWork, *, task_id: str) -> WorkLine:
    """One task, open or done, for who comes from a mail. Raises: NotFoundError."""
    uow.require("task", task_id)
    [line] = _lines(uow, [uow.session.get_one(Task, task_id)])
    return line


@use_case(Permission.WORK_READ)
def note_task(actor: Actor, uow: UnitOfWork, *, task_id: str) -> None:
    """Takes note of what asks for nothing more, so that it waits no longer.

    Raises: NotFoundError; ConflictError for what was noted already, and for a task that is done elsewhere.
    """
    uow.require("task", task_id)
    task = uow.session.get_one(Task, task_id, with_for_update=True, populate_existing=True)
    kind = KINDS.get(task.kind)
    if kind is None or not kind.noted or task.closed_at is not None:
        raise ConflictError
    task.closed_at, task.outcome = uow.now, DONE
    named = {"organisation": task.organisation_id, "engagement": task.engagement_id or "", "task": task.id}
    uow.record(TASK_NOTED, {name: found for name, found in named.items() if found}, task_kind=task.kind)


def work_of(
    uow: UnitOfWork, whose: Actor, *, filters: WorkFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[WorkLine]:
    """A step: what waits for somebody."""
    clauses = _narrowed(uow, whose, filters)
    if after is not None:
        clauses.append(follows(_ORDER, after))
    waiting = _waiting(uow, whose, clauses, limit=limit + 1).subquery()
    page = fetch_page(
        uow.session, select(Task).join(waiting, waiting.c.id == Task.id), _ORDER, after=after, limit=limit
    )
    return Page(_lines(uow, [row[0] for row in page.items]), page.next_key)


def group_of(due_on: date, today: date) -> str:
    """Which group a day belongs to; a week ends on Sunday."""
    if due_on == NO_DAY:
        return WITHOUT_DAY
    if due_on <= today:
        return TODAY if due_on == today else OVERDUE
    return THIS_WEEK if due_on <= today + timedelta(days=6 - today.weekday()) else LATER


_ORDER = [Task.due_on, Task.id]


def _waiting(
    uow: UnitOfWork, whose: Actor, clauses: Sequence[ColumnElement[bool]], *, limit: int
) -> Select[*tuple[Any, ...]]:
    # The first of each ground by itself, along the index that has its order, then the first of those: asked for at
    # once, the grounds would be read whole and sorted.
    firsts = [
        select(
            select(Task.id, Task.due_on)
            .where(Task.closed_at.is_(None), ground, *clauses)
            .order_by(*_ORDER)
            .limit(limit)
            .subquery()
        )
        for ground in uow.archive.policy.branches(whose, "task")
    ]
    if not firsts:
        return select(Task.id, Task.due_on).where(Task.id.is_(None))
    return select(union(*firsts).subquery())


def _narrowed(uow: UnitOfWork, whose: Actor, filters: WorkFilters) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.engagement:
        found = numbered(uow, whose.organisation_id or "", filters.engagement.strip())
        clauses.append(Task.engagement_id == (found or ""))
    if filters.kind:
        clauses.append(Task.kind == filters.kind)
    if filters.overdue:
        clauses.append(Task.due_on < uow.archive.today())
    return clauses


def _lines(uow: UnitOfWork, tasks: Sequence[Task]) -> list[WorkLine]:
    names = names_of(uow, {task.engagement_id for task in tasks if task.engagement_id})
    today = uow.archive.today()
    return [
        WorkLine(task, KINDS.get(task.kind), names.get(task.engagement_id or ""), group_of(task.due_on, today))
        for task in tasks
    ]
