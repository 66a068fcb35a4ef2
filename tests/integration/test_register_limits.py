"""What a register must never do: more than its token may, more than its size allows, or lose a file on the way."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from archive_app.documents.ingest import Entry
from archive_app.engagements.clients import add_client
from archive_app.engagements.models import Engagement
from archive_app.identity.access_tokens import actor_of_token, make_token
from archive_app.intake.inbox import holding, sorting
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers import attaching, bringing, filing, reporting, reviewing, sharing
from archive_app.intake.registers.checking import RowFields, unpack_fields
from archive_app.intake.registers.errors import ColumnsUnmappedError, WrongStepError
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from tests.conftest import Workbench, both_databases
from tests.factories import People, declare, engagement_of
from tests.registers import all_rows, bring, faults_by_row, give, rows_of, workbook

OPENING = ("题名", "项目编号", "客户名称", "年度", "文件名")


def program_of(archive: Archive, person: Actor, *scopes: str) -> Actor:
    """A program that comes with a token of the person."""
    made = make_token(person, name="程序", scopes=scopes, days=1)
    actor = actor_of_token(archive, made.token, "127.0.0.1")
    assert actor is not None
    return actor


def test_a_job_does_no_more_than_the_token_that_asked_for_it(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    add_client(leader, name="江南热电有限公司")
    rows = [["新项目的资料", "HC-2026-777", "江南热电有限公司", "2025", "甲.txt"]]
    register_id = bring(leader, workbook(rows, heads=OPENING))
    workbench.run()
    assert list(faults_by_row(leader, register_id).values()) == [["engagement_new"]]
    assert give(leader, register_id, {"甲.txt": "甲".encode()}) == 1
    filing.file_now(program_of(archive, leader, "import"), register_id=register_id)
    workbench.run()
    with archive.reading(leader) as uow:
        assert uow.session.scalars(select(Engagement.number)).all() == []
    (row,) = all_rows(leader, register_id)
    assert (row.state, row.refusal != "") == ("open", True)

    filing.file_now(program_of(archive, leader, "import", "open"), register_id=register_id)
    workbench.run()
    with archive.reading(Actor.system("test")) as uow:
        (opened,) = uow.session.scalars(select(Engagement.id)).all()
    # The engagement is there; nobody files into it before they have declared.
    (row,) = all_rows(leader, register_id)
    assert (row.state, "HC-2026-777" in (row.refusal or "")) == ("open", True), row.refusal

    declare(archive, opened)
    filing.file_now(program_of(archive, leader, "import", "open"), register_id=register_id)
    workbench.run()
    (row,) = all_rows(leader, register_id)
    assert row.state == "filed"


@contextmanager
def told_parameters(archive: Archive) -> Iterator[list[int]]:
    """How many parameters each statement has."""
    counts: list[int] = []

    def count(_connection: Any, _cursor: Any, _statement: str, parameters: Any, *_more: Any) -> None:
        counts.append(len(parameters))

    event.listen(archive.engine, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        event.remove(archive.engine, "before_cursor_execute", count)


def test_filing_asks_the_same_question_however_long_the_register(
    archive: Archive, people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database takes only so many parameters: a question that grows with each row ends a long register half way."""
    monkeypatch.setattr(filing, "_PORTION", 1)
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    most = []
    for count in (2, 45):
        register_id = bring(leader, workbook(rows_of(count)), engagement_id=engagement.id)
        workbench.run()
        give(leader, register_id, {f"核查资料{n:03d}.txt": b"%d of %d" % (n, count) for n in range(1, count + 1)})
        filing.file_now(leader, register_id=register_id)
        with told_parameters(archive) as counts:
            filing.file_rows(archive, register_id, leader.name)
        most.append(max(counts))
        assert {row.state for row in all_rows(leader, register_id)} == {"filed"}
    assert most[0] == most[1]


