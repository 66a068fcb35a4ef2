"""Pages of case files: arranging them, looking at one, the catalogue 案卷目录, how numbers are made."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.record_types import record_type_name
from archive_app.filing.arranging import leave_out, leave_out_items, move_items, place_documents, propose
from archive_app.filing.categories import RETENTIONS
from archive_app.filing.numbering import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    change_rule,
    file_number,
    item_number,
    series_prefix,
    view_rule,
)
from archive_app.filing.shelving import FileFacts, add_file, change_file, end_file, move_file
from archive_app.filing.showing import (
    FileFilters,
    catalogue_choices,
    list_case_files,
    list_loose,
    view_archiving,
    view_case_file,
    view_seal_state,
)
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("case_files", __name__, template_folder="templates")


@blueprint.app_template_global()
def seal_state(engagement_id: str) -> object:
    """When the file of an engagement was sealed, and how often it was opened again, for the banner of its pages."""
    return view_seal_state(current_actor(), engagement_id=engagement_id)


@blueprint.app_template_global()
def record_type_words(code: str) -> str:
    """What people call a type of record, in the reader's language."""
    return record_type_name(code).text(current_language()) if code else ""


@blueprint.get("/engagements/<engagement_id>/archiving")
@requires(Permission.DOCUMENTS_READ)
def archiving_page(engagement_id: str) -> ResponseReturnValue:
    """Where the file of an engagement is on its way into the archive."""
    actor = current_actor()
    view = view_archiving(actor, engagement_id=engagement_id, language=current_language())
    return render_template("case_files/archiving.html", view=view)


@blueprint.post("/engagements/<engagement_id>/archiving/proposal")
@requires(Permission.CASE_FILES_SUBMIT)
def propose_action(engagement_id: str) -> ResponseReturnValue:
    """Has the case files proposed."""

    def act() -> str:
        done = propose(current_actor(), engagement_id=engagement_id, afresh=request.form.get("afresh") == "1")
        return str(_("Documents placed: %(count)s.", count=done.placed))

    return _done(act, url_for("case_files.archiving_page", engagement_id=engagement_id))


@blueprint.post("/engagements/<engagement_id>/archiving/case-files")
@requires(Permission.CASE_FILES_SUBMIT)
def add_action(engagement_id: str) -> ResponseReturnValue:
    """Begins a further case file."""

    def act() -> str:
        add_file(current_actor(), engagement_id=engagement_id, title=request.form.get("title", ""))
        return str(_("The case file was begun."))

    return _done(act, url_for("case_files.archiving_page", engagement_id=engagement_id))


@blueprint.get("/engagements/<engagement_id>/archiving/loose")
@requires(Permission.CASE_FILES_SUBMIT)
def loose_page(engagement_id: str) -> ResponseReturnValue:
    """Documents that wait for a place, or that were left out."""
    actor, left_out = current_actor(), request.args.get("left_out") == "1"
    view = view_archiving(actor, engagement_id=engagement_id, language=current_language())
    page = list_loose(actor, engagement_id=engagement_id, left_out=left_out, after=request.args.get("after"))
    return render_template("case_files/loose.html", view=view, page=page, left_out=left_out)


@blueprint.post("/engagements/<engagement_id>/archiving/loose")
@requires(Permission.CASE_FILES_SUBMIT)
def place_action(engagement_id: str) -> ResponseReturnValue:
    """Places the chosen documents, or leaves them out with a reason."""
    chosen = request.form.getlist("document")

    def act() -> str:
        if request.form.get("act") == "leave_out":
            leave_out(
                current_actor(),
                engagement_id=engagement_id,
                document_ids=chosen,
                reason=request.form.get("reason", ""),
            )
            return str(_("They were left out, with the reason."))
        place_documents(current_actor(), case_file_id=request.form.get("case_file", ""), document_ids=chosen)
        return str(_("They were placed."))

    left_out = "1" if request.args.get("left_out") == "1" else None
    return _done(act, url_for("case_files.loose_page", engagement_id=engagement_id, left_out=left_out))


@blueprint.get("/case-files")
@requires(Permission.DOCUMENTS_READ)
def list_page() -> ResponseReturnValue:
    """The catalogue of case files, filters in the URL."""
    actor = current_actor()
    filters = FileFilters(
        text=request.args.get("text", ""),
        year=request.args.get("year", type=int),
        category=request.args.get("category", ""),
        state=request.args.get("state", ""),
    )
    page = list_case_files(actor, filters=filters, after=request.args.get("after"))
    years, categories = catalogue_choices(actor)
    return render_template(
        "case_files/list.html", page=page, filters=filters, years=years, categories=categories, retentions=RETENTIONS
    )


