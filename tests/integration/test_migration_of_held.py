"""Duplicates that waited in an older database still wait after the migration, and after the way back."""

import io
import json

import pytest
from alembic import command
from sqlalchemy import Engine, text

from archive_app.documents.checking import find_orphans
from archive_app.documents.held import held_blobs
from archive_app.documents.looking import open_content
from archive_app.documents.models import Upload
from archive_app.documents.uploads import Offer, Origin, announce, keep_duplicate, receive
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.migrations import configuration
from tests.conftest import both_databases
from tests.factories import People, declare, engagement_of

CONTENT = b"the same twice"


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def duplicate(archive: Archive, leader: Actor) -> Upload:
    """A line whose bytes wait for a decision."""
    engagement = engagement_of(leader)
    for number in range(2):
        offers = [Offer(f"{number}/报告.txt", len(CONTENT))]
        [line] = announce(leader, engagement_id=engagement.id, offers=offers, origin=Origin())
        line = receive(leader, upload_id=line.id, stream=io.BytesIO(CONTENT), expected_bytes=None)
    return line


def go_to(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        move = command.downgrade if revision == "0002" else command.upgrade
        move(configuration(connection), revision)


@both_databases
def test_a_duplicate_survives_the_way_back_and_forth(archive: Archive, leader: Actor, duplicate: Upload) -> None:
    with archive.reading(leader) as uow:
        [before] = held_blobs(uow.session)
    go_to(archive.engine, "0002")
    with archive.engine.connect() as connection:
        held = json.loads(connection.execute(text("SELECT held FROM upload WHERE held IS NOT NULL")).scalar_one())
    # As the program of that time wrote it.
    assert set(held) == {"version_id", "key", "blob", "kind"}
    assert set(held["blob"]) == {"blob_id", "size_bytes", "sha256", "sm3", "stored_size_bytes", "stored_sha256"}
    assert held["kind"] == {"code": "txt", "media_type": "text/plain"}
    go_to(archive.engine, "head")
    # The older database knew no declarations: everybody declares anew.
    declare(archive, duplicate.engagement_id)
    with archive.reading(leader) as uow:
        [after] = held_blobs(uow.session)
    assert (after.version_id, after.key, after.blob_id, after.sha256, after.name) == (
        before.version_id, before.key, before.blob_id, before.sha256, before.name,
    )  # fmt: skip
    assert find_orphans(archive) == []
    document_id = keep_duplicate(leader, upload_id=duplicate.id)
    with open_content(leader, document_id=document_id).stream as stream:
        assert stream.read() == CONTENT
