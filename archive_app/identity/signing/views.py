"""Pages of the second factor: giving it, enrolling it, changing it; and confirming who one is."""

from collections.abc import Sequence

import segno
from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.identity.confirming import confirm, confirms_with_code
from archive_app.identity.second_factor import (
    enrol_second_factor,
    offer_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    view_second_factor,
)
from archive_app.identity.sessions import NewSession, end_other_sessions
from archive_app.identity.signing.forms import CodeForm, ConfirmForm, ConfirmWithCodeForm, EnrolForm
from archive_app.identity.signing_in import give_second_factor
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import AWAITED_PAGES, current_actor, requires, set_session_cookie
from archive_app.web.language import local_path

blueprint = Blueprint("signing", __name__)


@blueprint.route("/sign-in/second-factor", methods=["GET", "POST"])
@requires(Permission.SECOND_FACTOR_GIVE)
def second_factor_page() -> ResponseReturnValue:
    """The second step of signing in."""
    form = CodeForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            return go_on_with(_redirect(_wanted()), give_second_factor(current_actor(), code=form.code.data))
    return render_template("identity/second_factor_asked.html", form=form, wanted=_wanted()), form_status(form)


@blueprint.route("/confirm", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def confirm_page() -> ResponseReturnValue:
    """Asks for the password once more, and for the second factor of those who have one; then back to `next`."""
    actor = current_actor()
    form = ConfirmWithCodeForm() if confirms_with_code(actor) else ConfirmForm()
    if form.validate_on_submit():
        code = form.code.data if isinstance(form, ConfirmWithCodeForm) else ""
        with refusals_shown_on(form):
            begun = confirm(actor, password=form.password.data, code=code)
            return go_on_with(_redirect(_wanted()), begun)
    return render_template("identity/confirm.html", form=form, wanted=_wanted()), form_status(form)


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@requires(Permission.SECOND_FACTOR_OWN, confirmed=True)
def enrolment_page() -> ResponseReturnValue:
    """One's own second factor: how it stands, or with `move` and where there is none, a secret to enrol."""
    actor = current_actor()
    form = EnrolForm()
    factor = view_second_factor(actor)
    if form.validate_on_submit():
        with refusals_shown_on(form):
            enrolled = enrol_second_factor(actor, sealed=form.sealed.data, code=form.code.data)
            return go_on_with(_show_codes(enrolled.codes, _("Your second factor is set up.")), enrolled.session)
    if request.method == "GET" and factor.enrolled_at and "move" not in request.args:
        return render_template("identity/second_factor.html", factor=factor)
    offer = offer_second_factor(actor, sealed=form.sealed.data or "")
    form.sealed.data = offer.sealed
    picture = segno.make_qr(offer.address, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    page = render_template(
        "identity/enrolment.html", form=form, offer=offer, picture=picture, factor=factor, wanted=_wanted()
    )
    return page, form_status(form)


@blueprint.post("/account/second-factor/codes")
@requires(Permission.SECOND_FACTOR_OWN, confirmed=True)
def renew_codes_action() -> ResponseReturnValue:
    """Makes new recovery codes, and shows them in this answer alone."""
    return _show_codes(
        renew_recovery_codes(current_actor()), _("The recovery codes from before open nothing any more.")
    )


@blueprint.post("/account/second-factor/remove")
@requires(Permission.SECOND_FACTOR_OWN, confirmed=True)
def remove_action() -> ResponseReturnValue:
    """Removes one's own second factor."""
    begun = remove_second_factor(current_actor())
    flash(_("Your second factor was removed. Your other sessions were ended."), "success")
    return go_on_with(_redirect(url_for("identity.account_page")), begun)


@blueprint.post("/account/sessions/end-others")
@requires(Permission.SIGNED_IN)
def end_others_action() -> ResponseReturnValue:
    """Ends all other sessions of one's own."""
    end_other_sessions(current_actor())
    flash(_("Your other sessions were ended."), "success")
    return _redirect(url_for("identity.account_page"))


def go_on_with(response: Response, begun: NewSession | None) -> Response:
    """Gives the browser the fresh token of its session."""
    if begun is not None:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        set_session_cookie(response, begun.token, begun.expires_at, secure=secure)
    return response


def next_step(begun: NewSession, wanted: str) -> str:
    """Where a session that has just begun leads: to what it awaits, and from there to `wanted`."""
    return url_for(AWAITED_PAGES[begun.awaits], next=wanted) if begun.awaits else wanted


def _show_codes(codes: Sequence[str], done: str) -> Response:
    # Shown in the answer itself and kept nowhere: neither a cookie nor an address ever holds them.
    return make_response(render_template("identity/recovery_codes.html", codes=codes, done=done, wanted=_wanted()))


def _wanted() -> str:
    return local_path(request.values.get("next"), url_for("web.start"))


def _redirect(address: str) -> Response:
    return make_response(redirect(address, 303))
