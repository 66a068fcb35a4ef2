"""Terms of a scheme that run for an engagement: begun and kept by its stages, moved by hand with a reason.

The days are reckoned with the calendar of working days as it is known when a term begins; one that reaches beyond what
is known is provisional and says so.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.casework.models import Deadline
from archive_app.casework.waiting import wait_for_mover
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.schemes import DeadlineRule, Scheme, scheme_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.kernel.working_days import Due
from archive_app.worklist.calendar import after_calendar_change, working_days
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import close_tasks

DEADLINE_MOVED = event_type("deadline.moved", N_("Deadline moved"))
DEADLINE_RUNS = task_kind(
    "casework.deadline",
    N_("Keep a deadline"),
    why=N_("You act at the stage that keeps it"),
    endpoint="progress.progress_page",
)
YEARLY, ENTERED, LEFT = "yearly", "entered", "left"
_LATEST = date(2200, 12, 31)


class DeadlineOverError(ArchiveError):
    """The deadline was kept already, or its stage was taken back."""

    code = "deadline_over"
    message = N_("This deadline does not run any more. Nothing was changed.")


@dataclass(frozen=True)
class DeadlineLine:
    """A deadline as pages show it, with its rule in the scheme; `overdue` and `days_left` as of today."""

    deadline: Deadline
    rule: DeadlineRule
    overdue: bool
    days_left: int


def begin_deadlines(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, *begins: str) -> None:
    """A step: terms run from now on that begin with one of `begins`, such as `entered:report`, `left:report` or
    `yearly`. One that runs already goes on as it is."""
    running = {row.code for row in _rows(uow, engagement) if not row.void}
    for rule in scheme.deadlines:
        if rule.starts in begins and rule.code not in running:
            _begin(uow, engagement, scheme, rule)


def keep_deadlines(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, stage: str) -> None:
    """A step: the engagement leaves a stage, which keeps the terms that wait for that."""
    for row, rule in _ruled(uow, engagement, scheme):
        if rule.kept_by == stage and row.kept_on is None and not row.void:
            row.kept_on = uow.archive.today()
            close_tasks(uow, DEADLINE_RUNS, subject_id=row.id)


def take_back_deadlines(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, to_stage: str) -> None:
    """A step: the engagement goes back to a stage. Terms that began later are void, kept ones that were kept by what is
    taken back run again, to the day they had."""
    place = scheme.position(to_stage)
    for row, rule in _ruled(uow, engagement, scheme):
        if row.void:
            continue
        if _began_after(scheme, rule, place):
            row.void = True
            close_tasks(uow, DEADLINE_RUNS, subject_id=row.id, outcome="void")
        elif row.kept_on is not None and scheme.position(rule.kept_by) >= place:
            row.kept_on = None
            _open(uow, engagement, scheme, rule, row)


@after_calendar_change("casework.deadlines")
def count_deadlines_anew(uow: UnitOfWork) -> None:
    """A step: the calendar knows more days now, so running terms that were provisional end on the day that is right."""
    running = select(Deadline, Engagement).join(Engagement, Engagement.id == Deadline.engagement_id)
    running = running.where(Deadline.provisional, Deadline.kept_on.is_(None), ~Deadline.void).order_by(Deadline.id)
    for row, engagement in uow.session.execute(running).all():
        scheme = scheme_of(uow, engagement)
        rule = next(rule for rule in scheme.deadlines if rule.code == row.code)
        due = _due(uow, engagement, rule, row.started_on)
        row.due_on, row.provisional = due.on, due.provisional
        _open(uow, engagement, scheme, rule, row)


def address_deadlines(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> None:
    """A step: the team changed, so running terms may wait for somebody else."""
    for row, rule in _ruled(uow, engagement, scheme):
        if row.kept_on is None and not row.void:
            _open(uow, engagement, scheme, rule, row)


def due_at(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, stage: str) -> Due | None:
    """The step that says by when a stage is to be left: the first day of those that leaving it keeps, else of those
    that a later stage keeps."""
    running = [(row, rule) for row, rule in _ruled(uow, engagement, scheme) if row.kept_on is None and not row.void]
    of_stage = [row for row, rule in running if rule.kept_by == stage]
    rows = of_stage or [row for row, _ in running]
    first = min(rows, key=lambda row: row.due_on, default=None)
    return Due(first.due_on, first.provisional) if first else None


def deadline_lines(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[DeadlineLine]:
    """The step that lists the terms of an engagement which were not taken back: running ones first, by day."""
    today = uow.archive.today()
    lines = [
        DeadlineLine(row, rule, row.kept_on is None and row.due_on < today, (row.due_on - today).days)
        for row, rule in _ruled(uow, engagement, scheme)
        if not row.void
    ]
    return sorted(lines, key=lambda line: (line.deadline.kept_on is not None, line.deadline.due_on, line.deadline.id))


@use_case(Permission.STAGES_MOVE)
def move_deadline(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, deadline_id: str, due_on: date, reason: str
) -> Deadline:
    """Gives a running deadline another day, with the reason.

    Raises: NotFoundError, EngagementSealedError, DeadlineOverError, InvalidInputError.
    """
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id)
    reason = one_line(reason, field=N_("Reason"), limit=1000)
    scheme = scheme_of(uow, engagement)
    found = [pair for pair in _ruled(uow, engagement, scheme) if pair[0].id == deadline_id]
    if not found:
        raise NotFoundError
    row, rule = found[0]
    if row.void or row.kept_on is not None:
        raise DeadlineOverError
    if not row.started_on <= due_on <= _LATEST:
        raise InvalidInputError(field=N_("Due on"), reason=N_("A deadline ends after it began."))
    before, row.due_on, row.provisional = row.due_on, due_on, False
    row.reason, row.changed_by = reason, actor.name
    _open(uow, engagement, scheme, rule, row)
    days = {"before": before.isoformat(), "due_on": due_on.isoformat()}
    uow.record(DEADLINE_MOVED, subjects_of(uow.session, engagement_id), deadline=row.code, reason=reason, **days)
    return row


def _begin(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, rule: DeadlineRule) -> None:
    today = uow.archive.today()
    due = _due(uow, engagement, rule, today)
    row = Deadline(
        id=uow.new_id(),
        engagement_id=engagement.id,
        code=rule.code,
        started_on=today,
        due_on=due.on,
        provisional=due.provisional,
        void=False,
        reason="",
    )
    uow.session.add(row)
    uow.session.flush()
    _open(uow, engagement, scheme, rule, row)


def _due(uow: UnitOfWork, engagement: Engagement, rule: DeadlineRule, begun: date) -> Due:
    if rule.starts == YEARLY:
        year, month, day = engagement.year + 1, *map(int, rule.month_day.split("-"))
        # The last of February is its last day in every year.
        return Due(date(year, month, min(day, monthrange(year, month)[1])))
    if rule.counted == "working":
        return working_days(uow).after(begun, rule.days)
    return working_days(uow).calendar_days_after(begun, rule.days)


def _open(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, rule: DeadlineRule, row: Deadline) -> None:
    stage, due = scheme.stage(rule.kept_by), Due(row.due_on, row.provisional)
    wait_for_mover(uow, DEADLINE_RUNS, engagement, stage, subject_id=row.id, due=due)


def _began_after(scheme: Scheme, rule: DeadlineRule, place: int) -> bool:
    event, _, stage = rule.starts.partition(":")
    if event == ENTERED:
        return scheme.position(stage) > place
    return event == LEFT and scheme.position(stage) >= place


def _rows(uow: UnitOfWork, engagement: Engagement) -> Sequence[Deadline]:
    of_engagement = select(Deadline).where(Deadline.engagement_id == engagement.id)
    return uow.session.scalars(of_engagement.order_by(Deadline.id)).all()


def _ruled(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[tuple[Deadline, DeadlineRule]]:
    rules = {rule.code: rule for rule in scheme.deadlines}
    return [(row, rules[row.code]) for row in _rows(uow, engagement)]
