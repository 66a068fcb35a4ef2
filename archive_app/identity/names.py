"""Names that people type for themselves and their organisation."""

import re
import unicodedata

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import LANGUAGES, N_
from archive_app.kernel.words import one_line

_LOGIN = re.compile(r"[\w.@+-]{2,64}")


def fold_login(text: str) -> str:
    """The one form of a login, whatever keyboard, width or case it was typed in."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def checked_login(text: str) -> str:
    """A new login in its one form. Raises: InvalidInputError."""
    login = fold_login(text)
    if not _LOGIN.fullmatch(login):
        reason = N_("Use 2 to 64 letters, digits or the characters . _ @ + - without spaces.")
        raise InvalidInputError(field=N_("Login"), reason=reason)
    return login


def checked_display_name(text: str) -> str:
    """A person's name as others read it. Raises: InvalidInputError."""
    return one_line(text, field=N_("Full name"), limit=100)


def checked_language(code: str) -> str:
    """The code of a language the pages exist in. Raises: InvalidInputError."""
    if code not in LANGUAGES:
        raise InvalidInputError(field=N_("Language"), reason=N_("The archive does not speak this language."))
    return code
