"""The job runner: drains the outbox, keeps the index, and has every event sequenced within seconds.

Two threads: the main one runs jobs, the other sequences the log, so that a slow document never delays a checkpoint.
Readers of documents are started from the main thread, because the kernel ends them with the thread that started them.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from sqlalchemy import select

from archive_app.documents.index_key import index_key
from archive_app.documents.indexing import describe_all, indexed_versions
from archive_app.kernel import outbox
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import BatchHandler, Feature, JobHandler, Workshop
from archive_app.kernel.outbox import Job
from archive_app.settings import Settings
from archive_app.trail.sequencing import sequence
from search import Index, IndexUnsealable, open_writer, rebuild

log = logging.getLogger("lantai.worker")
_BATCH = 64
_ACTOR = Actor.system("worker")


class Worker:
    """Runs the jobs of one archive. One process at a time holds the index, so one worker at a time runs per index."""

    def __init__(self, archive: Archive, index: Index, features: Sequence[Feature]) -> None:
        self._archive = archive
        self._workshop = Workshop(archive, index)
        self._jobs: dict[str, JobHandler] = {kind: run for f in features for kind, run in f.jobs.items()}
        self._batches: dict[str, BatchHandler] = {kind: run for f in features for kind, run in f.batches.items()}
        self._periodic = {kind: seconds for f in features for kind, seconds in f.periodic.items()}
        self._name = f"worker:{os.getpid()}"

    def plan_periodic(self) -> None:
        """Makes sure that the table holds all periodic work; frees what an earlier worker left leased."""
        with self._archive.transaction(_ACTOR, eventless=True) as uow:
            for kind, seconds in self._periodic.items():
                outbox.ensure_periodic(uow.session, uow.now, kind, seconds)
            # This process holds the index alone, so nobody else is working on these.
            for job in uow.session.scalars(select(Job).where(Job.state == "running")):
                job.state, job.due_at, job.lease_owner = "waiting", uow.now, None

    def run_once(self) -> int:
        """Takes what is due, up to a batch, and does it; returns how many jobs were taken."""
        with self._archive.reading(_ACTOR) as uow:
            due = select(Job.id).where(Job.state.in_(("waiting", "running")), Job.due_at <= uow.now).limit(1)
            if uow.session.scalar(due) is None:
                return 0
        with self._archive.transaction(_ACTOR, eventless=True) as uow:
            jobs = list(outbox.claim(uow.session, uow.now, self._name, _BATCH))
        for kind, group in groupby(sorted(jobs, key=lambda job: job.kind), key=lambda job: job.kind):
            self._run_kind(kind, list(group))
        return len(jobs)

    def drain(self) -> None:
        """Works until nothing is due."""
        while self.run_once():
            pass

    def _run_kind(self, kind: str, jobs: list[Job]) -> None:
        if kind in self._batches:
            self._run_batch(self._batches[kind], jobs)
            return
        handler = self._jobs.get(kind)
        for job in jobs:
            if handler is None:
                self._settle([job], f"no handler for jobs of kind {kind}")
            else:
                self._attempt([job], lambda job=job: handler(self._workshop, job))  # type: ignore[misc]  # bound now

    def _run_batch(self, handler: BatchHandler, jobs: list[Job]) -> None:
        try:
            handler(self._workshop, jobs)
        except Exception:
            # One of them spoils it for all: each is tried by itself, so that only that one fails.
            log.exception("a batch of %s jobs of kind %s failed; trying one by one", len(jobs), jobs[0].kind)
            for job in jobs:
                self._attempt([job], lambda job=job: handler(self._workshop, [job]))  # type: ignore[misc]  # bound now
        else:
            self._settle(jobs, None)

    def _attempt(self, jobs: list[Job], work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever a job raises is its own failure, kept with it and shown
            log.exception("job %s failed", jobs[0].kind)
            self._settle(jobs, f"{type(error).__name__}: {error}")
        else:
            self._settle(jobs, None)

    def _settle(self, jobs: list[Job], error: str | None) -> None:
        with self._archive.transaction(_ACTOR, eventless=True) as uow:
            for job in jobs:
                if error is None:
                    outbox.complete(uow.session, uow.now, job, self._name)
                else:
                    outbox.fail(uow.session, uow.now, job, self._name, error)


def run_worker(
    archive: Archive, settings: Settings, features: Sequence[Feature], memory: Path, stop: threading.Event
) -> None:
    """Works until `stop` is set. Raises: search.IndexBusy when another worker holds the index."""
    with archive.activate(), open_index(archive, settings, memory) as index:
        worker = Worker(archive, index, features)
        worker.plan_periodic()
        clerk = threading.Thread(target=_keep_sequencing, args=(archive, settings, stop), name="sequencer")
        clerk.start()
        pause = timedelta(milliseconds=settings.worker.poll_milliseconds).total_seconds()
        try:
            while not stop.is_set():
                if not worker.run_once():
                    stop.wait(pause)
        finally:
            stop.set()
            clerk.join()
        sequence(archive)


def open_index(archive: Archive, settings: Settings, memory: Path) -> Index:
    """The index for writing: as it was sealed, or made anew from the database when the seal is of no use."""
    sealed, key = settings.data_directory / "index", index_key(archive)
    try:
        index = open_writer(memory, sealed, key, archive.archive_id)
    except IndexUnsealable as reason:
        if indexed_versions(archive):
            log.warning("building the search index anew: %s", reason)
    else:
        if index.count >= indexed_versions(archive):
            return index
        # A seal older than the database: somebody put an earlier copy of its files in place.
        index.close()
        log.warning("building the search index anew: it lacks documents that the database has")
    return rebuild(memory, sealed, key, archive.archive_id, documents=describe_all(archive), watermark=None)


def _keep_sequencing(archive: Archive, settings: Settings, stop: threading.Event) -> None:
    with archive.activate():
        while not stop.wait(settings.worker.checkpoint_seconds):
            try:
                sequence(archive)
            except Exception:
                # A locked database passes; a log that went back does not, and is said at every round.
                log.exception("sequencing the log failed; it is tried again")
