"""What goes out by a grant for supervision bears who, when and what for, in its bytes; and every look is listed."""

import hashlib
import io
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from archive_app.documents import giving, looking, parts, watermark
from archive_app.documents.errors import MarkedOnlyError, NotPreviewableError, RenditionTooLongError
from archive_app.documents.exporting import Form, export_hits
from archive_app.documents.giving import open_package, open_rendition
from archive_app.documents.looking import open_content, page_picture, view_document
from archive_app.documents.models import Document
from archive_app.documents.parts import open_part, part_picture
from archive_app.documents.searching import search_documents
from archive_app.documents.watermark import draw_mark, lines_of
from archive_app.engagements.models import Access
from archive_app.kernel import fonts
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.health import State
from archive_app.kernel.levels import Level
from archive_app.kernel.marks import Mark
from archive_app.kernel.permissions import Permission
from archive_app.supervision.feature import probe_fonts
from archive_app.supervision.granting import end_grant
from archive_app.supervision.looks import LookLine, looks_into_engagement, looks_of_grant
from archive_app.trail.reading import EventFilters, list_events
from search import Filters
from search.reading import render_page
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, file_bytes
from tests.files import image, pdf, zip_of
from tests.supervised import AUTHORITY, WHOLE, Scene, granted, scene_of

PAGES = ("一号锅炉", "二号锅炉")
TILT = -24


@pytest.fixture
def scene(people: People) -> Scene:
    return scene_of(people)


@pytest.fixture
def report(scene: Scene) -> str:
    """A PDF of two pages in the first engagement."""
    return file_bytes(scene.leader, scene.first, "报告.pdf", pdf(PAGES)).document_id or ""


