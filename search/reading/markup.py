"""The words of HTML, SVG and XML, without scripts. Nothing is loaded, no entity of the document's own is expanded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from search.reading.encodings import Decoded, decode
from search.reading.passages import Full, Passages

_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "noembed"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "text", "tfoot", "thead", "title", "tr", "ul",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
# HTML's own rule is the first 1,024 bytes (prescan of the living standard).
_DOCUMENT_TYPE = re.compile(r"<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.IGNORECASE | re.DOTALL)
_DECLARED = re.compile(
    rb"""(?:charset\s*=\s*["']?|<\?xml[^>]{0,80}encoding\s*=\s*["'])\s*([\w.:-]{2,40})""", re.IGNORECASE
)


def markup_text(content: bytes, limit_characters: int) -> tuple[str, bool, Decoded] | None:
    """Text, whether it was cut, and how it was decoded; None where the content is no text."""
    found = _DECLARED.search(content[:1024])
    decoded = decode(content, found[1].decode("ascii") if found else None)
    if decoded is None:
        return None
    text, cut = words_of(decoded.text, limit_characters)
    return text, cut, decoded


def words_of(source: str, limit_characters: int) -> tuple[str, bool]:
    """The text a reader would see, and whether it was cut at the limit."""
    reader = _Words(limit_characters)
    try:
        reader.feed(_DOCUMENT_TYPE.sub("", source, count=1))
        reader.close()
    except Full:
        return reader.passages.text(), True
    return reader.passages.text(), False


class _Words(HTMLParser):
    def __init__(self, limit_characters: int) -> None:
        super().__init__(convert_charrefs=True)
        self.passages = Passages(limit_characters)
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.passages.add("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.passages.add("\n")
        elif tag in _CELLS:
            self.passages.add("\t")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _BLOCKS:
            self.passages.add("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.passages.add(re.sub(r"\s+", " ", data))
