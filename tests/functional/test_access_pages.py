"""Pages of access, levels and broken glass, as people of each part see them."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from archive_app.documents.ingest import Entry, add_document
from archive_app.engagements.glass import break_glass
from archive_app.engagements.requests import ask_for_access, grant_access
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.levels import Level
from archive_app.web.gate import SESSION_COOKIE
from tests.bench.installation import sign_in
from tests.conftest import SetClock
from tests.factories import People, engagement_of


class Desk:
    """Browsers of several people."""

    def __init__(self, archive: Archive, browser: Callable[[], FlaskClient]) -> None:
        self._archive, self._browser = archive, browser
        self._clients: dict[str, FlaskClient] = {}

    def of(self, actor: Actor) -> FlaskClient:
        if actor.name not in self._clients:
            client = self._browser()
            client.set_cookie(SESSION_COOKIE, sign_in(self._archive, actor.person_id or ""))
            self._clients[actor.name] = client
        return self._clients[actor.name]

    def page(self, actor: Actor, address: str, *, status: int = 200) -> str:
        answer = self.of(actor).get(address)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, actor: Actor, address: str, *, page: str = "", **form: object) -> str:
        token = re.search(r'name="csrf-token" content="([^"]+)"', self.page(actor, page or "/access"))
        assert token is not None
        answer = self.of(actor).post(address, data={**form, "csrf_token": token[1]}, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def desk(archive: Archive, browser: Callable[[], FlaskClient]) -> Desk:
    return Desk(archive, browser)


def test_from_the_request_to_the_answer(desk: Desk, people: People) -> None:
    leader, asking, archivist = (people.person(role) for role in ("team_leader", "verifier", "archivist"))
    engagement = engagement_of(leader, title="江南热电 2025")
    desk.page(asking, f"/engagements/{engagement.id}", status=404)
    answers = [
        desk.send(asking, "/access", wanted=wanted, grounds="客户投诉", days=3)
        for wanted in (engagement.number, "没有")
    ]
    # Nothing but what was typed differs between what exists and what does not.
    typed = re.compile(r"<table.*?</table>|<meta name=\"csrf.*?>|value=\"[^\"]*\"", re.DOTALL)
    bare = [typed.sub("", text) for text in answers]
    assert bare[0] == bare[1]
    assert engagement.title not in answers[0]
    assert "1 至" not in answers[0]
    wrong = desk.send(asking, "/access", wanted="还有", grounds="因<b>故</b>", days=91)
    assert 'value="还有"' in wrong
    assert "<b>故</b>" not in wrong
    own = desk.page(leader, f"/engagements/{engagement.id}/access")
    assert "客户投诉" in own
    [address] = re.findall(r'href="(/access/requests/[^"]+)"', own)
    assert len(re.findall(r'href="(/access/requests/[^"]+)"', desk.page(archivist, "/access/waiting"))) == 2
    assert "还没有" not in desk.page(leader, address)
    desk.send(leader, address, action="grant", days=2, reason="可以")
    assert "可以" in desk.page(asking, "/access")
    desk_of_guest = desk.page(asking, f"/engagements/{engagement.id}")
    for hidden in ("data-upload-desk", "/documents/levels", f"/engagements/{engagement.id}/access", "/registers/new"):
        assert hidden not in desk_of_guest
    desk.page(asking, f"/engagements/{engagement.id}/access", status=404)
    [end] = re.findall(r'action="(/access/granted/[^"]+)"', desk.page(leader, f"/engagements/{engagement.id}/access"))
    desk.send(leader, end, reason="已结束")
    desk.page(asking, f"/engagements/{engagement.id}", status=404)


def test_deciding_asks_who_it_is(desk: Desk, people: People, clock: SetClock) -> None:
    leader, asking = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader)
    request = ask_for_access(asking, wanted=engagement.number, grounds="查", days=1)
    desk.page(leader, f"/access/requests/{request.id}")
    clock.advance(minutes=11)
    answer = desk.of(leader).get(f"/access/requests/{request.id}", headers={"Accept": "text/html"})
    assert (answer.status_code, "/confirm" in answer.location) == (303, True)
    token = re.search(r'name="csrf-token" content="([^"]+)"', desk.page(leader, "/access"))
    late = desk.of(leader).post(
        f"/access/requests/{request.id}", data={"action": "grant", "days": 1, "csrf_token": token and token[1]}
    )
    assert late.status_code == 403


def test_levels_are_chosen_shown_and_changed(desk: Desk, people: People) -> None:
    leader, member = people.person("team_leader"), people.person("verifier", level=Level.INTERNAL)
    engagement = engagement_of(leader, team=[member])
    address = f"/engagements/{engagement.id}"
    token = re.search(r'name="csrf-token" content="([^"]+)"', desk.page(leader, address))
    fields = {"csrf_token": token and token[1], "level": "2", "files": (io.BytesIO("机密数据".encode()), "敏感.txt")}
    desk.of(leader).post(f"{address}/files", data=fields, content_type="multipart/form-data")
    text = desk.page(leader, address)
    assert "敏感.txt" in text
    assert "敏感.txt" not in desk.page(member, address)
    # Somebody is offered no level that they do not see themselves.
    assert re.findall(r'<option value="(\d)"', text.partition('id="upload-level"')[2].partition("</select>")[0]) == [
        "0",
        "1",
        "2",
        "3",
    ]
    theirs = desk.page(member, address)
    assert re.findall(r'<option value="(\d)"', theirs.partition('id="upload-level"')[2].partition("</select>")[0]) == [
        "0",
        "1",
    ]
    [document_id] = re.findall(r'name="document" value="([^"]+)"', text)
    assert "/documents/levels" not in theirs
    chosen = f"/documents/levels?document={document_id}"
    desk.page(member, chosen, status=403)
    desk.page(leader, chosen)
    form = {"document": document_id, "engagement": engagement.id}
    assert "降低级别须说明理由" in desk.send(leader, "/documents/levels", level="1", reason="", **form)
    assert "没有这个级别" in desk.send(leader, "/documents/levels", level="9", reason="x", **form)
    assert "敏感.txt" in desk.send(leader, "/documents/levels", level="1", reason="已公开披露", **form)
    page = desk.page(member, f"/documents/{document_id}")
    assert "state-quiet" in page
    foreign = people.person("team_leader", organisation="远山认证")
    desk.page(foreign, chosen, status=404)


def test_broken_glass_stands_on_every_page_of_the_team(desk: Desk, people: People, clock: SetClock) -> None:
    leader, member, archivist = (people.person(role) for role in ("team_leader", "verifier", "archivist"))
    auditor = people.person("security_auditor")
    engagement = engagement_of(leader, team=[member])
    filed = add_document(leader, engagement_id=engagement.id, stream=io.BytesIO(b"x"), entry=Entry(name="一.txt"))
    address = f"/engagements/{engagement.id}"
    assert "小时" in desk.page(archivist, f"{address}/glass")
    desk.page(leader, f"{address}/glass", status=403)
    assert "至少十个字" in desk.send(archivist, f"{address}/glass", reason="太短")
    desk.send(archivist, f"{address}/glass", reason="主管部门现场检查<i>急</i>需要")
    for page in ("/engagements", address, f"{address}/team", f"/documents/{filed.document_id}"):
        text = desk.page(member, page)
        assert "主管部门现场检查&lt;i&gt;急&lt;/i&gt;需要" in text
        assert archivist.display_name in text
    assert "主管部门" in desk.page(leader, f"{address}/access")
    log = desk.page(auditor, "/log")
    assert "/log?action=access.glass_broken" in log
    assert "近30天1次" in log
    assert "主管部门" in desk.page(auditor, "/log?action=access.glass_broken")
    clock.advance(days=14)
    again = desk.of(member)
    again.set_cookie(SESSION_COOKIE, sign_in(people.archive, member.person_id or ""))
    assert "主管部门" not in desk.page(member, address)


def test_who_may_see_it_says_why(desk: Desk, people: People) -> None:
    leader, manager, asking, archivist = (
        people.person(role) for role in ("team_leader", "quality_manager", "complaint_handler", "archivist")
    )
    engagement = engagement_of(leader)
    request = ask_for_access(asking, wanted=engagement.number, grounds="处理投诉", days=3)
    grant_access(leader, request_id=request.id)
    break_glass(archivist, engagement_id=engagement.id, reason="主管部门现场检查需要")
    text = desk.page(manager, f"/engagements/{engagement.id}/access")
    for words in (
        "已指派：",
        "质量负责人",
        "经申请准予查阅：处理投诉",
        "紧急破窗：主管部门现场检查需要",
        "受限",
    ):
        assert words in text
    # Whoever only reads it ends nothing and breaks nothing.
    assert "/access/granted/" not in text
    assert f"/engagements/{engagement.id}/glass" not in text
    assert f"/engagements/{engagement.id}/glass" in desk.page(archivist, f"/engagements/{engagement.id}/access")
