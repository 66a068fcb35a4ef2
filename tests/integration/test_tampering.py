"""Whatever somebody changes past the program, in the blobs or in the database, `lantai verify` names it."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, insert, select, update

from archive_app.cli import _lantai
from archive_app.documents.looking import page_picture
from archive_app.documents.models import Derivative, Document, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventDetail, EventSubject, PendingEvent
from archive_app.settings import Settings
from archive_app.trail.models import LogCheckpoint, LogLeaf, LogTile
from archive_app.trail.sequencing import sequence
from storage import Purpose
from tests import files
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

Verify = Callable[[], tuple[int, str]]


@pytest.fixture
def verify(settings: Settings, tmp_path: Path) -> Verify:
    """Runs `lantai verify` on the archive of the test: its exit code and all it says."""
    foreign = {name: None for name in os.environ if name.startswith(("LANTAI_", "LC_"))}
    environ = {
        **foreign,
        "HOME": str(tmp_path / "home"),
        "LANG": "en_GB.UTF-8",
        "LANTAI_DATA": str(settings.data_directory),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": settings.search.memory_directory,
        "LANTAI_DATABASE__URL": settings.database.url,
    }

    def run() -> tuple[int, str]:
        result = CliRunner().invoke(_lantai, ["verify"], env=environ)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.exit_code, result.output

    return run


@pytest.fixture
def filed(people: People, workbench: Workbench) -> list[str]:
    """Ids of two documents with text and the picture of a page, in a sequenced log."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    ids = []
    for number in range(2):
        name = f"核查报告 {number}.pdf"
        document_id = file_bytes(leader, engagement, name, files.pdf((f"第 {number} 号报告\n" * 30,))).document_id
        assert document_id
        ids.append(document_id)
    workbench.run()
    for document_id in ids:
        page_picture(leader, document_id=document_id, number=1, page_index=0, width_px=1200)
    sequence(workbench.archive)
    return ids


@dataclass(frozen=True)
class Blob:
    """A stored blob, and how the document is called that it belongs to."""

    document_id: str
    name: str
    what: str
    path: Path


def blobs_of(archive: Archive, document_id: str) -> list[Blob]:
    with archive.reading(Actor.system("test")) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == document_id)).one()
        made = uow.session.scalars(select(Derivative).where(Derivative.version_id == version.id)).all()
    blobs = {"content": version.content_blob_id} | {row.purpose: row.blob_id for row in made}
    root = archive.data_directory / "blobs" / "blobs"
    return [Blob(document_id, version.name, what, root / key[:2] / key[2:4] / key) for what, key in blobs.items()]


def flipped(content: bytes, place: int) -> bytes:
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :]


DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "first byte": lambda content: flipped(content, 0),
    "header": lambda content: flipped(content, 30),
    "middle": lambda content: flipped(content, len(content) // 2),
    "tail": lambda content: flipped(content, -1),
    "cut": lambda content: content[:-1],
    "cut to the header": lambda content: content[:56],
    "emptied": lambda content: b"",
    "longer": lambda content: content + b"\0",
}


def test_every_damage_to_a_blob_is_named(archive: Archive, filed: list[str], verify: Verify) -> None:
    code, said = verify()
    assert (code, "Nothing is wrong" in said) == (0, True), said
    blobs = blobs_of(archive, filed[0])
    assert {blob.what for blob in blobs} == {"content", "text", "preview"}
    for blob in blobs:
        whole = blob.path.read_bytes()
        for name, damage in DAMAGES.items():
            blob.path.write_bytes(damage(whole))
            expect_named(verify, f"{blob.what}, {name}", blob)
        blob.path.unlink()
        expect_named(verify, f"{blob.what} deleted", blob)
        blob.path.write_bytes(whole)
    assert verify()[0] == 0


def test_swapped_blobs_are_named(archive: Archive, filed: list[str], verify: Verify) -> None:
    first, second = (blobs_of(archive, document_id) for document_id in filed)
    pairs = [*zip(first, second, strict=True), (first[0], first[1]), (first[1], first[2])]
    for one, other in pairs:
        with swapped(one.path, other.path):
            expect_named(verify, "swapped", one, other)
    assert verify()[0] == 0


@contextmanager
def swapped(one: Path, other: Path) -> Iterator[None]:
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])
    yield
    one.write_bytes(contents[0])
    other.write_bytes(contents[1])


def expect_named(verify: Verify, case: str, *blobs: Blob) -> None:
    code, said = verify()
    lines = [line for line in said.splitlines() if "document " in line]
    assert code == 1, f"{case}: {said}"
    assert len(lines) == len(blobs), f"{case}: {said}"
    for blob in blobs:
        assert any(blob.name in line and blob.document_id in line and f"{blob.what}:" in line for line in lines), case


@contextmanager
def tampering(archive: Archive) -> Iterator[Any]:
    """A connection of somebody who writes into the database past the program, with every safeguard off."""
    with archive.engine.execution_options(write=True).connect() as connection:
        if archive.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection
        connection.commit()
        connection.invalidate()


