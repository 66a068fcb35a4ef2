"""Breaking system calls on purpose: counts those that write, then fails each of them in a run of its own.

Every run is a fresh process, forked from a server that has imported the program already, which costs milliseconds
instead of a second. strace counts and breaks; the process waits until strace watches it.
"""

import ctypes
import multiprocessing
import os
import pickle
import re
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from tests.engines import program

CALLS = (
    "openat,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,fallocate,ftruncate,truncate,"
    "rename,renameat,renameat2,mkdir,mkdirat,rmdir,unlink,unlinkat,link,linkat,symlink,symlinkat,copy_file_range,"
    "sendfile,fchmod,chmod,fchmodat,fchown,utimensat"
)
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)
_LONGEST_SECONDS = 60.0
_apart = multiprocessing.get_context("forkserver")
_apart.set_forkserver_preload(["__main__", "tests.integration.fault_driver", "tests.integration.mail_driver"])

Tell = Callable[[Any], None]
Task = Callable[[Path, Tell], None]


class Fault(StrEnum):
    """How a call is broken, in strace's words. A killed call is not carried out any more, nor is a failed one."""

    KILL = "signal=SIGKILL"
    INPUT_OUTPUT = "error=EIO"
    NO_SPACE = "error=ENOSPC"


@dataclass(frozen=True)
class Point:
    """The `number`-th call of this name in a thread; `target` is what it writes to, for people."""

    call: str
    number: int
    target: str


@dataclass(frozen=True)
class Run:
    """What became of a process: all that it told, the error that its task raised, whether it was killed.

    `hit` is what the broken call was writing to; None when no such call came.
    """

    told: Sequence[Any]
    error: str | None
    killed: bool
    hit: str | None = None


def run_apart(task: Task, place: Path) -> Sequence[Any]:
    """All that `task(place, tell)` tells, from a process of its own. The task must be importable."""
    run = _run(task, place, [], place.with_suffix(".trace"))
    if run.error or run.killed:
        raise AssertionError(f"the unbroken run failed: {run}")
    return run.told


def every_point(task: Task, place: Path, calls: str) -> list[Point]:
    """Every one of these calls that the thread of `task` makes, found by letting it run unbroken."""
    trace = place.with_suffix(".trace")
    run = _run(task, place, [f"--trace={calls}"], trace)
    if run.error or run.killed:
        raise AssertionError(f"the unbroken run failed: {run}")
    counted: Counter[str] = Counter()
    points = []
    for _thread, call, arguments in _calls(trace):
        counted[call] += 1
        points.append(Point(call, counted[call], _target(arguments, place) or call))
    return points


def run_killed(task: Task, place: Path, point: Point, calls: str) -> Run:
    """Runs `task(place, tell)` and kills its process at one of these calls, before the call is carried out."""
    options = [f"--trace={calls}", f"--inject={point.call}:{Fault.KILL}:when={point.number}"]
    return _run(task, place, options, place.with_suffix(".trace"))


def writing_points(task: Task, place: Path) -> list[Point]:
    """Every call of `task` that writes somewhere below `place`, found by letting it run unbroken."""
    trace = place.with_suffix(".trace")
    run = _run(task, place, [f"--trace={CALLS}"], trace)
    if run.error or run.killed:
        raise AssertionError(f"the unbroken run failed: {run}")
    points: dict[tuple[str, int], Point] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for thread, call, arguments in _calls(trace):
        counted[thread, call] += 1
        if f"{place}/" in arguments and (call != "openat" or _WRITING.search(arguments)):
            number = counted[thread, call]
            points.setdefault((call, number), Point(call, number, _target(arguments, place)))
    return list(points.values())


def run_broken(task: Task, place: Path, point: Point, fault: Fault) -> Run:
    """Runs `task(place, tell)` with one call broken."""
    trace = place.with_suffix(".trace")
    options = [f"--trace={CALLS}", f"--inject={point.call}:{fault}:when={point.number}"]
    run = _run(task, place, options, trace)
    return replace(run, hit=_hit(trace, place, point.call, killed=run.killed))


