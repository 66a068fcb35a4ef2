"""Pages of the client, who has no account: the link, the code, the lines and what is brought for them.

The token of the link leaves the address at once, into a cookie; nothing on these pages names anything of the archive
but the client's own request.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Request,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.requests import bringing
from archive_app.casework.requests.answering import view_own_line, view_own_request
from archive_app.casework.requests.forms import CodeForm
from archive_app.casework.requests.opening import (
    actor_of_request,
    ask_code,
    close_session,
    enter_code,
    is_link_of_session,
    view_entrance,
)
from archive_app.casework.requests.viewing import STATES
from archive_app.documents.models import Upload
from archive_app.documents.resuming import PART_BYTES, Part
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError, read_kept
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.cookies import cookie_name
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import chosen_language, current_language, remember_language
from archive_app.web.uploads import FilePart, form_files, request_body

blueprint = Blueprint("material", __name__, template_folder="../templates")
SESSION_COOKIE, LINK_COOKIE = "lantai_material", "lantai_material_link"
_LINK_SECONDS = 3600
_GONE = 410
_LONGEST_TOKEN = 100
_REFUSALS_TOLD = 5
_LATEST_MILLISECONDS = 2**42
_LINE = "/material/lines/<id:line_id>"


def authenticate(from_browser: Request) -> Actor | None:
    """Which client sends this request, by the cookie of their session; None when it opens nothing."""
    token = from_browser.cookies.get(cookie_name(SESSION_COOKIE))
    return actor_of_request(current_archive(), token, from_browser.remote_addr or "") if token else None


@blueprint.after_request
def tell_nobody(response: Response) -> Response:
    """Nothing that a client opens from here learns where they came from."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/material/<token>")
