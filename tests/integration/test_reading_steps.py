"""A document is read in steps: its own text, the files inside of it, its pages without text; each can be cut off."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from archive_app.documents import parts as parts_module
from archive_app.documents import reading, recognising
from archive_app.documents.looking import view_document
from archive_app.documents.models import Derivative, Part, Version
from archive_app.documents.parts import open_part
from archive_app.documents.places import Places, places_of
from archive_app.documents.reading import notes_of, read_again, read_text
from archive_app.documents.text_view import Spot
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.outbox import Job
from archive_app.trail.reading import EventFilters, list_events
from search.reading import Passage, ReadingError, RecognisedPage
from tests import files
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

ENGINE = "tesseract/5.0.0"
Recognise = Callable[..., RecognisedPage]


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader", "archivist")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


class Recogniser:
    """Recognition that reads the page's number from the page's brightness: quick, and as exact as a test needs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, engine: str | None = ENGINE) -> None:
        self.seen: list[tuple[str, int]] = []
        self.broken: set[int] = set()
        monkeypatch.setattr(reading, "recognition_engine", lambda: engine)
        monkeypatch.setattr(recognising, "recognise_page", self)

    def __call__(self, content: Any, kind_code: str, page_index: int, *, limits: Any) -> RecognisedPage:
        assert content.read(4)
        assert limits.input_bytes
        self.seen.append((kind_code, page_index))
        if page_index in self.broken:
            raise ReadingError("timeout", "too slow")
        text = f"扫描页第{page_index + 1}行甲\n第二行乙"
        first, second = Passage(0, f"page:{page_index + 1}", 90, (0.1, 0.1, 0.5, 0.02)), len("扫描页第1行甲") + 1
        place = Passage(second, f"page:{page_index + 1}", 70, (0.1, 0.2, 0.5, 0.02))
        return RecognisedPage(text, (first, place), 80, ENGINE)


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> Recogniser:
    return Recogniser(monkeypatch)


class Kept(NamedTuple):
    document_id: str
    version_id: str


def keep(actor: Actor, engagement: Engagement, name: str, content: bytes) -> Kept:
    filed = file_bytes(actor, engagement, name, content)
    assert filed.document_id
    return Kept(filed.document_id, filed.version_id)


def version_of(archive: Archive, document_id: str) -> Version:
    with archive.reading(Actor.system("test")) as uow:
        return reading.current_version(uow.session, document_id)


def text_of(archive: Archive, document_id: str) -> tuple[str, Places]:
    version = version_of(archive, document_id)
    with archive.reading(Actor.system("test")) as uow:
        return read_text(archive, uow.session, version) or "", places_of(archive, uow.session, version)


def part_rows(archive: Archive, document_id: str) -> dict[str, Part]:
    version = version_of(archive, document_id)
    with archive.reading(Actor.system("test")) as uow:
        return {row.number: row for row in uow.session.scalars(select(Part).where(Part.version_id == version.id))}


def jobs(archive: Archive) -> list[str]:
    with archive.reading(Actor.system("test")) as uow:
        return list(uow.session.scalars(select(Job.kind).where(Job.every_seconds.is_(None)).order_by(Job.kind)))


def hits(archive: Archive, actor: Actor, words: str) -> int:
    from archive_app.documents.searching import search_documents
    from search import Filters

    return search_documents(actor, text=words, filters=Filters()).total


# --- recognition -----------------------------------------------------------------------------------------------------


@both_databases
def test_scanned_pages_are_recognised_and_found(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(3))
    workbench.run()
    version = version_of(archive, filed.document_id)
    assert (version.reading, version.reading_note) == ("read", None)
    assert (version.recognised_pages, version.unread_pages, version.confidence) == (3, None, 80)
    assert version.recogniser == ENGINE
    text, places = text_of(archive, filed.document_id)
    place = places.at(text.index("扫描页第2行甲"))
    assert place is not None
    assert (place.code, place.confidence, place.box) == ("page:2", 90, (0.1, 0.1, 0.5, 0.02))
    assert place.link_args == {"page": "2"}
    assert [words.params for words in place.label] == [{"number": "2"}]
    assert hits(archive, leader, "扫描页第3行甲") == 1
    assert jobs(archive) == []


