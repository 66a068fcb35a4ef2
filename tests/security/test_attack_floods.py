"""More of everything than anybody needs: bombs, fields, filters, tries to sign in."""

import gzip
import io
import zlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from archive_app.documents.looking import view_document
from archive_app.engagements.models import Engagement
from archive_app.identity.delays import TooManyTriesError
from archive_app.identity.models import Person, SignInDelay
from archive_app.identity.own_account import change_password
from archive_app.identity.signing_in import SignInRefusedError, sign_in
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import AnonymousDenials
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import Event
from tests import bombs, files
from tests.conftest import SetClock, Workbench
from tests.engines import FULL
from tests.factories import PASSWORD, People
from tests.security.attacked import World, post, request_token

TRIES = 10_000 if FULL else 400
MIB = 2**20


# --- what comes packed ------------------------------------------------------------------------------------------------


def test_no_body_is_unpacked_because_it_says_that_it_is_packed(world: World) -> None:
    """Nothing of ours inflates a request, so 10 MB that would become 10 GB stay 10 MB, or rather are refused."""
    client = world.browser(world.victim)
    token = request_token(client)
    packed = gzip.compress(f"csrf_token={token}&language=en".encode())
    for coding, body in (("gzip", packed), ("deflate", zlib.compress(b"language=en")), ("br", b"x")):
        headers = {"Content-Encoding": coding, "X-CSRF-Token": ""}
        sent = client.post("/account/language", data=body, headers=headers, content_type=FORM)
        assert sent.status_code == 400
    bomb = gzip.compress(bytes(1_000 * MIB // 100))
    answer = client.post("/sign-in", data=bomb, headers={"Content-Encoding": "gzip"}, content_type=FORM)
    assert answer.status_code == 400


FORM = "application/x-www-form-urlencoded"
BOMBS: dict[str, Callable[[], bytes]] = {
    "overlapping.zip": bombs.overlapping_zip,
    "entities.svg": lambda: files.svg().replace(b"<svg", bombs.DOCTYPE + b"<svg", 1),
    "claims.png": lambda: files.png_of_claimed_size(2**31 - 1, 2**31 - 1),
    "loops.pdf": bombs.pdf_of_loops,
}


def test_bombs_are_kept_shown_and_harmless(world: World) -> None:
    """The whole way through a browser's form: filed as they are, their reading refused or cut, the page shown. The
    reader itself is attacked by `test_hostile_corpus.py`."""
    client = world.browser(world.victim)
    token = request_token(client)
    made = {name: make() for name, make in BOMBS.items()}
    sent = [(io.BytesIO(content), name) for name, content in made.items()]
    path = f"/engagements/{world.engagement.id}/files"
    answer = client.post(path, data={"csrf_token": token, "file": sent})
    assert answer.status_code == 303, answer.text
    world.work()
    page = client.get(f"/engagements/{world.engagement.id}").text
    for name, bomb in made.items():
        assert name in page
        document = page.rpartition(name)[0].rpartition('href="/documents/')[2][:36]
        content = client.get(f"/documents/{document}/versions/1/content")
        assert content.data == bomb
        assert content.headers["Content-Disposition"].startswith("attachment")
        assert client.get(f"/documents/{document}").status_code == 200
        assert view_document(world.victim, document_id=document).version.reading != "waiting"


def test_a_form_without_scripts_takes_files_of_any_size(world: World) -> None:
    """What keeps bombs out must not keep files out: each is larger than the block before it."""
    client = world.browser(world.victim)
    token = request_token(client)
    for size in (60_000, 300_000, 3 * MIB):
        head = f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--x\r\n'
        head += f'Content-Disposition: form-data; name="file"; filename="{size}.bin"\r\n\r\n'
        body = head.encode() + bytes([size % 251]) * size + b"\r\n--x--\r\n"
        path = f"/engagements/{world.engagement.id}/files"
        assert client.post(path, data=body, content_type="multipart/form-data; boundary=x").status_code == 303
        assert f"{size}.bin" in client.get(f"/engagements/{world.engagement.id}").text


# --- too many, too long -----------------------------------------------------------------------------------------------


def multipart(fields: int, boundary: str = "x", value: str = "") -> bytes:
    one = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n'.encode()
    return one * fields + f"--{boundary}--\r\n".encode()


@pytest.mark.parametrize("address", ["/sign-in", "/account/profile", "/inbox/file", "/search/saved"])
def test_a_form_of_ten_thousand_fields_is_refused(world: World, address: str) -> None:
    client = world.browser(world.victim)
    for body, media_type in (
        (multipart(10_000), "multipart/form-data; boundary=x"),
        (b"a=1&" * 600_000, FORM),
        (b"language=" + b"x" * (2 * MIB), FORM),
        (multipart(1)[:-4] + b"y" * 100, "multipart/form-data; boundary=x"),
        (b"--x\r\n" + b"H: v\r\n" * 100_000, "multipart/form-data; boundary=x"),
        (multipart(1), "multipart/form-data; boundary=" + "z" * 10_000),
    ):
        answer = client.post(address, data=body, content_type=media_type)
        assert answer.status_code in {400, 413}, (media_type[:40], answer.status_code)


@pytest.mark.parametrize("address", ["files", "uploads"])
def test_a_streamed_form_of_ten_thousand_fields_is_refused(world: World, address: str) -> None:
    client = world.browser(world.victim)
    before = world.rows()["upload"]
    # The last but one is a single field that would be held in memory as a whole.
    for body in (
        multipart(10_000),
        multipart(100),
        multipart(1, value="v" * 8 * MIB),
        b"--x\r\n" + b"H: v\r\n" * 100_000,
    ):
        path = f"/engagements/{world.engagement.id}/{address}"
        answer = client.post(path, data=body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code in {400, 413}, answer.status_code
    assert world.rows()["upload"] == before


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"engagement=019aa2b4-11c0-7d04-8f7e-{n:012x}" for n in range(10_000)),
        "&".join(f"kind=x{n}" for n in range(10_000)),
        "&".join(f"year={n % 10_000:04}" for n in range(10_000)),
        "&".join(["q=a"] * 10_000),
        "q=" + "a" * 500_000,
        "q=" + "%28" * 3_000,
        "q=" + "a+OR+" * 700 + "a",
        "q=" + "%22" * 3_999,
        "q=" + "-" * 3_999,
        "q=" + "*" * 3_999,
        "offset=" + "9" * 10_000,
        "from=9999999-99-99&to=0000-00-00",
        "q=%ff%fe%00",
    ],
    ids=range(13),
)
def test_an_address_of_ten_thousand_filters_is_answered(world: World, query: str) -> None:
    client = world.browser(world.victim)
    for path in ("/search", "/search/suggestions", "/engagements", "/log"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code in {200, 400, 404, 413, 414, 422}, (path, answer.status_code)


# --- signing in -------------------------------------------------------------------------------------------------------


def logins(archive: Archive, *people: Actor) -> list[str]:
    with archive.reading(Actor.system("test")) as uow:
        return [uow.session.get_one(Person, person.person_id).login for person in people]


def events(archive: Archive) -> int:
    with archive.reading(Actor.system("test")) as uow:
        return uow.session.scalar(select(func.count()).select_from(Event)) or 0


def attempt(address: str, login: str, password: str = "wrong wrong wrong") -> str:
    """The code of the refusal, empty when it opened."""
    try:
        sign_in(Actor.anonymous(address=address), login=login, password=password)
    except ArchiveError as error:
        return error.code
    return ""


def test_ten_thousand_tries_lock_nobody_else_out_and_do_not_grow_the_log(
    archive: Archive, people: People, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = people.person("verifier"), people.person("verifier")
    login, other_login = logins(archive, person, other)
    # Ten thousand real checks would take an hour; how dear one is, is held by test_identity_signing_in.py.
    checked: list[str | None] = []
    real = __import__("archive_app.identity.signing_in", fromlist=["verify_password"]).verify_password

    def counted(kept: str | None, given: str) -> bool:
        checked.append(kept)
        return bool(real(kept, given)) if given == PASSWORD else False

    monkeypatch.setattr("archive_app.identity.signing_in.verify_password", counted)
    before = events(archive)
    for number in range(TRIES):
        attempt("198.51.100.7", login)
        if number % (TRIES // 100) == 0:
            clock.advance(seconds=1)
    # Only what the delays let through was checked at all, and only that stands in the log.
    assert len(checked) < 20
    assert events(archive) - before <= len(checked)
    with archive.reading(Actor.system("test")) as uow:
        refused = uow.session.scalar(select(func.sum(AnonymousDenials.count)))
        assert (refused or 0) >= TRIES - len(checked)
        assert uow.session.scalar(select(func.count()).select_from(SignInDelay)) == 1
    # From the same source to another account, and from another source to the same one: at once.
    assert attempt("198.51.100.7", other_login, PASSWORD) == ""
    assert attempt("203.0.113.5", login, PASSWORD) == ""
    # The right password does not shorten the wait of whoever guessed.
    assert attempt("198.51.100.7", login, PASSWORD) == TooManyTriesError.code
    clock.advance(hours=1)
    assert attempt("198.51.100.7", login, PASSWORD) == ""


def test_tries_with_names_that_nobody_has_leave_counts_and_no_names(
    archive: Archive, people: People, clock: SetClock
) -> None:
    people.person("verifier")
    before = events(archive)
    for number in range(5):
        assert attempt("198.51.100.7", f"nobody{number}") == SignInRefusedError.code
    assert events(archive) == before
    clock.advance(days=2)
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalar(select(func.sum(AnonymousDenials.count))) == 5


def test_a_few_dozen_over_http_from_many_forged_sources_stay_one_source(world: World) -> None:
    """A header cannot give somebody who guesses another address as long as no proxy was announced."""
    person = world.people.person("verifier")
    [login] = logins(world.archive, person)
    client, seen = world.app.test_client(), []
    for number in range(24):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        answer = post(client, "/sign-in", {"login": login, "password": f"wrong {number}"}, headers=headers)
        seen.append(answer.status_code)
    assert set(seen) <= {422, 429}
    assert seen[-1] == 422 or 429 in seen
    refused = client.get("/sign-in").text
    assert login not in refused
    right = post(client, "/sign-in", {"login": login, "password": PASSWORD})
    assert right.status_code in {422, 429}, "the wait holds for the right password too"


def test_links_that_were_never_made_look_like_those_that_were_used(world: World) -> None:
    answers = []
    client: FlaskClient = world.app.test_client()
    for token in ("A" * 43, "x", "%00", "../../etc/passwd", "a" * 5_000):
        page = client.get(f"/link/{token}")
        answers.append((page.status_code, page.text.partition("<main")[2]))
    assert {status for status, _ in answers[:2]} == {422}
    assert answers[0] == answers[1]
    assert all(status in {404, 422} for status, _ in answers)


def test_guessing_the_present_password_waits_too(archive: Archive, people: People, workbench: Workbench) -> None:
    person = people.person("verifier")
    codes = []
    for _ in range(6):
        try:
            change_password(person, old="wrong wrong wrong", new="a wholly new 密码 phrase")
        except ArchiveError as error:
            codes.append(error.code)
    assert codes[-1] == TooManyTriesError.code
    workbench.run()


def test_the_engagement_of_the_world_is_still_whole(world: World) -> None:
    """The last: whatever was thrown at it, it is there, and its log is in order."""
    client = world.browser(world.victim)
    assert client.get(f"/engagements/{world.engagement.id}").status_code == 200
    world.work()
    with world.archive.reading(Actor.system("test")) as uow:
        assert uow.session.get(Engagement, world.engagement.id) is not None
