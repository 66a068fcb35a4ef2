"""The chapter of a case in which the client is asked for material, brings it by telephone, and it is decided."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests import files
from tests.browser.case_steps import work
from tests.browser.following import follow
from tests.browser.staffed_case import CLIENT, TELEPHONE, Cast, payloads

KEPT_LINES = {
    "年度温室气体排放报告": "2025年度排放报告.pdf",
    "数据质量控制方案": "数据质量控制方案V2.0.docx",
    "工艺流程图、厂区平面图、主要用能设备清单": "工艺流程图.pdf",
    "燃料消耗量逐月记录": "燃煤消耗台账.xlsx",
    "燃料化验报告": "煤样元素碳检测报告.pdf",
    "产品产量逐月报表": "2025年生产月报.pdf",
    "计量器具台账和检定（校准）证书": "1号皮带秤检定证书.jpg",
}
PHOTOGRAPHED, FUEL, RETURNED = "计量器具台账和检定（校准）证书", "燃料消耗量逐月记录", "燃料化验报告"
PRODUCTION = "产品产量逐月报表"
ACTIVITY_DATA = {
    "source": "1号皮带秤日计量",
    "unit": "t",
    "monitoring_frequency": "每日",
    "department": "燃料管理部",
    "cross_check": "与购煤发票和盘库记录核对，差异0.3%。",
}
WHY_RETURNED = "缺少5月的检测报告，请补充。"


def ask_the_client(cast: Cast, engagement: str) -> str:
    """The lines of the scheme, adapted, and a link; the path of the link."""
    leader = cast["leader"]
    leader.goto(f"{engagement}/material")
    follow(leader.get_by_role("link", name="新建资料清单"))
    leader.fill("[name=recipient]", "王会计")
    leader.get_by_label("由组长电话告知").check()
    follow(leader.get_by_role("button", name="编制清单"))
    leader.wait_for_url("**/edit")
    for line in leader.locator("fieldset.line-edit").filter(has=leader.locator("[name^=drop-]")).all():
        if line.locator("[name^=name-]").input_value() not in KEPT_LINES:
            line.locator("[name^=drop-]").check()
    cast.look(leader, "case-request-edit")
    follow(leader.get_by_role("button", name="保存清单"))
    leader.wait_for_url(re.compile(r"/material/[0-9a-f-]{36}$"))
    expect(leader.locator("main table tbody tr")).to_have_count(len(KEPT_LINES))
    follow(leader.get_by_role("button", name="生成链接并复制"))
    expect(leader.locator("img.qr")).to_be_visible()
    cast.look(leader, "case-request")
    return urlsplit(leader.locator(".one-time-link code").inner_text()).path


def enter(cast: Cast, page: Page, engagement: str, link: str) -> None:
    """The client opens the link; the leader reads the code out by telephone."""
    page.goto(link)
    follow(page.get_by_role("button", name="获取验证码"))
    leader = cast["leader"]
    work(leader, "验证码")
    leader.locator("summary", has_text="口头告知验证码").click()
    follow(leader.get_by_role("button", name="显示验证码"))
    code = leader.locator(".read-out code").inner_text()
    page.get_by_label("您的姓名").fill("王会计")
    page.get_by_label("验证码", exact=True).fill(code)
    follow(page.get_by_role("button", name="打开"))
    expect(page.locator(".asked-lines > li")).to_have_count(len(KEPT_LINES))


def bring_the_material(cast: Cast, engagement: str, link: str) -> None:
    """The client by telephone, without scripts: a file for each line, one of them a photograph."""
    client = cast.visit("client", TELEPHONE, scripts=False)
    enter(cast, client, engagement, link)
    for line, name in KEPT_LINES.items():
        follow(client.get_by_role("link", name=line))
        photographed = line == PHOTOGRAPHED
        client.set_input_files("#photo" if photographed else "#files", payloads([(name, material(name))]))
        if line == FUEL:
            cast.look(client, "case-material-line")
        follow(client.get_by_role("button", name="发送"))
        expect(client.locator("#brought")).to_contain_text(name)
        client.goto("/material/")
    expect(client.locator(".alert-success")).to_be_visible()


def decide_the_material(cast: Cast, engagement: str) -> None:
    """The leader accepts the lines, one by one, and returns one; the client reads why and brings it again."""
    client, leader = cast["client"], cast["leader"]
    work(leader, "接收或退回委托方提交的资料")
    for line in KEPT_LINES:
        leader.goto(f"{engagement}/material")
        follow(leader.get_by_role("link", name=line))
        if line == RETURNED:
            leader.locator("summary", has_text="退回此项").click()
            leader.fill("#reason-line", WHY_RETURNED)
            follow(leader.get_by_role("button", name="退回此项"))
        else:
            if line == PRODUCTION:
                describe_activity_data(cast, leader)
            follow(leader.get_by_role("button", name="全部接收"))
            if line == FUEL:
                be_asked_for_the_description(cast, leader)
        expect(leader.locator(".page-header .state")).to_have_text("退回" if line == RETURNED else "接收")
    cast.look(leader, "case-material-decided")

    client.goto("/material/")
    returned = client.locator(".asked-lines > li", has_text=RETURNED)
    expect(returned).to_contain_text(WHY_RETURNED)
    cast.look(client, "case-material-phone", picture=True)
    follow(returned.get_by_role("link"))
    client.set_input_files("#files", payloads([("煤样元素碳检测报告（含5月）.pdf", files.pdf(["检测报告\n5月"]))]))
    follow(client.get_by_role("button", name="发送"))
    expect(client.locator("#brought li")).to_have_count(2)
    work(leader, "接收或退回委托方提交的资料")
    describe_activity_data(cast, leader)
    follow(leader.get_by_role("button", name="全部接收"))
    expect(leader.locator(".page-header .state")).to_have_text("接收")


def material(name: str) -> bytes:
    """What the client has under this name."""
    words = f"{name.partition('.')[0]}\n单位名称：{CLIENT}"
    if name.endswith(".jpg"):
        return files.image("JPEG", (640, 480), colour="slategray")
    if name.endswith(".xlsx"):
        return files.xlsx({"燃煤": (("月份", "消耗量 t"), ("1月", 41350.5), ("2月", 39820.0))})
    return files.docx([words], table=()) if name.endswith(".docx") else files.pdf([words])


def be_asked_for_the_description(cast: Cast, page: Page) -> None:
    """Activity data are not accepted before they are described as such."""
    line = page.url
    expect(page.locator(".alert-danger")).to_contain_text("活动数据")
    follow(page.get_by_role("link", name="描述"))
    page.fill("[name=evidence_on]", "2026-01-15")
    page.fill("[name=period_from]", "2025-01-01")
    page.fill("[name=period_to]", "2025-12-31")
    for name, words in ACTIVITY_DATA.items():
        page.fill(f"[name={name}]", words)
    cast.look(page, "case-describe")
    follow(page.locator("main form .btn-primary"))
    page.goto(line)
    follow(page.get_by_role("button", name="全部接收"))


def describe_activity_data(cast: Cast, page: Page) -> None:
    """The same of all that waits on a line, by the use case."""
    expect(page.locator(".brought-name a").first).to_be_visible()
    for link in page.locator(".brought-name a").all():
        document_id = (link.get_attribute("href") or "").rpartition("/")[2]
        cast.describe("leader", document_id, ACTIVITY_DATA)
