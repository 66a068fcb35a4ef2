"""Encodings: what was written comes back, and what is no text is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search.reading.encodings import decode, sniff_encoding
from tests import files
from tests.engines import FULL
from tests.reading_here import read_in_process

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


# Words from letters, registers and reports; generated texts are made of them, of names, numbers and punctuation.
_SIMPLIFIED = [

    "会议纪要",
    "关于印发的通知",
    "请贵公司于三日内补充",
    "锅炉房巡检记录",
    "皮带秤校验",
    "煤样采集",
    "化验室",
    "外购蒸汽结算单",
    "变压器铭牌",
    "柴油叉车",
    "食堂液化气",
    "厂界示意图",
    "工艺流程",
    "生产统计月报",
    "财务凭证",
    "供应商",
    "增值税发票",
    "仓库盘点",
    "抽查比例",
    "见附表三",
    "王建国",
    "欧阳晓燕",
    "质检员",
    "值班长",
    "副总经理",
    "谢谢配合",
    "顺颂商祺",
    "未发现异常",
    "数据一致",
    "已拍照留存",
    "复核无误",
    "经办人",
    "电度表倍率",
]  # fmt: skip
_TRADITIONAL = [

    "會議紀錄",
    "函請貴公司補正",
    "鍋爐房巡檢紀錄",
    "皮帶秤校驗",
    "煤樣採集",
    "實驗室",
    "外購蒸汽結算單",
    "變壓器銘牌",
    "柴油堆高機",
    "員工餐廳液化氣",
    "廠區示意圖",
    "製程流程",
    "生產統計月報",
    "財務憑證",
    "供應商",
    "統一發票",
    "倉庫盤點",
    "抽查比例",
    "詳見附表三",
    "王建國",
    "歐陽曉燕",
    "品管員",
    "值班主管",
    "副總經理",
    "敬請查照",
    "順頌商祺",
    "未發現異常",
    "數據一致",
    "已拍照存查",
    "覆核無誤",
    "承辦人",
    "電度表倍率",
    "溫室氣體盤查",
    "排放係數",
]  # fmt: skip
_BETWEEN = [
    "，",
    "。",
    "、",
    "：",
    "\n",
    "\r\n",
    "\t",
    " ",
    "（",
    "）",
    "2025",
    "12,345.67",
    "CO2",
    "GB/T 32150",
    "",
    "",
    "",
]
_SIMPLIFIED_ENCODINGS = ("gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
_TRADITIONAL_ENCODINGS = ("big5", "cp950", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


@st.composite
def _texts_and_encodings(draw: st.DrawFn) -> tuple[str, str]:
    words, encodings = draw(
        st.sampled_from([(_SIMPLIFIED, _SIMPLIFIED_ENCODINGS), (_TRADITIONAL, _TRADITIONAL_ENCODINGS)])
    )
    # Six words are about twenty characters; what is shorter can be good Chinese in two encodings at once.
    chosen = draw(st.lists(st.sampled_from(words), min_size=6, max_size=40, unique=True))
    return "".join(word + draw(st.sampled_from(_BETWEEN)) for word in chosen), draw(st.sampled_from(encodings))


@settings(max_examples=3000 if FULL else 300)
@given(_texts_and_encodings())
def test_generated_chinese_comes_back_in_every_encoding(case: tuple[str, str]) -> None:
    text, encoding = case
    decoded = decode(text.encode(encoding))
    assert decoded is not None
    assert (decoded.text, decoded.damaged) == (text, 0)
    assert decoded.guessed == (encoding not in {"utf-8", "utf-8-sig", "utf-16"})


@settings(max_examples=1000 if FULL else 150)
@given(_texts_and_encodings(), st.sampled_from(["txt", "csv", "html", "xml", "eml"]), st.booleans())
def test_every_kind_of_text_is_read_in_every_encoding(case: tuple[str, str], kind_code: str, declared: bool) -> None:
    text, encoding = case
    text = " ".join(text.split())
    assume(not (kind_code == "eml" and encoding.startswith("utf-16")))  # no mail is written in it
    content = _file_of(text, encoding, kind_code, declared=declared)
    result = read_in_process(content, kind_code)
    assert text in result.text
    guessed = any(warning.startswith("the encoding is a guess") for warning in result.warnings)
    assert not guessed or encoding not in {"utf-8", "utf-8-sig", "utf-16"}
    by_itself = {"gb18030", "gbk", "big5", "cp950", "utf-16-le", "utf-16-be"}
    assert guessed or declared or encoding not in by_itself


def _file_of(text: str, encoding: str, kind_code: str, *, declared: bool) -> bytes:
    if kind_code == "html":
        meta = f'<meta charset="{encoding}">' if declared else ""
        return f"<html><head>{meta}</head><body><p>{text}</p></body></html>".encode(encoding)
    if kind_code == "xml":
        label = f' encoding="{encoding}"' if declared else ""
        return f'<?xml version="1.0"{label}?><a>{text}</a>'.encode(encoding)
    if kind_code == "eml":
        label = f"; charset={encoding.removesuffix('-sig')}" if declared else ""
        head = f"From: a@example.invalid\r\nContent-Type: text/plain{label}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        return head.encode() + text.encode(encoding)
    return text.encode(encoding)


@pytest.mark.parametrize(
    ("word", "encoding"),
    [
        ("燃煤", "gbk"),
        ("校准", "gbk"),
        ("的環", "gb18030"),
        ("Łódź", "utf-8"),
        ("naïve", "utf-8"),
        ("σ²·5 µm", "utf-8"),
    ],
)
def test_single_words(word: str, encoding: str) -> None:
    decoded = decode(word.encode(encoding))
    assert decoded is not None
    assert decoded.text == word


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
