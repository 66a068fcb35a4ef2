"""A verification of a key emitter from the assignment to the sealed file: six people, through pages alone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import files
from tests.browser.case_material import (
    KEPT_LINES,
    RETURNED,
    WHY_RETURNED,
    ask_the_client,
    bring_the_material,
    decide_the_material,
    enter,
)
from tests.browser.case_steps import confirm_proposals, describe_all, move, until, work
from tests.browser.following import follow
from tests.browser.staffed_case import CLIENT, TELEPHONE, Cast, payloads, send, staffed_case
from tests.factories import PASSWORD
from tests.first_visit import confirm, declare

pytestmark = pytest.mark.browser
BODY = "绿源核查"
ASSIGNMENT, PLAN_SCAN = "核查委托书20260105.pdf", "核查工作方案20260108.pdf"
REPORT, LETTER = "核查报告20260420.pdf", "核查结果告知书20260422.pdf"
OFFICE_RECORDS = ("资料真实性判定20260310.docx", "文件评审表20260312.docx", "现场核查计划20260316.docx")
SITE_RECORDS = (
    "签到表20260324.pdf", "首次会议记录20260324.docx", "现场核查清单20260324.pdf", "交叉核对记录20260325.xlsx",
    "末次会议记录20260325.docx",
)  # fmt: skip
WHY_BACK = "末次会议记录缺少企业签字页，请补扫。"
WHY_LEFT_OUT = "已退回企业，由补充后的报告代替。"


@pytest.fixture
def cast(chromium: Browser, tmp_path: Path) -> Iterator[Cast]:
    """The people, before the assignment comes."""
    with staffed_case(tmp_path, chromium) as opened:
        yield opened
        assert opened.complaints == []


def test_a_verification_from_assignment_to_sealing(cast: Cast) -> None:
    engagement = open_the_engagement(cast)
    form_the_team(cast, engagement)
    be_refused_and_mend(cast, engagement)
    link = ask_the_client(cast, engagement)
    bring_the_material(cast, engagement, link)
    decide_the_material(cast, engagement)
    review_the_documents(cast, engagement)
    raise_a_nonconformity(cast, engagement, link)
    visit_the_site(cast, engagement)
    review_the_report(cast, engagement)
    issue_and_tell(cast, engagement)
    stale = archive_it(cast, engagement)
    find_it_sealed(cast, engagement, stale)


def open_the_engagement(cast: Cast) -> str:
    """The leader chooses the scheme; opening leads to their declaration."""
    leader = cast["leader"]
    leader.goto("/engagements/new")
    leader.get_by_label("重点排放单位年度核查", exact=True).check()
    leader.select_option("[name=client_id]", label=CLIENT)
    leader.fill("[name=number]", "HC-2026-001")
    leader.fill("[name=title]", "2025 年度温室气体排放核查")
    leader.fill("[name=year]", "2025")
    cast.look(leader, "case-new")
    leader.locator("main .btn-primary").click()
    declare(leader)
    engagement = urlsplit(leader.url).path
    leader.goto(f"{engagement}/progress")
    expect(leader.locator(".scheme-line")).to_contain_text("重点排放单位年度核查")
    expect(leader.locator(".stage-bar li")).to_have_count(8)
    # The authority put the term off; without that it would be overdue.
    leader.locator(".side-list summary", has_text="改期").click()
    leader.fill("[name=due_on]", f"{datetime.now(UTC).year + 1}-01-31")
    leader.fill("[name=reason]", "省厅通知延期")
    follow(leader.get_by_role("button", name="更改期限"))
    expect(leader.locator("section[aria-labelledby=deadlines]")).to_contain_text("省厅通知延期")
    return engagement


def form_the_team(cast: Cast, engagement: str) -> None:
    """Who was of the team does not become its reviewer; groups; everybody declares from their work list."""
    leader = cast["leader"]
    assign(leader, engagement, "李强", "member")
    line = leader.locator(".member-list li", has_text="李强")
    line.locator("summary", has_text="移出核查组").click()
    follow(line.get_by_role("button", name="移出核查组"))
    assign(leader, engagement, "李强", "reviewer")
    expect(leader.locator(".error-status")).to_have_text("409")
    expect(leader.locator("main .lead")).to_contain_text("技术复核由现在和过去都不属于该核查组的人员承担")
    assign(leader, engagement, "李强", "member")
    assign(leader, engagement, "周复", "reviewer")
    for name, groups in (("林岚", ("核查技术工作组", "现场核查组")), ("李强", ("现场核查组",))):
        line = leader.locator(".member-list li", has_text=name)
        for group in groups:
            line.get_by_label(group).check()
        follow(line.get_by_role("button", name="保存"))
        for group in groups:
            expect(leader.locator(".member-list li", has_text=name).get_by_label(group)).to_be_checked()
    cast.look(leader, "case-team")
    for part in ("verifier", "reviewer"):
        work(cast[part], "声明公正性")
        declare(cast[part])


def assign(page: Page, engagement: str, name: str, part: str) -> None:
    page.goto(f"{engagement}/team")
    option = page.locator("#person option", has_text=name)
    page.select_option("#person", option.get_attribute("value"))
    page.check(f"#part-{part}")
    follow(page.get_by_role("button", name="加入核查组"))


def be_refused_and_mend(cast: Cast, engagement: str) -> None:
    """The second stage is not left without the plan of the work and the verifier's training; then it is."""
    leader, issuer = cast["leader"], cast["issuer"]
    send(leader, engagement, BODY, [(ASSIGNMENT, files.pdf(["核查委托书\n委托单位：江南热电有限公司"]))])
    confirm_proposals(leader, engagement, [ASSIGNMENT])
    move(leader, engagement, "建立核查技术工作组")
    leader.goto(f"{engagement}/progress")
    follow(leader.get_by_role("button", name="推进到：文件评审"))
    refusal = leader.locator("#refused")
    expect(refusal).to_contain_text("未能推进，仍处于“建立核查技术工作组”阶段")
    expect(refusal.locator("li", has_text="核查工作方案")).to_have_count(1)
    expect(refusal.locator("li", has_text="李强")).to_contain_text("核查员培训")
    expect(refusal.locator("li")).to_have_count(2)
    expect(leader.locator(".tabs [aria-current]")).to_have_text("进度")
    cast.look(leader, "case-refused")

    issuer.goto("/competence")
    issuer.locator("summary", has_text="登记").click()
    issuer.select_option("[name=person_id]", label="李强")
    issuer.select_option("[name=competence]", label="核查员培训")
    issuer.fill("[name=certificate]", "HCY-2024-0117")
    issuer.fill("[name=valid_from]", "2024-05-01")
    follow(issuer.get_by_role("button", name="登记"))
    expect(issuer.locator("main tbody tr", has_text="HCY-2024-0117")).to_contain_text("李强")
    cast.look(issuer, "case-competence")

    # The form is filed, printed, signed; its scan comes as the next version and is confirmed.
    leader.goto(f"{engagement}/forms")
    cast.look(leader, "case-forms")
    follow(leader.locator("tbody tr", has_text="核查计划").get_by_role("button", name="归入项目"))
    expect(leader.locator(".alert-success")).to_be_visible()
    leader.set_input_files("#choose-files", payloads([(PLAN_SCAN, files.pdf(["核查工作方案\n（签字扫描件）"]))]))
    expect(leader.locator('.upload[data-state="filed"]')).to_have_count(1, timeout=30_000)
    confirm_proposals(leader, engagement, [PLAN_SCAN])
    move(leader, engagement, "文件评审")


