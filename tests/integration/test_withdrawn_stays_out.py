"""Nothing is filed into a document that was taken back: its bytes would be out of everybody's sight."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents import ingest
from archive_app.documents.models import HeldContent, Version
from archive_app.documents.rereading import view_reading
from archive_app.documents.uploads import Offer, Origin, announce, discard_duplicate, keep_duplicate, receive
from archive_app.documents.withdrawing import withdraw
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes


def take_back(archive: Archive, document_id: str) -> None:
    with archive.transaction(Actor.system("test")) as uow:
        withdraw(uow, document_id, reason="test")


@both_databases
def test_a_duplicate_does_not_become_a_version_of_what_was_taken_back(archive: Archive, people: People) -> None:
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    document_id = file_bytes(leader, engagement, "甲.txt", b"one").document_id or ""
    file_bytes(leader, engagement, "乙.txt", b"two")
    [upload] = announce(
        leader, engagement_id=engagement.id, document_id=document_id, offers=[Offer("甲2.txt", 3)], origin=Origin()
    )
    assert receive(leader, upload_id=upload.id, stream=io.BytesIO(b"two"), expected_bytes=3).state == "duplicate"
    take_back(archive, document_id)
    with pytest.raises(NotFoundError):
        keep_duplicate(leader, upload_id=upload.id)
    with archive.reading(leader) as uow:
        assert len(uow.session.scalars(select(HeldContent.id)).all()) == 1
    discard_duplicate(leader, upload_id=upload.id)


def test_what_was_taken_back_does_not_stand_among_what_is_badly_read(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader, archivist = people.person("team_leader"), people.person("archivist")
    document_id = file_bytes(leader, engagement_of(leader), "坏.pdf", b"%PDF-1.7 broken").document_id or ""
    workbench.run()
    assert view_reading(archivist).counts["all"] == 1
    take_back(archive, document_id)
    assert set(view_reading(archivist).counts.values()) == {0}


@pytest.mark.parametrize("settings", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_version_that_waited_for_the_taking_back_is_refused(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where writers run side by side: one of them looks, waits for the other, and goes on."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    document_id = file_bytes(leader, engagement, "甲.txt", b"one").document_id or ""

    def lock_late(session: Session, engagement_id: str) -> Engagement:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(take_back, archive, document_id).result()
        return lock_engagement(session, engagement_id)

    monkeypatch.setattr(ingest, "lock_engagement", lock_late)
    with pytest.raises(NotFoundError):
        ingest.add_document(
            leader,
            engagement_id=engagement.id,
            document_id=document_id,
            stream=io.BytesIO(b"two"),
            entry=ingest.Entry(name="甲.txt"),
        )
    with archive.reading(leader) as uow:
        assert len(uow.session.scalars(select(Version.id)).all()) == 1
