"""The page of two editions beside each other."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from archive_app.documents.comparing.views import terms_asked
from archive_app.kernel.permissions import Permission
from archive_app.management.controlled.comparing.editions import compare_editions
from archive_app.management.controlled.kinds import STATES
from archive_app.web.gate import current_actor, requires

blueprint = Blueprint("comparing", __name__)


@blueprint.get("/controlled/<controlled_id>/compare")
@requires(Permission.CONTROLLED_READ)
def editions_page(controlled_id: str) -> ResponseReturnValue:
    """Two editions beside each other; which ones and how much of them is in the URL."""
    terms = terms_asked()
    page = compare_editions(
        current_actor(),
        controlled_id=controlled_id,
        left=request.args.get("left") or None,
        right=request.args.get("right") or None,
        terms=terms,
    )
    return render_template("controlled/compare.html", page=page, compared=page.compared, terms=terms, states=STATES)
