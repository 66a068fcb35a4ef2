"""Words that people type: tidied, bounded, refused with a reason."""

import unicodedata

from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_


def one_line(text: str, *, field: str, limit: int, required: bool = True) -> str:
    """`text` in Unicode form NFC without control characters or outer white space.

    `field` is the catalogue key of the field's name, `limit` counts characters.
    Raises: InvalidInputError when it is empty though required, too long, or holds control characters.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if required and not text:
        raise InvalidInputError(field=field, reason=N_("This must not be empty."))
    if len(text) > limit:
        raise InvalidInputError(field=field, reason=N_("This is too long."))
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise InvalidInputError(field=field, reason=N_("This contains control characters."))
    return text


def some_lines(text: str, *, field: str, limit: int, required: bool = True) -> str:
    """`text` of any number of lines, ended by line feeds, in Unicode form NFC without outer white space.

    Tabulators become blanks. `field` and `limit` as of `one_line`; raises as `one_line` does.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    tidied = "\n".join(one_line(line, field=field, limit=limit, required=False) for line in lines).strip()
    if required and not tidied:
        raise InvalidInputError(field=field, reason=N_("This must not be empty."))
    if len(tidied) > limit:
        raise InvalidInputError(field=field, reason=N_("This is too long."))
    return tidied
