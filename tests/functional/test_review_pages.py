"""Technical review, issue and notification over HTTP: the round beside its document, confirmed acts, refusals."""

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from archive_app.casework.models import Review, ReviewComment
from archive_app.casework.recording import record_as
from archive_app.casework.reviewing.rounds import submit_for_review
from archive_app.casework.reviewing.verdict import give_verdict
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement
from archive_app.engagements.teams import set_member
from archive_app.identity.models import SignInSession
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from tests.conftest import SignedIn, Workbench
from tests.factories import People, declare, engagement_of, file_bytes
from tests.files import pdf
from tests.functional.api_client import Program, token_of


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="张敏")


@pytest.fixture
def reviewer(people: People) -> Actor:
    return people.person("technical_reviewer", name="钱复")


@pytest.fixture
def engagement(leader: Actor, reviewer: Actor, archive: Archive) -> Engagement:
    made = engagement_of(leader, title="望溪纸业年度核查")
    set_member(leader, engagement_id=made.id, person_id=reviewer.person_id or "", part="reviewer")
    declare(archive, made.id)
    return made


@pytest.fixture
def report(leader: Actor, engagement: Engagement, archive: Archive) -> str:
    filed = file_bytes(leader, engagement, "核查报告.pdf", pdf(["第一页 排放量", "第二页 结论"])).document_id or ""
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        record_as(uow, filed, type="verification_report", state="accepted")
    return filed


