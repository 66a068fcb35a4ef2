"""The first day at the door: set up, enrol a device, keep the codes; then sign in with it, confirm, lose it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_the_path import make_token, require_accessible
from tests.factories import PASSWORD
from tests.first_visit import choose_password, confirm, enrol, set_up, sign_in
from tests.service import Service

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_a_device_is_enrolled_asked_for_and_lost(service: Service, visitor: Visit) -> None:
    page = visitor()
    device = set_up(page, service.setup_url)
    make_token(page, "ERP")

    other = visitor()
    sign_in(other, "zhangmin", device)
    other.goto("/account")
    expect(other.get_by_role("button", name="退出其他全部登录")).to_be_visible()
    other.get_by_role("button", name="退出其他全部登录").click()
    page.goto("/account")
    page.wait_for_url(re.compile("/sign-in"))

    other.goto("/account/second-factor?move=1")
    expect(other.locator("#secret")).to_be_visible()
    new = enrol(other)
    stranger = visitor(scripts=False)
    sign_in(stranger, "zhangmin")
    stranger.wait_for_url(re.compile("/sign-in/second-factor"))
    stranger.fill("[name=code]", device.code())
    stranger.locator("main .btn-primary").click()
    expect(stranger.locator(".alert-danger")).to_be_visible()
    stranger.goto("/account")
    stranger.wait_for_url(re.compile("/sign-in/second-factor"))
    stranger.fill("[name=code]", new.code())
    stranger.locator("main .btn-primary").click()
    expect(stranger.locator("h1")).to_have_text("我的账号")
    stranger.goto("/confirm?next=/account/second-factor")
    confirm(stranger, new)
    expect(stranger.locator("h1")).to_have_text("第二因素")


def test_every_page_of_the_door_is_accessible_and_fits(service: Service, visitor: Visit) -> None:
    page = visitor()
    page.goto(service.setup_url)
    page.fill("[name=organisation_name]", "江苏绿源核查有限公司")
    page.fill("[name=display_name]", "张敏")
    page.fill("[name=login]", "zhangmin")
    choose_password(page)
    in_every_form(page, "enrolment")
    device = enrol(page)
    for place in ("/account/second-factor", "/account/second-factor?move=1", "/confirm", "/account"):
        page.goto(place)
        in_every_form(page, place)
    page.goto("/account/second-factor")
    page.locator("summary", has_text="New recovery codes").click()
    page.get_by_role("button", name="Make new codes").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        require_accessible(page, f"recovery codes {width}")
    half = visitor()
    half.goto("/sign-in")
    half.fill("[name=login]", "zhangmin")
    half.fill("[name=password]", PASSWORD)
    half.locator("main .btn-primary").click()
    half.wait_for_url(re.compile("/sign-in/second-factor"))
    in_every_form(half, "code")
    half.fill("[name=code]", device.code())
    half.locator("main .btn-primary").click()
    half.wait_for_url(lambda address: "/sign-in" not in address)


def in_every_form(page: Page, told: str) -> None:
    """The page that is shown, in both languages and both widths; it ends in English, wide."""
    for language in ("zh_Hans_CN", "en"):
        page.locator(".account-menu summary").click()
        page.locator(f'.menu-sheet button[value="{language}"]').click()
        page.wait_for_load_state()
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            require_accessible(page, f"{told} {width} {language}")
