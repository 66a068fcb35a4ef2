"""Pages of a controlled document in use: what opens by default, issuing, distribution, reading and acknowledging."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.identity.roles import all_roles
from archive_app.kernel.archive import current_archive
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.acknowledging import STATES, acknowledge, list_readers, own_acknowledgement
from archive_app.management.controlled.distributing import change_distribution
from archive_app.management.controlled.issuing import issue_edition, open_in_force, recall_issue
from archive_app.management.controlled.life.forms import AcknowledgeForm, DistributionForm, IssueForm
from archive_app.management.controlled.life.showing import offer_recipients, view_edition, view_life
from archive_app.management.controlled.periodic_review import OUTCOMES as REVIEW_OUTCOMES
from archive_app.management.controlled.watching import OUTCOMES as LOOK_OUTCOMES
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("controlled_life", __name__, template_folder="templates")
FINDINGS = {**REVIEW_OUTCOMES, **LOOK_OUTCOMES}
_WORDS = {"reader_states": STATES, "finding_words": FINDINGS}


@blueprint.app_context_processor
def _shown() -> dict[str, object]:
    """What the section of the document's own page asks for."""
    return {"life_of": _life_of, "role_name": _role_name, **_WORDS}


def _life_of(controlled_id: str) -> object:
    return view_life(current_actor(), controlled_id=controlled_id)


def _role_name(role: str) -> str:
    known = all_roles().get(role)
    return known.name(current_language()) if known else role


@blueprint.get("/controlled/<controlled_id>/open")
@requires(Permission.CONTROLLED_READ)
def open_page(controlled_id: str) -> ResponseReturnValue:
    """Opens the edition in force, or says why there is none."""
    opened = open_in_force(current_actor(), controlled_id=controlled_id)
    if opened.document_id is not None:
        return redirect(url_for("documents.document_page", document_id=opened.document_id), 303)
    return render_template("controlled_life/none_in_force.html", opened=opened)


@blueprint.get("/controlled/editions/<edition_id>/issue")
@requires(Permission.CONTROLLED_MANAGE, confirmed=True)
def issue_page(edition_id: str) -> ResponseReturnValue:
    """The form to issue an approved edition."""
    return _issue(edition_id, IssueForm(formdata=None, effective_on=current_archive().today()))


@blueprint.post("/controlled/editions/<edition_id>/issue")
@requires(Permission.CONTROLLED_MANAGE, confirmed=True)
def issue_action(edition_id: str) -> ResponseReturnValue:
    """Issues it."""
    form = IssueForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            issued = issue_edition(current_actor(), edition_id=edition_id, effective_on=form.effective_on.data)
            if issued.in_force:
                flash(
                    _("Edition %(label)s is in force; %(count)s people were asked to read it.",
                      label=issued.edition.label, count=len(issued.told)), "success"
                )  # fmt: skip
            else:
                flash(_("Edition %(label)s comes into force on its day.", label=issued.edition.label), "success")
            _say_unreached([person.display_name for person, _reason in issued.unreached])
            for person in issued.approvers_left:
                flash(_("%(name)s, who approved it, has left since. The approval stands.", name=person.display_name),
                      "warning")  # fmt: skip
            return _to_document(issued.edition.controlled_document_id)
    return _issue(edition_id, form)


@blueprint.post("/controlled/editions/<edition_id>/recall")
@requires(Permission.CONTROLLED_MANAGE, confirmed=True)
def recall_action(edition_id: str) -> ResponseReturnValue:
    """Takes an issue back whose day has not come."""
    edition = recall_issue(current_actor(), edition_id=edition_id)
    flash(_("The issue was recalled. The edition is approved as before."), "success")
    return _to_document(edition.controlled_document_id)


@blueprint.get("/controlled/<controlled_id>/distribution")
@requires(Permission.CONTROLLED_MANAGE)
def distribution_page(controlled_id: str) -> ResponseReturnValue:
    """The distribution list."""
    return _distribution(controlled_id, _distribution_form(controlled_id, formdata=None))


