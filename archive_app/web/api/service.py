"""The JSON interface as a part of the web application: its rooms, its schema."""

import json

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from archive_app.kernel.permissions import Permission
from archive_app.web.api.openapi import schema
from archive_app.web.api.routes import ADDRESS, IdConverter, Resources
from archive_app.web.gate import requires

blueprint = Blueprint("api", __name__, url_prefix=ADDRESS)
VERSION = "1.0.0"
"""Of the interface, not of the program: the first number is the one in the address."""
_ROOMS = "lantai_api_rooms"
_SCHEMA = "lantai_api_schema"


def install_api(app: Flask) -> None:
    """Makes `app` ready for rooms of the interface; before any of their routes is added."""
    app.url_map.converters["id"] = IdConverter
    app.extensions[_ROOMS] = []
    app.register_blueprint(blueprint)


def add_room(app: Flask, room: Blueprint) -> None:
    """Adds a room's routes, and tells the schema of them if it is a room of the interface."""
    app.register_blueprint(room)
    if isinstance(room, Resources):
        app.extensions[_ROOMS].append(room)


@blueprint.get("/openapi.json", provide_automatic_options=False)
@requires(Permission.ANYBODY)
def openapi() -> ResponseReturnValue:
    """The schema. It tells of the program, not of this archive, so anybody may read it."""
    # Made at the first question: most starts are never asked for it.
    if _SCHEMA not in current_app.extensions:
        told = schema(current_app.extensions[_ROOMS], VERSION)
        current_app.extensions[_SCHEMA] = json.dumps(told, ensure_ascii=False)
    response = Response(current_app.extensions[_SCHEMA], mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)
