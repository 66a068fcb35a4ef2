"""Names that people type for themselves and their organisation."""

import re
import unicodedata

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import LANGUAGES, N_
from archive_app.kernel.words import one_line

_LOGIN = re.compile(r"[\w.@+-]{2,64}")
_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_LENGTH = 18


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


def checked_credit_code(text: str) -> str | None:
    """A unified social credit code 统一社会信用代码 in capital letters; None where none is given.

    Raises: InvalidInputError for another form, or where the last character is not the check of the others (GB 32100).
    """
    code = unicodedata.normalize("NFKC", text).strip().upper()
    if not code:
        return None
    if len(code) != _CODE_LENGTH or not set(code) <= set(_CODE_CHARACTERS):
        reason = N_("The unified social credit code has 18 digits and capital letters.")
        raise InvalidInputError(field=N_("Credit code"), reason=reason)
    if code[-1] != _check_character(code[:-1]):
        reason = N_("The last character does not fit the others; one of them is mistyped.")
        raise InvalidInputError(field=N_("Credit code"), reason=reason)
    return code


def _check_character(code: str) -> str:
    size = len(_CODE_CHARACTERS)
    weighed = sum(_CODE_CHARACTERS.index(letter) * pow(3, place, size) for place, letter in enumerate(code))
    return _CODE_CHARACTERS[-weighed % size]
