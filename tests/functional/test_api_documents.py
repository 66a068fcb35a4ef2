"""The JSON interface of documents: filing whole and broken files, reading, parts of content, custody and proofs."""

import base64
import hashlib
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from archive_app.documents.models import Document, Version
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event
from archive_app.runtime import FEATURES, index_memory_directory
from archive_app.settings import Settings
from archive_app.worker import Worker, open_index
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes
from tests.functional.api_client import Program, fresh_key, token_of
from tests.functional.test_api_plumbing import told

CONTENT = "排放量 12.5 t，一号锅炉".encode()


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", name="顾言")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


@pytest.fixture
def program(app: Flask, leader: Actor) -> Program:
    return Program(app, token_of(leader, "read", "file"))


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def filed(program: Program, engagement: Engagement, content: bytes = CONTENT, name: str = "a.txt") -> dict[str, Any]:
    answer = program.send(f"/engagements/{engagement.id}/documents?name={name}", content)
    assert answer.status_code == 201, answer.json
    shown: dict[str, Any] = answer.json
    return shown


def count_documents(archive: Archive, actor: Actor) -> int:
    with archive.reading(actor) as uow:
        return uow.session.scalar(select(func.count(Document.id))) or 0


@both_databases
def test_a_file_is_filed_with_all_that_is_told_of_it(program: Program, engagement: Engagement) -> None:
    described = (
        "name=%E7%9B%91%E6%B5%8B.txt&title=%E7%9B%91%E6%B5%8B%E8%AE%A1%E5%88%92&number=JC-1&dated_on=2026-03-01&remark=x"
        "&originator=ERP&activity=y&source_system=SAP&source_path=/exports&modified_at=2026-03-02T01:00:00Z"
    )
    told_digest = {"Content-Digest": digest_of(CONTENT), "Content-Type": "text/plain"}
    answer = program.send(f"/engagements/{engagement.id}/documents?{described}", CONTENT, **told_digest)
    assert answer.status_code == 201, answer.json
    document = answer.json
    assert answer.headers["Location"] == f"/api/v1/documents/{document['id']}"
    facts = {name: document[name] for name in ("title", "number", "dated_on", "remark", "engagement_id")}
    assert facts == {
        "title": "监测计划",
        "number": "JC-1",
        "dated_on": "2026-03-01",
        "remark": "x",
        "engagement_id": engagement.id,
    }
    version = document["version"]
    assert version["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (version["name"], version["originator"], version["source_system"], version["modified_at"]) == (
        "监测.txt",
        "ERP",
        "SAP",
        "2026-03-02T01:00:00Z",
    )
    assert program.get(answer.headers["Location"]).json == document
    listed = program.get(f"/engagements/{engagement.id}/documents").json
    assert listed == {"items": [document], "next": None}


def test_a_new_version_leaves_the_old_one(program: Program, engagement: Engagement) -> None:
    document = filed(program, engagement)
    answer = program.send(f"/documents/{document['id']}/versions?name=b.txt", b"second")
    assert (answer.status_code, answer.json["version"]["number"]) == (201, 2)
    versions = program.get(f"/documents/{document['id']}/versions").json["items"]
    assert [(v["number"], v["current"], v["name"]) for v in versions] == [(2, True, "b.txt"), (1, False, "a.txt")]
    assert program.get(f"/documents/{document['id']}/versions/1").json == versions[1]
    assert program.get(f"/documents/{document['id']}/versions/1/content").data == CONTENT
    first = program.get(f"/documents/{document['id']}/versions?limit=1").json
    assert program.get(first["next"]).json["items"] == versions[1:]
    told(program.get(f"/documents/{document['id']}/versions/3"), 404, "not_found")


def test_a_duplicate_is_refused_by_name_or_kept_on_request(program: Program, engagement: Engagement) -> None:
    document = filed(program, engagement)
    key = fresh_key()
    address = f"/engagements/{engagement.id}/documents?name=copy.txt"
    problem = told(program.send(address, CONTENT, key=key), 409, "duplicate")
    assert problem["document_id"] == document["id"]
    assert program.send(address, CONTENT, key=key).headers["Idempotency-Replayed"] == "true"
    kept = program.send(f"{address}&duplicates=keep", CONTENT)
    assert (kept.status_code, kept.json["id"] != document["id"]) == (201, True)


