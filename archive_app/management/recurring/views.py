"""Pages of recurring duties: the year plan, the list, one duty, and one time of it. What is arranged is in
`arranging`."""

from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.management.recurring.catalogue import CHANGES
from archive_app.management.recurring.forms import DoneForm, EndForm, ReasonForm, TermsForm, done_form
from archive_app.management.recurring.keeping import change_duty, end_duty
from archive_app.management.recurring.listing import TimeFilters, export_times, list_times
from archive_app.management.recurring.planning import MARKS, PlanFilters, overview, year_plan
from archive_app.management.recurring.settling import settle_done, settle_not_needed, take_back
from archive_app.management.recurring.showing import choices, offer, templates_offered, view_duty, view_occurrence
from archive_app.web.downloads import package_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, is_confirmed, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "recurring", __name__, template_folder="templates", static_folder="static", static_url_path="/recurring/static"
)
SYMBOLS = {"done": "✓", "late": "✓!", "open": "○", "overdue": "!", "not_needed": "–", "void": "×"}
"""How a time of a duty is marked in the plan: never by colour alone."""
KINDS = {"done": "good", "late": "watch", "open": "quiet", "overdue": "bad", "not_needed": "quiet", "void": "quiet"}
_VOID_WORDS = {
    "duty": N_("The duty ended, or its days were changed"),
    "site": N_("The site closed"),
    "change": N_("The change was withdrawn"),
}


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "duty_marks": MARKS,
        "duty_symbols": SYMBOLS,
        "duty_kinds": KINDS,
        "change_words": CHANGES,
        "void_words": _VOID_WORDS,
    }


@blueprint.get("/duties")
@requires(Permission.DUTIES_READ)
def plan_page() -> ResponseReturnValue:
    """The year plan of an organisation; for supervisors first those whose duties they see."""
    actor, args, year = current_actor(), request.args, _year()
    months = [format_date(date(2000, number, 1), "LLL") for number in range(1, 13)]
    shown = {"year": year, "months": months, "today": current_archive().today()}
    organisation_id = args.get("organisation", "")
    if actor.may(Permission.SUPERVISION_USE) and not organisation_id:
        page = overview(actor, year=year, after=args.get("after"))
        return render_template("recurring/overview.html", page=page, **shown)
    filters = PlanFilters(site=args.get("site", ""), mine=bool(args.get("mine")))
    plan = year_plan(actor, year=year, organisation_id=organisation_id, filters=filters, after=args.get("after"))
    return render_template("recurring/plan.html", plan=plan, filters=filters, language=current_language(), **shown)


@blueprint.get("/duties/times")
@requires(Permission.DUTIES_READ)
def times_page() -> ResponseReturnValue:
    """Times of duties by day, filters in the URL."""
    filters = _filters()
    page = list_times(current_actor(), filters=filters, after=request.args.get("after"))
    return render_template(
        "recurring/times.html", page=page, filters=filters, language=current_language(), fresh=is_confirmed()
    )


@blueprint.post("/duties/times/table")
@requires(Permission.DUTIES_READ, confirmed=True)
def export_action() -> Response:
    """The same as a table to take along."""
    filters = _filters()
    table = export_times(current_actor(), filters=filters, language=current_language())
    return package_answer([table], name=f"{_('Year plan')} {filters.year or ''}".strip() + ".xlsx")


@blueprint.get("/duties/<id:duty_id>")
@requires(Permission.DUTIES_READ)
def duty_page(duty_id: str) -> ResponseReturnValue:
    """One duty with its history."""
    return _duty(duty_id)


@blueprint.post("/duties/<id:duty_id>/terms")
@requires(Permission.DUTIES_MANAGE)
def terms_action(duty_id: str) -> ResponseReturnValue:
    """Gives a duty to somebody else, or sets its days anew."""
    actor = current_actor()
    form = TermsForm(view_duty(actor, duty_id=duty_id), offer(actor), templates_offered(actor))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_duty(actor, duty_id=duty_id, terms=form.terms())
            flash(_("The duty was changed."), "success")
            return redirect(url_for("recurring.duty_page", duty_id=duty_id), 303)
    return _duty(duty_id, terms=form)


@blueprint.post("/duties/<id:duty_id>/end")
@requires(Permission.DUTIES_MANAGE)
def end_action(duty_id: str) -> ResponseReturnValue:
    """Ends a duty."""
    form = EndForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            end_duty(current_actor(), duty_id=duty_id, ended_on=form.on.data, reason=form.reason.data)
            flash(_("The duty was ended."), "success")
            return redirect(url_for("recurring.duty_page", duty_id=duty_id), 303)
    return _duty(duty_id, end=form)


