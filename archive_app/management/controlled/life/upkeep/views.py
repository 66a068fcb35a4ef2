"""Pages by which a controlled document is kept: reviews, looks for new editions, paper copies, withdrawal, forms."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.glass import glass_alarms
from archive_app.engagements.standing import view_standing
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.copies import OUTCOMES, end_copy, give_copy, list_copies
from archive_app.management.controlled.forms_in_use import list_forms_taken, list_forms_to_take, take_form
from archive_app.management.controlled.kinds import EXTERNAL, REGULATION
from archive_app.management.controlled.life.forms import (
    CopyForm,
    CopyOutcomeForm,
    FindingForm,
    LookForm,
    WithdrawalForm,
)
from archive_app.management.controlled.life.showing import offer_replacements, view_edition, view_life
from archive_app.management.controlled.life.views import blueprint
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.controlled.periodic_review import record_review
from archive_app.management.controlled.watching import record_look
from archive_app.management.controlled.withdrawing import require_withdrawer, withdraw_document
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language


@blueprint.get("/controlled/<controlled_id>/review")
@requires(Permission.CONTROLLED_READ)
def review_page(controlled_id: str) -> ResponseReturnValue:
    """Whether a document still fits, and whether there is a new edition of an external one."""
    return _review(controlled_id)


@blueprint.post("/controlled/<controlled_id>/review")
@requires(Permission.CONTROLLED_READ)
def review_action(controlled_id: str) -> ResponseReturnValue:
    """Records what a periodic review found."""
    form = FindingForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record_review(
                current_actor(),
                controlled_id=controlled_id,
                outcome=form.outcome.data,
                remark=form.remark.data or "",
            )
            flash(_("The review was recorded."), "success")
            return _to_document(controlled_id)
    return _review(controlled_id, review=form)


@blueprint.post("/controlled/<controlled_id>/look")
@requires(Permission.CONTROLLED_READ)
def look_action(controlled_id: str) -> ResponseReturnValue:
    """Records a look for a new edition of an external document."""
    form = LookForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record_look(
                current_actor(),
                controlled_id=controlled_id,
                outcome=form.outcome.data,
                remark=form.remark.data or "",
            )
            flash(_("The look was recorded."), "success")
            return _to_document(controlled_id)
    return _review(controlled_id, look=form)


@blueprint.get("/controlled/editions/<edition_id>/copies")
@requires(Permission.CONTROLLED_MANAGE)
def copies_page(edition_id: str) -> ResponseReturnValue:
    """The numbered paper copies of an edition."""
    return _copies(edition_id, CopyForm(formdata=None))


@blueprint.post("/controlled/editions/<edition_id>/copies")
@requires(Permission.CONTROLLED_MANAGE)
def copy_action(edition_id: str) -> ResponseReturnValue:
    """Gives a paper copy."""
    form = CopyForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            copy = give_copy(
                current_actor(), edition_id=edition_id, holder=form.holder.data, place=form.place.data or ""
            )
            flash(_("Copy %(number)s was given.", number=copy.number), "success")
            return redirect(url_for("controlled_life.copies_page", edition_id=edition_id), 303)
    return _copies(edition_id, form)


@blueprint.post("/controlled/copies/<copy_id>/outcome")
@requires(Permission.CONTROLLED_MANAGE)
def copy_outcome_action(copy_id: str) -> ResponseReturnValue:
    """Says what became of a paper copy."""
    copy = end_copy(current_actor(), copy_id=copy_id, outcome=request.form.get("outcome", ""))
    return redirect(url_for("controlled_life.copies_page", edition_id=copy.edition_id), 303)


@blueprint.get("/controlled/<controlled_id>/withdrawal")
@requires(Permission.CONTROLLED_READ, confirmed=True)
def withdrawal_page(controlled_id: str) -> ResponseReturnValue:
    """The form to withdraw a controlled document, with whoever works by it."""
    return _withdrawal(controlled_id, WithdrawalForm(_replacements(controlled_id), formdata=None))


@blueprint.post("/controlled/<controlled_id>/withdrawal")
@requires(Permission.CONTROLLED_READ, confirmed=True)
def withdrawal_action(controlled_id: str) -> ResponseReturnValue:
    """Withdraws it."""
    form = WithdrawalForm(_replacements(controlled_id))
    require_withdrawer(current_actor(), controlled_id=controlled_id)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            done = withdraw_document(
                current_actor(),
                controlled_id=controlled_id,
                reason=form.reason.data,
                replaced_by_id=form.replaced_by.data or None,
            )
            flash(_("%(number)s was withdrawn.", number=done.controlled.number), "success")
            if done.copies_out:
                flash(_("%(count)s paper copies are out and to be collected.", count=done.copies_out), "warning")
            return _to_document(controlled_id)
    return _withdrawal(controlled_id, form)


@blueprint.get("/engagements/<engagement_id>/controlled-forms")
@requires(Permission.DOCUMENTS_READ)
def forms_page(engagement_id: str) -> ResponseReturnValue:
    """The controlled forms that an engagement took, and those that it can take."""
    actor = current_actor()
    reads = actor.may(Permission.CONTROLLED_READ)
    return render_template(
        "controlled_life/forms.html",
        engagement=view_engagement(actor, engagement_id=engagement_id).engagement,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        standing=view_standing(actor, engagement_id=engagement_id),
        taken=list_forms_taken(actor, engagement_id=engagement_id),
        page=list_forms_to_take(actor, engagement_id=engagement_id, after=request.args.get("after")) if reads else None,
    )


@blueprint.post("/engagements/<engagement_id>/controlled-forms")
@requires(Permission.CONTROLLED_READ)
def take_action(engagement_id: str) -> ResponseReturnValue:
    """Takes the edition in force of a form, and downloads it."""
    taken = take_form(current_actor(), engagement_id=engagement_id, controlled_id=request.form.get("controlled_id", ""))
    return redirect(url_for("documents.content", document_id=taken.document_id, number=taken.number), 303)


def _review(controlled_id: str, **refused: FlaskForm) -> ResponseReturnValue:
    life, language = view_life(current_actor(), controlled_id=controlled_id), current_language()
    shown = render_template(
        "controlled_life/review.html",
        life=life,
        review=refused.get("review") or FindingForm(language, formdata=None),
        look=refused.get("look") or LookForm(language, formdata=None),
        external=life.controlled.kind == EXTERNAL,
    )
    return shown, max([200, *map(form_status, refused.values())])


def _copies(edition_id: str, form: CopyForm) -> ResponseReturnValue:
    actor = current_actor()
    controlled, edition = view_edition(actor, edition_id=edition_id)
    shown = render_template(
        "controlled_life/copies.html",
        controlled=controlled,
        edition=edition,
        copies=list_copies(actor, edition_id=edition_id),
        form=form,
        outcome=CopyOutcomeForm(current_language(), formdata=None),
        outcomes=OUTCOMES,
    )
    return shown, form_status(form)


def _replacements(controlled_id: str) -> Sequence[ControlledDocument]:
    return offer_replacements(current_actor(), controlled_id=controlled_id)


def _withdrawal(controlled_id: str, form: WithdrawalForm) -> ResponseReturnValue:
    life = view_life(current_actor(), controlled_id=controlled_id)
    shown = render_template(
        "controlled_life/withdrawal.html", life=life, form=form, repealed=life.controlled.kind == REGULATION
    )
    return shown, form_status(form)


def _to_document(controlled_id: str) -> ResponseReturnValue:
    return redirect(url_for("controlled.document_page", controlled_id=controlled_id), 303)
