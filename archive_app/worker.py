"""The job runner: drains the outbox, keeps the index, and has every event sequenced within seconds.

The main thread runs jobs and alone writes the index. Beside it one thread sequences the log, one looks at the watched
folders where there are any, and slow kinds of jobs have lanes of their own: a slow document delays neither a checkpoint
nor another document's being found by name. A lane lives as long as the worker, because the kernel ends the readers of
documents with the thread that started them.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from sqlalchemy import select

from archive_app.documents.index_key import index_key
from archive_app.documents.indexing import describe_all, indexed_versions
from archive_app.intake.inbox.watching import Watcher
from archive_app.kernel import outbox
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import BatchHandler, Feature, JobHandler, Workshop
from archive_app.kernel.outbox import GiveWay, Job, Kinds
from archive_app.runtime import search_engine
from archive_app.settings import Settings
from archive_app.trail.sequencing import sequence
from search import Index, IndexUnsealable, open_writer, rebuild

log = logging.getLogger("lantai.worker")
MAIN, RECOGNITION = "main", "recognition"
_BATCH = 64
_PATIENCE_SECONDS, _AFTER_FAILURE_SECONDS = 4.0, 5.0
_ACTOR = Actor.system("worker")


class Worker:
    """Runs the jobs of one archive. One process at a time holds the index, so one worker at a time runs per index."""

    def __init__(
        self,
        archive: Archive,
        index: Index,
        features: Sequence[Feature],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._archive = archive
        lanes = {lane for feature in features for lane in feature.lanes.values()}
        self._kinds = {
            lane: Kinds(only=[kind for f in features for kind, name in f.lanes.items() if name == lane])
            for lane in lanes
        }
        self._kinds[MAIN] = Kinds(others=[kind for lane in lanes for kind in self._kinds[lane].only])
        self._workshops = {lane: Workshop(archive, None, stopping) for lane in lanes}
        self._workshops[MAIN] = Workshop(archive, index, stopping)
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

    @property
    def lanes(self) -> Collection[str]:
        """The lanes beside the main one."""
        return self._kinds.keys() - {MAIN}

    def run_once(self, lane: str = MAIN) -> int:
        """Takes what is due in a lane, up to a batch, and does it; returns how many jobs were taken."""
        kinds = self._kinds[lane]
        with self._archive.reading(_ACTOR) as uow:
            if uow.session.scalar(select(Job.id).where(outbox.due(uow.now, kinds)).limit(1)) is None:
                return 0
        # One at a time beside the main lane: a lease must not run out while others of its batch are worked on.
        limit = _BATCH if lane == MAIN else 1
        with self._archive.transaction(_ACTOR, eventless=True) as uow:
            jobs = list(outbox.claim(uow.session, uow.now, self._owner(), limit, kinds))
        for kind, group in groupby(sorted(jobs, key=lambda job: job.kind), key=lambda job: job.kind):
            self._run_kind(self._workshops[lane], kind, list(group))
        return len(jobs)

    def drain(self) -> None:
        """Works in every lane until nothing is due in any."""
        while sum(self.run_once(lane) for lane in (MAIN, *sorted(self.lanes))):
            pass

    def _owner(self) -> str:
        return f"{self._name}:{threading.get_ident()}"

    def _run_kind(self, workshop: Workshop, kind: str, jobs: list[Job]) -> None:
        if kind in self._batches:
            self._run_batch(workshop, self._batches[kind], jobs)
            return
        handler = self._jobs.get(kind)
        for job in jobs:
            if handler is None:
                self._settle([job], f"no handler for jobs of kind {kind}")
            else:
                self._attempt(job, lambda job=job: handler(workshop, job))  # type: ignore[misc]  # bound now

    def _run_batch(self, workshop: Workshop, handler: BatchHandler, jobs: list[Job]) -> None:
        try:
            handler(workshop, jobs)
        except Exception:
            # One of them spoils it for all: each is tried by itself, so that only that one fails.
            log.exception("a batch of %s jobs of kind %s failed; trying one by one", len(jobs), jobs[0].kind)
            for job in jobs:
                self._attempt(job, lambda job=job: handler(workshop, [job]))  # type: ignore[misc]  # bound now
        else:
            self._settle(jobs, None)

    def _attempt(self, job: Job, work: Callable[[], GiveWay | None]) -> None:
        try:
            more = work()
        except Exception as error:  # whatever a job raises is its own failure, kept with it and shown
            log.exception("job %s failed", job.kind)
            self._settle([job], f"{type(error).__name__}: {error}")
        else:
            if more is None:
                self._settle([job], None)
            else:
                with self._archive.transaction(_ACTOR, eventless=True) as uow:
                    outbox.give_way(uow.session, uow.now, job, self._owner(), more)

    def _settle(self, jobs: list[Job], error: str | None) -> None:
        with self._archive.transaction(_ACTOR, eventless=True) as uow:
            for job in jobs:
                if error is None:
                    outbox.complete(uow.session, uow.now, job, self._owner())
                else:
                    outbox.fail(uow.session, uow.now, job, self._owner(), error)


def run_worker(
    archive: Archive, settings: Settings, features: Sequence[Feature], memory: Path, stop: threading.Event
) -> None:
    """Works until `stop` is set. Raises: search.IndexBusy when another worker holds the index."""
    with archive.activate(), open_index(archive, settings, memory) as index:
        worker = Worker(archive, index, features, stop.is_set)
        worker.plan_periodic()
        clerk = threading.Thread(target=_keep_sequencing, args=(archive, settings, stop), name="sequencer")
        clerk.start()
        watcher = threading.Thread(target=_keep_watching, args=(archive, settings, stop), name="watcher")
        if archive.rules.watched_folders:
            watcher.start()
        pause = timedelta(milliseconds=settings.worker.poll_milliseconds).total_seconds()
        lanes = _open_lanes(worker, archive, settings, stop)
        try:
            _keep_working(worker, MAIN, stop, pause)
        finally:
            stop.set()
            clerk.join()
            _await_lanes(lanes)
            if watcher.ident is not None:
                watcher.join()
        sequence(archive)


def _open_lanes(
    worker: Worker, archive: Archive, settings: Settings, stop: threading.Event
) -> Sequence[threading.Thread]:
    pause = timedelta(milliseconds=settings.worker.poll_milliseconds).total_seconds()

    def work(lane: str) -> None:
        with archive.activate():
            _keep_working(worker, lane, stop, pause)

    several = {RECOGNITION: settings.worker.recognition_lanes}
    # Daemons: a reader that is stopped by its limits only must not keep the worker from ending. Its job is repeated.
    threads = [
        threading.Thread(target=work, args=(lane,), name=f"{lane}-{number}", daemon=True)
        for lane in sorted(worker.lanes)
        for number in range(several.get(lane, 1))
    ]
    for thread in threads:
        thread.start()
    return threads


def _await_lanes(lanes: Sequence[threading.Thread]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for thread in lanes:
        thread.join(max(0.0, deadline - time.monotonic()))


def _keep_working(worker: Worker, lane: str, stop: threading.Event, pause: float) -> None:
    while not stop.is_set():
        try:
            if not worker.run_once(lane):
                stop.wait(pause)
        except Exception:
            # The main lane ends the worker, which is started again; a lane that ended alone would be missed by nobody.
            if lane == MAIN:
                raise
            log.exception("taking jobs in the lane %s failed; it is tried again", lane)
            stop.wait(_AFTER_FAILURE_SECONDS)


def open_index(archive: Archive, settings: Settings, memory: Path) -> Index:
    """The index for writing: as it was sealed, or made anew from the database when the seal is of no use."""
    sealed, key, engine = settings.data_directory / "index", index_key(archive), search_engine(settings)
    try:
        index = open_writer(memory, sealed, key, archive.archive_id, engine=engine)
    except IndexUnsealable as reason:
        if indexed_versions(archive):
            log.warning("building the search index anew: %s", reason)
    else:
        if index.count >= indexed_versions(archive):
            return index
        # A seal older than the database: somebody put an earlier copy of its files in place.
        index.close()
        log.warning("building the search index anew: it lacks documents that the database has")
    documents = describe_all(archive)
    return rebuild(memory, sealed, key, archive.archive_id, documents=documents, watermark=None, engine=engine)


def _keep_sequencing(archive: Archive, settings: Settings, stop: threading.Event) -> None:
    with archive.activate():
        while not stop.wait(settings.worker.checkpoint_seconds):
            try:
                sequence(archive)
            except Exception:
                # A locked database passes; a log that went back does not, and is said at every round.
                log.exception("sequencing the log failed; it is tried again")


def _keep_watching(archive: Archive, settings: Settings, stop: threading.Event) -> None:
    """A lane of its own: neither a slow document nor many jobs keep a folder waiting, nor the other way round."""
    with archive.activate():
        watcher, begun = Watcher(archive), False
        while not stop.wait(settings.intake.look_seconds):
            try:
                if not begun:
                    watcher.begin()
                    begun = True
                watcher.look(stop.is_set)
            except Exception:
                # Said at every round; what was taken is safe, what was not is still in its folder.
                log.exception("looking at the watched folders failed; it is tried again")
