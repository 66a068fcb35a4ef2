"""Schemes over HTTP: what a complete file holds, and opening engagements with a scheme, by page and by program."""

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archive_app.engagements.clients import add_client, list_clients
from archive_app.engagements.engagements import EngagementFilters, list_engagements
from archive_app.engagements.record_types import all_record_types
from archive_app.engagements.schemes import USUAL_SCHEME, all_schemes
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.factories import People, declare, engagement_of, signed_in
from tests.functional.api_client import Program, token_of
from tests.functional.test_declaration_pages import send

Browser = Callable[[Actor, str], FlaskClient]
LANGUAGES = {"zh_Hans_CN": "zh", "en": "en"}


@pytest.fixture
def browser(app: Flask, archive: Archive) -> Browser:
    """Signs people in, each with a browser of their own in a language."""

    def make(person: Actor, language: str = "en") -> FlaskClient:
        client = signed_in(archive, app.test_client(), person, language=language)
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    return make


def test_everybody_signed_in_reads_what_a_complete_file_holds(app: Flask, people: People, browser: Browser) -> None:
    contact = people.person("reporting_contact", organisation="江南热电")
    assert app.test_client().get("/schemes").status_code in {302, 303, 401}
    for tag, language in LANGUAGES.items():
        reader = browser(contact, tag)
        listed = html.unescape(reader.get("/schemes").text)
        for scheme in all_schemes().values():
            assert f'href="/schemes/{scheme.code}"' in listed
            assert scheme.summary.text(tag) in listed
            page = html.unescape(reader.get(f"/schemes/{scheme.code}").text)
            for stage in scheme.stages:
                assert getattr(stage.name, language) in page
                for record in stage.records:
                    assert getattr(all_record_types()[record.type].name, language) in page
                    assert record.source in page
            for line in scheme.request_lines:
                assert getattr(line.explanation, language) in page
    for address in ("/schemes/no_such", f"/schemes/{USUAL_SCHEME}?version=7", "/schemes/x%00"):
        assert reader.get(address).status_code == 404


def test_an_engagement_is_opened_with_a_scheme_by_page(archive: Archive, people: People, browser: Browser) -> None:
    leader = people.person("team_leader")
    original = engagement_of(leader)
    page = browser(leader, "en")
    form = html.unescape(page.get("/engagements/new").text)
    for scheme in all_schemes().values():
        assert f'value="{scheme.code}"' in form
        assert scheme.summary.en in form
    assert re.search(rf'<input[^>]*checked[^>]*value="{USUAL_SCHEME}"', form)
    said = {"client_id": original.client_id, "number": "F-1", "title": "复查", "year": "2025"}
    asked = {**said, "scheme": "key_emitter_recheck"}
    refused = send(page, "/engagements/new", **asked)
    assert refused.status_code == 422
    assert "Say which engagement this one follows." in refused.text
    assert "This client has no such" in send(page, "/engagements/new", **asked, parent_number="X").text
    assert send(page, "/engagements/new", **{**asked, "scheme": "no_such"}).status_code == 422
    opened = send(page, "/engagements/new", **asked, parent_number=original.number)
    assert opened.status_code == 303
    # Where nothing is said, it is the usual scheme, with its activity.
    assert send(page, "/engagements/new", **{**said, "number": "F-2"}).status_code == 303
    for line in list_engagements(people.person("archivist"), filters=EngagementFilters()).items:
        declare(archive, line.engagement.id)
    lines = {line.engagement.number: line for line in list_engagements(leader, filters=EngagementFilters()).items}
    assert lines["F-1"].engagement.parent_id == original.id
    assert (lines["F-2"].engagement.scheme, lines["F-2"].engagement.activity) == (USUAL_SCHEME, "verification")
    listed = page.get("/engagements?scheme=key_emitter_recheck&stage=assignment").text
    assert "<code>F-1</code>" in listed
    assert "<code>F-2</code>" not in listed
    assert 'value="assignment" selected' in listed
    assert "<code>F-1</code>" not in page.get("/engagements?scheme=key_emitter_recheck&stage=report").text
    assert "接受复查任务" in browser(leader, "zh_Hans_CN").get("/engagements").text


def test_a_client_gets_its_sector_by_page(people: People, browser: Browser) -> None:
    leader = people.person("team_leader")
    page = browser(leader, "en")
    assert send(page, "/clients", name="江南热电厂", sector="power_generation").status_code == 303
    client = list_clients(leader).items[0]
    assert client.sector == "power_generation"
    assert "Power generation" in page.get("/clients").text
    address = f"/clients/{client.id}"
    assert '<option selected value="power_generation">' in page.get(address).text
    assert send(page, address, sector="cement").status_code == 303
    assert list_clients(leader).items[0].sector == "cement"
    assert send(page, address, sector="magic").status_code == 422


def test_programs_open_engagements_with_a_scheme(app: Flask, people: People) -> None:
    keeper = people.person("archivist")
    program = Program(app, token_of(keeper, "read", "open"))
    client = program.post("/clients", {"name": "江南热电厂", "sector": "power_generation"}).json
    assert client["sector"] == "power_generation"
    assert program.post("/clients", {"name": "另一厂", "sector": "magic"}).status_code == 422
    said = {"client_id": client["id"], "title": "核查", "year": 2025}
    first = program.post("/engagements", {**said, "number": "A-1"}).json
    assert (first["scheme"], first["scheme_version"], first["stage"]) == (USUAL_SCHEME, "1", "arrangement")
    assert (first["parent_id"], first["sealed_at"], first["activity"]) == (None, None, "verification")
    asked = {**said, "number": "A-2", "scheme": "key_emitter_recheck"}
    assert program.post("/engagements", asked).status_code == 422
    second = program.post("/engagements", {**asked, "parent_number": "A-1"}).json
    assert second["parent_id"] == first["id"]
    service = program.post("/engagements", {**said, "number": "A-3", "scheme": "carbon_service_project"}).json
    assert service["activity"] == "service"
    assert program.post("/engagements", {**said, "number": "A-4", "scheme": "no_such"}).status_code == 422
    found = program.get("/engagements?scheme=key_emitter_recheck").json["items"]
    assert [line["number"] for line in found] == ["A-2"]
    assert program.get("/engagements?stage=needs").json["items"][0]["number"] == "A-3"


def test_changed_clients_are_not_of_others(people: People, browser: Browser) -> None:
    leader = people.person("team_leader")
    client = add_client(leader, name="江南热电厂")
    stranger = browser(people.person("team_leader", organisation="乙"), "en")
    assert send(stranger, f"/clients/{client.id}", page="/clients", sector="cement").status_code == 404
    assert list_clients(leader).items[0].sector is None
