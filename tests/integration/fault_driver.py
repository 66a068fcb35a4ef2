"""What the fault tests do in processes of their own: the operations that are broken, and the look at what is left.

A place holds one archive: data/, keys/, memory/ and its backup/.
"""

import hashlib
import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy import select

from archive_app.backup.format import complete_generations
from archive_app.backup.restoring import check_backup
from archive_app.backup.writing import back_up
from archive_app.casework.models import Record
from archive_app.casework.recording import record_as
from archive_app.documents.checking import check_all, find_orphans
from archive_app.documents.held import held_blobs
from archive_app.documents.index_key import index_key
from archive_app.documents.ingest import Entry, Filed, add_document
from archive_app.documents.keys import key_of
from archive_app.documents.models import Document, Version
from archive_app.documents.rotation import KeyState, find_unreadable_keys, key_state, rotate_keys
from archive_app.documents.uploads import Offer, Origin, announce_one, receive
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.models import Engagement
from archive_app.filing.accepting import accept
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile, CaseItem, Seal, Submission
from archive_app.filing.numbering import change_rule
from archive_app.filing.sealing import SEALED
from archive_app.filing.submitting import submit
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.proof.checkpoint import Checkpoint
from archive_app.proof.merkle import read_root
from archive_app.runtime import create_archive, open_archive
from archive_app.settings import Settings, load_settings
from archive_app.trail.published import read_published
from archive_app.trail.sequencing import sequence
from archive_app.trail.tree import stored_hashes
from archive_app.trail.verification import verify_log
from storage import Purpose
from tests.case_files import check as check_submitted
from tests.case_files import follow_short_scheme
from tests.faults import Task, Tell

OFFERED = random.Random(20).randbytes(40_000)
# More than two blocks of the vault's writer, which hands all but the last to a second thread.
OFFERED_LARGE = random.Random(21).randbytes(2_400_000)
OPERATOR = Actor.system("operator", via="cli")
ARCHIVIST = Actor.system("archivist", via="cli")
BACKUP = "backup"
RECORD_TYPES = ("assignment_letter", "work_plan", "verification_report")


@dataclass(frozen=True)
class Remains:
    """An archive as a fresh process finds it.

    `documents` gives the SHA-256 of what was read back, by document; `generations` says of every generation of the
    backup that looks complete whether it stands its check; `file` whether the engagement's file is sealed.
    """

    documents: dict[str, str]
    wrong: list[str]
    orphans: int
    temporaries: int
    keys: KeyState
    continues: bool
    generations: dict[str, bool]
    file: str


