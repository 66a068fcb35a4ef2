"""Pages of clients, engagements and teams."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.abilities.groups import list_groups, team_groups
from archive_app.engagements.abilities.kinds import SECTOR, competence_name
from archive_app.engagements.abilities.matching import fitting_people, list_gaps
from archive_app.engagements.clients import (
    ClientPage,
    add_client,
    change_client,
    link_client,
    list_clients,
    unlink_client,
    view_client_page,
)
from archive_app.engagements.engagements import (
    ACTIVITIES,
    EngagementFilters,
    engagement_years,
    list_engagements,
    open_engagement,
    view_engagement,
)
from archive_app.engagements.forms import ClientForm, EngagementForm
from archive_app.engagements.glass import glass_alarms
from archive_app.engagements.independence import KINDS
from archive_app.engagements.policy import keeps_the_archive
from archive_app.engagements.provinces import province_name
from archive_app.engagements.schemes import all_schemes
from archive_app.engagements.teams import (
    PARTS,
    list_candidates,
    list_conflicts,
    list_team,
    may_lead,
    remove_member,
    set_member,
)
from archive_app.engagements.undeclared import list_awaited
from archive_app.kernel.archive import current_archive
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("engagements", __name__, template_folder="templates")
_MOST_CHOICES = 1000


@blueprint.get("/engagements")
@requires(Permission.ENGAGEMENTS_READ)
def list_page() -> ResponseReturnValue:
    """Engagements one may see, filters in the URL."""
    actor = current_actor()
    filters = EngagementFilters(
        text=request.args.get("text", ""),
        client_id=request.args.get("client", ""),
        year=request.args.get("year", type=int),
        activity=request.args.get("activity", ""),
        scheme=request.args.get("scheme", ""),
        stage=request.args.get("stage", ""),
    )
    page = list_engagements(actor, filters=filters, after=request.args.get("after"))
    clients = list_clients(actor, limit=_MOST_CHOICES).items if actor.may(Permission.CLIENTS_READ) else []
    return render_template(
        "engagements/list.html",
        page=page,
        filters=filters,
        clients=[(client.id, client.name) for client in clients],
        years=[(year, year) for year in engagement_years(actor)],
        activities=ACTIVITIES,
        schemes=all_schemes(),
        language=current_language(),
        awaited=list_awaited(actor, after=request.args.get("awaited")),
        alarms=glass_alarms(actor),
        parts=PARTS,
    )


@blueprint.route("/engagements/new", methods=["GET", "POST"])
@requires(Permission.ENGAGEMENTS_CREATE)
def new_page() -> ResponseReturnValue:
    """Opens an engagement."""
    actor = current_actor()
    known = {"year": current_archive().today().year - 1, "client_id": request.args.get("client")}
    form = EngagementForm(current_language(), **known)
    clients = list_clients(actor, limit=_MOST_CHOICES).items
    own = [client for client in clients if client.organisation_id == actor.organisation_id]
    form.client_id.choices = [(client.id, client.name) for client in own]
    if form.validate_on_submit():
        with refusals_shown_on(form):
            engagement = open_engagement(
                actor,
                client_id=form.client_id.data,
                number=form.number.data,
                title=form.title.data,
                year=form.year.data,
                scheme=form.scheme.data,
                activity=form.activity.data or "",
                project_number=form.project_number.data or "",
                parent_number=form.parent_number.data or "",
            )
            # Whoever leads it sees it once they have declared.
            to = "filing.declaration_page" if actor.may(Permission.TEAM_LEAD) else "progress.progress_page"
            return redirect(url_for(to, engagement_id=engagement.id), 303)
    shown = render_template("engagements/new.html", form=form, schemes=all_schemes(), language=current_language())
    return shown, form_status(form)


@blueprint.get("/clients")
@requires(Permission.CLIENTS_READ)
def clients_page() -> ResponseReturnValue:
    """Clients one may see, and the form for a new one."""
    return _render_clients(ClientForm(current_language(), formdata=None))


@blueprint.post("/clients")
@requires(Permission.CLIENTS_MANAGE)
def add_client_action() -> ResponseReturnValue:
    """Adds a client."""
    form = ClientForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            client = add_client(
                current_actor(),
                name=form.name.data,
                credit_code=form.credit_code.data or "",
                province=form.province.data or "",
                sector=form.sector.data or "",
            )
            flash(_("%(name)s was added.", name=client.name), "success")
            return redirect(url_for("engagements.clients_page"), 303)
    return _render_clients(form)


@blueprint.get("/clients/<client_id>")
@requires(Permission.CLIENTS_READ)
def client_page(client_id: str) -> ResponseReturnValue:
    """One client, and the form to change what is recorded about it."""
    view = view_client_page(current_actor(), client_id=client_id)
    client = view.client
    recorded = {name: getattr(client, name) or "" for name in ("credit_code", "province", "sector")}
    return _render_client(view, ClientForm(current_language(), known=True, formdata=None, **recorded))


@blueprint.post("/clients/<client_id>")
@requires(Permission.CLIENTS_MANAGE)
def change_client_action(client_id: str) -> ResponseReturnValue:
    """Changes what is recorded about a client."""
    form = ClientForm(current_language(), known=True)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_client(
                current_actor(),
                client_id=client_id,
                credit_code=form.credit_code.data or "",
                province=form.province.data or "",
                sector=form.sector.data or "",
            )
            flash(_("The client was changed."), "success")
            return redirect(url_for("engagements.client_page", client_id=client_id), 303)
    return _render_client(view_client_page(current_actor(), client_id=client_id), form)


@blueprint.get("/clients/<client_id>/link")
@requires(Permission.ENGAGEMENTS_KEEP, confirmed=True)
def link_page(client_id: str) -> ResponseReturnValue:
    """Asks whether a client is to be linked to its own organisation in this archive."""
    view = view_client_page(current_actor(), client_id=client_id)
    return render_template("engagements/client_link.html", view=view)


@blueprint.post("/clients/<client_id>/link")
@requires(Permission.ENGAGEMENTS_KEEP, confirmed=True)
def link_action(client_id: str) -> ResponseReturnValue:
    """Links the client, or takes the link back."""
    actor = current_actor()
    if request.form.get("action") == "unlink":
        unlink_client(actor, client_id=client_id)
        flash(_("The link was taken back."), "success")
    else:
        entity = link_client(actor, client_id=client_id)
        flash(_("The client is now linked to %(name)s.", name=entity.name), "success")
    return redirect(url_for("engagements.client_page", client_id=client_id), 303)


@blueprint.get("/engagements/<engagement_id>/team")
@requires(Permission.ENGAGEMENTS_READ)
def team_page(engagement_id: str) -> ResponseReturnValue:
    """The team, and the forms to change it."""
    actor = current_actor()
    engagement = view_engagement(actor, engagement_id=engagement_id).engagement
    team = list_team(actor, engagement_id=engagement_id)
    may_manage = actor.may(Permission.TEAM_MANAGE) and may_lead(actor, engagement_id=engagement_id)
    candidates = list_candidates(actor, engagement_id=engagement_id) if may_manage else []
    fitting = fitting_people(actor, engagement_id=engagement_id) if may_manage else {}
    return render_template(
        "engagements/team.html",
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        engagement=engagement,
        team=team,
        candidates=sorted(candidates, key=lambda person: -fitting.get(person.person_id, 0)),
        fitting=fitting,
        gaps=list_gaps(actor, engagement_id=engagement_id),
        competence_name=competence_name,
        groups=team_groups(actor, engagement_id=engagement_id),
        grouped=list_groups(actor, engagement_id=engagement_id),
        conflicts=list_conflicts(actor, engagement_id=engagement_id),
        kinds=KINDS,
        parts=PARTS,
        may_manage=may_manage,
        may_see_why=actor.may(Permission.INTERESTS_READ),
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


def _render_clients(form: ClientForm) -> ResponseReturnValue:
    actor, text = current_actor(), request.args.get("text", "")
    shown = render_template(
        "engagements/clients.html",
        page=list_clients(actor, text=text, after=request.args.get("after")),
        form=form,
        may_add=actor.may(Permission.CLIENTS_MANAGE),
        text=text,
        province_of=_province,
        sector_of=_sector,
    )
    return shown, form_status(form)


def _render_client(view: ClientPage, form: ClientForm) -> ResponseReturnValue:
    actor = current_actor()
    may_change = actor.may(Permission.CLIENTS_MANAGE) and view.client.organisation_id == actor.organisation_id
    shown = render_template(
        "engagements/client.html",
        view=view,
        form=form,
        may_change=may_change,
        may_link=may_change and keeps_the_archive(actor),
        province_of=_province,
        sector_of=_sector,
    )
    return shown, form_status(form)


def _province(code: str | None) -> str:
    return province_name(code, current_language()) if code else ""


def _sector(code: str | None) -> str:
    return competence_name(SECTOR, code, current_language()) if code else ""
