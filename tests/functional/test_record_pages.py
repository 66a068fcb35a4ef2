"""Records over HTTP: the list and its forms as a browser without scripts sees them, and the JSON interface."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from archive_app.casework.recording import record_as
from archive_app.casework.records.describing import describe_record, view_record
from archive_app.casework.records.facts import Facts
from archive_app.documents.ingest import Entry, add_document
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.conftest import SetClock, SignedIn, Workbench
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import Program, token_of


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader, title="望溪纸业年度核查")


def filed(leader: Actor, engagement: Engagement, name: str) -> str:
    document_id = file_bytes(leader, engagement, name, name.encode()).document_id
    assert document_id
    return document_id


def send(client: FlaskClient, address: str, *, page: str, **fields: Any) -> TestResponse:
    """Posts a form as a browser does."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def hidden(page: str, suffix: str) -> dict[str, str]:
    """The proposal that a row shows, as its form sends it."""
    return dict(re.findall(rf'name="(\w+{re.escape(suffix)})" value="([^"]*)"', page))


def test_a_proposal_is_confirmed_from_the_list_by_one_button(
    english: SignedIn, leader: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    signed, silent = filed(leader, engagement, "<b>签到表20260512.txt"), filed(leader, engagement, "0001.txt")
    workbench.run()
    client, address = english(leader), f"/engagements/{engagement.id}/records"
    page = client.get(address).text
    assert f'href="{address}" aria-current="page"' in page
    assert "The file name says “签到表”." in page
    assert "&lt;b&gt;签到表20260512.txt" in page
    assert page.count("data-confirm>") == 1
    assert re.search(r"Not described <strong>2</strong>", page)
    fields = hidden(page, f"-{signed}")
    assert fields == {
        f"type-{signed}": "sign_in_sheet",
        f"originator-{signed}": "",
        f"evidence_on-{signed}": "2026-05-12",
    }
    answer = send(client, f"{address}/confirm", page=address, only=signed, kept_state="undescribed", **fields)
    assert (answer.status_code, answer.location) == (303, f"{address}?state=undescribed")
    assert "Accepted." in client.get(address).text
    record = view_record(leader, document_id=signed).record
    assert record is not None
    assert (record.type, str(record.evidence_on)) == ("sign_in_sheet", "2026-05-12")
    # Chosen together: a line for each, and one that fails stops no other.
    answer = send(
        client, f"{address}/describe", page=address, document=[signed, silent], paper_place="3 柜", evidence_on=""
    )
    assert (answer.status_code, answer.text.count("state-good"), answer.text.count("state-bad")) == (200, 1, 1)
    assert "Nobody has said yet what this is." in answer.text
    assert "Done: 1 of 2." in answer.text
    answer = send(client, f"{address}/describe", page=address, document=silent, type="photograph", methods=["look"])
    assert answer.status_code == 303
    narrowed = client.get(f"{address}?type=photograph&state=accepted").text
    assert ("0001.txt" in narrowed, "签到表" in narrowed.partition("<tbody>")[2]) == (True, False)
    for bad in ({"evidence_on": "2026-13-01"}, {}, {"type": "photograph"}):
        chosen = {} if "type" in bad else {"document": silent}
        assert send(client, f"{address}/describe", page=address, **chosen, **bad).status_code == 422
    assert client.get(f"{address}?after=nonsense").status_code == 422
    returned = send(client, f"{address}/return", page=address, document=[signed], reason="缺页")
    assert returned.status_code == 303
    assert "缺页" in client.get(f"/documents/{signed}/record").text
    assert send(client, f"{address}/accept", page=address, document=[signed]).status_code == 303
    assert send(client, f"{address}/return", page=address, document=[signed], reason="").status_code == 422


def test_one_record_is_described_on_its_page(english: SignedIn, leader: Actor, engagement: Engagement) -> None:
    document_id = filed(leader, engagement, "电费.txt")
    client, address = english(leader), f"/documents/{document_id}/record"
    assert f'href="{address}/form">Describe as a record</a>' in client.get(f"/documents/{document_id}").text
    form = client.get(f"{address}/form").text
    assert "Not the day it was filed here." in form
    assert re.search(r'value="invoice" data-activity-data', form)
    assert not re.search(r'value="photograph" data-activity-data', form)
    facts = {"type": "invoice", "evidence_on": "2026-04-02", "unit": "MWh", "methods": ["examine"], "facet": ""}
    answer = send(client, f"{address}/form", page=f"{address}/form", seen="", **facts)
    assert (answer.status_code, answer.location) == (303, address)
    page = client.get(address).text
    assert "Activity data; still missing: Source of the data, Monitoring frequency" in page
    assert "disabled>Accept</button>" in page
    # Somebody else described it meanwhile; what was typed is still there.
    again = send(client, f"{address}/form", page=f"{address}/form", **facts | {"seen": "", "originator": "供电局"})
    assert (again.status_code, 'value="供电局"' in again.text) == (422, True)
    assert "has changed in the meantime" in again.text
    future = send(client, f"{address}/form", page=f"{address}/form", **facts | {"evidence_on": "2027-01-01"})
    assert future.status_code == 422
    shown = client.get(f"/documents/{document_id}").text
    assert "The whole record" in shown
    assert ">Delivered</span>" in shown
    assert send(client, f"{address}/accept", page=address, seen="delivered").status_code == 409
    assert send(client, f"{address}/return", page=address, seen="delivered", reason="重开").status_code == 303
    assert send(client, f"{address}/return", page=address, seen="delivered", reason="重开").status_code == 409


def test_renditions_and_seals_on_the_record(
    english: SignedIn, leader: Actor, engagement: Engagement, clock: SetClock
) -> None:
    main, scan = filed(leader, engagement, "报告.txt"), filed(leader, engagement, "报告扫描.txt")
    describe_record(leader, document_id=main, facts=Facts(type="verification_report"))
    client, address = english(leader), f"/documents/{main}/record"
    answer = send(client, f"{address}/renditions", page=address, document=scan, rendition="sealed_scan")
    assert answer.status_code == 303
    assert "Sealed, as a scan" in client.get(address).text
    assert "This is no rendition of it" in client.get(f"/documents/{scan}/record").text
    chain = send(client, f"/documents/{scan}/record/renditions", page=address, document=main, rendition="final")
    assert chain.status_code == 409
    assert send(client, f"/documents/{scan}/record/parted", page=address).status_code == 303
    seal = {"seal": "=核查专用章", "sealed_on": "2026-06-01", "copies": "3", "asked_by": "张敏", "approved_by": "王总"}
    for wrong in ({"copies": "x"}, {"sealed_on": "2027-01-01"}, {"seal": ""}):
        assert send(client, f"{address}/seals", page=address, **seal | wrong).status_code == 422
    assert send(client, f"{address}/seals", page=address, **seal).status_code == 303
    assert "=核查专用章" in client.get(address).text
    register = f"/engagements/{engagement.id}/records/seals"
    assert "王总" in client.get(register).text
    table = send(client, f"{register}/table", page=register)
    assert table.status_code == 200
    sheet = load_workbook(io.BytesIO(table.data)).active
    assert (sheet["B2"].value, sheet["B2"].data_type) == ("=核查专用章", "s")
    clock.advance(minutes=11)
    assert send(client, f"{register}/table", page=register).status_code == 403
    assert f'/confirm?next={register}"' in client.get(register).text


def test_readers_see_records_and_no_forms(
    english: SignedIn, people: People, leader: Actor, engagement: Engagement, archive: Archive
) -> None:
    document_id = filed(leader, engagement, "签到表.txt")
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        record_as(uow, document_id, type="sign_in_sheet", state="delivered")
    client = english(people.person("quality_manager"))
    address = f"/engagements/{engagement.id}/records"
    page = client.get(address).text
    assert "Sign-in sheet" in page
    assert "<fieldset" not in page
    assert "data-accept" not in page
    record = client.get(f"/documents/{document_id}/record").text
    assert ("Delivered" in record, "Accept</button>" in record) == (True, False)
    assert client.get(f"/documents/{document_id}/record/form").status_code == 403
    assert send(client, f"{address}/accept", page=address, document=document_id).status_code == 403
    stranger = english(people.person("team_leader"))
    for hidden_page in (address, f"{address}/seals", f"/documents/{document_id}/record"):
        assert stranger.get(hidden_page).status_code == 404
    assert stranger.get(f"/documents/{document_id}/record/form").status_code == 404


def describe(program: Program, address: str, body: dict[str, Any], *, key: str) -> Any:
    """Describes a record as a program does, under a key."""
    return program.ask("PUT", address, headers={"Idempotency-Key": key}, json=body)


def test_programs_describe_accept_and_return(app: Flask, leader: Actor, engagement: Engagement) -> None:
    program = Program(app, token_of(leader, "read", "records"))
    made = add_document(leader, engagement_id=engagement.id, stream=io.BytesIO(b"1"), entry=Entry(name="发票.txt"))
    address = f"/documents/{made.document_id}/record"
    nothing = program.get(address)
    assert (nothing.status_code, nothing.json["title"], nothing.json["record"]) == (200, "发票.txt", None)
    early = program.post(f"{address}/acceptance", {})
    assert (early.status_code, early.json["code"]) == (409, "record_missing")
    body = {"type": "invoice", "evidence_on": "2026-04-02", "methods": ["verify", "examine"]}
    first, repeated = (describe(program, address, body, key="one") for _ in range(2))
    assert (first.status_code, first.json, repeated.status_code) == (200, repeated.json, 200)
    assert (first.json["state"], first.json["methods"]) == ("delivered", ["examine", "verify"])
    refused = program.post(f"{address}/acceptance", {})
    assert (refused.status_code, refused.json["code"]) == (409, "record_incomplete")
    returned = program.post(f"{address}/return", {"reason": "缺数据来源", "seen_state": "delivered"})
    assert (returned.json["state"], returned.json["reason"]) == ("returned", "缺数据来源")
    assert program.post(f"{address}/return", {"reason": "x"}).json["code"] == "conflict"
    rest = ("source", "unit", "monitoring_frequency", "department", "cross_check")
    whole = body | dict.fromkeys(rest, "x")
    assert describe(program, address, whole, key="two").json["state"] == "delivered"
    assert program.post(f"{address}/acceptance", {"seen_state": "delivered"}).json["state"] == "accepted"
    assert program.get(address).json["record"]["state"] == "accepted"
    listed = program.get(f"/engagements/{engagement.id}/records?state=accepted&type=invoice").json
    assert [(line["title"], line["record"]["state"]) for line in listed["items"]] == [("发票.txt", "accepted")]
    assert program.get(f"/engagements/{engagement.id}/records?state=undescribed").json["items"] == []
    for wrong, place in (
        ({"type": "no_such"}, "/type"),
        ({"type": "other", "evidence_on": "2027-01-01"}, "/evidence_on"),
        ({"type": "other", "period_from": "2025-02-01", "period_to": "2025-01-01"}, "/period_from"),
        ({"type": "other", "authenticity": "authentic"}, "/authenticity_reason"),
        ({"type": "other", "facet": "nowhere"}, "/facet"),
        ({"type": "other", "shows": "字" * 501}, "/shows"),
    ):
        answer = describe(program, address, wrong, key=f"wrong {place}")
        assert (answer.status_code, answer.json["errors"][0].get("pointer")) == (422, place), wrong
    without = Program(app, token_of(leader, "read", "file"))
    denied = describe(without, address, body, key="three")
    assert (denied.status_code, denied.json["code"]) == (403, "permission_missing")
