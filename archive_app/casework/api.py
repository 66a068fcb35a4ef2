"""The JSON interface of the progress of engagements: where one is, what is missing, taking it on."""

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from archive_app.casework.checklist import ChecklistLine
from archive_app.casework.progress.viewing import Progress, view_progress
from archive_app.casework.stages import Moved, move_stage
from archive_app.casework.waivers import ask_again, waive_record
from archive_app.engagements.record_types import record_type_name
from archive_app.kernel.permissions import Permission
from archive_app.web.api.reading import Asked
from archive_app.web.api.routes import Resources, Shown
from archive_app.web.gate import current_actor
from archive_app.web.language import current_language

blueprint = Resources("progress", __name__)
_STATE = Field(examples=["missing"])


class DocumentNamed(Shown):
    """A document that is a record of the type."""

    id: str
    title: str
    state: str


class LineShown(Shown):
    """A type of record that belongs to a stage. `state` is one of not_due, missing, delivered, returned, accepted and
    waived; `documents` are the newest that the asker sees, `visible` says how many those are."""

    stage: str
    type: str
    name: str
    required: bool
    by: str
    source: str
    state: str = _STATE
    reason: str
    documents: list[DocumentNamed]
    visible: int


class StageShown(Shown):
    """A stage of the scheme, with the records that belong to it."""

    code: str
    name: str
    reached: bool
    current: bool
    records: list[LineShown]


class ObstacleShown(Shown):
    """Something that stands in the way of leaving the stage: a stable code, what it is about, and words."""

    code: str
    about: str
    words: str


class DeadlineShown(Shown):
    """A deadline that runs or was kept; days in the archive's zone."""

    id: str
    code: str
    name: str
    started_on: date
    due_on: date
    provisional: bool
    kept_on: date | None
    overdue: bool


class ProgressShown(Shown):
    """Where an engagement is. `obstacles` are the open conditions of the stage besides its records."""

    engagement_id: str
    scheme: str
    scheme_version: str
    stage: str
    next_stages: list[str] = Field(description="Where it may be taken on to; empty at the last stage.")
    back_stages: list[str] = Field(description="Where it may be taken back to, with a reason.")
    may_move: bool
    ready: bool
    waits_for: str | None = Field(description="Who acts next: leader, member, reviewer, archivist or issuer.")
    due_on: date | None
    stages: list[StageShown]
    obstacles: list[ObstacleShown]
    deadlines: list[DeadlineShown]


class Move(Asked):
    """An engagement to be taken from the stage it was seen at to another."""

    from_stage: str = Field(title="From the stage", max_length=40, examples=["arrangement"])
    to_stage: str = Field(title="Stage", max_length=40, examples=["preparation"])
    remark: str = Field("", title="Remark", max_length=1000, description="The reason, where it goes back.")


class MovedShown(Shown):
    """The stage that the engagement is at now."""

    engagement_id: str
    from_stage: str
    to_stage: str


class WaiverAsked(Asked):
    """A required record that does not apply, or applies after all."""

    stage: str = Field(title="Stage", max_length=40, examples=["arrangement"])
    type: str = Field(title="Type of record", max_length=60, examples=["work_plan"])
    reason: str = Field(title="Reason", min_length=1, max_length=1000, examples=["客户无外购热力"])
    waived: bool = Field(default=True, title="Does not apply", description="False takes it back.")


_LINE = {
    "stage": "arrangement",
    "type": "work_plan",
    "name": "核查工作方案",
    "required": True,
    "by": "team",
    "source": "S0 5.6",
    "state": "missing",
    "reason": "",
    "documents": [],
    "visible": 0,
}
_ID = "019aa2b4-11c0-7d04-8f7e-0a4de64b7c44"
_MOVED = {"engagement_id": _ID, "from_stage": "arrangement", "to_stage": "preparation"}
_PROGRESS = {
    "engagement_id": _ID,
    "scheme": "key_emitter_verification",
    "scheme_version": "1",
    "stage": "arrangement",
    "next_stages": ["preparation"],
    "back_stages": [],
    "may_move": True,
    "ready": False,
    "waits_for": "leader",
    "due_on": "2026-12-01",
    "stages": [{"code": "arrangement", "name": "核查安排", "reached": True, "current": True, "records": [_LINE]}],
    "obstacles": [{"code": "no_reviewer", "about": "", "words": "没有指派技术复核员。"}],
    "deadlines": [],
}


