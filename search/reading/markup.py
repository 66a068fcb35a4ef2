"""The words of HTML, SVG and XML, without scripts. Nothing is loaded, no entity of the document's own is expanded."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

from search.reading.encodings import Decoded, decode
from search.reading.model import ReadingError
from search.reading.plain import doubts
from search.reading.writing import Full, TextBuilder

_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "noembed"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "text", "tfoot", "thead", "title", "tr", "ul",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
# HTML's own rule is the first 1,024 bytes (prescan of the living standard).
# At the beginning only: looked for everywhere, it would cost the square of a hostile length.
_DOCUMENT_TYPE = re.compile(r"\s*(?:<\?[^>]*>\s*)?<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.IGNORECASE | re.DOTALL)
_DECLARED = re.compile(
    rb"""(?:charset\s*=\s*["']?|<\?xml[^>]{0,80}encoding\s*=\s*["'])\s*([\w.:-]{2,40})""", re.IGNORECASE
)


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """One passage: what a reader would see.

    Raises: ReadingError ("unreadable").
    """
    del kind_code
    decoded = decoded_markup(content)
    if decoded is None:
        raise ReadingError("unreadable", "the content is no text in any known encoding")
    for doubt in doubts(decoded):
        text.warn(doubt)
    try:
        _parse(decoded.text, _Words(text.write))
    finally:  # what was found before a limit of time is kept
        text.end("body")


def decoded_markup(content: bytes, declared: str | None = None) -> Decoded | None:
    """Decoded as `declared` from outside, or as the markup declares, where that fits; None where it is no text."""
    found = _DECLARED.search(content[:1024])
    return decode(content, declared or (found[1].decode("ascii") if found else None))


def words_of(source: str, limit_characters: int) -> tuple[str, bool]:
    """The text a reader would see, and whether it was cut at the limit."""
    words = TextBuilder(4 * limit_characters)
    cut = False
    try:
        _parse(source, _Words(words.write))
        words.end("body")
    except Full:
        cut = True
    return words.text[:limit_characters], cut or len(words.text) > limit_characters


def _parse(source: str, reader: _Words) -> None:
    found = _DOCUMENT_TYPE.match(source)
    reader.feed(source[found.end() :] if found else source)
    reader.close()


class _Words(HTMLParser):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__(convert_charrefs=True)
        self._add = write
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self._add("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self._add("\n")
        elif tag in _CELLS:
            self._add("\t")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _BLOCKS:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._add(re.sub(r"\s+", " ", data))
