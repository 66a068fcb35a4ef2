"""Forms of recurring duties."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from archive_app.engagements.record_types import OTHER, all_record_types
from archive_app.kernel.language import N_, translate
from archive_app.management.colleagues import Colleague
from archive_app.management.periods import MOST_MONTHS
from archive_app.management.recurring.catalogue import CHANGES
from archive_app.management.recurring.changes import DESCRIPTION_LIMIT, Told
from archive_app.management.recurring.keeping import Terms
from archive_app.management.recurring.models import Site
from archive_app.management.recurring.settling import REMARK_LIMIT, Shows
from archive_app.management.recurring.showing import Choice, DutyPage, OccurrencePage, Offer
from archive_app.management.recurring.sites import NAME_LIMIT
from archive_app.management.recurring.taking_on import SOURCE_LIMIT, TITLE_LIMIT, OwnWords, Wish

_PERIOD = NumberRange(1, MOST_MONTHS)


def _people(people: Sequence[Colleague]) -> list[tuple[str, str]]:
    return [("", "—"), *((one.person_id, f"{one.name} ({one.login})") for one in people)]


def _sites(sites: Sequence[Site], language: str) -> list[tuple[str, str]]:
    whole = translate(language, N_("The whole organisation"))
    return [("", whole), *((site.id, site.name) for site in sites)]


class _WithOwner(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """Somebody is responsible: picked from the list, or typed where the list does not hold them."""

    owner = SelectField(_l("Responsible"), validators=[Optional()])
    login = StringField(_l("Or their sign-in name"), validators=[Optional(), Length(max=100)])

    def responsible(self) -> str:
        """Who was picked or typed."""
        return (self.login.data or "").strip() or self.owner.data or ""


class TakeOnForm(_WithOwner):
    """Duties of the catalogue to take on; each has a box, a day and, where it is somebody else's, a person."""

    site_id = SelectField(_l("Site"), validators=[Optional()])

    def __init__(self, language: str, offer: Offer, **values: Any) -> None:
        super().__init__(**values)
        self.codes = [duty.code for duty in offer.catalogue.duties] if offer.catalogue else []
        self.owner.choices = _people(offer.people)
        self.site_id.choices = _sites(offer.sites, language)
        for code in self.codes:
            self[f"owner_{code}"].choices = _people(offer.people)

    def wishes(self) -> list[Wish]:
        """What was chosen."""
        return [
            Wish(
                code=code,
                owner=self[f"owner_{code}"].data or self.responsible(),
                first_on=self[f"first_{code}"].data,
                site_id=self.site_id.data or "",
            )
            for code in self.codes
            if self[f"take_{code}"].data
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """What is taken on has a day; of the others nobody asks for one."""
        fits: bool = super().validate(extra_validators)
        for code in self.codes:
            day = self[f"first_{code}"]
            if self[f"take_{code}"].data and day.data is None and not day.errors:
                day.errors = [*day.errors, _l("Give its first day.")]
                fits = False
        return fits


def take_on_form(language: str, offer: Offer, **values: Any) -> TakeOnForm:
    """The form with the duties of this organisation's catalogue; each is offered with the day that it proposes."""
    fields: dict[str, Any] = {}
    for duty in offer.catalogue.duties if offer.catalogue else ():
        name = duty.name.text(language)
        day = duty.proposed_day(offer.today)
        fields[f"take_{duty.code}"] = BooleanField(name)
        fields[f"first_{duty.code}"] = DateField(_l("First day"), default=day, validators=[Optional()])
        fields[f"owner_{duty.code}"] = SelectField(_l("Responsible"), validators=[Optional()])
    made: TakeOnForm = type("TakeOnFormOfCatalogue", (TakeOnForm,), fields)(language, offer, **values)
    return made


class OwnDutyForm(_WithOwner):
    """A duty of own words."""

    title = StringField(_l("What is to be done"), validators=[DataRequired(), Length(max=TITLE_LIMIT)])
    source = StringField(_l("Source"), validators=[Optional(), Length(max=SOURCE_LIMIT)])
    every_months = IntegerField(_l("Months between two times"), default=12, validators=[InputRequired(), _PERIOD])
    first_on = DateField(_l("First day"), validators=[DataRequired()])
    records = SelectMultipleField(_l("Records"), validators=[Optional()])
    site_id = SelectField(_l("Site"), validators=[Optional()])

    def __init__(self, language: str, offer: Offer, **values: Any) -> None:
        super().__init__(**values)
        self.owner.choices = _people(offer.people)
        self.site_id.choices = _sites(offer.sites, language)
        self.records.choices = [(code, one.name.text(language)) for code, one in all_record_types().items()]

    def own(self) -> OwnWords:
        """What was entered."""
        return OwnWords(
            title=self.title.data,
            source=self.source.data or "",
            owner=self.responsible(),
            first_on=self.first_on.data,
            every_months=self.every_months.data,
            records=tuple(self.records.data or ()),
            site_id=self.site_id.data or "",
        )


class TermsForm(_WithOwner):
    """How a duty is kept from now on."""

    every_months = IntegerField(_l("Months between two times"), validators=[InputRequired(), _PERIOD])
    first_on = DateField(_l("Counted from"), validators=[DataRequired()])
    template_id = SelectField(_l("Template"), validators=[Optional()])

    def __init__(self, page: DutyPage, offer: Offer, templates: Sequence[tuple[str, str]], **values: Any) -> None:
        duty = page.duty
        known = {"owner": duty.owner_id, "every_months": duty.every_months, "first_on": duty.first_on}
        super().__init__(**{**known, "template_id": duty.template_id or "", **values})
        people = _people(offer.people)
        if duty.owner_id not in dict(people):
            people.append((duty.owner_id, page.owner.display_name))
        self.owner.choices = people
        kept = [] if page.template is None else [(page.template.id, f"{page.template.number} {page.template.title}")]
        self.template_id.choices = [("", "—"), *dict([*templates, *kept]).items()]

    def terms(self) -> Terms:
        """What was entered."""
        return Terms(self.responsible(), self.every_months.data, self.first_on.data, self.template_id.data or "")


class EndForm(FlaskForm):  # type: ignore[misc]  # as above
    """A duty ends, or a site closes, on a day for a reason."""

    on = DateField(_l("Day"), validators=[DataRequired()])
    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REMARK_LIMIT)])


