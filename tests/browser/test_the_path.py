"""Set up, open an engagement, drop files, find each by a phrase inside it, open and download it; nobody else does."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, Route, expect

from tests import files
from tests.factories import PASSWORD
from tests.first_visit import choose_password, declare, set_up
from tests.service import ROOT, Service

pytestmark = pytest.mark.browser
SOURCES = ROOT.parent / "shared" / "seeds"
Visit = Callable[..., Page]
SHOTS = os.environ.get("LANTAI_SHOTS")


@dataclass(frozen=True)
class Sample:
    """A file, and a phrase that stands only inside it."""

    name: str
    content: bytes
    phrase: str


def generated() -> list[Sample]:
    """One file of each kind with a Chinese phrase of its own."""
    plan, data = "入炉煤低位发热量缺失时采用最近一次检测值", "柴油消耗量台账与发票逐笔核对"
    meeting, report, mail = (
        "末次会议确认两项不符合项",
        "净购入电量采用结算电量作为活动数据",
        "请于五个工作日内补充化验室资质证书",
    )
    return [
        Sample("监测计划.docx", files.docx([plan, "GB/T 32150-2015"]), plan),
        Sample("活动数据.xlsx", files.xlsx({"台账": [["月份", data], ["一月", 1234.5]]}), data),
        Sample("末次会议.pptx", files.pptx([meeting]), meeting),
        Sample("核查报告.pdf", files.pdf([report]), report),
        Sample("往来邮件.eml", files.eml(mail), mail),
    ]


def source_documents() -> list[Sample]:
    """The source documents where they stand beside the checkout, each with a phrase that only it holds."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.txt"))}
    return [Sample(path.name, path.read_bytes(), _own_phrase(path, texts)) for path in texts]


def _own_phrase(path: Path, texts: dict[Path, str]) -> str:
    for run in re.findall(r"[\u4e00-\u9fff]{10,20}", texts[path]):
        if all(run not in text for other, text in texts.items() if other != path):
            return str(run)
    raise AssertionError(f"{path.name} holds no phrase of its own")


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def open_engagement(page: Page) -> str:
    # Setting up ends with a click; what it leads to may not be there yet.
    expect(page.locator(".recovery-codes")).to_have_count(0)
    page.goto("/clients")
    page.fill("[name=name]", "江南热电有限公司")
    page.locator("main form .btn-primary").click()
    expect(page.get_by_role("rowheader", name="江南热电有限公司")).to_be_visible()
    page.goto("/engagements/new")
    page.fill("[name=number]", "HC-2026-001")
    page.fill("[name=title]", "2025 年度温室气体排放核查")
    page.locator("main .btn-primary").click()
    declare(page)
    return page.url


def search(page: Page, words: str) -> None:
    page.locator("body").press("/")
    box = page.locator("input[name=q]").first
    expect(box).to_be_focused()
    box.fill(words)
    # One may search from a page of hits, whose address tells nothing then.
    with page.expect_navigation(url="**/search?*"):
        box.press("Enter")


def find_one(page: Page, sample: Sample) -> None:
    """Searches until the worker has read and indexed the file."""
    hit = page.locator(".hit h2 a", has_text=sample.name)
    for _ in range(40):
        search(page, f'"{sample.phrase}"')
        if hit.count():
            break
        page.wait_for_timeout(250)
    expect(hit).to_have_count(1)
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator("mark").first).to_be_visible()


def download(page: Page) -> bytes:
    with page.expect_download() as started:
        page.get_by_role("link", name="下载原件").click()
    return Path(started.value.path()).read_bytes()


