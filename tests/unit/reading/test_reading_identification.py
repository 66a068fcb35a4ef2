"""What a file is: by its content, whatever its name claims."""

from __future__ import annotations

import io
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.reading import HEAD_BYTES, KINDS, TAIL_BYTES, identify
from tests import files

HONEST = {
    "txt": files.plain_text(),
    "csv": files.csv_table(),
    "md": files.markdown(),
    "json": b'{"a": [1, 2], "b": "\xe7\xa2\xb3"}',
    "html": files.html(),
    "svg": files.svg(),
    "xml": files.entity_bomb(),
    "eml": files.eml(),
    "pdf": files.pdf(),
    "docx": files.docx(),
    "xlsx": files.xlsx(),
    "pptx": files.pptx(),
    "ofd": files.ofd(),
    "zip": files.zip_of({"a.txt": b"a", "b/c.txt": b"c"}),
    "doc": files.ole_container("WordDocument"),
    "xls": files.ole_container("Workbook"),
    "ppt": files.ole_container("PowerPoint Document"),
    "office-encrypted": files.ole_container("EncryptedPackage"),
    "ole": files.ole_container("Something"),
    "png": files.image("PNG"),
    "jpeg": files.image("JPEG"),
    "gif": files.image("GIF"),
    "webp": files.image("WEBP"),
    "bmp": files.image("BMP"),
    "tiff": files.image("TIFF"),
    "p7m": files.signed_data(),
    "tsr": files.timestamp_reply(),
    "rtf": b"{\\rtf1\\ansi text}",
    "unknown": files.noise(),
}


@pytest.mark.parametrize("code", HONEST)
def test_each_kind_is_known_by_its_content(code: str) -> None:
    assert identify(HONEST[code], name=f"file.{code}").code == code


@pytest.mark.parametrize("code", sorted(HONEST.keys() - {"csv", "md"}))
@pytest.mark.parametrize(
    "name", ["", "invoice.pdf", "photo.JPG", "page.html", "letter.docx", "list.exe", "../../etc/passwd"]
)
def test_a_lying_name_changes_nothing(code: str, name: str) -> None:
    assert identify(HONEST[code], name=name).code == code


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (files.ole_container("WordDocument"), "报告.wps", "wps"),
        (files.ole_container("Workbook"), "表.ET", "et"),
        (files.ole_container("PowerPoint Document"), "演示.dps", "dps"),
        (files.ole_container("Workbook"), "表.wps", "xls"),
        (files.docx(), "报告.wps", "docx"),
        (files.plain_text(), "README.Markdown", "md"),
        (files.csv_table(encoding="gb18030"), "数据.csv", "csv"),
        (files.html(), "data.csv", "html"),
        (files.signed_data(chinese=True), "sealed.bin", "p7m"),
        (b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", "", "p7m"),
        (files.hostile_html(), "harmless.txt", "html"),
        (files.svg(script=True), "logo.png", "svg"),
        (b"<!-- a --><svg onload=alert(1)></svg>", "a.txt", "svg"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "", "svg"),
        (b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"/>', "", "html"),
        (b"From: notes on trade\nnothing else is a header here\n", "", "txt"),
        (b"Subject: only a subject\n\ntext", "", "txt"),
        (files.html(charset="gb2312"), "", "html"),
        ("<html>汉字</html>".encode("utf-16"), "", "html"),
        (b"", "empty.pdf", "unknown"),
        (b"%PDF", "", "txt"),
    ],
)
def test_verdicts(content: bytes, name: str, code: str) -> None:
    assert identify(content, name=name).code == code


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "big5"]
)
def test_text_is_text_in_every_encoding(encoding: str) -> None:
    assert identify(files.plain_text("排放量報告，第三頁。\n" * 5, encoding)).code == "txt"


def test_the_end_of_a_long_archive_decides() -> None:
    members = {
        "word/media/big.bin": files.noise(HEAD_BYTES),
        "[Content_Types].xml": b"<x/>",
        "word/document.xml": b"<x/>",
    }
    long = files.zip_of(members)
    assert identify(long[:HEAD_BYTES], tail=long[-TAIL_BYTES:]).code == "docx"

    def read_at(offset: int, size_bytes: int) -> bytes:
        return long[offset : offset + size_bytes]

    assert identify(long[:HEAD_BYTES], tail=long[-30:], read_at=read_at).code == "docx"


def test_an_archive_that_stores_a_docx_is_an_archive() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("letter.docx", files.docx())
    content = buffer.getvalue()
    assert identify(content).code == "zip"
    assert identify(content[:4000], tail=b"").code == "zip"


def test_an_archive_written_to_a_pipe_is_read_from_its_beginning() -> None:
    class Pipe(io.RawIOBase):  # without seek, sizes come after each member
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.written += bytes(piece)  # type: ignore[call-overload]
            return len(bytes(piece))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>" * 500)
        archive.writestr("xl/workbook.xml", "<x/>" * 500)
        archive.writestr("xl/media/a.bin", files.noise(9000))
    assert identify(bytes(pipe.written[:3000])).code == "xlsx"


def test_no_active_kind_is_shown_inline_and_every_reader_is_announced() -> None:
    from search.reading.readers import READERS

    assert {code for code, kind in KINDS.items() if kind.text_readable} == READERS.keys()
    assert all(KINDS[code].hostile_inline for code in ("html", "svg", "xml", "eml", "unknown"))
    assert not any(kind.page_images and kind.hostile_inline for kind in KINDS.values())


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"\x30\x82", b"<"]),
)
def test_no_content_raises(noise: bytes, beginning: bytes) -> None:
    assert identify(beginning + noise, tail=noise + b"PK\x05\x06" + noise).code in KINDS


@pytest.mark.parametrize("code", sorted(HONEST))
def test_cut_anywhere_nothing_raises(code: str) -> None:
    content = HONEST[code]
    for length in range(0, min(len(content), 2000), 61):
        assert identify(content[:length], tail=content[length:][-300:]).code in KINDS


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!---->" * 30_000, b"<!-- -->" * 30_000 + b"<", b"<?a?>" * 40_000,
        b"a: b\n" * 50_000, b"a:\n " * 60_000, b"<!doctype " * 25_000,
    ],
)  # fmt: skip
def test_no_pattern_backtracks_for_long(hostile: bytes) -> None:
    started = time.perf_counter()
    identify(hostile)
    assert time.perf_counter() - started < 1.0
