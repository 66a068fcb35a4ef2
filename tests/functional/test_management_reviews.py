"""Management reviews over HTTP: from planning to the decision that is done, and the JSON interface."""

import io
import re
from datetime import date
from typing import Any

import docx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from tests.conftest import SignedIn
from tests.factories import People
from tests.functional.api_client import Program, token_of
from tests.management_reviews import CONCLUSION, TODAY, ReviewHouse, review_house

_TESTER = Actor.system("test")


@pytest.fixture
def house(people: People) -> ReviewHouse:
    return review_house(people)


def send(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/work").text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def test_from_planning_to_what_is_ready_to_be_held(house: ReviewHouse, english: SignedIn) -> None:
    preparer = english(house.preparer)
    base = "/management-reviews"
    assert "No management review was planned." in preparer.get(base).text
    plan = {
        "year": "2026", "title": "", "on": "2026-11-21", "place": "第一会议室", "period_from": "2025-11-01",
        "period_to": "2026-10-31", "reviewer": house.top.person_id,
    }  # fmt: skip
    refused = send(preparer, base, **{**plan, "period_to": "2025-10-01"})
    assert (refused.status_code, "The period ends before it begins." in refused.text) == (422, True)
    assert 'value="第一会议室"' in refused.text
    made = send(preparer, base, **plan)
    assert made.status_code == 303
    page = made.location
    assert "14 of 14 required points are missing:" in preparer.get(page).text
    assert send(preparer, f"{page}/plan", **{**plan, "place": "第二会议室"}).status_code == 303

    assert send(preparer, f"{page}/figures").status_code == 303
    said = send(preparer, f"{page}/points/improvement", words="光伏二期<script>", seen="")
    assert said.status_code == 303
    stale = send(preparer, f"{page}/points/improvement", words="另一人写的", seen="0123")
    assert (stale.status_code, "another" in stale.text or "另一人写的" in stale.text) == (422, True)
    assert send(preparer, f"{page}/points/no_such", words="x").status_code == 404
    assert send(preparer, f"{page}/attendance", name="王工", function="顾问").status_code == 303
    assert send(preparer, f"{page}/attendance", name="", function="").status_code == 422
    codes = ("policy_decisions", "targets_decisions", "improvement_decisions", "system_decisions")
    wanted = {"code": codes[0], "words": "修订方针", "owner": house.owner.person_id, "due_on": "2026-12-31"}
    assert send(preparer, f"{page}/decisions", **{**wanted, "due_on": "2026-11-01"}).status_code == 422
    assert send(preparer, f"{page}/decisions", **wanted).status_code == 303
    for code in codes[1:]:
        assert send(preparer, f"{page}/outputs/{code}/nothing", reason="本年度无变化").status_code == 303
    told = preparer.get(page).text
    for words in ("光伏二期&lt;script&gt;", "Every required point is there.", "修订方针", "王工", "Without an account"):
        assert words in told
    assert "Hold the review</a>" not in told
    assert "0: list of what was counted" in told
    behind = preparer.get(f"{page}/figures/audit_reports")
    assert (behind.status_code, "Nothing of this is shown to you." in behind.text) == (200, True)


def test_from_holding_to_the_decision_that_is_done(house: ReviewHouse, english: SignedIn) -> None:
    preparer, top, owner = english(house.preparer), english(house.top), english(house.owner)
    base = "/management-reviews"
    page = f"{base}/{house.ready()}"
    assert "Hold the review</a>" in top.get(page).text
    assert send(preparer, f"{page}/holding", **CONCLUSION).status_code == 403
    incomplete = send(top, f"{page}/holding", **{**CONCLUSION, "adequacy": ""})
    assert (incomplete.status_code, CONCLUSION["suitability"] in incomplete.text) == (422, True)
    another = english(house.other("top_manager"))
    denied = send(another, f"{page}/holding", **CONCLUSION)
    assert (denied.status_code, "Top management reviews in person" in denied.text) == (422, True)
    assert "Only 陆建国 holds this review" in another.get(f"{page}/holding").text
    held = send(top, f"{page}/holding", **CONCLUSION)
    assert held.status_code == 303
    told = top.get(page).text
    for words in ("Report as it was filed", "目标已实现九成", "The report is filed."):
        assert words in told
    for gone in ("<textarea", "Cancel the review", "Count the figures"):
        assert gone not in told
    word = top.get(f"{page}/report.docx")
    assert "本年度无变化" in "".join(one.text for one in docx.Document(io.BytesIO(word.data)).paragraphs)
    assert send(preparer, f"{page}/figures").status_code == 422

    listed = preparer.get(f"{base}/decisions?state=open&code=policy_decisions")
    assert "修订方针" in listed.text
    assert "No decision is like this." in preparer.get(f"{base}/decisions?state=done").text
    decision = re.search(rf"{base}/decisions/[-0-9a-f]{{36}}", listed.text)
    assert decision
    # The owner reads no reviews, and does what was decided from their work list.
    assert owner.get(page).status_code == 403
    assert "修订方针" in owner.get("/work").text
    assert "It is done" in owner.get(decision[0]).text
    assert "It is done" not in preparer.get(decision[0]).text
    assert send(owner, f"{decision[0]}/owner", owner=house.owner.person_id).status_code == 403
    assert send(preparer, f"{decision[0]}/owner", owner=house.preparer.person_id).status_code == 303
    assert owner.get(decision[0]).status_code == 404
    assert send(preparer, f"{decision[0]}/result", result="").status_code == 422
    assert send(preparer, f"{decision[0]}/result", result="已发布").status_code == 303
    assert "已发布" in top.get(decision[0]).text
    assert "All done" in top.get(base).text


def test_the_duty_is_settled_with_the_report(house: ReviewHouse, english: SignedIn, archive: Archive) -> None:
    review = house.ready()
    with archive.transaction(_TESTER, eventless=True) as uow:
        duty = OwnDuty(
            id=uow.new_id(), organisation_id=house.preparer.organisation_id, code="management_review", title="管理评审",
            source="", records="management_review", owner_id=house.preparer.person_id, every_months=12, first_on=TODAY,
            taken_on_by="x", taken_on_at=uow.now, ended_reason="",
        )  # fmt: skip
        uow.session.add(duty)
        uow.session.flush()
        due = Occurrence(
            id=uow.new_id(), organisation_id=duty.organisation_id, own_duty_id=duty.id, key="2026-11-30", year=2026,
            due_on=date(2026, 11, 30), provisional=False, owner_id=house.preparer.person_id, state="open", remark="",
            void_by="", created_at=uow.now,
        )  # fmt: skip
        uow.session.add(due)
    preparer, page = english(house.preparer), f"/management-reviews/{review}"
    early = send(preparer, f"{page}/duties/{due.id}")
    assert early.status_code == 422
    house.hold(review)
    assert "due on 2026-11-30 is open" in preparer.get(page).text
    assert send(preparer, f"{page}/duties/{due.id}").status_code == 303
    assert "due on 2026-11-30 is open" not in preparer.get(page).text
    with archive.reading(_TESTER) as uow:
        assert uow.session.get_one(Occurrence, due.id).state == "done"


def test_the_chapters_of_a_park_and_a_cancelled_review(people: People, english: SignedIn, archive: Archive) -> None:
    park = review_house(people, "临港园区", "park")
    review = park.planned()
    preparer, page = english(park.preparer), f"/management-reviews/{review}"
    told = preparer.get(page).text
    assert "Chapters of the report" in told
    assert told.count('name="words" rows=') == 13 + 16
    assert send(preparer, f"{page}/points/b_overview", words="位于东海之滨").status_code == 303
    assert "1 of 3 written" in preparer.get(page).text
    stale = send(preparer, f"{page}/points/b_overview", words="又写", seen="0")
    assert stale.status_code == 422
    assert "又写" in stale.text
    assert send(preparer, f"{page}/cancellation", reason="").status_code == 422
    assert send(preparer, f"{page}/cancellation", reason="并入下次").status_code == 303
    told = preparer.get(page).text
    assert "Cancelled: 并入下次" in told
    assert "<textarea" not in told
    assert "临港" not in english(people.person("quality_manager")).get("/management-reviews").text
    with archive.reading(_TESTER) as uow:
        assert uow.session.scalars(select(ManagementReview.state)).all() == ["cancelled"]


def test_programs_read_reviews(house: ReviewHouse, app: Flask, archive: Archive) -> None:
    review = house.ready()
    house.hold(review)
    program = Program(app, token_of(house.preparer, "read"))
    listed = program.get("/api/v1/management-reviews?year=2026&state=held").json["items"]
    assert [(one["id"], one["open_decisions"], one["overdue_decisions"]) for one in listed] == [(review, 1, 0)]
    assert program.get("/api/v1/management-reviews?state=planned").json["items"] == []
    assert program.get("/api/v1/management-reviews?state=x").status_code == 422
    one = program.get(f"/api/v1/management-reviews/{review}").json
    figures = {code: number for point in one["inputs"] for code, number in point["figures"].items()}
    assert (one["suitability"], one["missing"], figures["nonconformities_raised"]) == (CONCLUSION["suitability"], 0, 0)
    with archive.reading(_TESTER) as uow:
        assert [row["id"] for row in one["decisions"]] == list(uow.session.scalars(select(ReviewDecision.id)))
    stranger = review_house(house.people, "邻厂").preparer
    assert Program(app, token_of(stranger, "read")).get(f"/api/v1/management-reviews/{review}").status_code == 404
