"""Who sees which document: whoever reaches its engagement, up to the document's level, and may read documents; and who
sees which saved search."""

from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

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
        reaches = policy.reaches(actor, "engagement")
        if not reaches:
            return None
        opened = or_(*(and_(reach.clause, Document.level <= reach.highest_level) for reach in reaches))
        visible = select(Engagement.id).where(
            Engagement.id == Document.engagement_id, opened, *map(not_, policy.denials(actor, "engagement"))
        )
        # Not IN: SQLite would begin with all documents of all visible engagements, whatever the query narrows to.
        return visible.correlate(Document).exists()

    policy.subject("document", Document.id)
    policy.grant("document", of_visible_engagement)
    policy.deny("document", lambda _actor: Document.withdrawn_at.is_not(None))
    # What the log says about a document in words shows to whoever may see the document, withdrawn or not. Those who
    # only watch the log and open no documents read all of it.
    policy.subject("document.words", Document.id)
    policy.grant("document.words", of_visible_engagement)
    policy.grant("document.words", _watched)
    policy.subject("saved_search", SavedSearch.id)
    policy.grant("saved_search", _own_search)
    policy.grant("saved_search", _shared_search)


def names_hidden(policy: Policy, actor: Actor, document_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a column names a document that is there and that the actor may not see, so that what stands beside it
    would tell of it."""
    hidden = select(Document.id).where(
        Document.id == document_id, Document.withdrawn_at.is_(None), not_(policy.visible_to(actor, "document"))
    )
    return hidden.correlate(document_id.class_).exists()


def _watched(actor: Actor) -> ColumnElement[bool] | None:
    if actor.may(Permission.DOCUMENTS_READ) or not actor.may(Permission.LOG_READ):
        return None
    own = select(Engagement.id).where(
        Engagement.id == Document.engagement_id, Engagement.organisation_id == actor.organisation_id
    )
    return own.correlate(Document).exists()


def _own_search(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None or not actor.may(Permission.DOCUMENTS_READ):
        return None
    return SavedSearch.person_id == actor.person_id


def _shared_search(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.DOCUMENTS_READ):
        return None
    return and_(SavedSearch.shared, SavedSearch.organisation_id == actor.organisation_id)
