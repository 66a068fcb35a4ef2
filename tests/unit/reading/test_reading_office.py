"""The readers of the older and the national office formats, on generated files and without the sandbox around them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reading.compound import Compound
from search.reading.compound_writing import written_compound
from search.reading.identification import HEAD_BYTES, TAIL_BYTES, identify
from search.reading.model import ReadingError
from tests import bombs, files, office_files, package_files
from tests.office_files import FOOTER, HEADER, NOTE, REMARK
from tests.reading_here import child_in_process, places_and_texts, read_in_process

PHRASE, ENGLISH = files.PHRASE, files.ENGLISH_PHRASE
MADE: dict[str, Callable[..., bytes]] = {
    "doc": office_files.doc, "wps": office_files.doc, "xls": office_files.xls, "et": office_files.xls,
    "ppt": office_files.ppt, "dps": office_files.ppt, "rtf": office_files.rtf, "msg": office_files.msg,
    "odt": package_files.odt, "ods": package_files.ods, "odp": package_files.odp, "ofd": package_files.ofd,
}  # fmt: skip
WITH_PASSWORD = ("doc", "wps", "xls", "et", "ppt", "dps", "odt", "ods", "odp", "ofd")


def read(content: bytes, kind_code: str) -> list[tuple[str, str]]:
    result = read_in_process(content, kind_code, 10**6)
    assert (result.truncated, result.warnings) == (False, ())
    return places_and_texts(result)


@pytest.mark.parametrize("kind_code", MADE)
def test_every_format_is_identified(kind_code: str) -> None:
    assert identify(MADE[kind_code](), name=f"x.{kind_code}").code == kind_code


@pytest.mark.parametrize("kind_code", WITH_PASSWORD)
def test_a_password_is_said(kind_code: str) -> None:
    content = MADE[kind_code](encrypted=True)
    assert identify(content, name=f"x.{kind_code}").code == kind_code
    with pytest.raises(ReadingError) as caught:
        read_in_process(content, kind_code, 10**6)
    assert caught.value.code == "encrypted"


def test_a_document() -> None:
    assert read(office_files.doc(), "doc") == [
        ("paragraph:1", PHRASE),
        ("paragraph:2", ENGLISH),
        ("header", HEADER),
        ("footer", FOOTER),
        ("footnote:1", NOTE),
        ("comment:1", REMARK),
    ]


def test_fields_and_tables_of_a_document() -> None:
    linked = "见\x13 HYPERLINK hiddenword \x14链接\x13 PAGE \x14三\x15\x15处"
    found = read(office_files.doc((linked, "甲\x07乙\x07\x07丙\x07丁\x07", "a\x1eb\x1fc\x0b下\U00020bb7")), "doc")
    assert found[:4] == [
        ("paragraph:1", "见链接三处"),
        ("paragraph:2", "甲\t乙"),
        ("paragraph:3", "丙\t丁"),
        ("paragraph:4", "a-bc\n下\U00020bb7"),
    ]
    open_field = read(office_files.doc(("前\x13 PAGE", "后")), "doc")
    assert [words for _, words in open_field[:2]] == ["前 PAGE", "后"]


@pytest.mark.parametrize(
    ("codec", "words", "warned"), [("gbk", PHRASE, True), ("cp1252", "café", False)], ids=["GBK", "Windows-1252"]
)
def test_pieces_of_one_byte_characters(codec: str, words: str, warned: bool) -> None:
    result = read_in_process(office_files.doc(narrow=codec), "doc", 10**6)
    assert places_and_texts(result)[:3] == [("paragraph:1", words), ("paragraph:2", PHRASE), ("paragraph:3", ENGLISH)]
    assert ("footnote:1", NOTE) in places_and_texts(result)  # what follows is still in its place
    assert bool(result.warnings) == warned


def test_a_document_of_word_95() -> None:
    result = read_in_process(office_files.doc_of_word_95(), "doc", 10**6)
    assert places_and_texts(result) == [("paragraph:1", PHRASE), ("paragraph:2", PHRASE)]
    assert result.warnings


def test_a_workbook() -> None:
    assert read(office_files.xls({"表!一": (("设施", "量"), (), ("", PHRASE, 0.5, 12))}), "xls") == [
        ("sheet:表!一", "表!一"),
        ("row:表!一!1", "设施\t量"),
        ("row:表!一!3", f"\t{PHRASE}\t0.5\t12"),
        ("header", HEADER),
        ("footer", FOOTER),
        ("sheet:表!一", REMARK),
    ]


def test_a_sheet_that_begins_further_in_keeps_its_places() -> None:
    found = read(office_files.xls({"S": ((), (), ("", "", "丙三"))}, header="", footer="", comment=""), "xls")
    assert found[1:] == [("row:S!3", "\t\t丙三")]


def test_a_presentation() -> None:
    result = read_in_process(office_files.ppt(), "ppt", 10**6)
    assert result.pages == 2
    assert places_and_texts(result) == [
        ("slide:1", f"标题1\n{PHRASE}"),
        ("notes:1", "演讲者备注内容"),
        ("slide:2", f"标题2\n{ENGLISH}"),
        ("footer", FOOTER),
        ("comment:1", REMARK),
    ]


def test_a_presentation_that_was_saved_again() -> None:
    found = read(office_files.ppt(saved_again="改过的"), "ppt")
    assert found[0] == ("slide:1", "标题1\n改过的")
    assert PHRASE not in str(found)


def test_rich_text() -> None:
    assert read(office_files.rtf(), "rtf") == [
        ("paragraph:1", PHRASE),
        ("paragraph:2", ENGLISH),
        ("header", HEADER),
        ("footnote:1", NOTE),
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (rb"{\rtf1\ansicpg936 \'d6\'d0\'ce\'c4}", "中文"),
        (rb"{\rtf1\ansicpg1252{\fonttbl{\f0\fcharset134 x;}{\f1\fcharset0 y;}}\f0\'d6\'d0\f1\'e9}", "中é"),
        (b"{\\rtf1\\u20013\\'d6\\u25991\\'d0 \\u-10179?\n\\u-8486?}", "中文 \U0001f6da"),
        (rb"{\rtf1\uc0\u20013?\u25991?}", "中?文?"),
        (rb"{\rtf1\ansicpg936\uc2\u20013?\'d6\'d0\u25991??\'ce\'c4}", "中\ufffd文文"),
        (rb"{\rtf1\uc2\u20013\'d6\'d0a}", "中a"),
        (rb"{\rtf1\uc1\u-10179?\u-8486?}", "\U0001f6da"),
        (rb"{\rtf1\ansicpg936{\upr{\'d6\'d0}{\*\ud{\u25991?}}}}", "文"),
        (rb"{\rtf1 a\~b\_c\-d\{e\}\\f}", "a b-cd{e}\\f"),
        (rb"{\rtf1 {\pict\bin6 }}}}}}x}after}", "after"),
        (rb"{\rtf1 kept{\deleted gone}{\*\unknown gone}{\object{\*\objdata 00}{\result kept}}}", "keptkept"),
        (rb"{\rtf1 {\shp{\*\shpinst{\sp{\sn a}{\sv gone}}{\shptxt in the box\par}}}}", "in the box"),
        (b"{\\rtf1\\ansicpg936 \\'81\\'5c\\'81\\\\}", "\u4e57\u4e57"),
        (b"{\\rtf1 {\\cell}\xd6\xd0}", "ÖÐ"),
    ],
)
def test_pieces_of_rich_text(source: bytes, words: str) -> None:
    assert read_in_process(source, "rtf", 10**6).text == words


def test_damaged_rich_text() -> None:
    cut = read_in_process(office_files.rtf()[:-30], "rtf", 10**6)
    assert PHRASE in cut.text
    assert cut.warnings
    for content in (b"{\\rtx", b"", b"{" * 10):
        with pytest.raises(ReadingError):
            read_in_process(content, "rtf", 10**6)
    with pytest.raises(ReadingError):
        read_in_process(b"{\\rtf1" + b"{" * 100_000, "rtf", 10**6)


def test_a_message() -> None:
    result = read_in_process(office_files.msg(inner="里面的信"), "msg", 10**6)
    assert places_and_texts(result) == [
        (
            "mail",
            "Subject: 关于补充核查材料的函\nFrom: 张三 <zhang@example.invalid>\n"  # noqa: ISC004  one text on two lines
            "To: 李四; 王五\nCc: 赵六\nDate: 2026-03-02 13:30:00 UTC",
        ),
        ("body", PHRASE),
        ("mail", "[排放数据.csv]\n[里面的信.msg]"),
    ]
    assert [(child.name, child.size_bytes) for child in result.children] == [
        ("排放数据.csv", 10),
        ("里面的信.msg", None),
    ]


@pytest.mark.parametrize("body", ["plain", "html", "rtf"])
@pytest.mark.parametrize(("code_page", "text"), [(0, PHRASE), (936, PHRASE), (950, "溫室氣體報告")])
def test_bodies_of_messages(body: str, code_page: int, text: str) -> None:
    found = read(office_files.msg(text, body=body, code_page=code_page), "msg")
    assert text in [words for _, words in found]


def test_names_of_attachments_are_in_the_code_page_of_the_message() -> None:
    result = read_in_process(office_files.msg(attachments=(("отчёт.pdf", b"x"),), code_page=1251), "msg", 10**6)
    assert [child.name for child in result.children] == ["отчёт.pdf"]


def test_attachments_of_a_message_are_files_of_their_own() -> None:
    large = files.noise(100_000)
    content = office_files.msg(attachments=(("a.bin", large), ("空.txt", b"")), inner="里面的信")
    assert child_in_process(content, "msg", 1, 10**6) == large
    assert child_in_process(content, "msg", 2, 10**6) == b""
    inner = child_in_process(content, "msg", 3, 10**6)
    assert identify(inner).code == "msg"
    assert dict(read(inner, "msg"))["body"] == f"{PHRASE}（转发）"
    headers = read(inner, "msg")[0][1]
    assert headers.startswith("Subject: 里面的信\n")
    assert headers.endswith("Date: 2026-03-02 13:30:00 UTC")
    for number in (0, 4):
        with pytest.raises(ReadingError) as caught:
            child_in_process(content, "msg", number, 10**6)
        assert caught.value.code == "unsupported"


def test_open_document_text() -> None:
    assert read(package_files.odt(), "odt") == [
        ("paragraph:1", PHRASE),
        ("paragraph:2", ENGLISH),
        ("paragraph:3", "一  二"),
        ("paragraph:4", "甲 乙\t丙"),
        ("paragraph:5", "框前框后"),
        ("header", HEADER),
        ("footer", FOOTER),
        ("footnote:1", NOTE),
        ("comment:1", REMARK),
        ("body", "文本框里的话"),
    ]


def test_open_document_spreadsheet() -> None:
    assert read(package_files.ods(), "ods")[:4] == [
        ("sheet:排放汇总", "排放汇总"),
        ("row:排放汇总!1", "\t设施\t排放量"),
        ("row:排放汇总!4", f"\t{PHRASE}\t98765.25"),
        ("row:排放汇总!5", f"\t{ENGLISH}\t42"),
    ]


def test_open_document_presentation() -> None:
    result = read_in_process(package_files.odp(), "odp", 10**6)
    assert result.pages == 2
    assert places_and_texts(result)[:4] == [
        ("slide:1", PHRASE),
        ("notes:1", "演讲者备注内容"),
        ("slide:2", ENGLISH),
        ("notes:2", "演讲者备注内容"),
    ]


def test_pages_of_the_national_format() -> None:
    result = read_in_process(package_files.ofd(), "ofd", 10**6)
    assert result.pages == 2
    assert places_and_texts(result) == [
        ("body", "盖章版"),
        ("page:1", f"{HEADER}\n{PHRASE}\n{ENGLISH}\n{REMARK}"),
        ("page:2", f"{HEADER}\n第二页"),
        ("body", "[Seal 青山签章 1.2.156.10197.1.501 20260302093000Z]"),
    ]
    assert [(child.name, child.size_bytes) for child in result.children] == [("排放数据.csv", 10)]
    assert child_in_process(package_files.ofd(), "ofd", 1, 100) == b"a,b\r\n1,2\r\n"


def test_a_missing_page_is_said_and_the_others_are_read() -> None:
    whole = zipfile.ZipFile(io.BytesIO(package_files.ofd()))
    parts = {name: whole.read(name) for name in whole.namelist() if name != "Doc_0/Pages/P1/Content.xml"}
    result = read_in_process(package_files.package(parts), "ofd", 10**6)
    assert result.warnings == ("1 of 2 pages could not be read",)
    assert dict(places_and_texts(result))["page:2"] == f"{HEADER}\n第二页"


def test_an_attachment_that_is_named_and_absent() -> None:
    whole = zipfile.ZipFile(io.BytesIO(package_files.ofd()))
    content = package_files.package({name: whole.read(name) for name in whole.namelist() if not name.endswith(".bin")})
    assert [child.refused for child in read_in_process(content, "ofd", 10**6).children] == ["unreadable"]
    with pytest.raises(ReadingError) as caught:
        child_in_process(content, "ofd", 1, 100)
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("kind_code", MADE)
def test_a_low_limit_cuts_and_says_so(kind_code: str) -> None:
    result = read_in_process(MADE[kind_code](), kind_code, 40)
    assert result.truncated
    assert 0 < len(result.text.encode()) <= 40


def test_pieces_that_name_the_same_bytes_do_not_multiply() -> None:
    """A hostile piece table could make gigabytes of a small document."""
    count = 5000
    positions = struct.pack(f"<{count + 1}I", *(100_000 * n for n in range(count + 1)))
    plc = positions + struct.pack("<HIH", 0, 1024, 0) * count
    table = bytes(16) + b"\x02" + struct.pack("<I", len(plc)) + plc
    main = bytearray(200_000)
    struct.pack_into("<HHHHHH", main, 0, 0xA5EC, 0xC1, 0, 0x0409, 0, 0x0200)
    struct.pack_into("<II", main, 154 + 8 * 33, 16, len(table) - 16)
    content = written_compound({("WordDocument",): bytes(main), ("1Table",): table})
    with pytest.raises(ReadingError) as caught:
        read_in_process(content, "doc", 10**6)
    assert caught.value.code == "unreadable"


_NAMES = st.text("abcXYZ_#01", min_size=1, max_size=8)


@given(st.dictionaries(_NAMES, st.binary(max_size=9000), min_size=1, max_size=20), st.integers(0, 3))
def test_compound_files_come_back_as_they_were_written(streams: dict[str, bytes], depth: int) -> None:
    folders = tuple(f"storage {n}" for n in range(depth))
    unique = {name.upper(): (name, content) for name, content in streams.items()}.values()
    written = {(*folders, name): content for name, content in unique}
    compound = Compound(written_compound(written))
    assert {path: compound.stream(*path) for path in compound.paths()} == written


def test_a_large_compound_file() -> None:
    """So large that the header cannot hold the list of its tables."""
    content = files.noise(8_000_000)
    assert Compound(written_compound({("a",): content, ("b",): b"x"})).stream("A") == content


def test_contradictory_names_are_refused() -> None:
    too_long: Mapping[tuple[str, ...], bytes] = {("a" * 32,): b""}
    for streams in (too_long, {("a",): b"", ("a", "b"): b""}):
        with pytest.raises(ValueError, match="names"):
            written_compound(streams)


def test_a_message_whose_directory_is_out_of_sight() -> None:
    """Between the beginning and the end that an upload keeps: then the name decides, and only among these kinds."""
    content = office_files.msg(attachments=tuple((f"{number}.bin", files.noise(6000)) for number in range(300)))
    head, tail = content[:HEAD_BYTES], content[-TAIL_BYTES:]
    assert [identify(head, tail=tail, name=f"x.{ending}").code for ending in ("msg", "docx", "")] == [
        "msg",
        "ole",
        "ole",
    ]
    assert read_in_process(content, "msg", 10**6).children[299].name == "299.bin"


def test_a_workbook_with_cells_at_its_far_corners() -> None:
    with pytest.raises(ReadingError) as caught:
        read_in_process(bombs.sparse_workbook(), "xls", 10**6)
    assert caught.value.code == "too_large"


def test_repeated_cells_stop_at_the_limit() -> None:
    result = read_in_process(bombs.repeating_table(), "ods", 10**5)
    assert result.truncated
    assert 10**5 - 100 < len(result.text) <= 10**5


def test_a_tag_without_end_is_refused_at_once() -> None:
    """Expat would read it again with every piece that comes."""
    long_tag = bombs.rewritten(package_files.ods(), {"content.xml": b'<a b="' + b"x" * 40_000_000})
    with pytest.raises(ReadingError) as caught:
        read_in_process(long_tag, "ods", 10**6)
    assert caught.value.code == "too_large"


def test_many_attachments_are_listed_up_to_the_limit() -> None:
    result = read_in_process(bombs.message_of_many(2500), "msg", 10**6)
    assert len(result.children) == 2000
    assert result.truncated
    assert result.warnings
