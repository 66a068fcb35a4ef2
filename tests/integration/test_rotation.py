"""Rotation of the master key: everything stays readable, blobs stay untouched, and a cut-off rotation goes on."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from archive_app.documents import rotation
from archive_app.documents.checking import check_all
from archive_app.documents.index_key import index_key
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.keys import key_of
from archive_app.documents.models import Upload, Version
from archive_app.documents.rotation import find_unreadable_keys, key_state, rotate_keys
from archive_app.documents.uploads import Offer, Origin, announce, keep_duplicate, receive
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from storage import FileKeyRing, KeyMissing, Purpose
from tests.conftest import both_databases
from tests.factories import People, engagement_of

SYSTEM = Actor.system("operator", via="cli")
COUNT = 7


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def engagement(archive: Archive, leader: Actor) -> Engagement:
    """An engagement with documents, and a duplicate that waits for its decision."""
    engagement = engagement_of(leader)
    for number in range(COUNT):
        file_one(engagement, number)
    [line] = announce(leader, engagement_id=engagement.id, offers=[Offer("twin.txt", 5)], origin=Origin())
    assert receive(leader, upload_id=line.id, stream=io.BytesIO(b"text0"), expected_bytes=5).state == "duplicate"
    return engagement


def file_one(engagement: Engagement, number: int) -> None:
    content = io.BytesIO(b"text%d" % number)
    add_document(SYSTEM, engagement_id=engagement.id, stream=content, entry=Entry(name=f"{number}.txt"))


def require_all_readable(archive: Archive) -> None:
    assert [check.faults for check in check_all(archive)] == [[]] * sum(1 for _ in check_all(archive))
    assert list(find_unreadable_keys(archive, SYSTEM)) == []


def blob_state(archive: Archive) -> dict[str, tuple[int, int]]:
    blobs = (archive.data_directory / "blobs").rglob("*")
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in blobs if path.is_file()}


@both_databases
def test_every_living_key_moves_to_the_new_epoch_and_no_blob_is_touched(
    archive: Archive, engagement: Engagement, leader: Actor
) -> None:
    seal, blobs = index_key(archive), blob_state(archive)
    heard: list[tuple[int, int]] = []
    done = rotate_keys(SYSTEM, told=lambda count, total: heard.append((count, total)))
    living = COUNT + 1 + 1  # documents, the duplicate, the index
    assert (done.epoch, done.continued, done.rewrapped, list(done.unreadable)) == (2, False, living, [])
    assert heard[-1] == (living, living)
    state = key_state(SYSTEM, archive)
    assert (state.rows_by_epoch, state.unfinished) == ({2: living}, False)
    assert (index_key(archive), blob_state(archive)) == (seal, blobs)
    require_all_readable(archive)
    archive.vault.keyring.destroy_epoch(1)
    require_all_readable(archive)
    with archive.reading(SYSTEM) as uow:
        [upload_id] = uow.session.scalars(select(Upload.id).where(Upload.held_id.is_not(None)))
    keep_duplicate(leader, upload_id=upload_id)
    require_all_readable(archive)


@pytest.mark.parametrize("cut_at", range(1, 6))
def test_a_rotation_that_is_cut_off_anywhere_goes_on_where_it_stopped(
    archive: Archive, engagement: Engagement, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    batches = 0

    def cut(_done: int, _total: int) -> None:
        nonlocal batches
        batches += 1
        if batches == cut_at:
            raise Killed

    with pytest.raises(Killed):
        rotate_keys(SYSTEM, told=cut)
    assert key_state(SYSTEM, archive).unfinished
    require_all_readable(archive)
    done = rotate_keys(SYSTEM)
    assert (done.epoch, done.continued) == (2, True)
    assert list(key_state(SYSTEM, archive).rows_by_epoch) == [2]
    assert not key_state(SYSTEM, archive).unfinished
    assert rotate_keys(SYSTEM).epoch == 3
    require_all_readable(archive)


def test_a_rotation_cut_off_right_after_the_new_key_does_not_make_a_second_one(
    archive: Archive, engagement: Engagement
) -> None:
    archive.vault.keyring.add_epoch()
    assert key_state(SYSTEM, archive).unfinished
    assert (rotate_keys(SYSTEM).epoch, archive.vault.keyring.epochs()) == (2, (1, 2))


def test_a_filing_across_a_rotation_stays_readable_and_moves_with_the_next(
    archive: Archive, engagement: Engagement
) -> None:
    class Slow(io.BytesIO):
        rotated = False

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.rotated:
                self.rotated = True
                rotate_keys(SYSTEM)
            return super().read(size)

    add_document(SYSTEM, engagement_id=engagement.id, stream=Slow(b"across"), entry=Entry(name="across.txt"))
    state = key_state(SYSTEM, archive)
    assert (state.rows_by_epoch[1], state.unfinished) == (1, False)
    require_all_readable(archive)
    rotate_keys(SYSTEM)
    assert list(key_state(SYSTEM, archive).rows_by_epoch) == [3]
    require_all_readable(archive)


def test_a_key_that_does_not_open_is_named_and_stops_nothing(archive: Archive, engagement: Engagement) -> None:
    with archive.transaction(SYSTEM, eventless=True) as uow:
        broken = uow.session.scalars(select(Version).order_by(Version.id).offset(2)).first()
        assert broken is not None
        uow.session.execute(update(Version).where(Version.id == broken.id).values(wrapped_key=bytes(60)))
    done = rotate_keys(SYSTEM)
    assert list(done.unreadable) == [f"version {broken.id}"]
    assert key_state(SYSTEM, archive).rows_by_epoch == {1: 1, 2: COUNT}  # with the duplicate
    assert list(find_unreadable_keys(archive, SYSTEM)) == [f"version {broken.id}"]
    assert not key_state(SYSTEM, archive).unfinished


def test_an_older_database_under_newer_keys_is_readable_until_its_epoch_is_destroyed(
    archive: Archive, engagement: Engagement
) -> None:
    with archive.reading(SYSTEM) as uow:
        before = uow.session.scalars(select(Version).order_by(Version.id)).first()
    assert before is not None
    old_key = key_of(before)
    rotate_keys(SYSTEM)
    archive.vault.open(before.content_blob_id, old_key, before.id, Purpose.CONTENT).close()
    archive.vault.keyring.destroy_epoch(1)
    with pytest.raises(KeyMissing):
        archive.vault.open(before.content_blob_id, old_key, before.id, Purpose.CONTENT)


def test_another_process_follows_the_rotation(archive: Archive, engagement: Engagement, settings: object) -> None:
    ring = archive.vault.keyring
    assert isinstance(ring, FileKeyRing)
    other = FileKeyRing.open(Path(ring._path))
    rotate_keys(SYSTEM)
    assert other.current_epoch == 2


def test_each_rotation_is_one_event_with_its_epoch(archive: Archive, engagement: Engagement) -> None:
    rotate_keys(SYSTEM)
    rotate_keys(replace(SYSTEM, via="web"))
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).where(Event.code == "keys.rotated")) == 2
