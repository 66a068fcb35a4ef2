"""Who sees which document: whoever sees its engagement and may read documents."""

from sqlalchemy import ColumnElement, select

from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares documents."""

    def of_visible_engagement(actor: Actor) -> ColumnElement[bool] | None:
        if not actor.may(Permission.DOCUMENTS_READ):
            return None
        visible = select(Engagement.id).where(
            Engagement.id == Document.engagement_id, policy.visible_to(actor, "engagement")
        )
        # Not IN: SQLite would begin with all documents of all visible engagements, whatever the query narrows to.
        return visible.correlate(Document).exists()

    policy.subject("document", Document.id)
    policy.grant("document", of_visible_engagement)
