"""Paper: what the archive prints, set as PDF with a Chinese font, or refused; never with boxes for characters.

Whatever is filled in may be hostile words. It goes into the template as data and is never read as markup.
"""

import logging
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.fonts import can_draw, chinese_font_file
from archive_app.kernel.language import N_
from search.reading import ReadingError, set_pages

COMMON = "paper.typ"
"""What templates share; they import it by this name."""
_HERE = Path(__file__).parent
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BREAKS = frozenset("\n\u2028\u2029\x0b\x0c\x85")
_SMALL_FIGURES = frozenset("₀₁₂₃₄₅₆₇₈₉₊₋⁰⁵⁶⁷⁸⁹⁺⁻")
"""What the templates set as small figures themselves, because fonts for Chinese lack them."""
log = logging.getLogger("lantai.typesetting")


class NoChineseFontError(ArchiveError):
    """There is no font to print Chinese with."""

    code = "no_chinese_font"
    message = N_(
        "This machine has no Chinese font, so nothing was printed: empty boxes would stand in place of characters. The "
        "operator installs one of the system (fonts-noto-cjk) or the archive's extra “fonts”; then print again."
    )


class TypesettingError(ArchiveError):
    """The pages could not be set."""

    code = "typesetting_failed"
    message = N_(
        "The pages could not be made (%(reason)s). Nothing was filed or changed. Try again; if it happens again, tell "
        "your administrator."
    )


def typeset(template: Path, facts: Mapping[str, Any], *, language: str, moment: datetime) -> bytes:
    """The PDF (PDF/A-2b, A4 unless the template says otherwise) of a typst template with `facts` filled in.

    `facts` holds texts, numbers, truth values, lists and mappings; the template finds them in `data.json`, besides
    `font` and `chinese`. The same arguments make the same bytes.

    Raises: NoChineseFontError, TypesettingError.
    """
    font = chinese_font_file()
    if font is None:
        raise NoChineseFontError
    files = {
        "main.typ": template.read_text(encoding="utf-8"),
        COMMON: (_HERE / COMMON).read_text(encoding="utf-8"),
    }
    told = _drawable(dict(facts)) | {"chinese": language.startswith("zh")}
    try:
        return set_pages(files, told, font=(font[0].resolve(), font[1]), moment=moment)
    except ReadingError as error:
        log.warning("setting %s failed: %s", template.name, error)
        raise TypesettingError(reason=error.code) from error


def plain_text(text: str) -> str:
    """`text` without what is not seen: control characters, marks that turn the direction of writing round, joiners.
    The end of a line stays, a tab becomes a space."""
    letters = []
    for letter in text.replace("\r\n", "\n").replace("\r", "\n"):
        if letter in _BREAKS:
            letters.append("\n")
        elif letter == "\t":
            letters.append(" ")
        elif unicodedata.category(letter) not in _UNSEEN:
            letters.append(letter)
    return "".join(letters)


def drawable_text(text: str) -> str:
    """The same with a character that the font lacks shown by its number: `😀` -> `[U+1F600]`."""
    return "".join(letter if _can_be_set(letter) else _numbered(letter) for letter in plain_text(text))


@lru_cache(maxsize=20_000)
def _can_be_set(letter: str) -> bool:
    return letter == "\n" or letter in _SMALL_FIGURES or can_draw(letter)


def _numbered(letter: str) -> str:
    # A mark that stands above or below a letter says nothing by its number.
    return "" if unicodedata.combining(letter) or "\ufe00" <= letter <= "\ufe0f" else f"[U+{ord(letter):04X}]"


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return drawable_text(value)
    if isinstance(value, Mapping):
        return {key: _drawable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_drawable(one) for one in value]
    return value
