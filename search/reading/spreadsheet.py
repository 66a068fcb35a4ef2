"""The text of an Excel workbook (ISO/IEC 29500-1 §18), row by row as a stream: a million rows cost no memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from search.reading import embedded
from search.reading.model import ReadingError
from search.reading.number_formats import NumberFormats
from search.reading.open_xml import (
    DrawingWords,
    Elements,
    Package,
    Relation,
    attribute,
    checked_package,
)
from search.reading.writing import TextBuilder, row_place

_WORKBOOK, _BINARY_WORKBOOK = "xl/workbook.xml", "xl/workbook.bin"
_ROWS = re.compile(r"xl/worksheets/[^/]+\.xml")
# Beyond these the later texts are left out, which is said; the text that may be given out ended long before.
_SHARED_TEXTS_LIMIT, _SHARED_CHARACTERS_LIMIT = 3_000_000, 64_000_000
_COLUMNS, _ROW_LIMIT = 16_384, 100_000_000
# In headers and footers: where a part begins, and the codes for fonts, sizes, colours, page numbers and dates.
_HEADER_PART = re.compile(r"&[LCR]")
_HEADER_CODE = re.compile(r'&(?:"[^"]*"|\d+|K[0-9A-F]{6}|K\d\d[+-]\d{3}|[PNDTFAGZBIUESXYOH])')


@dataclass(frozen=True)
class _Sheet:
    name: str
    part: str


def read(content: bytes, kind_code: str, text: TextBuilder) -> None:
    """All sheets, hidden ones too: each row a passage with its cells from column A, divided by tabs.

    After the rows come the sheet's headers and footers, comments (at their row), text boxes and charts. Dates are
    written as 2026-03-02, numbers as they are stored and not as they are shown.

    Raises: ReadingError ("unreadable", "encrypted", "too_large").
    """
    del kind_code
    package = checked_package(content, streamed=lambda name: _ROWS.fullmatch(name) is not None)
    if _WORKBOOK not in package.names:
        if _BINARY_WORKBOOK not in package.names:
            raise ReadingError("unreadable", "the package has no workbook part")
        _read_binary(content, text)
        return
    workbook = _Workbook(text)
    package.stream(_WORKBOOK, workbook.feed)
    relations = package.relations(_WORKBOOK)
    sheets = [_Sheet(name, relations[key].target) for name, key in workbook.sheets if key in relations]
    if not sheets:
        raise ReadingError("unreadable", "the workbook has no sheet")
    shared = _shared_texts(package, text)
    formats = NumberFormats(since_1904=workbook.since_1904)
    for relation in _of_kind(relations, "styles"):
        package.stream(relation.target, Elements(formats.start, formats.end).feed)
    for sheet in sheets:
        _read_sheet(package, sheet, shared, formats, text)
    text.add("body", "\n".join(workbook.defined))
    embedded.tell(package, text)


def take(content: bytes, kind_code: str, number: int, limit_bytes: int) -> bytes:
    """A file that is embedded in the workbook."""
    del kind_code
    return embedded.take(checked_package(content, streamed=lambda _name: True), number, limit_bytes)


def _of_kind(relations: dict[str, Relation], *kinds: str) -> list[Relation]:
    return [relation for relation in relations.values() if relation.kind in kinds]


class _Workbook:
    """What the workbook's own part says (§18.2): its sheets, its defined names, and from when its dates count."""

    def __init__(self, text: TextBuilder) -> None:
        self.sheets: list[tuple[str, str]] = []  # name, id of the relation
        self.defined: list[str] = []
        self.since_1904 = False
        self._text = text
        self._name: list[str] | None = None
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        self._text.check_time()

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if local == "sheet":
            self.sheets.append((attributes.get("name", ""), attribute(attributes, "id")))
        elif local == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in {"1", "true"}
        elif local == "definedName":
            self._name = [attributes.get("name", ""), " = "]

    def _end(self, local: str) -> None:
        if local == "definedName" and self._name is not None:
            # What a program made for itself, such as the area of a filter, is no text of anybody.
            if not self._name[0].startswith("_xlnm."):
                self.defined.append("".join(self._name))
            self._name = None

    def _characters(self, piece: str) -> None:
        if self._name is not None:
            self._name.append(piece)


class _SharedFull(Exception):  # noqa: N818  a signal
    pass


def _shared_texts(package: Package, text: TextBuilder) -> list[str]:
    texts: list[str] = []
    for relation in _of_kind(package.relations(_WORKBOOK), "sharedStrings"):
        collector = _SharedTexts(texts, text)
        try:
            package.stream(relation.target, collector.feed)
        except _SharedFull:
            text.truncated = True
            text.warn("the workbook has more different texts than the reader keeps; some cells are left out")
    return texts


class _SharedTexts:
    """The texts that cells refer to by number (§18.4.9), without the readings of characters (§18.4.6)."""

    def __init__(self, texts: list[str], text: TextBuilder) -> None:
        self._texts = texts
        self._text = text
        self._characters_kept = 0
        self._pieces: list[str] = []
        self._in_text = False
        self._phonetic = False
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        self._text.check_time()
        if self._characters_kept > _SHARED_CHARACTERS_LIMIT or len(self._texts) > _SHARED_TEXTS_LIMIT:
            raise _SharedFull

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        del attributes
        if local == "t":
            self._in_text = not self._phonetic
        elif local == "rPh":
            self._phonetic = True

    def _end(self, local: str) -> None:
        if local == "si":
            self._texts.append("".join(self._pieces))
            self._pieces = []
        elif local == "t":
            self._in_text = False
        elif local == "rPh":
            self._phonetic = False

    def _characters(self, piece: str) -> None:
        if self._in_text:
            self._pieces.append(piece)
            self._characters_kept += len(piece)


