"""Who sees what belongs to the work on a case: whoever sees its engagement; documents beside it ask the documents' own
rules."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.casework.forms.layouts import all_layouts
from archive_app.casework.models import Nonconformity, Review
from archive_app.casework.requests import policy as requests
from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares nonconformities and reviews. Raises: SettingsError when the file of a form is wrong: that stops the
    start."""
    all_layouts()

    def of_visible_engagement(actor: Actor, engagement_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        visible = select(Engagement.id).where(Engagement.id == engagement_id, policy.visible_to(actor, READ))
        return visible.correlate(engagement_id.class_).exists()

    policy.subject("nonconformity", Nonconformity.id)
    policy.grant("nonconformity", lambda actor: of_visible_engagement(actor, Nonconformity.engagement_id))
    requests.register(policy)
    policy.subject("review", Review.id)
    policy.grant("review", lambda actor: _of_visible_report(policy, actor))


def _of_visible_report(policy: Policy, actor: Actor) -> ColumnElement[bool] | None:
    """What the reviewer wrote is the verification body's own business, and its supervisors': not the client's, who may
    see the report itself. And it is about the report, so that it shows to nobody who does not see that."""
    seen = (
        select(Version.id)
        .join(Document, Document.id == Version.document_id)
        .where(Version.id == Review.version_id, policy.visible_to(actor, "document"))
    )
    if not actor.may(Permission.SUPERVISION_USE):
        if actor.organisation_id is None:
            return None
        own = select(Engagement.id).where(Engagement.organisation_id == actor.organisation_id)
        seen = seen.where(Version.engagement_id.in_(own))
    return seen.correlate(Review).exists()
