"""Pages of registers without any script: bring, name columns, mend, attach, file, close, report; refusals too."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.outbox import Job
from tests.conftest import Workbench
from tests.factories import People, engagement_of, sign_in_by_page
from tests.registers import rows_of, workbook


def token(client: FlaskClient, address: str) -> str:
    page = client.get(address).get_data(as_text=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None, page[:500]
    return found[1]


class Desk:
    """Somebody at the pages of registers."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = token(client, "/registers")

    def post(self, address: str, **fields: object) -> str:
        """Sends a form, follows to the next page, returns it."""
        sent = {"csrf_token": self.token, **fields}
        answer = self.client.post(address, data=sent, follow_redirects=True)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)

    def page(self, address: str) -> str:
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        return answer.get_data(as_text=True)


@pytest.fixture
def desk(archive: Archive, people: People, browser: Callable[[], FlaskClient]) -> tuple[Desk, Actor]:
    leader = people.person("team_leader")
    return Desk(sign_in_by_page(archive, browser(), leader)), leader


def register_address(page: str) -> str:
    found = re.search(r"/registers/[0-9a-f-]{36}", page)
    assert found is not None
    return found[0]


def row_addresses(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/registers/[0-9a-f-]{36}/rows/[0-9a-f-]{36}", page)))


def test_the_whole_way_without_scripts(desk: tuple[Desk, Actor], workbench: Workbench) -> None:
    at, leader = desk
    engagement = engagement_of(leader)
    rows = rows_of(3)
    rows[1][4] = "2025-02-30"
    rows[2][1] = "<script>alert(1)</script>"
    brought = (io.BytesIO(workbook(rows)), "卷内目录.xlsx")
    page = at.post("/registers", engagement_id=engagement.id, file=brought)
    address = register_address(page)
    assert page.count("selected") == 8
    columns = {f"column-{place}": code for place, code in enumerate(("item_number", "title", "number"))}
    page = at.post(f"{address}/columns", **columns, **{"column-4": "dated_on", "column-6": "file_name"})
    assert "正在逐行检查" in page
    workbench.run()
    assert at.client.get(f"{address}/status").get_json()["state"] == "ready"
    page = at.page(address)
    assert "没有这一天" in page
    assert "E 列" in page
    (row,) = row_addresses(page)
    page = at.post(row, act="mend", field="dated_on", value="2025-02-28", back_state="faulty")
    assert "所有未办结的行都没有问题" in page
    assert "2025-02-28" in at.page(row)

    files = [(io.BytesIO(name.encode()), name) for name in ("核查资料001.txt", "核查资料003.txt", "另外.txt")]
    sent = {"csrf_token": at.token, "files": files}
    page = at.client.post(f"{address}/files", data=sent, follow_redirects=True).get_data(as_text=True)
    assert "另外.txt" in page
    chosen = re.search(r'name="row" value="([^"]+)"', page), re.search(r'name="file" value="([^"]+)"', page)
    page = at.post(f"{address}/attach", act="attach", row=chosen[0][1], file=chosen[1][1])  # type: ignore[index]
    page = at.post(f"{address}/filing", act="file")
    workbench.run()
    page = at.post(f"{address}/filing", act="close")
    assert "此次导入已结束" in page
    report = at.client.get(f"{address}/report.xlsx")
    assert report.data.startswith(b"PK")
    assert "attachment" in report.headers["Content-Disposition"]
    page = at.page(f"/engagements/{engagement.id}")
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    page = at.post(f"{address}/filing", act="undo")
    workbench.run()
    assert at.page(f"/engagements/{engagement.id}").count("核查资料") == 0


def test_what_is_refused_is_said_on_the_next_page(desk: tuple[Desk, Actor], workbench: Workbench) -> None:
    at, leader = desk
    engagement = engagement_of(leader)
    page = at.post("/registers", engagement_id=engagement.id, file=(io.BytesIO(b"\x89PNG\r\n\x1a\n0"), "目录.xlsx"))
    assert "不是可作目录读取的表格" in page
    page = at.post("/registers", engagement_id=engagement.id, file=(io.BytesIO(workbook(rows_of(2))), "目录.xlsx"))
    address = register_address(page)
    assert "没有哪一列标为" in at.post(f"{address}/columns", **{"column-0": "item_number"})
    assert "有两列标为同一字段" in at.post(f"{address}/columns", **{"column-0": "title", "column-1": "title"})
    assert "另一步骤" in at.post(f"{address}/filing", act="file")
    at.post(f"{address}/columns", **{"column-1": "title"})
    workbench.run()
    assert "没有可以入库的行" in at.post(f"{address}/filing", act="file")
    assert "未办结" in at.post(f"{address}/filing", act="close")
    page = at.post(f"{address}/attach", act="close_all", reason="仅有纸质")
    assert "2" in page
    assert "此次导入已结束" in at.post(f"{address}/filing", act="close")


def test_a_script_learns_what_is_there_already(desk: tuple[Desk, Actor], workbench: Workbench) -> None:
    at, leader = desk
    engagement = engagement_of(leader)
    page = at.post("/registers", engagement_id=engagement.id, file=(io.BytesIO(workbook(rows_of(1))), "目录.xlsx"))
    address = register_address(page)
    headers = {"X-CSRF-Token": at.token, "Accept": "application/json"}
    content = f"{address}/files/content?path=卷/甲.txt&modified=1700000000000"
    assert at.client.put(content, data=b"12345", headers=headers).status_code == 201
    told = {"files": [{"path": "卷/甲.txt", "size": 5}, {"path": "卷/甲.txt", "size": 6}]}
    assert at.client.post(f"{address}/files/known", json=told, headers=headers).get_json() == [True, False]
    assert at.client.put(f"{address}/files/content?path=空.txt", data=b"", headers=headers).status_code == 422
    assert at.client.put(content, data=b"12345").status_code == 400
    wrongs: tuple[object, ...] = (
        {},
        {"files": "x"},
        {"files": [{"path": 1, "size": 5}]},
        {"files": [{"path": "a", "size": True}]},
        [],
    )
    for wrong in wrongs:
        assert at.client.post(f"{address}/files/known", json=wrong, headers=headers).status_code == 422


def test_strangers_find_no_register(
    desk: tuple[Desk, Actor], archive: Archive, people: People, browser: Callable[[], FlaskClient]
) -> None:
    at, leader = desk
    engagement = engagement_of(leader)
    page = at.post("/registers", engagement_id=engagement.id, file=(io.BytesIO(workbook(rows_of(1))), "目录.xlsx"))
    address = register_address(page)
    stranger = sign_in_by_page(archive, browser(), people.person("archivist", organisation="别家机构"))
    verifier = sign_in_by_page(archive, browser(), people.person("verifier"))
    for place in ("", "/status", "/columns", "/rows", "/files", "/filing", "/report.xlsx"):
        assert stranger.get(f"{address}{place}").status_code == 404
        assert verifier.get(f"{address}{place}").status_code == 403


def test_a_step_that_stopped_offers_its_ways_out(
    desk: tuple[Desk, Actor], archive: Archive, workbench: Workbench
) -> None:
    at, leader = desk

    def set_aside() -> None:
        with archive.transaction(Actor.system("test"), eventless=True) as uow:
            for job in uow.session.scalars(select(Job).where(Job.kind.in_(["registers.check", "registers.file"]))):
                job.state = "dead"

    brought = (io.BytesIO(workbook(rows_of(1))), "目录.xlsx")
    page = at.post("/registers", engagement_id=engagement_of(leader).id, file=brought)
    address = register_address(page)
    columns = {"column-1": "title", "column-6": "file_name"}
    page = at.post(f"{address}/columns", **columns)
    assert "返回各列含义" not in page
    assert at.client.get(f"{address}/status").get_json()["stopped"] is False
    assert "后台正在处理" in at.post(f"{address}/stopped", act="step_back")
    set_aside()
    assert at.client.get(f"{address}/status").get_json()["stopped"] is True
    page = at.page(address)
    assert "继续检查" in page
    assert "data-register-progress" not in page
    assert "目录.xlsx的检查中途停止" in at.post(f"{address}/stopped", act="step_back")
    at.post(f"{address}/columns", **columns)
    set_aside()
    at.post(f"{address}/stopped", act="go_on")
    workbench.run()

    files = [(io.BytesIO(b"1"), "核查资料001.txt")]
    at.client.post(f"{address}/files", data={"csrf_token": at.token, "files": files})
    at.post(f"{address}/filing", act="file")
    set_aside()
    assert "继续入库" in at.page(f"{address}/filing")
    assert 'name="act" value="file"' in at.post(f"{address}/stopped", act="step_back")
    at.post(f"{address}/filing", act="file")
    set_aside()
    at.post(f"{address}/stopped", act="go_on")
    workbench.run()
    assert "继续入库" not in at.page(f"{address}/filing")
    assert at.client.get(f"{address}/status").get_json()["state"] == "ready"