def test_file_find_open_prove(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    samples = [*source_documents(), *generated()]
    page.set_input_files("#choose-files", [payload(sample.name, sample.content) for sample in samples])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(len(samples), timeout=60_000)
    page.goto(address)
    expect(page.locator("#documents tbody tr")).to_have_count(len(samples) + 1)  # and the declaration
    assert len(samples) == len(list(SOURCES.glob("*.txt"))) + 5

    for sample in samples:
        find_one(page, sample)
        page.locator(".hit h2 a").click()
        expect(page.locator("h1")).to_have_text(sample.name)
        expect(page.locator(".digest").first).to_have_text(hashlib.sha256(sample.content).hexdigest())
        assert download(page) == sample.content

    page.get_by_role("button", name="立即校验").click()
    expect(page.locator(".alert-success")).to_be_visible()
    expect(page.locator(".page-header .state-good")).to_be_visible()

    stranger = invite_colleague(page, service, visitor, role="verifier")
    for sample in samples:
        search(stranger, f'"{sample.phrase}"')
        expect(stranger.locator(".hit")).to_have_count(0)
        expect(stranger.locator(".facet")).to_have_count(0)
    stranger.goto(address)
    expect(stranger.locator(".error-status")).to_have_text("404")


def invite_colleague(page: Page, service: Service, visitor: Visit, *, role: str) -> Page:
    """The administrator invites and proposes the role; the operator, in place of a security officer, grants it; the
    colleague takes the link and chooses a password."""
    page.goto("/people/invite")
    page.fill("[name=display_name]", "李强")
    page.fill("[name=login]", "liqiang")
    page.locator(f"[name=roles][value={role}]").check()
    page.locator("main .btn-primary").click()
    link = page.locator(".one-time-link .digest").inner_text()
    service.command("user", "grant", "liqiang", role)
    colleague = visitor()
    colleague.goto(link)
    choose_password(colleague, PASSWORD + "2")
    return colleague


def test_duplicates_refusals_and_a_reload(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    content = "同一份资料 the same bytes".encode()
    offered = [("第一份.txt", content), ("第二份.txt", content), ("空.txt", b""), ("好.txt", "另一份".encode())]
    page.set_input_files("#choose-files", [payload(*file) for file in offered])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(2)
    expect(page.locator('.upload[data-state="duplicate"]')).to_have_count(1)
    refused = page.locator('.upload[data-state="refused"]')
    expect(refused).to_contain_text("文件为空")

    duplicate = page.locator('.upload[data-state="duplicate"]')
    for reloaded in (False, True):
        if reloaded:
            page.goto(address)
        expect(page.locator(".upload")).to_have_count(4)
        expect(page.locator(".upload:visible")).to_have_count(2)
        expect(page.locator(".upload-filed summary")).to_have_text("2 个文件已入库")
        expect(duplicate.get_by_role("link")).to_have_text("第一份.txt")
    page.locator(".upload-filed summary").click()
    expect(page.locator(".upload:visible")).to_have_count(4)
    with page.expect_navigation():
        duplicate.get_by_role("link", name="第一份.txt").click()
    expect(page.locator("h1")).to_have_text("第一份.txt")
    page.goto(address)
    duplicate.get_by_role("button", name="仍然入库").click()
    expect(page.locator("h1")).to_have_text("第二份.txt")
    page.goto(address)
    expect(page.locator("#documents tbody tr")).to_have_count(4)


def test_files_chosen_before_the_script_ran_are_taken(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/upload.js*", hold)
    page.goto(address, wait_until="commit")
    page.set_input_files("#choose-files", [payload("早.txt", "脚本之前".encode())])
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(1)
    assert page.locator("#choose-files").input_value() == ""


def drop(page: Page, names: list[str]) -> None:
    """Drops files onto the middle of the page, as a mouse would."""
    page.locator(".upload-desk.has-script").wait_for()
    transfer = page.evaluate_handle(
        """names => {
            const transfer = new DataTransfer();
            for (const name of names) transfer.items.add(new File([`内容 ${name}`], name, { type: "text/plain" }));
            return transfer;
        }""",
        names,
    )
    for kind in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", kind, {"dataTransfer": transfer})


def test_dropping_anywhere_and_searching_as_a_team(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    drop(page, ["甲.txt", "乙.txt", "丙.txt"])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(3)
    page.goto(address)
    page.locator("#documents tbody a").first.click()
    page.wait_for_url("**/documents/*")
    document = page.url
    drop(page, ["丙 修订.txt"])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(1)
    page.goto(document)
    expect(page.locator(".version-list li")).to_have_count(2)

    colleague = invite_colleague(page, service, visitor, role="verifier")
    colleague.goto(address)
    expect(colleague.locator(".error-status")).to_have_text("404")
    page.goto(f"{address}/team")
    page.get_by_label("人员").select_option(label="李强")
    page.get_by_role("button", name="加入核查组").click()
    expect(page.locator(".member-list li")).to_have_count(2)
    colleague.goto(address)
    expect(colleague.locator(".error-status")).to_have_text("404")
    colleague.goto("/engagements")
    colleague.locator("main section a").first.click()
    declare(colleague)
    # Three files and two declarations.
    expect(colleague.locator("#documents tbody tr")).to_have_count(5)
    page.locator(".member-list li", has_text="李强").locator("summary").click()
    page.locator(".member-list li", has_text="李强").locator("form .btn-danger").click()
    expect(page.locator(".member-list li")).to_have_count(1)
    colleague.goto(address)
    expect(colleague.locator(".error-status")).to_have_text("404")


def test_without_scripts(service: Service, visitor: Visit, tmp_path: Path) -> None:
    page = visitor(scripts=False)
    set_up(page, service.setup_url)
    address = open_engagement(page)
    offered = tmp_path / "无脚本上传 📄.txt"
    offered.write_text("没有脚本也能入库", encoding="utf-8")
    page.set_input_files("#choose-files", [offered])
    page.locator(".without-script button").click()
    page.wait_for_url(address)
    expect(page.locator("#documents tbody tr")).to_have_count(2)
    page.get_by_role("link", name=offered.name).click()
    assert download(page) == offered.read_bytes()


def test_every_page_is_accessible_and_fits(service: Service, visitor: Visit) -> None:
    page = visitor()
    set_up(page, service.setup_url)
    address = open_engagement(page)
    page.set_input_files("#choose-files", [payload("报告.pdf", files.pdf(["核查结论"]))])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(1)
    page.goto(address)
    document = page.locator("#documents tbody a").first.get_attribute("href") or ""
    addresses = [
        address,
        f"{address}/declaration",
        f"{address}/team",
        document,
        "/relations",
        "/independence",
        "/engagements",
        "/clients",
        "/search?q=核查",
        "/log",
        "/health",
        "/people",
        "/account",
        "/account/tokens",
        "/account/second-factor",
        "/account/second-factor?move=1",
        "/confirm",
    ]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for language in ("zh_Hans_CN", "en"):
            page.goto("/account")
            page.locator(".account-menu summary").click()
            page.locator(f'.menu-sheet button[value="{language}"]').click()
            for place in addresses:
                page.goto(place)
                require_accessible(page, f"{place} {width} {language}")
            make_token(page, f"{language} {width}")
            require_accessible(page, f"token made {width} {language}")


def require_accessible(page: Page, told: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{re.sub(r'[^0-9A-Za-z_]+', '-', told)[-60:]}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{told}: {found.generate_report()}"
    overflow = page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth")
    assert overflow <= 0, f"{told} is {overflow} px too wide"


def make_token(page: Page, name: str) -> None:
    """Makes a token, shown this once; the list has it from then on."""
    page.goto("/account/tokens")
    before = page.locator("main tbody tr").count()
    page.fill("[name=name]", name)
    for scope in page.locator("[name=scopes]").all():
        scope.check()
    page.locator("main .btn-primary").click()
    expect(page.locator("code.digest")).to_contain_text("lantai_")
    expect(page.locator("main tbody tr")).to_have_count(before + 1)
