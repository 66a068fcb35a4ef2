"""Pages of the legal register: the list with its figures, laws, looking at them again, what is taken along."""

from collections.abc import Callable
from datetime import date
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.management.laws.choices import possible_owners, successors, texts_of_laws
from archive_app.management.laws.figures import NEVER, view_figures
from archive_app.management.laws.forms import CarryForm, EndForm, LawForm, PeriodForm, ReasonForm, people_choices
from archive_app.management.laws.kinds import KINDS, OUTCOMES, RESULTS, STATES, UNCHANGED
from archive_app.management.laws.obliging import carry_over
from archive_app.management.laws.recording import (
    correct_law,
    end_law,
    facts_of,
    record_law,
    take_back_end,
    withdraw_law,
)
from archive_app.management.laws.report import ACTIONS, file_report, print_report
from archive_app.management.laws.reviewing import Look, review_laws
from archive_app.management.laws.showing import LawPage, RegisterFilters, laws_to_review, list_laws, view_law
from archive_app.management.laws.tables import Form, export_register
from archive_app.web.downloads import package_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, is_confirmed, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "laws", __name__, template_folder="templates", static_folder="static", static_url_path="/laws/static"
)
STATE_LOOKS = {"in_force": "good", "coming": "watch", "ended": "quiet", "withdrawn": "quiet"}
RESULT_LOOKS = {"complies": "good", "partly": "watch", "fails": "bad", "not_applicable": "quiet", NEVER: "quiet"}
WORDS = {
    "kinds": KINDS,
    "states": STATES,
    "results": RESULTS,
    "outcomes": OUTCOMES,
    "actions": ACTIONS,
    "state_looks": STATE_LOOKS,
    "result_looks": RESULT_LOOKS,
    "never_words": N_("Never evaluated"),
}


@blueprint.app_template_global()
def law_result_words(result: str) -> str:
    """The result of an evaluation in words, for the panel on documents' pages."""
    return translate(current_language(), RESULTS[result])


def filters_asked() -> RegisterFilters:
    """The filters of the address."""
    args = request.args
    return RegisterFilters(
        text=args.get("text", ""),
        kind=args.get("kind", ""),
        state=args.get("state", ""),
        owner=args.get("owner", ""),
        overdue=args.get("overdue") == "1",
        not_complied=args.get("not_complied") == "1",
    )


@blueprint.get("/laws")
@requires(Permission.LAWS_READ)
def list_page() -> ResponseReturnValue:
    """The register, filters in the URL."""
    actor, filters = current_actor(), filters_asked()
    return render_template(
        "laws/list.html",
        page=list_laws(actor, filters=filters, after=request.args.get("after")),
        figures=view_figures(actor),
        filters=filters,
        owners=people_choices(possible_owners(actor)),
        may_manage=actor.may(Permission.LAWS_MANAGE),
        **WORDS,
    )


@blueprint.get("/laws/new")
@requires(Permission.LAWS_MANAGE)
def new_page() -> ResponseReturnValue:
    """The form to record a law."""
    return _law_form(LawForm(current_language(), texts_of_laws(current_actor()), formdata=None))


@blueprint.post("/laws")
@requires(Permission.LAWS_MANAGE)
def record_action() -> ResponseReturnValue:
    """Records a law."""
    form = LawForm(current_language(), texts_of_laws(current_actor()))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            law = record_law(current_actor(), facts=form.facts())
            flash(_("The law was recorded. Now record what it asks of you."), "success")
            return _to(law.id)
    return _law_form(form)


@blueprint.get("/laws/<id:law_id>")
@requires(Permission.LAWS_READ)
def law_page(law_id: str) -> ResponseReturnValue:
    """One law as a chain: obligations, owners, evaluations, evidence."""
    return _page(law_id)


@blueprint.get("/laws/<id:law_id>/correction")
@requires(Permission.LAWS_MANAGE)
def correct_page(law_id: str) -> ResponseReturnValue:
    """The form to correct what is recorded."""
    page = view_law(current_actor(), law_id=law_id)
    told = vars(facts_of(page.law)) | {"seen": page.seen}
    return _law_form(LawForm(current_language(), _texts(page), formdata=None, **told), page)


@blueprint.post("/laws/<id:law_id>/correction")
@requires(Permission.LAWS_MANAGE)
def correct_action(law_id: str) -> ResponseReturnValue:
    """Corrects what is recorded."""
    page = view_law(current_actor(), law_id=law_id)
    form = LawForm(current_language(), _texts(page))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            correct_law(current_actor(), law_id=law_id, facts=form.facts(), seen=form.seen.data or None)
            return _to(law_id)
    return _law_form(form, page)


@blueprint.post("/laws/<id:law_id>/end")
@requires(Permission.LAWS_MANAGE)
def end_action(law_id: str) -> ResponseReturnValue:
    """Records that a law ends, and what comes in its place."""
    form = EndForm(current_language(), successors(current_actor(), law_id=law_id))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            told = {"ended_on": form.ended_on.data, "reason": form.reason.data}
            end_law(current_actor(), law_id=law_id, replaced_by_id=form.replaced_by_id.data or "", **told)
            return _to(law_id)
    return _page(law_id, end=form)


@blueprint.post("/laws/<id:law_id>/end/taken-back")
@requires(Permission.LAWS_MANAGE)
def take_back_action(law_id: str) -> ResponseReturnValue:
    """Takes back that it ended."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            take_back_end(current_actor(), law_id=law_id, reason=form.reason.data)
            return _to(law_id)
    return _page(law_id, take_back=form)


@blueprint.post("/laws/<id:law_id>/withdrawal")
@requires(Permission.LAWS_MANAGE)
def withdraw_action(law_id: str) -> ResponseReturnValue:
    """Withdraws what was recorded wrongly."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_law(current_actor(), law_id=law_id, reason=form.reason.data)
            return _to(law_id)
    return _page(law_id, withdraw=form)