def send(client: FlaskClient, address: str, page: str, /, **fields: Any) -> TestResponse:
    """Posts a form as a browser does, the request token first."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page, follow_redirects=True).text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **fields})


def hidden(page: str, *names: str) -> dict[str, str]:
    return dict(re.findall(rf'name="({"|".join(names)})"[^>]* value="([^"]+)"', page))


def test_a_report_from_submission_to_the_verdict(
    english: SignedIn,
    archive: Archive,
    workbench: Workbench,
    leader: Actor,
    reviewer: Actor,
    engagement: Engagement,
    report: str,
) -> None:
    workbench.run()
    base = f"/engagements/{engagement.id}/review"
    of_leader, of_reviewer = english(leader), english(reviewer)
    shown = of_leader.get(base).text
    assert "This version was not submitted" in shown
    wish = hidden(shown, "document_id", "version_id")
    sent = send(of_leader, base, base, **wish, reviewer_id=reviewer.person_id)
    assert sent.status_code == 303
    with archive.reading(Actor.system("test")) as uow:
        review = uow.session.scalars(select(Review.id)).one()
    address = f"{base}/{review}"
    # The document stands beside the form: its picture, its text.
    page = of_reviewer.get(f"{address}?page=2").text
    for words in ("pages/2-1200.webp", "Page 2 of 2", "第二页", "Write a remark", "Give the verdict"):
        assert words in page
    assert "Write a remark" not in of_leader.get(address).text
    refused = send(of_reviewer, f"{address}/remarks", address, remark=" ", quote="低位", page="2")
    assert (refused.status_code, "低位" in refused.text) == (422, True)
    wrote = send(of_reviewer, f"{address}/remarks", address, remark="依据不足", quote="低位", page="2", grave="y")
    assert wrote.status_code == 303
    with archive.reading(Actor.system("test")) as uow:
        remark = uow.session.scalars(select(ReviewComment.id)).one()
    told = of_leader.get(address).text
    for words in ("依据不足", "1 grave ones open", "钱复"):
        assert words in told
    assert send(of_leader, f"{address}/remarks/{remark}/answer", address, answer="已补充").status_code == 303
    # Another answer to what stood there before is refused, and what was typed is kept.
    late = send(of_leader, f"{address}/remarks/{remark}/answer", address, answer="另一答复")
    assert (late.status_code, "另一答复" in late.text) == (422, True)
    page = of_reviewer.get(address).text
    grave = send(of_reviewer, f"{address}/verdict", f"{address}/verdict", verdict="passed", summary="可以")
    assert (grave.status_code, "grave remarks are not resolved" in grave.text) == (422, True)
    seen = hidden(page, "seen")["seen"]
    assert send(of_reviewer, f"{address}/remarks/{remark}/resolution", address, seen=seen).status_code == 303
    passed = send(of_reviewer, f"{address}/verdict", f"{address}/verdict", verdict="passed", summary="数据可靠")
    assert passed.status_code == 303
    assert "Submit this version" not in of_leader.get(base).text
    listed = Program(of_leader.application, token_of(leader, "read")).get(f"/engagements/{engagement.id}/reviews").json
    assert [(one["round"], one["state"], one["current"]) for one in listed["items"]] == [(1, "passed", True)]


def test_a_report_from_issue_to_notification_and_back(
    english: SignedIn,
    people: People,
    archive: Archive,
    leader: Actor,
    reviewer: Actor,
    engagement: Engagement,
    report: str,
) -> None:
    base = f"/engagements/{engagement.id}/review"
    of_leader, of_issuer = english(leader), english(people.person("quality_manager", name="孙质"))
    with archive.reading(Actor.system("test")) as uow:
        version = uow.session.scalars(select(Version.id).where(Version.document_id == report)).one()
    review = submit_for_review(
        leader, engagement_id=engagement.id, document_id=report, version_id=version,
        reviewer_id=reviewer.person_id or "",
    )  # fmt: skip
    give_verdict(reviewer, review_id=review.id, verdict="passed", summary="数据可靠", language="en")
    assert "Issue the report" in of_issuer.get(base).text
    wish = hidden(of_issuer.get(f"{base}/issue?document={report}").text, "document_id", "version_id")
    issued = send(of_issuer, f"{base}/issue", f"{base}/issue", **wish, number="HC-2026-001")
    assert issued.status_code == 303
    again = send(of_issuer, f"{base}/issue", base, **wish, number="HC-2026-002")
    assert (again.status_code, "HC-2026-001" in again.text) == (422, True)
    wish |= {"told_to": "江南热电厂", "way": "公函", "on": archive.today().isoformat()}
    assert send(of_leader, f"{base}/telling", f"{base}/telling", **wish).status_code == 303
    shown = of_leader.get(base).text
    for words in ("Passed", "HC-2026-001", "江南热电厂", "公函", "孙质"):
        assert words in shown
    withdrawal = re.search(rf'href="({base}/issues/[0-9a-f-]+/withdrawal)"', of_issuer.get(base).text)
    assert withdrawal is not None
    assert f"{base}/issues/" not in shown  # the leader withdraws no issue
    assert send(of_issuer, withdrawal[1], withdrawal[1], reason="错号").status_code == 303
    assert "错号" in of_leader.get(base).text
    telling = re.search(rf'href="({base}/tellings/[0-9a-f-]+/withdrawal)"', of_leader.get(base).text)
    assert telling is not None
    assert send(of_leader, telling[1], telling[1], reason="误").status_code == 303


def test_confirmed_acts_ask_who_it_is_and_newer_versions_are_told(
    english: SignedIn, archive: Archive, leader: Actor, reviewer: Actor, engagement: Engagement, report: str
) -> None:
    base = f"/engagements/{engagement.id}/review"
    of_leader, of_reviewer = english(leader), english(reviewer)
    wish = hidden(of_leader.get(base).text, "document_id", "version_id")
    assert send(of_leader, base, base, **wish, reviewer_id=reviewer.person_id).status_code == 303
    with archive.reading(Actor.system("test")) as uow:
        address = f"{base}/{uow.session.scalars(select(Review.id)).one()}"
    again = send(of_leader, base, base, **wish, reviewer_id=reviewer.person_id)
    assert (again.status_code, "Round 1 of the review of this report goes on" in again.text) == (422, True)
    add_document(
        leader,
        engagement_id=engagement.id,
        stream=io.BytesIO(b"newer"),
        entry=Entry("核查报告.txt"),
        document_id=report,
    )
    assert "A newer version of the report was filed" in of_reviewer.get(address).text
    assert "A newer version of the report was filed" in of_reviewer.get(f"{address}/verdict").text
    stale = send(of_reviewer, f"{address}/verdict", f"{address}/verdict", verdict="passed", summary="可以")
    assert (stale.status_code, "A newer version of the report" in stale.text) == (422, True)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=None))
    led = of_reviewer.get(f"{address}/verdict")
    assert (led.status_code, led.location.startswith("/confirm")) == (303, True)
    late = send(of_reviewer, f"{address}/verdict", address, verdict="returned", summary="旧版")
    assert late.status_code == 403
    taken = send(of_leader, f"{address}/taking-back", address, reason="新版本已归档")
    assert taken.status_code == 303
    assert "新版本已归档" in of_leader.get(address).text
    elsewhere = engagement_of(leader)
    assert of_leader.get(address.replace(engagement.id, elsewhere.id)).status_code == 404
    for missing in ("issue", "telling"):
        assert of_leader.get(f"{base}/{missing}").status_code in {303, 403}
