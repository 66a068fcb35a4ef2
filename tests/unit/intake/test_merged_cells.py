"""Values of merged cells are carried downwards, at a cost that does not grow with the cells that a file merges."""

import json
import tracemalloc

from archive_app.intake.registers.layouts import Layout, RowTaker
from search.reading import Table

LAYOUT = Layout(1, {0: "title", 1: "number", 3: "remark"}, ("题名", "文号", "页数", "备注"))


def table(rows: dict[int, list[str]], merged: list[tuple[int, int, int, int]]) -> Table:
    """A sheet as its reader gives it."""
    return Table(
        sheets=(),
        sheet=0,
        merged=tuple(merged),
        hidden_columns=frozenset(),
        notes=(),
        row_count=len(rows),
        column_count=4,
        _lines=[json.dumps([number, False, cells]).encode() for number, cells in rows.items()],
    )


def test_each_row_of_a_range_says_what_its_first_cell_says() -> None:
    rows = {
        2: ["甲", "1", "", ""],
        3: ["", "2", "", "末"],
        4: ["", "3", "", ""],
        5: ["乙", "", "", ""],
        6: ["", "5", "", ""],
    }
    taken = dict(RowTaker(table(rows, [(5, 0, 6, 0), (2, 0, 4, 0), (3, 3, 4, 3)]), LAYOUT))
    assert [fields.text("title") for fields in taken.values()] == ["甲", "甲", "甲", "乙", "乙"]
    assert [fields.text("remark") for fields in taken.values()] == ["", "末", "末", "", ""]
    assert [sorted(fields.merged) for fields in taken.values()] == [[], ["title"], ["remark", "title"], [], ["title"]]


def test_a_sheet_that_merges_millions_of_cells_costs_no_more_than_its_ranges() -> None:
    merged = [(top, 0, top + 99_999, 3) for top in range(2, 1_000_000, 100_000)]
    tracemalloc.start()
    try:
        taken = dict(RowTaker(table({2: ["甲", "1"], 90_000: ["", "2"]}, merged), LAYOUT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken[90_000].text("title") == "甲"
    assert peak < 2**20
