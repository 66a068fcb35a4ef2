"""Tables out of spreadsheets and delimited text, in the sandbox: types, formulas, hidden parts, limits, damage."""

import io
import json
import math
from datetime import date

import pytest

from search.reading import ReadingError, Table, extract_table, tables
from search.reading.model import Isolation
from search.reading.sandbox import Answer
from tests.files import ole_container
from tests.registers import delimited, rows_of, workbook


def table(content: bytes, kind: str = "xlsx", sheet: int | None = None, row_limit: int = 1_000_000) -> Table:
    return extract_table(io.BytesIO(content), kind, sheet, row_limit=row_limit)


def test_cells_keep_what_excel_knows_of_them() -> None:
    content = workbook(
        [["001", 12, date(2025, 3, 1), 1.5], ["x", 320123456789012345, "", True]],
        heads=("甲", "乙", "丙", "丁"),
        formulas={(1, 4): ("=1+1", 2), (2, 4): ("=1/0", "#DIV/0!")},
        merged=[(3, 0, 5, 0, "合并")],
        hidden_rows=[2],
        hidden_sheet=True,
    )
    found = table(content)
    assert [(sheet.name, sheet.hidden) for sheet in found.sheets] == [("旧目录", True), ("卷内目录", False)]
    assert found.sheet == 1
    assert found.merged == ((4, 0, 6, 0),)
    rows = list(found.rows())
    assert [(cell.kind, cell.text, cell.formula) for cell in rows[1].cells] == [
        ("text", "001", False),
        ("number", "12", False),
        ("date", "2025-03-01", False),
        ("number", "1.5", False),
        ("number", "2", True),
    ]
    assert (rows[2].hidden, rows[2].cells[4].kind, rows[2].cells[4].text) == (True, "error", "#DIV/0!")
    assert rows[2].cells[1].text.startswith("320123456789012")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimited_text(encoding: str, delimiter: str) -> None:
    rows = rows_of(3)
    found = list(table(delimited(rows, encoding=encoding, delimiter=delimiter), "csv").rows())
    assert [[cell.text for cell in row.cells] for row in found[1:]] == [row[:7] for row in rows]


def test_a_quoted_cell_may_hold_anything_and_excels_own_line_is_obeyed() -> None:
    found = list(table('sep=;\r\n甲;乙\r\n"a;""b""\r\nc";1,5\r\n'.encode(), "csv").rows())
    assert [cell.text for cell in found[1].cells] == ['a;"b"\r\nc', "1,5"]


def test_rows_beyond_the_limit_are_counted_and_not_given() -> None:
    found = table(workbook(rows_of(50)), row_limit=10)
    assert (found.row_count, len(list(found.rows()))) == (51, 10)


def test_macros_and_links_are_said() -> None:
    import zipfile

    content = io.BytesIO(workbook(rows_of(1)))
    with zipfile.ZipFile(content, "a") as package:
        package.writestr("xl/vbaProject.bin", b"x")
        package.writestr("xl/externalLinks/externalLink1.xml", b"<externalLink/>")
    assert set(table(content.getvalue()).notes) == {"macros", "external_links"}


BAD = {
    "cut off": (workbook(rows_of(3))[:-300], "xlsx"),
    "no workbook at all": (b"PK\x03\x04" + b"0" * 100, "xlsx"),
    "an OLE file without a workbook": (ole_container("WordDocument"), "xls"),
    "binary": (bytes(range(256)) * 8, "csv"),
}


@pytest.mark.parametrize(("content", "kind"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_one_error(content: bytes, kind: str) -> None:
    with pytest.raises(ReadingError) as refused:
        list(table(content, kind).rows())
    assert refused.value.code in {"unreadable", "killed"}


def test_a_sheet_that_is_not_there() -> None:
    with pytest.raises(ReadingError) as refused:
        table(workbook(rows_of(1)), sheet=7)
    assert refused.value.code in {"unsupported", "unreadable"}
    with pytest.raises(ReadingError, match="no table"):
        table(b"", "pdf")


@pytest.mark.parametrize(
    "lie",
    [
        {"sheet": 7},
        {"sheet": math.inf},
        {"row_count": math.inf},
        {"sheets": [["\ud800", False, 1]]},
        {"merged": [[1, 2]]},
    ],
)
def test_lies_about_a_table_are_one_error(lie: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    honest: dict[str, object] = {
        "sheets": [["表", False, 1]], "sheet": 0, "merged": [], "hidden_columns": [], "notes": [], "row_count": 1,
        "column_count": 1,
    }  # fmt: skip
    for told, verdict in ((honest, None), (honest | lie, "killed")):
        content = json.dumps(told).encode() + b"\n"
        answer = Answer({}, content, Isolation((), 0, syscall_filter=False, gaps=()), input_cut=False)
        monkeypatch.setattr(tables, "run_confined", lambda *_args, _answer=answer, **_named: _answer)
        if verdict is None:
            assert table(b"").sheet == 0
            continue
        with pytest.raises(ReadingError) as caught:
            table(b"")
        assert caught.value.code == verdict
