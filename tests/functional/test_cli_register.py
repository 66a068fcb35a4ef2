"""`lantai register`: the same use cases from the command line."""

from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from archive_app.cli.register import command
from archive_app.documents.looking import list_documents
from archive_app.kernel.archive import Archive
from tests.conftest import Workbench
from tests.factories import People, engagement_of
from tests.registers import rows_of, workbook


@pytest.fixture
def run(archive: Archive, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    from contextlib import contextmanager

    @contextmanager
    def opened():  # type: ignore[no-untyped-def]
        yield archive, None

    monkeypatch.setattr("archive_app.cli.register.opened_archive", opened)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(command, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return invoke


def test_check_import_report_undo(run, people: People, workbench: Workbench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(4)
    rows[3][4] = "2025-02-30"
    register = tmp_path / "卷内目录.xlsx"
    register.write_bytes(workbook(rows))
    code, said = run("check", register, "--engagement", engagement.id)
    assert code == 1
    assert "E5\t日期\t'2025-02-30'" in said
    assert "4行" in said
    register_id = said.split("目录")[1].split("：")[0].strip()

    folder = tmp_path / "扫描件"
    folder.mkdir()
    for number in (1, 2, 9):
        (folder / f"核查资料{number:03d}.txt").write_text(f"正文{number}", encoding="utf-8")
    for repeat in (1, 2):
        code, said = run("import", register_id, folder)
        assert code == 1, repeat
        assert "核查资料009.txt" in said
        assert len(list_documents(leader, engagement_id=engagement.id).items) == 2
    report = tmp_path / "报告.xlsx"
    assert run("report", register_id, report)[0] == 0
    assert openpyxl.load_workbook(report).worksheets[1].max_row == 5
    assert run("report", register_id, report)[0] == 1

    code, said = run("undo", register_id)
    assert code == 0
    assert list_documents(leader, engagement_id=engagement.id).items == []


def test_what_the_command_does_not_understand(run, people: People, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    people.organisation("甲机构")
    people.organisation("乙机构")
    register = tmp_path / "目录.csv"
    register.write_text("题名,项目编号\n甲,HC-1\n", encoding="utf-8")
    assert run("check", register)[0] == 1
    assert run("check", register, "--organisation", "丙机构")[0] == 1
    assert run("check", register, "--organisation", "甲机构", "--column", "x=title")[0] == 1
    code, said = run("check", register, "--organisation", "甲机构", "--column", "1=title")
    assert code == 1
    assert "HC-1" in said
