"""The two sides of archiving: 提交归档 and its withdrawal; 接收, 退回补正, late additions, opening again."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.recording import ACTIVITY_DATA_FIELDS
from archive_app.documents.ingest import Entry
from archive_app.engagements.record_types import all_record_types
from archive_app.filing.accepting import accept, return_file
from archive_app.filing.late import accept_late, add_late, refuse_late
from archive_app.filing.reopening import reopen
from archive_app.filing.showing import list_chosen, view_archiving, view_case_file
from archive_app.filing.submitting import submit, withdraw_submission
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.uploads import FilePart, form_files

blueprint = Blueprint("acceptance", __name__, template_folder="../case_files/templates")


@blueprint.post("/engagements/<engagement_id>/archiving/submission")
@requires(Permission.CASE_FILES_SUBMIT)
def submit_action(engagement_id: str) -> ResponseReturnValue:
    """Submits the file for archiving."""

    def act() -> str:
        submit(current_actor(), engagement_id=engagement_id, remark=request.form.get("remark", ""))
        return str(_("The file was submitted. It is checked now; this page says what was found."))

    return _done(act, engagement_id)


@blueprint.post("/engagements/<engagement_id>/archiving/withdrawal")
@requires(Permission.CASE_FILES_SUBMIT)
def withdraw_action(engagement_id: str) -> ResponseReturnValue:
    """Takes the submission back."""

    def act() -> str:
        withdraw_submission(current_actor(), engagement_id=engagement_id)
        return str(_("The submission was withdrawn. The archival numbers stay with their case files."))

    return _done(act, engagement_id)


@blueprint.post("/engagements/<engagement_id>/archiving/acceptance")
@requires(Permission.CASE_FILES_ACCEPT, confirmed=True)
def accept_action(engagement_id: str) -> ResponseReturnValue:
    """Accepts the submitted file and seals it."""

    def act() -> str:
        submission_id = request.form.get("submission", "")
        sealed = accept(current_actor(), engagement_id=engagement_id, submission_id=submission_id)
        return str(_("The file was accepted and sealed: %(items)s items.", items=sealed.items))

    return _done(act, engagement_id)


@blueprint.get("/engagements/<engagement_id>/archiving/return")
@requires(Permission.CASE_FILES_ACCEPT)
def return_page(engagement_id: str) -> ResponseReturnValue:
    """What is wrong with the file, and with the items that were chosen."""
    actor = current_actor()
    view = view_archiving(actor, engagement_id=engagement_id, language=current_language())
    items = list_chosen(actor, engagement_id=engagement_id, item_ids=request.args.getlist("item"))
    return render_template("case_files/return.html", view=view, items=items)


@blueprint.post("/engagements/<engagement_id>/archiving/return")
@requires(Permission.CASE_FILES_ACCEPT)
def return_action(engagement_id: str) -> ResponseReturnValue:
    """Returns the submitted file for correction."""
    form = request.form

    def act() -> str:
        by_item = {name.removeprefix("item-"): text for name, text in form.items() if name.startswith("item-")}
        return_file(
            current_actor(),
            engagement_id=engagement_id,
            submission_id=form.get("submission", ""),
            reason=form.get("reason", ""),
            items=by_item,
        )
        return str(_("The file was returned for correction."))

    return _done(act, engagement_id)


@blueprint.get("/case-files/<case_file_id>/late")
@requires(Permission.CASE_FILES_SUBMIT)
def late_page(case_file_id: str) -> ResponseReturnValue:
    """Where a late addition to a sealed case file is brought."""
    view, _items = view_case_file(current_actor(), case_file_id=case_file_id)
    return render_template("case_files/late.html", view=view, types=all_record_types(), asked=ACTIVITY_DATA_FIELDS)


@blueprint.post("/case-files/<case_file_id>/late")
@requires(Permission.CASE_FILES_SUBMIT, streaming=True)
def late_action(case_file_id: str) -> ResponseReturnValue:
    """Brings a late addition."""
    for part in form_files(request):
        try:
            _bring(case_file_id, part)
        except ArchiveError as error:
            if error.code in {"not_found", "permission_missing"}:
                raise
            flash(error.text(current_language()), "danger")
            return redirect(url_for("acceptance.late_page", case_file_id=case_file_id), 303)
        flash(_("The late addition was filed and waits for the archivist."), "success")
        return redirect(url_for("case_files.file_page", case_file_id=case_file_id), 303)
    flash(_("Choose the file."), "danger")
    return redirect(url_for("acceptance.late_page", case_file_id=case_file_id), 303)


@blueprint.post("/engagements/<engagement_id>/archiving/late")
@requires(Permission.CASE_FILES_ACCEPT, confirmed=True)
def accept_late_action(engagement_id: str) -> ResponseReturnValue:
    """Accepts the late additions that wait."""

    def act() -> str:
        items = request.form.getlist("item")
        sealed = accept_late(current_actor(), engagement_id=engagement_id, items=items)
        return str(_("%(items)s late additions were accepted, in a supplementary manifest.", items=sealed.items))

    return _done(act, engagement_id)


@blueprint.post("/engagements/<engagement_id>/archiving/late/<item_id>/refusal")
@requires(Permission.CASE_FILES_ACCEPT)
def refuse_late_action(engagement_id: str, item_id: str) -> ResponseReturnValue:
    """Refuses a late addition."""

    def act() -> str:
        refuse_late(current_actor(), item_id=item_id, reason=request.form.get("reason", ""))
        return str(_("The late addition was refused."))

    return _done(act, engagement_id)


@blueprint.post("/engagements/<engagement_id>/archiving/reopening")
@requires(Permission.CASE_FILES_ACCEPT, confirmed=True)
def reopen_action(engagement_id: str) -> ResponseReturnValue:
    """Opens the sealed file again."""

    def act() -> str:
        reopen(current_actor(), engagement_id=engagement_id, reason=request.form.get("reason", ""))
        return str(_("The file is open again, and says so from now on."))

    return _done(act, engagement_id)


def _bring(case_file_id: str, part: FilePart) -> None:
    level = part.fields.get("level", str(int(Level.INTERNAL)))
    if level not in {str(int(one)) for one in Level}:
        raise InvalidInputError(field=N_("Level"), reason=N_("Choose one from the list."))
    entry = Entry(
        name=part.name,
        title=part.fields.get("title", ""),
        originator=part.fields.get("originator", ""),
        claimed_media_type=part.media_type,
        level=Level(int(level)),
    )
    add_late(
        current_actor(),
        case_file_id=case_file_id,
        stream=part.stream,
        entry=entry,
        record_type=part.fields.get("record_type", ""),
        reason=part.fields.get("reason", ""),
        evidence_on=part.fields.get("evidence_on", ""),
        described={name: part.fields.get(name, "") for name in ACTIVITY_DATA_FIELDS},
    )


def _done(act: Callable[[], str], engagement_id: str) -> ResponseReturnValue:
    """Does what a form asked for; what came of it is said on the archiving page."""
    try:
        flash(act(), "success")
    except ArchiveError as error:
        if error.code in {"not_found", "permission_missing", "confirmation_required"}:
            raise
        flash(error.text(current_language()), "danger")
    return redirect(url_for("case_files.archiving_page", engagement_id=engagement_id), 303)
