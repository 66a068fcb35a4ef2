"""Who sees which task: the person it waits for, and whoever holds the permission in the organisation that it asks for;
of an engagement only as long as they see that. The room of engagements adds what waits for parts in one."""

from functools import partial

from sqlalchemy import ColumnElement, and_, or_

from archive_app.kernel.actor import Actor
from archive_app.kernel.policy import Policy
from archive_app.worklist.engagements_known import in_sight
from archive_app.worklist.models import Task


def register(policy: Policy) -> None:
    """Declares tasks."""
    policy.subject("task", Task.id)
    policy.grant("task", partial(_own, policy))
    policy.grant("task", partial(_by_permission, policy))


def _own(policy: Policy, actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None:
        return None
    return and_(Task.person_id == actor.person_id, _in_sight(policy, actor))


def _by_permission(policy: Policy, actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or actor.organisation_id is None:
        return None
    held = sorted(str(permission) for permission in actor.permissions)
    asked = and_(Task.organisation_id == actor.organisation_id, Task.permission.in_(held))
    return and_(asked, _in_sight(policy, actor))


def _in_sight(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    return or_(Task.engagement_id.is_(None), in_sight(policy, actor))
