"""What forms of all features share."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from archive_app.kernel.errors import ArchiveError
from archive_app.web.errors import status_of
from archive_app.web.language import current_language

_CORRECTABLE = frozenset({409, 422, 429})


class CheckboxListField(SelectMultipleField):  # type: ignore[misc]  # WTForms publishes no types
    """Any number of choices, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


@contextmanager
def refusals_shown_on(form: FlaskForm) -> Iterator[None]:
    """Shows what a use case refuses at the form that asked for it; what no other entry would mend passes on."""
    try:
        yield
    except ArchiveError as error:
        if status_of(error) not in _CORRECTABLE:
            raise
        form.form_errors.append(error.text(current_language()))


def form_status(form: FlaskForm) -> int:
    """The status to answer a form's page with: 422 when something in it was refused."""
    return 422 if form.errors else 200