def test_recognised_pages_stand_among_those_with_text(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    import pypdfium2

    whole, buffer = pypdfium2.PdfDocument.new(), io.BytesIO()
    for content in (files.pdf(("首页文字内容",)), files.scanned_pdf(1), files.pdf(("末页文字内容",))):
        part = pypdfium2.PdfDocument(content)
        whole.import_pages(part)
        part.close()
    whole.save(buffer)
    whole.close()
    filed = keep(leader, engagement, "混合.pdf", buffer.getvalue())
    workbench.run()
    text, places = text_of(archive, filed.document_id)
    order = [text.index("首页文字内容"), text.index("扫描页第2行甲"), text.index("末页文字内容")]
    assert order == sorted(order)
    assert [places.at(at).code for at in order] == ["page:1", "page:2", "page:3"]  # type: ignore[union-attr]


def test_what_has_text_is_found_before_recognition_is_done(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
) -> None:
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(2))
    workbench.worker.run_once("reading")
    workbench.worker.run_once()
    version = version_of(archive, filed.document_id)
    assert (version.reading, notes_of(version)) == ("waiting", ["recognising"])
    assert hits(archive, leader, "扫描") == 1
    assert jobs(archive) == ["documents.recognise"]
    workbench.run()
    assert version_of(archive, filed.document_id).reading == "read"


def test_a_cut_off_recognition_goes_on_where_it_stopped(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(4))
    workbench.worker.run_once("reading")
    real = recognising._keep
    kept = 0

    def crash_after_two(*args: Any) -> None:
        nonlocal kept
        if kept == 2:
            raise MemoryError("power failure")
        kept += 1
        real(*args)

    monkeypatch.setattr(recognising, "_keep", crash_after_two)
    workbench.worker.run_once("recognition")
    assert jobs(archive).count("documents.recognise") == 1
    monkeypatch.setattr(recognising, "_keep", real)
    recogniser.seen.clear()
    archive.clock.advance(minutes=1)  # type: ignore[attr-defined]  # the tests' clock
    workbench.run()
    assert [index for _, index in recogniser.seen] == [2, 3]
    assert version_of(archive, filed.document_id).recognised_pages == 4


def test_a_long_recognition_gives_way(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
    monkeypatch: pytest.MonkeyPatch,
    clock: SetClock,
) -> None:
    monkeypatch.setattr(recognising, "SECONDS_AT_ONCE", -1.0)
    long = keep(leader, engagement, "长.pdf", files.scanned_pdf(3))
    workbench.worker.run_once("reading")
    assert workbench.worker.run_once("recognition") == 1
    clock.advance(seconds=1)
    short = keep(leader, engagement, "短.png", files.image())
    workbench.worker.run_once("reading")
    with archive.reading(Actor.system("test")) as uow:
        waiting = uow.session.scalars(
            select(Job.subject_id).where(Job.kind == "documents.recognise").order_by(Job.due_at, Job.id)
        ).all()
    clock.advance(seconds=1)
    assert waiting == [long.version_id, short.version_id]
    workbench.worker.run_once("recognition")  # the long one again: one page, then behind the short one
    with archive.reading(Actor.system("test")) as uow:
        waiting = uow.session.scalars(
            select(Job.subject_id).where(Job.kind == "documents.recognise").order_by(Job.due_at, Job.id)
        ).all()
    assert waiting == [short.version_id, long.version_id]
    monkeypatch.setattr(recognising, "SECONDS_AT_ONCE", 60.0)
    workbench.run()
    assert {version_of(archive, filed.document_id).reading for filed in (long, short)} == {"read"}


