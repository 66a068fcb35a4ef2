"""Nonconformities over HTTP: the team's pages, the client's pages behind their link, and the JSON interface."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from archive_app.casework.models import MaterialRequest, Nonconformity, RequestSession
from archive_app.casework.requests.client.views import SESSION_COOKIE
from archive_app.engagements.models import Engagement
from archive_app.identity.tokens import new_token, token_digest
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.conftest import SignedIn
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import Program, token_of

ANSWER = {"correction": "已更正", "cause": "抄录错误", "similar_cases": "", "corrective_action": ""}


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def member(people: People) -> Actor:
    return people.person("verifier", name="顾言")


@pytest.fixture
def engagement(leader: Actor, member: Actor) -> Engagement:
    return engagement_of(leader, team=[member], title="望溪纸业年度核查")


@pytest.fixture
def client(app: Flask, archive: Archive, engagement: Engagement) -> FlaskClient:
    """The client's browser, which opened the link of a material request."""
    token = new_token()
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        request = MaterialRequest(
            id=uow.new_id(), engagement_id=engagement.id, recipient="王工", channel="told", address="",
            language="en", message="", link_sha256=b"x" * 32, until=uow.now + timedelta(days=30), sent_at=uow.now,
            received_bytes=0, created_by="system:test", created_at=uow.now,
        )  # fmt: skip
        uow.session.add(request)
        uow.session.flush()
        session = RequestSession(
            id=uow.new_id(), request_id=request.id, token_sha256=token_digest(token), name="王工", address="",
            opened_at=uow.now, until=uow.now + timedelta(hours=2),
        )  # fmt: skip
        uow.session.add(session)
    made = app.test_client()
    made.environ_base["HTTP_ACCEPT"] = "text/html"
    made.set_cookie(SESSION_COOKIE, token)
    made.set_cookie("lantai_language", "en")
    return made


