"""Pages of people: who has an account, what they may do, and who decides about it."""

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.identity.accounts import Handed, deactivate, invite, make_reset_link, reactivate
from archive_app.identity.granting import appoint_officer, grant_roles, propose_roles, refuse_roles, set_rights
from archive_app.identity.organisations import KINDS, view_organisation
from archive_app.identity.people import (
    STATE_LABELS,
    PersonLine,
    list_grants,
    list_missing,
    list_people,
    list_waiting,
    view_person,
)
from archive_app.identity.permission_words import PERMISSION_LABELS, SCOPE_LABELS, scope_of
from archive_app.identity.rights.forms import ConfirmForm, DecisionForm, InviteForm, RightsForm, RolesForm, role_choices
from archive_app.identity.roles import OFFICER, all_roles, roles_for
from archive_app.identity.second_factor import clear_second_factor
from archive_app.kernel.language import LANGUAGES
from archive_app.kernel.levels import LEVEL_LABELS
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("rights", __name__)
_FRESH_LINK = "fresh_link"


@blueprint.get("/people")
@requires(Permission.PEOPLE_READ)
def people_page() -> ResponseReturnValue:
    """The people of the organisation."""
    page = list_people(
        current_actor(),
        text=request.args.get("text", ""),
        state=request.args.get("state", ""),
        role=request.args.get("role", ""),
        waiting=request.args.get("waiting") == "1",
        after=request.args.get("after"),
    )
    return render_template(
        "identity/people.html",
        page=page,
        states=STATE_LABELS,
        roles=role_choices(current_language()),
        missing=list_missing(current_actor()),
    )


@blueprint.route("/people/invite", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE)
def invite_page() -> ResponseReturnValue:
    """Invites a colleague, and proposes their roles."""
    form = InviteForm(current_language(), _own_roles(), language=current_language(), roles=request.args.getlist("role"))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            handed = invite(
                current_actor(),
                login=form.login.data,
                display_name=form.display_name.data,
                roles=form.roles.data,
                language=form.language.data,
            )
            hand_over(handed.person_id, handed)
            return _to_person(handed.person_id)
    return render_template("identity/invite.html", form=form), form_status(form)


@blueprint.get("/people/<id:person_id>")
@requires(Permission.PEOPLE_READ)
def person_page(person_id: str) -> ResponseReturnValue:
    """One person: their account, their roles and who gave them."""
    return _render_person(person_id)


@blueprint.post("/people/<id:person_id>/proposals")
@requires(Permission.ACCOUNTS_MANAGE)
def propose_action(person_id: str) -> ResponseReturnValue:
    """Proposes roles for a person, or withdraws what was proposed."""
    form = RolesForm(current_language(), _own_roles())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            propose_roles(current_actor(), person_id=person_id, roles=form.roles.data)
            flash(_("The proposals were changed. They count once a security officer grants them."), "success")
            return _to_person(person_id)
    return _render_person(person_id, form)


@blueprint.post("/people/<id:person_id>/link")
@requires(Permission.ACCOUNTS_MANAGE, confirmed=True)
def reset_link_action(person_id: str) -> ResponseReturnValue:
    """Makes a link by which a person chooses a new password."""
    hand_over(person_id, make_reset_link(current_actor(), person_id=person_id))
    return _to_person(person_id)


@blueprint.post("/people/<id:person_id>/deactivate")
@requires(Permission.ACCOUNTS_MANAGE)
def deactivate_action(person_id: str) -> ResponseReturnValue:
    """Closes an account."""
    form = _proposals(view_person(current_actor(), person_id=person_id))
    with refusals_shown_on(form):
        deactivate(current_actor(), person_id=person_id)
    return _render_person(person_id, form) if form.errors else _to_person(person_id)


@blueprint.post("/people/<id:person_id>/reactivate")
@requires(Permission.ACCOUNTS_MANAGE)
def reactivate_action(person_id: str) -> ResponseReturnValue:
    """Opens an account again."""
    reactivate(current_actor(), person_id=person_id)
    return _to_person(person_id)


