"""The whole case file taken along: as a ZIP whose digests check, and as one PDF with bookmarks."""

import hashlib
import io
import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlalchemy import func, select

from archive_app.documents.errors import ContentCorruptError
from archive_app.documents.models import Document, Version
from archive_app.filing.arranging import propose
from archive_app.filing.models import CaseFile
from archive_app.filing.outputs import bound, package
from archive_app.filing.outputs.bound import bind_case_file
from archive_app.filing.outputs.package import open_case_package, safe_name
from archive_app.filing.outputs.papers import NotNumberedError
from archive_app.filing.outputs.printing import print_papers, print_register, view_outputs
from archive_app.filing.submitting import submit
from archive_app.kernel import typesetting
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ConfirmationRequiredError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import Event
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from storage import Purpose
from tests import bombs, files
from tests.case_files import SYSTEM, Body, body, file_record
from tests.conftest import Workbench, both_databases_in_full
from tests.factories import People
from tests.printed import page_texts, squeezed

ZH = "zh_Hans_CN"
NAMES = ("..\\报告（终稿）：2025年.txt", "con.txt", "-rf \u202efdp.txt", "同名.txt", "😀.txt")


def case_file_of(ours: Body) -> str:
    """The one case file of the body's engagement."""
    with ours.archive.reading(SYSTEM) as uow:
        return uow.session.scalars(select(CaseFile.id).where(CaseFile.engagement_id == ours.engagement.id)).one()


def taken(actor: Actor, case_file_id: str) -> tuple[zipfile.ZipFile, dict[str, Any], bytes]:
    """The package, read to its end, with its manifest."""
    made = open_case_package(actor, case_file_id=case_file_id, language=ZH)
    content = b"".join(made)
    made.close()
    packed = zipfile.ZipFile(io.BytesIO(content))
    return packed, json.loads(packed.read(package.MANIFEST)), content


def events(archive: Archive, code: str) -> int:
    with archive.reading(SYSTEM) as uow:
        return uow.session.scalar(select(func.count()).select_from(Event).where(Event.code == code)) or 0


@both_databases_in_full
def test_the_package_holds_every_byte_and_checks_with_usual_tools(people: People, tmp_path: Path) -> None:
    ours = body(people)
    for number, name in enumerate(NAMES):
        file_record(ours.leader, ours.engagement, name.rpartition("\\")[2], "work_plan", f"方案 {number}".encode())
    file_record(ours.leader, ours.engagement, "大.bin", "other", bytes(3 * 2**20))
    sealed = ours.sealed()
    case_file_id = case_file_of(ours)
    view = view_outputs(ours.archivist, case_file_id=case_file_id)
    before = events(people.archive, "document.downloaded")

    packed, manifest, content = taken(ours.archivist, case_file_id)

    assert [entry["role"] for entry in manifest["entries"]] == ["papers", "seal"] + ["item"] * 9
    assert manifest["left_out"] == []
    assert manifest["case_file"]["archival_number"] == "J019-ZY·HC·2026·D10-001"
    assert [entry["archival_number"] for entry in manifest["entries"][2:]] == [item.number for item in view.items]
    for entry, item in zip(manifest["entries"][2:], view.items, strict=True):
        assert (entry["sha256"], entry["size_bytes"]) == (item.sha256, item.size_bytes)
        assert entry["path"] == f"items/{item.position:04d} {safe_name(item.name)}"
    assert hashlib.sha256(packed.read("seals/01.json")).hexdigest() == sealed.manifest_sha256
    assert b"pdfaid:part" in packed.read("papers.pdf")
    # Every name is UTF-8 by its flag, and stays inside the folder that somebody unpacks it into.
    assert all(info.flag_bits & 0x800 or info.filename.isascii() for info in packed.infolist())
    assert not [name for name in packed.namelist() if name.startswith("/") or ".." in name.split("/") or "\\" in name]
    packed.extractall(tmp_path)
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", package.SUMS], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count(": OK") == 12
    assert (tmp_path / package.SUMS).read_text("utf-8").count("\n") == len(packed.namelist()) - 1
    # Each item and the manifest of the seal counts as looked at; the same again within a while does not.
    assert events(people.archive, "document.downloaded") == before + 10
    assert events(people.archive, "case_file.taken") == 1
    pieces = list(open_case_package(ours.archivist, case_file_id=case_file_id, language=ZH))
    assert b"".join(pieces) == content
    # A part of a file at a time, never a whole one.
    assert max(map(len, pieces)) < 2**19


