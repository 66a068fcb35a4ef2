"""Pages of declarations: read, confirm, print, bring back the signed sheet."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.engagements.relations.forms import ClientRelationForm
from archive_app.filing.declaring import (
    bring_signed,
    declare,
    state_relation,
    view_declaration,
    view_record,
    view_scan,
)
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.uploads import form_files

blueprint = Blueprint(
    "filing", __name__, template_folder="templates", static_folder="static", static_url_path="/filing/static"
)


@blueprint.get("/engagements/<engagement_id>/declaration")
@requires(Permission.ENGAGEMENTS_READ)
def declaration_page(engagement_id: str) -> ResponseReturnValue:
    """What somebody who is assigned declares before the engagement opens to them."""
    return _show(engagement_id, ClientRelationForm(current_language(), formdata=None))


@blueprint.post("/engagements/<engagement_id>/declaration")
@requires(Permission.ENGAGEMENTS_READ)
def declare_action(engagement_id: str) -> ResponseReturnValue:
    """Declares what was shown. Whoever did not prove lately who they are is asked that first, and comes back."""
    actor = current_actor()
    if not view_declaration(actor, engagement_id=engagement_id, language=current_language()).fresh:
        back = url_for("filing.declaration_page", engagement_id=engagement_id)
        return redirect(url_for("signing.confirm_page", next=back), 303)
    try:
        declare(
            actor,
            engagement_id=engagement_id,
            language=request.form.get("language", ""),
            version=request.form.get("version", ""),
            text_sha256=request.form.get("text_sha256", ""),
            no_relation=request.form.get("relation") == "none",
        )
    except ArchiveError as error:
        flash(error.text(current_language()), "danger")
        return redirect(url_for("filing.declaration_page", engagement_id=engagement_id), 303)
    flash(_("You have declared. The engagement is open to you now."), "success")
    return redirect(url_for("progress.progress_page", engagement_id=engagement_id), 303)


@blueprint.post("/engagements/<engagement_id>/declaration/relation")
@requires(Permission.ENGAGEMENTS_READ)
def relation_action(engagement_id: str) -> ResponseReturnValue:
    """Records a relation with the client instead of declaring that there is none."""
    form = ClientRelationForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            state_relation(
                current_actor(),
                engagement_id=engagement_id,
                kind=form.kind.data,
                began_on=form.began_on.data,
                ended_on=form.ended_on.data,
                note=form.note.data or "",
            )
            flash(_("The relation was recorded."), "success")
            return redirect(url_for("filing.declaration_page", engagement_id=engagement_id), 303)
    return _show(engagement_id, form)


@blueprint.post("/engagements/<engagement_id>/declaration/scan")
@requires(Permission.ENGAGEMENTS_READ, streaming=True)
def bring_own(engagement_id: str) -> ResponseReturnValue:
    """A form sends the scan of one's own signed sheet."""
    if _brought(engagement_id, current_actor().person_id or ""):
        return redirect(url_for("progress.progress_page", engagement_id=engagement_id), 303)
    return redirect(url_for("filing.declaration_page", engagement_id=engagement_id), 303)


@blueprint.get("/engagements/<engagement_id>/declarations/<person_id>")
@requires(Permission.ENGAGEMENTS_READ)
def record_page(engagement_id: str, person_id: str) -> ResponseReturnValue:
    """Leads to the record of somebody's declaration."""
    document_id = view_record(current_actor(), engagement_id=engagement_id, person_id=person_id)
    return redirect(url_for("documents.document_page", document_id=document_id), 303)


@blueprint.get("/engagements/<engagement_id>/declarations/<person_id>/scan")
@requires(Permission.TEAM_MANAGE)
def scan_page(engagement_id: str, person_id: str) -> ResponseReturnValue:
    """Where the leader or the archivist brings a colleague's signed sheet."""
    assigned = view_scan(current_actor(), engagement_id=engagement_id, person_id=person_id)
    return render_template("filing/scan.html", assigned=assigned)


@blueprint.post("/engagements/<engagement_id>/declarations/<person_id>/scan")
@requires(Permission.TEAM_MANAGE, streaming=True)
def bring_for(engagement_id: str, person_id: str) -> ResponseReturnValue:
    """A form sends the scan of a colleague's signed sheet."""
    if _brought(engagement_id, person_id):
        return redirect(url_for("engagements.team_page", engagement_id=engagement_id), 303)
    return redirect(url_for("filing.scan_page", engagement_id=engagement_id, person_id=person_id), 303)


def _brought(engagement_id: str, person_id: str) -> bool:
    """Takes the one file of the form; says on the next page what became of it."""
    for part in form_files(request):
        try:
            bring_signed(
                current_actor(),
                engagement_id=engagement_id,
                person_id=person_id,
                code=part.fields.get("code", ""),
                name=part.name,
                stream=part.stream,
                claimed_media_type=part.media_type,
            )
        except ArchiveError as error:
            flash(error.text(current_language()), "danger")
            return False
        flash(_("The signed declaration was filed."), "success")
        return True
    flash(_("Choose the file with the scanned sheet."), "danger")
    return False


def _show(engagement_id: str, form: ClientRelationForm) -> ResponseReturnValue:
    language = current_language()
    page = view_declaration(current_actor(), engagement_id=engagement_id, language=language)
    refusal = page.refusal.text(language) if page.refusal else ""
    shown = render_template("filing/declaration.html", page=page, form=form, refusal=refusal)
    return shown, form_status(form)