@blueprint.post("/laws/<id:law_id>/carried")
@requires(Permission.LAWS_MANAGE)
def carry_action(law_id: str) -> ResponseReturnValue:
    """Carries obligations over to the law that came in place of this one."""
    form = CarryForm()
    form.obligations.choices = [(one, one) for one in form.obligations.data or ()]
    if form.validate_on_submit():
        with refusals_shown_on(form):
            made = carry_over(current_actor(), law_id=law_id, obligation_ids=form.obligations.data or ())
            flash(_("Obligations carried over: %(count)s", count=len(made)), "success")
            return _to(made[0].law_id)
    return _page(law_id, carry=form)


@blueprint.get("/laws/review")
@requires(Permission.LAWS_MANAGE)
def review_page() -> ResponseReturnValue:
    """Laws that somebody has to look at again."""
    return _review(FlaskForm(formdata=None))


@blueprint.post("/laws/review")
@requires(Permission.LAWS_MANAGE)
def review_action() -> ResponseReturnValue:
    """Records what was found of them."""
    form, sent = FlaskForm(), request.form
    if form.validate_on_submit():
        with refusals_shown_on(form):
            looks = {
                one: Look(sent.get(f"outcome-{one}", UNCHANGED), sent.get(f"remark-{one}", ""))
                for one in sent.getlist("law")
            }
            count = review_laws(current_actor(), looks=looks)
            flash(_("Laws looked at: %(count)s", count=count), "success")
            return redirect(url_for("laws.review_page"), 303)
    return _review(form)


@blueprint.get("/laws/report")
@requires(Permission.LAWS_READ)
def report_page() -> ResponseReturnValue:
    """What can be taken along of the register."""
    today = current_archive().today()
    return _report(PeriodForm(formdata=None, first=date(today.year, 1, 1), last=today))


@blueprint.post("/laws/report")
@requires(Permission.LAWS_READ, confirmed=True)
def report_action() -> ResponseReturnValue:
    """The compliance evaluation report as PDF."""
    form = PeriodForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            told = {"first": form.first.data, "last": form.last.data}
            made = print_report(current_actor(), language=current_language(), **told)
            return package_answer(BytesIO(made.content), name=made.name)
    return _report(form)


@blueprint.post("/laws/report/filed")
@requires(Permission.LAWS_MANAGE)
def file_report_action() -> ResponseReturnValue:
    """Files the report."""
    form = PeriodForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            told = {"first": form.first.data, "last": form.last.data}
            document_id = file_report(current_actor(), language=current_language(), **told)
            return redirect(url_for("documents.document_page", document_id=document_id), 303)
    return _report(form)


@blueprint.post("/laws/export")
@requires(Permission.LAWS_READ, confirmed=True)
def export_action() -> ResponseReturnValue:
    """The register as a table."""
    try:
        form = Form(request.form.get("form", ""))
    except ValueError as error:
        raise InvalidInputError(field=N_("Form"), reason=N_("This form is not known.")) from error
    table = export_register(current_actor(), form=form, language=current_language())
    return package_answer(table.blocks, name=table.name)


def _texts(page: LawPage) -> list[tuple[str, str]]:
    """Texts to choose from, and the one that stands there though the person does not see it."""
    found, kept = list(texts_of_laws(current_actor())), page.law.controlled_document_id
    unseen = kept is not None and kept not in {text_id for text_id, _ in found}
    return [*found, (kept or "", _("A document that you may not see"))] if unseen else found


def _to(law_id: str) -> ResponseReturnValue:
    return redirect(url_for("laws.law_page", law_id=law_id), 303)


def _law_form(form: LawForm, page: LawPage | None = None) -> ResponseReturnValue:
    return render_template("laws/law_form.html", form=form, page=page), form_status(form)


def _review(form: FlaskForm) -> ResponseReturnValue:
    page = laws_to_review(current_actor(), after=request.args.get("after"))
    return render_template("laws/review.html", form=form, page=page, sent=request.form, **WORDS), form_status(form)


def _report(form: PeriodForm) -> ResponseReturnValue:
    may_file = current_actor().may(Permission.LAWS_MANAGE)
    shown = render_template("laws/report.html", form=form, may_file=may_file, is_confirmed=is_confirmed())
    return shown, form_status(form)


def _page(law_id: str, **refused: FlaskForm) -> ResponseReturnValue:
    """The law's page, with the form that was refused as it was filled in."""
    actor = current_actor()
    page, may_manage = view_law(actor, law_id=law_id), actor.may(Permission.LAWS_MANAGE)
    others = successors(actor, law_id=law_id) if may_manage else ()
    forms: dict[str, Callable[[], FlaskForm]] = {
        "end": lambda: EndForm(current_language(), others, formdata=None),
        "take_back": lambda: ReasonForm(formdata=None),
        "withdraw": lambda: ReasonForm(formdata=None),
        "carry": lambda: CarryForm(formdata=None),
    }
    shown = render_template(
        "laws/law.html",
        page=page,
        forms={name: refused.get(name) or make() for name, make in forms.items()},
        refused=next(iter(refused), ""),
        may_manage=may_manage,
        may_evaluate=actor.may(Permission.LAWS_EVALUATE),
        **WORDS,
    )
    return shown, max([200, *map(form_status, refused.values())])
