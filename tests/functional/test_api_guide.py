"""The JSON interface over a real service: the guide's examples, half-sent bodies, silent clients, a kill in between."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from sqlalchemy import func, select

from archive_app.documents.models import Version
from archive_app.engagements.models import Client
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.runtime import open_archive
from archive_app.settings import load_settings
from tests.engines import FULL
from tests.factories import People, engagement_of
from tests.functional.api_client import ALL_SCOPES, token_of
from tests.service import ROOT, Service, running_service

GUIDES = [ROOT / "docs" / name for name in ("api.md", "api.zh.md")]


def code_of(guide: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Place:
    """A running service, its archive from inside, and somebody's token."""

    service: Service
    archive: Archive
    token: str
    engagement_id: str

    def connection(self) -> contextlib.closing[http.client.HTTPConnection]:
        return contextlib.closing(http.client.HTTPConnection(urlsplit(self.service.url).netloc, timeout=30))

    def send_half(self, path: str, headers: dict[str, str], begun: bytes, *, leave: bool) -> tuple[int, Any]:
        """Sends the beginning of a body, and then nothing more; `leave` says so to the other side."""
        with self.connection() as connection:
            connection.putrequest("POST", path)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(begun)
            assert connection.sock is not None
            if leave:
                connection.sock.shutdown(socket.SHUT_WR)
            with connection.getresponse() as answer:
                return answer.status, json.loads(answer.read())

    def headers(self, key: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key, "Accept-Language": "en", **more}

    def post(self, path: str, body: Any, key: str) -> tuple[int, Any, bool]:
        headers = self.headers(key, **{"Content-Type": "application/json"})
        with self.connection() as connection:
            connection.request("POST", f"/api/v1{path}", json.dumps(body).encode(), headers)
            with connection.getresponse() as answer:
                told = json.loads(answer.read())
                return answer.status, told, answer.headers.get("Idempotency-Replayed") == "true"

    @property
    def upload(self) -> str:
        return f"/api/v1/engagements/{self.engagement_id}/documents?name=a.txt"

    def count(self, what: Any) -> int:
        with self.archive.reading(Actor.system("test")) as uow:
            return uow.session.scalar(select(func.count()).select_from(what)) or 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("api")
    with running_service(directory, LANTAI_WEB__STALL_SECONDS="2") as service:
        archive = open_archive(load_settings(service.environ))
        with archive.activate():
            person = People(archive).person("archivist", "verifier", name="顾言")
            yield Place(service, archive, token_of(person, *ALL_SCOPES), engagement_of(person).id)
        archive.engine.dispose()


def test_both_guides_show_the_same_code() -> None:
    english, chinese = map(code_of, GUIDES)
    assert english == chinese
    assert len(english) > 10


def test_the_guide_shows_every_operation(place: Place) -> None:
    with place.connection() as connection:
        connection.request("GET", "/api/v1/openapi.json")
        with connection.getresponse() as answer:
            schema = json.loads(answer.read())
    code = "\n".join(code_of(GUIDES[0]))
    code = re.sub(r'f"\{job\}', 'f"/imports/{x}', code).replace('"GET", job', '"GET", f"/imports/{x}"')
    code = re.sub(r'place = f"', 'ask("GET", f"', code)
    asked = re.findall(r'(?:"(GET|POST|PUT)",|every\()\s*f?"(/[^"?]*)', code)
    shown = {(method or "GET", re.sub(r"\{[^}]*\}", "{}", path)) for method, path in asked}
    shown = {(method, path.removesuffix("{}") if path.endswith("s{}") else path) for method, path in shown}
    there = {
        (method.upper(), re.sub(r"\{[^}]*\}|(?<=versions/)1(?=/|$)", "{}", path))
        for path, methods in schema["paths"].items()
        for method in methods
    }
    shown = {(method, re.sub(r"(?<=versions/)1(?=/|$)", "{}", path)) for method, path in shown}
    assert not there - shown, "show how to call these in docs/api.md"


def test_the_examples_of_the_guide_run(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "guide.py"
    program.write_text("\n\n".join(code_of(GUIDES[0])), encoding="utf-8")
    environ = {**os.environ, "LANTAI_ADDRESS": place.service.url, "LANTAI_TOKEN": place.token}
    ran = subprocess.run(
        [sys.executable, str(program)], env=environ, capture_output=True, text=True, timeout=200, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_is_sent_by_half_leaves_nothing(place: Place, *, chunked: bool) -> None:
    before = place.count(Version)
    key = f"half-{chunked}"
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": "1000"}
    headers = place.headers(key, **length, **{"Content-Type": "text/plain"})
    begun = b"64\r\n" + b"x" * 50 if chunked else b"x" * 50
    status, told = place.send_half(place.upload, headers, begun, leave=True)
    assert (status, told["code"]) == (400, "body_incomplete")
    assert place.count(Version) == before
    with place.connection() as connection:
        connection.request("POST", place.upload + "&duplicates=keep", b"x" * 50, place.headers(key))
        with connection.getresponse() as answer:
            assert answer.status == 201, answer.read()


def test_a_client_that_goes_silent_is_let_go(place: Place) -> None:
    before = place.count(Version)
    headers = place.headers("silent", **{"Content-Length": "1000"})
    status, told = place.send_half(place.upload, headers, b"x" * 50, leave=False)
    assert (status, told["code"]) == (400, "body_incomplete")
    assert place.count(Version) == before


def test_half_a_json_body_is_refused(place: Place) -> None:
    headers = place.headers("half-json", **{"Content-Type": "application/json", "Content-Length": "100"})
    status, _ = place.send_half("/api/v1/clients", headers, b'{"name": "x"}', leave=True)
    assert status == 400


def test_parallel_connections_do_it_once(place: Place) -> None:
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(place.post("/clients", {"name": "并行客户"}, "parallel")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, *_ in answers} <= {201, 409}
    assert [replayed for status, _, replayed in answers if status == 201].count(False) == 1
    assert len({told["id"] for status, told, _ in answers if status == 201}) == 1


def test_over_a_kill_of_the_service_it_is_done_once(place: Place) -> None:
    """Kills the web process at different moments of a write; the supervisor starts another; the program repeats."""
    for number, pause in enumerate((0.0, 0.004, 0.008, 0.012, 0.02, 0.03) if FULL else (0.005, 0.015)):
        name, key = f"客户 {number} 之后", f"kill-{number}"
        sender = threading.Thread(target=lambda: _ignoring(place, name, key))  # noqa: B023  # joined below
        sender.start()
        time.sleep(pause)
        for process in psutil.Process(place.service.pid).children(recursive=True):
            if "web" in process.cmdline():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
        sender.join()
        told = _until_answered(place, name, key)
        with place.archive.reading(Actor.system("test")) as uow:
            ids = uow.session.scalars(select(Client.id).where(Client.name == name)).all()
        assert list(ids) == [told["id"]]


def _ignoring(place: Place, name: str, key: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        place.post("/clients", {"name": name}, key)


def _until_answered(place: Place, name: str, key: str) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            status, told, _ = place.post("/clients", {"name": name}, key)
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
            continue
        if status == 201:
            return told
        assert (status, told["code"]) == (409, "write_in_progress")
        time.sleep(0.5)
    raise AssertionError("never answered")
