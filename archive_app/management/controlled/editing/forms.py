"""Forms of an edition on its way."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from archive_app.kernel.language import N_, translate
from archive_app.management.colleagues import Colleague
from archive_app.management.controlled.deciding import REMARK_LIMIT
from archive_app.management.controlled.drafting import REASON_LIMIT


def _named(found: Sequence[Colleague]) -> list[tuple[str, str]]:
    return [(one.person_id, f"{one.name} ({one.login})") for one in found]


class ReviewersForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """Who is asked to review."""

    people = SelectMultipleField(_l("Reviewers"), validators=[Optional()])
    others = StringField(_l("Others by their login"), validators=[Optional(), Length(max=1000)])

    def __init__(self, found: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.people.choices = _named(found)

    def asked(self) -> list[str]:
        """Identifiers and logins."""
        return [*(self.people.data or ()), *(self.others.data or "").replace("，", ",").split(",")]


class ApproverForm(FlaskForm):  # type: ignore[misc]  # as above
    """Who is asked to approve."""

    person = SelectField(_l("Approver"), validators=[DataRequired()])

    def __init__(self, found: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.person.choices = _named(found)


class AnotherForm(FlaskForm):  # type: ignore[misc]  # as above
    """Who is asked in the place of somebody else."""

    step_id = HiddenField()
    person = StringField(_l("Ask instead"), validators=[DataRequired(), Length(max=100)])


class AuthorForm(FlaskForm):  # type: ignore[misc]  # as above
    """Who the edition is handed over to."""

    to = StringField(_l("New author"), validators=[DataRequired(), Length(max=100)])


class AbandonForm(FlaskForm):  # type: ignore[misc]  # as above
    """Why an edition is given up."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REASON_LIMIT)])


class DecisionForm(FlaskForm):  # type: ignore[misc]  # as above
    """What somebody says who was asked."""

    decision = RadioField(_l("Decision"), validators=[InputRequired()])
    remark = TextAreaField(_l("Opinion"), validators=[Optional(), Length(max=REMARK_LIMIT)])

    def __init__(self, language: str, *, approves: bool, **values: Any) -> None:
        super().__init__(**values)
        yes = N_("Approve") if approves else N_("Agree")
        self.decision.choices = [("yes", translate(language, yes)), ("no", translate(language, N_("Do not agree")))]
