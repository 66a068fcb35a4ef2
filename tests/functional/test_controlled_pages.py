"""Pages of controlled documents without script: register, file, ask, decide, revise; what others see of it."""

import io
import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.controlled.models import Edition, EditionStep
from tests.conftest import SignedIn
from tests.controlled import controlled_cast, drafted_document, issued_document, next_edition
from tests.factories import People
from tests.functional.api_client import Program, token_of

TESTER = Actor.system("test")
OK, SEE_OTHER, FORBIDDEN, NOT_FOUND, UNPROCESSABLE = 200, 303, 403, 404, 422


@dataclass(frozen=True)
class Browsers:
    """Each person with a browser of their own."""

    author: FlaskClient
    reviewer: FlaskClient
    approver: FlaskClient
    controller: FlaskClient
    bystander: FlaskClient
    stranger: FlaskClient


@pytest.fixture
def everybody(people: People, english: SignedIn) -> Browsers:
    return Browsers(
        author=english(people.person("staff_member", name="作者")),
        reviewer=english(people.person("internal_auditor", name="审核")),
        approver=english(people.person("management_representative", name="批准")),
        controller=english(people.person("document_controller", name="文控")),
        bystander=english(people.person("staff_member", name="旁人")),
        stranger=english(people.person("document_controller", name="外人", organisation="别家")),
    )


def _post(client: FlaskClient, page: str, address: str, **fields: object) -> TestResponse:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert token is not None
    files = {name: value for name, value in fields.items() if isinstance(value, tuple)}
    data = {"csrf_token": token[1], **{k: v for k, v in fields.items() if k not in files}, **files}
    kind = "multipart/form-data" if files else None
    return client.post(address, data=data, content_type=kind)


def test_a_procedure_by_its_pages(archive: Archive, everybody: Browsers) -> None:
    author = everybody.author
    assert "No controlled document is registered." in author.get("/controlled").text
    made = _post(
        author, "/controlled/new", "/controlled", kind="procedure", title="{0.__class__} <b>程序</b>",
        keeping="maintain", level="1", clauses="8.2",
    )  # fmt: skip
    assert made.status_code == SEE_OTHER
    page = made.location
    text = author.get(page).text
    assert "{0.__class__} &lt;b&gt;程序&lt;/b&gt;" in text
    assert "No edition is in force yet" in text
    with archive.reading(TESTER) as uow:
        edition_id = uow.session.scalars(select(Edition.id)).one()
    at = f"/controlled/editions/{edition_id}"
    assert "has no file yet" in author.get(page).text
    nothing = _post(author, page, f"{at}/file", file=(io.BytesIO(b""), ""))
    assert "Choose a file first." in author.get(nothing.location).text
    added = _post(author, page, f"{at}/file", file=(io.BytesIO(b"first text"), "程序.txt"))
    assert "程序.txt is the file of this edition now." in author.get(added.location).text
    for other in (everybody.bystander, everybody.reviewer, everybody.stranger):
        assert other.get(page).status_code == NOT_FOUND
    assert everybody.controller.get(page).status_code == OK

    unknown = _post(author, page, f"{at}/reviewers", others="nobody-here")
    assert (unknown.status_code, "Nobody of your organisation has this login." in unknown.text) == (UNPROCESSABLE, True)
    option = re.search(r'<option value="([0-9a-f-]{36})">审核', author.get(page).text)
    assert option is not None
    assert _post(author, page, f"{at}/reviewers", people=option[1]).status_code == SEE_OTHER
    step = _step(archive)
    assert "This waits for you" in everybody.reviewer.get(page).text
    assert everybody.reviewer.get(f"/controlled/steps/{step}").location == f"/controlled/steps/{step}/review"
    form = f"/controlled/steps/{step}/review"
    silent = _post(everybody.reviewer, form, form, decision="no")
    assert (silent.status_code, "This must not be empty." in silent.text) == (UNPROCESSABLE, True)
    assert _post(everybody.reviewer, form, form, decision="yes", remark="可以").status_code == SEE_OTHER
    option = re.search(r'<option value="([0-9a-f-]{36})">批准', author.get(page).text)
    assert option is not None
    assert _post(author, page, f"{at}/approver", person=option[1]).status_code == SEE_OTHER

    form = f"/controlled/steps/{_step(archive)}/approval"
    assert everybody.reviewer.get(form).status_code == FORBIDDEN
    shown = everybody.approver.get(form).text
    assert "可以" in shown
    assert _post(everybody.approver, form, form, decision="yes").status_code == SEE_OTHER
    text = everybody.controller.get(page).text
    assert "Approved" in text
    assert "可以" in text
    assert everybody.approver.get(form).location == page
    listed = everybody.controller.get("/controlled?mine=1").text
    assert "A/0 Approved" in listed
    assert "CX-01" not in everybody.bystander.get("/controlled").text


