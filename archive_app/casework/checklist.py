"""What the file of an engagement has to hold by its scheme, and what of it is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select

from archive_app.casework.models import Record, StageMove, Waiver
from archive_app.documents.models import Document
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import RequiredRecord, Scheme, Stage, scheme_of
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

MOST_DOCUMENTS = 3
"""How many documents of a type a line names; the page of the records shows all of them."""


class LineState(StrEnum):
    """How it stands with a required record."""

    NOT_DUE = "not_due"
    MISSING = "missing"
    DELIVERED = "delivered"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    WAIVED = "waived"


STATE_WORDS = {
    LineState.NOT_DUE: N_("Not due yet"),
    LineState.MISSING: N_("Missing"),
    LineState.DELIVERED: N_("Delivered"),
    LineState.RETURNED: N_("Returned"),
    LineState.ACCEPTED: N_("Accepted"),
    LineState.WAIVED: N_("Does not apply"),
}
CLOSED = frozenset({LineState.ACCEPTED, LineState.WAIVED})
"""The states in which a required record stands in nobody's way."""


@dataclass(frozen=True)
class ListedDocument:
    """A document that is a record, as a line of the checklist names it."""

    id: str
    title: str
    state: str


@dataclass(frozen=True)
class ChecklistLine:
    """A type of record that belongs to a stage. `state` is a fact of the engagement, the same for whoever looks;
    `documents` are the newest ones that the actor may see, `visible` says how many those are altogether."""

    stage: str
    record: RequiredRecord
    state: LineState
    reason: str = ""
    documents: tuple[ListedDocument, ...] = ()
    visible: int = 0

    @property
    def type(self) -> str:
        """The code of the record type."""
        return self.record.type

    @property
    def open(self) -> bool:
        """Whether it stands in the way of leaving its stage."""
        return self.record.required and self.state not in CLOSED


@dataclass(frozen=True)
class StageChecklist:
    """The lines of a stage. `reached` says whether the engagement is there or passed through it."""

    stage: Stage
    reached: bool
    current: bool
    lines: tuple[ChecklistLine, ...]

    @property
    def open(self) -> tuple[ChecklistLine, ...]:
        """What stands in the way of leaving it."""
        return tuple(line for line in self.lines if line.open)

    def count(self, *states: LineState) -> int:
        """How many required records are in one of the states; without states how many there are."""
        required = (line for line in self.lines if line.record.required)
        return sum(1 for line in required if not states or line.state in states)

    @property
    def done(self) -> int:
        """How many required records are accepted or do not apply."""
        return self.count(*CLOSED)


@dataclass(frozen=True)
class Checklist:
    """The checklist of an engagement, by the stages of its scheme."""

    scheme: Scheme
    stages: tuple[StageChecklist, ...]

    @property
    def current(self) -> StageChecklist:
        """The stage that the engagement is at."""
        return next(one for one in self.stages if one.current)

    @property
    def lines(self) -> tuple[ChecklistLine, ...]:
        """All lines, in the order of the stages."""
        return tuple(line for one in self.stages for line in one.lines)

    @property
    def open(self) -> tuple[ChecklistLine, ...]:
        """What stands in the way of leaving the current stage: its own lines and those of the stages passed through."""
        return tuple(line for one in self.stages if one.reached for line in one.open)


def checklist_of(uow: UnitOfWork, engagement: Engagement) -> Checklist:
    """The step that compares the scheme of an engagement with what is there.

    Documents that were withdrawn do not count, neither do renditions of a record beside the record itself. A record
    above the level of whoever looks counts and is not named.
    """
    scheme = scheme_of(uow, engagement)
    states, waivers, listed = _states(uow, engagement), _waivers(uow, engagement), _listed(uow, engagement)
    reached = path_of(uow, engagement, scheme)

    def line(stage: Stage, record: RequiredRecord) -> ChecklistLine:
        waiver = waivers.get((stage.code, record.type))
        state = _state(states.get(record.type, ()), waived=waiver is not None, reached=stage.code in reached)
        documents = listed.get(record.type, ())
        shown = tuple(document for document, _ in documents)
        reason = waiver or "" if state is LineState.WAIVED else ""
        return ChecklistLine(stage.code, record, state, reason, shown, documents[0][1] if documents else 0)

    return Checklist(
        scheme,
        tuple(
            StageChecklist(
                stage,
                stage.code in reached,
                stage.code == engagement.stage,
                tuple(line(stage, record) for record in stage.records),
            )
            for stage in scheme.stages
        ),
    )


def path_of(uow: UnitOfWork, engagement: Engagement, scheme: Scheme) -> Sequence[str]:
    """The step that gives the stages an engagement passed through, in their order, up to the one that it is at.

    A stage that was jumped over, where the scheme allows that, is not among them; neither is one that was taken back.
    """
    moves = select(StageMove.from_stage, StageMove.to_stage).where(StageMove.engagement_id == engagement.id)
    path = [scheme.stages[0].code]
    for from_stage, to_stage in uow.session.execute(moves.order_by(StageMove.ordinal)):
        if to_stage in scheme.stage(from_stage).back:
            place = scheme.position(to_stage)
            path = [code for code in path if scheme.position(code) < place]
        path.append(to_stage)
    return path


def _state(states: Iterable[str], *, waived: bool, reached: bool) -> LineState:
    there = set(states)
    if "accepted" in there:
        return LineState.ACCEPTED
    if waived:
        return LineState.WAIVED
    if "delivered" in there:
        return LineState.DELIVERED
    if "returned" in there:
        return LineState.RETURNED
    return LineState.MISSING if reached else LineState.NOT_DUE


def _states(uow: UnitOfWork, engagement: Engagement) -> Mapping[str, set[str]]:
    living = (
        select(Record.type, Record.state)
        .join(Document, Document.id == Record.document_id)
        .where(Record.engagement_id == engagement.id, Record.rendition_of.is_(None), Document.withdrawn_at.is_(None))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for record_type, state in uow.session.execute(living):
        found.setdefault(record_type, set()).add(state)
    return found


def _waivers(uow: UnitOfWork, engagement: Engagement) -> Mapping[tuple[str, str], str]:
    living = select(Waiver.stage, Waiver.type, Waiver.reason).where(
        Waiver.engagement_id == engagement.id, Waiver.ended_at.is_(None)
    )
    return {(stage, record_type): reason for stage, record_type, reason in uow.session.execute(living)}


def _listed(uow: UnitOfWork, engagement: Engagement) -> Mapping[str, Sequence[tuple[ListedDocument, int]]]:
    """The newest documents of each type that the actor may see, each with how many of the type those are."""
    ranked = (
        select(
            Record.type,
            Record.state,
            Document.id,
            Document.title,
            func.row_number().over(partition_by=Record.type, order_by=Document.id.desc()).label("place"),
            func.count().over(partition_by=Record.type).label("visible"),
        )
        .join(Document, Document.id == Record.document_id)
        .where(Record.engagement_id == engagement.id, Record.rendition_of.is_(None), uow.visible("document"))
        .subquery()
    )
    newest = select(ranked).where(ranked.c.place <= MOST_DOCUMENTS).order_by(ranked.c.type, ranked.c.place)
    found: dict[str, list[tuple[ListedDocument, int]]] = {}
    for row in uow.session.execute(newest):
        found.setdefault(row.type, []).append((ListedDocument(row.id, row.title, row.state), row.visible))
    return found
