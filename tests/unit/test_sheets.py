"""Tables for spreadsheet programs: nothing that a document is called may run."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from archive_app.kernel.sheets import Cell, Sheet, csv_blocks, workbook, xlsx_blocks

ZONE = ZoneInfo("Asia/Shanghai")
HOSTILE = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t'=1",
    "\r=1": "'\r'=1",
    "\n=1": "'\n'=1",
    "＝1+1": "'＝1+1",
    "＠a": "'＠a",
    '=cmd|"/c calc"!A1': '\'=cmd|"/c calc"!A1',
    # Behind what some programs skip.
    " =1": " '=1",
    '"=1': "\"'=1",
    "\u200b=1": "\u200b'=1",
    "\ufeff＋1": "\ufeff'＋1",
    # Where the program splits lines at semicolons, or at each end of a line.
    "a;=1": "a;'=1",
    'a; "@x': "a; \"'@x",
    "a\n=1;-2": "a\n'=1;'-2",
}
"""Hostile text, and what it becomes in CSV."""
HARMLESS = ["", "文件", "a=b", "a - b", "1", "'=1", "2026-05-04", "a;b", 'with "quotes", commas\nand lines']


def as_csv(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    written = b"".join(csv_blocks(rows, ZONE))
    assert written.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(("text", "harmless"), HOSTILE.items())
def test_a_formula_becomes_text(text: str, harmless: str, tmp_path: Path) -> None:
    [[cell]] = as_csv([[text]])
    assert cell == harmless
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"".join(xlsx_blocks([["h"], [text]], [10], ZONE)))
    written = openpyxl.load_workbook(path).active["A2"]
    assert (written.data_type, written.hyperlink) == ("s", None)
    assert written.value.replace("_x000D_", "\r") == text
    # Somebody who edits the cell must not bring the formula to life either.
    assert written.quotePrefix == (harmless[0] == "'")


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert as_csv([[text]]) == ([[text]] if text else [[""]])


def test_dates_and_numbers_are_such(tmp_path: Path) -> None:
    row: list[Cell] = [date(2026, 5, 4), datetime(2026, 5, 4, 20, 0, tzinfo=UTC), 12, None, date(1899, 12, 31)]
    assert as_csv([row]) == [["2026-05-04", "2026-05-05 04:00", "12", "", "1899-12-31"]]
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"".join(xlsx_blocks([["a"] * 5, row], [10] * 5, ZONE)))
    values = [cell.value for cell in openpyxl.load_workbook(path).active[2]]
    told = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    assert told == ["2026-05-04T00:00:00", "2026-05-05T04:00:00", 12, None, "1899-12-31"]


def test_several_sheets_of_the_same_rows_are_the_same_bytes() -> None:
    def made(at: datetime) -> bytes:
        long = "一" * 40
        first: list[list[Cell]] = [["h"], ["a\nb"]]
        second: list[list[Cell]] = [["h"], [1]]
        sheets = [Sheet(first, [10], long, wrapped=True), Sheet(iter(second), [10], "二")]
        return workbook(sheets, ZONE, made_at=at)

    moment = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)
    assert made(moment) == made(moment.astimezone(ZONE)) != made(datetime(2026, 5, 5, tzinfo=UTC))
    book = openpyxl.load_workbook(io.BytesIO(made(moment)))
    assert book.sheetnames == ["一" * 31, "二"]
    assert [(cell.value, cell.alignment.wrap_text) for cell in book["二"]["A"]] == [("h", None), (1, None)]
    assert [(cell.value, cell.alignment.wrap_text) for cell in book["一" * 31]["A"]] == [("h", True), ("a\nb", True)]
