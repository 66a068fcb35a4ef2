"""A procedure from its draft to its withdrawal: five people, through pages alone; one approval is refused, one reading
overdue. The fifth has no hand in it and only reads what is in force."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.management.controlled.models import Acknowledgement
from tests import files
from tests.bench.installation import installation, serving, sign_in
from tests.browser.case_steps import until
from tests.browser.following import follow
from tests.browser.staffed_case import DESK, TELEPHONE, Cast, payloads
from tests.factories import PASSWORD, People
from tests.first_visit import confirm

pytestmark = pytest.mark.browser
PARK = "江南低碳产业园"
STAFF = {
    "author": ("沈起", "staff_member"),
    "approver": ("严批", "management_representative"),
    "controller": ("柯控", "document_controller"),
    "slow": ("曼慢", "staff_member"),
    "reader": ("杜阅", "staff_member"),
}
TITLE = "碳排放数据管理程序"
WHY_REFUSED = "第三条没有说明数据缺失时的处理。"
WHY_WITHDRAWN = "由园区统一的数据管理制度代替。"
FIRST = ["第一条 目的", "第二条 数据每月汇总一次。", "第三条 数据由企业填报。"]
MENDED = [*FIRST[:2], "第三条 数据由企业填报，缺失时按保守值替代。"]
REVISED = [FIRST[0], "第二条 数据每周汇总一次。", MENDED[2]]


@pytest.fixture
def cast(chromium: Browser, tmp_path: Path) -> Iterator[Cast]:
    """The people of a park, each at a browser of their own."""
    with installation(tmp_path / "house") as place:
        with place.opened() as archive:
            actors, tokens = _people(archive)
        with serving(place) as service:
            opened = Cast(place, f"http://127.0.0.1:{service.port}", chromium, actors)
            try:
                for part, token in tokens.items():
                    opened.visit(part, TELEPHONE if part == "reader" else DESK, token=token)
                yield opened
            finally:
                for context in opened.contexts:
                    context.close()
            assert opened.complaints == []


def _people(archive: Archive) -> tuple[dict[str, Actor], dict[str, str]]:
    people = People(archive)
    actors = {part: people.person(role, name=name, organisation=PARK) for part, (name, role) in STAFF.items()}
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for part, actor in actors.items():
            uow.session.get_one(Person, actor.person_id).login = part
    return actors, {part: sign_in(archive, actor.person_id) for part, actor in actors.items()}


def test_a_procedure_from_draft_to_withdrawal(cast: Cast) -> None:
    place = write_it(cast)
    first = have_it_refused_and_mended(cast, place)
    issue_it(cast, place)
    read_it(cast, place, first)
    leave_it_unread(cast, place)
    second = revise_it(cast, place, first)
    withdraw_it(cast, place, second)


def write_it(cast: Cast) -> str:
    """The author registers the procedure and brings its text; who has no hand in it does not learn that it is there."""
    author = cast["author"]
    author.goto("/controlled/new")
    author.select_option("[name=kind]", "procedure")
    author.fill("[name=title]", TITLE)
    author.fill("[name=department]", "双碳办")
    author.fill("[name=clauses]", "S2 9.2.1")
    cast.look(author, "controlled-new")
    follow(author.locator("main form.sheet button.btn-primary"))
    place = urlsplit(author.url).path
    bring(author, "数据管理程序A0.docx", FIRST)
    cast.look(author, "controlled-draft", picture=True)
    for part in ("slow", "reader"):
        cast[part].goto(place)
        expect(cast[part].locator(".error-status")).to_have_text("404")
        cast[part].goto("/controlled")
        expect(cast[part].locator("main")).not_to_contain_text(TITLE)
    return place


def bring(author: Page, name: str, lines: list[str]) -> None:
    form = author.locator("form[action$='/file']")
    author.set_input_files("#edition-file", payloads([(name, files.docx(lines, table=()))]))
    follow(form.locator("button"))
    expect(author.locator("ul.files")).to_contain_text(name)


def ask_for_approval(author: Page) -> None:
    form = author.locator("details", has=author.locator("form[action$='/approver']"))
    form.locator("summary").click()
    name = form.locator("[name=person] option", has_text="严批").get_attribute("value")
    form.locator("[name=person]").select_option(name)
    follow(form.locator("button"))


def decide(approver: Page, *, agrees: bool, remark: str = "") -> None:
    """From the work list; whoever approves proves first who they are."""
    approver.goto("/work")
    follow(approver.locator(".work-what a").first)
    if urlsplit(approver.url).path == "/confirm":
        confirm(approver, password=PASSWORD)
    approver.check(f"[name=decision][value={'yes' if agrees else 'no'}]")
    approver.fill("[name=remark]", remark)
    follow(approver.locator("form.sheet button.btn-primary"))


def have_it_refused_and_mended(cast: Cast, place: str) -> str:
    """The first approval is refused with words that the author reads; the mended text is approved. Its edition's id."""
    author, approver = cast["author"], cast["approver"]
    ask_for_approval(author)
    cast.wait_out_the_confirmation("approver")
    decide(approver, agrees=False, remark=WHY_REFUSED)
    author.goto("/work")
    expect(author.locator(".work-what")).not_to_have_count(0)
    author.goto(place)
    expect(author.locator("ol.way")).to_contain_text(WHY_REFUSED)
    bring(author, "数据管理程序A0改.docx", MENDED)
    ask_for_approval(author)
    decide(approver, agrees=True)
    cast["controller"].goto(place)
    issue = cast["controller"].locator("a[href*='/controlled/editions/'][href$='/issue']").first
    return (issue.get_attribute("href") or "").split("/")[3]


