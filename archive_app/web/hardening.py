"""What every answer tells the browser, and which requests are refused whoever sends them.

The headers are those of OWASP ASVS 5.0 level 2 and stricter (docs/security/asvs.md); errors carry them too.
"""

import ipaddress
import logging
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from flask.json.provider import DefaultJSONProvider
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from archive_app.kernel.errors import ArchiveError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.web.api.problems import is_for_programs
from archive_app.web.static_files import is_fingerprinted, is_static

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_A_YEAR = 365 * 24 * 3600
_NAMES_LOGGED = 20
_OWN_SITE = {"same-origin", "none"}
# Nothing from elsewhere, nothing inline, no plug-ins, no frames; no script of ours writes markup, so none may.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_UNUSED_FEATURES = (
    "accelerometer",
    "autoplay",
    "bluetooth",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "web-share",
    "window-management",
    "xr-spatial-tracking",
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _UNUSED_FEATURES),
    "X-Permitted-Cross-Domain-Policies": "none",
}
log = logging.getLogger("lantai.web")


class UnknownHostError(ArchiveError):
    """The request names a host that this archive is not."""

    code = "unknown_host"
    message = N_(
        "This archive is not reached under that name. Nothing was changed; use the address that you were given. "
        "Operators set it as web.base_url."
    )


class BoundedJson(DefaultJSONProvider):
    """JSON of pages: what is nested too deep for the parser is no JSON, rather than an error of ours."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value. Raises: ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def own_hosts(base_url: str, host: str) -> frozenset[str]:
    """The names under which the archive answers; none where that cannot be told, and then it answers under any.

    `base_url` is what the operator configured, empty where they did not; `host` is the address that is listened on.
    """
    if base_url:
        return _LOOPBACK | {_name_of(urlsplit(base_url).netloc), host.lower()}
    return _LOOPBACK | {host.lower()} if _is_loopback(host) else frozenset()


def check_host() -> None:
    """Refuses a request for a name that is not ours: it would end up in links, and a page of another site could point
    a name of its own at a service that listens on this machine only. Raises: UnknownHostError."""
    known: frozenset[str] = current_app.config["LANTAI_HOSTS"]
    name = _name_of(request.host)
    if known and name not in known:
        told: set[str] = current_app.extensions.setdefault("lantai_unknown_hosts", set())
        if len(told) < _NAMES_LOGGED and name not in told:
            told.add(name)
            log.warning("refused requests for the host %r: known are %s", name[:100], ", ".join(sorted(known)))
        raise UnknownHostError


def check_site() -> None:
    """Refuses a change that the browser says another site asked for, whatever token comes with it. Raises: CSRFError.

    Older browsers say nothing, so the request token stays what is relied upon.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
        raise CSRFError("another site asked for this")


def check_characters() -> None:
    """Refuses a NUL in an address: no name and no identifier has one, and PostgreSQL takes none.

    Raises: NotFoundError for one in an identifier, which answers like any other of nothing; BadRequest for one in the
    query. A token is only ever digested.
    """
    if any("\0" in str(value) for name, value in (request.view_args or {}).items() if name != "token"):
        raise NotFoundError
    if not is_for_programs():
        # The JSON interface names the parameter by itself.
        _refuse_nul(request.args)


def check_form_characters() -> None:
    """The same for the fields of a form. Raises: BadRequest."""
    _refuse_nul(request.form)


def _refuse_nul(fields: MultiDict[str, str]) -> None:
    if any("\0" in text for pair in fields.items(multi=True) for text in pair):
        raise BadRequest


def harden(response: Response) -> Response:
    """Puts the security headers on an answer, whatever it is."""
    secure = cast("bool", current_app.config["SESSION_COOKIE_SECURE"]) or request.is_secure
    # A page may ask that browsers tell less about it than the others do.
    told_less = response.headers.get("Referrer-Policy") == "no-referrer"
    response.headers.update({**_HEADERS, "Referrer-Policy": "no-referrer"} if told_less else _HEADERS)
    response.headers["Content-Security-Policy"] = f"{_CSP}; upgrade-insecure-requests" if secure else _CSP
    if secure:
        # A browser that was reached without encryption ignores this (RFC 6797 §8.1).
        response.headers["Strict-Transport-Security"] = f"max-age={_A_YEAR}; includeSubDomains"
    if not is_static(request.endpoint):
        response.headers.setdefault("Cache-Control", "no-store")
    elif is_fingerprinted() and response.status_code in {200, 304}:
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
    return response


def install_hardening(app: Flask, base_url: str, host: str) -> None:
    """Tells `app` under which names it answers."""
    app.config["LANTAI_HOSTS"] = own_hosts(base_url, host)


def _name_of(host: str) -> str:
    """The name or address in a Host header, without its port, as browsers send it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name.encode("idna").decode("ascii") if not name.isascii() else name
    except ValueError:
        return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
