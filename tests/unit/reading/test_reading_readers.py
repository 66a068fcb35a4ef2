"""The readers on bytes in memory, without the sandbox around them."""

from __future__ import annotations

import importlib
import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reading import KINDS, READERS_NOW
from search.reading.markup import words_of
from search.reading.model import ReadingError
from search.reading.passages import clean
from search.reading.pdf import joined_lines
from search.reading.readers import READERS
from tests import files
from tests.reading_here import child_in_process, read_in_process

LIMIT = 10**6
SPECIAL = 'R&D <0.5> "研发&设计" &amp; 5 > 3'


def text_of(content: bytes, kind_code: str, limit_bytes: int = LIMIT) -> str:
    return read_in_process(content, kind_code, limit_bytes).text


def test_every_readable_kind_has_a_reader_with_a_version() -> None:
    readable = {code for code, kind in KINDS.items() if kind.text_readable}
    assert readable == set(READERS_NOW) == set(READERS)
    for code, reader in READERS.items():
        assert re.fullmatch(r"[a-z]+/[1-9]\d*", READERS_NOW[code])
        module = importlib.import_module(reader.module)
        assert callable(module.read)
        assert callable(getattr(module, "take", None)) or not KINDS[code].children
    assert readable >= {code for code, kind in KINDS.items() if kind.children}


@pytest.mark.parametrize(
    ("kind_code", "content"),
    [
        ("docx", files.docx((SPECIAL,))),
        ("xlsx", files.xlsx({"S": ((SPECIAL,),)})),
        ("pptx", files.pptx((SPECIAL,))),
        ("pdf", files.pdf((SPECIAL,))),
        ("txt", files.plain_text(SPECIAL)),
        ("eml", files.eml(SPECIAL)),
        ("html", files.html("<p>R&amp;D &lt;0.5&gt; &quot;研发&#x26;设计&quot; &amp;amp; 5 &gt; 3</p>")),
    ],
)
def test_special_characters_survive(kind_code: str, content: bytes) -> None:
    assert SPECIAL in text_of(content, kind_code)


def test_docx_keeps_tables_headers_and_order() -> None:
    text = text_of(files.docx(("第一段", "第二段"), table=(("甲", "乙"), ("1", "2")), header="页眉编号"), "docx")
    assert [line.split() for line in text.splitlines() if line] == [
        ["第一段"],
        ["第二段"],
        ["甲", "乙"],
        ["1", "2"],
        ["页眉编号"],
    ]


def test_docx_leaves_deleted_text_fields_and_doubles_out() -> None:
    body = (
        "<w:p><w:r><w:t>留</w:t></w:r><w:del><w:r><w:delText>删</w:delText></w:r></w:del>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<mc:AlternateContent><mc:Choice><w:t>框</w:t></mc:Choice><mc:Fallback><w:t>框</w:t></mc:Fallback></mc:AlternateContent>"
        "<w:r><w:tab/><w:t>后</w:t><w:br/><w:t>行</w:t></w:r></w:p>"
    )
    assert text_of(_docx_of(body), "docx") == "留框\t后\n行"


def test_docx_with_entities_is_refused() -> None:
    with pytest.raises(ReadingError, match="document type"):
        text_of(files.zip_of({"word/document.xml": files.entity_bomb()}), "docx")


def test_docx_whose_directory_lies_about_the_size_is_unreadable() -> None:
    content = bytearray(_docx_of("<w:p><w:t>" + "a" * 100_000 + "</w:t></w:p>"))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (500).to_bytes(4, "little")
    for kind_code in ("docx", "pptx"):
        with pytest.raises(ReadingError) as caught:
            text_of(bytes(content), kind_code)
        assert caught.value.code == "unreadable"


def test_xlsx_keeps_sheet_names_numbers_and_dates() -> None:
    import datetime as dt

    rows = (("设施", 98765.25, 123456789012, 0.1, dt.date(2026, 3, 2), "0012", True), (None, "后"))
    text = text_of(files.xlsx({"排放汇总": rows, "附表": (("末",),)}), "xlsx")
    for found in ("排放汇总", "附表", "设施", "98765.25", "123456789012", "0.1", "2026-03-02", "0012", "后", "末"):
        assert found in text


def test_pptx_has_no_heading_that_nobody_wrote() -> None:
    for notes in ("备注", "Notes:"):
        words = text_of(files.pptx(("第一页", "第二页"), notes=notes), "pptx").split()
        assert words == ["第一页", notes, "第二页", notes]


def test_pptx_keeps_every_slide_and_its_notes() -> None:
    text = text_of(files.pptx(("第一页", "第一页", "third"), notes="备注"), "pptx")
    assert (text.count("第一页"), text.count("third"), text.count("备注")) == (2, 1, 3)


def test_pdf_text_is_whole_and_unspaced() -> None:
    result = read_in_process(files.pdf((files.PHRASE, f"二\n{files.ENGLISH_PHRASE}")), "pdf")
    assert (result.text, result.truncated, result.pages) == (f"{files.PHRASE}\n\n二\n{files.ENGLISH_PHRASE}", False, 2)


