"""Pages of relations: one's own, and those of the organisation."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.independence import KINDS
from archive_app.engagements.interests import (
    STATES,
    InterestFilters,
    Recorded,
    end_interest,
    list_colleagues,
    list_interests,
    list_own_interests,
    record_interest,
    record_own_interest,
    withdraw_interest,
)
from archive_app.engagements.provinces import province_name
from archive_app.engagements.relations.forms import EndForm, InterestForm
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("relations", __name__, template_folder="../templates")


@blueprint.route("/relations", methods=["GET", "POST"])
@requires(Permission.ENGAGEMENTS_READ)
def own_page() -> ResponseReturnValue:
    """My relations, and the form to record one."""
    actor = current_actor()
    form = InterestForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            _tell(record_own_interest(actor, facts=form.facts()))
            return redirect(url_for("relations.own_page"), 303)
    page = list_own_interests(actor, after=request.args.get("after"))
    shown = render_template("engagements/own_relations.html", page=page, form=form, **_words())
    return shown, form_status(form)


@blueprint.get("/independence")
@requires(Permission.INTERESTS_READ)
def independence_page() -> ResponseReturnValue:
    """The relations of the organisation's people and of itself, and the form to record one."""
    return _render_independence()


@blueprint.post("/independence")
@requires(Permission.INTERESTS_MANAGE)
def record_action() -> ResponseReturnValue:
    """Records a relation of a colleague, or of the organisation itself."""
    actor = current_actor()
    form = InterestForm(current_language(), list_colleagues(actor))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            _tell(record_interest(actor, person_id=form.person_id.data or "", facts=form.facts()))
            return redirect(url_for("relations.independence_page"), 303)
    return _render_independence(form)


def _render_independence(refused: InterestForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    may_manage = actor.may(Permission.INTERESTS_MANAGE)
    colleagues = list_colleagues(actor) if may_manage else []
    form = refused or InterestForm(current_language(), colleagues, formdata=None)
    filters = InterestFilters(
        text=request.args.get("text", ""),
        person_id=request.args.get("person", ""),
        kind=request.args.get("kind", ""),
        state=request.args.get("state", ""),
    )
    page = list_interests(actor, filters=filters, after=request.args.get("after"))
    shown = render_template(
        "engagements/independence.html",
        page=page,
        form=form,
        filters=filters,
        may_manage=may_manage,
        colleagues=colleagues,
        years=current_archive().rules.interest_years,
        **_words(),
    )
    return shown, form_status(form)


@blueprint.post("/relations/<interest_id>/end")
@requires(Permission.ENGAGEMENTS_READ)
def end_action(interest_id: str) -> ResponseReturnValue:
    """Says when a relation ended."""
    form = EndForm()
    if not form.validate_on_submit():
        raise InvalidInputError(field=N_("Ended on"), reason=N_("This is not a day that can be meant."))
    end_interest(current_actor(), interest_id=interest_id, ended_on=form.ended_on.data)
    flash(_("The end of the relation was recorded."), "success")
    return _back()


@blueprint.post("/relations/<interest_id>/withdraw")
@requires(Permission.INTERESTS_MANAGE)
def withdraw_action(interest_id: str) -> ResponseReturnValue:
    """Takes back what was recorded wrongly."""
    withdraw_interest(current_actor(), interest_id=interest_id, reason=request.form.get("reason", ""))
    flash(_("The record was withdrawn; it stays in the list."), "success")
    return _back()


def _tell(recorded: Recorded) -> None:
    flash(_("The relation was recorded."), "success")
    for line in recorded.touched:
        flash(
            _(
                "%(name)s is assigned to %(number)s (%(title)s) all the same. Tell the team leader: nobody was taken "
                "off the team.",
                name=line.display_name,
                number=line.number,
                title=line.title,
            ),
            "warning",
        )


def _words() -> dict[str, object]:
    return {
        "kinds": KINDS,
        "states": STATES,
        "province_of": lambda code: province_name(code, current_language()),
    }


def _back() -> ResponseReturnValue:
    to = "independence_page" if request.form.get("from") == "independence" else "own_page"
    return redirect(url_for(f"relations.{to}"), 303)
