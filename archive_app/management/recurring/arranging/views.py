"""Pages where duties are arranged: taking them on, the sites, and the changes of the organisation."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.permissions import Permission
from archive_app.management.recurring.about import list_changes, list_sites
from archive_app.management.recurring.changes import record_change, withdraw_change
from archive_app.management.recurring.forms import (
    ChangeForm,
    DayForm,
    EndForm,
    OwnDutyForm,
    ReasonForm,
    SiteForm,
    TakeOnForm,
    take_on_form,
)
from archive_app.management.recurring.showing import Offer, offer
from archive_app.management.recurring.sites import close_site, open_site, reopen_site
from archive_app.management.recurring.taking_on import take_on, take_on_own
from archive_app.management.recurring.views import blueprint
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

__all__ = ["blueprint"]


@blueprint.get("/duties/take-on")
@requires(Permission.DUTIES_MANAGE)
def take_on_page() -> ResponseReturnValue:
    """What the organisation can take on."""
    return _take_on()


@blueprint.post("/duties/take-on")
@requires(Permission.DUTIES_MANAGE)
def take_on_action() -> ResponseReturnValue:
    """Takes on duties of the catalogue, all that were chosen or none."""
    actor = current_actor()
    form = take_on_form(current_language(), offer(actor))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            count = len(take_on(actor, wishes=form.wishes()))
            flash(_("Duties taken on: %(count)s.", count=count), "success")
            return redirect(url_for("recurring.plan_page"), 303)
    return _take_on(form=form)


@blueprint.post("/duties/own")
@requires(Permission.DUTIES_MANAGE)
def own_action() -> ResponseReturnValue:
    """Takes on a duty of own words."""
    actor = current_actor()
    form = OwnDutyForm(current_language(), offer(actor))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            duty = take_on_own(actor, own=form.own())
            return redirect(url_for("recurring.duty_page", duty_id=duty.id), 303)
    return _take_on(own=form)


@blueprint.get("/duties/sites")
@requires(Permission.DUTIES_READ)
def sites_page() -> ResponseReturnValue:
    """The sites of the organisation."""
    return _sites()


@blueprint.post("/duties/sites")
@requires(Permission.DUTIES_MANAGE)
def open_site_action() -> ResponseReturnValue:
    """Opens a site."""
    form = SiteForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            open_site(current_actor(), name=form.name.data, opened_on=form.opened_on.data)
            flash(_("The site was added."), "success")
            return redirect(url_for("recurring.sites_page"), 303)
    return _sites(form)


@blueprint.post("/duties/sites/<id:site_id>/close")
@requires(Permission.DUTIES_MANAGE)
def close_site_action(site_id: str) -> ResponseReturnValue:
    """Closes a site."""
    form = EndForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            close_site(current_actor(), site_id=site_id, closed_on=form.on.data, reason=form.reason.data)
            flash(_("The site is closed; what would have fallen due there is void."), "success")
            return redirect(url_for("recurring.sites_page"), 303)
    return _sites(refused=form)


@blueprint.post("/duties/sites/<id:site_id>/reopen")
@requires(Permission.DUTIES_MANAGE)
def reopen_site_action(site_id: str) -> ResponseReturnValue:
    """Opens a site again."""
    form = DayForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            reopen_site(current_actor(), site_id=site_id, opened_on=form.on.data)
            flash(_("The site is open again; its duties fall due from that day on."), "success")
            return redirect(url_for("recurring.sites_page"), 303)
    return _sites(refused=form)


@blueprint.get("/duties/changes")
@requires(Permission.DUTIES_READ)
def changes_page() -> ResponseReturnValue:
    """The changes of the organisation, and the form to record one."""
    return _changes()


@blueprint.post("/duties/changes")
@requires(Permission.DUTIES_MANAGE)
def record_change_action() -> ResponseReturnValue:
    """Records a change."""
    actor = current_actor()
    form = ChangeForm(current_language(), offer(actor))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            recorded = record_change(actor, told=form.told())
            count = recorded.occurrences
            if recorded.again:
                flash(_("This change was recorded before; nothing was made due twice."), "info")
            else:
                flash(_("The change was recorded. Duties made due by it: %(count)s.", count=count), "success")
            return redirect(url_for("recurring.changes_page"), 303)
    return _changes(form)


@blueprint.post("/duties/changes/<id:change_id>/withdraw")
@requires(Permission.DUTIES_MANAGE)
def withdraw_change_action(change_id: str) -> ResponseReturnValue:
    """Withdraws a change that was recorded wrongly."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_change(current_actor(), change_id=change_id, reason=form.reason.data)
            flash(_("The change was withdrawn; what it made due and was not done is void."), "success")
            return redirect(url_for("recurring.changes_page"), 303)
    return _changes(refused=form)


def _take_on(form: TakeOnForm | None = None, own: OwnDutyForm | None = None) -> ResponseReturnValue:
    found = offer(current_actor())
    language = current_language()
    shown = render_template(
        "recurring/take_on.html",
        offer=found,
        form=form or take_on_form(language, found, formdata=None),
        own=own or OwnDutyForm(language, found, formdata=None),
        language=language,
        site_names={site.id: site.name for site in found.sites},
    )
    return shown, max([200, *(form_status(one) for one in (form, own) if one)])


def _sites(form: SiteForm | None = None, refused: FlaskForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    shown = render_template(
        "recurring/sites.html",
        page=list_sites(actor, after=request.args.get("after")),
        form=(form or SiteForm(formdata=None)) if actor.may(Permission.DUTIES_MANAGE) else None,
        refused=refused,
    )
    return shown, max([200, *(form_status(one) for one in (form, refused) if one)])


def _changes(form: ChangeForm | None = None, refused: FlaskForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    found: Offer | None = offer(actor) if actor.may(Permission.DUTIES_MANAGE) else None
    shown = render_template(
        "recurring/changes.html",
        page=list_changes(actor, after=request.args.get("after")),
        form=form or (ChangeForm(current_language(), found, formdata=None) if found else None),
        refused=refused,
    )
    return shown, max([200, *(form_status(one) for one in (form, refused) if one)])
