"""A register becomes records: on both databases, one transaction for each row, repeated, interrupted, undone."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select, update

from archive_app.documents.looking import list_documents
from archive_app.documents.models import Document, Version
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.intake.inbox import holding
from archive_app.intake.registers import attaching, bringing, filing, loading, reporting, reviewing
from archive_app.intake.registers.errors import (
    ColumnsUnmappedError,
    NothingToFileError,
    StillOpenError,
    WrongStepError,
)
from archive_app.intake.registers.models import RegisterRow
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError, PermissionMissingError, read_kept
from archive_app.kernel.events import Event
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes
from tests.registers import all_rows, bring, faults_by_row, give, rows_of, workbook


def codes(archive: Archive) -> list[str]:
    with archive.reading(Actor.system("test")) as uow:
        return list(uow.session.scalars(select(Event.code).order_by(Event.id)))


def titles(actor: Actor, engagement: Engagement) -> list[str]:
    return sorted(line.document.title for line in list_documents(actor, engagement_id=engagement.id).items)


@both_databases
def test_rows_become_records_with_their_files(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(5)), engagement_id=engagement.id)
    workbench.run()
    assert faults_by_row(leader, register_id) == {}
    attached = give(leader, register_id, {f"核查资料{number:03d}.txt": b"%d" % number for number in range(1, 5)})
    assert attached == 4
    summary = filing.summarise(leader, register_id=register_id)
    assert (summary.records, summary.documents, summary.without_file, summary.faulty) == (4, 4, 1, 0)

    filing.file_now(leader, register_id=register_id)
    with pytest.raises(WrongStepError):
        filing.file_now(leader, register_id=register_id)
    workbench.run()
    rows = all_rows(leader, register_id)
    assert [row.state for row in rows] == ["filed"] * 4 + ["open"]
    with archive.reading(leader) as uow:
        documents = uow.session.execute(
            select(Document, Version).join(Version, Version.document_id == Document.id)
        ).all()
    told = {document.title: (document, version) for document, version in documents}
    document, version = told["3号机组年度温室气体排放核查资料"]
    assert (document.number, document.dated_on, version.originator, version.name) == (
        "绿核〔2025〕3号",
        date(2025, 4, 4),
        "江苏绿源核查有限公司",
        "核查资料003.txt",
    )
    assert document.remark == "件号:003; 页数:4"

    with pytest.raises(NothingToFileError):
        filing.file_now(leader, register_id=register_id)
    with pytest.raises(StillOpenError):
        reporting.close_register(leader, register_id=register_id, language="zh_Hans_CN")
    assert reviewing.close_rows_without_file(leader, register_id=register_id, words="仅有纸质") == 1
    reporting.close_register(leader, register_id=register_id, language="zh_Hans_CN")
    assert codes(archive).count("register.row_filed") == 4
    assert codes(archive).count("register.closed") == 1


@both_databases
def test_every_fault_is_found_and_mended(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(14)
    rows[0][1] = ""
    rows[1][4] = "2025-02-30"
    rows[2][2] = rows[3][2]
    rows[4][5] = date(2025, 3, 1)
    rows[5][2] = 1.23456789012345e17
    rows[6][6] = rows[7][6]
    rows[8][6] = "核查:资料?.txt"
    rows[9][0] = 10
    rows[10][1] = "标题\u0007带控制符"
    rows[11][6] = rows[12][6].upper()
    rows[13][4] = 44927
    content = workbook(rows, formulas={(1, 7): ("=1/0", "#REF!")})
    register_id = bring(leader, content, engagement_id=engagement.id)
    workbench.run()
    assert faults_by_row(leader, register_id) == {
        2: ["title_missing", "error_value"],
        3: ["date_impossible"],
        4: ["number_duplicate"],
        5: ["number_duplicate"],
        6: ["number_became_date"],
        7: ["number_lost_digits"],
        8: ["file_named_twice"],
        9: ["file_named_twice"],
        10: ["file_name_forbidden"],
        11: ["leading_zeros"],
        12: ["control_characters"],
        13: ["file_names_alike"],
        14: ["file_names_alike"],
        15: ["date_serial"],
    }
    by_number = {row.number: row for row in all_rows(leader, register_id)}

    def mend(number: int, field: str, text: str) -> None:
        reviewing.mend_cell(leader, register_id=register_id, row_id=by_number[number].id, field=field, text=text)

    for number, field, text in (
        (2, "title", "补上的题名"),
        (2, "remark", ""),
        (3, "dated_on", "2025-02-28"),
        (4, "number", "绿核〔2025〕3号"),
        (7, "number", "123456789012345678"),
        (8, "file_name", "核查资料007.txt"),
        (10, "file_name", "核查资料009.txt"),
        (11, "item_number", "010"),
        (12, "title", "标题"),
        (13, "file_name", "核查资料012.txt"),
    ):
        mend(number, field, text)
    assert faults_by_row(leader, register_id) == {6: ["number_became_date"], 15: ["date_serial"]}
    for number, fault in ((6, "number_became_date"), (15, "date_serial")):
        reviewing.confirm_fault(leader, register_id=register_id, row_id=by_number[number].id, fault=fault)
    assert faults_by_row(leader, register_id) == {}
    with pytest.raises(InvalidInputError):
        reviewing.confirm_fault(leader, register_id=register_id, row_id=by_number[3].id, fault="date_impossible")
    assert codes(archive).count("register.row_mended") == 10


@both_databases
def test_a_register_over_several_engagements_opens_what_is_missing(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("archivist")
    client = add_client(leader, name="江南热电有限公司")
    open_engagement(leader, client_id=client.id, number="HC-2025-001", title="一", year=2025)
    heads = ("题名", "项目编号", "委托单位", "年度", "文件名")
    rows = [
        ["甲", "HC-2025-001", "江南热电有限公司", "2025", "a.txt"],
        ["乙", "HC—2025—002", "江南热电有限公司", "2025年度", "b.txt"],
        ["丙", "HC-2025-003", "江南热电有限责任公司", "2025", "c.txt"],
        ["丁", "HC-2025-004", "", "", "d.txt"],
        ["戊", "", "", "", "e.txt"],
        ["己", "HC-2025-003", "江南热电有限责任公司", "2025", "f.txt"],
    ]
    register_id = bring(leader, workbook(rows, heads=heads))
    workbench.run()
    found = faults_by_row(leader, register_id)
    assert found == {
        3: ["engagement_new"],
        4: ["client_unknown", "engagement_new"],
        5: ["engagement_unknown"],
        6: ["engagement_missing"],
        7: ["client_unknown", "engagement_new"],
    }
    by_number = {row.number: row for row in all_rows(leader, register_id)}
    nearest = next(line.fault for line in by_number[4].faults if line.fault.code == "client_unknown")
    assert nearest.params["nearest"] == "江南热电有限公司"
    for number in (4, 7):
        reviewing.confirm_fault(leader, register_id=register_id, row_id=by_number[number].id, fault="client_unknown")
    give(leader, register_id, {f"{letter}.txt": letter.encode() for letter in "abcdef"})
    summary = filing.summarise(leader, register_id=register_id)
    assert (summary.records, summary.engagements, summary.clients, summary.faulty) == (4, 2, 1, 2)
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    with archive.reading(leader) as uow:
        numbers = uow.session.scalars(select(Engagement.number).order_by(Engagement.number)).all()
        filed = uow.session.scalar(select(func.count()).select_from(Document))
    assert numbers == ["HC-2025-001", "HC-2025-003", "HC—2025—002"]
    assert filed == 4


def test_a_corrected_register_keeps_what_was_done(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(6)
    rows[3][4] = "2025-13-01"
    register_id = bring(leader, workbook(rows), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "核查资料005.txt": b"5"})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    by_number = {row.number: row for row in all_rows(leader, register_id)}
    reviewing.mend_cell(leader, register_id=register_id, row_id=by_number[4].id, field="remark", text="手工补记")

    rows[3][4] = "2025-12-01"
    corrected = [rows[0], ["000", "插入的一行", "", "", "", "", "", ""], *rows[1:5]]
    stream = io.BytesIO(workbook(corrected))
    bringing.replace_register(leader, register_id=register_id, stream=stream, name="卷内目录(改).xlsx")
    workbench.run()
    after = {row.number: row for row in all_rows(leader, register_id)}
    assert [after[number].state for number in range(2, 8)] == ["filed", "open", "open", "open", "open", "filed"]
    assert after[5].values["remark"] == "手工补记"
    assert faults_by_row(leader, register_id) == {}
    outcome = view = reviewing.view_register(leader, register_id=register_id).sources[-1]
    assert {key: outcome[key] for key in ("kept", "changed", "added", "removed", "filed_differ")} == {
        "kept": 4,
        "changed": 1,
        "added": 1,
        "removed": 1,
        "filed_differ": 0,
    }
    assert len(reviewing.view_register(leader, register_id=register_id).sources) == 2
    assert view["sha256"] != reviewing.view_register(leader, register_id=register_id).sources[0]["sha256"]


def test_the_same_content_waits_for_a_person(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    file_bytes(leader, engagement, "早先.txt", b"same")
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"same", "核查资料002.txt": b"other"})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    first = all_rows(leader, register_id)[0]
    assert first.state == "open"
    # Which document it is stands nowhere on the row: not everybody who sees the row may see that document.
    told = read_kept(first.refusal, "zh_Hans_CN")
    assert "核查资料001.txt" in told
    assert "早先.txt" not in told
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    assert all_rows(leader, register_id)[0].state == "open"
    filing.allow_same_content(leader, register_id=register_id, row_id=first.id)
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    assert [row.state for row in all_rows(leader, register_id)] == ["filed", "filed"]


def test_filing_goes_on_after_a_crash(
    archive: Archive, people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(4)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {f"核查资料00{number}.txt": b"%d" % number for number in range(1, 5)})
    filing.file_now(leader, register_id=register_id)
    real: Any = holding.file_held
    calls: list[int] = []

    def breaks(*args: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("the machine stops here")
        return real(*args, **named)

    monkeypatch.setattr(filing, "file_held", breaks)
    with pytest.raises(OSError, match="stops"):
        filing.file_rows(archive, register_id, leader.name)
    assert len(titles(leader, engagement)) == 2
    monkeypatch.setattr(filing, "file_held", real)
    workbench.run()
    assert len(titles(leader, engagement)) == 4
    filing.file_rows(archive, register_id, leader.name)
    assert len(titles(leader, engagement)) == 4


def test_whoever_loses_the_right_meanwhile_files_nothing(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    from archive_app.identity.models import Person

    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(1)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1"})
    filing.file_now(leader, register_id=register_id)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Person).where(Person.id == leader.name).values(active=False))
    filing.file_rows(archive, register_id, leader.name)
    assert all_rows(leader, register_id)[0].state == "open"
    assert reviewing.view_register(leader, register_id=register_id).register.state == "ready"
    assert titles(leader, engagement) == []


def test_an_interrupted_check_is_taken_over(
    archive: Archive, people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    monkeypatch.setattr(loading, "PORTION", 7)
    register_id = bring(leader, workbook(rows_of(20)), engagement_id=engagement.id)
    real = loading._progress

    def stops(run: object, done: int, total: int) -> None:
        real(run, done, total)  # type: ignore[arg-type]
        if done >= 14:
            raise OSError("the machine stops here")

    monkeypatch.setattr(loading, "_progress", stops)
    with pytest.raises(OSError, match="stops"):
        loading.load_rows(archive, register_id, leader.name)
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(RegisterRow)) == 14
    monkeypatch.setattr(loading, "_progress", real)
    workbench.run()
    assert [row.number for row in all_rows(leader, register_id)] == list(range(2, 22))


def test_columns_are_remembered_for_the_same_header(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    heads = ("编次", "材料", "何时")
    rows = [["1", "甲材料", "x"], ["2", "乙材料", "y"]]
    register_id = bring(leader, workbook(rows, heads=heads), engagement_id=engagement.id, mapped=False)
    with pytest.raises(ColumnsUnmappedError):
        bringing.map_columns(leader, register_id=register_id, columns={0: "item_number"})
    with pytest.raises(InvalidInputError):
        bringing.map_columns(leader, register_id=register_id, columns={0: "title", 1: "title"})
    bringing.map_columns(leader, register_id=register_id, columns={0: "item_number", 1: "title", 2: ""})
    workbench.run()
    again = bring(leader, workbook([["3", "丙", "z"]], heads=heads), engagement_id=engagement.id, mapped=False)
    page = reviewing.view_register(leader, register_id=again)
    assert page.remembered
    assert page.columns == {0: "item_number", 1: "title"}
    stranger = people.person("team_leader", organisation="别家机构")
    other = engagement_of(stranger)
    theirs = bring(stranger, workbook(rows, heads=heads), engagement_id=other.id, mapped=False)
    assert not reviewing.view_register(stranger, register_id=theirs).remembered


def test_nobody_else_sees_a_register(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    colleague = people.person("team_leader")
    archivist = people.person("archivist")
    stranger = people.person("archivist", organisation="别家机构")
    verifier = people.person("verifier")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(1)), engagement_id=engagement.id)
    whole = bring(leader, workbook([["甲", "HC-1"]], heads=("题名", "项目编号")))
    workbench.run()
    row = all_rows(leader, register_id)[0]
    for other in (colleague, stranger):
        for hidden in (register_id, whole):
            with pytest.raises(NotFoundError):
                reviewing.view_register(other, register_id=hidden)
        with pytest.raises(NotFoundError):
            reviewing.mend_cell(other, register_id=register_id, row_id=row.id, field="title", text="x")
        with pytest.raises(NotFoundError):
            reporting.report(other, register_id=register_id, language="en")
        assert reviewing.list_registers(other).items == []
    with pytest.raises(PermissionMissingError):
        reviewing.view_register(verifier, register_id=register_id)
    assert reviewing.view_register(archivist, register_id=whole).counts["rows"] == 1
    with pytest.raises(NotFoundError):
        bring(stranger, workbook(rows_of(1)), engagement_id=engagement.id)


def test_files_left_over_are_matched_by_hand(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "扫描件.txt": b"2", "多余.txt": b"3"})
    left = attaching.list_left(leader, register_id=register_id)
    assert ([row.number for row in left.rows], [file.name for file in left.files]) == ([3], ["多余.txt", "扫描件.txt"])
    attaching.attach(leader, register_id=register_id, row_id=left.rows[0].id, file_ids=[left.files[1].id])
    attaching.detach(leader, register_id=register_id, file_id=left.files[1].id)
    with pytest.raises(ConflictError):
        attaching.detach(leader, register_id=register_id, file_id=left.files[1].id)
    attaching.attach(leader, register_id=register_id, row_id=left.rows[0].id, file_ids=[left.files[1].id])
    attaching.let_go(leader, register_id=register_id, file_id=left.files[0].id, reason="不属于本卷")
    again = [attaching.Offer("扫描件.txt", 1), attaching.Offer("别的.txt", 1)]
    assert attaching.known_files(leader, register_id=register_id, offers=again) == [True, False]
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    assert len(titles(leader, engagement)) == 2
    reporting.close_register(leader, register_id=register_id, language="en")
    with pytest.raises(WrongStepError):
        attaching.match(leader, register_id=register_id)


def test_the_report_holds_no_formula(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    rows = rows_of(3)
    rows[0][1] = '=HYPERLINK("http://example.invalid")'
    rows[1][7] = "+1+cmd|' /C calc'!A0"
    register_id = bring(leader, workbook(rows), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "=多余.txt": b"2"})
    for language in ("zh_Hans_CN", "en"):
        content = reporting.report(leader, register_id=register_id, language=language)
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
        assert {cell.data_type for cell in cells} <= {"s", "n"}
        assert any(cell.value == rows[0][1] for cell in cells)
        assert any(cell.value == "=多余.txt" for cell in cells)


def test_of_two_runs_the_later_one_fills_the_rows(
    archive: Archive, people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    monkeypatch.setattr(loading, "PORTION", 5)
    register_id = bring(leader, workbook(rows_of(12)), engagement_id=engagement.id)
    real, runs = loading._progress, []

    def overtaken(run: Any, done: int, total: int) -> None:
        real(run, done, total)
        runs.append(done)
        if len(runs) == 1:
            loading.load_rows(archive, register_id, leader.name)

    monkeypatch.setattr(loading, "_progress", overtaken)
    loading.load_rows(archive, register_id, leader.name)
    assert [row.number for row in all_rows(leader, register_id)] == list(range(2, 14))
    assert codes(archive).count("register.checked") == 1