def _line(line: ChecklistLine) -> LineShown:
    return LineShown(
        stage=line.stage,
        type=line.type,
        name=record_type_name(line.type).text(current_language()),
        required=line.record.required,
        by=line.record.by,
        source=line.record.source,
        state=line.state,
        reason=line.reason,
        documents=[DocumentNamed(id=one.id, title=one.title, state=one.state) for one in line.documents],
        visible=line.visible,
    )


def _stages(view: Progress, language: str) -> list[StageShown]:
    return [
        StageShown(
            code=one.stage.code,
            name=one.stage.name.text(language),
            reached=one.reached,
            current=one.current,
            records=[_line(line) for line in one.lines],
        )
        for one in view.checklist.stages
    ]


def _deadlines(view: Progress, language: str) -> Sequence[DeadlineShown]:
    return [
        DeadlineShown(
            id=line.deadline.id,
            code=line.rule.code,
            name=line.rule.name.text(language),
            started_on=line.deadline.started_on,
            due_on=line.deadline.due_on,
            provisional=line.deadline.provisional,
            kept_on=line.deadline.kept_on,
            overdue=line.overdue,
        )
        for line in view.deadlines
    ]


def _progress(view: Progress) -> ProgressShown:
    language, next_act = current_language(), view.next_act
    return ProgressShown(
        engagement_id=view.engagement.id,
        scheme=view.engagement.scheme,
        scheme_version=view.engagement.scheme_version,
        stage=view.engagement.stage,
        next_stages=[stage.code for stage in view.next],
        back_stages=[stage.code for stage in view.back],
        may_move=view.may_move,
        ready=view.ready,
        waits_for=next_act.mover if next_act else None,
        due_on=next_act.due.on if next_act and next_act.due else None,
        stages=_stages(view, language),
        obstacles=[ObstacleShown(code=one.code, about=one.about, words=one.text(language)) for one in view.obstacles],
        deadlines=list(_deadlines(view, language)),
    )


def _moved(moved: Moved) -> MovedShown:
    return MovedShown(engagement_id=moved.engagement_id, from_stage=moved.from_stage, to_stage=moved.to_stage)


@blueprint.reads(
    "/engagements/<id:engagement_id>/progress",
    Permission.ENGAGEMENTS_READ,
    answer=ProgressShown,
    shows=_progress,
    example=_PROGRESS,
)
def read_progress(engagement_id: str) -> Progress:
    """Where an engagement is, what is missing, who acts next and by when."""
    return view_progress(current_actor(), engagement_id=engagement_id)


@blueprint.writes(
    "/engagements/<id:engagement_id>/stage",
    Permission.STAGES_MOVE,
    body=Move,
    answer=MovedShown,
    shows=_moved,
    status=200,
    problems=[404],
    example=_MOVED,
)
def post_stage(engagement_id: str, body: Move) -> Moved:
    """Takes an engagement on to the next stage, or back. Refused with `stage_incomplete` as long as something required
    is missing; the errors name each thing by code, what it is about and words. Refused with `stage_changed` when it is
    at another stage by now, and with `stage_not_yours` for whoever does not act at the stage."""
    return move_stage(
        current_actor(),
        engagement_id=engagement_id,
        from_stage=body.from_stage,
        to_stage=body.to_stage,
        remark=body.remark,
    )


@blueprint.writes(
    "/engagements/<id:engagement_id>/waivers",
    Permission.STAGES_MOVE,
    body=WaiverAsked,
    answer=LineShown,
    shows=_line,
    status=200,
    problems=[404],
    example=_LINE,
)
def post_waiver(engagement_id: str, body: WaiverAsked) -> ChecklistLine:
    """Says that a required record does not apply to an engagement, or takes that back."""
    act = waive_record if body.waived else ask_again
    return act(
        current_actor(), engagement_id=engagement_id, stage=body.stage, record_type=body.type, reason=body.reason
    )
