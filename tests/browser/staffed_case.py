"""The people of one verification, each signed in at a browser of their own, on a whole service that runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, ViewportSize, expect

from archive_app.casework.records.describing import describe_record, view_record
from archive_app.casework.records.facts import facts_of
from archive_app.engagements.abilities.recording import Ability, record_competence
from archive_app.engagements.clients import add_client
from archive_app.filing.numbering import change_rule
from archive_app.identity.models import Person, SignInSession
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.web.gate import SESSION_COOKIE
from archive_app.web.language import LANGUAGE_COOKIE
from tests.bench.installation import Installation, installation, serving, sign_in
from tests.factories import People

CLIENT = "江南热电有限公司"
STAFF: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "leader": ("林岚", ("team_leader",)),
    "verifier": ("李强", ("verifier", "technical_reviewer")),
    "reviewer": ("周复", ("technical_reviewer", "verifier")),
    "issuer": ("魏质", ("quality_manager",)),
    "archivist": ("方存", ("archivist",)),
}
DESK: ViewportSize = {"width": 1280, "height": 900}
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
PICTURES = os.environ.get("LANTAI_PICTURES")
SHOTS = os.environ.get("LANTAI_SHOTS")


@dataclass
class Cast:
    """The running archive with the pages of its people, by part; `actors` are the same people for use cases."""

    place: Installation
    home: str
    browser: Browser
    actors: Mapping[str, Actor]
    pages: dict[str, Page] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __getitem__(self, part: str) -> Page:
        return self.pages[part]

    def visit(self, part: str, size: ViewportSize = DESK, *, token: str = "", scripts: bool = True) -> Page:
        """A browser of its own; a script error or a refused resource on any of its pages is kept as a complaint."""
        context = self.browser.new_context(
            reduced_motion="reduce",
            base_url=self.home,
            viewport=size,
            locale="zh-CN",
            java_script_enabled=scripts,
            has_touch=size == TELEPHONE,
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        if token:
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.home}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None)
        self.pages[part] = page
        return page

    def wait_out_the_confirmation(self, part: str) -> None:
        """What half an hour does: somebody does not count as just confirmed any more."""
        with self.place.opened() as archive, archive.transaction(Actor.system("test"), eventless=True) as uow:
            sessions = uow.session.query(SignInSession).filter_by(person_id=self.actors[part].person_id)
            assert sessions.update({"confirmed_at": None}) >= 1

    def describe(self, part: str, document_id: str, said: Mapping[str, Any]) -> None:
        """Somebody says this of a record besides what is said of it already."""
        actor = self.actors[part]
        with self.place.opened():
            record = view_record(actor, document_id=document_id).record
            assert record is not None
            describe_record(actor, document_id=document_id, facts=replace(facts_of(record), **said))

    def look(self, page: Page, name: str, *, picture: bool = False) -> None:
        """A page that somebody works on: it fits a telephone. In pictures where they are wanted, in both languages."""
        size = page.viewport_size or DESK
        narrow = page.evaluate("matchMedia('(max-width: 400px)').matches")
        page.set_viewport_size(TELEPHONE)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide on a telephone"
        if SHOTS and not narrow:
            page.screenshot(path=Path(SHOTS) / f"{name}-390.png", full_page=True)
        page.set_viewport_size(size)
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{size['width']}.png", full_page=True)
        page.evaluate("scrollTo(0, 0)")
        if PICTURES and picture:
            page.screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")
        if SHOTS and picture:
            self._in_english(page, name)

    def _in_english(self, page: Page, name: str) -> None:
        cookies = page.context.cookies()
        page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "en", "url": self.home}])
        beside = page.context.new_page()
        beside.goto(page.url)
        beside.screenshot(path=Path(SHOTS or "") / f"{name}-en.png", full_page=True)
        beside.close()
        page.context.clear_cookies()
        page.context.add_cookies(cookies)  # type: ignore[arg-type]  # what it gave out it takes back


@contextmanager
def staffed_case(directory: Path, browser: Browser) -> Iterator[Cast]:
    """An archive whose people are there and competent, all but the verifier, and that has the client in its list."""
    with installation(directory / "house") as place:
        with place.opened() as archive:
            actors, tokens = _people(archive)
            _prepare(actors)
        with serving(place) as service:
            cast = Cast(place, f"http://127.0.0.1:{service.port}", browser, actors)
            try:
                for part, token in tokens.items():
                    cast.visit(part, token=token)
                yield cast
            finally:
                for context in cast.contexts:
                    context.close()


def _people(archive: Archive) -> tuple[dict[str, Actor], dict[str, str]]:
    people = People(archive)
    actors = {part: people.person(*roles, name=name) for part, (name, roles) in STAFF.items()}
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for part, actor in actors.items():
            uow.session.get_one(Person, actor.person_id).login = part
    return actors, {part: sign_in(archive, actor.person_id) for part, actor in actors.items()}


def _prepare(actors: Mapping[str, Actor]) -> None:
    """What stands before an assignment comes: the fonds number, the client, and the leader's competence."""
    change_rule(actors["archivist"], fonds="J019", file_digits=3, item_digits=3)
    add_client(actors["leader"], name=CLIENT, credit_code="91350100M000100Y43", sector="power_generation")
    for kind, code in (("training", "verification"), ("training", "team_leader"), ("sector", "power_generation")):
        ability = Ability(kind=kind, code=code, valid_from=date(2024, 3, 1), valid_until=None)
        record_competence(actors["issuer"], person_id=actors["leader"].person_id or "", ability=ability)


def send(page: Page, engagement: str, originator: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Brings files to the documents of an engagement, all at once."""
    page.goto(engagement)
    page.locator(".upload-origin summary").click()
    page.fill("[name=originator]", originator)
    page.set_input_files("#choose-files", payloads(files))
    for name, _content in files:
        expect(page.locator('.upload[data-state="filed"]', has_text=name)).to_have_count(1, timeout=60_000)


def payloads(files: Sequence[tuple[str, bytes]]) -> list[FilePayload]:
    """Files as a browser takes them."""
    return [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