@blueprint.post("/controlled/<controlled_id>/distribution")
@requires(Permission.CONTROLLED_MANAGE)
def distribution_action(controlled_id: str) -> ResponseReturnValue:
    """Adds to the distribution list."""
    form = _distribution_form(controlled_id)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            reached = change_distribution(
                current_actor(), controlled_id=controlled_id, people=form.people(), roles=form.roles.data or ()
            )
            if reached.told:
                flash(_("%(count)s people were asked to read it.", count=len(reached.told)), "success")
            return redirect(url_for("controlled_life.distribution_page", controlled_id=controlled_id), 303)
    return _distribution(controlled_id, form)


@blueprint.post("/controlled/<controlled_id>/distribution/removal")
@requires(Permission.CONTROLLED_MANAGE)
def removal_action(controlled_id: str) -> ResponseReturnValue:
    """Takes an entry off the distribution list."""
    removed = request.form.getlist("recipient_id")
    change_distribution(current_actor(), controlled_id=controlled_id, remove=removed)
    return redirect(url_for("controlled_life.distribution_page", controlled_id=controlled_id), 303)


@blueprint.get("/controlled/editions/<edition_id>/reading")
@requires(Permission.CONTROLLED_READ)
def reading_page(edition_id: str) -> ResponseReturnValue:
    """An edition for who was asked to read it."""
    return _reading(edition_id, AcknowledgeForm(formdata=None))


@blueprint.post("/controlled/editions/<edition_id>/acknowledgement")
@requires(Permission.CONTROLLED_READ)
def acknowledge_action(edition_id: str) -> ResponseReturnValue:
    """Confirms that it was read."""
    form = AcknowledgeForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            acknowledge(current_actor(), edition_id=edition_id)
            flash(_("Thank you: it is written down that you read this edition."), "success")
            return redirect(url_for("controlled_life.reading_page", edition_id=edition_id), 303)
    return _reading(edition_id, form)


@blueprint.get("/controlled/editions/<edition_id>/readers")
@requires(Permission.CONTROLLED_READ)
def readers_page(edition_id: str) -> ResponseReturnValue:
    """Who is to read an edition, and who did."""
    actor, state = current_actor(), request.args.get("state", "")
    controlled, edition = view_edition(actor, edition_id=edition_id)
    page = list_readers(actor, edition_id=edition_id, state=state, after=request.args.get("after"))
    return render_template(
        "controlled_life/readers.html", controlled=controlled, edition=edition, page=page, state=state
    )


def _issue(edition_id: str, form: IssueForm) -> ResponseReturnValue:
    actor = current_actor()
    controlled, edition = view_edition(actor, edition_id=edition_id)
    life = view_life(actor, controlled_id=controlled.id)
    shown = render_template("controlled_life/issue.html", controlled=controlled, edition=edition, life=life, form=form)
    return shown, form_status(form)


def _distribution_form(controlled_id: str, **values: object) -> DistributionForm:
    offered = offer_recipients(current_actor(), controlled_id=controlled_id)
    return DistributionForm(current_language(), offered.people, offered.roles, **values)


def _distribution(controlled_id: str, form: DistributionForm) -> ResponseReturnValue:
    life = view_life(current_actor(), controlled_id=controlled_id)
    return render_template("controlled_life/distribution.html", life=life, form=form), form_status(form)


def _reading(edition_id: str, form: AcknowledgeForm) -> ResponseReturnValue:
    actor = current_actor()
    controlled, edition = view_edition(actor, edition_id=edition_id)
    own = own_acknowledgement(actor, edition_id=edition_id)
    shown = render_template("controlled_life/reading.html", controlled=controlled, edition=edition, own=own, form=form)
    return shown, form_status(form)


def _say_unreached(names: list[str]) -> None:
    if names:
        words = _("On the distribution list and not reached, because their account is closed or they may not see it:")
        flash(f"{words} {', '.join(names)}", "warning")


def _to_document(controlled_id: str) -> ResponseReturnValue:
    return redirect(url_for("controlled.document_page", controlled_id=controlled_id), 303)
