"""Files inside of files: what is listed, what comes out, what is refused and why."""

from __future__ import annotations

import base64
import gzip
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reading.compound_writing import written_compound
from search.reading.model import ReadingError
from tests import files
from tests.reading_here import child_in_process, read_in_process


def listed(content: bytes, kind_code: str) -> list[tuple[str, int | None, str | None]]:
    children = read_in_process(content, kind_code).children
    assert [child.number for child in children] == list(range(1, len(children) + 1))
    return [(child.name, child.size_bytes, child.refused) for child in children]


def refusal(content: bytes, kind_code: str, number: int, limit_bytes: int = 10**6) -> str:
    with pytest.raises(ReadingError) as caught:
        child_in_process(content, kind_code, number, limit_bytes)
    return caught.value.code


# --- mail ------------------------------------------------------------------------------------------------------------


def test_attachments_come_out_as_they_went_in() -> None:
    attachments = (("核查报告（终稿）.pdf", files.pdf()), ("b.zip", files.zip_of({"a": b"1"})), ("空.txt", b""))
    mail = files.eml(attachments=attachments)
    assert listed(mail, "eml") == [(name, len(content), None) for name, content in attachments]
    for number, (_, content) in enumerate(attachments, 1):
        assert child_in_process(mail, "eml", number) == content
    assert {refusal(mail, "eml", number) for number in (0, -1, 4)} == {"unsupported"}


def _mail_of(*parts: bytes) -> bytes:
    head = b'From: a@example.invalid\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def _encoded_word(text: str, charset: str) -> bytes:
    return b"=?" + charset.encode() + b"?B?" + base64.b64encode(text.encode(charset)) + b"?="


@pytest.mark.parametrize(
    "header",
    [
        b'Content-Disposition: attachment; filename="' + "排放数据核算表.xls".encode("gb18030") + b'"',
        b'Content-Disposition: attachment; filename="' + _encoded_word("排放数据核算表.xls", "gb2312") + b'"',
        b'Content-Disposition: attachment; filename="' + _encoded_word("排放数据核算表.xls", "utf-8") + b'"',
        b"Content-Disposition: attachment; filename*=utf-8''"
        + "".join(f"%{byte:02X}" for byte in "排放数据核算表.xls".encode()).encode(),
        b"Content-Disposition:x;filename*0*=gb18030''%C5%C5%B7%C5%CA%FD%BE%DD;filename*1*=%BA%CB%CB%E3%B1%ED.xls",
        b'Content-Type: application/octet-stream;\r\n name="' + "排放数据核算表.xls".encode() + b'"',
    ],
)
def test_names_of_attachments_in_every_spelling(header: bytes) -> None:
    assert listed(_mail_of(header + b"\r\n\r\ncontent"), "eml") == [("排放数据核算表.xls", 7, None)]


def test_a_name_whose_words_divide_a_character() -> None:
    raw = "关于补充核查材料的函".encode("gb18030")
    words = [b"=?gb18030?B?" + base64.b64encode(piece) + b"?=" for piece in (raw[:7], raw[7:])]
    header = b'Content-Disposition: attachment; filename="' + b"\r\n ".join(words) + b'.pdf"'
    assert listed(_mail_of(header + b"\r\n\r\nx"), "eml") == [("关于补充核查材料的函.pdf", 1, None)]


def test_forwarded_mails_and_pictures_in_the_body_are_children() -> None:
    inner = files.eml("里面的正文", subject="里面的主题", attachments=(("里.csv", b"1,2"),))
    picture = base64.b64encode(files.image())
    mail = _mail_of(
        b"Content-Type: message/rfc822\r\n\r\n" + inner,
        b"Content-Type: image/png\r\nContent-ID: <1>\r\nContent-Transfer-Encoding: base64\r\n\r\n" + picture,
    )
    assert [name for name, _, _ in listed(mail, "eml")] == ["里面的主题.eml", "2.png"]
    forwarded = child_in_process(mail, "eml", 1)
    assert "里面的正文" in read_in_process(forwarded, "eml").text
    assert child_in_process(forwarded, "eml", 1) == b"1,2"
    assert child_in_process(mail, "eml", 2) == files.image()
    assert "里面的正文" not in read_in_process(mail, "eml").text


