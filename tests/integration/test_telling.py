"""Who is told what by mail, when and in which words; and what no mail ever says."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from archive_app.engagements.clients import add_client
from archive_app.engagements.engagements import open_engagement
from archive_app.engagements.glass import break_glass
from archive_app.engagements.models import Engagement
from archive_app.engagements.requests import ask_for_access
from archive_app.engagements.teams import declared, remove_member
from archive_app.identity.accounts import deactivate
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.kernel.working_days import Due
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.models import Notice, NoticeWish
from archive_app.worklist.posting import post_notices
from archive_app.worklist.tasks import TELL_JOB, Addressee, close_tasks, open_task
from archive_app.worklist.telling import tell_digests, tell_of_overdue, tell_of_task
from archive_app.worklist.wishes import (
    CONFIRMATIONS_A_DAY,
    ConfirmationUnusableError,
    TooManyConfirmationsError,
    Wish,
    ask_again,
    change_wish,
    confirm_address,
    view_wish,
)
from tests.conftest import SetClock, both_databases_in_full
from tests.factories import People, declare
from tests.mail_server import Server, Taken, listening, mailing

SYSTEM = Actor.system("test")
NO_JOB = cast("Job", None)
AUDIT = task_kind("test.audit", "Look through the minutes", why="You keep them", endpoint="worklist.work_page")
SECRET_WORDS = ("江南热电", "机密核查", "绝密资料", "监管部门", "求阅者", "煤样")
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10 o'clock in the archive's zone
ADDRESS = "leader@body.example"


@pytest.fixture(autouse=True, scope="module")
def kinds_of_tests() -> Iterator[None]:
    """The kind of these tests leaves the table of kinds again: others look at all of it."""
    yield
    from archive_app.worklist import kinds

    del kinds._KINDS[AUDIT.code]


class House:
    """An archive with a mail server, and the worker's part on demand."""

    def __init__(self, archive: Archive, server: Server) -> None:
        self.archive, self.server = archive, server

    def run(self) -> list[Taken]:
        """Everything that a worker would do now; returns what came of it."""
        before = len(self.server.taken)
        workshop = Workshop(self.archive)
        with self.archive.reading(SYSTEM) as uow:
            told = list(uow.session.query(Job).filter(Job.kind == TELL_JOB))
        for job in told:
            tell_of_task(workshop, job)
        tell_of_overdue(workshop, NO_JOB)
        tell_digests(workshop, NO_JOB)
        post_notices(workshop, NO_JOB)
        return self.server.taken[before:]

    def wish(self, actor: Actor, way: str, address: str = ADDRESS, **rest: object) -> None:
        """Has somebody wish to be told, with a confirmed address."""
        change_wish(actor, wish=Wish(address, way, **rest))  # type: ignore[arg-type]
        [mail] = self.run()
        confirm_address(actor, token=token_in(mail))

    def task(self, to: Actor, name: str = "t", due: date | None = None, engagement: Engagement | None = None) -> None:
        """Opens a task for somebody."""
        with self.archive.transaction(SYSTEM, eventless=True) as uow:
            open_task(
                uow, AUDIT, to=Addressee(person_id=to.person_id), subject_id=name, about="绝密资料",
                organisation_id=to.organisation_id or "", due=Due(due) if due else None,
                engagement_id=engagement.id if engagement else None,
            )  # fmt: skip

    def states(self) -> list[tuple[str, str]]:
        """Kind and state of every notice."""
        with self.archive.reading(SYSTEM) as uow:
            return sorted((row.kind, row.state) for row in uow.session.query(Notice))


def token_in(mail: Taken) -> str:
    found = re.search(r"/account/notices/confirm/(\S+)", mail.text)
    assert found is not None
    return found[1]


@pytest.fixture
def house(archive: Archive, clock: SetClock) -> Iterator[House]:
    """It is a Friday morning."""
    clock.instant = FRIDAY
    server = Server()
    with listening(server) as port:
        posting = mailing(archive, port)
        with posting.activate():
            yield House(posting, server)


@pytest.fixture
def opened(house: House, people: People) -> Callable[[Actor], Engagement]:
    """Opens an engagement whose every name must stay out of mail."""

    def open_one(leader: Actor) -> Engagement:
        client = add_client(leader, name="江南热电厂")
        return open_engagement(leader, client_id=client.id, number="HC-2026-007", title="机密核查", year=2025)

    return open_one


