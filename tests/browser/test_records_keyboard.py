"""Records by keyboard: proposals confirmed one after another without the mouse, many at once, and without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from archive_app.casework.records.proposing import propose_about
from tests.bench.installation import installation, serving_pages, sign_in
from tests.factories import People, engagement_of, file_bytes

pytestmark = pytest.mark.browser
NAMES = ("首次会议签到表20260512.txt", "核查工作方案.txt", "现场照片.txt", "0001.txt")


@pytest.fixture
def desk(chromium: Browser, tmp_path: Path) -> Iterator[tuple[Page, str]]:
    """The list of records of an engagement with proposals, as its leader sees it: with scripts, and the address."""
    with installation(tmp_path / "house") as place:
        with place.opened() as archive:
            leader = People(archive).person("team_leader")
            engagement = engagement_of(leader)
            for name in NAMES:
                propose_about(archive, file_bytes(leader, engagement, name, name.encode()).document_id or "")
            token = sign_in(archive, leader.person_id)
        with serving_pages(place) as service:
            home = f"http://127.0.0.1:{service.port}"
            context = chromium.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
            page = context.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            for name, value in (("lantai_session", token), ("lantai_language", "en")):
                context.add_cookies([{"name": name, "value": value, "url": home}])
            yield page, f"{home}/engagements/{engagement.id}/records"
            context.close()
            assert errors == []


def current(page: Page) -> str:
    return page.locator("tr.is-current [data-open]").inner_text()


def test_records_are_confirmed_and_described_without_the_mouse(desk: tuple[Page, str]) -> None:
    page, address = desk
    page.goto(f"{address}?state=undescribed")
    expect(page.locator("tbody tr")).to_have_count(4)
    # One stroke confirms what one stands on, and one stands on the next.
    page.keyboard.press("j")
    for place, left in enumerate((3, 2)):
        assert current(page) == NAMES[place]
        page.keyboard.press("y")
        expect(page.locator(".alert")).to_contain_text(f"{NAMES[place]}: Accepted.")
        expect(page.locator("tbody tr")).to_have_count(left)
    # Many at once: chosen by x, the type by its name, Enter sends it; each has its line.
    assert current(page) == NAMES[2]
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("t")
    page.keyboard.type("Interview")
    page.keyboard.press("Enter")
    expect(page.locator("tbody .state-good")).to_have_count(2)
    page.get_by_role("link", name="Back to the records").press("Enter")
    page.wait_for_url("**/records?state=undescribed")
    expect(page.locator(".empty-words")).to_be_visible()


def test_without_scripts_the_same_form_does_it(chromium: Browser, desk: tuple[Page, str]) -> None:
    page, address = desk
    plain = chromium.new_context(
        reduced_motion="reduce", java_script_enabled=False, storage_state=page.context.storage_state()
    )
    bare = plain.new_page()
    bare.goto(address)
    expect(bare.locator(".record-keys")).to_be_hidden()
    for box in bare.locator("input[name=document]").all():
        box.check()
    bare.locator("select[name=type]").nth(1).select_option("photograph")
    bare.locator("[data-describe]").click()
    expect(bare.locator("tbody .state-good")).to_have_count(4)
    plain.close()