def test_html_is_the_body_where_the_plain_one_is_empty() -> None:
    alternative = (
        b'Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\n \r\n'
        b"--c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" + files.PHRASE.encode() + b"</p>\r\n--c--"
    )
    assert files.PHRASE in read_in_process(_mail_of(alternative), "eml").text


def test_a_mail_nested_ten_thousand_times_still_shows_its_headers() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(10_000))
    result = read_in_process(b"Subject: deep\r\nFrom: a@example.invalid\r\n" + deep, "eml")
    assert result.text.startswith("Subject: deep")
    assert result.truncated


# --- ZIP -------------------------------------------------------------------------------------------------------------

NAMES = ("核查资料/监测计划 第一版.docx", "核查资料/照片/电表一.jpg", "readme.txt")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_chinese_names_without_a_mark(encoding: str) -> None:
    content = files.zip_with_names(NAMES, encoding)
    result = read_in_process(content, "zip")
    assert [child.name for child in result.children] == list(NAMES)
    assert result.text == "\n".join(NAMES)
    assert child_in_process(content, "zip", 2) == NAMES[1].encode()


def test_traditional_names() -> None:
    names = ("溫室氣體盤查報告書.pdf", "會議紀錄/簽到表.doc")
    assert [name for name, _, _ in listed(files.zip_with_names(names, "big5"), "zip")] == list(names)


def test_marked_names_folders_and_order() -> None:
    content = files.zip_of({"乙/": b"", "乙/二.txt": b"22", "../../etc/passwd": b"1", "C:\\甲.txt": b""})
    assert listed(content, "zip") == [("乙/二.txt", 2, None), ("../../etc/passwd", 1, None), ("C:\\甲.txt", 0, None)]


def test_what_a_zip_refuses() -> None:
    assert listed(files.zip_with_flags(1), "zip") == [("secret.txt", 100, "encrypted")]
    assert refusal(files.zip_with_flags(1), "zip", 1) == "encrypted"
    bomb = files.zip_bomb()
    assert [refused for _, _, refused in listed(bomb, "zip")] == ["too_large", None]
    assert (refusal(bomb, "zip", 1), child_in_process(bomb, "zip", 2)) == ("too_large", files.PHRASE.encode())
    overlapping = files.zip_of_overlapping_members()
    assert {refused for _, _, refused in listed(overlapping, "zip")} == {"too_large"}
    assert refusal(files.zip_of({"a": bytes(2000)}), "zip", 1, 1000) == "too_large"


def test_links_are_never_followed() -> None:
    import zipfile

    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    tar = files.tar_of({"a.txt": b"1"}, links={"link": "/etc/passwd"})
    assert listed(buffer.getvalue(), "zip") == [("link", 11, "unsupported")]
    assert listed(tar, "tar") == [("a.txt", 1, None), ("link", 0, "unsupported")]
    assert (refusal(buffer.getvalue(), "zip", 1), refusal(tar, "tar", 2)) == ("unsupported", "unsupported")


