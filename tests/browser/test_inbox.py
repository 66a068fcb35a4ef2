"""The inbox by keyboard: from the watched folder to the engagement without touching the mouse; and without scripts."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import files
from tests.browser.test_the_path import open_engagement
from tests.first_visit import set_up
from tests.service import Service, running_service

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SHOTS = os.environ.get("LANTAI_SHOTS")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An archive with one watched folder."""
    (tmp_path / "scans").mkdir()
    configuration = tmp_path / "own.toml"
    configuration.write_text(
        "[intake]\nlook_seconds = 1\nquiet_seconds = 1\n\n[[intake.folders]]\n"
        f'name = "扫描仪"\npath = "{tmp_path / "scans"}"\norganisation = "江苏绿源核查有限公司"\n'
        'routes = ["{engagement}/{name}"]\n',
        encoding="utf-8",
    )
    with running_service(tmp_path, LANTAI_CONFIG=str(configuration)) as running:
        yield running


def drop(service: Service, **contents: bytes) -> None:
    for name, content in contents.items():
        path = service.directory / "scans" / f"{name}.{'pdf' if content.startswith(b'%PDF') else 'txt'}"
        path.write_bytes(content)


def await_rows(page: Page, count: int) -> None:
    for _ in range(60):
        page.goto("/inbox")
        if page.locator("[data-row]").count() == count:
            return
        page.wait_for_timeout(250)
    expect(page.locator("[data-row]")).to_have_count(count)


def require_rows(page: Page, count: int) -> None:
    """The list after an act: so many rows, and the keyboard is ready."""
    expect(page.locator("[data-row]")).to_have_count(count)
    expect(page.locator(".inbox.has-script tr.is-current")).to_have_count(1)


def current(page: Page) -> str:
    return page.locator("tr.is-current [data-open]").inner_text()


def test_sorting_by_keyboard(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    number = re.sub(r"\s", "", page.locator(".page-title p").inner_text()).rpartition("·")[2]
    drop(service, 甲=b"first", 乙=files.pdf(["核查结论"]), 丙=b"third", 丁=b"fourth", 戊=b"fifth")
    await_rows(page, 5)
    assert not [path for path in (service.directory / "scans").rglob("*") if path.is_file()]
    order = page.locator("[data-open]").all_inner_texts()
    expect(page.locator("tr.is-current")).to_have_count(1)
    for key, place in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        assert current(page) == order[place]
    page.locator("[data-open]", has_text="乙.pdf").focus()
    expect(page.locator("[data-preview] img")).to_be_visible()
    page.locator("[data-open]", has_text=order[0]).focus()
    shoot_and_check(page)

    page.goto("/inbox")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator("[data-seek]")).to_be_focused()
    page.keyboard.type(number)
    expect(page.locator("[data-choices] input:checked")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".alert-success")).to_contain_text("2")
    require_rows(page, 3)
    page.keyboard.press("1")
    require_rows(page, 2)
    page.keyboard.press("d")
    expect(page.locator("[data-reason]")).to_be_focused()
    page.keyboard.type("与本项目无关")
    page.keyboard.press("Escape")
    expect(page.locator("tr.is-current [data-open]")).to_be_focused()
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    require_rows(page, 1)
    page.goto(address)
    expect(page.locator("#documents tbody tr")).to_have_count(4)

    routed = service.directory / "scans" / number
    routed.mkdir()
    (routed / "自动归入.txt").write_bytes(b"routed")
    for _ in range(60):
        page.goto(address)
        if page.locator("#documents tbody tr").count() == 5:
            break
        page.wait_for_timeout(250)
    expect(page.locator("#documents tbody")).to_contain_text("自动归入.txt")


def shoot_and_check(page: Page) -> None:
    """No fault of accessibility, no overflow, in both languages and widths."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for language in ("en", "zh_Hans_CN"):
            page.goto("/account")
            page.locator(".account-menu summary").click()
            page.locator(f'.menu-sheet button[value="{language}"]').click()
            for place in ("/inbox", "/inbox?state=filed"):
                page.goto(place)
                page.wait_for_timeout(400)
                if SHOTS:
                    page.screenshot(path=f"{SHOTS}/inbox-{language}-{width}-{len(place)}.png", full_page=True)
                found = Axe().run(page)
                assert found.violations_count == 0, f"{place} {width} {language}: {found.generate_report()}"
                overflow = page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth")
                assert overflow <= 0, f"{place} is {overflow} px too wide at {width} px"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_sorting_without_scripts(service: Service, visitor: Visit) -> None:
    page = visitor(scripts=False)
    set_up(page, service.setup_url)
    address = open_engagement(page)
    drop(service, 甲=b"first", 乙=b"second")
    await_rows(page, 2)
    page.locator("input[name=file]").first.check()
    page.fill("[name=to]", "HC-2026")
    page.locator("button[formmethod=get]").click()
    expect(page.locator("input[name=file]:checked")).to_have_count(1)
    page.locator("input[name=engagement]").check()
    page.locator("[data-file]").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("input[name=file]").check()
    page.fill("[name=reason]", "重复")
    page.locator("[data-discard]").click()
    expect(page.locator("[data-row]")).to_have_count(0)
    page.goto(address)
    expect(page.locator("#documents tbody tr")).to_have_count(2)
