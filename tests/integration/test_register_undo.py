"""An import is undone as long as nothing else happened to its records; nothing is destroyed."""

import pytest
from sqlalchemy import func, select

from archive_app.documents.looking import list_documents, view_document
from archive_app.documents.models import Document, Version
from archive_app.intake.registers import filing, undoing
from archive_app.intake.registers.errors import CannotUndoError
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of
from tests.integration.test_registers import codes, titles
from tests.registers import all_rows, bring, give, rows_of, workbook


@both_databases
def test_an_import_is_undone_and_filed_again(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(3)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {f"核查资料00{number}.txt": b"inhalt %d" % number for number in (1, 2, 3)})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    assert len(titles(leader, engagement)) == 3
    with archive.reading(leader) as uow:
        before = uow.session.scalars(select(Document.id).order_by(Document.id)).all()

    undoing.undo_import(leader, register_id=register_id)
    workbench.run()
    assert titles(leader, engagement) == []
    assert [row.state for row in all_rows(leader, register_id)] == ["open"] * 3
    with pytest.raises(NotFoundError):
        view_document(leader, document_id=before[0])
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Version)) == 3

    filing.file_now(leader, register_id=register_id)
    workbench.run()
    assert len(titles(leader, engagement)) == 3
    assert codes(archive).count("document.withdrawn") == 3


def test_what_somebody_looked_at_is_not_undone(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "核查资料002.txt": b"2"})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    document = list_documents(leader, engagement_id=engagement.id).items[0].document
    view_document(leader, document_id=document.id)
    assert undoing.undo_obstacles(leader, register_id=register_id) == {"document.viewed": 1}
    with pytest.raises(CannotUndoError):
        undoing.undo_import(leader, register_id=register_id)
    assert len(titles(leader, engagement)) == 2


def test_a_look_during_the_undoing_keeps_that_row(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    register_id = bring(leader, workbook(rows_of(2)), engagement_id=engagement.id)
    workbench.run()
    give(leader, register_id, {"核查资料001.txt": b"1", "核查资料002.txt": b"2"})
    filing.file_now(leader, register_id=register_id)
    workbench.run()
    undoing.undo_import(leader, register_id=register_id)
    document = list_documents(leader, engagement_id=engagement.id).items[0].document
    view_document(leader, document_id=document.id)
    workbench.run()
    assert sorted(row.state for row in all_rows(leader, register_id)) == ["filed", "open"]
    assert len(titles(leader, engagement)) == 1
