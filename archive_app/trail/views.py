"""Pages of the audit log."""

from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_types
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.trail.checking import check_waits, latest_check, request_check
from archive_app.trail.proving import event_proof, latest_checkpoint
from archive_app.trail.reading import EventFilters, list_alarms, list_events, list_people, read_event
from archive_app.trail.status import log_status
from archive_app.trail.words import actor_words, way_words, word_for
from archive_app.web.gate import current_actor, requires

blueprint = Blueprint("trail", __name__, template_folder="templates")


@blueprint.app_template_global()
def log_word(key: str) -> str:
    """The translated word for a detail or a kind of subject of an event."""
    words: str = _(word_for(key))
    return words


@blueprint.app_template_global()
def log_actor(actor_id: str) -> tuple[str, str]:
    """The translated words for an actor who is no person, and for the part of the system that acted."""
    name, part = actor_words(actor_id)
    return _(name) if name else "", _(part) if part else ""


@blueprint.get("/log")
@requires(Permission.LOG_READ)
def log_page() -> ResponseReturnValue:
    """The audit log: its state, and its events with all filters in the URL."""
    actor = current_actor()
    filters = _filters()
    return render_template(
        "trail/log.html",
        page=list_events(actor, filters=filters, after=request.args.get("after")),
        filters=filters,
        alarms=list_alarms(actor),
        people=list_people(actor),
        actions=sorted(((kind.code, _(kind.label)) for kind in event_types()), key=lambda pair: pair[1]),
        status=log_status(actor),
        checkpoint=latest_checkpoint(actor),
        check=latest_check(actor),
        check_waits=check_waits(actor),
        may_verify=actor.may(Permission.LOG_VERIFY),
    )


@blueprint.post("/log/verify")
@requires(Permission.LOG_VERIFY)
def verify() -> ResponseReturnValue:
    """Has the worker verify the whole log."""
    request_check(current_actor())
    flash(_("The log is being verified. The result appears here."), "info")
    return redirect(url_for("trail.log_page"), 303)


@blueprint.get("/log/checkpoint")
@requires(Permission.LOG_READ)
def checkpoint_file() -> ResponseReturnValue:
    """The newest checkpoint as its signed note, for keeping elsewhere. Raises: NotFoundError before the first."""
    checkpoint = latest_checkpoint(current_actor())
    if checkpoint is None:
        raise NotFoundError
    response = Response(checkpoint.note, mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="checkpoint-{checkpoint.size}.txt"'
    return response


@blueprint.get("/log/events/<event_id>")
@requires(Permission.LOG_READ)
def event_page(event_id: str) -> ResponseReturnValue:
    """One event with all that is known of it."""
    event = read_event(current_actor(), event_id=event_id)
    return render_template("trail/event.html", event=event, way=_(way_words(event.via)))


@blueprint.get("/log/events/<event_id>/proof.json")
@requires(Permission.LOG_READ)
def proof(event_id: str) -> ResponseReturnValue:
    """The proof of one event, to be checked offline."""
    response = jsonify(asdict(event_proof(current_actor(), event_id=event_id)))
    response.headers["Content-Disposition"] = f'attachment; filename="event-{event_id}.json"'
    return response


def _filters() -> EventFilters:
    given: dict[str, Any] = {name: request.args.get(name) or None for name in ("person", "engagement", "document")}
    return EventFilters(
        **given,
        code=request.args.get("action") or None,
        from_date=_date("from", N_("From")),
        to_date=_date("to", N_("To")),
    )


def _date(name: str, label: str) -> date | None:
    words = request.args.get(name)
    try:
        return date.fromisoformat(words) if words else None
    except ValueError as error:
        raise InvalidInputError(field=label, reason=N_("This is not a date.")) from error
