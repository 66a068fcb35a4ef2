"""Pages of the work list, of notices, of mail that needs a look, and of the calendar."""

import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from archive_app.engagements.glass import break_glass
from archive_app.engagements.teams import set_member
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.outbox import Job
from archive_app.worklist import calendar
from archive_app.worklist.calendar import CALENDAR_JOB, after_calendar_change, working_days
from archive_app.worklist.models import CalendarDay, Notice
from archive_app.worklist.notices import secret_of
from archive_app.worklist.wishes import CONFIRM_ADDRESS, Wish, change_wish
from archive_app.worklist.work import WorkFilters, list_work
from tests.conftest import Workbench
from tests.factories import People, engagement_of, signed_in

SYSTEM = Actor.system("test")
NOTICE_2027 = """一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日至11日放假调休，共7天。2月4日（周四）上班。
七、国庆节：10月1日至7日放假调休，共7天。9月26日（周日）、10月9日（周六）上班。"""


@pytest.fixture
def client(archive: Archive, browser: Callable[[], FlaskClient]) -> Callable[[Actor], FlaskClient]:
    return lambda person: signed_in(archive, browser(), person)


def send(client: FlaskClient, at: str, /, **fields: str) -> TestResponse:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/account").text)
    assert token is not None
    return client.post(at, data={"csrf_token": token[1], **fields})


def test_my_work_is_where_people_begin_and_leads_to_where_things_are_done(
    people: People, client: Callable[[Actor], FlaskClient]
) -> None:
    leader, member, keeper = people.person("team_leader"), people.person("verifier"), people.person("archivist")
    engagement = engagement_of(leader)
    set_member(leader, engagement_id=engagement.id, person_id=member.person_id or "", part="member")
    mine = client(member)
    assert mine.get("/").location == "/work"
    page = mine.get("/work").text
    assert 'class="menu-count">1<' in page
    assert f'href="/engagements/{engagement.id}/declaration"' in page
    assert engagement.number in page
    assert "您被指派到这个核查项目" in page
    assert "没有符合条件" in mine.get("/work?overdue=1").text
    assert mine.get("/work?after=x").status_code == 422
    [line] = list_work(member, filters=WorkFilters()).items
    assert mine.get(f"/tasks/{line.task.id}").location == f"/engagements/{engagement.id}/declaration"
    # Somebody else's task is not there for them.
    assert client(keeper).get(f"/tasks/{line.task.id}").status_code == 404
    # What only has to be noted is noted on the list.
    break_glass(keeper, engagement_id=engagement.id, reason="监管部门现场要求调阅")
    led = client(leader)
    noted = re.search(r'action="(/tasks/[^"]+/noted)"', led.get("/work").text)
    assert noted is not None
    assert send(led, noted[1]).status_code == 303
    assert noted[1] not in led.get("/work").text
    assert led.get(noted[1].removesuffix("/noted")).location == "/work"
    # Who has no work list begins elsewhere and is refused it.
    auditor = client(people.person("security_auditor"))
    assert auditor.get("/").location != "/work"
    assert auditor.get("/work").status_code == 403


def test_how_one_is_told_is_set_on_a_page_and_the_link_asks_before_it_confirms(
    archive: Archive, people: People, client: Callable[[Actor], FlaskClient]
) -> None:
    mine = client(people.person("verifier"))
    page = mine.get("/account/notices").text
    assert "本档案库目前不发送邮件" in page
    good = {
        "address": "a@b.example",
        "way": "daily",
        "daily_at": "09:15",
        "quiet_from": "22:00",
        "quiet_until": "06:30",
    }
    refused = send(mine, "/account/notices", **good | {"address": "no address"})
    assert (refused.status_code, "邮件无法发到这个地址" in refused.text) == (422, True)
    assert send(mine, "/account/notices", **good | {"daily_at": "25:00"}).status_code == 422
    assert send(mine, "/account/notices", **good).status_code == 303
    page = mine.get("/account/notices").text
    for shown in ("a@b.example", 'value="09:15"', 'value="22:00"', 'value="06:30"', "尚未确认"):
        assert shown in page
    with archive.reading(SYSTEM) as uow:
        [notice] = uow.session.scalars(select(Notice))
        token = secret_of(uow, notice)
    asked = mine.get(f"/account/notices/confirm/{token}")
    assert (asked.status_code, "确认" in asked.text, "尚未确认" in mine.get("/account/notices").text) == (
        200,
        True,
        True,
    )
    assert send(mine, "/account/notices/confirm/wrong").status_code == 409
    assert send(mine, f"/account/notices/confirm/{token}").status_code == 303
    assert "尚未确认" not in mine.get("/account/notices").text
    assert send(mine, "/account/notices/ask-again").status_code == 404


