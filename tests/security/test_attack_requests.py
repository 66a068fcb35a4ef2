"""Requests that somebody else puts together: forged, redirected, under a false name, with line ends in headers."""

from urllib.parse import quote, urljoin, urlsplit

import pytest

from archive_app.web.hardening import own_hosts
from archive_app.web.language import local_path
from tests.security.attacked import World, post, request_token

CHANGE = "/account/language"
OUTSIDE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example/",
    "HTTPS://evil.example",
    "%2f%2fevil.example",
    "//%65vil.example",
    "javascript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "//evil.example/%2e%2e",
    "/a\r\nLocation: https://evil.example",
    "/\u2028/evil.example",
    "evil.example",
    "",
    "//user@evil.example",
    "https://localhost@evil.example",
    "https://localhost.evil.example",
]
INSIDE = ["/search?q=//evil.example", "/a/%2f%2fevil.example", "/.//evil.example", "/engagements?next=https://evil"]


# --- forged requests (that every route asks for the token: test_arch_routes.py) ---------------------------------------


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "nonsense"])
def test_a_change_that_another_site_asks_for_is_refused_even_with_a_token(world: World, site: str) -> None:
    client = world.browser(world.victim)
    sent = post(client, CHANGE, {"language": "en"}, headers={"Sec-Fetch-Site": site})
    assert sent.status_code == 400
    for own in ("same-origin", "none"):
        assert post(client, CHANGE, {"language": "en"}, headers={"Sec-Fetch-Site": own}).status_code == 303


def test_only_the_token_of_this_browser_opens(world: World) -> None:
    client, other = world.browser(world.victim), world.browser(world.victim)
    foreign, own = request_token(other), request_token(client)
    for token in ("", "x", foreign, own[:-1], own + "A", own.swapcase(), "\x00", "9" * 10_000):
        assert client.post(CHANGE, data={"csrf_token": token, "language": "en"}).status_code == 400, token
    assert client.post(CHANGE, data={"csrf_token": own, "language": "en"}).status_code == 303


def test_a_token_from_before_signing_in_does_not_open_after_it(world: World) -> None:
    """The form session is emptied at the door, so a token that somebody planted there is worth nothing behind it."""
    client = world.browser(world.victim)
    planted = request_token(client)
    assert post(client, "/sign-out").status_code == 303
    assert client.post("/language", data={"csrf_token": planted, "language": "en"}).status_code == 400


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain", '{"language": "en"}'),
        ("text/plain", "language=en"),
        ("application/json", '{"language": "en"}'),
        (
            "multipart/form-data; boundary=x",
            '--x\r\nContent-Disposition: form-data; name="language"\r\n\r\nen\r\n--x--',
        ),
        ("", "language=en"),
    ],
)
def test_what_a_foreign_page_can_send_is_refused(world: World, media_type: str, body: str) -> None:
    client = world.browser(world.victim)
    client.get("/account")
    for page in (CHANGE, "/sign-out", f"/engagements/{world.engagement.id}/uploads"):
        headers = {"Origin": "https://evil.example", "Referer": "https://evil.example/"}
        answer = client.post(page, data=body, content_type=media_type, headers=headers)
        assert answer.status_code == 400, page
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_or_field_turns_reading_into_changing(world: World, override: str) -> None:
    client = world.browser(world.victim)
    assert client.get("/sign-out", headers={override: "POST"}).status_code == 405
    assert client.get("/sign-out?_method=POST").status_code == 405
    assert client.post("/account", data={"_method": "DELETE"}).status_code == 405
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PATCH", "DELETE", "get"])
def test_methods_that_nobody_offers_are_refused(world: World, method: str) -> None:
    client = world.browser(world.victim)
    answer = client.open("/account", method=method)
    assert answer.status_code == (200 if method == "get" else 405)