@blueprint.get("/duties/times/<id:occurrence_id>")
@requires(Permission.DUTIES_READ)
def occurrence_page(occurrence_id: str) -> ResponseReturnValue:
    """One time of a duty: what to do, and what shows that it was done."""
    return _occurrence(occurrence_id)


@blueprint.post("/duties/times/<id:occurrence_id>/done")
@requires(Permission.DUTIES_DO)
def done_action(occurrence_id: str) -> ResponseReturnValue:
    """It was done."""
    form = _done_form(occurrence_id)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            settle_done(
                current_actor(), occurrence_id=occurrence_id, records=form.records(), remark=form.remark.data or ""
            )
            flash(_("It is recorded as done."), "success")
            return redirect(url_for("recurring.occurrence_page", occurrence_id=occurrence_id), 303)
    return _occurrence(occurrence_id, done=form)


@blueprint.route("/duties/times/<id:occurrence_id>/not-needed", methods=["GET", "POST"])
@requires(Permission.DUTIES_MANAGE, confirmed=True)
def not_needed_page(occurrence_id: str) -> ResponseReturnValue:
    """It is not needed this time, for a reason."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            settle_not_needed(current_actor(), occurrence_id=occurrence_id, reason=form.reason.data)
            flash(_("It is recorded as not needed."), "success")
            return redirect(url_for("recurring.occurrence_page", occurrence_id=occurrence_id), 303)
    page = view_occurrence(current_actor(), occurrence_id=occurrence_id)
    shown = render_template("recurring/not_needed.html", page=page, form=form, language=current_language())
    return shown, form_status(form)


@blueprint.post("/duties/times/<id:occurrence_id>/take-back")
@requires(Permission.DUTIES_DO)
def take_back_action(occurrence_id: str) -> ResponseReturnValue:
    """It was settled wrongly."""
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            take_back(current_actor(), occurrence_id=occurrence_id, reason=form.reason.data)
            flash(_("It is open again."), "success")
            return redirect(url_for("recurring.occurrence_page", occurrence_id=occurrence_id), 303)
    return _occurrence(occurrence_id, back=form)


def _year() -> int:
    typed = request.args.get("year", "")
    if not typed:
        return current_archive().today().year
    return _number(typed)


def _number(typed: str) -> int:
    if not typed.isascii() or not typed.isdigit() or len(typed) > 4:  # noqa: PLR2004
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year that can be meant."))
    return int(typed)


def _filters() -> TimeFilters:
    args = request.args
    return TimeFilters(
        year=_number(args["year"]) if args.get("year") else None,
        mark=args.get("mark", ""),
        organisation_id=args.get("organisation", ""),
        duty_id=args.get("duty", ""),
        mine=bool(args.get("mine")),
    )


def _duty(duty_id: str, terms: TermsForm | None = None, end: EndForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    page = view_duty(actor, duty_id=duty_id, after=request.args.get("after"))
    if page.may_manage and terms is None:
        terms = TermsForm(page, offer(actor), templates_offered(actor), formdata=None)
    shown = render_template(
        "recurring/duty.html",
        page=page,
        terms=terms if page.may_manage else None,
        end=end or EndForm(formdata=None),
        language=current_language(),
    )
    return shown, max(form_status(form) for form in (terms, end) if form) if terms or end else 200


def _done_form(occurrence_id: str, *, empty: bool = False) -> DoneForm:
    actor = current_actor()
    page = view_occurrence(actor, occurrence_id=occurrence_id)
    offered = choices(actor, occurrence_id=occurrence_id, find=request.args.get("find", ""))
    return done_form(current_language(), page, offered, **({"formdata": None} if empty else {}))


def _occurrence(
    occurrence_id: str, done: DoneForm | None = None, back: ReasonForm | None = None
) -> ResponseReturnValue:
    page = view_occurrence(current_actor(), occurrence_id=occurrence_id)
    if "settle" in page.acts and done is None:
        done = _done_form(occurrence_id, empty=True)
    shown = render_template(
        "recurring/occurrence.html",
        page=page,
        done=done if "settle" in page.acts else None,
        back=back or ReasonForm(formdata=None),
        language=current_language(),
        find=request.args.get("find", ""),
    )
    return shown, max([200, *(form_status(form) for form in (done, back) if form)])
