"""The path of a material request: prepared, sent, opened by a code, answered, returned, accepted."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import func, select

from archive_app.casework.models import MaterialDelivery, MaterialLine, Record
from archive_app.casework.requests.sending import make_code
from archive_app.documents.models import Document, Upload, Version
from archive_app.engagements.record_types import all_record_types
from archive_app.kernel.archive import Archive
from archive_app.trail.verification import verify_log
from archive_app.worklist.models import Notice, Task
from tests.conftest import SetClock, Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes, sign_in_by_page
from tests.material import LINES, SYSTEM, Client, arrive, asked, enter, link_of, standing

MIB = 2**20
Browser = Callable[[], FlaskClient]


@both_databases
def test_from_the_scheme_to_an_accepted_line(
    archive: Archive, people: People, browser: Browser, workbench: Workbench
) -> None:
    """The leader prepares and sends by the pages; the client brings files by the plain form; one is returned, brought
    anew and accepted."""
    leader = people.person("team_leader", name="李组长")
    engagement = engagement_of(leader)
    file_bytes(leader, engagement, "内部机密.txt", b"secret of the team")
    desk = Client(sign_in_by_page(archive, browser(), leader))
    base = f"/engagements/{engagement.id}/material"
    request_id = prepare(archive, desk, base)
    link, code = make_way_in(desk, f"{base}/{request_id}")

    client = Client(browser())
    landed = client.get(f"/material/{link.rpartition('/')[2]}")
    assert landed.status_code == 303
    assert landed.location == "/material/"
    assert "绿源核查" in client.get("/material/").text
    enter(client, code)
    line, _second, added = lines_now(archive, request_id)
    shown = client.get("/material/").text
    assert all(words in shown for words in ("请于本月内提供", "李组长", line.name, added.name, "2026-11-01", "未交"))
    assert not [words for words in ("内部机密", engagement.title, engagement.number) if words in shown]
    client.bring(line, ("一月.pdf", b"%PDF-1.4 january"), ("二月.pdf", b"%PDF-1.4 february"), ("空.txt", b""))
    assert "一月.pdf" in client.page
    assert "空.txt: " in client.page
    client.bring(line, ("又一月.pdf", b"%PDF-1.4 january"))
    assert "又一月.pdf: 您已为此项提交过" in client.page
    require_filed(archive, engagement.id, line)
    assert open_kinds(archive).count("casework.line_delivered") == 1
    return_and_accept(archive, desk, client, base, line)
    assert "casework.line_delivered" not in open_kinds(archive)
    workbench.run()
    assert list(verify_log(archive)) == []


def prepare(archive: Archive, desk: Client, base: str) -> str:
    """A request from the scheme: its second line goes first, all but two are dropped, a new one is added."""
    assert "尚未向委托方发送资料清单" in desk.get(base).text
    desk.get(f"{base}/new")
    wish = {"recipient": "王会计", "channel": "told", "language": "zh_Hans_CN", "message": "请于本月内提供\n谢谢"}
    edit = desk.post(f"{base}/new", **wish).request.path
    assert edit.endswith("/edit")
    request_id = edit.split("/")[-2]
    rows = lines_now(archive, request_id)
    assert {row.record_type for row in rows} <= set(all_record_types())
    seen = desk.page.split('name="seen" value="')[1].split('"')[0]
    lines = {
        **{f"line-{n}": row.id for n, row in enumerate(rows, start=1)},
        **{f"order-{n}": str(n * 10) for n in range(1, len(rows) + 2)},
        **{f"name-{n}": row.name for n, row in enumerate(rows, start=1)},
        **{f"type-{n}": "photograph" for n in range(1, len(rows) + 2)},
        **{f"drop-{n}": "1" for n in range(3, len(rows) + 1)},
        "order-2": "5",
        f"name-{len(rows) + 1}": "补充说明",
        f"due-{len(rows) + 1}": "2026-11-01",
    }
    desk.post(edit, seen=seen, **wish, **lines)
    assert [line.name for line in lines_now(archive, request_id)] == [rows[1].name, rows[0].name, "补充说明"]
    # Whoever saw the state before cannot overwrite this one.
    desk.get(edit)
    assert desk.post(edit, seen=seen, **wish, **lines).status_code == 422
    return request_id


def make_way_in(desk: Client, request_page: str) -> tuple[str, str]:
    """A link and a code, each shown once."""
    desk.get(request_page)
    desk.post(f"{request_page}/send", way="copy", days="30")
    link = desk.page.split('<code class="digest">')[1].split("</code>")[0]
    assert "data:image/svg+xml" in desk.page
    assert link not in desk.get(request_page).text
    desk.post(f"{request_page}/code")
    code = desk.page.split('class="read-out"><code>')[1].split("</code>")[0]
    assert code not in desk.get(request_page).text
    return link, code


def return_and_accept(archive: Archive, desk: Client, client: Client, base: str, line: MaterialLine) -> None:
    """The leader returns one file, the client sees why and brings it again; then all of it is accepted."""
    with archive.reading(SYSTEM) as uow:
        of_january = select(MaterialDelivery).join(Version, Version.document_id == MaterialDelivery.document_id)
        first = uow.session.scalars(of_january.where(Version.name == "一月.pdf")).one()
    desk.get(f"{base}/lines/{line.id}")
    assert "一月.pdf" in desk.page
    desk.post(f"{base}/deliveries/{first.id}/return", reason="印章不清")
    assert state_of(archive, line) == "returned"
    assert "印章不清" in client.get("/material/").text
    client.get(f"/material/lines/{line.id}")
    client.bring(line, ("一月.pdf", b"%PDF-1.4 january"))
    assert state_of(archive, line) == "delivered"
    desk.get(f"{base}/lines/{line.id}")
    desk.post(f"{base}/lines/{line.id}/accept")
    assert state_of(archive, line) == "accepted"
    with archive.reading(SYSTEM) as uow:
        of_line = select(Record.state).join(MaterialDelivery, MaterialDelivery.document_id == Record.document_id)
        states = sorted(uow.session.scalars(of_line.where(MaterialDelivery.line_id == line.id)))
    assert states == ["accepted", "accepted", "returned"]
    assert "已被接收" in client.bring(line, ("三月.pdf", b"%PDF-1.4 march")).text


def state_of(archive: Archive, line: MaterialLine) -> str:
    """How the line stands now."""
    with archive.reading(SYSTEM) as uow:
        return uow.session.get_one(MaterialLine, line.id).state


def open_kinds(archive: Archive) -> list[str]:
    """The kinds of all tasks that are open."""
    with archive.reading(SYSTEM) as uow:
        return list(uow.session.scalars(select(Task.kind).where(Task.closed_at.is_(None))))


def lines_now(archive: Archive, request_id: str) -> list[MaterialLine]:
    """The lines that were not dropped, in their order."""
    with archive.reading(SYSTEM) as uow:
        lines = select(MaterialLine).where(MaterialLine.request_id == request_id, MaterialLine.state != "dropped")
        return list(uow.session.scalars(lines.order_by(MaterialLine.position)))


def require_filed(archive: Archive, engagement_id: str, line: MaterialLine) -> None:
    """Two documents: internal, named after the line, attributed to the client and the person, delivered."""
    with archive.reading(SYSTEM) as uow:
        brought = (
            select(Document, Version, Record)
            .join(Version, Version.document_id == Document.id)
            .join(Record, Record.document_id == Document.id)
            .join(MaterialDelivery, MaterialDelivery.document_id == Document.id)
        )
        rows = uow.session.execute(brought.order_by(Version.name)).all()
    assert [row[1].name for row in rows] == ["一月.pdf", "二月.pdf"]
    for document, version, record in rows:
        assert document.engagement_id == engagement_id
        assert document.title == f"{line.name} · {version.name}"
        assert document.level == 1
        assert version.originator.endswith("（王会计）")
        assert version.originator.startswith("江南热电厂")
        assert version.source_system == "material request"
        assert version.filed_by == f"request:{line.request_id}"
        assert (record.type, record.state, record.originator) == (line.record_type, "delivered", version.originator)


def test_large_files_come_in_parts_and_go_on_after_a_break(archive: Archive, people: People, browser: Browser) -> None:
    """Announced, sent in parts, gone on with after a reload; another request's session does not reach it."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    request, (line, photos) = asked(leader, engagement)
    client = arrive(browser(), leader, request)
    client.get(f"/material/lines/{line.id}")
    content = bytes(range(256)) * (9 * MIB // 256)
    offer = {"name": "大.zip", "size": len(content), "modified": 1_700_000_000_000}
    told = client.told("POST", f"/material/lines/{line.id}/uploads", json=offer)
    assert told["received"] == 0
    kept = client.send("PUT", told["parts"] + "0", data=content[: 8 * MIB])
    assert kept.status_code == 200
    assert client.told("GET", told["address"])["received"] == 8 * MIB
    # A gap is refused, and what came is not taken again.
    assert client.send("PUT", told["parts"] + str(8 * MIB + 1), data=b"x").status_code == 409

    stranger = arrive(browser(), leader, asked(leader, engagement)[0], name="旁人")
    stranger.get("/material/")
    assert stranger.send("GET", told["address"]).status_code == 404
    assert stranger.send("PUT", told["parts"] + str(8 * MIB), data=content[8 * MIB :]).status_code == 404
    # By way of another line of the same request neither: a file belongs to the line that it was announced for.
    other = told["address"].replace(line.id, photos.id)
    assert client.send("GET", other).status_code == 404

    again = client.told("POST", f"/material/lines/{line.id}/uploads", json=offer)
    assert (again["address"], again["received"]) == (told["address"], 8 * MIB)
    assert client.told("PUT", again["parts"] + str(8 * MIB), data=content[8 * MIB :])["state"] == "filed"
    twice = client.told("POST", f"/material/lines/{line.id}/uploads", json={**offer, "name": "另名.zip"})
    client.send("PUT", twice["parts"] + "0", data=content[: 8 * MIB])
    refused = client.told("PUT", twice["parts"] + str(8 * MIB), data=content[8 * MIB :])
    assert (refused["status"], refused["code"]) == (409, "already_brought")
    assert "大.zip" in refused["detail"]
    # For another line the same file is something else.
    both = client.told("POST", f"/material/lines/{photos.id}/uploads", json=offer)
    client.send("PUT", both["parts"] + "0", data=content[: 8 * MIB])
    assert client.send("PUT", both["parts"] + str(8 * MIB), data=content[8 * MIB :]).status_code == 201
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(MaterialDelivery)) == 2
        assert set(uow.session.scalars(select(Upload.state))) == {"filed", "discarded"}
        version = uow.session.scalars(select(Version).where(Version.name == "大.zip")).first()
    assert version is not None
    assert version.size_bytes == len(content)
    assert version.modified_at is not None


