"""The gate: who is this, may they come in, and did the request come from our own page.

Every route declares its permission with `requires`; a route without one is refused for everybody. Pages know people by
their session's cookie, the JSON interface below `/api/` by an access token; neither believes the other's.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Request, Response, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse
from wtforms.validators import ValidationError

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError, PermissionMissingError, SignInRequiredError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.api.problems import is_for_programs

P = ParamSpec("P")
R = TypeVar("R")
Authenticator = Callable[[Request], Actor | None]

SESSION_COOKIE = "lantai_session"
CSRF_HEADER = "X-CSRF-Token"
FORM_LIMIT_BYTES = 2 * 2**20
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

csrf = CSRFProtect()


class TokenRequiredError(ArchiveError):
    """The JSON interface was asked without a token that opens something."""

    code = "token_required"
    message = N_(
        "There is no valid access token with this request. Nothing was changed. Make one on your account page and send "
        "it as: Authorization: Bearer …"
    )


def requires(permission: Permission, *, streaming: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declares the permission of a route. A `streaming` route reads its body itself, and its request token comes in
    a header, or in the first field of the form where `web.uploads` checks it before any file."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.permission = permission  # type: ignore[attr-defined]  # read by `_admit` and the architecture tests
        view.streaming = streaming  # type: ignore[attr-defined]
        return view

    return mark


def current_actor() -> Actor:
    """Who makes this request."""
    return cast("Actor", g.actor)


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
        if request.endpoint is not None and request.endpoint.endswith("static"):
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

    app.after_request(_harden)


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
        if actor.person_id is not None:
            raise PermissionMissingError(permission=permission)
        if is_for_programs():
            raise TokenRequiredError
        if request.method == "GET" and request.accept_mimetypes.accept_html:
            return redirect(url_for("identity.sign_in_page", next=request.full_path.rstrip("?")), 303)
        raise SignInRequiredError
    # No browser sends a bearer token by itself, so no other site can make it send one.
    if request.method not in _SAFE_METHODS and not is_for_programs():
        _check_origin_token(streaming=getattr(view, "streaming", False))
    return None


def _check_origin_token(*, streaming: bool) -> None:
    if not streaming:
        csrf.protect()
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


def set_session_cookie(response: Response, token: str, expires: datetime, *, secure: bool) -> None:
    """Gives the browser its session token."""
    response.set_cookie(SESSION_COOKIE, token, expires=expires, httponly=True, samesite="Lax", secure=secure)


def clear_session_cookie(response: Response, *, secure: bool) -> None:
    """Takes the session token back."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="Lax", secure=secure)


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint and not request.endpoint.endswith("static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