def test_a_directory_that_lies_about_size_or_content_gives_nothing() -> None:
    content = bytearray(files.zip_of({"a.txt": b"a" * 1000 + b"b"}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert refusal(bytes(content), "zip", 1) == "unreadable"


def test_more_members_than_are_taken_out_are_still_named() -> None:
    result = read_in_process(files.zip_of({f"{number}.txt": b"" for number in range(2100)}), "zip")
    assert (len(result.children), result.truncated) == (2000, True)
    assert "2099.txt" in result.text


def test_tar_and_gzip() -> None:
    tar = files.tar_of({"资料/甲.txt": b"1", "乙.txt": b"22"})
    assert listed(tar, "tar") == [("资料/甲.txt", 1, None), ("乙.txt", 2, None)]
    assert child_in_process(tar, "tar", 2) == b"22"
    packed = gzip.compress(tar)
    assert listed(packed, "gz") == [("content", None, None)]
    assert child_in_process(packed, "gz", 1) == tar
    assert refusal(gzip.compress(bytes(10**7)), "gz", 1) == "too_large"
    assert refusal(packed[:-20], "gz", 1) == "unreadable"


@given(st.sampled_from(["zip", "tar", "gz"]), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255))))
def test_damaged_archives_end_in_an_answer_or_one_error(kind_code: str, damage: list[tuple[int, int]]) -> None:
    members = {"甲.txt": b"1" * 300, "乙.txt": b"2"}
    content = bytearray(
        {"zip": files.zip_of(members), "tar": files.tar_of(members), "gz": gzip.compress(b"1" * 300)}[kind_code]
    )
    for at, value in damage:
        content[at % len(content)] = value
    try:
        for child in read_in_process(bytes(content), kind_code).children:
            child_in_process(bytes(content), kind_code, child.number)
    except ReadingError:
        pass


# --- documents -------------------------------------------------------------------------------------------------------


def test_files_embedded_in_documents() -> None:
    content = files.rich_docx()
    assert [name for name, _, _ in listed(content, "docx")] == ["inner.xlsx"]
    assert files.PHRASE in read_in_process(child_in_process(content, "docx", 1), "xlsx").text
    assert refusal(content, "docx", 2) == "unsupported"


def test_objects_in_documents_come_out_under_their_own_names() -> None:
    inserted = "现场照片.jpg".encode("gb18030") + b"\0" + b"C:\\x.jpg\0" + bytes(4) + struct.pack("<I", 3) + b"C:\0"
    native = bytes(6) + inserted + struct.pack("<I", 5) + b"photo" + bytes(20)
    objects = {
        "oleObject1.bin": written_compound({("\x01Ole10Native",): native}),
        "oleObject2.bin": written_compound({("Package",): files.xlsx()}),
        "oleObject3.bin": written_compound({("\x01Ole10Native",): native[:40]}),
        "oleObject4.bin": b"damaged",
    }
    content = files.zip_of(
        {"word/document.xml": b"<document/>", **{f"word/embeddings/{name}": raw for name, raw in objects.items()}}
    )
    names = ["现场照片.jpg", "oleObject2.bin", "oleObject3.bin", "oleObject4.bin"]
    assert [name for name, _, _ in listed(content, "docx")] == names
    expected = [b"photo", files.xlsx(), objects["oleObject3.bin"], b"damaged"]
    assert [child_in_process(content, "docx", number) for number in range(1, 5)] == expected


def test_files_attached_to_a_pdf() -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(files.pdf())
    document.new_attachment("发票数据.xml").set_data(b"<a/>")
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    assert listed(buffer.getvalue(), "pdf") == [("发票数据.xml", None, None)]
    assert child_in_process(buffer.getvalue(), "pdf", 1) == b"<a/>"
    assert refusal(buffer.getvalue(), "pdf", 2) == "unsupported"


# --- pages for recognition -------------------------------------------------------------------------------------------


def test_scanned_pages_are_blank_even_with_a_few_stray_characters() -> None:
    assert read_in_process(files.scanned_pdf(3), "pdf").blank_pages == (0, 1, 2)
    stamped = read_in_process(files.stamped_scan(pages=2), "pdf")
    assert (stamped.blank_pages, "3" in stamped.text) == ((0, 1), True)
    assert read_in_process(files.stamped_scan("这一页有足够多的文字，" * 5), "pdf").blank_pages == ()


def test_pages_with_little_or_nothing_on_them_are_not_for_recognition() -> None:
    assert read_in_process(files.pdf(("", "第 3 页", files.PHRASE)), "pdf").blank_pages == ()
