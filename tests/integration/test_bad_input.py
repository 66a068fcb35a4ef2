"""Bad input, row by row: a clear message, the reason in the log, nothing half-filed and nothing lost."""

import errno
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text

import storage.posix
from archive_app.documents.checking import check_all, find_orphans
from archive_app.documents.ingest import Entry, Stream, add_document
from archive_app.documents.looking import open_content, view_document
from archive_app.documents.models import Document, Upload, Version
from archive_app.documents.searching import QueryTooLongError, SearchPage, search_documents
from archive_app.documents.uploads import Offer, Origin, announce, line_of, list_uploads, receive
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import Event, EventDetail
from archive_app.trail.verification import verify_log
from archive_app.web.gate import SESSION_COOKIE
from search import Filters
from tests import files
from tests.bench.installation import sign_in
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

LANGUAGES = ("zh_Hans_CN", "en")
LONGEST_NAME = "核查报告" * 20 + "📄" * 2 + "年.txt"


@dataclass(frozen=True)
class Desk:
    """A person at the desk of an engagement."""

    archive: Archive
    person: Actor
    engagement: Engagement

    def offer(self, path: str, stream: Stream, *, size: int | None = None) -> Upload:
        """Announces a file and sends it."""
        [upload] = announce(
            self.person, engagement_id=self.engagement.id, offers=[Offer(path, size or 0)], origin=Origin()
        )
        return receive(self.person, upload_id=upload.id, stream=stream, expected_bytes=size)

    def lines(self, language: str = "en") -> list[tuple[str, str]]:
        """State and reason of every file on the person's list."""
        listed = list_uploads(self.person, engagement_id=self.engagement.id, language=language)
        return [(line.state, line.reason) for line in listed]

    def refusals(self) -> list[str]:
        """The reasons of all refusals in the log."""
        statement = select(EventDetail.detail).join(Event, Event.id == EventDetail.event_id).order_by(Event.id)
        with self.archive.reading(self.person) as uow:
            details = uow.session.scalars(statement.where(Event.code == "upload.refused")).all()
        return [json.loads(detail)["reason"] for detail in details]

    def expect_nothing_filed(self) -> None:
        """No row, no blob, no temporary file."""
        with self.archive.reading(self.person) as uow:
            assert uow.session.scalar(select(func.count()).select_from(Document)) == 0
            assert uow.session.scalar(select(func.count()).select_from(Version)) == 0
        blobs = self.archive.data_directory / "blobs"
        assert [path for path in blobs.rglob("*") if path.is_file()] == []
        assert verify_log(self.archive) == []


@pytest.fixture
def desk(archive: Archive, people: People) -> Desk:
    """A team leader's own engagement."""
    leader = people.person("team_leader")
    return Desk(archive, leader, engagement_of(leader))


