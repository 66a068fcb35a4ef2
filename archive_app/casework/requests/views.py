"""Pages of the team: the requests of an engagement, one of them, one line with what was brought."""

from typing import Any

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.recording import RecordIncompleteError
from archive_app.casework.requests.deciding import accept_line, return_delivery, return_line, tell_returned
from archive_app.casework.requests.forms import EMPTY_LINES, LinkForm, RequestForm, lines_of_form
from archive_app.casework.requests.preparing import change_request, make_request, require_leading
from archive_app.casework.requests.sending import CODE_LASTS, end_request, make_code, send_request
from archive_app.casework.requests.viewing import STATES, RequestView, list_requests, view_line, view_request
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.standing import view_standing
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "requests", __name__, template_folder="templates", static_folder="static", static_url_path="/requests/static"
)
_FRESH = "fresh_material"
_DIGITS = 4
_REQUEST = "/engagements/<id:engagement_id>/material/<id:material_id>"
_LINE = "/engagements/<id:engagement_id>/material/lines/<id:line_id>"


@blueprint.get("/engagements/<id:engagement_id>/material")
@requires(Permission.ENGAGEMENTS_READ)
def requests_page(engagement_id: str) -> ResponseReturnValue:
    """The requests of an engagement, with the states of their lines at a glance."""
    actor = current_actor()
    return render_template(
        "requests/requests.html",
        view=view_engagement(actor, engagement_id=engagement_id),
        page=list_requests(actor, engagement_id=engagement_id, after=request.args.get("after")),
        may_manage=view_standing(actor, engagement_id=engagement_id).leads and actor.may(Permission.REQUESTS_MANAGE),
        states=STATES,
        today=current_archive().today(),
    )


@blueprint.route("/engagements/<id:engagement_id>/material/new", methods=["GET", "POST"])
@requires(Permission.REQUESTS_MANAGE)
def new_page(engagement_id: str) -> ResponseReturnValue:
    """Prepares a request from the lines of the scheme."""
    actor = current_actor()
    require_leading(actor, engagement_id=engagement_id)
    view = view_engagement(actor, engagement_id=engagement_id)
    form = RequestForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            made = make_request(actor, engagement_id=engagement_id, wish=form.wish())
            return redirect(url_for("requests.edit_page", engagement_id=engagement_id, material_id=made.id), 303)
    elif request.method == "GET":
        form.language.data = current_language()
    return render_template("requests/new.html", view=view, form=form), form_status(form)


