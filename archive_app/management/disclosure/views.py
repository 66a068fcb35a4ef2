"""Pages of what is made public: the own ones with their decisions, and the ones that everybody reads."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.documents.kinds import KIND_NAMES
from archive_app.kernel.language import DEFAULT_LANGUAGE
from archive_app.kernel.permissions import Permission
from archive_app.management.disclosure.deciding import decide_disclosure
from archive_app.management.disclosure.forms import PUBLISH, DecisionForm, PageForm, ProposalForm, ReasonForm
from archive_app.management.disclosure.opening import set_public_page, view_own_page
from archive_app.management.disclosure.proposing import leave_unpublished, propose_disclosure, take_back
from archive_app.management.disclosure.public import open_public, view_public_page
from archive_app.management.disclosure.rules import OVER, STATES
from archive_app.management.disclosure.showing import list_disclosures, view_disclosure, view_proposal
from archive_app.web.downloads import content_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "disclosure",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/disclosure/static",
)
_LOOKS = {"proposed": "watch", "published": "good", "refused": "bad", "ended": "quiet"}
_WORDS = {"states": STATES, "looks": _LOOKS, "over_words": OVER, "kind_names": KIND_NAMES}
_LANGUAGES = {"zh": DEFAULT_LANGUAGE, "en": "en"}


@blueprint.app_template_global()
def disclosure_words(code: str) -> str:
    """The state of a disclosure, or why it is over, for the panel on documents' pages."""
    words: str = _({**STATES, **OVER}[code])
    return words


@blueprint.get("/disclosure")
@requires(Permission.DISCLOSURE_PROPOSE)
def list_page() -> ResponseReturnValue:
    """What was proposed and published, filters in the URL."""
    actor, args = current_actor(), request.args
    state, text = args.get("state", ""), args.get("text", "")
    return render_template(
        "disclosure/list.html",
        page=list_disclosures(actor, state=state, text=text, after=args.get("after")),
        own=view_own_page(actor),
        chosen={"state": state, "text": text},
        **_WORDS,
    )


@blueprint.get("/documents/<document_id>/disclosure")
@requires(Permission.DISCLOSURE_PROPOSE)
def new_page(document_id: str) -> ResponseReturnValue:
    """The form to propose a document."""
    return _new(document_id, ProposalForm(formdata=None))


@blueprint.post("/documents/<document_id>/disclosure")
@requires(Permission.DISCLOSURE_PROPOSE)
def propose_action(document_id: str) -> ResponseReturnValue:
    """Proposes a document."""
    form = ProposalForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            row = propose_disclosure(current_actor(), document_id=document_id, proposal=form.proposal())
            flash(_("The publication was proposed. Somebody else decides about it."), "success")
            return _to(row.id)
    return _new(document_id, form)


@blueprint.get("/disclosure/<disclosure_id>")
@requires(Permission.DISCLOSURE_PROPOSE)
def disclosure_page(disclosure_id: str) -> ResponseReturnValue:
    """One disclosure with its decision."""
    return _page(disclosure_id, ReasonForm(formdata=None))


@blueprint.get("/disclosure/<disclosure_id>/decision")
@requires(Permission.DISCLOSURE_DECIDE, confirmed=True)
def decision_page(disclosure_id: str) -> ResponseReturnValue:
    """The form of the decision."""
    return _decision(disclosure_id, DecisionForm(current_language()))


@blueprint.post("/disclosure/<disclosure_id>/decision")
@requires(Permission.DISCLOSURE_DECIDE, confirmed=True)
def decide_action(disclosure_id: str) -> ResponseReturnValue:
    """Decides about it."""
    form = DecisionForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            publish = form.decision.data == PUBLISH
            decide_disclosure(
                current_actor(), disclosure_id=disclosure_id, publish=publish, words=form.words.data or ""
            )
            words = _("The document is public from now on.") if publish else _("The document is not made public.")
            flash(words, "success")
            return _to(disclosure_id)
    return _decision(disclosure_id, form)