@blueprint.route("/people/<id:person_id>/appoint", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE, confirmed=True)
def appoint_page(person_id: str) -> ResponseReturnValue:
    """Appoints the first security officer of an organisation."""
    person = view_person(current_actor(), person_id=person_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            appoint_officer(current_actor(), person_id=person_id)
            flash(
                _("The first security officer is appointed, and decides about everybody's roles from now on."),
                "success",
            )
            return _to_person(person_id)
    return render_template("identity/appoint.html", form=form, person=person), form_status(form)


@blueprint.get("/rights")
@requires(Permission.RIGHTS_GRANT)
def rights_page() -> ResponseReturnValue:
    """What waits for a security officer."""
    page = list_waiting(current_actor(), after=request.args.get("after"))
    return render_template(
        "identity/rights.html",
        page=page,
        role_names=dict(role_choices(current_language())),
        missing=list_missing(current_actor()),
    )


@blueprint.get("/people/<id:person_id>/rights")
@requires(Permission.RIGHTS_GRANT, confirmed=True)
def person_rights_page(person_id: str) -> ResponseReturnValue:
    """Where a security officer decides about one person's rights."""
    return _render_rights(person_id)


@blueprint.post("/people/<id:person_id>/rights/decision")
@requires(Permission.RIGHTS_GRANT, confirmed=True)
def decide_action(person_id: str) -> ResponseReturnValue:
    """Grants or refuses proposed roles, as the pressed button says."""
    form = DecisionForm(current_language(), all_roles())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            if request.form.get("decision") == "grant":
                grant_roles(current_actor(), person_id=person_id, roles=form.roles.data)
                flash(_("The roles are granted from the person's next click on."), "success")
            else:
                refuse_roles(current_actor(), person_id=person_id, roles=form.roles.data, reason=form.reason.data or "")
                flash(_("The roles were refused."), "success")
            return _to_rights(person_id)
    return _render_rights(person_id, decision=form)


@blueprint.post("/people/<id:person_id>/rights")
@requires(Permission.RIGHTS_GRANT, confirmed=True)
def set_rights_action(person_id: str) -> ResponseReturnValue:
    """Sets which roles a person keeps, and the highest level that they see."""
    form = RightsForm(current_language(), all_roles())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            set_rights(
                current_actor(), person_id=person_id, roles=form.roles.data, highest_level=form.highest_level.data
            )
            flash(_("The rights were changed. They apply from the person's next click on."), "success")
            return _to_rights(person_id)
    return _render_rights(person_id, rights=form)


@blueprint.post("/people/<id:person_id>/rights/second-factor")
@requires(Permission.RIGHTS_GRANT, confirmed=True)
def clear_second_factor_action(person_id: str) -> ResponseReturnValue:
    """Clears the second factor of somebody who lost it."""
    form = DecisionForm(current_language(), (), formdata=None)
    with refusals_shown_on(form):
        clear_second_factor(current_actor(), person_id=person_id)
        flash(_("The second factor was cleared and the person's sessions ended. They enrol another one."), "success")
    return _render_rights(person_id, decision=form) if form.errors else _to_rights(person_id)


@blueprint.get("/roles")
@requires(Permission.SIGNED_IN)
def roles_page() -> ResponseReturnValue:
    """Who may do what: the roles as the installation defines them."""
    return render_template(
        "identity/roles.html",
        roles=all_roles(),
        role_names=dict(role_choices(current_language())),
        scopes=SCOPE_LABELS,
        permissions=PERMISSION_LABELS,
        scope_of=scope_of,
        kinds=KINDS,
        levels=LEVEL_LABELS,
    )


def _own_roles() -> frozenset[str]:
    """The roles that people of one's own organisation can hold."""
    actor = current_actor()
    return roles_for(view_organisation(actor, organisation_id=actor.organisation_id or "").kind)


def hand_over(key: str, handed: Handed) -> None:
    """Keeps a link in the browser of whoever made it until the next page about `key` shows it, once."""
    address = current_app.config["LANTAI_BASE_URL"] + url_for("identity.link_page", token=handed.token)
    session[_FRESH_LINK] = [key, address]


def fresh_link_for(key: str) -> str | None:
    """The link that was just made, if it is about `key`; nobody sees it again."""
    fresh_for, fresh_link = session.pop(_FRESH_LINK, (None, None))
    return fresh_link if fresh_for == key else None


def _proposals(person: PersonLine) -> RolesForm:
    """The roles that can be proposed for a person, with those that are."""
    offered = _own_roles() - person.roles
    return RolesForm(current_language(), offered, formdata=None, roles=sorted(person.proposed))


def _render_person(person_id: str, form: RolesForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    person = view_person(actor, person_id=person_id)
    proposals = _proposals(person)
    if form is not None:
        form.roles.choices = proposals.roles.choices
    nobody_decides = any(member.role == OFFICER and not member.appointed for member in list_missing(actor))
    page = render_template(
        "identity/person.html",
        person=person,
        form=form or proposals,
        grants=list_grants(actor, person_id=person_id),
        role_names=dict(role_choices(current_language())),
        states=STATE_LABELS,
        levels=LEVEL_LABELS,
        languages=LANGUAGES,
        may_appoint=nobody_decides and OFFICER in person.proposed and person.id != actor.person_id,
        fresh_link=fresh_link_for(person_id),
    )
    return page, form_status(form) if form else 200


def _render_rights(
    person_id: str, *, decision: DecisionForm | None = None, rights: RightsForm | None = None
) -> ResponseReturnValue:
    actor, language = current_actor(), current_language()
    person = view_person(actor, person_id=person_id)
    grants = list_grants(actor, person_id=person_id)
    decidable = [grant.role for grant in grants if grant.granted_at is None and not grant.is_own_proposal]
    kept = RightsForm(
        language, person.roles, formdata=None, roles=sorted(person.roles), highest_level=int(person.highest_level)
    )
    asked = DecisionForm(language, decidable, formdata=None, roles=sorted(decidable))
    for shown, fresh in ((decision, asked), (rights, kept)):
        if shown is not None:
            shown.roles.choices = fresh.roles.choices
    page = render_template(
        "identity/person_rights.html",
        person=person,
        grants=grants,
        own_proposals=[grant.role for grant in grants if grant.granted_at is None and grant.is_own_proposal],
        decision=decision or asked,
        rights=rights or kept,
        role_names=dict(role_choices(language)),
        states=STATE_LABELS,
    )
    refused = decision or rights
    return page, form_status(refused) if refused else 200


def _to_person(person_id: str) -> Response:
    return make_response(redirect(url_for("rights.person_page", person_id=person_id), 303))


def _to_rights(person_id: str) -> Response:
    return make_response(redirect(url_for("rights.person_rights_page", person_id=person_id), 303))
