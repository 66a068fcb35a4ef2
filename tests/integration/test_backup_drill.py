"""The drill of docs/operations.md: the machine is lost while it works; backup and safe bring the archive back."""

import hashlib
import io
import shutil
import threading
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import func, select

from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.keys import key_of
from archive_app.documents.models import Version
from archive_app.documents.uploads import Offer, Origin, announce, receive
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.proof.checkpoint import open_checkpoint
from archive_app.proof.merkle import read_root
from archive_app.proof.note import VerifierKey
from archive_app.runtime import open_archive
from archive_app.trail.sequencing import sequence
from archive_app.trail.tree import stored_hashes
from storage import Purpose
from tests.command_line import CommandLine
from tests.factories import People, engagement_of

PASSPHRASE = "兰台 safe in the cellar"
SYSTEM = Actor.system("test")


class Load:
    """Somebody who keeps filing, with the log sequenced meanwhile, until told to stop."""

    def __init__(self, archive: Archive, engagement_id: str) -> None:
        self._archive, self._engagement_id = archive, engagement_id
        self._stop = threading.Event()
        self.filed = 0
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, more: int) -> None:
        goal, pause = self.filed + more, threading.Event()
        while self.filed < goal and self._thread.is_alive():
            pause.wait(0.01)
        assert self._thread.is_alive()

    def _work(self) -> None:
        with self._archive.activate():
            while not self._stop.is_set():
                content = f"证据 {self.filed}".encode() * 700
                add_document(
                    SYSTEM,
                    engagement_id=self._engagement_id,
                    stream=io.BytesIO(content),
                    entry=Entry(name=f"{self.filed}.txt"),
                )
                self.filed += 1
                if self.filed % 7 == 0:
                    sequence(self._archive)


def test_the_machine_is_lost_and_the_same_log_goes_on(tmp_path: Path) -> None:
    machine = CommandLine.below(tmp_path / "lost machine")
    backup, export = tmp_path / "medium" / "backup", tmp_path / "safe" / "keys.json"
    export.parent.mkdir()
    machine.run("init")
    archive = open_archive(machine.settings)
    with archive.activate():
        leader = People(archive).person("team_leader")
        engagement = engagement_of(leader)
        duplicate = _held_duplicate(leader, engagement.id)
    with Load(archive, engagement.id) as load:
        load.wait_for(20)
        machine.run("backup", backup)
        load.wait_for(10)
        machine.run("keys", "rotate")
        machine.with_passphrase("keys", "export", export, passphrase=PASSPHRASE)
        load.wait_for(10)
        machine.run("backup", backup)
        load.wait_for(5)
    archive.engine.dispose()
    shutil.rmtree(tmp_path / "lost machine")

    fresh = CommandLine.below(tmp_path / "new machine")
    assert "Nothing is wrong" in fresh.run("restore", backup, "--verify-only").stdout
    assert not fresh.data.exists()
    assert "lantai keys import" in fresh.run("restore", backup, expect=1).output
    assert not fresh.data.exists()
    fresh.with_passphrase("keys", "import", export, passphrase="another passphrase", expect=1)
    fresh.with_passphrase("keys", "import", export, passphrase=PASSPHRASE)
    fresh.run("restore", backup)
    assert sorted(path.name for path in fresh.data.iterdir()) == ["archive.db", "blobs", "checkpoint"]
    assert "Nothing is wrong" in fresh.run("verify").stdout

    restored = open_archive(fresh.settings)
    with restored.activate():
        assert _contents_are_whole(restored) > 30
        _require_continued(restored, backup)
        with restored.reading(SYSTEM) as uow:
            assert uow.session.scalar(select(func.count()).where(Event.code == "archive.restored")) == 1
        add_document(SYSTEM, engagement_id=engagement.id, stream=io.BytesIO(b"after"), entry=Entry(name="after.txt"))
        sequence(restored)
        _require_continued(restored, backup)
        with restored.reading(SYSTEM) as uow:
            assert uow.session.scalar(select(Version.id).where(Version.id == duplicate)) is None
    restored.engine.dispose()
    fresh.run("verify")
    fresh.run("backup", backup)
    assert "Nothing is wrong" in fresh.run("restore", backup, "--verify-only").stdout


def _held_duplicate(actor: Actor, engagement_id: str) -> str:
    for number in range(2):
        [line] = announce(actor, engagement_id=engagement_id, offers=[Offer(f"{number}/twin.txt", 4)], origin=Origin())
        line = receive(actor, upload_id=line.id, stream=io.BytesIO(b"twin"), expected_bytes=4)
    assert line.state == "duplicate"
    return line.id


def _contents_are_whole(archive: Archive) -> int:
    with archive.reading(SYSTEM) as uow:
        versions = uow.session.scalars(select(Version)).all()
    for version in versions:
        with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob:
            assert hashlib.sha256(blob.read()).digest() == version.sha256
    return len(versions)


def _require_continued(archive: Archive, backup: Path) -> None:
    """Every checkpoint in the backup is a state that the restored log once had."""
    notes = sorted((backup / "generations").glob("*/checkpoint"))
    assert notes
    key = VerifierKey.decode(archive.verification_key)
    for note in notes:
        old = open_checkpoint(note.read_text(), key, archive.origin)
        with archive.reading(SYSTEM) as uow:
            assert read_root(old.size, stored_hashes(uow.session, old.size)) == old.root


@pytest.mark.parametrize("first_generation", [True, False])
def test_a_key_file_older_than_the_backup_is_refused(tmp_path: Path, first_generation: bool) -> None:
    machine, backup, export = CommandLine.below(tmp_path / "a"), tmp_path / "backup", tmp_path / "keys.json"
    machine.run("init")
    archive = open_archive(machine.settings)
    with archive.activate():
        engagement = engagement_of(People(archive).person("team_leader"))
        add_document(SYSTEM, engagement_id=engagement.id, stream=io.BytesIO(b"x"), entry=Entry(name="x"))
    archive.engine.dispose()
    machine.with_passphrase("keys", "export", export, passphrase=PASSPHRASE)
    machine.run("backup", backup)
    machine.run("keys", "rotate")
    machine.run("backup", backup)
    generations = sorted(path.name for path in (backup / "generations").iterdir())
    fresh = CommandLine.below(tmp_path / "b")
    fresh.with_passphrase("keys", "import", export, passphrase=PASSPHRASE)
    if first_generation:
        fresh.run("restore", backup, "--generation", generations[0])
        fresh.run("verify")
    else:
        assert "lacks epochs 2" in fresh.run("restore", backup, expect=1).output
        assert not fresh.data.exists()
