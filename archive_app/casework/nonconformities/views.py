"""Pages of nonconformities: the list, raising one, one with its history, and what is done with it."""

from collections.abc import Callable, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from archive_app.casework.nonconformities.answering import answer_for_client
from archive_app.casework.nonconformities.deciding import confirm_correction, return_answer
from archive_app.casework.nonconformities.forms import (
    ConfirmForm,
    FindingForm,
    LinkForm,
    PaperAnswerForm,
    ReturnForm,
    WithdrawForm,
)
from archive_app.casework.nonconformities.raising import ask_client, raise_nonconformity, withdraw_nonconformity
from archive_app.casework.nonconformities.rules import BLOCKING, GRADES, STATES
from archive_app.casework.nonconformities.showing import (
    Asked,
    ShownDocument,
    choices,
    list_nonconformities,
    may_raise,
    view_nonconformity,
)
from archive_app.casework.recording import STATES as RECORD_STATES
from archive_app.engagements.engagements import view_engagement
from archive_app.engagements.glass import glass_alarms
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import current_actor, requires
from archive_app.web.language import current_language

blueprint = Blueprint(
    "nonconformities",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/nonconformities/static",
)
STEPS = {
    "raised": N_("Raised"),
    "shown": N_("Evidence of the correction brought"),
    "answered": N_("Answered"),
    "returned": N_("Returned"),
    "confirmed": N_("Confirmed"),
    "withdrawn": N_("Withdrawn"),
}
_KINDS = {"confirmed": "good", "answered": "watch", "raised": "watch", "returned": "bad", "withdrawn": "quiet"}
_WORDS = {"grades": GRADES, "states": STATES, "kinds": _KINDS, "blocking": BLOCKING, "step_words": STEPS}


@blueprint.get("/engagements/<engagement_id>/nonconformities")
@requires(Permission.ENGAGEMENTS_READ)
def list_page(engagement_id: str) -> ResponseReturnValue:
    """The nonconformities of an engagement, filters in the URL."""
    actor, args = current_actor(), request.args
    state, grade = args.get("state", ""), args.get("grade", "")
    return render_template(
        "nonconformities/list.html",
        engagement=view_engagement(actor, engagement_id=engagement_id).engagement,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        page=list_nonconformities(
            actor, engagement_id=engagement_id, state=state, grade=grade, after=args.get("after")
        ),
        chosen={"state": state, "grade": grade},
        may_raise=may_raise(actor, engagement_id=engagement_id),
        **_WORDS,
    )


@blueprint.get("/engagements/<engagement_id>/nonconformities/new")
@requires(Permission.NONCONFORMITIES_MANAGE)
def new_page(engagement_id: str) -> ResponseReturnValue:
    """The form to raise one."""
    return _new(engagement_id, FindingForm(current_language(), *_choices(engagement_id), formdata=None))


@blueprint.post("/engagements/<engagement_id>/nonconformities")
@requires(Permission.NONCONFORMITIES_MANAGE)
def raise_action(engagement_id: str) -> ResponseReturnValue:
    """Raises one."""
    form = FindingForm(current_language(), *_choices(engagement_id))
    if form.validate_on_submit():
        with refusals_shown_on(form):
            found = raise_nonconformity(
                current_actor(),
                engagement_id=engagement_id,
                finding=form.finding(),
                request_id=form.request_id.data or "",
            )
            flash(_("Nonconformity %(number)s was raised.", number=found.position), "success")
            return _to(engagement_id, found.id)
    return _new(engagement_id, form)


