"""Whoever only reads an engagement changes nothing in it; whoever may not read it any more reads no further."""

import io
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from archive_app.documents import outgoing
from archive_app.documents.checking import check_document
from archive_app.documents.classifying import classify
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.looking import open_content, view_document
from archive_app.documents.models import Document
from archive_app.documents.reading import read_again
from archive_app.documents.uploads import (
    Offer,
    Origin,
    announce,
    clear_list,
)
from archive_app.engagements.models import Assignment
from archive_app.engagements.requests import ask_for_access, grant_access
from archive_app.engagements.teams import remove_member
from archive_app.identity.models import Person
from archive_app.intake.inbox.holding import InboxPlace, discard_many, file_many, hold_file
from archive_app.intake.registers import filing
from archive_app.intake.registers.reviewing import RowFilters, list_rows, mend_cell
from archive_app.intake.registers.undoing import undo_import
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of
from tests.levels import file_at, file_version_of, refused
from tests.registers import bring, rows_of, workbook


def test_whoever_only_reads_changes_nothing(archive: Archive, people: People, workbench: Workbench) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    document_id = file_at(leader, engagement.id, Level.PUBLIC).document_id or ""
    register_id = bring(leader, workbook(rows_of(1)), engagement_id=engagement.id)
    workbench.run()
    row = list_rows(leader, register_id=register_id, filters=RowFilters()).items[0]
    place = InboxPlace(leader.organisation_id or "", engagement.id)
    inbox_id = hold_file(leader, stream=io.BytesIO(b"three"), entry=Entry(name="收件.txt"), place=place).id
    guest, manager = people.person("team_leader"), people.person("quality_manager", "team_leader")
    asked = ask_for_access(guest, wanted=engagement.number, grounds="比对", days=3)
    grant_access(leader, request_id=asked.id)
    for reader in (guest, manager):
        assert view_document(reader, document_id=document_id).document.id == document_id
        attempts: list[Callable[[], object]] = [
            lambda: check_document(reader, document_id=document_id),  # noqa: B023  # called at once, here and below
            lambda: read_again(reader, document_id=document_id),  # noqa: B023
            lambda: classify(reader, document_ids=[document_id], level=Level.INTERNAL),  # noqa: B023
            lambda: file_at(reader, engagement.id, Level.PUBLIC),  # noqa: B023
            lambda: file_version_of(reader, engagement.id, document_id),  # noqa: B023
            lambda: clear_list(reader, engagement_id=engagement.id),  # noqa: B023
            lambda: announce(reader, engagement_id=engagement.id, offers=[Offer("x", 1)], origin=Origin()),  # noqa: B023
            lambda: mend_cell(reader, register_id=register_id, row_id=row.id, field="title", text="改"),  # noqa: B023
            lambda: filing.file_now(reader, register_id=register_id),  # noqa: B023
            lambda: undo_import(reader, register_id=register_id),  # noqa: B023
            lambda: remove_member(reader, engagement_id=engagement.id, person_id=leader.person_id or ""),  # noqa: B023
            lambda: bring(reader, workbook(rows_of(1)), engagement_id=engagement.id),  # noqa: B023
        ]
        assert {refused(attempt) for attempt in attempts} <= {NotFoundError} | set(NotFoundError.__subclasses__())
        bulk = [
            *discard_many(reader, inbox_ids=[inbox_id], reason="不要"),
            *file_many(reader, inbox_ids=[inbox_id], engagement_id=engagement.id),
        ]
        assert all(isinstance(line.error, NotFoundError) for line in bulk)


@both_databases
def test_a_right_that_is_lost_during_a_download_ends_it(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    content = b"0123456789abcdef" * 4096
    monkeypatch.setattr(outgoing, "ASK_EVERY_BYTES", 16_384)
    document_id = add_document(
        leader, engagement_id=engagement.id, stream=io.BytesIO(content), entry=Entry(name="大.bin")
    ).document_id

    def end_assignment(person: Actor) -> object:
        return update(Assignment).where(Assignment.person_id == person.person_id).values(ended_at=archive.clock.now())

    def deactivate(person: Actor) -> object:
        return update(Person).where(Person.id == person.person_id).values(active=False)

    def raise_level(_person: Actor) -> object:
        return update(Document).values(level=Level.RESTRICTED)

    for lose in (end_assignment, deactivate, raise_level):
        member = people.person("verifier", level=Level.INTERNAL)
        with archive.transaction(Actor.system("test"), eventless=True) as uow:
            now = uow.now
            part = Assignment(engagement_id=engagement.id, person_id=member.person_id, part="member", assigned_at=now)
            part.declared_at = now
            uow.session.add(part)
        with open_content(member, document_id=document_id or "").stream as stream:
            assert stream.read(32_768) == content[:32_768]
            with archive.transaction(Actor.system("test"), eventless=True) as uow:
                uow.session.execute(lose(member))  # type: ignore[call-overload]
            rest = list[bytes]()
            with pytest.raises(NotFoundError):
                rest.extend(iter(lambda: stream.read(4096), b""))
            assert sum(map(len, rest)) <= 16_384
        with archive.reading(Actor.system("test")) as uow:
            denied = select(func.count()).select_from(Event)
            denied = denied.where(Event.code == ACCESS_DENIED.code, Event.actor == member.name)
            assert uow.session.scalar(denied) == 1
        # A range is a request of its own, and asks at once.
        if lose is not deactivate:
            with pytest.raises(NotFoundError):
                open_content(member, document_id=document_id or "")
    # Nobody else's download is touched.
    with open_content(leader, document_id=document_id or "").stream as stream:
        assert stream.read() == content
