"""Pages of organisations: adding them to the archive and letting their first administrator in."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.identity.founding import (
    add_organisation,
    change_organisation,
    renew_first_invitation,
    survey_organisation,
    survey_organisations,
)
from archive_app.identity.hosting.forms import NewOrganisationForm, OrganisationForm, kind_choices
from archive_app.identity.organisations import KINDS
from archive_app.identity.rights.forms import ConfirmForm
from archive_app.identity.rights.views import fresh_link_for, hand_over
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("hosting", __name__)


@blueprint.get("/organisations")
@requires(Permission.ORGANISATIONS_MANAGE)
def organisations_page() -> ResponseReturnValue:
    """The organisations of the archive."""
    page = survey_organisations(
        current_actor(),
        text=request.args.get("text", ""),
        kind=request.args.get("kind", ""),
        after=request.args.get("after"),
    )
    choices = [(choice.value, choice.label) for choice in kind_choices(current_language())]
    return render_template("identity/organisations.html", page=page, kinds=KINDS, kind_choices=choices)


@blueprint.route("/organisations/add", methods=["GET", "POST"])
@requires(Permission.ORGANISATIONS_MANAGE, confirmed=True)
def add_organisation_page() -> ResponseReturnValue:
    """Adds an organisation with its first administrator."""
    form = NewOrganisationForm(current_language(), language=current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            organisation_id, handed = add_organisation(
                current_actor(),
                name=form.name.data,
                kind=form.kind.data,
                credit_code=form.credit_code.data or "",
                display_name=form.display_name.data,
                login=form.login.data,
                language=form.language.data,
            )
            hand_over(organisation_id, handed)
            return _to_organisation(organisation_id)
    return render_template("identity/add_organisation.html", form=form), form_status(form)


@blueprint.route("/organisations/<id:organisation_id>", methods=["GET", "POST"])
@requires(Permission.ORGANISATIONS_MANAGE)
def organisation_page(organisation_id: str) -> ResponseReturnValue:
    """One organisation: how it is doing, and its name."""
    actor = current_actor()
    organisation = survey_organisation(actor, organisation_id=organisation_id)
    form = OrganisationForm(name=organisation.name, credit_code=organisation.credit_code or "")
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_organisation(
                actor, organisation_id=organisation_id, name=form.name.data, credit_code=form.credit_code.data or ""
            )
            flash(_("The organisation was changed."), "success")
            return _to_organisation(organisation_id)
    page = render_template(
        "identity/organisation.html",
        organisation=organisation,
        form=form,
        kinds=KINDS,
        fresh_link=fresh_link_for(organisation_id),
    )
    return page, form_status(form)


@blueprint.route("/organisations/<id:organisation_id>/invitation", methods=["GET", "POST"])
@requires(Permission.ORGANISATIONS_MANAGE, confirmed=True)
def renew_invitation_page(organisation_id: str) -> ResponseReturnValue:
    """Makes the first invitation of an organisation anew."""
    organisation = survey_organisation(current_actor(), organisation_id=organisation_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            hand_over(organisation_id, renew_first_invitation(current_actor(), organisation_id=organisation_id))
            return _to_organisation(organisation_id)
    return render_template("identity/renew_invitation.html", form=form, organisation=organisation), form_status(form)


def _to_organisation(organisation_id: str) -> Response:
    return make_response(redirect(url_for("hosting.organisation_page", organisation_id=organisation_id), 303))
