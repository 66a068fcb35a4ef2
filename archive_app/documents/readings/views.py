"""Pages of reading: files inside of documents, and the page from which many documents are read again."""

from io import BytesIO

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.errors import MarkedOnlyError
from archive_app.documents.parts import open_part, part_picture
from archive_app.documents.rereading import REASONS, request_reading, view_reading
from archive_app.kernel.permissions import Permission
from archive_app.web.downloads import content_answer
from archive_app.web.gate import current_actor, requires

blueprint = Blueprint("readings", __name__)


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/parts/<path:part>/content")
@requires(Permission.DOCUMENTS_READ)
def part_content(document_id: str, number: int, part: str) -> ResponseReturnValue:
    """The exact bytes of a file inside of a document, as a download."""
    try:
        opened = open_part(current_actor(), document_id=document_id, number=number, part=part)
    except MarkedOnlyError:
        return redirect(url_for("giving.part_package", document_id=document_id, number=number, part=part), 303)
    return content_answer(
        BytesIO(opened.content),
        name=opened.name,
        size_bytes=len(opened.content),
        sha256=opened.sha256,
        modified_at=opened.filed_at,
    )


@blueprint.get(
    "/documents/<document_id>/versions/<int(max=999999):number>/parts/<path:part>/pages/<int(max=999999):page>-<int(max=9999):width>.webp"
)
@requires(Permission.DOCUMENTS_READ)
def picture(document_id: str, number: int, part: str, page: int, width: int) -> ResponseReturnValue:
    """A picture of one page of a file inside of a document, counted from 1."""
    drawn = part_picture(
        current_actor(), document_id=document_id, number=number, part=part, page_index=page - 1, width_px=width
    )
    return Response(drawn, mimetype="image/webp")


@blueprint.get("/documents/reading")
@requires(Permission.DOCUMENTS_REREAD)
def reading_page() -> ResponseReturnValue:
    """How the reading stands, and what could be read again."""
    return render_template("documents/reading.html", state=view_reading(current_actor()), reasons=REASONS)


@blueprint.post("/documents/reading")
@requires(Permission.DOCUMENTS_REREAD)
def read_many() -> ResponseReturnValue:
    """Has many documents read again."""
    run = request_reading(current_actor(), reason=request.form.get("reason", ""))
    flash(
        _("%(count)s documents will be read again. What was found so far stays findable.", count=run.total), "success"
    )
    return redirect(url_for("readings.reading_page"), 303)
