"""How the log is doing: for the health page and the log page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.events import Event, PendingEvent
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.trail.checking import read_latest_check
from archive_app.trail.models import LogCheckpoint

# The sequencer runs every few seconds; who waits this long waits for a reason.
_LATE = timedelta(minutes=1)


@dataclass(frozen=True)
class LogStatus:
    """Size and time of the newest checkpoint, and what waits behind it."""

    size: int
    signed_at: datetime | None
    pending: int
    pending_since: datetime | None


@query(Permission.LOG_READ)
def log_status(actor: Actor, uow: UnitOfWork) -> LogStatus:
    """How far the log has come."""
    return read_status(uow)


def read_status(uow: UnitOfWork) -> LogStatus:
    """How far the log has come."""
    newest = select(LogCheckpoint.size, LogCheckpoint.signed_at).order_by(LogCheckpoint.size.desc()).limit(1)
    row = uow.session.execute(newest).first()
    oldest = select(Event.occurred_at).where(Event.id == select(func.min(PendingEvent.event_id)).scalar_subquery())
    return LogStatus(
        size=row.size if row else 0,
        signed_at=row.signed_at if row else None,
        pending=uow.session.scalar(select(func.count()).select_from(PendingEvent)) or 0,
        pending_since=uow.session.scalar(oldest),
    )


def probe_log(uow: UnitOfWork) -> Iterable[Line]:
    """The newest checkpoint, and the last verification."""
    status = read_status(uow)
    late = status.pending_since is not None and uow.now - status.pending_since > _LATE
    yield Line(
        N_("Audit log"),
        State.BAD if late else State.GOOD,
        N_("%(size)s entries signed, last checkpoint %(signed_at)s, %(pending)s waiting"),
        {"size": status.size, "signed_at": _local(uow, status.signed_at), "pending": status.pending},
    )
    check = read_latest_check(uow)
    if check is None:
        yield Line(N_("Verification of the log"), State.WATCH, N_("The log was not verified yet."))
        return
    words = {"checked_at": _local(uow, check.checked_at), "count": check.finding_count}
    if check.finding_count:
        text = N_("%(count)s problems found at %(checked_at)s: see the audit log")
        yield Line(N_("Verification of the log"), State.BAD, text, words)
    else:
        yield Line(N_("Verification of the log"), State.GOOD, N_("No problem found at %(checked_at)s"), words)


def _local(uow: UnitOfWork, moment: datetime | None) -> str:
    return moment.astimezone(uow.archive.rules.zone).strftime("%Y-%m-%d %H:%M") if moment else "—"
