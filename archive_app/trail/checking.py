"""Checks of the log on request and every night: run by the worker, kept with their findings, shown on the pages."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.trail.findings import Finding, Kind
from archive_app.trail.models import LogCheck, LogCheckpoint
from archive_app.trail.verification import find_problems

VERIFY_JOB = "trail.verify"
NIGHTLY_JOB = "trail.verify.nightly"
CHECK_REQUESTED = event_type("log.check_requested", N_("Verification of the log requested"))
CHECKED = event_type("log.checked", N_("Log verified"))
_KEPT = 200


@dataclass(frozen=True)
class Check:
    """One verification: `size` entries were signed when it began; `findings` are the first of `finding_count`."""

    checked_at: datetime
    size: int
    finding_count: int
    findings: tuple[Finding, ...]


@use_case(Permission.LOG_VERIFY)
def request_check(actor: Actor, uow: UnitOfWork) -> None:
    """Has the worker verify the whole log; a verification that already waits serves everybody."""
    if not _check_waits(uow):
        uow.enqueue(VERIFY_JOB, actor.name)
        uow.record(CHECK_REQUESTED, {})


@query(Permission.LOG_READ)
def latest_check(actor: Actor, uow: UnitOfWork) -> Check | None:
    """What the last verification found; None before the first."""
    return read_latest_check(uow)


@query(Permission.LOG_READ)
def check_waits(actor: Actor, uow: UnitOfWork) -> bool:
    """Whether a requested verification has not finished yet."""
    return _check_waits(uow)


def run_check(workshop: Workshop, _job: Job) -> None:
    """Verifies the log and keeps the result. Repeating it after a crash only adds another result."""
    check_log(workshop.archive)


def check_log(archive: Archive) -> Check:
    """Verifies the log now, keeps the result and records it."""
    verifier = Actor.system("verifier")
    with archive.reading(verifier) as uow:
        size = uow.session.scalar(select(func.max(LogCheckpoint.size))) or 0
        began_at = uow.now
    count, first = _count(find_problems(archive))
    check = Check(began_at, size, count, tuple(first))
    with archive.transaction(verifier) as uow:
        check_id = uow.new_id()
        kept = json.dumps([{"kind": finding.kind, "ids": dict(finding.ids)} for finding in first])
        uow.session.add(LogCheck(id=check_id, checked_at=began_at, size=size, finding_count=count, findings=kept))
        uow.record(CHECKED, {"check": check_id}, size=size, findings=count)
    return check


def read_latest_check(uow: UnitOfWork) -> Check | None:
    """What the last verification found."""
    row = uow.session.scalar(select(LogCheck).order_by(LogCheck.id.desc()).limit(1))
    if row is None:
        return None
    findings = tuple(Finding(Kind(entry["kind"]), entry["ids"]) for entry in json.loads(row.findings))
    return Check(row.checked_at, row.size, row.finding_count, findings)


def _check_waits(uow: UnitOfWork) -> bool:
    waiting = select(Job.id).where(Job.kind == VERIFY_JOB, Job.state.in_(("waiting", "running"))).limit(1)
    return uow.session.scalar(waiting) is not None


def _count(findings: Iterable[Finding]) -> tuple[int, list[Finding]]:
    """How many there are, and the first of them: a log in ruins must not fill the memory."""
    iterator = iter(findings)
    first = list(islice(iterator, _KEPT))
    return len(first) + sum(1 for _ in iterator), first
