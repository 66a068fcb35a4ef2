"""Fields that nobody asked for, and values of another type: ignored in forms, refused in JSON, and nothing changes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from archive_app.identity.access_tokens import make_token, scopes_for
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.tables import Base
from archive_app.web.api.routes import Operation
from tests.factories import engagement_of
from tests.security.attacked import World, post, request_token

PLANTED_ID = "019effff-0000-7000-8000-00000000beef"
PLANTED_TEXT = "由外人写入"
PLANTED = {
    "id": PLANTED_ID,
    "person_id": PLANTED_ID,
    "organisation_id": PLANTED_ID,
    "owner_id": PLANTED_ID,
    "created_by": PLANTED_ID,
    "filed_by": PLANTED_ID,
    "granted_by": PLANTED_ID,
    "granted_at": "1999-09-09T09:09:09+00:00",
    "declared_at": "1999-09-09T09:09:09+00:00",
    "confirmed_at": "1999-09-09T09:09:09+00:00",
    "passed_at": "1999-09-09T09:09:09+00:00",
    "created_at": "1999-09-09T09:09:09+00:00",
    "expires_at": "2999-09-09T09:09:09+00:00",
    "role": "security_officer",
    "role[]": "security_officer",
    "permissions": "system:any:run",
    "is_admin": "true",
    "active": "0",
    "runs_archive": "1",
    "highest_level": "3",
    "password_hash": PLANTED_TEXT,
    "state": PLANTED_TEXT,
    "__class__": PLANTED_TEXT,
    "__proto__[x]": PLANTED_TEXT,
    "constructor.prototype.x": PLANTED_TEXT,
}
MARKS = (PLANTED_ID, PLANTED_TEXT, "1999, 9, 9", "2999, 9, 9")
HUGE = 10**40
SCOPES = ("read", "file", "open", "import", "inbox", "cases", "records", "log")


@pytest.fixture(scope="module")
def person(world: World) -> Actor:
    return world.people.person("team_leader", name="普通人")


def forms(world: World, person: Actor) -> Iterator[tuple[str, dict[str, str], set[str]]]:
    """A form, what belongs into it, and the tables in which it may change something."""
    engagement = engagement_of(person)
    yield "/account/profile", {"display_name": "新名字", "language": "en"}, {"person"}
    yield "/account/language", {"language": "en"}, {"person"}
    yield "/clients", {"name": "海岸水泥", "credit_code": ""}, {"client"}
    fields = {"client_id": engagement.client_id, "number": "MA-1", "title": "普通核查", "year": "2025"}
    yield "/engagements/new", {**fields, "activity": "verification"}, {"engagement", "assignment", "deadline", "task"}
    yield "/search/saved?q=a", {"name": "我的检索"}, {"saved_search", "saved_search_seen"}
    yield f"/engagements/{engagement.id}/uploads/clear", {}, {"upload"}


def test_a_form_takes_its_own_fields_and_no_others(world: World, person: Actor) -> None:
    client = world.browser(person)
    for address, fields, tables in forms(world, person):
        before = world.rows()
        answer = post(client, address, {**PLANTED, **fields})
        assert answer.status_code in {200, 303, 422}, (address, answer.status_code)
        after = world.rows()
        touched = {name for name in after if after[name] != before[name]}
        assert touched <= tables | {"job"}, address
        assert not [row for name in touched for row in after[name].values() if any(mark in row for mark in MARKS)]
    with world.archive.reading(Actor.system("test")) as uow:
        row = uow.session.get_one(Person, person.person_id)
        assert (row.display_name, row.active, row.organisation_id) == ("新名字", True, person.organisation_id)
        roles = Base.metadata.tables["person_role"]
        held = select(roles.c.role).where(roles.c.person_id == person.person_id)
        assert uow.session.scalars(held).all() == ["team_leader"]


def test_the_same_field_twice_counts_once(world: World, person: Actor) -> None:
    """Whatever stands between us and the browser, one value is checked and the same one is used."""
    client = world.browser(person)
    token = request_token(client)
    body = f"csrf_token={token}&language=en&display_name=%E7%94%B2&display_name=" + "x" * 3000
    answer = client.post("/account/profile?display_name=%E4%B9%99", data=body, content_type=FORM)
    assert answer.status_code == 303
    with world.archive.reading(Actor.system("test")) as uow:
        assert uow.session.get_one(Person, person.person_id).display_name == "甲"


FORM = "application/x-www-form-urlencoded"


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def token(world: World, person: Actor) -> str:
    able = {scope.key for scope in scopes_for(person.permissions)}
    return make_token(person, name="程序", scopes=[scope for scope in SCOPES if scope in able], days=30).token


def operations(world: World) -> list[Operation]:
    """The writes of the interface that take JSON."""
    found = [view.operation for view in world.app.view_functions.values() if hasattr(view, "operation")]
    return [operation for operation in found if operation.body is not None]


def send(world: World, token: str, operation: Operation, body: Any, key: str) -> Any:
    views = world.app.view_functions.items()
    [endpoint] = [name for name, view in views if getattr(view, "operation", None) is operation]
    [rule] = world.app.url_map.iter_rules(endpoint)
    values = dict.fromkeys(rule.arguments, PLANTED_ID)
    path = str(world.app.url_map.bind("localhost").build(endpoint, values, method=operation.method))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Accept-Language": "en"}
    raw = body if isinstance(body, str) else json.dumps(body)
    return world.app.test_client().open(
        path, method=operation.method, data=raw, headers=headers, content_type="application/json"
    )


def test_every_write_refuses_fields_that_it_does_not_know(world: World, token: str) -> None:
    before, tried = world.rows(), 0
    for operation in operations(world):
        answer = send(world, token, operation, PLANTED, f"mass-{operation.name}")
        if answer.status_code == 403:
            continue
        tried += 1
        own = set(operation.body.model_fields) if operation.body else set()
        assert answer.status_code == 422, (operation.name, answer.text)
        named = {fault.get("pointer", "").strip("/").partition("/")[0] for fault in answer.json["errors"]}
        unknown = {name for name in PLANTED if name not in own and "/" not in name and "~" not in name}
        assert unknown <= named, operation.name
    assert tried >= 8
    assert world.rows() == before


WRONG = [True, 1, -1, 0.5, HUGE, "true", "1", "", None, [], {}, ["x"], {"$ne": None}, "a\x00b", "\ud800", "x" * 100_000]


def test_no_write_takes_a_value_of_another_type(world: World, token: str) -> None:
    """Each field of each body gets each wrong value; whatever comes of it, it is no error of ours and changes nothing
    that is not the person's."""
    before, wrong = world.rows(), []
    for operation in operations(world):
        assert operation.body is not None
        for field, info in operation.body.model_fields.items():
            for number, value in enumerate(WRONG):
                answer = send(world, token, operation, {field: value}, f"type-{operation.name}-{field}-{number}")
                if answer.status_code >= 500:
                    wrong.append(f"{operation.name}: {field} = {value!r:.40} answered {answer.status_code}")
                kind = str(info.annotation)
                fits = answer.status_code in {200, 201}
                if fits and "bool" in kind and not isinstance(value, bool):
                    wrong.append(f"{operation.name}: {field} = {value!r:.40} was taken for a truth value")
    assert not wrong, wrong
    assert world.changed(before) == []


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"name":' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"name": NaN}',
        '{"name": 1e999}',
        '{"name": ' + "9" * 100_000 + "}",
        '{"name": "a", "name": 1}',
        "null",
        "true",
        '"x"',
        "﻿{}",
    ],
)
def test_json_that_is_made_to_hurt_is_refused(world: World, token: str, body: str) -> None:
    for operation in operations(world)[:3]:
        answer = send(world, token, operation, body, f"deep-{operation.name}-{hash(body)}")
        assert answer.status_code in {400, 403, 413, 422}, (operation.name, answer.status_code)


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"files":' * 50_000, '{"files": ' + "9" * 50_000 + "}", "x", "{}", "[]", "1"]
)
def test_json_of_pages_that_is_made_to_hurt_is_refused(world: World, person: Actor, body: str) -> None:
    client, engagement = world.browser(person), engagement_of(person)
    headers = {"X-CSRF-Token": request_token(client), "Accept": "application/json"}
    path = f"/engagements/{engagement.id}/uploads"
    answer = client.post(path, data=body, headers=headers, content_type="application/json")
    assert answer.status_code in {400, 413, 422}, answer.text


@pytest.mark.parametrize("size", [True, "1", -1, 0.5, HUGE, None, [1], {"a": 1}])
@pytest.mark.parametrize("field", ["size", "size_bytes", "path", "name", "modified"])
def test_an_announcement_of_another_type_is_refused(world: World, person: Actor, field: str, size: object) -> None:
    client, engagement = world.browser(person), engagement_of(person)
    headers = {"X-CSRF-Token": request_token(client), "Accept": "application/json"}
    told = {"files": [{"path": "a.txt", "name": "a.txt", "size": 1, "size_bytes": 1, field: size}]}
    answer = client.post(f"/engagements/{engagement.id}/uploads", json=told, headers=headers)
    # Fields of other names are nobody's; these two are asked for, and never guessed.
    wrong = field == "size" or (field == "path" and not isinstance(size, str))
    assert answer.status_code == (422 if wrong else 200), answer.text
