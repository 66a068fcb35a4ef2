"""Pages of obligations: the list, one with its evaluations, evaluating it, and the action that follows."""

from collections.abc import Callable, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.archive import current_archive
from archive_app.kernel.permissions import Permission
from archive_app.management.laws.acting import confirm_action, finish_action, return_action
from archive_app.management.laws.choices import possible_owners
from archive_app.management.laws.evaluating import (
    FIRST_EVALUATION,
    evaluate,
    find_documents,
    withdraw_evaluation,
)
from archive_app.management.laws.forms import (
    ConfirmForm,
    DutyForm,
    EndObligationForm,
    EvaluationForm,
    FinishForm,
    HandOverForm,
    ReasonForm,
    ReturnForm,
    people_choices,
)
from archive_app.management.laws.obliging import (
    correct_obligation,
    duty_of,
    end_obligation,
    hand_over,
    record_obligation,
    withdraw_obligation,
)
from archive_app.management.laws.showing import (
    LawPage,
    ObligationPage,
    find_evaluation,
    list_obligations,
    view_law,
    view_obligation,
)
from archive_app.management.laws.views import WORDS, blueprint, filters_asked
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language


@blueprint.get("/laws/obligations")
@requires(Permission.LAWS_READ)
def obligations_page() -> ResponseReturnValue:
    """Obligations by the day of their next evaluation, filters in the URL."""
    return _list(None)


@blueprint.post("/laws/obligations/handed-over")
@requires(Permission.LAWS_MANAGE)
def hand_over_action() -> ResponseReturnValue:
    """Gives what somebody sees to to somebody else."""
    form = HandOverForm(_people())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            count = hand_over(current_actor(), owner_id=request.args.get("owner", ""), to=form.to.data)
            flash(_("Obligations and actions handed over: %(count)s", count=count), "success")
            return redirect(url_for("laws.obligations_page", owner=form.to.data), 303)
    return _list(form)


@blueprint.get("/laws/<id:law_id>/obligations/new")
@requires(Permission.LAWS_MANAGE)
def new_obligation_page(law_id: str) -> ResponseReturnValue:
    """The form to record what a law asks."""
    page = view_law(current_actor(), law_id=law_id)
    return _duty_form(DutyForm(_people(), formdata=None, owner=current_actor().person_id), page, None)


@blueprint.post("/laws/<id:law_id>/obligations")
@requires(Permission.LAWS_MANAGE)
def record_obligation_action(law_id: str) -> ResponseReturnValue:
    """Records what a law asks."""
    page, form = view_law(current_actor(), law_id=law_id), DutyForm(_people())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            record_obligation(current_actor(), law_id=law_id, facts=form.facts())
            flash(_("The obligation was recorded."), "success")
            return redirect(url_for("laws.law_page", law_id=law_id), 303)
    return _duty_form(form, page, None)


@blueprint.get("/laws/obligations/<id:obligation_id>")
@requires(Permission.LAWS_READ)
def obligation_page(obligation_id: str) -> ResponseReturnValue:
    """One obligation with the history of its evaluations."""
    return _page(obligation_id)


@blueprint.get("/laws/obligations/<id:obligation_id>/correction")
@requires(Permission.LAWS_MANAGE)
def correct_obligation_page(obligation_id: str) -> ResponseReturnValue:
    """The form to correct it."""
    page = view_obligation(current_actor(), obligation_id=obligation_id)
    told = vars(duty_of(page.line.obligation)) | {"seen": page.seen}
    return _duty_form(DutyForm(_people(page), formdata=None, **told), None, page)


@blueprint.post("/laws/obligations/<id:obligation_id>/correction")
@requires(Permission.LAWS_MANAGE)
def correct_obligation_action(obligation_id: str) -> ResponseReturnValue:
    """Corrects it."""
    page = view_obligation(current_actor(), obligation_id=obligation_id)
    form = DutyForm(_people(page))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            seen = form.seen.data or None
            correct_obligation(current_actor(), obligation_id=obligation_id, facts=form.facts(), seen=seen)
            return _to(obligation_id)
    return _duty_form(form, None, page)