@blueprint.post("/disclosure/<disclosure_id>/end")
@requires(Permission.DISCLOSURE_PROPOSE)
def end_action(disclosure_id: str) -> ResponseReturnValue:
    """Takes it back."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            take_back(current_actor(), disclosure_id=disclosure_id, reason=form.reason.data)
            flash(_("It was taken back. Nobody reads it on the public page any more."), "success")
            return _to(disclosure_id)
    return _page(disclosure_id, form)


@blueprint.post("/disclosure/<disclosure_id>/leave")
@requires(Permission.DISCLOSURE_PROPOSE)
def leave_action(disclosure_id: str) -> ResponseReturnValue:
    """Leaves the newer edition unpublished."""
    leave_unpublished(current_actor(), disclosure_id=disclosure_id)
    flash(_("The newer edition is not made public. Nothing waits any more."), "success")
    return _to(disclosure_id)


@blueprint.get("/disclosure/page")
@requires(Permission.DISCLOSURE_DECIDE, confirmed=True)
def own_page() -> ResponseReturnValue:
    """How the public page is set up."""
    return _own(PageForm.of(view_own_page(current_actor())))


@blueprint.post("/disclosure/page")
@requires(Permission.DISCLOSURE_DECIDE, confirmed=True)
def own_page_action() -> ResponseReturnValue:
    """Opens, closes or describes the public page."""
    form = PageForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            page = set_public_page(
                current_actor(),
                code=form.code.data,
                shown=form.shown.data,
                introduction=form.introduction.data or "",
            )
            words = _("The public page is open.") if page.open else _("The public page is closed.")
            flash(words, "success")
            return redirect(url_for("disclosure.list_page"), 303)
    return _own(form)


@blueprint.get("/public/<code>")
@requires(Permission.ANYBODY)
def public_page(code: str) -> ResponseReturnValue:
    """What an organisation made public, for everybody."""
    page = view_public_page(current_actor(), code=code, after=request.args.get("after"))
    if request.args.get("language") in _LANGUAGES:
        g.language = _LANGUAGES[request.args["language"]]
    return render_template("disclosure/public.html", page=page, kind_names=KIND_NAMES)


@blueprint.get("/public/<code>/<disclosure_id>")
@requires(Permission.ANYBODY)
def public_content(code: str, disclosure_id: str) -> ResponseReturnValue:
    """The exact bytes of a published file."""
    opened = open_public(current_actor(), code=code, disclosure_id=disclosure_id, counted=_is_download())
    return content_answer(
        opened.stream,
        name=opened.file.name,
        size_bytes=opened.file.size_bytes,
        sha256=opened.sha256,
        modified_at=opened.file.published_at,
    )


def _is_download() -> bool:
    """Whether the whole of a file, or its beginning, is asked for: parts of one download are not counted again."""
    asked = request.range
    begins = asked is None or any(start == 0 for start, _end in asked.ranges)
    return request.method == "GET" and begins and "If-None-Match" not in request.headers


def _new(document_id: str, form: ProposalForm) -> ResponseReturnValue:
    proposed = view_proposal(current_actor(), document_id=document_id)
    return render_template("disclosure/new.html", form=form, proposed=proposed, **_WORDS), form_status(form)


def _page(disclosure_id: str, form: ReasonForm) -> ResponseReturnValue:
    view = view_disclosure(current_actor(), disclosure_id=disclosure_id)
    return render_template("disclosure/disclosure.html", view=view, form=form, **_WORDS), form_status(form)


def _decision(disclosure_id: str, form: DecisionForm) -> ResponseReturnValue:
    view = view_disclosure(current_actor(), disclosure_id=disclosure_id)
    return render_template("disclosure/decision.html", view=view, form=form, **_WORDS), form_status(form)


def _own(form: PageForm) -> ResponseReturnValue:
    return render_template("disclosure/page.html", form=form, own=view_own_page(current_actor())), form_status(form)


def _to(disclosure_id: str) -> ResponseReturnValue:
    return redirect(url_for("disclosure.disclosure_page", disclosure_id=disclosure_id), 303)
