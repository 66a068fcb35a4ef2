"""Registers by the JSON interface: what a program mends, attaches, closes, and what it may not."""

from typing import Any

import pytest
from flask import Flask

from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of
from tests.functional.api_client import Program, token_of
from tests.registers import workbook

HEADS = ("题名", "文号", "日期", "文件名")
ROWS = [
    ["监测报告", "JC-2", "2026-02-30", "报告.txt"],
    ["检定证书", "JC-3", "2026-03", "证书.txt"],
    ["现场照片", "JC-4", "2026-03", "照片.jpg"],
    ["现场记录", "JC-5", "2026-03-09", ""],
]


@pytest.fixture
def leader(people: People) -> Actor:
    return people.person("team_leader")


@pytest.fixture
def engagement(leader: Actor) -> Engagement:
    return engagement_of(leader)


@pytest.fixture
def program(app: Flask, leader: Actor) -> Program:
    return Program(app, token_of(leader, "read", "import", "inbox"))


def brought(program: Program, workbench: Workbench, engagement: Engagement, content: bytes = b"") -> str:
    """A register whose rows are checked; the start of its addresses."""
    content = content or workbook(ROWS, heads=HEADS)
    job = program.send(f"/imports?name=r.xlsx&engagement={engagement.id}", content).json
    address = f"/imports/{job['id']}"
    named = program.get(address).json["columns"]
    assert program.ask("PUT", f"{address}/columns", json={"columns": named}, headers=KEYS.next()).status_code == 202
    workbench.run()
    return address


class _Keys:
    def __init__(self) -> None:
        self._last = 0

    def next(self) -> dict[str, str]:
        self._last += 1
        return {"Idempotency-Key": f"put-{self._last}"}


KEYS = _Keys()


