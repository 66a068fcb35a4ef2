"""Who sees which document: whoever sees its engagement and may read documents; and who sees which saved search."""

from sqlalchemy import ColumnElement, and_, select

from archive_app.documents.models import Document, SavedSearch
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares documents and saved searches."""

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
    policy.deny("document", lambda _actor: Document.withdrawn_at.is_not(None))
    policy.subject("saved_search", SavedSearch.id)
    policy.grant("saved_search", _own_search)
    policy.grant("saved_search", _shared_search)


def _own_search(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.DOCUMENTS_READ):
        return None
    return SavedSearch.person_id == actor.person_id


def _shared_search(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.DOCUMENTS_READ):
        return None
    return and_(SavedSearch.shared, SavedSearch.organisation_id == actor.organisation_id)
