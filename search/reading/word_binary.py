"""The text of Word 97–2003 documents and of WPS Writer, which writes the same format (MS-DOC).

Read here and not by a library: of those that run in the sandbox, kreuzberg 4.10 answers Chinese as mojibake, and
extractous 0.3 breaks characters beyond the first plane and leaves out headers and footers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from search.reading.compound import Compound
from search.reading.encodings import decode
from search.reading.model import ReadingError
from search.reading.writing import TextBuilder

_WORD_97, _WORD_6 = 0xA5EC, 0xA5DC
_ENCRYPTED, _TABLE_1, _UNICODE_95 = 0x0100, 0x0200, 0x1000  # flags of FibBase
_LANGUAGE_AT, _LANGUAGE_FAR_EAST_AT, _CHINESE = 6, 60, 0x04
# Pairs of FibRgFcLcb97 (MS-DOC §2.5.6) by their number: where a structure stands in the table stream, and its size.
_PAIRS_AT = 154
_FOOTNOTES, _COMMENTS, _HEADERS, _CLX, _ENDNOTES = 3, 5, 11, 33, 47
# The parts of the text in the order in which they follow each other (§2.4.1), and where their lengths stand.
_PARTS = ("body", "footnotes", "headers", "macros", "comments", "endnotes", "boxes", "header boxes")
_LENGTHS_AT = 76
# The stories of each section in the part "headers" (§2.3.5), after six that separate notes from the text.
_STORIES_PER_SECTION = ("header", "header", "footer", "footer", "header", "footer")
_SEPARATORS = 6
_COMPRESSED = 0x40000000

_FIELD_MARK = re.compile("([\x13\x14\x15])")
_FIELD_BEGIN, _FIELD_SEPARATOR = "\x13", "\x14"
# Ends of a paragraph, of a table row (the mark of its last cell, then its own), and of a page.
_PARAGRAPH_END = re.compile("\r|\x07\x07|\x0c")
_WRITTEN = str.maketrans({"\x07": "\t", "\x0b": "\n", "\x0e": "\n", "\x1e": "-", "\x1f": None, "\xa0": " "})


_NARROW_CHINESE = re.compile(rb"(?:[\x00-\x7f]++|(?:[\xa1-\xf7][\xa1-\xfe])++)++")
# In front of a note: the mark that refers to it, and a tab.
_NOTE_MARK = "\x02\x05\t "


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Paragraphs, then headers, footers, foot- and endnotes, comments and text boxes.

    Field codes are left out; cells of a table are divided by tabs. Text that a tracked change deleted stays.

    Raises: ReadingError ("unreadable", "encrypted"); Full.
    """
    del kind_code
    compound = Compound(content)
    main = compound.stream("WordDocument")
    try:
        magic, flags = struct.unpack_from("<H8xH", main)
        if magic not in {_WORD_97, _WORD_6}:
            raise ReadingError("unreadable", "the document stream has no known signature")
        if flags & _ENCRYPTED:
            raise ReadingError("encrypted", "the document asks for a password")
        if magic == _WORD_6:
            _read_older(main, flags, text)
            return
        document = _Document(main, compound.stream("1Table" if flags & _TABLE_1 else "0Table"), text)
    except struct.error as error:
        raise ReadingError("unreadable", "the tables of the document are damaged") from error
    document.read()


def _read_older(main: bytes, flags: int, text: TextBuilder) -> None:
    """Word 6 and 95: the text stands in one stretch, in the code page of its system."""
    begin, end = struct.unpack_from("<II", main, 24)
    raw = main[begin:end]
    decoded = None if flags & _UNICODE_95 else decode(re.sub(rb"[\x00-\x06\x08\x0e-\x12\x16-\x1f]", b" ", raw))
    found = decoded.text if decoded else raw.decode("utf-16-le", "replace")
    if not found.strip():
        raise ReadingError("unreadable", "the document has no stretch of text")
    text.warn("written by Word 95 or older: only the running text was read")
    _add_paragraphs(found, text)


