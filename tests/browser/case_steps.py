"""Steps that come again and again in a case, through pages."""

import re
from collections import Counter
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

from tests.browser.following import follow


def confirm_proposals(page: Page, engagement: str, names: Sequence[str]) -> None:
    """Confirms what the archive proposes about these files, all at once, as soon as the worker has read all of them.

    What it proposes about a file has the day in the name of its newest version; before that, a document may stand there
    with what was proposed about an older one.
    """
    page.goto(f"{engagement}/records?state=undescribed")
    proposed = page.locator("tbody tr").filter(has=page.locator("[data-confirm]"))
    for day, count in Counter(day_in(name) for name in names).items():
        until(page, proposed.filter(has=page.locator("td.day", has_text=day)).nth(count - 1))
    boxes = proposed.locator("input[name=document]")
    expect(boxes).to_have_count(len(names))
    for box in boxes.all():
        box.check()
    follow(page.locator("[data-confirm-chosen]"))
    expect(page.locator(".alert-success")).to_be_visible()
    expect(page.locator("tbody .state-good")).to_have_count(len(names) if len(names) > 1 else 0)


def day_in(name: str) -> str:
    """The day that a file has at the end of its name."""
    found = re.search(r"(\d{4})(\d{2})(\d{2})\.\w+$", name)
    assert found, name
    return "-".join(found.groups())


def move(page: Page, engagement: str, stage: str) -> None:
    page.goto(f"{engagement}/progress")
    follow(page.get_by_role("button", name=f"推进到：{stage}"))
    expect(page.locator(".alert-success")).to_contain_text(f"核查项目现处于“{stage}”阶段")


def work(page: Page, words: str) -> None:
    """Somebody's work list names the next task, and leads to it."""
    page.goto("/work")
    follow(page.locator(".work-what a", has_text=words).first)


def describe_all(page: Page, engagement: str, originator: str, day: str) -> None:
    """One thing is said of all records without a day at once: which they bear, and where they came from."""
    page.goto(f"{engagement}/records")
    undated = page.locator("tbody tr").filter(has=page.locator("td.day", has_text="—"))
    for box in undated.locator("input[name=document]").all():
        box.check()
    page.fill("fieldset [name=evidence_on]", day)
    page.fill("fieldset [name=originator]", originator)
    follow(page.locator("[data-describe]"))
    expect(page.locator(".alert-success")).to_be_visible()
    page.goto(f"{engagement}/records")
    expect(undated).to_have_count(0)


def until(page: Page, there: Locator) -> None:
    """Looks at a page anew until what other processes do has happened."""
    for _ in range(120):
        try:
            expect(there).to_be_visible(timeout=500)
        except AssertionError:
            page.reload()
        else:
            return
    expect(there).to_be_visible()
