"""Who sees a material request: whoever sees its engagement. The client who opened its link is not asked here: they
reach their own request by their session, and nothing by the policy."""

from sqlalchemy import ColumnElement, select

from archive_app.casework.models import MaterialRequest
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares material requests."""

    def of_visible_engagement(actor: Actor) -> ColumnElement[bool]:
        visible = select(Engagement.id).where(
            Engagement.id == MaterialRequest.engagement_id, policy.visible_to(actor, READ)
        )
        return visible.correlate(MaterialRequest).exists()

    policy.subject("material_request", MaterialRequest.id)
    policy.grant("material_request", of_visible_engagement)
