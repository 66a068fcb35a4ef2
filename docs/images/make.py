"""Makes the pictures of the guide: a real service, a real Chromium, and generated records of invented companies.

`python docs/images/make.py` in the development environment; the pictures are written beside this file.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests import files  # noqa: E402  # the tests' own makers of files, found by the line above
from tests.engines import program  # noqa: E402
from tests.first_visit import choose_password, declare, enrol, set_up  # noqa: E402
from tests.service import Service, running_service  # noqa: E402

WIDE: ViewportSize = {"width": 1280, "height": 800}
TALL: ViewportSize = {"width": 1280, "height": 1400}
NARROW: ViewportSize = {"width": 390, "height": 844}

CLIENTS = ("青岚热电有限公司", "白石水泥有限公司", "望溪纸业有限公司")
ENGAGEMENTS = (
    ("HC-2026-001", "2025 年度温室气体排放核查", 2025, 0),
    ("HC-2026-002", "2025 年度温室气体排放核查（熟料生产线）", 2025, 1),
    ("HC-2025-014", "2024 年度核查不符合项整改跟踪", 2024, 2),
)
VERIFIERS = (("guyan", "顾言"), ("lumanman", "陆漫漫"))
NEWCOMERS = (
    ("qiuyi", "邱益", "technical_reviewer"),
    ("mengzhou", "孟舟", "quality_manager"),
    ("tangjian", "唐鉴", "security_auditor"),
)
AUTHORITY, PURPOSE = "云汀市生态环境局", "2025 年度核查质量抽查"
PLAN = (
    "数据质量控制方案",
    "一、编制依据：GB/T 32150—2015《工业企业温室气体排放核算和报告通则》及相应行业核算指南。",
    "二、入炉煤低位发热量由化验室按日检测，缺失时采用最近一次检测值，并在台账中注明。",
    "三、净购入电量以电网结算凭证为准，与现场电表读数逐月交叉核对。",
    "四、活动数据由设备管理部汇总，统计员复核，分管领导签字后归入当月数据包。",
)
REPORT = (
    (
        "温室气体排放核查报告\n\n重点排放单位：青岚热电有限公司\n核查年度：2025 年\n报告编号：HC-2026-001\n\n"
        "一、概述\n受委托对该单位 2025 年度温室气体排放进行核查，\n核查准则为 GB/T 32150—2015 及发电设施核算指南。\n\n"
        "二、核查发现\n1. 核算边界与上一年度一致，未发现遗漏的排放源。\n2. 入炉煤低位发热量采用实测值，检测频次符合要求。\n"
        "3. 净购入电量采用结算电量作为活动数据，与抄表记录一致。\n\n三、排放量（tCO2）\n化石燃料燃烧        1,284,530\n"
        "净购入电力              9,817\n合计                1,294,347"
    ),
    (
        "四、不符合项\n1. 三月份两份煤质检测报告缺少审核人签字。\n"
        "   整改：补充签字并说明原因，已于现场核查后五个工作日内完成。\n"
        "2. 皮带秤校准证书过期十二天。\n   整改：已送检，取得新证书。\n\n"
        "五、核查结论\n不符合项均已整改，排放量数据可以采信。"
    ),
)
MINUTES = "末次会议纪要\n核查组向企业通报两项不符合项，企业确认并承诺五个工作日内完成整改。\n净购入电量数据无异议。"
LEDGER = (
    ("月份", "入炉煤量(t)", "低位发热量(GJ/t)", "净购入电量(MWh)"),
    *((f"{month} 月", 41_000 + 350 * month, 20.1 + month / 20, 820 + 7 * month) for month in range(1, 13)),
)
LETTER = "请贵司于五个工作日内补充化验室资质证书、皮带秤校准证书，以及三月份煤质检测报告的审核签字页。"
INTERVIEW = (
    "首次会议签到及访谈记录\n访谈对象：设备管理部统计员。\n"
    "问：低位发热量缺失时如何处理？答：采用最近一次检测值，并在台账中注明。\n"
)


def records() -> list[tuple[str, bytes]]:
    """The files of the first engagement."""
    return [
        ("首次会议访谈记录.txt", INTERVIEW.encode()),
        ("末次会议纪要.pptx", files.pptx(MINUTES.split("\n"), notes="会后由组长存档。")),
        ("皮带秤铭牌.jpg", files.image("JPEG", (640, 480), colour="slategray")),
        ("数据质量控制方案.docx", files.docx(PLAN, table=())),
        ("活动数据台账 2025.xlsx", files.xlsx({"活动数据": LEDGER})),
        ("电费结算单.ofd", files.ofd("电费结算单")),
        ("关于补充材料的函.eml", files.eml(LETTER, subject="关于补充材料的函")),
        ("核查报告.pdf", files.pdf(REPORT)),
    ]


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """The Chromium of this machine. Its own sandbox cannot be used by root."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=["--lang=zh-CN", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        yield browser
        browser.close()