def review_the_documents(cast: Cast, engagement: str) -> None:
    """The team's own records of the document review, proposed by their names; the two stages are taken on."""
    leader = cast["leader"]
    send(leader, engagement, BODY, [(name, files.docx([name[:-13]], table=())) for name in OFFICE_RECORDS])
    leader.goto(f"{engagement}/records?state=undescribed")
    cast.look(leader, "case-proposed")
    confirm_proposals(leader, engagement, OFFICE_RECORDS)
    leader.goto("/work")
    cast.look(leader, "work", picture=True)
    work(leader, "推进核查项目")
    cast.look(leader, "case-progress", picture=True)
    move(leader, engagement, "建立现场核查组")
    move(leader, engagement, "实施现场核查")


def raise_a_nonconformity(cast: Cast, engagement: str, link: str) -> None:
    """Raised by the leader, answered by the client by the link, confirmed by the verifier."""
    leader, verifier = cast["leader"], cast["verifier"]
    leader.goto(f"{engagement}/nonconformities")
    follow(leader.get_by_role("link", name="开具"))
    leader.fill("[name=clause]", "GB/T 32151.1 5.2")
    leader.fill("[name=statement]", "1号皮带秤2025年8月检定到期后未按期检定。")
    leader.fill("[name=evidence]", "检定证书有效期至2025年8月12日，下一张证书日期为2025年9月20日。")
    leader.select_option("[name=request_id]", index=1)
    follow(leader.get_by_role("button", name="开具"))
    expect(leader.locator(".page-header")).to_contain_text("不符合项")

    client = cast.visit("client with scripts", TELEPHONE)
    enter(cast, client, engagement, link)
    follow(client.get_by_role("link", name=re.compile("不符合项")))
    follow(client.locator(".asked-name"))
    client.set_input_files("#photo", payloads([("新检定证书.png", files.image("PNG", (320, 200), colour="teal"))]))
    follow(client.get_by_role("button", name="提交文件"))
    expect(client.locator("section[aria-labelledby=files-head] li")).to_contain_text("新检定证书.png")
    client.fill("[name=correction]", "已送检并取得新证书。")
    client.fill("[name=cause]", "检定计划未列入2号仓皮带秤。")
    client.fill("[name=corrective_action]", "检定计划改为按季核对。")
    cast.look(client, "case-nonconformity-phone")
    follow(client.get_by_role("button", name="提交答复"))
    expect(client.locator("main")).to_contain_text("检定计划改为按季核对。")

    work(leader, "确认不符合项的整改")
    verifier.goto(leader.url)
    verifier.locator("summary", has_text="确认整改").click()
    verifier.fill("[name=effectiveness]", "新证书覆盖全年，抽查三台计量器具均在有效期内。")
    cast.look(verifier, "case-nonconformity", picture=True)
    follow(verifier.get_by_role("button", name="确认整改"))
    expect(verifier.locator(".page-header .state-good")).to_be_visible()
    # Its sheet is filed as it is.
    verifier.goto(f"{engagement}/forms")
    follow(verifier.locator("section", has=verifier.locator("h2")).get_by_role("button", name="归入项目"))
    expect(verifier.locator(".alert-success")).to_be_visible()


