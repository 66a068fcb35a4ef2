"""Binding pages of many files into one PDF with bookmarks. The files are of strangers: each is opened in a process that
is locked, by itself first, so that a broken one costs its own pages and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from search.reading.model import MIB, Limits, ReadingError
from search.reading.sandbox import run_confined

SCREENING_LIMITS = Limits(memory_bytes=2048 * MIB, cpu_seconds=30, wall_seconds=45.0, output_bytes=256 * MIB)
BINDING_LIMITS = Limits(memory_bytes=4096 * MIB, cpu_seconds=90, wall_seconds=120.0, output_bytes=512 * MIB)
_HEADER_BYTES = 8
_STAMP_POINTS, _STAMP_MARGIN_POINTS, _STAMP_GREY, _STAMP_FONT = 7.0, 10.0, 0.35, "/LantaiStamp"
_WIDE_SIGN = 0.55
"""About how wide a sign of the stamp is, of its height."""
# How the axes of a page that is shown turned by so many quarters stand to its own: see `_stamp`.
_TURNS = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))


@dataclass(frozen=True)
class Screened:
    """A PDF that holds nothing but pages as they look: no scripts, no links, no forms, no files inside."""

    content: bytes
    pages: int


@dataclass(frozen=True)
class Chapter:
    """A part of a bound PDF under a bookmark: the pages of `content`, or of one `section` (from 0) of the sheets. With
    neither it is a place in the chapter before it, at its `page` (from 0)."""

    title: str
    content: bytes = b""
    page: int = 0
    section: int | None = None


def screen_pdf(content: BinaryIO, stamp: str, most_pages: int, limits: Limits = SCREENING_LIMITS) -> Screened:
    """The pages of a PDF as they look, each stamped with `stamp` and its number in the file: `J019 · 2 / 5`.

    Raises: ReadingError: "encrypted", "unreadable", "too_large" for more than `most_pages` pages, and the limits.
    """
    arguments = {"stamp": stamp, "most_pages": most_pages}
    answer = run_confined(("search.reading.binding", "screen_here"), content, arguments=arguments, limits=limits)
    pages = answer.facts.get("pages")
    if not isinstance(pages, int) or not 0 < pages <= most_pages:
        raise ReadingError("killed", "the reader gave no number of pages")
    return Screened(answer.content, pages)


def bind_pdf(chapters: Sequence[Chapter], title: str, *, sheets: bytes = b"", limits: Limits = BINDING_LIMITS) -> bytes:
    """One PDF of all chapters in their order, with a bookmark for each. `sheets` is a PDF of our own whose bookmarks
    begin its sections. Raises: ReadingError."""
    told = [
        {"title": one.title, "size": len(one.content), "page": one.page, "section": one.section} for one in chapters
    ]
    header = json.dumps({"title": title, "sheets": len(sheets), "chapters": told}).encode()
    pieces = [len(header).to_bytes(_HEADER_BYTES), header, sheets, *(one.content for one in chapters)]
    source = cast("BinaryIO", _Joined(pieces))
    return run_confined(("search.reading.binding", "bind_here"), source, limits=limits).content


class _Joined(io.RawIOBase):
    """Several pieces read one after another, without a copy of them all."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self._pieces, self._at, self._from = pieces, 0, 0

    def read(self, size: int = -1, /) -> bytes:
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            end = len(piece) if size < 0 else self._from + size
            found = bytes(memoryview(piece)[self._from : end])
            self._from += len(found)
            if found:
                return found
            self._at, self._from = self._at + 1, 0
        return b""


