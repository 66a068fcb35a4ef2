"""The first day of each kind of role, from the one-time link to the first refusal, through pages alone."""

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests import files
from tests.browser.staffed_house import House, opened_house
from tests.first_visit import confirm, declare

pytestmark = pytest.mark.browser
NOTHING = "此处没有您可查看的内容。可能已移动，或您不在其核查组内。"
NOTHING_EN = "Nothing is here that you may see. It may have been moved, or you may not be on its team."
NO_RIGHT = re.compile("^您的角色无此权限")
PUBLIC, INTERNAL, RESTRICTED = "监测计划.docx", "现场记录.pdf", "举报线索.txt"
ENTITY_CODE = "91350100M000100Y43"
STAFF = {
    "lin": ("林岚", ("team_leader",)),
    "liqiang": ("李强", ("verifier",)),
    "zhoufu": ("周复", ("technical_reviewer", "verifier")),
    "shen": ("沈鉴", ("security_auditor",)),
    "quinn": ("Quinn Wei", ("quality_manager",)),
    "tousu": ("陶速", ("complaint_handler",)),
    "fang": ("方存", ("archivist",)),
}


@pytest.fixture(scope="module")
def house(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An archive after its founding day: the first person, the first security officer, and links for everybody."""
    with opened_house(tmp_path_factory.mktemp("house"), chromium) as opened:
        found(opened)
        yield opened
        assert opened.complaints == []


def found(house: House) -> None:
    """The first person sets up and invites; the officer is appointed, comes, and grants what waits."""
    page = house.found("zhangmin", "张敏", "江苏绿源核查有限公司")
    page.goto("/people")
    expect(page.locator(".alert-warning", has_text="安全保密员")).to_contain_text("无人决定角色")
    expect(page.locator(".alert-warning", has_text="安全审计员")).to_contain_text("无人查看审计日志")
    house.station(page, "founder.people-missing")
    officer = house.invite("zhangmin", "hewei", "何卫", "security_officer")
    house.station(page, "founder.person-with-link")
    page.get_by_role("link", name="任命为安全保密员").click()
    house.station(page, "founder.appoint")
    page.locator("main .btn-primary").click()
    expect(page.locator(".alert-success")).to_contain_text("首位安全保密员已任命")
    house.refused(page, f"{officer}/rights", 403, NO_RIGHT, name="founder")
    pages = {}
    for login, (name, roles) in STAFF.items():
        pages[login] = house.invite("zhangmin", login, name, *roles, english=login == "quinn")
    page.goto("/people")
    expect(page.locator(".alert-warning", has_text="何卫")).to_contain_text("尚未进入系统")
    expect(page.locator(".alert-warning", has_text="沈鉴")).to_contain_text("待安全保密员决定")
    house.station(page, "founder.people")
    be_the_officer(house, officer, pages)


def be_the_officer(house: House, own: str, pages: dict[str, str]) -> None:
    page = house.come("hewei", "何卫", enrols=True)
    page.goto("/")
    # What waits for the officer is what they come for: roles to decide about.
    page.wait_for_url("**/work")
    expect(page.locator("main")).to_contain_text("角色")
    page.goto("/rights")
    expect(page.locator("tbody tr")).to_have_count(8)
    house.station(page, "officer.rights")
    page.goto(f"{pages['lin']}/rights")
    house.station(page, "officer.person-rights")
    for login, (_name, roles) in STAFF.items():
        house.grant("hewei", pages[login], *roles)
    for cleared in ("fang", "lin"):
        page.goto(f"{pages[cleared]}/rights")
        page.select_option("[name=highest_level]", "3")
        page.locator("section[aria-labelledby=kept] .btn-primary").click()
        expect(page.locator(".alert-success")).to_contain_text("权限已更改")
    house.station(page, "officer.person-granted")
    page.goto(f"{own}/rights")
    expect(page.locator("main .alert")).to_contain_text("任何人不得决定自己的权限")
    house.station(page, "officer.own-rights")
    house.refused(page, "/engagements", 403, NO_RIGHT, name="officer")


def send(page: Page, address: str, name: str, content: bytes, *, level: int = 1) -> None:
    page.goto(address)
    page.select_option("#upload-level", str(level))
    offered: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.set_input_files("#choose-files", [offered])
    expect(page.locator('.upload[data-state="filed"]', has_text=name)).to_have_count(1, timeout=30_000)
    page.goto(address)
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(1)


def assign(page: Page, address: str, name: str, part: str) -> None:
    page.goto(f"{address}/team")
    option = page.locator("#person option", has_text=name)
    page.select_option("#person", option.get_attribute("value"))
    page.check(f"#part-{part}")
    page.get_by_role("button", name="加入核查组").click()
    page.wait_for_load_state()


def open_engagement(house: House, page: Page) -> str:
    """The leader adds a client, opens an engagement, is led to the declaration, and is inside."""
    page.goto("/engagements")
    house.station(page, "leader.engagements-empty")
    page.goto("/clients")
    page.fill("[name=name]", "江南热电有限公司")
    page.fill("[name=credit_code]", ENTITY_CODE)
    house.station(page, "leader.clients")
    page.locator("main form .btn-primary").click()
    page.get_by_role("link", name="新建核查项目").first.click()
    page.fill("[name=number]", "HC-2026-001")
    page.fill("[name=title]", "2025 年度温室气体排放核查")
    page.fill("[name=year]", "2025")
    page.locator("main .btn-primary").click()
    house.station(page, "leader.declaration")
    declare(page)
    return page.url


@pytest.fixture(scope="module")
def engagement(house: House) -> str:
    """An engagement with a leader, a verifier who has declared, and a public, an internal, a restricted document."""
    leader = house.come("lin", "林岚")
    address = open_engagement(house, leader)
    send(leader, address, PUBLIC, files.docx(["入炉煤低位发热量"]), level=0)
    send(leader, address, RESTRICTED, "受限的内容".encode(), level=3)
    assign(leader, address, "李强", "member")
    assign(leader, address, "周复", "reviewer")
    house.station(leader, "leader.team")
    verifier = house.come("liqiang", "李强")
    house.refused(verifier, address, 404, NOTHING, name="verifier")
    verifier.goto("/engagements")
    expect(verifier.locator("#awaited")).to_have_text("待声明")
    expect(verifier.locator("#awaited ~ ul li")).to_have_count(1)
    expect(verifier.locator("main table")).to_have_count(0)
    house.station(verifier, "verifier.awaited")
    verifier.locator("#awaited ~ ul a").click()
    declare(verifier)
    send(verifier, address, INTERNAL, files.pdf(["净购入电量采用结算电量"]))
    return address


def document(page: Page, address: str, name: str) -> str:
    """The address of a document of an engagement."""
    page.goto(address)
    return page.get_by_role("link", name=name, exact=True).get_attribute("href") or ""


def test_the_team_and_its_reviewer(house: House, engagement: str) -> None:
    leader, verifier = house["lin"], house["liqiang"]
    house.refused(leader, "/log", 403, NO_RIGHT, name="leader")
    verifier.goto(engagement)
    expect(verifier.get_by_role("link", name=PUBLIC)).to_have_count(1)
    expect(verifier.get_by_role("link", name=RESTRICTED)).to_have_count(0)
    house.station(verifier, "verifier.engagement")
    leader.goto(f"{engagement}/team")
    leader.locator(".member-list li", has_text="周复").locator("summary").click()
    leader.locator(".member-list li", has_text="周复").get_by_role("button").click()
    expect(leader.locator("#person option", has_text="周复")).to_contain_text("曾任技术复核员，不能加入核查组")
    assign(leader, engagement, "周复", "member")
    expect(leader.locator(".error-status")).to_have_text("409")
    expect(leader.locator("main .lead")).to_contain_text("技术复核由现在和过去都不属于该核查组的人员承担")
    house.station(leader, "reviewer-as-member.refusal")
    assign(leader, engagement, "周复", "reviewer")
    reviewer = house.come("zhoufu", "周复")
    reviewer.goto("/engagements")
    reviewer.locator("#awaited ~ ul a").click()
    declare(reviewer)
    house.station(reviewer, "reviewer.engagement")
    reviewer.goto(f"{engagement}/team")
    expect(reviewer.locator("#person")).to_have_count(0)
    house.refused(reviewer, "/engagements/new", 403, NO_RIGHT, name="reviewer")


def test_who_watches(house: House, engagement: str) -> None:
    auditor = house.come("shen", "沈鉴", enrols=True)
    auditor.goto("/")
    auditor.wait_for_url("**/log")
    for words in ("批准", "拒绝"):
        expect(auditor.locator("main tbody th", has_text=words).first).to_be_visible()
    house.station(auditor, "auditor.log")
    house.refused(auditor, engagement, 403, NO_RIGHT, name="auditor")

    quality = house.come("quinn", "Quinn Wei")
    quality.goto(engagement)
    expect(quality.locator("#documents tbody tr")).not_to_have_count(0)
    expect(quality.get_by_role("link", name=RESTRICTED)).to_have_count(0)
    expect(quality.locator("[data-upload-desk]")).to_have_count(0)
    house.station(quality, "quality.engagement")
    quality.goto("/independence")
    house.station(quality, "quality.independence")
    house.refused(quality, "/people", 403, re.compile("^Your role does not allow this"), name="quality-en")


def test_a_complaint_handler_asks_and_is_let_in(house: House, engagement: str) -> None:
    handler, leader = house.come("tousu", "陶速"), house["lin"]
    handler.goto("/engagements")
    expect(handler.locator("main table")).to_have_count(0)
    expect(handler.locator(".empty").get_by_role("link", name="申请查阅")).to_have_attribute("href", "/access")
    house.station(handler, "handler.engagements-nothing-open")
    house.refused(handler, engagement, 404, NOTHING, name="handler")
    handler.goto("/access")
    handler.fill("#wanted", "HC-2026-001")
    handler.fill("#grounds", "处理 2026-03 号投诉")
    handler.locator("form.sheet .btn-primary").click()
    house.station(handler, "handler.access")
    house.wait_out_the_confirmation("lin")
    leader.goto("/access/waiting")
    house.station(leader, "leader.access-waiting")
    leader.get_by_role("link", name="决定").click()
    house.station(leader, "leader.confirm")
    confirm(leader)
    house.station(leader, "leader.access-request")
    leader.get_by_role("button", name="批准").click()
    leader.wait_for_load_state()
    handler.goto("/access")
    handler.get_by_role("link", name="HC-2026-001").click()
    expect(handler.locator("#documents tbody tr")).not_to_have_count(0)
    expect(handler.get_by_role("link", name=RESTRICTED)).to_have_count(0)
    house.station(handler, "handler.engagement")
    leader.goto(f"{engagement}/access")
    expect(leader.locator("#audience tr", has_text="陶速")).to_have_count(1)
    house.station(leader, "leader.audience")


def test_the_archivist_and_the_glass(house: House, engagement: str) -> None:
    leader = house["lin"]
    restricted = document(leader, engagement, RESTRICTED)
    archivist = house.come("fang", "方存", enrols=True)
    archivist.goto(engagement)
    expect(archivist.get_by_role("link", name=INTERNAL)).to_have_count(1)
    expect(archivist.get_by_role("link", name=RESTRICTED)).to_have_count(0)
    house.station(archivist, "archivist.engagement")
    house.refused(archivist, restricted, 404, NOTHING, name="archivist")
    archivist.goto(f"{engagement}/access")
    archivist.get_by_role("link", name="紧急破窗").click()
    house.station(archivist, "archivist.glass")
    archivist.fill("#reason", "组长住院，今日须答复主管部门")
    archivist.locator("main .btn-danger").click()
    archivist.goto(restricted)
    expect(archivist.locator("h1")).to_have_text(RESTRICTED)
    house.station(archivist, "archivist.document-by-glass")
    for login in ("lin", "liqiang"):
        house[login].goto(engagement)
        expect(house[login].locator(".alert-danger", has_text="有人紧急破窗")).to_contain_text("组长住院")
    house.station(leader, "leader.engagement-with-glass")


def add_organisation(house: House, login: str, name: str, kind: str, organisation: str, code: str = "") -> None:
    page = house["zhangmin"]
    page.goto("/organisations/add")
    if page.url.endswith("/organisations/add") and login == "guan":
        house.station(page, "founder.add-organisation")
    page.fill("[name=name]", organisation)
    page.select_option("[name=kind]", kind)
    page.fill("[name=credit_code]", code)
    page.fill("[name=display_name]", name)
    page.fill("[name=login]", login)
    page.locator("main .btn-primary").click()
    house.links[login] = page.locator(".one-time-link .digest").inner_text()


def staff_organisation(house: House, administrator: str, officer: str, login: str, name: str, role: str) -> None:
    """The administrator of another organisation appoints an officer and invites a colleague, who is let in."""
    page = house.come(administrator, "管理员", enrols=True)
    theirs = house.invite(administrator, officer, "保密员", "security_officer")
    page.goto(f"{theirs}/appoint")
    page.locator("main .btn-primary").click()
    colleague = house.invite(administrator, login, name, role, english=role == "supervisor")
    house.come(officer, "保密员", enrols=True)
    house.grant(officer, colleague, role)


def test_a_supervisor_of_an_authority(house: House, engagement: str) -> None:
    add_organisation(house, "guan", "关务", "authority", "江苏省生态环境厅")
    house.station(house["zhangmin"], "founder.organisation-with-link")
    staff_organisation(house, "guan", "mishu", "jandu", "Jian Du", "supervisor")
    supervisor = house.come("jandu", "Jian Du", enrols=True)
    house.refused(supervisor, engagement, 404, NOTHING_EN, name="supervisor")
    supervisor.goto("/supervision/ask")
    supervisor.select_option("#organisation_id", label="江苏绿源核查有限公司")
    supervisor.fill("#purpose", "2025 年度核查质量抽查")
    supervisor.fill("#reference", "苏环办〔2026〕18 号")
    supervisor.fill("#wanted", "江南热电有限公司 2025 年度")
    supervisor.fill("#until", (datetime.now(UTC) + timedelta(days=20)).date().isoformat())
    house.station(supervisor, "supervisor.ask")
    supervisor.locator("main .btn-primary").click()
    house.station(supervisor, "supervisor.grant-asked")
    grant = supervisor.url

    archivist = house["zhangmin"]
    archivist.goto("/supervision/given")
    house.station(archivist, "founder.given")
    archivist.goto(f"{grant}/decide")
    archivist.fill("[name=text]", "江南热电")
    archivist.fill("[name=year]", "2025")
    archivist.get_by_role("button", name="查找").click()
    archivist.locator("button[name=add_year_of][value^=client]").click()
    expect(archivist.locator("#chosen li")).to_have_count(1)
    house.station(archivist, "founder.decide")
    archivist.locator("button[name=do][value=grant]").click()
    archivist.wait_for_url(grant)

    where = document(supervisor, engagement, INTERNAL)
    expect(supervisor.locator("[data-upload-desk]")).to_have_count(0)
    house.station(supervisor, "supervisor.engagement-marked")
    supervisor.goto(where)
    expect(supervisor.locator(".mark-banner")).to_contain_text("2025 年度核查质量抽查")
    expect(supervisor.locator(".mark-cover text").first).to_contain_text("Jian Du")
    house.station(supervisor, "supervisor.document-marked")
    with supervisor.expect_download() as started:
        supervisor.get_by_role("link", name="Original with cover sheet").first.click()
    with zipfile.ZipFile(Path(started.value.path())) as package:
        assert any(name.endswith(INTERNAL) for name in package.namelist())

    archivist.goto(grant)
    expect(archivist.locator("#looks tbody tr")).to_have_count(2)
    house.station(archivist, "founder.grant-with-looks")
    archivist.locator("summary", has_text="立即终止").click()
    archivist.locator(".confirm[open] [name=reason]").fill("抽查已完成")
    archivist.locator(".confirm[open] .btn-danger").last.click()
    archivist.wait_for_load_state()
    house.refused(supervisor, where, 404, NOTHING_EN, name="supervisor-after")


def test_a_contact_of_the_client(house: House, engagement: str) -> None:
    add_organisation(house, "jnadmin", "江管", "reporting_entity", "江南热电有限公司", ENTITY_CODE)
    staff_organisation(house, "jnadmin", "jnmi", "jnlian", "江联", "client_contact")
    keeper = house["zhangmin"]
    keeper.goto("/clients")
    keeper.get_by_role("rowheader", name="江南热电有限公司").get_by_role("link").click()
    keeper.get_by_role("link", name="关联机构").click()
    house.station(keeper, "founder.client-link")
    keeper.locator("main .btn-primary").click()
    keeper.wait_for_load_state()
    house.station(keeper, "founder.client")
    contact = house.come("jnlian", "江联")
    contact.goto("/engagements")
    house.station(contact, "contact.engagements")
    contact.locator("main tbody a").click()
    contact.locator(".tabs").get_by_role("link", name="文件", exact=True).click()
    expect(contact.locator("#documents tbody tr")).to_have_count(1)
    expect(contact.locator("#documents tbody")).to_contain_text(PUBLIC)
    house.station(contact, "contact.engagement")
    contact.locator("#documents tbody a").click()
    expect(contact.locator("h1")).to_have_text(PUBLIC)
    house.station(contact, "contact.document")
    house.refused(contact, document(house["lin"], engagement, INTERNAL), 404, NOTHING, name="contact")


def test_the_menu_of_whoever_does_most_fits_in_english(house: House) -> None:
    page = house["zhangmin"]
    page.goto("/people")
    page.locator(".account-menu summary").click()
    page.locator('.menu-sheet button[value="en"]').click()
    expect(page.locator("h1")).to_have_text("People")
    house.station(page, "founder-english.people")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for entry in page.locator(".main-menu a").all():
            expect(entry).to_be_in_viewport(ratio=1)
    page.locator(".account-menu summary").click()
    page.locator('.menu-sheet button[value="zh_Hans_CN"]').click()
    expect(page.locator("h1")).to_have_text("人员")