def test_what_may_not_be_taken_is_left_out_and_told(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = body(people)
    secret = file_record(
        ours.leader, ours.engagement, "受限工艺.txt", "process_description", b"secret", level=Level.RESTRICTED
    )
    submission = ours.submitted()
    assert submission.state == "waiting"
    case_file_id = case_file_of(ours)
    member = replace(ours.leader, highest_level=Level.INTERNAL)
    damaged = view_outputs(ours.leader, case_file_id=case_file_id).items[1]
    vault_open = people.archive.vault.open

    def broken(blob_id: str, key: Any, version_id: str, purpose: Purpose) -> Any:
        if version_id == damaged.version_id and purpose is Purpose.CONTENT:
            raise ContentCorruptError
        return vault_open(blob_id, key, version_id, purpose)

    monkeypatch.setattr(people.archive.vault, "open", broken)
    monkeypatch.setattr(typesetting, "chinese_font_file", lambda: None)
    packed, manifest, content = taken(member, case_file_id)
    assert sorted(one["code"] for one in manifest["left_out"]) == ["above_level", "damaged", "no_chinese_font"]
    assert "受限工艺" not in packed.read(package.MANIFEST).decode()
    assert b"secret" not in content
    assert secret not in packed.read(package.MANIFEST).decode()
    assert len(manifest["entries"]) == 2
    monkeypatch.setattr(typesetting, "chinese_font_file", lambda: (Path("/nowhere/font.ttc"), 0))
    assert "not_printed" in [one["code"] for one in taken(member, case_file_id)[1]["left_out"]]
    monkeypatch.setattr(typesetting, "chinese_font_file", lambda: None)
    # A right that ends while it is made: the rest is left out, and the list at its end says so.
    made = open_case_package(ours.archivist, case_file_id=case_file_id, language=ZH)
    pieces = iter(made)
    with people.archive.transaction(SYSTEM, eventless=True) as uow:
        for row in uow.session.scalars(select(Document).where(Document.title == "任务书.txt")):
            row.withdrawn_at = uow.now
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(b"".join(pieces))).read(package.MANIFEST))
    assert [one["code"] for one in manifest["left_out"]] == [
        "above_level",
        "no_chinese_font",
        "no_longer_visible",
        "damaged",
    ]


def test_a_package_that_breaks_off_cannot_be_taken_for_whole(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = body(people)
    ours.submitted()
    case_file_id = case_file_of(ours)
    with people.archive.transaction(SYSTEM, eventless=True) as uow:
        next(iter(uow.session.scalars(select(Version)))).sha256 = bytes(32)
    made = open_case_package(ours.leader, case_file_id=case_file_id, language=ZH)
    content = bytearray()
    with pytest.raises(ContentCorruptError):
        content.extend(byte for piece in made for byte in piece)
    made.close()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(content))


def test_names_inside_are_safe_everywhere() -> None:
    assert safe_name('a/b\\c:d*e?f"g<h>i|j.txt') == "a_b_c_d_e_f_g_h_i_j.txt"
    assert safe_name("..") == "_"
    assert safe_name(".ssh") == "_.ssh"
    assert safe_name("报\u202etxt.告\n二.pdf") == "报txt.告 二.pdf"
    assert safe_name("名" * 300 + ".docx").endswith("名.docx")
    assert len(safe_name("名" * 300 + ".docx").encode()) <= 170
    assert safe_name("尾. . .") == "尾"


def outline_of(content: bytes) -> list[tuple[str, int]]:
    reader = pypdf.PdfReader(io.BytesIO(content))
    marks: Any = reader.outline
    return [(str(one.title), int(reader.get_destination_page_number(one) or 0)) for one in marks]


