"""Use cases of stages: an engagement is taken on to the next one, or back, and nothing required is left behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.casework.checklist import ChecklistLine, LineState, checklist_of
from archive_app.casework.deadlines import (
    ENTERED,
    LEFT,
    YEARLY,
    address_deadlines,
    begin_deadlines,
    due_at,
    keep_deadlines,
    take_back_deadlines,
)
from archive_app.casework.gates import Obstacle, obstacles_of
from archive_app.casework.models import StageMove
from archive_app.casework.movers import MOVERS, may_move
from archive_app.casework.waiting import wait_for_mover
from archive_app.engagements.engagements import EngagementSealedError, after_opening, lock_engagement, subjects_of
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import READ
from archive_app.engagements.record_types import record_type_name
from archive_app.engagements.schemes import Scheme, Stage, scheme_of
from archive_app.engagements.teams import after_team_change
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, SeveralReasonsError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import close_tasks

STAGE_MOVED = event_type("stage.moved", N_("Taken to another stage"))
STAGE_WAITS = task_kind(
    "casework.stage_waits",
    N_("Take the engagement on"),
    why=N_("The stage it is at waits for you"),
    endpoint="progress.progress_page",
)
SEALED = "sealed"
_DOCUMENTS, _REQUESTS, _RECORDS = "documents.engagement_page", "requests.requests_page", "records.records_page"
_RECORD_WORDS = {
    LineState.MISSING: N_("%(record)s (%(stage)s) is missing."),
    LineState.NOT_DUE: N_("%(record)s (%(stage)s) is missing."),
    LineState.DELIVERED: N_("%(record)s (%(stage)s) was delivered and is not accepted yet."),
    LineState.RETURNED: N_("%(record)s (%(stage)s) was returned and has not come again."),
}


class StageIncompleteError(SeveralReasonsError):
    """Something that the stage needs is not there: all of it at once, each with where it is mended."""

    code = "stage_incomplete"
    message = N_("The engagement was not taken on: %(count)s things are open. It stays where it is.")

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(count=len(obstacles))
        self.obstacles = tuple(obstacles)

    def reasons(self, language: str) -> Sequence[tuple[str, str, str]]:
        """Of each thing its code, what it is about, and its words."""
        return [(obstacle.code, obstacle.about, obstacle.text(language)) for obstacle in self.obstacles]

    def text(self, language: str) -> str:
        """What happened, then everything that is open."""
        return " ".join([super().text(language), *(obstacle.text(language) for obstacle in self.obstacles)])


class StageChangedError(ArchiveError):
    """Somebody else took the engagement to another stage in the meantime."""

    code = "stage_changed"
    message = N_(
        "The engagement is at the stage %(stage)s by now: somebody else took it there. Nothing was changed; reload the "
        "page and look again."
    )


class NotYoursToMoveError(ArchiveError):
    """From this stage others take the engagement on."""

    code = "stage_not_yours"
    message = N_("From the stage %(stage)s it is taken on by: %(movers)s. Nothing was changed.")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage={"zh": stage.name.zh, "en": stage.name.en})
        self._stage = stage

    def text(self, language: str) -> str:
        """Who may, in `language`."""
        movers = " / ".join(translate(language, MOVERS[mover]) for mover in self._stage.moved_by)
        return translate(language, self.message, stage=self._stage.name.text(language), movers=movers)


@dataclass(frozen=True)
class Moved:
    """The engagement after it was taken to another stage."""

    engagement_id: str
    from_stage: str
    to_stage: str


@use_case(Permission.STAGES_MOVE)
def move_stage(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, from_stage: str, to_stage: str, remark: str = ""
) -> Moved:
    """Takes an engagement from the stage that the actor saw it at to a next one, or back to an earlier one with the
    reason as remark. On it goes only when every required record of this stage and of those before is accepted or does
    not apply, and every condition of the stage holds.

    Raises: NotFoundError, StageChangedError, NotYoursToMoveError, InvalidInputError, StageIncompleteError with
    everything that is open, EngagementSealedError.
    """
    uow.require(READ, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id, sealed_too=True)
    scheme = scheme_of(uow, engagement)
    stage = scheme.stage(engagement.stage)
    if engagement.stage != from_stage:
        raise StageChangedError(stage={"zh": stage.name.zh, "en": stage.name.en})
    if not may_move(uow, engagement, stage):
        raise NotYoursToMoveError(stage)
    back = to_stage in stage.back
    if not back and to_stage not in stage.next:
        raise InvalidInputError(field=N_("Stage"), reason=N_("The scheme does not lead there from this stage."))
    # A sealed file may still go on from the stage that waits for the seal; nothing in it changes by that.
    if engagement.sealed_at is not None and (back or SEALED not in stage.needs):
        raise EngagementSealedError(number=engagement.number)
    remark = one_line(remark, field=N_("Reason") if back else N_("Remark"), limit=1000, required=back)
    if not back and (found := obstacles_to_leave(uow, engagement, scheme)):
        raise StageIncompleteError(found)
    take_to(uow, engagement, scheme, to_stage, remark)
    stages = {"from_stage": from_stage, "to_stage": to_stage}
    uow.record(STAGE_MOVED, subjects_of(uow.session, engagement_id), remark=remark, back=back or "", **stages)
    return Moved(engagement_id, from_stage, to_stage)


def obstacles_to_leave(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> list[Obstacle]:
    """The step that finds everything that stands in the way of leaving the present stage forward."""
    missing = [_of_line(line, scheme) for line in checklist_of(uow, engagement).open]
    return missing + obstacles_of(uow, engagement, scheme, engagement.stage)


def take_to(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, to_stage: str, remark: str) -> None:
    """A step, of an engagement that is locked: it is at another stage now, with its terms and tasks. Checks nothing and
    records no event: whoever calls it does."""
    from_stage = engagement.stage
    moves = select(func.count()).select_from(StageMove).where(StageMove.engagement_id == engagement.id)
    row = StageMove(
        id=uow.new_id(),
        engagement_id=engagement.id,
        ordinal=(uow.session.scalar(moves) or 0) + 1,
        from_stage=from_stage,
        to_stage=to_stage,
        remark=remark,
        moved_by=uow.actor.name,
        moved_at=uow.now,
    )
    uow.session.add(row)
    engagement.stage = to_stage
    uow.session.flush()
    if to_stage in scheme.stage(from_stage).back:
        take_back_deadlines(uow, engagement, scheme, to_stage)
    else:
        keep_deadlines(uow, engagement, scheme, from_stage)
        begin_deadlines(uow, engagement, scheme, f"{LEFT}:{from_stage}", f"{ENTERED}:{to_stage}")
    close_tasks(uow, STAGE_WAITS, subject_id=engagement.id)
    _wait(uow, engagement, scheme)


@after_opening
def begin(uow: UnitOfWork, engagement: Engagement) -> None:
    """A step: the engagement stands at its first stage; terms begin, and it waits for whoever acts there."""
    scheme = scheme_of(uow, engagement)
    begin_deadlines(uow, engagement, scheme, YEARLY, f"{ENTERED}:{engagement.stage}")
    _wait(uow, engagement, scheme)


@after_team_change
def address_again(uow: UnitOfWork, engagement: Engagement) -> None:
    """A step: what waits for a part of the team waits for somebody who is there."""
    scheme = scheme_of(uow, engagement)
    address_deadlines(uow, engagement, scheme)
    _wait(uow, engagement, scheme)


def _wait(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> None:
    stage = scheme.stage(engagement.stage)
    if stage.next:
        due = due_at(uow, engagement, scheme, stage.code)
        wait_for_mover(uow, STAGE_WAITS, engagement, stage, subject_id=engagement.id, due=due)


def _of_line(line: ChecklistLine, scheme: Scheme) -> Obstacle:
    endpoint = _DOCUMENTS if line.record.by == "team" else _REQUESTS
    if line.state is LineState.DELIVERED:
        endpoint = _RECORDS
    params = {"record": record_type_name(line.type), "stage": scheme.stage(line.stage).name}
    code = "record_missing" if line.state is LineState.NOT_DUE else f"record_{line.state}"
    return Obstacle(code, _RECORD_WORDS[line.state], params, endpoint, about=f"{line.stage}/{line.type}")
