"""Forms of records."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.casework.records.facts import FACETS, METHODS, VERDICTS, Facts
from archive_app.casework.records.proposals import Proposal
from archive_app.casework.records.seals import MOST_COPIES, SealFacts
from archive_app.engagements.record_types import all_record_types
from archive_app.kernel.language import N_, translate
from archive_app.web.forms import CheckboxListField

_NOTHING = N_("Not said")


def type_choices(language: str) -> list[tuple[str, str]]:
    """The types of records with their names."""
    return [(code, one.name.text(language)) for code, one in all_record_types().items()]


def named(words: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """Codes with their words."""
    return [(code, translate(language, text)) for code, text in words.items()]


class RecordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """What somebody says about a document as a record."""

    seen = HiddenField()
    type = SelectField(_l("Type of record"), validators=[DataRequired()])
    evidence_on = DateField(_l("Date of the evidence"), validators=[Optional()])
    period_from = DateField(_l("Period, first day"), validators=[Optional()])
    period_to = DateField(_l("Period, last day"), validators=[Optional()])
    originator = StringField(_l("Originator"), validators=[Length(max=200)])
    shows = TextAreaField(_l("What it shows"), validators=[Length(max=500)])
    methods = CheckboxListField(_l("Methods"))
    facet = SelectField(_l("Point of the verification"))
    source = StringField(_l("Source of the data"), validators=[Length(max=200)])
    unit = StringField(_l("Unit"), validators=[Length(max=60)])
    monitoring_frequency = StringField(_l("Monitoring frequency"), validators=[Length(max=100)])
    department = StringField(_l("Responsible department"), validators=[Length(max=200)])
    cross_check = TextAreaField(_l("Cross-check"), validators=[Length(max=500)])
    authenticity = RadioField(_l("Verdict on authenticity"), default="")
    authenticity_reason = TextAreaField(_l("Reason of the verdict"), validators=[Length(max=500)])
    paper_place = StringField(_l("Place of the paper original"), validators=[Length(max=200)])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        nothing = ("", translate(language, _NOTHING))
        self.type.choices = [("", translate(language, N_("Choose"))), *type_choices(language)]
        self.methods.choices = named(METHODS, language)
        self.facet.choices = [nothing, *named(FACETS, language)]
        self.authenticity.choices = [nothing, *named(VERDICTS, language)]

    def facts(self) -> Facts:
        """What was filled in."""
        told = {field.name: field.data for field in self if field.name in Facts.__dataclass_fields__}
        return Facts(
            **{name: value or "" for name, value in told.items() if name not in _OF_OTHER_KINDS},
            methods=tuple(self.methods.data or ()),
            evidence_on=self.evidence_on.data,
            period_from=self.period_from.data,
            period_to=self.period_to.data,
        )


_OF_OTHER_KINDS = frozenset({"methods", "evidence_on", "period_from", "period_to"})


def values_of(facts: Facts) -> dict[str, Any]:
    """The facts as values of the form."""
    return dict(facts.as_mapping()) | {"methods": list(facts.methods)}


def facts_of_proposal(proposal: Proposal) -> Facts:
    """A proposal as what somebody could say."""
    return Facts(
        type=proposal.type,
        evidence_on=proposal.evidence_on,
        period_from=proposal.period_from,
        period_to=proposal.period_to,
        originator=proposal.originator,
    )


class SealForm(FlaskForm):  # type: ignore[misc]  # as above
    """A use of the body's seal."""

    seal = StringField(_l("Seal"), validators=[DataRequired(), Length(max=100)])
    sealed_on = DateField(_l("Sealed on"), validators=[DataRequired()])
    copies = IntegerField(_l("Copies"), validators=[NumberRange(1, MOST_COPIES)])
    asked_by = StringField(_l("Asked for by"), validators=[DataRequired(), Length(max=100)])
    approved_by = StringField(_l("Approved by"), validators=[DataRequired(), Length(max=100)])

    def facts(self) -> SealFacts:
        """What was filled in."""
        return SealFacts(
            seal=self.seal.data or "",
            sealed_on=self.sealed_on.data or date.min,
            copies=self.copies.data or 0,
            asked_by=self.asked_by.data or "",
            approved_by=self.approved_by.data or "",
        )
