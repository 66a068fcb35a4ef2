"""Pages of management reviews: the list, planning, the agenda with its figures, holding, the report."""

from io import BytesIO
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.kernel.permissions import Permission
from archive_app.management.recurring.settling import Shows, settle_done
from archive_app.management.reviews.agenda import agenda, name_of
from archive_app.management.reviews.filling import fill_figures, say
from archive_app.management.reviews.following import duties_settled_by
from archive_app.management.reviews.forms import (
    AttendanceForm,
    CancelForm,
    DecisionForm,
    HoldForm,
    PlanForm,
    WordsForm,
)
from archive_app.management.reviews.holding import RECORD_TYPE, hold_review, report_as_word
from archive_app.management.reviews.planning import (
    add_attendance,
    cancel_review,
    change_plan,
    plan_review,
    remove_attendance,
)
from archive_app.management.reviews.rules import CONCLUSION, STATES, in_state_for
from archive_app.management.reviews.showing import (
    ReviewPage,
    find_review,
    list_reviews,
    review_choices,
    rows_behind,
    view_review,
    years_of_reviews,
)
from archive_app.web.downloads import package_answer
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "reviews",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/management-reviews/static",
)
KINDS = {"planned": "watch", "held": "good", "cancelled": "quiet"}
"""How a state is coloured."""


@blueprint.app_context_processor
def _named() -> dict[str, object]:
    return {"review_name": lambda code: name_of(code, current_language())}


@blueprint.get("/management-reviews")
@requires(Permission.REVIEWS_READ)
def list_page() -> ResponseReturnValue:
    """Reviews by year, filters in the URL."""
    actor, args = current_actor(), request.args
    year, state = args.get("year", type=int), args.get("state", "")
    return render_template(
        "reviews/list.html",
        page=list_reviews(actor, year=year, state=state, after=args.get("after")),
        years=[(one, str(one)) for one in years_of_reviews(actor)],
        chosen={"year": year or "", "state": state},
        states=STATES,
        kinds=KINDS,
    )


@blueprint.get("/management-reviews/new")
@requires(Permission.REVIEWS_PREPARE)
def new_page() -> ResponseReturnValue:
    """The form to plan one."""
    choices = review_choices(current_actor())
    return _plan(PlanForm(choices.reviewers, formdata=None, year=choices.today.year), None)


@blueprint.post("/management-reviews")
@requires(Permission.REVIEWS_PREPARE)
def plan_action() -> ResponseReturnValue:
    """Plans one."""
    form = PlanForm(review_choices(current_actor()).reviewers)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            review = plan_review(current_actor(), plan=form.plan())
            flash(
                _("The management review was planned. Count its figures, and write what is to be considered."),
                "success",
            )
            return _to(review.id)
    return _plan(form, None)


@blueprint.get("/management-reviews/<id:management_review_id>")
@requires(Permission.REVIEWS_READ)
def review_page(management_review_id: str) -> ResponseReturnValue:
    """A review: its agenda with figures and words, its decisions, what is missing; printed, its minutes."""
    return review_answer(management_review_id)


@blueprint.get("/management-reviews/<id:management_review_id>/plan")
@requires(Permission.REVIEWS_PREPARE)
def change_page(management_review_id: str) -> ResponseReturnValue:
    """The form to change what is planned."""
    review = find_review(current_actor(), review_id=management_review_id)
    values = {name: getattr(review, name) for name in ("year", "title", "on", "place", "period_from", "period_to")}
    reviewers = review_choices(current_actor()).reviewers
    return _plan(PlanForm(reviewers, formdata=None, reviewer=review.reviewer_id, **values), management_review_id)


@blueprint.post("/management-reviews/<id:management_review_id>/plan")
@requires(Permission.REVIEWS_PREPARE)
def change_action(management_review_id: str) -> ResponseReturnValue:
    """Changes what is planned."""
    find_review(current_actor(), review_id=management_review_id)
    form = PlanForm(review_choices(current_actor()).reviewers)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_plan(current_actor(), review_id=management_review_id, plan=form.plan())
            return _to(management_review_id)
    return _plan(form, management_review_id)


@blueprint.post("/management-reviews/<id:management_review_id>/figures")
@requires(Permission.REVIEWS_PREPARE)
def fill_action(management_review_id: str) -> ResponseReturnValue:
    """Counts the figures."""
    fill_figures(current_actor(), review_id=management_review_id)
    flash(_("The figures were counted. What people wrote is as it was."), "success")
    return _to(management_review_id, "agenda")


@blueprint.post("/management-reviews/<id:management_review_id>/points/<point>")
@requires(Permission.REVIEWS_PREPARE)
def say_action(management_review_id: str, point: str) -> ResponseReturnValue:
    """Writes to a point of the agenda."""
    find_review(current_actor(), review_id=management_review_id)
    form = WordsForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            words, seen = form.words.data or "", form.seen.data
            say(current_actor(), review_id=management_review_id, code=point, words=words, seen=seen or None)
            return _to(management_review_id, f"point-{point}")
    return review_answer(management_review_id, refused=f"point-{point}", form=form)


@blueprint.post("/management-reviews/<id:management_review_id>/attendance")
@requires(Permission.REVIEWS_PREPARE)
def attend_action(management_review_id: str) -> ResponseReturnValue:
    """Says that somebody takes part."""
    find_review(current_actor(), review_id=management_review_id)
    form = AttendanceForm(current_language(), review_choices(current_actor()).people)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            add_attendance(current_actor(), review_id=management_review_id, attending=form.attending())
            return _to(management_review_id, "attendance")
    return review_answer(management_review_id, refused="attendance", form=form)


