"""Who sees which declaration: whoever sees its engagement, and the person who made it. Case files are a matter of the
body that keeps them and of who supervises it; a client's contact sees documents, not how they are filed."""

from sqlalchemy import ColumnElement, and_, select, true

from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.filing.models import CaseFile, Declaration
from archive_app.filing.wording import all_declarations
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy

ARCHIVING = "engagement.archiving"
"""The engagement as a subject whose case files one may read."""
CASE_FILE = "case_file"


def register(policy: Policy) -> None:
    """Declares declarations and case files. Raises: SettingsError when the file of the texts is wrong: that stops the
    start."""
    all_declarations()

    def of_visible_engagement(actor: Actor) -> ColumnElement[bool] | None:
        visible = select(Engagement.id).where(
            Engagement.id == Declaration.engagement_id, policy.visible_to(actor, "engagement")
        )
        return visible.correlate(Declaration).exists()

    def archiving(actor: Actor) -> ColumnElement[bool] | None:
        own = _of_own_body(actor)
        return None if own is None else and_(own, policy.visible_to(actor, READ))

    def of_archiving(actor: Actor) -> ColumnElement[bool] | None:
        engagement = select(Engagement.id).where(
            Engagement.id == CaseFile.engagement_id, policy.visible_to(actor, ARCHIVING)
        )
        return engagement.correlate(CaseFile).exists()

    policy.subject("declaration", Declaration.id)
    policy.grant("declaration", of_visible_engagement)
    policy.grant("declaration", _own)
    policy.subject(ARCHIVING, Engagement.id)
    policy.grant(ARCHIVING, archiving)
    policy.hide(ARCHIVING, lambda _actor: Engagement.activity == LIBRARY)
    policy.subject(CASE_FILE, CaseFile.id)
    policy.grant(CASE_FILE, of_archiving)


def _own(actor: Actor) -> ColumnElement[bool] | None:
    return Declaration.person_id == actor.person_id if actor.person_id else None


def _of_own_body(actor: Actor) -> ColumnElement[bool] | None:
    if not actor.may(Permission.DOCUMENTS_READ):
        return None
    if actor.may(Permission.SUPERVISION_USE):
        return true()
    return Engagement.organisation_id == actor.organisation_id if actor.organisation_id else None
