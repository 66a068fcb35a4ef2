"""For whom a stage, and each running deadline, waits: tasks that follow the engagement and its team."""

from sqlalchemy import select

from archive_app.casework.movers import addressee_of, next_to_act
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import Stage
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.worklist.kinds import TaskKind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import Addressee, close_tasks, open_task


def wait_for_mover(
    uow: UnitOfWork, kind: TaskKind, engagement: Engagement, stage: Stage, *, subject_id: str, due: Due | None
) -> None:
    """A step: the one task of a kind about a subject waits for whoever acts next at the stage.

    Whoever it waits for already is not told again; when it waits for somebody else, the others are rid of it.
    """
    to = addressee_of(next_to_act(uow, engagement, stage))
    open_ones = select(Task).where(Task.kind == kind.code, Task.subject_id == subject_id, Task.closed_at.is_(None))
    if any(_whom(task) != to for task in uow.session.scalars(open_ones)):
        close_tasks(uow, kind, subject_id=subject_id, outcome="void")
    open_task(
        uow,
        kind,
        to=to,
        subject_id=subject_id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=f"{engagement.number} {engagement.title}",
        due=due,
    )


def _whom(task: Task) -> Addressee:
    permission = Permission(task.permission) if task.permission else None
    return Addressee(person_id=task.person_id, part=task.part, permission=permission)
