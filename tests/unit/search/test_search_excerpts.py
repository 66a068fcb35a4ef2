"""Excerpts: what is marked, where they are cut, and that long texts cost little."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.excerpts import highlight


def shown(text: str, query: str, width: int = 20, fragments: int = 2) -> list[str]:
    return [
        "".join(f"[{piece.text}]" if piece.marked else piece.text for piece in fragment.pieces)
        for fragment in highlight(text, query, width_chars=width, fragments=fragments)
    ]


@pytest.mark.parametrize(
    ("text", "query", "excerpts"),
    [
        ("实现宏伟目\n\n标。", "宏伟目标", ["实现[宏伟目\n\n标]。"]),
        ("见ＧＢ／Ｔ　32150。", "gb/t 32150", ["见[ＧＢ／Ｔ]　[32150]。"]),
        ("见ＧＢ／Ｔ　32150。", '"gb/t 32150"', ["见[ＧＢ／Ｔ　32150]。"]),
        ("Cafe\u0301 verification", "café", ["[Cafe\u0301] verification"]),
        ("verification", "verif", ["verification"]),
        ("碳碳碳", "碳", ["[碳][碳][碳]"]),
        ("a a", "a", ["[a] [a]"]),
        ("东京 secret", "东京 -secret", ["[东京] secret"]),
        ("only the title matches", "标题", ["only the title match"]),
        ("", "x", []),
        ("text", "", ["text"]),
        ("x" * 100 + " 碳排放 " + "y" * 100, "碳排放", ["xxxx [碳排放] yyyyyyyyyyy"]),
    ],
)
def test_excerpt(text: str, query: str, excerpts: list[str]) -> None:
    assert shown(text, query) == excerpts


def test_fragments_that_show_more_terms_come_before_earlier_ones() -> None:
    text = "碳 " + "。" * 60 + "碳 排放" + "。" * 60 + "碳"
    assert shown(text, "碳 排放", width=20, fragments=1)[0].count("[") == 2


def test_a_word_is_not_found_in_half_of_a_word_that_a_chunk_cuts() -> None:
    for length in range(1_010, 1_030):
        assert "[" not in "".join(shown("一" * length + " verification", "verif OR ication"))
        assert "[verification]" in "".join(shown("一" * length + " verification", "verification", width=40))


def test_long_texts_are_read_only_so_far() -> None:
    text = "碳排放核查报告，" * 500_000
    started = time.perf_counter()
    assert "[核查]" in shown(text, "核查 absent")[0]
    assert time.perf_counter() - started < 1


@given(st.text(alphabet="碳排放ab 2，。\nＡ🎉é", max_size=3_000), st.sampled_from(["碳", "ab", "排放2", '"a b"']))
def test_fragments_are_the_original_text_in_order(text: str, query: str) -> None:
    fragments = highlight(text, query, width_chars=30, fragments=3)
    assert len(fragments) <= 3
    for before, after in pairwise(fragments):
        assert before.end <= after.start
    for fragment in fragments:
        assert "".join(piece.text for piece in fragment.pieces) == text[fragment.start : fragment.end]
