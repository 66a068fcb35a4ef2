"""`lantai serve` as a real program: it answers, keeps its children running, and takes them with it when it ends."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from archive_app.serving import Supervisor
from tests.command_line import CommandLine


@pytest.fixture
def lantai(tmp_path: Path) -> CommandLine:
    """A terminal on a fresh archive."""
    command_line = CommandLine.below(tmp_path / "machine")
    command_line.run("init")
    return command_line


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture
def service(lantai: CommandLine, port: int) -> Iterator[subprocess.Popen[str]]:
    """The running service."""
    process = lantai.start("serve", "--port", port)
    try:
        wait_until(lambda: answers(port))
        yield process
    finally:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=20) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in psutil.Process(process.pid).children(recursive=True) if alive(child)]


def alive(child: psutil.Process) -> bool:
    return bool(child.is_running() and child.status() != psutil.STATUS_ZOMBIE)


def is_worker(child: psutil.Process) -> bool:
    try:
        return "worker" in child.cmdline()
    except psutil.Error:  # it ended between being listed and being asked
        return False


def test_it_serves_restarts_what_dies_and_ends_cleanly(service: subprocess.Popen[str], port: int) -> None:
    [worker] = [child for child in family(service) if is_worker(child)]
    worker.kill()
    wait_until(lambda: any(is_worker(child) and child.pid != worker.pid for child in family(service)))
    children = family(service)
    began = time.monotonic()
    service.send_signal(signal.SIGTERM)
    said, _ = service.communicate(timeout=20)
    assert service.returncode == 0
    assert time.monotonic() - began < 10
    assert not [child for child in children if alive(child)]
    assert f"http://127.0.0.1:{port}/set-up/" in said
    assert not answers(port)


def test_its_children_end_with_it_however_it_ends(service: subprocess.Popen[str]) -> None:
    children = family(service)
    service.kill()
    wait_until(lambda: not any(alive(child) for child in children))


def test_a_busy_port_is_said(lantai: CommandLine, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert f"Port {port}" in lantai.run("serve", "--port", port, expect=1).stderr


@pytest.mark.parametrize(("command", "code", "deaths"), [("exit 3", 3, 1), ("exit 7", 7, 6), ("kill -9 $$", 1, 6)])
def test_a_child_that_keeps_dying_ends_the_service(
    monkeypatch: pytest.MonkeyPatch, command: str, code: int, deaths: int
) -> None:
    monkeypatch.setattr("archive_app.serving._FIRST_PAUSE_SECONDS", 0.01)
    heard: list[tuple[str, int]] = []
    commands = {"good": ["sleep", "60"], "bad": ["sh", "-c", command]}
    supervisor = Supervisor(commands, os.environ, told=lambda name, ended: heard.append((name, ended)))
    assert supervisor.run() == code
    assert [name for name, _ in heard] == ["bad"] * deaths
    # A browser of other tests may be a child of this process too.
    assert not [child for child in psutil.Process().children() if child.name() in {"sleep", "sh"}]