def send(client: FlaskClient, address: str, page: str, /, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page, follow_redirects=True).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def test_from_raising_to_confirming(
    english: SignedIn, client: FlaskClient, archive: Archive, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    shown = file_bytes(leader, engagement, "检测报告.txt", b"report").document_id
    base = f"/engagements/{engagement.id}/nonconformities"
    of_leader, of_member = english(leader), english(member)
    assert "No nonconformity was raised." in of_leader.get(base).text
    wish = {"grade": "major", "clause": "5.2", "statement": "热值不一致\n第二行", "evidence": "第2页", "days": "10"}
    refused = send(of_leader, base, f"{base}/new", **{**wish, "days": "0"})
    assert (refused.status_code, "热值不一致" in refused.text) == (422, True)
    with archive.reading(Actor.system("test")) as uow:
        link = uow.session.scalars(select(MaterialRequest.id)).one()
    raised = send(of_leader, base, f"{base}/new", **wish, documents=[shown], request_id=link)
    assert raised.status_code == 303
    page = raised.location
    told = of_leader.get(page).text
    for words in ("Nonconformity 1", "热值不一致", "检测报告.txt", "Answers by the link of 王工", "Raised"):
        assert words in told
    # The client, by the link: what was raised, and no document of the team's.
    assert "Nonconformities: 1 to answer" in client.get("/material/").text
    listed = client.get("/material/nonconformities").text
    own = re.search(r'href="(/material/nonconformities/[0-9a-f-]+)"', listed)
    assert own is not None
    first = client.get(own[1]).text
    assert "热值不一致" in first
    assert "检测报告.txt" not in first
    files = {"files": [(io.BytesIO(b"mended"), "整改.txt"), (io.BytesIO(b""), "空.txt")]}
    assert send(client, f"{own[1]}/files", own[1], **files).status_code == 303
    after = client.get(own[1]).text
    assert ("1 files arrived whole." in after, "整改.txt" in after, "空.txt: " in after) == (True, True, True)
    lacking = send(client, f"{own[1]}/answer", own[1], **{**ANSWER, "cause": ""})
    assert (lacking.status_code, "已更正" in lacking.text) == (422, True)
    assert send(client, f"{own[1]}/answer", own[1], **ANSWER).status_code == 303
    # Answered once more, it says in which state it is.
    assert send(client, f"{own[1]}/answer", own[1], **ANSWER).status_code == 422
    returned = send(of_leader, f"{page}/return", page, reason="原因不充分", days="5")
    assert returned.status_code == 303
    assert "原因不充分" in client.get(own[1]).text
    assert send(client, f"{own[1]}/answer", own[1], **ANSWER).status_code == 303
    assert send(of_member, f"{page}/confirmation", page, effectiveness="抽查有效").status_code == 303
    told = of_member.get(page).text
    for words in ("Confirmed", "抽查有效", "整改.txt", "By the link", "Accepted"):
        assert words in told
    assert 'href="' + page in of_member.get(f"{base}?state=confirmed&grade=major").text
    assert "No nonconformity is like this." in of_member.get(f"{base}?state=raised").text
    assert of_member.get(f"{base}?state=unheard-of").status_code == 422


def test_refusals_are_shown_where_they_were_asked_for(
    english: SignedIn, leader: Actor, engagement: Engagement, people: People
) -> None:
    base = f"/engagements/{engagement.id}/nonconformities"
    of_leader = english(leader)
    wish = {"grade": "minor", "clause": "5.2", "statement": "无依据", "days": "10"}
    page = send(of_leader, base, f"{base}/new", **wish).location
    answered = send(of_leader, f"{page}/answer", page, **ANSWER, answered_by="王工")
    assert answered.status_code == 303
    assert "somebody else of the team confirms" in of_leader.get(page).text
    refused = send(of_leader, f"{page}/confirmation", page, effectiveness="有效")
    assert (refused.status_code, "Whoever corrected" in refused.text) == (422, True)
    assert send(of_leader, f"{page}/withdrawal", page, reason=" ").status_code == 422
    assert send(of_leader, f"{page}/withdrawal", page, reason="误开").status_code == 303
    assert "误开" in of_leader.get(page).text
    assert send(of_leader, f"{page}/link", page, request_id="none").status_code == 422
    # The page of one stands below its own engagement only.
    elsewhere = engagement_of(leader)
    assert of_leader.get(page.replace(engagement.id, elsewhere.id)).status_code == 404
    assert english(people.person("verifier")).get(page).status_code == 404


def test_without_the_link_nothing_is_shown(
    app: Flask, client: FlaskClient, archive: Archive, leader: Actor, english: SignedIn
) -> None:
    nobody = app.test_client()
    nobody.environ_base["HTTP_ACCEPT"] = "text/html"
    assert nobody.get("/material/nonconformities").location == "/material/"
    assert client.get("/material/nonconformities").status_code == 200
    assert client.get("/material/nonconformities").headers["Referrer-Policy"] == "no-referrer"
    assert client.get("/material/nonconformities/01a1fbd4-f500-7000-bf52-9ab0db7be2b9").status_code == 404
    # Whoever is signed in to the archive is no client.
    assert english(leader).get("/material/nonconformities").status_code in {303, 403}
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(MaterialRequest).values(ended_at=uow.now))
    assert client.get("/material/nonconformities").status_code == 303


def test_by_the_json_interface(
    app: Flask, archive: Archive, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    of_leader, of_member = (Program(app, token_of(person, "read", "nonconformities")) for person in (leader, member))
    address = f"/engagements/{engagement.id}/nonconformities"
    wish = {"grade": "minor", "clause": "5.2", "statement": "无依据"}
    made = of_leader.post(address, wish)
    assert (made.status_code, made.json["number"], made.json["state"]) == (201, 1, "raised")
    assert of_leader.post(address, {**wish, "grade": "huge"}).status_code == 422
    early = of_member.post(f"/nonconformities/{made.json['id']}/confirmation", {"effectiveness": "有效"})
    assert (early.status_code, early.json["code"]) == (422, "nonconformity_state")
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(Nonconformity).values(state="answered"))
    confirmed = of_member.post(f"/nonconformities/{made.json['id']}/confirmation", {"effectiveness": "有效"})
    assert (confirmed.status_code, confirmed.json["state"]) == (200, "confirmed")
    listed = of_member.get(f"{address}?state=confirmed").json
    assert [(one["number"], one["overdue"]) for one in listed["items"]] == [(1, False)]