def furnish(page: Page, service: Service) -> str:
    """Sets the archive up and fills it; returns the address of the first engagement."""
    set_up(page, service.setup_url, organisation="云汀低碳核查有限公司", name="沈知远", login="shenzhiyuan")
    for name in CLIENTS:
        _add_client(page, name)
    addresses = [_open_engagement(page, *facts, CLIENTS[client]) for *facts, client in ENGAGEMENTS]
    for login, name in VERIFIERS:
        service.command("user", "add", login, "--name", name, "--role", "verifier")
        _join_team(page, addresses[0], name)
    _send(page, addresses[1], [("核查报告.pdf", files.pdf([REPORT[0].replace(CLIENTS[0], CLIENTS[1])]))])
    corrections = files.csv_table([("不符合项", "状态"), ("净购入电量缺凭证", "已整改")])
    _send(page, addresses[2], [("整改跟踪表.csv", corrections)])
    _send(page, addresses[0], records(), activity="2025 年度现场核查", originator="青岚热电有限公司设备管理部")
    revised = files.docx([*PLAN, "五、修订：增加缺失数据处理的审批人。"], table=())
    _file_new_version(page, addresses[0], "数据质量控制方案.docx", revised)
    odd = [("访谈记录（副本）.txt", INTERVIEW.encode()), ("空白附件.docx", b"")]
    _send(page, addresses[0], odd, endings=("duplicate", "refused"))
    _wait_until_found(page, "入炉煤低位发热量")
    return addresses[0]


def _add_client(page: Page, name: str) -> None:
    page.goto("/clients")
    form = page.locator("main form[method=post]")
    if not form.is_visible():
        page.locator("main details summary").first.click()
    form.locator("[name=name]").fill(name)
    form.locator(".btn-primary").click()
    expect(page.get_by_role("rowheader", name=name)).to_be_visible()


def _open_engagement(page: Page, number: str, title: str, year: int, client: str) -> str:
    page.goto("/engagements/new")
    page.select_option("[name=client_id]", label=client)
    page.fill("[name=number]", number)
    page.fill("[name=title]", title)
    page.fill("[name=year]", str(year))
    page.locator("main .btn-primary").click()
    declare(page)
    return page.url


