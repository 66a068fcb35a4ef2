"""Forms of management reviews."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from archive_app.kernel.language import N_, translate
from archive_app.management.colleagues import Colleague
from archive_app.management.reviews.agenda import name_of
from archive_app.management.reviews.deciding import DECISION_LIMIT, Decided
from archive_app.management.reviews.planning import FIRST_YEAR, LAST_YEAR, Attending, Plan
from archive_app.management.reviews.rules import CONCLUSION, WORDS_LIMIT


def _people(found: Sequence[Colleague]) -> list[tuple[str, str]]:
    return [(one.person_id, f"{one.name} ({one.login})") for one in found]


class PlanForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """What is planned."""

    year = IntegerField(_l("Year"), validators=[InputRequired(), NumberRange(FIRST_YEAR, LAST_YEAR)])
    title = StringField(_l("Title"), validators=[Optional(), Length(max=200)])
    on = DateField(_l("Day"), validators=[InputRequired()])
    place = StringField(_l("Venue"), validators=[Optional(), Length(max=200)])
    period_from = DateField(_l("Period from"), validators=[InputRequired()])
    period_to = DateField(_l("Period until"), validators=[InputRequired()])
    reviewer = SelectField(_l("Top management that reviews"), validators=[DataRequired()])

    def __init__(self, reviewers: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.reviewer.choices = _people(reviewers)

    def plan(self) -> Plan:
        """What was entered."""
        return Plan(
            year=self.year.data,
            on=self.on.data,
            period_from=self.period_from.data,
            period_to=self.period_to.data,
            reviewer=self.reviewer.data,
            title=self.title.data or "",
            place=self.place.data or "",
        )


class WordsForm(FlaskForm):  # type: ignore[misc]  # as above
    """What people say to a point of the agenda; `seen` tells the words that they began from."""

    words = TextAreaField(_l("Words"), validators=[Optional(), Length(max=WORDS_LIMIT)])
    seen = StringField(validators=[Optional(), Length(max=64)])


class AttendanceForm(FlaskForm):  # type: ignore[misc]  # as above
    """Somebody who takes part."""

    person = SelectField(_l("Person with an account"), validators=[Optional()])
    name = StringField(_l("Name of the person"), validators=[Optional(), Length(max=100)])
    function = StringField(_l("Function"), validators=[Optional(), Length(max=100)])

    def __init__(self, language: str, people: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.person.choices = [("", translate(language, N_("Somebody without an account"))), *_people(people)]

    def attending(self) -> Attending:
        """Who was entered."""
        return Attending(self.name.data or "", self.function.data or "", self.person.data or "")


class DecisionForm(FlaskForm):  # type: ignore[misc]  # as above
    """A decision."""

    code = SelectField(_l("Output"), validators=[DataRequired()])
    words = TextAreaField(_l("Decision"), validators=[DataRequired(), Length(max=DECISION_LIMIT)])
    owner = SelectField(_l("Owner"), validators=[DataRequired()])
    due_on = DateField(_l("Due"), validators=[InputRequired()])

    def __init__(self, language: str, codes: Sequence[str], people: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.code.choices = [(code, name_of(code, language)) for code in codes]
        self.owner.choices = _people(people)

    def decided(self) -> Decided:
        """What was entered."""
        return Decided(self.code.data, self.words.data, self.owner.data, self.due_on.data)


class NothingForm(FlaskForm):  # type: ignore[misc]  # as above
    """There is nothing to decide about an output, because of a reason; none takes that back."""

    reason = TextAreaField(_l("Reason"), validators=[Optional(), Length(max=DECISION_LIMIT)])


class CancelForm(FlaskForm):  # type: ignore[misc]  # as above
    """The review is called off."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=1000)])


class HoldForm(FlaskForm):  # type: ignore[misc]  # as above
    """What top management concludes."""

    suitability = TextAreaField(_l("Suitability"), validators=[DataRequired(), Length(max=WORDS_LIMIT)])
    adequacy = TextAreaField(_l("Adequacy"), validators=[DataRequired(), Length(max=WORDS_LIMIT)])
    effectiveness = TextAreaField(_l("Effectiveness"), validators=[DataRequired(), Length(max=WORDS_LIMIT)])

    def conclusion(self) -> dict[str, str]:
        """What was entered."""
        return {code: self[code].data for code in CONCLUSION}


class ResultForm(FlaskForm):  # type: ignore[misc]  # as above
    """A decision is done."""

    result = TextAreaField(_l("Result"), validators=[DataRequired(), Length(max=DECISION_LIMIT)])


class OwnerForm(FlaskForm):  # type: ignore[misc]  # as above
    """A decision is given to another owner."""

    owner = SelectField(_l("Owner"), validators=[DataRequired()])

    def __init__(self, people: Sequence[Colleague], **values: Any) -> None:
        super().__init__(**values)
        self.owner.choices = _people(people)
