"""Pages of clients, engagements and teams."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.engagements.clients import add_client, list_clients
from archive_app.engagements.engagements import (
    FIRST_YEAR,
    LAST_YEAR,
    EngagementFilters,
    engagement_years,
    list_engagements,
    open_engagement,
    view_engagement,
)
from archive_app.engagements.teams import PARTS, list_candidates, list_team, remove_member, set_member
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("engagements", __name__, template_folder="templates")
_MOST_CHOICES = 1000


class ClientForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A new client."""

    name = StringField(_l("Name"), validators=[DataRequired(), Length(max=200)])
    credit_code = StringField(_l("Unified social credit code"), validators=[Optional(), Length(max=18)])


class EngagementForm(FlaskForm):  # type: ignore[misc]  # as above
    """A new engagement."""

    client_id = SelectField(_l("Client"), validators=[DataRequired()])
    number = StringField(_l("Number"), validators=[DataRequired(), Length(max=60)])
    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=200)])
    year = IntegerField(_l("Year of emissions"), validators=[NumberRange(FIRST_YEAR, LAST_YEAR)])


@blueprint.get("/engagements")
@requires(Permission.ENGAGEMENTS_READ)
def list_page() -> ResponseReturnValue:
    """Engagements one may see, filters in the URL."""
    actor = current_actor()
    filters = EngagementFilters(
        text=request.args.get("text", ""),
        client_id=request.args.get("client", ""),
        year=request.args.get("year", type=int),
    )
    page = list_engagements(actor, filters=filters, after=request.args.get("after"))
    clients = list_clients(actor, limit=_MOST_CHOICES).items if actor.may(Permission.CLIENTS_READ) else []
    return render_template(
        "engagements/list.html",
        page=page,
        filters=filters,
        clients=[(client.id, client.name) for client in clients],
        years=[(year, year) for year in engagement_years(actor)],
    )


@blueprint.route("/engagements/new", methods=["GET", "POST"])
@requires(Permission.ENGAGEMENTS_CREATE)
def new_page() -> ResponseReturnValue:
    """Opens an engagement."""
    actor = current_actor()
    form = EngagementForm(year=current_archive().today().year - 1, client_id=request.args.get("client"))
    form.client_id.choices = [(client.id, client.name) for client in list_clients(actor, limit=_MOST_CHOICES).items]
    if form.validate_on_submit():
        try:
            engagement = open_engagement(
                actor,
                client_id=form.client_id.data,
                number=form.number.data,
                title=form.title.data,
                year=form.year.data,
            )
        except ArchiveError as error:
            flash(error.text(current_language()), "danger")
        else:
            return redirect(url_for("documents.engagement_page", engagement_id=engagement.id), 303)
    return render_template("engagements/new.html", form=form)


@blueprint.route("/clients", methods=["GET", "POST"])
@requires(Permission.CLIENTS_READ)
def clients_page() -> ResponseReturnValue:
    """Clients one may see, and the form for a new one."""
    actor = current_actor()
    form = ClientForm()
    may_add = actor.may(Permission.CLIENTS_MANAGE)
    if may_add and form.validate_on_submit():
        try:
            client = add_client(actor, name=form.name.data, credit_code=form.credit_code.data or "")
        except ArchiveError as error:
            flash(error.text(current_language()), "danger")
        else:
            flash(_("%(name)s was added.", name=client.name), "success")
            return redirect(url_for("engagements.clients_page"), 303)
    text = request.args.get("text", "")
    page = list_clients(actor, text=text, after=request.args.get("after"))
    return render_template("engagements/clients.html", page=page, form=form, may_add=may_add, text=text)


@blueprint.get("/engagements/<engagement_id>/team")
@requires(Permission.ENGAGEMENTS_READ)
def team_page(engagement_id: str) -> ResponseReturnValue:
    """The team, and the forms to change it."""
    actor = current_actor()
    engagement = view_engagement(actor, engagement_id=engagement_id).engagement
    team = list_team(actor, engagement_id=engagement_id)
    may_manage = actor.may(Permission.TEAM_MANAGE)
    candidates = list_candidates(actor, engagement_id=engagement_id) if may_manage else []
    return render_template(
        "engagements/team.html",
        engagement=engagement,
        team=team,
        candidates=candidates,
        parts=PARTS,
        may_manage=may_manage,
    )


@blueprint.post("/engagements/<engagement_id>/team")
@requires(Permission.TEAM_MANAGE)
def change_team(engagement_id: str) -> ResponseReturnValue:
    """Adds a member, changes a part, or takes somebody off the team."""
    actor, person_id = current_actor(), request.form.get("person_id", "")
    if request.form.get("action") == "remove":
        remove_member(actor, engagement_id=engagement_id, person_id=person_id)
    else:
        set_member(actor, engagement_id=engagement_id, person_id=person_id, part=request.form.get("part", ""))
    if person_id == actor.person_id:
        return redirect(url_for("engagements.list_page"), 303)
    return redirect(url_for("engagements.team_page", engagement_id=engagement_id), 303)