@requires(Permission.ANYBODY)
def link_page(token: str) -> ResponseReturnValue:
    """The link: its token goes into a cookie, so that it stands in no address and no history entry of a page."""
    actor = current_actor()
    response = make_response(redirect(url_for("material.asked_page"), 303))
    if actor.may(Permission.REQUEST_ANSWER) and is_link_of_session(actor, token=token):
        return response
    _set_cookie(response, LINK_COOKIE, token[:_LONGEST_TOKEN], seconds=_LINK_SECONDS)
    _delete_cookie(response, SESSION_COOKIE)
    entrance = view_entrance(actor, token=token)
    if entrance is not None and not chosen_language():
        remember_language(response, entrance.language, secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


@blueprint.get("/material/")
@requires(Permission.ANYBODY)
def asked_page() -> ResponseReturnValue:
    """The client's lines; before that the code, and where there is no link, what to do."""
    actor = current_actor()
    if actor.may(Permission.REQUEST_ANSWER):
        return render_template(
            "requests/asked.html", asked=view_own_request(actor), states=STATES, name=actor.display_name
        )
    return _entrance(CodeForm(formdata=None))


@blueprint.post("/material/code")
@requires(Permission.ANYBODY)
def code_action() -> ResponseReturnValue:
    """Asks for a one-time code; the answer is the same whatever the link is."""
    ask_code(current_actor(), token=_link_token())
    flash(
        _(
            "If the link is good, a code is on its way: by mail to the address that the link was sent to, or from the "
            "team leader by telephone. It is good for ten minutes. If none comes, look among unwanted mail; a further "
            "one can be asked for after a while."
        ),
        "info",
    )
    return redirect(url_for("material.asked_page"), 303)


@blueprint.post("/material/open")
@requires(Permission.ANYBODY)
def open_action() -> ResponseReturnValue:
    """The code and a name open the request in this browser."""
    form = CodeForm()
    if form.validate():
        with refusals_shown_on(form):
            begun = enter_code(
                current_actor(), token=_link_token(), code=form.code.data or "", name=form.name.data or ""
            )
            response = make_response(redirect(url_for("material.asked_page"), 303))
            seconds = int((begun.expires_at - current_archive().clock.now()).total_seconds())
            _set_cookie(response, SESSION_COOKIE, begun.token, seconds=seconds)
            _delete_cookie(response, LINK_COOKIE)
            return response
    return _entrance(form)


@blueprint.post("/material/close")
@requires(Permission.REQUEST_ANSWER)
def close_action() -> ResponseReturnValue:
    """Leaves: on a computer that others use too."""
    close_session(current_actor())
    response = make_response(redirect(url_for("material.asked_page"), 303))
    _delete_cookie(response, SESSION_COOKIE)
    return response


@blueprint.get(_LINE)
@requires(Permission.REQUEST_ANSWER)
def line_page(line_id: str) -> ResponseReturnValue:
    """One line: what is asked for, what was brought, and the ways to bring more."""
    asked = view_own_line(current_actor(), line_id=line_id, after=request.args.get("after"))
    return render_template("requests/asked_line.html", asked=asked, states=STATES, part_bytes=PART_BYTES)


@blueprint.post(f"{_LINE}/files")
@requires(Permission.REQUEST_ANSWER, streaming=True)
def files_action(line_id: str) -> ResponseReturnValue:
    """A plain form brings files; each is taken or refused by itself."""
    brought, refused = 0, []
    for part in _chosen(form_files(request)):
        try:
            bringing.bring_file(
                current_actor(),
                line_id=line_id,
                name=part.name,
                stream=part.stream,
                claimed_media_type=part.media_type,
            )
            brought += 1
        except ArchiveError as error:
            refused.append(f"{part.name[:100]}: {error.text(current_language())}")
    _tell(brought, refused)
    return redirect(url_for("material.line_page", line_id=line_id), 303)


@blueprint.post(f"{_LINE}/uploads")
@requires(Permission.REQUEST_ANSWER)
def announce_action(line_id: str) -> ResponseReturnValue:
    """A script announces a file that it is going to send in parts."""
    upload = bringing.announce_file(current_actor(), line_id=line_id, file=_announced(request.get_json()))
    return jsonify(_shown(upload, line_id))


@blueprint.get(f"{_LINE}/uploads/<id:upload_id>")
@requires(Permission.REQUEST_ANSWER)
def upload_line(line_id: str, upload_id: str) -> ResponseReturnValue:
    """Where an announced file stands, for a sender whose line broke."""
    return jsonify(_shown(bringing.view_announced(current_actor(), line_id=line_id, upload_id=upload_id), line_id))


@blueprint.put(f"{_LINE}/uploads/<id:upload_id>/parts/<int:start>")
@requires(Permission.REQUEST_ANSWER, streaming=True)
def part_action(line_id: str, upload_id: str, start: int) -> ResponseReturnValue:
    """A script sends a part of an announced file; the last one delivers it."""
    stream, length = request_body(request)
    upload = bringing.bring_part(
        current_actor(),
        line_id=line_id,
        upload_id=upload_id,
        part=Part(start, stream, length, request.mimetype),
    )
    return jsonify(_shown(upload, line_id)), 200 if upload.state == "waiting" else 201


@blueprint.post("/material/deliveries/<id:delivery_id>/take-back")
@requires(Permission.REQUEST_ANSWER)
def take_back_action(delivery_id: str) -> ResponseReturnValue:
    """Takes back a file that nobody decided about."""
    line_id = bringing.take_back(current_actor(), delivery_id=delivery_id)
    flash(_("The file was taken back."), "success")
    return redirect(url_for("material.line_page", line_id=line_id), 303)


def _entrance(form: CodeForm) -> ResponseReturnValue:
    token = _link_token()
    entrance = view_entrance(current_actor(), token=token) if token else None
    page = render_template("requests/entrance.html", entrance=entrance, has_link=bool(token), form=form)
    return page, form_status(form) if entrance or not token else _GONE


def _link_token() -> str:
    return request.cookies.get(cookie_name(LINK_COOKIE), "")


def _set_cookie(response: Response, name: str, value: str, *, seconds: int) -> None:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(cookie_name(name), value, max_age=seconds, httponly=True, samesite="Lax", secure=secure)


def _delete_cookie(response: Response, name: str) -> None:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.delete_cookie(cookie_name(name), httponly=True, samesite="Lax", secure=secure)


def _chosen(parts: Iterable[FilePart]) -> Iterable[FilePart]:
    """The files that were chosen: a control without a choice is sent as a file without a name."""
    return (part for part in parts if part.name)


def _tell(brought: int, refused: list[str]) -> None:
    if brought:
        flash(_("%(count)s files arrived whole.", count=brought), "success")
    for words in refused[:_REFUSALS_TOLD]:
        flash(words, "danger")
    if len(refused) > _REFUSALS_TOLD:
        flash(_("%(count)s more were not taken.", count=len(refused) - _REFUSALS_TOLD), "danger")
    if not brought and not refused:
        flash(_("No file was chosen."), "warning")


def _announced(told: Any) -> bringing.Announced:
    told = told if isinstance(told, dict) else {}
    name, size, modified = told.get("name"), told.get("size"), told.get("modified")
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise InvalidInputError(field=N_("Files"), reason=N_("The size of a file is missing."))
    moment = None
    if type(modified) is int and 0 < modified < _LATEST_MILLISECONDS:
        moment = datetime.fromtimestamp(modified / 1000, UTC)
    return bringing.Announced(name, size, moment)


def _shown(upload: Upload, line_id: str) -> dict[str, object]:
    named: dict[str, Any] = {"line_id": line_id, "upload_id": upload.id}
    return {
        "name": upload.name,
        "size": upload.size_bytes,
        "received": upload.received_bytes,
        "state": upload.state,
        "reason": read_kept(upload.reason, current_language()),
        "address": url_for("material.upload_line", **named),
        "parts": url_for("material.part_action", **named, start=0).removesuffix("0"),
    }
