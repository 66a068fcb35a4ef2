"""In which language this person reads."""

from typing import Any, cast

from flask import Flask, Response, has_request_context, redirect, request
from flask_babel import Babel, get_locale

from archive_app.kernel.language import DEFAULT_LANGUAGE, LANGUAGES

LANGUAGE_COOKIE = "lantai_language"
_A_YEAR_SECONDS = 365 * 24 * 3600


def current_language() -> str:
    """The chosen language: what the person clicked last, else Chinese."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def install_language(app: Flask, zone: str) -> None:
    """Serves every page in the chosen language, with times in the archive's zone."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "web/translations"
    Babel(app, default_locale=DEFAULT_LANGUAGE, locale_selector=current_language, default_timezone=zone)

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
        LANGUAGE_COOKIE, language, max_age=_A_YEAR_SECONDS, samesite="Lax", secure=secure, httponly=True
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
