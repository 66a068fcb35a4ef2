"""Forms of the second factor and of confirming who one is."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

_REQUIRED = InputRequired(_l("This must not be empty."))
# Generous: it only keeps absurd input from the costly checks. The rules of the archive are the use cases'.
_BOUNDED = Length(max=1000, message=_l("This is too long."))
_OF_CODES = {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"}


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A one-time password of the device, or a recovery code."""

    code = StringField(_l("One-time code"), [_REQUIRED, _BOUNDED], render_kw={**_OF_CODES, "autofocus": True})


class EnrolForm(FlaskForm):  # type: ignore[misc]
    """The first code of a device; `sealed` is the secret that the page shows, which only the archive can open."""

    sealed = HiddenField(validators=[_BOUNDED])
    code = StringField(
        _l("Code of the device"),
        [_REQUIRED, _BOUNDED],
        render_kw={**_OF_CODES, "inputmode": "numeric", "maxlength": 12},
    )


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """The password once more."""

    password = PasswordField(
        _l("Password"), [_REQUIRED, _BOUNDED], render_kw={"autocomplete": "current-password", "autofocus": True}
    )


class ConfirmWithCodeForm(ConfirmForm):
    """The password and a code of the second factor."""

    code = StringField(_l("One-time code"), [_REQUIRED, _BOUNDED], render_kw=_OF_CODES)