@blueprint.get("/case-files/<case_file_id>")
@requires(Permission.DOCUMENTS_READ)
def file_page(case_file_id: str) -> ResponseReturnValue:
    """One case file with its items 卷内目录."""
    actor = current_actor()
    view, page = view_case_file(actor, case_file_id=case_file_id, after=request.args.get("after"))
    archiving = view_archiving(actor, engagement_id=view.engagement_id, language=current_language())
    return render_template("case_files/file.html", view=view, page=page, archiving=archiving, retentions=RETENTIONS)


@blueprint.post("/case-files/<case_file_id>")
@requires(Permission.CASE_FILES_SUBMIT)
def change_action(case_file_id: str) -> ResponseReturnValue:
    """Changes title, year, category, retention and remark."""
    form = request.form

    def act() -> str:
        facts = FileFacts(
            title=form.get("title", ""),
            year=form.get("year", 0, type=int),
            category=form.get("category", ""),
            retention=form.get("retention", ""),
            remark=form.get("remark", ""),
        )
        change_file(current_actor(), case_file_id=case_file_id, facts=facts)
        return str(_("The case file was changed."))

    return _done(act, url_for("case_files.file_page", case_file_id=case_file_id))


@blueprint.post("/case-files/<case_file_id>/items")
@requires(Permission.CASE_FILES_SUBMIT)
def items_action(case_file_id: str) -> ResponseReturnValue:
    """Moves the chosen items to a place of this or another case file."""
    form = request.form

    def act() -> str:
        if form.get("act") == "leave_out":
            leave_out_items(
                current_actor(),
                case_file_id=case_file_id,
                item_ids=form.getlist("item"),
                reason=form.get("reason", ""),
            )
            return str(_("They were left out, with the reason."))
        move_items(
            current_actor(),
            case_file_id=form.get("case_file", case_file_id),
            item_ids=form.getlist("item"),
            position=form.get("position", type=int),
        )
        return str(_("The items were moved."))

    return _done(act, url_for("case_files.file_page", case_file_id=case_file_id))


@blueprint.post("/case-files/<case_file_id>/position")
@requires(Permission.CASE_FILES_SUBMIT)
def position_action(case_file_id: str) -> ResponseReturnValue:
    """Puts the case file at another place."""

    def act() -> str:
        move_file(current_actor(), case_file_id=case_file_id, position=request.form.get("position", 1, type=int))
        return str(_("The case file was moved."))

    return _done(act, url_for("case_files.file_page", case_file_id=case_file_id))


@blueprint.post("/case-files/<case_file_id>/end")
@requires(Permission.CASE_FILES_SUBMIT)
def end_action(case_file_id: str) -> ResponseReturnValue:
    """Removes a case file, or voids it where it has a number."""
    actor = current_actor()
    view, _items = view_case_file(actor, case_file_id=case_file_id)

    def act() -> str:
        end_file(actor, case_file_id=case_file_id, reason=request.form.get("reason", ""))
        return str(_("The case file was ended; its documents wait for another place."))

    return _done(act, url_for("case_files.archiving_page", engagement_id=view.engagement_id))


@blueprint.route("/archival-numbers", methods=["GET", "POST"])
@requires(Permission.ENGAGEMENTS_KEEP)
def numbers_page() -> ResponseReturnValue:
    """How archival numbers are made, with an example."""
    actor, status = current_actor(), 200
    if request.method == "POST":
        try:
            change_rule(
                actor,
                fonds=request.form.get("fonds", ""),
                file_digits=request.form.get("file_digits", 0, type=int),
                item_digits=request.form.get("item_digits", 0, type=int),
            )
        except ArchiveError as error:
            flash(error.text(current_language()), "danger")
            status = 422
        else:
            flash(_("Archival numbers are made like this from now on."), "success")
            return redirect(url_for("case_files.numbers_page"), 303)
    rule = view_rule(actor)
    prefix = series_prefix(rule.fonds or "J019", "ZY·HC", current_archive().today().year, "D10")
    example = item_number(file_number(prefix, 1, rule.file_digits), 1, rule.item_digits)
    digits = range(FEWEST_DIGITS, MOST_DIGITS + 1)
    shown = render_template("case_files/numbers.html", rule=rule, example=example, digits=digits)
    return shown, status


def _done(act: Callable[[], str], address: str) -> ResponseReturnValue:
    """Does what a form asked for; what came of it is said on the next page."""
    try:
        flash(act(), "success")
    except ArchiveError as error:
        if error.code in {"not_found", "permission_missing"}:
            raise
        flash(error.text(current_language()), "danger")
    return redirect(address, 303)
