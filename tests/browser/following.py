"""Going from one page to the next."""

from playwright.sync_api import Locator


def follow(leading: Locator) -> None:
    """Clicks what leads to another page, and waits until that page is there.

    A click alone ends before the browser has left: what comes next would meet the old page, or stop what was sent.
    """
    with leading.page.expect_navigation():
        leading.click()