def test_scan_is_readable_and_empty() -> None:
    result = read_in_process(files.scanned_pdf(3), "pdf")
    assert (result.pages, result.text, result.blank_pages) == (3, "", (0, 1, 2))


@pytest.mark.parametrize(
    ("page", "joined"),
    [
        ("本报告依据企业核算指南编\r\n制，数据见附件。", "本报告依据企业核算指南编制，数据见附件。\n"),
        ("标题\r\n本报告依据企业核算指南编制\r\n数据", "标题\n本报告依据企业核算指南编制数据\n"),
        ("核 查 报 告\r\n二〇二六年的核查报告", "核查报告\n二〇二六年的核查报告\n"),
        ("设施 排放\r\n一号 一百", "设施 排放\n一号 一百\n"),
        ("an English sentence that\r\nis broken", "an English sentence that\nis broken\n"),
        ("emis\x02\r\nsion", "emission\n"),
        ("", "\n"),
    ],
)
def test_pdf_lines(page: str, joined: str) -> None:
    assert joined_lines(page) == joined


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gb18030", "utf-16"])
def test_html_is_read_in_its_encoding_without_script(charset: str) -> None:
    page = (
        f"<p>{files.PHRASE}</p><SCRIPT>scriptword</SCRIPT><style>styleword</style><p>a<b>b</b>c</p><td>x</td><td>y</td>"
    )
    text = text_of(files.html(page, charset=charset), "html")
    assert files.PHRASE in text
    assert "abc" in text
    assert "x\ty" in text
    assert "scriptword" not in text
    assert "styleword" not in text


def test_xml_shows_words_and_expands_no_entity() -> None:
    assert text_of(files.svg(script=True), "svg") == files.PHRASE
    assert len(text_of(files.entity_bomb(), "xml")) < 20
    assert words_of("<script>never closed", 99) == ("", False)


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gb18030"])
@pytest.mark.parametrize("html_only", [False, True])
def test_mail(charset: str, html_only: bool) -> None:
    text = text_of(
        files.eml(charset=charset, html_only=html_only, attachments=(("核查报告（终稿）.pdf", b"x"), ("b.zip", b"y"))),
        "eml",
    )
    for found in (
        "Subject: 关于补充核查材料的函",
        "From: 张三 <zhang@",
        "To: 李四",
        "2026",
        files.PHRASE,
        "[核查报告（终稿）.pdf]",
        "[b.zip]",
    ):
        assert found in text
    assert "scriptword" not in text


def test_mail_as_chinese_programs_write_it() -> None:
    import base64

    name = base64.b64encode("附件一.xls".encode("gb2312")).decode()
    raw = (
        b"From: =?gb2312?B?" + base64.b64encode("王五".encode("gb2312")) + b"?= <w@example.invalid>\r\n"
        b"Subject: " + "原始国标编码的主题文字".encode("gb18030") + b"\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
        b"--c\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "正文是国标编码，声明却不是。".encode("gb18030")
        + b"\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>twice</p>\r\n--c--\r\n"
        b'--b\r\nContent-Type: application/octet-stream; name="=?gb2312?B?' + name.encode() + b'?="\r\n\r\nx\r\n'
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: i@example.invalid\r\n\r\n"
        b"forwarded words\r\n--b--\r\n"
    )
    text = text_of(raw, "eml")
    for found in (
        "From: 王五 <w@",
        "原始国标编码的主题文字",
        "正文是国标编码，声明却不是。",
        "[附件一.xls]",
        "[inner.eml]",
    ):
        assert found in text
    assert "twice" not in text
    forwarded = text_of(child_in_process(raw, "eml", 2), "eml")
    assert forwarded == "Subject: inner\nFrom: i@example.invalid\n\nforwarded words"


@given(st.binary(max_size=400))
def test_mail_never_raises_on_noise(noise: bytes) -> None:
    head = (
        b"From: a\r\nSubject: =?utf-8?B?"
        + noise[:40].replace(b"\n", b"")
        + b"?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
    )
    read_in_process(head + noise, "eml")


@given(st.text())
def test_cleaning_is_stable_and_always_utf8(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    cleaned.encode()


def test_clean() -> None:
    assert clean("a\r\nb\rc\x00\x07d \t\n\n\n\n\nе\ud800\x0cf") == "a\nb\ncd\n\nе\nf"


@pytest.mark.parametrize("limit_bytes", [0, 1, 2, 3, 10, 50])
@pytest.mark.parametrize("kind_code", ["txt", "docx", "html", "pdf", "eml", "xlsx"])
def test_text_is_cut_between_characters_and_says_so(kind_code: str, limit_bytes: int) -> None:
    text = "碳" * 100
    content = {
        "txt": files.plain_text(text), "docx": files.docx((text,)), "html": files.html(text),
        "pdf": files.pdf(("碳" * 30,)), "eml": files.eml(text), "xlsx": files.xlsx({"S": ((text,),)}),
    }[kind_code]  # fmt: skip
    result = read_in_process(content, kind_code, limit_bytes)
    assert len(result.text.encode()) <= limit_bytes
    assert result.truncated
    assert "\ufffd" not in result.text


def _docx_of(body: str) -> bytes:
    xml = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        f'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>{body}</w:body></w:document>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", xml)
    return buffer.getvalue()
