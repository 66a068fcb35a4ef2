"""Pages of the technical review: the reports of an engagement, a round beside its document, and the verdict."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.casework.reviewing.forms import AnswerForm, ReasonForm, RemarkForm, SubmitForm, VerdictForm
from archive_app.casework.reviewing.remarks import answer_remark, resolve_remark, write_remark
from archive_app.casework.reviewing.reports import VERDICTS
from archive_app.casework.reviewing.rounds import submit_for_review, take_back_review
from archive_app.casework.reviewing.showing import view_review, view_round
from archive_app.casework.reviewing.verdict import give_verdict
from archive_app.documents.looking import view_document
from archive_app.documents.text_view import Spot
from archive_app.engagements.glass import glass_alarms
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "reviewing", __name__, template_folder="templates", static_folder="static", static_url_path="/reviewing/static"
)
KINDS = {"": "watch", "passed": "good", "returned": "bad", "withdrawn": "quiet"}
"""How a verdict is coloured."""


@blueprint.get("/engagements/<engagement_id>/review")
@requires(Permission.DOCUMENTS_READ)
def review_page(engagement_id: str) -> ResponseReturnValue:
    """How the reports of an engagement stand: review, issue, notification."""
    return _review(engagement_id, None)


@blueprint.post("/engagements/<engagement_id>/review")
@requires(Permission.TEAM_LEAD)
def submit_action(engagement_id: str) -> ResponseReturnValue:
    """Submits a version of the report to a reviewer."""
    actor = current_actor()
    form = SubmitForm(view_review(actor, engagement_id=engagement_id, leading=True).reviewers)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            review = submit_for_review(
                actor,
                engagement_id=engagement_id,
                document_id=form.document_id.data,
                version_id=form.version_id.data,
                reviewer_id=form.reviewer_id.data,
            )
            flash(_("Round %(round)s of the technical review has begun.", round=review.round), "success")
            return redirect(url_for("reviewing.review_page", engagement_id=engagement_id), 303)
    return _review(engagement_id, form)


@blueprint.get("/engagements/<engagement_id>/review/<review_id>")
@requires(Permission.DOCUMENTS_READ)
def round_page(engagement_id: str, review_id: str) -> ResponseReturnValue:
    """A round: the document, and its remarks beside it."""
    return _round(engagement_id, review_id)


@blueprint.post("/engagements/<engagement_id>/review/<review_id>/remarks")
@requires(Permission.TECHNICAL_REVIEW)
def remark_action(engagement_id: str, review_id: str) -> ResponseReturnValue:
    """Writes a remark."""
    _require_there(engagement_id, review_id)
    form = RemarkForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            write_remark(
                current_actor(),
                review_id=review_id,
                remark=form.remark.data,
                page=form.page.data,
                quote=form.quote.data or "",
                grave=form.grave.data,
                document_id=form.document_id.data or "",
            )
            return _to_round(engagement_id, review_id, document=form.document_id.data, page=form.page.data)
    return _round(engagement_id, review_id, remark=form)


@blueprint.post("/engagements/<engagement_id>/review/<review_id>/remarks/<remark_id>/answer")
@requires(Permission.TEAM_JOIN)
def answer_action(engagement_id: str, review_id: str, remark_id: str) -> ResponseReturnValue:
    """Answers a remark."""
    _require_there(engagement_id, review_id)
    form = AnswerForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            answer_remark(current_actor(), remark_id=remark_id, answer=form.answer.data, seen=form.seen.data or "")
            return _to_round(engagement_id, review_id, _anchor=f"remark-{remark_id}")
    return _round(engagement_id, review_id, answer=form, answered=remark_id)


@blueprint.post("/engagements/<engagement_id>/review/<review_id>/remarks/<remark_id>/resolution")
@requires(Permission.TECHNICAL_REVIEW)
def resolve_action(engagement_id: str, review_id: str, remark_id: str) -> ResponseReturnValue:
    """The reviewer is satisfied with a remark."""
    _require_there(engagement_id, review_id)
    resolve_remark(current_actor(), remark_id=remark_id, review_id=review_id, seen=request.form.get("seen", ""))
    return _to_round(engagement_id, review_id, _anchor=f"remark-{remark_id}")


@blueprint.post("/engagements/<engagement_id>/review/<review_id>/taking-back")
@requires(Permission.TEAM_LEAD)
def take_back_action(engagement_id: str, review_id: str) -> ResponseReturnValue:
    """Takes a submission back."""
    _require_there(engagement_id, review_id)
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            take_back_review(current_actor(), review_id=review_id, reason=form.reason.data)
            return redirect(url_for("reviewing.review_page", engagement_id=engagement_id), 303)
    return _round(engagement_id, review_id, take_back=form)


@blueprint.get("/engagements/<engagement_id>/review/<review_id>/verdict")
@requires(Permission.TECHNICAL_REVIEW, confirmed=True)
def verdict_page(engagement_id: str, review_id: str) -> ResponseReturnValue:
    """The form of the verdict."""
    return _verdict(engagement_id, review_id, VerdictForm(current_language(), formdata=None))


@blueprint.post("/engagements/<engagement_id>/review/<review_id>/verdict")
@requires(Permission.TECHNICAL_REVIEW, confirmed=True)
def verdict_action(engagement_id: str, review_id: str) -> ResponseReturnValue:
    """Gives the verdict."""
    _require_there(engagement_id, review_id)
    form = VerdictForm(current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            give_verdict(
                current_actor(),
                review_id=review_id,
                verdict=form.verdict.data,
                summary=form.summary.data,
                language=current_language(),
            )
            flash(_("The verdict was given, and its record is filed."), "success")
            return redirect(url_for("reviewing.review_page", engagement_id=engagement_id), 303)
    return _verdict(engagement_id, review_id, form)


def _require_there(engagement_id: str, review_id: str) -> None:
    """Both parts of the address are of one thing. Raises: NotFoundError."""
    view_round(current_actor(), engagement_id=engagement_id, review_id=review_id)


def _to_round(engagement_id: str, review_id: str, **more: Any) -> ResponseReturnValue:
    kept = {name: value for name, value in more.items() if value}
    address = url_for("reviewing.round_page", engagement_id=engagement_id, review_id=review_id, **kept)
    return redirect(address, 303)


def _review(engagement_id: str, form: SubmitForm | None) -> ResponseReturnValue:
    actor = current_actor()
    page = view_review(actor, engagement_id=engagement_id, after=request.args.get("after"))
    shown = render_template(
        "reviewing/review.html",
        page=page,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        form=form or SubmitForm(page.reviewers, formdata=None),
        verdicts=VERDICTS,
        kinds=KINDS,
    )
    return shown, form_status(form) if form else 200


def _verdict(engagement_id: str, review_id: str, form: VerdictForm) -> ResponseReturnValue:
    page = view_round(current_actor(), engagement_id=engagement_id, review_id=review_id)
    return render_template("reviewing/verdict.html", page=page, form=form), form_status(form)


def _round(
    engagement_id: str,
    review_id: str,
    *,
    remark: RemarkForm | None = None,
    answer: AnswerForm | None = None,
    answered: str = "",
    take_back: ReasonForm | None = None,
) -> ResponseReturnValue:
    """The page, with the form that was refused as it was filled in."""
    actor, args = current_actor(), request.args
    page = view_round(actor, engagement_id=engagement_id, review_id=review_id)
    document_id = args.get("document") or page.line.document_id
    spot = Spot(page=args.get("page", type=int), at=args.get("at", type=int))
    number = page.line.number if document_id == page.line.document_id else None
    face = view_document(actor, document_id=document_id, number=number, spot=spot)
    about = None if document_id == page.line.document_id else document_id
    shown = render_template(
        "reviewing/round.html",
        page=page,
        face=face,
        about=about,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        remark_form=remark
        or RemarkForm(formdata=None, document_id=about, page=face.shown_page if face.pictured else None),
        answer_form=answer,
        answered=answered,
        take_back_form=take_back or ReasonForm(formdata=None),
        taking_back=take_back is not None,
        verdicts=VERDICTS,
        kinds=KINDS,
    )
    return shown, max(form_status(form) if form else 200 for form in (remark, answer, take_back))