def _run(task: Task, place: Path, options: Sequence[str], trace: Path) -> Run:
    here, there = _apart.Pipe()
    process = _apart.Process(target=_perform, args=(there, task, place))
    process.start()
    there.close()
    try:
        here.recv()
        with _watching(process.pid or 0, options, trace):
            here.send("go")
            told, error = _listen(here)
            process.join(_LONGEST_SECONDS)
        if process.exitcode is None:
            raise AssertionError("the process does not end")
        return Run(told, error, killed=process.exitcode < 0)
    finally:
        here.close()
        if process.exitcode is None:
            process.kill()
            process.join()
        process.close()


def _perform(parent: Connection, task: Task, place: Path) -> None:
    # A sibling is going to trace this process; where Yama restricts tracing to ancestors, that must be allowed.
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    _tell(parent, "ready")
    parent.recv()
    try:
        task(place, lambda answer: _tell(parent, (answer, None)))
    except Exception as error:  # noqa: BLE001  # whatever it is, the test judges it
        _tell(parent, (None, f"{type(error).__name__}: {error}"))


def _tell(parent: Connection, answer: object) -> None:
    # In the form that `Connection.recv` reads, but by send(2): its own write(2) is among the calls that are broken.
    content = pickle.dumps(answer)
    with socket.socket(fileno=os.dup(parent.fileno())) as line:
        line.sendall(struct.pack("!i", len(content)) + content)


def _listen(connection: Connection) -> tuple[list[Any], str | None]:
    """Everything that is told until the process ends."""
    told: list[Any] = []
    while connection.poll(_LONGEST_SECONDS):
        try:
            answer, error = connection.recv()
        except (EOFError, ConnectionResetError):
            return told, None
        if error is not None:
            return told, error
        told.append(answer)
    raise AssertionError("the process does not answer")


@contextmanager
def _watching(pid: int, options: Sequence[str], trace: Path) -> Iterator[None]:
    if not options:
        yield
        return
    command = [program("strace") or "strace", "-f", "-y", "-s", "0", "-o", str(trace), *options, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        _await_attached(strace.stderr)
        yield
        strace.communicate(timeout=_LONGEST_SECONDS)


def _await_attached(lines: IO[str] | None) -> None:
    said = lines.readline() if lines else ""
    if "attached" not in said:
        raise AssertionError(f"strace could not attach: {said}")


def _calls(trace: Path) -> list[tuple[str, str, str]]:
    """Thread, name and arguments of every call, in the order of their beginnings."""
    matches = (_CALL.match(line) for line in _lines(trace))
    return [(found[1], found[2], found[3]) for found in matches if found]


def _hit(trace: Path, place: Path, call: str, *, killed: bool) -> str | None:
    """What the broken call was writing to: the one marked as injected, or the last of its name in a killed process."""
    begun: dict[str, str] = {}
    for line in _lines(trace):
        thread = line.partition(" ")[0]
        if found := _CALL.match(line):
            begun[thread] = begun[found[2]] = found[3]
        if "(INJECTED)" in line:
            # Where another thread came between, this is only the second half of the call.
            broken = begun[thread]
            return _target(broken, place) if f"{place}/" in broken else None
    # A killed process has no such mark, and its other threads may have gone on for a moment.
    broken = begun.get(call, "")
    return _target(broken, place) if killed and f"{place}/" in broken else None


def _lines(trace: Path) -> list[str]:
    return trace.read_text(encoding="utf-8", errors="replace").splitlines()


def _target(arguments: str, place: Path) -> str:
    """Which file or folder it is, without what is random in its name."""
    found = re.search(re.escape(str(place)) + r'(/[^">]*)', arguments)
    return re.sub(r"[0-9a-f]{8,}(-[0-9a-f]+)*", "*", found.group(1)) if found else ""
