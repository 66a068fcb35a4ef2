"""Office Open XML (ISO/IEC 29500): the shared check of the package, and the text of a Word document.

The text of docx is read here and not by kreuzberg, which in 4.10 loses every `&`, `<` and `>` of a docx, its headers
and footers, and answers a damaged archive with an empty text. Parts are unpacked as a stream, so that a bomb costs
time, not memory.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from xml.parsers import expat

from search.reading.model import MIB, ReadingError
from search.reading.passages import Full, Passages

_UNPACKED_LIMIT_BYTES = 256 * MIB
_CHUNK_BYTES = 64 * 1024
_PARTS = ("document", "header", "footer", "footnotes", "endnotes", "comments")
_PART_NAME = re.compile(rf"word/({'|'.join(_PARTS)})(\d*)\.xml")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, expat.ExpatError)


def checked_package(content: bytes) -> zipfile.ZipFile:
    """The package, if the XML parts it declares are together small enough to be unpacked.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    try:
        package = zipfile.ZipFile(io.BytesIO(content))
    except _BROKEN as error:
        raise ReadingError("unreadable", f"the package is damaged: {type(error).__name__}") from error
    parts = [member for member in package.infolist() if _is_xml(member.filename)]
    if any(member.flag_bits & 1 for member in parts):
        raise ReadingError("encrypted", "the package has encrypted parts")
    if sum(member.file_size for member in parts) > _UNPACKED_LIMIT_BYTES:
        raise ReadingError("too_large", f"the parts unpack to more than {_UNPACKED_LIMIT_BYTES} bytes")
    return package


def verify_parts(package: zipfile.ZipFile) -> None:
    """Unpack every XML part once and compare it with its declared size and checksum, for readers that do not.

    Raises: ReadingError ("unreadable").
    """
    for member in package.infolist():
        if _is_xml(member.filename):
            _stream(package, member.filename, lambda _chunk, _last: None)


def word_text(content: bytes, limit_characters: int) -> tuple[str, bool]:
    """The text of body, headers, footers, notes and comments, and whether it was cut at the limit.

    A table row is a line with its cells divided by tabs; deleted text and field codes are left out.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    package = checked_package(content)
    names = sorted(filter(_PART_NAME.fullmatch, package.namelist()), key=_part_order)
    if not any(name.startswith("word/document") for name in names):
        raise ReadingError("unreadable", "the package has no document part")
    texts: dict[str, None] = {}  # ordered, and a header that repeats in every section is kept once
    for name in names:
        words = _Words(limit_characters - sum(map(len, texts)))
        try:
            _stream(package, name, words.feed)
        except Full:
            return "\n".join([*texts, words.passages.text()]), True
        texts[words.passages.text()] = None
    return "\n".join(texts), False


def _is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _part_order(name: str) -> tuple[int, int]:
    found = _PART_NAME.fullmatch(name)
    return (_PARTS.index(found[1]), int(found[2] or 0)) if found else (len(_PARTS), 0)


def _stream(package: zipfile.ZipFile, name: str, consume: Callable[[bytes, bool], None]) -> None:
    try:
        with package.open(name) as part:
            while chunk := part.read(_CHUNK_BYTES):
                consume(chunk, False)
            consume(b"", True)
    except _BROKEN as error:
        raise ReadingError("unreadable", f"a part of the package is damaged: {type(error).__name__}") from error


class _Words:
    """Text of one WordprocessingML part (ISO/IEC 29500-1 §17), by local names: the namespace has two spellings."""

    _WRITES = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}  # noqa: RUF012  never changed

    def __init__(self, limit_characters: int) -> None:
        self.passages = Passages(limit_characters)
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._in_text = False
        self._cells = 0
        self._fallbacks = 0

    def feed(self, chunk: bytes, last: bool) -> None:
        self._parser.Parse(chunk, last)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        local = name.rpartition(" ")[2]
        if local == "Fallback":  # the same text again, for programs that do not know the first form
            self._fallbacks += 1
        elif local == "tc":
            self._cells += 1
        elif local == "t":
            self._in_text = True
        elif local in self._WRITES and not self._fallbacks and "wordprocessingml" in name:
            self.passages.add(self._WRITES[local])

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if local == "t":
            self._in_text = False
        elif local == "Fallback":
            self._fallbacks -= 1
        elif local == "tc":
            self._cells -= 1
            self.passages.add("\t")
        elif local == "tr" or (local == "p" and not self._cells):
            self.passages.add("\n")
        elif local == "p":
            self.passages.add(" ")

    def _characters(self, text: str) -> None:
        if self._in_text and not self._fallbacks:
            self.passages.add(text)

    def _refuse_doctype(self, *declared: object) -> None:
        del declared
        message = "a part declares a document type, which the format forbids and entity bombs need"
        raise ReadingError("unreadable", message)
