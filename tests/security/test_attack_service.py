"""Attacks below the pages, on the service as it runs: bytes on its socket, and what its processes say."""

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.service import Service, running_service

POST = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "length and chunks": POST + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\nG",
    "chunks twice": POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "space before the colon": POST + b"Content-Length : 4\r\n\r\nabcd",
    "signed length": POST + b"Content-Length: +4\r\n\r\nabcd",
    "length in hexadecimal": POST + b"Content-Length: 0x4\r\n\r\nabcd",
    "line feed in a name": GET + b"X\nY: a\r\n\r\n",
    "nul in a value": GET + b"X: a\x00b\r\n\r\n",
    "endless header": GET + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "a thousand headers": GET + b"".join(b"X%d: a\r\n" % n for n in range(1_000)) + b"\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("attacked-service")) as running:
        yield running


def exchange(service: Service, request: bytes) -> bytes:
    """What comes back on a connection of its own until the other side closes it or says nothing more."""
    with socket.create_connection(("127.0.0.1", urlsplit(service.url).port or 0), timeout=5) as line:
        line.sendall(request)
        answer = b""
        while True:
            try:
                block = line.recv(65536)
            except (TimeoutError, ConnectionError):
                return answer
            if not block:
                return answer
            answer += block


def ask(service: Service, *headers: str, method: str = "GET", path: str = "/sign-in") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]
    return exchange(service, "\r\n".join(lines).encode("latin-1"))


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_messages_are_refused(service: Service, name: str) -> None:
    answer = exchange(service, AMBIGUOUS[name])
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
    # One refusal, and nothing of what follows is taken for a second request.
    assert len(statuses) <= 1
    assert not statuses or statuses[0] in {b"400", b"405", b"408", b"413", b"431", b"501"}, answer[:200]
    assert b"Traceback" not in answer
    assert b"HTTP/1.1 200" in ask(service, "Host: localhost")


def test_the_server_names_no_version(service: Service) -> None:
    head = ask(service, "Host: localhost").partition(b"\r\n\r\n")[0].decode()
    assert re.search(r"\r\nServer: [A-Za-z]+\r\n", head)
    for name in ("Via", "X-Powered-By", "X-AspNet-Version"):
        assert f"\r\n{name}:" not in head
    assert re.search(r"\r\nContent-Security-Policy: default-src 'none'", head)


def test_names_of_others_are_refused_on_the_line_too(service: Service) -> None:
    for host in ("Host: evil.example", "Host: evil.example:80", "Host: localhost@evil.example", "Host: [", "Host:"):
        assert b"HTTP/1.1 400" in ask(service, host), host
    assert b"HTTP/1.1 400" in ask(service, "Host: localhost", "Host: evil.example") or b"evil.example" not in ask(
        service, "Host: localhost", "Host: evil.example"
    )
    assert b"HTTP/1.1 200" in ask(service, "Host: 127.0.0.1:1")
    absolute = ask(service, "Host: localhost", path="http://evil.example/sign-in")
    assert b"evil.example" not in absolute


def test_a_name_of_a_host_does_not_write_lines_into_the_log(service: Service) -> None:
    for number in range(60):
        ask(service, f"Host: evil{number}.example")
    ask(service, "Host: a\x85FORGED LINE")
    log = (service.directory / "serve.log").read_text(encoding="utf-8", errors="replace")
    told = [line for line in log.splitlines() if "evil" in line]
    assert 0 < len(told) <= 21, "the first names tell the operator; the rest would only fill the log"
    assert not [line for line in log.splitlines() if line.startswith("FORGED")]


def test_methods_are_those_that_a_page_has(service: Service) -> None:
    for method in ("TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "DELETE"):
        answer = ask(service, "Host: localhost", "X-Secret: told-back", method=method)
        assert re.match(rb"HTTP/1\.1 (400|404|405|501)", answer), method
        assert b"told-back" not in answer
