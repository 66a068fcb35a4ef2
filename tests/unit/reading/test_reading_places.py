"""Places: where each passage of a text stands, for every kind, and that their offsets are right whatever is cleaned."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reading import extraction, writing
from search.reading import passages as passages_module
from search.reading.model import Child, Isolation, Passage, ReadingError
from search.reading.passages import (
    packed_children,
    packed_passages,
    unpacked_children,
    unpacked_passages,
)
from search.reading.sandbox import Answer
from search.reading.writing import Full, TextBuilder, row_place
from tests import files
from tests.reading_here import places_and_texts, read_in_process


@pytest.mark.parametrize(
    ("kind_code", "content", "expected"),
    [
        ("pdf", files.pdf(("甲", "", "丙")), [("page:1", "甲"), ("page:3", "丙")]),
        (
            "pptx",
            files.pptx(("甲", "乙"), notes="备注"),
            [("slide:1", "甲"), ("notes:1", "备注"), ("slide:2", "乙"), ("notes:2", "备注")],
        ),
        (
            "docx",
            files.rich_docx(),
            [
                ("paragraph:1", "正文一"),
                ("paragraph:2", "框内一\n框内二\n正文二"),
                ("paragraph:3", "甲 乙\t丙"),
                ("header", "页眉"),
                ("footer", "页脚"),
                ("footnote:1", "脚注文字"),
                ("comment:1", "批注文字"),
                ("body", "图题\n3.5"),
            ],
        ),
        (
            "xlsx",
            files.rich_xlsx(),
            [
                ("sheet:排放汇总", "排放汇总"),
                ("row:排放汇总!2", "\t设施甲\t0.5703\t0.0000001\t123456789012\t1.1406"),
                ("row:排放汇总!3", "2026-03-02\t2026-03-02 09:30:00\t多行 一 格"),
                ("header", "页眉"),
                ("row:排放汇总!2", "批注内容"),
                ("sheet:排放汇总", "文本框内容"),
                ("sheet:排放汇总", "图表标题\n系列\n0.5703"),
                ("sheet:隐藏表", "隐藏表"),
                ("row:隐藏表!5", "\t\t隐藏内容"),
                ("body", "排放因子 = 0.5703"),
            ],
        ),
        ("csv", files.csv_table([("甲", n) for n in range(1, 121)]), ["line:1", "line:51", "line:101"]),
        ("txt", files.plain_text("\n\n" + "长" * 3000 + "\n末\n"), ["line:3", "line:4"]),
        ("html", files.html("<p>甲</p>"), [("body", "标题\n\n甲")]),
    ],
)
def test_every_passage_knows_its_place(kind_code: str, content: bytes, expected: list[object]) -> None:
    found = places_and_texts(read_in_process(content, kind_code))
    assert ([place for place, _ in found] if isinstance(expected[0], str) else found) == expected


def test_a_mail_tells_headers_from_body() -> None:
    assert [place for place, _ in places_and_texts(read_in_process(files.eml(), "eml"))] == ["mail", "body", "mail"]


_RAW = st.text(st.sampled_from("甲乙a \t\r\n\x00\x0b\ud800\ufffe\u2028é"), max_size=12)
_PLACES = st.sampled_from(["page:1", "row:表!2", "line:3", "body", "paragraph:4"])


@given(st.lists(st.tuples(_PLACES, _RAW), max_size=12), st.integers(0, 60))
def test_offsets_are_right_after_cleaning_and_within_any_limit(pieces: list[tuple[str, str]], limit: int) -> None:
    whole, cut = TextBuilder(10_000), TextBuilder(limit)
    for place, raw in pieces:
        whole.add(place, raw)
    try:
        for place, raw in pieces:
            for character in raw:
                cut.write(character)
            cut.end(place)
    except Full:
        # What cleaning would have dropped from the last piece counts until it ends.
        assert len(whole.text.encode()) + 12 >= limit
    assert len(cut.text.encode()) <= limit
    assert whole.text.startswith(cut.text)
    for text in (whole, cut):
        assert unpacked_passages(packed_passages(text.passages), text.text) == text.passages
        for passage in text.passages:
            before = text.text[: passage.start]
            assert before == "" or before.endswith("\n")
            assert text.text[passage.start] != "\n"
            assert passage.place.startswith("row:") or text.text[passage.start] != "\t"
        assert bool(text.text) == bool(text.passages)


def test_a_row_keeps_its_columns() -> None:
    text = TextBuilder(100)
    text.add(row_place("表\n一" * 50, 7), "\t\t丙\r\n丁\n\t戊\t\t")
    assert text.text == "\t\t丙 丁 \t戊"
    assert text.passages[0].place == f"row:{('表 一' * 50)[:60]}!7"


@pytest.mark.parametrize(
    "place", ["page:0", "page:", "row:a", "row:!0", "slide", "page:1\n", "line:-1", "paragraph:１"]
)
def test_a_reader_cannot_invent_places(place: str) -> None:
    with pytest.raises(RuntimeError, match="no place"):
        TextBuilder(100).add(place, "甲")


def test_many_passages_become_coarser_and_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PASSAGES_LIMIT", 100)
    text = TextBuilder(10**6)
    for sheet in ("甲", "乙"):
        text.add(f"sheet:{sheet}", sheet)
        for number in range(1, 501):
            text.add(row_place(sheet, number), f"{sheet}{number}")
    rows = [line for line in text.text.split("\n") if line]
    assert len(rows) == 1002
    assert 50 <= len(text.passages) <= 100
    assert "places" in text.warnings[0]
    kept = {passage.place: passage.start for passage in text.passages}
    assert {"sheet:甲", "row:甲!1", "sheet:乙", "row:乙!1"} <= kept.keys()
    steps = [int(place.partition("!")[2]) for place in kept if place.startswith("row:甲")]
    assert len({after - before for before, after in pairwise(steps)}) == 1
    for place, start in kept.items():
        found = text.text[start:].partition("\n")[0]
        assert place in {f"sheet:{found}", f"row:{found[0]}!{found[1:]}"}


def test_passages_that_all_differ_in_kind_become_coarser_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PASSAGES_LIMIT", 10)
    text = TextBuilder(10**6)
    for number in range(1, 200):
        text.add(f"slide:{number}", "甲")
        text.add(f"notes:{number}", "乙")
    assert 1 <= len(text.passages) <= 10
    assert text.text.count("乙") == 199


@pytest.mark.parametrize("budget", [{"cpu_seconds": 0.0}, {"wall_seconds": 0.0}])
def test_a_reader_whose_time_is_over_keeps_what_it_has(budget: dict[str, Any]) -> None:
    result = read_in_process(files.pdf(("甲", "乙", "丙")), "pdf", **budget)
    assert (result.text, result.pages, result.truncated) == ("甲", 3, True)
    assert result.warnings == ("the reader stopped because its time was over", "reading ended on page 1 of 3")


# --- what a taken-over reader might answer ----------------------------------------------------------------------------

TEXT = "第一段\n第二段"


@pytest.mark.parametrize(
    "lie",
    [
        b'[0, "page:1", null, null]',
        b'[-1, "page:1", null, null]\n',
        b'[7, "page:1", null, null]\n',
        b'[4, "page:1", null, null]\n[4, "page:2", null, null]\n',
        b'[4, "page:1", null, null]\n[0, "page:2", null, null]\n',
        b'[0.5, "page:1", null, null]\n',
        b'[true, "page:1", null, null]\n',
        b'[0, "page:0", null, null]\n',
        b'[0, "../../etc", null, null]\n',
        b"[0, 5, null, null]\n",
        b'[0, "page:1", 101, null]\n',
        b'[0, "page:1", null, [0, 0, 2, 1]]\n',
        b'[0, "page:1", null, [NaN, 0, 1, 1]]\n',
        b'[0, "page:1", null, [0, 0, 1]]\n',
        b'[0, "page:1"]\n',
        b"{}\n",
        b"[" * 5000 + b"\n",
        b"\xff\n",
        b'[0, "row:' + b"x" * 5000 + b'!1", null, null]\n',
        b'[0, "row:\\ud800!1", null, null]\n',
    ],
)
def test_lies_about_passages_are_one_error(lie: bytes) -> None:
    with pytest.raises(ReadingError) as caught:
        unpacked_passages(lie, TEXT)
    assert caught.value.code == "killed"


@pytest.mark.parametrize(
    "lie",
    [
        b'["a", -1, null]\n',
        b'["a", 1.5, null]\n',
        b'["a", true, null]\n',
        b'["a", 99999999999999999999, null]\n',
        b'["a", 1, "because"]\n',
        b'["a", 1, ["x"]]\n',
        b'["a\\nb", 1, null]\n',
        b'["\\ud800", 1, null]\n',
        b"[1, 1, null]\n",
        b'["' + b"a" * 501 + b'", 1, null]\n',
    ],
)
def test_lies_about_children_are_one_error(lie: bytes) -> None:
    with pytest.raises(ReadingError) as caught:
        unpacked_children(lie)
    assert caught.value.code == "killed"


def test_more_facts_than_agreed_are_refused_unread() -> None:
    for flood, unpack in (
        (b"[]\n" * (passages_module.PASSAGES_LIMIT + 1), lambda raw: unpacked_passages(raw, TEXT)),
        (b"[]\n" * (passages_module.CHILDREN_LIMIT + 1), unpacked_children),
    ):
        with pytest.raises(ReadingError):
            unpack(flood)


def test_honest_facts_come_through() -> None:
    passages = (Passage(0, "page:1", 97, (0.0, 0.25, 1.0, 0.5)), Passage(4, "row:表!2"))
    assert unpacked_passages(packed_passages(passages), TEXT) == passages
    children = (Child(1, "../../etc/passwd", None), Child(2, "", 3, "encrypted"))
    assert unpacked_children(packed_children(children)) == children


@pytest.mark.parametrize(
    "lie",
    [
        {"sizes": [5, 0]},
        {"sizes": [-1, 0, 1]},
        {"sizes": [10**9, 0, 0]},
        {"sizes": "abc"},
        {"sizes": [True, 0, 0]},
        {"pages": "3"},
        {"pages": 10**30},
        {"pages": -1, "blank_pages": []},
        {"reader": "r" * 1000},
        {"reader": "pdfium\ud800/2"},
        {"pages": True},
        {"truncated": 1},
        {"reader": None},
        {"warnings": [1]},
        {"blank_pages": [2, 1]},
        {"blank_pages": [-1]},
        {"blank_pages": [3]},
        {"blank_pages": [0.0]},
        {"pages": None, "blank_pages": [0]},
    ],
)
def test_lies_about_the_text_are_one_error(lie: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    honest = {
        "sizes": [3, 0, 0], "pages": 3, "reader": "pdfium/2", "truncated": False, "warnings": [], "blank_pages": [0, 2],
    }  # fmt: skip
    for facts, verdict in ((honest, None), (honest | lie, "killed")):
        answer = Answer(facts, b"abc", Isolation((), 0, False, ()), input_cut=False)
        monkeypatch.setattr(extraction, "run_confined", lambda *_args, _answer=answer, **_named: _answer)
        if verdict is None:
            assert extraction.extract_text(io.BytesIO(b""), "pdf").blank_pages == (0, 2)
            continue
        with pytest.raises(ReadingError) as caught:
            extraction.extract_text(io.BytesIO(b""), "pdf")
        assert caught.value.code == verdict