def issue_it(cast: Cast, place: str) -> None:
    """The controller says who gets it, and issues it for today: those on the list are asked to read it."""
    controller = cast["controller"]
    controller.goto(f"{place}/distribution")
    controller.check("[name=roles][value=staff_member]")
    follow(controller.locator("form.sheet button.btn-primary"))
    cast.look(controller, "controlled-distribution")
    controller.goto(place)
    follow(controller.locator("a[href$='/issue']").first)
    if urlsplit(controller.url).path == "/confirm":
        confirm(controller, password=PASSWORD)
    follow(controller.locator("form[action$='/issue'] button.btn-primary"))
    expect(controller.locator(".standing-good")).to_contain_text("A/0")
    cast.look(controller, "controlled-in-force", picture=True)


def read_it(cast: Cast, place: str, edition: str) -> None:
    """On a telephone: the work list asks, the edition opens, the reader confirms."""
    reader = cast["reader"]
    reader.goto("/work")
    follow(reader.locator(".work-what a").first)
    expect(reader).to_have_url(f"{cast.home}/controlled/editions/{edition}/reading")
    reader.goto(f"{place}/open")
    expect(reader.locator(".page-header .state-good").first).to_be_visible()
    reader.goto(f"/controlled/editions/{edition}/reading")
    reader.check("[name=read]")
    cast.look(reader, "controlled-reading", picture=True)
    follow(reader.locator("form[action$='/acknowledgement'] button"))
    reader.goto(f"/controlled/editions/{edition}/reading")
    expect(reader.locator("form[action$='/acknowledgement']")).to_have_count(0)
    until(reader, reader.locator("form[action$='/acknowledgement']").or_(reader.locator(".state-good").first))
    found_by_words(cast, "按保守值替代", 1)


def found_by_words(cast: Cast, words: str, count: int) -> None:
    """What is in force is found by its words, and nothing else of it."""
    reader = cast["reader"]
    for _ in range(60):
        reader.goto(f"/search?q={words}")
        if reader.locator("article.hit").count() == count:
            return
        reader.wait_for_timeout(500)
    expect(reader.locator("article.hit")).to_have_count(count)


def leave_it_unread(cast: Cast, place: str) -> None:
    """Somebody does not read it in time: the controller sees who."""
    slow, controller = cast.actors["slow"], cast["controller"]
    with cast.place.opened() as archive, archive.transaction(Actor.system("test"), eventless=True) as uow:
        own = uow.session.query(Acknowledgement).filter_by(person_id=slow.person_id).one()
        own.due_on = archive.today() - timedelta(days=1)
        edition = own.edition_id
    controller.goto(f"/controlled/editions/{edition}/readers")
    line = controller.locator("tr", has_text="曼慢")
    expect(line.locator(".state-bad")).to_be_visible()
    expect(controller.locator("tr", has_text="杜阅").locator(".state-bad")).to_have_count(0)
    cast.look(controller, "controlled-readers", picture=True)


def revise_it(cast: Cast, place: str, first: str) -> str:
    """The next edition; while it is written the first stays in force, and afterwards it says loudly what it is."""
    author, controller, reader = cast["author"], cast["controller"], cast["reader"]
    author.goto(f"{place}/revision")
    author.fill("[name=change_note]", "汇总周期改为每周。")
    follow(author.locator("main form.sheet button.btn-primary"))
    bring(author, "数据管理程序A1.docx", REVISED)
    ask_for_approval(author)
    reader.goto(f"{place}/open")
    expect(reader.locator("main")).to_contain_text("每月汇总")
    old = reader.url
    decide(cast["approver"], agrees=True)
    controller.goto(place)
    follow(controller.locator("a[href$='/issue']").first)
    follow(controller.locator("form[action$='/issue'] button.btn-primary"))
    expect(controller.locator(".standing-good")).to_contain_text("A/1")
    reader.goto(old)
    expect(reader.locator(".alert-danger").first).to_be_visible()
    cast.look(reader, "controlled-obsolete", picture=True)
    reader.goto(f"{place}/open")
    until(reader, reader.locator("main", has_text="每周汇总"))
    found_by_words(cast, "每周汇总", 1)
    controller.goto(place)
    compare = controller.locator("a[href*='/compare']").first
    follow(compare)
    expect(controller.locator("main")).to_contain_text("周")
    cast.look(controller, "controlled-compare", picture=True)
    return urlsplit(old).path


def withdraw_it(cast: Cast, place: str, old: str) -> None:
    """Withdrawn, with the reason: nothing opens by default any more, nothing is deleted, and it says so louder."""
    controller, reader = cast["controller"], cast["reader"]
    controller.goto(f"{place}/withdrawal")
    if urlsplit(controller.url).path == "/confirm":
        confirm(controller, password=PASSWORD)
    controller.fill("[name=reason]", WHY_WITHDRAWN)
    cast.look(controller, "controlled-withdrawal")
    follow(controller.locator("form[action$='/withdrawal'] button"))
    reader.goto(f"{place}/open")
    expect(reader.locator(".alert-danger").first).to_be_visible()
    expect(reader.locator("main")).to_contain_text(WHY_WITHDRAWN)
    cast.look(reader, "controlled-withdrawn", picture=True)
    reader.goto(place)
    expect(reader.locator(".standing-bad")).to_contain_text(WHY_WITHDRAWN)
    reader.goto(old)
    expect(reader.locator(".alert-danger").first).to_be_visible()
    found_by_words(cast, "每周汇总", 0)
