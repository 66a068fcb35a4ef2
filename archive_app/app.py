"""The web application: the gate, the pages and the JSON interface of all features, nothing else."""

from collections.abc import Sequence
from importlib import import_module

from flask import Flask, Request
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Feature
from archive_app.settings import Settings
from archive_app.web.api.service import add_room, install_api
from archive_app.web.cookies import prefixed
from archive_app.web.errors import install_errors
from archive_app.web.gate import Authenticator, current_actor, install_gate
from archive_app.web.hardening import BoundedJson, install_hardening
from archive_app.web.health import probe_jobs, probe_space
from archive_app.web.language import install_language
from archive_app.web.static_files import install_static_files


def create_app(archive: Archive, settings: Settings, features: Sequence[Feature]) -> Flask:
    """The service for one archive."""
    from archive_app.identity.api import by_token
    from archive_app.identity.views import authenticate

    app = Flask("archive_app", static_folder=None, static_url_path="/static")
    app.config.update(
        SECRET_KEY=archive.vault.keyring.secret("session"),
        SESSION_COOKIE_NAME=prefixed("lantai_form", secure=settings.base_url.startswith("https:")),
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https:"),
        SESSION_COOKIE_SAMESITE="Lax",
        BOOTSTRAP_SERVE_LOCAL=True,
        LANTAI_BASE_URL=settings.base_url,
        LANTAI_STALL_SECONDS=settings.web.stall_seconds,
    )
    if settings.web.trusted_proxies:
        hops = settings.web.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Bootstrap5(app)
    app.json = BoundedJson(app)
    install_static_files(app)
    install_hardening(app, settings.web.base_url, settings.web.host)
    install_language(app, settings.archive.zone)
    install_errors(app)
    install_gate(app, archive, _by_door(authenticate, features), by_token)
    app.extensions["lantai_doors"] = [door for feature in features for door in feature.doors]
    install_api(app)
    app.extensions["lantai_probes"] = [probe_jobs, probe_space, *(p for f in features for p in f.probes)]
    for dotted in ("archive_app.web.views:blueprint", *(name for f in features for name in f.blueprints)):
        module, _, name = dotted.partition(":")
        add_room(app, getattr(import_module(module), name))
    _add_layout(app, archive, features)
    return app


def _by_door(usual: Authenticator, features: Sequence[Feature]) -> Authenticator:
    """Knows people by their session, and below a door by nothing but what that door knows them by."""
    doors: list[tuple[str, Authenticator]] = []
    for door in (door for feature in features for door in feature.doors):
        module, _, name = door.authenticate.partition(":")
        doors.append((door.prefix, getattr(import_module(module), name)))

    def authenticate(from_browser: Request) -> Actor | None:
        known_by = next((own for prefix, own in doors if from_browser.path.startswith(prefix)), usual)
        return known_by(from_browser)

    return authenticate


def _add_layout(app: Flask, archive: Archive, features: Sequence[Feature]) -> None:
    app.extensions["lantai_menu"] = [entry for feature in features for entry in feature.menu]
    tabs = sorted((tab for feature in features for tab in feature.tabs), key=lambda tab: tab.position)
    panels = (panel for feature in features for panel in feature.panels)
    app.extensions["lantai_document_panels"] = sorted(panels, key=lambda panel: panel.position)

    banners = [banner for feature in features for banner in feature.banners]

    @app.context_processor
    def layout() -> dict[str, object]:
        actor = current_actor()
        entries = [entry for entry in app.extensions["lantai_menu"] if actor.may(entry.permission)]
        return {
            "actor": actor,
            "menu": entries,
            "tabs": [tab for tab in tabs if actor.may(tab.permission)],
            "banners": banners,
            "archive_origin": archive.origin,
        }
