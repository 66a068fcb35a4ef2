"""The way out of a step whose job is gone: it failed as often as a job may, or it no longer exists.

Whoever works on the register has it gone on with, or goes back to the step before. What was done stays done.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.intake.registers.acting import asking
from archive_app.intake.registers.bringing import register_at_step, register_subjects
from archive_app.intake.registers.errors import CheckStoppedError, StillRunningError
from archive_app.intake.registers.models import Register
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case

REGISTER_RESUMED = event_type("register.resumed", N_("Stopped work on a register gone on with"))
REGISTER_FREED = event_type("register.freed", N_("Register taken out of a step that stopped"))
_JOB_KINDS = {"checking": "registers.check", "filing": "registers.file", "undoing": "registers.undo"}


def is_stopped(session: Session, register: Register) -> bool:
    """Whether the register waits for a job that nobody will do: it was set aside, or there is none."""
    kind = _JOB_KINDS.get(register.state)
    if kind is None:
        return False
    coming = select(Job.id).where(Job.kind == kind, Job.subject_id == register.id, Job.state != "dead")
    return session.scalar(coming.limit(1)) is None


@use_case(Permission.REGISTERS_IMPORT)
def go_on(actor: Actor, uow: UnitOfWork, *, register_id: str) -> None:
    """Hands the step that stopped to the worker again, on behalf of whoever says so now.

    Raises: NotFoundError, WrongStepError, StillRunningError.
    """
    register = _stopped(uow, register_id)
    register.done, register.changed_at = 0, uow.now
    if register.state == "checking":
        uow.enqueue("registers.check", register_id, **asking(actor))
    elif register.state == "filing":
        uow.enqueue("registers.file", register_id, **asking(actor))
    else:
        uow.enqueue("registers.undo", register_id, **asking(actor))
    uow.record(REGISTER_RESUMED, register_subjects(uow.session, register), name=register.name, step=register.state)


@use_case(Permission.REGISTERS_IMPORT)
def step_back(actor: Actor, uow: UnitOfWork, *, register_id: str) -> None:
    """Takes the register out of the step that stopped: from the check to its columns, else to its rows, of which those
    that were filed or taken back by then stay so. Raises: NotFoundError, WrongStepError, StillRunningError.
    """
    register = _stopped(uow, register_id)
    left = register.state
    if left == "checking":
        # A run that lives after all finds that the register is no longer its own.
        register.state, register.loader, register.fault = "mapping", None, CheckStoppedError.code
    else:
        register.state = "ready"
    register.changed_at = uow.now
    uow.record(REGISTER_FREED, register_subjects(uow.session, register), name=register.name, step=left)


def _stopped(uow: UnitOfWork, register_id: str) -> Register:
    register = register_at_step(uow, register_id, *_JOB_KINDS, lock=True)
    if not is_stopped(uow.session, register):
        raise StillRunningError
    return register
