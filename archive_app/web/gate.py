"""The gate: who is this, may they come in, and did the request come from our own page.

Every route declares its permission with `requires`; a route without one is refused for everybody. Pages know people by
their session's cookie, the JSON interface below `/api/` by an access token; neither believes the other's.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Request, Response, current_app, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse
from wtforms.validators import ValidationError

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    EnrolmentRequiredError,
    PermissionMissingError,
    SecondFactorRequiredError,
    SignInRequiredError,
)
from archive_app.kernel.feature import Door
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.use_case import require_confirmed
from archive_app.web.api.problems import is_for_programs
from archive_app.web.cookies import cookie_name
from archive_app.web.hardening import check_characters, check_form_characters, check_host, check_site, harden
from archive_app.web.static_files import is_static

P = ParamSpec("P")
R = TypeVar("R")
Authenticator = Callable[[Request], Actor | None]

SESSION_COOKIE = "lantai_session"
CSRF_HEADER = "X-CSRF-Token"
FORM_LIMIT_BYTES = 2 * 2**20
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

csrf = CSRFProtect()


class TokenRequiredError(ArchiveError):
    """The JSON interface was asked without a token that opens something."""

    code = "token_required"
    message = N_(
        "There is no valid access token with this request. Nothing was changed. Make one on your account page and send "
        "it as: Authorization: Bearer …"
    )


class DoorClosedError(ArchiveError):
    """A script of a page behind a door goes on after its session, or the link itself, has ended."""

    code = "door_closed"
    message = N_(
        "This page is no longer open here: the link has expired or was ended, or nobody used the page for a while. "
        "What arrived whole was kept. Open the link that you were sent once more."
    )


# By what a person awaits (see Actor): the page that asks for it, and the refusal of everything that is not a page.
AWAITED_PAGES = {"second_factor": "signing.second_factor_page", "enrolment": "signing.enrolment_page"}
_REFUSALS: dict[str, type[ArchiveError]] = {
    "second_factor": SecondFactorRequiredError,
    "enrolment": EnrolmentRequiredError,
}


def requires(
    permission: Permission, *, streaming: bool = False, confirmed: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares the permission of a route. A `streaming` route reads its body itself, and its request token comes in
    a header, or in the first field of the form where `web.uploads` checks it before any file. A `confirmed` route
    first sends people who did not prove lately who they are to the page that asks; what comes late is refused there."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.permission = permission  # type: ignore[attr-defined]  # read by `_admit` and the architecture tests
        view.streaming = streaming  # type: ignore[attr-defined]
        view.confirmed = confirmed  # type: ignore[attr-defined]
        return view

    return mark


def current_actor() -> Actor:
    """Who makes this request."""
    return cast("Actor", g.actor)


def is_confirmed() -> bool:
    """Whether whoever makes this request proved lately who they are, so that a page can offer what asks for it."""
    try:
        require_confirmed(current_actor(), current_archive())
    except ConfirmationRequiredError:
        return False
    return True


def install_gate(app: Flask, archive: Archive, authenticate: Authenticator, by_token: Authenticator) -> None:
    """Puts the gate before every request of `app`."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)

    @app.before_request
    def admit() -> BaseResponse | None:
        g.activation = archive.activate()
        g.activation.__enter__()
        _bound_silence(app.config["LANTAI_STALL_SECONDS"])
        for_programs = is_for_programs()
        g.actor = Actor.anonymous(via="api" if for_programs else "web", address=request.remote_addr or "")
        check_host()
        if is_static(request.endpoint):
            return None
        g.actor = (by_token if for_programs else authenticate)(request) or g.actor
        if request.endpoint is None:
            return None
        view = app.view_functions[request.endpoint]
        # Uploads are streams with a limit of their own; everything else is a small form, refused before it is parsed.
        request.max_content_length = None if getattr(view, "streaming", False) else FORM_LIMIT_BYTES
        request.max_form_memory_size = FORM_LIMIT_BYTES
        return _admit(app, archive)

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if activation := g.pop("activation", None):
            activation.__exit__(None, None, None)

    app.after_request(harden)


