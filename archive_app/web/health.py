"""Use cases of the health page: what the rooms report, and the jobs that failed."""

import shutil
from collections.abc import Iterable, Sequence

from sqlalchemy import select

from archive_app.kernel import outbox
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.health import Line, Probe, State
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case

JOB_RETRIED = event_type("job.retried", N_("Failed job tried again"))
_GIB = 2**30
_SPACE_BAD = 0.05
_SPACE_WATCH = 0.15


@query(Permission.HEALTH_READ)
def examine(actor: Actor, uow: UnitOfWork, probes: Sequence[Probe]) -> list[Line]:
    """All lines of all rooms, in the order of the rooms."""
    return [line for probe in probes for line in probe(uow)]


@query(Permission.HEALTH_READ)
def failed_jobs(actor: Actor, uow: UnitOfWork, *, after: str | None) -> Page[Job]:
    """Jobs that were set aside, oldest first."""
    page = fetch_page(uow.session, select(Job).where(Job.state == "dead"), [Job.id], after=after)
    return Page([row[0] for row in page.items], page.next_key)


@use_case(Permission.HEALTH_MANAGE)
def retry_job(actor: Actor, uow: UnitOfWork, *, job_id: str) -> None:
    """Makes a job that was set aside due again. Raises: NotFoundError."""
    if not outbox.retry(uow.session, uow.now, job_id):
        raise NotFoundError
    uow.record(JOB_RETRIED, {"job": job_id})


def probe_jobs(uow: UnitOfWork) -> Iterable[Line]:
    """Work waiting and failed."""
    counted = outbox.counts(uow.session)
    waiting = sum(count for (_, state), count in counted.items() if state != "dead")
    dead = sum(count for (_, state), count in counted.items() if state == "dead")
    state = State.BAD if dead else State.GOOD
    yield Line(N_("Jobs"), state, N_("%(waiting)s waiting, %(dead)s failed"), {"waiting": waiting, "dead": dead})


def probe_space(uow: UnitOfWork) -> Iterable[Line]:
    """Room left where the data is."""
    usage = shutil.disk_usage(uow.archive.data_directory)
    share = usage.free / usage.total
    state = State.BAD if share < _SPACE_BAD else State.WATCH if share < _SPACE_WATCH else State.GOOD
    words = {"free": f"{usage.free / _GIB:.1f}", "percent": round(share * 100)}
    yield Line(N_("Space"), state, N_("%(free)s GiB free (%(percent)s %%)"), words)
