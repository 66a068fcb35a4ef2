"""Use cases of the time that people worked on an engagement 核查人日."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, true

from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Assignment, Engagement, PersonDays
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

TIME_RECORDED = event_type("time.recorded", N_("Working time recorded"))
TIME_WITHDRAWN = event_type("time.withdrawn", N_("Working time withdrawn"))
QUARTERS_OF_A_DAY = 4
"""Time is kept in quarters of a day; nobody works more than one day on a day, in all engagements together."""
_FIRST_DAY = date(1990, 1, 1)


class DayFullError(ArchiveError):
    """More than one day on one day."""

    code = "day_full"
    message = N_(
        "With this, %(name)s would have worked more than one day on %(day)s, in all engagements together. Nothing was "
        "recorded."
    )


@dataclass(frozen=True)
class TimeLine:
    """Time that somebody worked."""

    row: PersonDays
    display_name: str


@dataclass(frozen=True)
class TimeTotal:
    """How many quarters of a day somebody worked on an engagement, and how many of them on site."""

    person_id: str
    display_name: str
    quarters: int
    on_site: int


@use_case(Permission.RECORDS_DESCRIBE)
def record_time(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    on: date,
    quarters: int,
    on_site: bool = False,
    person_id: str = "",
    remark: str = "",
) -> PersonDays:
    """Records time that oneself worked on an engagement in its present stage; whoever leads it records anybody's.

    Raises: NotFoundError, InvalidInputError, DayFullError, EngagementSealedError.
    """
    person_id = person_id or actor.person_id or ""
    uow.require(WORK if person_id == actor.person_id else LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    if uow.session.get(Assignment, (engagement_id, person_id)) is None:
        raise NotFoundError
    if not 1 <= quarters <= QUARTERS_OF_A_DAY:
        raise InvalidInputError(field=N_("Time"), reason=N_("This is a quarter of a day to one day."))
    if not _FIRST_DAY <= on <= uow.archive.today():
        raise InvalidInputError(field=N_("Day"), reason=N_("This is not a day that has been."))
    # One after the other, so that two records of the same day see each other.
    person = uow.session.get_one(Person, person_id, with_for_update=True)
    standing = (PersonDays.person_id == person_id, PersonDays.on == on, PersonDays.withdrawn_at.is_(None))
    if (uow.session.scalar(select(func.sum(PersonDays.quarters)).where(*standing)) or 0) + quarters > QUARTERS_OF_A_DAY:
        raise DayFullError(name=person.display_name, day=on.isoformat())
    row = PersonDays(
        id=uow.new_id(),
        engagement_id=engagement_id,
        person_id=person_id,
        stage=engagement.stage,
        on=on,
        quarters=quarters,
        on_site=on_site,
        remark=one_line(remark, field=N_("Remark"), limit=300, required=False),
        recorded_by=actor.name,
        recorded_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    subjects = subjects_of(uow.session, engagement_id, person=person_id)
    uow.record(TIME_RECORDED, subjects, day=on.isoformat(), quarters=quarters, on_site=on_site)
    return row


@use_case(Permission.RECORDS_DESCRIBE)
def withdraw_time(actor: Actor, uow: UnitOfWork, *, engagement_id: str, time_id: str, reason: str) -> None:
    """Takes back what was recorded wrongly: one's own, or anybody's by whoever leads. The row stays.

    Raises: NotFoundError, InvalidInputError without a reason, EngagementSealedError.
    """
    uow.require(WORK, engagement_id)
    lock_engagement(uow.session, engagement_id)
    row = uow.session.get(PersonDays, time_id)
    if row is None or row.engagement_id != engagement_id or row.withdrawn_at is not None:
        raise NotFoundError
    if row.person_id != actor.person_id:
        uow.require(LEAD, engagement_id)
    reason = one_line(reason, field=N_("Reason"), limit=1000)
    row.withdrawn_at = uow.now
    subjects = subjects_of(uow.session, engagement_id, person=row.person_id)
    uow.record(TIME_WITHDRAWN, subjects, day=row.on.isoformat(), quarters=row.quarters, reason=reason)


@query(Permission.RECORDS_DESCRIBE)
def list_workers(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Sequence[tuple[str, str]]:
    """Whose time the actor may record: one's own, or everybody's who is assigned. Pairs of id and name, by name.

    Raises: NotFoundError for who does not work in the engagement.
    """
    uow.require(WORK, engagement_id)
    leads = uow.archive.policy.allows(uow.session, actor, LEAD, engagement_id)
    team = (
        select(Person.id, Person.display_name)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.engagement_id == engagement_id, Assignment.ended_at.is_(None))
        .where(true() if leads else Person.id == actor.person_id)
    )
    return [(row[0], row[1]) for row in uow.session.execute(team.order_by(Person.display_name, Person.id))]


@query(Permission.ENGAGEMENTS_READ)
def list_time(actor: Actor, uow: UnitOfWork, *, engagement_id: str, limit: int = 200) -> Sequence[TimeLine]:
    """The latest time recorded in an engagement, newest day first; nothing to people of other organisations.

    Raises: NotFoundError.
    """
    engagement = _of_own_body(actor, uow, engagement_id)
    if engagement is None:
        return []
    rows = uow.session.execute(
        select(PersonDays, Person.display_name)
        .join(Person, Person.id == PersonDays.person_id)
        .where(PersonDays.engagement_id == engagement.id, PersonDays.withdrawn_at.is_(None))
        .order_by(PersonDays.on.desc(), PersonDays.id.desc())
        .limit(limit)
    )
    return [TimeLine(row[0], row[1]) for row in rows]


@query(Permission.ENGAGEMENTS_READ)
def time_totals(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Sequence[TimeTotal]:
    """Who worked how long on an engagement; nothing to people of other organisations. Raises: NotFoundError."""
    engagement = _of_own_body(actor, uow, engagement_id)
    return totals_of(uow, engagement) if engagement else []


def totals_of(uow: UnitOfWork, engagement: Engagement) -> Sequence[TimeTotal]:
    """The step that adds up the time worked on an engagement, by person."""
    on_site = func.sum(PersonDays.quarters).filter(PersonDays.on_site)
    rows = uow.session.execute(
        select(Person.id, Person.display_name, func.sum(PersonDays.quarters), func.coalesce(on_site, 0))
        .join(PersonDays, PersonDays.person_id == Person.id)
        .where(PersonDays.engagement_id == engagement.id, PersonDays.withdrawn_at.is_(None))
        .group_by(Person.id, Person.display_name)
        .order_by(Person.display_name, Person.id)
    )
    return [TimeTotal(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def _of_own_body(actor: Actor, uow: UnitOfWork, engagement_id: str) -> Engagement | None:
    uow.require(READ, engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    return engagement if actor.is_system or engagement.organisation_id == actor.organisation_id else None