def _bound_silence(seconds: int) -> None:
    # A thread waits for a slow sender or reader, but not for ever for one that has gone silent. The server gives the
    # socket to the application; it makes it blocking again itself before the next request of the connection.
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(seconds)


def _admit(app: Flask, archive: Archive) -> BaseResponse | None:
    view: Any = app.view_functions[request.endpoint or ""]
    permission = getattr(view, "permission", None)
    if permission is None:
        app.logger.error("route %s declares no permission", request.endpoint)
        raise NotFound
    actor = current_actor()
    if not actor.may(permission):
        note_denial(archive, actor, permission, {})
        return _lead_or_refuse(actor, permission)
    check_characters()
    # No browser sends a bearer token by itself, so no other site can make it send one.
    if request.method not in _SAFE_METHODS and not is_for_programs():
        _check_origin_token(streaming=getattr(view, "streaming", False))
    if getattr(view, "confirmed", False) and not is_confirmed():
        if _asks_for_a_page():
            return _redirect_to("signing.confirm_page")
        raise ConfirmationRequiredError
    return None


def _lead_or_refuse(actor: Actor, permission: Permission) -> BaseResponse:
    """Shows somebody who wants a page the one that keeps them from it; refuses everybody else."""
    if actor.person_id is not None and not actor.awaits:
        raise PermissionMissingError(permission=permission)
    if is_for_programs() and not actor.awaits:
        raise TokenRequiredError
    entrance = next((door.entrance for door in _doors() if request.path.startswith(door.prefix)), None)
    if entrance is not None:
        # Forms too: whoever sent one has no other page that tells them why it was not taken.
        if request.accept_mimetypes.accept_html and not request.headers.get(CSRF_HEADER):
            return _redirect_to(entrance, come_back=False)
        raise DoorClosedError
    if _asks_for_a_page():
        return _redirect_to(AWAITED_PAGES.get(actor.awaits, "identity.sign_in_page"))
    raise _REFUSALS.get(actor.awaits, SignInRequiredError)


def _doors() -> list[Door]:
    return cast("list[Door]", current_app.extensions["lantai_doors"])


def _asks_for_a_page() -> bool:
    return request.method in {"GET", "HEAD"} and request.accept_mimetypes.accept_html and not is_for_programs()


def _redirect_to(endpoint: str, *, come_back: bool = True) -> BaseResponse:
    address = url_for(endpoint, next=request.full_path.rstrip("?")) if come_back else url_for(endpoint)
    return redirect(address, 303)


def _check_origin_token(*, streaming: bool) -> None:
    check_site()
    if not streaming:
        csrf.protect()
        check_form_characters()
    elif token := request.headers.get(CSRF_HEADER):
        check_token(token)
    else:
        # The parser of streamed forms must see the token before it hands out a file.
        g.token_unchecked = True


def check_token(token: str | None) -> None:
    """Refuses a request token that this browser was not given. Raises: CSRFError."""
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CSRFError(str(error)) from error
    g.token_unchecked = False


def session_token(from_browser: Request) -> str | None:
    """The session token that a browser sent."""
    return from_browser.cookies.get(cookie_name(SESSION_COOKIE))


def set_session_cookie(response: Response, token: str, expires: datetime, *, secure: bool) -> None:
    """Gives the browser its session token."""
    response.set_cookie(
        cookie_name(SESSION_COOKIE), token, expires=expires, httponly=True, samesite="Lax", secure=secure
    )


def clear_session_cookie(response: Response, *, secure: bool) -> None:
    """Takes the session token back, and what scripts kept in the browser for the person."""
    response.headers["Clear-Site-Data"] = '"storage"'
    response.delete_cookie(cookie_name(SESSION_COOKIE), httponly=True, samesite="Lax", secure=secure)
