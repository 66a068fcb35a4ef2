"""Pages of the work list: my work, how I am told, what became of mail, and the calendar."""

from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.routing import BuildError

from archive_app.kernel.language import translate
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.worklist.entering import enter_notice, preview_notice, view_calendar
from archive_app.worklist.forms import CalendarForm, WishForm
from archive_app.worklist.kinds import KINDS
from archive_app.worklist.notices import REFUSED, UNCERTAIN
from archive_app.worklist.posted import STATES, give_up, list_troubles, send_again
from archive_app.worklist.wishes import ask_again, change_wish, confirm_address, view_wish
from archive_app.worklist.work import GROUPS, WorkFilters, WorkLine, find_task, list_work, note_task

blueprint = Blueprint("worklist", __name__, template_folder="templates")


@blueprint.get("/work")
@requires(Permission.WORK_READ)
def work_page() -> ResponseReturnValue:
    """My work: what waits for me, overdue first."""
    filters = WorkFilters(
        engagement=request.args.get("engagement", "").strip(),
        kind=request.args.get("kind", ""),
        overdue=request.args.get("overdue") == "1",
    )
    page = list_work(current_actor(), filters=filters, after=request.args.get("after"))
    kinds = sorted(
        ((kind.code, translate(current_language(), kind.words)) for kind in KINDS.values()), key=lambda pair: pair[1]
    )
    return render_template(
        "worklist/work.html",
        page=page,
        filters=filters,
        kinds=kinds,
        groups=GROUPS,
        runs=[(group, list(lines)) for group, lines in groupby(page.items, key=attrgetter("group"))],
        place_of=_place_of,
    )


@blueprint.get("/tasks/<id:task_id>")
@requires(Permission.WORK_READ)
def task_page(task_id: str) -> ResponseReturnValue:
    """Leads from a mail to where the task is done."""
    line = find_task(current_actor(), task_id=task_id)
    place = _place_of(line)
    if line.task.closed_at is not None or place is None:
        flash(_("This is done already.") if line.task.closed_at else _("It waits in your list."), "info")
        return redirect(url_for("worklist.work_page"), 303)
    return redirect(place, 303)


@blueprint.post("/tasks/<id:task_id>/noted")
@requires(Permission.WORK_READ)
def note_action(task_id: str) -> ResponseReturnValue:
    """Takes note of what asks for nothing more."""
    note_task(current_actor(), task_id=task_id)
    flash(_("Noted."), "success")
    return redirect(url_for("worklist.work_page"), 303)


@blueprint.route("/account/notices", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def wish_page() -> ResponseReturnValue:
    """How and when I am told."""
    actor = current_actor()
    view = view_wish(actor)
    form = WishForm(view.wish)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_wish(actor, wish=form.wish())
            moved = form.wish().address not in {view.wish.address, ""}
            flash(_("Saved. Open the link that is mailed to this address.") if moved else _("Saved."), "success")
            return redirect(url_for("worklist.wish_page"), 303)
    return render_template("worklist/wish.html", view=view, form=form), form_status(form)


@blueprint.post("/account/notices/ask-again")
@requires(Permission.SIGNED_IN)
def ask_again_action() -> ResponseReturnValue:
    """Mails the link to the address once more."""
    ask_again(current_actor())
    flash(_("Another link is on its way; earlier ones open nothing any more."), "success")
    return redirect(url_for("worklist.wish_page"), 303)


@blueprint.get("/account/notices/confirm/<token>")
@requires(Permission.SIGNED_IN)
def confirm_page(token: str) -> ResponseReturnValue:
    """Asks before an address is confirmed: whatever opens links by itself confirms nothing."""
    return render_template("worklist/confirm_address.html", token=token, view=view_wish(current_actor()))


@blueprint.post("/account/notices/confirm/<token>")
@requires(Permission.SIGNED_IN)
def confirm_action(token: str) -> ResponseReturnValue:
    """Confirms the address that the link was mailed to."""
    confirm_address(current_actor(), token=token)
    flash(_("Your address is confirmed."), "success")
    return redirect(url_for("worklist.wish_page"), 303)


@blueprint.get("/health/mail")
@requires(Permission.HEALTH_READ)
def mail_page() -> ResponseReturnValue:
    """Notices that somebody should look at."""
    actor = current_actor()
    page = list_troubles(actor, after=request.args.get("after"))
    look = {UNCERTAIN: "watch", REFUSED: "bad"}
    return render_template(
        "worklist/mail.html", page=page, states=STATES, look=look, may_act=actor.may(Permission.HEALTH_MANAGE)
    )


@blueprint.post("/health/mail/<id:notice_id>/again")
@requires(Permission.HEALTH_MANAGE)
def send_again_action(notice_id: str) -> ResponseReturnValue:
    """Has a notice sent again."""
    send_again(current_actor(), notice_id=notice_id)
    flash(_("It will be sent again."), "success")
    return redirect(url_for("worklist.mail_page"), 303)


@blueprint.post("/health/mail/<id:notice_id>/give-up")
@requires(Permission.HEALTH_MANAGE)
def give_up_action(notice_id: str) -> ResponseReturnValue:
    """Gives a notice up."""
    give_up(current_actor(), notice_id=notice_id)
    flash(_("It was given up."), "success")
    return redirect(url_for("worklist.mail_page"), 303)


@blueprint.route("/calendar", methods=["GET", "POST"])
@requires(Permission.CALENDAR_MANAGE)
def calendar_page() -> ResponseReturnValue:
    """How far the calendar goes, and the form to enter a year's notice: looked at first, kept then."""
    actor, days = current_actor(), None
    form = CalendarForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            if form.keep.data:
                enter_notice(actor, year=form.year.data, notice=form.notice.data, text=form.text.data)
                flash(_("The holidays of %(year)s are kept.", year=form.year.data), "success")
                return redirect(url_for("worklist.calendar_page"), 303)
            days = preview_notice(actor, year=form.year.data, text=form.text.data)
    shown = render_template("worklist/calendar.html", view=view_calendar(actor), form=form, days=days)
    return shown, form_status(form)


def _place_of(line: WorkLine) -> str | None:
    """The address of the page where a task is done; None where this program has no such page."""
    if line.kind is None:
        return None
    values: dict[str, Any] = {"engagement_id": line.task.engagement_id} if line.task.engagement_id else {}
    if line.kind.subject_argument:
        values[line.kind.subject_argument] = line.task.subject_id
    try:
        return url_for(line.kind.endpoint, **values)
    except BuildError:
        return None
