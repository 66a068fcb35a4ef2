"""Pages of competence, and of the groups and the time of a team."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.abilities.forms import CompetenceForm, TimeForm
from archive_app.engagements.abilities.groups import set_groups
from archive_app.engagements.abilities.kinds import KINDS, competence_name
from archive_app.engagements.abilities.recording import (
    STATES,
    AbilityFilters,
    list_competences,
    list_own_competences,
    list_people,
    record_competence,
    withdraw_competence,
)
from archive_app.engagements.abilities.time import list_time, list_workers, record_time, time_totals, withdraw_time
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.standing import view_standing
from archive_app.kernel.archive import current_archive
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("abilities", __name__, template_folder="../templates")


@blueprint.get("/competence")
@requires(Permission.COMPETENCE_READ)
def competence_page() -> ResponseReturnValue:
    """What the organisation's people are competent for, and the form to record it."""
    actor = current_actor()
    form = (
        CompetenceForm(current_language(), _people(), formdata=None)
        if actor.may(Permission.COMPETENCE_MANAGE)
        else None
    )
    return _render_competence(form)


@blueprint.post("/competence")
@requires(Permission.COMPETENCE_MANAGE)
def record_action() -> ResponseReturnValue:
    """Records what somebody is competent for."""
    form = CompetenceForm(current_language(), _people())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record_competence(current_actor(), person_id=form.person_id.data, ability=form.ability())
            flash(_("The competence was recorded."), "success")
            return redirect(url_for("abilities.competence_page"), 303)
    return _render_competence(form), form_status(form)


@blueprint.post("/competence/<id:competence_id>/withdraw")
@requires(Permission.COMPETENCE_MANAGE)
def withdraw_action(competence_id: str) -> ResponseReturnValue:
    """Takes back what was recorded wrongly."""
    withdraw_competence(current_actor(), competence_id=competence_id, reason=request.form.get("reason", ""))
    flash(_("The record was withdrawn. It stays in the list."), "success")
    return redirect(url_for("abilities.competence_page"), 303)


@blueprint.get("/competence/own")
@requires(Permission.SIGNED_IN)
def own_page() -> ResponseReturnValue:
    """What is recorded about oneself."""
    page = list_own_competences(current_actor(), after=request.args.get("after"))
    return render_template("abilities/own.html", page=page, **_words())


@blueprint.get("/engagements/<engagement_id>/time")
@requires(Permission.ENGAGEMENTS_READ)
def time_page(engagement_id: str) -> ResponseReturnValue:
    """The time that people worked on an engagement."""
    return _render_time(engagement_id, None)


@blueprint.post("/engagements/<engagement_id>/time")
@requires(Permission.RECORDS_DESCRIBE)
def record_time_action(engagement_id: str) -> ResponseReturnValue:
    """Records time."""
    actor = current_actor()
    form = TimeForm(current_language(), list(list_workers(actor, engagement_id=engagement_id)))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record_time(
                actor,
                engagement_id=engagement_id,
                on=form.on.data,
                quarters=form.quarters.data,
                on_site=form.on_site.data,
                person_id=form.person_id.data,
                remark=form.remark.data or "",
            )
            return redirect(url_for("abilities.time_page", engagement_id=engagement_id), 303)
    return _render_time(engagement_id, form), form_status(form)


@blueprint.post("/engagements/<engagement_id>/time/<id:time_id>/withdraw")
@requires(Permission.RECORDS_DESCRIBE)
def withdraw_time_action(engagement_id: str, time_id: str) -> ResponseReturnValue:
    """Takes back time that was recorded wrongly."""
    reason = request.form.get("reason", "")
    withdraw_time(current_actor(), engagement_id=engagement_id, time_id=time_id, reason=reason)
    return redirect(url_for("abilities.time_page", engagement_id=engagement_id), 303)


@blueprint.post("/engagements/<engagement_id>/team/<id:person_id>/groups")
@requires(Permission.TEAM_MANAGE)
def groups_action(engagement_id: str, person_id: str) -> ResponseReturnValue:
    """Says in which groups somebody works."""
    groups = request.form.getlist("group")
    set_groups(current_actor(), engagement_id=engagement_id, person_id=person_id, groups=groups)
    return redirect(url_for("engagements.team_page", engagement_id=engagement_id), 303)


def _render_competence(form: CompetenceForm | None) -> str:
    filters = AbilityFilters(
        text=request.args.get("text", ""),
        person_id=request.args.get("person", ""),
        kind=request.args.get("kind", ""),
        state=request.args.get("state", ""),
    )
    page = list_competences(current_actor(), filters=filters, after=request.args.get("after"))
    return render_template("abilities/competence.html", page=page, filters=filters, form=form, **_words())


def _render_time(engagement_id: str, form: TimeForm | None) -> str:
    actor = current_actor()
    view = view_engagement(actor, engagement_id=engagement_id)
    standing = view_standing(actor, engagement_id=engagement_id)
    may_add = standing.works and actor.may(Permission.RECORDS_DESCRIBE) and view.engagement.sealed_at is None
    if form is None and may_add:
        today = current_archive().today()
        workers = list(list_workers(actor, engagement_id=engagement_id))
        form = TimeForm(current_language(), workers, formdata=None, on=today, person_id=actor.person_id)
    return render_template(
        "abilities/time.html",
        view=view,
        form=form,
        may_add=may_add,
        leads=standing.leads,
        lines=list_time(actor, engagement_id=engagement_id),
        totals=time_totals(actor, engagement_id=engagement_id),
    )


def _people() -> list[tuple[str, str]]:
    return list(list_people(current_actor()))


def _words() -> dict[str, object]:
    return {"kinds": KINDS, "states": STATES, "competence_name": competence_name}
