"""Who sees which declaration: whoever sees its engagement, and the person who made it."""

from sqlalchemy import ColumnElement, select

from archive_app.engagements.models import Engagement
from archive_app.filing.models import Declaration
from archive_app.filing.wording import all_declarations
from archive_app.kernel.actor import Actor
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares declarations. Raises: SettingsError when the file of their texts is wrong: that stops the start."""
    all_declarations()

    def of_visible_engagement(actor: Actor) -> ColumnElement[bool] | None:
        visible = select(Engagement.id).where(
            Engagement.id == Declaration.engagement_id, policy.visible_to(actor, "engagement")
        )
        return visible.correlate(Declaration).exists()

    policy.subject("declaration", Declaration.id)
    policy.grant("declaration", of_visible_engagement)
    policy.grant("declaration", _own)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    return Declaration.person_id == actor.person_id if actor.person_id else None
