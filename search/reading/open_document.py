"""OpenDocument texts, spreadsheets and presentations (ISO/IEC 26300): one stream over the content, one over the styles.

Read here because kreuzberg 4.10, which reads them too, knows no places and leaves out headers, footers and comments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from search.reading.model import ReadingError
from search.reading.open_xml import Elements, Package, attribute, checked_package
from search.reading.writing import TextBuilder, row_place

_CONTENT, _STYLES, _MANIFEST, _TYPE = "content.xml", "styles.xml", "META-INF/manifest.xml", "mimetype"
_TYPE_BYTES = 200
# Elements whose text nobody sees on the page, or that stands there by itself: numbers of notes, deleted text, forms.
_SILENT = frozenset({
    "tracked-changes", "note-citation", "forms", "event-listeners", "page-number", "page-count", "sheet-name",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "h"})
_ASIDES = {"note": "footnote", "annotation": "comment"}
_HEADERS = {
    **dict.fromkeys(("header", "header-left", "header-first"), "header"),
    **dict.fromkeys(("footer", "footer-left", "footer-first"), "footer"),
}
_DECLARED = {"header-decl": "header", "footer-decl": "footer"}
_BOXES = frozenset({"text-box", "custom-shape", "rect", "ellipse", "polygon", "path", "caption"})
_CELLS = frozenset({"table-cell", "covered-table-cell"})
_VALUES = ("string-value", "date-value", "time-value", "boolean-value", "value")
_COLUMNS_LIMIT, _ROWS_LIMIT = 16_384, 1_048_576
_SPACES_LIMIT = 1_000


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """The content in its order, then headers and footers, notes, comments and, of a text, its text boxes.

    Raises: ReadingError ("unreadable", "encrypted", "too_large"); Full.
    """
    del kind_code  # the file says itself what it is
    package = checked_package(content, streamed=lambda name: name == _CONTENT)
    if _is_encrypted(package):
        raise ReadingError("encrypted", "the document asks for a password")
    if _CONTENT not in package.names:
        raise ReadingError("unreadable", "the package has no content part")
    media_type = package.content(_TYPE, _TYPE_BYTES).decode("ascii", "replace") if _TYPE in package.names else ""
    shape = _Sheets if "spreadsheet" in media_type else _Pages if "presentation" in media_type else _Text
    reader = _Pages(text, "page") if "graphics" in media_type else shape(text)
    package.stream(_CONTENT, reader.feed)
    if _STYLES in package.names:
        package.stream(_STYLES, _Styles(reader).feed)
    reader.close()


def _is_encrypted(package: Package) -> bool:
    found: list[str] = []

    def start(local: str, attributes: dict[str, str]) -> None:
        del attributes
        if local == "encryption-data":
            found.append(local)

    if _MANIFEST in package.names:
        package.stream(_MANIFEST, Elements(start).feed)
    return bool(found)


@dataclass
class _Aside:
    """A passage beside the running text: `place` without its number, and whether it interrupts a paragraph."""

    element: str
    place: str
    interrupted: int
    pieces: list[str] = field(default_factory=list)


class _Content(ABC):
    """What the three kinds of documents have in common. `_paragraphs` counts the open ones, which alone have text."""

    def __init__(self, text: TextBuilder) -> None:
        self._text = text
        self._elements = Elements(self._start, self._end, self._characters)
        self._paragraphs = self._silent = 0
        self._open: list[_Aside] = []
        self._asides: list[tuple[str, str]] = []
        self._room = text.room

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        self._text.check_time()

    def keep(self, place: str, written: str) -> None:
        """A passage for the end of the text."""
        self._asides.append((place, written))

    def _keep_piece(self, pieces: list[str], written: str) -> None:
        """Collect what is written later, up to what the whole text may hold."""
        self._room -= len(written)
        if self._room >= 0:
            pieces.append(written)
        else:
            self._text.truncated = True

    def close(self) -> None:
        """Write what was kept: headers and footers once, because every page style repeats them."""
        kept: dict[tuple[str, str], None] = {
            (place, written): None for place, written in self._asides if place in {"header", "footer"}
        }
        for place, written in kept:
            self._text.add(place, written)
        for kind in ("footnote", "comment", "body"):
            shown = [written for place, written in self._asides if place == kind and written.strip()]
            for number, written in enumerate(shown, 1):
                self._text.add(kind if kind == "body" else f"{kind}:{number}", written)

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if self._silent or local in _SILENT:
            self._silent += 1
        elif local in _PARAGRAPHS or local in _DECLARED:
            self._paragraphs += 1
        elif local in _ASIDES or local in self._own_asides():
            place = _ASIDES.get(local) or self._own_asides()[local]
            self._open.append(_Aside(local, place, self._paragraphs))
            self._paragraphs = 0
        elif local == "s":
            self._write(" " * _number(attribute(attributes, "c"), _SPACES_LIMIT))
        elif local in {"tab", "line-break"}:
            self._write("\t" if local == "tab" else "\n")
        else:
            self._begin(local, attributes)
        if local in _DECLARED and not self._silent:
            self._open.append(_Aside(local, _DECLARED[local], self._paragraphs - 1))

    def _end(self, local: str) -> None:
        if self._silent:
            self._silent -= 1
        elif self._open and self._open[-1].element == local:
            aside = self._open.pop()
            self._paragraphs = aside.interrupted
            self.keep(aside.place, "".join(aside.pieces).strip())
        elif local in _PARAGRAPHS:
            self._paragraphs = max(0, self._paragraphs - 1)
            if self._open:
                self._open[-1].pieces.append("\n")
            else:
                self._end_paragraph()
        else:
            self._finish(local)

    def _characters(self, found: str) -> None:
        if self._paragraphs and not self._silent:
            self._write(found)

    def _write(self, written: str) -> None:
        if not self._open:
            self._write_own(written)
        else:
            self._keep_piece(self._open[-1].pieces, written)

    # What a kind of document does its own way:

    def _own_asides(self) -> dict[str, str]:
        return {}

    @abstractmethod
    def _begin(self, local: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def _finish(self, local: str) -> None: ...

    @abstractmethod
    def _end_paragraph(self) -> None: ...

    @abstractmethod
    def _write_own(self, written: str) -> None: ...


class _Text(_Content):
    """Paragraphs; a row of a table is one, with its cells divided by tabs."""

    def __init__(self, text: TextBuilder) -> None:
        super().__init__(text)
        self._number = 1
        self._cells = 0
        self._gap = ""  # between the paragraphs of a cell

    def _own_asides(self) -> dict[str, str]:
        return dict.fromkeys(_BOXES, "body")

    def _begin(self, local: str, attributes: dict[str, str]) -> None:
        del attributes
        self._cells += local in _CELLS and not self._open

    def _finish(self, local: str) -> None:
        if self._open:
            if local in _CELLS:
                self._open[-1].pieces.append("\t")
        elif local in _CELLS:
            self._cells -= 1
            self._gap = ""
            self._text.write("\t")
        elif local == "table-row" and not self._cells:
            self._end_line()

    def _end_paragraph(self) -> None:
        if self._cells:
            self._gap = " "
        else:
            self._end_line()

    def _end_line(self) -> None:
        self._text.end(f"paragraph:{self._number}")
        self._number += 1

    def _write_own(self, written: str) -> None:
        self._text.write(self._gap + written)
        self._gap = ""
        if not self._text.room:
            self._end_line()


class _Pages(_Content):
    """Slides, or pages of a drawing, with the notes below each."""

    def __init__(self, text: TextBuilder, kind: str = "slide") -> None:
        super().__init__(text)
        self._kind = kind
        self._cells = 0
        text.pages = 0

    def _own_asides(self) -> dict[str, str]:
        return {"notes": "notes"}

    def _begin(self, local: str, attributes: dict[str, str]) -> None:
        del attributes
        if local == "page" and self._text.pages is not None:
            self._text.pages += 1
        self._cells += local in _CELLS

    def _finish(self, local: str) -> None:
        if local in _CELLS:
            self._cells -= 1
            self._write("\t")
        elif local == "table-row":
            self._write("\n")
        elif local == "page" and self._text.pages:
            self._text.end(f"{self._kind}:{self._text.pages}")
            for place, written in self._asides:
                if place == "notes":
                    self._text.add(f"notes:{self._text.pages}", written)
            self._asides = [(place, written) for place, written in self._asides if place != "notes"]

    def _end_paragraph(self) -> None:
        self._write_own(" " if self._cells else "\n")

    def _write_own(self, written: str) -> None:
        if not self._text.pages:  # before the first page nothing is shown
            return
        self._text.write(written)
        if not self._text.room:
            self._text.end(f"{self._kind}:{self._text.pages}")


class _Sheets(_Content):
    """Rows, as a person sees their cells; what a cell does not show in words is its value."""

    def __init__(self, text: TextBuilder) -> None:
        super().__init__(text)
        self._sheet = ""
        self._row = 1
        self._cells: list[str] = []
        self._column = 0
        self._cell: list[str] | None = None
        self._cell_characters = 0
        self._value = ""
        self._repeat = self._repeat_row = 1
        self._beside: list[str] = []  # shapes on the sheet

    def _begin(self, local: str, attributes: dict[str, str]) -> None:
        if local == "table" and self._cell is None:
            self._sheet, self._row = attribute(attributes, "name"), 1
            self._text.add(f"sheet:{self._sheet}", self._sheet)
        elif local == "table-row":
            self._repeat_row = _number(attribute(attributes, "number-rows-repeated"), _ROWS_LIMIT)
            self._cells, self._column = [], 0
        elif local in _CELLS:
            self._cell, self._cell_characters = [], 0
            self._repeat = _number(attribute(attributes, "number-columns-repeated"), _COLUMNS_LIMIT)
            self._value = next(filter(None, (attribute(attributes, name) for name in _VALUES)), "")

    def _finish(self, local: str) -> None:
        if local in _CELLS and self._cell is not None:
            self._add_cell("".join(self._cell).strip() or self._value)
            self._cell = None
        elif local == "table-row":
            self._add_rows()
        elif local == "table" and self._cell is None:
            self._text.add(f"sheet:{self._sheet}", "".join(self._beside))
            self._beside = []

    def _add_cell(self, shown: str) -> None:
        last = min(self._column + self._repeat, _COLUMNS_LIMIT)
        if shown:
            copies = min(last - self._column, self._text.room // len(shown) + 1)
            self._cells += [""] * (self._column - len(self._cells)) + [shown] * copies
        self._column = last

    def _add_rows(self) -> None:
        row = "\t".join(self._cells)
        for number in range(self._row, self._row + self._repeat_row) if row else ():
            self._text.add(row_place(self._sheet, min(number, _ROWS_LIMIT)), row)
        self._row += self._repeat_row

    def _end_paragraph(self) -> None:
        self._write_own("\n")

    def _write_own(self, written: str) -> None:
        if self._cell is None:
            self._keep_piece(self._beside, written)
            return
        self._cell.append(written)
        self._cell_characters += len(written)
        if self._cell_characters > self._text.room:  # it can only be cut
            self._add_cell("".join(self._cell))
            self._add_rows()
            self._cell, self._cell_characters = [], 0


class _Styles:
    """Headers and footers, which stand among the styles of the pages."""

    def __init__(self, reader: _Content) -> None:
        self._reader = reader
        self._elements = Elements(self._start, self._end, self._characters)
        self._place = ""
        self._pieces: list[str] = []
        self._paragraphs = self._silent = 0

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        del attributes
        if self._silent or local in _SILENT:
            self._silent += 1
        elif local in _HEADERS:
            self._place, self._pieces, self._paragraphs = _HEADERS[local], [], 0
        elif local in _PARAGRAPHS:
            self._paragraphs += 1
        elif local in {"tab", "s"}:
            self._pieces.append("\t" if local == "tab" else " ")

    def _end(self, local: str) -> None:
        if self._silent:
            self._silent -= 1
        elif local in _HEADERS:
            self._reader.keep(self._place, "".join(self._pieces).strip())
            self._place = ""
        elif local in _PARAGRAPHS:
            self._paragraphs -= 1
            self._pieces.append("\n")

    def _characters(self, found: str) -> None:
        if self._place and self._paragraphs and not self._silent:
            self._pieces.append(found)


def _number(written: str, limit: int) -> int:
    """A count from 1; what is none counts as 1."""
    return max(1, min(int(written), limit)) if written.isascii() and written.isdigit() and len(written) < 10 else 1  # noqa: PLR2004  digits
