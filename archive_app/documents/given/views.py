"""Downloads under a mark or a stamp: a copy that bears it, or the original with its cover sheet."""

from io import BytesIO

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from archive_app.documents.errors import StampedOnlyError
from archive_app.documents.giving import open_package, open_rendition
from archive_app.kernel.permissions import Permission
from archive_app.web.downloads import content_answer, package_answer
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("giving", __name__)


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/package.zip")
@requires(Permission.DOCUMENTS_READ)
def package(document_id: str, number: int) -> ResponseReturnValue:
    """The exact original together with a cover sheet; where there is a stamped copy instead, that one."""
    return _package(document_id, number, None)


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/parts/<path:part>/package.zip")
@requires(Permission.DOCUMENTS_READ)
def part_package(document_id: str, number: int, part: str) -> ResponseReturnValue:
    """The same of a file inside of a document."""
    return _package(document_id, number, part)


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/watermarked.pdf")
@requires(Permission.DOCUMENTS_READ)
def rendition(document_id: str, number: int) -> ResponseReturnValue:
    """A copy with the mark or the stamp on every page."""
    return _rendition(document_id, number, None)


@blueprint.get("/documents/<document_id>/versions/<int(max=999999):number>/parts/<path:part>/watermarked.pdf")
@requires(Permission.DOCUMENTS_READ)
def part_rendition(document_id: str, number: int, part: str) -> ResponseReturnValue:
    """The same of a file inside of a document."""
    return _rendition(document_id, number, part)


def _package(document_id: str, number: int, part: str | None) -> ResponseReturnValue:
    try:
        made = open_package(
            current_actor(), document_id=document_id, number=number, part=part, language=current_language()
        )
    except StampedOnlyError:
        stamped = url_for("giving.rendition", document_id=document_id, number=number)
        if part is not None:
            stamped = url_for("giving.part_rendition", document_id=document_id, number=number, part=part)
        return redirect(stamped, 303)
    return package_answer(made, name=made.name)


def _rendition(document_id: str, number: int, part: str | None) -> ResponseReturnValue:
    made = open_rendition(
        current_actor(), document_id=document_id, number=number, part=part, language=current_language()
    )
    answer = content_answer(
        BytesIO(made.content),
        name=made.name,
        size_bytes=len(made.content),
        sha256=made.sha256,
        modified_at=made.made_at,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
