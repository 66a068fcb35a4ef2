"""Who sees which document: whoever reaches its engagement, up to the document's level, and may read documents; and who
sees which saved search."""

from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.documents.models import Document, SavedSearch
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import BROKEN_GLASS, READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy
from archive_app.kernel.unit_of_work import UnitOfWork

CHANGE = "document.change"
"""The document as a subject to change: to give it another level, or a new version."""


class EmergencyReadsOnlyError(ArchiveError):
    """Emergency access opens a document to be read, and to nothing else."""

    code = "emergency_reads_only"
    message = N_("You see this document by emergency access, which lets you read it and no more. Nothing was changed.")


def register(policy: Policy) -> None:
    """Declares documents and saved searches."""

    def of_visible_engagement(actor: Actor, *, without: str = "") -> ColumnElement[bool] | None:
        if not actor.may(Permission.DOCUMENTS_READ):
            return None
        reaches = policy.reaches(actor, READ, without=without)
        if not reaches:
            return None
        opened = or_(*(and_(reach.clause, Document.level <= reach.highest_level) for reach in reaches))
        visible = select(Engagement.id).where(
            Engagement.id == Document.engagement_id, opened, *map(not_, policy.denials(actor, READ))
        )
        # Not IN: SQLite would begin with all documents of all visible engagements, whatever the query narrows to.
        return visible.correlate(Document).exists()

    policy.subject("document", Document.id)
    policy.grant("document", of_visible_engagement)
    policy.deny("document", lambda _actor: Document.withdrawn_at.is_not(None))
    # What is seen in an emergency is seen and no more: changed, it could be kept in sight when the emergency is over.
    policy.subject(CHANGE, Document.id)
    policy.grant(CHANGE, lambda actor: of_visible_engagement(actor, without=BROKEN_GLASS))
    policy.deny(CHANGE, lambda _actor: Document.withdrawn_at.is_not(None))
    # What the log says about a document in words shows to whoever may see the document, withdrawn or not. Those who
    # only watch the log and open no documents read all of it.
    policy.subject("document.words", Document.id)
    policy.grant("document.words", of_visible_engagement)
    policy.grant("document.words", _watched)
    policy.subject("saved_search", SavedSearch.id)
    policy.grant("saved_search", _own_search)
    policy.grant("saved_search", _shared_search)


def require_change(uow: UnitOfWork, document_id: str) -> None:
    """A step: refuses whoever does not see the document, and whoever sees it by emergency access only.

    Raises: NotFoundError, EmergencyReadsOnlyError.
    """
    uow.require("document", document_id)
    if not uow.archive.policy.allows(uow.session, uow.actor, CHANGE, document_id):
        raise EmergencyReadsOnlyError


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
