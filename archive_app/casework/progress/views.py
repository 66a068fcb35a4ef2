"""Pages of an engagement's progress: where it is, taking it on, what does not apply, other days of deadlines."""

from datetime import date

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.checklist import STATE_WORDS
from archive_app.casework.deadlines import move_deadline
from archive_app.casework.nonconformities.rules import GRADES, STATES
from archive_app.casework.progress.viewing import Progress, view_line, view_progress
from archive_app.casework.stages import StageIncompleteError, move_stage
from archive_app.casework.waivers import ask_again, waive_record
from archive_app.engagements.glass import glass_alarms
from archive_app.engagements.record_types import record_type_name
from archive_app.engagements.teams import PARTS
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.errors import status_of
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "progress", __name__, template_folder="templates", static_folder="static", static_url_path="/progress/static"
)
_CORRECTABLE = frozenset({409, 422})


@blueprint.get("/engagements/<engagement_id>/progress")
@requires(Permission.ENGAGEMENTS_READ)
def progress_page(engagement_id: str) -> ResponseReturnValue:
    """Where the engagement is, what is missing, who acts next and by when."""
    return _render(view_progress(current_actor(), engagement_id=engagement_id))


@blueprint.post("/engagements/<engagement_id>/stage")
@requires(Permission.STAGES_MOVE)
def move_action(engagement_id: str) -> ResponseReturnValue:
    """Takes the engagement to another stage; what is missing for that is shown with where it is mended."""
    actor = current_actor()
    try:
        moved = move_stage(
            actor,
            engagement_id=engagement_id,
            from_stage=request.form.get("from_stage", ""),
            to_stage=request.form.get("to_stage", ""),
            remark=request.form.get("remark", ""),
        )
    except ArchiveError as refused:
        if status_of(refused) not in _CORRECTABLE:
            raise
        return _render(view_progress(actor, engagement_id=engagement_id), refused)
    view = view_progress(actor, engagement_id=engagement_id)
    name = view.checklist.scheme.stage(moved.to_stage).name.text(current_language())
    flash(_("The engagement is at the stage %(stage)s now.", stage=name), "success")
    return redirect(url_for("progress.progress_page", engagement_id=engagement_id), 303)


@blueprint.get("/engagements/<engagement_id>/checklist/<stage>/<record_type>")
@requires(Permission.STAGES_MOVE, confirmed=True)
def waiver_page(engagement_id: str, stage: str, record_type: str) -> ResponseReturnValue:
    """Asks why a required record does not apply, or applies after all."""
    return _render_line(engagement_id, stage, record_type)


@blueprint.post("/engagements/<engagement_id>/checklist/<stage>/<record_type>")
@requires(Permission.STAGES_MOVE, confirmed=True)
def waiver_action(engagement_id: str, stage: str, record_type: str) -> ResponseReturnValue:
    """Says that a required record does not apply, or takes that back."""
    act = ask_again if request.form.get("action") == "again" else waive_record
    reason = request.form.get("reason", "")
    try:
        act(current_actor(), engagement_id=engagement_id, stage=stage, record_type=record_type, reason=reason)
    except ArchiveError as refused:
        if status_of(refused) not in _CORRECTABLE:
            raise
        return _render_line(engagement_id, stage, record_type, refused)
    return redirect(url_for("progress.progress_page", engagement_id=engagement_id, _anchor=stage), 303)


@blueprint.post("/engagements/<engagement_id>/deadlines/<deadline_id>")
@requires(Permission.STAGES_MOVE)
def deadline_action(engagement_id: str, deadline_id: str) -> ResponseReturnValue:
    """Gives a deadline another day."""
    actor = current_actor()
    try:
        due_on, reason = _day(request.form.get("due_on", "")), request.form.get("reason", "")
        move_deadline(actor, engagement_id=engagement_id, deadline_id=deadline_id, due_on=due_on, reason=reason)
    except ArchiveError as refused:
        if status_of(refused) not in _CORRECTABLE:
            raise
        return _render(view_progress(actor, engagement_id=engagement_id), refused)
    return redirect(url_for("progress.progress_page", engagement_id=engagement_id, _anchor="deadlines"), 303)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(field=N_("Due on"), reason=N_("This must be a date such as 2026-11-21.")) from None


def _render(view: Progress, refused: ArchiveError | None = None) -> ResponseReturnValue:
    obstacles = refused.obstacles if isinstance(refused, StageIncompleteError) else ()
    shown = render_template(
        "progress/progress.html",
        view=view,
        alarms=glass_alarms(current_actor(), engagement_id=view.engagement.id),
        language=current_language(),
        refused=refused,
        obstacles=obstacles,
        type_name=record_type_name,
        state_words=STATE_WORDS,
        parts=PARTS,
        grades=GRADES,
        states=STATES,
        way_to=lambda endpoint: _way_to(endpoint, view.engagement.id),
        stage_name=lambda code: view.checklist.scheme.stage(code).name.text(current_language()),
    )
    return shown, status_of(refused) if refused else 200


def _render_line(
    engagement_id: str, stage: str, record_type: str, refused: ArchiveError | None = None
) -> ResponseReturnValue:
    view, line = view_line(current_actor(), engagement_id=engagement_id, stage=stage, record_type=record_type)
    shown = render_template(
        "progress/waiver.html",
        view=view,
        line=line,
        language=current_language(),
        refused=refused,
        reason=request.form.get("reason", ""),
        type_name=record_type_name,
        state_words=STATE_WORDS,
    )
    return shown, status_of(refused) if refused else 200


def _way_to(endpoint: str, engagement_id: str) -> str | None:
    """The address of the page where something is mended; None for whoever may not open it."""
    view = current_app.view_functions[endpoint]
    may = current_actor().may(view.permission)  # type: ignore[union-attr]  # every route declares one
    return url_for(endpoint, engagement_id=engagement_id) if may else None
