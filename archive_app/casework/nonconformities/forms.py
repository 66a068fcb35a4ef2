"""Forms of nonconformities."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.casework.nonconformities.answering import Correction
from archive_app.casework.nonconformities.raising import TEXT_LIMIT, Finding
from archive_app.casework.nonconformities.rules import GRADES, MOST_DAYS
from archive_app.casework.nonconformities.showing import Asked, ShownDocument
from archive_app.kernel.language import N_, translate

_NEEDED = (DataRequired(), Length(max=TEXT_LIMIT))
_OPTIONAL = (Optional(), Length(max=TEXT_LIMIT))


def _documents(found: Sequence[ShownDocument]) -> list[tuple[str, str]]:
    return [(one.document_id, one.title) for one in found]


def link_choices(found: Sequence[Asked], language: str) -> list[tuple[str, str]]:
    """The links to choose from; the first choice is none."""
    none = translate(language, N_("No link: the answer comes on paper"))
    return [("", none), *((one.request_id, f"{one.recipient} · {one.created_at:%Y-%m-%d}") for one in found)]


class FindingForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A nonconformity to raise."""

    grade = RadioField(_l("Grade"), default="minor", validators=[DataRequired()])
    clause = StringField(_l("Clause"), validators=[DataRequired(), Length(max=100)])
    statement = TextAreaField(_l("Statement"), validators=_NEEDED)
    evidence = TextAreaField(_l("Evidence"), validators=_OPTIONAL)
    documents = SelectMultipleField(_l("Documents that show it"), validators=[Optional()])
    days = IntegerField(_l("Working days"), default=10, validators=[NumberRange(1, MOST_DAYS)])
    request_id = SelectField(_l("Link of the client"), validators=[Optional()])

    def __init__(
        self, language: str, documents: Sequence[ShownDocument], links: Sequence[Asked], **values: Any
    ) -> None:
        super().__init__(**values)
        self.grade.choices = [(code, translate(language, words)) for code, words in GRADES.items()]
        self.documents.choices = _documents(documents)
        self.request_id.choices = link_choices(links, language)

    def finding(self) -> Finding:
        """What is raised."""
        return Finding(
            grade=self.grade.data,
            clause=self.clause.data,
            statement=self.statement.data,
            evidence=self.evidence.data or "",
            documents=tuple(self.documents.data or ()),
            days=self.days.data,
        )


class CorrectionForm(FlaskForm):  # type: ignore[misc]  # as above
    """What an answer says."""

    correction = TextAreaField(_l("Correction"), validators=_NEEDED)
    cause = TextAreaField(_l("Cause"), validators=_NEEDED)
    similar_cases = TextAreaField(_l("Similar cases"), validators=_OPTIONAL)
    corrective_action = TextAreaField(_l("Corrective action"), validators=_OPTIONAL)

    def told(self) -> Correction:
        """The answer."""
        return Correction(
            correction=self.correction.data,
            cause=self.cause.data,
            similar_cases=self.similar_cases.data or "",
            corrective_action=self.corrective_action.data or "",
        )


class PaperAnswerForm(CorrectionForm):
    """An answer that came on paper or by word, with who gave it and the documents that show the correction."""

    answered_by = StringField(_l("Answered by"), validators=[DataRequired(), Length(max=100)])
    documents = SelectMultipleField(_l("Documents that show the correction"), validators=[Optional()])

    def __init__(self, documents: Sequence[ShownDocument] = (), **values: Any) -> None:
        super().__init__(**values)
        self.documents.choices = _documents(documents)


class ConfirmForm(FlaskForm):  # type: ignore[misc]  # as above
    """The correction is confirmed."""

    effectiveness = TextAreaField(_l("Effectiveness"), validators=_NEEDED)


class ReturnForm(FlaskForm):  # type: ignore[misc]  # as above
    """The answer is returned."""

    reason = TextAreaField(_l("Reason"), validators=_NEEDED)
    days = IntegerField(_l("Working days from today"), validators=[Optional(), NumberRange(1, MOST_DAYS)])


class WithdrawForm(FlaskForm):  # type: ignore[misc]  # as above
    """The nonconformity is withdrawn."""

    reason = TextAreaField(_l("Reason"), validators=_NEEDED)


class LinkForm(FlaskForm):  # type: ignore[misc]  # as above
    """The nonconformity is put onto a link of the client."""

    request_id = SelectField(_l("Link of the client"), validators=[DataRequired()])

    def __init__(self, language: str, links: Sequence[Asked] = (), **values: Any) -> None:
        super().__init__(**values)
        self.request_id.choices = link_choices(links, language)[1:]
