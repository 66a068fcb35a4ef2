"""Registers made on the spot for the tests, and the way of one from its file to its rows."""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from archive_app.documents.ingest import Entry
from archive_app.intake.registers.attaching import match, receive_file
from archive_app.intake.registers.bringing import bring_register, map_columns
from archive_app.intake.registers.reviewing import RowFilters, RowLine, list_rows, view_register
from archive_app.kernel.actor import Actor

HEADS = ("件号", "题名", "文号", "责任者", "日期", "页数", "文件名", "备注")


def rows_of(count: int) -> list[list[Any]]:
    """Faultless rows under HEADS, each with a file name of its own."""
    return [
        [
            f"{number:03d}",
            f"{number}号机组年度温室气体排放核查资料",
            f"绿核〔2025〕{number}号",
            "江苏绿源核查有限公司",
            f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
            str(number % 40 + 1),
            f"核查资料{number:03d}.txt",
            "",
        ]
        for number in range(1, count + 1)
    ]


def workbook(
    rows: Sequence[Sequence[Any]],
    *,
    heads: Sequence[str] = HEADS,
    above: Sequence[Sequence[Any]] = (),
    below: Sequence[Sequence[Any]] = (),
    merged: Sequence[tuple[int, int, int, int, str]] = (),
    hidden_rows: Sequence[int] = (),
    hidden_sheet: bool = False,
    formulas: Mapping[tuple[int, int], tuple[str, Any]] | None = None,
) -> bytes:
    """An .xlsx of these rows. `merged` ranges and `formulas` (with the stored value) count rows from 0, as Excel's own
    format does."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False})
    if hidden_sheet:
        book.add_worksheet("旧目录").hide()
    sheet = book.add_worksheet("卷内目录")
    if hidden_sheet:
        sheet.activate()
        sheet.set_first_sheet()
    for number, values in enumerate([*above, *([heads] if heads else []), *rows, *below]):
        _write(book, sheet, number, values)
    for (row, column), (formula, stored) in (formulas or {}).items():
        sheet.write_formula(row, column, formula, None, stored)
    for top, left, bottom, right, text in merged:
        sheet.merge_range(top, left, bottom, right, text)
    for number in hidden_rows:
        sheet.set_row(number, None, None, {"hidden": True})
    book.close()
    return content.getvalue()


def _write(book: Any, sheet: Any, number: int, values: Sequence[Any]) -> None:
    day = book.add_format({"num_format": 'm"月"d"日"'})
    for column, value in enumerate(values):
        if isinstance(value, date):
            sheet.write_datetime(number, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
        elif isinstance(value, int | float):
            sheet.write_number(number, column, value)
        elif value:
            sheet.write_string(number, column, str(value))


def delimited(rows: Sequence[Sequence[Any]], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """A CSV of HEADS and these rows."""
    lines = [delimiter.join(str(value) for value in values) for values in [HEADS, *rows]]
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def bring(
    actor: Actor, content: bytes, *, name: str = "卷内目录.xlsx", engagement_id: str | None = None, mapped: bool = True
) -> str:
    """Brings a register and names its columns as proposed; returns its id. The worker checks it."""
    register_id = bring_register(actor, stream=io.BytesIO(content), name=name, engagement_id=engagement_id)
    if mapped:
        map_columns(actor, register_id=register_id, columns=view_register(actor, register_id=register_id).columns)
    return register_id


def give(actor: Actor, register_id: str, files: Mapping[str, bytes]) -> int:
    """Gives files to a register and has them matched; returns how many were attached."""
    for name, content in files.items():
        entry = Entry(name=name, source_path=name)
        receive_file(actor, register_id=register_id, stream=io.BytesIO(content), entry=entry)
    return match(actor, register_id=register_id)


def all_rows(actor: Actor, register_id: str, **filters: str) -> list[RowLine]:
    """Every row of the register."""
    found: list[RowLine] = []
    after = None
    while True:
        page = list_rows(actor, register_id=register_id, filters=RowFilters(**filters), after=after)
        found += page.items
        if page.next_key is None:
            return found
        after = page.next_key


def faults_by_row(actor: Actor, register_id: str) -> dict[int, list[str]]:
    """The codes of the faults that are not confirmed, by row number."""
    return {
        row.number: [line.fault.code for line in row.faults if not line.confirmed]
        for row in all_rows(actor, register_id)
        if any(not line.confirmed for line in row.faults)
    }
