"""The forms of organisations: which fields there are. What is acceptable in them, the use cases decide."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from archive_app.identity.organisations import KINDS
from archive_app.kernel.language import LANGUAGES, translate

_BOUNDED = Length(max=1000, message=_l("This is too long."))
_CHECKS = (InputRequired(_l("This must not be empty.")), _BOUNDED)
_LANGUAGES = [SelectChoice(code, name) for code, name in LANGUAGES.items()]
_NEW_LOGIN = {"autocomplete": "off", "autocapitalize": "none"}


class OrganisationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """An organisation's name and code."""

    name = StringField(_l("Name of the organisation"), _CHECKS, render_kw={"autocomplete": "off"})
    credit_code = StringField(
        _l("Unified social credit code"), [_BOUNDED], render_kw={"autocomplete": "off", "spellcheck": "false"}
    )


class NewOrganisationForm(OrganisationForm):
    """A new organisation with its first administrator."""

    kind = SelectField(_l("Kind of organisation"))
    display_name = StringField(_l("Full name"), _CHECKS, render_kw={"autocomplete": "off"})
    login = StringField(_l("Login"), _CHECKS, render_kw=_NEW_LOGIN)
    language = SelectField(_l("Language"), choices=_LANGUAGES)

    def __init__(self, shown_in: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = kind_choices(shown_in)


def kind_choices(language: str) -> list[SelectChoice]:
    """All kinds of organisation, in `language`."""
    return [SelectChoice(kind, translate(language, label)) for kind, label in KINDS.items()]
