"""Who takes an engagement on from a stage, and for whom that makes it wait."""

from archive_app.casework.conditions import assigned_now
from archive_app.casework.hands import is_assigned
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import keeps_the_archive
from archive_app.engagements.schemes import Stage
from archive_app.engagements.teams import PARTS
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.tasks import Addressee

ARCHIVIST, ISSUER = "archivist", "issuer"
MOVERS = {**PARTS, ARCHIVIST: N_("Archivist"), ISSUER: N_("Whoever issues the report")}
"""Who may take an engagement on, as `Stage.moved_by` names them, in words."""
_PERMISSIONS = {ARCHIVIST: Permission.ENGAGEMENTS_KEEP, ISSUER: Permission.REPORTS_ISSUE}


def may_move(uow: UnitOfWork, engagement: Engagement, stage: Stage) -> bool:
    """The step that says whether the actor may take the engagement on from the stage, or back."""
    actor = uow.actor
    if actor.is_system:
        return True
    if not actor.may(Permission.STAGES_MOVE) or actor.organisation_id != engagement.organisation_id:
        return False
    if _by_role(actor, stage):
        return True
    parts = [mover for mover in stage.moved_by if mover in PARTS]
    return is_assigned(uow.session, engagement.id, actor.person_id, *parts)


def next_to_act(uow: UnitOfWork, engagement: Engagement, stage: Stage) -> str:
    """The step that says which of `MOVERS` the stage waits for: the first of those who may that there is.

    A part that nobody has waits for nobody, so the archivist hears of it then.
    """
    held = {member.part for member in assigned_now(uow, engagement)}
    there = (mover for mover in stage.moved_by if mover in _PERMISSIONS or mover in held)
    return next(there, ARCHIVIST)


def addressee_of(mover: str) -> Addressee:
    """For whom a task of one of `MOVERS` waits."""
    return Addressee(permission=_PERMISSIONS[mover]) if mover in _PERMISSIONS else Addressee(part=mover)


def _by_role(actor: Actor, stage: Stage) -> bool:
    if ARCHIVIST in stage.moved_by and keeps_the_archive(actor):
        return True
    return ISSUER in stage.moved_by and actor.may(Permission.REPORTS_ISSUE)
