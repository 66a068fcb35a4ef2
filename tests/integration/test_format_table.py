"""What the archive can do with each kind of file, found out by doing it, is what the documentation says.

`LANTAI_WRITE_DOCS=1` writes the table anew instead of comparing it.
"""

from __future__ import annotations

import io
import os
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from archive_app.documents.kinds import KIND_NAMES
from search.reading import (
    KINDS,
    READERS_NOW,
    ReadingError,
    TextResult,
    extract_child,
    extract_text,
    identify,
    recognise_page,
    recognition_engine,
    render_page,
)
from tests.engines import FULL
from tests.files import ENGLISH_PHRASE, PHRASE
from tests.formats import FORMATS, INSIDE, scanned_pdf

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "reading.md"
BEGIN, END = "<!-- made by the tests: begin -->\n", "<!-- made by the tests: end -->\n"
# Taken out of the environment, as in tests/engines.py: the programs under test refuse variables that they do not know.
WRITE = bool(os.environ.pop("LANTAI_WRITE_DOCS", ""))
NONE = "—"
# Recognition takes a second a page; its other formats differ only in who unpacks the picture.
RECOGNISED = ("png", "tiff")
# Of these the names of the members are the text; what they hold is read as files of their own.
ARCHIVES = frozenset({"zip", "tar", "gz"})
PICTURES = ("png", "jpeg", "gif", "webp", "bmp", "tiff")


@dataclass(frozen=True)
class Line:
    kind: str
    reader: str
    text: str
    metadata: str
    locators: str
    preview: str
    children: str


def test_every_kind_has_a_file() -> None:
    assert FORMATS.keys() == KINDS.keys()
    for code, make in FORMATS.items():
        assert identify(make(), name=f"x.{code}").code == code


def test_the_table_is_what_the_readers_do() -> None:
    lines = [_line(code) for code in FORMATS]
    table = _table(lines)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    written, _, after = rest.partition(END)
    if WRITE:
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")
    else:
        assert written == table, "docs/formats/reading.md is out of date: run this test once with LANTAI_WRITE_DOCS=1"


@pytest.mark.parametrize("code", PICTURES if FULL else RECOGNISED)
def test_words_of_pictures_are_recognised(code: str) -> None:
    if recognition_engine() is None:
        pytest.skip("no recognition is installed")
    assert _recognised(FORMATS[code](), code)


def test_a_scan_is_recognised() -> None:
    assert extract_text(io.BytesIO(scanned_pdf()), "pdf").blank_pages == (0,)
    if recognition_engine() is None:
        pytest.skip("no recognition is installed")
    assert _recognised(scanned_pdf(), "pdf")


def _recognised(content: bytes, code: str) -> bool:
    found = recognise_page(io.BytesIO(content), code, 0).text
    return ENGLISH_PHRASE.replace(" ", "") in found.replace(" ", "")


def _line(code: str) -> Line:
    content = FORMATS[code]()
    result = _text(content, code)
    return Line(
        kind=f"{KIND_NAMES[code]} (`{code}`)" if KIND_NAMES[code].lower() != code else f"`{code}`",
        reader=READERS_NOW.get(code, NONE),
        text=_words(code, result),
        metadata=_metadata(result),
        locators=_locators(result) if result and result.text else "page, box" if KINDS[code].page_images else NONE,
        preview=_preview(content, code, result),
        children=_children(content, code, result),
    )


def _text(content: bytes, code: str) -> TextResult | None:
    try:
        return extract_text(io.BytesIO(content), code)
    except ReadingError as error:
        expected = "encrypted" if code == "office-encrypted" else "unsupported"
        assert error.code == expected, code  # noqa: PT017  any other verdict fails the table
        return None


def _words(code: str, result: TextResult | None) -> str:
    if result is None or not result.text:
        return "recognised" if KINDS[code].page_images else "password said" if code == "office-encrypted" else NONE
    if code in ARCHIVES:
        return "names"
    assert all(phrase in result.text for phrase in (PHRASE, ENGLISH_PHRASE)), code
    return "yes, scans recognised" if KINDS[code].page_images else "yes"


def _metadata(result: TextResult | None) -> str:
    if result is None:
        return NONE
    kinds = {passage.place.partition(":")[0] for passage in result.passages}
    found = ["number of pages"] if result.pages is not None else []
    found += ["headers of the mail"] if "mail" in kinds else []
    found += ["names of sheets"] if "sheet" in kinds else []
    return ", ".join(found) or NONE


def _locators(result: TextResult) -> str:
    return ", ".join(dict.fromkeys(passage.place.partition(":")[0] for passage in result.passages))


def _preview(content: bytes, code: str, result: TextResult | None) -> str:
    try:
        picture = render_page(io.BytesIO(content), code, 0, width_px=100)
    except ReadingError as error:
        assert error.code == "unsupported", code  # noqa: PT017  any other verdict fails the table
        return "text view" if result else NONE
    assert picture.content
    return "picture of each page"


def _children(content: bytes, code: str, result: TextResult | None) -> str:
    children = result.children if result else ()
    assert bool(children) == KINDS[code].children, code
    if not children:
        return NONE
    assert extract_child(io.BytesIO(content), code, children[0].number) == INSIDE[1]
    return "yes"


def _table(lines: list[Line]) -> str:
    heads = ("kind", "reader", "text", "metadata", "locators", "preview", "children")
    rows = [heads, ("---",) * len(heads), *map(astuple, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
