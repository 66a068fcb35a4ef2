"""Roles that wait for a security officer stand on the officer's work list."""

from sqlalchemy import select

from archive_app.identity.granting import ROLES_MOVED
from archive_app.identity.models import Person, PersonRole
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

ROLES_WAIT = task_kind(
    "identity.roles_wait",
    N_("Decide about proposed roles"),
    why=N_("You give the rights in your organisation"),
    endpoint="rights.rights_page",
)


def watch_roles() -> None:
    """Has the list follow every change of somebody's roles."""
    ROLES_MOVED.then("worklist", _follow)


def _follow(uow: UnitOfWork, person: Person) -> None:
    waiting = select(PersonRole.role).where(PersonRole.person_id == person.id, PersonRole.granted_at.is_(None))
    if person.active and uow.session.scalar(waiting.limit(1)) is not None:
        open_task(
            uow,
            ROLES_WAIT,
            to=Addressee(permission=Permission.RIGHTS_GRANT),
            subject_id=person.id,
            organisation_id=person.organisation_id,
            about=person.display_name,
        )
    else:
        close_tasks(uow, ROLES_WAIT, subject_id=person.id)