@pytest.mark.parametrize(
    ("address", "content", "headers", "status", "code"),
    [
        ("documents?name=a.txt", b"", {}, 422, "empty_file"),
        ("documents?name=..", b"x", {}, 422, "name_missing"),
        (f"documents?name={'n' * 256}", b"x", {}, 422, "name_too_long"),
        ("documents", b"x", {}, 422, "invalid_input"),
        ("documents?name=a&dated_on=20260301", b"x", {}, 422, "invalid_input"),
        ("documents?name=a&dated_on=2026-02-30", b"x", {}, 422, "invalid_input"),
        ("documents?name=a&modified_at=2026-03-02T01:00:00", b"x", {}, 422, "invalid_input"),
        ("documents?name=a&duplicates=maybe", b"x", {}, 422, "invalid_input"),
        ("documents?name=a", b"x", {"Content-Digest": digest_of(b"y")}, 422, "digest_mismatch"),
        ("documents?name=a", b"x", {"Repr-Digest": "md5=:x:, " + digest_of(b"y")}, 422, "digest_mismatch"),
        ("documents?name=a", b"x", {"Content-Digest": "sha-256=:eA==:"}, 400, "http_400"),
        ("documents?name=a", b"x", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "http_415"),
        ("documents?name=a", b"x", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "http_415"),
    ],
)
def test_a_file_that_is_not_acceptable_leaves_nothing(
    archive: Archive,
    program: Program,
    engagement: Engagement,
    address: str,
    content: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    key = fresh_key()
    for _ in range(2):
        told(program.send(f"/engagements/{engagement.id}/{address}", content, key=key, **headers), status, code)
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalar(select(func.count(Version.id))) == 0


def test_a_file_above_the_limit_is_refused(
    archive: Archive, program: Program, engagement: Engagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(archive.rules), "upload_limit_bytes", property(lambda _: 10), raising=False)
    object.__setattr__(archive.rules, "__dict__", {**vars(archive.rules), "upload_limit_bytes": 10})
    told(program.send(f"/engagements/{engagement.id}/documents?name=a", b"x" * 11), 413, "too_large")


@pytest.mark.parametrize(
    ("asked", "status", "content", "part"),
    [
        ({}, 200, CONTENT, None),
        ({"Range": "bytes=3-8"}, 206, CONTENT[3:9], f"bytes 3-8/{len(CONTENT)}"),
        ({"Range": "bytes=-5"}, 206, CONTENT[-5:], f"bytes {len(CONTENT) - 5}-{len(CONTENT) - 1}/{len(CONTENT)}"),
        ({"Range": "bytes=3-8", "If-Range": '"other"'}, 200, CONTENT, None),
    ],
)
def test_parts_of_content_are_answered(
    program: Program, engagement: Engagement, asked: dict[str, str], status: int, content: bytes, part: str | None
) -> None:
    document = filed(program, engagement)
    answer = program.get(f"/documents/{document['id']}/versions/1/content", **asked)
    assert (answer.status_code, answer.data, answer.headers.get("Content-Range")) == (status, content, part)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{document["version"]["sha256"]}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_content_by_its_headers_only_and_beyond_its_end(program: Program, engagement: Engagement) -> None:
    document = filed(program, engagement)
    address = f"/documents/{document['id']}/versions/1/content"
    head = program.ask("HEAD", address)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(CONTENT))
    same = program.get(address, **{"Range": "bytes=0-1", "If-Range": head.headers["ETag"]})
    assert (same.status_code, same.data) == (206, CONTENT[:2])
    beyond = program.get(address, Range="bytes=1000-")
    told(beyond, 416, "http_416")
    assert beyond.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert program.get(address, **{"If-None-Match": head.headers["ETag"]}).status_code == 304


