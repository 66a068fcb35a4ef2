"""What goes wrong with material requests: strangers, dead links, floods, bad files, files sealed under way."""

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from archive_app.casework.models import MaterialDelivery, MaterialRequest, Record
from archive_app.casework.requests.answering import view_own_line, view_own_request
from archive_app.casework.requests.bringing import (
    AlreadyBroughtError,
    Announced,
    announce_file,
    bring_file,
    bring_part,
    take_back,
)
from archive_app.casework.requests.deciding import return_line
from archive_app.casework.requests.opening import CodeWrongError, actor_of_request, ask_code, enter_code
from archive_app.casework.requests.own import (
    RequestClosedError,
    RequestFullError,
    RequestOverError,
    TooManyFilesError,
)
from archive_app.casework.requests.sending import end_request, make_code, send_request
from archive_app.documents.errors import EmptyFileError, NameInvalidError, NameMissingError, TooLargeError
from archive_app.documents.resuming import Part
from archive_app.engagements.engagements import EngagementSealedError
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive, RequestRules
from archive_app.kernel.errors import ConfirmationRequiredError, InvalidInputError, NotFoundError
from archive_app.kernel.events import EventDetail
from archive_app.worklist.models import Notice
from tests.conftest import SetClock, both_databases
from tests.factories import People, engagement_of, sign_in_by_page
from tests.material import SYSTEM, Client, acting, arrive, asked, brings, count, enter, link_of

ANYBODY = Actor.anonymous(address="192.0.2.9")
Browser = Callable[[], FlaskClient]


