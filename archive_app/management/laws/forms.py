"""Forms of the legal register."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.kernel.language import N_, translate
from archive_app.management.colleagues import Colleague
from archive_app.management.laws.evaluating import Findings, FoundDocument
from archive_app.management.laws.kinds import KINDS, RESULTS
from archive_app.management.laws.obliging import DutyFacts
from archive_app.management.laws.recording import LawFacts
from archive_app.management.periods import MOST_MONTHS
from archive_app.web.forms import CheckboxListField

_REASON = (DataRequired(), Length(max=1000))
_MONTHS = NumberRange(1, MOST_MONTHS)


def people_choices(people: Sequence[Colleague], kept: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """People to choose from; `kept` are others who stand there already."""
    known = {one.person_id for one in people}
    others = [(person_id, name) for person_id, name in kept if person_id not in known]
    return [*others, *((one.person_id, f"{one.name} ({one.login})") for one in people)]


class LawForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A law of the register."""

    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=300)])
    kind = SelectField(_l("Kind"), validators=[DataRequired()])
    number = StringField(_l("Number"), validators=[Optional(), Length(max=100)])
    issuer = StringField(_l("Issuing authority"), validators=[Optional(), Length(max=200)])
    published_on = DateField(_l("Published on"), validators=[Optional()])
    effective_on = DateField(_l("In force from"), validators=[Optional()])
    review_months = IntegerField(_l("Looked at every (months)"), default=12, validators=[Optional(), _MONTHS])
    controlled_document_id = SelectField(_l("Text of the law"), validators=[Optional()])
    seen = HiddenField()

    def __init__(self, language: str, texts: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(code, translate(language, words)) for code, words in KINDS.items()]
        none = translate(language, N_("None in the archive"))
        self.controlled_document_id.choices = [("", none), *texts]

    def facts(self) -> LawFacts:
        """What is recorded."""
        return LawFacts(
            title=self.title.data,
            kind=self.kind.data,
            number=self.number.data or "",
            issuer=self.issuer.data or "",
            published_on=self.published_on.data,
            effective_on=self.effective_on.data,
            review_months=self.review_months.data,
            controlled_document_id=self.controlled_document_id.data or None,
        )


class EndForm(FlaskForm):  # type: ignore[misc]  # as above
    """A law ends."""

    ended_on = DateField(_l("Holds no more from"), validators=[DataRequired()])
    replaced_by_id = SelectField(_l("Replaced by"), validators=[Optional()])
    reason = StringField(_l("Reason"), validators=_REASON)

    def __init__(self, language: str, laws: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.replaced_by_id.choices = [("", translate(language, N_("Not replaced"))), *laws]


class ReasonForm(FlaskForm):  # type: ignore[misc]  # as above
    """Something is taken back."""

    reason = StringField(_l("Reason"), validators=_REASON)


class EndObligationForm(ReasonForm):
    """An obligation ends though its law goes on."""

    last_day = DateField(_l("Valid until"), validators=[DataRequired()])


class CarryForm(FlaskForm):  # type: ignore[misc]  # as above
    """Obligations to carry over to the law that came in place of theirs."""

    obligations = CheckboxListField(_l("Obligations"), validators=[Optional()])


class DutyForm(FlaskForm):  # type: ignore[misc]  # as above
    """An obligation."""

    clause = StringField(_l("Clause"), validators=[Optional(), Length(max=100)])
    requirement = TextAreaField(_l("Requirement"), validators=[DataRequired(), Length(max=1000)])
    met_by = TextAreaField(_l("How it is met"), validators=[Optional(), Length(max=1000)])
    department = StringField(_l("Department"), validators=[Optional(), Length(max=200)])
    owner = SelectField(_l("Owner"), validators=[DataRequired()])
    valid_from = DateField(_l("Valid from"), validators=[Optional()])
    valid_until = DateField(_l("Valid until"), validators=[Optional()])
    every_months = IntegerField(_l("Evaluated every (months)"), default=12, validators=[DataRequired(), _MONTHS])
    first_on = DateField(_l("First evaluation by"), validators=[Optional()])
    seen = HiddenField()

    def __init__(self, people: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.owner.choices = list(people)

    def facts(self) -> DutyFacts:
        """What is recorded."""
        return DutyFacts(
            requirement=self.requirement.data,
            owner=self.owner.data,
            clause=self.clause.data or "",
            met_by=self.met_by.data or "",
            department=self.department.data or "",
            valid_from=self.valid_from.data,
            valid_until=self.valid_until.data,
            every_months=self.every_months.data,
            first_on=self.first_on.data,
        )


class HandOverForm(FlaskForm):  # type: ignore[misc]  # as above
    """Somebody else sees to what a person saw to."""

    to = SelectField(_l("New owner"), validators=[DataRequired()])

    def __init__(self, people: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.to.choices = list(people)


class EvaluationForm(FlaskForm):  # type: ignore[misc]  # as above
    """An evaluation. `find` looks for documents and records nothing."""

    evaluated_on = DateField(_l("Evaluated on"), validators=[DataRequired()])
    result = RadioField(_l("Result"), validators=[DataRequired()])
    grounds = TextAreaField(_l("Grounds"), validators=[DataRequired(), Length(max=2000)])
    documents = CheckboxListField(_l("Evidence"), validators=[Optional()])
    find = StringField(_l("Title or number of a document"), validators=[Optional(), Length(max=100)])
    without_evidence = StringField(_l("Why there is no evidence"), validators=[Optional(), Length(max=500)])
    action = TextAreaField(_l("Corrective action"), validators=[Optional(), Length(max=1000)])
    action_owner = SelectField(_l("Responsible for the action"), validators=[Optional()])
    action_due_on = DateField(_l("Action by"), validators=[Optional()])
    seen = HiddenField()

    def __init__(self, language: str, people: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.result.choices = [(code, translate(language, words)) for code, words in RESULTS.items()]
        self.action_owner.choices = [("", "—"), *people]
        self.documents.choices = []

    def offer(self, documents: Sequence[FoundDocument]) -> None:
        """Offers these documents."""
        self.documents.choices = [(one.document_id, f"{one.number} {one.title}".strip()) for one in documents]

    def findings(self) -> Findings:
        """What was found."""
        return Findings(
            evaluated_on=self.evaluated_on.data,
            result=self.result.data,
            grounds=self.grounds.data,
            documents=tuple(self.documents.data or ()),
            without_evidence=self.without_evidence.data or "",
            action=self.action.data or "",
            action_owner=self.action_owner.data or "",
            action_due_on=self.action_due_on.data,
        )


class FinishForm(FlaskForm):  # type: ignore[misc]  # as above
    """An action was done."""

    result = TextAreaField(_l("What came of it"), validators=_REASON)


class ConfirmForm(FlaskForm):  # type: ignore[misc]  # as above
    """An action was effective."""

    effect = TextAreaField(_l("Effectiveness"), validators=_REASON)


class ReturnForm(FlaskForm):  # type: ignore[misc]  # as above
    """An action was not enough."""

    reason = TextAreaField(_l("Reason"), validators=_REASON)
    due_on = DateField(_l("Action by"), validators=[DataRequired()])


class PeriodForm(FlaskForm):  # type: ignore[misc]  # as above
    """A period to report on."""

    first = DateField(_l("From"), validators=[DataRequired()])
    last = DateField(_l("To"), validators=[DataRequired()])
