"""The page of two versions of a document beside each other."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from archive_app.documents.comparing.presenting import Show
from archive_app.documents.comparing.versions import Terms, compare_versions
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires

blueprint = Blueprint("comparisons", __name__)
_HIGHEST = 2**31


@blueprint.get("/documents/<document_id>/compare")
@requires(Permission.DOCUMENTS_READ)
def versions_page(document_id: str) -> ResponseReturnValue:
    """Two versions beside each other; which ones and how much of them is in the URL."""
    page = compare_versions(
        current_actor(),
        document_id=document_id,
        left=_number("left"),
        right=_number("right"),
        terms=terms_asked(),
    )
    return render_template("documents/compare_versions.html", page=page, compared=page.compared, terms=terms_asked())


def terms_asked() -> Terms:
    """How the comparison is to be shown, by the URL."""
    told = request.args.get("show", "")
    return Terms(
        Show(told) if told in set(Show) else Show.AROUND,
        running=request.args.get("running", "") == "1",
        start=_number("row") or 0,
    )


def _number(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return None if number is None else min(max(number, 0), _HIGHEST)