def test_one_pdf_holds_every_item_as_far_as_it_can_be_shown(people: People, workbench: Workbench) -> None:
    offered = [
        ("报告.txt", "verification_report", "排放总量 tCO₂ 为 12 345 吨 #panic()。\n第二行".encode()),
        ("任务书.pdf", "assignment_letter", files.pdf(("任务书第一页", "任务书第二页"))),
        ("照片.png", "photograph", files.image("PNG", (300, 200))),
        ("锁.pdf", "work_plan", files.pdf(("看不到",), password="x")),
        ("坏.pdf", "other", b"%PDF-1.4 damaged"),
        ("带脚本.pdf", "other", bombs.pdf_that_acts()),
        ("环.pdf", "other", bombs.pdf_of_loops()),
        ("包.bin", "other", bytes(range(256))),
    ]
    ours = body(people, records=())
    # Read is what has text; how pages look is drawn when it is asked for.
    for name, code, content in offered:
        file_record(ours.leader, ours.engagement, name, code, content)
        if name == "报告.txt":
            workbench.run()
    hidden = file_record(ours.leader, ours.engagement, "受限.txt", "other", b"hidden words", level=Level.RESTRICTED)
    propose(ours.leader, engagement_id=ours.engagement.id)
    submit(ours.leader, engagement_id=ours.engagement.id)
    case_file_id = case_file_of(ours)
    view = view_outputs(ours.leader, case_file_id=case_file_id)
    place = {item.name: item for item in view.items}
    member = replace(ours.leader, highest_level=Level.INTERNAL)

    made = bind_case_file(member, case_file_id=case_file_id, language=ZH)

    marks = outline_of(made.content)
    shown = [(item.number, item.title if item.name != "受限.txt" else "") for item in view.items]
    assert [title for title, _ in marks] == [
        "案卷",
        "卷内目录",
        *(f"{number} {title}".strip() for number, title in shown),
    ]
    pages = [squeezed(text) for text in page_texts(made.content)]
    starts = dict(zip((item.name for item in view.items), (page for _, page in marks[2:]), strict=True))
    assert [page for _, page in marks] == sorted(page for _, page in marks)
    letter = starts["任务书.pdf"]
    for number in (0, 1):
        assert squeezed(f"任务书第{'一二'[number]}页") in pages[letter + number]
        assert squeezed(f"{place['任务书.pdf'].number} · {number + 1} / 2") in pages[letter + number]
    assert "排放总量tCO2为12345吨#panic()。" in pages[starts["报告.txt"]]
    assert squeezed(f"{place['照片.png'].number} · 1 / 1") in pages[starts["照片.png"]]
    assert "密码保护" in pages[starts["锁.pdf"]]
    for name in ("坏.pdf", "环.pdf"):
        assert "文件已损坏" in pages[starts[name]]
        assert place[name].sha256 in pages[starts[name]]
    assert "此类文件没有页面" in pages[starts["包.bin"]]
    assert "超出您的级别" in pages[starts["受限.txt"]]
    assert "hidden" not in "".join(pages)
    assert hidden not in "".join(pages)
    for act in (b"JavaScript", b"Launch", b"OpenAction", b"/URI"):
        assert act not in made.content
    assert made.name.endswith(".pdf")
    assert events(people.archive, "case_file.taken") == 1


def test_what_does_not_fit_has_a_sheet(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = body(people, records=())
    for number in range(3):
        content = files.pdf([f"{number} {page}" for page in range(2)])
        file_record(ours.leader, ours.engagement, f"{number}.pdf", "assignment_letter", content)
    ours.submitted()
    monkeypatch.setattr(bound, "MOST_PAGES", 3)
    made = bind_case_file(ours.leader, case_file_id=case_file_of(ours), language=ZH)
    pages = [squeezed(text) for text in page_texts(made.content)]
    starts = [page for _, page in outline_of(made.content)][2:]
    assert ["未能放入" in pages[start] for start in starts] == [False, True, True]


def test_who_may_print_and_take_along(people: People) -> None:
    ours = body(people)
    propose(ours.leader, engagement_id=ours.engagement.id)
    case_file_id = case_file_of(ours)
    told: dict[str, Any] = {"case_file_id": case_file_id, "language": ZH}
    with pytest.raises(NotNumberedError):
        print_papers(ours.leader, **told, what="labels")
    submit(ours.leader, engagement_id=ours.engagement.id)
    labels = print_papers(ours.leader, **told, what="labels", spine_mm=40)
    assert labels.content.startswith(b"%PDF")
    assert labels.name == "J019-ZY·HC·2026·D10-001 labels.pdf"
    register = print_register(ours.archivist, engagement_id=ours.engagement.id, language=ZH)
    assert "J019-ZY·HC·2026·D10-001" in squeezed(page_texts(register.content)[0])
    assert events(people.archive, "case_file.printed") == 2
    with pytest.raises(InvalidInputError):
        print_papers(ours.leader, **told, what="labels", spine_mm=41)
    with pytest.raises(NotFoundError):
        print_papers(ours.leader, **told, what="poems")
    stranger = people.person("team_leader", organisation="别家核查")
    colleague = people.person("verifier")
    late = replace(ours.leader, confirmed_at=None)
    bare = replace(ours.leader, permissions=ours.leader.permissions - {Permission.DOCUMENTS_EXPORT})
    for act in (open_case_package, bind_case_file, lambda actor, **asked: print_papers(actor, **asked, what="cover")):
        for actor, error in (
            (stranger, NotFoundError),
            (colleague, NotFoundError),
            (late, ConfirmationRequiredError),
            (bare, PermissionMissingError),
        ):
            with pytest.raises(error):
                act(actor, **told)
    with pytest.raises(NotFoundError):
        print_register(stranger, engagement_id=ours.engagement.id, language=ZH)
    assert events(people.archive, "case_file.taken") == 0