@blueprint.get("/engagements/<engagement_id>/nonconformities/<nonconformity_id>")
@requires(Permission.ENGAGEMENTS_READ)
def nonconformity_page(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """One nonconformity with its history; printed, its sheet."""
    return _page(engagement_id, nonconformity_id)


@blueprint.post("/engagements/<engagement_id>/nonconformities/<nonconformity_id>/answer")
@requires(Permission.NONCONFORMITIES_MANAGE)
def answer_action(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """Enters an answer that came on paper."""
    _require_there(engagement_id, nonconformity_id)
    form = PaperAnswerForm(_choices(engagement_id)[0])
    if form.validate_on_submit():
        with refusals_shown_on(form):
            answer_for_client(
                current_actor(),
                nonconformity_id=nonconformity_id,
                answered_by=form.answered_by.data,
                correction=form.told(),
                documents=form.documents.data or (),
            )
            return _to(engagement_id, nonconformity_id)
    return _page(engagement_id, nonconformity_id, answer=form)


@blueprint.post("/engagements/<engagement_id>/nonconformities/<nonconformity_id>/confirmation")
@requires(Permission.NONCONFORMITIES_MANAGE)
def confirm_action(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """Confirms the correction."""
    _require_there(engagement_id, nonconformity_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            confirm_correction(
                current_actor(), nonconformity_id=nonconformity_id, effectiveness=form.effectiveness.data
            )
            return _to(engagement_id, nonconformity_id)
    return _page(engagement_id, nonconformity_id, confirm=form)


@blueprint.post("/engagements/<engagement_id>/nonconformities/<nonconformity_id>/return")
@requires(Permission.NONCONFORMITIES_MANAGE)
def return_action(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """Returns the answer."""
    _require_there(engagement_id, nonconformity_id)
    form = ReturnForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            return_answer(
                current_actor(), nonconformity_id=nonconformity_id, reason=form.reason.data, days=form.days.data
            )
            return _to(engagement_id, nonconformity_id)
    return _page(engagement_id, nonconformity_id, return_=form)


@blueprint.post("/engagements/<engagement_id>/nonconformities/<nonconformity_id>/withdrawal")
@requires(Permission.NONCONFORMITIES_MANAGE)
def withdraw_action(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """Withdraws it."""
    _require_there(engagement_id, nonconformity_id)
    form = WithdrawForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            withdraw_nonconformity(current_actor(), nonconformity_id=nonconformity_id, reason=form.reason.data)
            return _to(engagement_id, nonconformity_id)
    return _page(engagement_id, nonconformity_id, withdraw=form)


@blueprint.post("/engagements/<engagement_id>/nonconformities/<nonconformity_id>/link")
@requires(Permission.NONCONFORMITIES_MANAGE)
def link_action(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    """Puts it onto a link of the client."""
    _require_there(engagement_id, nonconformity_id)
    form = LinkForm(current_language(), _choices(engagement_id)[1])
    if form.validate_on_submit():
        with refusals_shown_on(form):
            ask_client(current_actor(), nonconformity_id=nonconformity_id, request_id=form.request_id.data)
            flash(_("The client finds it on this link now."), "success")
            return _to(engagement_id, nonconformity_id)
    return _page(engagement_id, nonconformity_id, link=form)


def _require_there(engagement_id: str, nonconformity_id: str) -> None:
    """Both parts of the address are of one thing. Raises: NotFoundError."""
    view_nonconformity(current_actor(), engagement_id=engagement_id, nonconformity_id=nonconformity_id)


def _choices(engagement_id: str) -> tuple[Sequence[ShownDocument], Sequence[Asked]]:
    return choices(current_actor(), engagement_id=engagement_id)


def _to(engagement_id: str, nonconformity_id: str) -> ResponseReturnValue:
    address = url_for(
        "nonconformities.nonconformity_page", engagement_id=engagement_id, nonconformity_id=nonconformity_id
    )
    return redirect(address, 303)


def _new(engagement_id: str, form: FindingForm) -> ResponseReturnValue:
    engagement = view_engagement(current_actor(), engagement_id=engagement_id).engagement
    shown = render_template("nonconformities/new.html", engagement=engagement, form=form)
    return shown, form_status(form)


def _page(engagement_id: str, nonconformity_id: str, **refused: FlaskForm) -> ResponseReturnValue:
    """The page, with the form that was refused as it was filled in."""
    actor = current_actor()
    page = view_nonconformity(actor, engagement_id=engagement_id, nonconformity_id=nonconformity_id)
    documents, links = _choices(engagement_id) if page.acts else ((), ())
    forms: dict[str, Callable[[], FlaskForm]] = {
        "answer": lambda: PaperAnswerForm(documents, formdata=None),
        "confirm": lambda: ConfirmForm(formdata=None),
        "return_": lambda: ReturnForm(formdata=None),
        "withdraw": lambda: WithdrawForm(formdata=None),
        "link": lambda: LinkForm(current_language(), links, formdata=None),
    }
    shown = render_template(
        "nonconformities/nonconformity.html",
        page=page,
        alarms=glass_alarms(actor, engagement_id=engagement_id),
        forms={name: refused.get(name) or make() for name, make in forms.items()},
        refused=next(iter(refused), ""),
        record_states=RECORD_STATES,
        **_WORDS,
    )
    return shown, max([200, *map(form_status, refused.values())])
