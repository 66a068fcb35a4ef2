"""A row of a corrected register is an earlier one only where both are surely one item."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.intake.registers.checking import RowFields
from archive_app.intake.registers.correcting import (
    Earlier,
    marks_of,
    merged_fields,
    recognise,
    same_item,
    still_confirmed,
)
from archive_app.intake.registers.faults import Fault
from search.reading import Cell

CODES = ("file_name", "number", "title", "engagement")


def row(*texts: str) -> RowFields:
    return RowFields({code: Cell("text", text) for code, text in zip(CODES, texts, strict=False) if text})


def earlier(row_id: str, number: int, *texts: str, filed: bool = False, placed: bool = False) -> Earlier:
    return Earlier(row_id, number, filed, (marks_of(row(*texts)),), placed)


@pytest.mark.parametrize(
    ("was", "now", "open_same", "filed_same"),
    [
        (("ａ.PDF", "1号", "甲", "X"), ("扫描/a.pdf", "2号", "乙", "Y"), True, True),
        (("a.pdf", "绿核〔2025〕1号", "甲"), ("b.pdf", "绿核[2025]1号", "甲"), True, False),
        (("a.pdf", "1号", "甲"), ("a2.pdf", "1号", "乙"), False, False),
        (("", "1号", "甲"), ("", "1号", "乙"), True, True),
        (("", "1号", "甲"), ("", "2号", "甲"), True, False),
        (("a.pdf", "1号", "甲"), ("b.pdf", "2号", "甲"), False, False),
        (("", "", "甲", "X"), ("", "", "甲", "Y"), False, False),
        (("", "1号", "甲", "X"), ("", "1号", "甲", "Y"), True, True),
        (("", "1号", "甲"), ("", "2号", "乙"), False, False),
        (("", "", "", "X"), ("", "", "", "X"), False, False),
    ],
)
def test_one_item_is_told_from_another(
    was: tuple[str, ...], now: tuple[str, ...], open_same: bool, filed_same: bool
) -> None:
    assert same_item(earlier("r", 2, *was), marks_of(row(*now))) is open_same
    assert same_item(earlier("r", 2, *was, filed=True), marks_of(row(*now))) is filed_same


def test_what_was_typed_in_the_archive_counts_as_well_as_what_the_file_said() -> None:
    mended = Earlier("r", 2, False, (marks_of(row("", "", "错字")), marks_of(row("", "", "正字"))))
    assert recognise([mended], [(9, row("", "", "正字"))]) == {0: "r"}
    assert recognise([mended], [(9, row("", "", "错字"))]) == {0: "r"}


def test_of_several_alike_the_place_decides() -> None:
    several = [earlier("a", 2, "", "", "发票"), earlier("b", 3, "", "", "发票"), earlier("c", 4, "", "", "发票")]
    assert recognise(several, [(3, row("", "", "发票")), (9, row("", "", "发票"))]) == {0: "b"}


def test_rows_of_the_same_sheet_are_known_by_their_place() -> None:
    read = [earlier("a", 2, "", "", "甲", placed=True), earlier("old", 3, "", "", "乙", filed=True)]
    assert recognise(read, [(2, row("", "", "丙")), (3, row("", "", "丁"))]) == {0: "a"}


marks = st.tuples(*(st.sampled_from(["", "一", "二", "三"]) for _ in CODES))


@given(st.lists(st.tuples(marks, st.booleans()), max_size=8), st.lists(marks, max_size=8))
def test_no_row_is_given_away_twice_or_to_another_item(
    was: list[tuple[tuple[str, ...], bool]], now: list[tuple[str, ...]]
) -> None:
    before = {str(at): earlier(str(at), at, *texts, filed=filed) for at, (texts, filed) in enumerate(was)}
    found = recognise(list(before.values()), [(at, row(*texts)) for at, texts in enumerate(now)])
    assert len(set(found.values())) == len(found)
    assert all(same_item(before[row_id], marks_of(row(*now[at]))) for at, row_id in found.items())


def test_a_mended_cell_stays_mended_until_the_file_says_something_else() -> None:
    said = RowFields({"title": Cell("text", "甲"), "remark": Cell("text", "旧")}, frozenset({"remark"}))
    stands = RowFields({"title": Cell("text", "甲改"), "remark": Cell("text", "补"), "number": Cell("text", "1号")})
    now = RowFields(
        {"title": Cell("text", "甲"), "remark": Cell("text", "新"), "pages": Cell("text", "3")}, hidden=True
    )
    merged = merged_fields(said, stands, now)
    assert {code: cell.text for code, cell in merged.cells.items()} == {
        "title": "甲改",
        "remark": "新",
        "number": "1号",
        "pages": "3",
    }
    assert (merged.merged, merged.hidden) == (frozenset(), True)


def test_a_confirmation_holds_for_the_value_that_was_confirmed() -> None:
    was, now = row("", "1号", "甲"), row("", "2号", "甲")
    partial = Fault("date_partial", "dated_on", "2025-03")
    other = Fault("date_partial", "dated_on", "2025-04")
    confirmed = json.dumps(["date_partial", "duplicate_content", "number_duplicate"])

    def kept(before: RowFields, after: RowFields, *faults: Fault) -> list[str]:
        told: list[str] = json.loads(still_confirmed(confirmed, (before, [partial]), (after, faults)))
        return told

    assert kept(was, was, partial) == ["date_partial", "duplicate_content", "number_duplicate"]
    assert kept(was, now, partial) == ["date_partial", "duplicate_content"]
    assert kept(was, now, other) == ["duplicate_content"]
    assert kept(was, was) == ["duplicate_content", "number_duplicate"]