def screen_here(content: bytes, *, stamp: str, most_pages: int) -> tuple[dict[str, int], bytes]:
    """`screen_pdf` in this process: the locked one. Raises: ReadingError, and whatever a library raises."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(_flattened(content, most_pages)))
    writer, count = pypdf.PdfWriter(), len(reader.pages)
    write = _stamper(writer)
    for number, page in enumerate(reader.pages, start=1):
        taken = _add_bare(writer, page)
        if stamp:
            write(taken, f"{stamp} · {number} / {count}")
    made = io.BytesIO()
    writer.write(made)
    return {"pages": count}, made.getvalue()


def _flattened(content: bytes, most_pages: int) -> bytes:
    """The pages as PDFium takes them over; what annotations, fields and seals look like becomes a part of them."""
    import pypdfium2
    from pypdfium2 import raw

    from search.reading.pdf import open_pdf

    with open_pdf(content) as source:
        count = len(source)
        if count > most_pages:
            raise ReadingError("too_large", f"the PDF has {count} pages")
        try:
            source.init_forms()
            for index in range(count):
                page = source[index]
                raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
                page.close()
            target = pypdfium2.PdfDocument.new()
            target.import_pages(source)
            made = io.BytesIO()
            target.save(made)
        except pypdfium2.PdfiumError as error:
            raise ReadingError("unreadable", "PDFium cannot take the pages over") from error
    return made.getvalue()


def _stamper(writer: Any) -> Callable[[Any, str], None]:
    """Writes words onto a page of `writer`. PDFium could do it too, but looks through the whole file for each page."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

    def stream(instructions: str) -> Any:
        made = StreamObject()
        made.set_data(instructions.encode("cp1252", "replace"))
        return writer._add_object(made)  # noqa: SLF001  there is no other way to add an object

    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )
    font_place, before = writer._add_object(font), stream("q\n")  # noqa: SLF001  as above

    def write(page: Any, words: str) -> None:
        resources = page.get("/Resources", DictionaryObject()).get_object()
        fonts = DictionaryObject(resources.get("/Font", DictionaryObject()).get_object())
        fonts[NameObject(_STAMP_FONT)] = font_place
        own = DictionaryObject(resources)
        own[NameObject("/Font")] = fonts
        page[NameObject("/Resources")] = own
        drawn = page.get("/Contents")
        listed = drawn.get_object() if drawn is not None else ArrayObject()
        pieces = list(listed) if isinstance(listed, ArrayObject) else [page.raw_get("/Contents")]
        page[NameObject("/Contents")] = ArrayObject([before, *pieces, stream(_stamp(page, words))])

    return write


def _stamp(page: Any, words: str) -> str:
    """The instructions that write `words` at the upper right of a page as it is shown, whatever way it is turned."""
    left, bottom, right, top = (float(edge) for edge in page.cropbox)
    turn = (page.rotation // 90) % 4
    width, height = right - left, top - bottom
    shown = (width, height) if turn % 2 == 0 else (height, width)
    across = max(2.0, shown[0] - _STAMP_MARGIN_POINTS - len(words) * _STAMP_POINTS * _WIDE_SIGN)
    up = shown[1] - _STAMP_MARGIN_POINTS - _STAMP_POINTS / 2
    # Where a point of the page as it is shown lies on the page itself.
    x, y = ((across, up), (width - up, across), (width - across, height - up), (up, height - across))[turn]
    axes = " ".join(map(str, _TURNS[turn]))
    told = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return (
        f"\nQ q BT {_STAMP_FONT} {_STAMP_POINTS} Tf {_STAMP_GREY} g {axes} {left + x:.2f} {bottom + y:.2f} Tm "
        f"({told}) Tj ET Q\n"
    )


def bind_here(content: bytes) -> bytes:
    """`bind_pdf` in this process: the locked one."""
    import pypdf

    size = int.from_bytes(content[:_HEADER_BYTES])
    told = json.loads(content[_HEADER_BYTES : _HEADER_BYTES + size])
    start = _HEADER_BYTES + size
    sections = _sections(content[start : start + told["sheets"]]) if told["sheets"] else []
    start += told["sheets"]
    writer, first = pypdf.PdfWriter(), 0
    for chapter in told["chapters"]:
        pages: Sequence[Any] = ()
        if chapter["section"] is not None:
            pages = sections[chapter["section"]]
        elif chapter["size"]:
            pages = pypdf.PdfReader(io.BytesIO(content[start : start + chapter["size"]])).pages
            start += chapter["size"]
        if pages:
            first = len(writer.pages)
        for page in pages:
            _add_bare(writer, page)
        writer.add_outline_item(title=chapter["title"], page_number=first + chapter["page"])
    writer.add_metadata({"/Title": told["title"]})
    writer.page_mode = "/UseOutlines"
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _add_bare(writer: Any, page: Any) -> Any:
    """Takes over how a page looks and nothing that it does."""
    for name in ("/Annots", "/AA", "/B", "/StructParents", "/PieceInfo"):
        page.pop(name, None)
    return writer.add_page(page)


def _sections(sheets: bytes) -> list[list[Any]]:
    """The pages of each section of our own file."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(sheets))
    places = [reader.get_destination_page_number(one) or 0 for one in reader.outline if not isinstance(one, list)]
    ends = [*places[1:], len(reader.pages)]
    return [[reader.pages[number] for number in range(*ends_of)] for ends_of in zip(places, ends, strict=True)]
