"""Forms of relations that touch independence."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from archive_app.engagements.forms import province_choices
from archive_app.engagements.independence import KINDS, REPORT_COMPILING
from archive_app.engagements.interests import Facts
from archive_app.kernel.language import N_, translate

_NO_PROVINCE = N_("Only for the compiling of reports")
_THE_BODY = N_("The body itself")


class InterestForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A relation: of oneself, or with `colleagues` of one of them or of the body."""

    person_id = SelectField(_l("Whose"), validators=[Optional()])
    kind = RadioField(_l("Kind"), validators=[InputRequired()])
    party_name = StringField(_l("Organisation"), validators=[Optional(), Length(max=200)])
    party_code = StringField(_l("Unified social credit code"), validators=[Optional(), Length(max=40)])
    province = SelectField(_l("Province"), validators=[Optional()])
    began_on = DateField(_l("Began on"), validators=[DataRequired()])
    ended_on = DateField(_l("Ended on"), validators=[Optional()])
    note = StringField(_l("Note"), validators=[Optional(), Length(max=1000)])

    def __init__(self, language: str, colleagues: list[tuple[str, str]] | None = None, **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(code, translate(language, words)) for code, words in KINDS.items()]
        self.province.choices = province_choices(language, translate(language, _NO_PROVINCE))
        if colleagues is None:
            del self.person_id
        else:
            self.person_id.choices = [("", translate(language, _THE_BODY)), *colleagues]

    def facts(self) -> Facts:
        """What was entered."""
        return Facts(
            kind=self.kind.data,
            began_on=self.began_on.data,
            ended_on=self.ended_on.data,
            party_name=self.party_name.data or "",
            party_code=self.party_code.data or "",
            province=self.province.data or "",
            note=self.note.data or "",
        )


class ClientRelationForm(FlaskForm):  # type: ignore[misc]  # as above
    """A relation of oneself with a client that is known."""

    kind = RadioField(_l("Kind"), validators=[InputRequired()])
    began_on = DateField(_l("Began on"), validators=[DataRequired()])
    ended_on = DateField(_l("Ended on"), validators=[Optional()])
    note = StringField(_l("Note"), validators=[Optional(), Length(max=1000)])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        with_client = [kind for kind in KINDS if kind != REPORT_COMPILING]
        self.kind.choices = [(code, translate(language, KINDS[code])) for code in with_client]


class EndForm(FlaskForm):  # type: ignore[misc]  # as above
    """The day on which a relation ended."""

    ended_on = DateField(_l("Ended on"), validators=[DataRequired()])
