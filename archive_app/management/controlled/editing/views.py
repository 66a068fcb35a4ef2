"""Pages of an edition on its way: its files, asking people about it, deciding, giving it up or away."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.deciding import (
    ask_another,
    ask_approver,
    ask_reviewers,
    decide_approval,
    decide_review,
)
from archive_app.management.controlled.drafting import abandon, add_file, hand_over, take_back
from archive_app.management.controlled.editing.forms import (
    AbandonForm,
    AnotherForm,
    ApproverForm,
    AuthorForm,
    DecisionForm,
    ReviewersForm,
)
from archive_app.management.controlled.kinds import (
    APPROVAL,
    BADGES,
    DOCUMENT_STATES,
    KEEPING,
    KINDS,
    PARTS,
    REVIEW,
    STATES,
    STEP_STATES,
    WAITING,
)
from archive_app.management.controlled.showing import (
    NO_CHOICES,
    Choices,
    view_choices,
    view_controlled,
    view_edition,
    view_step,
)
from archive_app.web.errors import status_of
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.uploads import form_files

blueprint = Blueprint("editions", __name__, template_folder="templates")
_SERVER_ERROR = 500
_WORDS = {
    "kinds": KINDS,
    "states": STATES,
    "document_states": DOCUMENT_STATES,
    "badges": BADGES,
    "keeping": KEEPING,
    "parts": PARTS,
    "step_states": STEP_STATES,
}


@blueprint.post("/controlled/editions/<edition_id>/file")
@requires(Permission.CONTROLLED_WRITE, streaming=True)
def file_action(edition_id: str) -> ResponseReturnValue:
    """Takes the file of a draft."""
    words, kind = _("Choose a file first."), "danger"
    for part in form_files(request):
        if not part.name:
            continue
        try:
            add_file(
                current_actor(),
                edition_id=edition_id,
                stream=part.stream,
                name=part.name,
                claimed_media_type=part.media_type,
            )
        except ArchiveError as error:
            if status_of(error) >= _SERVER_ERROR:
                raise
            words = error.text(current_language())
        else:
            words, kind = _("%(name)s is the file of this edition now.", name=part.name), "success"
        break
    # After the body: the request token stands in it, and nothing is said to whoever has none.
    edition = view_edition(current_actor(), edition_id=edition_id)
    flash(words, kind)
    return _to(edition.controlled_document_id)


@blueprint.post("/controlled/editions/<edition_id>/reviewers")
@requires(Permission.CONTROLLED_WRITE)
def reviewers_action(edition_id: str) -> ResponseReturnValue:
    """Asks people to review."""
    edition = view_edition(current_actor(), edition_id=edition_id)
    form = ReviewersForm(view_choices(current_actor(), edition_id=edition_id).reviewers)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            ask_reviewers(current_actor(), edition_id=edition_id, people=form.asked())
            return _to(edition.controlled_document_id)
    return document_shown(edition.controlled_document_id, reviewers=form)


@blueprint.post("/controlled/editions/<edition_id>/approver")
@requires(Permission.CONTROLLED_WRITE)
def approver_action(edition_id: str) -> ResponseReturnValue:
    """Asks somebody to approve."""
    edition = view_edition(current_actor(), edition_id=edition_id)
    form = ApproverForm(view_choices(current_actor(), edition_id=edition_id).approvers)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            ask_approver(current_actor(), edition_id=edition_id, person=form.person.data)
            return _to(edition.controlled_document_id)
    return document_shown(edition.controlled_document_id, approver=form)


@blueprint.post("/controlled/editions/<edition_id>/taking-back")
@requires(Permission.CONTROLLED_WRITE)
def take_back_action(edition_id: str) -> ResponseReturnValue:
    """Takes it back to draft."""
    return _to(take_back(current_actor(), edition_id=edition_id).controlled_document_id)


@blueprint.post("/controlled/editions/<edition_id>/abandonment")
@requires(Permission.CONTROLLED_WRITE)
def abandon_action(edition_id: str) -> ResponseReturnValue:
    """Gives it up."""
    edition = view_edition(current_actor(), edition_id=edition_id)
    form = AbandonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            abandon(current_actor(), edition_id=edition_id, reason=form.reason.data)
            flash(_("Edition %(label)s is given up. What was written stays on file.", label=edition.label), "success")
            return _to(edition.controlled_document_id)
    return document_shown(edition.controlled_document_id, abandon=form)


@blueprint.post("/controlled/editions/<edition_id>/author")
@requires(Permission.CONTROLLED_WRITE)
def author_action(edition_id: str) -> ResponseReturnValue:
    """Hands it over."""
    edition = view_edition(current_actor(), edition_id=edition_id)
    form = AuthorForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            hand_over(current_actor(), edition_id=edition_id, to=form.to.data)
            flash(_("Edition %(label)s is in other hands now.", label=edition.label), "success")
            # Whoever gave it away may not see it any more, nor the document where nothing of it is in force yet.
            return redirect(url_for("controlled.list_page"), 303)
    return document_shown(edition.controlled_document_id, author=form)


@blueprint.get("/controlled/steps/<step_id>")
@requires(Permission.CONTROLLED_READ)
def step_page(step_id: str) -> ResponseReturnValue:
    """Leads to the page where it is decided, or to the document where it was."""
    page = view_step(current_actor(), step_id=step_id)
    waits = page.coming.own_step is not None and page.coming.own_step.id == step_id
    if not waits or page.step.state != WAITING:
        return _to(page.controlled.id)
    endpoint = "editions.approval_page" if page.step.part == APPROVAL else "editions.review_page"
    return redirect(url_for(endpoint, step_id=step_id), 303)


@blueprint.get("/controlled/steps/<step_id>/review")
@requires(Permission.CONTROLLED_READ)
def review_page(step_id: str) -> ResponseReturnValue:
    """The form in which a reviewer says what they think."""
    return _step(step_id, REVIEW, DecisionForm(current_language(), approves=False, formdata=None))


@blueprint.post("/controlled/steps/<step_id>/review")
@requires(Permission.CONTROLLED_READ)
def review_action(step_id: str) -> ResponseReturnValue:
    """Says it."""
    form = DecisionForm(current_language(), approves=False)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            agrees, remark = form.decision.data == "yes", form.remark.data or ""
            edition = decide_review(current_actor(), step_id=step_id, agrees=agrees, remark=remark)
            flash(_("What you said is on file."), "success")
            return _to(edition.controlled_document_id)
    return _step(step_id, REVIEW, form)


@blueprint.get("/controlled/steps/<step_id>/approval")
@requires(Permission.CONTROLLED_APPROVE, confirmed=True)
def approval_page(step_id: str) -> ResponseReturnValue:
    """The form in which the approver decides."""
    return _step(step_id, APPROVAL, DecisionForm(current_language(), approves=True, formdata=None))


@blueprint.post("/controlled/steps/<step_id>/approval")
@requires(Permission.CONTROLLED_APPROVE, confirmed=True)
def approval_action(step_id: str) -> ResponseReturnValue:
    """Decides."""
    form = DecisionForm(current_language(), approves=True)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            agrees, remark = form.decision.data == "yes", form.remark.data or ""
            edition = decide_approval(current_actor(), step_id=step_id, agrees=agrees, remark=remark)
            flash(_("What you said is on file."), "success")
            return _to(edition.controlled_document_id)
    return _step(step_id, APPROVAL, form)


@blueprint.post("/controlled/steps/<step_id>/person")
@requires(Permission.CONTROLLED_WRITE)
def another_action(step_id: str) -> ResponseReturnValue:
    """Asks somebody else in their place."""
    page = view_step(current_actor(), step_id=step_id)
    form = AnotherForm()
    form.step_id.data = step_id
    if form.validate_on_submit():
        with refusals_shown_on(form):
            ask_another(current_actor(), step_id=step_id, person=form.person.data)
            return _to(page.controlled.id)
    return document_shown(page.controlled.id, another=form)


def document_shown(controlled_id: str, **refused: FlaskForm) -> ResponseReturnValue:
    """The page of a controlled document, with the form that was refused as it was filled in."""
    actor = current_actor()
    page = view_controlled(actor, controlled_id=controlled_id, after=request.args.get("after"))
    acts = page.coming.acts if page.coming else frozenset()
    found = view_choices(actor, edition_id=page.coming.shown.edition.id) if page.coming and acts else NO_CHOICES
    shown = render_template(
        "editions/document.html",
        page=page,
        choices=found,
        forms=_forms(found, refused),
        refused=next(iter(refused), ""),
        **_WORDS,
    )
    return shown, max([200, *map(form_status, refused.values())])


def _forms(found: Choices, refused: dict[str, FlaskForm]) -> dict[str, FlaskForm]:
    empty: dict[str, Callable[[], FlaskForm]] = {
        "reviewers": lambda: ReviewersForm(found.reviewers, formdata=None),
        "approver": lambda: ApproverForm(found.approvers, formdata=None),
        "another": lambda: AnotherForm(formdata=None),
        "author": lambda: AuthorForm(formdata=None),
        "abandon": lambda: AbandonForm(formdata=None),
    }
    return {name: refused.get(name) or make() for name, make in empty.items()}


def _step(step_id: str, part: str, form: DecisionForm) -> ResponseReturnValue:
    page = view_step(current_actor(), step_id=step_id)
    waits = page.coming.own_step is not None and page.coming.own_step.id == step_id and page.step.part == part
    if not waits and not form.errors:
        return _to(page.controlled.id)
    return render_template("editions/step.html", page=page, form=form, part=part, waits=waits, **_WORDS), form_status(
        form
    )


def _to(controlled_id: str) -> ResponseReturnValue:
    return redirect(url_for("controlled.document_page", controlled_id=controlled_id), 303)
