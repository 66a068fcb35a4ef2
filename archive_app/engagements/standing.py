"""What somebody may do in an engagement that they see: reading is not working in it, working not leading it."""

from dataclasses import dataclass

from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


@dataclass(frozen=True)
class Standing:
    """Whether somebody may change what is in an engagement, may decide about it, and up to which level they see it."""

    works: bool
    leads: bool
    highest_level: Level


ONLY_READS = Standing(works=False, leads=False, highest_level=Level.PUBLIC)
"""How everybody stands to a library, in which nobody works."""


@query(Permission.ENGAGEMENTS_READ)
def view_standing(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Standing:
    """How the actor stands to an engagement. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    works, leads = (uow.archive.policy.allows(uow.session, actor, kind, engagement_id) for kind in (WORK, LEAD))
    return Standing(works, leads, highest_level_in(uow, engagement_id))


def highest_level_in(uow: UnitOfWork, engagement_id: str) -> Level:
    """The step that says up to which level the actor sees the engagement's documents."""
    if uow.actor.is_system:
        return Level.RESTRICTED
    grounds = uow.archive.policy.grounds(uow.session, uow.actor, READ, engagement_id)
    return max((level for _, level in grounds), default=Level.PUBLIC)
