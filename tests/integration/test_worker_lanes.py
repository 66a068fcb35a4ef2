"""Lanes: slow kinds of work never keep the others waiting, and only the main lane writes the index."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Feature, Workshop
from archive_app.kernel.outbox import MAX_ATTEMPTS, GiveWay, Job
from archive_app.runtime import FEATURES, index_memory_directory
from archive_app.settings import Settings
from archive_app.worker import Worker, open_index, run_worker
from search import Index
from tests.conftest import SetClock, both_databases

TESTER = Actor.system("test")


@pytest.fixture
def index(archive: Archive, settings: Settings) -> Iterator[Index]:
    with open_index(archive, settings, index_memory_directory(settings, archive.archive_id)) as opened:
        yield opened


def feature(**handlers: Callable[[Workshop, Job], GiveWay | None]) -> Feature:
    jobs = {f"test.{name}": handler for name, handler in handlers.items()}
    return Feature(name="test", jobs=jobs, lanes={kind: "slow" for kind in jobs if kind.startswith("test.slow")})


def enqueue(archive: Archive, kind: str, subject: str) -> None:
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.enqueue(kind, subject)


def left(archive: Archive) -> list[tuple[str, str]]:
    with archive.reading(TESTER) as uow:
        rows = uow.session.execute(select(Job.subject_id, Job.state).order_by(Job.due_at, Job.id))
        return [(row[0], row[1]) for row in rows]


@both_databases
def test_each_lane_takes_its_own_kinds(archive: Archive, index: Index, clock: SetClock) -> None:
    done: list[str] = []

    def note(_workshop: Workshop, job: Job) -> None:
        done.append(job.subject_id)

    worker = Worker(archive, index, [feature(quick=note, slow=note)])
    for subject in ("a", "b"):
        enqueue(archive, "test.slow", f"slow {subject}")
        enqueue(archive, "test.quick", f"quick {subject}")
        clock.advance(seconds=1)
    worker.run_once()
    assert done == ["quick a", "quick b"]
    assert worker.lanes == {"slow"}
    assert worker.run_once("slow") == 1
    assert done[2:] == ["slow a"]
    worker.drain()
    assert done[2:] == ["slow a", "slow b"]
    assert left(archive) == []


@both_databases
def test_who_gives_way_goes_behind_those_that_wait(archive: Archive, index: Index, clock: SetClock) -> None:
    seen: list[str] = []

    def work(_workshop: Workshop, job: Job) -> GiveWay | None:
        seen.append(job.subject_id)
        return GiveWay() if job.subject_id == "long" and len(seen) < 4 else None

    worker = Worker(archive, index, [feature(slow=work)])
    enqueue(archive, "test.slow", "long")
    clock.advance(seconds=1)
    for subject in ("second", "third"):
        enqueue(archive, "test.slow", subject)
        clock.advance(seconds=1)
    while worker.run_once("slow"):
        clock.advance(seconds=1)
    assert seen == ["long", "second", "third", "long"]
    assert left(archive) == []


def test_a_pause_is_kept_and_clears_earlier_failures(archive: Archive, index: Index, clock: SetClock) -> None:
    answers: list[GiveWay | None] = [GiveWay(60), None]
    worker = Worker(archive, index, [feature(slow=lambda _workshop, _job: answers.pop(0))])
    enqueue(archive, "test.slow", "x")
    worker.drain()
    assert left(archive) == [("x", "waiting")]
    clock.advance(seconds=59)
    worker.drain()
    assert len(answers) == 1
    clock.advance(seconds=1)
    worker.drain()
    assert left(archive) == []


def test_a_lane_has_no_index(archive: Archive, index: Index) -> None:
    failures: list[str] = []

    def reach(workshop: Workshop, _job: Job) -> None:
        try:
            workshop.index.commit(None)
        except RuntimeError as error:
            failures.append(str(error))

    worker = Worker(archive, index, [feature(slow=reach, quick=reach)])
    enqueue(archive, "test.slow", "x")
    enqueue(archive, "test.quick", "y")
    worker.drain()
    assert failures == ["only the main lane writes the index; enqueue a job for it"]


@pytest.mark.timeout(60)
def test_a_slow_job_keeps_nobody_waiting_and_the_worker_still_ends(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_app.worker._PATIENCE_SECONDS", 0.2)
    settings = replace(settings, worker=replace(settings.worker, poll_milliseconds=10, recognition_lanes=2))
    blocked, release, quick, together = threading.Event(), threading.Event(), threading.Event(), threading.Barrier(2)
    names: set[str] = set()

    def slow(_workshop: Workshop, _job: Job) -> None:
        blocked.set()
        release.wait(30)

    def at_once(_workshop: Workshop, _job: Job) -> None:
        quick.set()

    def side_by_side(_workshop: Workshop, _job: Job) -> None:
        names.add(threading.current_thread().name)
        together.wait(20)

    made = Feature(
        name="test",
        jobs={"test.slow": slow, "test.quick": at_once, "test.pages": side_by_side},
        lanes={"test.slow": "reading", "test.pages": "recognition"},
    )
    stop = threading.Event()
    memory = index_memory_directory(settings, archive.archive_id)
    thread = threading.Thread(target=run_worker, args=(archive, settings, (made,), memory, stop))
    enqueue(archive, "test.slow", "x")
    thread.start()
    assert blocked.wait(20)
    enqueue(archive, "test.quick", "y")
    assert quick.wait(20)
    for subject in ("p", "q"):
        enqueue(archive, "test.pages", subject)
    # The barrier opens only if two lanes hold a page each at the same time.
    deadline = time.monotonic() + 20
    while len(names) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert names == {"recognition-0", "recognition-1"}
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    # What was cut off is still in the table, and the next worker does it again.
    assert ("x", "running") in left(archive)
    release.set()


def test_every_lane_of_the_archive_has_handlers() -> None:
    handled = {kind for made in FEATURES for kind in (*made.jobs, *made.batches)}
    assert {kind for made in FEATURES for kind in made.lanes} <= handled
    assert {made.lanes[kind] for made in FEATURES for kind in made.lanes} == {
        "reading",
        "recognition",
        "filing",
        "mail",
    }


@both_databases
def test_a_job_that_takes_its_worker_down_is_set_aside(archive: Archive, index: Index, clock: SetClock) -> None:
    enqueue(archive, "test.slow", "deadly")
    enqueue(archive, "test.slow", "harmless")
    begun: list[str] = []

    def work(_workshop: Workshop, job: Job) -> None:
        begun.append(job.subject_id)
        if job.subject_id == "deadly":
            raise SystemExit  # nothing that a worker catches: it ends in the middle of the job

    for _start in range(2 * MAX_ATTEMPTS):
        worker = Worker(archive, index, [feature(slow=work)])
        worker.plan_periodic()
        with contextlib.suppress(SystemExit):
            while worker.run_once("slow"):
                pass
        clock.advance(seconds=1)
    assert begun.count("deadly") == MAX_ATTEMPTS
    assert begun.count("harmless") == 1
    assert left(archive) == [("deadly", "dead")]
