"""The legal register over HTTP: from a law to its evidence, what is taken along, hostile words, programs."""

import csv
import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from archive_app.kernel.actor import Actor
from archive_app.kernel.levels import Level
from tests.conftest import SignedIn
from tests.controlled import issued_document
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import Program, token_of

HOSTILE = '=HYPERLINK("http://x/","点我")<script>alert(1)</script>'
LAW = {"title": "碳排放权交易管理暂行条例", "kind": "regulation", "effective_on": "2024-05-01", "review_months": "12"}


def send(client: FlaskClient, address: str, page: str, /, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page, follow_redirects=True).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


@pytest.fixture
def keeper(people: People) -> Actor:
    return people.person("quality_manager", name="质量")


@pytest.fixture
def owner(people: People) -> Actor:
    return people.person("staff_member", name="周宁")


def test_from_a_law_to_its_report(app: Flask, people: People, english: SignedIn, keeper: Actor, owner: Actor) -> None:
    text = issued_document(people, kind="external", title="条例全文", number="WL-01", level=Level.INTERNAL)
    leader = people.person("team_leader")
    evidence = file_bytes(leader, engagement_of(leader), "photograph.txt", b"x").document_id or ""
    page, mine = english(keeper), english(owner)
    assert "No law is recorded yet." in page.get("/laws").text
    refused = send(page, "/laws", "/laws/new", **{**LAW, "effective_on": "no day", "issuer": HOSTILE})
    assert (refused.status_code, "alert(1)&lt;/script&gt;" in refused.text) == (422, True)
    made = send(page, "/laws", "/laws/new", **LAW, issuer=HOSTILE, controlled_document_id=text.controlled_id)
    assert made.status_code == 303
    law = made.location
    again = send(page, "/laws", "/laws/new", **LAW)
    assert (again.status_code, "in the register already" in again.text) == (422, True)
    duty = {"clause": "第十一条", "requirement": "@保存五年\n第二行", "every_months": "12", "owner": owner.person_id}
    assert send(page, f"{law}/obligations", f"{law}/obligations/new", **duty, first_on="2026-11-20").status_code == 303
    chain = page.get(law).text
    for words in ("条例全文", "@保存五年", "周宁", "2026-11-20", "Overdue", "Never evaluated"):
        assert words in chain, words
    assert "<script>alert" not in chain
    found = re.search(r'href="(/laws/obligations/[0-9a-f-]{36})"', chain)
    assert found is not None
    obligation = found[1]
    # Looking for evidence records nothing and loses nothing of what was filled in.
    finding = {"evaluated_on": "2026-11-21", "result": "fails", "grounds": "缺两份", "seen": "none"}
    looked = send(page, f"{obligation}/evaluation", f"{obligation}/evaluation", **finding, find="photograph", look="1")
    assert (f'value="{evidence}"' in looked.text, "缺两份" in looked.text) == (True, True)
    lacking = send(page, f"{obligation}/evaluation", f"{obligation}/evaluation", **finding, documents=[evidence])
    assert (lacking.status_code, "Corrective action: This must not be empty." in lacking.text) == (422, True)
    assert re.search(rf'<input checked[^>]* name="documents"[^>]* value="{evidence}"', lacking.text)
    action = {"action": "补齐", "action_owner": owner.person_id, "action_due_on": "2026-12-11"}
    whole = {**finding, **action, "documents": [evidence]}
    done = send(page, f"{obligation}/evaluation", f"{obligation}/evaluation", **whole)
    assert done.status_code == 303
    # Whoever began before and sends now is told who was first.
    late = send(mine, f"{obligation}/evaluation", f"{obligation}/evaluation", **whole)
    assert late.status_code == 422  # the evidence is none that they see
    late = send(mine, f"{obligation}/evaluation", f"{obligation}/evaluation", **{**whole, "documents": []})
    assert (late.status_code, "质量 evaluated this obligation in the meantime" in late.text) == (422, True)
    told = page.get(obligation).text
    for words in ("Does not comply", "补齐", "Not done yet", f"/documents/{evidence}", "by 2026-12-11"):
        assert words in told, words
    assert "There is evidence that you may not see." in mine.get(obligation).text
    _put_right(page, mine, obligation)
    # The document's page says what rests on it; the list says how all of it stands.
    assert "Evidence of compliance" in page.get(f"/documents/{evidence}").text
    listed = page.get("/laws").text
    assert (
        'aria-label="Complies: 0; Complies in part: 0; Does not comply: 1; Not applicable: 0; Never evaluated: 0"'
        in listed
    )
    assert law in page.get("/laws?text=%E4%BF%9D%E5%AD%98&kind=regulation&state=in_force").text
    for address, words in (
        ("/laws?overdue=1", "No law is like this."),
        ("/laws/obligations?not_complied=1", "No obligation is like this."),
        ("/laws/review", "No law is to be looked at"),
    ):
        assert words in page.get(address).text
    assert page.get("/laws?state=unheard-of").status_code == 422
    _taken_along(page, mine, evidence)
    _by_program(Program(app, token_of(keeper)), law.rsplit("/", 1)[1])


