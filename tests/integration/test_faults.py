"""Every system call that writes is broken once: what was acknowledged stays, what was not leaves nothing half.

The rule for whatever was not acknowledged: it is absent, or it is there complete and passes every check. The second
happens where the call that failed came after the commit had reached the disk: nobody was told, yet nothing is wrong.
`make test` breaks a sample of the calls, each in one way; `make test-full` breaks all of them in all ways.
"""

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from archive_app.proof.checkpoint import Checkpoint
from tests.faults import Fault, Point, Run, Task, run_apart, run_broken, writing_points
from tests.integration import fault_driver
from tests.integration.fault_driver import OFFERED, OFFERED_LARGE, Remains

pytestmark = pytest.mark.strace
FAULTS = list(Fault)
SAMPLED = 32
"""How many points of each operation `make test` breaks, about; it takes all of an operation that has fewer."""
Broken = tuple[Point, Fault]
Choice = Callable[[Sequence[Point]], Iterator[Broken]]


@dataclass(frozen=True)
class Template:
    """An archive that is copied for every run, and how it was before any fault."""

    place: Path
    since: Checkpoint
    before: Remains

    def copy(self, name: str) -> Path:
        """A copy of its own for one run."""
        # A folder made anew each time: a sampled and a full run of the same task may follow each other.
        place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.place.parent)) / "archive"
        shutil.copytree(self.place, place)
        return place


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An archive with documents, a waiting duplicate and a log."""
    place = tmp_path_factory.mktemp("faults") / "template"
    (place / "memory").mkdir(parents=True)
    [since] = run_apart(fault_driver.make, place)
    [before] = run_apart(partial(fault_driver.look, since=since), place)
    assert (before.wrong, before.orphans, before.continues, len(before.documents)) == ([], 0, True, 3)
    return Template(place, since, before)


@pytest.fixture(scope="module")
def unsequenced(template: Template) -> Template:
    """The same with an event that waits for its place in the log."""
    place = template.copy("unsequenced")
    [document_id] = run_apart(fault_driver.ingest, place)
    documents = {**template.before.documents, document_id: hashlib.sha256(OFFERED).hexdigest()}
    return Template(place, template.since, replace(template.before, documents=documents))


@pytest.fixture(scope="module")
def backed_up(template: Template) -> Template:
    """The same with a generation of a backup that knows nothing of the newest document."""
    place = template.copy("backed-up")
    run_apart(fault_driver.back_up_all, place)
    run_apart(fault_driver.ingest, place)
    [before] = run_apart(partial(fault_driver.look, since=template.since), place)
    assert (list(before.generations.values()), len(before.documents)) == ([True], 4)
    return Template(place, template.since, before)


@pytest.fixture(scope="module")
def submitted(template: Template) -> Template:
    """The same with its documents in a case file that waits for the archivist."""
    place = template.copy("submitted")
    run_apart(fault_driver.submit_file, place)
    [before] = run_apart(partial(fault_driver.look, since=template.since), place)
    assert before.file == "not sealed J019-ZY·HC·2026·D10-001"
    return Template(place, template.since, before)


Judge = Callable[[Template, Run, Remains], str]


def judge_ingest(template: Template, run: Run, remains: Remains) -> str:
    """Acknowledged: present with the right bytes. Not acknowledged: absent, or complete."""
    new = {key: value for key, value in remains.documents.items() if key not in template.before.documents}
    assert set(new.values()) <= {hashlib.sha256(content).hexdigest() for content in (OFFERED, OFFERED_LARGE)}
    assert len(new) <= 1
    assert remains.orphans + remains.temporaries <= 1 - len(new)
    if run.told:
        assert list(new) == list(run.told)
        return "acknowledged and present"
    return "not acknowledged, complete" if new else "not acknowledged, absent"


def judge_rotation(template: Template, run: Run, remains: Remains) -> str:
    """No epoch is lost; acknowledged means that every key is under the new one."""
    keys = remains.keys
    assert set(keys.epochs) in ({1}, {1, 2})
    assert set(keys.rows_by_epoch) <= set(keys.epochs)
    if run.told:
        assert (list(run.told), set(keys.rows_by_epoch), keys.unfinished) == ([2], {2}, False)
        return "acknowledged and done"
    return "not acknowledged, cut off" if keys.unfinished else "not acknowledged, done or not begun"


def judge_sequencing(template: Template, run: Run, remains: Remains) -> str:
    """Whatever happened, the next sequencing went on: `look` did that."""
    if run.told:
        assert run.told[0].size > template.since.size
        return "acknowledged and published"
    return "not acknowledged, made good"


def judge_backup(template: Template, run: Run, remains: Remains) -> str:
    """Whatever looks complete stands its check, the earlier generation too."""
    assert template.before.generations.items() <= remains.generations.items()
    assert all(remains.generations.values())
    new = remains.generations.keys() - template.before.generations.keys()
    if run.told:
        assert list(new) == list(run.told)
        return "acknowledged and sound"
    return "not acknowledged, sound" if new else "not acknowledged, not among the complete ones"


def judge_sealing(template: Template, run: Run, remains: Remains) -> str:
    """Sealed or not sealed, never between; the numbers are as they were."""
    number = template.before.file.removeprefix("not sealed ")
    assert remains.file in {f"sealed {number}", f"not sealed {number}"}, remains.file
    new = remains.documents.keys() - template.before.documents.keys()
    sealed = remains.file.startswith("sealed")
    assert len(new) == sealed
    assert remains.orphans + remains.temporaries <= 1 - len(new)
    if run.told:
        assert [remains.documents[one] for one in new] == list(run.told)
        return "acknowledged and sealed"
    return "not acknowledged, sealed" if sealed else "not acknowledged, not sealed"


def only_writes(choice: Choice) -> Choice:
    """The points of `choice` that hand over content."""
    return lambda points: choice([point for point in points if point.call == "write"])


def sample(points: Sequence[Point]) -> Iterator[Broken]:
    """Some of the points, spread evenly, each with one fault in turn."""
    step = max(1, len(points) // SAMPLED)
    for turn, point in enumerate(points[::step]):
        yield point, FAULTS[turn % len(FAULTS)]


def every(points: Sequence[Point]) -> Iterator[Broken]:
    """All points with all faults."""
    return product(points, FAULTS)


def break_all(template: Template, task: Task, judge: Judge, chosen: Choice) -> list[str]:
    """Runs the task once for every chosen point and fault; the lines to print."""
    name = getattr(task, "__name__", "task")
    points = writing_points(task, template.copy(f"{name}-counted"))
    assert points

    def one(turn: int, point: Point, fault: Fault) -> tuple[Fault, str]:
        place = template.copy(f"{name}-{turn}")
        try:
            run = run_broken(task, place, point, fault)
            remains, again = run_apart(partial(fault_driver.examine, since=template.since, task=task), place)
            said = f"{point} {fault}: {run} {remains}"
            assert (remains.wrong, remains.continues) == ([], True), said
            assert template.before.documents.items() <= remains.documents.items(), said
            outcome = judge(template, run, remains)
            assert (again.wrong, again.continues) == ([], True), said
        except AssertionError as error:
            raise AssertionError(f"{name}: {point} broken by {fault}: {error}") from error
        shutil.rmtree(place)
        return fault, outcome if run.hit else "missed: no such call came"

    with ThreadPoolExecutor(2) as two:
        broken = list(two.map(lambda entry: one(entry[0], *entry[1]), enumerate(chosen(points))))
    # The pages that a transaction touches depend on random identifiers: the last calls do not come every time.
    assert sum(outcome.startswith("missed") for _, outcome in broken) <= len(broken) // 20
    return _report(name, len(points), broken)


def _report(name: str, points: int, broken: Sequence[tuple[Fault, str]]) -> list[str]:
    by_fault = ", ".join(f"{count} by {name}" for name, count in Counter(fault.name for fault, _ in broken).items())
    by_outcome = Counter(outcome for _, outcome in broken)
    lines = [f"{name}: {points} writing calls; {len(broken)} broken runs, {by_fault}"]
    return lines + [f"    {count:4} {outcome}" for outcome, count in sorted(by_outcome.items())]


def _print(capsys: pytest.CaptureFixture[str], lines: Sequence[str]) -> None:
    with capsys.disabled():
        print("", *lines, sep="\n")


SAMPLED_OR_EVERY = pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(sample, id="sampled"),
        pytest.param(every, id="every", marks=[pytest.mark.full, pytest.mark.timeout(3600)]),
    ],
)


@SAMPLED_OR_EVERY
def test_a_broken_ingest_leaves_all_or_nothing(
    template: Template, chosen: Choice, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = break_all(template, fault_driver.ingest, judge_ingest, chosen)
    lines += break_all(template, fault_driver.ingest_large, judge_ingest, only_writes(chosen))
    _print(capsys, lines)


@SAMPLED_OR_EVERY
def test_a_broken_rotation_loses_no_key(template: Template, chosen: Choice, capsys: pytest.CaptureFixture[str]) -> None:
    _print(capsys, break_all(template, fault_driver.rotate, judge_rotation, chosen))


@SAMPLED_OR_EVERY
def test_a_broken_sequencing_never_takes_a_checkpoint_back(
    unsequenced: Template, chosen: Choice, capsys: pytest.CaptureFixture[str]
) -> None:
    _print(capsys, break_all(unsequenced, fault_driver.sequence_log, judge_sequencing, chosen))


@SAMPLED_OR_EVERY
def test_a_broken_backup_never_looks_complete(
    backed_up: Template, chosen: Choice, capsys: pytest.CaptureFixture[str]
) -> None:
    _print(capsys, break_all(backed_up, fault_driver.back_up_all, judge_backup, chosen))


@SAMPLED_OR_EVERY
def test_a_broken_sealing_is_sealed_or_not_sealed(
    submitted: Template, chosen: Choice, capsys: pytest.CaptureFixture[str]
) -> None:
    _print(capsys, break_all(submitted, fault_driver.seal, judge_sealing, chosen))
