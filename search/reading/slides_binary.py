"""The text of PowerPoint 97–2003 presentations and of WPS Presentation, which writes the same format (MS-PPT).

A presentation is a tree of records. Saving may append changed parts to the end of the file; the chain of edits says
which copy of each part is the valid one (MS-PPT §2.1.2). Read here because the libraries that run in the sandbox give
the text without its slides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from search.reading.compound import Compound
from search.reading.model import ReadingError
from search.reading.writing import TextBuilder

# Types of records (MS-PPT §2.13.24, MS-ODRAW).
_DOCUMENT, _SLIDE, _SLIDE_ATOM, _NOTES, _NOTES_ATOM = 0x03E8, 0x03EE, 0x03EF, 0x03F0, 0x03F1
_LIST, _LISTED, _TEXT_HEADER = 0x0FF0, 0x03F3, 0x0F9F
_WIDE_TEXT, _NARROW_TEXT, _OUTLINE_REFERENCE = 0x0FA0, 0x0FA8, 0x0F9E
_FOOTERS, _STRING, _COMMENT = 0x0FD9, 0x0FBA, 0x2EE0
_TAG_DATA = 0x138B  # holds records, comments among them, without being marked as a container
_EDIT, _DIRECTORY = 0x0FF5, 0x1772
_LIST_OF_SLIDES, _LIST_OF_NOTES = 0, 2
_EDIT_TOKEN, _ENCRYPTED_TOKEN = 0xE391C05F, 0xF3D1C4DF
_CONTAINER = 0xF
_DEPTH_LIMIT, _EDITS_LIMIT, _SLIDES_LIMIT = 40, 1000, 20_000
_WRITTEN = str.maketrans({"\r": "\n", "\x0b": "\n", "\xa0": " "})


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """Slides in the order of the show with their titles first, each followed by its notes; footers; comments.

    Raises: ReadingError ("unreadable", "encrypted"); Full.
    """
    del kind_code
    compound = Compound(content)
    try:
        _Presentation(compound.stream("PowerPoint Document"), compound.stream("Current User"), text).read()
    except struct.error as error:
        raise ReadingError("unreadable", "the records of the presentation are damaged") from error


@dataclass(frozen=True)
class _Record:
    """One record of the stream: its content stands from `begin` to `end`."""

    kind: int
    instance: int
    container: bool
    begin: int
    end: int


class _Presentation:
    def __init__(self, stream: bytes, current_user: bytes, text: TextBuilder) -> None:
        self._stream, self._text = stream, text
        token, edit = struct.unpack_from("<12xII", current_user)
        if token == _ENCRYPTED_TOKEN:
            raise ReadingError("encrypted", "the presentation asks for a password")
        if token != _EDIT_TOKEN:
            raise ReadingError("unreadable", "the presentation has no known signature")
        self._parts, document = self._directory(edit)
        self._document = self._part(document, _DOCUMENT)
        if self._document is None:
            raise ReadingError("unreadable", "the presentation has no document part")

    def read(self) -> None:
        lists = {found.instance: found for found in self._children(self._document) if found.kind == _LIST}
        notes = dict(self._notes(lists.get(_LIST_OF_NOTES)))
        comments: list[str] = []
        slides = list(self._listed(lists.get(_LIST_OF_SLIDES)))[:_SLIDES_LIMIT]
        self._text.pages = len(slides)
        for number, (reference, identifier, outline) in enumerate(slides, 1):
            slide = self._part(reference, _SLIDE)
            if slide is None:
                self._text.warn("a slide is damaged: only its outline was read")
            shown = self._texts(slide, outline, comments) if slide else list(outline)
            self._text.add(f"slide:{number}", "\n".join(shown))
            if identifier in notes:
                self._text.add(f"notes:{number}", "\n".join(self._texts(notes[identifier], (), comments)))
        self._add_footers()
        for number, comment in enumerate(comments, 1):
            self._text.add(f"comment:{number}", comment)

    def _directory(self, edit: int) -> tuple[dict[int, int], int]:
        """Where each part stands, by its reference, and the reference of the document."""
        parts: dict[int, int] = {}
        document = 0
        seen: set[int] = set()
        while edit and edit not in seen and len(seen) < _EDITS_LIMIT:
            seen.add(edit)
            record = self._record(edit, len(self._stream))
            if record is None or record.kind != _EDIT:
                raise ReadingError("unreadable", "the chain of edits is broken")
            previous, directory, reference = struct.unpack_from("<8xIII", self._stream, record.begin)
            if record.end - record.begin >= 32:  # noqa: PLR2004  one field more: the reference of the encryption
                raise ReadingError("encrypted", "the presentation asks for a password")
            document = document or reference
            for number, offset in self._directory_entries(directory):
                parts.setdefault(number, offset)  # the newest edit comes first
            edit = previous
        return parts, document

    def _directory_entries(self, offset: int) -> Iterator[tuple[int, int]]:
        record = self._record(offset, len(self._stream))
        if record is None or record.kind != _DIRECTORY:
            raise ReadingError("unreadable", "the directory of parts is broken")
        at = record.begin
        while at + 4 <= record.end:
            (head,) = struct.unpack_from("<I", self._stream, at)
            first, count = head & 0xFFFFF, head >> 20
            count = min(count, (record.end - at - 4) // 4)
            yield from enumerate(struct.unpack_from(f"<{count}I", self._stream, at + 4), first)
            at += 4 + 4 * count

    def _part(self, reference: int, kind: int) -> _Record | None:
        offset = self._parts.get(reference)
        record = None if offset is None else self._record(offset, len(self._stream))
        return record if record and record.kind == kind else None

    def _record(self, at: int, end: int) -> _Record | None:
        if at + 8 > end:
            return None
        head, kind, size = struct.unpack_from("<HHI", self._stream, at)
        return _Record(kind, head >> 4, head & 0xF == _CONTAINER, at + 8, min(end, at + 8 + size))

    def _children(self, parent: _Record | None) -> Iterator[_Record]:
        at = parent.begin if parent else 0
        while parent and (record := self._record(at, parent.end)):
            yield record
            at = record.end

    def _listed(self, slides: _Record | None) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Reference, identifier and outline texts of each slide of a list, in order."""
        entry: tuple[int, int] | None = None
        outline: list[str] = []
        for record in self._children(slides):
            if record.kind == _LISTED:
                if entry:
                    yield *entry, tuple(outline)
                reference, identifier = struct.unpack_from("<I8xI", self._stream, record.begin)
                entry, outline = (reference, identifier), []
            elif record.kind == _TEXT_HEADER:
                outline.append("")
            elif record.kind in {_WIDE_TEXT, _NARROW_TEXT}:
                outline[-1:] = [self._written(record)]
        if entry:
            yield *entry, tuple(outline)

    def _notes(self, listed: _Record | None) -> Iterator[tuple[int, _Record]]:
        """The notes by the identifier of their slide."""
        for reference, _, _ in self._listed(listed):
            part = self._part(reference, _NOTES)
            atom = next((found for found in self._children(part) if found.kind == _NOTES_ATOM), None)
            if part and atom:
                yield struct.unpack_from("<I", self._stream, atom.begin)[0], part

    def _texts(self, part: _Record, outline: tuple[str, ...], comments: list[str]) -> list[str]:
        """The texts of a slide's shapes in their order; those that stand in the outline are taken from there."""
        found: list[str] = []
        referred: set[int] = set()
        for record in self._walk(part):
            if record.kind in {_WIDE_TEXT, _NARROW_TEXT}:
                found.append(self._written(record))
            elif record.kind == _OUTLINE_REFERENCE:
                (number,) = struct.unpack_from("<I", self._stream, record.begin)
                if number < len(outline) and number not in referred:
                    referred.add(number)
                    found.append(outline[number])
            elif record.kind == _COMMENT:
                strings = {child.instance: self._written(child) for child in self._children(record)}
                comments.append(strings.get(1, ""))
        return [text for number, text in enumerate(outline) if number not in referred] + found

    def _walk(self, part: _Record) -> Iterator[_Record]:
        """The records below a part in the order of the file, but not what stands inside comments."""
        open_ones = [self._children(part)]
        while open_ones:
            record = next(open_ones[-1], None)
            if record is None:
                open_ones.pop()
                continue
            self._text.check_time()
            yield record
            holds_records = (record.container and record.kind != _COMMENT) or record.kind == _TAG_DATA
            if holds_records and len(open_ones) < _DEPTH_LIMIT:
                open_ones.append(self._children(record))

    def _add_footers(self) -> None:
        """Header and footer of all slides and notes, which a program may show on each of them."""
        seen = {""}
        for footers in self._children(self._document):
            if footers.kind == _FOOTERS:
                for record in self._children(footers):
                    shown = self._written(record).strip() if record.kind == _STRING else ""
                    if shown not in seen:
                        seen.add(shown)
                        self._text.add("header" if record.instance == 1 else "footer", shown)

    def _written(self, record: _Record) -> str:
        raw = self._stream[record.begin : record.end]
        # Narrow text holds the lower bytes of UTF-16, which is the same as ISO 8859-1.
        decoded = raw.decode("latin-1") if record.kind == _NARROW_TEXT else raw.decode("utf-16-le", "replace")
        return decoded.translate(_WRITTEN)