@both_databases_in_full
def test_a_mail_names_the_number_and_the_kind_and_nothing_else(
    house: House, people: People, opened: Callable[[Actor], Engagement]
) -> None:
    leader, keeper = people.person("team_leader"), people.person("archivist")
    asking = people.person("verifier", name="求阅者")
    house.wish(leader, "at_once")
    engagement = opened(leader)
    [assigned] = house.run()
    assert assigned.message["Subject"] == "声明公正性（HC-2026-007）"
    with house.archive.transaction(SYSTEM, eventless=True) as uow:
        declared(uow, engagement.id, leader.person_id or "")
    ask_for_access(asking, wanted="HC-2026-007", grounds="看看煤样", days=3)
    break_glass(keeper, engagement_id=engagement.id, reason="监管部门现场要求调阅")
    house.task(leader, "m", date(2026, 12, 1), engagement)
    mails = [assigned, *house.run()]
    assert len(mails) >= 4
    for mail in mails:
        whole = mail.content.decode() + mail.text + mail.message["Subject"]
        assert not [word for word in SECRET_WORDS if word in whole]
        assert "HC-2026-007" in mail.message["Subject"]
        assert mail.recipients == [ADDRESS]
        assert re.search(r"https://archive\.example\.org/tasks/[0-9a-f-]{36}\r?\n", mail.text)
        assert "https://archive.example.org/account/notices" in mail.text
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["Content-Language"] == "zh-CN"
        assert mail.message.get_content_type() == "text/plain"
        assert "您" in mail.text
    assert any("2026-12-01" in mail.text for mail in mails)
    assert any("You keep them" in mail.text for mail in mails)  # why it came, in the words of its kind
    assert house.run() == []


def test_each_is_told_by_their_wish(house: House, people: People) -> None:
    silent, at_once, unconfirmed = (people.person("verifier") for _ in range(3))
    house.wish(at_once, "at_once")
    house.wish(silent, "at_once", "silent@body.example")
    change_wish(silent, wish=replace(view_wish(silent).wish, way="none"))
    change_wish(unconfirmed, wish=Wish("new@body.example", "at_once"))
    assert len(house.run()) == 1
    for person in (silent, at_once, unconfirmed):
        house.task(person, person.name)
    assert [mail.recipients for mail in house.run()] == [[ADDRESS]]
    # What was done before it was sent is not told, nor what somebody may not see any more.
    house.task(at_once, "done")
    with house.archive.transaction(SYSTEM, eventless=True) as uow:
        close_tasks(uow, AUDIT, subject_id="done")
    assert house.run() == []
    house.server.answers = {"RCPT": ["451 later"]}
    house.task(at_once, "gone")
    assert house.run() == []
    deactivate(people.person("system_administrator"), person_id=at_once.person_id or "")
    cast("SetClock", house.archive.clock).advance(minutes=5)
    assert house.run() == []
    assert [state for kind, state in house.states() if kind == "task.opened"] == ["sent", "void"]


def test_whoever_left_the_team_hears_nothing_more(
    house: House, people: People, opened: Callable[[Actor], Engagement]
) -> None:
    leader, other = people.person("team_leader"), people.person("team_leader")
    house.wish(other, "at_once")
    engagement = opened(leader)
    from archive_app.engagements.teams import set_member

    declare(house.archive, engagement.id)
    set_member(leader, engagement_id=engagement.id, person_id=other.person_id or "", part="leader")
    declare(house.archive, engagement.id)
    house.run()
    house.task(other, "x", engagement=engagement)
    house.server.answers = {"RCPT": ["451 later"]}
    assert house.run() == []
    remove_member(leader, engagement_id=engagement.id, person_id=other.person_id or "")
    cast("SetClock", house.archive.clock).advance(minutes=5)
    assert house.run() == []


def test_quiet_hours_and_days_of_rest_put_it_off(house: House, people: People, clock: SetClock) -> None:
    verifier = people.person("verifier")
    house.wish(verifier, "at_once", quiet_from=22 * 60, quiet_until=7 * 60)
    clock.instant = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # Friday, 23:00
    house.task(verifier, "at night")
    assert house.run() == []
    for hours in (7, 9, 24, 31.9):  # Saturday morning, noon, Sunday, shortly before seven on Monday
        clock.instant = datetime(2026, 11, 20, 15, 0, tzinfo=UTC) + timedelta(
            hours=hours + (24 if hours == 31.9 else 0)
        )
        assert house.run() == []
    clock.instant = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)  # Monday, 7:00
    assert len(house.run()) == 1