def test_no_answer_is_shared_with_another_origin(world: World) -> None:
    client = world.browser(world.victim)
    for page in ("/account", "/search/suggestions?q=a", "/api/v1/openapi.json", "/sign-in"):
        for origin in ("https://evil.example", "null"):
            answer = client.get(page, headers={"Origin": origin})
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", OUTSIDE)
def test_no_parameter_leads_out_of_the_archive(world: World, target: str) -> None:
    assert local_path(target, "/fallback") == "/fallback"
    client = world.browser(world.victim)
    answers = [
        client.get("/sign-in", query_string={"next": target}),
        post(client, CHANGE, {"language": "en", "next": target}),
        post(client, "/language", {"language": "en", "next": target}),
        client.post(f"/language?next={quote(target, safe='')}", data={"csrf_token": request_token(client)}),
    ]
    for answer in answers:
        assert answer.status_code == 303
        assert urlsplit(urljoin("http://localhost/x", answer.location)).netloc == "localhost"
        assert "evil" not in answer.location


@pytest.mark.parametrize("target", INSIDE)
def test_a_path_of_the_archive_stays_one(world: World, target: str) -> None:
    client = world.browser(world.victim)
    answer = post(client, CHANGE, {"language": "en", "next": target})
    assert urlsplit(urljoin("http://localhost/x", answer.location)).netloc == "localhost"
    assert answer.location == target


def test_the_page_that_somebody_came_from_decides_nothing(world: World) -> None:
    client = world.browser(world.victim)
    answer = post(client, CHANGE, {"language": "en"}, headers={"Referer": "https://evil.example/x"})
    assert answer.location == "/"
    assert "evil" not in client.get("/sign-in?next=//evil.example", headers={"Referer": "https://evil"}).text


def test_the_door_keeps_no_foreign_target_in_its_form(world: World) -> None:
    page = world.browser(None).get("/sign-in", query_string={"next": "//evil.example"}).text
    hidden = page.partition("<main")[2]
    assert 'name="next"' in hidden
    assert "evil.example" not in hidden


# --- names of hosts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:80", "169.254.169.254"]
)
def test_a_name_that_is_not_ours_is_refused(world: World, host: str) -> None:
    """An archive that listens on the loopback answers no page that has its own name pointed there."""
    client = world.browser(world.victim)
    for page in ("/sign-in", "/account", "/api/v1/me", "/nothing-here", "/web/static/lantai.css"):
        answer = client.get(page, headers={"Host": host})
        assert answer.status_code == 400, page
        assert host.partition(":")[0] not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1:8000", "[::1]:8000"])
def test_its_own_names_open_it_at_any_port(world: World, host: str) -> None:
    assert world.browser(None).get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("base_url", "listening", "known", "unknown"),
    [
        ("https://archive.example:8443", "0.0.0.0", "archive.example", "evil.example"),
        ("https://档案.example", "127.0.0.1", "xn--dyv4b.example", "example"),
        ("", "127.0.0.1", "localhost", "archive.example"),
        ("", "::1", "::1", "archive.example"),
    ],
)
def test_which_names_are_ours(base_url: str, listening: str, known: str, unknown: str) -> None:
    hosts = own_hosts(base_url, listening)
    assert known in hosts
    assert unknown not in hosts
    assert {"127.0.0.1", "localhost"} <= hosts


def test_without_a_configured_name_a_network_may_use_any() -> None:
    assert own_hosts("", "0.0.0.0") == own_hosts("", "192.0.2.7") == frozenset()


def test_no_forwarded_header_is_believed_that_no_proxy_was_announced_for(world: World) -> None:
    client = world.browser(world.victim)
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=https",
        "X-Original-URL": "/health",
        "X-Rewrite-URL": "/health",
    }
    answer = client.get("/account", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert "203.0.113.9" not in answer.text
    assert "Strict-Transport-Security" not in answer.headers


def test_lists_taken_along_link_to_the_configured_address(world: World) -> None:
    """Whatever name a request comes under, it cannot get into a list."""
    client = world.browser(world.victim)
    told = post(client, "/search/export?q=%E7%83%AD%E5%80%BC", {"form": "csv"}, headers={"Host": "localhost:9999"})
    assert told.status_code == 200
    assert b"9999" not in told.data
    assert world.app.config["LANTAI_BASE_URL"].encode() in told.data
