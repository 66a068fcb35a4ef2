"""Forms of competence and working time."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional

from archive_app.engagements.abilities.kinds import KINDS, all_competences, competence_name
from archive_app.engagements.abilities.recording import Ability
from archive_app.engagements.abilities.time import QUARTERS_OF_A_DAY
from archive_app.kernel.language import N_, translate

_PARTS_OF_A_DAY = {4: N_("One day"), 3: N_("Three quarters of a day"), 2: N_("Half a day"), 1: N_("A quarter of a day")}


class CompetenceForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """What a colleague is competent for."""

    person_id = SelectField(_l("Person"), validators=[DataRequired()])
    competence = SelectField(_l("Competence"), validators=[DataRequired()])
    title = StringField(_l("Title"), validators=[Optional(), Length(max=200)])
    certificate = StringField(_l("Number of the certificate"), validators=[Optional(), Length(max=100)])
    issued_by = StringField(_l("Issued by"), validators=[Optional(), Length(max=200)])
    valid_from = DateField(_l("Valid from"), validators=[DataRequired()])
    valid_until = DateField(_l("Valid until"), validators=[Optional()])

    def __init__(self, language: str, people: list[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.person_id.choices = people
        self.competence.choices = {
            translate(language, KINDS[kind]): [
                (f"{kind} {code}", competence_name(kind, code, language)) for code in codes
            ]
            for kind, codes in all_competences().items()
        }

    def ability(self) -> Ability:
        """What was entered."""
        kind, _, code = self.competence.data.partition(" ")
        return Ability(
            kind=kind,
            code=code,
            valid_from=self.valid_from.data,
            valid_until=self.valid_until.data,
            title=self.title.data or "",
            certificate=self.certificate.data or "",
            issued_by=self.issued_by.data or "",
        )


class TimeForm(FlaskForm):  # type: ignore[misc]  # as above
    """Time that somebody of `people` worked on a day."""

    person_id = SelectField(_l("Person"), validators=[DataRequired()])
    on = DateField(_l("Day"), validators=[DataRequired()])
    quarters = SelectField(_l("Time"), coerce=int, default=QUARTERS_OF_A_DAY)
    on_site = BooleanField(_l("On site"))
    remark = StringField(_l("Remark"), validators=[Optional(), Length(max=300)])

    def __init__(self, language: str, people: list[tuple[str, str]], **values: Any) -> None:
        super().__init__(**values)
        self.person_id.choices = people
        self.quarters.choices = [(code, translate(language, words)) for code, words in _PARTS_OF_A_DAY.items()]
