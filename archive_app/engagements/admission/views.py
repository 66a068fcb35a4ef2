"""Pages of access: ask, decide, see who may see an engagement, break the glass."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.access import end_access
from archive_app.engagements.audience import who_may_see
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.glass import SHORTEST_REASON, GlassAlreadyBrokenError, break_glass, glass_alarms
from archive_app.engagements.requests import (
    MOST_DAYS,
    AlreadyAssignedError,
    OpensNothingError,
    TooManyRequestsError,
    ask_for_access,
    attach_request,
    grant_access,
    list_own_requests,
    list_waiting,
    refuse_access,
    view_request,
    withdraw_request,
)
from archive_app.identity.roles import all_roles
from archive_app.kernel.archive import current_archive
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.levels import LEVEL_LABELS
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("admission", __name__, template_folder="../templates")


@blueprint.app_template_global()
def role_words(roles: list[str]) -> str:
    """The names of roles in the reader's language, the way a sentence lists them."""
    known, language = all_roles(), current_language()
    comma: str = _(", ")
    return comma.join(known[role].name(language) for role in roles if role in known)


@blueprint.get("/access")
@requires(Permission.ACCESS_ASK)
def own_page() -> ResponseReturnValue:
    """What one asked for and what became of it, and the form to ask."""
    return _own_page()


@blueprint.post("/access")
@requires(Permission.ACCESS_ASK)
def ask() -> ResponseReturnValue:
    """Asks; the answer is the same whatever there is."""
    form = request.form
    try:
        ask_for_access(
            current_actor(),
            wanted=form.get("wanted", ""),
            grounds=form.get("grounds", ""),
            days=form.get("days", 0, type=int),
        )
    except (InvalidInputError, TooManyRequestsError, AlreadyAssignedError) as error:
        flash(error.text(current_language()), "danger")
        return _own_page()
    flash(_("Your request was kept. Whoever is responsible decides; the answer appears on this page."), "success")
    return redirect(url_for("admission.own_page"), 303)


@blueprint.post("/access/requests/<request_id>/withdraw")
@requires(Permission.ACCESS_ASK)
def withdraw(request_id: str) -> ResponseReturnValue:
    """Takes one's own waiting request back."""
    withdraw_request(current_actor(), request_id=request_id)
    flash(_("The request was withdrawn."), "success")
    return redirect(url_for("admission.own_page"), 303)


@blueprint.post("/access/granted/<access_id>/end")
@requires(Permission.ACCESS_ASK)
def end(access_id: str) -> ResponseReturnValue:
    """Ends a living access at once."""
    actor = current_actor()
    over = end_access(actor, access_id=access_id, reason=request.form.get("reason", ""))
    flash(_("The access was ended."), "success")
    if over.person_id == actor.person_id:
        return redirect(url_for("admission.own_page"), 303)
    return redirect(url_for("admission.audience_page", engagement_id=over.engagement_id), 303)


@blueprint.get("/access/waiting")
@requires(Permission.ACCESS_DECIDE)
def waiting_page() -> ResponseReturnValue:
    """All requests that wait for one's decision."""
    page = list_waiting(current_actor(), after=request.args.get("after"))
    return render_template("admission/waiting.html", page=page)


@blueprint.get("/access/requests/<request_id>")
@requires(Permission.ACCESS_DECIDE, confirmed=True)
def request_page(request_id: str) -> ResponseReturnValue:
    """One request, and the forms to decide about it."""
    return render_template("admission/request.html", line=view_request(current_actor(), request_id=request_id))


@blueprint.post("/access/requests/<request_id>")
@requires(Permission.ACCESS_DECIDE, confirmed=True)
def decide(request_id: str) -> ResponseReturnValue:
    """Grants, refuses, or says which engagement is meant."""
    actor, form = current_actor(), request.form
    here = redirect(url_for("admission.request_page", request_id=request_id), 303)
    reason = form.get("reason", "")
    try:
        if form.get("action") == "attach":
            attach_request(actor, request_id=request_id, wanted=form.get("wanted", ""))
            return here
        if form.get("action") == "grant":
            grant_access(actor, request_id=request_id, days=form.get("days", 0, type=int), reason=reason)
            flash(_("Access was granted."), "success")
        else:
            refuse_access(actor, request_id=request_id, reason=reason)
            flash(_("The request was refused."), "success")
    except (InvalidInputError, OpensNothingError, DutiesNotSeparateError) as error:
        flash(error.text(current_language()), "danger")
        return here
    return redirect(url_for("admission.waiting_page"), 303)


@blueprint.get("/engagements/<engagement_id>/access")
@requires(Permission.ENGAGEMENTS_READ)
def audience_page(engagement_id: str) -> ResponseReturnValue:
    """Who sees the engagement now and why, and the requests that wait."""
    actor = current_actor()
    audience = who_may_see(actor, engagement_id=engagement_id, after=request.args.get("people"))
    after = request.args.get("after")
    waiting = list_waiting(actor, engagement_id=engagement_id, after=after) if audience.may_decide else None
    return render_template(
        "admission/audience.html",
        engagement=view_engagement(actor, engagement_id=engagement_id).engagement,
        audience=audience,
        waiting=waiting,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        level_labels=LEVEL_LABELS,
    )


@blueprint.get("/engagements/<engagement_id>/glass")
@requires(Permission.GLASS_BREAK, confirmed=True)
def glass_page(engagement_id: str) -> ResponseReturnValue:
    """What breaking the glass means, and the form that does it."""
    actor = current_actor()
    return render_template(
        "admission/glass.html",
        engagement=view_engagement(actor, engagement_id=engagement_id).engagement,
        hours=current_archive().rules.glass_window.total_seconds() / 3600,
        shortest=SHORTEST_REASON,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
    )


@blueprint.post("/engagements/<engagement_id>/glass")
@requires(Permission.GLASS_BREAK, confirmed=True)
def break_it(engagement_id: str) -> ResponseReturnValue:
    """Breaks the glass."""
    try:
        break_glass(current_actor(), engagement_id=engagement_id, reason=request.form.get("reason", ""))
    except (InvalidInputError, GlassAlreadyBrokenError) as error:
        flash(error.text(current_language()), "danger")
        return redirect(url_for("admission.glass_page", engagement_id=engagement_id), 303)
    flash(_("The glass is broken: everything of this engagement is open to you, and its team is told."), "warning")
    return redirect(url_for("documents.engagement_page", engagement_id=engagement_id), 303)


def _own_page() -> ResponseReturnValue:
    actor = current_actor()
    return render_template(
        "admission/own.html",
        page=list_own_requests(actor, after=request.args.get("after")),
        now=current_archive().clock.now(),
        typed=request.form,
        most_days=MOST_DAYS,
        may_decide=actor.may(Permission.ACCESS_DECIDE),
    )
