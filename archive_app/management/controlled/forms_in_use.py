"""Controlled forms that an engagement takes to fill in: always the edition in force, and which one is written down."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.documents.models import Version
from archive_app.engagements.engagements import lock_engagement, require_unsealed
from archive_app.engagements.engagements import subjects_of as subjects_of_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.management.controlled.in_use import NotInForceError
from archive_app.management.controlled.issuing import in_force_edition, settle_effect
from archive_app.management.controlled.models import ControlledDocument, Edition, FormUse
from archive_app.management.controlled.rules import lock_controlled

FORM_TAKEN = event_type("controlled.form_taken", N_("Controlled form taken for an engagement"))
FORM = "form"


@dataclass(frozen=True)
class TakenForm:
    """A form that was taken; its file is `document_id`, in its version `number`."""

    use: FormUse
    document_id: str
    number: int


@dataclass(frozen=True)
class FormLine:
    """A form that an engagement took: its controlled document, the edition that it took, and whether that one is not
    in force any more."""

    use: FormUse
    controlled: ControlledDocument
    edition: Edition

    @property
    def obsolete(self) -> bool:
        """Whether another one is in force now, or none."""
        return self.edition.state != "in_force"


@dataclass(frozen=True)
class EngagementUse:
    """A running engagement that uses a form; None for one that whoever asks does not see."""

    engagement: Engagement | None
    label: str


@use_case(Permission.CONTROLLED_READ)
def take_form(actor: Actor, uow: UnitOfWork, *, engagement_id: str, controlled_id: str) -> TakenForm:
    """Takes the edition in force of a form for an engagement that the actor works in. Taken again, the same edition is
    used once.

    Raises: NotFoundError, EngagementSealedError; NotInForceError for a form that is withdrawn or not issued;
    InvalidInputError for what is no form.
    """
    uow.require(WORK, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    require_unsealed(uow.session, engagement_id)
    if not controlled_id:
        raise InvalidInputError(field=N_("Form"), reason=N_("Choose one from the list."))
    controlled = lock_controlled(uow, controlled_id)
    if controlled.kind != FORM:
        raise InvalidInputError(field=N_("Form"), reason=N_("Choose one from the list."))
    settle_effect(uow, controlled)
    edition = in_force_edition(uow, controlled.id)
    if edition is None or edition.document_id is None:
        raise NotInForceError(controlled)
    used = select(FormUse).where(FormUse.engagement_id == engagement.id, FormUse.edition_id == edition.id)
    use = uow.session.scalars(used).first()
    number = select(Version.number).where(Version.document_id == edition.document_id, Version.current)
    taken = uow.session.scalar(number) or 1
    if use is not None:
        return TakenForm(use, edition.document_id, taken)
    use = FormUse(
        id=uow.new_id(),
        edition_id=edition.id,
        engagement_id=engagement.id,
        taken_by=actor.person_id or "",
        taken_at=uow.now,
    )
    uow.session.add(use)
    subjects = subjects_of_engagement(
        uow.session, engagement.id, controlled_document=controlled.id, edition=edition.id, document=edition.document_id
    )
    uow.record(FORM_TAKEN, subjects, number=controlled.number, label=edition.label)
    return TakenForm(use, edition.document_id, taken)


@query(Permission.DOCUMENTS_READ)
def list_forms_taken(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Sequence[FormLine]:
    """The forms that an engagement took, the newest first, as far as the actor sees them. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    taken = (
        select(FormUse, ControlledDocument, Edition)
        .join(Edition, Edition.id == FormUse.edition_id)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(FormUse.engagement_id == engagement_id, uow.visible("controlled_document"))
        .order_by(FormUse.id.desc())
    )
    return [FormLine(row[0], row[1], row[2]) for row in uow.session.execute(taken).all()]


@query(Permission.CONTROLLED_READ)
def list_forms_to_take(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[ControlledDocument]:
    """The forms in force of the engagement's organisation, by number. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    organisation_id = uow.session.get_one(Engagement, engagement_id).organisation_id
    forms = select(ControlledDocument).where(
        ControlledDocument.organisation_id == organisation_id,
        ControlledDocument.kind == FORM,
        ControlledDocument.state == "in_force",
        uow.visible("controlled_document"),
    )
    page = fetch_page(uow.session, forms, [ControlledDocument.number, ControlledDocument.id], after=after, limit=limit)
    return Page([row[0] for row in page.items], page.next_key)


def running_uses(uow: UnitOfWork, controlled_id: str) -> Sequence[tuple[FormUse, Engagement, Edition]]:
    """A step: engagements that are not sealed yet and took an edition of the form, whoever asks."""
    uses = (
        select(FormUse, Engagement, Edition)
        .join(Engagement, Engagement.id == FormUse.engagement_id)
        .join(Edition, Edition.id == FormUse.edition_id)
        .where(Edition.controlled_document_id == controlled_id, Engagement.sealed_at.is_(None))
        .order_by(Engagement.id, Edition.ordinal)
    )
    return [(row[0], row[1], row[2]) for row in uow.session.execute(uses).all()]


def uses_shown(uow: UnitOfWork, controlled_id: str) -> Sequence[EngagementUse]:
    """A step: running engagements that took the form; those that the actor does not see are counted and not named."""
    uses = running_uses(uow, controlled_id)
    seen = uow.archive.policy.among(uow.session, uow.actor, "engagement", {one.id for _use, one, _edition in uses})
    return [EngagementUse(one if one.id in seen else None, edition.label) for _use, one, edition in uses]
