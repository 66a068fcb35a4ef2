"""The pages of searching, as different people see them: hits, suggestions, saved searches, lists to take along."""

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archive_app.app import create_app
from archive_app.documents.ingest import Entry, add_document
from archive_app.documents.saved_searches import delete_search, list_searches, open_search, save_search
from archive_app.documents.searching import search_documents
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.language import translate
from archive_app.runtime import FEATURES, Parts, create_archive, index_memory_directory, open_archive
from archive_app.settings import load_settings
from archive_app.trail.reading import EventFilters, list_events
from archive_app.trail.sequencing import sequence
from archive_app.web.gate import SESSION_COOKIE
from archive_app.worker import Worker, open_index
from search import Filters, Scope
from tests import files
from tests.bench.installation import sign_in
from tests.conftest import SetClock
from tests.factories import People, engagement_of, file_bytes

TABLE_ROW = 12
FORMULA = '=HYPERLINK("http://example.org","点")'


@dataclass(frozen=True)
class Desk:
    """Two teams of one organisation, and an archivist of another one; each file has the word 热值 in it."""

    archive: Archive
    app: Flask
    worker: Worker
    clock: SetClock
    people: People
    leader: Actor
    other_leader: Actor
    stranger: Actor
    engagement: Engagement
    other: Engagement

    def work(self) -> None:
        """Does all work that is due."""
        self.worker.drain()
        sequence(self.archive)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One archive for all tests here: they ask much and change little."""
    place = tmp_path_factory.mktemp("search")
    environ = {"HOME": str(place), "LANTAI_SEARCH__MEMORY_DIRECTORY": str(place)}
    settings, clock = load_settings(environ, data_directory=place / "data"), SetClock()
    parts = replace(Parts.usual(), clock=clock)
    create_archive(settings, parts)
    archive = open_archive(settings, parts)
    memory = index_memory_directory(settings, archive.archive_id)
    with archive.activate(), open_index(archive, settings, memory) as index:
        people = People(archive)
        leader, other_leader = people.person("team_leader", name="顾言"), people.person("team_leader", name="方宁")
        stranger = people.person("archivist", organisation="别家机构")
        made = Desk(
            archive=archive,
            app=create_app(archive, settings, FEATURES),
            worker=Worker(archive, index, FEATURES),
            clock=clock,
            people=people,
            leader=leader,
            other_leader=other_leader,
            stranger=stranger,
            engagement=engagement_of(leader, title="长江电厂核查"),
            other=engagement_of(other_leader, title="黄河水泥核查"),
        )
        _file(made)
        made.work()
        yield made
    archive.engine.dispose()


def _file(desk: Desk) -> None:
    entries = [
        (
            Entry(
                name="排放报告.txt",
                title="排放报告",
                number="京环〔2026〕15号",
                dated_on=date(2026, 5, 4),
                originator="设备部",
            ),
            "煤的热值 GHG",
        ),
        (Entry(name="公式.txt"), "热值表"),
        (Entry(name="b.txt", title=FORMULA), "热值乙"),
    ]
    for entry, text in entries:
        add_document(desk.leader, engagement_id=desk.engagement.id, stream=io.BytesIO(text.encode()), entry=entry)
    file_bytes(desk.other_leader, desk.other, "机密台账.txt", "热值 机密内容".encode())
    rows = [[f"设施{n}", "入炉煤" if n == TABLE_ROW else "其他"] for n in range(1, 30)]
    file_bytes(desk.leader, desk.engagement, "台账.xlsx", files.xlsx({"排放": rows}))
    file_bytes(desk.leader, desk.engagement, "三页.pdf", files.pdf(["封面", "目录", "入炉煤采样记录"]))


@pytest.fixture
def client_of(desk: Desk) -> Callable[..., FlaskClient]:
    def make(actor: Actor, language: str = "en") -> FlaskClient:
        made = desk.app.test_client()
        made.set_cookie(SESSION_COOKIE, sign_in(desk.archive, actor.person_id))
        made.set_cookie("lantai_language", language)
        return made

    return make


Clients = Callable[..., FlaskClient]


def post(client: FlaskClient, address: str, **data: str) -> TestResponse:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/search").text)
    assert token
    return client.post(address, data={"csrf_token": token[1], **data})


def titles(page: str) -> list[str]:
    return re.findall(r'<article class="hit">\s*<h2><a href="[^"]+">([^<]*)</a>', page)


def test_a_field_narrows_and_is_shown_as_a_chip(desk: Desk, client_of: Clients) -> None:
    page = client_of(desk.leader).get("/search?q=文号:15 热值").text
    assert titles(page) == ["排放报告"]
    assert re.search(r'chip-name">Document number</span> 15<', page)
    assert "京环〔2026〕15号 ·" in page
    assert titles(client_of(desk.leader).get("/search?q=日期:2026-05").text) == ["排放报告"]
    assert titles(client_of(desk.leader).get("/search?q=责任者:设备部").text) == ["排放报告"]
    assert len(titles(client_of(desk.leader).get("/search?q=项目:长江电厂").text)) == 5
    assert titles(client_of(desk.leader).get("/search?q=客户:黄河").text) == []


def test_everything_is_still_found_without_a_field(desk: Desk) -> None:
    engagement = desk.engagement
    for words in ("江南热电厂", engagement.number, engagement.title, "设备部", "京环〔2026〕15号", "排放报告.txt"):
        assert search_documents(desk.leader, text=f'"{words}"', filters=Filters()).total >= 1, words


def test_a_bad_value_is_explained_and_no_chip(desk: Desk, client_of: Clients) -> None:
    page = client_of(desk.leader).get("/search?q=年份:去年").text
    assert "A year is written 2024" in page
    assert "chip-name" not in page


def test_excerpts_and_titles_are_escaped_and_marked(desk: Desk, client_of: Clients) -> None:
    page = client_of(desk.leader).get("/search?q=热值").text
    assert "煤的<mark>热值</mark> GHG</p>" in page
    assert "=HYPERLINK(&#34;http://example.org&#34;" in page


@pytest.mark.parametrize(
    ("kind", "place", "values", "link"),
    [
        (
            "xlsx",
            "sheet %(sheet)s, cell %(cell)s",
            {"sheet": "排放", "cell": "B12"},
            "row=%E6%8E%92%E6%94%BE%2112",
        ),
        ("pdf", "page %(number)s", {"number": 3}, "page=3"),
    ],
)
def test_an_excerpt_says_where_it_stands_and_leads_there(
    desk: Desk, client_of: Clients, kind: str, place: str, values: dict[str, object], link: str
) -> None:
    for language in ("en", "zh_Hans_CN"):
        client = client_of(desk.leader, language)
        page = client.get(f"/search?q=入炉煤&kind={kind}").text
        [(address, words)] = re.findall(r'excerpt-place" href="([^"]+)">([^<]+)<', page)
        assert words == translate(language, place, **values)
        assert html.unescape(address).partition("&")[2] == f"{link}&q=%E5%85%A5%E7%82%89%E7%85%A4"
        assert client.get(html.unescape(address)).status_code == 200


def test_links_keep_the_question_and_start_at_the_first_page(desk: Desk, client_of: Clients) -> None:
    page = client_of(desk.leader).get("/search?q=热值&kind=txt&offset=0&sort=newest").text
    [taken_back] = re.findall(r'<a href="([^"]+)" aria-current="true"', page.partition("narrow-down")[2])
    assert taken_back == "?q=%E7%83%AD%E5%80%BC&amp;sort=newest"


@pytest.mark.parametrize("who", ["leader", "other_leader", "stranger"])
def test_suggestions_name_only_what_one_may_see(desk: Desk, client_of: Clients, who: str) -> None:
    client = client_of(getattr(desk, who))
    told = [
        client.get("/search/suggestions", query_string={"q": typed}).get_json() for typed in ("机密", "黄河", "长江")
    ]
    secret, other, own = [[one["words"] for one in lines] for lines in told]
    assert any("机密台账" in words for words in secret) is (who == "other_leader")
    assert ("黄河水泥核查" in other) is (who == "other_leader")
    assert ("长江电厂核查" in own) is (who == "leader")


def test_a_suggestion_leads_to_what_it_names(desk: Desk, client_of: Clients) -> None:
    client = client_of(desk.leader)
    lines = client.get("/search/suggestions?q=长江").get_json()
    [line] = [line for line in lines if line["words"] == "长江电厂核查"]
    assert (line["label"], line["text"], line["count"]) == ("Engagement", 'engagement:"长江电厂核查"', 5)
    assert len(titles(client.get(line["href"]).text)) == 5
    [chinese] = [
        one
        for one in client_of(desk.leader, "zh_Hans_CN").get("/search/suggestions?q=长江").get_json()
        if one["words"] == "长江电厂核查"
    ]
    assert chinese["text"] == '项目:"长江电厂核查"'


def test_nobody_is_asked_without_a_session(desk: Desk) -> None:
    answer = desk.app.test_client().get("/search/suggestions?q=长", headers={"Accept": "application/json"})
    assert answer.status_code == 401


def rows_of_csv(response: TestResponse) -> list[list[str]]:
    assert response.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def rows_of_xlsx(response: TestResponse) -> list[list[object]]:
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_the_list_as_csv_holds_all_columns_and_no_formula(desk: Desk, client_of: Clients) -> None:
    response = post(client_of(desk.leader), "/search/export?q=热值&sort=title", form="csv")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="search-')
    heading, *rows = rows_of_csv(response)
    found = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
    assert set(found) == {"排放报告", "公式.txt", f"'{FORMULA}"}
    report = found["排放报告"]
    assert report["Document number"] == "京环〔2026〕15号"
    assert report["Document date"] == "2026-05-04"
    assert report["Engagement"] == "长江电厂核查"
    assert report["Text"] == "Read"
    assert re.fullmatch(r"[0-9a-f]{64}", report["Digest (SHA-256)"])
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/documents/[0-9a-f-]{36}\?version=1", report["Link"])


def test_the_list_as_workbook_is_in_the_readers_language(desk: Desk, client_of: Clients) -> None:
    response = post(client_of(desk.leader, "zh_Hans_CN"), "/search/export?q=热值", form="xlsx")
    heading, *rows = rows_of_xlsx(response)
    assert heading[:2] == ["题名", "文号"]
    assert {row[0] for row in rows} == {"排放报告", "公式.txt", FORMULA}


def test_a_list_holds_what_the_reader_may_see_and_is_recorded(desk: Desk, client_of: Clients) -> None:
    before = exports(desk)
    assert [
        row[0] for row in rows_of_csv(post(client_of(desk.other_leader), "/search/export?q=热值", form="csv"))[1:]
    ] == ["机密台账.txt"]
    assert rows_of_csv(post(client_of(desk.stranger), "/search/export?q=热值", form="csv"))[1:] == []
    # Those of the other organisation are for its own people.
    assert exports(desk) - before == Counter({(1, "q=%E7%83%AD%E5%80%BC"): 1})


def test_a_list_is_for_those_who_may_take_it_along_and_confirmed_who_they_are(desk: Desk, client_of: Clients) -> None:
    page = "/search?q=热值"
    auditor = client_of(desk.people.person("internal_auditor"))
    assert "/search/export" not in auditor.get(page).text
    assert post(auditor, "/search/export?q=热值", form="csv").status_code == 403
    client = client_of(desk.leader)
    assert "/search/export" in client.get(page).text
    desk.clock.advance(minutes=10)
    assert 'href="/confirm?next=/search?q%3D' in client.get(page).text
    late = post(client, "/search/export?q=热值", form="csv")
    assert (late.status_code, "confirm first that it is you" in late.text) == (403, True)


def exports(desk: Desk) -> Counter[tuple[object, object]]:
    archivist = desk.people.person("archivist")
    events = list_events(archivist, filters=EventFilters(code="search.exported")).items
    return Counter((event.detail["count"], event.detail["search"]) for event in events)


def test_a_list_that_was_cut_says_so(desk: Desk, client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive_app.documents.exporting.MOST_ROWS", 2)
    monkeypatch.setattr("archive_app.documents.exporting._BATCH", 1)
    rows = rows_of_csv(post(client_of(desk.leader), "/search/export?q=热值", form="csv"))
    assert len(rows) == 1 + 2 + 1
    assert rows[-1] == ["Only the first 2 of 3 hits are listed. Narrow the search down to get the others."]


def test_an_unknown_form_is_refused(desk: Desk, client_of: Clients) -> None:
    assert post(client_of(desk.leader), "/search/export?q=热值", form="pdf").status_code == 422


def saved_names(client: FlaskClient) -> Sequence[str]:
    return re.findall(r'<button class="btn btn-link">([^<]+)</button>', client.get("/search/saved").text)


def test_a_search_is_saved_opened_renamed_and_deleted(desk: Desk, client_of: Clients) -> None:
    client = client_of(desk.leader)
    assert post(client, "/search/saved?q=热值&kind=txt&offset=20&x=1", name="热值文件").status_code == 303
    [saved] = list_searches(desk.leader).items
    assert (saved.address, saved.own, saved.shared) == ("q=%E7%83%AD%E5%80%BC&kind=txt", True, False)
    assert saved_names(client) == ["热值文件"]
    opened = post(client, f"/search/saved/{saved.id}/open")
    assert opened.location == f"/search?{saved.address}"
    post(client, f"/search/saved/{saved.id}", name="改名", shared="1")
    assert "already have a saved search named" not in client.get("/search/saved").text
    [changed] = list_searches(desk.leader).items
    assert (changed.name, changed.shared) == ("改名", True)
    post(client, "/search/saved?q=另", name="改名")
    assert "already have a saved search named 改名" in client.get("/search/saved").text
    assert post(client, f"/search/saved/{saved.id}/delete").status_code == 303
    assert saved_names(client) == []


def test_saved_searches_are_ones_own_unless_shared(desk: Desk, client_of: Clients) -> None:
    verifier = desk.people.person("verifier")
    pairs = [("q", "热值")]
    own = save_search(desk.leader, name="我的", pairs=pairs)
    shared = save_search(desk.leader, name="大家的", pairs=pairs, shared=True)
    for reader, names in ((desk.leader, ["大家的", "我的"]), (verifier, ["大家的"]), (desk.stranger, [])):
        assert sorted(saved_names(client_of(reader))) == sorted(names)
        lines = client_of(reader).get("/search/suggestions?q=的").get_json()
        assert sorted(line["words"] for line in lines if line["label"] == "Saved search") == sorted(names)
    client = client_of(verifier)
    assert post(client, f"/search/saved/{own}/open").status_code == 404
    assert post(client, f"/search/saved/{own}/delete").status_code == 404
    assert post(client, f"/search/saved/{shared}/delete").status_code == 403
    with pytest.raises(PermissionMissingError):
        save_search(verifier, name="要共享", pairs=pairs, shared=True)
    # Opened by somebody else, it finds what they may see.
    assert titles(client.get(post(client, f"/search/saved/{shared}/open").location).text) == []
    with_right = client_of(desk.other_leader)
    assert post(with_right, f"/search/saved/{shared}/delete").status_code == 303
    delete_search(desk.leader, search_id=own)


def test_what_was_filed_since_the_last_look_is_new(desk: Desk, client_of: Clients) -> None:
    search_id = save_search(desk.leader, name="热值", pairs=[("q", "低位热值")], shared=True)
    assert [line.new for line in list_searches(desk.leader).items] == [0]
    assert [line.new for line in list_searches(desk.other_leader).items] == [None]
    desk.clock.advance(minutes=1)
    file_bytes(desk.leader, desk.engagement, "新的.txt", "新低位热值".encode())
    file_bytes(desk.other_leader, desk.other, "别组新的.txt", "别组低位热值".encode())
    desk.work()
    assert [line.new for line in list_searches(desk.leader).items] == [1]
    page = client_of(desk.leader).get("/search/saved").text
    assert ">1 new<" in page
    desk.clock.advance(minutes=1)
    post(client_of(desk.leader), f"/search/saved/{search_id}/open")
    assert [line.new for line in list_searches(desk.leader).items] == [0]
    delete_search(desk.leader, search_id=search_id)


def test_similar_documents_are_ones_own_and_say_how_like(desk: Desk, client_of: Clients) -> None:
    text = "".join(
        f"第{n}条 核算边界内的化石燃料燃烧排放按低位发热量计算，第{n}项活动数据取自台账。" for n in range(60)
    )
    first = file_bytes(desk.leader, desk.engagement, "初稿.txt", text.encode())
    file_bytes(desk.leader, desk.engagement, "二稿.txt", (text + "修订说明。").encode())
    elsewhere = file_bytes(desk.other_leader, desk.other, "抄本.txt", (text + "另。").encode())
    desk.work()
    page = client_of(desk.leader).get(f"/documents/{first.document_id}/similar").text
    assert titles(page.replace("\n    ", ""))[:1] == ["二稿.txt"] or "二稿.txt" in page
    assert re.search(r"\d\d+ % the same text", page)
    assert "抄本" not in page
    assert client_of(desk.leader).get(f"/documents/{elsewhere.document_id}/similar").status_code == 404


def test_a_hidden_saved_search_and_one_that_is_not_there_look_alike(desk: Desk) -> None:
    own = save_search(desk.leader, name="只有我", pairs=[("q", "热值")])
    for search_id in (own, own[:-1] + ("0" if own[-1] != "0" else "1")):
        with pytest.raises(NotFoundError):
            open_search(desk.stranger, search_id=search_id)
    delete_search(desk.leader, search_id=own)


def test_rows_are_checked_once_more_whatever_the_index_lets_through(
    desk: Desk, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_search(desk.leader, name="一切", pairs=[("q", "热值")])
    desk.clock.advance(minutes=1)
    file_bytes(desk.other_leader, desk.other, "机密二.txt", "热值 又一份机密".encode())
    desk.work()
    for module in ("searching", "exporting", "saved_searches", "likeness"):
        name = f"archive_app.documents.{module}.scope_of"
        monkeypatch.setattr(name, lambda _actor, _uow: Scope(everything=True))
    client = client_of(desk.leader)
    page = client.get("/search?q=机密").text
    assert titles(page) == []
    assert "机密台账" not in page
    assert "机密内容" not in page
    assert len(rows_of_csv(post(client, "/search/export?q=机密", form="csv"))) == 1
    [line] = [line for line in list_searches(desk.leader).items if line.name == "一切"]
    assert line.new == 0
    delete_search(desk.leader, search_id=line.id)


@pytest.mark.parametrize("typed", ["x" * 5_000, "\0", '"', "((((", "客户:", "%s %(x)s {}", "\u202e\ud7ff", "机" * 200])
def test_whatever_is_typed_gets_an_answer(desk: Desk, client_of: Clients, typed: str) -> None:
    client = client_of(desk.leader)
    for page in ("/search/suggestions", "/search"):
        assert client.get(page, query_string={"q": typed}).status_code == (400 if "\0" in typed else 200)


def test_a_question_that_is_too_long_is_refused_and_nothing_recorded(desk: Desk, client_of: Clients) -> None:
    before, client = exports(desk), client_of(desk.leader)
    assert post(client, f"/search/export?q={'x' * 3_000}", form="xlsx").status_code == 422
    assert exports(desk) == before
    for pairs, name in (([("q", "x" * 9_000)], "长"), ([], "空"), ([("offset", "20")], "空"), ([("q", "热值")], " ")):
        with pytest.raises(InvalidInputError):
            save_search(desk.leader, name=name, pairs=pairs)


def test_synonyms_are_said_and_can_be_switched_off(desk: Desk, client_of: Clients) -> None:
    client = client_of(desk.leader)
    page = client.get("/search?q=温室气体").text
    assert "排放报告" in titles(page)
    assert "<mark>GHG</mark>" in page
    off = re.search(r'chip-link" href="([^"]+)">Without synonyms<', page)
    assert off
    page = client.get("/search" + html.unescape(off[1])).text
    assert "排放报告" not in titles(page)
    back = re.search(r'chip-link" href="([^"]+)">With synonyms again<', page)
    assert back
    assert "排放报告" in titles(client.get("/search" + html.unescape(back[1])).text)


def test_what_a_register_says_of_a_document_stands_on_its_page(desk: Desk, client_of: Clients) -> None:
    client = client_of(desk.leader)
    found = client.get("/search?q=文号:京环〔2026〕15号").text
    address = re.search(r'<h2><a href="([^"]+)">排放报告', found)
    assert address
    page = client.get(html.unescape(address[1])).text
    assert re.search(r"<dt>Document number</dt><dd>京环〔2026〕15号</dd>", page)
    assert re.search(r"<dt>Document date</dt><dd>2026-05-04</dd>", page)
