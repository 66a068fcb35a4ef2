"""The pages of supervision as a browser without scripts sees them, and the mark on pages and downloads."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.supervision.reading import list_own_grants, view_grant
from archive_app.supervision.scopes import MOST_THINGS
from archive_app.web.gate import SESSION_COOKIE
from search.reading import render_page
from tests.bench.installation import sign_in
from tests.conftest import Workbench
from tests.factories import People, file_bytes
from tests.files import pdf
from tests.functional.api_client import Program, token_of
from tests.supervised import WHOLE, Scene, days, granted, scene_of

SignedIn = Callable[[Actor], FlaskClient]


@pytest.fixture
def scene(people: People) -> Scene:
    return scene_of(people)


@pytest.fixture
def signed_in(archive: Archive, browser: Callable[[], FlaskClient]) -> SignedIn:
    def made(actor: Actor) -> FlaskClient:
        client = browser()
        client.set_cookie(SESSION_COOKIE, sign_in(archive, actor.person_id))
        client.set_cookie("lantai_language", "en")
        return client

    return made


def send(client: FlaskClient, address: str, **fields: object) -> tuple[int, str]:
    """Sends a form from the page it is on; where it leads, or what it answers."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/supervision/given").text or "")
    token = token or re.search(r'name="csrf-token" content="([^"]+)"', client.get("/supervision").text)
    assert token
    answer = client.post(address, data={"csrf_token": unescape(token[1]), **fields})
    return answer.status_code, answer.headers.get("Location") or answer.text


def chosen(page: str) -> list[str]:
    return re.findall(r'name="thing" value="([^"]+)"', page)


def test_from_the_request_to_the_look_without_scripts(scene: Scene, signed_in: SignedIn) -> None:
    supervisor, archivist = signed_in(scene.supervisor), signed_in(scene.archivist)
    fields = {"organisation_id": scene.body_id, "purpose": "检查 <甲>", "reference": "18号", "wanted": "2024\n全部"}
    assert send(supervisor, "/supervision/ask", until="soon", **fields)[0] == 422
    status, grant_page = send(supervisor, "/supervision/ask", until=days(20).isoformat(), **fields)
    assert status == 303
    assert "检查 &lt;甲&gt;" in archivist.get(grant_page).text
    assert "Waiting for the answer" in archivist.get("/supervision/given?shown=asked").text
    decide = f"{grant_page}/decide"
    status, page = send(archivist, decide, do="search", text="核查甲")
    assert (status, chosen(page)) == (200, [])
    [engagement] = re.findall(r'name="add" value="(engagement:[^"]+)"', page)
    page = send(archivist, decide, add=engagement)[1]
    page = send(archivist, decide, thing=chosen(page), add_year_of="body", year="2025")[1]
    page = send(archivist, decide, thing=chosen(page), add="whole")[1]
    assert chosen(page) == [engagement, "year:2025", "whole"]
    page = send(archivist, decide, thing=chosen(page), remove="whole")[1]
    assert chosen(page) == [engagement, "year:2025"]
    status, where = send(archivist, decide, thing=chosen(page), until=days(10).isoformat(), do="grant")
    assert (status, where) == (303, grant_page)
    filed = file_bytes(scene.leader, scene.first, "记录.txt", "排放".encode())
    assert supervisor.get(f"/documents/{filed.document_id}").status_code == 200
    told = archivist.get(grant_page).text
    assert "年度核查甲" in told
    assert "2025" in told
    assert re.search(r"记录\.txt</a></th>\s*<td[^>]*><time", told)
    assert "记录.txt" in archivist.get(f"/supervision/engagements/{scene.first.id}/looks").text
    assert send(archivist, f"{grant_page}/end", reason="")[0] == 303
    assert supervisor.get(f"/documents/{filed.document_id}").status_code == 200
    assert send(archivist, f"{grant_page}/end", reason="完成")[0] == 303
    assert supervisor.get(f"/documents/{filed.document_id}").status_code == 404


def test_what_cannot_be_granted_is_said_and_the_choice_kept(scene: Scene, signed_in: SignedIn) -> None:
    archivist = signed_in(scene.archivist)
    words = {"login": "somebody", "purpose": "检查", "reference": "1", "do": "offer", "until": days(3).isoformat()}
    offer = "/supervision/offer"
    assert "Nothing is chosen" in send(archivist, offer, **words)[1]
    for status, things in (
        (422, ["everything"]),
        (404, [f"engagement:{scene.elsewhere.id}"]),
        (404, [f"client:{scene.elsewhere.client_id}:2025"]),
        (422, [f"year:{1990 + number % 200}" for number in range(10_000)]),
        (422, ["whole"] * (MOST_THINGS + 1)),
    ):
        assert send(archivist, offer, thing=things, **words)[0] == status
    for until, login in (("2020-01-01", "somebody"), (days(3).isoformat(), "a b")):
        status, page = send(archivist, offer, thing=["whole"], **{**words, "until": until, "login": login})
        assert (status, chosen(page)) == (422, ["whole"])
    assert "Nothing here" not in archivist.get("/supervision/given").text
    status, there = send(archivist, offer, thing=["whole"], **words)
    status_absent, absent = send(archivist, offer, thing=["whole"], **{**words, "login": "nobody.there"})
    assert status == status_absent == 303
    archivist.get("/supervision/given")  # reads the messages of both
    pages = [re.sub(r"somebody|nobody\.there", "…", archivist.get(page).text) for page in (there, absent)]
    stripped = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|content=\"[^\"]+\"|value=\"[^\"]+\"", "", page) for page in pages]
    assert stripped[0] == stripped[1]


