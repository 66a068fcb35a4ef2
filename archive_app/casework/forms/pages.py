"""Forms as PDF."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from archive_app.casework.forms.sheets import PrintedForm
from archive_app.kernel.language import N_, translate
from archive_app.kernel.typesetting import typeset

_TEMPLATE = Path(__file__).with_name("form.typ")
SIGN_HERE = N_("Signature, date")


def form_pdf(form: PrintedForm, moment: datetime) -> bytes:
    """The form as PDF/A. Raises: NoChineseFontError, TypesettingError."""
    facts = asdict(form) | {"sign": translate(form.language, SIGN_HERE)}
    return typeset(_TEMPLATE, facts, language=form.language, moment=moment)
