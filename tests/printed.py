"""What is on printed pages: their text as it can be copied, their pictures, and the bars that a reader would scan."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import pypdfium2
from barcode.charsets import code128

from archive_app.casework.forms.sheets import PrintedForm

_QUIET, _PATTERN, _STOP_MODULES = 10, 11, 13
_FIRST, _START_A = 32, 103


@contextmanager
def opened(content: bytes) -> Iterator[Any]:
    """The PDF as PDFium sees it."""
    document = pypdfium2.PdfDocument(content)
    try:
        yield document
    finally:
        document.close()


def texts_of(form: PrintedForm) -> Sequence[str]:
    """Every text of a form, in the order of the page."""
    found = [form.title, form.subtitle]
    for block in form.blocks:
        found += [block.heading, *(text for pair in block.pairs for text in (pair.label, pair.value)), *block.columns]
        found += [*(text for row in block.rows for text in row), block.text, *block.people]
    return [text for text in found if text]


def page_texts(content: bytes) -> list[str]:
    """The text of each page."""
    with opened(content) as document:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_range())
            text_page.close()
            page.close()
        return texts


def squeezed(text: str) -> str:
    """A text without anything that a page adds or drops where it breaks lines, and in one form: radicals that fonts
    share with characters, and the invisible places where a long word may break."""
    import unicodedata

    return re.sub(r"[\s\u200b]", "", unicodedata.normalize("NFKC", text))


def picture(content: bytes, page: int = 0, scale: float = 4) -> Any:
    """A page as a picture in grey."""
    with opened(content) as document:
        return document[page].render(scale=scale).to_pil().convert("L")


def scanned(image: Any) -> set[str]:
    """What the Code 128 symbols say that lie across the rows of pixels of a picture, read from their bars alone."""
    found = set()
    for row in range(0, image.height, 8):
        line = image.crop((0, row, image.width, row + 1)).tobytes()
        runs = [(dark, sum(1 for _ in run)) for dark, run in groupby(value < 128 for value in line)]
        found |= set(filter(None, (_symbol(runs, start) for start in range(len(runs)))))
    return found


def _symbol(runs: list[tuple[bool, int]], start: int) -> str | None:
    """The symbol whose first bar is that run."""
    widths = [width for _, width in runs[start:]]
    if not runs[start][0] or len(widths) < 25:
        return None
    module = sum(widths[:6]) / _PATTERN
    values: list[int] = []
    place = 0
    while place + 6 < len(widths):
        bars = _modules(widths[place : place + 6], module)
        if bars == code128.STOP:
            return _told(values) if _quiet(runs, start, module) else None
        if bars not in code128.CODES:
            return None
        values.append(code128.CODES.index(bars))
        place += 6
    return None


def _modules(widths: list[int], module: float) -> str:
    return "".join(("1", "0")[number % 2] * round(width / module) for number, width in enumerate(widths))


def _quiet(runs: list[tuple[bool, int]], start: int, module: float) -> bool:
    return start > 0 and runs[start - 1][1] >= _QUIET * module - 1


def _told(values: list[int]) -> str | None:
    """The text of code values with their check value, in the sets B and C (ISO/IEC 15417)."""
    *data, check = values
    if not data or (data[0] + sum(place * value for place, value in enumerate(data[1:], 1))) % 103 != check:
        return None
    code_set, text = {104: "B", 105: "C"}.get(data[0]), ""
    for value in data[1:]:
        if value == 99 and code_set == "B":
            code_set = "C"
        elif value == 100 and code_set == "C":
            code_set = "B"
        elif code_set == "C" and value < 100:
            text += f"{value:02d}"
        elif code_set == "B" and value < 96:
            text += chr(_FIRST + value)
        else:
            return None
    return text
