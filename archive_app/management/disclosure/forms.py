"""Forms of what is made public."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from archive_app.kernel.language import N_, translate
from archive_app.management.disclosure.opening import INTRODUCTION_LIMIT, LONGEST_CODE, OwnPage
from archive_app.management.disclosure.proposing import Proposal
from archive_app.management.disclosure.rules import REASON_LIMIT, SOURCE_LIMIT

PUBLISH, REFUSE = "publish", "refuse"
_DECISIONS = {PUBLISH: N_("Make it public"), REFUSE: N_("Do not make it public")}


class ProposalForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    """Why a document is to be public."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(), Length(max=REASON_LIMIT)])
    source = StringField(_l("Clause"), validators=[Optional(), Length(max=SOURCE_LIMIT)])
    until = DateField(_l("Public until"), validators=[Optional()])

    def proposal(self) -> Proposal:
        """What is proposed."""
        return Proposal(self.reason.data, self.source.data or "", self.until.data)


class DecisionForm(FlaskForm):  # type: ignore[misc]
    """A decision about a proposal."""

    decision = RadioField(_l("Decision"), validators=[DataRequired()])
    words = TextAreaField(_l("Remark"), validators=[Optional(), Length(max=REASON_LIMIT)])

    def __init__(self, language: str) -> None:
        super().__init__()
        self.decision.choices = [(code, translate(language, words)) for code, words in _DECISIONS.items()]


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why something is taken back."""

    reason = StringField(_l("Reason"), validators=[DataRequired(), Length(max=REASON_LIMIT)])


class PageForm(FlaskForm):  # type: ignore[misc]
    """The public page of the organisation."""

    code = StringField(_l("Address"), validators=[DataRequired(), Length(max=LONGEST_CODE)])
    introduction = TextAreaField(_l("Introduction"), validators=[Optional(), Length(max=INTRODUCTION_LIMIT)])
    shown = BooleanField(_l("The page is open to everybody"))

    @classmethod
    def of(cls, page: OwnPage) -> "PageForm":
        """The form as it stands."""
        return cls(formdata=None, code=page.code, introduction=page.introduction, shown=page.open)
