"""The text of a Word document (ISO/IEC 29500-1 §17): paragraphs, tables, headers, footers, notes, comments, boxes."""

from __future__ import annotations

import re

from search.reading import embedded
from search.reading.model import ReadingError
from search.reading.open_xml import DrawingWords, Elements, Package, attribute, checked_package
from search.reading.writing import Full, TextBuilder

_PARTS = ("document", "header", "footer", "footnotes", "endnotes", "comments")
_PART_NAME = re.compile(rf"word/({'|'.join(_PARTS)})(\d*)\.xml")
_DRAWINGS = re.compile(r"word/(?:charts/chart|diagrams/data)\d*\.xml")
_NOTES = {"footnote": "footnote", "endnote": "footnote", "comment": "comment"}
_WRITES = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Each paragraph and each table row of the body is a passage; deleted text and field codes are left out.

    A header that repeats in every section is kept once.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    del kind_code
    package = checked_package(content)
    names = sorted(filter(_PART_NAME.fullmatch, package.names), key=_part_order)
    if not any(name.startswith("word/document") for name in names):
        raise ReadingError("unreadable", "the package has no document part")
    numbers = dict.fromkeys(("paragraph", "footnote", "comment"), 0)
    margins: set[str] = set()
    for name in names:
        part = _PARTS[_part_order(name)[0]]
        if part in {"header", "footer"}:
            _margin(package, name, part, margins, text)
        else:
            package.stream(name, _Words(text, numbers).feed)
    for name in sorted(filter(_DRAWINGS.fullmatch, package.names)):
        package.stream(name, DrawingWords(text).feed)
        text.end("body")
    embedded.tell(package, text)


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """A file that is embedded in the document."""
    del kind_code
    return embedded.take(checked_package(content), number, limit_bytes)


def _margin(package: Package, name: str, part: str, known: set[str], text: TextBuilder) -> None:
    margin = TextBuilder(text.room)
    words = _Words(margin, {"paragraph": 0, "footnote": 0, "comment": 0})
    try:
        package.stream(name, words.feed)
    except Full:
        text.truncated = True
    if margin.text not in known:
        known.add(margin.text)
        text.add(part, margin.text)


def _part_order(name: str) -> tuple[int, int]:
    found = _PART_NAME.fullmatch(name)
    return (_PARTS.index(found[1]), int(found[2] or 0)) if found else (len(_PARTS), 0)


class _Words:
    """Text of one WordprocessingML part. `numbers` counts paragraphs, notes and comments over all parts."""

    def __init__(self, text: TextBuilder, numbers: dict[str, int]) -> None:
        self._text = text
        self._numbers = numbers
        self._note = ""  # the kind of note that is open: its paragraphs are one passage
        self._between = ""  # what divides a cell's paragraphs, once there is a second one
        self._cell_begun = False
        self._depth = {"p": 0, "tc": 0, "Fallback": 0, "t": 0, "pPr": 0, "rPr": 0}
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        if not self._text.room or last:
            self._passage("paragraph")
        self._text.check_time()

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if local in self._depth:  # Fallback: the same text again, for programs that do not know the first form
            self._depth[local] += 1
        elif local in _NOTES:
            # The lines above and between notes are kept as notes of their own types, without text.
            self._note = "" if attribute(attributes, "type") not in {"", "normal"} else _NOTES[local]
        elif local in _WRITES and self._writing():
            self._text.write(self._between + _WRITES[local])
            self._between = ""

    def _end(self, local: str) -> None:
        if local in self._depth:
            self._depth[local] -= 1
        if local == "tc":
            self._between, self._cell_begun = "", False
            self._text.write("\t")
        elif local == "tr":
            self._line_or_passage()
        elif local == "p":
            if self._depth["tc"]:
                self._between = " " if self._cell_begun else ""
            else:
                self._line_or_passage()
        elif local in _NOTES and self._note:
            self._passage(self._note)
            self._note = ""

    def _line_or_passage(self) -> None:
        if self._note or self._depth["p"] or self._depth["tc"]:  # of a note, a text box or a table in a table
            self._text.write("\n")
        else:
            self._passage("paragraph")

    def _passage(self, kind: str) -> None:
        self._numbers[kind] += 1
        self._text.end(f"{kind}:{self._numbers[kind]}")

    def _writing(self) -> bool:
        # Among a paragraph's properties a tab or break is a setting, not a character.
        return not (self._depth["Fallback"] or self._depth["pPr"] or self._depth["rPr"])

    def _characters(self, text: str) -> None:
        if self._depth["t"] and not self._depth["Fallback"]:
            self._text.write(self._between + text)
            self._between, self._cell_begun = "", True