def _read_sheet(package: Package, sheet: _Sheet, shared: list[str], formats: NumberFormats, text: TextBuilder) -> None:
    text.add(f"sheet:{sheet.name}", sheet.name)
    rows = _Rows(sheet.name, shared, formats, text)
    package.stream(sheet.part, rows.feed)
    for place, line in rows.margins:
        text.add(place, line)
    relations = package.relations(sheet.part)
    for relation in _of_kind(relations, "comments", "threadedComment"):
        package.stream(relation.target, _Comments(sheet.name, text).feed)
    for drawing in _of_kind(relations, "drawing"):
        charts = _of_kind(package.relations(drawing.target), "chart", "chartEx", "diagramData")
        for relation in (drawing, *charts):
            package.stream(relation.target, DrawingWords(text).feed)
            text.end(f"sheet:{sheet.name}")


class _Rows:
    """The rows of one worksheet part (§18.3.1.73) as they pass by."""

    def __init__(self, sheet: str, shared: list[str], formats: NumberFormats, text: TextBuilder) -> None:
        self.margins: list[tuple[str, str]] = []
        self._sheet = sheet
        self._shared = shared
        self._formats = formats
        self._text = text
        self._row = 0
        self._column = 0  # of the cell that is open, from 1
        self._written = 1  # the column at which the line stands
        self._type = self._style = ""
        self._value: list[str] | None = None
        self._margin = ""
        self._phonetic = False
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)
        if not self._text.room:
            self._end_row()
        self._text.check_time()

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if local == "c":
            self._column = _column(attributes.get("r", "")) or self._column + 1
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        elif local in {"v", "t"}:
            self._value = None if self._phonetic else []
        elif local == "row":
            number = attributes.get("r", "")
            self._row = int(number[:9]) if number.isdecimal() else self._row + 1
            self._column, self._written = 0, 1
        elif local == "rPh":
            self._phonetic = True
        elif local.endswith(("Header", "Footer")) and local != "headerFooter":
            self._margin, self._value = "header" if local.endswith("Header") else "footer", []

    def _end(self, local: str) -> None:
        if local in {"v", "t"}:
            self._write_cell("".join(self._value or ()))
            self._value = None
        elif local == "row":
            self._end_row()
        elif local == "rPh":
            self._phonetic = False
        elif self._margin and local.endswith(("Header", "Footer")):
            self._keep_margin("".join(self._value or ()))
            self._margin, self._value = "", None

    def _characters(self, piece: str) -> None:
        if self._value is not None:
            self._value.append(piece)

    def _write_cell(self, value: str) -> None:
        shown = self._shown(value)
        if not shown:
            return
        gap = min(self._column, _COLUMNS) - self._written
        if gap > 0:
            self._text.write("\t" * gap)
            self._written += gap
        # A tab inside of a cell would move all cells behind it into another column.
        self._text.write(shown.replace("\t", " "))

    def _shown(self, value: str) -> str:
        if self._type == "s":
            number = int(value) if value.strip().isdecimal() and len(value) < 10 else -1  # noqa: PLR2004  digits
            return self._shared[number] if 0 <= number < len(self._shared) else ""
        if self._type == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        return self._formats.shown(value, self._style) if self._type == "n" else value

    def _end_row(self) -> None:
        self._text.end(row_place(self._sheet, min(max(1, self._row), _ROW_LIMIT)))

    def _keep_margin(self, raw: str) -> None:
        parts = (_HEADER_CODE.sub("", part).replace("&&", "&").strip() for part in _HEADER_PART.split(raw))
        self.margins.append((self._margin, "\t".join(part for part in parts if part)))


class _Comments:
    """The comments of a sheet, each at its row (§18.7.3, and the threaded ones of MS-XLSX §2.6.205)."""

    def __init__(self, sheet: str, text: TextBuilder) -> None:
        self._sheet = sheet
        self._text = text
        self._row = 1
        self._in_text = False
        self._elements = Elements(self._start, self._end, self._characters)

    def feed(self, chunk: bytes, last: bool) -> None:
        self._elements.feed(chunk, last)

    def _start(self, local: str, attributes: dict[str, str]) -> None:
        if local in {"comment", "threadedComment"}:
            digits = re.sub(r"\D", "", attributes.get("ref", ""))[:8]
            self._row = max(1, int(digits or 1))
        elif local in {"t", "text"}:
            self._in_text = True

    def _end(self, local: str) -> None:
        if local in {"comment", "threadedComment"}:
            self._text.end(row_place(self._sheet, self._row))
        elif local in {"t", "text"}:
            self._in_text = False

    def _characters(self, piece: str) -> None:
        if self._in_text:
            self._text.write(piece)


def _column(reference: str) -> int:
    """The number of a cell's column, A being 1; 0 where the reference is none."""
    number = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number


def _read_binary(content: bytes, text: TextBuilder) -> None:
    """A binary workbook (MS-XLSB), which only a library reads."""
    import io

    import python_calamine

    try:
        workbook = python_calamine.load_workbook(io.BytesIO(content))
        for name in workbook.sheet_names:
            text.add(f"sheet:{name}", name)
            sheet = workbook.get_sheet_by_name(name)
            first_column = (sheet.start or (0, 0))[1]
            for number, row in enumerate(sheet.iter_rows(), 1):
                cells = [""] * first_column + [str(cell).replace("\t", " ") for cell in row]
                text.add(row_place(name, number), "\t".join(cells))
    except python_calamine.CalamineError as error:
        raise ReadingError("unreadable", f"calamine: {type(error).__name__}") from error
