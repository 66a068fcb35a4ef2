"""Forms of controlled documents: registering one, saying what it is, its next edition, patterns of numbers."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.kernel.language import translate
from archive_app.kernel.levels import LEVEL_LABELS, Level
from archive_app.management.controlled.drafting import NOTE_LIMIT
from archive_app.management.controlled.kinds import KEEPING, KINDS, MAINTAIN
from archive_app.management.controlled.numbering import NUMBER_LIMIT
from archive_app.management.controlled.registering import (
    LABEL_LIMIT,
    LONGEST_REVIEW_MONTHS,
    TITLE_LIMIT,
    Description,
)


class DescriptionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """What is said of a controlled document."""

    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=TITLE_LIMIT)])
    department = StringField(_l("Department"), validators=[Optional(), Length(max=200)])
    owner = StringField(_l("Owner"), validators=[Optional(), Length(max=100)])
    clauses = StringField(_l("Clauses"), validators=[Optional(), Length(max=300)])
    review_months = IntegerField(
        _l("Months until the next review"), validators=[Optional(), NumberRange(1, LONGEST_REVIEW_MONTHS)]
    )
    issuer = StringField(_l("Issuer"), validators=[Optional(), Length(max=200)])
    issuer_number = StringField(_l("Issuer's number"), validators=[Optional(), Length(max=100)])

    def described(self) -> Description:
        """What is said."""
        return Description(
            title=self.title.data,
            department=self.department.data or "",
            owner=self.owner.data or "",
            clauses=self.clauses.data or "",
            review_months=self.review_months.data,
            issuer=self.issuer.data or "",
            issuer_number=self.issuer_number.data or "",
        )


class NewDocumentForm(DescriptionForm):
    """A controlled document to register."""

    kind = SelectField(_l("Kind"), validators=[DataRequired()])
    number = StringField(_l("Number"), validators=[Optional(), Length(max=NUMBER_LIMIT)])
    label = StringField(_l("Edition"), validators=[Optional(), Length(max=LABEL_LIMIT)])
    keeping = RadioField(_l("Keeping"), default=MAINTAIN, validators=[DataRequired()])
    level = SelectField(_l("Level"), default=str(Level.INTERNAL.value), validators=[DataRequired()])

    def __init__(self, language: str, highest: Level, **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(code, translate(language, words)) for code, words in KINDS.items()]
        self.keeping.choices = [(code, translate(language, words)) for code, words in KEEPING.items()]
        levels = [level for level in Level if level <= highest]
        self.level.choices = [(str(level.value), translate(language, LEVEL_LABELS[level])) for level in levels]


class RevisionForm(FlaskForm):  # type: ignore[misc]  # as above
    """The next edition of a controlled document."""

    change_note = TextAreaField(_l("What changes"), validators=[Length(max=NOTE_LIMIT)])
    label = StringField(_l("Edition"), validators=[Optional(), Length(max=LABEL_LIMIT)])


class PatternForm(FlaskForm):  # type: ignore[misc]  # as above
    """The pattern by which a kind of document is numbered."""

    kind = SelectField(_l("Kind"), validators=[DataRequired()])
    pattern = StringField(_l("Pattern"), validators=[DataRequired(), Length(max=NUMBER_LIMIT)])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(code, translate(language, words)) for code, words in KINDS.items()]
