"""What a comparison of two texts says, change by change, and what holds for any two texts."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_app.documents.comparing.alignment import Aligner, Budget, Run
from archive_app.documents.comparing.comparison import Comparison, Kind, Row, Stretch, compare
from archive_app.documents.comparing.paragraphs import Text
from archive_app.documents.comparing.presenting import ROWS_PER_PAGE, Cell, Presented, Show, present
from archive_app.documents.comparing.tokens import Numbering, read_tokens
from archive_app.documents.places import Places
from search.reading import Passage

ONE = "能源管理部每月统计外购电力消耗量，并登记入台账。"
TWO = "碳排放管理办公室负责核算，管理者代表批准后归档保存。"
THREE = "The verifier reads the meter every month and writes the value down."


def rows(left: str, right: str, **named: object) -> list[tuple[str, str, str]]:
    """The rows that are not the same, with what is different in brackets."""
    found = compare(Text(left), Text(right), **named)  # type: ignore[arg-type]
    return [(row.kind.value, *told(row, left, right)) for row in found.rows if row.kind is not Kind.SAME]


def told(row: Row, left: str, right: str) -> tuple[str, str]:
    return written(left, row.left), written(right, row.right)


def written(text: str, stretches: object) -> str:
    said = []
    for stretch in stretches:  # type: ignore[attr-defined]
        at, pieces = stretch.start, ""
        for start, end in stretch.marks:
            pieces += f"{text[at:start]}[{text[start:end]}]"
            at = end
        said.append(pieces + text[at : stretch.end])
    return " / ".join(said)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        # Numbers are one token, whatever divides their digits.
        ("共1,294,347吨", "共1,294,374吨", ("共[1,294,347]吨", "共[1,294,374]吨")),
        ("factor 0.5703 t", "factor 0.5730 t", ("factor [0.5703] t", "factor [0.5730] t")),
        ("日期2026-03-02止", "日期2026-03-12止", ("日期2026-03-[02]止", "日期2026-03-[12]止")),
        # Chinese by the character, Latin by the word.
        ("每月统计电力消耗量", "每季度统计电力消耗量", ("每[月]统计电力消耗量", "每[季度]统计电力消耗量")),
        (
            "read the gas meter daily",
            "read the heat meter daily",
            ("read the [gas] meter daily", "read the [heat] meter daily"),
        ),
        ("排放因子为0.6tCO2/MWh", "排放因子为0.6tCH4/MWh", ("排放因子为0.6[tCO2]/MWh", "排放因子为0.6[tCH4]/MWh")),
        # A character that stayed between two changes is no sign of anything.
        (
            "由甲方代表签字确认后生效",
            "由乙方主任签字确认后生效",
            ("由[甲方代表]签字确认后生效", "由[乙方主任]签字确认后生效"),
        ),
        # What was added is marked as the sentence that it is.
        (
            "计量每月。复核每年。",
            "计量每月。复核每月。复核每年。",
            ("计量每月。复核每年。", "计量每月。[复核每月。]复核每年。"),
        ),
        ("Case", "case", ("[Case]", "[case]")),
        ("（一）总则", "(一)总则", ("[（]一[）]总则", "[(]一[)]总则")),
    ],
)
def test_a_changed_paragraph_marks_what_changed(left: str, right: str, expected: tuple[str, str]) -> None:
    assert rows(left, right) == [("changed", *expected)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("", ""),
        ("", " \n\t"),
        (ONE, ONE),
        ("一  二\n\n三", "一 二\n三"),
        ("the meter\tis read", "the  meter is\u00a0read"),
        ("co\u00adoperation", "cooperation"),
        ("caf\u00e9 总则", "cafe\u0301 总则"),
        ("\uf900字", "\u8c48字"),  # the same character, encoded for compatibility
    ],
)
def test_what_nobody_sees_is_no_difference(left: str, right: str) -> None:
    assert rows(left, right) == []


def test_paragraphs_are_added_removed_and_moved() -> None:
    assert rows(ONE, "") == [("left", ONE, "")]
    assert rows(f"{ONE}\n{TWO}", f"{ONE}\n{THREE}\n{TWO}") == [("right", "", THREE)]
    # A rewritten paragraph is one that went and one that came.
    assert rows(f"{ONE}\n{TWO}", f"{ONE}\n{THREE}") == [("left", TWO, ""), ("right", "", THREE)]
    # Two words in common do not make one out of the other; a short line that is elsewhere is no sign of a move.
    other = "设备部在采购之前登记入册，由仓库验收。"
    assert rows(f"{ONE}\n{TWO}", f"{other}\n{TWO}") == [("left", ONE, ""), ("right", "", other)]
    assert [kind for kind, *_ in rows(f"吨\n{TWO}", f"{TWO}\n吨")] == ["left", "right"]
    moved = compare(Text(f"1.1 计量\n{ONE}\n{TWO}\n{THREE}"), Text(f"{TWO}\n{THREE}\n1.1 计量\n{ONE}"))
    assert [row.kind.value for row in moved.rows] == ["moved", "moved", "same", "same", "moved", "moved"]
    assert [row.partner for row in moved.rows] == [4, 5, None, None, 0, 1]
    assert moved.counts() == {Kind.MOVED: 2, Kind.SAME: 2}
    # Of what is there twice nobody knows which one moved.
    assert [kind for kind, *_ in rows(f"{ONE}\n{TWO}", f"{TWO}\n{ONE}\n{ONE}")] == ["left", "right", "right"]


def test_cells_and_rows_of_tables_are_paired() -> None:
    left = "设施\t上年\t本年\n一号锅炉\t1,200\t1,294,347\n二号锅炉\t900\t950"
    right = "设施\t上年\t本年\n一号锅炉\t1,200\t1,294,374\n三号锅炉\t10\t20\n二号锅炉\t900\t950"
    assert rows(left, right) == [
        ("changed", "一号锅炉\t1,200\t[1,294,347]", "一号锅炉\t1,200\t[1,294,374]"),
        ("right", "", "三号锅炉\t10\t20"),
    ]
    # A cell for itself, as a PDF gives it, has nothing in common with what it became.
    assert rows("本年\n347\n吨", "本年\n374\n吨") == [("changed", "[347]", "[374]")]


def test_a_reflowed_paragraph_shows_its_real_change_only() -> None:
    left = "The operator shall monitor the fuel\nconsumption every month and\nreport it to the agency at once."
    right = "The operator shall monitor\nthe fuel consumption every week and report\nit to the agency at once."
    [(kind, ours, theirs)] = rows(f"甲\n{left}\n乙", f"甲\n{right}\n乙")
    assert kind == "changed"
    assert re.findall(r"\[[^]]*\]", ours) == ["[month]"]
    assert re.findall(r"\[[^]]*\]", theirs) == ["[week]"]
    assert rows(left, left.replace("\n", " ")) == []


def paged(pages: list[str]) -> Text:
    """A text of pages, as a PDF gives it."""
    starts, text = [], ""
    for number, page in enumerate(pages, 1):
        starts.append((len(text), number))
        text += page + "\n\n"
    return Text(text, starts)


def book(count: int, *, head: str = "管理程序 第1版", first: int = 1, changed: int = -1) -> Text:
    bodies = [
        f"{'改' if n == changed else ''}第{n}件设备的{'一' * (n % 7)}台账由设备部保存。" for n in range(1, count + 1)
    ]
    return paged([f"{head}\n{body}\n- {n} -" for n, body in enumerate(bodies, first)])


def test_running_heads_and_page_numbers_are_left_out_and_told() -> None:
    left, right = book(12), book(12, head="管理程序 第2版", first=3, changed=5)
    found = compare(left, right)
    assert [row.kind for row in found.rows].count(Kind.SAME) == 11
    assert found.counts()[Kind.CHANGED] == 1
    assert [(kind.text, kind.pages) for kind in found.left_out] == [("管理程序 第1版", 12), ("- 1 -", 12)]
    assert [(kind.text, kind.pages) for kind in found.right_out] == [("管理程序 第2版", 12), ("- 3 -", 12)]
    shown = compare(left, right, running=True)
    assert shown.left_out == shown.right_out == []
    assert sum(row.kind is not Kind.SAME for row in shown.rows) > 12
    # What runs on one side runs on the other one too, however short that is.
    assert [kind.pages for kind in compare(book(1), book(12)).left_out] == [1, 1]


def test_figures_at_the_edge_of_a_page_are_no_running_lines() -> None:
    luck = random.Random(1)
    figures = [[str(luck.randrange(10**6)) for _ in range(4)] for _ in range(30)]
    left = paged(["\n".join(page) for page in figures])
    figures[7][0] = "999999999"
    found = compare(left, paged(["\n".join(page) for page in figures]))
    assert found.left_out == []
    assert found.counts()[Kind.CHANGED] == 1


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    heads = [f"管理程序文件\n{{}}\n第{n}页" for n in range(1, 9)]
    half, rest = "计量器具由设备部按照规定的周期送检，并由能源管理部保存检定证书的原件及", "复印件，保存期限为五年。"
    other = ["这一页有自己的内容，" + "甲乙丙丁戊己庚"[n] + "项。" for n in range(6)]
    broken = paged([head.format(body) for head, body in zip(heads, [half, rest, *other], strict=True)])
    whole = paged(
        [head.format(body) for head, body in zip(heads, [half + rest, *other, "末页没有内容。"], strict=True)]
    )
    found = compare(broken, whole)
    assert found.counts()[Kind.CHANGED] == found.counts()[Kind.LEFT_ONLY] == 0
    assert [written(whole.text, row.right) for row in found.rows if row.kind is Kind.RIGHT_ONLY] == ["末页没有内容。"]
    [first, *_] = found.rows
    assert [stretch.goes_on for stretch in first.left] == [False, True]
    [cell] = shown_cells(found, broken, whole)[:1]
    assert cell is not None
    assert "".join(piece.text for piece in cell.paragraphs[0]) == half + rest


def shown_cells(found: Comparison, left: Text, right: Text) -> list[Cell | None]:
    sides = (
        Presented(side.text, Places([Passage(start, f"page:{n}") for start, n in side.pages])) for side in (left, right)
    )
    return [row.left for row in present(found, *sides, show=Show.ALL, start=0).rows]


# --- what holds for any two texts ------------------------------------------------------------------------------------

_LINES = st.lists(
    st.one_of(
        st.sampled_from([ONE, TWO, THREE, "吨", "1,294,347", "第一章 总则", "甲乙丙丁戊", "  ", "a\u00adb c"]),
        st.text(st.sampled_from("的排放量 吨12,.ab。\u200b"), max_size=12),
    ),
    max_size=12,
)
_TEXTS = st.builds("\n".join, _LINES)
_PAGED = st.lists(_TEXTS, min_size=0, max_size=6).map(paged)


def numbers(text: str, parts: list[tuple[int, int]]) -> list[str]:
    tokens = read_tokens(text, Numbering(), parts)
    return [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]


def sides_of(found: Comparison) -> tuple[list[Stretch], list[Stretch]]:
    return [s for row in found.rows for s in row.left], [s for row in found.rows for s in row.right]


@given(left=_TEXTS, right=_TEXTS)
@settings(max_examples=150, deadline=None)
def test_both_sides_are_put_together_again_and_what_is_unmarked_is_equal(left: str, right: str) -> None:
    found = compare(Text(left), Text(right))
    for text, stretches in zip((left, right), sides_of(found), strict=True):
        assert all(a.end <= b.start for a, b in pairwise(stretches))
        assert numbers(text, [(s.start, s.end) for s in stretches]) == numbers(text, [(0, len(text))])
    for row in found.rows:
        if row.kind in {Kind.SAME, Kind.CHANGED}:
            assert kept(left, row.left) == kept(right, row.right)
        if row.kind is Kind.CHANGED:
            assert any(s.marks for s in (*row.left, *row.right))
        if row.kind is Kind.MOVED:
            assert found.rows[row.partner or 0].partner == found.rows.index(row)


def kept(text: str, stretches: object) -> list[str]:
    parts = []
    for stretch in stretches:  # type: ignore[attr-defined]
        bounds = [stretch.start, *(edge for mark in stretch.marks for edge in mark), stretch.end]
        parts += [(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True)]
    return [word.replace("\u00ad", "").replace("\u200b", "") for word in numbers(text, parts)]


@given(left=_PAGED, right=_PAGED)
@settings(max_examples=100, deadline=None)
def test_turned_round_it_says_the_same_and_a_text_is_not_different_from_itself(left: Text, right: Text) -> None:
    found, turned = compare(left, right), compare(right, left)
    assert sides_of(turned) == sides_of(found)[::-1]
    swap = {Kind.LEFT_ONLY: Kind.RIGHT_ONLY, Kind.RIGHT_ONLY: Kind.LEFT_ONLY}
    assert sorted(swap.get(row.kind, row.kind) for row in turned.rows) == sorted(row.kind for row in found.rows)
    assert (turned.left_out, turned.right_out) == (found.right_out, found.left_out)
    assert {row.kind for row in compare(left, left).rows} <= {Kind.SAME}


@given(
    st.lists(st.integers(0, 5), max_size=40),
    st.lists(st.integers(0, 5), max_size=40),
    st.booleans(),
    st.integers(0, 900),
)
@settings(max_examples=150, deadline=None)
def test_an_alignment_is_of_equals_and_rises(left: list[int], right: list[int], first: bool, cells: int) -> None:
    runs = Aligner(left, right, Budget(cells), 2, anchors_first=first).runs()
    for run in runs:
        assert run.length > 0
        assert left[run.left : run.left + run.length] == right[run.right : run.right + run.length]
    for before, run in pairwise([Run(0, 0, 0), *runs]):
        assert run.left >= before.left + before.length
        assert run.right >= before.right + before.length


# --- hostile ---------------------------------------------------------------------------------------------------------


def test_what_is_too_different_is_not_aligned_and_says_so() -> None:
    luck = random.Random(2)
    left, right = ("".join(chr(0x4E00 + luck.randrange(9000)) for _ in range(20_000)) for _ in range(2))
    found = compare(Text(left), Text(right))
    assert [(row.kind, row.coarse) for row in found.rows] == [(Kind.LEFT_ONLY, True), (Kind.RIGHT_ONLY, True)]
    assert found.coarse
    # Equal lines by the thousand, in another rhythm: the work ends, and nothing is lost.
    left, right = "甲\n乙\n" * 15_000, "乙\n乙\n甲\n" * 11_000
    found = compare(Text(left), Text(right))
    assert found.coarse
    assert [sum(s.end - s.start for s in side) for side in sides_of(found)] == [30_000, 33_000]


def test_one_long_paragraph_is_compared_to_the_character() -> None:
    luck = random.Random(3)
    words = [chr(0x4E00 + luck.randrange(2000)) for _ in range(60_000)]
    left = "".join(words)
    words[30_000:30_001] = ["1,294,374"]
    [(kind, ours, theirs)] = rows(left, "".join(words))
    assert kind == "changed"
    assert len(re.findall(r"\[", ours)) == 1
    assert re.findall(r"\[(.*?)\]", theirs) == ["1,294,374"]


def test_pages_of_a_comparison_are_bounded_and_follow_each_other() -> None:
    left = "\n".join(f"第{n}段的内容在这里写着" for n in range(900))
    right = left.replace("内容", "要点")
    side = Presented(left, Places([])), Presented(right, Places([]))
    found = compare(Text(left), Text(right))
    seen: list[int] = []
    start: int | None = 0
    while start is not None:
        portion = present(found, *side, show=Show.CHANGES, start=start)
        assert len(portion.rows) <= ROWS_PER_PAGE
        seen += [row.number for row in portion.rows]
        assert portion.holds(portion.rows[0].number)
        before, start = portion.before, portion.after
    assert seen == list(range(1, 901))
    assert before == 600
    # Whatever the address says, there is a page, and it is one of those that follow each other.
    assert present(found, *side, show=Show.CHANGES, start=250).rows[0].number == 201
    assert present(found, *side, show=Show.AROUND, start=10**9).rows[-1].number == 900
    # What stayed is folded, with two rows around each change; a long text is cut in its middle.
    long = "同" * 5_000
    left, right = f"{long}\n" + "\n".join("一二三四五六七八"[:n] for n in range(1, 9)) + "\n末", ""
    right = left.replace("末", "终")
    portion = present(
        compare(Text(left), Text(right)),
        Presented(left, Places([])),
        Presented(right, Places([])),
        show=Show.AROUND,
        start=0,
    )
    assert [(row.kind.value, row.folded) for row in portion.rows] == [
        ("same", 7),
        ("same", 0),
        ("same", 0),
        ("changed", 0),
    ]
    cells = shown_cells(compare(Text(left), Text(right)), Text(left), Text(right))
    assert cells[0] is not None
    assert [(len(piece.text), piece.cut) for piece in cells[0].paragraphs[0]] == [(200, 0), (0, 4_600), (200, 0)]