class Breaking:
    """A line that breaks: gives `content`, then raises `error`, or just ends."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        self._source, self._error = io.BytesIO(content), error

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        if not block and self._error is not None:
            raise self._error
        return block


CONTENT = b"evidence " * 100_000
REFUSED: list[tuple[str, str, Callable[[], Stream], int | None, str]] = [
    ("empty file", "空.txt", lambda: io.BytesIO(b""), 0, "empty_file"),
    ("hung up at 99 %", "断.bin", lambda: Breaking(CONTENT[:-9000]), len(CONTENT), "interrupted"),
    ("reset at 99 %", "断.bin", lambda: Breaking(CONTENT[:-9000], ConnectionResetError()), len(CONTENT), "interrupted"),
    ("time-out", "断.bin", lambda: Breaking(b"a", TimeoutError()), len(CONTENT), "interrupted"),
    ("more than was announced", "多.bin", lambda: io.BytesIO(CONTENT), 10, "interrupted"),
]
NAMES = [
    ("no name", "", "name_missing"),
    ("only spaces", "  ", "name_missing"),
    ("a folder", "报告/", "name_missing"),
    ("dots", "../..", "name_missing"),
    ("NUL", "报告\0.pdf", "name_invalid"),
    ("line break", "报告\n.pdf", "name_invalid"),
    ("half a surrogate", "报告\ud83d.pdf", "name_invalid"),
    ("300 bytes", "核" * 100, "name_too_long"),
    ("256 bytes", "a" * 256, "name_too_long"),
]


def expect_words_for_people(reasons: Callable[[str], str]) -> None:
    """The reason is there in both languages, and they differ."""
    chinese, english = (reasons(language) for language in LANGUAGES)
    assert chinese != english
    assert "%(" not in chinese + english
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), chinese


@both_databases
@pytest.mark.parametrize(
    ("path", "stream", "size", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_broken_transfer_is_refused_with_its_reason(
    desk: Desk, path: str, stream: Callable[[], Stream], size: int | None, code: str
) -> None:
    with pytest.raises(ArchiveError) as caught:
        desk.offer(path, stream(), size=size)
    assert caught.value.code == code
    assert [state for state, _ in desk.lines()] == ["refused"]
    expect_words_for_people(lambda language: desk.lines(language)[0][1])
    assert desk.refusals() == [code]
    desk.expect_nothing_filed()
    # The same line takes the file when it comes whole.
    whole = desk.offer(path, io.BytesIO(CONTENT), size=len(CONTENT))
    assert whole.state == "filed"


@both_databases
@pytest.mark.parametrize(("path", "code"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_a_bad_name_is_refused_and_its_neighbours_are_not(desk: Desk, path: str, code: str) -> None:
    offers = [Offer("好.txt", 3), Offer(path, 3), Offer("也好.txt", 3)]
    lines = announce(desk.person, engagement_id=desk.engagement.id, offers=offers, origin=Origin())
    assert [line.state for line in lines] == ["waiting", "refused", "waiting"]
    expect_words_for_people(lambda language: line_of(lines[1], language).reason)
    assert desk.refusals() == [code]
    with pytest.raises(ArchiveError) as caught:
        receive(desk.person, upload_id=lines[1].id, stream=io.BytesIO(b"abc"), expected_bytes=3)
    assert caught.value.code == code
    desk.expect_nothing_filed()
    for line in (lines[0], lines[2]):
        receive(desk.person, upload_id=line.id, stream=io.BytesIO(line.id.encode()), expected_bytes=36)
    assert [state for state, _ in desk.lines()] == ["filed", "refused", "filed"]


@both_databases
@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow", "shadow"),
        (r"..\..\windows\system.ini", "system.ini"),
        ("C:\\报告\\一.pdf", "一.pdf"),
        ("夹\0带/报告.txt", "报告.txt"),
        ("CON", "CON"),
        (" leading.txt", " leading.txt"),
        ("-rf", "-rf"),
        ("'; DROP TABLE document; --", "'; DROP TABLE document; --"),
        (LONGEST_NAME, LONGEST_NAME),
    ],
)
def test_a_name_is_kept_and_never_a_path(desk: Desk, offered: str, kept: str) -> None:
    assert len(LONGEST_NAME.encode()) == 255
    before = {path for path in desk.archive.data_directory.parent.rglob("*") if "blobs" not in path.parts}
    upload = desk.offer(offered, io.BytesIO(b"content"), size=7)
    assert upload.filed_document_id
    with open_content(desk.person, document_id=upload.filed_document_id).stream as stream:
        assert stream.read() == b"content"
    assert view_document(desk.person, document_id=upload.filed_document_id).version.name == kept
    after = {path for path in desk.archive.data_directory.parent.rglob("*") if "blobs" not in path.parts}
    assert {path.name for path in after - before} <= {"archive.db-wal", "archive.db-shm"}


@both_databases
def test_a_full_disk_is_said_and_nothing_is_half_filed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: memoryview) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(storage.posix, "write_all", full)
        with pytest.raises(ArchiveError) as caught:
            desk.offer("大.bin", io.BytesIO(CONTENT), size=len(CONTENT))
    assert caught.value.code == "storage_full"
    expect_words_for_people(lambda language: desk.lines(language)[0][1])
    assert desk.refusals() == ["storage_full"]
    desk.expect_nothing_filed()
    assert desk.offer("大.bin", io.BytesIO(CONTENT), size=len(CONTENT)).state == "filed"


def test_a_database_without_room_is_said_and_nothing_is_half_filed(desk: Desk) -> None:
    def fill() -> None:
        for number in range(200):
            file_bytes(desk.person, desk.engagement, f"{number}.txt", b"%d" % number, activity="x" * 150)

    with no_room(desk.archive), pytest.raises(ArchiveError) as caught:
        fill()
    assert caught.value.code == "storage_full"
    expect_words_for_people(caught.value.text)
    filed = file_bytes(desk.person, desk.engagement, "后来.txt", "还有空间".encode())
    assert filed.document_id
    assert [check.faults for check in check_all(desk.archive) if check.faults] == []
    assert len(find_orphans(desk.archive)) == 1
    assert verify_log(desk.archive) == []


@contextmanager
def no_room(archive: Archive) -> Iterator[None]:
    """SQLite's own limit stands in for the disk: the same error, at the same places."""
    archive.engine.dispose()
    with archive.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))

    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 20}")

    archive.engine.dispose()
    event.listen(archive.engine, "connect", limit)
    yield
    event.remove(archive.engine, "connect", limit)
    archive.engine.dispose()


