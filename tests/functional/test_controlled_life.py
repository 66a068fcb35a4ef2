"""The pages of a controlled document in use, walked through by those whose pages they are."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from PIL import Image, ImageChops
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.controlled.models import ControlledCopy, Recipient
from search.reading import render_page
from tests.conftest import SignedIn
from tests.controlled import approve_edition, controlled_cast, drafted_document, issued_document, next_edition
from tests.factories import People, engagement_of
from tests.files import pdf, xlsx

TESTER = Actor.system("test")


def send(client: FlaskClient, address: str, page: str, /, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page, follow_redirects=True).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def waits(client: FlaskClient, kind: str, number: str) -> bool:
    """Whether a task of the kind about the document of this number is on somebody's work list."""
    return number in client.get(f"/work?kind=management.{kind}").text


def test_issue_distribution_and_reading(english: SignedIn, archive: Archive, people: People) -> None:
    cast = controlled_cast(people)
    controlled_id, edition_id = drafted_document(cast, number="LY-监测-7")
    home, edition = f"/controlled/{controlled_id}", f"/controlled/editions/{edition_id}"
    controller, reader, number = english(cast.controller), english(cast.reader), "LY-监测-7"
    assert reader.get(f"{home}/open").status_code == 404, "what was never issued is not there"
    none = controller.get(f"{home}/open")
    assert (none.status_code, "was not issued yet" in none.text) == (200, True)
    approve_edition(cast, edition_id)
    assert "Issue edition A/0" in controller.get(home).text

    listed = controller.get(f"{home}/distribution").text
    assert ("Nobody is on the distribution list." in listed, "使用人" in listed) == (True, True)
    wrong = send(controller, f"{home}/distribution", home, login="nobody-of-us")
    assert (wrong.status_code, "Nobody of your organisation has this login." in wrong.text) == (422, True)
    assert send(controller, f"{home}/distribution", home, person=cast.reader.person_id).status_code == 303
    assert send(controller, f"{home}/distribution", home, roles="quality_manager").status_code == 303
    assert "All with the role Quality manager" in controller.get(f"{home}/distribution").text
    with archive.reading(TESTER) as uow:
        role = uow.session.scalars(select(Recipient.id).where(Recipient.role == "quality_manager")).one()
    assert send(controller, f"{home}/distribution/removal", home, recipient_id=role).status_code == 303
    assert "Quality manager</th>" not in controller.get(f"{home}/distribution").text

    yesterday = (archive.today() - timedelta(days=1)).isoformat()
    early = send(controller, f"{edition}/issue", f"{edition}/issue", effective_on=yesterday)
    assert (early.status_code, "This must be today or later" in early.text) == (422, True)
    today = archive.today().isoformat()
    issued = send(controller, f"{edition}/issue", f"{edition}/issue", effective_on=today)
    assert (issued.status_code, issued.location) == (303, home)
    assert "Edition A/0 is in force; 1 people were asked to read it." in controller.get(home).text
    again = send(controller, f"{edition}/issue", home, effective_on=today)
    assert (again.status_code, "In force" in again.text) == (422, True)

    assert waits(reader, "to_read", number)
    assert "Read this edition and acknowledge it by" in reader.get(home).text
    assert reader.get(f"{home}/open").location.startswith("/documents/")
    unread = send(reader, f"{edition}/acknowledgement", f"{edition}/reading")
    assert unread.status_code == 422, "the box was not ticked"
    assert send(reader, f"{edition}/acknowledgement", f"{edition}/reading", read="y").status_code == 303
    assert not waits(reader, "to_read", number)
    assert "1 of 1" in reader.get(home).text
    assert "Nobody asked you to read this edition." in controller.get(f"{edition}/reading").text
    shown = controller.get(f"{edition}/readers?state=read").text
    assert ("使用人" in shown, "使用人" in controller.get(f"{edition}/readers?state=overdue").text) == (True, False)


def test_issued_for_later_and_recalled(english: SignedIn, archive: Archive, people: People) -> None:
    later = archive.today() + timedelta(days=3)
    made = issued_document(people, effective_on=later)
    home, edition = f"/controlled/{made.controlled_id}", f"/controlled/editions/{made.edition_id}"
    controller = english(made.cast.controller)
    page = controller.get(home).text
    assert f"Edition A/0 is issued and comes into force on {later.isoformat()}." in page
    assert f"comes into force on {later.isoformat()}" in controller.get(f"{home}/open").text
    assert send(controller, f"{edition}/recall", home).status_code == 303
    assert "Issue edition A/0" in controller.get(home).text
    assert send(controller, f"{edition}/recall", home).status_code == 409


