"""Office Open XML and other packages of XML in a ZIP (ISO/IEC 29500-2): checked, streamed, never expanded.

These formats are read here and not by a general library: kreuzberg 4.10 loses every `&`, `<` and `>` of a docx, knows
no places, and needs a whole workbook in memory. Parts are unpacked as a stream, so that a bomb costs time, not memory.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from search.reading.model import MIB, ReadingError
from search.reading.writing import TextBuilder

UNPACKED_LIMIT_BYTES = 256 * MIB
_MEMBERS_LIMIT = 50_000
_CHUNK_BYTES = 64 * 1024
_TAG_LIMIT_BYTES = 4 * MIB
_ENCRYPTED = 0x01
# What zipfile raises on damage; RuntimeError is its word for an encrypted member.
BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, KeyError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Relation:
    """`kind` is the last part of the relationship's type, such as "image"; `target` a member's name."""

    kind: str
    target: str


class Package:
    """The members of one package, by name. A name that stands twice means the last one, as for every ZIP reader."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = frozenset(archive.namelist())

    def stream(self, name: str, consume: Callable[[bytes, bool], None]) -> None:
        """Feed a member to `consume(chunk, last)`. Raises: ReadingError ("unreadable"); what `consume` raises."""
        try:
            part = self._archive.open(name)
        except BROKEN_ZIP as error:
            raise _damaged(error) from error
        with part:
            while chunk := _next_chunk(part):
                consume(chunk, False)
        consume(b"", True)

    def size_bytes(self, name: str) -> int:
        """What the directory says that a member unpacks to."""
        return self._archive.getinfo(name).file_size

    def content(self, name: str, limit_bytes: int) -> bytes:
        """A whole member. Raises: ReadingError ("unreadable", "too_large")."""
        collected = bytearray()

        def collect(chunk: bytes, last: bool) -> None:
            del last
            collected.extend(chunk)
            if len(collected) > limit_bytes:
                raise ReadingError("too_large", f"a member unpacks to more than {limit_bytes} bytes")

        self.stream(name, collect)
        return bytes(collected)

    def relations(self, name: str) -> dict[str, Relation]:
        """What a part refers to inside the package, by id. What lies outside of it is never followed."""
        folder, _, file = name.rpartition("/")
        own = f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"
        if own not in self.names:
            return {}
        found: dict[str, Relation] = {}

        def relation(local: str, attributes: dict[str, str]) -> None:
            if local == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                kind = attributes.get("Type", "").rpartition("/")[2]
                if target in self.names:
                    found[attributes.get("Id", "")] = Relation(kind, target)

        self.stream(own, Elements(start=relation).feed)
        return found


class Elements:
    """Streams XML by local names, because the formats' namespaces have two spellings each.

    `start(local, attributes)`, `end(local)` and `characters(text)` are called as the parts come. Names of attributes
    keep a namespace before a space. A document type is refused: the formats forbid it, and entity bombs need it.
    """

    def __init__(
        self,
        start: Callable[[str, dict[str, str]], None] | None = None,
        end: Callable[[str], None] | None = None,
        characters: Callable[[str], None] | None = None,
    ) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._fed_bytes = 0
        if start:
            self._parser.StartElementHandler = lambda name, attributes: start(name.rpartition(" ")[2], attributes)
        if end:
            self._parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
        if characters:
            self._parser.CharacterDataHandler = characters

    def feed(self, chunk: bytes, last: bool) -> None:
        """Raises: ReadingError ("unreadable", "too_large")."""
        self._fed_bytes += len(chunk)
        # Expat reads a tag that goes on from its beginning again with every chunk: one of 60 MB would take a minute.
        if self._fed_bytes - max(0, self._parser.CurrentByteIndex) > _TAG_LIMIT_BYTES + len(chunk):
            raise ReadingError("too_large", f"a tag in a part is longer than {_TAG_LIMIT_BYTES} bytes")
        try:
            self._parser.Parse(chunk, last)
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two for encodings it does not know
            raise _damaged(error) from error


def checked_package(
    content: bytes, *, limit_bytes: int = UNPACKED_LIMIT_BYTES, streamed: Callable[[str], bool] = lambda _name: False
) -> Package:
    """The package, if its XML parts, without those that are only `streamed`, are small enough to be unpacked.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except BROKEN_ZIP as error:
        raise ReadingError("unreadable", f"the package is damaged: {type(error).__name__}") from error
    members = archive.infolist()
    parts = [member for member in members if is_xml(member.filename)]
    if any(member.flag_bits & _ENCRYPTED for member in parts):
        raise ReadingError("encrypted", "the package has encrypted parts")
    if sum(member.file_size for member in parts if not streamed(member.filename)) > limit_bytes:
        raise ReadingError("too_large", f"the parts unpack to more than {limit_bytes} bytes")
    if len(members) > _MEMBERS_LIMIT:
        raise ReadingError("too_large", f"the package has more than {_MEMBERS_LIMIT} members")
    return Package(archive)


def is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def attribute(attributes: dict[str, str], local: str) -> str:
    """An attribute in whichever namespace it stands."""
    return next((value for name, value in attributes.items() if name.rpartition(" ")[2] == local), "")


class DrawingWords:
    """The text of a DrawingML part (ISO/IEC 29500-1 §21): shapes, tables, charts (§21.2) and diagrams.

    Paragraphs are lines, cells are divided by tabs. A field that shows the slide's own number is left out.
    """

    def __init__(self, text: TextBuilder) -> None:
        self._text = text
        self._in_text = 0
        self._cells = 0
        self._between = ""  # what divides a cell's paragraphs, once there is a second one
        self._cell_begun = False
        self._skipped = 0  # depth inside what is left out
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        if not self._text.room:
            self._text.end("body")
        self._text.check_time()

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if self._skipped or local == "Fallback" or (local == "fld" and attributes.get("type") == "slidenum"):
            self._skipped += 1
        elif local in {"t", "text", "v"}:
            self._in_text += 1
        elif local == "tc":
            self._cells += 1
        elif local == "br":
            self._text.write("\n")
        elif local == "tab":
            self._text.write("\t")

    def _end(self, local: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif local in {"t", "text", "v"}:
            self._in_text -= 1
            if local != "t":  # of a chart or an older comment: a line of its own
                self._text.write("\n")
        elif local == "tc":
            self._cells -= 1
            self._between, self._cell_begun = "", False
            self._text.write("\t")
        elif local == "p" and self._cells:
            self._between = " " if self._cell_begun else ""
        elif local in {"p", "tr"}:
            self._text.write("\n")

    def _characters(self, text: str) -> None:
        if self._in_text and not self._skipped:
            self._text.write(self._between + text)
            self._between, self._cell_begun = "", True


def _next_chunk(part: IO[bytes]) -> bytes:
    try:
        return part.read(_CHUNK_BYTES)
    except BROKEN_ZIP as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> ReadingError:
    return ReadingError("unreadable", f"a part of the package is damaged: {type(error).__name__}")


def _refuse_doctype(*declared: object) -> None:
    del declared
    message = "a part declares a document type, which the format forbids and entity bombs need"
    raise ReadingError("unreadable", message)