def visit_the_site(cast: Cast, engagement: str) -> None:
    """The site's records, described many at once; both write down their days."""
    leader, verifier = cast["leader"], cast["verifier"]
    send(verifier, engagement, BODY, [(name, site_record(name)) for name in SITE_RECORDS])
    confirm_proposals(verifier, engagement, SITE_RECORDS)
    for page, days in ((leader, 2), (verifier, 1)):
        for day in range(days):
            page.goto(f"{engagement}/time")
            if not page.locator("[name=on]").is_visible():
                page.locator("summary", has_text="登记工作时间").click()
            page.fill("[name=on]", f"2026-03-{24 + day}")
            page.check("[name=on_site]")
            follow(page.get_by_role("button", name="登记"))
            expect(
                page.locator("main table").last.locator("tbody tr", has_text=f"2026-03-{24 + day}")
            ).not_to_have_count(0)
    cast.look(leader, "case-time")
    describe_all(leader, engagement, CLIENT, "2026-01-15")
    cast.look(leader, "case-records", picture=True)
    move(leader, engagement, "出具核查报告")


def site_record(name: str) -> bytes:
    """A record that the team made on site."""
    if name.endswith(".xlsx"):
        return files.xlsx({"交叉核对": (("数据", "来源一", "来源二"), ("燃煤 t", 498210.5, 498650.0))})
    words = name.partition("2026")[0]
    return files.docx([words], table=()) if name.endswith(".docx") else files.pdf([words])