def test_a_page_that_breaks_its_reader_costs_only_itself(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    recogniser.broken = {1}
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(3))
    workbench.run()
    version = version_of(archive, filed.document_id)
    assert (version.reading, notes_of(version)) == ("partly", ["pages_failed"])
    assert (version.recognised_pages, version.unread_pages) == (2, 1)
    assert hits(archive, leader, "扫描页第3行甲") == 1


def test_beyond_the_limit_pages_are_named_as_left_out(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
) -> None:
    object.__setattr__(archive, "rules", replace(archive.rules, recognition_pages=2))
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(5))
    workbench.run()
    version = version_of(archive, filed.document_id)
    assert (version.reading, notes_of(version), version.unread_pages) == ("partly", ["pages_limit"], 3)
    assert len(recogniser.seen) == 2


def test_without_an_engine_that_is_said(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recogniser(monkeypatch, engine=None)
    filed = keep(leader, engagement, "照片.png", files.image())
    workbench.run()
    version = version_of(archive, filed.document_id)
    assert (version.reading, notes_of(version)) == ("unread", ["no_recognition"])
    assert jobs(archive) == []


def test_a_bomb_of_pixels_is_refused_before_it_is_recognised(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    filed = keep(leader, engagement, "炸弹.png", files.png_of_claimed_size(20_000, 20_000))
    workbench.run()
    version = version_of(archive, filed.document_id)
    assert (version.reading, version.reading_note) == ("unread", "too_large")
    assert recogniser.seen == []


def test_reading_again_recognises_again_and_keeps_what_was_found_meanwhile(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
    clock: SetClock,
) -> None:
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(2))
    workbench.run()
    clock.advance(minutes=5)
    recogniser.seen.clear()
    read_again(leader, document_id=filed.document_id)
    workbench.worker.run_once("reading")
    workbench.worker.run_once()
    assert hits(archive, leader, "扫描页第2行甲") == 1
    workbench.run()
    assert [index for _, index in recogniser.seen] == [0, 1]
    assert version_of(archive, filed.document_id).reading == "read"


# --- parts -----------------------------------------------------------------------------------------------------------


def bundle() -> bytes:
    inner = files.zip_of({"深处/内层.txt": "内层压缩包里的文字".encode(), "图.png": files.image(size=(300, 200))})
    return files.zip_of(
        {
            "说明.txt": "外层压缩包里的说明".encode(),
            "附件.docx": files.docx(("附件里的段落文字",)),
            "坏.docx": b"PK\x03\x04" + files.noise(),
            "套.zip": inner,
            "扫描.pdf": files.scanned_pdf(2),
        }
    )


@both_databases
def test_what_is_inside_is_read_and_found(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    filed = keep(leader, engagement, "材料.zip", bundle())
    workbench.run()
    rows = part_rows(archive, filed.document_id)
    named = {row.name: row for row in rows.values()}
    assert set(named) >= {"说明.txt", "附件.docx", "坏.docx", "套.zip", "扫描.pdf", "深处/内层.txt", "图.png"}
    assert named["附件.docx"].reading == "read"
    assert named["坏.docx"].reading == "unread"
    assert named["扫描.pdf"].recognised_pages == 2
    assert named["图.png"].recognised_pages == 1
    text, places = text_of(archive, filed.document_id)
    for words in ("外层压缩包里的说明", "附件里的段落文字", "内层压缩包里的文字"):
        assert hits(archive, leader, words) == 1
    deep = places.at(text.index("内层压缩包里的文字"))
    assert deep is not None
    assert deep.part == named["深处/内层.txt"].number
    assert deep.link_args["part"] == deep.part
    assert deep.label[0].params == {"name": "深处/内层.txt"}
    scanned = places.at(text.index("扫描页第2行甲", text.index("扫描.pdf")))
    assert scanned is not None
    assert scanned.link_args == {"part": named["扫描.pdf"].number, "page": "2"}
    assert "parts_failed" in notes_of(version_of(archive, filed.document_id))


def test_a_part_is_opened_as_it_was_and_that_is_recorded(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
    people: People,
) -> None:
    filed = keep(leader, engagement, "材料.zip", bundle())
    workbench.run()
    deep = next(row for row in part_rows(archive, filed.document_id).values() if row.name == "深处/内层.txt")
    opened = open_part(leader, document_id=filed.document_id, number=1, part=deep.number)
    assert (opened.name, opened.content) == ("内层.txt", "内层压缩包里的文字".encode())
    assert opened.sha256 == deep.sha256
    filters = EventFilters(code="document.downloaded")
    assert len(list_events(leader, filters=filters).items) == 1
    with pytest.raises(NotFoundError):
        open_part(leader, document_id=filed.document_id, number=1, part="77")
    stranger = people.person("verifier")
    with pytest.raises(NotFoundError):
        open_part(stranger, document_id=filed.document_id, number=1, part=deep.number)


def test_parts_beyond_the_limits_are_named(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    object.__setattr__(archive, "rules", replace(archive.rules, parts_limit=6, parts_depth=1))
    many = keep(leader, engagement, "多.zip", files.zip_of({f"{n}.txt": b"text" for n in range(9)}))
    deep = keep(leader, engagement, "深.zip", files.zip_of({"a.zip": files.zip_of({"b.txt": b"deep inside"})}))
    workbench.run()
    assert len(part_rows(archive, many.document_id)) == 6
    assert "parts_limit" in notes_of(version_of(archive, many.document_id))
    assert part_rows(archive, deep.document_id)["1/1"].reading_note == "too_deep"
    assert hits(archive, leader, "deep inside") == 0


def test_a_crash_between_parts_loses_none_and_reads_none_twice(
    archive: Archive,
    leader: Actor,
    engagement: Engagement,
    workbench: Workbench,
    recogniser: Recogniser,
    monkeypatch: pytest.MonkeyPatch,
    clock: SetClock,
) -> None:
    filed = keep(leader, engagement, "五.zip", files.zip_of({f"{n}.txt": f"文字{n}".encode() for n in range(5)}))
    workbench.worker.run_once("reading")
    real, taken = parts_module._take_and_read, []

    def crash_at_third(archive: Archive, version: Version, part: Part, rows: list[Part]) -> Any:
        taken.append(part.number)
        if len(taken) == 3:
            raise OSError("power failure")
        return real(archive, version, part, rows)

    monkeypatch.setattr(parts_module, "_take_and_read", crash_at_third)
    workbench.worker.run_once("reading")
    clock.advance(minutes=1)
    workbench.run()
    assert taken == ["1", "2", "3", "3", "4", "5"]
    assert {row.reading for row in part_rows(archive, filed.document_id).values()} == {"read"}
    assert hits(archive, leader, "文字4") == 1


def test_the_page_opens_at_its_place_with_boxes(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    filed = keep(leader, engagement, "扫描.pdf", files.scanned_pdf(3))
    workbench.run()
    page = view_document(leader, document_id=filed.document_id, spot=Spot(page=2, query="第二行乙"))
    assert page.shown_page == 2
    assert [(box.left, box.top, box.text) for box in page.boxes] == [(0.1, 0.2, "第二行乙")]
    assert page.view is not None
    [here] = [stretch for stretch in page.view.stretches if stretch.here]
    assert here.text.startswith("扫描页第2行甲")
    at = view_document(leader, document_id=filed.document_id, spot=Spot(at=here.anchor, query="zzz"))
    assert (at.shown_page, list(at.boxes)) == (2, [])


def test_no_piece_of_a_text_is_readable_on_disk(
    archive: Archive, leader: Actor, engagement: Engagement, workbench: Workbench, recogniser: Recogniser
) -> None:
    keep(leader, engagement, "材料.zip", bundle())
    workbench.run()
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalars(select(Derivative.part).where(Derivative.part.startswith("ocr:"))).first()
    needle = "外层压缩包里的说明"
    for path in archive.data_directory.rglob("*"):
        if path.is_file() and "index" not in path.parts:
            content = path.read_bytes()
            assert needle.encode() not in content
            assert json.dumps(needle).encode() not in content
