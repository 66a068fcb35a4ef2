"""Pages of people, rights and organisations: each member's part, and that a form says nothing it was not asked."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from archive_app.identity.granting import propose_roles
from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.people import view_person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import SetClock
from tests.factories import People
from tests.functional.api_client import Program, token_of

CODE = "91350100M000100Y43"


@dataclass
class Desk:
    """A signed-in browser that asks for pages in English."""

    client: FlaskClient

    def get(self, address: str) -> TestResponse:
        return self.client.get(address)

    def send(self, address: str, *, page: str = "", **fields: object) -> TestResponse:
        """Posts a form with the request token of the page that holds it."""
        token = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get(page or "/account").text)
        assert token
        return self.client.post(address, data={"csrf_token": token[1], **fields})

    def link(self, address: str) -> str:
        """The one-time link that a page shows."""
        (found,) = re.findall(r'<code class="digest">([^<]+/link/[^<]+)</code>', self.get(address).text)
        path: str = urlsplit(found).path
        return path


@pytest.fixture
def desk(app: Flask, archive: Archive) -> Callable[[Actor], Desk]:
    """Signs people in, past both factors."""

    def enter(person: Actor) -> Desk:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.set_cookie("lantai_language", "en")
        client.set_cookie(SESSION_COOKIE, sign_in(archive, person.person_id))
        return Desk(client)

    return enter


Enter = Callable[[Actor], Desk]


@pytest.fixture
def administrator(people: People) -> Actor:
    return people.person("system_administrator", name="管理员")


@pytest.fixture
def officer(people: People) -> Actor:
    return people.person("security_officer", name="保密员")


def counted(archive: Archive) -> tuple[object, ...]:
    """All rights there are, and the accounts and organisations they belong to."""
    with archive.reading(Actor.anonymous()) as uow:
        rights = select(PersonRole.person_id, PersonRole.role, PersonRole.granted_at)
        people = select(Person.id, Person.display_name, Person.login, Person.active, Person.highest_level)
        bodies = select(Organisation.id, Organisation.name, Organisation.kind, Organisation.runs_archive)
        return tuple(sorted(map(tuple, uow.session.execute(rows).all())) for rows in (rights, people, bodies))


def denials(archive: Archive) -> int:
    with archive.reading(Actor.anonymous()) as uow:
        return uow.session.scalar(select(func.count()).where(Event.code == "access.denied")) or 0


def test_a_colleague_is_invited_proposed_and_granted(people: People, desk: Enter, administrator: Actor) -> None:
    first, form = desk(administrator), {"display_name": "李<b>建国", "login": "lijianguo", "language": "en"}
    assert "no active Security officer" in first.get("/people").text
    invited = first.send("/people/invite", **form, roles=["verifier", "security_officer"])
    assert invited.status_code == 303
    link, page = first.link(invited.location), first.get(invited.location).text
    assert link not in page, "the link is shown once"
    assert "李&lt;b&gt;建国" in page
    assert "Appoint as security officer" in page
    assert "Proposed: Security officer, Verifier" in first.get("/people?waiting=1").text
    appoint = f"{invited.location}/appoint"
    assert "Appoint 李&lt;b&gt;建国?" in first.get(appoint).text
    assert first.send(appoint).status_code == 303
    assert "Appointed, but not here so far: 李&lt;b&gt;建国" in first.get("/people").text
    assert first.send(appoint).status_code == 422, "a second time there is nothing to appoint"

    second = desk(people.person("security_officer"))
    assert "Your organisation has no active Security officer" not in second.get("/rights").text
    assert "no active Security auditor" in second.get("/rights").text
    assert ">Decide<" in second.get("/rights").text
    rights = f"{invited.location}/rights"
    assert second.send(f"{rights}/decision", page=rights, roles=["verifier"], decision="grant").status_code == 303
    assert "Nothing waits for a decision." in second.get("/rights").text
    shown = second.get(invited.location).text
    assert "管理员" in shown
    assert shown.count("Granted") >= 2


def test_an_officer_refuses_takes_away_and_bounds(
    archive: Archive, people: People, desk: Enter, administrator: Actor, officer: Actor
) -> None:
    whom = people.person("verifier", "quality_manager").person_id or ""
    propose_roles(administrator, person_id=whom, roles=["top_manager", "team_leader"])
    client, rights = desk(officer), f"/people/{whom}/rights"
    sent = client.send(f"{rights}/decision", page=rights, roles=["top_manager"], decision="refuse", reason="未到任")
    assert sent.status_code == 303
    assert client.send(rights, roles=["verifier"], highest_level="1").status_code == 303
    person = view_person(officer, person_id=whom)
    assert (person.roles, person.proposed, person.highest_level) == (
        frozenset({"verifier"}),
        frozenset({"team_leader"}),
        Level.INTERNAL,
    )
    nothing = client.send(f"{rights}/decision", page=rights, decision="grant")
    assert nothing.status_code == 422
    assert "Choose at least one." in nothing.text
    for level in ("true", "4", "-1", "", "1.0"):
        assert client.send(rights, roles=["verifier"], highest_level=level).status_code == 422
    assert view_person(officer, person_id=whom) == person


def test_a_second_factor_is_cleared(people: People, desk: Enter, officer: Actor) -> None:
    whom, client = people.person("archivist").person_id or "", desk(officer)
    assert "Clear the second factor" in client.get(f"/people/{whom}/rights").text
    assert client.send(f"/people/{whom}/rights/second-factor").status_code == 303
    assert "Not enrolled" in client.get(f"/people/{whom}").text
    assert client.send(f"/people/{whom}/rights/second-factor").status_code == 422
    own = f"/people/{officer.person_id}/rights"
    assert "Nobody gives rights to themselves" in client.send(f"{own}/second-factor").text


def test_nobody_decides_about_themselves(archive: Archive, desk: Enter, administrator: Actor, officer: Actor) -> None:
    propose_roles(administrator, person_id=officer.person_id or "", roles=["archivist"])
    client, own = desk(officer), f"/people/{officer.person_id}/rights"
    before = counted(archive)
    assert "another security officer does" in client.get(own).text
    assert "Somebody else decides" in client.get("/rights").text
    granting = client.send(f"{own}/decision", roles=["archivist"], decision="grant")
    setting = client.send(own, roles=["security_officer", "archivist"], highest_level="3")
    for refused in (granting, setting):
        assert refused.status_code == 422
        assert "Nobody gives rights to themselves" in refused.text
    assert counted(archive) == before
    assert denials(archive) == 2


def test_deciding_asks_who_it_is(
    archive: Archive, people: People, desk: Enter, clock: SetClock, officer: Actor
) -> None:
    whom, client = people.person("verifier").person_id, desk(officer)
    page = client.get(f"/people/{whom}/rights")
    assert page.status_code == 200
    clock.instant += archive.rules.confirmation_window
    led = client.get(f"/people/{whom}/rights")
    assert led.status_code == 303
    assert urlsplit(led.location).path == "/confirm"
    before = counted(archive)
    assert client.send(f"/people/{whom}/rights", roles=[], highest_level="0").status_code == 403
    assert counted(archive) == before


@pytest.mark.parametrize("member", ["system_administrator", "security_officer"])
def test_people_of_others_are_not_there(archive: Archive, people: People, desk: Enter, member: str) -> None:
    client = desk(people.person(member))
    stranger = people.person("verifier", organisation="另一家")
    propose_roles(
        people.person("system_administrator", organisation="另一家"),
        person_id=stranger.person_id or "",
        roles=["team_leader"],
    )
    before, tried = counted(archive), denials(archive)
    posts = {
        "system_administrator": ("proposals", "link", "deactivate", "reactivate", "appoint"),
        "security_officer": ("rights", "rights/decision", "rights/second-factor"),
    }[member]
    nobody = "00000000-0000-7000-8000-000000000000"
    fields: dict[str, Any] = {"roles": ["team_leader"], "decision": "grant", "highest_level": "0"}
    for path in posts:
        answers = [client.send(f"/people/{whom}/{path}", **fields) for whom in (stranger.person_id, nobody)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        shown = [re.sub(r'(content|value)="[^"]*"', "", answer.text) for answer in answers]
        assert shown[0].replace(str(stranger.person_id), "") == shown[1].replace(nobody, "")
    assert counted(archive) == before
    assert denials(archive) - tried == len(posts)
    assert str(stranger.person_id) not in client.get("/people").text
    for path in ("true", "1", "%00", "..%2f", "x" * 300):
        assert client.get(f"/people/{path}").status_code == 404


def test_fields_that_no_form_has_change_nothing(
    archive: Archive, people: People, desk: Enter, administrator: Actor, officer: Actor
) -> None:
    whom = people.person("verifier")
    more: dict[str, Any] = {
        "organisation_id": people.organisation("另一家"),
        "active": "false",
        "login": "root",
        "granted_at": "2026-01-01",
        "granted_by": administrator.name,
        "proposed_by": "system:operator",
        "password_hash": "x",
        "runs_archive": "true",
        "person_id": officer.person_id,
        "highest_level": "3",
    }
    before = counted(archive)
    first = desk(administrator)
    assert first.send(f"/people/{whom.person_id}/proposals", roles=["team_leader"], **more).status_code == 303
    person = view_person(officer, person_id=whom.person_id or "")
    assert (person.roles, person.proposed) == (frozenset({"verifier"}), frozenset({"team_leader"}))
    assert counted(archive)[1:] == before[1:]
    changes: dict[str, Any] = {"display_name": "新人", "login": "xinren", "language": "en", "roles": ["archivist"]}
    answer = first.send("/people/invite", **(more | changes))
    invited = view_person(officer, person_id=answer.location.rpartition("/")[2])
    assert (invited.login, invited.roles, invited.highest_level) == ("xinren", frozenset(), Level.SENSITIVE)
    assert invited.organisation_name == "绿源核查"


def test_forged_roles_are_refused_and_noted(archive: Archive, people: People, desk: Enter, officer: Actor) -> None:
    administrator, whom = people.person("system_administrator"), people.person("verifier").person_id
    first, second = desk(administrator), desk(officer)
    before = counted(archive)
    for role in ("supervisor", "emperor", "x" * 900):
        assert first.send(f"/people/{whom}/proposals", roles=[role]).status_code == 422
        assert second.send(f"/people/{whom}/rights", roles=["verifier", role], highest_level="2").status_code == 422
        assert second.send(f"/people/{whom}/rights/decision", roles=[role], decision="grant").status_code == 422
    assert counted(archive) == before
    assert denials(archive) == 9


def test_the_last_administrator_reads_why_they_stay(people: People, desk: Enter, administrator: Actor) -> None:
    answer = desk(administrator).send(f"/people/{administrator.person_id}/deactivate")
    assert answer.status_code == 422
    assert "only active system administrator" in answer.text


@pytest.mark.parametrize("role", ["archivist", "security_auditor", "supervisor", "team_leader"])
def test_others_do_not_reach_these_pages(people: People, desk: Enter, role: str) -> None:
    kind = "authority" if role == "supervisor" else "verification_body"
    people.organisation("第一家")
    people.organisation("第二家", kind)
    client = desk(people.person(role, organisation="第二家"))
    for address in ("/people", "/people/invite", "/rights", "/organisations", "/organisations/add"):
        assert client.get(address).status_code == 403
        assert f'href="{address}"' not in client.get("/account").text
    assert client.get("/roles").status_code == 200


def test_the_roles_are_shown_in_words(people: People, desk: Enter) -> None:
    page = desk(people.person("verifier")).get("/roles").text
    for words in ("Security officer", "Grant and refuse roles", "Never together with", "Authority", "Required"):
        assert words in page
    assert "organisation:" not in page.replace("organisation:people", ""), "permissions are words, not codes"


def test_an_organisation_is_added_renamed_and_let_in(
    archive: Archive, people: People, desk: Enter, administrator: Actor
) -> None:
    client = desk(administrator)
    form = {
        "name": "江南市生态环境局",
        "kind": "authority",
        "display_name": "陈立",
        "login": "chenli",
        "language": "en",
    }
    wrong = client.send("/organisations/add", **form, credit_code="91350100M000100Y44")
    assert wrong.status_code == 422
    assert "does not fit the others" in wrong.text
    assert client.send("/organisations/add", **(form | {"kind": "ministry"})).status_code == 422
    added = client.send("/organisations/add", **form, credit_code=CODE, runs_archive="true")
    assert added.status_code == 303
    first = client.link(added.location)
    page = client.get(added.location).text
    assert "0 active of 1" in page
    assert "chenli" not in page
    assert client.send(f"{added.location}/invitation").status_code == 303
    assert client.get(first).status_code == 422, "the earlier link stopped working"
    changed = client.send(added.location, name="江南生态环境局", credit_code="", kind="verification_body")
    assert changed.status_code == 303
    listed = client.get("/organisations?kind=authority").text
    assert "江南生态环境局" in listed
    assert "绿源核查" not in re.sub(r"<header.*?</header>", "", listed, flags=re.DOTALL)
    with archive.reading(Actor.anonymous()) as uow:
        rows = uow.session.execute(select(Organisation.name, Organisation.runs_archive)).all()
    assert {row[0]: row[1] for row in rows} == {"绿源核查": True, "江南生态环境局": False}


def test_programs_read_organisations_and_grant_nothing(app: Flask, people: People) -> None:
    people.organisation()
    people.organisation("二所", "verification_body")
    people.organisation("某局", "authority")
    supervisor = people.person("supervisor", organisation="某局")
    listed = Program(app, token_of(supervisor, "read")).get("/organisations").json["items"]
    assert {(one["name"], one["kind"]) for one in listed} == {
        ("绿源核查", "verification_body"),
        ("二所", "verification_body"),
        ("某局", "authority"),
    }
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert not [route for route in routes if re.search("role|right|people|person|grant(?!s)", route)]


def test_these_pages_hold_no_inline_script_or_style(
    people: People, desk: Enter, administrator: Actor, officer: Actor
) -> None:
    whom = people.person("verifier").person_id
    pages = [
        *(desk(administrator).get(a) for a in ("/people", f"/people/{whom}", "/organisations", "/organisations/add")),
        *(desk(officer).get(a) for a in ("/rights", f"/people/{whom}/rights", "/roles")),
    ]
    for page in pages:
        assert page.status_code == 200
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.text)