@pytest.mark.parametrize("anyway", [False, True])
def test_what_is_overdue_is_told_on_days_of_rest_to_whoever_wants_that(
    house: House, people: People, clock: SetClock, anyway: bool
) -> None:
    verifier = people.person("verifier")
    house.wish(verifier, "at_once", urgent_anyway=anyway)
    house.task(verifier, "soon", date(2026, 11, 20))
    house.task(verifier, "long overdue", date(2026, 10, 1))
    assert len(house.run()) == 2
    clock.instant = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # Saturday
    told = house.run()
    assert len(told) == anyway
    clock.instant = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday
    told += house.run()
    assert [mail.message["Subject"].startswith("逾期") for mail in told] == [True]
    assert house.run() == []


def test_a_digest_comes_once_a_day_at_its_hour_with_what_is_new_or_due(
    house: House, people: People, clock: SetClock
) -> None:
    verifier = people.person("verifier")
    house.wish(verifier, "daily", daily_at=9 * 60)
    # Nothing waits: nothing is told.
    assert (house.run(), house.states()) == ([], [("address.confirm", "sent")])
    house.task(verifier, "later", date(2027, 3, 1))
    house.task(verifier, "overdue", date(2026, 11, 1))
    assert house.run() == []
    clock.instant = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # Monday, 8:30
    assert house.run() == []
    clock.advance(minutes=30)
    [digest] = house.run()
    assert digest.message["Subject"] == "等您处理：2"
    assert digest.text.index("2026-11-01") < digest.text.index("2027-03-01")
    assert "绝密资料" not in digest.text
    assert house.run() == []
    # On the next day what is due much later is no news; once nothing else waits there is no mail.
    with house.archive.transaction(SYSTEM, eventless=True) as uow:
        close_tasks(uow, AUDIT, subject_id="overdue")
    clock.advance(days=1)
    assert house.run() == []
    # Days of rest are left out; what came on them is told on the next working day.
    clock.instant = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
    house.task(verifier, "weekend")
    assert house.run() == []
    clock.instant = datetime(2026, 11, 30, 1, 1, tzinfo=UTC)
    [digest] = house.run()
    assert digest.message["Subject"] == "等您处理：2"


def test_an_address_counts_once_its_link_was_opened_by_whom_it_is_for(
    house: House, people: People, clock: SetClock
) -> None:
    verifier, other = people.person("verifier"), people.person("verifier")
    change_wish(verifier, wish=Wish("one@body.example", "at_once"))
    [first] = house.run()
    assert first.recipients == ["one@body.example"]
    assert verifier.display_name not in first.text
    ask_again(verifier)
    [second] = house.run()
    for wrong, who in ((token_in(first), verifier), (token_in(second), other), ("x", verifier)):
        with pytest.raises(ConfirmationUnusableError):
            confirm_address(who, token=wrong)
    confirm_address(verifier, token=token_in(second))
    with pytest.raises(ConfirmationUnusableError):
        confirm_address(verifier, token=token_in(second))
    # Another address begins anew, and an old link does not confirm it.
    change_wish(verifier, wish=Wish("two@body.example", "at_once"))
    assert view_wish(verifier).confirmed_at is None
    [third] = house.run()
    clock.advance(days=3)
    with pytest.raises(ConfirmationUnusableError):
        confirm_address(verifier, token=token_in(third))
    # Nobody has strangers' mailboxes filled.
    for number in range(CONFIRMATIONS_A_DAY):
        change_wish(verifier, wish=Wish(f"n{number}@body.example", "at_once"))
    with pytest.raises(TooManyConfirmationsError):
        change_wish(verifier, wish=Wish("more@body.example", "at_once"))
    assert view_wish(verifier).wish.address == f"n{CONFIRMATIONS_A_DAY - 1}@body.example"


@pytest.mark.parametrize(
    "wish",
    [
        Wish("a@b\r\nBcc: x@y.example", "at_once"),
        Wish("no address", "at_once"),
        Wish("", "daily"),
        Wish("a@b.example", "sometimes"),
        Wish("a@b.example", "daily", daily_at=24 * 60),
        Wish("a@b.example", "at_once", quiet_from=-1, quiet_until=5),
        Wish("a@b.example", "at_once", quiet_from=5),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused(house: House, people: People, wish: Wish) -> None:
    verifier = people.person("verifier")
    with pytest.raises(InvalidInputError):
        change_wish(verifier, wish=wish)
    with house.archive.reading(SYSTEM) as uow:
        assert uow.session.query(NoticeWish).all() == []
