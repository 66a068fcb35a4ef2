"""Whoever keeps people's competence is told before one ends, while there is time for the next training."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import aliased

from archive_app.engagements.abilities.recording import WARNED_BEFORE
from archive_app.engagements.models import Competence
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

WARN_EVERY_SECONDS = 6 * 3600
COMPETENCE_ENDING = task_kind(
    "engagements.competence_ending",
    N_("Renew somebody's competence"),
    why=N_("You keep the competence of your organisation's people."),
    endpoint="abilities.competence_page",
)
_KEEPER = Actor.system("abilities")


def warn(workshop: Workshop, _job: Job) -> None:
    """Opens a task for each competence that ends soon and was not renewed, and closes those that are not needed any
    more. Idempotent."""
    archive = workshop.archive
    with archive.reading(_KEEPER) as uow:
        ending, waiting = _ending(uow), _waiting(uow)
    for competence_id in (*sorted(ending - waiting), *sorted(waiting - ending)):
        with archive.transaction(_KEEPER, eventless=True) as uow:
            if competence_id in ending:
                _tell(uow, competence_id)
            else:
                close_tasks(uow, COMPETENCE_ENDING, subject_id=competence_id)


def _tell(uow: UnitOfWork, competence_id: str) -> None:
    row = uow.session.get_one(Competence, competence_id)
    person = uow.session.get_one(Person, row.person_id)
    if row.valid_until is None or row.withdrawn_at is not None:
        return
    open_task(
        uow,
        COMPETENCE_ENDING,
        to=Addressee(permission=Permission.COMPETENCE_MANAGE),
        subject_id=row.id,
        organisation_id=row.organisation_id,
        about=" · ".join(part for part in (person.display_name, row.title or row.code) if part),
        due=Due(row.valid_until),
    )


def _ending(uow: UnitOfWork) -> set[str]:
    """What ends soon or ended within the time of the warning, of active people, and has no later one of its kind."""
    today = uow.archive.today()
    later = aliased(Competence)
    renewed = select(later.id).where(
        later.person_id == Competence.person_id,
        later.kind == Competence.kind,
        later.code == Competence.code,
        later.withdrawn_at.is_(None),
        later.valid_until.is_(None) | (later.valid_until > Competence.valid_until),
    )
    ending = (
        select(Competence.id)
        .join(Person, Person.id == Competence.person_id)
        .where(
            Person.active,
            Competence.withdrawn_at.is_(None),
            Competence.valid_until >= today - WARNED_BEFORE,
            Competence.valid_until <= today + WARNED_BEFORE,
            ~renewed.correlate(Competence).exists(),
        )
    )
    return set(uow.session.scalars(ending))


def _waiting(uow: UnitOfWork) -> set[str]:
    found: Sequence[str] = uow.session.scalars(
        select(Task.subject_id).where(Task.kind == COMPETENCE_ENDING.code, Task.closed_at.is_(None))
    ).all()
    return set(found)
