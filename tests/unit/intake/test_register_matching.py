"""Files find their rows by what both carry, and nothing is ever guessed."""

from hypothesis import given
from hypothesis import strategies as st

from archive_app.intake.registers.matching import Match, Wanted, match_files

ROWS = [
    Wanted("r1", "报告.pdf", ("绿核〔2025〕3号", "J019-ZY-2025-001", "1")),
    Wanted("r2", "台账.xlsx", ("绿核〔2025〕31号", "J019-ZY-2025-002", "2"), "690123456789"),
    Wanted("r3", "", ("绿核〔2025〕4号",)),
    Wanted("r4", "", ("", "J019-ZY-2025-004", "4")),
]


def found(*names: str) -> dict[str, tuple[str, str]]:
    matches = match_files(ROWS, {name: name for name in names})
    return {match.file_id: (match.row_id, match.how) for match in matches}


def test_each_means_finds_its_row() -> None:
    assert found("报告.PDF") == {"报告.PDF": ("r1", "name")}
    assert found("报告.docx") == {"报告.docx": ("r1", "stem")}
    assert found("扫描 690123456789.pdf") == {"扫描 690123456789.pdf": ("r2", "barcode")}
    assert found("绿核[2025]4号.pdf") == {"绿核[2025]4号.pdf": ("r3", "number")}
    assert found("关于绿核的函 J019-ZY-2025-004 终稿.pdf") == {
        "关于绿核的函 J019-ZY-2025-004 终稿.pdf": ("r4", "number")
    }
    assert found("4.pdf") == {"4.pdf": ("r4", "number")}


def test_the_longer_number_decides() -> None:
    assert found("绿核〔2025〕31号.pdf", "绿核〔2025〕3号.pdf") == {
        "绿核〔2025〕31号.pdf": ("r2", "number"),
        "绿核〔2025〕3号.pdf": ("r1", "number"),
    }


def test_a_short_number_inside_a_name_is_no_sign() -> None:
    assert found("第4批材料.pdf", "4号机组.pdf") == {}


def test_parts_of_one_record_keep_their_order() -> None:
    names = ["报告-2.jpg", "报告(1).jpg", "报告_附件3.jpg", "报告（4）.jpg", "报告.pdf"]
    matches = match_files(ROWS, {name: name for name in names})
    assert {match.file_id: match.position for match in matches} == {
        "报告-2.jpg": 2,
        "报告(1).jpg": 1,
        "报告_附件3.jpg": 3,
        "报告（4）.jpg": 4,
        "报告.pdf": 0,
    }
    assert {match.row_id for match in matches} == {"r1"}


def test_what_is_not_certain_is_left_to_a_person() -> None:
    twins = [Wanted("a", "报告.pdf"), Wanted("b", "报告.PDF")]
    assert match_files(twins, {"f": "报告.pdf"}) == []
    assert match_files(ROWS, {"f": "报告.pdf", "g": "报告.pdf"}) == []
    assert found("无关.pdf") == {}


def test_the_surest_means_wins_for_a_row() -> None:
    assert match_files(ROWS, {"f": "报告.pdf", "g": "报告.docx"}) == [Match("f", "r1", "name")]


@given(
    names=st.lists(st.text(alphabet="报告台账-_()0123456789. abAB号", min_size=1, max_size=12), max_size=12),
    numbers=st.lists(st.text(alphabet="绿核0123456789-", max_size=8), max_size=8),
)
def test_a_file_never_has_two_rows(names: list[str], numbers: list[str]) -> None:
    rows = [
        Wanted(str(place), name, (number,)) for place, (name, number) in enumerate(zip(names, numbers, strict=False))
    ]
    matches = match_files(rows, {str(place): name for place, name in enumerate(names)})
    assert len({match.file_id for match in matches}) == len(matches)
    known = {row.row_id for row in rows}
    assert all(match.row_id in known for match in matches)


def test_a_file_of_an_engagement_looks_at_the_rows_of_no_other() -> None:
    rows = [
        Wanted("a", "报告.pdf", engagement_id="x"),
        Wanted("b", "报告.pdf", engagement_id="y"),
        Wanted("c", "表.pdf"),
    ]
    assert match_files(rows, {"f": "报告.pdf"}, {"f": "x"}) == [Match("f", "a", "name")]
    assert match_files(rows, {"f": "表.pdf"}, {"f": "x"}) == []
    assert match_files(rows, {"f": "报告.pdf"}, {"f": "z"}) == []
    assert match_files(rows, {"f": "表.pdf", "g": "表.pdf"}, {"g": "x"}) == [Match("f", "c", "name")]
