"""The outbox: work handed on inside a transaction, done by the worker at least once after it.

The table is the queue. A job is leased, tried, and either removed, tried again later, or set aside as dead, where a
person sees it and can have it tried again. Handlers are idempotent: a crash between work and removal repeats it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Index, String, Text, and_, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from archive_app.kernel.ids import new_id
from archive_app.kernel.tables import Base, Id, Json

LEASE = timedelta(minutes=10)
MAX_ATTEMPTS = 5
_FIRST_DELAY = timedelta(seconds=5)


@dataclass(frozen=True)
class GiveWay:
    """What a handler returns that has more to do: its job goes behind those that wait, so that none is starved."""

    pause_seconds: float = 0.0


@dataclass(frozen=True)
class Kinds:
    """Which jobs a lane takes: `only` these kinds, or where that is empty all but `others`."""

    only: Collection[str] = ()
    others: Collection[str] = ()


EVERY_KIND = Kinds()


class Job(Base):
    """One piece of work. `every_seconds` marks periodic work, which is never removed."""

    __tablename__ = "job"
    __table_args__ = (Index(None, "state", "due_at", "id"), Index(None, "kind", "subject_id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str] = mapped_column(String(64))
    payload: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
    every_seconds: Mapped[int | None]
    created_at: Mapped[datetime]

    def arguments(self) -> Json:
        """The payload as it was enqueued."""
        loaded: Json = json.loads(self.payload)
        return loaded


def enqueue(session: Session, now: datetime, kind: str, subject_id: str, payload: Mapping[str, object]) -> None:
    """Adds one job, due at once."""
    session.add(_job(now, kind, subject_id, payload, None))


def ensure_periodic(session: Session, now: datetime, kind: str, every_seconds: int) -> None:
    """Makes sure that the periodic job `kind` exists with this period."""
    found = session.scalar(select(Job).where(Job.kind == kind, Job.every_seconds.is_not(None)))
    if found is None:
        session.add(_job(now, kind, "", {}, every_seconds))
    elif found.every_seconds != every_seconds:
        found.every_seconds = every_seconds
        found.due_at = min(found.due_at, now + timedelta(seconds=every_seconds))


def due(now: datetime, kinds: Kinds) -> ColumnElement[bool]:
    """The clause for jobs of some kinds that are to be done now; a job whose lease ran out is due again."""
    of_kinds = Job.kind.in_(kinds.only) if kinds.only else Job.kind.not_in(kinds.others)
    return and_(or_(Job.state == "waiting", Job.state == "running"), Job.due_at <= now, of_kinds)


def claim(session: Session, now: datetime, owner: str, limit: int, kinds: Kinds = EVERY_KIND) -> Sequence[Job]:
    """Leases up to `limit` due jobs of these kinds, oldest first.

    A job that was begun as often as one may fail, and never came to an end, took its worker down each time: it is set
    aside instead.
    """
    due_jobs = (
        select(Job).where(due(now, kinds)).order_by(Job.due_at, Job.id).limit(limit).with_for_update(skip_locked=True)
    )
    claimed = []
    for job in session.scalars(due_jobs):
        if job.attempts >= MAX_ATTEMPTS and job.every_seconds is None:
            job.state, job.lease_owner, job.error = "dead", None, "the worker ended each time while it did this"
        else:
            job.state, job.lease_owner, job.due_at, job.attempts = "running", owner, now + LEASE, job.attempts + 1
            claimed.append(job)
    return claimed


def complete(session: Session, now: datetime, job: Job, owner: str) -> None:
    """Removes a finished job, or sets a periodic one to its next time. A job that lost its lease is left alone."""
    mine = (Job.id == job.id, Job.lease_owner == owner)
    if job.every_seconds is None:
        session.execute(delete(Job).where(*mine))
        return
    next_due = now + timedelta(seconds=job.every_seconds)
    session.execute(
        update(Job).where(*mine).values(state="waiting", attempts=0, due_at=next_due, lease_owner=None, error=None)
    )


def give_way(session: Session, now: datetime, job: Job, owner: str, more: GiveWay) -> None:
    """Puts a job that has more to do behind those that wait."""
    due_at = now + timedelta(seconds=more.pause_seconds)
    mine = update(Job).where(Job.id == job.id, Job.lease_owner == owner)
    session.execute(mine.values(state="waiting", attempts=0, due_at=due_at, lease_owner=None, error=None))


def fail(session: Session, now: datetime, job: Job, owner: str, error: str) -> None:
    """Sets the next try with a growing delay, or sets the job aside as dead."""
    dead = job.attempts >= MAX_ATTEMPTS and job.every_seconds is None
    delay = _FIRST_DELAY * 4 ** min(job.attempts - 1, MAX_ATTEMPTS)
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.lease_owner == owner)
        .values(state="dead" if dead else "waiting", due_at=now + delay, lease_owner=None, error=error[:2000])
    )


def retry(session: Session, now: datetime, job_id: str) -> bool:
    """Makes a dead job due again; says whether there was one."""
    revived = update(Job).where(Job.id == job_id, Job.state == "dead")
    result = session.execute(revived.values(state="waiting", attempts=0, due_at=now).returning(Job.id))
    return result.first() is not None


def counts(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are by (kind, state), periodic work left out."""
    rows = session.execute(
        select(Job.kind, Job.state, func.count()).where(Job.every_seconds.is_(None)).group_by(Job.kind, Job.state)
    )
    return {(kind, state): count for kind, state, count in rows}


def _job(now: datetime, kind: str, subject_id: str, payload: Mapping[str, object], every_seconds: int | None) -> Job:
    return Job(
        id=new_id(now),
        kind=kind,
        subject_id=subject_id,
        payload=json.dumps(payload),
        state="waiting",
        attempts=0,
        due_at=now,
        every_seconds=every_seconds,
        created_at=now,
    )
