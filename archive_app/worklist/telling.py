"""Jobs that turn what waits into notices: at once, when something becomes overdue, and once a day."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Select, func, or_, select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.feature import Workshop
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.composing import DIGEST, TASK_OPENED, TASK_OVERDUE
from archive_app.worklist.kinds import KINDS
from archive_app.worklist.models import Notice, NoticeWish, Task
from archive_app.worklist.notices import NoticeKind, send_notice
from archive_app.worklist.people import AT_ONCE, DAILY, actor_of, quiet_of, told_of
from archive_app.worklist.work import LATER, OVERDUE, WITHOUT_DAY, WorkFilters, work_of

OVERDUE_JOB, OVERDUE_EVERY_SECONDS = "worklist.overdue", 1800
DIGEST_JOB, DIGEST_EVERY_SECONDS = "worklist.digest", 300
LATELY = timedelta(days=7)
"""How long something may have been overdue when it is told: what was missed before is in the list."""
_PORTION = 200
_ACTOR = Actor.system("notices")


def tell_of_task(workshop: Workshop, job: Job) -> None:
    """Writes the notices of a task that was opened. Doing it again writes none twice."""
    with workshop.archive.transaction(_ACTOR, eventless=True) as uow:
        task = uow.session.get(Task, job.subject_id)
        if task is None or task.closed_at is not None:
            return
        kind = KINDS.get(task.kind)
        urgent = kind is not None and kind.urgent
        for person, wish in told_of(uow, task):
            if urgent or wish.way == AT_ONCE:
                _tell(uow, task, TASK_OPENED, person, wish, urgent=urgent)


def tell_of_overdue(workshop: Workshop, _job: Job) -> None:
    """Writes notices of what has become overdue lately."""
    if workshop.archive.rules.mail is None:
        return
    for portion in _overdue(workshop.archive):
        with workshop.archive.transaction(_ACTOR, eventless=True) as uow:
            for task in uow.session.scalars(select(Task).where(Task.id.in_(portion), Task.closed_at.is_(None))).all():
                for person, wish in told_of(uow, task):
                    if wish.way == AT_ONCE:
                        _tell(uow, task, TASK_OVERDUE, person, wish, urgent=True)


def tell_digests(workshop: Workshop, _job: Job) -> None:
    """Writes the daily notices of those whose hour has come."""
    archive = workshop.archive
    if archive.rules.mail is None:
        return
    with archive.reading(_ACTOR) as uow:
        waiting = list(uow.session.scalars(_digests_due(uow)))
    for person_id in waiting:
        with archive.transaction(_ACTOR, eventless=True) as uow:
            wish = uow.session.get(NoticeWish, person_id, with_for_update=True)
            if wish is not None and _hour_has_come(uow, wish):
                _tell_digest(uow, wish)


def _tell_digest(uow: UnitOfWork, wish: NoticeWish) -> None:
    person = uow.session.get_one(Person, wish.person_id)
    today = uow.archive.today()
    wish.digest_on = today
    lines = work_of(uow, actor_of(uow, person), filters=WorkFilters()).items if person.active else []
    told = select(func.max(Notice.created_at)).where(Notice.person_id == person.id, Notice.kind == DIGEST.code)
    since = uow.session.scalar(told) or uow.now - timedelta(days=1)
    # What is due much later and was told of before is no news.
    news = [line for line in lines if line.group not in {LATER, WITHOUT_DAY} or line.task.opened_at >= since]
    if not news:
        return
    urgent = any(line.group == OVERDUE for line in news)
    earliest = quiet_of(uow, wish, urgent=urgent).earliest(uow.now)
    if earliest.astimezone(uow.archive.rules.zone).date() != today:
        # The digest of that day will say it.
        return
    send_notice(
        uow,
        key=f"digest:{wish.person_id}:{today.isoformat()}",
        kind=DIGEST,
        person_id=wish.person_id,
        language=person.language,
        link="/work",
        organisation_id=person.organisation_id,
        not_before=earliest,
    )


def _tell(uow: UnitOfWork, task: Task, kind: NoticeKind, person: Person, wish: NoticeWish, *, urgent: bool) -> None:
    about = f":{task.due_on.isoformat()}" if kind is TASK_OVERDUE else ""
    send_notice(
        uow,
        key=f"{kind.code}:{task.id}:{person.id}{about}",
        kind=kind,
        person_id=person.id,
        language=person.language,
        link=f"/tasks/{task.id}",
        organisation_id=task.organisation_id,
        engagement_id=task.engagement_id,
        task_id=task.id,
        not_before=quiet_of(uow, wish, urgent=urgent).earliest(uow.now),
    )


def _overdue(archive: Archive) -> Iterator[list[str]]:
    """Ids of open tasks that were due within the last days, in portions; none where nobody wants to be told."""
    today = archive.today()
    after = ""
    while True:
        with archive.reading(_ACTOR) as uow:
            if not uow.session.scalar(select(NoticeWish.person_id).where(NoticeWish.way == AT_ONCE).limit(1)):
                return
            found = select(Task.id).where(
                Task.closed_at.is_(None), Task.due_on < today, Task.due_on >= today - LATELY, Task.id > after
            )
            portion = list(uow.session.scalars(found.order_by(Task.id).limit(_PORTION)))
        if not portion:
            return
        yield portion
        after = portion[-1]


def _digests_due(uow: UnitOfWork) -> Select[str]:
    local = uow.now.astimezone(uow.archive.rules.zone)
    return select(NoticeWish.person_id).where(
        NoticeWish.way == DAILY,
        NoticeWish.confirmed_at.is_not(None),
        NoticeWish.daily_at <= local.hour * 60 + local.minute,
        or_(NoticeWish.digest_on.is_(None), NoticeWish.digest_on < local.date()),
    )


def _hour_has_come(uow: UnitOfWork, wish: NoticeWish) -> bool:
    return uow.session.scalar(_digests_due(uow).where(NoticeWish.person_id == wish.person_id)) is not None
