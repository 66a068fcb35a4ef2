"""Large files in parts: a broken line costs one part; the whole is what was sent, filed once, its parts gone."""

import hashlib
import io
import random
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from archive_app.documents import resuming, views
from archive_app.documents.checking import check_all, find_orphans
from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.errors import StorageFullError, TooLargeError
from archive_app.documents.held import held_blobs
from archive_app.documents.looking import open_content
from archive_app.documents.models import Document, Upload, UploadPart
from archive_app.documents.resuming import DigestMismatchError, forget_parts, receive_part
from archive_app.documents.rotation import rotate_keys
from archive_app.documents.uploads import Offer, Origin, announce, clear_list, receive, view_upload
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from search import Index
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of

CONTENT = random.Random(5).randbytes(2500)
PART = 1000
SYSTEM = Actor.system("operator", via="cli")


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "PART_BYTES", PART)


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


@pytest.fixture
def line(leader: Actor, engagement: Engagement) -> Upload:
    return offered(leader, engagement)


def offered(actor: Actor, engagement: Engagement, *, modified: int = 1, size: int = len(CONTENT)) -> Upload:
    offer = Offer("扫描件.pdf", size, datetime.fromtimestamp(modified, UTC))
    return announce(actor, engagement_id=engagement.id, offers=[offer], origin=Origin())[0]


def send(actor: Actor, line: Upload, start: int, content: bytes = CONTENT, **more: Any) -> Upload:
    part = content[start : start + PART]
    return receive_part(
        actor, upload_id=line.id, start=start, stream=io.BytesIO(part), expected_bytes=len(part), **more
    )


def documents(archive: Archive) -> int:
    with archive.reading(SYSTEM) as uow:
        return uow.session.scalar(select(func.count()).select_from(Document)) or 0


def held(archive: Archive) -> int:
    with archive.reading(SYSTEM) as uow:
        parts = uow.session.scalar(select(func.count()).select_from(UploadPart)) or 0
        assert parts == sum(1 for _ in held_blobs(uow.session))
        return parts


@both_databases
def test_parts_become_the_whole_file_and_nothing_stays_of_them(archive: Archive, leader: Actor, line: Upload) -> None:
    for start in (0, 1000):
        answer = send(leader, line, start)
        assert (answer.state, answer.received_bytes) == ("waiting", start + PART)
    assert (held(archive), find_orphans(archive)) == (2, [])
    answer = send(leader, line, 2000, expected_sha256=hashlib.sha256(CONTENT).digest())
    assert answer.state == "filed"
    opened = open_content(leader, document_id=answer.filed_document_id or "")
    with opened.stream as stream:
        assert stream.read() == CONTENT
    assert opened.version.sha256 == hashlib.sha256(CONTENT).digest()
    assert (held(archive), find_orphans(archive), documents(archive)) == (0, [], 1)
    assert all(not check.faults for check in check_all(archive))
    with pytest.raises(ConflictError):
        send(leader, line, 2000)


@both_databases
def test_a_part_that_came_is_not_taken_twice_and_one_too_far_is_refused(
    archive: Archive, leader: Actor, line: Upload
) -> None:
    send(leader, line, 0)
    unread = io.BytesIO(CONTENT[:PART])
    again = receive_part(leader, upload_id=line.id, start=0, stream=unread, expected_bytes=PART)
    assert (again.received_bytes, held(archive), unread.read()) == (PART, 1, b"")
    with pytest.raises(ConflictError):
        send(leader, line, 2000)
    assert (view_upload(leader, upload_id=line.id).received_bytes, held(archive)) == (PART, 1)


def test_a_part_that_breaks_off_leaves_what_came_before(archive: Archive, leader: Actor, line: Upload) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    send(leader, line, 0)
    for stream, length in ((Broken(), PART), (io.BytesIO(b"short"), PART)):
        with pytest.raises(TransferInterruptedError):
            receive_part(leader, upload_id=line.id, start=PART, stream=stream, expected_bytes=length)
    assert (view_upload(leader, upload_id=line.id).state, held(archive), find_orphans(archive)) == ("waiting", 1, [])
    send(leader, line, 1000)
    assert send(leader, line, 2000).state == "filed"


def test_of_two_who_send_the_same_part_one_is_told(archive: Archive, leader: Actor, line: Upload) -> None:
    class Overtaken(io.BytesIO):
        overtaken = False

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.overtaken:
                self.overtaken = True
                send(leader, line, 0)
            return super().read(size)

    with pytest.raises(ConflictError):
        receive_part(leader, upload_id=line.id, start=0, stream=Overtaken(CONTENT[:PART]), expected_bytes=PART)
    assert (view_upload(leader, upload_id=line.id).received_bytes, held(archive)) == (PART, 1)


@pytest.mark.parametrize(("start", "length"), [(0, PART + 1), (2000, 501)])
def test_a_part_larger_than_announced_is_refused(leader: Actor, line: Upload, start: int, length: int) -> None:
    for place in range(0, start, PART):
        send(leader, line, place)
    with pytest.raises(InvalidInputError):
        receive_part(leader, upload_id=line.id, start=start, stream=io.BytesIO(bytes(length)), expected_bytes=length)


