"""Pages of schemes: what a complete file of each kind of engagement holds."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from archive_app.engagements.abilities.kinds import KINDS, competence_name
from archive_app.engagements.engagements import ACTIVITIES
from archive_app.engagements.record_types import record_type_name
from archive_app.engagements.scheme_pages.reading import view_scheme
from archive_app.engagements.scheme_pages.words import (
    BRINGERS_WORDS,
    COMPETENT_WORDS,
    FORM_WORDS,
    GATE_WORDS,
    MOVER_WORDS,
    deadline_words,
    source_words,
)
from archive_app.engagements.schemes import all_schemes
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("schemes", __name__, template_folder="../templates")


@blueprint.get("/schemes")
@requires(Permission.SIGNED_IN)
def list_page() -> ResponseReturnValue:
    """The kinds of engagement that this archive knows."""
    return render_template(
        "schemes/list.html",
        schemes=all_schemes().values(),
        activities=ACTIVITIES,
        language=current_language(),
    )


@blueprint.get("/schemes/<code>")
@requires(Permission.SIGNED_IN)
def scheme_page(code: str) -> ResponseReturnValue:
    """What a complete file of one kind holds, stage by stage; `version` in the address asks for an earlier edition."""
    return render_template(
        "schemes/scheme.html",
        page=view_scheme(current_actor(), code=code, version=request.args.get("version", "")),
        language=current_language(),
        activities=ACTIVITIES,
        record_type_name=record_type_name,
        competence_name=competence_name,
        kinds=KINDS,
        movers=MOVER_WORDS,
        gates=GATE_WORDS,
        forms=FORM_WORDS,
        bringers=BRINGERS_WORDS,
        competent=COMPETENT_WORDS,
        deadline_words=deadline_words,
        source_words=source_words,
    )