def test_what_is_not_decided_is_taken_back(archive: Archive, people: People, browser: Browser, clock: SetClock) -> None:
    """Out of everybody's sight, never destroyed; what was accepted or worked with stays."""
    leader, member = people.person("team_leader"), people.person("verifier")
    engagement = engagement_of(leader, team=[member])
    request, (_invoices, line) = asked(leader, engagement)
    client = arrive(browser(), leader, request)
    client.get(f"/material/lines/{line.id}")
    client.bring(line, ("错.pdf", b"%PDF-1.4 wrong"))
    with archive.reading(SYSTEM) as uow:
        delivery = uow.session.scalars(select(MaterialDelivery)).one()
    client.post(f"/material/deliveries/{delivery.id}/take-back")
    assert "已取回" in client.page
    assert standing(request)[1].state == "open"
    with archive.reading(SYSTEM) as uow:
        assert uow.session.get_one(Document, delivery.document_id).withdrawn_at is not None
        assert uow.session.get(Record, delivery.document_id) is None
        assert uow.session.scalars(select(Task.outcome).where(Task.kind == "casework.line_delivered")).all() == ["void"]
    assert client.post(f"/material/deliveries/{delivery.id}/take-back").status_code == 404
    clock.advance(seconds=1)
    client.get(f"/material/lines/{line.id}")
    client.bring(line, ("错.pdf", b"%PDF-1.4 wrong"))
    with archive.reading(SYSTEM) as uow:
        newest = uow.session.scalars(select(MaterialDelivery).order_by(MaterialDelivery.id.desc())).first()
        assert newest is not None
    desk = Client(sign_in_by_page(archive, browser(), member))
    desk.get(f"/engagements/{engagement.id}/material/lines/{line.id}")
    desk.post(f"/engagements/{engagement.id}/material/lines/{line.id}/accept")
    client.get(f"/material/lines/{line.id}")
    assert client.post(f"/material/deliveries/{newest.id}/take-back").status_code == 422
    assert standing(request)[1].state == "accepted"