@both_databases
def test_every_change_of_the_log_is_named(archive: Archive, filed: list[str], verify: Verify) -> None:
    with archive.reading(Actor.system("test")) as uow:
        ids = list(uow.session.scalars(select(LogLeaf.event_id).order_by(LogLeaf.position)))
        size = uow.session.scalar(select(func.max(LogCheckpoint.size))) or 0
        subject = uow.session.scalars(select(EventSubject).where(EventSubject.event_id == ids[2])).first()
    assert subject is not None
    assert len(ids) == size >= 7
    # Each changes what the ones before left alone, so each must add its own line.
    changes = [
        (update(Event).where(Event.id == ids[0]).values(actor="somebody-else"), ids[0]),
        (update(Event).where(Event.id == ids[1]).values(code="document.viewed"), ids[1]),
        (update(EventSubject).where(EventSubject.event_id == ids[2], EventSubject.kind == subject.kind).values(
            subject_id="01980000-0000-7000-8000-000000000001"), ids[2]),
        (update(EventDetail).where(EventDetail.event_id == ids[3]).values(detail='{"by":"无辜者"}'), ids[3]),
        (delete(EventDetail).where(EventDetail.event_id == ids[4]), ids[4]),
        (update(LogLeaf).where(LogLeaf.event_id == ids[5]).values(leaf_hash=b"x" * 32), ids[5]),
        (insert(LogCheckpoint).values(
            size=size + 5, root_hash=b"r" * 32, note="forged\n", signed_at=archive.clock.now()),
         f"checkpoint of size {size + 5}"),
        (delete(Event).where(Event.id == ids[-1]), ids[-1]),
    ]  # fmt: skip
    assert verify()[0] == 0
    for statement, named in changes:
        assert named not in verify()[1]
        with tampering(archive) as connection:
            connection.execute(statement)
        code, said = verify()
        assert (code, named in said) == (1, True), said


@both_databases
@pytest.mark.parametrize("with_tree", [False, True], ids=["rows", "rows, leaves, tiles and checkpoints"])
def test_cutting_off_the_end_of_the_log_is_named(
    archive: Archive, filed: list[str], verify: Verify, with_tree: bool
) -> None:
    with archive.reading(Actor.system("test")) as uow:
        sizes = uow.session.scalars(select(LogCheckpoint.size).order_by(LogCheckpoint.size)).all()
        kept, size = sizes[-2], sizes[-1]
        ends = uow.session.scalars(select(LogLeaf.event_id).where(LogLeaf.position >= kept)).all()
    assert ends
    with tampering(archive) as connection:
        for table in (EventDetail, EventSubject):
            connection.execute(delete(table).where(table.event_id.in_(ends)))
        connection.execute(delete(Event).where(Event.id.in_(ends)))
        if with_tree:
            connection.execute(delete(LogLeaf).where(LogLeaf.position >= kept))
            connection.execute(delete(LogCheckpoint).where(LogCheckpoint.size > kept))
            tile = connection.execute(select(LogTile.hashes).where(LogTile.level == 0)).scalar_one()
            connection.execute(update(LogTile).where(LogTile.level == 0).values(hashes=tile[: kept * 32]))
    code, said = verify()
    assert code == 1
    if with_tree:
        assert f"#{kept} to #{size - 1} were removed" in said
        assert f"published at {size} entries" in said
    else:
        assert all(event_id in said for event_id in ends)


@both_databases
def test_exchanging_a_file_together_with_its_record_contradicts_the_log(
    archive: Archive, filed: list[str], verify: Verify
) -> None:
    """Somebody who holds the keys makes another file pass for the one that was filed."""
    with archive.reading(Actor.system("test")) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == filed[0])).one()
    key = archive.vault.new_key(version.id)
    forged = archive.vault.put(io.BytesIO("伪造的报告".encode()), key, version.id, Purpose.CONTENT)
    with tampering(archive) as connection:
        connection.execute(delete(Derivative).where(Derivative.version_id == version.id))
        record = {**asdict(forged), "key_epoch": key.epoch, "wrapped_key": key.wrapped}
        record["content_blob_id"] = record.pop("blob_id")
        connection.execute(update(Version).where(Version.id == version.id).values(record))
    code, said = verify()
    [line] = [line for line in said.splitlines() if "the log says" in line]
    assert (code, version.id in line, filed[0] in line) == (1, True, True)


@both_databases
def test_a_removed_record_is_named(archive: Archive, filed: list[str], verify: Verify) -> None:
    with archive.reading(Actor.system("test")) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == filed[1])).one()
    with tampering(archive) as connection:
        connection.execute(delete(Derivative).where(Derivative.version_id == version.id))
        connection.execute(delete(Version).where(Version.id == version.id))
        connection.execute(delete(Document).where(Document.id == version.document_id))
    code, said = verify()
    assert (code, version.id in said, version.name in said) == (1, True, True)


def test_a_broken_wrapped_key_is_named(archive: Archive, filed: list[str], verify: Verify) -> None:
    with archive.reading(Actor.system("test")) as uow:
        version = uow.session.scalars(select(Version).where(Version.document_id == filed[0])).one()
    with tampering(archive) as connection:
        broken = flipped(version.wrapped_key, 20)
        connection.execute(update(Version).where(Version.id == version.id).values(wrapped_key=broken))
    code, said = verify()
    assert (code, f"version {version.id} does not open" in said) == (1, True)


def test_a_filing_robbed_of_its_event_before_it_was_logged_is_named(
    archive: Archive, people: People, verify: Verify
) -> None:
    """The window of the threat model: the event is gone without a trace in the log, the version is not."""
    leader = people.person("team_leader")
    filed = file_bytes(leader, engagement_of(leader), "新.txt", "还在等待".encode())
    with tampering(archive) as connection:
        event_id = connection.execute(select(Event.id).where(Event.code == "document.filed")).scalar_one()
        for table in (PendingEvent, EventDetail, EventSubject):
            connection.execute(delete(table).where(table.event_id == event_id))
        connection.execute(delete(Event).where(Event.id == event_id))
    sequence(archive)
    code, said = verify()
    assert (code, f"version {filed.version_id}" in said, "nothing was filed" in said) == (1, True, True)
