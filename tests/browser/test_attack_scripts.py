"""Stored scripts, in a real browser: what was put into names, titles, cells, mails and files is shown as text."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.saved_searches import save_search
from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.identity.access_tokens import make_token
from archive_app.identity.own_account import change_profile
from archive_app.intake.inbox import InboxPlace, hold_file
from archive_app.kernel.actor import Actor
from archive_app.runtime import open_archive
from archive_app.settings import load_settings
from archive_app.web.gate import SESSION_COOKIE
from tests import files
from tests.bench.installation import sign_in
from tests.factories import People, declare
from tests.registers import bring, rows_of, workbook
from tests.service import running_service

pytestmark = pytest.mark.browser
HIT = "window.__hit=1"
TAG = f'"><img src=x onerror="{HIT}"><script>{HIT}</script>'
QUOTES = f"' onmouseover='{HIT}' x='"
CLOSES = f"</title></textarea></script><svg onload={HIT}>"
TEMPLATE = "{{7*7}}${7*7}<%=7*7%>%(x)s{0.__class__}"
TURNED = "\u202egpj.exe\u2066"
NAME = f'"><img src=x onerror={HIT}>.txt'


@dataclass(frozen=True)
class Stage:
    """A running service in which everything was put that could do harm."""

    page: Page
    addresses: list[str]
    documents: list[str]
    url: str


@pytest.fixture(scope="module")
def stage(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_service(tmp_path_factory.mktemp("scripts")) as service:
        archive = open_archive(load_settings(service.environ))
        with archive.activate():
            person = People(archive).person("team_leader", "archivist")
            addresses, documents = _plant(archive, person)
            token = sign_in(archive, person.person_id)
        archive.engine.dispose()
        context = chromium.new_context(base_url=service.url)
        context.add_cookies(
            [
                {"name": SESSION_COOKIE, "value": token, "url": service.url},
                {"name": "lantai_language", "value": "en", "url": service.url},
            ]
        )
        context.add_init_script("window.addEventListener('securitypolicyviolation', () => { window.__hit = 2; });")
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("dialog", lambda dialog: pytest.fail(f"a script opened a dialog: {dialog.message}"))
        yield Stage(page, addresses, documents, service.url)
        context.close()


def _plant(archive: Any, person: Actor) -> tuple[list[str], list[str]]:
    change_profile(person, display_name=f"名 {TAG}", language="en")
    client = add_client(person, name=f"客户 {TAG}")
    engagement = open_engagement(person, client_id=client.id, number="HC-1", title=f"项目 {CLOSES}", year=2025)
    declare(archive, engagement.id)
    documents = []
    for name, content, title in (
        (NAME, b"plain <script>window.__hit=1</script> text", f"题名 {TAG}"),
        ("图.svg", files.svg(script=True), f"图 {QUOTES}"),
        ("页.html", files.hostile_html(), f"页 {TEMPLATE}"),
        (f"{TURNED}.txt", b"turned", f"反 {TURNED}"),
        ("信.eml", _mail(), f"信 {CLOSES}"),
    ):
        entry = Entry(name=name, title=title, number=QUOTES, originator=TAG, activity=CLOSES)
        filed = add_document(person, engagement_id=engagement.id, stream=io.BytesIO(content), entry=entry)
        documents.append(filed.document_id or "")
    rows = rows_of(3)
    rows[0][1], rows[1][3], rows[2][7] = TAG, CLOSES, QUOTES
    register_id = bring(person, workbook(rows), name=f"目录{NAME}.xlsx", engagement_id=engagement.id)
    place = InboxPlace(person.organisation_id or "", engagement_id=engagement.id)
    entry = Entry(name=NAME, source_path=f"/扫描/{NAME}", source_system=TAG)
    held = hold_file(person, stream=io.BytesIO(b"scan"), entry=entry, place=place)
    save_search(person, name=f"检索 {TAG}", pairs=[("q", TAG)])
    make_token(person, name=f"程序 {QUOTES}", scopes=["read"], days=30)
    addresses = ["/engagements", f"/engagements/{engagement.id}", f"/engagements/{engagement.id}/team", "/clients"]
    addresses += [
        f"/clients/{client.id}",
        "/search?q=text",
        "/search?q=%E9%A2%98%E5%90%8D",
        "/search/saved",
        "/account",
    ]
    addresses += ["/account/tokens", "/log", "/registers", f"/registers/{register_id}", "/inbox"]
    addresses += [f"/registers/{register_id}/{part}" for part in ("columns", "rows", "files", "filing")]
    addresses += [f"/inbox/files/{held.id}", "/engagements/new", "/inbox/engagements"]
    addresses += [f"/documents/{document}" for document in documents]
    addresses += [
        f"/documents/{documents[0]}/similar",
        f"/search?q={NAME}",
        f"/search?q={TAG}",
        f"/sign-in?next=/{TAG}",
    ]
    return addresses, documents


def _mail() -> bytes:
    return (
        f"From: {TAG} <a@example.org>\r\nTo: b@example.org\r\nSubject: {TAG}\r\n"
        "Date: Mon, 4 May 2026 10:00:00 +0800\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>正文</p><script>{HIT}</script>\r\n"
        "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; "
        f'filename="\'><img src=x onerror={HIT}>.txt"\r\n\r\nattached\r\n--b--\r\n'
    ).encode()


def require_unharmed(page: Page, address: str) -> None:
    """No script ran or was refused, no element came out of a text."""
    assert page.evaluate("window.__hit") is None, address
    for found in ("img[src='x']", "svg[onload]", "[onmouseover]", "[onerror]", "main script"):
        assert page.locator(found).count() == 0, (address, found)
    assert "49" not in re.findall(r"页 (\d+)", page.content()), address


def test_what_was_stored_never_runs(stage: Stage) -> None:
    page, shown = stage.page, 0
    for address in stage.addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status < 500, address
        require_unharmed(page, address)
        # Where the text is, it is there as it was typed.
        shown += page.get_by_text("<img src=x onerror").count() > 0 or page.get_by_text("<svg onload").count() > 0
    assert shown >= 8
    page.goto(f"/documents/{stage.documents[2]}")
    assert "{{7*7}}${7*7}" in (page.locator("main").text_content() or "")


def test_what_scripts_of_ours_put_on_the_page_never_runs(stage: Stage) -> None:
    page = stage.page
    page.goto(stage.addresses[1])
    page.set_input_files(
        "#choose-files", FilePayload(name=NAME, mimeType="text/html", buffer=b"chosen <script>window.__hit=1</script>")
    )
    expect(page.locator('.upload[data-state="filed"]').first).to_have_count(1)
    require_unharmed(page, "a file chosen by name")
    box = page.locator("input[name=q]").first
    for typed in ("客户", "题名", "检索", '">', "项目"):
        box.fill("")
        box.press_sequentially(typed)
        page.wait_for_timeout(300)
        require_unharmed(page, f"suggestions for {typed}")


def test_no_file_is_ever_shown_by_the_browser_itself(stage: Stage) -> None:
    stage.page.goto("/account")
    for document in stage.documents:
        path = f"/documents/{document}/versions/1/content"
        answer = stage.page.context.request.get(path)
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        with stage.page.expect_download() as started:
            stage.page.evaluate("address => { location.href = address; }", f"{stage.url}{path}")
        # The browser itself makes of the name what its system can take.
        assert "/" not in started.value.suggested_filename


def test_after_signing_out_going_back_shows_nothing(stage: Stage) -> None:
    """The last one: it ends the session of all of them."""
    page = stage.page
    address = f"/documents/{stage.documents[0]}"
    page.goto(address)
    page.evaluate("localStorage.setItem('lantai-probe', 'searched words')")
    page.goto("/account")
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    assert page.evaluate("localStorage.getItem('lantai-probe')") is None
    page.go_back()
    page.go_back()
    expect(page.locator("input[type=password]")).to_have_count(1)
    assert "题名" not in page.content()
