"""Signing in with a second factor over HTTP: what half a session reaches, what each step changes, and the pages."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from archive_app.identity.links import RESET, issue_link
from archive_app.identity.models import Person, SecondFactor, SignInSession
from archive_app.identity.people import view_own_account
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.kernel.permissions import OF_HALF_SIGNED_IN, OF_SIGNED_IN
from archive_app.web.gate import SESSION_COOKIE
from tests.conftest import SetClock
from tests.factories import PASSWORD, People, second_factor_of, sign_in_by_page

Browser = Callable[[], FlaskClient]
SYSTEM = Actor.system("test")
OPEN_TO_EVERYBODY = {
    "rights.roles_page": "what the roles are is no secret",
    "supervision.grant_page": "the policy shows a grant to those who may give or use one, and to nobody without roles",
    "supervision.end": "so does the act",
    "schemes.list_page": "what a complete file holds is no secret",
    "schemes.scheme_page": "neither is one scheme",
    "abilities.own_page": "what is recorded about oneself",
    "disclosure.public_page": "what an organisation made public",
    "disclosure.public_content": "a file that it made public, counted and no more",
    "worklist.wish_page": "how one wants to be told",
    "worklist.confirm_page": "the link that was mailed to oneself",
    "worklist.confirm_action": "so does the act",
    "worklist.ask_again_action": "the same link once more",
}
AWAY = {
    "https://elsewhere.example/": "/",
    "//elsewhere.example/": "/",
    "/\\elsewhere.example": "/",
    "javascript:alert(1)": "/",
    "/a\r\nSet-Cookie: x=y": "/",
    "/account?after=x": "/account?after=x",
}


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Makes clients that ask for pages in English, each with cookies of its own."""

    def make() -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.set_cookie("lantai_language", "en")
        return client

    return make


@pytest.fixture
def archivist(people: People) -> Actor:
    return people.person("archivist", name="王档案")


def send(client: FlaskClient, address: str, *, page: str = "", **fields: object) -> TestResponse:
    shown = client.get(page or address).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', shown)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def half(client: FlaskClient, person: Actor, wanted: str = "/") -> TestResponse:
    login = view_own_account(person).login
    return send(client, "/sign-in", login=login, password=PASSWORD, next=wanted)


def not_enrolled(archive: Archive, person: Actor) -> None:
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.delete(uow.session.get_one(SecondFactor, person.person_id))


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(SESSION_COOKIE)
    return cookie.value if cookie else ""


