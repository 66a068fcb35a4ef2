"""Steps by which rooms say that something waits for somebody, and that it is done."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, update

from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.worklist.kinds import TaskKind
from archive_app.worklist.models import Task

NO_DAY = date.max
"""The day of a task that is not due by any day."""
DONE, NEEDLESS = "done", "void"
TELL_JOB = "worklist.tell"
_ABOUT_LIMIT = 300


@dataclass(frozen=True)
class Addressee:
    """Whom a task waits for; exactly one of the three is said."""

    person_id: str | None = None
    part: str | None = None
    permission: Permission | None = None


def open_task(
    uow: UnitOfWork,
    kind: TaskKind,
    *,
    to: Addressee,
    subject_id: str,
    organisation_id: str,
    engagement_id: str | None = None,
    about: str = "",
    due: Due | None = None,
) -> Task:
    """A step: something waits for somebody, who is told by mail if they want that. The same task is open once: opened
    again, it gets the new day."""
    same = select(Task).where(
        Task.kind == kind.code,
        Task.subject_id == subject_id,
        Task.closed_at.is_(None),
        Task.person_id == to.person_id,
        Task.part == to.part,
        Task.permission == to.permission,
    )
    task = uow.session.scalar(same)
    if task is None:
        task = Task(
            id=uow.new_id(),
            kind=kind.code,
            organisation_id=organisation_id,
            engagement_id=engagement_id,
            subject_id=subject_id,
            person_id=to.person_id,
            part=to.part,
            permission=to.permission,
            opened_at=uow.now,
            outcome="",
        )
        uow.session.add(task)
        if uow.archive.rules.mail is not None:
            uow.enqueue(TELL_JOB, task.id)
    task.about = about[:_ABOUT_LIMIT]
    task.due_on = due.on if due else NO_DAY
    task.provisional = due.provisional if due else False
    uow.session.flush()
    return task


def close_tasks(
    uow: UnitOfWork, kind: TaskKind, *, subject_id: str, outcome: str = DONE, person_id: str | None = None
) -> None:
    """A step: nothing of this kind waits any more about the subject, or for one person. `outcome` is done, or void when
    it was not needed in the end."""
    still_open = [Task.kind == kind.code, Task.subject_id == subject_id, Task.closed_at.is_(None)]
    if person_id is not None:
        still_open.append(Task.person_id == person_id)
    uow.session.execute(update(Task).where(*still_open).values(closed_at=uow.now, outcome=outcome))
