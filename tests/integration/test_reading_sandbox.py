"""The sandbox holds: whatever code runs inside, the parent gets an answer or a ReadingError; nothing else happens."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import search
from search.reading import Isolation, Limits, ReadingError, sandbox_report
from search.reading.model import MIB
from search.reading.sandbox import Answer, run_confined

FIND_PIPE = """
import os, stat
for fd in range(3, 60):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            break
    except OSError:
        pass
"""
SMALL = Limits(cpu_seconds=2, wall_seconds=4, output_bytes=MIB, memory_bytes=512 * MIB)


def inside(code: str, limits: Limits = SMALL, entry: str = "eval") -> Answer:
    """Run Python inside the sandbox: builtins.eval is as good a reader as any, and more hostile."""
    return run_confined(("builtins", entry), io.BytesIO(code.encode()), limits=limits)


def refusal(code: str, limits: Limits = SMALL, entry: str = "eval") -> str:
    with pytest.raises(ReadingError) as caught:
        inside(code, limits, entry)
    return f"{caught.value.code}: {caught.value}"


def test_an_answer_comes_back_whole() -> None:
    answer = inside("({'n': 1}, bytes(range(256)) * 3000)")
    assert (answer.facts, answer.content) == ({"n": 1}, bytes(range(256)) * 3000)


@pytest.mark.parametrize(
    ("code", "limits", "verdict"),
    [
        ("bytearray(2 * 2**30)", SMALL, "memory"),
        ("__import__('mmap').mmap(-1, 2 * 2**30)", SMALL, "unreadable: the reader failed: OSError"),
        ("[bytearray(2**20) for n in iter(int, 1)]", SMALL, "memory"),
        ("[None for n in iter(int, 1) if n]", Limits(cpu_seconds=1, wall_seconds=9), "timeout: the reader used up"),
        ("__import__('time').sleep(60)", Limits(wall_seconds=0.5), "timeout: the reader did not answer"),
        ("__import__('signal').pause()", Limits(wall_seconds=0.5), "timeout"),
        ("bytes(2 * 2**20)", SMALL, "output_limit"),
        ("__import__('ctypes').string_at(0)", SMALL, "killed"),
        ("__import__('os').abort()", SMALL, "killed"),
        ("__import__('os')._exit(0)", SMALL, "killed"),
        ("__import__('sys').exit(3)", SMALL, "killed"),
        ("'no bytes'", SMALL, "unreadable"),
        ("(lambda f: f(f))(lambda f: f(f))", SMALL, "unreadable: the reader failed: RecursionError"),
        ("1/0", SMALL, "unreadable: the reader failed: ZeroDivisionError"),
    ],
)
def test_limits_hold(code: str, limits: Limits, verdict: str) -> None:
    started = time.monotonic()
    assert refusal(code, limits).startswith(verdict)
    assert time.monotonic() - started < 6
    assert inside("b'still here'").content == b"still here"


@pytest.mark.parametrize(
    "write",
    ["while True: os.write(fd, bytes(65536))", "os.write(fd, b'{}\\n')", "os.write(fd, b'\\xff' * 99)",
     "os.write(fd, b'[' * 60000)", "os.write(fd, b'{\"isolation\": 5, \"size\": 0}\\n')",
     "os.write(fd, HEAD.replace('SIZE', 'Infinity').encode())",
     "os.write(fd, HEAD.replace('SIZE', '0, \"error\": [\"timeout\"]').encode())"],
)  # fmt: skip
def test_a_reader_that_speaks_for_itself_gets_nowhere(write: str) -> None:
    head = json.dumps({"isolation": vars(sandbox_report())}).removesuffix("}") + ', "size": SIZE}\n'
    code = f"{FIND_PIPE}HEAD = {head!r}\n{write}\nos._exit(0)"
    assert refusal(code, entry="exec").split(":")[0] in {"killed", "output_limit"}


def test_an_answer_that_is_shorter_than_it_says_is_none() -> None:
    head = {"isolation": vars(sandbox_report()), "facts": {}, "size": 5}
    answer = json.dumps(head).encode() + b"\n" + b"abc"
    assert refusal(f"{FIND_PIPE}os.write(fd, {answer!r})\nos._exit(0)", entry="exec").startswith("killed")


def test_a_reader_that_answers_and_stays_is_ended() -> None:
    code = f"{FIND_PIPE}os.close(fd)\n__import__('time').sleep(60)"
    assert refusal(code, Limits(wall_seconds=0.5), entry="exec").startswith("timeout: the reader did not end")


@pytest.mark.parametrize(
    "code",
    [
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('socket').socket()",
        "__import__('socket').create_connection(('127.0.0.1', 1))",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 0)",
        "__import__('resource').prlimit(os.getppid(), 7, (1, 1))",
        "os.setpriority(0, 0, 19)",
        "os.memfd_create('x')",
        "open('/etc/passwd')",
        "open('/proc/self/environ')",
        "os.listdir('/')",
        "os.listdir('/tmp')",
        "os.listdir(os.path.expanduser('~root'))",
    ],
)
def test_forbidden(code: str) -> None:
    answer = refusal(code.replace("os.", "__import__('os').", 1).replace("os.getppid", "__import__('os').getppid"))
    assert answer in {
        f"unreadable: the reader failed: {name}" for name in ("PermissionError", "OSError", "FileNotFoundError")
    }


def test_nothing_can_be_written(tmp_path: Path) -> None:
    existing = tmp_path / "existing"
    existing.write_bytes(b"kept")
    tmp_path.chmod(0o777)
    existing.chmod(0o666)
    for target in (existing, tmp_path / "new"):
        assert refusal(f"open({str(target)!r}, 'wb')").endswith(("PermissionError", "FileNotFoundError"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"existing": b"kept"}


def test_no_other_file_is_inherited() -> None:
    secret, other = os.pipe()
    try:
        os.set_inheritable(secret, True)
        probe = (
            "import os\nopen_fds = []\nfor n in range(3, 64):\n"
            " try: os.fstat(n); open_fds.append(n)\n except OSError: pass\n"
            "raise MemoryError if len(open_fds) == 1 else ValueError"
        )
        # Only the pipe for the answer is left open once the content has been read.
        assert refusal(probe, entry="exec").startswith("memory")
    finally:
        os.close(secret)
        os.close(other)


def test_the_environment_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTAI_SECRET", "planted")
    assert b"planted" not in inside("repr(dict(__import__('os').environ)).encode()").content


def test_threads_are_allowed_and_counted_for_ordinary_users() -> None:
    assert inside("[__import__('threading').Thread(target=int).start() for n in range(8)] and b'ok'").content == b"ok"


def test_input_limit() -> None:
    limits = Limits(input_bytes=1000)
    assert run_confined(("builtins", "bytes"), io.BytesIO(bytes(1000)), limits=limits).content == bytes(1000)
    with pytest.raises(ReadingError) as caught:
        run_confined(("builtins", "bytes"), io.BytesIO(bytes(1001)), limits=limits)
    assert caught.value.code == "too_large"
    cut = run_confined(("builtins", "bytes"), io.BytesIO(bytes(1001)), limits=limits, cut_input=True)
    assert (len(cut.content), cut.input_cut) == (1000, True)


def test_an_unseekable_stream_that_gives_little_at_a_time() -> None:
    class Trickle(io.RawIOBase):
        left = 5000

        def read(self, size: int = -1) -> bytes:
            self.left -= 7
            return b"1234567" if self.left > 0 else b""

    assert len(run_confined(("builtins", "bytes"), Trickle()).content) == 714 * 7  # type: ignore[arg-type]


def test_a_stream_that_fails_leaves_nothing_behind() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionError

    before = _resources()
    for _ in range(5):
        with pytest.raises(ConnectionError):
            run_confined(("builtins", "bytes"), Broken())  # type: ignore[arg-type]
    assert _resources() == before


def test_many_threads_at_once_and_nothing_leaks() -> None:
    inside("b''")
    before, failures = _resources(), []

    def work(number: int) -> None:
        for code, expected in ((f"b'{number}'", str(number)), ("1/0", ""), ("__import__('os').abort()", "")):
            try:
                content = inside(code).content.decode()
            except ReadingError:
                content = ""
            if content != expected:
                failures.append((number, content))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert _resources() == before


def test_the_parent_stays_small() -> None:
    inside("b''")
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        with pytest.raises(ReadingError):
            run_confined(("builtins", "len"), _Zeros(150 * MIB))  # type: ignore[arg-type]
    assert psutil.Process().memory_info().rss - before < 16 * MIB


def test_the_reader_dies_with_its_parent() -> None:
    code = (
        "import io, threading\nfrom search.reading.sandbox import run_confined\n"
        "content = io.BytesIO(b\"__import__('time').sleep(50)\")\n"
        "threading.Thread(target=run_confined, args=(('builtins', 'eval'), content)).start()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=_root(), start_new_session=True)
    try:
        children = _wait_for(lambda: psutil.Process(parent.pid).children())
        time.sleep(0.3)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert children
    _wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


def test_what_holds_here_is_reported() -> None:
    report = sandbox_report()
    assert isinstance(report, Isolation)
    assert report.complete == (not report.gaps)
    assert report.syscall_filter


@pytest.mark.parametrize(
    ("lacking", "gap"),
    [
        ("confinement._NAMESPACES.update(user=1, net=1)", "no namespaces"),
        ("confinement._LANDLOCK_CREATE = 9999", "no Landlock"),
        ("confinement._ARCHITECTURES.clear()", "no call filter"),
        *(
            (f"confinement._landlock_version = lambda: {abi}", "Landlock version" if abi < 6 else "")
            for abi in range(1, 8)
        ),
    ],
)
def test_a_kernel_that_lacks_something_is_used_and_named(lacking: str, gap: str) -> None:
    available = sandbox_report()
    code = (
        "import json, os\nfrom search.reading import confinement\nfrom search.reading.model import Limits\n"
        f"{lacking}\nreport = confinement.confine(Limits(), os.getppid(), [])\n"
        "try: open('/etc/passwd'); seen = True\nexcept OSError: seen = False\n"
        "print(json.dumps([vars(report), seen]))"
    )
    if "_landlock_version" in lacking and int(lacking.rpartition(" ")[2]) > available.landlock_abi:
        pytest.skip("the kernel has an older Landlock")
    done = subprocess.run([sys.executable, "-c", code], cwd=_root(), capture_output=True, check=True)
    report, passwords_seen = json.loads(done.stdout)
    assert any(gap in found for found in report["gaps"]) or (not gap and report["gaps"] == list(available.gaps))
    if available.landlock_abi:
        assert passwords_seen == (gap == "no Landlock")


class _Zeros:
    def __init__(self, size_bytes: int) -> None:
        self.left = size_bytes

    def read(self, size: int) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return bytes(given)


def _resources() -> tuple[int, int]:
    process = psutil.Process()
    return process.num_fds(), len(process.children())


def _root() -> Path:
    return Path(search.__file__).parent.parent


def _wait_for(condition: object) -> list[psutil.Process]:
    for _ in range(100):
        found = condition()  # type: ignore[operator]
        if found:
            return found if isinstance(found, list) else []
        time.sleep(0.05)
    pytest.fail("it did not happen within 5 s")
