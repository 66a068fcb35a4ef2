"""What answers leave behind: cookies, caches, headers, and names that want to be headers."""

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archive_app.app import create_app
from archive_app.runtime import FEATURES
from archive_app.settings import load_settings
from archive_app.web.gate import SESSION_COOKIE
from tests.factories import engagement_of, file_bytes
from tests.security.attacked import World, post

FEATURES_SWITCHED_OFF = ("camera", "geolocation", "microphone", "usb", "payment", "clipboard-read")
SENT_AWAY = {303, 401}


# --- cookies and what stays in a browser ------------------------------------------------------------------------------


@pytest.fixture
def encrypted(world: World, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The same archive behind a proxy that encrypts."""
    place = tmp_path_factory.mktemp("encrypted")
    environ = {
        "HOME": str(place),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(place),
        "LANTAI_WEB__BASE_URL": "https://archive.example",
    }
    made = create_app(world.archive, load_settings(environ, data_directory=place / "data"), FEATURES)
    made.config["TESTING"] = True
    return made


def test_cookies_over_an_encrypted_line_are_bound_to_the_host(world: World, encrypted: Flask) -> None:
    client = encrypted.test_client()
    given = []
    for page in ("/sign-in", "/link/nothing"):
        given += client.get(page, base_url="https://archive.example").headers.getlist("Set-Cookie")
    token = request_token_at(client)
    headers = {"Referer": "https://archive.example/"}
    answer = client.post(
        "/language", data={"csrf_token": token, "language": "en"}, base_url="https://archive.example", headers=headers
    )
    given += answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in given} == {"__Host-lantai_form", "__Host-lantai_language"}
    for cookie in given:
        flags = {flag.strip().partition("=")[0] for flag in cookie.split(";")[1:]}
        assert {"Secure", "HttpOnly", "SameSite", "Path"} <= flags
        assert "Domain" not in flags


def request_token_at(client: FlaskClient) -> str:
    page = client.get("/sign-in", base_url="https://archive.example").text
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


def test_a_cookie_that_another_host_of_the_domain_planted_is_not_believed(world: World, encrypted: Flask) -> None:
    """Such a host cannot set a name with the prefix; one without it opens nothing here."""
    session = world.browser(world.victim).get_cookie(SESSION_COOKIE)
    assert session is not None
    client = encrypted.test_client()
    client.set_cookie(SESSION_COOKIE, session.value, domain="archive.example")
    assert client.get("/account", base_url="https://archive.example").status_code in SENT_AWAY
    client.set_cookie(f"__Host-{SESSION_COOKIE}", session.value, domain="archive.example", secure=True)
    assert client.get("/account", base_url="https://archive.example").status_code == 200


def test_of_two_cookies_of_the_same_name_none_opens_another_door(world: World) -> None:
    session = world.browser(world.victim).get_cookie(SESSION_COOKIE)
    assert session is not None
    for cookies in (f"{SESSION_COOKIE}=planted", f"{SESSION_COOKIE}=a; {SESSION_COOKIE}=b", "lantai_form=.e30.x.y"):
        answer = world.app.test_client(use_cookies=False).get("/account", headers={"Cookie": cookies})
        assert answer.status_code in SENT_AWAY


@pytest.mark.parametrize("language", ["en\r\nSet-Cookie: a=b", "../../etc", "zh" * 5000, "\xff", "en; Domain=evil"])
def test_a_strange_language_is_no_language(world: World, language: str) -> None:
    client = world.app.test_client(use_cookies=False)
    cookie = f"lantai_language={quote(language)}"
    answer = client.get("/sign-in", headers={"Cookie": cookie})
    assert answer.status_code == 200
    assert '<html lang="zh-CN">' in answer.text


def test_no_token_stands_in_an_address(world: World) -> None:
    session = world.browser(world.victim).get_cookie(SESSION_COOKIE)
    assert session is not None
    client = world.browser(None)
    for query in ({SESSION_COOKIE: session.value}, {"token": session.value}, {"access_token": session.value}):
        assert client.get("/account", query_string=query).status_code in SENT_AWAY
        assert client.get("/api/v1/me", query_string=query).status_code == 401


def test_what_was_private_stays_in_no_browser(world: World) -> None:
    client = world.browser(world.victim)
    version = f"/documents/{world.document_id}/versions/1"
    pages = ["/account", "/search?q=a", "/nothing", f"/documents/{world.document_id}", f"{version}/content"]
    pages += [f"{version}/pages/1-320.webp", "/search/suggestions?q=a", "/health", "/sign-in", "/link/x"]
    for page in pages:
        assert client.get(page).headers["Cache-Control"] == "no-store", page
    goodbye = post(client, "/sign-out")
    assert goodbye.headers["Clear-Site-Data"] == '"storage"'
    assert client.get(f"{version}/pages/1-320.webp").status_code in {303, 401}


# --- what every answer says ------------------------------------------------------------------------------------------


def requests_of_all_kinds(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Pages, errors of each kind, downloads, static files, JSON."""
    return [
        ("GET", "/account", {}),
        ("GET", "/", {}),
        ("GET", "/nothing", {}),
        ("GET", "/documents/x", {}),
        ("POST", "/account", {}),
        ("POST", "/sign-out", {}),
        ("GET", "/sign-in", {"headers": {"Host": "evil.example"}}),
        ("POST", "/sign-in", {"data": b"x" * (3 * 2**20), "content_type": "application/x-www-form-urlencoded"}),
        ("GET", f"/documents/{world.document_id}/versions/1/content", {}),
        ("GET", f"/documents/{world.document_id}/versions/1/content", {"headers": {"Range": "bytes=99999999-"}}),
        ("GET", "/web/static/lantai.css", {}),
        ("GET", "/web/static/nothing.css", {}),
        ("GET", "/bootstrap/static/../../../etc/passwd", {}),
        ("GET", "/api/v1/openapi.json", {}),
        ("GET", "/api/v1/me", {}),
        ("GET", "/search/suggestions?q=a", {}),
    ]


def test_every_answer_carries_the_security_headers(world: World) -> None:
    client, statuses = world.browser(world.victim), set()
    for method, page, more in requests_of_all_kinds(world):
        answer = client.open(page, method=method, buffered=True, **more)
        statuses.add(answer.status_code)
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == "'none'", page
        assert policy["frame-ancestors"] == policy["trusted-types"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in str(policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        for feature in FEATURES_SWITCHED_OFF:
            assert f"{feature}=()" in answer.headers["Permissions-Policy"]
        assert "X-Powered-By" not in answer.headers
        if (answer.mimetype or "").startswith("text/") and answer.data:
            assert "charset=utf-8" in answer.headers["Content-Type"]
    assert statuses >= {200, 303, 400, 401, 404, 405, 413, 416}


def test_an_unexpected_error_tells_nothing_and_carries_them_too(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("SELECT secret FROM /srv/lantai/key")

    monkeypatch.setattr("archive_app.identity.views.view_own_account", broken)
    answer = world.browser(world.victim).get("/account")
    assert answer.status_code == 500
    assert "Content-Security-Policy" in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    for inner in ("SELECT", "secret", "/srv", "Traceback", "RuntimeError", "archive_app"):
        assert inner not in answer.text
    # The details are for whoever reads the log of the process.
    assert "SELECT secret" in caplog.text


def test_only_an_encrypted_archive_asks_for_encryption(world: World, encrypted: Flask) -> None:
    plain = world.browser(None).get("/sign-in").headers
    assert "Strict-Transport-Security" not in plain
    assert "upgrade-insecure-requests" not in plain["Content-Security-Policy"]
    for page in ("/sign-in", "/nothing", "/web/static/lantai.css"):
        # The proxy speaks to us without encryption.
        headers = encrypted.test_client().get(page, base_url="http://archive.example", buffered=True).headers
        assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert headers["Content-Security-Policy"].endswith("upgrade-insecure-requests")


def test_static_files_stay_for_ever_under_the_address_of_their_content(world: World) -> None:
    client = world.browser(None)
    page = client.get("/sign-in").text
    addresses = {part.partition('"')[0] for part in page.split('="') if "/static/" in part.partition('"')[0]}
    assert len(addresses) >= 5
    for address in addresses:
        assert "?v=" in address
        answer = client.get(address, buffered=True)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        for wrong in (address.partition("?")[0], address[:-1] + "x"):
            assert client.get(wrong, buffered=True).headers["Cache-Control"] == "no-cache"


# --- names in headers -------------------------------------------------------------------------------------------------

NAMES = [
    'a"; filename="evil.html',
    "a\u2028b.txt",
    "\u202egpj.exe",
    "文件 名.pdf",
    "é\xff.txt",
    "a;b=c.txt",
    "%0d%0aX: y",
    "a'b''c.txt",
    "=1+1.csv",
    "x" * 200,
]


def test_no_name_leaves_its_place_in_a_header(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    engagement = engagement_of(leader)
    client = world.browser(leader)
    for number, name in enumerate(NAMES):
        filed = file_bytes(leader, engagement, name, f"{number}".encode())
        answer = client.get(f"/documents/{filed.document_id}/versions/1/content")
        told = answer.headers["Content-Disposition"]
        assert told.startswith("attachment; filename*=UTF-8''")
        assert told.isascii()
        assert set(told.removeprefix("attachment; filename*=UTF-8''")) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%"
        )
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_header_takes_a_line_end(world: World) -> None:
    client = world.browser(world.victim)
    for value in ("a\r\nSet-Cookie: x=y", "a\nb", "a%0d%0aX-Evil: 1"):
        for page in ("/search", "/engagements", "/sign-in", "/log"):
            answer = client.get(page, query_string={"q": value, "next": value, "text": value, "after": value})
            assert "X-Evil" not in answer.headers
            assert all("\n" not in told and "\r" not in told for _, told in answer.headers)
