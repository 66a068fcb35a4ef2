"""The checks of a submitted file, by the worker: first what needs no bytes, then every stored version's bytes, one
after the other, outside of any transaction. What was checked is kept after each version, so a worker that ends goes on
there.
"""

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from archive_app.documents.checking import examine_version
from archive_app.documents.keys import key_of
from archive_app.documents.models import Version
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.filing import findings as kept_findings
from archive_app.filing.checks import check_facts
from archive_app.filing.findings import Finding
from archive_app.filing.malware import FOUND, UNSCANNED, scan
from archive_app.filing.manifest import contents_of
from archive_app.filing.models import CaseFile, CaseItem, Submission
from archive_app.filing.waiting import submission_checked
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.unit_of_work import UnitOfWork
from storage import Purpose, StorageError

CHECKED = event_type("submission.checked", N_("Submitted file checked"))
EXAMINER = Actor.system("filing")
JOB = "filing.check"
OFF = "off"
_PORTION = 50
_PORTION_SECONDS = 5.0
_BYTES = {"content", "record"}


def check_submission(workshop: Workshop, job: Job) -> GiveWay | None:
    """Goes on checking a submission; the last portion tells whether the file waits for the archivist or failed."""
    archive, submission_id = workshop.archive, job.subject_id
    until = time.monotonic() + _PORTION_SECONDS
    versions = _next_versions(archive, submission_id)
    if versions is None:
        return None
    for version in versions:
        _keep(archive, submission_id, version, examine_bytes(archive, version))
        if workshop.stopping() or time.monotonic() > until:
            return GiveWay()
    if versions:
        return GiveWay()
    _finish(archive, submission_id)
    return None


def examine_bytes(archive: Archive, version: Version) -> list[Finding]:
    """Reads a version's stored bytes back and compares them with what was filed; has them scanned where there is a
    scanner."""
    found, sound = [], True
    for fault in examine_version(archive, EXAMINER, version.id).faults:
        grave = fault.what in _BYTES
        sound = sound and not grave
        code = "bytes_wrong" if grave else "derived_wrong"
        found.append(_about(version, code, grave=grave, result=fault.result))
    if sound and archive.rules.filing.scanner:
        found += _scanned(archive, version)
    return found


def versions_of(engagement_id: str, *, after: str = "", added_only: bool = False) -> Sequence[ColumnElement[bool]]:
    """The clauses that select the versions of what is in the case files of an engagement."""
    items = select(CaseItem.document_id).join(CaseFile, CaseFile.id == CaseItem.case_file_id)
    items = items.where(CaseFile.engagement_id == engagement_id, CaseFile.voided_at.is_(None))
    if added_only:
        items = items.where(CaseItem.seal_id.is_(None))
    return (Version.engagement_id == engagement_id, Version.document_id.in_(items), Version.id > after)


def _about(version: Version, code: str, *, grave: bool, **params: str) -> Finding:
    return Finding(code, grave, {"version": version.number, **params}, version.document_id)


def _scanned(archive: Archive, version: Version) -> list[Finding]:
    rules = archive.rules.filing
    try:
        with archive.vault.open(version.content_blob_id, key_of(version), version.id, Purpose.CONTENT) as stream:
            verdict = scan(rules.scanner, stream, timeout_seconds=rules.scanner_timeout.total_seconds())
    except StorageError as error:
        return [_about(version, "not_scanned", grave=False, why=str(error))]
    if verdict.state == FOUND:
        return [_about(version, "infected", grave=True, signature=verdict.detail)]
    if verdict.state == UNSCANNED:
        return [_about(version, "not_scanned", grave=False, why=verdict.detail)]
    return []


def _next_versions(archive: Archive, submission_id: str) -> Sequence[Version] | None:
    """The versions that are next; None when nothing is to be checked any more."""
    with archive.reading(EXAMINER) as uow:
        submission = uow.session.get(Submission, submission_id)
        if submission is None or submission.state != "checking":
            return None
        clauses = versions_of(submission.engagement_id, after=submission.last_version_id or "")
        return uow.session.scalars(select(Version).where(*clauses).order_by(Version.id).limit(_PORTION)).all()


def _keep(archive: Archive, submission_id: str, version: Version, found: Sequence[Finding]) -> None:
    with archive.transaction(EXAMINER, eventless=True) as uow:
        submission = uow.session.get_one(Submission, submission_id, with_for_update=True)
        if submission.state != "checking" or (submission.last_version_id or "") >= version.id:
            return
        submission.last_version_id, submission.checked = version.id, submission.checked + 1
        if found:
            kept_findings.keep(submission, [*kept_findings.kept(submission), *found])


def _finish(archive: Archive, submission_id: str) -> None:
    """Says in one transaction how the checks ended. What came in meanwhile is found when the file is accepted."""
    with archive.transaction(EXAMINER) as uow:
        engagement_id = uow.session.get_one(Submission, submission_id).engagement_id
        engagement = lock_engagement(uow.session, engagement_id)
        submission = uow.session.get_one(Submission, submission_id, with_for_update=True, populate_existing=True)
        if submission.state != "checking":
            return
        if _count(uow, engagement) != submission.checked:
            # Something came in meanwhile, and an upload that began long ago stands before what was checked already.
            submission.last_version_id, submission.checked, submission.total = None, 0, _count(uow, engagement)
            kept_findings.keep(submission, [])
            uow.enqueue(JOB, submission.id)
            uow.bookkeeping()
            return
        found = [*check_facts(uow, engagement), *kept_findings.kept(submission)]
        kept_findings.keep(submission, found)
        submission.malware = _malware(archive, found)
        submission.fingerprint = contents_of(uow, engagement).fingerprint()
        submission.state = "failed" if any(one.grave for one in found) else "waiting"
        submission_checked(uow, engagement, submission)
        subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id}
        uow.record(
            CHECKED,
            {**subjects, "submission": submission.id},
            round=submission.round,
            state=submission.state,
            versions=submission.checked,
            grave=sum(one.grave for one in found),
            findings=len(found),
            malware=submission.malware,
        )


def _count(uow: UnitOfWork, engagement: Engagement) -> int:
    """How many versions there are in the case files."""
    return uow.session.scalar(select(func.count(Version.id)).where(*versions_of(engagement.id))) or 0


def _malware(archive: Archive, found: Sequence[Finding]) -> str:
    codes = {one.code for one in found}
    if not archive.rules.filing.scanner:
        return OFF
    if "infected" in codes:
        return FOUND
    return UNSCANNED if codes & {"not_scanned", "bytes_wrong"} else "clean"
