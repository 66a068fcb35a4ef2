"""Encodings: what was written comes back, and what is no text is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.reading.encodings import decode, sniff_encoding
from tests import files

CHINESE = "企业二氧化碳排放核算方法与报告指南，第3部分：发电设施。排放量为 12,345.67 吨，数据来源见附件。\n"
TRADITIONAL = "溫室氣體排放量盤查報告書，第三章：組織邊界設定，排放量合計為一萬二千噸。\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "gb2312"]
)
@pytest.mark.parametrize("text", [CHINESE, CHINESE * 40, "plain ascii\n", "标题\r\n正文"])
def test_chinese_comes_back(encoding: str, text: str) -> None:
    decoded = decode(text.encode(encoding))
    assert decoded is not None
    assert (decoded.text.lstrip("\ufeff"), decoded.damaged) == (text, 0)


def test_big5_is_told_from_gb18030() -> None:
    decoded = decode(TRADITIONAL.encode("big5"))
    assert decoded is not None
    assert decoded.text == TRADITIONAL


@given(st.lists(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=30, max_size=60, unique=True))
def test_thirty_different_characters_in_gb18030_are_never_taken_for_utf8(characters: list[str]) -> None:
    raw = "".join(characters).encode("gb18030")
    assert sniff_encoding(raw, whole=True) != "utf-8"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
def test_utf8_always_comes_back(text: str) -> None:
    assume(not text.startswith("\ufeff"))
    decoded = decode(text.encode())
    assert decoded is not None
    assert (decoded.text, decoded.damaged) == (text, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_one_broken_byte_is_counted_and_costs_no_mojibake(encoding: str) -> None:
    raw = bytearray((CHINESE * 10).encode(encoding))
    raw[len(raw) // 2] = 0xFF
    decoded = decode(bytes(raw))
    assert decoded is not None
    assert CHINESE in decoded.text
    assert 1 <= decoded.damaged <= 3


def test_a_character_cut_at_the_end_of_the_beginning_is_no_error() -> None:
    raw = CHINESE.encode()
    assert {sniff_encoding(raw[:length], whole=False) for length in range(3, 60)} == {"utf-8"}
    raw = CHINESE.encode("gb18030")
    assert {sniff_encoding(raw[:length], whole=False) for length in range(12, 60)} == {"gb18030"}


@pytest.mark.parametrize(
    "declared", ["gb2312", "GBK", "gb18030", "GB_2312-80", "no-such-encoding", "rot13", "latin1", "ascii", "\0", None]
)
def test_a_declared_encoding_is_tried_never_believed(declared: str | None) -> None:
    for encoding in ("gb18030", "utf-8"):
        decoded = decode(CHINESE.encode(encoding), declared)
        assert decoded is not None
        if not (encoding == "utf-8" and decoded.encoding == "gb18030"):
            assert decoded.text == CHINESE


def test_western_text_is_a_guess() -> None:
    for text in ("Résumé für café à la crème", "Résumé", "naïve approach"):
        decoded = decode(text.encode("cp1252"), "iso-8859-1")
        assert decoded is not None
        assert (decoded.text, decoded.encoding) == (text, "cp1252")


@pytest.mark.parametrize(
    "binary", [files.noise(), files.image("PNG"), b"\0" * 100, files.ole_container(), b"\x7fELF\x02\x01\x01\0\0"]
)
def test_binary_is_no_text(binary: bytes) -> None:
    assert sniff_encoding(binary, whole=True) is None