def settings_of(place: Path) -> Settings:
    """The settings of the archive in this place."""
    environ = {
        "LANTAI_KEYS__DIRECTORY": str(place / "keys"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(place / "memory"),
    }
    return load_settings(environ, data_directory=place / "data")


@contextmanager
def opened(place: Path) -> Iterator[Archive]:
    """The archive in this place, active."""
    archive = open_archive(settings_of(place))
    try:
        with archive.activate():
            yield archive
    finally:
        archive.engine.dispose()


def make(place: Path, tell: Tell) -> None:
    """An archive with a few documents, one duplicate that waits, an index key, and a log of two checkpoints."""
    create_archive(settings_of(place))
    with opened(place) as archive:
        index_key(archive)
        leader = _leader(archive)
        client = add_client(leader, name="江南热电厂")
        engagement = open_engagement(leader, client_id=client.id, number="HC-1", title="年度核查", year=2025)
        for number in range(3):
            _add(engagement, f"第 {number} 件.txt", f"第 {number} 件的内容。".encode() * 50)
        sequence(archive)
        _hold_duplicate(leader, engagement)
        sequence(archive)
        tell(read_published(archive))


def ingest(place: Path, tell: Tell) -> None:
    """Files one document; telling its id is the acknowledgement."""
    with opened(place) as archive:
        tell(_add(_engagement(archive), "新件.bin", OFFERED).document_id)


def ingest_large(place: Path, tell: Tell) -> None:
    """The same with a file that is written by two threads."""
    with opened(place) as archive:
        tell(_add(_engagement(archive), "大件.bin", OFFERED_LARGE).document_id)


def sequence_log(place: Path, tell: Tell) -> None:
    """Puts the events that wait into the log and publishes the checkpoint."""
    with opened(place) as archive:
        sequence(archive)
        tell(read_published(archive))


def rotate(place: Path, tell: Tell) -> None:
    """Rotates the master key; tells the new epoch."""
    with opened(place):
        tell(rotate_keys(OPERATOR).epoch)


def back_up_all(place: Path, tell: Tell) -> None:
    """Adds a generation to the backup; tells its name."""
    with opened(place) as archive:
        tell(back_up(archive, place / BACKUP).manifest.generation)


def submit_file(place: Path, tell: Tell) -> None:
    """Puts the documents into a case file and submits it; the checks find nothing. Tells its number."""
    with opened(place) as archive:
        engagement = _engagement(archive)
        follow_short_scheme(archive, engagement.id)
        change_rule(
            replace(OPERATOR, organisation_id=engagement.organisation_id), fonds="J019", file_digits=3, item_digits=3
        )
        with archive.transaction(OPERATOR, eventless=True) as uow:
            of_engagement = select(Document.id).where(Document.engagement_id == engagement.id).order_by(Document.id)
            for document_id, code in zip(uow.session.scalars(of_engagement), RECORD_TYPES, strict=True):
                record_as(uow, document_id, type=code, state="accepted", originator="厂", evidence_on=date(2026, 3, 1))
        propose(OPERATOR, engagement_id=engagement.id)
        submission = submit(OPERATOR, engagement_id=engagement.id)
        assert check_submitted(archive, submission.id).state == "waiting"
        tell(_file(archive))


def seal(place: Path, tell: Tell) -> None:
    """Accepts the submitted file, which seals it; tells the digest of the manifest."""
    with opened(place) as archive:
        engagement = _engagement(archive)
        if engagement.sealed_at is not None:
            # The run that was broken came that far.
            return
        with archive.reading(OPERATOR) as uow:
            submission = uow.session.scalars(select(Submission)).one()
        sealed = accept(ARCHIVIST, engagement_id=engagement.id, submission_id=submission.id)
        tell(sealed.manifest_sha256)


def look(place: Path, tell: Tell, *, since: Checkpoint) -> None:
    """Opens what is left, lets the log go on, and tells what it is like. `since` was signed before the fault."""
    with opened(place) as archive:
        sequence(archive)
        published = read_published(archive)
        with archive.reading(OPERATOR) as uow:
            versions = uow.session.scalars(select(Version)).all()
            root = read_root(since.size, stored_hashes(uow.session, since.size))
        tell(
            Remains(
                documents={version.document_id: _digest(archive, version) for version in versions},
                wrong=list(_wrong(archive)),
                orphans=len(find_orphans(archive)),
                temporaries=sum(1 for _ in (place / "data" / "blobs" / "tmp").iterdir()),
                keys=key_state(OPERATOR, archive),
                continues=published is not None and published.size >= since.size and root == since.root,
                generations=_generations(place / BACKUP),
                file=_file(archive),
            )
        )


def examine(place: Path, tell: Tell, *, since: Checkpoint, task: Task) -> None:
    """Looks at what is left, does unbroken what was broken, and looks again."""
    look(place, tell, since=since)
    task(place, lambda _answer: None)
    look(place, tell, since=since)


def _file(archive: Archive) -> str:
    """Whether the file is sealed: every trace of it says the same, or it stands between."""
    with archive.reading(OPERATOR) as uow:
        engagement = uow.session.scalars(select(Engagement)).one()
        seals = uow.session.scalars(select(Seal)).all()
        sealed_items = [one is not None for one in uow.session.scalars(select(CaseItem.seal_id))]
        states = uow.session.scalars(select(Submission.state)).all()
        manifests = uow.session.scalars(select(Record.document_id).where(Record.type == "seal_manifest")).all()
        versions = select(Version.sha256).where(Version.document_id.in_(manifests))
        digests = uow.session.scalars(versions).all()
        events = uow.session.scalars(select(Event.id).where(Event.code == SEALED.code)).all()
        numbers = uow.session.scalars(select(CaseFile.number)).all()
    said = {
        engagement.sealed_at is not None,
        engagement.stage == "keeping",
        bool(seals),
        any(sealed_items),
        bool(sealed_items) and all(sealed_items),
        "accepted" in states,
        bool(events),
        [row.manifest_sha256 for row in seals] == list(digests) != [],
    }
    if len(said) > 1 or len(seals) > 1:
        return f"between: {said} {len(seals)}"
    return f"{'sealed' if said == {True} else 'not sealed'} {','.join(str(number) for number in numbers)}"


def _generations(folder: Path) -> dict[str, bool]:
    if not folder.exists():
        return {}
    return {name: check_backup(folder, name).sound for name in complete_generations(folder)}


def _wrong(archive: Archive) -> Iterator[str]:
    """What `lantai verify` would say."""
    for check in check_all(archive):
        yield from (f"{fault.name}: {fault.explanation}" for fault in check.faults)
    yield from (finding.text("en") for finding in verify_log(archive))
    yield from find_unreadable_keys(archive, OPERATOR)
    with archive.reading(OPERATOR) as uow:
        held = list(held_blobs(uow.session))
    for blob in held:
        archive.vault.verify(
            blob.blob_id, blob.key, blob.version_id, Purpose.CONTENT, size_bytes=blob.size_bytes, sha256=blob.sha256
        )
    index_key(archive)


def _digest(archive: Archive, version: Version) -> str:
    with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as blob:
        return hashlib.sha256(blob.read()).hexdigest()


def _add(engagement: Engagement, name: str, content: bytes) -> Filed:
    return add_document(OPERATOR, engagement_id=engagement.id, stream=io.BytesIO(content), entry=Entry(name=name))


def _leader(archive: Archive) -> Actor:
    with archive.transaction(OPERATOR, eventless=True) as uow:
        organisation = Organisation(
            id=uow.new_id(), name="绿源核查", kind="verification_body", runs_archive=True, created_at=uow.now
        )
        uow.session.add(organisation)
    return replace(OPERATOR, organisation_id=organisation.id)


def _engagement(archive: Archive) -> Engagement:
    with archive.reading(OPERATOR) as uow:
        return uow.session.scalars(select(Engagement)).one()


def _hold_duplicate(leader: Actor, engagement: Engagement) -> None:
    upload = announce_one(leader, engagement_id=engagement.id, offer=Offer("又一件.txt", 0), origin=Origin())
    content = "第 0 件的内容。".encode() * 50
    receive(leader, upload_id=upload.id, stream=io.BytesIO(content), expected_bytes=len(content))
