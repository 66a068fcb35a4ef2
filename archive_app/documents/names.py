"""Original file names: kept exactly, never used as a path."""

import os
import unicodedata

from archive_app.documents.errors import NameInvalidError, NameMissingError, NameTooLongError

MAX_NAME_BYTES = 255


def original_name(offered: str) -> str:
    r"""The last part of an offered name or path, unchanged; `../../etc/passwd` -> `passwd`.

    Raises: NameMissingError, NameTooLongError (counted in bytes of UTF-8), NameInvalidError for control characters.
    """
    name = offered.replace("\\", "/").rpartition("/")[2]
    if not name.strip() or name in {".", ".."}:
        raise NameMissingError
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME_BYTES:
        raise NameTooLongError(size=size)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise NameInvalidError
    return name


def readable_path(path: str | os.PathLike[str]) -> str:
    """A path of this system as text that can be stored: bytes that are no UTF-8 are shown as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def storable_text(offered: str) -> str:
    """An offered name or path as every database can keep it: what is no character is shown as U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in offered)
