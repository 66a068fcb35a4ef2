"""Analysis in itself: normal form, runs, tokens and the way back to the original text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.analysis import AnalysedText, canonical, index_text, normalise, phrase

PIECES = st.sampled_from(
    [
        *"碳排放中氣體𠮷あｶﾞ한ᄒ ᅡ。，、：-_/…ABcéﬁß１2٣①㎡🎉\n\t　",
        "e\u0301",
        "が",
        "\u200d",
        "\ufe0f",
        "İ",
        "ﷺ",
        "\u0301",
        "〇",
        "क्षि",
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("碳排放", "碳排 排放 放"),
        ("碳", "碳"),
        ("宏伟目\n\n标", "宏伟 伟目 目标 标"),
        ("宏伟，目标", "宏伟 伟 目标 标"),
        ("单位tCO₂e", "单位 位 tco 2 e"),
        ("ＧＢ／Ｔ　３２１５０", "gb t 32150"),
        ("x" * 2_001 + " y", "\N{REPLACEMENT CHARACTER} y"),
        ("。！?", ""),
        ("溫室氣體", "温室 室气 气体 体"),
        ("發電廠報告", "发电 电厂 厂报 报告 告"),
    ],
)
def test_index_text(text: str, tokens: str) -> None:
    assert index_text(text) == tokens


@pytest.mark.parametrize(
    ("term", "tokens", "open_ended", "needle"),
    [
        ("碳排放", ("碳排", "排放"), False, "碳排放"),
        ("放2020", ("放", "2020"), False, "放|2020|"),
        ("2020碳排", ("2020", "碳排"), False, "|2020|碳排"),
        ("2020碳", ("2020", "碳"), True, "|2020|碳"),
        ("碳", ("碳",), True, "碳"),
        ("GB/T", ("gb", "t"), False, "|gb|t|"),
        ("--", (), False, ""),
    ],
)
def test_phrase(term: str, tokens: tuple[str, ...], needle: str, *, open_ended: bool) -> None:
    found = phrase(term)
    assert (found.tokens, found.open_ended, found.needle) == (tokens, open_ended, needle)


@given(TEXTS)
def test_normal_form_is_stable(text: str) -> None:
    assert canonical(normalise(text)) == canonical(text)


@given(TEXTS)
def test_the_analysed_text_has_the_same_canonical_form(text: str) -> None:
    assert AnalysedText(text).canonical == canonical(text)


@given(TEXTS, st.data())
def test_a_span_of_the_original_holds_what_was_found_in_the_canonical_form(text: str, data: st.DataObject) -> None:
    analysed = AnalysedText(text)
    letters = [at for at, character in enumerate(analysed.canonical) if character != "|"]
    if not letters:
        return
    start = data.draw(st.sampled_from(letters))
    end = data.draw(st.sampled_from([at for at in letters if at >= start])) + 1
    first, last = analysed.original_span(start, end)
    assert 0 <= first < last <= len(text)
    assert analysed.canonical[start:end] in canonical(text[first:last])


@given(TEXTS)
def test_tokens_never_hold_white_space_and_joined_runs_give_one_token_per_character(text: str) -> None:
    for run in canonical(text).strip("|").split("|"):
        tokens = index_text(run).split(" ") if run else []
        # Hangul parts that white space had kept apart become one syllable here.
        assert len(tokens) in {0, 1, len(normalise(run))}
        assert all(token and token == token.strip() for token in tokens)