def review_the_report(cast: Cast, engagement: str) -> None:
    """A remark, its answer, its resolution, and the verdict, for which the reviewer proves once more who they are."""
    leader, reviewer = cast["leader"], cast["reviewer"]
    text = "核查报告\n重点排放单位：江南热电有限公司\n2025 年度排放量 1,294,347 tCO2"
    send(leader, engagement, BODY, [(REPORT, files.pdf([text, "核查结论"]))])
    confirm_proposals(leader, engagement, [REPORT])
    leader.goto(f"{engagement}/records")
    expect(leader.locator("tbody tr", has_text=REPORT).locator("td.day").first).to_have_text("2026-04-20")
    leader.goto(f"{engagement}/review")
    follow(leader.get_by_role("button", name="将此版本提交复核"))
    work(reviewer, "复核报告")
    reviewer.fill("[name=quote]", "1,294,347 tCO2")
    reviewer.fill("[name=remark]", "请说明与上年相比增加的原因。")
    follow(reviewer.get_by_role("button", name="提出"))
    expect(reviewer.locator("article.remark")).to_have_count(1)
    reviewer.locator(".page-picture").evaluate("picture => picture.decode()")
    cast.look(reviewer, "case-review", picture=True)
    work(leader, "答复技术复核意见")
    leader.locator("article.remark textarea").fill("新增2号机组全年运行，见第二章。")
    follow(leader.get_by_role("button", name="答复该意见"))
    expect(leader.locator(".remark-answer")).to_be_visible()
    work(reviewer, "查看")
    follow(reviewer.get_by_role("button", name="关闭该意见"))
    expect(reviewer.locator("article.remark .state-good")).to_be_visible()
    cast.wait_out_the_confirmation("reviewer")
    follow(reviewer.get_by_role("link", name="作出结论"))
    confirm(reviewer, password=PASSWORD)
    reviewer.check("[name=verdict][value=passed]")
    reviewer.fill("[name=summary]", "程序、方法和结论符合要求。")
    follow(reviewer.get_by_role("button", name="系统确认"))
    expect(reviewer.locator(".state-good").first).to_be_visible()


def issue_and_tell(cast: Cast, engagement: str) -> None:
    """The quality manager issues; the leader tells the client, with the letter as its record."""
    leader, issuer = cast["leader"], cast["issuer"]
    work(issuer, "签发报告")
    follow(issuer.get_by_role("link", name="签发报告"))
    issuer.fill("[name=number]", "LY-HC-2026-001")
    follow(issuer.get_by_role("button", name="系统确认"))
    expect(issuer.locator("main")).to_contain_text("LY-HC-2026-001")
    cast.look(issuer, "case-issued")
    move(issuer, engagement, "告知核查结果")
    send(leader, engagement, BODY, [(LETTER, files.pdf(["核查结果告知书"]))])
    work(leader, "告知")
    follow(leader.get_by_role("link", name="记录结果告知"))
    leader.fill("[name=told_to]", f"{CLIENT} 王会计")
    leader.fill("[name=way]", "函件")
    leader.select_option("[name=record_id]", label=LETTER)
    follow(leader.get_by_role("button", name="系统确认"))
    expect(leader.locator(".state-good", has_text="已告知")).to_be_visible()
    move(leader, engagement, "保存核查记录")