def every_request(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route with a method and an address of it, static files left out."""
    some_id = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c11"
    for rule in app.url_map.iter_rules():
        if rule.endpoint.endswith("static"):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            numbers = {
                name: 1 if re.search(rf"int(\(.*?\))?:{name}", rule.rule) else some_id for name in rule.arguments
            }
            yield rule, method, app.url_map.bind("localhost").build(rule.endpoint, numbers, method=method)


@pytest.mark.parametrize("awaits", ["second_factor", "enrolment"])
def test_whoever_has_not_given_theirs_reaches_what_asks_for_it_and_nothing_else(
    app: Flask, archive: Archive, browser: Browser, archivist: Actor, awaits: str
) -> None:
    client = browser()
    if awaits == "enrolment":
        not_enrolled(archive, archivist)
    half(client, archivist)
    allowed = OF_HALF_SIGNED_IN if awaits == "second_factor" else OF_SIGNED_IN
    leads_to = "/sign-in/second-factor" if awaits == "second_factor" else "/account/second-factor"
    wrong, refused, reached = [], 0, set()
    for rule, method, address in every_request(app):
        if rule.rule.startswith("/material"):
            continue  # a door of its own: nobody's session counts there
        view: Any = app.view_functions[rule.endpoint]
        if view.permission in allowed and not rule.rule.startswith("/api/"):
            reached.add(rule.endpoint)
            continue
        answer = client.open(address, method=method)
        if rule.rule.endswith("openapi.json"):
            continue
        refused += 1
        if rule.rule.startswith("/api/"):
            wanted = answer.status_code == 401
        elif method in {"GET", "HEAD"}:
            wanted = answer.status_code == 303 and answer.location.startswith(leads_to + "?next=")
        else:
            wanted = answer.status_code == 403
        if not wanted:
            wrong.append(f"{method} {rule} answered {answer.status_code} {answer.location or ''}")
    assert wrong == []
    assert refused > 100
    assert {
        name for name in reached if not name.startswith(("identity.", "signing.", "web."))
    } <= OPEN_TO_EVERYBODY.keys()
    if awaits == "second_factor":
        assert reached >= {"signing.second_factor_page", "identity.sign_out_action", "web.set_language"}
        assert not {"identity.account_page", "identity.tokens_page", "signing.confirm_page"} & reached


def test_scripts_of_a_half_session_are_told_why(archive: Archive, browser: Browser, archivist: Actor) -> None:
    client = browser()
    half(client, archivist)
    answer = client.get("/search/suggestions?q=x", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "second_factor_required")
    with archive.reading(SYSTEM) as uow:
        denied = uow.session.scalars(select(Event.actor).where(Event.code == "access.denied")).all()
    assert denied == [archivist.person_id]


def test_from_the_door_to_the_page_that_was_wanted(archive: Archive, browser: Browser, archivist: Actor) -> None:
    client = browser()
    door = client.get("/clients?text=a")
    asked = send(client, door.location, login=view_own_account(archivist).login, password=PASSWORD)
    assert unquote(asked.location) == "/sign-in/second-factor?next=/clients?text=a"
    before = cookie_of(client)
    page = client.get(asked.location).text
    assert 'autocomplete="one-time-code"' in page
    assert "/account" not in page, "the menu offers nothing that is not open yet"
    wrong = send(client, asked.location, code="000000")
    assert (wrong.status_code, "is not right" in wrong.text) == (422, True)
    assert 'value="/clients?text=a"' in wrong.text
    fields = {"code": second_factor_of(archive, archivist.person_id), "next": "/clients?text=a"}
    answer = send(client, asked.location, **fields)
    assert (answer.status_code, answer.location) == (303, "/clients?text=a")
    assert cookie_of(client) not in {"", before}
    assert client.get("/clients").status_code == 200
    stale = browser()
    stale.set_cookie(SESSION_COOKIE, before)
    assert stale.get("/clients").location.startswith("/sign-in?"), "the token from before opens nothing"


def test_half_a_session_may_be_left_or_begun_anew(browser: Browser, archivist: Actor, people: People) -> None:
    client = browser()
    half(client, archivist)
    first = cookie_of(client)
    assert client.get("/").location == "/sign-in/second-factor"
    assert client.get("/sign-in").status_code == 200
    assert send(client, "/language", page="/sign-in", language="zh_Hans_CN").status_code == 303
    assert half(client, people.person("verifier")).location == "/"
    assert cookie_of(client) != first
    other = browser()
    half(other, archivist)
    assert send(other, "/sign-out", page="/sign-in/second-factor").location == "/sign-in"
    assert cookie_of(other) == ""


def test_a_half_session_is_over_after_ten_minutes(browser: Browser, archivist: Actor, clock: SetClock) -> None:
    client = browser()
    half(client, archivist)
    clock.advance(minutes=10)
    assert client.get("/sign-in/second-factor").location.startswith("/sign-in?next=")


def test_no_step_goes_on_under_the_token_of_the_step_before(
    archive: Archive, browser: Browser, people: People, clock: SetClock
) -> None:
    person = people.person("archivist")
    not_enrolled(archive, person)
    client = browser()
    client.set_cookie(SESSION_COOKIE, "A" * 43)
    tokens = ["A" * 43]

    def step(answer: TestResponse) -> None:
        assert answer.status_code in {200, 303}, answer.text
        tokens.append(cookie_of(client))

    step(half(client, person))
    page = client.get("/account/second-factor").text
    secret, sealed = secret_of(page), field(page, "sealed")
    device = pyotp.TOTP(secret)
    step(send(client, "/account/second-factor", sealed=sealed, code=device.at(clock.now())))
    clock.advance(minutes=1)
    step(send(client, "/confirm", password=PASSWORD, code=device.at(clock.now())))
    chosen = "selbst gewählt und gut"
    passwords = {"present": PASSWORD, "password": chosen, "password_again": chosen}
    step(send(client, "/account/password", page="/account", **passwords))
    clock.advance(minutes=1)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        link = issue_link(uow, RESET, person.person_id)
    step(send(client, f"/link/{link}", password=PASSWORD, password_again=PASSWORD))
    step(send(client, "/sign-in/second-factor", code=device.at(clock.now())))
    assert len(set(tokens)) == len(tokens) == 7
    for old in tokens[:-1]:
        stale = browser()
        stale.set_cookie(SESSION_COOKIE, old)
        assert stale.get("/account").status_code == 303
    assert client.get("/account").status_code == 200


def secret_of(page: str) -> str:
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_second_factor_is_set_up_on_its_page(
    archive: Archive, browser: Browser, archivist: Actor, clock: SetClock
) -> None:
    not_enrolled(archive, archivist)
    client = browser()
    enrolment = half(client, archivist, "/clients").location
    assert unquote(enrolment) == "/account/second-factor?next=/clients"
    shown = client.get(enrolment)
    page = shown.text
    picture = re.search(r'<img class="qr" src="data:image/svg\+xml[;,][^"]+"', page)
    assert picture, "the code for scanning is part of the page"
    assert shown.headers["Cache-Control"] == "no-store"
    secret, sealed = secret_of(page), field(page, "sealed")
    assert len(b64decode(sealed, altchars=b"-_")) == 4 + 12 + 32 + 16
    wrong = send(client, "/account/second-factor", sealed=sealed, code="000000", next="/clients")
    assert (wrong.status_code, secret_of(wrong.text)) == (422, secret), "the scanned secret stays"
    forged = send(client, "/account/second-factor", sealed="A" * 88, code=pyotp.TOTP(secret).at(clock.now()))
    assert forged.status_code == 422
    code = pyotp.TOTP(secret).at(clock.now())
    done = send(client, "/account/second-factor", sealed=sealed, code=code, next="/clients")
    codes = re.findall(r"<li><code>([A-Z2-7-]{29})</code>", done.text)
    assert (done.status_code, len(set(codes)), done.headers["Cache-Control"]) == (200, 10, "no-store")
    assert 'href="/clients"' in done.text
    assert client.get("/clients").status_code == 200
    after = client.get("/account/second-factor").text
    assert "Your roles need it, so it cannot be removed." in after
    assert codes[0] not in after
    assert secret not in after
    assert secret not in client.get("/account").text


def test_codes_are_made_anew_moved_and_removed(
    archive: Archive, browser: Browser, people: People, clock: SetClock
) -> None:
    person = people.person("verifier")
    client = sign_in_by_page(archive, browser(), person)
    assert "With a second factor a stolen password alone opens nothing." in client.get("/account").text
    page = client.get("/account/second-factor").text
    device = pyotp.TOTP(secret_of(page))
    send(client, "/account/second-factor", sealed=field(page, "sealed"), code=device.at(clock.now()))
    fresh = send(client, "/account/second-factor/codes", page="/account/second-factor")
    assert len(re.findall(r"<li><code>", fresh.text)) == 10
    moved = client.get("/account/second-factor?move=1").text
    assert secret_of(moved) != device.secret
    gone = send(client, "/account/second-factor/remove", page="/account/second-factor")
    assert (gone.status_code, gone.location) == (303, "/account")
    assert "Your second factor was removed." in client.get("/account").text
    assert send(client, "/account/second-factor/remove", page="/account").status_code == 409


def test_what_needs_a_confirmation_asks_for_it_and_comes_back(
    archive: Archive, browser: Browser, archivist: Actor, clock: SetClock
) -> None:
    client = sign_in_by_page(archive, browser(), archivist)
    page = client.get("/account/second-factor").text
    clock.advance(minutes=11)
    asked = client.get("/account/second-factor?move=1")
    assert (asked.status_code, unquote(asked.location)) == (303, "/confirm?next=/account/second-factor?move=1")
    token = field(page, "csrf_token")
    referred = {"Referer": "http://localhost/account?after=x"}
    late = client.post("/account/second-factor/codes", data={"csrf_token": token}, headers=referred)
    assert late.status_code == 403
    assert 'href="/confirm?next=/account?after%3Dx"' in late.text
    abroad = {"Referer": "http://elsewhere.example/account"}
    late = client.post("/account/second-factor/codes", data={"csrf_token": token}, headers=abroad)
    assert 'href="/confirm?next=/"' in late.text
    code = second_factor_of(archive, archivist.person_id)
    wrong = send(client, "/confirm", password="not mine", code=code, next="/account/second-factor?move=1")
    assert (wrong.status_code, "does not confirm" in wrong.text) == (422, True)
    assert 'value="/account/second-factor?move=1"' in wrong.text
    right = send(client, "/confirm", password=PASSWORD, code=code, next="/account/second-factor?move=1")
    assert right.location == "/account/second-factor?move=1"
    assert client.get(right.location).status_code == 200


@pytest.mark.parametrize("wanted", AWAY)
def test_no_step_leads_out_of_the_archive(archive: Archive, browser: Browser, archivist: Actor, wanted: str) -> None:
    client = browser()
    asked = half(client, archivist, wanted)
    assert unquote(asked.location) == f"/sign-in/second-factor?next={AWAY[wanted]}"
    code = second_factor_of(archive, archivist.person_id)
    assert send(client, "/sign-in/second-factor", code=code, next=wanted).location == AWAY[wanted]
    code = second_factor_of(archive, archivist.person_id)
    assert send(client, "/confirm", password=PASSWORD, code=code, next=wanted).location == AWAY[wanted]


def test_all_other_sessions_are_ended_from_the_account_page(archive: Archive, browser: Browser, people: People) -> None:
    person = people.person("verifier")
    here, there = (sign_in_by_page(archive, browser(), person) for _ in range(2))
    assert send(here, "/account/sessions/end-others", page="/account").location == "/account"
    page = here.get("/account").text
    assert "Your other sessions were ended." in page
    assert "End all others" not in page
    assert there.get("/account").status_code == 303


def test_the_door_is_closed_to_a_deactivated_person_between_the_steps(
    archive: Archive, browser: Browser, archivist: Actor
) -> None:
    client = browser()
    half(client, archivist)
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(Person, archivist.person_id).active = False
    assert client.get("/sign-in/second-factor").location.startswith("/sign-in?")
    with archive.reading(SYSTEM) as uow:
        assert [row.passed_at for row in uow.session.scalars(select(SignInSession))] == [None]
