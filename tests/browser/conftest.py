"""A real Chromium on a real service."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.engines import program
from tests.service import Service, running_service

_QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser. Its own sandbox cannot be used by root."""
    arguments = [*_QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(_QUIET)
    # As long as everything else that is waited for, also where other tests load the machine.
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A fresh archive that nobody has set up yet."""
    with running_service(tmp_path) as running:
        yield running


@pytest.fixture
def visitor(chromium: Browser, service: Service) -> Iterator[Callable[..., Page]]:
    """Makes people at browsers of their own; a script error or a refused resource on any page fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(*, width: int = 1280, language: str = "zh-CN", scripts: bool = True) -> Page:
        # What is still fading in has no colours that could be measured.
        context = chromium.new_context(
            reduced_motion="reduce",
            base_url=service.url,
            viewport={"width": width, "height": 900},
            locale=language,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