def test_who_may_open_which_page(scene: Scene, signed_in: SignedIn) -> None:
    grant = granted(scene, WHOLE)
    pages = ("/supervision", "/supervision/ask", "/supervision/given", "/supervision/offer", f"/supervision/{grant.id}")
    expected = {
        scene.supervisor: (200, 200, 403, 403, 200),
        scene.colleague: (200, 200, 403, 403, 200),
        scene.archivist: (403, 403, 200, 200, 200),
        scene.leader: (403, 403, 403, 403, 404),
        scene.other_archivist: (403, 403, 200, 200, 404),
    }
    for actor, statuses in expected.items():
        client = signed_in(actor)
        assert tuple(client.get(page).status_code for page in pages) == statuses, actor.roles


def test_pages_of_what_is_seen_by_a_grant_bear_the_mark_and_others_none(
    scene: Scene, signed_in: SignedIn, workbench: Workbench
) -> None:
    granted(scene, WHOLE)
    filed = file_bytes(scene.leader, scene.first, "记录.txt", "排放".encode())
    workbench.run()
    supervisor, leader = signed_in(scene.supervisor), signed_in(scene.leader)
    seen = (
        f"/engagements/{scene.first.id}",
        f"/engagements/{scene.first.id}/team",
        f"/documents/{filed.document_id}",
        f"/documents/{filed.document_id}/similar",
    )
    for address in seen:
        page = supervisor.get(address)
        assert page.status_code == 200, address
        assert page.text.count('class="mark-banner"') == 1, address
        assert re.search(r'<svg class="mark-cover" aria-hidden="true"', page.text), address
        assert "年度双随机检查" in page.text
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*src=)", page.text), address
        assert "style-src 'self'" in page.headers["Content-Security-Policy"]
        assert "mark-" not in leader.get(address).text
    hits = supervisor.get("/search?q=排放").text
    assert ("mark-cover" in hits, "mark-banner" in hits) == (True, False)
    assert "沈督察" in hits
    assert "mark-" not in supervisor.get("/supervision").text
    assert "mark-" not in supervisor.get(f"/documents/{scene.first.id}").text


def test_downloads_lead_to_what_bears_the_mark(scene: Scene, signed_in: SignedIn, app: Flask) -> None:
    granted(scene, WHOLE)
    content = pdf(("一号锅炉",))
    document_id = file_bytes(scene.leader, scene.first, "报告.pdf", content).document_id
    supervisor = signed_in(scene.supervisor)
    version = f"/documents/{document_id}/versions/1"
    page = supervisor.get(f"/documents/{document_id}").text
    assert f'href="{version}/package.zip"' in page
    assert f'href="{version}/watermarked.pdf"' in page
    assert f'href="{version}/content"' not in page
    led = supervisor.get(f"{version}/content")
    assert (led.status_code, led.headers["Location"]) == (303, f"{version}/package.zip")
    packed = supervisor.get(led.headers["Location"])
    assert packed.headers["Cache-Control"] == "no-store"
    assert zipfile.ZipFile(io.BytesIO(packed.data)).read("original/报告.pdf") == content
    copy = supervisor.get(f"{version}/watermarked.pdf")
    assert hashlib.sha256(content).hexdigest() in copy.headers["Content-Disposition"]
    assert render_page(io.BytesIO(copy.data), "pdf", 0, width_px=100).page_count == 2
    drawn = supervisor.get(f"{version}/pages/1-320.webp")
    assert (drawn.status_code, drawn.headers["Cache-Control"]) == (200, "no-store")
    leader = signed_in(scene.leader)
    assert leader.get(f"{version}/content").data == content
    assert leader.get(f"{version}/package.zip").status_code == 404
    assert drawn.data != leader.get(f"{version}/pages/1-320.webp").data


def test_a_program_of_a_supervisor_gets_the_package(scene: Scene, app: Flask) -> None:
    granted(scene, WHOLE)
    document_id = file_bytes(scene.leader, scene.first, "记录.txt", b"exact").document_id
    program = Program(app, token_of(scene.supervisor, "read"))
    answer = program.get(f"/documents/{document_id}/versions/1/content")
    assert answer.status_code == 200
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert packed.read("original/记录.txt") == b"exact"
    assert "江环函" in packed.read("cover.html").decode()


def test_an_offer_is_taken_on_the_own_page(scene: Scene, signed_in: SignedIn, archive: Archive) -> None:
    with archive.reading(scene.supervisor) as uow:
        login = uow.session.get_one(Person, scene.supervisor.person_id).login
    words = {"purpose": "检查", "reference": "1", "do": "offer", "until": days(3).isoformat(), "thing": ["year:2024"]}
    where = send(signed_in(scene.archivist), "/supervision/offer", login=login, **words)[1]
    supervisor = signed_in(scene.supervisor)
    assert "Take the access" in supervisor.get(where).text
    assert send(supervisor, f"{where}/take")[0] == 303
    assert supervisor.get(f"/engagements/{scene.first.id}").status_code == 200
    [line] = list_own_grants(scene.supervisor).items
    assert view_grant(scene.archivist, grant_id=line.grant.id).line.state == "living"
