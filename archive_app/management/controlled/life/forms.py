"""Forms of a controlled document in use."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from archive_app.identity.roles import all_roles
from archive_app.kernel.language import translate
from archive_app.management.colleagues import Colleague
from archive_app.management.controlled.copies import OUTCOMES as COPY_OUTCOMES
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.controlled.periodic_review import OUTCOMES as REVIEW_OUTCOMES
from archive_app.management.controlled.periodic_review import REMARK_LIMIT
from archive_app.management.controlled.watching import OUTCOMES as LOOK_OUTCOMES
from archive_app.management.controlled.withdrawing import REASON_LIMIT
from archive_app.web.forms import CheckboxListField


class IssueForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """From when an edition is in force."""

    effective_on = DateField(_l("In force from"), validators=[DataRequired()])


class DistributionForm(FlaskForm):  # type: ignore[misc]  # as above
    """Whom a controlled document is distributed to, besides those on the list."""

    person = SelectField(_l("Person"), validators=[Optional()])
    login = StringField(_l("Sign-in name"), validators=[Optional(), Length(max=100)])
    roles = CheckboxListField(_l("Roles"), validators=[Optional()])

    def __init__(self, language: str, people: Sequence[Colleague], roles: Sequence[str], **values: Any) -> None:
        super().__init__(**values)
        self.person.choices = [("", "—"), *((one.person_id, f"{one.name} ({one.login})") for one in people)]
        self.roles.choices = [(key, all_roles()[key].name(language)) for key in roles]

    def people(self) -> list[str]:
        """Those who were picked or typed."""
        return [one for one in (self.person.data, (self.login.data or "").strip()) if one]


class AcknowledgeForm(FlaskForm):  # type: ignore[misc]  # as above
    """Somebody confirms that they read it."""

    read = BooleanField(_l("I have read this edition and will work by it"), validators=[DataRequired()])


class CopyForm(FlaskForm):  # type: ignore[misc]  # as above
    """A paper copy to give."""

    holder = StringField(_l("Holder"), validators=[DataRequired(), Length(max=200)])
    place = StringField(_l("Place"), validators=[Optional(), Length(max=200)])


class CopyOutcomeForm(FlaskForm):  # type: ignore[misc]  # as above
    """What became of a copy."""

    outcome = SelectField(_l("Outcome"), validators=[DataRequired()])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        self.outcome.choices = [(code, translate(language, words)) for code, words in COPY_OUTCOMES.items()]


class FindingForm(FlaskForm):  # type: ignore[misc]  # as above
    """What a review found."""

    outcome = RadioField(_l("Outcome"), validators=[DataRequired()])
    remark = StringField(_l("Remark"), validators=[Optional(), Length(max=REMARK_LIMIT)])
    outcomes = REVIEW_OUTCOMES

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        self.outcome.choices = [(code, translate(language, words)) for code, words in self.outcomes.items()]


class LookForm(FindingForm):
    """What a look for a new edition found."""

    outcomes = LOOK_OUTCOMES


class WithdrawalForm(FlaskForm):  # type: ignore[misc]  # as above
    """Why a controlled document is withdrawn, and what comes in its place."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REASON_LIMIT)])
    replaced_by = SelectField(_l("Replaced by"), validators=[Optional()])

    def __init__(self, offered: Sequence[ControlledDocument], **values: Any) -> None:
        super().__init__(**values)
        self.replaced_by.choices = [("", "—"), *((one.id, f"{one.number} {one.title}") for one in offered)]
