"""Declarations, relations and clients over HTTP: what pages show before, what forms do, what is refused."""

import io
import re
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import EngagementFilters, list_engagements, open_engagement
from archive_app.engagements.interests import Facts, list_own_interests, record_interest
from archive_app.engagements.models import Engagement
from archive_app.engagements.teams import list_team, set_member
from archive_app.filing.declaring import view_declaration
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.conftest import SetClock, SignedIn
from tests.factories import PASSWORD, People, engagement_of

SCAN = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def member(people: People) -> Actor:
    return people.person("verifier", name="顾言")


@pytest.fixture
def engagement(leader: Actor, member: Actor) -> Engagement:
    made = engagement_of(leader, title="望溪纸业年度核查")
    set_member(leader, engagement_id=made.id, person_id=member.person_id or "", part="member")
    return made


def send(client: FlaskClient, address: str, *, page: str = "", **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    shown = client.get(page or address, follow_redirects=True).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', shown)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form that declares."""
    form = page.partition("Confirm it here")[2].partition("</form>")[0]
    return dict(re.findall(r'name="(version|language|text_sha256)" value="([^"]*)"', form))


def test_what_is_awaited_is_in_the_list_and_nothing_else_opens(
    english: SignedIn, member: Actor, engagement: Engagement
) -> None:
    client = english(member)
    shown = client.get("/engagements").text
    assert "Declaration awaited" in shown
    assert f"/engagements/{engagement.id}/declaration" in shown
    assert f'href="/engagements/{engagement.id}"' not in shown
    inside = ["", "/team", f"/declarations/{member.person_id}", "/uploads"]
    assert {client.get(f"/engagements/{engagement.id}{page}").status_code for page in inside} == {404}
    page = client.get(f"/engagements/{engagement.id}/declaration").text
    for told in (
        engagement.number,
        "望溪纸业年度核查",
        "江南热电厂",
        "顾言",
        "Impartiality",
        "Confidentiality",
        "Integrity",
    ):
        assert told in page
    assert "electronic sign" not in page.lower()
    answer = send(client, f"/engagements/{engagement.id}/declaration", relation="none", **hidden(page))
    assert (answer.status_code, answer.location) == (303, f"/engagements/{engagement.id}/progress")
    assert client.get(f"/engagements/{engagement.id}").status_code == 200
    assert "Declaration awaited" not in client.get("/engagements").text
    assert "You have declared for this engagement." in client.get(f"/engagements/{engagement.id}/declaration").text
    record = client.get(f"/engagements/{engagement.id}/declarations/{member.person_id}")
    assert client.get(record.location).status_code == 200


def test_outsiders_learn_nothing(english: SignedIn, people: People, leader: Actor, engagement: Engagement) -> None:
    client = english(people.person("verifier"))
    for address in (
        f"/engagements/{engagement.id}/declaration",
        f"/engagements/{engagement.id}/declarations/{leader.person_id}",
        f"/clients/{engagement.client_id}",
    ):
        answer = client.get(address)
        assert answer.status_code == 404
        assert engagement.title not in answer.text
    assert client.get("/engagements/no-such/declaration").status_code == 404
    scan = f"/engagements/{engagement.id}/declarations/{leader.person_id}/scan"
    assert client.get(scan).status_code == 403
    assert client.get("/independence").status_code == 403
    posted = {"relation": "none", "version": "1", "language": "en", "text_sha256": "0" * 64}
    answer = send(client, f"/engagements/{engagement.id}/declaration", page="/engagements", **posted)
    assert answer.status_code == 404


def test_whoever_did_not_prove_lately_who_they_are_is_asked_first(
    english: SignedIn, clock: SetClock, member: Actor, engagement: Engagement
) -> None:
    client = english(member)
    address = f"/engagements/{engagement.id}/declaration"
    shown = hidden(client.get(address).text)
    clock.advance(minutes=11)
    page = client.get(address).text
    assert "Show that it is you" in page
    assert not hidden(page)
    answer = send(client, address, relation="none", **shown)
    assert answer.status_code == 303
    assert answer.location.startswith("/confirm")
    assert client.get(f"/engagements/{engagement.id}").status_code == 404
    back = send(client, answer.location, password=PASSWORD)
    assert back.location == address
    assert send(client, address, relation="none", **shown).location == f"/engagements/{engagement.id}/progress"


def test_two_tabs_and_a_wrong_answer(english: SignedIn, leader: Actor, member: Actor, engagement: Engagement) -> None:
    client = english(member)
    address = f"/engagements/{engagement.id}/declaration"
    first, second = hidden(client.get(address).text), hidden(client.get(address).text)
    for wrong in ({}, {"relation": "some"}, {"relation": "none", "text_sha256": "0" * 64}):
        answer = send(client, address, **{**first, **wrong})
        assert answer.location == address
        assert client.get(f"/engagements/{engagement.id}").status_code == 404
    for tab in (first, second):
        assert send(client, address, relation="none", **tab).location == f"/engagements/{engagement.id}/progress"
    assert client.get(f"/engagements/{engagement.id}").text.count("Declaration of impartiality") == 1


def test_opening_leads_the_leader_to_the_declaration(english: SignedIn, leader: Actor, people: People) -> None:
    client, facts = english(leader), {"title": "核查", "year": "2025", "activity": "validation"}
    ours = add_client(leader, name="望溪纸业有限公司")
    answer = send(client, "/engagements/new", client_id=ours.id, number="HC-1", project_number="ccer-1", **facts)
    assert answer.location.endswith("/declaration")
    assert client.get(answer.location.removesuffix("/declaration")).status_code == 404
    facts["activity"] = "verification"
    refused = send(client, "/engagements/new", client_id=ours.id, number="HC-2", project_number="CCER-1", **facts)
    assert refused.status_code == 422
    assert "validated by one body and verified by another" in refused.text
    keeper = english(people.person("archivist"))
    opened = send(keeper, "/engagements/new", client_id=ours.id, number="HC-3", **facts)
    assert keeper.get(opened.location).status_code == 200
    listed = keeper.get("/engagements?activity=validation").text
    assert "HC-1" in listed
    assert "CCER-1" in listed
    assert "HC-3" not in listed


def test_the_signed_sheet_comes_back_by_oneself_or_by_the_leader(
    english: SignedIn, people: People, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    other = people.person("verifier", name="陆漫漫")
    set_member(leader, engagement_id=engagement.id, person_id=other.person_id or "", part="member")
    client, address = english(member), f"/engagements/{engagement.id}/declaration"
    code = _code(member, engagement)
    assert code in client.get(address).text
    refusals: list[tuple[str, bytes, str]] = [
        ("0000-0000", SCAN, "This code is on no sheet"),
        (code, b"", "empty"),
        (code, b"<svg onload='alert(1)'/>", "is no picture"),
    ]
    for typed, content, told in refusals:
        answer = send(client, f"{address}/scan", page=address, code=typed, file=(io.BytesIO(content), "声明.pdf"))
        assert answer.location == address
        assert told in client.get(address).text
    assert send(client, f"{address}/scan", page=address, code=code).status_code == 400
    assert client.post(f"{address}/scan", data={"file": (io.BytesIO(SCAN), "a.pdf")}).status_code == 400
    sent: dict[str, Any] = {"code": code, "file": (io.BytesIO(SCAN), "声明.pdf")}
    assert send(client, f"{address}/scan", page=address, **sent).location == f"/engagements/{engagement.id}/progress"

    of_leader = english(leader)
    team = of_leader.get(f"/engagements/{engagement.id}/team").text
    for_other = f"/engagements/{engagement.id}/declarations/{other.person_id}/scan"
    assert for_other in team
    assert f"/engagements/{engagement.id}/declarations/{member.person_id}" in team
    sent = {"code": _code(other, engagement), "file": (io.BytesIO(SCAN), "声明 2.pdf")}
    assert send(of_leader, for_other, **sent).location == f"/engagements/{engagement.id}/team"
    assert all(one.declared_at for one in list_team(leader, engagement_id=engagement.id))


def test_a_relation_is_recorded_on_the_page_and_shows_on_the_team(
    english: SignedIn, leader: Actor, member: Actor, people: People, engagement: Engagement
) -> None:
    client, address = english(member), f"/engagements/{engagement.id}/declaration"
    wrong = send(client, f"{address}/relation", page=address, kind="consulting")
    assert wrong.status_code == 422
    told = {"kind": "consulting", "began_on": "2026-01-01", "note": "培训"}
    assert send(client, f"{address}/relation", page=address, **told).location == address
    page = client.get(address).text
    assert "Tell the team leader" in page
    assert not hidden(page)
    team = english(leader).get(f"/engagements/{engagement.id}/team").text
    assert "Not independent" in team
    assert "which goes on" in team
    # A colleague sees that something stands in the way, and not what.
    colleague = people.person("verifier")
    set_member(leader, engagement_id=engagement.id, person_id=colleague.person_id or "", part="member")
    other = english(colleague)
    page = other.get(f"/engagements/{engagement.id}/declaration").text
    send(other, f"/engagements/{engagement.id}/declaration", relation="none", **hidden(page))
    seen = other.get(f"/engagements/{engagement.id}/team").text
    assert "Not independent" in seen
    assert "Consulting" not in seen


def test_relations_of_oneself_and_of_the_organisation(
    english: SignedIn, people: People, leader: Actor, member: Actor, engagement: Engagement
) -> None:
    client = english(member)
    assert send(client, "/relations", kind="consulting", began_on="2026-01-01").status_code == 422
    told = {"kind": "consulting", "began_on": "2020-01-01", "party_name": "<b>某公司</b>"}
    assert send(client, "/relations", **told).status_code == 303
    assert "&lt;b&gt;某公司" in client.get("/relations").text
    [line] = list_own_interests(member).items
    end = f"/relations/{line.interest.id}/end"
    assert send(client, end, page="/relations", ended_on="never").status_code == 422
    # Over so long ago that it would hold nobody back: somebody else says so.
    assert send(client, end, page="/relations", ended_on="2022-02-28").status_code == 422
    assert "Counts no longer" not in client.get("/relations").text
    manager = english(people.person("quality_manager"))
    assert send(manager, end, page="/independence", ended_on="2022-02-28").status_code == 303
    assert "Counts no longer" in client.get("/relations").text

    province = {"kind": "report_compiling", "began_on": "2026-01-01", "province": "32", "person_id": ""}
    assert send(manager, "/independence", **province).status_code == 303
    listed = manager.get("/independence?state=counting").text
    assert "Jiangsu" in listed
    assert "某公司" not in listed
    assert "某公司" in manager.get("/independence?state=past&text=某").text
    withdraw = {"reason": "误登记", "from": "independence"}
    gone = send(manager, f"/relations/{line.interest.id}/withdraw", page="/independence", **withdraw)
    assert gone.location == "/independence"
    assert "误登记" in manager.get("/independence?state=withdrawn").text
    # Whoever only reads the list records and withdraws nothing.
    reading = english(leader)
    assert "某公司" in reading.get("/independence").text
    assert send(reading, f"/relations/{line.interest.id}/withdraw", page="/relations").status_code == 403


def test_a_list_goes_on_where_it_stopped(english: SignedIn, people: People) -> None:
    recorder = people.person("quality_manager")
    manager = english(recorder)
    for number in range(56):
        facts = Facts("consulting", date(2026, 1, 1), party_name=f"某公司 {number}")
        record_interest(recorder, person_id="", facts=facts)
    found, address = set(), "/independence?kind=consulting"
    while address:
        page = manager.get(address).text
        found |= set(re.findall(r"某公司 \d+", page))
        further = re.search(r'rel="next" href="([^"]+)"', page)
        address = further[1].replace("&amp;", "&") if further else ""
    assert len(found) == 56


def test_a_client_is_changed_and_linked_by_whom_it_concerns(
    english: SignedIn, people: People, leader: Actor, archive: Archive
) -> None:
    client, keeper = english(leader), english(people.person("archivist"))
    ours = add_client(leader, name="望溪纸业有限公司")
    address = f"/clients/{ours.id}"
    assert send(client, address, credit_code="91320100MA1MUQJ74X", province="").status_code == 422
    assert send(client, address, credit_code="91320100MA1MUQJ74W", province="").status_code == 303
    assert "Jiangsu" in client.get(address).text
    assert client.get(f"{address}/link").status_code == 403
    answer = send(keeper, f"{address}/link")
    assert answer.status_code == 422
    assert "No organisation of this archive has" in answer.text
    engagement = open_engagement(leader, client_id=ours.id, number="HC-1", title="核查", year=2025)
    assert [
        line.engagement.id for line in list_engagements(people.person("archivist"), filters=EngagementFilters()).items
    ] == [engagement.id]
    viewer = people.person("top_manager")
    seen = english(viewer)
    assert seen.get(address).status_code == 200
    assert send(seen, address, credit_code="", province="33").status_code == 403


def _code(person: Actor, engagement: Engagement) -> str:
    return view_declaration(person, engagement_id=engagement.id, language="en").sheet.code
