"""Steps that come again and again in a case, through pages."""

from playwright.sync_api import Locator, Page, expect


def confirm_proposals(page: Page, engagement: str, count: int) -> None:
    """Confirms what the archive proposes about so many documents, all at once."""
    page.goto(f"{engagement}/records?state=undescribed")
    boxes = page.locator("tbody tr").filter(has=page.locator("[data-confirm]")).locator("input[name=document]")
    until(page, boxes.nth(count - 1))
    for box in boxes.all():
        box.check()
    page.locator("[data-confirm-chosen]").click()
    expect(page.locator(".alert-success")).to_be_visible()
    expect(page.locator("tbody .state-good")).to_have_count(count if count > 1 else 0)


def move(page: Page, engagement: str, stage: str) -> None:
    page.goto(f"{engagement}/progress")
    page.get_by_role("button", name=f"推进到：{stage}").click()
    expect(page.locator(".alert-success")).to_contain_text(f"核查项目现处于“{stage}”阶段")


def work(page: Page, words: str) -> None:
    """Somebody's work list names the next task, and leads to it."""
    page.goto("/work")
    page.locator(".work-what a", has_text=words).first.click()
    page.wait_for_load_state()


def describe_all(page: Page, engagement: str, originator: str, day: str) -> None:
    """One thing is said of all records without a day at once: which they bear, and where they came from."""
    page.goto(f"{engagement}/records")
    undated = page.locator("tbody tr").filter(has=page.locator("td.day", has_text="—"))
    for box in undated.locator("input[name=document]").all():
        box.check()
    page.fill("fieldset [name=evidence_on]", day)
    page.fill("fieldset [name=originator]", originator)
    page.locator("[data-describe]").click()
    expect(page.locator(".alert-success")).to_be_visible()
    page.goto(f"{engagement}/records")
    expect(undated).to_have_count(0)


def until(page: Page, there: Locator) -> None:
    """Looks at a page anew until what other processes do has happened."""
    for _ in range(60):
        try:
            expect(there).to_be_visible(timeout=500)
        except AssertionError:
            page.reload()
        else:
            return
    expect(there).to_be_visible()