def _put_right(page: FlaskClient, mine: FlaskClient, obligation: str) -> None:
    told = page.get(obligation).text
    evaluation = re.search(r'id="evaluation-([0-9a-f-]{36})"', told)
    assert evaluation is not None
    of = f"/laws/evaluations/{evaluation[1]}"
    assert mine.get(of).location.endswith(f"{obligation}#evaluation-{evaluation[1]}")
    assert send(mine, f"{of}/action", obligation, result="").status_code == 422
    assert send(mine, f"{of}/action", obligation, result="补了").status_code == 303
    own = send(mine, f"{of}/confirmation", obligation, effect="好")
    assert (own.status_code, "does not confirm the correction" in own.text) == (422, True)
    assert send(page, f"{of}/return", obligation, reason="缺页", due_on="2026-12-25").status_code == 303
    assert send(mine, f"{of}/action", obligation, result="都补了").status_code == 303
    assert send(page, f"{of}/confirmation", obligation, effect="抽查无缺").status_code == 303
    assert "Done and effective" in page.get(obligation).text


def _taken_along(page: FlaskClient, mine: FlaskClient, evidence: str) -> None:
    table = send(page, "/laws/export", "/laws/report", form="csv")
    rows = list(csv.reader(io.StringIO(table.get_data().decode("utf-8-sig"))))
    assert (len(rows), rows[1][3][:2], rows[1][9][:2]) == (2, "'=", "'@")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(send(page, "/laws/export", "/laws/report", form="xlsx").data))
    cells = sheet.get_sheet_by_index(0).to_python()[1]
    assert (cells[3], cells[9]) == (HOSTILE, "@保存五年\n第二行")
    assert "photograph" in str(cells[20])
    unseen = list(csv.reader(io.StringIO(send(mine, "/laws/export", "/laws/report", form="csv").text)))[1]
    assert unseen[20] == "and what you may not see"
    assert send(page, "/laws/export", "/laws/report", form="exe").status_code == 422
    period = {"first": "2026-01-01", "last": "2026-12-31"}
    paper = send(page, "/laws/report", "/laws/report", **period)
    assert (paper.status_code, paper.data[:5]) == (200, b"%PDF-")
    wrong = send(page, "/laws/report", "/laws/report", **{**period, "last": "2025-01-01"})
    assert (wrong.status_code, "before the first day" in wrong.text) == (422, True)
    filed = send(page, "/laws/report/filed", "/laws/report", **period)
    assert filed.status_code == 303
    # The owner reads the filed report, which does not tell them of evidence that they may not see.
    shown = mine.get(filed.location)
    assert (shown.status_code, "Compliance evaluation report 2026-01-01 – 2026-12-31" in shown.text) == (200, True)
    assert evidence not in shown.text


def _by_program(asked: Program, law_id: str) -> None:
    [listed] = asked.get("/laws?state=in_force").get_json()["items"]
    assert (listed["id"], listed["obligations"], listed["not_complied"]) == (law_id, 1, 0)
    whole = asked.get(f"/laws/{law_id}").get_json()
    assert [(one["clause"], one["result"]) for one in whole["obligations"]] == [("第十一条", "fails")]
    assert asked.get("/obligations?overdue=true").get_json()["items"] == []
    assert asked.get("/obligations?text=%E4%BF%9D").get_json()["items"][0]["owner_name"] == "周宁"


