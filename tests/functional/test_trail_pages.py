"""The pages of the audit log, as a browser sees them."""

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from archive_app.documents.checking import CHECKED
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.trail.reading import EventFilters, list_events
from tests.conftest import Workbench
from tests.factories import People, engagement_of, sign_in_by_page

Browser = Callable[[], FlaskClient]


def token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def signed_in(archive: Archive, browser: Browser, actor: Actor) -> FlaskClient:
    client = sign_in_by_page(archive, browser(), actor)
    client.set_cookie("lantai_language", "en")
    return client


@pytest.fixture
def archivist(people: People) -> Actor:
    return people.person("archivist", name="王档案")


@pytest.fixture
def client(archive: Archive, browser: Browser, archivist: Actor) -> FlaskClient:
    return signed_in(archive, browser, archivist)


def test_the_log_shows_positions_and_what_waits(client: FlaskClient, archivist: Actor, workbench: Workbench) -> None:
    engagement = engagement_of(archivist, title="<b>年度核查</b>")
    page = client.get("/log").text
    assert "Waiting for the log" in page
    assert "&lt;b&gt;年度核查" in page
    assert "<b>年度" not in page
    workbench.run()
    page = client.get("/log").text
    assert re.search(r">#\d+</a>", page)
    assert "王档案" in page
    line = next(
        line for line in list_events(archivist, filters=EventFilters()).items if line.code == "engagement.opened"
    )
    shown = client.get(f"/log?engagement={engagement.id}&action=engagement.opened&person={archivist.person_id}")
    assert shown.text.count('<th scope="row">') == 1
    assert client.get("/log?from=2000-01-01&to=2000-01-02").text.count('<th scope="row">') == 0
    assert "年度核查" in client.get(f"/log/events/{line.id}").text


def test_the_verifier_key_stands_beside_the_checkpoint(
    client: FlaskClient, archive: Archive, archivist: Actor, workbench: Workbench
) -> None:
    engagement_of(archivist)
    workbench.run()
    page = client.get("/log").text
    assert f'<code class="digest">{archive.verification_key}</code>' in page
    assert f'data-copy="{archive.verification_key}"' in page


@pytest.mark.parametrize(
    ("actor", "shown"),
    [
        (Actor.system("operator", via="cli"), "Operator"),
        (Actor.system("verifier"), "System <small>Verification</small>"),
        (Actor.system("brandnew"), "System <small>brandnew</small>"),
        (Actor.anonymous(), "Not signed in"),
    ],
    ids=lambda value: value.name if isinstance(value, Actor) else "",
)
def test_whoever_is_no_person_is_named_in_words(
    client: FlaskClient, archive: Archive, people: People, actor: Actor, shown: str
) -> None:
    with archive.transaction(actor) as uow:
        uow.record(CHECKED, {"organisation": people.organisation()}, title="x")
        event_id = uow.session.scalars(select(Event.id).where(Event.actor == actor.name)).one()
    assert shown in client.get(f"/log/events/{event_id}").text
    assert f'<td data-label="Person">{shown}</td>' in client.get("/log").text


def test_a_wrong_filter_is_said(client: FlaskClient) -> None:
    assert client.get("/log?from=yesterday").status_code == 422
    assert client.get("/log?after=nonsense").status_code == 422


def test_verification_runs_as_a_job_and_is_shown(client: FlaskClient, archivist: Actor, workbench: Workbench) -> None:
    engagement_of(archivist)
    workbench.run()
    assert client.post("/log/verify").status_code == 400
    assert client.post("/log/verify", data={"csrf_token": token(client, "/log")}).status_code == 303
    assert "Verification under way" in client.get("/log").text
    workbench.run()
    page = client.get("/log").text
    assert "Verification under way" not in page
    assert "No problem" in page


def test_checkpoint_and_proof_are_downloaded(
    client: FlaskClient, archive: Archive, archivist: Actor, workbench: Workbench
) -> None:
    engagement_of(archivist)
    [line, *_] = list_events(archivist, filters=EventFilters()).items
    assert client.get(f"/log/events/{line.id}/proof.json").status_code == 409
    workbench.run()
    note = client.get("/log/checkpoint")
    assert note.mimetype == "text/plain"
    assert note.data == (archive.data_directory / "checkpoint").read_bytes()
    proof = client.get(f"/log/events/{line.id}/proof.json")
    assert json.loads(proof.data)["checkpoint"] == note.text
    assert "attachment" in proof.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["/log", "/log/checkpoint", "/log/events/x", "/log/events/x/proof.json"])
def test_others_are_kept_out(app: Flask, archive: Archive, browser: Browser, people: People, path: str) -> None:
    assert browser().get(path).status_code in {303, 401}
    assert signed_in(archive, browser, people.person("verifier")).get(path).status_code == 403


@pytest.mark.parametrize("tail", ["", "/proof.json"])
def test_events_of_others_are_not_found(
    archive: Archive, browser: Browser, people: People, archivist: Actor, tail: str
) -> None:
    engagement_of(archivist)
    [line, *_] = list_events(archivist, filters=EventFilters()).items
    stranger = people.person("archivist", organisation="别家核查")
    assert signed_in(archive, browser, stranger).get(f"/log/events/{line.id}{tail}").status_code == 404
    assert signed_in(archive, browser, archivist).get("/log/events/x" + tail).status_code == 404
