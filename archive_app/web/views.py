"""Pages that belong to no feature: the start, the language switch, the health of the archive."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_app.kernel.language import LANGUAGES
from archive_app.kernel.permissions import OF_PEOPLE, Permission
from archive_app.web.gate import AWAITED_PAGES, current_actor, requires
from archive_app.web.health import examine, failed_jobs, retry_job
from archive_app.web.language import redirect_back, remember_language

blueprint = Blueprint(
    "web", __name__, template_folder="templates", static_folder="static", static_url_path="/web/static"
)


@blueprint.get("/")
@requires(Permission.ANYBODY)
def start() -> ResponseReturnValue:
    """Sends people to where their work is: to the first entry of the menu that their roles give them."""
    actor = current_actor()
    if actor.person_id is None:
        return redirect(url_for("identity.sign_in_page"), 303)
    if actor.awaits:
        return redirect(url_for(AWAITED_PAGES[actor.awaits]), 303)
    own = actor.permissions - OF_PEOPLE
    places = (entry.endpoint for entry in current_app.extensions["lantai_menu"] if entry.permission in own)
    return redirect(url_for(next(places, "identity.account_page")), 303)


@blueprint.post("/language")
@requires(Permission.ANYBODY)
def set_language() -> ResponseReturnValue:
    """Switches the language of this browser."""
    chosen = request.form.get("language", "")
    response = redirect_back(url_for("web.start"))
    if chosen in LANGUAGES:
        remember_language(response, chosen, secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


@blueprint.get("/health")
@requires(Permission.HEALTH_READ)
def health_page() -> ResponseReturnValue:
    """How the archive is doing, on one page."""
    actor = current_actor()
    lines = examine(actor, current_app.extensions["lantai_probes"])
    jobs = failed_jobs(actor, after=request.args.get("after"))
    return render_template("web/health.html", lines=lines, jobs=jobs, may_retry=actor.may(Permission.HEALTH_MANAGE))


@blueprint.post("/health/jobs/<job_id>/retry")
@requires(Permission.HEALTH_MANAGE)
def retry(job_id: str) -> ResponseReturnValue:
    """Has a failed job tried again."""
    retry_job(current_actor(), job_id=job_id)
    return redirect(url_for("web.health_page"), 303)
