"""A corrected register: a row keeps what it has only where it is the same item; and the ways out of a stopped step."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import select, update

from archive_app.documents.ingest import Entry
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.intake.inbox import holding
from archive_app.intake.registers import attaching, bringing, filing, recovering, reviewing, undoing
from archive_app.intake.registers.errors import RegisterUnreadableError, StillRunningError, WrongStepError
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.outbox import Job
from search.reading import ReadingError, Table, TableRow
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of
from tests.registers import all_rows, bring, faults_by_row, give, rows_of, workbook

OTHER = ["900", "毫不相干的一件", "苏环〔2024〕77号", "别处", "2025-06-01", "1", "别的材料.txt", ""]


def corrected(actor: Actor, register_id: str, rows: list[list[Any]], workbench: Workbench) -> Mapping[str, object]:
    """Brings a corrected file; returns what became of its rows."""
    stream = io.BytesIO(workbook(rows))
    bringing.replace_register(actor, register_id=register_id, stream=stream, name="卷内目录(改).xlsx")
    workbench.run()
    page = reviewing.view_register(actor, register_id=register_id)
    assert page.register.state == "ready"
    told = page.sources[-1]
    return {name: told[name] for name in ("kept", "changed", "added", "removed", "filed_differ") if told[name]}


def files_by_title(actor: Actor, register_id: str) -> dict[str, list[str]]:
    rows = {row.id: row.values["title"] for row in all_rows(actor, register_id)}
    found: dict[str, list[str]] = {}
    for file in attaching.list_files(actor, register_id=register_id).items:
        found.setdefault(rows.get(file.row_id or "", ""), []).append(file.name)
    return found


@both_databases
def test_an_unrelated_row_inherits_nothing_and_pushes_nothing_away(people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    rows = rows_of(4)
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    give(leader, register_id, {f"核查资料00{number}.txt": b"%d" % number for number in (1, 2, 3)})
    # Row 5 has no file and is not filed; rows 2 and 3 are, and row 4 waits with a fault.
    by_number = {row.number: row for row in all_rows(leader, register_id)}
    reviewing.mend_cell(leader, register_id=register_id, row_id=by_number[4].id, field="dated_on", text="x")
    filing.file_now(leader, register_id=register_id)
    workbench.run()

    # A filed row and an open one are replaced by something else at their places.
    elsewhere = ["901", "另一件不相干的", "苏环〔2024〕78号", "别处", "2025-06-01", "1", "再一份.txt", ""]
    outcome = corrected(leader, register_id, [rows[0], OTHER, elsewhere, rows[3]], workbench)
    assert outcome == {"kept": 2, "added": 2, "removed": 1}
    after = [(row.number, row.values["title"], row.state, row.files) for row in all_rows(leader, register_id)]
    assert sorted(after) == sorted(
        [
            (2, rows[0][1], "filed", 1),
            (3, rows[1][1], "filed", 1),
            (3, OTHER[1], "open", 0),
            (4, elsewhere[1], "open", 0),
            (5, rows[3][1], "open", 0),
        ]
    )
    assert files_by_title(leader, register_id)[""] == ["核查资料003.txt"]
    assert [file.name for file in attaching.list_left(leader, register_id=register_id).files] == ["核查资料003.txt"]


def test_a_changed_row_keeps_what_it_has_wherever_it_stands_now(people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    rows = rows_of(5)
    for row in rows:
        row[4] = "2025-03"
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    give(leader, register_id, {f"核查资料00{number}.txt": b"%d" % number for number in (1, 2, 3, 5)})
    by_number = {row.number: row for row in all_rows(leader, register_id)}
    reviewing.confirm_warnings(leader, register_id=register_id, fault="date_partial")
    for number in (2, 3):
        row_id = by_number[number].id
        reviewing.mend_cell(leader, register_id=register_id, row_id=row_id, field="remark", text=f"手工补记{number}")

    changed = [list(row) for row in rows]
    changed[0][1] = "改过的题名"
    changed[1][2], changed[1][7] = "绿核〔2026〕2号", "表中补记"
    changed[2][6] = "换了文件名.txt"
    changed[4][4] = "2025-04"
    outcome = corrected(leader, register_id, [OTHER, *changed], workbench)
    assert outcome == {"kept": 1, "changed": 4, "added": 1}
    after = {row.number: row for row in all_rows(leader, register_id)}
    # The first three are known again by their file name or number; two of them have more in common than differs.
    assert [after[number].files for number in range(2, 8)] == [0, 1, 1, 1, 0, 1]
    assert {after[number].id for number in (3, 4, 5, 7)} == {by_number[number].id for number in (2, 3, 4, 6)}
    assert (after[3].values["title"], after[3].values["remark"]) == ("改过的题名", "手工补记2")
    # What the correction says itself goes before what was mended.
    assert after[4].values["remark"] == "表中补记"
    # A confirmed day stays confirmed while it is the same day.
    assert faults_by_row(leader, register_id) == {7: ["date_partial"]}


def test_what_many_rows_have_in_common_makes_none_of_them_the_same(people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    rows = [[f"{n:03d}", "检测报告", f"JC-{n}", "", "2025-03-01", "1", f"检测{n}.txt", ""] for n in (1, 2, 3)]
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    assert give(leader, register_id, {f"检测{n}.txt": b"%d" % n for n in (1, 2, 3)}) == 3
    others = [[f"{n:03d}", "检测报告", f"JC-{n}", "", "2025-03-01", "1", f"检测{n}.txt", ""] for n in (7, 8, 9)]
    assert corrected(leader, register_id, others, workbench) == {"added": 3, "removed": 3}
    assert {row.files for row in all_rows(leader, register_id)} == {0}
    assert attaching.list_left(leader, register_id=register_id).file_count == 3


def test_a_filed_row_that_says_something_else_stays_and_is_counted(people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    rows = rows_of(2)
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "核查资料002.txt": b"2"})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    changed = [list(row) for row in rows]
    changed[0][1] = "改过的题名"
    # The same title for another number is another item: it must not vanish behind the one that is filed.
    changed[1][2], changed[1][6] = "绿核〔2026〕2号", ""
    assert corrected(leader, register_id, changed, workbench) == {"added": 1, "filed_differ": 1}
    after = [
        (row.number, row.values["title"], row.values["number"], row.state) for row in all_rows(leader, register_id)
    ]
    assert sorted(after) == [
        (2, rows[0][1], rows[0][2], "filed"),
        (3, rows[1][1], rows[1][2], "filed"),
        (3, rows[1][1], "绿核〔2026〕2号", "open"),
    ]


def test_other_columns_of_the_same_sheet_lose_no_file(people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(3)), engagement_id=engagement.id, mapped=False)
    bringing.map_columns(leader, register_id=register_id, columns={3: "title", 6: "barcode"})
    workbench.run()
    files = {file.id for file in attaching.list_files(leader, register_id=register_id).items}
    assert not files
    first = all_rows(leader, register_id)[0]
    entry = Entry(name="扫描件.txt")
    file_id = attaching.receive_file(leader, register_id=register_id, stream=io.BytesIO(b"1"), entry=entry)
    attaching.attach(leader, register_id=register_id, row_id=first.id, file_ids=[file_id])
    bringing.map_columns(leader, register_id=register_id, columns={1: "title", 2: "number"})
    workbench.run()
    after = all_rows(leader, register_id)
    assert [(row.number, row.values["title"], row.files) for row in after] == [
        (number, rows_of(3)[number - 2][1], int(number == 2)) for number in (2, 3, 4)
    ]
    assert after[0].id == first.id


def test_rows_that_the_reader_lies_about_lead_back_to_the_columns(
    archive: Archive, people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)

    def lies(_table: Table) -> Iterator[TableRow]:
        yield TableRow(1, ())
        raise ReadingError("killed", "the reader answered outside of its protocol")

    with monkeypatch.context() as patched:
        patched.setattr(Table, "rows", lies)
        workbench.run()
        with pytest.raises(RegisterUnreadableError):
            bring(leader, workbook(rows_of(2)), engagement_id=engagement.id, mapped=False)
    page = reviewing.view_register(leader, register_id=register_id)
    assert (page.register.state, page.register.fault, page.stopped) == ("mapping", "register_rows_unreadable", False)
    bringing.map_columns(leader, register_id=register_id, columns=page.columns)
    workbench.run()
    page = reviewing.view_register(leader, register_id=register_id)
    assert (page.register.state, page.register.fault, page.counts["rows"]) == ("ready", None, 2)


def set_aside(archive: Archive, kind: str) -> None:
    """The job has failed as often as a job may."""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Job).where(Job.kind == kind).values(state="dead", error="it broke"))


@both_databases
def test_a_check_that_died_is_gone_on_with_or_left(archive: Archive, people: People, workbench: Workbench) -> None:
    leader, colleague = people.person("team_leader"), people.person("team_leader")
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement_of(leader).id)
    for act in (recovering.go_on, recovering.step_back):
        with pytest.raises(StillRunningError):
            act(leader, register_id=register_id)
    set_aside(archive, "registers.check")
    workbench.run()
    page = reviewing.view_register(leader, register_id=register_id)
    assert (page.register.state, page.stopped) == ("checking", True)
    for act in (recovering.go_on, recovering.step_back):
        with pytest.raises(NotFoundError):
            act(colleague, register_id=register_id)
    recovering.step_back(leader, register_id=register_id)
    page = reviewing.view_register(leader, register_id=register_id)
    assert (page.register.state, page.register.fault, page.stopped) == ("mapping", "register_check_stopped", False)
    with pytest.raises(WrongStepError):
        recovering.go_on(leader, register_id=register_id)

    bringing.map_columns(leader, register_id=register_id, columns=page.columns)
    set_aside(archive, "registers.check")
    recovering.go_on(leader, register_id=register_id)
    assert not reviewing.view_register(leader, register_id=register_id).stopped
    workbench.run()
    page = reviewing.view_register(leader, register_id=register_id)
    assert (page.register.state, page.counts["rows"]) == ("ready", 2)
    with archive.reading(leader) as uow:
        codes = list(uow.session.scalars(select(Event.code)))
    assert (codes.count("register.freed"), codes.count("register.resumed")) == (1, 1)


def test_filing_and_undoing_that_died_are_gone_on_with_or_left(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement_of(leader).id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "核查资料002.txt": b"2"})

    def state() -> tuple[str, bool, int]:
        page = reviewing.view_register(leader, register_id=register_id)
        return page.register.state, page.stopped, page.counts["filed"]

    filing.file_now(leader, register_id=register_id)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind == "registers.file")):
            uow.session.delete(job)
    assert state() == ("filing", True, 0)
    recovering.step_back(leader, register_id=register_id)
    assert state() == ("ready", False, 0)
    filing.file_now(leader, register_id=register_id)
    set_aside(archive, "registers.file")
    assert state() == ("filing", True, 0)
    recovering.go_on(leader, register_id=register_id)
    workbench.run()
    assert state() == ("ready", False, 2)

    undoing.undo_import(leader, register_id=register_id)
    set_aside(archive, "registers.undo")
    assert state() == ("undoing", True, 2)
    recovering.step_back(leader, register_id=register_id)
    assert state() == ("ready", False, 2)
    undoing.undo_import(leader, register_id=register_id)
    set_aside(archive, "registers.undo")
    recovering.go_on(leader, register_id=register_id)
    workbench.run()
    assert state() == ("ready", False, 0)


def test_a_file_of_one_engagement_is_never_taken_into_a_row_of_another(people: People, workbench: Workbench) -> None:
    leader = people.person("archivist")
    client = add_client(leader, name="江南热电有限公司")
    engagements = [
        open_engagement(leader, client_id=client.id, number=f"HC-2025-00{n}", title=f"第{n}个", year=2025)
        for n in (1, 2)
    ]
    heads = ("题名", "项目编号", "委托单位", "年度", "文件名")
    rows = [
        ["甲", "HC-2025-001", "", "", "甲.txt"],
        ["乙", "HC-2025-002", "", "", "乙.txt"],
        ["丙", "HC-2025-003", "江南热电有限公司", "2025", "丙.txt"],
        ["丁", "HC-2025-002", "", "", "丁.txt"],
    ]
    register_id = bring(leader, workbook(rows, heads=heads))
    workbench.run()

    def waits(name: str, engagement: Engagement | None) -> None:
        place = holding.InboxPlace(leader.organisation_id or "", engagement.id if engagement else None)
        content = name.encode() + (engagement.number if engagement else "").encode()
        holding.hold_file(leader, stream=io.BytesIO(content), entry=Entry(name=name), place=place)

    waits("甲.txt", engagements[0])
    waits("乙.txt", engagements[0])
    waits("丙.txt", engagements[0])
    waits("丁.txt", None)
    assert attaching.match(leader, register_id=register_id, with_inbox=True) == 2
    assert files_by_title(leader, register_id) == {"甲": ["甲.txt"], "丁": ["丁.txt"]}
    # One that is let go of again is still known for its engagement.
    (first, *_) = [
        file for file in attaching.list_files(leader, register_id=register_id).items if file.name == "甲.txt"
    ]
    attaching.detach(leader, register_id=register_id, file_id=first.id)
    row = all_rows(leader, register_id)[0]
    reviewing.mend_cell(leader, register_id=register_id, row_id=row.id, field="engagement", text="HC-2025-002")
    assert attaching.match(leader, register_id=register_id) == 0
    reviewing.mend_cell(leader, register_id=register_id, row_id=row.id, field="engagement", text="HC-2025-001")
    assert attaching.match(leader, register_id=register_id) == 1
    # The file of the right engagement finds its row beside its namesake of the wrong one.
    waits("乙.txt", engagements[1])
    assert attaching.match(leader, register_id=register_id, with_inbox=True) == 1
    assert files_by_title(leader, register_id)["乙"] == ["乙.txt"]