def rows_at(program: Program, address: str, more: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = program.get(f"{address}/rows{more}").json["items"]
    return items


def told(answer: Any, status: int, code: str) -> Any:
    assert (answer.status_code, answer.json.get("code")) == (status, code), answer.text
    return answer.json


@both_databases
def test_a_program_brings_a_register_to_its_end_and_back(
    program: Program, workbench: Workbench, engagement: Engagement
) -> None:
    address = brought(program, workbench, engagement)
    first, second, third, fourth = rows_at(program, address)
    assert [fault["code"] for fault in first["faults"]] == ["date_impossible"]
    mended = program.post(f"{address}/rows/{first['id']}/corrections", {"field": "dated_on", "value": "2026-02-28"})
    assert mended.status_code == 200
    assert (mended.json["worst"], mended.json["values"]["dated_on"], mended.json["source"]["dated_on"]) == (
        "",
        "2026-02-28",
        "2026-02-30",
    )
    one = program.post(f"{address}/rows/{second['id']}/confirmations", {"fault": "date_partial"}).json
    assert (one["worst"], one["faults"][0]["confirmed"]) == ("", True)
    assert program.post(f"{address}/confirmations", {"fault": "date_partial"}).json["rows"] == 2

    for name in ("报告.txt", "证书.txt", "IMG.jpg", "Thumbs.db"):
        assert program.send(f"{address}/files?name={name}", name.encode()).status_code == 201
    assert program.post(f"{address}/matching").status_code == 202
    files = program.get(f"{address}/files").json["items"]
    assert {file["name"]: (file["how"], file["row_number"]) for file in files} == {
        "报告.txt": ("name", first["number"]),
        "证书.txt": ("name", second["number"]),
        "IMG.jpg": ("", None),
        "Thumbs.db": ("", None),
    }
    left = {file["name"]: file["id"] for file in program.get(f"{address}/files?left=only").json["items"]}
    assert left.keys() == {"IMG.jpg", "Thumbs.db"}
    by_hand = program.post(f"{address}/rows/{third['id']}/files", {"files": [left["IMG.jpg"], left["Thumbs.db"]]})
    assert by_hand.json["files"] == 2
    assert len(program.get(f"{address}/files?row={third['id']}").json["items"]) == 2
    off = program.post(f"{address}/files/{left['Thumbs.db']}/detaching").json
    assert (off["row_id"], off["how"]) == (None, "")
    away = program.post(f"{address}/files/{left['Thumbs.db']}/discarding", {"reason": "不是凭证"}).json
    assert away["state"] == "discarded"

    told(program.post(f"{address}/closing"), 409, "register_rows_open")
    closed = program.post(f"{address}/rows/{fourth['id']}/closing", {"reason": "left_out", "words": "重复"}).json
    assert (closed["state"], closed["reason"], closed["reason_words"]) == ("closed", "left_out", "重复")
    assert program.post(f"{address}/rows/{fourth['id']}/reopening").json["state"] == "open"
    assert program.post(f"{address}/rows/closing", {"words": "仅有纸质"}).json["rows"] == 1
    assert program.post(f"{address}/rows/closing", {}).json["rows"] == 0
    assert program.post(f"{address}/filing").status_code == 202
    workbench.run()
    assert [row["state"] for row in rows_at(program, address)] == ["filed", "filed", "filed", "closed"]
    told(program.post(f"{address}/rows/{first['id']}/corrections", {"field": "title", "value": "x"}), 409, "conflict")
    assert program.post(f"{address}/closing").json["state"] == "closed"
    told(program.post(f"{address}/filing"), 409, "register_wrong_step")

    assert program.post(f"{address}/undoing").status_code == 202
    workbench.run()
    assert [row["state"] for row in rows_at(program, address)] == ["open", "open", "open", "closed"]


def test_a_row_of_the_same_content_waits_for_a_confirmation(
    program: Program, workbench: Workbench, engagement: Engagement
) -> None:
    address = brought(program, workbench, engagement, workbook(ROWS[3:], heads=HEADS))
    assert program.send(f"/inbox?name=a.txt&engagement={engagement.id}", b"same").status_code == 201
    [row] = rows_at(program, address)
    told(program.post(f"{address}/rows/{row['id']}/same-content"), 409, "conflict")
    file = program.send(f"{address}/files?name=b.txt", b"same").json
    program.post(f"{address}/rows/{row['id']}/files", {"files": [file["id"]]})
    waiting = program.get("/inbox").json["items"][0]["id"]
    assert program.post(f"/inbox/{waiting}/filing", {"engagement_id": engagement.id}).status_code == 201
    program.post(f"{address}/filing")
    workbench.run()
    [refused] = rows_at(program, address, "?state=refused")
    assert "the same content" in refused["refusal"]
    assert program.post(f"{address}/rows/{row['id']}/same-content").json["refusal"] == ""
    program.post(f"{address}/filing")
    workbench.run()
    assert [row["state"] for row in rows_at(program, address)] == ["filed"]


def test_lists_of_the_intake_obey_their_limit(program: Program, workbench: Workbench, engagement: Engagement) -> None:
    address = brought(program, workbench, engagement)
    brought(program, workbench, engagement)
    for number in range(2):
        program.send(f"/inbox?name={number}.txt", b"%d" % number)
        program.send(f"{address}/files?name={number}.txt", b"%d" % number)
    for path, count in ((f"{address}/rows", 4), (f"{address}/files", 2), ("/imports", 2), ("/inbox", 2)):
        page = program.get(f"{path}?limit={count - 1}").json
        assert len(page["items"]) == count - 1, path
        rest = program.get(page["next"]).json
        assert (len(rest["items"]), rest["next"]) == (1, None), path
        told(program.get(f"{path}?limit=201"), 422, "invalid_input")


def test_a_corrected_file_keeps_what_was_done(program: Program, workbench: Workbench, engagement: Engagement) -> None:
    address = brought(program, workbench, engagement)
    first = rows_at(program, address)[0]
    program.post(f"{address}/rows/{first['id']}/corrections", {"field": "dated_on", "value": "2026-02-28"})
    more = workbook([*ROWS, ["补充", "JC-6", "", ""]], heads=HEADS)
    answer = program.send(f"{address}/content?name=r2.xlsx", more, method="PUT")
    assert (answer.status_code, answer.json["state"], answer.json["name"]) == (200, "checking", "r2.xlsx")
    workbench.run()
    rows = rows_at(program, address)
    assert len(rows) == 5
    assert rows[0]["values"]["dated_on"] == "2026-02-28"
    told(program.send(f"{address}/content?name=x.txt", b"\x00\x01", method="PUT"), 422, "not_a_register")


def test_a_repeated_act_is_done_once(program: Program, workbench: Workbench, engagement: Engagement) -> None:
    address = brought(program, workbench, engagement)
    rows = rows_at(program, address)
    path = f"{address}/rows/{rows[3]['id']}/closing"
    answers = [program.post(path, {"reason": "no_file"}, key="once") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    told(program.post(path, {"reason": "no_file"}), 409, "conflict")
    # Nothing changes, so there is no event; the answer is kept all the same.
    same = {"field": "title", "value": "监测报告"}
    unchanged = [program.post(f"{address}/rows/{rows[0]['id']}/corrections", same, key="same") for _ in range(2)]
    assert [answer.status_code for answer in unchanged] == [200, 200]
    sheet = program.ask("PUT", f"{address}/sheet", json={"sheet": 0}, headers=KEYS.next())
    assert (sheet.status_code, sheet.json["state"]) == (200, "mapping")


@pytest.mark.parametrize(
    ("act", "body", "place"),
    [
        ("corrections", {"field": "colour", "value": "x"}, "field"),
        ("corrections", {"field": "title", "value": "x" * 4001}, "value"),
        ("confirmations", {"fault": "date_impossible"}, "fault"),
        ("confirmations", {"fault": "nonsense"}, "fault"),
        ("closing", {"reason": "because"}, "reason"),
        ("closing", {"reason": "no_file", "words": "x" * 251}, "words"),
        ("files", {"files": []}, "files"),
    ],
)
def test_what_cannot_be_done_to_a_row_is_refused(
    program: Program, workbench: Workbench, engagement: Engagement, act: str, body: Any, place: str
) -> None:
    address = brought(program, workbench, engagement)
    before = rows_at(program, address)
    problem = told(program.post(f"{address}/rows/{before[0]['id']}/{act}", body), 422, "invalid_input")
    assert problem["errors"][0]["pointer"] == f"/{place}"
    assert rows_at(program, address) == before


def test_a_row_or_file_of_another_register_is_not_there(
    program: Program, workbench: Workbench, engagement: Engagement
) -> None:
    mine, other = (brought(program, workbench, engagement) for _ in range(2))
    row = rows_at(program, other)[0]["id"]
    file = program.send(f"{other}/files?name=a.txt", b"a").json["id"]
    for act, body in (("corrections", {"field": "title", "value": "x"}), ("closing", {"reason": "no_file"})):
        told(program.post(f"{mine}/rows/{row}/{act}", body), 404, "not_found")
    told(program.get(f"{mine}/rows/{row}"), 404, "not_found")
    told(program.post(f"{mine}/rows/{rows_at(program, mine)[0]['id']}/files", {"files": [file]}), 404, "not_found")
    told(program.post(f"{mine}/files/{file}/discarding", {"reason": "x"}), 404, "not_found")
    told(
        program.ask("PUT", f"{mine}/sheet", json={"sheet": 7}, headers=KEYS.next()),
        422,
        "invalid_input",
    )
