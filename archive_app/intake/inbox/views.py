"""Pages of the inbox: the list with its keyboard, a file beside it, and what becomes of it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.kinds import KIND_NAMES
from archive_app.intake.inbox.holding import Sorted, discard_many, file_many
from archive_app.intake.inbox.sorting import (
    STATES,
    InboxFilters,
    engagement_choices,
    inbox_picture,
    inbox_text,
    view_inbox,
    view_inbox_file,
)
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "inbox", __name__, template_folder="templates", static_folder="static", static_url_path="/inbox/static"
)
_SHOWN_FAILURES = 10
_KEPT = ("text", "folder", "state")


@blueprint.get("/inbox")
@requires(Permission.INBOX_SORT)
def inbox_page() -> ResponseReturnValue:
    """What waits, and where it may go."""
    actor = current_actor()
    filters = InboxFilters(
        request.args.get("text", ""), request.args.get("folder", ""), request.args.get("state", "") or STATES[0]
    )
    inbox = view_inbox(actor, filters=filters, language=current_language(), after=request.args.get("after"))
    sought = request.args.get("to", "")
    return render_template(
        "inbox/inbox.html",
        inbox=inbox,
        filters=filters,
        states=STATES,
        sought=sought,
        choices=engagement_choices(actor, text=sought),
        marked=set(request.args.getlist("file")),
        kept={name: request.args[name] for name in _KEPT if request.args.get(name)},
        kind_names=KIND_NAMES,
    )


@blueprint.get("/inbox/engagements")
@requires(Permission.INBOX_SORT)
def choices() -> ResponseReturnValue:
    """Engagements for the script of the page, while somebody types."""
    found = engagement_choices(current_actor(), text=request.args.get("text", ""))
    return jsonify(
        [
            {"id": choice.id, "number": choice.number, "title": choice.title, "client": choice.client_name}
            for choice in found
        ]
    )


@blueprint.get("/inbox/files/<inbox_id>")
@requires(Permission.INBOX_SORT)
def file_page(inbox_id: str) -> ResponseReturnValue:
    """One file by itself."""
    line = view_inbox_file(current_actor(), inbox_id=inbox_id, language=current_language())
    return render_template("inbox/file.html", line=line, kind_names=KIND_NAMES)


@blueprint.get("/inbox/files/<inbox_id>/picture.webp")
@requires(Permission.INBOX_SORT)
def picture(inbox_id: str) -> ResponseReturnValue:
    """A picture of the first page."""
    return Response(inbox_picture(current_actor(), inbox_id=inbox_id), mimetype="image/webp")


@blueprint.get("/inbox/files/<inbox_id>/text")
@requires(Permission.INBOX_SORT)
def text_head(inbox_id: str) -> ResponseReturnValue:
    """The beginning of the text."""
    return Response(inbox_text(current_actor(), inbox_id=inbox_id), mimetype="text/plain")


@blueprint.post("/inbox/file")
@requires(Permission.INBOX_SORT)
def file_chosen() -> ResponseReturnValue:
    """Files the marked files into the chosen engagement."""
    done = file_many(
        current_actor(),
        inbox_ids=request.form.getlist("file"),
        engagement_id=request.form.get("engagement", ""),
        allow_duplicates=request.form.get("duplicates") == "1",
    )
    filed = sum(line.document_id is not None for line in done)
    if filed:
        flash(_("%(count)s files were filed.", count=filed), "success")
    twins = [line.name for line in done if line.duplicate_of]
    if twins:
        words = _(
            "%(count)s files were not filed, the engagement has the same content already: %(names)s. "
            "They still wait; discard them, or file them all the same.",
            count=len(twins),
            names=_some(twins),
        )
        flash(words, "warning")
    _tell_failures(done)
    return _back()


@blueprint.post("/inbox/discard")
@requires(Permission.INBOX_SORT)
def discard_chosen() -> ResponseReturnValue:
    """Lets go of the marked files."""
    done = discard_many(current_actor(), inbox_ids=request.form.getlist("file"), reason=request.form.get("reason", ""))
    gone = sum(line.error is None for line in done)
    if gone:
        flash(_("%(count)s files were discarded.", count=gone), "success")
    _tell_failures(done)
    return _back()


def _tell_failures(done: Sequence[Sorted]) -> None:
    failures = [line for line in done if line.error is not None]
    for line in failures[:_SHOWN_FAILURES]:
        words = line.error.text(current_language()) if line.error else ""
        flash(f"{line.name}: {words}" if line.name else words, "danger")
    if len(failures) > _SHOWN_FAILURES:
        flash(_("%(count)s more failed as well.", count=len(failures) - _SHOWN_FAILURES), "danger")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN_FAILURES]) + (" …" if len(names) > _SHOWN_FAILURES else "")


def _back() -> ResponseReturnValue:
    kept = {name: request.form[name] for name in _KEPT if request.form.get(name)}
    return redirect(url_for("inbox.inbox_page") + (f"?{urlencode(kept)}" if kept else ""), 303)
