"""The client at a telephone: by the link and a code, with scripts and without, over a line that breaks."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.following import follow
from tests.browser.staffed_house import SHOTS
from tests.browser.test_the_path import open_engagement
from tests.first_visit import set_up
from tests.service import Service
from tests.slow_line import slow_line

pytestmark = pytest.mark.browser
MIB = 2**20
TELEPHONE = 360
Visit = Callable[..., Page]


def test_a_client_brings_material_from_a_telephone(service: Service, visitor: Visit, tmp_path: Path) -> None:
    """Asked for by the leader's pages; brought by a plain form; then with scripts, gone on with after a break."""
    desk = visitor()
    set_up(desk, service.setup_url)
    engagement = urlsplit(open_engagement(desk)).path
    request = prepare(desk, engagement)
    link = make_link(desk, request)
    assert "__" not in link

    plain = visitor(width=TELEPHONE, scripts=False)
    plain.goto(link)
    assert urlsplit(plain.url).path == "/material/"
    fits(plain, "entrance")
    come_in(plain, read_code(desk, request), "王会计")
    fits(plain, "asked")
    follow(plain.get_by_role("link", name="供热发票"))
    paper = tmp_path / "发票.pdf"
    paper.write_bytes(b"%PDF-1.4 invoice")
    plain.set_input_files("#files", paper)
    follow(plain.get_by_role("button", name="发送"))
    expect(plain.locator("#brought")).to_contain_text("发票.pdf")
    fits(plain, "asked-line")
    assert plain.locator("#photo").get_attribute("capture") == "environment"

    scripted = visitor(width=390)
    scripted.goto(link)
    examine(scripted, "entrance")
    come_in(scripted, read_code(desk, request), "王会计")
    examine(scripted, "asked")
    over_a_line_that_breaks(service, scripted, tmp_path)

    # The team looks at it and returns it; the client reads why.
    desk.goto(f"{engagement}/material")
    examine(desk, "requests")
    follow(desk.get_by_role("link", name="现场照片").first)
    expect(desk.locator(".request-lines")).to_contain_text("大照片.jpg")
    desk.locator("summary", has_text="退回此项").click()
    desk.fill("#reason-line", "请拍摄设备铭牌")
    examine(desk, "line")
    follow(desk.get_by_role("button", name="退回此项").last)
    plain.goto("/material/")
    expect(plain.locator(".asked-lines")).to_contain_text("请拍摄设备铭牌")
    log = (service.directory / "serve.log").read_text(encoding="utf-8")
    assert link.rpartition("/")[2] not in log


def prepare(page: Page, engagement: str) -> str:
    """A request with two lines of the leader's own; returns its address."""
    page.goto(f"{engagement}/material")
    follow(page.get_by_role("link", name="新建资料清单"))
    page.fill("[name=recipient]", "王会计")
    page.get_by_label("由组长电话告知").check()
    examine(page, "new")
    follow(page.get_by_role("button", name="编制清单"))
    page.wait_for_url("**/edit")
    examine(page, "edit")
    for box in page.locator("[name^=drop-]").all():
        box.check()
    rows = page.locator("fieldset.line-edit").count()
    page.fill(f"[name=name-{rows - 1}]", "供热发票")
    page.fill(f"[name=explanation-{rows - 1}]", "全年每月一张")
    page.fill(f"[name=name-{rows}]", "现场照片")
    page.select_option(f"[name=type-{rows}]", "photograph")
    follow(page.get_by_role("button", name="保存清单"))
    page.wait_for_url(re.compile(r"/material/[0-9a-f-]{36}$"))
    return urlsplit(page.url).path


def make_link(page: Page, request: str) -> str:
    """A fresh link, as the page shows it once."""
    page.goto(request)
    follow(page.get_by_role("button", name="生成链接并复制"))
    link = page.locator(".one-time-link code").text_content() or ""
    expect(page.locator("img.qr")).to_be_visible()
    examine(page, "request")
    return urlsplit(link).path


def read_code(page: Page, request: str) -> str:
    """A fresh code, as the leader reads it out."""
    page.goto(request)
    page.locator("summary", has_text="口头告知验证码").click()
    follow(page.get_by_role("button", name="显示验证码"))
    return page.locator(".read-out code").text_content() or ""


def come_in(page: Page, code: str, name: str) -> None:
    """The client gives the code."""
    page.get_by_label("您的姓名").fill(name)
    page.get_by_label("验证码", exact=True).fill(code)
    follow(page.get_by_role("button", name="打开"))
    expect(page.locator(".asked-lines")).to_be_visible()


def over_a_line_that_breaks(service: Service, page: Page, folder: Path) -> None:
    """A photograph of 11 MiB: the line breaks in its second part, and nothing is sent twice but that part."""
    photograph = folder / "大照片.jpg"
    photograph.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * (11 * MIB // 256))
    follow(page.get_by_role("link", name="现场照片"))
    where = urlsplit(page.url).path
    examine(page, "asked-line-scripted")
    port = urlsplit(service.url).port or 0
    with slow_line(port, bits_per_second=160e6, breaks_after=(9 * MIB,), down_seconds=1) as line:
        page.goto(f"http://127.0.0.1:{line.port}{where}")
        page.set_input_files("#files", photograph)
        expect(page.locator("#brought")).to_contain_text("大照片.jpg", timeout=60_000)
        assert line.breaks == 1
        assert line.sent_bytes - photograph.stat().st_size < 6 * MIB


def examine(page: Page, name: str) -> None:
    """Nothing that axe finds, and no overflow."""
    fits(page, name)
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]


def fits(page: Page, name: str) -> None:
    """No overflow, wide and narrow; pictures where they are wanted."""
    size = page.viewport_size or {"width": 1280, "height": 900}
    for width in sorted({size["width"], TELEPHONE}):
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide at {width}"
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/material-{name}-{width}.png", full_page=True)
    page.set_viewport_size(size)
