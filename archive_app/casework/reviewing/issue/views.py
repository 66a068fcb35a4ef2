"""Pages of issuing the report, of telling its result, and of taking either back."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.casework.reviewing.forms import IssueForm, ReasonForm, TellingForm
from archive_app.casework.reviewing.issuing import issue_report, tell_result, withdraw_issue, withdraw_telling
from archive_app.casework.reviewing.reports import ISSUE, NOTIFICATION
from archive_app.casework.reviewing.showing import IssueLine, ReviewPage, view_review
from archive_app.casework.reviewing.views import blueprint
from archive_app.kernel.archive import current_archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language


@blueprint.get("/engagements/<engagement_id>/review/issue")
@requires(Permission.REPORTS_ISSUE, confirmed=True)
def issue_page(engagement_id: str) -> ResponseReturnValue:
    """The form to issue a report."""
    page = _page(engagement_id)
    return _show("issue", page, IssueForm(formdata=None, **_chosen(page, "issue")))


@blueprint.post("/engagements/<engagement_id>/review/issue")
@requires(Permission.REPORTS_ISSUE, confirmed=True)
def issue_action(engagement_id: str) -> ResponseReturnValue:
    """Issues a report."""
    form = IssueForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            issued = issue_report(
                current_actor(),
                engagement_id=engagement_id,
                document_id=form.document_id.data,
                version_id=form.version_id.data,
                number=form.number.data,
            )
            flash(_("The report was issued under the number %(number)s.", number=issued.number), "success")
            return _back(engagement_id)
    return _show("issue", _page(engagement_id), form)


@blueprint.get("/engagements/<engagement_id>/review/telling")
@requires(Permission.TEAM_LEAD, confirmed=True)
def telling_page(engagement_id: str) -> ResponseReturnValue:
    """The form to record that the result was told."""
    page = _page(engagement_id, leading=True)
    known = {**_chosen(page, "tell"), "on": current_archive().today()}
    return _show("telling", page, TellingForm(current_language(), page.documents, formdata=None, **known))


@blueprint.post("/engagements/<engagement_id>/review/telling")
@requires(Permission.TEAM_LEAD, confirmed=True)
def telling_action(engagement_id: str) -> ResponseReturnValue:
    """Records that the result was told."""
    page = _page(engagement_id, leading=True)
    form = TellingForm(current_language(), page.documents)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            tell_result(
                current_actor(),
                engagement_id=engagement_id,
                document_id=form.document_id.data,
                version_id=form.version_id.data,
                telling=form.telling(),
            )
            flash(_("It was recorded that the result was told."), "success")
            return _back(engagement_id)
    return _show("telling", page, form)


@blueprint.get("/engagements/<engagement_id>/review/issues/<issue_id>/withdrawal")
@requires(Permission.REPORTS_ISSUE, confirmed=True)
def withdraw_issue_page(engagement_id: str, issue_id: str) -> ResponseReturnValue:
    """The form to withdraw an issue."""
    return _withdrawal(engagement_id, issue_id, ISSUE, ReasonForm(formdata=None))


@blueprint.post("/engagements/<engagement_id>/review/issues/<issue_id>/withdrawal")
@requires(Permission.REPORTS_ISSUE, confirmed=True)
def withdraw_issue_action(engagement_id: str, issue_id: str) -> ResponseReturnValue:
    """Withdraws an issue."""
    _line(engagement_id, issue_id, ISSUE)
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_issue(current_actor(), issue_id=issue_id, reason=form.reason.data)
            return _back(engagement_id)
    return _withdrawal(engagement_id, issue_id, ISSUE, form)


@blueprint.get("/engagements/<engagement_id>/review/tellings/<telling_id>/withdrawal")
@requires(Permission.TEAM_LEAD, confirmed=True)
def withdraw_telling_page(engagement_id: str, telling_id: str) -> ResponseReturnValue:
    """The form to withdraw a notification."""
    return _withdrawal(engagement_id, telling_id, NOTIFICATION, ReasonForm(formdata=None))


@blueprint.post("/engagements/<engagement_id>/review/tellings/<telling_id>/withdrawal")
@requires(Permission.TEAM_LEAD, confirmed=True)
def withdraw_telling_action(engagement_id: str, telling_id: str) -> ResponseReturnValue:
    """Withdraws a notification."""
    _line(engagement_id, telling_id, NOTIFICATION)
    form = ReasonForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_telling(current_actor(), issue_id=telling_id, reason=form.reason.data)
            return _back(engagement_id)
    return _withdrawal(engagement_id, telling_id, NOTIFICATION, form)


def _page(engagement_id: str, *, leading: bool = False) -> ReviewPage:
    return view_review(current_actor(), engagement_id=engagement_id, leading=leading)


def _chosen(page: ReviewPage, state: str) -> dict[str, str]:
    """The report that the address names, or the first one for which this is what comes next. Raises: NotFoundError."""
    named = request.args.get("document")
    for line in page.reports:
        if line.report.document.id == named or (not named and line.state == state):
            return {"document_id": line.report.document.id, "version_id": line.report.version.id}
    raise NotFoundError


def _back(engagement_id: str) -> ResponseReturnValue:
    return redirect(url_for("reviewing.review_page", engagement_id=engagement_id), 303)


def _show(name: str, page: ReviewPage, form: FlaskForm) -> ResponseReturnValue:
    """The form with what it is about."""
    wanted = form.document_id.data
    line = next((line for line in page.reports if line.report.document.id == wanted), None)
    if line is None:
        raise NotFoundError
    return render_template(f"reviewing/{name}.html", page=page, line=line, form=form), form_status(form)


def _withdrawal(engagement_id: str, issue_id: str, kind: str, form: ReasonForm) -> ResponseReturnValue:
    page, line = _line(engagement_id, issue_id, kind)
    return render_template("reviewing/withdrawal.html", page=page, line=line, form=form), form_status(form)


def _line(engagement_id: str, issue_id: str, kind: str) -> tuple[ReviewPage, IssueLine]:
    """Both parts of the address are of one thing. Raises: NotFoundError."""
    page = _page(engagement_id, leading=kind != ISSUE)
    line = next((line for line in page.issues if line.issue.id == issue_id and line.issue.kind == kind), None)
    if line is None:
        raise NotFoundError
    return page, line
