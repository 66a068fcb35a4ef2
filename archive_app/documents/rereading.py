"""Reading many documents again, when a reader got better or an earlier reading went badly.

The worker is handed a portion at a time, so that what is filed meanwhile does not wait behind a hundred thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from archive_app.documents.models import Document, ReadingRun, Version
from archive_app.documents.reading import READER
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from search.reading import KINDS, READERS_NOW, recognition_engine

READING_RUN_REQUESTED = event_type("reading.run_requested", N_("Reading of many documents again requested"))
REASONS: Mapping[str, str] = MappingProxyType({
    "older": N_("Read by an older reader, or not read because there was none"),
    "failed": N_("Reading failed"),
    "partly": N_("Only partly read"),
    "doubtful": N_("Recognised with low confidence"),
    "all": N_("All documents"),
})  # fmt: skip
"""Catalogue keys by the codes of `ReadingRun.reason`."""
DOUBTFUL_PERCENT = 75
_PORTION, _LATEST_RUNS = 50, 10
_PAUSE_SECONDS = 3.0
_PENDING = ("parts_waiting", "recognising")
_SETTLED = ("unsupported", "empty", "encrypted")
"""Notes of what would end the same way by the same reader."""


class ReadingRunningError(ArchiveError):
    code = "reading_running"
    message = N_("Documents are being read again already. Nothing was started; wait until that is done.")


@dataclass(frozen=True)
class ReadingState:
    """How the reading stands: documents by reason, the latest runs, and documents that wait in each step."""

    counts: Mapping[str, int]
    runs: Sequence[ReadingRun]
    reading: int
    recognising: int
    engine: str | None


@query(Permission.DOCUMENTS_REREAD)
def view_reading(actor: Actor, uow: UnitOfWork) -> ReadingState:
    """What there is to read again, and what is being read."""
    counts = {
        reason: uow.session.scalar(_current(actor.organisation_id, reason).with_only_columns(func.count())) or 0
        for reason in REASONS
    }
    runs = select(ReadingRun).order_by(ReadingRun.id.desc()).limit(_LATEST_RUNS)
    if actor.organisation_id:
        runs = runs.where(ReadingRun.organisation_id == actor.organisation_id)
    return ReadingState(
        counts,
        uow.session.scalars(runs).all(),
        _waiting(uow, ("documents.read", "documents.read_parts")),
        _waiting(uow, ("documents.recognise",)),
        recognition_engine(),
    )


@use_case(Permission.DOCUMENTS_REREAD)
def request_reading(actor: Actor, uow: UnitOfWork, *, reason: str) -> ReadingRun:
    """Has the current versions of all documents of the organisation read again that are so for `reason`.

    Raises: InvalidInputError, ReadingRunningError.
    """
    if reason not in REASONS:
        raise InvalidInputError(field=N_("Reason"), reason=N_("There is no such reason."))
    running = select(ReadingRun.id).where(
        ReadingRun.state == "running", ReadingRun.organisation_id.is_not_distinct_from(actor.organisation_id)
    )
    if uow.session.scalar(running.limit(1)) is not None:
        raise ReadingRunningError
    run = ReadingRun(
        id=uow.new_id(),
        organisation_id=actor.organisation_id,
        person_id=actor.person_id or actor.name,
        reason=reason,
        total=uow.session.scalar(_current(actor.organisation_id, reason).with_only_columns(func.count())) or 0,
        handed_on=0,
        last_version_id="",
        state="running",
        created_at=uow.now,
        changed_at=uow.now,
    )
    uow.session.add(run)
    uow.enqueue("documents.read_again", run.id)
    uow.record(READING_RUN_REQUESTED, {"reading_run": run.id}, reason=reason, documents=run.total)
    return run


def hand_on(workshop: Workshop, job: Job) -> GiveWay | None:
    """Hands the next portion of a run to the readers, if they have little left to do. Idempotent."""
    with workshop.archive.transaction(READER, eventless=True) as uow:
        run = uow.session.get_one(ReadingRun, job.subject_id, with_for_update=True)
        if run.state != "running":
            return None
        room = _PORTION - _waiting(uow, ("documents.read", "documents.read_parts"))
        if room <= 0:
            return GiveWay(_PAUSE_SECONDS)
        following = _current(run.organisation_id, run.reason).where(Version.id > run.last_version_id)
        # Filed later than the run was asked for: they were read by the newest reader already.
        following = following.where(Version.filed_at <= run.created_at).order_by(Version.id).limit(room)
        keys = uow.session.scalars(following).all()
        for key in keys:
            uow.enqueue("documents.read", key)
        run.handed_on, run.changed_at = run.handed_on + len(keys), uow.now
        if keys:
            run.last_version_id = keys[-1]
            return GiveWay(_PAUSE_SECONDS)
        run.state, run.total = "done", run.handed_on
    return None


def _current(organisation_id: str | None, reason: str) -> Select[str]:
    chosen = select(Version.id).join(Document, Document.id == Version.document_id)
    chosen = chosen.join(Engagement, Engagement.id == Version.engagement_id)
    chosen = chosen.where(Version.current, Document.withdrawn_at.is_(None), _clause(reason))
    return chosen.where(Engagement.organisation_id == organisation_id) if organisation_id else chosen


def _clause(reason: str) -> ColumnElement[bool]:
    quiet = and_(*(func.coalesce(Version.reading_note, "").not_like(f"%{note}%") for note in _PENDING))
    match reason:
        case "older":
            return or_(*_older())
        case "failed":
            return and_(Version.reading == "unread", func.coalesce(Version.reading_note, "").not_in(_SETTLED))
        case "partly":
            return and_(Version.reading == "partly", quiet)
        case "doubtful":
            return Version.confidence < DOUBTFUL_PERCENT
        case _:
            return true()


def _older() -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = [
        and_(Version.kind == kind, Version.reader != reader) for kind, reader in READERS_NOW.items()
    ]
    clauses.append(and_(Version.kind.in_(READERS_NOW), Version.reading_note == "unsupported"))
    engine = recognition_engine()
    if engine:
        drawn = [code for code, kind in KINDS.items() if kind.page_images]
        clauses += [
            Version.recogniser != engine,
            Version.reading_note.like("%no_recognition%"),
            and_(Version.kind.in_(drawn), Version.reading_note == "unsupported"),
        ]
    return clauses


def _waiting(uow: UnitOfWork, kinds: Sequence[str]) -> int:
    jobs = select(func.count(func.distinct(Job.subject_id))).where(Job.kind.in_(kinds), Job.state != "dead")
    return uow.session.scalar(jobs) or 0