def test_a_download_is_a_look_and_a_description_is_none(
    archive: Archive, people: People, app: Flask, leader: Actor
) -> None:
    colleague = people.person("verifier")
    engagement = engagement_of(leader, team=[colleague])
    document = file_bytes(leader, engagement, "a.txt", CONTENT).document_id
    program = Program(app, token_of(colleague, "read"))

    def looks() -> list[str]:
        with archive.reading(leader) as uow:
            mine = select(Event.code).where(Event.actor == colleague.person_id, Event.via == "api")
            return list(uow.session.scalars(mine))

    program.get(f"/documents/{document}")
    program.get(f"/documents/{document}/versions")
    assert looks() == []
    program.get(f"/documents/{document}/versions/1/content")
    assert looks() == ["document.downloaded"]


@both_databases
def test_custody_comes_with_proofs_that_leave_out_words(
    app: Flask, program: Program, engagement: Engagement, leader: Actor, workbench: Workbench, people: People
) -> None:
    document = filed(program, engagement)
    address = f"/documents/{document['id']}/custody"
    [event] = program.get(address).json["items"]
    assert (event["code"], event["via"], event["position"], "address" in event["detail"]) == (
        "document.filed",
        "api",
        None,
        False,
    )
    told(program.get(f"{address}/{event['id']}/proof"), 409, "event_pending")
    workbench.run()
    proof = program.get(f"{address}/{event['id']}/proof").json
    assert proof["position"] == program.get(address).json["items"][0]["position"]
    assert (proof["detail"], proof["salt"]) == (None, None)
    assert event["id"] in proof["leaf"]
    stranger = Program(app, token_of(people.person("verifier"), "read"))
    told(stranger.get(f"{address}/{event['id']}/proof"), 404, "not_found")
    other = file_bytes(leader, engagement, "b.txt", b"other").document_id
    told(program.get(f"/documents/{other}/custody/{event['id']}/proof"), 404, "not_found")
    keeper = Program(app, token_of(people.person("archivist"), "log"))
    whole = keeper.get(f"/events/{event['id']}/proof").json
    assert (whole["root"], whole["detail"]["name"]) == (proof["root"], "a.txt")
    assert keeper.get(f"/events/{event['id']}").json["subjects"]["document"] == document["id"]
    assert [e["id"] for e in keeper.get("/events?action=document.filed&limit=1").json["items"]] != []
    assert keeper.get("/events?to_day=2020-01-01").json["items"] == []


def test_the_search_answers_as_the_page_does(
    app: Flask,
    archive: Archive,
    settings: Settings,
    leader: Actor,
    engagement: Engagement,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the reader of the web process: from the index that the worker writes."""
    for module in ("searching", "finding.api"):
        monkeypatch.setattr(f"archive_app.documents.{module}.PAGE_SIZE", 2)
    program = Program(app, token_of(leader, "read"))
    told(program.get("/search?q=x"), 503, "search_unavailable")
    memory = index_memory_directory(settings, archive.archive_id)
    with open_index(archive, settings, memory) as index:
        for number in range(3):
            file_bytes(leader, engagement, f"锅炉{number}.txt", f"一号锅炉 {number}".encode())
        file_bytes(leader, engagement, "别的.txt", "水泥".encode())
        Worker(archive, index, FEATURES).drain()
        address = f"/search?q=%E9%94%85%E7%82%89&engagement={engagement.id}&year=2025&year=2024&kind=txt&sort=newest"
        first = program.get(address).json
        assert (first["total"], len(first["items"])) == (3, 2)
        assert any(piece["marked"] for piece in first["items"][0]["excerpts"][0])
        assert first["facets"]["kind"] == [{"value": "txt", "label": "txt", "count": 3}]
        rest = program.get(first["next"]).json
        assert (len(rest["items"]), rest["next"]) == (1, None)
        assert program.get("/search?q=%E9%94%85%E7%82%89&kind=pdf").json["total"] == 0
        stranger = Program(app, token_of(people.person("team_leader"), "read"))
        assert stranger.get("/search?q=%E9%94%85%E7%82%89").json["total"] == 0
        told(program.get("/search?q=" + "%20".join(["x"] * 900)), 422, "query_too_long")
        told(program.get("/search?after=0"), 422, "invalid_input")
