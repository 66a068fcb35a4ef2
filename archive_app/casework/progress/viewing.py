"""What the page of an engagement's progress shows, read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import func, select

from archive_app.casework.checklist import Checklist, ChecklistLine, checklist_of
from archive_app.casework.conditions import Assigned, assigned_now, is_asked
from archive_app.casework.deadlines import DeadlineLine, deadline_lines, due_at
from archive_app.casework.gates import Obstacle, obstacles_of
from archive_app.casework.models import Nonconformity
from archive_app.casework.movers import MOVERS, may_move, next_to_act
from archive_app.casework.nonconformities.rules import CLOSED
from archive_app.casework.progress.recent import recent_events
from archive_app.engagements.abilities.groups import groups_of
from archive_app.engagements.abilities.time import QUARTERS_OF_A_DAY, totals_of
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import LEAD, READ, WORK
from archive_app.engagements.schemes import Group, Scheme, Stage
from archive_app.engagements.teams import TEAM_PARTS
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.kernel.working_days import Due
from archive_app.trail.reading import EventLine

MOST_NONCONFORMITIES = 5


@dataclass(frozen=True)
class TeamLine:
    """Somebody who is assigned, in which groups, with the person-days they wrote down."""

    member: Assigned
    groups: tuple[Group, ...]
    days: float


@dataclass(frozen=True)
class GroupLine:
    """A group of the team, with how many are in it; `too_few` from the stage on that asks for them."""

    group: Group
    people: int
    too_few: bool


@dataclass(frozen=True)
class OpenNonconformity:
    """A nonconformity that is not closed."""

    nonconformity: Nonconformity
    overdue: bool


@dataclass(frozen=True)
class NextAct:
    """Who acts next: one of `MOVERS` in `words`, the people who are that where it is a part of the team, and by when.
    `nobody` says that the scheme's first choice is a part that nobody has."""

    mover: str
    words: str
    people: tuple[str, ...]
    due: Due | None
    overdue: bool
    nobody: bool


