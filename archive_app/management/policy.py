"""Who sees what of a management system: the people of the organisation, by permission; a draft only those who have a
hand in it; of the documents in its library nobody more than of what they belong to."""

from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.documents.control import DRAFT
from archive_app.documents.models import Document
from archive_app.documents.policy import CHANGE
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy, Reach
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.reviews.models import ManagementReview, ReviewDecision

SYSTEM_DOCUMENTS = "system_documents"
"""Why somebody sees documents of a library: the management system is their organisation's."""
ISSUED = ("in_force", "superseded", "withdrawn")
"""States of an edition that everybody knows of."""
_OF_ORGANISATION: dict[str, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any], tuple[Permission, ...]]] = {
    "own_duty": (OwnDuty.id, OwnDuty.organisation_id, (Permission.DUTIES_READ,)),
    "site": (Site.id, Site.organisation_id, (Permission.DUTIES_READ,)),
    "change": (Change.id, Change.organisation_id, (Permission.DUTIES_READ,)),
    "occurrence": (Occurrence.id, Occurrence.organisation_id, (Permission.DUTIES_READ,)),
    "law": (Law.id, Law.organisation_id, (Permission.LAWS_READ,)),
    "obligation": (Obligation.id, Obligation.organisation_id, (Permission.LAWS_READ,)),
    "evaluation": (Evaluation.id, Evaluation.organisation_id, (Permission.LAWS_READ,)),
    "management_review": (ManagementReview.id, ManagementReview.organisation_id, (Permission.REVIEWS_READ,)),
    "disclosure": (
        Disclosure.id,
        Disclosure.organisation_id,
        (Permission.DISCLOSURE_PROPOSE, Permission.DISCLOSURE_DECIDE),
    ),
}


def register(policy: Policy) -> None:
    """Declares what a management system consists of, and opens the library."""
    for kind, (key, organisation, permissions) in _OF_ORGANISATION.items():
        policy.subject(kind, key)
        policy.grant(kind, partial(_own, organisation, permissions))
    policy.subject("review_decision", ReviewDecision.id)
    policy.grant("review_decision", partial(_own, ReviewDecision.organisation_id, (Permission.REVIEWS_READ,)))
    policy.grant("review_decision", _decision_to_do)
    policy.grant("disclosure", _published)
    policy.subject("controlled_document", ControlledDocument.id)
    policy.grant("controlled_document", _controlled)
    policy.subject("edition", Edition.id)
    policy.grant("edition", partial(_edition, policy))
    policy.grant(READ, _library, ground=SYSTEM_DOCUMENTS)
    for kind in ("document", "document.words", CHANGE):
        policy.deny(kind, _draft_of_others)


def has_hand(actor: Actor) -> ColumnElement[bool]:
    """The clause for editions that somebody writes, was asked about, or controls."""
    asked = select(EditionStep.id).where(EditionStep.edition_id == Edition.id, EditionStep.person_id == actor.person_id)
    hands = or_(Edition.author_id == actor.person_id, asked.correlate(Edition).exists())
    if not actor.may(Permission.CONTROLLED_MANAGE):
        return hands
    own = select(ControlledDocument.id).where(
        ControlledDocument.id == Edition.controlled_document_id,
        ControlledDocument.organisation_id == actor.organisation_id,
    )
    return or_(hands, own.correlate(Edition).exists())


def _own(
    organisation: InstrumentedAttribute[Any], permissions: tuple[Permission, ...], actor: Actor
) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not any(map(actor.may, permissions)):
        return None
    return organisation == actor.organisation_id


def _decision_to_do(actor: Actor) -> ColumnElement[bool] | None:
    if actor.person_id is None:
        return None
    held = select(ManagementReview.id).where(
        ManagementReview.id == ReviewDecision.review_id, ManagementReview.state == "held"
    )
    mine = and_(ReviewDecision.owner_id == actor.person_id, ReviewDecision.organisation_id == actor.organisation_id)
    return and_(mine, held.correlate(ReviewDecision).exists())


def _published(actor: Actor) -> ColumnElement[bool] | None:
    """What is public, or was, everybody of the organisation may know of; what is only proposed, those who decide."""
    own = _own(Disclosure.organisation_id, (Permission.CONTROLLED_READ,), actor)
    return None if own is None else and_(own, Disclosure.published_at.is_not(None))


def _controlled(actor: Actor) -> ColumnElement[bool] | None:
    if actor.organisation_id is None or not actor.may(Permission.CONTROLLED_READ):
        return None
    mine = select(Edition.id).where(Edition.controlled_document_id == ControlledDocument.id, has_hand(actor))
    return and_(
        ControlledDocument.organisation_id == actor.organisation_id,
        ControlledDocument.level <= actor.highest_level,
        or_(ControlledDocument.state != DRAFT, mine.correlate(ControlledDocument).exists()),
    )


def _edition(policy: Policy, actor: Actor) -> ColumnElement[bool] | None:
    if not actor.may(Permission.CONTROLLED_READ):
        return None
    of_seen = select(ControlledDocument.id).where(
        ControlledDocument.id == Edition.controlled_document_id, policy.visible_to(actor, "controlled_document")
    )
    shown = or_(Edition.state.in_(ISSUED), has_hand(actor))
    return and_(of_seen.correlate(Edition).exists(), shown)


def _library(actor: Actor) -> Reach | None:
    if actor.organisation_id is None or not actor.may(Permission.CONTROLLED_READ):
        return None
    own = and_(Engagement.activity == LIBRARY, Engagement.organisation_id == actor.organisation_id)
    return Reach(own, actor.highest_level)


def _draft_of_others(actor: Actor) -> ColumnElement[bool]:
    mine = (
        select(Edition.id)
        .join(EditionFile, EditionFile.edition_id == Edition.id)
        .where(EditionFile.document_id == Document.id, has_hand(actor))
    )
    return and_(Document.control == DRAFT, not_(mine.correlate(Document).exists()))
