"""The JSON interface as a whole: who comes in, strict input, problem documents, paging, the schema."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from archive_app.engagements.clients import add_client
from archive_app.identity.accounts import deactivate, reactivate
from archive_app.identity.granting import set_rights
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, current_archive
from archive_app.kernel.denials import ACCESS_DENIED, AnonymousDenials
from archive_app.kernel.events import Event
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of, enrolled_factor
from tests.functional.api_client import Program, fresh_key, token_of


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="顾言")


@pytest.fixture
def program(app: Flask, leader: Actor) -> Program:
    return Program(app, token_of(leader, "read", "file", "open"))


def told(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document, checked in what all have in common."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:lantai:problem:{code}")
    assert problem["title"]
    assert problem["detail"]
    return problem


@both_databases
def test_a_token_speaks_for_its_person_within_its_scopes(app: Flask, leader: Actor) -> None:
    me = Program(app, token_of(leader, "read")).get("/me").json
    assert (me["id"], me["name"], me["organisation_id"]) == (leader.person_id, "顾言", leader.organisation_id)
    assert set(me["permissions"]) == {
        "public:any:use",
        "self:any:use",
        "organisation:clients:read",
        "organisation:controlled:read",
        "organisation:duties:read",
        "organisation:laws:read",
        "engagement:engagements:read",
        "engagement:documents:read",
        "engagement:documents:export",
    }


def test_without_a_valid_token_nobody_comes_in(app: Flask, archive: Archive, leader: Actor) -> None:
    nobody = Program(app).get("/me")
    told(nobody, 401, "token_required")
    assert nobody.headers["WWW-Authenticate"] == 'Bearer realm="lantai"'
    wrong = Program(app, "lantai_wrong").get("/me")
    told(wrong, 401, "token_required")
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    told(Program(app, headers={"Authorization": "Basic YTpi"}).get("/me"), 401, "token_required")
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(AnonymousDenials.count)) == 3


def test_a_cookie_opens_nothing_here_and_a_token_no_page(app: Flask, archive: Archive, leader: Actor) -> None:
    browser = app.test_client()
    browser.set_cookie(SESSION_COOKIE, sign_in(archive, leader.person_id))
    assert browser.get("/account").status_code == 200
    told(browser.get("/api/v1/me"), 401, "token_required")
    program = Program(app, token_of(leader, "read"))
    told_both = {"Authorization": f"Bearer {program.token}", "Accept": "text/html"}
    answer = app.test_client().get("/account", headers=told_both)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]


def test_a_scope_that_is_missing_refuses_and_is_logged(app: Flask, archive: Archive, leader: Actor) -> None:
    reader = Program(app, token_of(leader, "read"))
    refused = reader.post("/clients", {"name": "新客户"})
    told(refused, 403, "permission_missing")
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    with archive.reading(leader) as uow:
        logged = uow.session.execute(select(Event.actor, Event.via).where(Event.code == ACCESS_DENIED.code)).all()
    assert [tuple(row) for row in logged] == [(leader.person_id, "api")]


def test_a_token_ends_with_its_time_its_role_and_its_person(
    app: Flask, people: People, clock: SetClock, leader: Actor
) -> None:
    administrator = people.person("system_administrator")
    short, long = Program(app, token_of(leader, "open", days=1)), Program(app, token_of(leader, "open", "read"))
    assert short.get("/clients").status_code == 200
    clock.advance(days=1)
    told(short.get("/clients"), 401, "token_required")
    set_rights(Actor.system("operator"), person_id=leader.person_id or "", roles=["verifier"])
    told(long.post("/clients", {"name": "甲"}), 403, "permission_missing")
    set_rights(Actor.system("operator"), person_id=leader.person_id or "", roles=["team_leader", "archivist"])
    told(long.get("/clients"), 403, "enrolment_required")
    with current_archive().transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.add(enrolled_factor(uow, leader.person_id or ""))
    assert long.get("/clients").status_code == 200
    told(long.get("/events"), 403, "permission_missing")
    deactivate(administrator, person_id=leader.person_id or "")
    told(long.get("/clients"), 401, "token_required")
    reactivate(administrator, person_id=leader.person_id or "")
    told(long.get("/clients"), 401, "token_required")


def test_events_say_that_a_program_acted(archive: Archive, program: Program, leader: Actor) -> None:
    assert program.post("/clients", {"name": "江南热电"}).status_code == 201
    with archive.reading(leader) as uow:
        assert uow.session.execute(select(Event.actor).where(Event.code == "client.added", Event.via == "api")).all()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "http_404"),
        ("GET", "/api/v2/clients", 404, "http_404"),
        ("GET", "/clients/not-an-id", 404, "http_404"),
        ("GET", "/documents/019aa2b4-11c0-7d04-8f7e-0a4de64b7c11/versions/0", 404, "http_404"),
        ("GET", "/documents/019aa2b4-11c0-7d04-8f7e-0a4de64b7c11/versions/99999999999999999999", 404, "http_404"),
        ("GET", "/clients/019aa2b4-11c0-7d04-8f7e-0a4de64b7c11", 404, "not_found"),
        ("DELETE", "/clients", 405, "http_405"),
        ("OPTIONS", "/clients", 405, "http_405"),
    ],
)
def test_what_is_not_there_is_a_problem_too(program: Program, method: str, path: str, status: int, code: str) -> None:
    answer = program.ask(method, path)
    told(answer, status, code)
    if status == 405:
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/clients?limit=0", "limit"),
        ("/clients?limit=201", "limit"),
        ("/clients?limit=1.0", "limit"),
        ("/clients?limit=%2B5", "limit"),
        ("/clients?limit=5&limit=6", "limit"),
        ("/clients?colour=red", "colour"),
        ("/clients?text=a%00b", "text"),
        ("/engagements?year=2025x", "year"),
        ("/engagements?client=1", "client"),
        ("/me?x=1", "x"),
        ("/clients?after=nonsense", "after"),
        ("/clients?after=WzEsMl0", "after"),
    ],
)
def test_a_wrong_parameter_is_named(program: Program, path: str, where: str) -> None:
    [fault] = told(program.get(path), 422, "invalid_input")["errors"]
    assert (fault["parameter"], "pointer" in fault) == (where, False)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "甲", "colour": "red"}, "/colour"),
        ({"name": "甲", "credit_code": "1"}, "/credit_code"),
        ([], ""),
        ("text", ""),
    ],
)
def test_a_wrong_value_is_named_by_its_place(program: Program, body: Any, where: str) -> None:
    [fault] = told(program.post("/clients", body), 422, "invalid_input")["errors"]
    assert (fault["pointer"], "parameter" in fault) == (where, False)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"name": "a"}', "text/plain", 415),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b'{"name": "' + b"a" * 2**21 + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_json_is_refused(program: Program, content: bytes, media_type: str, status: int) -> None:
    answer = program.ask(
        "POST", "/clients", data=content, headers={"Content-Type": media_type, "Idempotency-Key": fresh_key()}
    )
    told(answer, status, f"http_{status}")
    assert program.get("/clients").json["items"] == []


def test_problems_speak_the_language_that_is_asked_for(app: Flask) -> None:
    chinese, english = (Program(app, language=wanted).get("/me") for wanted in ("zh-CN,zh;q=0.9", "en-GB"))
    assert told(chinese, 401, "token_required")["title"] != told(english, 401, "token_required")["title"]
    assert "Accept-Language" in english.vary
    assert told(Program(app, language="fr").get("/me"), 401, "token_required") == chinese.json


def test_lists_are_followed_by_their_links(program: Program, leader: Actor) -> None:
    names = [f"客户 {number}" for number in range(5)]
    for name in names:
        add_client(leader, name=name)
    address, seen = "/clients?limit=2&text=%E5%AE%A2%E6%88%B7", []
    while address:
        answer = program.get(address)
        assert answer.status_code == 200, (address, answer.json)
        seen += [client["name"] for client in answer.json["items"]]
        address = answer.json["next"]
        assert answer.headers.get("Link") == (f'<{address}>; rel="next"' if address else None)
    assert seen == names


def test_an_unchanged_answer_is_not_sent_twice(program: Program, leader: Actor) -> None:
    first = program.get("/clients")
    again = program.get("/clients", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    add_client(leader, name="新客户")
    assert program.get("/clients", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_nothing_is_seen_across_organisations(app: Flask, people: People, leader: Actor) -> None:
    theirs = engagement_of(people.person("team_leader", "archivist", organisation="他方核查"))
    other = Program(app, token_of(people.person("team_leader", "archivist"), "read", "file", "open", "log"))
    for path in (
        f"/engagements/{theirs.id}",
        f"/engagements/{theirs.id}/documents",
        f"/clients/{theirs.client_id}",
        f"/organisations/{theirs.organisation_id}",
    ):
        told(other.get(path), 404, "not_found")
    told(other.send(f"/engagements/{theirs.id}/documents?name=a.txt", b"x"), 404, "not_found")
    body = {"client_id": theirs.client_id, "number": "X-1", "title": "X", "year": 2025}
    told(other.post("/engagements", body), 404, "not_found")
    assert other.get("/engagements").json["items"] == []
    seen = other.get("/events?engagement=" + theirs.id).json["items"]
    assert {event["code"] for event in seen} == {ACCESS_DENIED.code}, "only one's own refusals"


def test_the_schema_is_open_to_tools_and_complete(app: Flask) -> None:
    answer = Program(app).get("/openapi.json")
    assert answer.status_code == 200
    schema = answer.json
    assert schema["openapi"].startswith("3.1")
    routes = {
        (method.lower(), rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.rule.endswith("openapi.json")
        for method in rule.methods or ()
        if method != "HEAD"
    }
    described = [(method, path, told) for path, methods in schema["paths"].items() for method, told in methods.items()]
    assert len(described) == len(routes)
    assert len({told["operationId"] for *_, told in described}) == len(described)
    for method, path, operation in described:
        assert operation["summary"], path
        assert {"401", "403", "422"} <= operation["responses"].keys()
        if method != "get":
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert "Idempotency-Key" in names
    text = json.dumps(schema)
    assert '"example"' in text
    missing = [ref for ref in _refs(schema) if ref.rpartition("/")[2] not in schema["components"]["schemas"]]
    assert not missing


def test_every_answer_has_an_example_that_is_one(app: Flask) -> None:
    wrong = []
    operations = [view.operation for view in app.view_functions.values() if hasattr(view, "operation")]
    assert len(operations) > 50
    for operation in operations:
        if operation.answer is None:
            continue
        if operation.example is None:
            wrong.append(f"{operation.name}: none")
            continue
        read = operation.answer.model_validate_json(json.dumps(operation.example))
        if read.model_dump(mode="json") != operation.example:
            wrong.append(f"{operation.name}: {read.model_dump(mode='json')}")
    assert not wrong, wrong


def _refs(told: Any) -> list[str]:
    if isinstance(told, dict):
        return [told[name] for name in ("$ref",) if name in told] + [r for value in told.values() for r in _refs(value)]
    return [ref for value in told for ref in _refs(value)] if isinstance(told, list) else []