@both_databases
def test_two_people_with_the_same_bytes_at_once(archive: Archive, people: People) -> None:
    leader, colleague = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader, team=[colleague])
    meet = threading.Barrier(2)
    outcomes: list[tuple[str | None, str | None]] = []

    class Together(Breaking):
        """Both have sent everything before either may end."""

        def read(self, size: int = -1, /) -> bytes:
            block = super().read(size)
            if not block:
                meet.wait(30)
            return block

    def send(actor: Actor) -> None:
        with archive.activate():
            filed = add_document(
                actor, engagement_id=engagement.id, stream=Together(CONTENT), entry=Entry(name=f"{actor.name}.bin")
            )
            outcomes.append((filed.document_id, filed.duplicate_of))

    threads = [threading.Thread(target=send, args=(actor,)) for actor in (leader, colleague)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [(filed, _)] = [outcome for outcome in outcomes if outcome[0]]
    [(_, twin)] = [outcome for outcome in outcomes if not outcome[0]]
    assert filed == twin
    with archive.reading(leader) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Version)) == 1


def test_one_line_sent_twice_at_once_says_that_it_was_filed(desk: Desk) -> None:
    """The browser tries again while the first attempt still runs: the second must not write "refused" over it."""
    [line] = announce(desk.person, engagement_id=desk.engagement.id, offers=[Offer("一.txt", 3)], origin=Origin())

    class Overtaken(Breaking):
        def read(self, size: int = -1, /) -> bytes:
            block = super().read(size)
            if not block:
                receive(desk.person, upload_id=line.id, stream=io.BytesIO(b"abc"), expected_bytes=3)
            return block

    with pytest.raises(ArchiveError) as caught:
        receive(desk.person, upload_id=line.id, stream=Overtaken(b"xyz"), expected_bytes=3)
    assert caught.value.code == "conflict"
    assert desk.lines() == [("filed", "")]


HOSTILE: list[tuple[str, Callable[[], bytes], str, set[str]]] = [
    ("炸弹.docx", lambda: files.docx_zip_bomb(1500), "docx", {"unread"}),
    ("坏.pdf", files.pdf_with_broken_xref, "pdf", {"read", "unread"}),
    ("坏.pdf", lambda: files.pdf_with_broken_xref(trailer=False), "pdf", {"read", "unread"}),
    ("断.docx", lambda: files.truncated(files.docx()), "docx", {"unread"}),
    ("脚本.svg", lambda: files.svg(script=True), "svg", {"read", "unread"}),
    ("脚本.html", files.hostile_html, "html", {"read"}),
    ("实体.xml", files.entity_bomb, "xml", {"read", "unread"}),
    ("图.png", lambda: files.png_of_claimed_size(60_000, 60_000), "png", {"unread"}),
    ("其实是网页.pdf", files.hostile_html, "html", {"read"}),
    ("其实是文档.txt", files.docx, "docx", {"read"}),
    ("其实是图.docx", files.image, "png", {"unread"}),
    ("杂.bin", files.noise, "unknown", {"unread"}),
]


def test_hostile_and_lying_files_are_kept_named_and_harmless(desk: Desk, workbench: Workbench, app: Flask) -> None:
    filed = {}
    for number, (name, make, kind, readings) in enumerate(HOSTILE):
        # Only containers that ignore what follows them may be made unlike their twins.
        content = make()
        document_id = desk.offer(f"{number}/{name}", io.BytesIO(content), size=len(content)).filed_document_id
        if document_id and document_id not in filed:
            filed[document_id] = (name, content, kind, readings)
    workbench.run()
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, sign_in(desk.archive, desk.person.person_id))
    for document_id, (name, content, kind, readings) in filed.items():
        page = view_document(desk.person, document_id=document_id)
        assert (page.version.kind, page.version.name) == (kind, name)
        assert page.version.reading in readings, (name, page.version.reading, page.version.reading_note)
        shown = client.get(f"/documents/{document_id}", headers={"Accept": "text/html"})
        assert shown.status_code == 200
        assert b"<script>var stolen" not in shown.data
        assert b"onerror=alert" not in shown.data
        sent = client.get(f"/documents/{document_id}/versions/1/content")
        assert (sent.data, sent.mimetype) == (content, "application/octet-stream")
        assert sent.headers["Content-Disposition"].startswith("attachment;")
        assert sent.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'" in sent.headers["Content-Security-Policy"]
    with desk.archive.reading(desk.person) as uow:
        assert uow.session.scalars(text("SELECT kind FROM job WHERE state = 'dead' OR error IS NOT NULL")).all() == []
    found = search_documents(desk.person, text="炸弹", filters=Filters())
    assert [hit.version.name for hit in found.found] == ["炸弹.docx"]