@blueprint.get(_REQUEST)
@requires(Permission.ENGAGEMENTS_READ)
def request_page(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """One request; right after a link or a code was made, with it."""
    view = _view(engagement_id, material_id)
    fresh = _fresh(material_id)
    link = fresh.get("link", "")
    rules = current_archive().rules.requests
    return render_template(
        "requests/request.html",
        view=view,
        states=STATES,
        today=current_archive().today(),
        link=link,
        picture=segno.make_qr(link, error="m").svg_data_uri(scale=5, border=4, light="#fff") if link else "",
        code=fresh.get("code", ""),
        code_minutes=int(CODE_LASTS.total_seconds() // 60),
        may_manage=view.leads and current_actor().may(Permission.REQUESTS_MANAGE),
        form=LinkForm(formdata=None, days=rules.link.days),
        longest=rules.longest_link.days,
    )


@blueprint.route(f"{_REQUEST}/edit", methods=["GET", "POST"])
@requires(Permission.REQUESTS_MANAGE)
def edit_page(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """Adapts a request: whom it is for, and its lines."""
    require_leading(current_actor(), engagement_id=engagement_id)
    view = _view(engagement_id, material_id)
    asked = view.summary.request
    form = RequestForm(current_language(), obj=asked, data={"address": view.summary.address})
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_request(
                current_actor(),
                request_id=material_id,
                wish=form.wish(),
                lines=lines_of_form(request.form),
                seen=request.form.get("seen", ""),
            )
            flash(_("The request was changed."), "success")
            return _back_to(engagement_id, material_id)
    page = render_template(
        "requests/edit.html",
        view=view,
        form=form,
        rows=_rows(view),
        types=all_record_types(),
        edition=request.form.get("seen") or view.edition,
    )
    return page, form_status(form)


@blueprint.post(f"{_REQUEST}/send")
@requires(Permission.REQUESTS_MANAGE)
def send_action(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """Makes a link, and mails it or shows it once."""
    _view(engagement_id, material_id)
    days = request.form.get("days", "", str)
    by_mail = request.form.get("way") == "mail"
    sent = send_request(
        current_actor(), request_id=material_id, by_mail=by_mail, days=int(days) if _is_number(days) else 0
    )
    if by_mail:
        flash(_("The link is on its way to %(address)s.", address=sent.request.address), "success")
    else:
        address = current_app.config["LANTAI_BASE_URL"] + url_for("material.link_page", token=sent.token)
        session[_FRESH] = (material_id, {"link": address})
    return _back_to(engagement_id, material_id)


@blueprint.post(f"{_REQUEST}/end")
@requires(Permission.REQUESTS_MANAGE)
def end_action(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """Ends a request."""
    _view(engagement_id, material_id)
    end_request(current_actor(), request_id=material_id)
    flash(_("The link opens nothing any more. What was brought stays."), "success")
    return _back_to(engagement_id, material_id)


@blueprint.post(f"{_REQUEST}/code")
@requires(Permission.REQUESTS_MANAGE, confirmed=True)
def code_action(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """Makes a one-time code, and shows it once."""
    _view(engagement_id, material_id)
    session[_FRESH] = (material_id, {"code": make_code(current_actor(), request_id=material_id)})
    return _back_to(engagement_id, material_id)


@blueprint.post(f"{_REQUEST}/returned")
@requires(Permission.REQUESTS_MANAGE)
def tell_action(engagement_id: str, material_id: str) -> ResponseReturnValue:
    """Tells the client by mail of lines that were returned."""
    _view(engagement_id, material_id)
    told = tell_returned(current_actor(), request_id=material_id)
    flash(_("%(recipient)s is told by mail.", recipient=told.recipient), "success")
    return _back_to(engagement_id, material_id)


@blueprint.get(_LINE)
@requires(Permission.DOCUMENTS_READ)
def line_page(engagement_id: str, line_id: str) -> ResponseReturnValue:
    """One line with what was brought for it."""
    actor = current_actor()
    view = view_line(actor, line_id=line_id, after=request.args.get("after"))
    if view.engagement.id != engagement_id:
        raise NotFoundError
    return render_template(
        "requests/line.html",
        view=view,
        states=STATES,
        today=current_archive().today(),
        may_decide=view.works and actor.may(Permission.RECORDS_ACCEPT),
    )


@blueprint.post(f"{_LINE}/accept")
@requires(Permission.RECORDS_ACCEPT)
def accept_action(engagement_id: str, line_id: str) -> ResponseReturnValue:
    """Accepts what was brought for a line."""
    try:
        line = accept_line(current_actor(), line_id=line_id)
        flash(_("%(name)s was accepted.", name=line.name), "success")
    except RecordIncompleteError as error:
        flash(error.text(current_language()), "danger")
    return _back_to_line(engagement_id, line_id)


@blueprint.post(f"{_LINE}/return")
@requires(Permission.RECORDS_ACCEPT)
def return_action(engagement_id: str, line_id: str) -> ResponseReturnValue:
    """Returns a line to the client with a reason."""
    line = return_line(current_actor(), line_id=line_id, reason=request.form.get("reason", ""))
    flash(_("%(name)s was returned; the client sees the reason.", name=line.name), "success")
    return _back_to_line(engagement_id, line_id)


@blueprint.post("/engagements/<id:engagement_id>/material/deliveries/<id:delivery_id>/return")
@requires(Permission.RECORDS_ACCEPT)
def return_file_action(engagement_id: str, delivery_id: str) -> ResponseReturnValue:
    """Returns one file to the client with a reason."""
    line = return_delivery(current_actor(), delivery_id=delivery_id, reason=request.form.get("reason", ""))
    flash(_("The file was returned; the client sees the reason."), "success")
    return _back_to_line(engagement_id, line.id)


def _view(engagement_id: str, material_id: str) -> RequestView:
    view = view_request(current_actor(), request_id=material_id)
    if view.engagement.id != engagement_id:
        raise NotFoundError
    return view


def _fresh(request_id: str) -> dict[str, str]:
    """The link or the code that was just made, if it is of this request; nobody sees it again."""
    fresh_for, fresh = session.pop(_FRESH, (None, {}))
    return fresh if fresh_for == request_id else {}


def _rows(view: RequestView) -> list[dict[str, Any]]:
    """The lines as the form shows them: as they were typed where something was refused, else as they stand."""
    if request.method == "POST":
        numbers = sorted(int(key.removeprefix("order-")) for key in request.form if key.startswith("order-"))
        names = ("line", "order", "name", "type", "explanation", "example", "due", "drop")
        return [{name: request.form.get(f"{name}-{number}", "") for name in names} for number in numbers]
    rows: list[dict[str, Any]] = [
        {
            "line": one.line.id,
            "order": place * 10,
            "name": one.line.name,
            "type": one.line.record_type,
            "explanation": one.line.explanation,
            "example": one.line.example,
            "due": one.line.due_on.isoformat() if one.line.due_on else "",
            "drop": "",
            "files": one.files,
        }
        for place, one in enumerate(view.summary.lines, start=1)
    ]
    return [*rows, *({"order": (len(rows) + place) * 10} for place in range(1, EMPTY_LINES + 1))]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def _back_to(engagement_id: str, material_id: str) -> ResponseReturnValue:
    return redirect(url_for("requests.request_page", engagement_id=engagement_id, material_id=material_id), 303)


def _back_to_line(engagement_id: str, line_id: str) -> ResponseReturnValue:
    return redirect(url_for("requests.line_page", engagement_id=engagement_id, line_id=line_id), 303)