@blueprint.post("/laws/obligations/<id:obligation_id>/end")
@requires(Permission.LAWS_MANAGE)
def end_obligation_action(obligation_id: str) -> ResponseReturnValue:
    """Ends it though its law goes on."""
    form = EndObligationForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            told = {"last_day": form.last_day.data, "reason": form.reason.data}
            end_obligation(current_actor(), obligation_id=obligation_id, **told)
            return _to(obligation_id)
    return _page(obligation_id, end=form)


@blueprint.post("/laws/obligations/<id:obligation_id>/withdrawal")
@requires(Permission.LAWS_MANAGE)
def withdraw_obligation_action(obligation_id: str) -> ResponseReturnValue:
    """Takes it back."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_obligation(current_actor(), obligation_id=obligation_id, reason=form.reason.data)
            return _to(obligation_id)
    return _page(obligation_id, withdraw=form)


@blueprint.get("/laws/obligations/<id:obligation_id>/evaluation")
@requires(Permission.LAWS_EVALUATE)
def evaluate_page(obligation_id: str) -> ResponseReturnValue:
    """The form to evaluate it."""
    page = view_obligation(current_actor(), obligation_id=obligation_id)
    seen = page.line.obligation.last_evaluation_id or FIRST_EVALUATION
    today = current_archive().today()
    form = EvaluationForm(current_language(), _people(), formdata=None, evaluated_on=today, seen=seen)
    return _evaluation_form(form, page)


@blueprint.post("/laws/obligations/<id:obligation_id>/evaluation")
@requires(Permission.LAWS_EVALUATE)
def evaluate_action(obligation_id: str) -> ResponseReturnValue:
    """Records an evaluation, or looks for documents that it may rest on."""
    actor, form = current_actor(), EvaluationForm(current_language(), _people())
    form.offer(find_documents(actor, text=form.find.data or "", chosen=request.form.getlist("documents")))
    if "look" not in request.form and form.validate_on_submit():
        with refusals_shown_on(form):
            evaluate(actor, obligation_id=obligation_id, findings=form.findings(), seen=form.seen.data or None)
            flash(_("The evaluation was recorded."), "success")
            return _to(obligation_id)
    return _evaluation_form(form, view_obligation(actor, obligation_id=obligation_id))


@blueprint.get("/laws/evaluations/<id:evaluation_id>")
@requires(Permission.LAWS_READ)
def evaluation_page(evaluation_id: str) -> ResponseReturnValue:
    """Leads to an evaluation on the page of its obligation."""
    found = find_evaluation(current_actor(), evaluation_id=evaluation_id)
    return _to(found.obligation_id, anchor=f"evaluation-{found.id}")


@blueprint.post("/laws/evaluations/<id:evaluation_id>/withdrawal")
@requires(Permission.LAWS_MANAGE)
def withdraw_evaluation_action(evaluation_id: str) -> ResponseReturnValue:
    """Takes an evaluation back."""
    form = ReasonForm()
    return _act(evaluation_id, "take_back", form, lambda: withdraw_evaluation(
        current_actor(), evaluation_id=evaluation_id, reason=form.reason.data))  # fmt: skip


@blueprint.post("/laws/evaluations/<id:evaluation_id>/action")
@requires(Permission.LAWS_EVALUATE)
def finish_action_action(evaluation_id: str) -> ResponseReturnValue:
    """Says that the action was done."""
    form = FinishForm()
    return _act(evaluation_id, "finish", form, lambda: finish_action(
        current_actor(), evaluation_id=evaluation_id, result=form.result.data))  # fmt: skip


@blueprint.post("/laws/evaluations/<id:evaluation_id>/confirmation")
@requires(Permission.LAWS_EVALUATE)
def confirm_action_action(evaluation_id: str) -> ResponseReturnValue:
    """Confirms that the action was effective."""
    form = ConfirmForm()
    return _act(evaluation_id, "confirm", form, lambda: confirm_action(
        current_actor(), evaluation_id=evaluation_id, effect=form.effect.data))  # fmt: skip


@blueprint.post("/laws/evaluations/<id:evaluation_id>/return")
@requires(Permission.LAWS_EVALUATE)
def return_action_action(evaluation_id: str) -> ResponseReturnValue:
    """Returns an action that was not enough."""
    form = ReturnForm()
    return _act(evaluation_id, "return_", form, lambda: return_action(
        current_actor(), evaluation_id=evaluation_id, reason=form.reason.data, due_on=form.due_on.data))  # fmt: skip


def _act(evaluation_id: str, name: str, form: FlaskForm, act: Callable[[], object]) -> ResponseReturnValue:
    obligation_id = find_evaluation(current_actor(), evaluation_id=evaluation_id).obligation_id
    if form.validate_on_submit():
        with refusals_shown_on(form):
            act()
            return _to(obligation_id, anchor=f"evaluation-{evaluation_id}")
    return _page(obligation_id, evaluation_id, **{name: form})


def _people(page: ObligationPage | None = None) -> Sequence[tuple[str, str]]:
    """Who may see to it, and whoever does now, though they left."""
    kept = [(page.line.obligation.owner_id, page.line.owner)] if page else []
    return people_choices(possible_owners(current_actor()), kept)


def _to(obligation_id: str, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("laws.obligation_page", obligation_id=obligation_id, _anchor=anchor), 303)


def _duty_form(form: DutyForm, law: LawPage | None, page: ObligationPage | None) -> ResponseReturnValue:
    return render_template("laws/obligation_form.html", form=form, law=law, page=page), form_status(form)


def _evaluation_form(form: EvaluationForm, page: ObligationPage) -> ResponseReturnValue:
    return render_template("laws/evaluation_form.html", form=form, page=page, **WORDS), form_status(form)


def _list(form: HandOverForm | None) -> ResponseReturnValue:
    actor, filters = current_actor(), filters_asked()
    may_manage = actor.may(Permission.LAWS_MANAGE)
    shown = render_template(
        "laws/obligations.html",
        page=list_obligations(actor, filters=filters, after=request.args.get("after")),
        filters=filters,
        owners=_people(),
        hand_over=form or (HandOverForm(_people(), formdata=None) if may_manage and filters.owner else None),
        may_manage=may_manage,
        own_id=actor.person_id,
        **WORDS,
    )
    return shown, form_status(form) if form else 200


def _page(obligation_id: str, evaluation_id: str = "", **refused: FlaskForm) -> ResponseReturnValue:
    """The obligation's page, with the form that was refused as it was filled in."""
    actor = current_actor()
    forms: dict[str, Callable[[], FlaskForm]] = {
        "end": lambda: EndObligationForm(formdata=None),
        "withdraw": lambda: ReasonForm(formdata=None),
        "take_back": lambda: ReasonForm(formdata=None),
        "finish": lambda: FinishForm(formdata=None),
        "confirm": lambda: ConfirmForm(formdata=None),
        "return_": lambda: ReturnForm(formdata=None),
    }
    shown = render_template(
        "laws/obligation.html",
        page=view_obligation(actor, obligation_id=obligation_id),
        forms={name: refused.get(name) or make() for name, make in forms.items()},
        blank={name: make() for name, make in forms.items()},
        refused=next(iter(refused), ""),
        refused_id=evaluation_id,
        may_manage=actor.may(Permission.LAWS_MANAGE),
        may_evaluate=actor.may(Permission.LAWS_EVALUATE),
        own_id=actor.person_id,
        **WORDS,
    )
    return shown, max([200, *map(form_status, refused.values())])
