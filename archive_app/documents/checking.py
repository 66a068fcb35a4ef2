"""Integrity: every blob read back, decrypted and compared with the digests recorded when it was filed.

The digests stand in two places: in the version's row, and in the event of its filing, which the log protects. Whoever
exchanges a blob together with its row still contradicts the log.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from archive_app.documents.ingest import DOCUMENT_FILED, VERSION_FILED
from archive_app.documents.keys import key_of
from archive_app.documents.models import Derivative, Document, HeldContent, Version
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventDetail, EventSubject, event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from storage import BlobCorrupt, BlobMissing, KeyCorrupt, KeyMissing, Purpose, StorageUnavailable

CHECK_FAILED = event_type("document.check_failed", N_("Integrity check failed"))
CHECKED = event_type("document.checked", N_("Integrity checked"))
ORPHAN_SET_ASIDE = event_type("blob.set_aside", N_("Orphan blob set aside"))
RESULT_GOOD, RESULT_MISSING, RESULT_CORRUPT, RESULT_KEY, RESULT_LOG = "good", "missing", "corrupt", "key", "log"
ORPHAN_AGE = timedelta(hours=24)
CHECK_EVERY = timedelta(days=30)
_PORTION_BYTES = 2**30
_PORTION_VERSIONS = 500
_PAGE = 200


@dataclass(frozen=True)
class Fault:
    """Something that is not what was filed. `what` is content, text, preview or record; `result` says how it failed."""

    version_id: str
    document_id: str
    name: str
    what: str
    result: str
    explanation: str


@dataclass(frozen=True)
class BlobCheck:
    """One version that was checked, and what was wrong with it."""

    version: Version
    faults: list[Fault]


@dataclass(frozen=True)
class _Recorded:
    """What the database holds about a version: blobs made from it, and the digests in the events of its filing."""

    derivatives: Sequence[Derivative]
    filed_as: Sequence[str]


def check_version(archive: Archive, version: Version, recorded: _Recorded) -> BlobCheck:
    """Reads every blob of a version in full and compares it; compares its row with the log."""
    faults = list(_contradictions(version, recorded.filed_as))
    blobs = [(version.content_blob_id, Purpose.CONTENT, version.size_bytes, version.sha256)]
    blobs += [(row.blob_id, Purpose(row.purpose), row.size_bytes, row.sha256) for row in recorded.derivatives]
    for blob_id, purpose, size_bytes, sha256 in blobs:
        try:
            archive.vault.verify(blob_id, key_of(version), version.id, purpose, size_bytes=size_bytes, sha256=sha256)
        except (BlobMissing, BlobCorrupt, KeyMissing, KeyCorrupt, StorageUnavailable) as error:
            faults.append(
                Fault(version.id, version.document_id, version.name, purpose.value, _result(error), str(error))
            )
    return BlobCheck(version, faults)


def examine_version(archive: Archive, actor: Actor, version_id: str) -> BlobCheck:
    """Checks one version now and keeps the result on it."""
    with archive.reading(Actor.system("check")) as uow:
        version = uow.session.get_one(Version, version_id)
        recorded = _recorded(uow.session, [version_id])[version_id]
    check = check_version(archive, version, recorded)
    keep_result(archive, actor, check)
    return check


def check_all(archive: Archive) -> Iterator[BlobCheck]:
    """Checks every version there is, in the order they were filed, and keeps the result on each."""
    after = ""
    while True:
        with archive.reading(Actor.system("check")) as uow:
            page = select(Version).where(Version.id > after).order_by(Version.id).limit(_PAGE)
            versions = uow.session.scalars(page).all()
            recorded = _recorded(uow.session, [version.id for version in versions])
        if not versions:
            return
        for version in versions:
            check = check_version(archive, version, recorded[version.id])
            keep_result(archive, Actor.system("check"), check)
            yield check
        after = versions[-1].id


@staged_use_case(Permission.DOCUMENTS_READ)
def check_document(actor: Actor, archive: Archive, *, document_id: str) -> list[Fault]:
    """Checks all versions of one document now. Raises: NotFoundError."""
    with archive.reading(actor) as uow:
        uow.require("document", document_id)
        uow.require(WORK, uow.session.get_one(Document, document_id).engagement_id)
        versions = uow.session.scalars(
            select(Version).where(Version.document_id == document_id).order_by(Version.number)
        ).all()
        recorded = _recorded(uow.session, [version.id for version in versions])
    checks = [check_version(archive, version, recorded[version.id]) for version in versions]
    for check in checks:
        keep_result(archive, actor, check)
    with archive.transaction(actor) as uow:
        document = uow.session.get_one(Document, document_id)
        subjects = subjects_of(uow.session, document.engagement_id, document=document_id)
        faults = sum(len(check.faults) for check in checks)
        uow.record(CHECKED, subjects, title=document.title, versions=len(versions), faults=faults)
    return [fault for check in checks for fault in check.faults]


def find_removed(archive: Archive) -> Iterator[str]:
    """The versions that were filed, as the log says, and whose rows are gone; nothing in this program removes any."""
    with archive.reading(Actor.system("check")) as uow:
        present = select(Version.id).where(Version.id == EventSubject.subject_id).exists()
        for version_id, detail in uow.session.execute(_filings().where(~present).execution_options(yield_per=1000)):
            yield f"{version_id} ({_word(detail, 'name')})"


def keep_result(archive: Archive, actor: Actor, check: BlobCheck) -> None:
    """Writes the date and the outcome on the version; a fault is an event."""
    with archive.transaction(actor, eventless=True) as uow:
        version = uow.session.get_one(Version, check.version.id)
        version.checked_at = uow.now
        version.check_result = check.faults[0].result if check.faults else RESULT_GOOD
        if check.faults:
            ids = {"document": version.document_id, "version": version.id}
            subjects = subjects_of(uow.session, version.engagement_id, **ids)
            faults = [{"what": fault.what, "result": fault.result} for fault in check.faults]
            uow.record(CHECK_FAILED, subjects, name=version.name, faults=faults)


def check_portion(workshop: Workshop, _job: Job) -> None:
    """Checks what is new or was checked longest ago: a portion small enough that other jobs do not wait."""
    archive, left = workshop.archive, _PORTION_BYTES
    with archive.reading(Actor.system("check")) as uow:
        due = Version.checked_at.is_(None) | (Version.checked_at < uow.now - CHECK_EVERY)
        oldest = select(Version).where(due).order_by(Version.checked_at.is_not(None), Version.checked_at, Version.id)
        versions = uow.session.scalars(oldest.limit(_PORTION_VERSIONS)).all()
    for version in versions:
        if left <= 0:
            return
        examine_version(archive, Actor.system("check"), version.id)
        left -= version.size_bytes


def find_orphans(archive: Archive, told: Callable[[str], None] = lambda _blob_id: None) -> list[str]:
    """Blobs that nothing in the database refers to: left by a crash between the vault and the transaction."""
    orphans: list[str] = []
    batch: list[str] = []
    for entry in archive.vault.blobs():
        batch.append(entry.blob_id)
        if len(batch) == _PAGE:
            orphans += _unknown(archive, batch)
            batch = []
    orphans += _unknown(archive, batch)
    for blob_id in orphans:
        told(blob_id)
    return orphans


def set_orphans_aside(workshop: Workshop, _job: Job) -> None:
    """Moves orphans older than a day to quarantine, where they wait for disposal; nothing is destroyed here."""
    archive = workshop.archive
    archive.vault.sweep_temporary(ORPHAN_AGE)
    horizon = archive.clock.now() - ORPHAN_AGE
    old = {entry.blob_id for entry in archive.vault.blobs() if entry.modified_at < horizon}
    for blob_id in find_orphans(archive):
        if blob_id in old:
            with archive.transaction(Actor.system("check")) as uow:
                uow.record(ORPHAN_SET_ASIDE, {}, blob=blob_id)
            archive.vault.quarantine(blob_id)


def _unknown(archive: Archive, blob_ids: list[str]) -> list[str]:
    with archive.reading(Actor.system("check")) as uow:
        known = set(uow.session.scalars(select(Version.content_blob_id).where(Version.content_blob_id.in_(blob_ids))))
        known |= set(uow.session.scalars(select(Derivative.blob_id).where(Derivative.blob_id.in_(blob_ids))))
        known |= set(uow.session.scalars(select(HeldContent.blob_id).where(HeldContent.blob_id.in_(blob_ids))))
    return [blob_id for blob_id in blob_ids if blob_id not in known]


def _recorded(session: Session, version_ids: Sequence[str]) -> Mapping[str, _Recorded]:
    made: dict[str, list[Derivative]] = {key: [] for key in version_ids}
    for row in session.scalars(select(Derivative).where(Derivative.version_id.in_(version_ids))):
        made[row.version_id].append(row)
    filed: dict[str, list[str]] = {key: [] for key in version_ids}
    for version_id, detail in session.execute(_filings().where(EventSubject.subject_id.in_(version_ids))):
        filed[version_id].append(_word(detail, "sha256"))
    return {key: _Recorded(made[key], filed[key]) for key in version_ids}


def _filings() -> Select[str, str]:
    """The version and the words of every event of a filing."""
    statement = select(EventSubject.subject_id, EventDetail.detail)
    statement = statement.join(Event, Event.id == EventSubject.event_id)
    statement = statement.join(EventDetail, EventDetail.event_id == EventSubject.event_id)
    return statement.where(EventSubject.kind == "version", Event.code.in_((DOCUMENT_FILED.code, VERSION_FILED.code)))


def _word(detail: str, key: str) -> str:
    try:
        words = json.loads(detail)
    except ValueError:
        # Somebody wrote over it; `verify_log` names it.
        return ""
    return str(words.get(key, "")) if isinstance(words, dict) else ""


def _contradictions(version: Version, filed_as: Sequence[str]) -> Iterator[Fault]:
    """Whether the log says that exactly this content was filed, once; `verify_log` says whether the log is true."""
    if list(filed_as) == [version.sha256.hex()]:
        return
    said = ", ".join(filed_as) or "nothing"
    explanation = f"its row records SHA-256 {version.sha256.hex()}, the log says that {said} was filed"
    yield Fault(version.id, version.document_id, version.name, "record", RESULT_LOG, explanation)


def _result(error: Exception) -> str:
    if isinstance(error, BlobMissing):
        return RESULT_MISSING
    return RESULT_KEY if isinstance(error, KeyMissing | KeyCorrupt) else RESULT_CORRUPT


def count_failed(uow: UnitOfWork) -> int:
    """How many versions failed their last check."""
    failed = select(Version.id).where(Version.check_result.is_not(None), Version.check_result != RESULT_GOOD)
    return len(uow.session.scalars(failed.limit(1000)).all())