@blueprint.post("/management-reviews/<id:management_review_id>/attendance/<id:attendance_id>/removal")
@requires(Permission.REVIEWS_PREPARE)
def leave_action(management_review_id: str, attendance_id: str) -> ResponseReturnValue:
    """Takes somebody off the list."""
    remove_attendance(current_actor(), review_id=management_review_id, attendance_id=attendance_id)
    return _to(management_review_id, "attendance")


@blueprint.post("/management-reviews/<id:management_review_id>/cancellation")
@requires(Permission.REVIEWS_PREPARE)
def cancel_action(management_review_id: str) -> ResponseReturnValue:
    """Calls it off."""
    find_review(current_actor(), review_id=management_review_id)
    form = CancelForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            cancel_review(current_actor(), review_id=management_review_id, reason=form.reason.data)
            return _to(management_review_id)
    return review_answer(management_review_id, refused="cancel", form=form)


@blueprint.get("/management-reviews/<id:management_review_id>/holding")
@requires(Permission.REVIEWS_HOLD, confirmed=True)
def hold_page(management_review_id: str) -> ResponseReturnValue:
    """What top management confirms."""
    return _holding(management_review_id, HoldForm(formdata=None))


@blueprint.post("/management-reviews/<id:management_review_id>/holding")
@requires(Permission.REVIEWS_HOLD, confirmed=True)
def hold_action(management_review_id: str) -> ResponseReturnValue:
    """Holds it."""
    find_review(current_actor(), review_id=management_review_id)
    form, language = HoldForm(), current_language()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            hold_review(
                current_actor(), review_id=management_review_id, conclusion=form.conclusion(), language=language
            )
            flash(
                _("The management review was held. Its report is filed, and the owners of its decisions know."),
                "success",
            )
            return _to(management_review_id)
    return _holding(management_review_id, form)


@blueprint.post("/management-reviews/<id:management_review_id>/duties/<id:occurrence_id>")
@requires(Permission.DUTIES_DO)
def settle_action(management_review_id: str, occurrence_id: str) -> ResponseReturnValue:
    """Settles a duty with the report of a held review."""
    review = in_state_for(find_review(current_actor(), review_id=management_review_id), "settle")
    shows = Shows(review.report_id or "", RECORD_TYPE)
    settle_done(current_actor(), occurrence_id=occurrence_id, records=[shows])
    flash(_("The duty is done, and the report shows it."), "success")
    return _to(management_review_id)


@blueprint.get("/management-reviews/<id:management_review_id>/report.docx")
@requires(Permission.REVIEWS_READ)
def report_file(management_review_id: str) -> ResponseReturnValue:
    """The report as a Word document."""
    name, content = report_as_word(current_actor(), review_id=management_review_id, language=current_language())
    return package_answer(BytesIO(content), name=name)


@blueprint.get("/management-reviews/<id:management_review_id>/figures/<figure>")
@requires(Permission.REVIEWS_READ)
def behind_page(management_review_id: str, figure: str) -> ResponseReturnValue:
    """The list behind a figure."""
    found = rows_behind(current_actor(), review_id=management_review_id, figure=figure, after=request.args.get("after"))
    return render_template("reviews/behind.html", found=found)


def _to(review_id: str, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("reviews.review_page", management_review_id=review_id, _anchor=anchor), 303)


def _plan(form: PlanForm, review_id: str | None) -> ResponseReturnValue:
    return render_template("reviews/plan.html", form=form, review_id=review_id), form_status(form)


def _holding(review_id: str, form: HoldForm) -> ResponseReturnValue:
    page = view_review(current_actor(), review_id=review_id)
    shown = render_template("reviews/holding.html", page=page, form=form, **_outline(page))
    return shown, form_status(form)


def _outline(page: ReviewPage) -> dict[str, Any]:
    """The chapters of the report with their sections, where it has any."""
    outline = agenda().outline_for(page.kind)
    language = current_language()
    chapters = [
        (
            chapter.name.text(language),
            [
                (page.sections[one.code], one.hint.text(language))
                for one in chapter.sections
                if one.code in page.sections
            ],
        )
        for chapter in (outline.chapters if outline else ())
    ]
    return {"chapters": chapters, "outline_source": outline.source if outline else ""}


def review_answer(review_id: str, *, refused: str = "", form: FlaskForm | None = None) -> ResponseReturnValue:
    """The page of a review, with the form that was refused as it was filled in; `refused` is its place there."""
    actor, language = current_actor(), current_language()
    page = view_review(actor, review_id=review_id)
    people = review_choices(actor).people if page.acts & {"attend", "decide"} else ()
    codes = [one.code for one in page.outputs if not one.record]
    forms: dict[str, FlaskForm] = {
        "attendance": AttendanceForm(language, people, formdata=None),
        "decision": DecisionForm(language, codes, people, formdata=None),
        "cancel": CancelForm(formdata=None),
    }
    if form is not None and refused in forms:
        forms[refused] = form
    shown = render_template(
        "reviews/review.html",
        page=page,
        forms=forms,
        refused=refused,
        refused_form=form,
        states=STATES,
        kinds=KINDS,
        conclusion=CONCLUSION,
        duties=duties_settled_by(actor, review_id=review_id),
        **_outline(page),
    )
    return shown, form_status(form) if form else 200
