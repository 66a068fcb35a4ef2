"""The pages of identity over HTTP: the door, the set-up, the account, the people."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archive_app.identity.granting import grant_roles
from archive_app.identity.people import view_own_account
from archive_app.identity.setting_up import create_setup_link
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.web.gate import SESSION_COOKIE
from tests.factories import PASSWORD, People, sign_in_by_page

Browser = Callable[[], FlaskClient]
CHOSEN = "selbst gewählt und gut"
SET_UP = {
    "language": "en",
    "organisation_name": "江苏绿衡核查有限公司",
    "display_name": "王敏",
    "login": "wangmin",
    "password": CHOSEN,
    "password_again": CHOSEN,
}


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Makes clients that ask for pages, each with cookies of its own."""

    def make() -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    return make


def send(client: FlaskClient, address: str, *, page: str = "", base: str = "", **fields: object) -> TestResponse:
    """Posts a form as a browser does: with the request token of the page that holds it."""
    base = base or "http://localhost"
    shown = client.get(page or address, base_url=base, follow_redirects=True).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', shown)
    assert token
    return client.post(address, base_url=base, data={"csrf_token": token[1], **fields})


def enter(client: FlaskClient, person: Actor) -> FlaskClient:
    return sign_in_by_page(current_archive(), client, person)


def in_english(client: FlaskClient) -> FlaskClient:
    client.set_cookie("lantai_language", "en")
    return client


def fresh_link(page: str) -> str:
    (found,) = re.findall(r'<code class="digest">([^<]+/link/[^<]+)</code>', page)
    path: str = urlsplit(found).path
    return path


def test_set_up_leads_in_and_closes_behind(archive: Archive, browser: Browser) -> None:
    token = create_setup_link(archive)
    client = browser()
    answer = send(client, f"/set-up/{token}", **SET_UP)
    assert (answer.status_code, answer.location) == (303, "/account/second-factor?next=/")
    page = client.get("/account").text
    assert '<html lang="en">' in page
    assert "System administrator, Archivist, Team leader" in page
    assert client.get("/people").location == "/account/second-factor?next=/people"
    again = in_english(browser()).get(f"/set-up/{token}")
    assert again.status_code == 422
    assert "already set up" in again.text


def test_a_refused_set_up_shows_why_and_keeps_what_was_typed(archive: Archive, browser: Browser) -> None:
    client, token = in_english(browser()), create_setup_link(archive)
    differing = send(client, f"/set-up/{token}", **(SET_UP | {"password_again": "another"}))
    assert differing.status_code == 422
    assert "The two passwords differ." in differing.text
    assert 'aria-invalid="true"' in differing.text
    guessable = send(
        client, f"/set-up/{token}", **(SET_UP | {"password": "wangmin12345", "password_again": "wangmin12345"})
    )
    assert "easily guessed" in guessable.text
    assert "江苏绿衡核查有限公司" in guessable.text
    assert "wangmin12345" not in guessable.text


@pytest.mark.parametrize(("base", "is_secure"), [("http://localhost", False), ("https://localhost", True)])
def test_the_cookie_is_safe(app: Flask, browser: Browser, people: People, base: str, is_secure: bool) -> None:
    app.config["SESSION_COOKIE_SECURE"] = is_secure
    login = view_own_account(people.person("verifier")).login
    answer = send(browser(), "/sign-in", base=base, login=login, password=PASSWORD)
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if SESSION_COOKIE in c]
    assert cookie.startswith("__Host-") is is_secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is is_secure


def test_nothing_the_browser_held_before_signing_in_lives_on(browser: Browser, people: People) -> None:
    client = browser()
    client.set_cookie(SESSION_COOKIE, "A" * 43)
    with client.session_transaction() as form_session:
        form_session["planted"] = "by somebody else"
    enter(client, people.person("verifier"))
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    assert cookie.value != "A" * 43
    with client.session_transaction() as form_session:
        assert "planted" not in form_session


def test_signing_out_closes_the_door(browser: Browser, people: People) -> None:
    client = enter(browser(), people.person("verifier"))
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    assert send(client, "/sign-out", page="/account").status_code == 303
    assert client.get_cookie(SESSION_COOKIE) is None
    client.set_cookie(SESSION_COOKIE, cookie.value)
    assert urlsplit(client.get("/account").location).path == "/sign-in"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/people?state=invited", "/people?state=invited"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("\thttps://elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
    ],
)
def test_after_signing_in_people_stay_in_the_archive(
    browser: Browser, people: People, wanted: str, reached: str
) -> None:
    login = view_own_account(people.person("verifier")).login
    answer = send(browser(), "/sign-in", login=login, password=PASSWORD, next=wanted)
    assert answer.location == reached


def test_whoever_is_not_signed_in_is_led_to_the_door_and_back(browser: Browser, people: People) -> None:
    client = browser()
    door = client.get("/people?text=a")
    assert door.status_code == 303
    login = view_own_account(people.person("verifier")).login
    assert send(client, door.location, login=login, password=PASSWORD).location == "/people?text=a"


