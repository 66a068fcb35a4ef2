"""Pages of identity: set-up, the door, one's own account."""

from flask import (
    Blueprint,
    Request,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from archive_app.identity.access_tokens import (
    DEFAULT_DAYS,
    SCOPES,
    end_token,
    list_own_tokens,
    make_token,
    scopes_for,
)
from archive_app.identity.forms import (
    LinkForm,
    PasswordForm,
    ProfileForm,
    SetUpForm,
    SignInForm,
    TokenForm,
)
from archive_app.identity.links import use_link, view_link
from archive_app.identity.own_account import change_language, change_password, change_profile
from archive_app.identity.people import view_own_account
from archive_app.identity.roles import all_roles
from archive_app.identity.second_factor import view_second_factor
from archive_app.identity.sessions import NewSession, actor_of_session, end_session, list_own_sessions, sign_out
from archive_app.identity.setting_up import check_setup_link, is_set_up, set_up
from archive_app.identity.signing.views import go_on_with, next_step
from archive_app.identity.signing_in import sign_in
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import current_archive
from archive_app.kernel.permissions import Permission
from archive_app.web.forms import form_status, refusals_shown_on
from archive_app.web.gate import clear_session_cookie, current_actor, requires, session_token
from archive_app.web.language import (
    chosen_language,
    current_language,
    local_path,
    redirect_back,
    remember_language,
)

blueprint = Blueprint("identity", __name__, template_folder="templates")


def authenticate(from_browser: Request) -> Actor | None:
    """Who sends this request, by the session's cookie; None when it opens nothing."""
    token = session_token(from_browser)
    return actor_of_session(current_archive(), token, from_browser.remote_addr or "") if token else None


@blueprint.route("/set-up/<token>", methods=["GET", "POST"])
@requires(Permission.ANYBODY)
def set_up_page(token: str) -> ResponseReturnValue:
    """First-run set-up."""
    check_setup_link(current_actor(), token=token)
    form = SetUpForm(language=current_language())
    if form.validate_on_submit():
        with refusals_shown_on(form):
            begun = set_up(
                current_actor(),
                token=token,
                language=form.language.data,
                organisation_name=form.organisation_name.data,
                kind=form.kind.data,
                display_name=form.display_name.data,
                login=form.login.data,
                password=form.password.data,
            )
            return remember_language(_enter(begun), begun.language, secure=_secure())
    return render_template("identity/set_up.html", form=form, min_length=_min_length()), form_status(form)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@requires(Permission.ANYBODY)
def sign_in_page() -> ResponseReturnValue:
    """The door."""
    wanted = local_path(request.values.get("next"), url_for("web.start"))
    if request.method == "GET" and current_actor().may(Permission.SIGNED_IN):
        return redirect(wanted, 303)
    form = SignInForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            return _enter(sign_in(current_actor(), login=form.login.data, password=form.password.data), wanted)
    set_up_already = is_set_up(current_actor())
    return render_template("identity/sign_in.html", form=form, wanted=wanted, is_set_up=set_up_already), form_status(
        form
    )


@blueprint.post("/sign-out")
@requires(Permission.ANYBODY)
def sign_out_action() -> ResponseReturnValue:
    """Ends the session of this browser."""
    sign_out(current_actor())
    session.clear()
    response = _redirect(url_for("identity.sign_in_page"))
    clear_session_cookie(response, secure=_secure())
    return response


@blueprint.route("/link/<token>", methods=["GET", "POST"])
@requires(Permission.ANYBODY)
def link_page(token: str) -> ResponseReturnValue:
    """Where an invitation or reset link leads: the person chooses a password."""
    view = view_link(current_actor(), token=token)
    form = LinkForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            return _enter(use_link(current_actor(), token=token, password=form.password.data))
    return render_template("identity/link.html", form=form, view=view, min_length=_min_length()), form_status(form)


@blueprint.post("/account/language")
@requires(Permission.SIGNED_IN)
def choose_language() -> ResponseReturnValue:
    """Switches the language, in this browser and for the person."""
    chosen = request.form.get("language", "")
    change_language(current_actor(), language=chosen)
    return remember_language(redirect_back(url_for("web.start")), chosen, secure=_secure())


@blueprint.get("/account")
@requires(Permission.SIGNED_IN)
def account_page() -> ResponseReturnValue:
    """One's own account."""
    return _render_account()


@blueprint.post("/account/profile")
@requires(Permission.SIGNED_IN)
def change_profile_action() -> ResponseReturnValue:
    """Changes one's own name and language."""
    form = ProfileForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            change_profile(current_actor(), display_name=form.display_name.data, language=form.language.data)
            return remember_language(_redirect(url_for("identity.account_page")), form.language.data, secure=_secure())
    return _render_account(profile=form)


@blueprint.post("/account/password")
@requires(Permission.SIGNED_IN)
def change_password_action() -> ResponseReturnValue:
    """Changes one's own password."""
    form = PasswordForm()
    if form.validate_on_submit():
        with refusals_shown_on(form):
            begun = change_password(current_actor(), old=form.present.data, new=form.password.data)
            flash(_("Your password was changed. Your other sessions were ended."), "success")
            return go_on_with(_redirect(url_for("identity.account_page")), begun)
    return _render_account(password=form)


@blueprint.post("/account/sessions/<session_id>/end")
@requires(Permission.SIGNED_IN)
def end_session_action(session_id: str) -> ResponseReturnValue:
    """Ends another session of one's own."""
    end_session(current_actor(), session_id=session_id)
    return _redirect(url_for("identity.account_page"))


@blueprint.route("/account/tokens", methods=["GET", "POST"])
@requires(Permission.TOKENS_OWN, confirmed=True)
def tokens_page() -> ResponseReturnValue:
    """One's own access tokens, and a new one."""
    actor = current_actor()
    offered = scopes_for(actor.permissions)
    form = TokenForm(current_language(), offered, days=DEFAULT_DAYS)
    made = None
    if form.validate_on_submit():
        with refusals_shown_on(form):
            made = make_token(actor, name=form.name.data, scopes=form.scopes.data, days=form.days.data)
            # Shown in the answer itself and kept nowhere: neither a cookie nor an address ever holds it.
            form = TokenForm(current_language(), offered, formdata=None, days=DEFAULT_DAYS)
    page = list_own_tokens(actor, after=request.args.get("after"))
    labels = {scope.key: scope.label for scope in SCOPES}
    return render_template("identity/tokens.html", form=form, made=made, page=page, labels=labels), form_status(form)


@blueprint.post("/account/tokens/<token_id>/end")
@requires(Permission.TOKENS_OWN)
def end_token_action(token_id: str) -> ResponseReturnValue:
    """Ends an access token of one's own."""
    end_token(current_actor(), token_id=token_id)
    flash(_("The token was ended. Whatever uses it is refused from now on."), "success")
    return _redirect(url_for("identity.tokens_page"))


def _enter(begun: NewSession, address: str | None = None) -> Response:
    """Lets somebody in: nothing that the browser held before signing in lives on."""
    session.clear()
    response = go_on_with(_redirect(next_step(begun, address or url_for("web.start"))), begun)
    if not chosen_language():
        remember_language(response, begun.language, secure=_secure())
    return response


def _render_account(profile: ProfileForm | None = None, password: PasswordForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    account = view_own_account(actor)
    page = render_template(
        "identity/account.html",
        account=account,
        profile=profile or ProfileForm(formdata=None, display_name=account.display_name, language=account.language),
        password=password or PasswordForm(formdata=None),
        sessions=list_own_sessions(actor, after=request.args.get("after")),
        factor=view_second_factor(actor),
        role_names=_role_names(account.roles),
        min_length=_min_length(),
    )
    return page, form_status(profile or password) if profile or password else 200


def _role_names(roles: frozenset[str]) -> list[str]:
    return [role.name(current_language()) for role in all_roles().values() if role.key in roles]


def _redirect(address: str) -> Response:
    return make_response(redirect(address, 303))


def _secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def _min_length() -> int:
    return current_archive().rules.password_min_length