@dataclass(frozen=True)
class Progress:
    """Where an engagement is. `inside` says whether the actor is of the body that does the work, or supervises it:
    others see the stages and what the client brings, and nothing of the rest. `next_act` is None when all is done."""

    engagement: Engagement
    client: Client
    checklist: Checklist
    inside: bool
    obstacles: Sequence[Obstacle]
    next_act: NextAct | None
    may_move: bool
    leads: bool
    works: bool
    next: tuple[Stage, ...]
    back: tuple[Stage, ...]
    team: Sequence[TeamLine]
    groups: Sequence[GroupLine]
    days: float
    nonconformities: Sequence[OpenNonconformity]
    nonconformity_count: int
    deadlines: Sequence[DeadlineLine]
    events: Sequence[EventLine]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way of taking it on."""
        return not self.obstacles and not self.checklist.open


@query(Permission.ENGAGEMENTS_READ)
def view_progress(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> Progress:
    """Where an engagement is, what is missing, who acts next and by when. Raises: NotFoundError."""
    return progress_of(uow, engagement_id)


def progress_of(uow: UnitOfWork, engagement_id: str) -> Progress:
    """The step behind `view_progress`, for whoever asks for a part of it. Raises: NotFoundError."""
    uow.require(READ, engagement_id)
    actor, engagement = uow.actor, uow.session.get_one(Engagement, engagement_id)
    client = uow.session.get_one(Client, engagement.client_id)
    checklist = checklist_of(uow, engagement)
    if not _is_inside(actor, engagement):
        return _from_outside(engagement, client, checklist)
    scheme, stage = checklist.scheme, checklist.current.stage
    moves = engagement.sealed_at is None or "sealed" in stage.needs
    works, leads = (uow.archive.policy.allows(uow.session, actor, kind, engagement_id) for kind in (WORK, LEAD))
    totals = {total.person_id: total.quarters for total in totals_of(uow, engagement)}
    team = _team(uow, engagement, scheme.team.groups, totals)
    found, count = _nonconformities(uow, engagement)
    obstacles = obstacles_of(uow, engagement, scheme, stage.code)
    over = not stage.next and not obstacles and not checklist.open
    return Progress(
        engagement=engagement,
        client=client,
        checklist=checklist,
        inside=True,
        obstacles=obstacles,
        next_act=None if over else _next_act(uow, engagement, scheme, [line.member for line in team]),
        may_move=moves and may_move(uow, engagement, stage),
        leads=leads and engagement.sealed_at is None and actor.may(Permission.STAGES_MOVE),
        works=works and engagement.sealed_at is None,
        next=tuple(scheme.stage(code) for code in stage.next),
        back=tuple(scheme.stage(code) for code in stage.back) if engagement.sealed_at is None else (),
        team=team,
        groups=_groups(engagement, scheme, team),
        days=sum(totals.values()) / QUARTERS_OF_A_DAY,
        nonconformities=found,
        nonconformity_count=count,
        deadlines=deadline_lines(uow, engagement, scheme),
        events=recent_events(uow, engagement_id),
    )


@query(Permission.STAGES_MOVE)
def view_line(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, stage: str, record_type: str
) -> tuple[Progress, ChecklistLine]:
    """A line of the checklist with the progress of its engagement, for whoever decides about it.

    Raises: NotFoundError, also where the scheme asks for no such record.
    """
    uow.require(LEAD, engagement_id)
    progress = progress_of(uow, engagement_id)
    for line in progress.checklist.lines:
        if (line.stage, line.type) == (stage, record_type):
            return progress, line
    raise NotFoundError


def _is_inside(actor: Actor, engagement: Engagement) -> bool:
    own = actor.is_system or actor.organisation_id == engagement.organisation_id
    return own or actor.may(Permission.SUPERVISION_USE)


def _from_outside(engagement: Engagement, client: Client, checklist: Checklist) -> Progress:
    stages = tuple(
        replace(one, lines=tuple(replace(line, reason="") for line in one.lines if line.record.by == "client"))
        for one in checklist.stages
    )
    return Progress(
        engagement=engagement,
        client=client,
        checklist=replace(checklist, stages=stages),
        inside=False,
        obstacles=(),
        next_act=None,
        may_move=False,
        leads=False,
        works=False,
        next=(),
        back=(),
        team=(),
        groups=(),
        days=0,
        nonconformities=(),
        nonconformity_count=0,
        deadlines=(),
        events=(),
    )


def _next_act(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, assigned: Sequence[Assigned]) -> NextAct:
    stage = scheme.stage(engagement.stage)
    mover = next_to_act(uow, engagement, stage)
    due = due_at(uow, engagement, scheme, stage.code)
    return NextAct(
        mover=mover,
        words=MOVERS[mover],
        people=tuple(member.name for member in assigned if member.part == mover),
        due=due,
        overdue=due is not None and due.on < uow.archive.today(),
        nobody=bool(stage.moved_by) and mover != stage.moved_by[0],
    )


def _team(
    uow: UnitOfWork, engagement: Engagement, groups: Sequence[Group], totals: Mapping[str, int]
) -> list[TeamLine]:
    named = groups_of(uow, engagement)
    order = {"leader": 0, "member": 1}
    lines = [
        TeamLine(
            member,
            tuple(group for group in groups if group.code in named.get(member.person_id, ())),
            totals.get(member.person_id, 0) / QUARTERS_OF_A_DAY,
        )
        for member in assigned_now(uow, engagement)
    ]
    return sorted(lines, key=lambda line: order.get(line.member.part, 2))


def _groups(engagement: Engagement, scheme: Scheme, team: Sequence[TeamLine]) -> list[GroupLine]:
    lines = []
    for group in scheme.team.groups:
        people = sum(group in line.groups for line in team if line.member.part in TEAM_PARTS)
        too_few = people < group.least_people and is_asked(group, engagement, scheme)
        lines.append(GroupLine(group, people, too_few))
    return lines


def _nonconformities(uow: UnitOfWork, engagement: Engagement) -> tuple[list[OpenNonconformity], int]:
    found = (Nonconformity.engagement_id == engagement.id, Nonconformity.state.not_in(CLOSED))
    count = uow.session.scalar(select(func.count()).select_from(Nonconformity).where(*found)) or 0
    first = select(Nonconformity).where(*found).order_by(Nonconformity.due_on, Nonconformity.position)
    today: date = uow.archive.today()
    rows = uow.session.scalars(first.limit(MOST_NONCONFORMITIES)) if count else ()
    return [OpenNonconformity(row, row.state != "answered" and row.due_on < today) for row in rows], count
