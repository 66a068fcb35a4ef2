"""Names that want to be paths, and cells that want to be formulas, through the service."""

import csv
import io
import os
import re
import stat
import zipfile
from pathlib import Path

import openpyxl
import pytest

from archive_app.documents.ingest import Entry, add_document
from archive_app.kernel.actor import Actor
from tests.factories import engagement_of
from tests.registers import bring, rows_of, workbook
from tests.security.attacked import World, post, request_token, zipped

OUTSIDE = "lantai-outside-probe"
NAMES = [
    f"../../{OUTSIDE}.txt",
    f"..\\..\\{OUTSIDE}.txt",
    f"/tmp/{OUTSIDE}.txt",
    f"C:\\{OUTSIDE}.txt",
    f"\\\\server\\share\\{OUTSIDE}.txt",
    f"a/../../../{OUTSIDE}.txt",
    f"%2e%2e%2f{OUTSIDE}.txt",
    f"..%c0%af{OUTSIDE}.txt",
    f"file:///tmp/{OUTSIDE}.txt",
    f"~/{OUTSIDE}.txt",
    f"${{HOME}}{OUTSIDE}.txt",
    f"$(touch {OUTSIDE}).txt",
    f"`touch {OUTSIDE}`.txt",
    f"{OUTSIDE}.txt;touch {OUTSIDE}",
    f"| touch {OUTSIDE}",
    f"-{OUTSIDE}.txt",
]
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    " =1+1",
    "\u3000=1+1",
    '"=1+1',
    "a;=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|' /C calc'!A0",
    '=IMPORTXML(CONCAT("http://evil"))',
]
SIGNS = "=+-@＝＋－＠\t\r"


def strangers(place: Path) -> list[str]:
    """What stands where a name could have put it, in the archive's folder and around it."""
    around = [*place.parent.rglob("*"), *Path("/tmp").glob(f"*{OUTSIDE}*"), *Path.home().glob(f"*{OUTSIDE}*")]
    return [str(path) for path in around if OUTSIDE in path.name]