class _Document:
    """The text of a document as UTF-16, because its positions count UTF-16 units, and where its parts begin."""

    def __init__(self, main: bytes, table: bytes, text: TextBuilder) -> None:
        self._main, self._table, self._text = main, table, text
        languages = (struct.unpack_from("<H", main, at)[0] for at in (_LANGUAGE_AT, _LANGUAGE_FAR_EAST_AT))
        self._chinese = any(language & 0x3FF == _CHINESE for language in languages)
        lengths = struct.unpack_from("<8i", main, _LENGTHS_AT)
        if min(lengths) < 0:
            raise ReadingError("unreadable", "the document declares a negative length")
        self._spans = {name: (sum(lengths[:n]), lengths[n]) for n, name in enumerate(_PARTS)}
        self._utf16 = self._assembled()
        if len(self._utf16) < 2 * sum(lengths):
            raise ReadingError("unreadable", "the document is shorter than it declares")

    def read(self) -> None:
        _add_paragraphs(self._between(*self._spans["body"]), self._text)
        self._add_headers()
        notes = [*self._divided("footnotes", _FOOTNOTES), *self._divided("endnotes", _ENDNOTES)]
        for place, stories in (("footnote", notes), ("comment", self._divided("comments", _COMMENTS))):
            shown = (_shown(story).lstrip(_NOTE_MARK).strip() for story in stories)
            for number, note in enumerate(filter(None, shown), 1):
                self._text.add(f"{place}:{number}", note)
        for part, place in (("boxes", "body"), ("header boxes", "header")):
            self._text.add(place, _shown(self._between(*self._spans[part])))

    def _add_headers(self) -> None:
        seen = {""}
        for number, story in enumerate(self._divided("headers", _HEADERS)):
            shown = _shown(story).strip()
            if number >= _SEPARATORS and shown not in seen:
                seen.add(shown)  # each section repeats what it inherits
                self._text.add(_STORIES_PER_SECTION[(number - _SEPARATORS) % 6], shown)

    def _between(self, begin: int, length: int) -> str:
        return self._utf16[2 * begin : 2 * (begin + length)].decode("utf-16-le", "replace")

    def _divided(self, name: str, pair: int) -> Iterator[str]:
        """The stories of a part. A list in the table stream holds where each begins, counted within the part."""
        first, length = self._spans[name]
        raw = self._structure(pair)
        at = 0
        for (after,) in struct.iter_unpack("<I", raw[4 : len(raw) // 4 * 4]):
            if not at <= after <= length:
                return
            yield self._between(first + at, after - at)
            at = after

    def _structure(self, number: int) -> bytes:
        offset, size = struct.unpack_from("<II", self._main, _PAIRS_AT + 8 * number)
        return self._table[offset : offset + size]

    def _assembled(self) -> bytes:
        """The whole text, put together from the piece table (§2.4.1; Clx §2.9.38, PlcPcd §2.8.35)."""
        table = _piece_table(self._structure(_CLX))
        count = (len(table) - 4) // 12
        if count < 1:
            raise ReadingError("unreadable", "the document has no piece table")
        positions = struct.unpack_from(f"<{count + 1}I", table)
        # No position may lie beyond what the file can hold: the pieces could name the same bytes over and over.
        if list(positions) != sorted(positions) or positions[-1] > len(self._main):
            raise ReadingError("unreadable", "the piece table is out of order")
        wheres = (struct.unpack_from("<I", table, 4 * (count + 1) + 8 * n + 2)[0] for n in range(count))
        lengths = (end - begin for begin, end in pairwise(positions))
        return b"".join(self._piece(where, units) for where, units in zip(wheres, lengths, strict=True))

    def _piece(self, where: int, units: int) -> bytes:
        begin = where & 0x3FFFFFFF
        if where & _COMPRESSED:
            raw = self._main[begin // 2 : begin // 2 + units]
            return self._narrow(raw).encode("utf-16-le").ljust(2 * len(raw), b"\0")
        return self._main[begin : begin + 2 * units]

    def _narrow(self, raw: bytes) -> str:
        """A piece of one byte for each unit: Windows-1252 by the format, GBK where a Chinese program disregarded it."""
        if self._chinese and not raw.isascii() and _NARROW_CHINESE.fullmatch(raw):
            self._text.warn("parts of the text are not in the encoding that the format prescribes")
            return raw.decode("gbk", "replace")
        return raw.decode("cp1252", "replace")


def _piece_table(clx: bytes) -> bytes:
    at = 0
    while clx[at : at + 1] == b"\x01":  # property modifiers, which come first
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at : at + 1] != b"\x02":
        raise ReadingError("unreadable", "the document has no piece table")
    (size,) = struct.unpack_from("<I", clx, at + 1)
    return clx[at + 5 : at + 5 + size]


def _add_paragraphs(found: str, text: TextBuilder) -> None:
    for number, paragraph in enumerate(_PARAGRAPH_END.split(_without_field_codes(found)), 1):
        text.add(f"paragraph:{number}", paragraph.translate(_WRITTEN))


def _shown(text: str) -> str:
    return _PARAGRAPH_END.sub("\n", _without_field_codes(text)).translate(_WRITTEN)


def _without_field_codes(text: str) -> str:
    """The text as a page shows it: of each field its result, not its instruction (§2.8.25)."""
    shown: list[str] = []
    in_code: list[bool] = []
    for piece in _FIELD_MARK.split(text):
        if piece == _FIELD_BEGIN:
            in_code.append(True)
        elif piece == _FIELD_SEPARATOR:
            in_code[-1:] = [False] if in_code else []
        elif _FIELD_MARK.fullmatch(piece):
            in_code[-1:] = []
        elif not any(in_code):
            shown.append(piece)
    # A field that never ends would hide the rest of the document: then nothing is taken for an instruction.
    return _FIELD_MARK.sub("", text) if in_code else "".join(shown)
