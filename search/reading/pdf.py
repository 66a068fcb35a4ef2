"""Text and pages of PDF by PDFium, which also repairs broken cross-reference tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from search.reading.model import ReadingError
from search.reading.passages import CHILDREN_LIMIT
from search.reading.writing import Full, TextBuilder

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# 核 查 报 告: letter-spaced words, three or more single characters. Two may be two columns, and stay apart.
_SPACED_OUT = re.compile(rf"(?<![{_CJK}])[{_CJK}](?: [{_CJK}]){{2,}}(?![{_CJK}])")
_HYPHENATED = re.compile("[\x02\ufffe]\r?\n")
# Letters, digits and characters; what a font without a table of its characters gives out is none of them.
_USABLE = re.compile(r"[^\W_\ue000-\uf8ff\ufffd]")
_STRAY_CHARACTERS, _FEW_CHARACTERS = 4, 40
_PART_OF_THE_PAGE, _MOST_OF_THE_PAGE = 0.02, 0.5
_OUTLINES = 200
_NESTING, _SHAPES_LOOKED_AT = 5, 5_000
_PATH, _IMAGE = 2, 3  # FPDF_PAGEOBJ_*, fpdf_edit.h
_FULL_LINE, _SHORTEST_PARAGRAPH_LINE = 0.8, 12


@contextmanager
def open_pdf(content: bytes) -> Iterator[Any]:
    """A pypdfium2 document.

    Raises: ReadingError ("unreadable", "encrypted").
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _WRONG_PASSWORD:
            raise ReadingError("encrypted", "the PDF asks for a password") from error
        raise ReadingError("unreadable", "PDFium cannot open the file") from error
    try:
        if len(document) == 0:
            raise ReadingError("unreadable", "the PDF has no pages")
        yield document
    finally:
        document.close()


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Each page is a passage. Pages that are pictures without usable text are told as blank.

    Raises: ReadingError ("unreadable", "encrypted").
    """
    del kind_code
    with open_pdf(content) as document:
        pages = text.pages = len(document)
        for name in _attached(document):
            text.child(name, None)
        unread = 0
        try:
            for index in range(pages):
                found = _page_text(document, index)
                if found is None:
                    unread += 1
                    continue
                words, blank = found
                if blank:
                    text.blank_pages.append(index)
                text.add(f"page:{index + 1}", joined_lines(words))
        except Full:
            text.warn(f"reading ended on page {index + 1} of {pages}")
            raise
    if unread == pages:
        raise ReadingError("unreadable", "no page of the PDF can be read")
    if unread:
        text.warn(f"{unread} of {pages} pages could not be read")


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """A file that is attached to the PDF (ISO 32000-1 §7.11.4).

    Raises: ReadingError ("unsupported", "unreadable", "encrypted", "too_large").
    """
    import pypdfium2

    del kind_code, limit_bytes
    with open_pdf(content) as document:
        if not 1 <= number <= len(_attached(document)):
            raise ReadingError("unsupported", "there is no such attachment")
        try:
            return bytes(document.get_attachment(number - 1).get_data())
        except pypdfium2.PdfiumError as error:
            raise ReadingError("unreadable", "the attachment is damaged") from error


def _attached(document: Any) -> list[str]:
    import pypdfium2

    names = []
    for index in range(min(document.count_attachments(), CHILDREN_LIMIT)):
        try:
            names.append(document.get_attachment(index).get_name())
        except (pypdfium2.PdfiumError, UnicodeDecodeError):
            names.append("")
    return names


def _page_text(document: Any, index: int) -> tuple[str, bool] | None:
    """The page's text, and whether it is blank as in `TextResult.blank_pages`; None where it cannot be read."""
    import pypdfium2

    try:
        page = document[index]
        text_page = page.get_textpage()
        # PDFium answers a page without characters, such as a scan, with an error.
        text: str = text_page.get_text_range() if text_page.count_chars() > 0 else ""
        text_page.close()
        blank = _is_picture(page, len(_USABLE.findall(text)))
        page.close()
    except pypdfium2.PdfiumError:
        return None
    return text, blank


def _is_picture(page: Any, usable_characters: int) -> bool:
    """Whether the page shows its content as a picture: many scans carry a stamped number or the scanner's name."""
    if usable_characters > _FEW_CHARACTERS:
        return False
    width, height = page.get_size()
    covered, strokes = 0.0, 0
    for number, shape in enumerate(page.get_objects(max_depth=_NESTING)):
        if number == _SHAPES_LOOKED_AT:
            break
        if shape.type == _IMAGE:
            # A shape inside another one is measured in that one's own units: it may be as large as the page.
            left, bottom, right, top = shape.get_bounds() if shape.level == 0 else (0, 0, width, height)
            covered += max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(top, height) - max(bottom, 0))
        strokes += int(shape.type == _PATH)
    share: float = covered / max(1.0, width * height)
    if usable_characters > _STRAY_CHARACTERS:
        return share > _MOST_OF_THE_PAGE
    # Text that was converted to outlines is drawn by hundreds of strokes.
    return share > _PART_OF_THE_PAGE or strokes >= _OUTLINES


def joined_lines(page: str) -> str:
    """A paragraph that the page breaks between two Chinese characters is one line again, so that its phrases are whole.

    Only a line of nearly the page's full length is taken for a broken one; headings and table cells end where they end.
    """
    page = _SPACED_OUT.sub(lambda found: found[0].replace(" ", ""), _HYPHENATED.sub("", page))
    lines = [line.strip() for line in page.splitlines()] or [""]
    full = max(_SHORTEST_PARAGRAPH_LINE, _FULL_LINE * max(map(len, lines)))
    pieces: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        broken = len(line) >= full and re.match(f"[{_CJK}]", following) and re.search(f"[{_CJK}，、；：（]$", line)
        pieces += [line, "" if broken else "\n"]
    return "".join(pieces)
