"""Pages of supervision: ask, decide, offer, end, see what was looked at; and the mark on pages that are seen by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.watermark import page_lines
from archive_app.engagements.engagements import view_engagement
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.marks import Mark
from archive_app.kernel.permissions import Permission
from archive_app.supervision.granting import (
    LONGEST,
    ask_for_access,
    end_grant,
    grant_access,
    last_day,
    offer_access,
    refuse_access,
    take_offer,
)
from archive_app.supervision.looks import looks_into_engagement, looks_of_grant
from archive_app.supervision.marking import mark_on_page, own_name
from archive_app.supervision.reading import (
    STATES,
    Choices,
    find_choices,
    list_bodies,
    list_given_grants,
    list_own_grants,
    name_chosen,
    view_grant,
)
from archive_app.supervision.scopes import NamedThing, Thing, read_things
from archive_app.web.errors import status_of
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "supervision",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/supervision/static",
)
_MARKED_ROOMS = frozenset({"finding"})
_MARKED_SUBJECTS = {"engagement_id": "engagement", "document_id": "document"}


@dataclass(frozen=True)
class PageMark:
    """What is laid over a page; `mark` is None where it is of several grants, as hits of a search may be."""

    lines: Sequence[str]
    mark: Mark | None = None


@blueprint.app_template_filter("last_day")
def _last_day(ends: datetime) -> str:
    """The last day of what ends with a day."""
    return last_day(current_archive(), ends).isoformat()


@blueprint.app_template_global()
def page_mark() -> PageMark | None:
    """The mark on the page of this request: about an engagement or a document that is seen by a grant, or with hits."""
    actor = current_actor()
    if not actor.may(Permission.SUPERVISION_USE) or request.endpoint is None:
        return None
    if "page_mark" not in g:
        g.page_mark = _page_mark(request.endpoint)
    found: PageMark | None = g.page_mark
    return found


def _page_mark(endpoint: str) -> PageMark | None:
    actor = current_actor()
    for name, kind in _MARKED_SUBJECTS.items():
        subject_id = (request.view_args or {}).get(name)
        if subject_id is not None:
            mark = mark_on_page(actor, kind=kind, subject_id=subject_id)
            return None if mark is None else PageMark(page_lines(mark), mark)
    if endpoint.partition(".")[0] in _MARKED_ROOMS:
        return PageMark(own_name(actor))
    return None


@blueprint.get("/supervision")
@requires(Permission.SUPERVISION_USE)
def own_page() -> ResponseReturnValue:
    """What one's authority asked for and has, and what is offered to oneself."""
    shown, mine = request.args.get("shown", ""), request.args.get("whose", "") == "mine"
    page = list_own_grants(current_actor(), shown=shown, mine=mine, after=request.args.get("after"))
    return render_template("supervision/own.html", page=page, shown=shown, mine=mine, states=STATES)


@blueprint.route("/supervision/ask", methods=["GET", "POST"])
@requires(Permission.SUPERVISION_USE)
def ask_page() -> ResponseReturnValue:
    """Asks a verification body for access."""
    actor, form, status = current_actor(), request.form, 200
    if request.method == "POST":
        try:
            grant = ask_for_access(
                actor,
                organisation_id=form.get("organisation_id", ""),
                purpose=form.get("purpose", ""),
                reference=form.get("reference", ""),
                wanted=form.get("wanted", ""),
                until=_day(),
            )
        except ArchiveError as error:
            status = _shown_refusal(error)
        else:
            flash(_("The request was sent. The answer appears on this page."), "success")
            return redirect(url_for("supervision.grant_page", grant_id=grant.id), 303)
    today = current_archive().today()
    bodies = list_bodies(actor)
    return render_template("supervision/ask.html", bodies=bodies, today=today, latest=today + LONGEST), status


@blueprint.get("/supervision/given")
@requires(Permission.SUPERVISION_GRANT)
def given_page() -> ResponseReturnValue:
    """What was asked of one's body, what it gave and offered."""
    shown = request.args.get("shown", "")
    page = list_given_grants(current_actor(), shown=shown, after=request.args.get("after"))
    return render_template("supervision/given.html", page=page, shown=shown, states=STATES)


@blueprint.route("/supervision/offer", methods=["GET", "POST"])
@requires(Permission.SUPERVISION_GRANT, confirmed=True)
def offer_page() -> ResponseReturnValue:
    """Offers access to a supervisor who is named by their login."""
    form, status = request.form, 200
    if form.get("do") == "offer":
        try:
            grant = offer_access(
                current_actor(),
                login=form.get("login", ""),
                purpose=form.get("purpose", ""),
                reference=form.get("reference", ""),
                things=read_things(form.getlist("thing")),
                until=_day(),
            )
        except ArchiveError as error:
            status = _shown_refusal(error)
        else:
            flash(_("The offer waits for whoever signs in with this login and is a supervisor."), "success")
            return redirect(url_for("supervision.grant_page", grant_id=grant.id), 303)
    today = current_archive().today()
    return _picker("supervision/offer.html", status, today=today, latest=today + LONGEST)


