"""A term beyond what the calendar knows ends on the right day as soon as the notice is entered."""

from datetime import UTC, date, datetime

from sqlalchemy import select

from archive_app.casework.deadlines import LEFT, begin_deadlines, keep_deadlines
from archive_app.casework.models import Deadline
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import scheme_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.worklist.entering import enter_notice
from archive_app.worklist.models import Task
from tests.conftest import SetClock, Workbench
from tests.factories import People, engagement_of

NOTICE = "2027-01-01 至 2027-01-03 放假，2027-01-09 上班"


def test_a_provisional_term_is_counted_anew(
    archive: Archive, people: People, clock: SetClock, workbench: Workbench
) -> None:
    leader, administrator = people.person("team_leader", "archivist"), people.person("system_administrator")
    running, over = engagement_of(leader), engagement_of(leader)
    clock.instant = datetime(2026, 12, 29, 2, tzinfo=UTC)
    with archive.transaction(Actor.system("test"), eventless=True) as uow:
        for engagement_id in (running.id, over.id):
            row = uow.session.get_one(Engagement, engagement_id)
            begin_deadlines(uow, row, scheme_of(uow, row), f"{LEFT}:report")
        keep_deadlines(uow, row, scheme_of(uow, row), "notification")

    def terms() -> dict[str, tuple[date, bool]]:
        with archive.reading(Actor.system("test")) as uow:
            found = select(Deadline).where(Deadline.code == "result_feedback")
            return {row.engagement_id: (row.due_on, row.provisional) for row in uow.session.scalars(found)}

    # 30, 31, then 1, 4, 5, 6 and 7 January, as long as New Year's Day is not known to be one of rest.
    assert terms() == dict.fromkeys((running.id, over.id), (date(2027, 1, 7), True))
    enter_notice(administrator, year=2027, notice="2027年放假通知", text=NOTICE)
    workbench.run()
    assert terms() == {running.id: (date(2027, 1, 8), False), over.id: (date(2027, 1, 7), True)}
    with archive.reading(leader) as uow:
        waiting = select(Task.due_on).where(Task.kind == "casework.deadline", Task.engagement_id == running.id)
        days = set(uow.session.scalars(waiting.where(Task.closed_at.is_(None))))
    assert date(2027, 1, 8) in days
    assert date(2027, 1, 7) not in days
