"""Pages of forms and of what is taken along of a case file, over HTTP."""

import io
import re
import zipfile
from typing import Any

from docx import Document as WordDocument
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.casework.nonconformities.raising import Finding, raise_nonconformity
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile
from archive_app.filing.submitting import submit
from archive_app.kernel.archive import Archive
from tests.case_files import SYSTEM, body
from tests.conftest import SetClock, SignedIn
from tests.factories import People, engagement_of
from tests.printed import page_texts, squeezed


def send(client: FlaskClient, address: str, page: str, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def test_forms_are_taken_and_filed_from_their_page(english: SignedIn, people: People) -> None:
    leader = people.person("team_leader", name="张敏")
    engagement = engagement_of(leader, title="望溪纸业年度核查")
    raised = raise_nonconformity(
        leader, engagement_id=engagement.id, finding=Finding("minor", "S0 5.6", "缺测四日", "")
    )
    client, at = english(leader), f"/engagements/{engagement.id}/forms"
    shown = client.get(at).text
    for told in ("Verification plan", "Sign-in sheet", "Nonconformity report", "S0 5.6", "File it"):
        assert told in shown
    chinese = client.get(f"{at}?language=zh_Hans_CN").text
    address = f"{at}/sign_in_sheet.docx?language=zh_Hans_CN"
    assert address in chinese
    assert "核查计划" in chinese
    word = client.get(address)
    assert "attachment" in word.headers["Content-Disposition"]
    assert WordDocument(io.BytesIO(word.data)).core_properties.title == "现场核查会议签到表"
    sheet = client.get(f"{at}/nonconformities/{raised.id}/nonconformity_sheet.pdf")
    assert "缺测四日" in squeezed("".join(page_texts(sheet.data)))
    for wrong in (f"{at}/no_such.pdf", f"{at}/sign_in_sheet.odt", f"{at}/nonconformity_sheet.pdf"):
        assert client.get(wrong).status_code == 404
    assert client.get(f"{at}/sign_in_sheet.docx?language=xx").status_code == 422

    fields = {"file_type": "docx", "language": "zh_Hans_CN"}
    filed = send(client, f"{at}/sign_in_sheet/file", at, **fields)
    assert filed.status_code == 303
    page = client.get(filed.location).text
    assert "proposed as a record" in page
    assert f"现场核查会议签到表 {engagement.number}" in page
    again = send(client, f"{at}/sign_in_sheet/file", at, **fields)
    assert again.location == filed.location
    assert "Nothing was filed again" in client.get(again.location).text
    refused = send(client, f"{at}/sign_in_sheet/file", at, **(fields | {"language": "xx"}))
    assert "does not speak this language" in client.get(refused.location).text
    assert send(client, f"{at}/sign_in_sheet/file", at, **(fields | {"file_type": "exe"})).status_code == 404
    stranger = english(people.person("verifier"))
    assert {stranger.get(address).status_code for address in (at, f"{at}/sign_in_sheet.docx")} == {404}


def test_a_case_file_is_printed_and_taken_along(
    english: SignedIn, archive: Archive, people: People, clock: SetClock
) -> None:
    ours = body(people)
    propose(ours.leader, engagement_id=ours.engagement.id)
    with archive.reading(SYSTEM) as uow:
        case_file_id = uow.session.scalars(select(CaseFile.id)).one()
    at = f"/case-files/{case_file_id}"
    client, page = english(ours.leader), f"{at}/outputs"
    assert "Not numbered yet" in client.get(page).text
    assert "Labels for 20 mm" not in client.get(page).text
    refused = send(client, f"{at}/print", page, what="labels", width="20")
    assert refused.status_code == 422
    assert "no archival number yet" in refused.text
    submit(ours.leader, engagement_id=ours.engagement.id)
    assert "Labels for 20 mm" in client.get(page).text
    labels = send(client, f"{at}/print", page, what="labels", width="20")
    assert labels.data.startswith(b"%PDF")
    assert "J019-ZY%C2%B7HC" in labels.headers["Content-Disposition"]
    assert send(client, f"{at}/print", page, what="labels", width="x").status_code == 422
    register = send(client, f"/engagements/{ours.engagement.id}/archiving/register", page)
    assert register.data.startswith(b"%PDF")
    package = send(client, f"{at}/package", page)
    assert len(zipfile.ZipFile(io.BytesIO(package.data)).namelist()) == 6
    assert package.headers["Cache-Control"] == "no-store"
    bound = send(client, f"{at}/bound", page)
    assert "The file is in the ZIP" in "".join(page_texts(bound.data))
    # Whoever proved long ago who they are is asked again, and nothing goes out before.
    clock.advance(minutes=30)
    assert "Confirm that it is you to print" in client.get(page).text
    for act in ("print", "package", "bound"):
        answer = send(client, f"{at}/{act}", page)
        assert answer.status_code == 403
        assert "Confirm that it is you" in answer.text
    clock.advance(minutes=-30)
    stranger = english(people.person("team_leader", organisation="别家核查"))
    assert stranger.get(page).status_code == 404
    assert send(stranger, f"{at}/package", "/engagements").status_code == 404
