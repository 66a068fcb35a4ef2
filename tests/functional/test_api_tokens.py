"""Access tokens on one's account page: made after confirming, shown once, ended."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from archive_app.identity.access_tokens import MOST_TOKENS, end_token, list_own_tokens, make_token
from archive_app.identity.models import AccessToken
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConfirmationRequiredError, InvalidInputError, NotFoundError
from archive_app.kernel.events import Event, EventDetail
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People
from tests.functional.api_client import Program, token_of


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="顾言")


@pytest.fixture
def client(app: Flask, archive: Archive, leader: Actor) -> FlaskClient:
    made = app.test_client()
    made.set_cookie(SESSION_COOKIE, sign_in(archive, leader.person_id))
    made.set_cookie("lantai_language", "en")
    return made


def send(client: FlaskClient, address: str, **fields: Any) -> Any:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/account/tokens").text)
    assert found
    return client.post(address, data={"csrf_token": found[1], **fields})


def fields(**other: Any) -> dict[str, Any]:
    return {"name": "ERP", "scopes": ["read", "file"], "days": 30, **other}


def test_a_token_is_shown_once_works_and_is_ended(app: Flask, client: FlaskClient, leader: Actor) -> None:
    assert "/account/tokens" in client.get("/account").text
    page = send(client, "/account/tokens", **fields())
    [token] = re.findall(r"<code class=\"digest\">(lantai_[\w-]{43})</code>", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    program = Program(app, token)
    assert program.get("/engagements").status_code == 200
    assert program.get("/events").status_code == 403
    again = client.get("/account/tokens").text
    assert "ERP" in again
    assert token not in again
    [line] = list_own_tokens(leader).items
    assert (line.scopes, line.last_used_at is not None) == (("read", "file"), True)
    assert send(client, f"/account/tokens/{line.id}/end").status_code == 303
    assert program.get("/engagements").status_code == 401
    assert list_own_tokens(leader).items == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["log"]},
        {"scopes": ["everything"]},
        {"days": 0},
        {"days": 366},
        {"days": "soon"},
        {"name": ""},
    ],
    ids=str,
)
def test_a_wrong_form_makes_nothing(client: FlaskClient, leader: Actor, wrong: dict[str, Any]) -> None:
    page = send(client, "/account/tokens", **fields(**wrong))
    assert page.status_code == 422
    assert "lantai_" not in re.sub(r"lantai_(form|session|language)", "", page.text)
    assert list_own_tokens(leader).items == []


def test_only_somebody_who_confirmed_lately_makes_one(
    app: Flask, client: FlaskClient, leader: Actor, clock: SetClock
) -> None:
    with pytest.raises(ConfirmationRequiredError):
        make_token(replace(leader, confirmed_at=None), name="x", scopes=["read"], days=1)
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/account/tokens").text)
    assert found
    clock.advance(minutes=10)
    asked = client.get("/account/tokens", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.location) == (303, "/confirm?next=/account/tokens")
    late = client.post("/account/tokens", data={"csrf_token": found[1], **fields()}, headers={"Accept": "text/html"})
    assert late.status_code == 403
    assert 'href="/confirm?next=/account/tokens"' in late.text
    assert list_own_tokens(leader).items == []


@both_databases
def test_only_a_digest_is_kept_and_the_log_tells(archive: Archive, leader: Actor) -> None:
    token = token_of(leader, "read")
    with archive.reading(leader) as uow:
        row = uow.session.scalars(select(AccessToken)).one()
        assert token not in repr({column.name: getattr(row, column.name) for column in row.__table__.columns})
        assert len(row.token_digest) == 32
        told = select(EventDetail.detail).join(Event, Event.id == EventDetail.event_id)
        [detail] = uow.session.scalars(told.where(Event.code == "token.made"))
    assert token not in detail
    assert "engagement:documents:read" in detail
    end_token(leader, token_id=row.id)
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(Event.actor).where(Event.code == "token.ended")) == leader.person_id


def test_nobody_ends_a_colleagues_token(people: People, leader: Actor) -> None:
    token_of(leader, "read")
    [line] = list_own_tokens(leader).items
    with pytest.raises(NotFoundError):
        end_token(people.person("system_administrator"), token_id=line.id)
    assert list_own_tokens(people.person("archivist")).items == []


def test_the_last_use_is_written_once_a_minute(app: Flask, archive: Archive, leader: Actor, clock: SetClock) -> None:
    program = Program(app, token_of(leader, "read"))
    seen = []
    for seconds in (0, 30, 31):
        clock.advance(seconds=seconds)
        program.get("/me")
        seen.append(list_own_tokens(leader).items[0].last_used_at)
    assert seen[0] == seen[1] != seen[2] == clock.now()


def test_there_are_at_most_fifty(archive: Archive, leader: Actor) -> None:
    token_of(leader, "read")
    with archive.transaction(leader, eventless=True) as uow:
        row = uow.session.scalars(select(AccessToken)).one()
        for number in range(MOST_TOKENS - 1):
            facts = {column.name: getattr(row, column.name) for column in row.__table__.columns}
            uow.session.add(AccessToken(**facts | {"id": uow.new_id(), "token_digest": bytes([number]) * 32}))
    with pytest.raises(InvalidInputError):
        token_of(leader, "read")


def test_tokens_that_ended_long_ago_are_forgotten(
    archive: Archive, leader: Actor, clock: SetClock, workbench: Workbench
) -> None:
    token_of(leader, "read", days=1)
    workbench.run()
    clock.advance(days=30)
    with archive.transaction(leader, eventless=True) as uow:
        uow.session.execute(text("UPDATE job SET due_at = created_at WHERE kind = 'identity.tidy'"))
    workbench.run()
    with archive.reading(leader) as uow:
        assert len(uow.session.scalars(select(AccessToken.id)).all()) == 1
