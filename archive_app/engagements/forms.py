"""Forms of clients and engagements."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.engagements.abilities.kinds import SECTOR, all_competences, competence_name
from archive_app.engagements.engagements import ACTIVITIES, FIRST_YEAR, LAST_YEAR
from archive_app.engagements.provinces import all_provinces, province_name
from archive_app.engagements.schemes import USUAL_SCHEME, all_schemes
from archive_app.kernel.language import N_, translate

_OF_CODE = N_("From the credit code, if it says one")
_NOT_RECORDED = N_("Not recorded")
_OF_SCHEME = N_("As the scheme says")


def province_choices(language: str, none: str) -> list[tuple[str, str]]:
    """The provinces as choices; the first, called `none`, chooses none of them."""
    return [("", none), *((code, province_name(code, language)) for code in all_provinces())]


class ClientForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """A client: a new one, or with `known` what is recorded about one."""

    name = StringField(_l("Name"), validators=[DataRequired(), Length(max=200)])
    credit_code = StringField(_l("Unified social credit code"), validators=[Optional(), Length(max=40)])
    province = SelectField(_l("Province"), validators=[Optional()])
    sector = SelectField(_l("Sector"), validators=[Optional()])

    def __init__(self, language: str, *, known: bool = False, **values: Any) -> None:
        super().__init__(**values)
        self.province.choices = province_choices(language, translate(language, _OF_CODE))
        sectors = [(code, competence_name(SECTOR, code, language)) for code in all_competences()[SECTOR]]
        self.sector.choices = [("", translate(language, _NOT_RECORDED)), *sectors]
        if known:
            del self.name


class EngagementForm(FlaskForm):  # type: ignore[misc]  # as above
    """A new engagement."""

    scheme = RadioField(_l("Scheme"), default=USUAL_SCHEME, validators=[DataRequired()])
    client_id = SelectField(_l("Client"), validators=[DataRequired()])
    number = StringField(_l("Number"), validators=[DataRequired(), Length(max=60)])
    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=200)])
    year = IntegerField(_l("Year of emissions"), validators=[NumberRange(FIRST_YEAR, LAST_YEAR)])
    parent_number = StringField(_l("Follows"), validators=[Optional(), Length(max=60)])
    activity = SelectField(_l("Activity"), validators=[Optional()])
    project_number = StringField(_l("Project number"), validators=[Optional(), Length(max=60)])

    def __init__(self, language: str, **values: Any) -> None:
        super().__init__(**values)
        self.scheme.choices = [(scheme.code, scheme.name.text(language)) for scheme in all_schemes().values()]
        activities = [(code, translate(language, words)) for code, words in ACTIVITIES.items()]
        self.activity.choices = [("", translate(language, _OF_SCHEME)), *activities]