def picture(actor: Actor, document_id: str) -> Image.Image:
    drawn = page_picture(actor, document_id=document_id, number=1, page_index=0, width_px=1200)
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that differ visibly."""
    changed = ImageChops.difference(one, other).convert("L").point(lambda value: 255 if value > 24 else 0)
    return changed.histogram()[255] / (one.width * one.height)


def words_on(shown: Image.Image) -> str:
    """What a recogniser reads of the tilted mark."""
    upright = shown.convert("L").rotate(TILT, expand=True, fillcolor=255).point(lambda value: 0 if value < 250 else 255)
    return recognised(upright, "11")


def recognised(shown: Image.Image, layout: str) -> str:
    """The words on a picture; `layout` is how the recogniser looks for them."""
    buffer = io.BytesIO()
    shown.resize((shown.width * 2, shown.height * 2)).save(buffer, "PNG")
    command = ["tesseract", "-", "-", "-l", "eng", "--psm", layout]
    return subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True).stdout.decode()


@both_databases
def test_a_picture_bears_the_mark_in_its_bytes_and_the_kept_one_does_not(
    scene: Scene, report: str, archive: Archive, clock: SetClock
) -> None:
    granted(scene, WHOLE)
    marked, bare = picture(scene.supervisor, report), picture(scene.leader, report)
    assert marked.size == bare.size
    assert 0.01 < difference(marked, bare) < 0.2
    # The mark's own words are what differs: another moment is another picture, the kept one is the same as ever.
    clock.advance(hours=1)
    later = picture(scene.supervisor, report)
    assert difference(marked, later) > 0.0002
    assert difference(picture(scene.leader, report), bare) == 0
    mark = view_document(scene.supervisor, document_id=report).mark
    assert mark is not None
    if shutil.which("tesseract") and archive.engine.dialect.name == "sqlite":
        read = words_on(later.crop((0, later.height * 2 // 3, later.width, later.height)))
        assert f"{mark.moment:%Y-%m-%d}" in read
        # Which digits a recogniser takes for others is its own affair; the exact words are tested where they are made.
        assert mark.login.rstrip("0123456789") in read


def test_the_longest_names_make_no_mark_larger_than_a_page() -> None:
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    mark = Mark(
        person="督" * 100,
        login="x" * 100,
        person_id="p",
        organisation="厅" * 200,
        source="绿源核查",
        purpose="查" * 300,
        reference="号" * 100,
        until=moment,
        moment=moment,
        grant_id="g",
    )
    page = Image.new("RGB", (1200, 1697), "white")
    marked = draw_mark(page, lines_of(mark))
    assert marked.size == page.size
    assert 0.01 < difference(marked, page) < 0.4
    assert difference(page, Image.new("RGB", page.size, "white")) == 0


def test_a_picture_smaller_than_the_mark_bears_a_whole_one(scene: Scene) -> None:
    granted(scene, WHOLE)
    tiny = file_bytes(scene.leader, scene.first, "小图.png", image(size=(64, 48))).document_id or ""
    marked = picture(scene.supervisor, tiny)
    assert picture(scene.leader, tiny).size == (64, 48)
    assert marked.width > 200
    assert marked.getcolors(2) is None


def test_the_original_itself_is_not_given_and_nothing_is_recorded(scene: Scene, report: str) -> None:
    living = granted(scene, WHOLE)
    with pytest.raises(MarkedOnlyError):
        open_content(scene.supervisor, document_id=report)
    with pytest.raises(MarkedOnlyError):
        open_part(scene.supervisor, document_id=report, number=1, part="1")
    assert looks_of_grant(scene.archivist, grant_id=living.id).items == []
    with open_content(scene.leader, document_id=report).stream as stream:
        assert stream.read() == pdf(PAGES)
    for wrong in (open_package, open_rendition):
        with pytest.raises(NotFoundError):
            wrong(scene.leader, document_id=report, number=1, language="en")
        with pytest.raises(NotFoundError):
            wrong(scene.colleague, document_id=report, number=1, language="en")


def test_a_copy_is_pictures_that_bear_the_mark_and_says_what_it_is_a_copy_of(scene: Scene, report: str) -> None:
    granted(scene, WHOLE)
    made = open_rendition(scene.supervisor, document_id=report, number=1, language="en")
    digest = hashlib.sha256(pdf(PAGES)).hexdigest()
    assert made.name == f"报告.watermarked.original-sha256-{digest}.pdf"
    drawn = [render_page(io.BytesIO(made.content), "pdf", index, width_px=1200) for index in range(3)]
    assert {page.page_count for page in drawn} == {3}
    bare = picture(scene.leader, report)
    second = Image.open(io.BytesIO(drawn[1].content)).convert("RGB").resize(bare.size)
    assert 0.01 < difference(second, bare) < 0.2
    if shutil.which("tesseract"):
        cover = Image.open(io.BytesIO(drawn[0].content)).convert("L").point(lambda value: 0 if value < 110 else 255)
        words = recognised(cover.crop((0, cover.height // 2, cover.width, cover.height * 3 // 4)), "6")
        assert digest[-12:] in words.replace(" ", "")


def test_a_package_is_the_exact_original_with_who_when_and_what_for(scene: Scene) -> None:
    granted(scene, WHOLE)
    content = bytes(range(256)) * 4096
    document_id = file_bytes(scene.leader, scene.first, "..记录 & <b>.bin", content).document_id or ""
    made = open_package(scene.supervisor, document_id=document_id, number=None, language="zh_Hans_CN")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(made)))
    made.close()
    assert packed.namelist() == ["cover.html", "SHA256SUMS", "original/_..记录 & <b>.bin"]
    assert packed.testzip() is None
    assert packed.read(packed.namelist()[2]) == content
    digest = hashlib.sha256(content).hexdigest()
    assert packed.read("SHA256SUMS").decode() == f"{digest}  original/_..记录 & <b>.bin\n"
    cover = packed.read("cover.html").decode()
    for word in (
        "沈督察",
        AUTHORITY,
        "年度双随机检查",
        "江环函〔2026〕18号",
        "2026-11-21 10:00:00",
        digest,
        "绿源核查",
    ):
        assert word in cover
    assert "<b>" not in cover
    assert made.name == "..记录 & <b>.original-with-cover-sheet.zip"


def test_a_file_inside_of_a_document_goes_out_the_same_way(scene: Scene, workbench: Workbench) -> None:
    granted(scene, WHOLE)
    inner = pdf(("附件",))
    outer = file_bytes(scene.leader, scene.first, "附件包.zip", zip_of({"a/附件.pdf": inner})).document_id or ""
    workbench.run()
    made = open_package(scene.supervisor, document_id=outer, number=1, part="1", language="en")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(made)))
    assert packed.read("original/附件.pdf") == inner
    where: dict[str, Any] = {"document_id": outer, "number": 1, "part": "1", "page_index": 0, "width_px": 1200}
    marked, bare = part_picture(scene.supervisor, **where), part_picture(scene.leader, **where)
    shown = [Image.open(io.BytesIO(drawn)).convert("RGB") for drawn in (marked, bare)]
    assert difference(*shown) > 0.01
    copy = open_rendition(scene.supervisor, document_id=outer, number=1, part="1", language="en")
    assert hashlib.sha256(inner).hexdigest() in copy.name
    with pytest.raises(NotPreviewableError):
        open_rendition(scene.supervisor, document_id=outer, number=1, language="en")
    with pytest.raises(NotFoundError):
        open_package(scene.supervisor, document_id=outer, number=1, part="7", language="en")


def test_a_copy_is_bounded_in_pages_size_and_time(scene: Scene, report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    granted(scene, WHOLE)
    monkeypatch.setattr(giving, "MOST_PAGES", 1)
    with pytest.raises(RenditionTooLongError):
        open_rendition(scene.supervisor, document_id=report, number=1, language="en")
    monkeypatch.setattr(giving, "MOST_PAGES", 100)
    monkeypatch.setattr(giving, "MOST_MEGABYTES", 0)
    with pytest.raises(RenditionTooLongError, match="0 MB"):
        open_rendition(scene.supervisor, document_id=report, number=1, language="en")
    monkeypatch.setattr(giving, "MOST_MEGABYTES", 100)
    monkeypatch.setattr(giving, "MOST_SECONDS", -1)
    with pytest.raises(RenditionTooLongError):
        open_rendition(scene.supervisor, document_id=report, number=1, language="en")
    monkeypatch.setattr(watermark, "_PIXELS", 10)
    with pytest.raises(ValueError, match="larger"):
        page_picture(scene.supervisor, document_id=report, number=1, page_index=0, width_px=1200)


@both_databases
def test_whoever_reaches_it_by_another_right_sees_no_mark(scene: Scene, report: str, archive: Archive) -> None:
    living = granted(scene, WHOLE)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.get_one(Document, report).level = Level.INTERNAL
        uow.session.add(
            Access(
                id=uow.new_id(),
                engagement_id=scene.first.id,
                person_id=scene.supervisor.person_id,
                ground="request",
                reason="并案",
                granted_by=scene.archivist.name,
                granted_at=uow.now,
                until=uow.now.replace(hour=3),
            )
        )
    assert view_document(scene.supervisor, document_id=report).mark is None
    # A right that reaches only lower levels is none for this document.
    public = replace(scene.supervisor, highest_level=Level.INTERNAL)
    assert view_document(public, document_id=report).mark is None
    end_grant(scene.archivist, grant_id=living.id, reason="完成")
    assert view_document(scene.supervisor, document_id=report).mark is None


@both_databases
def test_a_table_of_hits_cannot_bear_a_mark_and_holds_nothing_that_needs_one(
    scene: Scene, report: str, workbench: Workbench
) -> None:
    both = scene.people.person("archivist", "supervisor", organisation=AUTHORITY)
    granted(scene, WHOLE, by=both)
    workbench.run()
    assert [found.document.id for found in search_documents(both, text="锅炉", filters=Filters()).found] == [report]

    def table(actor: Actor) -> str:
        made = export_hits(
            actor, pairs=[("q", "锅炉")], form=Form.CSV, language="en", address=lambda document_id, _: document_id
        )
        return b"".join(made.blocks).decode("utf-8-sig")

    assert report in table(scene.leader)
    assert report not in table(both)


def test_a_right_that_ended_between_two_questions_is_no_missing_mark(
    scene: Scene, report: str, archive: Archive
) -> None:
    living = granted(scene, WHOLE)
    end_grant(scene.archivist, grant_id=living.id, reason="完成")
    with archive.reading(scene.supervisor) as uow, pytest.raises(NotFoundError):
        archive.mark_of(uow, "document", report)
    with archive.reading(scene.supervisor) as uow, pytest.raises(NotFoundError):
        archive.mark_of(uow, "engagement", scene.first.id)
    with archive.reading(scene.leader) as uow:
        assert archive.mark_of(uow, "document", report) is None


@both_databases
def test_every_look_is_listed_for_the_body_by_grant_and_by_engagement(
    scene: Scene, report: str, clock: SetClock
) -> None:
    living = granted(scene, WHOLE)
    other = file_bytes(scene.leader, scene.second, "记录.txt", b"1").document_id or ""
    view_document(scene.leader, document_id=report)
    view_document(scene.supervisor, document_id=report)
    clock.advance(minutes=1)
    page_picture(scene.supervisor, document_id=report, number=1, page_index=0, width_px=320)
    open_package(scene.supervisor, document_id=report, number=1, language="en").close()
    clock.advance(minutes=1)
    view_document(scene.supervisor, document_id=other)

    def told(lines: list[LookLine]) -> list[tuple[str, str, str]]:
        return [(line.title, line.way, line.person) for line in lines]

    first = [("报告.pdf", "download", "沈督察"), ("报告.pdf", "view", "沈督察")]
    for side in (scene.archivist, scene.supervisor, scene.colleague):
        assert told(list(looks_of_grant(side, grant_id=living.id).items)) == [("记录.txt", "view", "沈督察"), *first]
    assert told(list(looks_into_engagement(scene.archivist, engagement_id=scene.first.id).items)) == first
    page = looks_of_grant(scene.archivist, grant_id=living.id, limit=2)
    rest = looks_of_grant(scene.archivist, grant_id=living.id, limit=2, after=page.next_key)
    assert told(list(rest.items)) == [("报告.pdf", "view", "沈督察")]
    for stranger in (scene.other_archivist, scene.leader):
        with pytest.raises(NotFoundError):
            looks_of_grant(stranger, grant_id=living.id)
    with pytest.raises(NotFoundError):
        looks_into_engagement(scene.other_archivist, engagement_id=scene.first.id)
    auditor = scene.people.person("security_auditor", organisation=AUTHORITY)
    codes = [line.code for line in list_events(auditor, filters=EventFilters(document=report)).items]
    assert codes == ["document.downloaded", "document.viewed"]


@both_databases
def test_a_look_is_listed_by_the_grant_that_opened_it(scene: Scene, report: str, clock: SetClock) -> None:
    first = granted(scene, WHOLE)
    view_document(scene.supervisor, document_id=report)
    end_grant(scene.archivist, grant_id=first.id, reason="完成")
    clock.advance(minutes=1)
    second = granted(scene, WHOLE)
    for _ in range(2):
        view_document(scene.supervisor, document_id=report)
    for grant in (first, second):
        assert [line.way for line in looks_of_grant(scene.archivist, grant_id=grant.id).items] == ["view"]


def test_without_a_font_the_mark_names_login_and_identifier(
    scene: Scene, report: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    granted(scene, WHOLE)
    with_font = lines_of(view_document(scene.supervisor, document_id=report).mark)  # type: ignore[arg-type]
    assert with_font[0] == f"沈督察 · {AUTHORITY}"
    broken = tmp_path / "NotoSansSC-broken.otf"
    broken.write_bytes(b"no font")
    assert fonts.find_chinese((tmp_path, tmp_path / "absent")) is None
    monkeypatch.setattr(fonts, "chinese_font_file", lambda: None)
    fonts.font_of.cache_clear()
    try:
        mark = view_document(scene.supervisor, document_id=report).mark
        assert mark is not None
        lines = lines_of(mark)
        assert all(line.isascii() for line in lines)
        assert lines[:2] == (mark.login, scene.supervisor.person_id)
        assert mark.grant_id in lines[3]
        assert difference(picture(scene.supervisor, report), picture(scene.leader, report)) > 0.005
        open_rendition(scene.supervisor, document_id=report, number=1, language="zh_Hans_CN")
    finally:
        fonts.font_of.cache_clear()
    monkeypatch.setattr("archive_app.supervision.feature.chinese_font_file", lambda: None)
    [line] = probe_fonts(None)  # type: ignore[arg-type]  # asks nothing of it
    assert (line.state, "fonts-noto-cjk" in line.text) == (State.WATCH, True)


def test_the_use_cases_that_give_content_out_are_these_and_each_marks_or_refuses() -> None:
    """A new way out for content is put here with what it does about marks."""
    ways = {
        name
        for module in (looking, parts, giving)
        for name, value in vars(module).items()
        if getattr(value, "permission", None) is Permission.DOCUMENTS_READ and value.__module__ == module.__name__
    }
    assert ways == {
        "list_documents",
        "open_content",
        "open_package",
        "open_part",
        "open_rendition",
        "page_picture",
        "part_picture",
        "view_document",
    }
