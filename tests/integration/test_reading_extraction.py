"""Text and page images through the whole path: stream, sealed memory, locked process, answer."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image

import search
from search.reading import (
    HEAD_BYTES,
    KINDS,
    READERS_NOW,
    TAIL_BYTES,
    Limits,
    ReadingError,
    extract_child,
    extract_text,
    identify,
    render_page,
)
from search.reading.model import MIB
from tests import files

READABLE = {
    "txt": files.plain_text(encoding="gb18030"),
    "md": files.markdown(f"{files.PHRASE} {files.ENGLISH_PHRASE}"),
    "csv": files.csv_table(((files.PHRASE, files.ENGLISH_PHRASE),), "utf-16"),
    "json": f'{{"a": "{files.PHRASE} {files.ENGLISH_PHRASE}"}}'.encode(),
    "html": files.html(f"<p>{files.PHRASE}<br>{files.ENGLISH_PHRASE}</p>", charset="gb2312"),
    "svg": files.svg(f"{files.PHRASE} {files.ENGLISH_PHRASE}", script=True),
    "xml": f'<?xml version="1.0"?><a>{files.PHRASE}<b>{files.ENGLISH_PHRASE}</b></a>'.encode(),
    "eml": files.eml(f"{files.PHRASE}\n{files.ENGLISH_PHRASE}"),
    "pdf": files.pdf(),
    "docx": files.docx(),
    "xlsx": files.xlsx(),
    "pptx": files.pptx(),
}

# Hostile and broken files: what identification says, and what becomes of text and page.
HOSTILE = [
    ("broken cross-references", files.pdf_with_broken_xref(), "pdf", files.PHRASE, "image"),
    ("no cross-references or trailer", files.pdf_with_broken_xref(trailer=False), "pdf", "unreadable", "unreadable"),
    ("cut PDF", files.truncated(files.pdf()), "pdf", "unreadable", "unreadable"),
    ("PDF in name only", b"%PDF-1.7\n", "pdf", "unreadable", "unreadable"),
    ("password", files.pdf(password="x"), "pdf", "encrypted", "encrypted"),
    ("scan", files.scanned_pdf(), "pdf", "", "image"),
    ("zip bomb", files.docx_zip_bomb(), "docx", "too_large", "unsupported"),
    ("cut docx", files.truncated(files.docx()), "docx", "unreadable", "unsupported"),
    ("no document", files.zip_of({"[Content_Types].xml": b"", "word/a.xml": b""}), "docx", "unreadable", "unsupported"),
    ("empty xlsx", files.zip_of({"[Content_Types].xml": b"", "xl/a.xml": b""}), "xlsx", "unreadable", "unsupported"),
    ("entity bomb", files.entity_bomb(), "xml", "", "unsupported"),
    ("script", files.hostile_html(), "html", files.PHRASE, "unsupported"),
    ("drawing with script", files.svg(script=True), "svg", files.PHRASE, "unsupported"),
    ("huge claim", files.png_of_claimed_size(30_000, 30_000), "png", "unsupported", "too_large"),
    ("false claim", files.png_of_claimed_size(9_000, 9_000), "png", "unsupported", "unreadable"),
    ("cut picture", files.truncated(files.image("JPEG", (400, 300))), "jpeg", "unsupported", "unreadable"),
    ("national format", files.ofd(), "ofd", "unreadable", "unsupported"),
    ("old document", files.ole_container(), "doc", "unreadable", "unsupported"),
    ("noise", files.noise(), "unknown", "unsupported", "unsupported"),
    ("nothing", b"", "unknown", "unsupported", "unsupported"),
]  # fmt: skip


@pytest.mark.parametrize("code", READABLE)
def test_planted_phrases_are_found_in_every_kind(code: str) -> None:
    content = READABLE[code]
    kind = identify(content, name=f"x.{code}")
    assert kind.code == code
    result = extract_text(io.BytesIO(content), kind.code)
    assert files.PHRASE in result.text
    assert files.ENGLISH_PHRASE in result.text
    assert "scriptword" not in result.text
    guess = ("the encoding is a guess: GB 18030",) if code == "txt" else ()
    assert (result.truncated, result.warnings, result.reader) == (False, guess, READERS_NOW[code])
    assert result.passages


@pytest.mark.parametrize(
    ("content", "code", "text", "page"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE]
)
def test_hostile_files(content: bytes, code: str, text: str, page: str) -> None:
    kind = identify(content[:HEAD_BYTES], tail=content[-TAIL_BYTES:] if len(content) > HEAD_BYTES else b"")
    assert kind.code == code
    assert text in _text_or_code(content, code)
    assert _page_or_code(content, code) == page


def test_a_bomb_costs_little_memory_anywhere() -> None:
    bomb = files.docx_zip_bomb(250)  # below the limit on unpacked parts: it is read as a stream, up to the text limit
    tight = Limits(memory_bytes=256 * MIB, output_bytes=4 * MIB)
    before = psutil.Process().memory_info().rss
    result = extract_text(io.BytesIO(bomb), "docx", limits=tight)
    assert (result.truncated, len(result.text)) == (True, 4 * MIB)
    assert psutil.Process().memory_info().rss - before < 32 * MIB


def test_a_spreadsheet_bomb_is_stopped_by_the_memory_limit() -> None:
    sheet = b"<worksheet><sheetData>" + b"<row><c t='inlineStr'><is><t>aaaaaaaa</t></is></c></row>" * 1_500_000
    honest = files.xlsx()
    import zipfile

    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = sheet + b"</sheetData></worksheet>"
    try:
        result = extract_text(
            io.BytesIO(files.zip_of(members)), "xlsx", limits=Limits(memory_bytes=700 * MIB, cpu_seconds=2)
        )
        assert len(result.text) <= Limits().output_bytes
    except ReadingError as error:
        assert error.code in {"memory", "killed", "timeout", "unreadable"}  # noqa: PT017  either end is fine, nothing else is


@pytest.mark.parametrize("limits", [Limits(output_bytes=MIB), Limits(cpu_seconds=2)], ids=["size", "time"])
def test_a_spreadsheet_of_a_million_rows_ends_in_its_limits(limits: Limits) -> None:
    content = files.xlsx_of_rows(1_000_000, cells=2)
    result = extract_text(io.BytesIO(content), "xlsx", limits=limits)
    assert result.truncated
    assert 1000 < len(result.passages) <= 50_000
    for passage in (result.passages[1], result.passages[-1]):
        number = passage.place.removeprefix("row:大表!")
        shown = result.text[passage.start :].partition("\n")[0]
        assert f"{number}.5\t{number}.5".startswith(shown)


def test_a_pdf_of_three_thousand_pages_is_read_as_far_as_time_allows() -> None:
    content = files.pdf([f"{files.PHRASE} {number}" * 20 for number in range(3000)])
    result = extract_text(io.BytesIO(content), "pdf", limits=Limits(cpu_seconds=1))
    assert (result.pages, result.truncated) == (3000, True)
    assert 0 < len(result.passages) < 3000
    assert "the reader stopped because its time was over" in result.warnings


def test_children_come_out_of_the_sandbox_byte_for_byte() -> None:
    attached = files.noise(MIB)
    inner = files.eml(attachments=(("资料.bin", attached),))
    outer = files.zip_of({"邮件/来函.eml": inner, "表.xlsx": files.xlsx()})
    (mail, table) = extract_text(io.BytesIO(outer), "zip").children
    assert (mail.name, mail.size_bytes, table.refused) == ("邮件/来函.eml", len(inner), None)
    assert extract_child(io.BytesIO(outer), "zip", 1) == inner
    assert extract_child(io.BytesIO(inner), "eml", 1) == attached


@pytest.mark.parametrize(
    ("content", "code", "number", "verdict"),
    [
        (files.zip_bomb(), "zip", 1, "too_large"),
        (files.zip_with_flags(1), "zip", 1, "encrypted"),
        (files.zip_of({"a": b"1"}), "zip", 2, "unsupported"),
        (files.truncated(files.zip_of({"a": b"1" * 99})), "zip", 1, "unreadable"),
        (files.plain_text(), "txt", 1, "unsupported"),
        (files.noise(), "nonsense", 1, "unsupported"),
        (files.eml(attachments=(("a", bytes(2 * MIB)),)), "eml", 1, "too_large"),
    ],
)
def test_what_is_not_taken_out_is_one_error(content: bytes, code: str, number: int, verdict: str) -> None:
    with pytest.raises(ReadingError) as caught:
        extract_child(io.BytesIO(content), code, number, limits=Limits(output_bytes=MIB))
    assert caught.value.code == verdict


def test_what_is_protected_by_a_password_says_so() -> None:
    for content, code in (
        (files.ole_container("EncryptedPackage"), "office-encrypted"),
        (files.pdf(password="x"), "pdf"),
    ):
        assert identify(content).code == code
        assert _text_or_code(content, code) == "encrypted"


def test_long_text_is_cut_and_says_so() -> None:
    tight = Limits(input_bytes=MIB, output_bytes=MIB // 2)
    result = extract_text(io.BytesIO(files.PHRASE.encode() * 100_000), "txt", limits=tight)
    assert result.truncated
    assert len(result.text.encode()) <= MIB // 2
    with pytest.raises(ReadingError) as caught:
        extract_text(io.BytesIO(files.noise(2 * MIB)), "pdf", limits=tight)
    assert caught.value.code == "too_large"


def test_damaged_files_end_in_text_or_one_error() -> None:
    chance = random.Random(11)
    for code in ("docx", "xlsx", "pptx", "pdf", "eml", "html"):
        for _ in range(5):
            content = bytearray(READABLE[code])
            for _ in range(chance.randint(1, 30)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            _text_or_code(bytes(content), code)


def test_a_liar_gets_one_error() -> None:
    """A kind that the content is not, as after a mistake of the caller."""
    for code in ("docx", "xlsx", "pptx", "pdf"):
        assert _text_or_code(files.image("PNG"), code) == "unreadable"
    for code, kind in KINDS.items():
        if kind.page_images:
            assert _page_or_code(files.noise(), code) == "unreadable"


def test_pages_of_a_pdf() -> None:
    content = files.pdf(("一", "二", "三"))
    for index in range(3):
        image = render_page(io.BytesIO(content), "pdf", index, width_px=500)
        assert (image.media_type, image.width, image.page_count) == ("image/webp", 500, 3)
        with Image.open(io.BytesIO(image.content)) as opened:
            assert (opened.format, opened.size) == ("WEBP", (500, image.height))
            assert min(opened.convert("L").tobytes()) < 200  # something is drawn on it
    for index in (-1, 3, 10**9):
        assert _page_or_code(content, "pdf", index) == "unsupported"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_pictures_are_shrunk_never_enlarged(form: str) -> None:
    code = form.lower()
    shrunk = render_page(io.BytesIO(files.image(form, (600, 300))), code, 0, width_px=200)
    assert (shrunk.width, shrunk.height, shrunk.page_count) == (200, 100, 1)
    same = render_page(io.BytesIO(files.image(form, (60, 30))), code, 0, width_px=200)
    assert (same.width, same.height) == (60, 30)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_are_upright(form: str) -> None:
    image = render_page(io.BytesIO(files.image(form, (80, 40), orientation=6)), form.lower(), 0, width_px=200)
    assert (image.width, image.height) == (40, 80)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_every_colour_mode_becomes_a_page(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (40, 30)).save(buffer, "PNG" if mode in {"LA", "P", "RGBA"} else "TIFF")
    kind = identify(buffer.getvalue())
    image = render_page(io.BytesIO(buffer.getvalue()), kind.code, 0, width_px=100)
    with Image.open(io.BytesIO(image.content)) as opened:
        if mode in {"LA", "RGBA"}:  # wholly transparent: white
            assert min(opened.convert("L").tobytes()) > 250


def test_pages_of_a_tiff() -> None:
    buffer = io.BytesIO()
    Image.new("L", (50, 40)).save(buffer, "TIFF", save_all=True, append_images=[Image.new("L", (30, 60))])
    second = render_page(io.BytesIO(buffer.getvalue()), "tiff", 1, width_px=100)
    assert (second.width, second.height, second.page_count) == (30, 60, 2)


def test_a_width_out_of_range_is_the_callers_mistake() -> None:
    for width_px in (0, -1, 5000):
        with pytest.raises(ValueError, match="width_px"):
            render_page(io.BytesIO(files.pdf()), "pdf", 0, width_px=width_px)


def test_the_caller_loads_no_reader() -> None:
    code = (
        "import io, sys\nfrom search.reading import extract_text, render_page\n"
        "extract_text(io.BytesIO(b'text'), 'txt')\n"
        "heavy = {'kreuzberg', 'PIL', 'pypdfium2', 'email.parser', 'magic', 'xml.parsers.expat'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(search.__file__).parent.parent, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


def _text_or_code(content: bytes, code: str) -> str:
    try:
        return extract_text(io.BytesIO(content), code).text
    except ReadingError as error:
        return error.code


def _page_or_code(content: bytes, code: str, page_index: int = 0) -> str:
    try:
        return "image" if render_page(io.BytesIO(content), code, page_index, width_px=300).content else "nothing"
    except ReadingError as error:
        return error.code
