"""The pages of documents, as a browser without scripts sees them."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.uploads import Offer, Origin, announce, list_uploads, receive
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.trail.reading import EventFilters, list_events
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

Browser = Callable[[], FlaskClient]


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", "archivist", name="顾言")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader, title="年度核查 <甲>")


@pytest.fixture
def client(archive: Archive, browser: Browser, leader: Actor) -> FlaskClient:
    made = browser()
    made.set_cookie(SESSION_COOKIE, sign_in(archive, leader.person_id))
    made.set_cookie("lantai_language", "en")
    return made


def offer(actor: Actor, engagement: Engagement, name: str, content: bytes) -> None:
    [upload] = announce(actor, engagement_id=engagement.id, offers=[Offer(name, len(content))], origin=Origin())
    receive(actor, upload_id=upload.id, stream=io.BytesIO(content), expected_bytes=len(content))


@both_databases
def test_a_duplicate_names_the_document_it_equals(leader: Actor, engagement: Engagement) -> None:
    first = file_bytes(leader, engagement, "原件.txt", b"same")
    offer(leader, engagement, "副本.txt", b"same")
    [line] = list_uploads(leader, engagement_id=engagement.id, language="en")
    assert (line.state, line.document_id, line.document_title) == ("duplicate", first.document_id, "原件.txt")


def test_the_list_links_the_twin_and_folds_what_is_filed(
    client: FlaskClient, leader: Actor, engagement: Engagement
) -> None:
    for name, content in (("原件.txt", b"same"), ("另一份.txt", b"other"), ("副本.txt", b"same")):
        offer(leader, engagement, name, content)
    page = client.get(f"/engagements/{engagement.id}").text
    open_lines, folded = page.split("data-upload-filed", 1)
    assert open_lines.count('data-state="duplicate"') == 1
    assert open_lines.count('data-state="filed"') == 0
    folded = folded.partition("</details>")[0]
    assert "2 filed" in folded
    assert folded.count('data-state="filed"') == 2
    lines = {line["name"]: line for line in client.get(f"/engagements/{engagement.id}/uploads").get_json()}
    twin = lines["副本.txt"]
    assert (twin["title"], twin["document"]) == ("原件.txt", lines["原件.txt"]["document"])
    assert f'<a href="{twin["document"]}">原件.txt</a>' in open_lines


def test_nothing_filed_shows_no_fold(client: FlaskClient, engagement: Engagement) -> None:
    assert re.search(r"data-upload-filed hidden", client.get(f"/engagements/{engagement.id}").text)


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [("", False), ("application/octet-stream", False), ("text/plain", False), ("application/pdf", True)],
)
def test_only_a_differing_claim_is_shown(
    client: FlaskClient, leader: Actor, engagement: Engagement, claimed: str, shown: bool
) -> None:
    entry = Entry(name="记录.txt", claimed_media_type=claimed)
    filed = add_document(leader, engagement_id=engagement.id, stream=io.BytesIO("一".encode()), entry=entry)
    assert ("Claimed at entry" in client.get(f"/documents/{filed.document_id}").text) is shown


def test_the_document_says_what_was_read_and_which_version_is_current(
    client: FlaskClient, leader: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    filed = file_bytes(leader, engagement, "记录.txt", "一二三".encode())
    workbench.run()
    page = client.get(f"/documents/{filed.document_id}").text
    assert re.search(r"state-good\">Read</span> <small>[a-z]+/\d+</small>", page)
    assert "Plain text <small>text/plain</small>" in page
    assert "Current version" in page


def test_a_check_is_logged_with_the_title(client: FlaskClient, leader: Actor, engagement: Engagement) -> None:
    filed = file_bytes(leader, engagement, "记录.txt", "一二三".encode())
    page = client.get(f"/documents/{filed.document_id}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    assert client.post(f"/documents/{filed.document_id}/check", data={"csrf_token": token[1]}).status_code == 303
    filters = EventFilters(code="document.checked")
    assert [line.detail["title"] for line in list_events(leader, filters=filters).items] == ["记录.txt"]
    assert "<summary>记录.txt</summary>" in client.get("/log?action=document.checked").text


def test_the_team_page_leads_back_to_its_engagement(client: FlaskClient, engagement: Engagement) -> None:
    page = client.get(f"/engagements/{engagement.id}/team").text
    assert f'<a href="/engagements/{engagement.id}">年度核查 &lt;甲&gt;</a>' in page


def test_a_download_answers_parts_and_refuses_what_lies_beyond(
    client: FlaskClient, leader: Actor, engagement: Engagement
) -> None:
    document_id = file_bytes(leader, engagement, "原件.txt", b"0123456789").document_id
    address = f"/documents/{document_id}/versions/1/content"
    whole = client.get(address)
    assert (whole.data, whole.mimetype) == (b"0123456789", "application/octet-stream")
    assert whole.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E5%8E%9F%E4%BB%B6.txt"
    part = client.get(address, headers={"Range": "bytes=4-5"})
    assert (part.status_code, part.data) == (206, b"45")
    # An open stream that nobody closes would be a warning, and warnings are errors here.
    assert client.get(address, headers={"Range": "bytes=99-"}).status_code == 416