def test_rows_that_all_share_something_are_compared_once_each(
    people: People, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(60)
    for place, row in enumerate(rows):
        row[2] = "无"
        row[6] = "".join(c.upper() if place >> bit & 1 else c for bit, c in enumerate("scanned")) + ".pdf"
    leader = people.person("team_leader")
    unpacked: list[str] = []

    def unpack(packed: str) -> RowFields:
        unpacked.append(packed)
        return unpack_fields(packed)

    monkeypatch.setattr(sharing, "unpack_fields", unpack)
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    told = faults_by_row(leader, register_id)
    assert set(map(tuple, told.values())) == {("number_duplicate", "file_names_alike")}
    assert len(unpacked) <= 4 * len(rows)
    first, last = all_rows(leader, register_id)[0], all_rows(leader, register_id)[-1]
    assert first.faults[0].fault.params["rows"] == "3, 4, 5, 6, 7 …"
    assert last.faults[0].fault.params["rows"] == "2, 3, 4, 5, 6 …"


def test_files_of_a_register_are_for_those_who_see_the_register(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader, other, archivist = people.person("team_leader"), people.person("team_leader"), people.person("archivist")
    register_id = bring(leader, workbook(rows_of(1), heads=()), mapped=False)
    file_id = attaching.receive_file(
        leader, register_id=register_id, stream=io.BytesIO(b"content"), entry=Entry(name="甲.txt")
    )
    engagement = engagement_of(other)
    with pytest.raises(NotFoundError):
        sorting.view_inbox_file(other, inbox_id=file_id, language="en")
    with pytest.raises(NotFoundError):
        sorting.inbox_text(other, inbox_id=file_id)
    for done in (
        holding.file_many(other, inbox_ids=[file_id], engagement_id=engagement.id),
        holding.discard_many(other, inbox_ids=[file_id], reason="nicht mein"),
    ):
        assert isinstance(done[0].error, NotFoundError)
    for seeing in (leader, archivist):
        assert sorting.view_inbox_file(seeing, inbox_id=file_id, language="en").file.state == "waiting"


def test_a_file_that_comes_while_its_register_closes_is_refused(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    register_id = bring(leader, workbook(rows_of(1)), engagement_id=engagement_of(leader).id)
    workbench.run()

    def close(_size: int) -> None:
        reviewing.close_rows_without_file(leader, register_id=register_id)
        reporting.close_register(leader, register_id=register_id, language="en")

    with pytest.raises(WrongStepError):
        attaching.receive_file(
            leader, register_id=register_id, stream=io.BytesIO(b"late"), entry=Entry(name="late.txt"), confirm=close
        )
    with archive.reading(leader) as uow:
        assert uow.session.scalars(select(InboxFile.id)).all() == []


def test_a_file_that_was_filed_from_the_inbox_does_not_keep_its_register_open(
    people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(1)), engagement_id=engagement.id)
    workbench.run()
    place = holding.InboxPlace(leader.organisation_id or "")
    came = holding.hold_file(leader, stream=io.BytesIO(b"1"), entry=Entry(name="核查资料001.txt"), place=place)
    assert attaching.match(leader, register_id=register_id, with_inbox=True) == 1
    holding.file_many(leader, inbox_ids=[came.id], engagement_id=engagement.id)

    filing.file_now(leader, register_id=register_id)
    workbench.run()
    (row,) = all_rows(leader, register_id)
    assert row.refusal
    attaching.detach(leader, register_id=register_id, file_id=came.id)
    reviewing.close_rows_without_file(leader, register_id=register_id)
    attaching.let_go(leader, register_id=register_id, file_id=came.id, reason="已入库")
    reporting.close_register(leader, register_id=register_id, language="en")
    assert reviewing.view_register(leader, register_id=register_id).register.state == "closed"


def test_columns_that_the_sheet_does_not_have_are_refused(people: People) -> None:
    leader = people.person("team_leader")
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement_of(leader).id, mapped=False)
    for columns, error in (
        ({999: "title"}, InvalidInputError),
        ({-1: "title"}, InvalidInputError),
        ({1: "title", 999: "number"}, InvalidInputError),
        ({1: "title", 2: "no_field"}, InvalidInputError),
        ({2: "number"}, ColumnsUnmappedError),
    ):
        with pytest.raises(error):
            bringing.map_columns(leader, register_id=register_id, columns=columns)
    assert reviewing.view_register(leader, register_id=register_id).register.state == "mapping"


def test_rows_closed_together_no_longer_stand_in_the_way_of_others(people: People, workbench: Workbench) -> None:
    rows = rows_of(3)
    rows[2][2], rows[2][6] = rows[0][2], rows[0][6]
    leader = people.person("team_leader")
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    first, _, third = all_rows(leader, register_id)
    assert {line.fault.code for line in third.faults} == {"number_duplicate", "file_named_twice"}
    file_id = attaching.receive_file(
        leader, register_id=register_id, stream=io.BytesIO(b"1"), entry=Entry(name="扫描件.txt")
    )
    attaching.attach(leader, register_id=register_id, row_id=first.id, file_ids=[file_id])
    assert reviewing.close_rows_without_file(leader, register_id=register_id) == 2
    assert first.number not in faults_by_row(leader, register_id)


@both_databases
def test_characters_that_no_database_compares_are_named(people: People, workbench: Workbench) -> None:
    rows = rows_of(2)
    rows[1][2] = "绿核\x00第2号"
    rows[1][6] = "核查\x00资料.txt"
    leader = people.person("team_leader")
    register_id = bring(leader, workbook(rows), engagement_id=engagement_of(leader).id)
    workbench.run()
    assert faults_by_row(leader, register_id)[3].count("control_characters") == 2
