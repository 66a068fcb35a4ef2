"""The inbox over HTTP: who sees it, what is in it, what becomes of its files; all by plain forms."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from archive_app.documents.checking import find_orphans
from archive_app.documents.held import held_blobs
from archive_app.documents.ingest import Entry
from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement
from archive_app.intake.inbox import InboxFile, InboxPlace, hold_file
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.events import Event
from tests import files
from tests.conftest import both_databases
from tests.factories import People, engagement_of, file_bytes, sign_in_by_page

SYSTEM = Actor.system("test")
Browser = Callable[[], FlaskClient]


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


@pytest.fixture
def client(archive: Archive, browser: Browser, leader: Actor) -> FlaskClient:
    return signed_in(archive, browser, leader)


def signed_in(archive: Archive, browser: Browser, actor: Actor) -> FlaskClient:
    client = sign_in_by_page(archive, browser(), actor)
    client.post("/language", data={"csrf_token": token(client, "/inbox"), "language": "en"})
    return client


def token(client: FlaskClient, path: str = "/inbox") -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
    return found[1] if found else ""


def arrive(actor: Actor, *names: str, content: bytes | None = None, **place: Any) -> list[InboxFile]:
    organisation = place.pop("organisation_id", actor.organisation_id or "")
    return [
        hold_file(
            actor,
            stream=io.BytesIO(content or f"content of {name}".encode()),
            entry=Entry(name=name, source_path=f"/scans/{name}", source_system="scanner"),
            place=InboxPlace(organisation, **place),
        )
        for name in names
    ]


def post(client: FlaskClient, path: str, found: Sequence[InboxFile], **fields: str) -> str:
    data = {"csrf_token": token(client), "file": [inbox_file.id for inbox_file in found], **fields}
    return client.post(path, data=data, follow_redirects=True).text


@both_databases
def test_marked_files_become_documents_each_in_its_own_transaction(
    archive: Archive, client: FlaskClient, leader: Actor, engagement: Engagement
) -> None:
    found = arrive(leader, "a.txt", "b.txt", "c.txt")
    taken = arrive(leader, "d.txt")
    post(client, "/inbox/discard", taken, reason="wrong client")
    page = post(client, "/inbox/file", [*found[:2], *taken], engagement=engagement.id)
    assert "2 files were filed" in page
    assert "d.txt: This has changed in the meantime" in page
    assert "c.txt" in page
    with archive.reading(SYSTEM) as uow:
        filed = uow.session.execute(select(Version.name, Version.filed_by, Version.source_path)).all()
        assert sorted(filed) == [("a.txt", leader.name, "/scans/a.txt"), ("b.txt", leader.name, "/scans/b.txt")]
        assert [blob.name for blob in held_blobs(uow.session)] == ["c.txt"]
        codes = uow.session.scalars(select(Event.code)).all()
        assert (codes.count("document.filed"), codes.count("inbox.discarded")) == (2, 1)
    assert len(find_orphans(archive)) == 1, "what was discarded is set aside later, not destroyed"
    filed_page = client.get("/inbox?state=filed").text
    assert "a.txt" in filed_page
    assert engagement.number in filed_page
    assert "wrong client" in client.get("/inbox?state=discarded").text


def test_the_same_content_is_not_filed_twice_unless_asked_for(
    client: FlaskClient, leader: Actor, engagement: Engagement
) -> None:
    file_bytes(leader, engagement, "old.txt", b"same")
    found = arrive(leader, "new.txt", content=b"same")
    page = post(client, "/inbox/file", found, engagement=engagement.id)
    assert "has the same content already: new.txt" in page
    assert "1 files were filed" in post(client, "/inbox/file", found, engagement=engagement.id, duplicates="1")


def test_without_a_reason_or_a_file_nothing_happens(archive: Archive, client: FlaskClient, leader: Actor) -> None:
    found = arrive(leader, "a.txt")
    assert "must not be empty" in post(client, "/inbox/discard", found)
    assert "between 1 and 500" in post(client, "/inbox/discard", [], reason="x")
    with archive.reading(SYSTEM) as uow:
        assert [blob.name for blob in held_blobs(uow.session)] == ["a.txt"]


def test_who_sees_the_inbox(archive: Archive, people: People, browser: Browser, leader: Actor) -> None:
    [secret] = arrive(leader, "own.txt")
    other = people.person("archivist", organisation="别家核查")
    for actor, status in ((other, 404), (people.person("verifier"), 403), (people.person("archivist"), 200)):
        client = signed_in(archive, browser, actor)
        assert client.get(f"/inbox/files/{secret.id}").status_code == status
        assert client.get(f"/inbox/files/{secret.id}/text").status_code == status
        assert ("own.txt" in client.get("/inbox").text) is (status == 200)
    client = signed_in(archive, browser, other)
    assert "Nothing is here" in post(client, "/inbox/discard", [secret], reason="mine now")
    with pytest.raises(NotFoundError):
        arrive(other, "sneaked.txt", organisation_id=leader.organisation_id or "")


def test_a_file_of_an_engagement_shows_only_to_those_who_see_the_engagement(
    archive: Archive, people: People, browser: Browser, leader: Actor, engagement: Engagement
) -> None:
    arrive(leader, "private.txt", engagement_id=engagement.id)
    stranger = signed_in(archive, browser, people.person("team_leader"))
    assert "private.txt" not in stranger.get("/inbox").text


def test_only_engagements_that_one_may_add_to_are_offered(
    archive: Archive, people: People, client: FlaskClient, leader: Actor, engagement: Engagement
) -> None:
    hidden = engagement_of(people.person("team_leader"), title="别组的核查")
    found = arrive(leader, "a.txt")
    assert [line["id"] for line in client.get("/inbox/engagements?text=HC").get_json()] == [engagement.id]
    assert client.get(f"/inbox/engagements?text={hidden.number}").get_json() == []
    assert "Nothing is here" in post(client, "/inbox/file", found, engagement=hidden.id)
    with archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(InboxFile, found[0].id).state == "waiting"


def test_the_last_used_engagements_come_first_with_their_keys(
    archive: Archive, client: FlaskClient, leader: Actor, engagement: Engagement, clock: object
) -> None:
    second = engagement_of(leader)
    for number, target in enumerate((engagement, second)):
        clock.advance(minutes=1)  # type: ignore[attr-defined]
        post(client, "/inbox/file", arrive(leader, f"{number}.txt"), engagement=target.id)
    arrive(leader, "next.txt")
    last = re.findall(r'value="([^"]+)" data-last="(\d)"', client.get("/inbox").text)
    assert last == [(second.id, "1"), (engagement.id, "2")]


def test_previews_are_looks(archive: Archive, client: FlaskClient, leader: Actor) -> None:
    [text] = arrive(leader, "说明.txt", content="燃煤低位发热量".encode())
    [picture] = arrive(leader, "照片.png", content=files.image())
    [other] = arrive(leader, "数据.bin", content=bytes(range(256)))
    assert "燃煤低位发热量" in client.get(f"/inbox/files/{text.id}/text").text
    shown = client.get(f"/inbox/files/{picture.id}/picture.webp")
    assert (shown.status_code, shown.data[8:12]) == (200, b"WEBP")
    assert client.get(f"/inbox/files/{other.id}/text").status_code == 422
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalars(select(Event.code)).all().count("inbox.viewed") == 3


def test_the_list_is_paged_and_filtered_by_its_address(client: FlaskClient, leader: Actor) -> None:
    arrive(leader, *(f"n{number:03}.txt" for number in range(55)))
    first = client.get("/inbox").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    names = re.findall(r"data-open>(n\d+)\.txt", first + second)
    assert sorted(names) == [f"n{number:03}" for number in range(55)]
    assert re.findall(r"data-open>(n\d+)\.txt", client.get("/inbox?text=n007").text) == ["n007"]
    assert client.get("/inbox?text=n007&folder=none").text.count("data-open") == 0
    assert client.get("/inbox?state=nonsense").status_code == 200


def test_no_text_is_promised_of_a_kind_that_has_none(leader: Actor, client: FlaskClient) -> None:
    place = InboxPlace(leader.organisation_id or "")
    for name, content in (("读数.txt", "正文".encode()), ("raw.bin", bytes(range(3)) * 50)):
        hold_file(leader, stream=io.BytesIO(content), entry=Entry(name=name), place=place)
    page = client.get("/inbox").text
    assert sorted(bool(told) for told in re.findall(r'data-text="([^"]*)"', page)) == [False, True]
    addresses = re.findall(r'<a href="([^"]+)" data-open>([^<]+)', page)
    told = {name: "/text" in client.get(address).text for address, name in addresses}
    assert told == {"读数.txt": True, "raw.bin": False}
