"""Forms of review, issue and notification."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.casework.reviewing.issuing import REASON_LIMIT, Telling
from archive_app.casework.reviewing.remarks import LAST_PAGE, QUOTE_LIMIT, TEXT_LIMIT
from archive_app.casework.reviewing.reports import PASSED, RETURNED, VERDICTS
from archive_app.casework.reviewing.rounds import SUMMARY_LIMIT
from archive_app.kernel.language import N_, translate

_VERSION = (DataRequired(), Length(max=36))


class SubmitForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A version of the report and to whom it is submitted."""

    document_id = HiddenField(validators=_VERSION)
    version_id = HiddenField(validators=_VERSION)
    reviewer_id = SelectField(_l("Technical reviewer"), validators=[DataRequired()])

    def __init__(self, reviewers: Mapping[str, str], **values: Any) -> None:
        super().__init__(**values)
        self.reviewer_id.choices = list(reviewers.items())


class RemarkForm(FlaskForm):  # type: ignore[misc]  # as above
    """A remark on a place."""

    document_id = HiddenField(validators=[Optional(), Length(max=36)])
    page = IntegerField(_l("Page"), validators=[Optional(), NumberRange(1, LAST_PAGE)])
    quote = TextAreaField(_l("Quote"), validators=[Optional(), Length(max=QUOTE_LIMIT)])
    remark = TextAreaField(_l("Review remark"), validators=[DataRequired(), Length(max=TEXT_LIMIT)])
    grave = BooleanField(_l("Grave: the report cannot pass before this is resolved"))


class AnswerForm(FlaskForm):  # type: ignore[misc]  # as above
    """The team's answer to a remark; `seen` is the answer that stood there."""

    seen = HiddenField(validators=[Optional(), Length(max=40)])
    answer = TextAreaField(_l("Answer"), validators=[DataRequired(), Length(max=TEXT_LIMIT)])


class VerdictForm(FlaskForm):  # type: ignore[misc]  # as above
    """The verdict of a round."""

    verdict = RadioField(_l("Verdict"), validators=[DataRequired()])
    summary = TextAreaField(_l("Summary"), validators=[DataRequired(), Length(max=SUMMARY_LIMIT)])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        self.verdict.choices = [(code, translate(language, VERDICTS[code])) for code in (PASSED, RETURNED)]


class ReasonForm(FlaskForm):  # type: ignore[misc]  # as above
    """Why something is taken back or withdrawn."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REASON_LIMIT)])


class IssueForm(FlaskForm):  # type: ignore[misc]  # as above
    """The issue of a version of the report."""

    document_id = HiddenField(validators=_VERSION)
    version_id = HiddenField(validators=_VERSION)
    number = StringField(_l("Number of the report"), validators=[DataRequired(), Length(max=100)])


class TellingForm(FlaskForm):  # type: ignore[misc]  # as above
    """Who was told the result of a version of the report, and how."""

    document_id = HiddenField(validators=_VERSION)
    version_id = HiddenField(validators=_VERSION)
    told_to = StringField(_l("Told to"), validators=[DataRequired(), Length(max=200)])
    way = StringField(_l("Way"), validators=[DataRequired(), Length(max=100)])
    on = DateField(_l("Day"), validators=[DataRequired()])
    record_id = SelectField(_l("Record of it"), validators=[Optional()])

    def __init__(self, language: str, documents: Sequence[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.record_id.choices = [("", translate(language, N_("None"))), *documents]

    def telling(self) -> Telling:
        """What is recorded."""
        return Telling(self.told_to.data, self.way.data, self.on.data, self.record_id.data or "")