def test_upkeep(english: SignedIn, archive: Archive, people: People) -> None:
    made = issued_document(people, kind="external", title="GB/T 32150", review_months=12)
    home, edition = f"/controlled/{made.controlled_id}", f"/controlled/editions/{made.edition_id}"
    owner, controller, reader = english(made.cast.author), english(made.cast.controller), english(made.cast.reader)
    assert "Does it still fit?" in owner.get(f"{home}/review").text
    assert "Does it still fit?" not in reader.get(f"{home}/review").text
    assert send(reader, f"{home}/review", home, outcome="fit").status_code == 403
    silent = send(owner, f"{home}/review", f"{home}/review", outcome="to_revise")
    assert (silent.status_code, "Remark: This must not be empty." in silent.text) == (422, True)
    assert (
        send(owner, f"{home}/review", f"{home}/review", outcome="to_revise", remark="引用标准已更新").status_code == 303
    )
    assert waits(owner, "to_revise", made.number)
    assert send(owner, f"{home}/look", f"{home}/review", outcome="new_edition", remark="2026版").status_code == 303
    told = reader.get(home).text
    assert ("引用标准已更新" in told, "2026版" in told, "There is a new edition" in told) == (True, True, True)

    assert send(controller, f"{edition}/copies", f"{edition}/copies", holder="王工", place="锅炉房").status_code == 303
    with archive.reading(TESTER) as uow:
        copy = uow.session.scalars(select(ControlledCopy.id)).one()
    assert "锅炉房" in controller.get(f"{edition}/copies").text
    wrong = send(controller, f"/controlled/copies/{copy}/outcome", home, outcome="eaten")
    assert wrong.status_code == 422
    assert "Paper copies out" in controller.get(home).text

    english_manager = english(made.cast.approver)
    page = english_manager.get(f"{home}/withdrawal").text
    assert ("Nothing is deleted" in page, "Take out of force" in page) == (True, True)
    assert "Only what is in force is withdrawn" in reader.get(f"{home}/withdrawal").text
    assert send(reader, f"{home}/withdrawal", home, reason="x").status_code == 403
    assert send(english_manager, f"{home}/withdrawal", f"{home}/withdrawal", reason="").status_code == 422
    assert send(english_manager, f"{home}/withdrawal", f"{home}/withdrawal", reason="标准废止").status_code == 303
    opened = reader.get(f"{home}/open")
    assert (opened.status_code, "Do not work by it." in opened.text, "标准废止" in opened.text) == (200, True, True)
    assert waits(controller, "copies_to_collect", made.number)
    assert send(controller, f"/controlled/copies/{copy}/outcome", home, outcome="marked").status_code == 303
    assert not waits(controller, "copies_to_collect", made.number)
    assert send(controller, f"/controlled/copies/{copy}/outcome", home, outcome="lost").status_code == 409


def test_forms_of_an_engagement(english: SignedIn, archive: Archive, people: People) -> None:
    form = issued_document(people, kind="form", title="现场核查记录表", name="表.txt")
    leader = people.person("team_leader", name="组长")
    engagement = engagement_of(leader)
    place = f"/engagements/{engagement.id}/controlled-forms"
    of_leader = english(leader)
    assert "Take it for this engagement" in of_leader.get(place).text
    taken = send(of_leader, place, place, controlled_id=form.controlled_id)
    assert (taken.status_code, taken.location) == (303, f"/documents/{form.document_id}/versions/1/content")
    assert of_leader.get(taken.location).data.startswith("第一条".encode())
    home = f"/controlled/{form.controlled_id}"
    controller = english(form.cast.controller)
    named = controller.get(f"{home}/withdrawal").text
    assert ("1 engagements that you do not see" in named, engagement.title in named) == (True, False)
    assert send(controller, f"{home}/withdrawal", f"{home}/withdrawal", reason="改用新表").status_code == 303
    assert waits(of_leader, "form_withdrawn", form.number)
    after = of_leader.get(place).text
    assert ("finish what you began with it" in after, "Take it for this engagement" in after) == (True, False)
    assert send(of_leader, place, place, controlled_id=form.controlled_id).status_code == 409


def test_what_is_obsolete_goes_out_with_its_stamp(english: SignedIn, archive: Archive, people: People) -> None:
    first = issued_document(people, content=pdf(["第一版 监测程序", "第二页"]), name="程序.pdf")
    document = f"/documents/{first.document_id}"
    pages = f"{document}/versions/1/pages/1-1200.webp"
    reader, controller = english(first.cast.reader), english(first.cast.controller)
    clean = Image.open(io.BytesIO(reader.get(pages).data)).convert("RGB")
    assert reader.get(f"{document}/versions/1/content").data == pdf(["第一版 监测程序", "第二页"])
    assert reader.get(f"{document}/versions/1/watermarked.pdf").status_code == 404, "nothing asks for a stamp"
    next_edition(people, first)
    for browser in (reader, controller):
        stamped = Image.open(io.BytesIO(browser.get(pages).data)).convert("RGB")
        assert stamped.size == clean.size
        box = ImageChops.difference(stamped, clean).point(lambda value: 255 if value > 60 else 0).getbbox()
        assert box is not None
        assert box[2] - box[0] > clean.width * 0.5, "it goes over more than half of the page"
    page = reader.get(document).text
    assert ("Not in force any more" in page, "作废" in page, "已被 A/1 替代" in page) == (True, True, True)
    assert ("Download with the stamp" in page, "Download the original" in page) == (True, False)
    led = reader.get(f"{document}/versions/1/content", follow_redirects=True)
    assert (led.status_code, led.data[:4], "stamped" in led.headers["Content-Disposition"]) == (200, b"%PDF", True)
    assert render_page(io.BytesIO(led.data), "pdf", 0, width_px=320).page_count == 3, "cover sheet and two pages"
    assert controller.get(f"{document}/versions/1/content").data == pdf(["第一版 监测程序", "第二页"])
    assert "Download the original" in controller.get(document).text


def test_an_obsolete_table_goes_out_with_its_cover_sheet(english: SignedIn, archive: Archive, people: People) -> None:
    content = xlsx({"表": [["热值", "1"]]})
    first = issued_document(people, kind="form", title="台账", content=content, name="台账.xlsx")
    next_edition(people, first, content=xlsx({"表": [["热值", "2"]]}), name="台账.xlsx")
    reader = english(first.cast.reader)
    given = reader.get(f"/documents/{first.document_id}/versions/1/content", follow_redirects=True)
    with zipfile.ZipFile(io.BytesIO(given.data)) as packed:
        assert packed.read("original/台账.xlsx") == content
        cover = packed.read("cover.html").decode()
    assert ("not in force any more" in cover, "作废" in cover, "Authority" in cover) == (True, True, False)
    archivist = english(people.person("archivist"))
    assert archivist.get(f"/documents/{first.document_id}/versions/1/content").data == content
