"""The supervisor: one small, single-threaded process that keeps the others running.

It imports neither the web framework nor the database, so it costs little and cannot fail with them. Children end with
it however it ends (PR_SET_PDEATHSIG); a child that dies is started again, later each time, until it has died too often.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

STOP_SECONDS = 10.0
REFUSED_CODES = frozenset({2, 3, 4, 78})
"""Exit codes by which a child says that starting it again is useless: usage, gunicorn's "cannot boot", sysexits."""

_PR_SET_PDEATHSIG = 1
_DEATHS_ALLOWED = 5
_DEATHS_WINDOW_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 16.0
# A death is told by SIGCHLD at once; looking now and then as well costs nothing and misses none.
_LONGEST_WAIT_SECONDS = 2.0
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_WATCHED = _ENDING | {signal.SIGCHLD}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    deaths: list[float] = field(default_factory=list)
    due_at: float = 0.0


class Supervisor:
    """Runs `commands` (by name) until a signal asks it to end or one of them cannot be kept running."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environ: Mapping[str, str],
        *,
        pass_fds: Sequence[int] = (),
        told: Callable[[str, int], None] = lambda _name, _code: None,
    ) -> None:
        """`told` hears of every death of a child: its name and its exit code, negative for a signal."""
        self._children = [_Child(name, command) for name, command in commands.items()]
        self._environ = dict(environ)
        self._pass_fds = pass_fds
        self._told = told

    def run(self) -> int:
        """The exit code: 0 after a signal, else that of the child that could not be kept running."""
        # Blocked signals wait until they are asked for, so none is lost between two steps of the loop.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        try:
            return self._watch()
        finally:
            self._stop_all()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self) -> int:
        while True:
            for child in self._children:
                code = self._tend(child)
                if code is not None:
                    return code
            pending = [child.due_at for child in self._children if child.process is None]
            pause = max(0.05, min(pending) - time.monotonic()) if pending else _LONGEST_WAIT_SECONDS
            received = signal.sigtimedwait(_WATCHED, pause)
            if received is not None and received.si_signo in _ENDING:
                return 0

    def _tend(self, child: _Child) -> int | None:
        """Starts a child that is due; notes a death. Returns an exit code when the child is given up."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.due_at:
                child.process = self._start(child)
            return None
        code = child.process.poll()
        if code is None:
            return None
        self._told(child.name, code)
        child.process = None
        child.deaths = [at for at in child.deaths if now - at < _DEATHS_WINDOW_SECONDS] + [now]
        if code in REFUSED_CODES or len(child.deaths) > _DEATHS_ALLOWED:
            return code if code > 0 else 1
        child.due_at = now + min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (len(child.deaths) - 1))
        return None

    def _start(self, child: _Child) -> "subprocess.Popen[bytes]":
        parent = os.getpid()
        return subprocess.Popen(  # noqa: S603  # our own program with our own arguments
            child.command,
            env=self._environ,
            pass_fds=self._pass_fds,
            start_new_session=True,
            preexec_fn=lambda: _tie_to(parent),  # noqa: PLW1509  # safe: this process has one thread
        )

    def _stop_all(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS - 1.0
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _tie_to(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if os.getppid() != parent:
        # The parent died between fork and prctl: nobody would ever tell this child.
        os._exit(1)
