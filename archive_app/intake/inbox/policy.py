"""Who sees which file of the inbox: whoever sorts the inbox of its organisation, as long as they see what it became."""

from sqlalchemy import ColumnElement, select

from archive_app.documents.policy import names_hidden
from archive_app.engagements.models import Engagement
from archive_app.intake.inbox.models import InboxFile
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares files of the inbox."""

    def of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
        if not actor.may(Permission.INBOX_SORT) or actor.organisation_id is None:
            return None
        # A file that is known to belong to an engagement shows no more to anybody than the engagement does.
        visible = select(Engagement.id).where(
            Engagement.id == InboxFile.engagement_id, policy.visible_to(actor, "engagement")
        )
        known = InboxFile.engagement_id.is_(None) | visible.correlate(InboxFile).exists()
        return (InboxFile.organisation_id == actor.organisation_id) & known

    policy.subject("inbox_file", InboxFile.id)
    policy.grant("inbox_file", of_own_organisation)
    # What became a document shows no more than the document.
    policy.deny("inbox_file", lambda actor: names_hidden(policy, actor, InboxFile.document_id))
