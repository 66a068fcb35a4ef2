"""The forms of identity: which fields there are. What is acceptable in them, the use cases decide."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, NumberRange

from archive_app.identity.access_tokens import MOST_DAYS, Scope
from archive_app.identity.organisations import KINDS
from archive_app.kernel.language import LANGUAGES, translate
from archive_app.web.forms import CheckboxListField

_REQUIRED = InputRequired(_l("This must not be empty."))
# Generous: it only keeps absurd input from the costly checks. The rules of the archive are the use cases'.
_BOUNDED = Length(max=1000, message=_l("This is too long."))
_CHECKS = (_REQUIRED, _BOUNDED)
_LANGUAGES = [SelectChoice(code, name) for code, name in LANGUAGES.items()]


class _NewPasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    password = PasswordField(_l("Password"), _CHECKS, render_kw={"autocomplete": "new-password", "spellcheck": "false"})
    password_again = PasswordField(
        _l("Password again"),
        [_REQUIRED, EqualTo("password", _l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )


class SetUpForm(_NewPasswordForm):
    """First-run set-up."""

    language = SelectField(_l("Language"), choices=_LANGUAGES)
    organisation_name = StringField(_l("Name of the organisation"), _CHECKS, render_kw={"autocomplete": "organization"})
    kind = SelectField(
        _l("Kind of organisation"),
        choices=[SelectChoice(kind, _l(label)) for kind, label in KINDS.items()],
        default="verification_body",
    )
    display_name = StringField(_l("Your name"), _CHECKS, render_kw={"autocomplete": "name"})
    login = StringField(_l("Login"), _CHECKS, render_kw={"autocomplete": "username", "autocapitalize": "none"})


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Login and password."""

    login = StringField(
        _l("Login"), _CHECKS, render_kw={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
    )
    password = PasswordField(_l("Password"), _CHECKS, render_kw={"autocomplete": "current-password"})


class LinkForm(_NewPasswordForm):
    """A password chosen by somebody who holds a link."""


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """What people change about themselves."""

    display_name = StringField(_l("Your name"), _CHECKS, render_kw={"autocomplete": "name"})
    language = SelectField(_l("Language"), choices=_LANGUAGES)


class PasswordForm(_NewPasswordForm):
    """A new password in place of the present one."""

    present = PasswordField(_l("Present password"), _CHECKS, render_kw={"autocomplete": "current-password"})


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A new access token: for which program, what it may do, how long."""

    name = StringField(_l("Name of the program"), _CHECKS, render_kw={"autocomplete": "off"})
    scopes = CheckboxListField(_l("What the token may do"))
    days = IntegerField(
        _l("Good for (days)"),
        [_REQUIRED, NumberRange(1, MOST_DAYS, _l("A token is good for 1 to 365 days."))],
        render_kw={"min": 1, "max": MOST_DAYS, "inputmode": "numeric"},
    )

    def __init__(self, shown_in: str, scopes: Iterable[Scope], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scopes.choices = [SelectChoice(scope.key, translate(shown_in, scope.label)) for scope in scopes]
