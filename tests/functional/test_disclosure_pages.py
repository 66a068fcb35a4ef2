"""Pages of what is made public: the own ones, and the public one as everybody reads it, signed in or not."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.proposing import take_back
from tests.conftest import SignedIn
from tests.factories import People
from tests.integration.management.disclosures import (
    CODE,
    CONTENT,
    WHY,
    Publishers,
    filed,
    opened,
    published,
    publishers,
)

HOSTILE = 'x"\r\n; <script>年.txt'


@pytest.fixture
def cast(people: People) -> Publishers:
    return publishers(people)


def send(client: FlaskClient, address: str, *, page: str, **form: str) -> str:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert token is not None
    answer = client.post(address, data={**form, "csrf_token": token[1]}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_from_a_document_to_the_public_by_pages(cast: Publishers, english: SignedIn) -> None:
    document_id = filed(cast)
    archivist, decider = english(cast.archivist), english(cast.decider)
    page = archivist.get(f"/documents/{document_id}").text
    address = f"/documents/{document_id}/disclosure"
    assert f'href="{address}"' in page
    form = archivist.get(address).text
    assert "Somebody else decides" in form
    refused = archivist.post(address, data={"reason": "x"})
    assert refused.status_code == 400, "without its token no form is believed"
    told = send(archivist, address, page=address, reason=WHY.reason, source=WHY.source)
    assert "You proposed this" in told
    [disclosure_id] = set(re.findall(r"/disclosure/([0-9a-f-]{36})/end", told))
    assert "already, or is public" in archivist.get(address).text
    where = f"/disclosure/{disclosure_id}"
    assert archivist.get(f"{where}/decision").status_code == 403

    assert f'href="{where}/decision"' in decider.get(where).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', decider.get(where).text)
    assert token is not None
    silent = decider.post(f"{where}/decision", data={"decision": "refuse", "csrf_token": token[1]})
    assert silent.status_code == 422, "who refuses says why"
    assert "public from now on" in send(decider, f"{where}/decision", page=where, decision="publish", words="同意")
    assert "closed" in decider.get("/disclosure").text
    told = send(decider, "/disclosure/page", page="/disclosure/page", code=CODE, introduction="核查机构", shown="y")
    assert f"/public/{CODE}" in told
    assert "排放信息.txt" in decider.get(f"/public/{CODE}").text
    told = send(archivist, f"{where}/end", page=where, reason="数字有误")
    assert "数字有误" in told
    assert "Propose for publication" in archivist.get(f"/documents/{document_id}").text


def test_everybody_reads_what_is_public_and_nothing_else(
    app: Flask, archive: Archive, cast: Publishers, english: SignedIn
) -> None:
    opened(cast)
    row, secret = published(cast, filed(cast, HOSTILE.replace("\r\n", ""))), filed(cast, "不公开.txt")
    clients = app.test_client(), english(cast.leader)
    before = events_of(archive)
    for client in clients:
        answer = client.get(f"/public/{CODE}", headers={"Accept": "text/html"})
        text = answer.text
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "<script" not in text
        assert "绿源核查" in text
        assert "核查机构\n&lt;b&gt;介绍" in text
        assert "&lt;script&gt;" in text
        for hidden in (secret, "不公开", cast.engagement.id, cast.engagement.title, row.document_id, row.version_id):
            assert hidden not in text
        for name in (cast.archivist.display_name, cast.decider.display_name, WHY.reason, archive.origin):
            assert name not in text
    zh, en = (app.test_client().get(f"/public/{CODE}?language={tag}").text for tag in ("zh", "en"))
    assert ('lang="zh-CN"' in zh[:200], 'lang="en"' in en[:200]) == (True, True)
    assert "Documents made public" in en
    assert app.test_client().get(f"/public/{CODE}?language=xx&after=x").status_code in {200, 422}

    where = f"/public/{CODE}/{row.id}"
    whole = app.test_client().get(where, buffered=True)
    expected = CONTENT + HOSTILE.replace("\r\n", "").encode()
    assert (whole.status_code, whole.data) == (200, expected)
    assert whole.headers["Cache-Control"] == "no-store"
    assert whole.headers["Content-Type"].startswith("application/octet-stream")
    named = whole.headers["Content-Disposition"]
    assert named.startswith("attachment; filename*=UTF-8''")
    assert not set('"<>\r\n') & set(named)
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in whole.headers
    asked = app.test_client().head(where, buffered=True)
    assert (asked.status_code, asked.data, asked.content_length) == (200, b"", len(expected))
    part = app.test_client().get(where, buffered=True, headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.data) == (206, expected[3:10])
    assert app.test_client().get(where, buffered=True, headers={"Range": "bytes=999999-"}).status_code == 416
    same = app.test_client().get(where, buffered=True, headers={"If-None-Match": whole.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    for method in ("POST", "PUT", "DELETE"):
        assert app.test_client().open(where, method=method).status_code in {400, 405}
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalars(select(Disclosure.downloads)).one() == 1, "parts and questions are no downloads"
    assert events_of(archive) == before, "who reads what is public is not written down"


def events_of(archive: Archive) -> int:
    with archive.reading(Actor.system("test")) as uow:
        return len(uow.session.scalars(select(Event.id)).all())


def test_nothing_tells_what_is_closed_from_what_never_was(
    app: Flask, cast: Publishers, people: People, english: SignedIn
) -> None:
    people.organisation("清源核查")
    others = publishers(people, "清源核查")
    opened(cast)
    opened(others, "qingyuan", shown=False)
    closed = published(others, filed(others))
    ended = published(cast, filed(cast))
    take_back(cast.archivist, disclosure_id=ended.id, reason="停止公开")
    nobody = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c99"
    addresses = [
        "/public/qingyuan",
        "/public/unknown",
        "/public/Luyuan",
        f"/public/qingyuan/{closed.id}",
        f"/public/{CODE}/{closed.id}",
        f"/public/{CODE}/{ended.id}",
        f"/public/{CODE}/{nobody}",
        f"/public/unknown/{nobody}",
        f"/public/{CODE}/x",
        "/public/%00",
        f"/public/{'a' * 300}",
    ]
    for make in (app.test_client, lambda: english(others.archivist)):
        texts = {same(make, address) for address in addresses}
        assert len(texts) == 1
    for address in ("/public/", "/public"):
        assert app.test_client().get(address).status_code == 404
    assert "Nothing is public at present" in app.test_client().get(f"/public/{CODE}?language=en").text


def same(make: Callable[[], FlaskClient], address: str) -> str:
    """The answer without what differs by itself: the request's token and the address that was asked for."""
    answer = make().get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    text = re.sub(r'(name="csrf-token" content|name="csrf_token" value)="[^"]*"', r"\1", answer.text)
    return re.sub(r'name="next" value="[^"]*"', "", text)
