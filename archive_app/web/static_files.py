"""Styles, scripts and pictures of the program: browsers keep them for ever, as a changed file has another address."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from werkzeug.security import safe_join

_VERSION = "v"
_DIGITS = 12


def install_static_files(app: Flask) -> None:
    """Puts a digest of the content into every address of a static file that `app` makes."""

    @app.url_defaults
    def fingerprint(endpoint: str, values: dict[str, Any]) -> None:
        if is_static(endpoint) and (digest := _digest_of(app, endpoint, values.get("filename", ""))):
            values.setdefault(_VERSION, digest)


def is_static(endpoint: str | None) -> bool:
    """Whether the endpoint hands out files of the program, which are no secret."""
    return endpoint is not None and endpoint.endswith("static")


def is_fingerprinted() -> bool:
    """Whether the address of the present request names the content that is there."""
    asked = request.args.get(_VERSION)
    filename = (request.view_args or {}).get("filename", "")
    return asked is not None and asked == _digest_of(current_app, request.endpoint or "", filename)


def _digest_of(app: Flask, endpoint: str, filename: str) -> str:
    room = app.blueprints.get(endpoint.rpartition(".")[0])
    folder = room.static_folder if room else None
    path = safe_join(folder, filename) if folder else None
    return _digest(path) if path else ""


@cache
def _digest(path: str) -> str:
    """Of the file as it is when it is first asked for; the program's files do not change while it runs."""
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGITS] if file.is_file() else ""