def _join_team(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/team")
    page.select_option("select[name=person_id]", label=name)
    page.locator("main .btn-primary").click()
    expect(page.locator(".member-list")).to_contain_text(name)


def _send(
    page: Page,
    address: str,
    offered: Sequence[tuple[str, bytes]],
    *,
    activity: str = "",
    originator: str = "",
    endings: Sequence[str] = (),
) -> None:
    page.goto(address)
    page.locator(".upload-origin summary").click()
    page.fill("[name=activity]", activity)
    page.fill("[name=originator]", originator)
    chosen = [{"name": name, "mimeType": "", "buffer": content} for name, content in offered]
    page.set_input_files("#choose-files", chosen)
    for state in endings or ("filed",):
        count = len(offered) if not endings else endings.count(state)
        expect(page.locator(f'.upload[data-state="{state}"]')).to_have_count(count, timeout=60_000)


def _file_new_version(page: Page, address: str, name: str, content: bytes) -> None:
    page.goto(address)
    page.get_by_role("link", name=name, exact=True).click()
    page.set_input_files("#choose-files", [{"name": name, "mimeType": "", "buffer": content}])
    expect(page.locator('.upload[data-state="filed"]')).to_have_count(1, timeout=60_000)


def _wait_until_found(page: Page, phrase: str) -> None:
    for _ in range(120):
        page.goto(f'/search?q="{phrase}"')
        if page.locator(".hit").count() >= 3:
            return
        page.wait_for_timeout(250)
    raise RuntimeError(f"the archive did not find {phrase}")


def come(browser: Browser, service: Service, told: str, *, enrols: bool = True) -> Page:
    """Somebody at a browser of their own, with the link that a command printed."""
    link = re.search(r"http://\S+/link/\S+", told)
    if link is None:
        raise RuntimeError(f"no link was printed: {told}")
    page = browser.new_context(base_url=service.url, viewport=WIDE, locale="zh-CN").new_page()
    page.goto(link.group())
    choose_password(page)
    if enrols:
        enrol(page)
    return page


def picture_rights(administrator: Page, browser: Browser, service: Service) -> None:
    """What waits for the security officer, after the administrator proposed roles."""
    told = service.command("user", "add", "heweidong", "--name", "贺卫东", "--role", "security_officer").stdout
    for login, name, role in NEWCOMERS:
        administrator.goto("/people/invite")
        administrator.fill("[name=display_name]", name)
        administrator.fill("[name=login]", login)
        administrator.check(f"[name=roles][value={role}]")
        administrator.locator("main .btn-primary").click()
        expect(administrator.locator(".one-time-link")).to_be_visible()
    officer = come(browser, service, told)
    officer.goto("/rights")
    take(officer, "rights")


def picture_declaration(browser: Browser, service: Service) -> None:
    """The declaration of a verifier who has not declared yet; then they declare."""
    told = service.command("user", "reset-link", VERIFIERS[0][0]).stdout
    verifier = come(browser, service, told, enrols=False)
    verifier.goto("/engagements")
    verifier.locator("#awaited ~ ul a").click()
    verifier.set_viewport_size(TALL)
    take(verifier, "declaration")
    declare(verifier)


def picture_supervision(archivist: Page, browser: Browser, service: Service, document: str) -> None:
    """A document as a supervisor sees it, by a grant for a client's year."""
    service.command(
        "organisation", "add", AUTHORITY, "--kind", "authority", "--login", "shijuguanli", "--person", "施管理"
    )
    told = service.command(
        *("user", "add", "duxing", "--name", "杜行", "--role", "supervisor", "--organisation", AUTHORITY)
    ).stdout
    supervisor = come(browser, service, told)
    supervisor.goto("/supervision/ask")
    supervisor.select_option("#organisation_id", index=1)
    supervisor.fill("#purpose", PURPOSE)
    supervisor.fill("#reference", "云环函〔2026〕18 号")
    supervisor.fill("#until", (datetime.now(UTC) + timedelta(days=30)).date().isoformat())
    supervisor.locator("main .btn-primary").click()
    supervisor.wait_for_url(re.compile(r"/supervision/[0-9a-f-]{36}$"))
    archivist.goto(f"{supervisor.url}/decide")
    archivist.fill("[name=text]", CLIENTS[0])
    archivist.fill("[name=year]", "2025")
    archivist.locator("button[name=do][value=search]").click()
    archivist.locator("button[name=add_year_of][value^=client]").click()
    archivist.locator("button[name=do][value=grant]").click()
    archivist.wait_for_url(supervisor.url)
    supervisor.goto(document)
    expect(supervisor.locator(".page-picture")).to_have_js_property("complete", value=True)
    take(supervisor, "supervision")


def take(page: Page, name: str) -> None:
    """One picture of what the window shows."""
    page.screenshot(path=HERE / f"{name}.png", animations="disabled")


def main() -> None:
    """Makes all pictures."""
    with tempfile.TemporaryDirectory() as place, running_service(Path(place)) as service, opened_browser() as browser:
        page = browser.new_page(base_url=service.url, viewport=WIDE, locale="zh-CN")
        address = furnish(page, service)
        page.goto(address)
        take(page, "engagement")
        page.goto("/search?q=净购入电量 AND (结算 OR 凭证)")
        take(page, "search")
        page.goto(address)
        page.get_by_role("link", name="核查报告.pdf", exact=True).click()
        page.get_by_role("button", name="立即校验").click()
        expect(page.locator(".alert-success")).to_be_visible()
        page.reload()
        expect(page.locator(".page-picture")).to_have_js_property("complete", value=True)
        take(page, "document")
        document = page.url
        picture_declaration(browser, service)
        picture_rights(page, browser, service)
        picture_supervision(page, browser, service, document)
        page.goto(f"{address}/access")
        take(page, "who-may-see")
        page.goto("/log")
        page.get_by_role("button", name="立即校验").click()
        for _ in range(60):
            page.wait_for_timeout(500)
            page.goto("/log")
            if page.locator(".columns .state-good").count() and not page.locator("tbody .state-watch").count():
                break
        take(page, "log")
        page.goto("/health")
        take(page, "health")
        page.set_viewport_size(NARROW)
        page.goto(address)
        take(page, "narrow-390")


if __name__ == "__main__":
    main()
