"""Pages of archiving: from the proposal to the sealed file, returned once, added to late, opened again."""

import io
import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.documents.models import Document
from archive_app.filing.models import CaseFile, CaseItem, Submission
from archive_app.kernel.levels import Level
from tests.case_files import SYSTEM, Body, body, check
from tests.factories import People, signed_in
from tests.functional.api_client import Program, token_of

Browser = Callable[[], FlaskClient]
Row = TypeVar("Row", CaseFile, CaseItem, Submission)


def send(client: FlaskClient, address: str, **fields: object) -> TestResponse:
    """Sends a form, and gives the page it leads to."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    if token is None:
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/engagements").text)
    assert token is not None
    return client.post(address, data={"csrf_token": token[1], **fields}, follow_redirects=True)


@pytest.fixture
def ours(people: People) -> Body:
    """An engagement that can be submitted."""
    return body(people)


def rows(ours: Body, model: type[Row]) -> list[Row]:
    with ours.archive.reading(SYSTEM) as uow:
        return list(uow.session.scalars(select(model).order_by(model.id)))


def test_the_way_into_the_archive(ours: Body, browser: Browser) -> None:
    leader, archivist = (signed_in(ours.archive, browser(), one) for one in (ours.leader, ours.archivist))
    page = f"/engagements/{ours.engagement.id}/archiving"
    assert "/archiving" in leader.get(f"/engagements/{ours.engagement.id}").text

    assert send(leader, f"{page}/proposal").status_code == 200
    (case_file,) = rows(ours, CaseFile)
    file_page = f"/case-files/{case_file.id}"
    text = leader.get(file_page).text
    assert text.index("任务书") < text.index("方案") < text.index("报告.txt")

    last = max(rows(ours, CaseItem), key=lambda item: item.position)
    send(leader, f"{file_page}/items", item=last.id, case_file=case_file.id, position="1")
    text = leader.get(file_page).text
    assert text.index("报告.txt") < text.index("任务书")
    send(leader, file_page, title="核查 <script>", year="2026", category="zy.hc", retention="D30", remark="")
    assert "核查 &lt;script&gt;" in leader.get(file_page).text

    send(leader, f"{page}/submission", remark="请接收")
    (submission,) = rows(ours, Submission)
    check(ours.archive, submission.id)
    assert "J019-ZY·HC·2026·D30-001" in leader.get(page).text
    assert f'action="{page}/acceptance"' not in leader.get(page).text
    assert f'action="{page}/acceptance"' in archivist.get(page).text
    assert send(leader, f"{page}/acceptance", submission=submission.id).status_code == 403

    chosen = f"{page}/return?item={last.id}"
    assert "J019-ZY·HC·2026·D30-001-001" in archivist.get(chosen).text
    send(archivist, f"{page}/return", submission=submission.id, reason="缺页", **{f"item-{last.id}": "第二页空白"})
    text = leader.get(page).text
    assert "缺页" in text
    assert "第二页空白" in text

    send(leader, f"{page}/submission")
    again = max(rows(ours, Submission), key=lambda one: one.round)
    check(ours.archive, again.id)
    answer = send(archivist, f"{page}/acceptance", submission=again.id)
    assert answer.status_code == 200
    assert ours.row().sealed_at is not None
    for address in (page, f"/engagements/{ours.engagement.id}", file_page):
        assert 'role="status"' in leader.get(address).text
    assert "J019-ZY·HC·2026·D30-001" in archivist.get("/case-files?state=sealed&year=2026").text
    assert "J019-ZY·HC·2026·D30-001" not in archivist.get("/case-files?state=open").text


def test_late_and_opened_again(ours: Body, browser: Browser) -> None:
    ours.sealed()
    leader, archivist = (signed_in(ours.archive, browser(), one) for one in (ours.leader, ours.archivist))
    page = f"/engagements/{ours.engagement.id}/archiving"
    (case_file,) = rows(ours, CaseFile)
    answer = send(
        leader,
        f"/case-files/{case_file.id}/late",
        reason="寄到晚了",
        record_type="correction_evidence",
        originator="江南热电厂",
        evidence_on="2026-03-31",
        file=(io.BytesIO("补充".encode()), "补充.txt"),
    )
    assert "补充.txt" in answer.text
    assert "寄到晚了" in answer.text
    assert f'action="{page}/late"' in archivist.get(page).text
    # What was not on the page is not accepted.
    send(archivist, f"{page}/late")
    text = archivist.get(page).text
    assert f'action="{page}/late"' in text
    assert send(archivist, f"{page}/late", item=re.findall(r'name="item" value="([^"]+)"', text)).status_code == 200
    assert f'action="{page}/late"' not in archivist.get(page).text
    send(archivist, f"{page}/reopening", reason="审核要求")
    assert ours.row().sealed_at is None
    for address in (page, f"/engagements/{ours.engagement.id}/team"):
        assert "审核要求" in leader.get(address).text


def test_programs_read_the_catalogue(ours: Body, app: Flask) -> None:
    ours.sealed()
    with ours.archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.get_one(Document, ours.documents[0]).level = Level.RESTRICTED
    reader = Program(app, token_of(ours.archivist, "read"))
    (listed,) = reader.get("/case-files?state=sealed&year=2026").json["items"]
    assert (listed["number"], listed["items"], listed["reopened"]) == ("J019-ZY·HC·2026·D10-001", 3, False)
    assert reader.get("/case-files?state=open").json["items"] == []
    whole = reader.get(f"/case-files/{listed['id']}").json
    assert (whole["number"], whole["items"]) == (listed["number"], 3)
    first = reader.get(f"/case-files/{listed['id']}/items?limit=2").json
    second = reader.get(first["next"]).json
    items = [*first["items"], *second["items"]]
    assert [item["position"] for item in items] == [1, 2, 3]
    # The archivist does not see what is restricted: its place shows and nothing of it.
    shown = {item["document_id"] for item in items}
    assert shown == {*ours.documents[1:], None}
    (place,) = [item for item in items if item["document_id"] is None]
    assert (place["title"], place["sha256"], place["number"]) == ("", "", "J019-ZY·HC·2026·D10-001-003")
