"""One archive and the people who come to it one after another, each at a browser of their own, for whole first days."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from re import Pattern

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.first_visit import Device, choose_password, enrol, set_up
from tests.service import Service, running_service

SHOTS = os.environ.get("LANTAI_SHOTS")
WIDE, NARROW = 1280, 390
# Kinds of pages that other tests of the browser examine for accessibility in both languages already.
EXAMINED_ELSEWHERE = frozenset(
    {"people", "engagement", "engagements", "engagements-empty", "clients", "declaration", "team", "log", "confirm"}
    | {"independence", "person-granted", "engagement-marked", "engagement-with-glass"}
)


@dataclass
class Newcomer:
    """A person at a browser: the page, and the device where the roles need one."""

    name: str
    login: str
    page: Page
    device: Device | None = None


@dataclass
class House:
    """The running archive, who is in it, and the one-time links that wait for their people."""

    service: Service
    browser: Browser
    people: dict[str, Newcomer] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _examined: set[str] = field(default_factory=lambda: set(EXAMINED_ELSEWHERE))

    def __getitem__(self, login: str) -> Page:
        return self.people[login].page

    def visit(self, login: str, name: str) -> Newcomer:
        """A browser of its own; a script error or a refused resource on any of its pages is kept as a complaint."""
        context = self.browser.new_context(
            reduced_motion="reduce", base_url=self.service.url, viewport={"width": WIDE, "height": 900}, locale="zh-CN"
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None)
        self.people[login] = Newcomer(name, login, page)
        return self.people[login]

    def found(self, login: str, name: str, organisation: str) -> Page:
        """The first person: sets the archive up and enrols the second factor."""
        newcomer = self.visit(login, name)
        newcomer.device = set_up(
            newcomer.page, self.service.setup_url, organisation=organisation, name=name, login=login
        )
        return newcomer.page

    def invite(self, by: str, login: str, name: str, *roles: str, english: bool = False) -> str:
        """An administrator invites and proposes roles; the address of the colleague's page."""
        page = self[by]
        page.goto("/people/invite")
        page.fill("[name=display_name]", name)
        page.fill("[name=login]", login)
        for role in roles:
            page.check(f"[name=roles][value={role}]")
        page.select_option("select[name=language]", "en" if english else "zh_Hans_CN")
        page.locator("main .btn-primary").click()
        self.links[login] = page.locator(".one-time-link .digest").inner_text()
        return page.url

    def come(self, login: str, name: str, *, enrols: bool = False) -> Page:
        """A newcomer with a link: a password, and the second factor where the roles need it."""
        newcomer = self.visit(login, name)
        newcomer.page.goto(self.links.pop(login))
        choose_password(newcomer.page)
        if enrols:
            newcomer.device = enrol(newcomer.page)
        return newcomer.page

    def grant(self, officer: str, person: str, *roles: str) -> None:
        """A security officer grants what waits for a person, whose page is `person`."""
        page = self[officer]
        page.goto(f"{person}/rights")
        for role in roles:
            page.check(f"section[aria-labelledby=waiting] [name=roles][value={role}]")
        page.locator("button[name=decision][value=grant]").click()
        expect(page.locator(".alert-success")).to_be_visible()

    def wait_out_the_confirmation(self, login: str) -> None:
        """What half an hour does: a person does not count as just confirmed any more."""
        with closing(sqlite3.connect(self.service.data / "archive.db", timeout=20)) as database, database:
            changed = database.execute(
                "UPDATE sign_in_session SET confirmed_at = '2020-01-01 00:00:00.000000' "
                "WHERE person_id = (SELECT id FROM person WHERE login = ?)",
                (login,),
            )
            assert changed.rowcount == 1

    def station(self, page: Page, name: str) -> None:
        """A page that somebody meets: it fits a telephone, and each kind of page is accessible."""
        kind = name.rsplit(".", 1)[-1]
        for width in (NARROW, WIDE):
            page.set_viewport_size({"width": width, "height": 900})
            overflow = page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide at {width}"
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"firstdays-{name}-{width}.png", full_page=True)
        if kind not in self._examined:
            self._examined.add(kind)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"

    def refused(self, page: Page, address: str, status: int, words: str | Pattern[str], *, name: str) -> None:
        """An address that somebody may not open answers with a page in words, which says nothing of what is there."""
        answer: Response | None = page.goto(address)
        assert answer is not None
        assert answer.status == status
        expect(page.locator(".error-status")).to_have_text(str(status))
        expect(page.locator("main .lead")).to_have_text(words)
        self.station(page, f"{name}.refusal")

    def close(self) -> None:
        """Everybody goes home."""
        for context in self._contexts:
            context.close()


@contextmanager
def opened_house(directory: Path, browser: Browser) -> Iterator[House]:
    """An archive that nobody has set up yet."""
    with running_service(directory) as service:
        house = House(service, browser)
        try:
            yield house
        finally:
            house.close()