class DayForm(FlaskForm):  # type: ignore[misc]  # as above
    """A site is opened again on a day."""

    on = DateField(_l("Day"), validators=[DataRequired()])


class SiteForm(FlaskForm):  # type: ignore[misc]  # as above
    """A site."""

    name = StringField(_l("Name of the site"), validators=[DataRequired(), Length(max=NAME_LIMIT)])
    opened_on = DateField(_l("Opened on"), validators=[Optional()])


class ChangeForm(FlaskForm):  # type: ignore[misc]  # as above
    """A change of the organisation."""

    kind = SelectField(_l("What changed"), validators=[DataRequired()])
    happened_on = DateField(_l("Day of the change"), validators=[DataRequired()])
    site_id = SelectField(_l("Site"), validators=[Optional()])
    description = TextAreaField(_l("Description"), validators=[DataRequired(), Length(max=DESCRIPTION_LIMIT)])

    def __init__(self, language: str, offer: Offer, **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(code, translate(language, words)) for code, words in CHANGES.items()]
        self.site_id.choices = _sites(offer.sites, language)

    def told(self) -> Told:
        """What was entered."""
        return Told(self.kind.data, self.happened_on.data, self.description.data, self.site_id.data or "")


class ReasonForm(FlaskForm):  # type: ignore[misc]  # as above
    """Something is done for a reason."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REMARK_LIMIT)])


class DoneForm(FlaskForm):  # type: ignore[misc]  # as above
    """A duty was done: the documents that show it, one list for each type that is asked for."""

    remark = TextAreaField(_l("Remark, or why another document shows it"), validators=[Length(max=REMARK_LIMIT)])

    def __init__(self, codes: Sequence[str], choices: Sequence[Choice], **values: Any) -> None:
        super().__init__(**values)
        self.codes = codes
        for code in codes:
            # Those that were described as this type stand first.
            offered = sorted(choices, key=lambda one: one.type != code)
            self[f"records_{code}"].choices = [(one.document_id, one.title) for one in offered]

    def lists(self) -> Iterator[tuple[str, Any]]:
        """Each list with the type that it is for."""
        for code in self.codes:
            yield code, self[f"records_{code}"]

    def records(self) -> list[Shows]:
        """What was chosen."""
        return [Shows(document_id, code) for code, field in self.lists() for document_id in field.data or ()]


def done_form(language: str, page: OccurrencePage, choices: Sequence[Choice], **values: Any) -> DoneForm:
    """The form for the types of records that this duty asks for."""
    fields: dict[str, Any] = {
        f"records_{one.code}": SelectMultipleField(one.name.text(language), validators=[Optional()])
        for one in page.required
    }
    if OTHER not in [one.code for one in page.required]:
        fields[f"records_{OTHER}"] = SelectMultipleField(_l("Other documents"), validators=[Optional()])
    codes = [*(one.code for one in page.required), OTHER]
    made: DoneForm = type("DoneFormOfDuty", (DoneForm,), fields)(list(dict.fromkeys(codes)), choices, **values)
    return made