def test_wrong_and_unknown_look_the_same(browser: Browser, people: People) -> None:
    login = view_own_account(people.person("verifier")).login
    pages = []
    for tried in (login, "nobody"):
        answer = send(in_english(browser()), "/sign-in", login=tried, password="wrong wrong wrong")
        assert answer.status_code == 422
        pages.append(re.sub(r'content="[^"]+"|value="[^"]*"', "", answer.text))
    assert pages[0] == pages[1]
    assert "do not open the archive" in pages[0]


@pytest.mark.parametrize("address", ["/sign-in", "/sign-out", "/language", "/account/password", "/people/invite"])
def test_every_form_needs_its_request_token(browser: Browser, people: People, address: str) -> None:
    client = enter(browser(), people.person("system_administrator"))
    assert client.post(address, data={"language": "en"}).status_code == 400


def test_an_invitation_from_the_form_to_the_first_page(browser: Browser, people: People) -> None:
    administrator = enter(in_english(browser()), people.person("system_administrator"))
    form: dict[str, Any] = {
        "display_name": "李建国",
        "login": "lijianguo",
        "roles": ["verifier", "team_leader"],
        "language": "en",
    }
    answer = send(administrator, "/people/invite", **form)
    assert answer.status_code == 303
    link = fresh_link(administrator.get(answer.location).text)
    assert link not in administrator.get(answer.location).text, "the link is shown once"

    guest = browser()
    assert "李建国" in guest.get(link).text
    assert send(guest, link, password=CHOSEN, password_again=CHOSEN).status_code == 303
    assert "Team leader, Verifier" not in guest.get("/account").text, "what is only proposed does not count"
    officer, whom = people.person("security_officer"), answer.location.rpartition("/")[2]
    grant_roles(officer, person_id=whom, roles=["verifier", "team_leader"])
    assert "Team leader, Verifier" in guest.get("/account").text
    assert in_english(browser()).get(link).status_code == 422


def test_people_are_listed_managed_and_found(browser: Browser, people: People) -> None:
    administrator = enter(in_english(browser()), people.person("system_administrator"))
    target = people.person("verifier", name="小<b>明")
    assert "小&lt;b&gt;明" in administrator.get("/people?role=verifier").text
    assert "Account since" in administrator.get("/people").text
    assert "Nobody matches." in administrator.get("/people?text=zzz").text
    page = f"/people/{target.person_id}"
    assert send(administrator, f"{page}/proposals", page=page, roles=["archivist"]).status_code == 303
    assert "The proposals were changed." in administrator.get(page).text
    assert fresh_link(administrator.get(send(administrator, f"{page}/link", page=page).location).text)
    assert send(administrator, f"{page}/deactivate", page=page).status_code == 303
    assert "Deactivated" in administrator.get(page).text
    assert send(administrator, f"{page}/reactivate", page=page).status_code == 303
    assert administrator.get("/people?after=rubbish").status_code == 422
    assert administrator.get("/people/00000000-0000-0000-0000-000000000000").status_code == 404


def test_the_account_page_changes_what_is_ones_own(browser: Browser, people: People) -> None:
    person = people.person("verifier")
    client, other = enter(in_english(browser()), person), enter(browser(), person)
    sessions = client.get("/account").text
    (ending,) = re.findall(r'action="(/account/sessions/[^"]+/end)"', sessions)
    assert send(client, ending, page="/account").status_code == 303
    assert other.get("/account").status_code == 303
    wrong = send(client, "/account/password", page="/account", present="x", password=CHOSEN, password_again=CHOSEN)
    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    right = {"present": PASSWORD, "password": CHOSEN, "password_again": CHOSEN}
    assert send(client, "/account/password", page="/account", **right).status_code == 303
    assert send(client, "/account/profile", page="/account", display_name="新名", language="en").status_code == 303
    assert "新名" in client.get("/account").text


def test_the_language_is_remembered_in_the_browser_and_for_the_person(browser: Browser, people: People) -> None:
    person = people.person("verifier")
    client = enter(browser(), person)
    assert '<html lang="zh-CN">' in client.get("/account").text
    answer = send(client, "/account/language", page="/account", language="en", next="/account")
    assert answer.location == "/account"
    assert '<html lang="en">' in client.get("/account").text
    assert '<html lang="en">' in enter(browser(), person).get("/account").text


@pytest.mark.parametrize("role", ["verifier", "archivist", "team_leader"])
def test_others_do_not_reach_the_people(browser: Browser, people: People, role: str) -> None:
    client = enter(browser(), people.person(role))
    assert client.get("/people").status_code == 403
    assert 'href="/people"' not in client.get("/account").text


def test_pages_hold_no_inline_script_or_style(browser: Browser, people: People) -> None:
    client = enter(browser(), people.person("system_administrator"))
    pages = [browser().get("/sign-in"), *(client.get(a) for a in ("/account", "/people", "/people/invite", "/nothing"))]
    for page in pages:
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.text)
        assert "'unsafe" not in page.headers["Content-Security-Policy"]