@blueprint.get("/supervision/<grant_id>")
@requires(Permission.SIGNED_IN)
def grant_page(grant_id: str) -> ResponseReturnValue:
    """One grant for both of its sides: what it opens, and what was looked at by it."""
    actor = current_actor()
    page = view_grant(actor, grant_id=grant_id)
    return render_template(
        "supervision/grant.html",
        page=page,
        looks=looks_of_grant(actor, grant_id=grant_id, after=request.args.get("after")),
        states=STATES,
        of_the_body=page.line.grant.organisation_id == actor.organisation_id,
    )


@blueprint.route("/supervision/<grant_id>/decide", methods=["GET", "POST"])
@requires(Permission.SUPERVISION_GRANT, confirmed=True)
def decide_page(grant_id: str) -> ResponseReturnValue:
    """The body's archivist chooses what exactly to open, and until when."""
    actor, form, status = current_actor(), request.form, 200
    page = view_grant(actor, grant_id=grant_id)
    if page.line.grant.organisation_id != actor.organisation_id:
        raise NotFoundError
    if form.get("do") == "grant":
        try:
            grant_access(actor, grant_id=grant_id, things=read_things(form.getlist("thing")), until=_day())
        except ArchiveError as error:
            status = _shown_refusal(error)
        else:
            flash(_("Access was granted. Every look is listed on this page."), "success")
            return redirect(url_for("supervision.grant_page", grant_id=grant_id), 303)
    archive = current_archive()
    latest = last_day(archive, page.line.grant.asked_until)
    return _picker("supervision/decide.html", status, page=page, today=archive.today(), latest=latest)


@blueprint.post("/supervision/<grant_id>/refuse")
@requires(Permission.SUPERVISION_GRANT)
def refuse(grant_id: str) -> ResponseReturnValue:
    """Refuses a request with a reason."""
    try:
        refuse_access(current_actor(), grant_id=grant_id, reason=request.form.get("reason", ""))
    except InvalidInputError as error:
        flash(error.text(current_language()), "danger")
    else:
        flash(_("The request was refused; the supervisor reads the reason."), "success")
    return redirect(url_for("supervision.grant_page", grant_id=grant_id), 303)


@blueprint.post("/supervision/<grant_id>/take")
@requires(Permission.SUPERVISION_USE)
def take(grant_id: str) -> ResponseReturnValue:
    """Takes what was offered to one's login."""
    take_offer(current_actor(), grant_id=grant_id)
    flash(_("The access is yours from now on. Every look is listed on this page."), "success")
    return redirect(url_for("supervision.grant_page", grant_id=grant_id), 303)


@blueprint.post("/supervision/<grant_id>/end")
@requires(Permission.SIGNED_IN)
def end(grant_id: str) -> ResponseReturnValue:
    """Either side ends it at once."""
    try:
        end_grant(current_actor(), grant_id=grant_id, reason=request.form.get("reason", ""))
    except InvalidInputError as error:
        flash(error.text(current_language()), "danger")
    else:
        flash(_("It was ended and opens nothing any more."), "success")
    return redirect(url_for("supervision.grant_page", grant_id=grant_id), 303)


@blueprint.get("/supervision/engagements/<engagement_id>/looks")
@requires(Permission.SUPERVISION_GRANT)
def engagement_looks_page(engagement_id: str) -> ResponseReturnValue:
    """What supervisors looked at in one engagement."""
    actor = current_actor()
    looks = looks_into_engagement(actor, engagement_id=engagement_id, after=request.args.get("after"))
    view = view_engagement(actor, engagement_id=engagement_id)
    return render_template("supervision/looks.html", looks=looks, view=view)


def _picker(template: str, status: int, **words: object) -> ResponseReturnValue:
    """A page on which things are chosen from lists: what is chosen travels in the form until it is sent."""
    form, things = request.form, list[Thing]()
    chosen: Sequence[NamedThing] = ()
    try:
        things = read_things(_codes())
        chosen = name_chosen(current_actor(), things=things)
    except ArchiveError as error:
        status = _shown_refusal(error)
        things, chosen = [], ()
    text = form.get("text", "")
    found = find_choices(current_actor(), text=text) if form.get("do") or text.strip() else Choices((), ())
    taken = {thing.code for thing in chosen}
    return render_template(template, chosen=chosen, found=found, taken=taken, text=text, form=form, **words), status


def _codes() -> list[str]:
    form = request.form
    codes = [code for code in form.getlist("thing") if code != form.get("remove")]
    year = form.get("year", "").strip()
    if added := form.get("add"):
        codes.append(added)
    if with_year := form.get("add_year_of"):
        codes.append(f"{with_year}:{year}" if with_year != "body" else f"year:{year}")
    return codes


def _day() -> date:
    try:
        return date.fromisoformat(request.form.get("until", ""))
    except ValueError as error:
        raise InvalidInputError(field=N_("Until"), reason=N_("Choose a day.")) from error


def _shown_refusal(error: ArchiveError) -> int:
    flash(error.text(current_language()), "danger")
    return status_of(error)
