"""Registers of every form and defect: encodings, delimiters, headers, merged and hidden parts, passwords, length."""

import pytest
from sqlalchemy import func, select

from archive_app.intake.registers import bringing, reviewing
from archive_app.intake.registers.errors import NotARegisterError, RegisterProtectedError, RegisterTooLongError
from archive_app.intake.registers.models import Register
from archive_app.kernel.archive import Archive
from tests import files
from tests.conftest import Workbench
from tests.factories import People, engagement_of
from tests.registers import HEADS, all_rows, bring, delimited, faults_by_row, rows_of, workbook

BAD = {
    "a page, not a table": ("卷内目录.html", b"<html><body>x</body></html>", NotARegisterError),
    "a picture": ("目录.xlsx", b"\x89PNG\r\n\x1a\n" + b"0" * 100, NotARegisterError),
    "a damaged workbook": ("目录.xlsx", workbook(rows_of(3))[:-200], Exception),
    "an empty sheet": ("目录.xlsx", workbook([], heads=()), Exception),
}


@pytest.mark.parametrize(("name", "content", "error"), BAD.values(), ids=BAD)
def test_what_is_no_register_is_refused(
    archive: Archive, people: People, name: str, content: bytes, error: type[Exception]
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    with pytest.raises(error) as refused:
        bring(leader, content, name=name, engagement_id=engagement.id)
    assert type(refused.value).__name__ in {
        "NotARegisterError",
        "RegisterUnreadableError",
        "RegisterEmptyError",
    }
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Register)) == 0


FORMS = [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", "\t"), ("utf-16", ","), ("big5", ";")]


@pytest.mark.parametrize(("encoding", "delimiter"), FORMS)
def test_delimited_registers_of_every_encoding(
    archive: Archive, people: People, workbench: Workbench, encoding: str, delimiter: str
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = [[cell.replace("〔", "[").replace("〕", "]") for cell in row] for row in rows_of(4)]
    if encoding == "big5":
        simplified = str.maketrans(
            "号机组温体气资审员单录题责页备注证实仅纸质责时间", "號機組溫體氣資審員單錄題責頁備註證實僅紙質責時間"
        )
        rows = [
            [cell.translate(simplified).replace("绿", "綠").replace("苏", "蘇").replace("查", "查") for cell in row]
            for row in rows
        ]
        rows = [[cell.encode("big5", "ignore").decode("big5") for cell in row] for row in rows]
        heads = ("件號", "title", "number", "author", "date", "pages", "file name", "remark")
        text = "\r\n".join(delimiter.join(line) for line in [heads, *rows]) + "\r\n"
        content = text.encode("big5")
    else:
        content = delimited(rows, encoding=encoding, delimiter=delimiter)
    register_id = bring(leader, content, name="目录.csv", engagement_id=engagement.id)
    workbench.run()
    taken = all_rows(leader, register_id)
    assert [row.values["title"] for row in taken] == [row[1] for row in rows]
    assert [row.values["file_name"] for row in taken] == [row[6] for row in rows]


def test_titles_footers_and_two_headers(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    above = [["江苏绿源核查有限公司卷内文件目录"], ["件号", "文件", "", "", "日期", "页数", "文件名", "备注"]]
    below = [["合计", "3 件"], ["备注:以上文件均为原件"], ["", "立卷人:张敏"]]
    heads = ("", "题名", "文号", "责任者", "", "", "", "")
    content = workbook(
        rows_of(3), heads=heads, above=above, below=below, merged=[(1, 1, 1, 3, "文件"), (1, 0, 2, 0, "件号")]
    )
    register_id = bring(leader, content, engagement_id=engagement.id)
    workbench.run()
    taken = all_rows(leader, register_id)
    assert [row.number for row in taken] == [4, 5, 6]
    assert set(taken[0].values) == {"item_number", "title", "number", "originator", "dated_on", "pages", "file_name"}
    page = reviewing.view_register(leader, register_id=register_id)
    assert page.facts.header.rows == (2, 3)
    assert page.register.left_out == 3


def test_merged_hidden_and_computed_cells_are_said(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(4)
    for row in rows:
        row[3] = ""
    content = workbook(
        rows,
        merged=[(1, 3, 3, 3, "合并的责任者")],
        hidden_rows=[4],
        hidden_sheet=True,
        formulas={(4, 7): ('="备"&"注"', "备注")},
    )
    register_id = bring(leader, content, engagement_id=engagement.id)
    workbench.run()
    assert faults_by_row(leader, register_id) == {3: ["merged"], 4: ["merged"], 5: ["formula", "hidden_row"]}
    assert [row.values.get("originator") for row in all_rows(leader, register_id)][:3] == ["合并的责任者"] * 3
    facts = reviewing.view_register(leader, register_id=register_id).facts
    assert facts.sheets == [("旧目录", True), ("卷内目录", False)]
    assert facts.sheet == 1
    assert reviewing.confirm_warnings(leader, register_id=register_id, fault="merged") == 2
    assert faults_by_row(leader, register_id) == {5: ["formula", "hidden_row"]}
    assert HEADS[0] == "件号"


def test_a_password_is_said(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    with pytest.raises(RegisterProtectedError):
        bring(leader, files.ole_container("EncryptedPackage"), name="目录.xlsx", engagement_id=engagement.id)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_200_000_rows_are_checked(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(bringing.MAX_ROWS)
    rows[150_000][4] = "2025-02-30"
    rows[10][2] = rows[199_999][2]
    register_id = bring(leader, delimited(rows), name="目录.csv", engagement_id=engagement.id)
    workbench.run()
    counts = reviewing.view_register(leader, register_id=register_id).counts
    assert (counts["rows"], counts["refuse"]) == (bringing.MAX_ROWS, 3)
    found = [row.number for row in all_rows(leader, register_id, state="faulty")]
    assert found == [12, 150_002, 200_001]


def test_more_rows_than_a_register_takes_are_refused_with_the_figure(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    monkeypatch.setattr(bringing, "MAX_ROWS", 50)
    with pytest.raises(RegisterTooLongError) as refused:
        bring(leader, delimited(rows_of(200)), name="目录.csv", engagement_id=engagement.id)
    assert refused.value.params == {"name": "目录.csv", "rows": 201, "limit": 50}
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Register)) == 0