def test_an_administrator_sees_what_was_refused_and_decides(
    archive: Archive, people: People, client: Callable[[Actor], FlaskClient]
) -> None:
    change_wish(people.person("verifier"), wish=Wish("a@b.example", "at_once"))
    with archive.transaction(SYSTEM, eventless=True) as uow:
        [notice] = uow.session.scalars(select(Notice))
        notice.state, notice.reason, notice.attempts = "uncertain", "<b>no answer</b>", 1
    admin = client(people.person("system_administrator"))
    assert "/health/mail" in admin.get("/health").text
    page = admin.get("/health/mail").text
    assert all(
        shown in page for shown in ("a@b.example", "&lt;b&gt;no answer", "不确定是否已发出", CONFIRM_ADDRESS.code)
    )
    assert send(admin, f"/health/mail/{notice.id}/again").status_code == 303
    assert send(admin, f"/health/mail/{notice.id}/give-up").status_code == 409
    assert "a@b.example" not in admin.get("/health/mail").text
    with archive.transaction(SYSTEM, eventless=True) as uow:
        uow.session.scalars(select(Notice)).one().state = "uncertain"
    assert send(admin, f"/health/mail/{notice.id}/give-up").status_code == 303
    with archive.reading(SYSTEM) as uow:
        row = uow.session.scalars(select(Notice)).one()
    assert (row.state, row.wrapped_secret) == ("void", None)


def test_a_years_holidays_are_looked_at_first_and_then_kept_and_counted_with(
    archive: Archive, people: People, client: Callable[[Actor], FlaskClient], workbench: Workbench
) -> None:
    counted: list[bool] = []
    after_calendar_change("test")(lambda uow: counted.append(working_days(uow).knows(_day("2027-10-01"))))
    admin = client(people.person("system_administrator"))
    assert "2026-12-31" in admin.get("/calendar").text
    fields = {"year": "2027", "notice": "国办发明电〔2026〕1号", "text": NOTICE_2027}
    looked = send(admin, "/calendar", **fields)
    assert looked.status_code == 200
    assert all(shown in looked.text for shown in ("2027-02-11", "2027-10-09", "请核对：这一天不是周末", 'name="keep"'))
    with archive.reading(SYSTEM) as uow:
        assert uow.session.scalars(select(CalendarDay)).all() == []
    wrong = send(admin, "/calendar", **fields | {"text": "10月1日至7日", "keep": "1"})
    assert (wrong.status_code, "无法理解" in wrong.text) == (422, True)
    assert send(admin, "/calendar", **fields, keep="1").status_code == 303
    page = admin.get("/calendar").text
    assert all(shown in page for shown in ("2027-12-31", "国办发明电〔2026〕1号"))
    with archive.reading(SYSTEM) as uow:
        days = working_days(uow)
        assert [job.kind for job in uow.session.scalars(select(Job).where(Job.kind == CALENDAR_JOB))] == [CALENDAR_JOB]
    assert (days.is_working(_day("2027-10-05")), days.is_working(_day("2027-10-09"))) == (False, True)
    assert not days.after(_day("2027-09-30"), 5).provisional
    workbench.run()
    assert counted == [True]
    # A corrected notice takes the place of the first one.
    assert send(admin, "/calendar", **fields | {"text": "10月1日至5日放假"}, keep="1").status_code == 303
    with archive.reading(SYSTEM) as uow:
        assert len(uow.session.scalars(select(CalendarDay)).all()) == 5
        assert working_days(uow).is_working(_day("2027-10-06"))
    assert client(people.person("archivist")).get("/calendar").status_code == 403
    assert "工作日" in admin.get("/health").text


def _day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.fixture(autouse=True)
def nobody_listens_any_more() -> Iterator[None]:
    """What these tests had told of the calendar is forgotten again."""
    yield
    calendar._AFTER_CHANGE.pop("test", None)