def test_putting_together_goes_on_after_a_crash(
    archive: Archive, leader: Actor, line: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    def killed(*_arguments: object, **_more: object) -> None:
        raise Killed

    for start in (0, 1000):
        send(leader, line, start)
    with monkeypatch.context() as patched:
        patched.setattr(resuming, "add_document", killed)
        with pytest.raises(Killed):
            send(leader, line, 2000)
    assert (view_upload(leader, upload_id=line.id).received_bytes, documents(archive)) == (2500, 0)
    answer = receive_part(leader, upload_id=line.id, start=2500, stream=io.BytesIO(b""), expected_bytes=0)
    assert (answer.state, documents(archive), held(archive)) == ("filed", 1, 0)


def test_a_full_disk_at_the_end_keeps_the_parts(
    archive: Archive, leader: Actor, line: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise StorageFullError

    for start in (0, 1000):
        send(leader, line, start)
    with monkeypatch.context() as patched:
        patched.setattr("archive_app.documents.ingest.store", full)
        with pytest.raises(StorageFullError):
            send(leader, line, 2000)
    assert (view_upload(leader, upload_id=line.id).state, held(archive)) == ("refused", 3)
    answer = receive_part(leader, upload_id=line.id, start=2500, stream=io.BytesIO(b""), expected_bytes=0)
    assert answer.state == "filed"


def test_a_wrong_digest_files_nothing_and_begins_anew(archive: Archive, leader: Actor, line: Upload) -> None:
    for start in (0, 1000):
        send(leader, line, start)
    with pytest.raises(DigestMismatchError):
        send(leader, line, 2000, expected_sha256=bytes(32))
    refused = view_upload(leader, upload_id=line.id)
    assert (refused.state, refused.received_bytes, held(archive), documents(archive)) == ("refused", 0, 0, 0)
    assert len(find_orphans(archive)) == 3


@both_databases
def test_parts_of_an_earlier_state_of_the_file_are_let_go(
    archive: Archive, leader: Actor, engagement: Engagement, line: Upload
) -> None:
    send(leader, line, 0)
    assert offered(leader, engagement, modified=1).received_bytes == PART
    changed = offered(leader, engagement, modified=2)
    assert (changed.id, changed.received_bytes, held(archive)) == (line.id, 0, 0)
    newer = bytes(reversed(CONTENT))
    for start in (0, 1000, 2000):
        answer = send(leader, line, start, newer)
    assert answer.state == "filed"
    with open_content(leader, document_id=answer.filed_document_id or "").stream as stream:
        assert stream.read() == newer


@both_databases
def test_parts_are_let_go_when_the_list_is_cleared_or_nobody_goes_on(
    archive: Archive, leader: Actor, engagement: Engagement, line: Upload, clock: SetClock
) -> None:
    send(leader, line, 0)
    clear_list(leader, engagement_id=engagement.id)
    assert held(archive) == 0
    other = offered(leader, engagement)
    send(leader, other, 0)
    job = Job(id="x", kind="documents.parts", subject_id="", payload="{}")
    workshop = Workshop(archive, cast("Index", None))
    forget_parts(workshop, job)
    assert held(archive) == 1
    clock.advance(days=8)
    forget_parts(workshop, job)
    assert (held(archive), view_upload(leader, upload_id=other.id).received_bytes) == (0, 0)
    for start in (0, 1000, 2000):
        assert send(leader, other, start).received_bytes in (start + PART, 0)


def test_the_same_content_as_a_document_becomes_a_duplicate(
    archive: Archive, leader: Actor, engagement: Engagement, line: Upload
) -> None:
    first = announce(leader, engagement_id=engagement.id, offers=[Offer("甲.pdf", len(CONTENT))], origin=Origin())[0]
    receive(leader, upload_id=first.id, stream=io.BytesIO(CONTENT), expected_bytes=None)
    for start in (0, 1000, 2000):
        answer = send(leader, line, start)
    assert (answer.state, documents(archive)) == ("duplicate", 1)
    with archive.reading(SYSTEM) as uow:
        assert [blob.id for blob in held_blobs(uow.session)] == [answer.held_id]


def test_parts_stay_readable_across_a_rotation_and_another_may_not_send(
    archive: Archive, people: People, leader: Actor, line: Upload
) -> None:
    send(leader, line, 0)
    rotate_keys(SYSTEM)
    archive.vault.keyring.destroy_epoch(1)
    send(leader, line, 1000)
    with pytest.raises(NotFoundError):
        send(people.person("team_leader"), line, 2000)
    assert send(leader, line, 2000).state == "filed"


def test_what_is_too_large_is_refused_before_its_first_part(
    archive: Archive, leader: Actor, engagement: Engagement
) -> None:
    line = offered(leader, engagement, size=archive.rules.upload_limit_bytes + 1)
    with pytest.raises(TooLargeError):
        send(leader, line, 0)
    assert view_upload(leader, upload_id=line.id).state == "refused"
    with archive.reading(SYSTEM) as uow:
        assert list(held_blobs(uow.session)) == []


@pytest.mark.parametrize("size", [2**63, 10**30, -1, True, "5", None])
def test_a_size_that_no_file_has_is_refused_when_it_is_announced(size: object) -> None:
    with pytest.raises(InvalidInputError):
        views._offer({"path": "扫描件.pdf", "size": size})
