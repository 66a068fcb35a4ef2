"""Text and pages of PDF by PDFium, which also repairs broken cross-reference tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from search.reading.model import ReadingError
from search.reading.passages import Full, Passages

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# 核 查 报 告: letter-spaced words, three or more single characters. Two may be two columns, and stay apart.
_SPACED_OUT = re.compile(rf"(?<![{_CJK}])[{_CJK}](?: [{_CJK}]){{2,}}(?![{_CJK}])")
_HYPHENATED = re.compile("[\x02\ufffe]\r?\n")
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


def pdf_text(content: bytes, limit_characters: int) -> tuple[str, bool, int, int]:
    """Text, whether it was cut, number of pages, number of pages that could not be read."""
    passages, unread, cut = Passages(limit_characters), 0, False
    with open_pdf(content) as document:
        pages = len(document)
        for index in range(pages):
            text = _page_text(document, index)
            unread += text is None
            try:
                passages.add(joined_lines(text or "") + "\n\n")
            except Full:
                cut = True
                break
    if unread == pages:
        raise ReadingError("unreadable", "no page of the PDF can be read")
    return passages.text(), cut, pages, unread


def _page_text(document: Any, index: int) -> str | None:
    import pypdfium2

    try:
        page = document[index]
        text_page = page.get_textpage()
        # PDFium answers a page without characters, such as a scan, with an error.
        text: str = text_page.get_text_range() if text_page.count_chars() > 0 else ""
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError:
        return None
    return text


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