def test_no_name_is_a_path(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    engagement, client = engagement_of(leader), None
    client = world.browser(leader)
    token = request_token(client)
    sent = [(io.BytesIO(f"{number}".encode()), name) for number, name in enumerate(NAMES)]
    path = f"/engagements/{engagement.id}/files"
    assert client.post(path, data={"csrf_token": token, "file": sent}).status_code == 303
    told = {"files": [{"path": name, "size": 1} for name in NAMES]}
    client.post(f"/engagements/{engagement.id}/uploads", json=told, headers={"X-CSRF-Token": token})
    sent = [(io.BytesIO(workbook(rows_of(1))), name.replace(".txt", ".xlsx")) for name in NAMES[:6]]
    for content, name in sent:
        client.post("/registers", data={"csrf_token": token, "file": (content, name)})
    assert strangers(world.archive.data_directory) == []
    page = client.get(f"/engagements/{engagement.id}").text
    assert page.count(OUTSIDE) >= len(NAMES)


@pytest.mark.parametrize(
    "path",
    [
        "/web/static/../../../settings.py",
        "/web/static/..%2f..%2f..%2fsettings.py",
        "/web/static/%2e%2e/%2e%2e/settings.py",
        "/web/static/....//....//settings.py",
        "/web/static//etc/passwd",
        "/web/static/..\\..\\settings.py",
        "/bootstrap/static/%00/etc/passwd",
        "/documents/static/../views.py",
        "/.git/config",
        "/config/roles.toml",
        "/archive.db",
        "/lantai.toml",
        "/web/static/",
        "/web/static",
        "/documents/../../etc/passwd",
        "/documents/x/versions/1/parts/../../../content",
        "/log/checkpoint/../archive.db",
    ],
)
def test_no_address_reads_a_file_that_is_not_for_browsers(world: World, path: str) -> None:
    for client in (world.browser(world.victim), world.browser(None)):
        answer = client.get(path, buffered=True)
        assert answer.status_code in {301, 303, 308, 400, 401, 404, 405}, path
        for inner in (b"root:", b"[core]", b"SQLite format", b"import ", b"[system_administrator]"):
            assert inner not in answer.data


def members() -> bytes:
    """A zip whose members want to be elsewhere, one of them a link."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for number, name in enumerate(NAMES[:3]):
            made.writestr(name, f"member {number} 夹带")
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("nul\0byte.txt", "cut")
    return content.getvalue()


def test_no_member_of_a_zip_leaves_it(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    engagement = engagement_of(leader)
    filed = add_document(
        leader, engagement_id=engagement.id, stream=io.BytesIO(members()), entry=Entry(name="夹带.zip")
    )
    world.work()
    assert strangers(world.archive.data_directory) == []
    client = world.browser(leader)
    page = client.get(f"/documents/{filed.document_id}").text
    assert OUTSIDE in page
    for address in set(re.findall(r"/documents/[0-9a-f-]{36}/versions/1/parts/[0-9/]+/content", page)):
        answer = client.get(address)
        assert answer.status_code in {200, 404, 422}
        assert b"root:" not in answer.data
        if answer.status_code == 200:
            assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
            assert answer.headers["Content-Type"] == "application/octet-stream"


def test_a_link_in_a_zip_shows_where_it_leads_and_does_not_go_there(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    engagement = engagement_of(leader)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/hostname")
    filed = add_document(
        leader, engagement_id=engagement.id, stream=io.BytesIO(content.getvalue()), entry=Entry("l.zip")
    )
    world.work()
    answer = world.browser(leader).get(f"/documents/{filed.document_id}/versions/1/parts/1/content")
    assert answer.status_code in {404, 422} or answer.data == b"/etc/hostname"
    assert os.uname().nodename.encode() not in answer.data


# --- spreadsheets -----------------------------------------------------------------------------------------------------


def cells_of_csv(content: bytes, delimiter: str = ",") -> list[str]:
    text = content.decode("utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]


def require_harmless_csv(content: bytes) -> None:
    """However the program splits the lines: at commas, at semicolons, at tabs, or knowing no quotes at all."""
    for delimiter in (",", ";", "\t"):
        for cell in cells_of_csv(content, delimiter):
            bare = cell.lstrip(' "\u3000\u200b\ufeff')
            assert not bare or bare[0] not in SIGNS, (delimiter, cell)
    for line in content.decode("utf-8-sig").splitlines():
        for piece in line.split(";"):
            assert not re.match(r'[ "\u3000]*[=+\-@＝＋－＠]', piece), piece


def require_harmless_workbook(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
    signed = [cell for cell in cells if isinstance(cell.value, str) and cell.value[0] in SIGNS]
    assert all(cell.quotePrefix for cell in signed)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for name in package.namelist():
            assert "externalLink" not in name
            assert b"<f>" not in package.read(name)


def hostile_documents(world: World, leader: Actor) -> None:
    engagement = engagement_of(leader, title="=1+1;@x")
    # Four to a document, so that few have to be read.
    for number in range(0, len(FORMULAS), 4):
        name, title, told, originator = (FORMULAS * 2)[number : number + 4]
        entry = Entry(name=f"{name}.txt".replace("/", "_"), title=title, number=told, originator=originator)
        content = f"公式清单 {number}".encode()
        add_document(leader, engagement_id=engagement.id, stream=io.BytesIO(content), entry=entry)
    world.work()


def test_no_list_taken_along_holds_a_formula(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    hostile_documents(world, leader)
    client = world.browser(leader)
    written = post(client, "/search/export?q=%E5%85%AC%E5%BC%8F", {"form": "csv"})
    assert written.data.count(b"'") > len(FORMULAS)
    require_harmless_csv(written.data)
    assert written.headers["Content-Disposition"].startswith("attachment")
    book = post(client, "/search/export?q=%E5%85%AC%E5%BC%8F", {"form": "xlsx"}).data
    require_harmless_workbook(book)
    texts = {cell.value for row in openpyxl.load_workbook(io.BytesIO(book)).active.iter_rows() for cell in row}
    assert texts >= {"+1+1", "＋1"}, "the workbook keeps every title as it is"


def test_no_report_of_a_register_holds_a_formula(world: World) -> None:
    leader = world.people.person("team_leader", "archivist")
    rows = rows_of(len(FORMULAS))
    for number, formula in enumerate(FORMULAS):
        rows[number][1] = rows[number][3] = rows[number][7] = formula
    heads = ("件号", "题名", "文号", "责任者", "日期", "页数", "文件名", "=备注")
    register_id = bring(leader, workbook(rows, heads=heads), name="=1+1.xlsx", engagement_id=engagement_of(leader).id)
    world.work()
    answer = world.browser(leader).get(f"/registers/{register_id}/report.xlsx")
    assert answer.status_code == 200
    require_harmless_workbook(answer.data)


def test_the_checks_here_see_a_formula() -> None:
    """They fail for what they look for."""
    with pytest.raises(AssertionError):
        require_harmless_csv(b"a,=1+1\r\n")
    with pytest.raises(AssertionError):
        require_harmless_csv(b"x,a;=1+1\r\n")
    content = io.BytesIO()
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.save(content)
    with pytest.raises(AssertionError):
        require_harmless_workbook(content.getvalue())
    assert zipped({"a": b""})
