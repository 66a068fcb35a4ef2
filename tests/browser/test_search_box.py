"""The search box with its suggestions, by keyboard alone; and the pages of searching in both languages and widths."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.following import follow
from tests.browser.test_the_path import open_engagement, payload, search
from tests.first_visit import set_up
from tests.service import Service, running_service

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One archive for all tests here."""
    with running_service(tmp_path_factory.mktemp("search-box")) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(service: Service, chromium: Browser) -> list[Any]:
    """The cookies of somebody who filed three files that have been read."""
    context = chromium.new_context(reduced_motion="reduce", base_url=service.url, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(15_000)
    set_up(page, service.setup_url)
    open_engagement(page)
    same = "".join(f"第{n}条：化石燃料燃烧排放按低位发热量计算，活动数据取自台账第{n}页。" for n in range(40))
    offered = {
        "长江电厂台账.txt": f"煤的热值，GHG 与温室气体。{same}",
        "热值复印件.txt": f"{same}复印。",
        "=1+1.txt": "电量",
    }
    page.set_input_files("#choose-files", [payload(name, text.encode()) for name, text in offered.items()])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(len(offered), timeout=30_000)
    for _ in range(120):
        search(page, '"低位发热量"')
        if page.locator(".hit").count() == 2:
            break
        page.wait_for_timeout(250)
    expect(page.locator(".hit mark").first).to_be_visible()
    cookies = list(context.cookies())
    context.close()
    return cookies


@pytest.fixture
def visit(visitor: Visit, signed_in: list[Any]) -> Visit:
    """A browser of the one who filed."""

    def make(**kind: object) -> Page:
        page: Page = visitor(**kind)
        page.context.add_cookies(signed_in)
        return page

    return make


def test_suggestions_are_walked_through_by_keyboard(visit: Visit) -> None:
    page = visit()
    page.goto("/engagements")
    page.locator("body").press("/")
    box, options = page.get_by_role("combobox", name="检索档案"), page.locator("#suggestions [role=option]")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press_sequentially("长江")
    expect(options.filter(has_text="长江电厂台账")).to_have_count(1)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator("[data-suggestions-status]")).not_to_be_empty()
    assert Axe().run(page).violations_count == 0

    box.press("ArrowDown")
    first = options.first
    expect(first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    expect(box).to_be_focused()
    box.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("长江")

    # Without a choice, Enter searches for what is typed; with one, it follows the choice.
    box.press("Enter")
    page.wait_for_url("**/search?q=%E9%95%BF%E6%B1%9F")
    box.fill("")
    box.press_sequentially("长江电厂")
    chosen = options.filter(has_text="长江电厂台账")
    expect(chosen).to_have_count(1)
    while chosen.get_attribute("aria-selected") != "true":
        box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url(re.compile(r"/search\?q=.+%3A"))
    expect(page.locator(".hit h2 a")).to_have_text("长江电厂台账.txt")
    expect(page.locator(".chip")).to_contain_text("长江电厂台账.txt")

    # What was searched for before comes first, and is forgotten on demand.
    box.fill("")
    box.press_sequentially("长")
    expect(options.first).to_contain_text("最近检索")
    page.goto("/search/saved")
    page.locator("[data-recent-forget] button").click()
    page.locator("body").press("/")
    box.press_sequentially("长")
    expect(options.filter(has_text="长江电厂台账")).to_have_count(1)
    expect(options.filter(has_text="最近检索")).to_have_count(0)


def test_a_question_that_was_typed_over_is_taken_back(visit: Visit) -> None:
    page = visit()
    page.goto("/engagements")
    held: list[Route] = []
    taken_back: list[str] = []
    page.on("requestfailed", lambda request: taken_back.append(request.url))

    def answer(route: Route) -> None:
        if not held:
            held.append(route)
            return
        route.fulfill(json=[{"words": "后来的", "label": "x", "href": "/search?q=x"}])

    page.route("**/search/suggestions?*", answer)
    box = page.locator("input[name=q]")
    box.press_sequentially("甲")
    while not held:
        page.wait_for_timeout(50)
    box.press_sequentially("乙")
    expect(page.locator("#suggestions [role=option]")).to_have_text("后来的 x")
    assert taken_back == [held[0].request.url]


def test_a_search_is_saved_and_a_list_taken_along_without_scripts(visit: Visit) -> None:
    page = visit(scripts=False)
    page.goto("/search?q=热值")
    page.locator("summary", has_text="保存此检索").click()
    page.locator(".confirm-sheet [name=name]").fill("热值的文件")
    follow(page.locator(".confirm-sheet button"))
    expect(page.locator(".alert-success")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").click()
    assert "长江电厂台账.txt" in Path(started.value.path()).read_text(encoding="utf-8-sig")
    page.goto("/search/saved")
    page.get_by_role("button", name="热值的文件").click()
    page.wait_for_url("**/search?q=%E7%83%AD%E5%80%BC")


def test_pages_of_searching_are_accessible_and_fit(visit: Visit) -> None:
    page = visit()
    page.goto("/search?q=热值")
    page.locator("summary", has_text="保存此检索").click()
    follow(page.locator(".confirm-sheet button"))
    similar = re.sub(r"\?.*", "/similar", page.locator(".hit h2 a").first.get_attribute("href") or "")
    addresses = ["/search?q=题名:长江 GHG", "/search?q=年份:去年&synonyms=off", "/search/saved", similar]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for language in ("zh_Hans_CN", "en"):
            page.goto("/account")
            page.locator(".account-menu summary").click()
            follow(page.locator(f'.menu-sheet button[value="{language}"]'))
            for place in addresses:
                page.goto(place)
                for summary in page.locator(".search-help summary").all():
                    summary.click()
                found = Axe().run(page)
                assert found.violations_count == 0, f"{place} {width} {language}: {found.generate_report()}"
                overflow = page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth")
                assert overflow <= 0, f"{place} is {overflow} px too wide at {width} px"
