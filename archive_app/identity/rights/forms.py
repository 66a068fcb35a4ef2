"""The forms of people, roles and rights: which fields there are. What is acceptable in them, the use cases decide."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from archive_app.identity.roles import all_roles
from archive_app.kernel.language import LANGUAGES, translate
from archive_app.kernel.levels import LEVEL_LABELS
from archive_app.web.forms import CheckboxListField

_REQUIRED = InputRequired(_l("This must not be empty."))
_BOUNDED = Length(max=1000, message=_l("This is too long."))
_CHECKS = (_REQUIRED, _BOUNDED)
_LANGUAGES = [SelectChoice(code, name) for code, name in LANGUAGES.items()]
_NEW_LOGIN = {"autocomplete": "off", "autocapitalize": "none"}


class RolesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """Some of the roles that are offered. Others pass on to the use case, which refuses them and leaves a trace."""

    roles = CheckboxListField(_l("Roles"), validate_choice=False)

    def __init__(self, shown_in: str, offered: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names, chosen = dict(role_choices(shown_in)), frozenset(offered)
        self.roles.choices = [SelectChoice(key, name) for key, name in names.items() if key in chosen]


class InviteForm(RolesForm):
    """A new colleague."""

    display_name = StringField(_l("Full name"), _CHECKS, render_kw={"autocomplete": "off"})
    login = StringField(_l("Login"), _CHECKS, render_kw=_NEW_LOGIN)
    language = SelectField(_l("Language"), choices=_LANGUAGES)


class DecisionForm(RolesForm):
    """Proposed roles to grant or to refuse."""

    reason = StringField(_l("Reason, if refused"), [_BOUNDED], render_kw={"autocomplete": "off"})


class RightsForm(RolesForm):
    """The roles that somebody keeps, and the highest level that they see."""

    highest_level = SelectField(_l("Highest level"), coerce=int)

    def __init__(self, shown_in: str, offered: Iterable[str], **kwargs: Any) -> None:
        super().__init__(shown_in, offered, **kwargs)
        levels = [SelectChoice(int(level), translate(shown_in, label)) for level, label in LEVEL_LABELS.items()]
        self.highest_level.choices = levels


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """A question with one answer."""


def role_choices(language: str) -> list[tuple[str, str]]:
    """All roles as (key, name in `language`)."""
    return [(role.key, role.name(language)) for role in all_roles().values()]