def test_codes_and_links_go_by_mail(archive: Archive, people: People, browser: Browser) -> None:
    """The link and each code are a notice of their own; neither stands in the database to be read."""
    leader = people.person("team_leader")
    engagement = engagement_of(leader)
    request, _lines = asked(leader, engagement, channel="email", address="wang@client.example")
    desk = Client(sign_in_by_page(archive, browser(), leader))
    page = f"/engagements/{engagement.id}/material/{request.id}"
    desk.get(page)
    desk.post(f"{page}/send", way="mail", days="30")
    assert "wang@client.example" in desk.page
    assert '<code class="digest">http' not in desk.page
    with archive.reading(SYSTEM) as uow:
        notices = uow.session.scalars(select(Notice).where(Notice.address == "wang@client.example")).all()
    assert [(one.kind, one.link) for one in notices] == [("casework.material_asked", "/material/{secret}")]
    assert notices[0].wrapped_secret
    client = Client(browser())
    client.get(link_of(leader, request))
    client.get("/material/")
    for _press in range(3):
        client.post("/material/code")
    with archive.reading(SYSTEM) as uow:
        codes = uow.session.scalars(select(Notice).where(Notice.kind == "casework.material_code")).all()
    # Pressed again at once, it sends no second one.
    assert len(codes) == 1
    enter(client, make_code(leader, request_id=request.id))
    assert LINES[0].name in client.page
