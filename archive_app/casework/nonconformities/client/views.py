"""Pages of the client, who has no account: the nonconformities that their link opens, and their answers.

They stand behind the door of material requests: its session and nothing else lets somebody in.
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.nonconformities.answering import answer_by_request
from archive_app.casework.nonconformities.bringing import bring_evidence
from archive_app.casework.nonconformities.forms import CorrectionForm
from archive_app.casework.nonconformities.rules import GRADES, STATES
from archive_app.casework.nonconformities.showing import own_nonconformities, own_nonconformity
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language
from archive_app.web.uploads import form_files

blueprint = Blueprint("corrections", __name__, template_folder="../templates")
_KINDS = {"confirmed": "good", "answered": "watch", "raised": "watch", "returned": "bad"}
_REFUSALS_TOLD = 5
_ONE = "/material/nonconformities/<id:nonconformity_id>"


@blueprint.after_request
def tell_nobody(response: Response) -> Response:
    """Nothing that a client opens from here learns where they came from."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/material/nonconformities")
@requires(Permission.REQUEST_ANSWER)
def own_list_page() -> ResponseReturnValue:
    """What the client has to correct."""
    found = own_nonconformities(current_actor())
    return render_template("nonconformities/own_list.html", found=found, grades=GRADES, states=STATES, kinds=_KINDS)


@blueprint.get(_ONE)
@requires(Permission.REQUEST_ANSWER)
def own_page(nonconformity_id: str) -> ResponseReturnValue:
    """One of them, and the form to answer it."""
    return _own(nonconformity_id, CorrectionForm(formdata=None))


@blueprint.post(f"{_ONE}/answer")
@requires(Permission.REQUEST_ANSWER)
def own_answer_action(nonconformity_id: str) -> ResponseReturnValue:
    """Answers it."""
    form = CorrectionForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            answer_by_request(current_actor(), nonconformity_id=nonconformity_id, correction=form.told())
            flash(_("Your answer has arrived. Thank you; you are told if it is returned."), "success")
            return redirect(url_for("corrections.own_page", nonconformity_id=nonconformity_id), 303)
    return _own(nonconformity_id, form)


@blueprint.post(f"{_ONE}/files")
@requires(Permission.REQUEST_ANSWER, streaming=True)
def own_files_action(nonconformity_id: str) -> ResponseReturnValue:
    """Brings files that show the correction; each is taken or refused by itself."""
    brought, refused = 0, []
    for part in form_files(request):
        if not part.name:
            continue  # a control without a choice is sent as a file without a name
        try:
            bring_evidence(
                current_actor(),
                nonconformity_id=nonconformity_id,
                name=part.name,
                stream=part.stream,
                claimed_media_type=part.media_type,
            )
            brought += 1
        except ArchiveError as error:
            refused.append(f"{part.name[:100]}: {error.text(current_language())}")
    if brought:
        flash(_("%(count)s files arrived whole.", count=brought), "success")
    for words in refused[:_REFUSALS_TOLD]:
        flash(words, "danger")
    if not brought and not refused:
        flash(_("No file was chosen."), "warning")
    return redirect(url_for("corrections.own_page", nonconformity_id=nonconformity_id), 303)


def _own(nonconformity_id: str, form: CorrectionForm) -> ResponseReturnValue:
    own = own_nonconformity(current_actor(), nonconformity_id=nonconformity_id)
    shown = render_template("nonconformities/own.html", own=own, form=form, grades=GRADES, states=STATES, kinds=_KINDS)
    return shown, form_status(form)
