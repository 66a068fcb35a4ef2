"""Pages of decisions: written into a planned review, listed, done by their owners."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.permissions import Permission
from archive_app.management.reviews.agenda import DECISION, agenda, name_of
from archive_app.management.reviews.deciding import (
    add_decision,
    decide_nothing,
    drop_decision,
    finish_decision,
    give_decision,
)
from archive_app.management.reviews.following import (
    STATES,
    DecisionFilters,
    list_decisions,
    owners_of_decisions,
    view_decision,
)
from archive_app.management.reviews.forms import DecisionForm, NothingForm, OwnerForm, ResultForm
from archive_app.management.reviews.showing import review_choices, view_review
from archive_app.management.reviews.views import review_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint("review_decisions", __name__, template_folder="../templates")
KINDS = {"open": "watch", "overdue": "bad", "done": "good"}
"""How a state is coloured."""


@blueprint.get("/management-reviews/decisions")
@requires(Permission.REVIEWS_READ)
def list_page() -> ResponseReturnValue:
    """Decisions of all held reviews, filters in the URL."""
    actor, args = current_actor(), request.args
    names = ("state", "code", "owner_id", "review_id")
    filters = DecisionFilters(**{name: args.get(name, "") for name in names})
    language = current_language()
    codes = [(one.code, name_of(one.code, language)) for one in agenda().outputs if one.kind == DECISION]
    return render_template(
        "reviews/decisions.html",
        page=list_decisions(actor, filters=filters, after=args.get("after")),
        chosen=filters,
        owners=owners_of_decisions(actor),
        codes=codes,
        states=STATES,
        kinds=KINDS,
    )


@blueprint.get("/management-reviews/decisions/<id:decision_id>")
@requires(Permission.WORK_READ)
def decision_page(decision_id: str) -> ResponseReturnValue:
    """One decision, for its owner and for whoever reads reviews."""
    return _page(decision_id)


@blueprint.post("/management-reviews/decisions/<id:decision_id>/result")
@requires(Permission.WORK_READ)
def finish_action(decision_id: str) -> ResponseReturnValue:
    """Says that it is done."""
    view_decision(current_actor(), decision_id=decision_id)
    form = ResultForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            finish_decision(current_actor(), decision_id=decision_id, result=form.result.data)
            flash(_("The decision is done."), "success")
            return _to(decision_id)
    return _page(decision_id, finish=form)


@blueprint.post("/management-reviews/decisions/<id:decision_id>/owner")
@requires(Permission.REVIEWS_PREPARE)
def give_action(decision_id: str) -> ResponseReturnValue:
    """Gives it to somebody else."""
    form = OwnerForm(view_decision(current_actor(), decision_id=decision_id).others)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            give_decision(current_actor(), decision_id=decision_id, owner=form.owner.data)
            return _to(decision_id)
    return _page(decision_id, give=form)


@blueprint.post("/management-reviews/<id:management_review_id>/decisions")
@requires(Permission.REVIEWS_PREPARE)
def add_action(management_review_id: str) -> ResponseReturnValue:
    """Writes a decision into a planned review."""
    actor = current_actor()
    codes = [one.code for one in view_review(actor, review_id=management_review_id).outputs if not one.record]
    form = DecisionForm(current_language(), codes, review_choices(actor).people)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            add_decision(actor, review_id=management_review_id, decided=form.decided())
            return _to_review(management_review_id, f"output-{form.code.data}")
    return review_answer(management_review_id, refused="decision", form=form)


@blueprint.post("/management-reviews/<id:management_review_id>/decisions/<id:decision_id>/removal")
@requires(Permission.REVIEWS_PREPARE)
def drop_action(management_review_id: str, decision_id: str) -> ResponseReturnValue:
    """Takes it out of a planned review."""
    drop_decision(current_actor(), review_id=management_review_id, decision_id=decision_id)
    return _to_review(management_review_id, "outputs")


@blueprint.post("/management-reviews/<id:management_review_id>/outputs/<output>/nothing")
@requires(Permission.REVIEWS_PREPARE)
def nothing_action(management_review_id: str, output: str) -> ResponseReturnValue:
    """Says that there is nothing to decide about an output."""
    view_review(current_actor(), review_id=management_review_id)
    form = NothingForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            decide_nothing(current_actor(), review_id=management_review_id, code=output, reason=form.reason.data or "")
            return _to_review(management_review_id, f"output-{output}")
    return review_answer(management_review_id, refused=f"output-{output}", form=form)


def _to(decision_id: str) -> ResponseReturnValue:
    return redirect(url_for("review_decisions.decision_page", decision_id=decision_id), 303)


def _to_review(review_id: str, anchor: str) -> ResponseReturnValue:
    return redirect(url_for("reviews.review_page", management_review_id=review_id, _anchor=anchor), 303)


def _page(decision_id: str, **refused: FlaskForm) -> ResponseReturnValue:
    page = view_decision(current_actor(), decision_id=decision_id)
    forms = {"finish": ResultForm(formdata=None), "give": OwnerForm(page.others, formdata=None)} | refused
    shown = render_template("reviews/decision.html", page=page, forms=forms, states=STATES, kinds=KINDS)
    return shown, max([200, *map(form_status, refused.values())])
