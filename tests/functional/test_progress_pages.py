"""The page of an engagement's progress: read at a glance, acted on without script."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from archive_app.documents.classifying import classify
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.schemes import all_schemes
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from tests.cases import CONDITIONS, add_record, make_ready
from tests.factories import People, declare, engagement_of, file_bytes, signed_in
from tests.functional.api_client import ALL_SCOPES, Program, token_of

Browser = Callable[[], FlaskClient]
LETTER = "assignment_letter"


def send(client: FlaskClient, path: str, page: str, **fields: str) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert token is not None
    return client.post(path, data={"csrf_token": token[1], **fields})


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张组长")


def test_the_engagement_at_a_glance(archive: Archive, browser: Browser, people: People, leader: Actor) -> None:
    member = people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member], year=2026)
    client = signed_in(archive, browser(), leader, language="en")
    assert f'href="/engagements/{engagement.id}/progress"' in client.get("/engagements").text
    address = f"/engagements/{engagement.id}/progress"
    page = client.get(address).text
    assert page.count('aria-current="step"') == 1
    shown = words(page)
    for expected in (
        "Team leader · 张组长 by 2027-06-30",
        "Open required records: 1",
        "Assignment letter Missing The team files it · S0 1.2.1",
        "Finish the verification of the year 2027-06-30 · days left: 221",
        "Engagement opened",
        "Open nonconformities (0)",
    ):
        assert expected in shown, expected
    assert f'href="/engagements/{engagement.id}"' in page
    chinese = words(signed_in(archive, browser(), leader, language="zh_Hans_CN").get(address).text)
    for expected in ("核查安排", "缺失", "核查委托（任务书）", "组长"):
        assert expected in chinese, expected
    make_ready(archive, engagement.id, all_schemes()["key_emitter_verification"])
    CONDITIONS["nonconformities_closed"].hold(archive, engagement.id, held=False)
    shown = words(client.get(address).text)
    assert "李核查 Team member Technical working group · Site verification group · Person-days: 1.5" in shown
    assert "Person-days altogether: 3" in shown
    assert "No. 1 Major Raised" in shown
    # A member without the right to take it on sees all of it and no button.
    of_member = signed_in(archive, browser(), member, language="en").get(address).text
    assert "Assignment letter" in of_member
    assert "from_stage" not in of_member
    assert "/checklist/" not in of_member


def test_taking_it_on_and_back(archive: Archive, browser: Browser, leader: Actor) -> None:
    engagement = engagement_of(leader)
    client, base = signed_in(archive, browser(), leader, language="en"), f"/engagements/{engagement.id}"
    page = f"{base}/progress"
    on = {"from_stage": "arrangement", "to_stage": "technical_team"}
    refused = send(client, f"{base}/stage", page, **on)
    assert refused.status_code == 409
    alert = words(refused.text.split('id="refused"')[1].split("</div>")[0])
    assert "stays at the stage Arrangement" in alert
    assert "Assignment letter (Arrangement) is missing. Mend it" in alert
    add_record(archive, engagement.id, LETTER)
    assert "Everything that this stage needs is there." in words(client.get(page).text)
    taken = send(client, f"{base}/stage", page, **on)
    assert (taken.status_code, taken.location) == (303, page)
    assert "at the stage Technical working group now" in words(client.get(page).text)
    late = send(client, f"{base}/stage", page, **on)
    assert late.status_code == 409
    assert "by now: somebody else took it there" in words(late.text)
    back = {"from_stage": "technical_team", "to_stage": "arrangement"}
    assert send(client, f"{base}/stage", page, **back).status_code == 422
    assert send(client, f"{base}/stage", page, **back, remark="委托书有误").status_code == 303
    shown = words(client.get(page).text)
    assert "Taken to another stage · Technical working group → Arrangement" in shown
    assert client.post(f"{base}/stage", data=on).status_code == 400, "without its token nothing is taken on"


def test_what_does_not_apply(archive: Archive, browser: Browser, leader: Actor) -> None:
    engagement = engagement_of(leader)
    client, base = signed_in(archive, browser(), leader, language="en"), f"/engagements/{engagement.id}"
    line = f"{base}/checklist/arrangement/{LETTER}"
    assert line in client.get(f"{base}/progress").text
    empty = send(client, line, line, reason=" ")
    assert (empty.status_code, "This must not be empty" in empty.text) == (422, True)
    assert send(client, line, line, reason="集团内部委托").location == f"{base}/progress#arrangement"
    assert "Does not apply: 集团内部委托" in words(client.get(f"{base}/progress").text)
    assert send(client, line, line, action="waive", reason="x").status_code == 409
    assert "applies after all" in client.get(line).text
    assert send(client, line, line, action="again", reason="补办").status_code == 303
    assert "Assignment letter Missing" in words(client.get(f"{base}/progress").text)
    assert client.get(f"{base}/checklist/arrangement/no_such_type").status_code == 404


def test_a_deadline_gets_another_day(archive: Archive, browser: Browser, leader: Actor) -> None:
    engagement = engagement_of(leader, year=2026)
    client, base = signed_in(archive, browser(), leader, language="en"), f"/engagements/{engagement.id}"
    page = f"{base}/progress"
    address = re.search(rf"{base}/deadlines/[0-9a-f-]+", client.get(page).text)
    assert address is not None
    for wrong in ({"due_on": "soon", "reason": "x"}, {"due_on": "2027-01-01"}, {"due_on": "2000-01-01", "reason": "x"}):
        assert send(client, address[0], page, **wrong).status_code == 422
    assert send(client, address[0], page, due_on="2026-11-20", reason="x").status_code == 422
    assert send(client, address[0], page, due_on="2026-12-31", reason="主管部门要求").status_code == 303
    assert "2026-12-31 · days left: 40 · S0 1.2.1 · moved: 主管部门要求" in words(client.get(page).text)


def test_nobody_reads_of_documents_above_their_level(
    archive: Archive, browser: Browser, people: People, leader: Actor
) -> None:
    low = people.person("verifier", name="低密级", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[low])
    open_one = file_bytes(leader, engagement, "公开附件.txt", b"open").document_id or ""
    secret = file_bytes(leader, engagement, "绝密名单.txt", b"secret").document_id or ""
    classify(leader, document_ids=[secret], level=Level.RESTRICTED, reason="x")
    page = f"/engagements/{engagement.id}/progress"
    for person, told in ((leader, True), (low, False)):
        shown = signed_in(archive, browser(), person, language="en").get(page).text
        assert "公开附件" in shown
        assert ("绝密名单" in shown) is told
        assert ("Level of a document changed" in shown) is told
    assert open_one != secret


def test_others_see_the_stages_and_what_the_client_brings(
    archive: Archive, app: Flask, browser: Browser, people: People, leader: Actor
) -> None:
    member = people.person("verifier", name="李核查")
    engagement = engagement_of(leader, team=[member])
    contact = people.person("client_contact", organisation="江南热电", name="企业人")
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        of_engagement = update(Client).where(Client.id == engagement.client_id)
        uow.session.execute(of_engagement.values(entity_id=contact.organisation_id))
    shown = words(
        signed_in(archive, browser(), contact, language="en").get(f"/engagements/{engagement.id}/progress").text
    )
    assert "Arrangement Here now" in shown
    assert "Emission report Not due yet The client brings it" in shown
    for hidden in ("张组长", "李核查", "Deadlines", "Assignment letter", "Lately", "Open required records"):
        assert hidden not in shown, hidden
    told = Program(app, token_of(contact)).get(f"/engagements/{engagement.id}/progress").json
    assert (told["obstacles"], told["deadlines"], told["waits_for"], told["may_move"]) == ([], [], None, False)
    assert {line["by"] for stage in told["stages"] for line in stage["records"]} == {"client"}


def test_the_interface_for_programs(archive: Archive, app: Flask, people: People, leader: Actor) -> None:
    engagement: Engagement = engagement_of(leader)
    program, address = Program(app, token_of(leader, *_scopes())), f"/engagements/{engagement.id}"
    told = program.get(f"{address}/progress").json
    assert (told["stage"], told["next_stages"], told["ready"], told["waits_for"]) == (
        "arrangement",
        ["technical_team"],
        False,
        "leader",
    )
    line = {"stage": "arrangement", "type": LETTER, "reason": "集团内部委托"}
    waived = program.post(f"{address}/waivers", line)
    assert (waived.status_code, waived.json["state"], waived.json["reason"]) == (200, "waived", "集团内部委托")
    again = program.post(f"{address}/waivers", line)
    assert (again.status_code, again.json["code"]) == (409, "nothing_to_waive")
    back = program.post(f"{address}/waivers", {**line, "waived": False})
    assert (back.status_code, back.json["state"]) == (200, "missing")
    on = {"from_stage": "arrangement", "to_stage": "technical_team"}
    refused = program.post(f"{address}/stage", on)
    assert refused.json["errors"] == [
        {
            "detail": "Assignment letter (Arrangement) is missing.",
            "code": "record_missing",
            "about": f"arrangement/{LETTER}",
        }
    ]
    add_record(archive, engagement.id, LETTER)
    moved = program.post(f"{address}/stage", on, key="once")
    assert moved.json == {"engagement_id": engagement.id, **on}
    replayed = program.post(f"{address}/stage", on, key="once")
    assert (replayed.json, replayed.headers["Idempotency-Replayed"]) == (moved.json, "true")
    assert program.post(f"{address}/stage", on).json["code"] == "stage_changed"
    reviewer = people.person("technical_reviewer")
    set_member(leader, engagement_id=engagement.id, person_id=reviewer.person_id or "", part="reviewer")
    declare(archive, engagement.id)
    other = Program(app, token_of(reviewer, "read", "cases"))
    on = {"from_stage": "technical_team", "to_stage": "document_review"}
    theirs = other.post(f"{address}/stage", on)
    assert (theirs.status_code, theirs.json["code"]) == (403, "stage_not_yours")


def _scopes() -> tuple[str, ...]:
    return tuple(scope for scope in ALL_SCOPES if scope != "log")