def test_laws_that_change(english: SignedIn, keeper: Actor, owner: Actor) -> None:
    """Corrected, replaced with its obligations carried over, looked at again, withdrawn; an owner hands over."""
    page = english(keeper)
    law = send(page, "/laws", "/laws/new", **{**LAW, "review_months": "1"}).location
    duty = {"clause": "第十一条", "requirement": "保存五年", "every_months": "12", "owner": owner.person_id}
    send(page, f"{law}/obligations", f"{law}/obligations/new", **duty)
    seen = re.search(r'name="seen" type="hidden" value="([0-9a-f]+)"', page.get(f"{law}/correction").text)
    assert seen is not None
    for expected in (303, 422):
        fields = {**LAW, "review_months": "1", "issuer": "国务院", "seen": seen[1]}
        assert send(page, f"{law}/correction", f"{law}/correction", **fields).status_code == expected
    listed = page.get("/laws/review").text
    law_id = law.rsplit("/", 1)[1]
    assert law in listed
    look = {"law": law_id, f"outcome-{law_id}": "changed", f"remark-{law_id}": ""}
    assert send(page, "/laws/review", "/laws/review", **look).status_code == 422
    assert send(page, "/laws/review", "/laws/review", **{**look, f"remark-{law_id}": "修订"}).status_code == 303
    assert "修订" in page.get(law).text
    new = send(page, "/laws", "/laws/new", **{**LAW, "title": "新条例", "effective_on": "2026-11-01"}).location
    end = {"ended_on": "2026-11-01", "reason": "新条例施行", "replaced_by_id": new.rsplit("/", 1)[1]}
    assert send(page, f"{law}/end", law, **{**end, "reason": ""}).status_code == 422
    assert send(page, f"{law}/end", law, **end).status_code == 303
    told = page.get(law).text
    for words in ("This law holds no more since 2026-11-01.", "Its law was replaced.", "Carry obligations over"):
        assert words in told, words
    obligation = re.search(r'name="obligations" id="carry-[^"]+" value="([^"]+)"', told)
    assert obligation is not None
    assert send(page, f"{law}/carried", law, obligations=[obligation[1]]).location == new
    twice = send(page, f"{law}/carried", law, obligations=[obligation[1]])
    assert (twice.status_code, "changed in the meantime" in twice.text) == (422, True)
    assert "Goes on in" in page.get(f"/laws/obligations/{obligation[1]}").text
    evaluation = f"/laws/obligations/{obligation[1]}/evaluation"
    form = {"evaluated_on": "2026-11-21", "result": "not_applicable", "grounds": "x"}
    over = send(page, evaluation, evaluation, **form)
    assert (over.status_code, "Its law was replaced. It is not evaluated" in over.text) == (422, True)
    mine = f"/laws/obligations?owner={owner.person_id}"
    assert "Hand all of it over" in page.get(mine).text
    given = send(page, f"/laws/obligations/handed-over?owner={owner.person_id}", mine, to=keeper.person_id)
    assert given.location.endswith(f"owner={keeper.person_id}")
    carried = re.search(r'href="(/laws/obligations/[0-9a-f-]{36})"', page.get(given.location).text)
    assert carried is not None
    fields = {**duty, "owner": keeper.person_id, "requirement": "保存十年"}
    assert send(page, f"{carried[1]}/correction", f"{carried[1]}/correction", **fields).status_code == 303
    assert "保存十年" in page.get(carried[1]).text
    ended = send(page, f"{carried[1]}/end", carried[1], last_day="2026-11-20", reason="停产")
    assert (ended.status_code, "This obligation has ended." in page.get(carried[1]).text) == (303, True)
    assert send(page, f"{carried[1]}/withdrawal", carried[1], reason="重复").status_code == 303
    assert send(page, f"{law}/end/taken-back", law, reason="未废止").status_code == 303
    assert send(page, f"{law}/withdrawal", law, reason="不适用").status_code == 303
    assert "recorded wrongly and is withdrawn: 不适用" in page.get(law).text
