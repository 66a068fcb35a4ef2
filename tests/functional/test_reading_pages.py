"""Pages of reading as a browser without scripts sees them, and the command that has documents read again."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from archive_app.documents import reading as reading_module
from archive_app.documents import recognising, rereading
from archive_app.documents.models import ReadingRun, Version
from archive_app.documents.rereading import ReadingRunningError, request_reading, view_reading
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, PermissionMissingError
from archive_app.kernel.outbox import Job
from archive_app.web.gate import SESSION_COOKIE
from search.reading import Passage, RecognisedPage, recognition_engine
from tests import files
from tests.bench.installation import sign_in
from tests.command_line import CommandLine
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes

Browser = Callable[[], FlaskClient]


@pytest.fixture
def archivist(people: People) -> Actor:
    return people.person("team_leader", "archivist", name="顾言")


@pytest.fixture
def engagement(archivist: Actor) -> Engagement:
    return engagement_of(archivist)


@pytest.fixture
def client(archive: Archive, browser: Browser, archivist: Actor) -> FlaskClient:
    made = browser()
    made.set_cookie(SESSION_COOKIE, sign_in(archive, archivist.person_id))
    made.set_cookie("lantai_language", "zh_Hans_CN")
    return made


@pytest.fixture
def _recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    box = (0.1, 0.2, 0.5, 0.02)
    page = RecognisedPage("红章下的文字<b>", (Passage(0, "page:1", 55, box),), 55, "tesseract/5.0.0")
    for module in (reading_module, rereading):
        monkeypatch.setattr(module, "recognition_engine", lambda: "tesseract/5.0.0")
    monkeypatch.setattr(recognising, "recognise_page", lambda *_args, **_named: page)


def reread_jobs(archive: Archive) -> list[str]:
    with archive.reading(Actor.system("test")) as uow:
        return list(uow.session.scalars(select(Job.subject_id).where(Job.kind == "documents.read")))


@pytest.mark.usefixtures("_recogniser")
def test_a_scan_says_how_it_was_read_and_marks_what_was_searched_for(
    client: FlaskClient, archivist: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    filed = file_bytes(archivist, engagement, "扫描.png", files.image(size=(600, 400)))
    workbench.run()
    page = client.get(f"/documents/{filed.document_id}?page=1&q=红章").text
    assert '<rect x="100.0" y="200.0" width="500.0" height="20.0"><title>红章下的文字&lt;b&gt;</title></rect>' in page
    assert "已识别1页" in page
    assert "置信度55%" in page
    assert "tesseract/5.0.0" in page
    assert "第1页" in page
    assert "style=" not in page
    assert "<rect" not in client.get(f"/documents/{filed.document_id}?page=1&q=别的词").text


def test_a_hit_opens_at_its_row(
    client: FlaskClient, archivist: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    rows = [("设施", "排放量"), *((f"锅炉{n}", n * 10) for n in range(1, 40))]
    filed = file_bytes(archivist, engagement, "台账.xlsx", files.xlsx({"排放 汇总": rows}))
    workbench.run()
    page = client.get(f"/documents/{filed.document_id}", query_string={"row": "排放 汇总!13"}).text
    here = re.search(r'class="here" tabindex="-1" autofocus>([^<]*)<', page)
    assert here
    assert here[1].startswith("锅炉12\t120")
    assert "表「排放 汇总」第13行" in page
    at = client.get(f"/documents/{filed.document_id}?at=999999999").text
    assert 'class="here"' not in at


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-5", "page=99999999999", "slide=x", "row=!!!", "part=../..", "part=9/9/9", "at=-1", "q=%22"],
)
def test_no_place_that_is_not_there_breaks_the_page(
    client: FlaskClient, archivist: Actor, engagement: Engagement, workbench: Workbench, query: str
) -> None:
    filed = file_bytes(archivist, engagement, "甲.pdf", files.pdf())
    workbench.run()
    assert client.get(f"/documents/{filed.document_id}?{query}").status_code == 200


@pytest.mark.usefixtures("_recogniser")
def test_files_inside_are_listed_opened_and_downloaded(
    client: FlaskClient, archivist: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    mail = files.eml(
        "邮件正文", attachments=(("图<1>.png", files.image(size=(200, 100))), ("表.csv", "甲,乙".encode()))
    )
    filed = file_bytes(archivist, engagement, "来函.eml", mail)
    workbench.run()
    page = client.get(f"/documents/{filed.document_id}").text
    assert "图&lt;1&gt;.png" in page
    links = re.findall(r'href="(/documents/[^"]+/parts/[^"]+/content)"', page)
    assert len(links) == 2
    answer = client.get(links[1])
    assert answer.data == "甲,乙".encode()
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E8%A1%A8.csv")
    shown = client.get(f"/documents/{filed.document_id}?part=1&page=1").text
    picture = re.search(r'src="(/documents/[^"]+/parts/1/pages/1-1200\.webp)"', shown)
    assert picture
    for _ in range(2):
        assert client.get(picture[1]).data[8:12] == b"WEBP"
    assert client.get(links[0].replace("/parts/1/", "/parts/7/")).status_code == 404
    assert client.get(picture[1].replace("/parts/1/", "/parts/2/")).status_code == 422


@both_databases
@pytest.mark.usefixtures("_recogniser")
def test_documents_are_read_again_in_portions(
    archive: Archive,
    archivist: Actor,
    engagement: Engagement,
    workbench: Workbench,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    people: People,
) -> None:
    monkeypatch.setattr(rereading, "_PORTION", 2)
    filed = [file_bytes(archivist, engagement, f"{n}.txt", f"文字{n}".encode()) for n in range(5)]
    file_bytes(archivist, engagement, "扫描.png", files.image())
    elsewhere = people.person("team_leader", "archivist", organisation="别家核查")
    file_bytes(elsewhere, engagement_of(elsewhere), "别家.txt", "别家".encode())
    workbench.run()
    assert view_reading(archivist).counts == {"older": 0, "failed": 0, "partly": 0, "doubtful": 1, "all": 6}
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        uow.session.execute(
            update(Version).where(Version.id.in_([one.version_id for one in filed])).values(reader="plain/0")
        )
    assert view_reading(archivist).counts["older"] == 5
    assert view_reading(elsewhere).counts["older"] == 0
    clock.advance(minutes=1)
    run = request_reading(archivist, reason="older")
    assert run.total == 5
    with pytest.raises(ReadingRunningError):
        request_reading(archivist, reason="all")
    workbench.worker.run_once()
    assert len(reread_jobs(archive)) == 2
    clock.advance(seconds=5)
    workbench.worker.run_once()
    assert len(reread_jobs(archive)) == 2
    for _ in range(9):
        workbench.run()
        clock.advance(seconds=5)
    state = view_reading(archivist)
    assert state.counts["older"] == 0
    assert [(one.state, one.handed_on, one.total) for one in state.runs] == [("done", 5, 5)]
    assert view_reading(elsewhere).runs == []
    with pytest.raises(InvalidInputError):
        request_reading(archivist, reason="because")
    with pytest.raises(PermissionMissingError):
        request_reading(people.person("team_leader"), reason="all")


@pytest.mark.usefixtures("_recogniser")
def test_the_page_of_reading_asks_for_a_run(
    archive: Archive, client: FlaskClient, archivist: Actor, engagement: Engagement, workbench: Workbench
) -> None:
    file_bytes(archivist, engagement, "甲.txt", "文字".encode())
    workbench.run()
    page = client.get("/documents/reading").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    assert client.post("/documents/reading", data={"csrf_token": token[1], "reason": "all"}).status_code == 303
    after = client.get("/documents/reading").text
    assert "<progress" in after
    with archive.reading(Actor.system("test")) as uow:
        assert uow.session.scalars(select(ReadingRun.reason)).all() == ["all"]


def test_the_page_is_for_archivists(archive: Archive, browser: Browser, people: People) -> None:
    made = browser()
    made.set_cookie(SESSION_COOKIE, sign_in(archive, people.person("verifier").person_id))
    assert made.get("/documents/reading").status_code == 403


def test_the_operator_has_documents_read_again_and_the_doctor_names_the_engine(tmp_path: Path) -> None:
    lantai = CommandLine.below(tmp_path)
    lantai.run("init")
    said = lantai.run("read-again").stdout
    assert "--older: 0 documents." in said
    assert "Waiting to be read: 0" in said
    assert "one of these options" in lantai.run("read-again", "--all", "--failed", expect=1).stderr
    assert "0 documents will be read again" in lantai.run("read-again", "--all").stdout
    assert "Being read again: 0 of 0" in lantai.run("read-again").stdout
    assert "already" in lantai.run("read-again", "--all", expect=1).stderr
    engine = recognition_engine()
    assert (engine or "none installed") in lantai.run("doctor").stdout
