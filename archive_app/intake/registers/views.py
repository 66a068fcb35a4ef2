"""Pages of registers: bring one, name its columns, mend its rows, attach files, file them, report."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.ingest import Entry
from archive_app.engagements.engagements import view_engagement
from archive_app.intake.registers import attaching, bringing, filing, recovering, reporting, reviewing, undoing
from archive_app.intake.registers.errors import CheckStoppedError, RowsUnreadableError
from archive_app.intake.registers.faults import FAULT_NAMES, FAULTS
from archive_app.intake.registers.fields import FIELDS
from archive_app.intake.registers.layouts import column_letters
from archive_app.kernel.errors import ArchiveError, InvalidInputError, read_kept
from archive_app.kernel.events import event_label
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.errors import status_of
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.uploads import form_files, request_body

blueprint = Blueprint(
    "registers", __name__, template_folder="templates", static_folder="static", static_url_path="/registers/static"
)
_CORRECTABLE = frozenset({409, 413, 422})
_LATEST_MILLISECONDS = 2**42
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOTES = {
    "macros": N_("The file contains macros. They were not run and are not needed."),
    "external_links": N_("The file refers to other files. They were not fetched; stored values were taken."),
    "guessed_encoding": N_("The encoding of the file is a guess. Look whether the words below are right."),
    "damaged_characters": N_("Some characters of the file are damaged. Look for � in the rows."),
    "columns_cut": N_("Columns after the 200th were left out."),
    "layout_unknown": N_("This form does not tell which cells are computed or hidden; only values were taken."),
}

_UNREADABLE = N_("The rows could not be read any more. Bring the file again.")
STOPPED_BY = {error.code: error.message for error in (RowsUnreadableError, CheckStoppedError)}


@blueprint.get("/registers")
@requires(Permission.REGISTERS_IMPORT)
def list_page() -> ResponseReturnValue:
    """Registers, newest first."""
    page = reviewing.list_registers(
        current_actor(),
        engagement_id=request.args.get("engagement", ""),
        text=request.args.get("text", ""),
        after=request.args.get("after"),
    )
    return render_template("registers/list.html", page=page)


@blueprint.get("/registers/new")
@requires(Permission.REGISTERS_IMPORT)
def new_page() -> ResponseReturnValue:
    """Choose the file of a register."""
    engagement_id = request.args.get("engagement", "")
    engagement = view_engagement(current_actor(), engagement_id=engagement_id).engagement if engagement_id else None
    return render_template("registers/new.html", engagement=engagement)


@blueprint.post("/registers")
@requires(Permission.REGISTERS_IMPORT, streaming=True)
def bring() -> ResponseReturnValue:
    """Takes the file of a register, new or corrected."""
    actor = current_actor()
    part = next(form_files(request), None)
    fields = part.fields if part is not None else {}
    engagement_id, register_id = fields.get("engagement_id") or None, fields.get("register_id")
    try:
        if part is None or not part.name:
            raise InvalidInputError(field=N_("File"), reason=N_("Choose the file of the register."))
        if register_id:
            bringing.replace_register(actor, register_id=register_id, stream=part.stream, name=part.name)
        else:
            register_id = bringing.bring_register(
                actor, stream=part.stream, name=part.name, engagement_id=engagement_id
            )
    except ArchiveError as error:
        if status_of(error) not in _CORRECTABLE:
            raise
        flash(error.text(current_language()), "danger")
        back = url_for("registers.columns_page", register_id=register_id) if register_id else None
        return redirect(back or url_for("registers.new_page", engagement=engagement_id), 303)
    return redirect(url_for("registers.register_page", register_id=register_id), 303)


@blueprint.get("/registers/<register_id>")
@requires(Permission.REGISTERS_IMPORT)
def register_page(register_id: str) -> ResponseReturnValue:
    """Leads to the step where the register stands."""
    page = reviewing.view_register(current_actor(), register_id=register_id)
    if page.register.state == "mapping":
        return redirect(url_for("registers.columns_page", register_id=register_id), 303)
    if page.register.state == "checking" or page.counts["refuse"]:
        return redirect(url_for("registers.rows_page", register_id=register_id, state="faulty"), 303)
    if page.register.state == "ready" and page.counts["open"] and not page.files:
        return redirect(url_for("registers.files_page", register_id=register_id), 303)
    return redirect(url_for("registers.filing_page", register_id=register_id), 303)


@blueprint.get("/registers/<register_id>/status")
@requires(Permission.REGISTERS_IMPORT)
def status(register_id: str) -> ResponseReturnValue:
    """How far the worker is, for the script of the page."""
    page = reviewing.view_register(current_actor(), register_id=register_id)
    register = page.register
    return jsonify(state=register.state, done=register.done, total=register.total, stopped=page.stopped)


@blueprint.post("/registers/<register_id>/stopped")
@requires(Permission.REGISTERS_IMPORT)
def act_on_stopped(register_id: str) -> ResponseReturnValue:
    """Goes on with a step whose job is gone, or goes back to the step before."""
    actor = current_actor()
    acts: Mapping[str, Callable[[], object]] = {
        "go_on": lambda: recovering.go_on(actor, register_id=register_id),
        "step_back": lambda: recovering.step_back(actor, register_id=register_id),
    }
    act = acts.get(request.form.get("act", ""))
    if act is not None:
        _done(act)
    return redirect(url_for("registers.register_page", register_id=register_id), 303)


@blueprint.get("/registers/<register_id>/columns")
@requires(Permission.REGISTERS_IMPORT)
def columns_page(register_id: str) -> ResponseReturnValue:
    """Which column means what."""
    page = reviewing.view_register(current_actor(), register_id=register_id)
    notes = [NOTES[note] for note in page.facts.notes if note in NOTES]
    fault = page.register.fault
    return render_template(
        "registers/columns.html",
        page=page,
        fields=FIELDS,
        letters=column_letters,
        notes=notes,
        fault=_(STOPPED_BY.get(fault, _UNREADABLE), name=page.register.name) if fault else "",
        step="columns",
    )


@blueprint.post("/registers/<register_id>/columns")
@requires(Permission.REGISTERS_IMPORT)
def map_columns(register_id: str) -> ResponseReturnValue:
    """Names the columns, and has the rows checked."""
    told = {
        int(name.removeprefix("column-")): value
        for name, value in request.form.items()
        if name.startswith("column-") and name.removeprefix("column-").isdecimal()
    }
    header = request.form.get("last_header_row", type=int)

    def act() -> None:
        bringing.map_columns(current_actor(), register_id=register_id, columns=told, last_header_row=header)

    if _done(act):
        return redirect(url_for("registers.rows_page", register_id=register_id, state="faulty"), 303)
    return redirect(url_for("registers.columns_page", register_id=register_id), 303)


@blueprint.post("/registers/<register_id>/sheet")
@requires(Permission.REGISTERS_IMPORT)
def choose_sheet(register_id: str) -> ResponseReturnValue:
    """Looks at another sheet of the file."""
    sheet = request.form.get("sheet", 0, type=int)
    _done(lambda: bringing.choose_sheet(current_actor(), register_id=register_id, sheet=sheet))
    return redirect(url_for("registers.columns_page", register_id=register_id), 303)


@blueprint.get("/registers/<register_id>/rows")
@requires(Permission.REGISTERS_IMPORT)
def rows_page(register_id: str) -> ResponseReturnValue:
    """The rows and their faults."""
    actor = current_actor()
    filters = reviewing.RowFilters(*(request.args.get(name, "") for name in ("state", "fault", "text")))
    page = reviewing.view_register(actor, register_id=register_id)
    rows = reviewing.list_rows(actor, register_id=register_id, filters=filters, after=request.args.get("after"))
    return render_template(
        "registers/rows.html",
        page=page,
        rows=rows,
        filters=filters,
        faults=reviewing.count_faults(actor, register_id=register_id),
        fields=FIELDS,
        step="rows",
        **_words(),
    )


@blueprint.get("/registers/<register_id>/rows/<row_id>")
@requires(Permission.REGISTERS_IMPORT)
def row_page(register_id: str, row_id: str) -> ResponseReturnValue:
    """One row with all its fields."""
    actor = current_actor()
    return render_template(
        "registers/row.html",
        page=reviewing.view_register(actor, register_id=register_id),
        row=reviewing.view_row(actor, register_id=register_id, row_id=row_id),
        files=attaching.list_files(actor, register_id=register_id, row_id=row_id).items,
        fields=FIELDS,
        step="rows",
        **_words(),
    )


@blueprint.post("/registers/<register_id>/rows/<row_id>")
@requires(Permission.REGISTERS_IMPORT)
def change_row(register_id: str, row_id: str) -> ResponseReturnValue:
    """One act on one row: mend a cell, confirm a fault, close it, open it again."""
    actor, form = current_actor(), request.form
    acts: Mapping[str, Callable[[], object]] = {
        "mend": lambda: reviewing.mend_cell(
            actor, register_id=register_id, row_id=row_id, field=form.get("field", ""), text=form.get("value", "")
        ),
        "confirm": lambda: reviewing.confirm_fault(
            actor, register_id=register_id, row_id=row_id, fault=form.get("fault", "")
        ),
        "close": lambda: reviewing.close_row(
            actor,
            register_id=register_id,
            row_id=row_id,
            reason=form.get("reason", ""),
            words=form.get("words", ""),
        ),
        "reopen": lambda: reviewing.reopen_row(actor, register_id=register_id, row_id=row_id),
        "same": lambda: filing.allow_same_content(actor, register_id=register_id, row_id=row_id),
    }
    act = acts.get(form.get("act", ""))
    if act is not None:
        _done(act)
    return _back(register_id, "registers.rows_page")


@blueprint.post("/registers/<register_id>/confirm")
@requires(Permission.REGISTERS_IMPORT)
def confirm_all(register_id: str) -> ResponseReturnValue:
    """Accepts one kind of warning on all rows."""
    fault = request.form.get("fault", "")
    _done(lambda: reviewing.confirm_warnings(current_actor(), register_id=register_id, fault=fault))
    return _back(register_id, "registers.rows_page")


@blueprint.get("/registers/<register_id>/files")
@requires(Permission.REGISTERS_IMPORT)
def files_page(register_id: str) -> ResponseReturnValue:
    """Files and rows that have no partner yet."""
    actor = current_actor()
    left = attaching.list_left(
        actor,
        register_id=register_id,
        row_text=request.args.get("rows", ""),
        file_text=request.args.get("files", ""),
    )
    page = reviewing.view_register(actor, register_id=register_id)
    return render_template("registers/files.html", page=page, left=left, step="files")


@blueprint.post("/registers/<register_id>/files/known")
@requires(Permission.REGISTERS_IMPORT)
def known_files(register_id: str) -> ResponseReturnValue:
    """A script announces files, and hears which of them are there already."""
    told = request.get_json()
    files = told.get("files") if isinstance(told, dict) else None
    if not isinstance(files, list):
        raise InvalidInputError(field=N_("Files"), reason=N_("A list of files is missing."))
    offers = [_offer(entry) for entry in files]
    return jsonify(attaching.known_files(current_actor(), register_id=register_id, offers=offers))


@blueprint.put("/registers/<register_id>/files/content")
@requires(Permission.DOCUMENTS_ADD, streaming=True)
def receive(register_id: str) -> ResponseReturnValue:
    """A script sends the bytes of one file."""
    stream, length = request_body(request)
    path = request.args.get("path", "")
    modified = request.args.get("modified", 0, type=int)
    moment = datetime.fromtimestamp(modified / 1000, UTC) if 0 < modified < _LATEST_MILLISECONDS else None
    entry = Entry(name=path, source_path=path, modified_at=moment, claimed_media_type=request.mimetype)
    file_id = attaching.receive_file(
        current_actor(), register_id=register_id, stream=stream, entry=entry, expected_bytes=length
    )
    return jsonify(id=file_id), 201


@blueprint.post("/registers/<register_id>/files")
@requires(Permission.DOCUMENTS_ADD, streaming=True)
def receive_form(register_id: str) -> ResponseReturnValue:
    """A plain form sends files; then everything that fits is attached."""
    actor = current_actor()
    for part in form_files(request):
        entry = Entry(name=part.name, source_path=part.name, claimed_media_type=part.media_type)
        try:
            attaching.receive_file(actor, register_id=register_id, stream=part.stream, entry=entry)
        except ArchiveError as error:
            flash(f"{part.name}: {error.text(current_language())}", "danger")
    _match(register_id)
    return redirect(url_for("registers.files_page", register_id=register_id), 303)


@blueprint.post("/registers/<register_id>/match")
@requires(Permission.REGISTERS_IMPORT)
def match(register_id: str) -> ResponseReturnValue:
    """Attaches everything that fits."""
    _match(register_id, with_inbox="inbox" in request.form)
    return redirect(url_for("registers.files_page", register_id=register_id), 303)


@blueprint.post("/registers/<register_id>/attach")
@requires(Permission.REGISTERS_IMPORT)
def attach(register_id: str) -> ResponseReturnValue:
    """One act on files by hand: attach them to a row, take one off, discard one, close rows without any."""
    actor, form = current_actor(), request.form
    chosen = form.getlist("file")
    acts: Mapping[str, Callable[[], object]] = {
        "attach": lambda: attaching.attach(actor, register_id=register_id, row_id=form.get("row", ""), file_ids=chosen),
        "detach": lambda: attaching.detach(actor, register_id=register_id, file_id=form.get("file", "")),
        "discard": lambda: [
            attaching.let_go(actor, register_id=register_id, file_id=file_id, reason=form.get("reason", ""))
            for file_id in chosen
        ],
        "close": lambda: reviewing.close_row(
            actor, register_id=register_id, row_id=form.get("row", ""), reason=reviewing.NO_FILE
        ),
        "close_all": lambda: reviewing.close_rows_without_file(
            actor, register_id=register_id, words=form.get("reason", "")
        ),
    }
    act = acts.get(form.get("act", ""))
    if act is not None:
        _done(act)
    return _back(register_id, "registers.files_page")


@blueprint.get("/registers/<register_id>/filing")
@requires(Permission.REGISTERS_IMPORT)
def filing_page(register_id: str) -> ResponseReturnValue:
    """What filing would do, how far it is, and what became of it."""
    actor = current_actor()
    obstacles = undoing.undo_obstacles(actor, register_id=register_id)
    return render_template(
        "registers/filing.html",
        page=reviewing.view_register(actor, register_id=register_id),
        summary=filing.summarise(actor, register_id=register_id),
        refused=reviewing.list_rows(actor, register_id=register_id, filters=reviewing.RowFilters(state="refused")),
        obstacles={event_label(code): count for code, count in obstacles.items()},
        step="filing",
        **_words(),
    )


@blueprint.post("/registers/<register_id>/filing")
@requires(Permission.REGISTERS_IMPORT)
def act_on_import(register_id: str) -> ResponseReturnValue:
    """File now, close the import, or undo it."""
    actor = current_actor()
    acts: Mapping[str, Callable[[], object]] = {
        "file": lambda: filing.file_now(actor, register_id=register_id),
        "close": lambda: reporting.close_register(actor, register_id=register_id, language=current_language()),
        "undo": lambda: undoing.undo_import(actor, register_id=register_id),
    }
    act = acts.get(request.form.get("act", ""))
    if act is not None:
        _done(act)
    return redirect(url_for("registers.filing_page", register_id=register_id), 303)


@blueprint.get("/registers/<register_id>/report.xlsx")
@requires(Permission.REGISTERS_IMPORT)
def report(register_id: str) -> ResponseReturnValue:
    """The report as it stands."""
    content = reporting.report(current_actor(), register_id=register_id, language=current_language())
    name = quote(_("Import report") + ".xlsx", safe="")
    response = Response(content, mimetype=_WORKBOOK)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return response


def _match(register_id: str, *, with_inbox: bool = False) -> None:
    def act() -> None:
        count = attaching.match(current_actor(), register_id=register_id, with_inbox=with_inbox)
        flash(_("Files attached: %(count)s", count=count), "success")

    _done(act)


def _done(act: Callable[[], object]) -> bool:
    """Does something; what can be mended by another entry is said on the next page."""
    try:
        act()
    except ArchiveError as error:
        if status_of(error) not in _CORRECTABLE:
            raise
        flash(error.text(current_language()), "danger")
        return False
    return True


def _back(register_id: str, endpoint: str) -> ResponseReturnValue:
    """The list that the act came from, narrowed as it was."""
    kept: dict[str, Any] = {name: request.form[f"back_{name}"] for name in _KEPT if request.form.get(f"back_{name}")}
    return redirect(url_for(endpoint, register_id=register_id, **kept), 303)


_KEPT = ("state", "fault", "text", "after", "rows", "files")


def _words() -> dict[str, Any]:
    return {
        "states": reporting.STATES,
        "fault_kinds": FAULTS,
        "fault_names": FAULT_NAMES,
        "ways": reporting.WAYS,
        "reasons": reviewing.REASONS,
        "told_reason": lambda reason: read_kept(reason, current_language()),
    }


def _offer(told: Any) -> attaching.Offer:
    path, size = (told.get("path"), told.get("size")) if isinstance(told, dict) else (None, None)
    if not isinstance(path, str) or not isinstance(size, int) or isinstance(size, bool):
        raise InvalidInputError(field=N_("Files"), reason=N_("A list of files is missing."))
    return attaching.Offer(path, size)
