"""Forms of material requests."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from archive_app.casework.requests.preparing import CHANNELS, EMAIL, LineWish, RequestWish
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import LANGUAGES, N_, translate

EMPTY_LINES = 2
"""How many empty lines the page offers for new ones."""
_ROW = re.compile(r"order-(\d{1,3})", re.ASCII)


class RequestForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """Whom a request is for."""

    recipient = StringField(_l("Recipient"), validators=[DataRequired(), Length(max=100)])
    address = StringField(_l("Mail address"), validators=[Optional(), Length(max=254)])
    channel = RadioField(_l("One-time codes"), default=EMAIL, validators=[DataRequired()])
    language = SelectField(_l("Language"), validators=[DataRequired()])
    due_on = DateField(_l("Due day"), validators=[Optional()])
    message = TextAreaField(_l("Message"), validators=[Optional(), Length(max=1000)])

    def __init__(self, shown_in: str, **values: Any) -> None:
        super().__init__(**values)
        self.channel.choices = [(code, translate(shown_in, words)) for code, words in CHANNELS.items()]
        self.language.choices = list(LANGUAGES.items())

    def wish(self) -> RequestWish:
        """What the person wants."""
        return RequestWish(
            recipient=self.recipient.data or "",
            channel=self.channel.data or "",
            address=self.address.data or "",
            language=self.language.data or "",
            message=self.message.data or "",
            due_on=self.due_on.data,
        )


class LinkForm(FlaskForm):  # type: ignore[misc]  # as above
    """How long a link opens, and how it goes."""

    days = IntegerField(_l("Days that the link opens"), validators=[NumberRange(1, 3650)])


class CodeForm(FlaskForm):  # type: ignore[misc]  # as above
    """The one-time code, and who gives it."""

    name = StringField(_l("Your name"), validators=[DataRequired(), Length(max=100)])
    code = StringField(_l("One-time code"), validators=[DataRequired(), Length(max=20)])


def lines_of_form(fields: Mapping[str, str]) -> list[LineWish]:
    """The lines of the edit page, in the order of their numbers; those that are dropped or empty are left out.

    Raises: InvalidInputError for a day that is none.
    """
    rows = []
    for key in fields:
        found = _ROW.fullmatch(key)
        if found is None or fields.get(f"drop-{found[1]}"):
            continue
        number = found[1]
        name = fields.get(f"name-{number}", "").strip()
        line_id = fields.get(f"line-{number}", "")
        if not name and not line_id:
            continue
        wish = LineWish(
            name=name,
            record_type=fields.get(f"type-{number}", ""),
            explanation=fields.get(f"explanation-{number}", ""),
            example=fields.get(f"example-{number}", ""),
            due_on=_day(fields.get(f"due-{number}", "")),
            line_id=line_id,
        )
        rows.append((_place(fields[key]), int(number), wish))
    return [wish for _place_, _number, wish in sorted(rows, key=lambda row: row[:2])]


def _place(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        # Without a number a line goes to the end.
        return float("inf")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError as error:
        raise InvalidInputError(field=N_("Due day"), reason=N_("This is not a day.")) from error
