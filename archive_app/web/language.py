"""In which language this person reads."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import Flask, Response, g, has_request_context, redirect, request
from flask_babel import Babel, get_locale

from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES, catalogue
from archive_app.web.api.problems import is_for_programs
from archive_app.web.cookies import cookie_name

LANGUAGE_COOKIE = "lantai_language"
_WANTED = {"zh": DEFAULT_LANGUAGE, "zh-CN": DEFAULT_LANGUAGE, "en": "en"}
_A_YEAR_SECONDS = 365 * 24 * 3600


def current_language() -> str:
    """What the person clicked last, or what a program asks for by Accept-Language; else Chinese."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    # A page asks some sixty times.
    if "language" not in g:
        g.language = _asked_language()
    return cast("str", g.language)


def _asked_language() -> str:
    if is_for_programs():
        return _WANTED[request.accept_languages.best_match(_WANTED, "zh")]
    return chosen_language() or DEFAULT_LANGUAGE


def chosen_language() -> str:
    """What was chosen in this browser, empty where nothing was."""
    chosen = request.cookies.get(cookie_name(LANGUAGE_COOKIE), "")
    return chosen if chosen in LANGUAGES else ""


def _text(message: str) -> str:
    return catalogue(current_language()).gettext(message)


def _plural(one: str, many: str, count: int) -> str:
    return catalogue(current_language()).ngettext(one, many, count)


def install_language(app: Flask, zone: str) -> None:
    """Serves every page in the chosen language, with times in the archive's zone."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "web/translations"
    Babel(app, default_locale=DEFAULT_LANGUAGE, locale_selector=current_language, default_timezone=zone)
    # A page asks for some sixty texts: they come straight from the catalogue of the request's language.
    app.jinja_env.install_gettext_callables(_text, _plural, newstyle=True)  # type: ignore[attr-defined]  # by extension
    own_zone = ZoneInfo(zone)

    @app.template_filter()
    def local_time(moment: datetime, *, seconds: bool = False) -> str:
        """An instant in the archive's zone, the same in every language: 2026-11-21 14:05."""
        return moment.astimezone(own_zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")

    @app.context_processor
    def language() -> dict[str, Any]:
        locale = get_locale()
        return {
            "language": current_language(),
            "languages": LANGUAGES,
            "html_lang": "zh-CN" if locale and locale.language == "zh" else "en",
        }


def remember_language(response: Response, language: str, *, secure: bool) -> Response:
    """Keeps the choice in the browser; it is no secret and says nothing about the person."""
    response.set_cookie(
        cookie_name(LANGUAGE_COOKIE), language, max_age=_A_YEAR_SECONDS, samesite="Lax", secure=secure, httponly=True
    )
    return response


def local_path(target: str | None, fallback: str) -> str:
    """`target` if it is a path on this server, else `fallback`: no redirect ever leaves the archive."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target:
        return target if target.isprintable() else fallback
    return fallback


def redirect_back(fallback: str) -> Response:
    """Sends the browser to the form's `next` path."""
    target = local_path(request.form.get("next") or request.args.get("next"), fallback)
    return cast("Response", redirect(target, 303))