def test_a_forwarded_link_shows_nothing_and_a_dead_one_says_so(
    archive: Archive, people: People, browser: Browser, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whose archive it is, no more; never, expired, ended and replaced are one answer; the token stands nowhere."""
    caplog.set_level(logging.DEBUG)
    leader = people.person("team_leader", name="李组长")
    engagement = engagement_of(leader, title="保密年度核查")
    request, lines = asked(leader, engagement)
    link = link_of(leader, request, days=2)
    stranger = Client(browser())
    landed = stranger.get(link)
    assert (landed.status_code, landed.location) == (303, "/material/")
    token = link.rpartition("/")[2]
    shown = stranger.get("/material/")
    assert shown.headers["Referrer-Policy"] == landed.headers["Referrer-Policy"] == "no-referrer"
    assert "绿源核查" in shown.text
    secrets = (
        token,
        "王会计",
        "李组长",
        "保密年度核查",
        engagement.number,
        "江南热电厂",
        *(line.name for line in lines),
    )
    assert not [words for words in secrets if words in shown.text]
    for address in (f"/material/lines/{lines[0].id}", f"/material/lines/{lines[0].id}/uploads/{lines[0].id}"):
        assert stranger.get(address).location == "/material/"
    stranger.get("/material/")
    asked_for = stranger.post("/material/code").text
    wrong = stranger.post("/material/open", name="旁人", code="000000").text
    assert "无法打开" in wrong

    clock.advance(days=2, seconds=1)
    pages, refusals = set(), set()
    for address in (link, *dead_links(leader, engagement)):
        visitor = Client(browser())
        visitor.get(address)
        page = visitor.get("/material/")
        assert page.status_code == 410
        pages.add(bare(page.text))
        # The very words that a living link gets.
        assert told(visitor.post("/material/code").text) == told(asked_for)
        visitor.get("/material/")
        refusals.add(bare(visitor.post("/material/open", name="旁人", code="000000").text))
        with pytest.raises(CodeWrongError):
            enter_code(ANYBODY, token=address.rpartition("/")[2], code="000000", name="旁人")
    assert len(pages) == 1
    assert len(refusals) == 1
    assert token not in caplog.text
    with archive.reading(SYSTEM) as uow:
        assert not [detail for detail in uow.session.scalars(select(EventDetail.detail)) if token in detail]
    # Nothing of it without the request token of the form either.
    assert Client(browser()).browser.post("/material/code").status_code == 400


def dead_links(leader: Actor, engagement: Engagement) -> Iterator[str]:
    """One that never was, one that was replaced, one that was ended."""
    yield "/material/" + "A" * 43
    replaced, ended = asked(leader, engagement)[0], asked(leader, engagement)[0]
    first, last = link_of(leader, replaced), link_of(leader, ended)
    link_of(leader, replaced)
    end_request(leader, request_id=ended.id)
    yield first
    yield last


def bare(page: str) -> str:
    """A page without what is new in each answer."""
    return "\n".join(line for line in page.splitlines() if "csrf" not in line)


def told(page: str) -> str:
    """What a page says in answer to a form."""
    return page.split('<div class="alert')[1].split("</div>", maxsplit=1)[0]


@both_databases
def test_codes_are_guessed_in_vain(archive: Archive, people: People, clock: SetClock) -> None:
    """Five tries; ten minutes; once; and each further mail of a day is waited for longer, twenty at most."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    request, _lines = asked(leader, engagement, channel="email", address="wang@client.example")
    token = send_request(leader, request_id=request.id, by_mail=False).token
    code = make_code(leader, request_id=request.id)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _try in range(5):
        with pytest.raises(CodeWrongError):
            enter_code(ANYBODY, token=token, code=wrong, name="旁人")
    with pytest.raises(CodeWrongError):
        enter_code(ANYBODY, token=token, code=code, name="王会计")
    late = make_code(leader, request_id=request.id)
    clock.advance(minutes=10)
    with pytest.raises(CodeWrongError):
        enter_code(ANYBODY, token=token, code=late, name="王会计")
    once = make_code(leader, request_id=request.id)
    with pytest.raises(InvalidInputError):
        enter_code(ANYBODY, token=token, code=once, name=" ")
    enter_code(ANYBODY, token=token, code=f" {once[:3]} {once[3:]} ", name="王会计")
    with pytest.raises(CodeWrongError):
        enter_code(ANYBODY, token=token, code=once, name="王会计")
    with pytest.raises(ConfirmationRequiredError):
        make_code(replace(leader, confirmed_at=None), request_id=request.id)

    clock.advance(days=1, seconds=1)
    sent = []
    for _second in range(40):
        ask_code(ANYBODY, token=token)
        sent.append(count(archive, select(Notice).where(Notice.kind == "casework.material_code").subquery()))
        clock.advance(seconds=15)
    # At 0, 30, 90, 210 and 450 seconds, and not in between.
    assert [sent.index(number) * 15 for number in range(1, 6)] == [0, 30, 90, 210, 450]
    assert sent[-1] == 5
    for _hour in range(30):
        ask_code(ANYBODY, token=token)
        clock.advance(minutes=16)
    assert count(archive, select(Notice).where(Notice.kind == "casework.material_code").subquery()) == 20


def test_sessions_end_and_open_nothing_else(
    archive: Archive, people: People, browser: Browser, clock: SetClock
) -> None:
    """Of one request, for two hours without use and twelve in all; two browsers at once; nobody elsewhere."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    (one, (line, _photos)), (two, (foreign, _more)) = asked(leader, engagement), asked(leader, engagement)
    first = arrive(browser(), leader, one)
    second = enter_again(browser(), leader, one, first)
    other = arrive(browser(), leader, two, name="张会计")
    assert all(client.get(f"/material/lines/{line.id}").status_code == 200 for client in (first, second))
    assert other.get(f"/material/lines/{line.id}").status_code == 404
    assert first.get(f"/material/lines/{foreign.id}").status_code == 404
    # The cookie of the client is nobody's elsewhere, and whoever is signed in is nobody here.
    assert first.get("/engagements").location.startswith("/sign-in")
    desk = Client(sign_in_by_page(archive, browser(), leader))
    assert desk.get(f"/material/lines/{line.id}").location == "/material/"
    first.get(f"/material/lines/{line.id}")
    assert first.browser.post(f"/material/lines/{line.id}/uploads", json={"name": "a", "size": 1}).status_code == 400
    unproved = first.browser.post(f"/material/lines/{line.id}/files", data={"files": (io.BytesIO(b"x"), "a.txt")})
    assert unproved.status_code == 400
    assert count(archive, MaterialDelivery) == 0
    # A living link of the same request leads to the lines, another's asks for its code.
    for hours in (1.9, 1.9, 1.9, 1.9, 1.9):
        clock.advance(hours=hours)
        assert first.get(f"/material/lines/{line.id}").status_code == 200
    assert second.get(f"/material/lines/{line.id}").status_code == 303
    clock.advance(hours=2.6)
    assert first.get(f"/material/lines/{line.id}").status_code == 303
    assert "重新打开" in first.get("/material/").text

    third = arrive(browser(), leader, one)
    third.get("/material/")
    third.post("/material/close")
    assert third.get(f"/material/lines/{line.id}").status_code == 303
    begun = acting(leader, one)
    fourth = arrive(browser(), leader, one)
    with pytest.raises(RequestOverError):
        view_own_request(begun)
    assert fourth.get(link_of(leader, two)).location == "/material/"
    assert fourth.get(f"/material/lines/{line.id}").status_code == 303
    clock.advance(hours=-1)
    assert actor_of_request(archive, "made-up", "") is None
    with pytest.raises(RequestOverError):
        view_own_request(replace(acting(leader, one), name=f"request:{two.id}"))


def enter_again(browser: FlaskClient, leader: Actor, request: MaterialRequest, first: Client) -> Client:
    """A second browser by the same link; the first stays."""
    client = Client(browser)
    link = link_of(leader, request)
    client.get(link)
    enter(client, make_code(leader, request_id=request.id))
    first.get(link)
    enter(first, make_code(leader, request_id=request.id))
    # By the link of the request that is open already nobody is asked for a code once more.
    assert first.get(link).location == "/material/"
    assert "未交" in first.get("/material/").text
    return client


class Interrupting:
    """A file during whose coming something happens."""

    def __init__(self, happening: Callable[[], object]) -> None:
        self._happening = happening
        self._left = [b"half of it, ", b"and the rest"]

    def read(self, _size: int = -1, /) -> bytes:
        """The next half; between them it happens."""
        if len(self._left) == 1:
            self._happening()
        return self._left.pop(0) if self._left else b""


@both_databases
def test_the_link_ends_or_the_file_is_sealed_while_something_comes(archive: Archive, people: People) -> None:
    """What came whole before stays, what was under way does not; each is said in words for the client."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    request, (line, _photos) = asked(leader, engagement)
    client = acting(leader, request)
    brings(client, line, "before.txt", b"whole")
    ending = Interrupting(lambda: end_request(leader, request_id=request.id))
    with pytest.raises(RequestOverError):
        bring_file(client, line_id=line.id, name="under way.txt", stream=ending)
    with pytest.raises(RequestOverError):
        announce_file(client, line_id=line.id, file=Announced("later.txt", 5))
    assert count(archive, MaterialDelivery) == count(archive, Record) == 1
    with pytest.raises(NotFoundError):
        make_code(people.person("team_leader"), request_id=request.id)

    client = acting(leader, request)
    upload = announce_file(client, line_id=line.id, file=Announced("parts.bin", 10))
    bring_part(client, line_id=line.id, upload_id=upload.id, part=Part(0, io.BytesIO(b"01234"), 5))

    def seal() -> None:
        with archive.transaction(SYSTEM, eventless=True) as uow:
            of_this = update(Engagement).where(Engagement.id == engagement.id)
            uow.session.execute(of_this.values(sealed_at=uow.now))

    with pytest.raises(RequestClosedError) as refused:
        bring_file(client, line_id=line.id, name="under way.txt", stream=Interrupting(seal))
    assert engagement.number not in refused.value.text("zh_Hans_CN")
    with pytest.raises(RequestClosedError):
        bring_part(client, line_id=line.id, upload_id=upload.id, part=Part(5, io.BytesIO(b"56789"), 5))
    page = view_own_line(client, line_id=line.id)
    assert not page.takes
    assert [file.name for file in page.files.items] == ["before.txt"]
    assert view_own_request(client).is_closed
    with pytest.raises(RequestClosedError):
        take_back(client, delivery_id=page.files.items[0].id)
    with pytest.raises(EngagementSealedError):
        return_line(leader, line_id=line.id, reason="x")
    assert count(archive, MaterialDelivery) == 1


@both_databases
def test_floods_bad_names_and_bad_files(archive: Archive, people: People, clock: SetClock) -> None:
    """Limits of files, bytes and of files within a minute; every refusal leaves what is there."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    request, (line, photos) = asked(leader, engagement)
    client = acting(leader, request)
    rules = replace(
        archive.rules,
        upload_limit_bytes=1000,
        requests=RequestRules(files=5, total_bytes=1500, files_per_minute=3),
    )
    with replace(archive, rules=rules).activate():
        for name, content, error in (
            ("", b"x", NameMissingError),
            ("../..", b"x", NameMissingError),
            ("a\x00b.txt", b"x", NameInvalidError),
            ("空.txt", b"", EmptyFileError),
            ("大.bin", b"x" * 1001, TooLargeError),
        ):
            with pytest.raises(error):
                brings(client, line, name, content)
        for size, error in ((1001, TooLargeError), (10**18, TooLargeError)):
            with pytest.raises(error):
                announce_file(client, line_id=line.id, file=Announced("大.bin", size))
        assert count(archive, MaterialDelivery) == 0
        # Hostile names stay names; a bomb is taken as it is and read in the sandbox later.
        brings(client, line, "../../etc/passwd<b>\u202e.txt", b"x" * 300)
        brings(client, line, "C:\\炸弹.zip", b"PK\x05\x06" + b"\x00" * 18)
        with pytest.raises(AlreadyBroughtError):
            brings(client, line, "again.zip", b"PK\x05\x06" + b"\x00" * 18)
        brings(client, photos, "three.txt", b"x" * 300)
        with pytest.raises(TooManyFilesError):
            brings(client, line, "four.txt", b"y" * 300)
        clock.advance(seconds=61)
        # Parts under way count, so that nobody fills the disk with files that never end.
        upload = announce_file(client, line_id=line.id, file=Announced("parts.bin", 800))
        bring_part(client, line_id=line.id, upload_id=upload.id, part=Part(0, io.BytesIO(b"z" * 700), 700))
        with pytest.raises(RequestFullError):
            brings(client, line, "five.txt", b"y" * 300)
        with pytest.raises(RequestFullError):
            announce_file(client, line_id=line.id, file=Announced("more.bin", 300))
        bring_part(client, line_id=line.id, upload_id=upload.id, part=Part(700, io.BytesIO(b"z" * 100), 100))
        brings(client, line, "fifth.txt", b"y")
        with pytest.raises(RequestFullError) as refused:
            brings(client, line, "sixth.txt", b"w")
    assert "5" in refused.value.text("en")
    names = {file.name for file in view_own_line(client, line_id=line.id).files.items}
    assert names == {"passwd<b>\u202e.txt", "炸弹.zip", "parts.bin", "fifth.txt"}
    with archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(MaterialRequest, request.id).received_bytes == 300 + 22 + 22 + 300 + 800 + 1


def test_one_file_again_and_again_does_not_fill_the_disk(archive: Archive, people: People) -> None:
    """The bytes are in the vault before anybody knows that they are there already."""
    leader = people.person("team_leader")
    request, (line, _photos) = asked(leader, engagement_of(leader))
    client = acting(leader, request)
    rules = replace(archive.rules, requests=RequestRules(files=5, total_bytes=1000, files_per_minute=30))
    with replace(archive, rules=rules).activate():
        brings(client, line, "发票.txt", b"x" * 300)
        for _again in range(2):
            with pytest.raises(AlreadyBroughtError):
                brings(client, line, "发票.txt", b"x" * 300)
        with pytest.raises(RequestFullError):
            brings(client, line, "发票.txt", b"x" * 300)