def archive_it(cast: Cast, engagement: str) -> Page:
    """Arranged, submitted, returned once, submitted again, accepted. Returns a page that was open all the time."""
    leader, archivist = cast["leader"], cast["archivist"]
    leader.goto(f"{engagement}/archiving")
    follow(leader.get_by_role("button", name="一键组卷"))
    expect(leader.locator("#case-files tbody tr")).to_have_count(1)
    leave_out_what_was_returned(leader, engagement)
    submit(leader, engagement)
    work(archivist, "接收或退回已提交的案卷")
    follow(archivist.get_by_role("link", name="退回补正"))
    archivist.fill("#reason", WHY_BACK)
    follow(archivist.get_by_role("button", name="退回补正"))
    expect(archivist.locator(".state-bad", has_text="退回补正")).to_be_visible()

    work(leader, "补正案卷后重新提交")
    expect(leader.locator("main")).to_contain_text(WHY_BACK)
    cast.look(leader, "case-returned")
    leader.goto(engagement)
    follow(leader.get_by_role("link", name="末次会议记录20260325"))
    signed = files.docx(["末次会议记录", "（含签字页）"], table=())
    leader.set_input_files("#choose-files", payloads([(SITE_RECORDS[-1], signed)]))
    expect(leader.locator('.upload[data-state="filed"]')).to_have_count(1, timeout=30_000)
    submit(leader, engagement)
    stale = leader.context.new_page()
    stale.goto(engagement)

    work(archivist, "接收或退回已提交的案卷")
    cast.look(archivist, "case-archiving", picture=True)
    archivist.locator("summary", has_text="接收并封存").click()
    follow(archivist.get_by_role("button", name="接收并封存"))
    expect(archivist.locator("#seals tbody tr")).to_have_count(1)
    return stale


def leave_out_what_was_returned(page: Page, engagement: str) -> None:
    """What the client brought wrongly is no record: it was left out of the case file for the reason of its return. The
    leader takes it in by hand, and leaves it out for a reason of their own."""
    returned = page.locator("tbody tr", has_text=KEPT_LINES[RETURNED])
    follow(page.get_by_role("link", name="不归档：1件"))
    expect(returned).to_contain_text(WHY_RETURNED)
    returned.get_by_role("checkbox").check()
    follow(page.get_by_role("button", name="列入所选文件"))
    expect(returned).to_have_count(0)
    page.goto(f"{engagement}/archiving")
    follow(page.locator("#case-files tbody a"))
    returned.get_by_role("checkbox").check()
    page.locator("summary", has_text="不归档").click()
    page.fill("#leave-reason", WHY_LEFT_OUT)
    follow(page.get_by_role("button", name="不归档"))
    expect(returned).to_have_count(0)
    page.goto(f"{engagement}/archiving")
    follow(page.get_by_role("link", name="不归档：1件"))
    expect(returned).to_contain_text(WHY_LEFT_OUT)


def submit(page: Page, engagement: str) -> None:
    """Submits, and waits until the worker has checked all of it."""
    page.goto(f"{engagement}/archiving")
    page.locator("summary", has_text="提交归档").click()
    follow(page.get_by_role("button", name="提交归档"))
    until(page, page.locator("dl .state", has_text=re.compile("等待档案管理员|检查未通过")))
    expect(page.locator("#findings").get_by_text("须补正")).to_have_count(0)


def find_it_sealed(cast: Cast, engagement: str, stale: Page) -> None:
    """Nothing comes in any more; everybody sees why; the archive verifies, and the log bears the manifest's digest."""
    archivist, leader = cast["archivist"], cast["leader"]
    stale.set_input_files("#choose-files", payloads([("迟到.txt", b"late")]))
    expect(stale.locator("[data-upload-desk] .alert-danger")).to_contain_text("案卷已封存。未作任何更改。")
    stale.close()
    leader.goto(engagement)
    expect(leader.locator(".alert-info")).to_contain_text("案卷内容不再变更")
    expect(leader.locator("[data-upload-desk]")).to_have_count(0)
    leader.goto(f"{engagement}/progress")
    expect(leader.locator(".scheme-line .state-good")).to_have_text("已封存")
    cast.look(leader, "case-sealed")
    leader.goto("/work")
    expect(leader.locator(".work-list")).to_have_count(0)
    archivist.goto(f"{engagement}/archiving")
    digest = archivist.locator("#seals .digest").inner_text().replace(" ", "")
    archivist.goto("/log?action=engagement.sealed")
    follow(archivist.locator("main tbody a[href*='/log/']").first)
    expect(archivist.locator("main")).to_contain_text(digest)
    cast.place.command("verify")
