"""A real archive in processes of its own, as `make run` starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_START_SECONDS = 60
_STOP_SECONDS = 20


@dataclass(frozen=True)
class Service:
    """A running service: where it is, its environment, and the set-up link it printed at the start."""

    url: str
    setup_url: str
    environ: dict[str, str]
    directory: Path
    pid: int

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `lantai …` on the same archive."""
        return run_command(self.environ, *arguments, check=check)


def service_environment(directory: Path, **more: str) -> dict[str, str]:
    """The environment of an archive in `directory`, with its readable index beside the data."""
    (directory / "memory").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LANTAI_")}
    return {
        **kept,
        "HOME": str(directory / "home"),
        "XDG_CONFIG_HOME": str(directory / "home" / ".config"),
        "LANTAI_DATA": str(directory / "data"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(directory / "memory"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def run_command(environ: dict[str, str], *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs `lantai …` to its end."""
    command = [sys.executable, "-m", "archive_app.cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=check, timeout=300)


@contextmanager
def running_service(directory: Path, **more: str) -> Iterator[Service]:
    """`lantai init` and `lantai serve` on a free port of the loopback; stopped at the end of the block."""
    port = _free_port()
    environ = service_environment(directory, LANTAI_WEB__PORT=str(port), **more)
    (directory / "home").mkdir(exist_ok=True)
    run_command(environ, "init", "--without-link")
    log = (directory / "serve.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "archive_app.cli", "serve"], env=environ, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, directory)
        yield Service(url, _setup_link(directory), environ, directory, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], directory: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/sign-in", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the service did not start:\n{(directory / 'serve.log').read_text()[-3000:]}")


def _setup_link(directory: Path) -> str:
    """The link that the start printed while nobody has an account; empty afterwards."""
    link = re.search(r"http://\S+/set-up/\S+", (directory / "serve.log").read_text(encoding="utf-8"))
    return link.group() if link else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
