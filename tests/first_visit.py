"""The first visit in a browser: set-up or a link, the second factor on a device, and on to the first page."""

import re
import time
from dataclasses import dataclass

import pyotp
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD


@dataclass
class Device:
    """An authenticator app with one secret. It gives no one-time password twice; one may be a step ahead of time."""

    totp: pyotp.TOTP
    last_step: int = 0

    def code(self) -> str:
        """The next one-time password."""
        while (step := max(int(time.time()) // 30, self.last_step + 1)) > int(time.time()) // 30 + 1:
            time.sleep(1)
        self.last_step = step
        return self.totp.generate_otp(step)


def set_up(
    page: Page,
    setup_url: str,
    *,
    organisation: str = "江苏绿源核查有限公司",
    name: str = "张敏",
    login: str = "zhangmin",
    password: str = PASSWORD,
) -> Device:
    """Sets the archive up as its first person, whose roles need a second factor, and enrols it."""
    page.goto(setup_url)
    page.fill("[name=organisation_name]", organisation)
    page.fill("[name=display_name]", name)
    page.fill("[name=login]", login)
    choose_password(page, password)
    return enrol(page)


def choose_password(page: Page, password: str = PASSWORD) -> None:
    """Fills in the new password, as the set-up and every link ask for it, and sends the form."""
    for field in page.locator("input[type=password]").all():
        field.fill(password)
    page.locator("main .btn-primary").click()
    page.wait_for_load_state()


def enrol(page: Page) -> Device:
    """On the page of the second factor: takes the secret over, proves it, keeps the recovery codes, goes on."""
    page.wait_for_url(re.compile("/account/second-factor"))
    device = Device(pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", "")))
    page.fill("[name=code]", device.code())
    page.locator("main form .btn-primary").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    page.locator("main .actions .btn-primary").click()
    page.wait_for_load_state()
    return device


def sign_in(page: Page, login: str, device: Device | None = None, *, password: str = PASSWORD) -> None:
    """Signs in at the door, with the second factor of those who have one."""
    page.goto("/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", password)
    page.locator("main .btn-primary").click()
    if device is not None:
        page.wait_for_url(re.compile("/sign-in/second-factor"))
        page.fill("[name=code]", device.code())
        page.locator("main .btn-primary").click()
    page.wait_for_load_state()


def confirm(page: Page, device: Device | None = None, *, password: str = PASSWORD) -> None:
    """On the page that asks once more: the password, and the second factor of those who have one."""
    page.wait_for_url(re.compile("/confirm"))
    page.fill("[name=password]", password)
    if device is not None:
        page.fill("[name=code]", device.code())
    page.locator("main .btn-primary").click()
    page.wait_for_load_state()


def declare(page: Page) -> None:
    """On the page of a declaration, where opening an engagement leads its leader: confirms, and opens the documents."""
    page.wait_for_url(re.compile(r"/engagements/[0-9a-f-]{36}/declaration$"))
    page.check("#relation-none")
    page.locator("main form .btn-primary").first.click()
    page.wait_for_url(re.compile(r"/engagements/[0-9a-f-]{36}(/progress)?$"))
    # What tests go on with are the documents, wherever the declaration leads.
    if page.url.endswith("/progress"):
        page.goto(page.url.removesuffix("/progress"))