TEXTS = {
    "GB18030": ("国标.txt", "这是国家标准编码的一段话，含生僻字𠮷和排放量".encode("gb18030"), "国家标准编码的一段话"),
    "UTF-16": ("双字节.txt", "双字节编码保存的核查记录".encode("utf-16"), "双字节编码保存"),
    "UTF-16 big-endian": ("大端.txt", b"\xfe\xff" + "大端字节序的记录".encode("utf-16-be"), "大端字节序"),
    "UTF-8 with mark": ("标记.csv", "项目,数量\n带标记的表格,1".encode("utf-8-sig"), "带标记的表格"),
}


def test_texts_in_any_encoding_are_found_by_a_phrase(desk: Desk, workbench: Workbench) -> None:
    for name, content, _ in TEXTS.values():
        file_bytes(desk.person, desk.engagement, name, content)
    workbench.run()
    for case, (name, _, phrase) in TEXTS.items():
        found = search_documents(desk.person, text=f'"{phrase}"', filters=Filters())
        assert [hit.version.name for hit in found.found] == [name], case


QUERIES = {
    "one character": ("东", {"东京.txt", "秘密.txt"}),
    "one letter": ("q", set()),
    "parentheses and operators": ("(东京 AND NOT secret)", {"东京.txt"}),
    "a standard with a slash": ("GB/T 32150", {"标准.txt"}),
    "the same in full width": ("ＧＢ／Ｔ ３２１５０", {"标准.txt"}),
    "an unbalanced quotation mark": ('"东京', {"东京.txt", "秘密.txt"}),
    "a lone quotation mark": ('"', None),
    "unbalanced parentheses": ("((东京)", {"东京.txt", "秘密.txt"}),
    "nothing but operators": ("AND OR NOT ()", None),
    "empty": ("", {"东京.txt", "秘密.txt", "标准.txt"}),
    "NUL": ("东\0京", None),
    "half a surrogate": ("东京\ud83d", None),
    "a wildcard is a character": ("东*", None),
    "a field is no field": ("title:东京", None),
    "brackets and carets": ("[东京 TO *]^2~", None),
    "backslashes": ("\\\\\\", None),
    "deep parentheses": ("(" * 900 + "东京" + ")" * 900, None),
    "markup": ("<script>alert(1)</script>", None),
}


def test_strange_queries_are_answered(desk: Desk, workbench: Workbench, app: Flask) -> None:
    for name, content in (
        ("东京.txt", "东京的核查结论"),
        ("秘密.txt", "东京 secret 的附件"),
        ("标准.txt", "依据 GB/T 32150-2015 通则"),
    ):
        file_bytes(desk.person, desk.engagement, name, content.encode())
    workbench.run()
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, sign_in(desk.archive, desk.person.person_id))
    for case, (query, expected) in QUERIES.items():
        page = ask(desk.person, query)
        if expected is not None:
            assert page is not None, case
            assert {hit.version.name for hit in page.found} == expected, case
            assert page.total == len(expected), case
        if "\ud83d" not in query:
            answer = client.get("/search", query_string={"q": query}, headers={"Accept": "text/html"})
            assert answer.status_code == (400 if "\0" in query else 200), case
            assert b"<script>alert" not in answer.data, case


def ask(person: Actor, query: str) -> SearchPage | None:
    """The answer, or None where the query is refused in words."""
    try:
        return search_documents(person, text=query, filters=Filters())
    except QueryTooLongError:
        return None


def test_a_query_of_ten_thousand_words_is_refused_in_words(desk: Desk, workbench: Workbench, app: Flask) -> None:
    query = " ".join(f"词{number}" for number in range(10_000))
    with pytest.raises(ArchiveError) as caught:
        search_documents(desk.person, text=query, filters=Filters())
    assert caught.value.code == "query_too_long"
    expect_words_for_people(caught.value.text)
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, sign_in(desk.archive, desk.person.person_id))
    answer = client.get("/search", query_string={"q": query}, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert caught.value.text("zh_Hans_CN") in answer.text


def test_a_client_that_hangs_up_leaves_its_reason(desk: Desk, app: Flask) -> None:
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, sign_in(desk.archive, desk.person.person_id))
    page = client.get(f"/engagements/{desk.engagement.id}", headers={"Accept": "text/html"}).text
    token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    [line] = announce(
        desk.person, engagement_id=desk.engagement.id, offers=[Offer("断.bin", len(CONTENT))], origin=Origin()
    )
    answer = client.put(
        f"/uploads/{line.id}/content",
        input_stream=io.BytesIO(CONTENT[:-9000]),
        environ_overrides={"CONTENT_LENGTH": str(len(CONTENT))},
        headers={"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "interrupted"
    assert [state for state, _ in desk.lines()] == ["refused"]
    assert desk.refusals() == ["interrupted"]
    desk.expect_nothing_filed()
