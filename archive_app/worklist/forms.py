"""Forms of notices and of the calendar."""

from datetime import time
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, StringField, SubmitField, TextAreaField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from archive_app.kernel.language import translate
from archive_app.web.language import current_language
from archive_app.worklist.holidays import FIRST_YEAR, LAST_YEAR, LONGEST_TEXT
from archive_app.worklist.wishes import USUAL_DIGEST, WAYS, Wish


class WishForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """How somebody wants to be told, beginning with what they wish now."""

    address = StringField(_l("Mail address"), validators=[Optional(), Length(max=254)])
    way = RadioField(_l("How"), validators=[InputRequired()])
    daily_at = TimeField(_l("Hour of the daily mail"), validators=[Optional()])
    quiet_from = TimeField(_l("Quiet from"), validators=[Optional()])
    quiet_until = TimeField(_l("Quiet until"), validators=[Optional()])
    urgent_anyway = BooleanField(_l("Tell me of what is overdue and of alarms on days of rest as well"))

    def __init__(self, wish: Wish, **values: Any) -> None:
        super().__init__(
            address=wish.address,
            way=wish.way,
            daily_at=_time(wish.daily_at),
            quiet_from=_time(wish.quiet_from),
            quiet_until=_time(wish.quiet_until),
            urgent_anyway=wish.urgent_anyway,
            **values,
        )
        self.way.choices = [(code, translate(current_language(), words)) for code, words in WAYS.items()]

    def wish(self) -> Wish:
        """What was entered."""
        daily_at = _minutes(self.daily_at.data)
        return Wish(
            address=(self.address.data or "").strip(),
            way=self.way.data,
            daily_at=USUAL_DIGEST if daily_at is None else daily_at,
            quiet_from=_minutes(self.quiet_from.data),
            quiet_until=_minutes(self.quiet_until.data),
            urgent_anyway=bool(self.urgent_anyway.data),
        )


class CalendarForm(FlaskForm):  # type: ignore[misc]  # as above
    """A year's notice on holidays; `keep` is pressed once it was looked at."""

    year = IntegerField(_l("Year"), validators=[InputRequired(), NumberRange(FIRST_YEAR, LAST_YEAR)])
    notice = StringField(_l("Name of the notice"), validators=[DataRequired(), Length(max=200)])
    text = TextAreaField(_l("Days of the notice"), validators=[DataRequired(), Length(max=LONGEST_TEXT)])
    keep = SubmitField(_l("Keep"))


def _time(minutes: int | None) -> time | None:
    return None if minutes is None else time(*divmod(minutes, 60))


def _minutes(moment: time | None) -> int | None:
    return None if moment is None else moment.hour * 60 + moment.minute
