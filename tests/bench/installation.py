"""A real archive in a temporary place, its processes, and a browser's connection to it."""

import contextlib
import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path

from sqlalchemy import select

from archive_app.identity.models import Person, SignInSession
from archive_app.identity.sessions import begin_session
from archive_app.identity.tokens import token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.runtime import create_archive, open_archive
from archive_app.settings import Settings, load_settings
from archive_app.web.gate import SESSION_COOKIE

PROGRAM = (sys.executable, "-m", "archive_app.cli")
_MEMORY = Path("/dev/shm")
_START_SECONDS = 60.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Installation:
    """An archive by its environment, as the commands see it."""

    environ: dict[str, str]
    settings: Settings

    def command(self, *arguments: str) -> None:
        """Runs `lantai …` to its end. Raises: RuntimeError with what it said when it fails."""
        ended = subprocess.run([*PROGRAM, *arguments], env=self.environ, check=False, capture_output=True)
        if ended.returncode:
            raise RuntimeError(f"lantai {' '.join(arguments)} failed: {ended.stdout.decode()}{ended.stderr.decode()}")

    @contextmanager
    def opened(self) -> Iterator[Archive]:
        """The archive in this process, active."""
        archive = open_archive(self.settings)
        with archive.activate():
            yield archive
        archive.engine.dispose()


@contextmanager
def installation(directory: Path, *, made: bool = True) -> Iterator[Installation]:
    """An archive below `directory`, its readable index in memory where the machine has such a place."""
    directory.mkdir()
    memory = Path(tempfile.mkdtemp(prefix="lantai-bench-", dir=_MEMORY if _MEMORY.is_dir() else directory))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LANTAI_")}
    environ |= {
        "HOME": str(directory / "home"),
        "LANTAI_DATA": str(directory / "data"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(memory),
        "PYTHONPATH": str(Path.cwd()),
    }
    # As after an installation: compiled once, whatever the environment of this run says about bytecode.
    environ["PYTHONPYCACHEPREFIX"] = str(directory.parent.parent / "bytecode")
    for name in ("XDG_CONFIG_HOME", "PYTHONDONTWRITEBYTECODE"):
        environ.pop(name, None)
    try:
        settings = load_settings(environ)
        if made:
            create_archive(settings)
        yield Installation(environ, settings)
    finally:
        shutil.rmtree(memory)
        shutil.rmtree(directory)


@dataclass(frozen=True)
class Service:
    """A running service: its first process, where it listens, and the seconds until it answered."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float


@contextmanager
def serving(place: Installation) -> Iterator[Service]:
    """The whole service, as `lantai serve` runs it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(port)], env=place.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with _ended(process):
        yield Service(process, port, _await_answer(process, port, started))


@contextmanager
def serving_pages(place: Installation) -> Iterator[Service]:
    """The web process alone, so that no other process of ours shares the machine with what is measured."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor, port = listener.fileno(), listener.getsockname()[1]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*PROGRAM, "web", "--descriptor", str(descriptor)],
            env=place.environ,
            pass_fds=[descriptor],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    with _ended(process):
        yield Service(process, port, _await_answer(process, port, started))


def sign_in(archive: Archive, person_id: str | None) -> str:
    """A session token of the person, made as signing in makes it, with the second factor given."""
    with archive.transaction(Actor.system("bench")) as uow:
        token = begin_session(uow, uow.session.get_one(Person, person_id)).token
        session = uow.session.scalars(
            select(SignInSession).where(SignInSession.token_digest == token_digest(token))
        ).one()
        session.passed_at = session.confirmed_at = uow.now
        session.expires_at = uow.now + archive.rules.session_lifetime
        return token


@dataclass
class Browser:
    """One kept connection with cookies, as a browser holds it."""

    port: int
    token: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        self._connection.connect()
        # http.client sends head and body apart; with Nagle's rule the second would wait for an acknowledgement.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cookies[SESSION_COOKIE] = self.token

    def get(self, path: str) -> bytes:
        """A page; its request token is remembered. Raises: RuntimeError for another answer than 200."""
        page = self._ask("GET", path, None, {})
        if found := re.search(rb'name="csrf-token" content="([^"]+)"', page):
            self.csrf_token = found[1].decode()
        return page

    def post_json(self, path: str, told: object) -> object:
        """Sends JSON as our scripts do, and returns the answer."""
        headers = {"Content-Type": "application/json", "X-CSRF-Token": self.csrf_token}
        return json.loads(self._ask("POST", path, json.dumps(told).encode(), headers))

    def put(self, path: str, source: io.RawIOBase, size_bytes: int) -> object:
        """Sends a file as the upload script does, in constant memory."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size_bytes),
            "X-CSRF-Token": self.csrf_token,
        }
        return json.loads(self._ask("PUT", path, source, headers))

    def _ask(self, method: str, path: str, body: io.RawIOBase | bytes | None, headers: dict[str, str]) -> bytes:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, path, body, {**headers, "Cookie": cookie})
        response = self._connection.getresponse()
        content = response.read()
        for header in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        if response.status not in {200, 201}:
            raise RuntimeError(f"{method} {path} answered {response.status}: {content[:300]!r}")
        return content


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=_START_SECONDS)


def _await_answer(process: subprocess.Popen[bytes], port: int, started: float) -> float:
    while time.perf_counter() - started < _START_SECONDS:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended: {(process.stderr.read() if process.stderr else b'').decode()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
            connection.request("GET", "/sign-in")
            response = connection.getresponse()
            response.read()
            connection.close()
            if response.status == http.HTTPStatus.OK:
                return time.perf_counter() - started
        time.sleep(_POLL_SECONDS)
    raise RuntimeError("the service did not answer")
