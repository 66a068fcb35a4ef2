"""Changing the level of one document, or of a selection."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.classifying import Classified, classify, selected_documents
from archive_app.documents.errors import LevelAboveOwnError
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.standing import view_standing
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.levels import read_level
from archive_app.kernel.permissions import Permission
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("levels", __name__, template_folder="../templates")


@blueprint.get("/documents/levels")
@requires(Permission.DOCUMENTS_CLASSIFY, confirmed=True)
def levels_page() -> ResponseReturnValue:
    """The chosen documents, and the form that gives them a level."""
    actor, chosen = current_actor(), request.args.getlist("document")
    documents = selected_documents(actor, document_ids=chosen)
    engagement_id = documents[0].engagement_id
    return render_template(
        "documents/levels.html",
        documents=documents,
        engagement=view_engagement(actor, engagement_id=engagement_id).engagement,
        highest_level=view_standing(actor, engagement_id=engagement_id).highest_level,
    )


@blueprint.post("/documents/levels")
@requires(Permission.DOCUMENTS_CLASSIFY, confirmed=True)
def change() -> ResponseReturnValue:
    """Gives the chosen documents a level."""
    actor, form = current_actor(), request.form
    chosen = form.getlist("document")
    try:
        done = classify(
            actor, document_ids=chosen, level=read_level(form.get("level", "")), reason=form.get("reason", "")
        )
    except (InvalidInputError, LevelAboveOwnError) as error:
        flash(error.text(current_language()), "danger")
        return redirect(url_for("levels.levels_page", document=chosen), 303)
    return _told(done, form.get("engagement", ""))


def _told(done: list[Classified], engagement_id: str) -> ResponseReturnValue:
    changed = [line for line in done if line.error is None and line.before != line.after]
    for line in done:
        if line.error is not None:
            flash(f"{line.title}: {line.error.text(current_language())}".removeprefix(": "), "danger")
    if changed:
        flash(_("The level of %(count)s documents was changed.", count=len(changed)), "success")
    if len(done) == 1 and done[0].error is None:
        return redirect(url_for("documents.document_page", document_id=done[0].document_id), 303)
    return redirect(url_for("documents.engagement_page", engagement_id=engagement_id), 303)