def _step(archive: Archive) -> str:
    with archive.reading(TESTER) as uow:
        return uow.session.scalars(select(EditionStep.id).where(EditionStep.state == "waiting")).one()


def test_list_export_revision_and_panel(people: People, english: SignedIn) -> None:
    """What is in force opens with one button; its document says so, and an obsolete one leads to it."""
    cast, reader = controlled_cast(people), people.person("complaint_handler")
    stranger = people.person("document_controller", organisation="别家")
    old = issued_document(people, cast, title="=HYPERLINK(1)")
    new = next_edition(people, old)
    page = f"/controlled/{old.controlled_id}"
    client = english(reader)
    text = client.get(page).text
    assert "Edition A/1 is in force" in text
    assert f'href="{page}/open">Open the edition in force' in text
    assert client.get(f"{page}/open").location == f"/documents/{new.document_id}"
    assert "Compare editions" in text
    assert "Open edition A/1, which is in force" in client.get(f"/documents/{old.document_id}").text
    assert "Not in force any more" in client.get(f"/documents/{old.document_id}").text
    assert "In force" in client.get(f"/documents/{new.document_id}").text
    assert "/revision" not in text
    row = client.get("/controlled?kind=procedure&state=in_force&text=hyper").text
    assert re.search(r"CX-01</code>.*?=HYPERLINK\(1\).*?A/1", row, re.DOTALL)
    assert "CX-01" not in client.get("/controlled?kind=manual").text
    assert "CX-01" not in client.get("/controlled?text=%25").text
    table = client.get("/controlled/list.xlsx")
    sheet = load_workbook(io.BytesIO(table.data)).worksheets[0]
    assert [cell.value for cell in sheet[2]][:4] == ["CX-01", "=HYPERLINK(1)", "Procedure", "A/1"]
    assert sheet["B2"].data_type == "s"
    writer = english(cast.author)
    begun = _post(writer, f"{page}/revision", f"{page}/revision", change_note="第二次修订")
    assert begun.status_code == SEE_OTHER
    again = _post(english(cast.controller), f"{page}/revision", f"{page}/revision", change_note="x")
    assert (again.status_code, "is working on edition A/2 of this document" in again.text) == (UNPROCESSABLE, True)
    assert "has been working on edition A/2 since" in client.get(page).text
    outside = english(stranger)
    for address in (page, f"{page}/description", f"{page}/revision", f"/documents/{new.document_id}"):
        assert outside.get(address).status_code == NOT_FOUND
    assert "CX-01" not in outside.get("/controlled").text


def test_for_programs(people: People, app: Flask) -> None:
    """The same list and document by the JSON interface: what is in force, and nothing of other organisations."""
    cast = controlled_cast(people)
    old = issued_document(people, cast)
    new = next_edition(people, old)
    manual = issued_document(people, cast, kind="manual")
    drafted_document(cast, title="草稿")
    program = Program(app, token_of(people.person("verifier")))
    listed = program.get("/controlled-documents").json["items"]
    assert [(one["number"], one["edition"], one["state"]) for one in listed] == [
        ("CX-01", "A/1", "in_force"),
        ("SC-01", "A/0", "in_force"),
    ]
    assert listed[0]["document_id"] == new.document_id
    first = program.get("/controlled-documents?limit=1").json
    assert [one["id"] for one in program.get(first["next"]).json["items"]] == [manual.controlled_id]
    assert [one["id"] for one in program.get("/controlled-documents?kind=manual").json["items"]] == [
        manual.controlled_id
    ]
    assert program.get("/controlled-documents?kind=law").status_code == UNPROCESSABLE
    one = program.get(f"/controlled-documents/{old.controlled_id}").json
    assert [(edition["label"], edition["state"]) for edition in one["editions"]] == [
        ("A/1", "in_force"),
        ("A/0", "superseded"),
    ]
    assert one["editions"][0]["approver"] == cast.approver.display_name
    author = Program(app, token_of(people.person("verifier", organisation="别家")))
    assert author.get("/controlled-documents").json["items"] == []
    assert author.get(f"/controlled-documents/{old.controlled_id}").status_code == NOT_FOUND
    mine = people.person("verifier")
    assert Program(app, token_of(mine)).get("/controlled-documents?mine=true").json["items"] == []
