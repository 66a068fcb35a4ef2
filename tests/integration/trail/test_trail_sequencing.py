"""The sequencer: each committed event gets exactly one place, and the log never goes back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from archive_app.kernel.archive import Archive
from archive_app.kernel.database import open_engine
from archive_app.kernel.events import Event, PendingEvent
from archive_app.proof.merkle import prove_consistency, verify_consistency
from archive_app.trail import sequencing
from archive_app.trail.checkpoints import open_note
from archive_app.trail.errors import CheckpointFileError, LogBrokenError, LogKeyError, LogWentBackError
from archive_app.trail.models import LogCheckpoint, LogLeaf, LogTile
from archive_app.trail.published import publish, read_published
from archive_app.trail.sequencing import sequence
from archive_app.trail.tree import stored_hashes
from archive_app.trail.verification import verify_log
from storage import MemoryKeyRing
from tests.integration.trail.made_log import (
    TRIED,
    make_archive,
    on_engine,
    person,
    record,
    tampering,
)


def read(archive: Archive, statement: object) -> list[object]:
    with archive.reading(person()) as uow:
        return list(uow.session.execute(statement).scalars())  # type: ignore[call-overload]


def leaves(archive: Archive) -> list[tuple[int, str]]:
    with archive.reading(person()) as uow:
        rows = uow.session.execute(select(LogLeaf.position, LogLeaf.event_id).order_by(LogLeaf.position))
        return [(row.position, row.event_id) for row in rows]


@pytest.mark.parametrize("limit", [1, 7, 256, 1000])
def test_every_event_gets_one_place_in_the_order_of_time(log_archive: Archive, limit: int) -> None:
    ids = record(log_archive, 20, document="d1")
    assert sequence(log_archive, limit=limit) == 20
    assert leaves(log_archive) == list(enumerate(ids))
    assert read(log_archive, select(PendingEvent.event_id)) == []
    assert read_published(log_archive).size == 20  # type: ignore[union-attr]
    assert verify_log(log_archive) == []


def test_nothing_waiting_changes_nothing(sqlite_archive: Archive) -> None:
    assert sequence(sqlite_archive) == 0
    assert read_published(sqlite_archive) is None
    record(sqlite_archive, 3)
    sequence(sqlite_archive)
    assert sequence(sqlite_archive) == 0
    assert read(sqlite_archive, select(LogCheckpoint.size)) == [3]


def test_a_transaction_that_commits_late_is_not_passed_over(log_archive: Archive) -> None:
    if log_archive.engine.dialect.name == "sqlite":
        pytest.skip("SQLite commits in the order in which it lets writers in")
    late_began, may_commit = threading.Event(), threading.Event()

    def write_late() -> str:
        with log_archive.transaction(person("p2")) as uow:
            event_id = uow.record(TRIED, {})
            late_began.set()
            may_commit.wait(10)
            return event_id

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(write_late)
        assert late_began.wait(10)
        early = record(log_archive, 3)
        assert sequence(log_archive) == 3
        may_commit.set()
        late_id = late.result()
    assert sequence(log_archive) == 1
    assert leaves(log_archive) == list(enumerate([*early, late_id]))
    assert verify_log(log_archive) == []


def test_many_write_while_two_sequencers_place(log_archive: Archive) -> None:
    other = on_engine(log_archive, open_engine(log_archive.engine.url.render_as_string(hide_password=False)))
    done = threading.Event()

    def place(archive: Archive) -> int:
        placed = 0
        while not done.is_set():
            placed += sequence(archive, limit=5)
        return placed

    with ThreadPoolExecutor(2) as sequencers, ThreadPoolExecutor(8) as writers:
        placing = [sequencers.submit(place, archive) for archive in (log_archive, other)]
        written = [writers.submit(record, archive, 15) for archive in (log_archive, other) for _ in range(4)]
        ids = [event_id for future in written for event_id in future.result()]
        done.set()
        placed = sum(future.result() for future in placing) + sequence(log_archive)
    other.engine.dispose()
    assert placed == len(ids) == 120
    assert [position for position, _ in leaves(log_archive)] == list(range(120))
    assert sorted(event_id for _, event_id in leaves(log_archive)) == sorted(ids)
    assert verify_log(log_archive) == []


def test_every_checkpoint_continues_the_one_before(sqlite_archive: Archive) -> None:
    for count in (1, 255, 1, 300):
        record(sqlite_archive, count)
        sequence(sqlite_archive)
    with sqlite_archive.reading(person()) as uow:
        notes = uow.session.scalars(select(LogCheckpoint.note).order_by(LogCheckpoint.size)).all()
        checkpoints = [open_note(sqlite_archive, note) for note in notes]
        assert [checkpoint.size for checkpoint in checkpoints] == [1, 256, 257, 557]
        for old, new in pairwise(checkpoints):
            proof = prove_consistency(old.size, new.size, stored_hashes(uow.session, new.size))
            verify_consistency(old.size, new.size, proof, old.root, new.root)


def test_a_crash_between_commit_and_publication_is_made_good(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(sqlite_archive, 3)
    sequence(sqlite_archive)
    record(sqlite_archive, 2)

    def crash(_archive: Archive) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sequencing, "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            sequence(sqlite_archive)
    assert read_published(sqlite_archive).size == 3  # type: ignore[union-attr]
    assert verify_log(sqlite_archive) == []
    assert sequence(sqlite_archive) == 0
    assert read_published(sqlite_archive).size == 5  # type: ignore[union-attr]


def test_a_crash_inside_the_transaction_leaves_nothing(log_archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    record(log_archive, 5)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sequencing, "add_checkpoint", crash)
        with pytest.raises(KeyboardInterrupt):
            sequence(log_archive)
    assert leaves(log_archive) == []
    assert len(read(log_archive, select(PendingEvent.event_id))) == 5
    assert sequence(log_archive) == 5


def test_an_older_publisher_never_replaces_a_newer_file(sqlite_archive: Archive) -> None:
    record(sqlite_archive, 2)
    sequence(sqlite_archive)
    small = (sqlite_archive.data_directory / "checkpoint").read_text()
    record(sqlite_archive, 2)
    sequence(sqlite_archive)
    file = sqlite_archive.data_directory / "checkpoint"
    newest, written = file.read_text(), file.stat().st_ino
    publish(sqlite_archive)
    assert file.read_text() == newest != small
    assert file.stat().st_ino == written


def cut_end(archive: Archive) -> None:
    with tampering(archive) as connection:
        for statement in (
            delete(LogLeaf).where(LogLeaf.position >= 3),
            delete(LogCheckpoint).where(LogCheckpoint.size > 3),
            update(LogTile).values(hashes=func.substr(LogTile.hashes, 1, 3 * 32)),
        ):
            connection.execute(statement)


def put_older_database(archive: Archive) -> None:
    with tampering(archive) as connection:
        for table in (LogLeaf, LogCheckpoint, LogTile):
            connection.execute(delete(table))


@pytest.mark.parametrize("go_back", [cut_end, put_older_database])
def test_a_log_that_went_back_is_refused(log_archive: Archive, go_back: Callable[[Archive], None]) -> None:
    record(log_archive, 3)
    sequence(log_archive)
    record(log_archive, 2)
    sequence(log_archive)
    go_back(log_archive)
    with pytest.raises(LogWentBackError):
        publish(log_archive)
    record(log_archive, 4)
    for _ in range(2):
        with pytest.raises(LogWentBackError):
            sequence(log_archive)
    assert len(read(log_archive, select(PendingEvent.event_id))) == 4
    assert read_published(log_archive).size == 5  # type: ignore[union-attr]


def test_a_fork_of_the_same_length_is_refused(sqlite_archive: Archive) -> None:
    record(sqlite_archive, 3)
    sequence(sqlite_archive)
    published = sqlite_archive.data_directory / "checkpoint"
    kept = published.read_text()
    put_older_database(sqlite_archive)
    published.unlink()
    with tampering(sqlite_archive) as connection:
        ids = list(connection.scalars(select(Event.id)))
        connection.execute(insert(PendingEvent), [{"event_id": event_id} for event_id in ids[:2]])
    sequence(sqlite_archive)
    record(sqlite_archive, 1)
    sequence(sqlite_archive)
    published.write_text(kept)
    for attempt in (publish, sequence):
        with pytest.raises(LogWentBackError):
            attempt(sqlite_archive)


@pytest.mark.parametrize(
    "damage",
    [
        delete(LogCheckpoint),
        delete(LogLeaf).where(LogLeaf.position == 4),
        delete(LogTile),
        update(LogTile).values(hashes=b"x" * 5 * 32),
        update(LogCheckpoint).values(root_hash=b"x" * 32),
        update(LogCheckpoint).values(note="nonsense"),
    ],
)
def test_nothing_is_signed_on_top_of_a_broken_log(sqlite_archive: Archive, damage: object) -> None:
    record(sqlite_archive, 5)
    sequence(sqlite_archive)
    with tampering(sqlite_archive) as connection:
        connection.execute(damage)
    record(sqlite_archive, 1)
    with pytest.raises((LogBrokenError, LogWentBackError)):
        sequence(sqlite_archive)
    assert len(read(sqlite_archive, select(PendingEvent.event_id))) == 1


@pytest.mark.parametrize("text", ["", "nonsense", "\udcff"])
def test_a_damaged_file_is_refused(sqlite_archive: Archive, text: str) -> None:
    record(sqlite_archive, 1)
    sequence(sqlite_archive)
    (sqlite_archive.data_directory / "checkpoint").write_text(text, errors="surrogateescape")
    with pytest.raises(CheckpointFileError):
        sequence(sqlite_archive)


def test_a_checkpoint_of_another_archive_is_refused(sqlite_archive: Archive, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = make_archive(f"sqlite:///{elsewhere}/archive.db", elsewhere)
    record(other, 1)
    sequence(other)
    other.engine.dispose()
    (elsewhere / "checkpoint").rename(sqlite_archive.data_directory / "checkpoint")
    with pytest.raises(CheckpointFileError):
        publish(sqlite_archive)


def test_a_foreign_key_signs_nothing(sqlite_archive: Archive) -> None:
    record(sqlite_archive, 1)
    sqlite_archive.vault.keyring = MemoryKeyRing(sqlite_archive.archive_id)
    with pytest.raises(LogKeyError):
        sequence(sqlite_archive)
    assert leaves(sqlite_archive) == []
