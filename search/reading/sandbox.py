"""Runs one function over one file in a process of its own, and always comes back: with its answer or a ReadingError."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

from search.reading.model import DEFAULT_LIMITS, MIB, Isolation, Limits, ReadingCode, ReadingError

_CHILD = Path(__file__).with_name("child.py")
_HEADER_BYTES = 64 * 1024
_CODES = frozenset(get_args(ReadingCode))
# Few threads and few allocator arenas: each would reserve address space, which is what the memory limit counts.
_ENVIRONMENT = {
    "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1",
    "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What the function returned, what held its process, and whether it saw only the beginning of the content.

    `facts` and `content` come from a process that may be in the hands of a hostile file: check them.
    """

    facts: Mapping[str, Any]
    content: bytes
    isolation: Isolation
    input_cut: bool


def run_confined(
    entry: tuple[str, str],
    content: BinaryIO,
    *,
    arguments: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cut_input: bool = False,
    readable: Sequence[str] = (),
) -> Answer:
    """Call `entry` (module, function) as `function(content_bytes, **arguments)` in a locked process.

    It returns bytes, or (facts, bytes) with JSON facts. The content travels in sealed memory, never in a file. Content
    beyond `limits.input_bytes` is refused, or left out where `cut_input`. `readable` are folders that the process may
    read besides libraries and fonts. Safe to call from several threads, which must outlive the call.

    Raises: ReadingError, and nothing else that depends on the content; OSError where no process can be started.
    """
    deadline = time.monotonic() + limits.wall_seconds
    with _sealed_copy(content, limits.input_bytes, cut=cut_input) as (content_fd, input_cut):
        result_fd, child_fd = os.pipe2(os.O_CLOEXEC)
        try:
            process = _start(entry, arguments or {}, limits, content_fd, child_fd, readable)
        except BaseException:
            os.close(result_fd)
            raise
        finally:
            os.close(child_fd)
    try:
        raw = _collect(result_fd, deadline, limits.output_bytes + _HEADER_BYTES)
        _wait(process, deadline)
    finally:
        os.close(result_fd)
        process.kill()
        process.wait()
    return _parsed(raw, process.returncode, limits, input_cut=input_cut)


def isolation_in_force() -> Isolation:
    """Start a reader that reads nothing, and say what held it.

    Raises: ReadingError where readers cannot start on this machine at all.
    """
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a stream without content
        return run_confined(("builtins", "bytes"), nothing).isolation


@contextmanager
def _sealed_copy(content: BinaryIO, limit_bytes: int, *, cut: bool) -> Iterator[tuple[int, bool]]:
    descriptor = os.memfd_create("content", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        was_cut = _copy(content, descriptor, limit_bytes, cut=cut)
        os.lseek(descriptor, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield descriptor, was_cut
    finally:
        os.close(descriptor)


def _copy(content: BinaryIO, descriptor: int, limit_bytes: int, *, cut: bool) -> bool:
    left = limit_bytes
    while chunk := content.read(min(MIB, left + 1)):
        if len(chunk) > left and not cut:
            raise ReadingError("too_large", f"the content is larger than {limit_bytes} bytes")
        piece = memoryview(chunk)[:left]
        while piece:
            piece = piece[os.write(descriptor, piece) :]
        if len(chunk) > left:
            return True
        left -= len(chunk)
    return False


def _start(
    entry: tuple[str, str],
    arguments: Mapping[str, Any],
    limits: Limits,
    content_fd: int,
    result_fd: int,
    readable: Sequence[str],
) -> subprocess.Popen[bytes]:
    request = {
        "entry": entry,
        "arguments": arguments,
        "limits": asdict(limits),
        "packages": [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}],
        "readable": list(readable),
        "parent": os.getpid(),
        "content": content_fd,
        "result": result_fd,
    }
    return subprocess.Popen(  # noqa: S603  our own interpreter and our own program
        [sys.executable, "-I", "-S", "-B", str(_CHILD), json.dumps(request)],
        stdin=subprocess.DEVNULL,
        # Libraries print parts of what they read; that must not end in the service's own log.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(content_fd, result_fd),
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def _collect(descriptor: int, deadline: float, limit_bytes: int) -> bytes:
    received = bytearray()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not poll.poll(remaining * 1000):
            raise ReadingError("timeout", "the reader did not answer within its wall-clock limit")
        chunk = os.read(descriptor, 64 * 1024)
        if not chunk:
            return bytes(received)
        received += chunk
        if len(received) > limit_bytes:
            raise ReadingError("output_limit", "the reader wrote more than its limit")


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise ReadingError("timeout", "the reader did not end within its wall-clock limit") from error


def _parsed(raw: bytes, status: int, limits: Limits, *, input_cut: bool) -> Answer:
    line, _, body = raw.partition(b"\n")
    try:
        head = json.loads(line)
        isolation = Isolation(
            tuple(head["isolation"]["namespaces"]),
            int(head["isolation"]["landlock_abi"]),
            bool(head["isolation"]["syscall_filter"]),
            tuple(head["isolation"]["gaps"]),
        )
        size, error, message = int(head["size"]), head.get("error"), str(head.get("message", ""))[:500]
        facts, known = dict(head.get("facts", {})), error in _CODES
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as broken:
        raise _death(status) from broken
    if known:
        raise ReadingError(error, message)
    if error is not None or size != len(body):
        raise _death(status)
    if size > limits.output_bytes:
        raise ReadingError("output_limit", "the reader wrote more than its limit")
    return Answer(facts, body, isolation, input_cut)


def _death(status: int) -> ReadingError:
    if status == -signal.SIGXCPU:
        return ReadingError("timeout", "the reader used up its processor time")
    if status < 0:
        return ReadingError("killed", f"the reader was ended by signal {-status}")
    return ReadingError("killed", f"the reader ended with status {status} and no whole answer")
