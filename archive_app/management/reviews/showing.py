"""Management reviews as lists and pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, func, select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues, holds
from archive_app.management.reviews.agenda import RECORD, agenda, decision_codes
from archive_app.management.reviews.figures import FIGURES
from archive_app.management.reviews.filling import figures_in, mark_of, points_of, scope_of
from archive_app.management.reviews.missing import INPUT, OUTPUT, missing_in
from archive_app.management.reviews.models import (
    ManagementReview,
    ReviewAttendance,
    ReviewDecision,
    ReviewInput,
    ReviewNothing,
)
from archive_app.management.reviews.rules import ACTS, PLANNED, STATES, decisions_of, kind_of
from archive_app.management.reviews.trend import Curve, Earlier, curve_of, earlier_figures, year_label


@dataclass(frozen=True)
class ReviewLine:
    """A review as lists show it: who reviews, and how many of its decisions are open and overdue."""

    review: ManagementReview
    reviewer: str
    open: int
    overdue: int


@dataclass(frozen=True)
class FigureShown:
    """A figure of a point: `words` is a catalogue key; `series` what it was in the reviews before, None where it was
    not counted, and now."""

    code: str
    words: str
    number: int
    grave: bool
    series: Sequence[tuple[str, int | None]]
    listed: bool

    @property
    def curve(self) -> Curve | None:
        """The series as a line."""
        return curve_of([*(number for _, number in self.series), self.number])


@dataclass(frozen=True)
class PointShown:
    """A point of the agenda, or a section of the report. `mark` tells these words from others, `missing` that it lacks
    both words and figures although it is required."""

    code: str
    clauses: Sequence[str]
    words: str
    mark: str
    said_by: str
    figures: Sequence[FigureShown]
    filled_at: datetime | None
    missing: bool


@dataclass(frozen=True)
class OutputShown:
    """An output: the decisions about it with their owners, or why there is nothing to decide. `record`: the report
    itself answers it."""

    code: str
    clauses: Sequence[str]
    decisions: Sequence[tuple[ReviewDecision, str]]
    nothing: str
    missing: bool
    record: bool = False


@dataclass(frozen=True)
class ReviewPage:
    """Everything that the page of a review shows. `acts` are those of `rules.ACTS` that the actor could do now;
    `in_person` that they are who holds it; `reviewer_fit` that whoever is named may still hold it; `early` that figures
    were counted before the period was over."""

    review: ManagementReview
    kind: str
    reviewer: Colleague
    reviewer_fit: bool
    inputs: Sequence[PointShown]
    sections: Mapping[str, PointShown]
    outputs: Sequence[OutputShown]
    attendance: Sequence[ReviewAttendance]
    acts: frozenset[str]
    in_person: bool
    due: bool
    early: bool
    filled: bool

    @property
    def missing(self) -> int:
        """How many required points are missing."""
        return sum(one.missing for one in self.inputs) + sum(one.missing for one in self.outputs)

    @property
    def required(self) -> int:
        """How many are required."""
        return len(self.inputs) + sum(not one.record for one in self.outputs)


@query(Permission.REVIEWS_READ)
def list_reviews(
    actor: Actor,
    uow: UnitOfWork,
    *,
    year: int | None = None,
    state: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ReviewLine]:
    """Reviews of one's organisation, the newest year first. Raises: InvalidInputError."""
    statement = (
        select(ManagementReview, Person.display_name)
        .join(Person, Person.id == ManagementReview.reviewer_id)
        .where(uow.visible("management_review"))
    )
    if state and state not in STATES:
        raise InvalidInputError(field=N_("State"), reason=N_("Choose one from the list."))
    if state:
        statement = statement.where(ManagementReview.state == state)
    if year is not None:
        statement = statement.where(ManagementReview.year == year)
    order = [ManagementReview.year, ManagementReview.ordinal, ManagementReview.id]
    page = fetch_page(uow.session, statement, order, after=after, descending=True, limit=limit)
    waiting = _open_decisions(uow, [row[0].id for row in page.items])
    return Page([ReviewLine(row[0], row[1], *waiting.get(row[0].id, (0, 0))) for row in page.items], page.next_key)


@query(Permission.REVIEWS_READ)
def years_of_reviews(actor: Actor, uow: UnitOfWork) -> Sequence[int]:
    """The years that there are reviews of, newest first."""
    years = select(ManagementReview.year).where(uow.visible("management_review")).distinct()
    return uow.session.scalars(years.order_by(ManagementReview.year.desc())).all()


@query(Permission.REVIEWS_READ)
def view_review(actor: Actor, uow: UnitOfWork, *, review_id: str) -> ReviewPage:
    """A review with its agenda, what was counted, said and decided. Raises: NotFoundError."""
    uow.require("management_review", review_id)
    review = uow.session.get_one(ManagementReview, review_id)
    return _page(uow, review)


@query(Permission.REVIEWS_READ)
def find_review(actor: Actor, uow: UnitOfWork, *, review_id: str) -> ManagementReview:
    """The review alone. Raises: NotFoundError."""
    uow.require("management_review", review_id)
    return uow.session.get_one(ManagementReview, review_id)


@dataclass(frozen=True)
class Choices:
    """What forms of reviews choose from: who may hold one, and who may be named for a decision."""

    reviewers: Sequence[Colleague]
    people: Sequence[Colleague]
    today: date


@query(Permission.REVIEWS_PREPARE)
def review_choices(actor: Actor, uow: UnitOfWork) -> Choices:
    """People of one's own organisation to choose."""
    organisation_id = actor.organisation_id or ""
    return Choices(
        colleagues(uow, organisation_id, Permission.REVIEWS_HOLD),
        colleagues(uow, organisation_id, Permission.WORK_READ),
        uow.archive.today(),
    )


@dataclass(frozen=True)
class RowBehind:
    """Something that was counted: where it is shown is said by the figure's `Behind`."""

    id: str
    words: str
    engagement_id: str


@dataclass(frozen=True)
class BehindPage:
    """What is behind a figure now, as far as the actor sees it; `number` is what was counted."""

    review: ManagementReview
    words: str
    number: int | None
    filled_at: datetime | None
    endpoint: str
    argument: str
    with_engagement: bool
    page: Page[RowBehind]


@query(Permission.REVIEWS_READ)
def rows_behind(
    actor: Actor, uow: UnitOfWork, *, review_id: str, figure: str, after: str | None = None, limit: int = PAGE_SIZE
) -> BehindPage:
    """The list behind a figure, as it is now. Raises: NotFoundError; InvalidInputError for what is no figure."""
    uow.require("management_review", review_id)
    review = uow.session.get_one(ManagementReview, review_id)
    known = FIGURES.get(figure)
    if known is None:
        raise InvalidInputError(field=N_("Figure"), reason=N_("Choose one from the list."))
    behind, rows = known.behind, known.counts(uow, scope_of(uow, review))
    found: Page[RowBehind] = Page([])
    if actor.may(behind.permission):
        if behind.kind:
            rows = rows.where(uow.visible(behind.kind))
        page = fetch_page(uow.session, rows, [rows.selected_columns[0]], after=after, limit=limit)
        found = Page([RowBehind(row[0], row[1], row[2] or "") for row in page.items], page.next_key)
    counted = {
        code: (number, point.filled_at)
        for point in points_of(uow, review_id).values()
        for code, number in figures_in(point).items()
    }
    number, filled_at = counted.get(figure, (None, None))
    return BehindPage(
        review, known.words, number, filled_at, behind.endpoint, behind.argument, behind.with_engagement, found
    )


def _page(uow: UnitOfWork, review: ManagementReview) -> ReviewPage:
    kind, points, known = kind_of(uow, review), points_of(uow, review.id), agenda()
    names = _names(uow, {point.said_by for point in points.values() if point.said_by})
    earlier = earlier_figures(uow, review)
    missing = {(one.part, one.code) for one in missing_in(uow, review)} if review.state == PLANNED else set()
    required = {one.code: known.clauses_for(kind, one.sources) for one in known.inputs_for(kind)}
    outline = known.outline_for(kind)
    sections = [one.code for one in outline.sections()] if outline else []
    shown = {
        code: _point(point, required.get(code, ()), names, earlier, missing=(INPUT, code) in missing)
        for code, point in points.items()
    }
    # What the configuration dropped since stays at the end.
    order = [code for code in required if code in shown]
    order += [code for code in shown if code not in required and code not in sections]
    attendance = select(ReviewAttendance).where(ReviewAttendance.review_id == review.id)
    reviewer = uow.session.get_one(Person, review.reviewer_id)
    actor, zone = uow.actor, uow.archive.rules.zone
    filled = [point.filled_at.astimezone(zone).date() for point in points.values() if point.filled_at]
    return ReviewPage(
        review=review,
        kind=kind,
        reviewer=Colleague(reviewer.id, reviewer.login, reviewer.display_name),
        reviewer_fit=holds(uow, reviewer, Permission.REVIEWS_HOLD),
        inputs=[shown[code] for code in order],
        sections={code: shown[code] for code in sections if code in shown},
        outputs=_outputs(uow, review, kind, missing),
        attendance=uow.session.scalars(attendance.order_by(ReviewAttendance.id)).all(),
        acts=frozenset(name for name, act in ACTS.items() if review.state in act.states and actor.may(act.permission)),
        in_person=actor.person_id == review.reviewer_id,
        due=uow.archive.today() >= review.on,
        early=any(day <= review.period_to for day in filled),
        filled=bool(filled),
    )


def _point(
    point: ReviewInput,
    clauses: Sequence[str],
    names: Mapping[str, str],
    earlier: Sequence[Earlier],
    *,
    missing: bool,
) -> PointShown:
    figures = []
    for code, number in figures_in(point).items():
        known = FIGURES.get(code)
        series = [(year_label(one), one.figures.get(code)) for one in earlier]
        words, grave = (known.words, known.grave) if known else (code, False)
        figures.append(FigureShown(code, words, number, grave, series, known is not None))
    return PointShown(
        code=point.code,
        clauses=clauses,
        words=point.words,
        mark=mark_of(point.words),
        said_by=names.get(point.said_by or "", ""),
        figures=figures,
        filled_at=point.filled_at,
        missing=missing,
    )


def _outputs(
    uow: UnitOfWork, review: ManagementReview, kind: str, missing: set[tuple[str, str]]
) -> Sequence[OutputShown]:
    decisions = decisions_of(uow, review.id)
    names = _names(uow, {row.owner_id for row in decisions})
    nothing = select(ReviewNothing).where(ReviewNothing.review_id == review.id)
    reasons = {row.code: row.reason for row in uow.session.scalars(nothing)}
    wanted = {one.code: one for one in agenda().outputs_for(kind)}
    codes = [*decision_codes(kind), *(row.code for row in decisions), *reasons]
    shown = [
        OutputShown(
            code=code,
            clauses=agenda().clauses_for(kind, wanted[code].sources) if code in wanted else (),
            decisions=[(row, names.get(row.owner_id, "")) for row in decisions if row.code == code],
            nothing=reasons.get(code, ""),
            missing=(OUTPUT, code) in missing,
        )
        for code in dict.fromkeys(codes)
    ]
    records = (one for one in wanted.values() if one.kind == RECORD)
    return shown + [
        OutputShown(one.code, agenda().clauses_for(kind, one.sources), (), "", missing=False, record=True)
        for one in records
    ]


def _open_decisions(uow: UnitOfWork, review_ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """How many decisions of held reviews are open, and how many of these overdue, by review."""
    today = uow.archive.today()
    overdue = func.sum(case((ReviewDecision.due_on < today, 1), else_=0))
    rows = uow.session.execute(
        select(ReviewDecision.review_id, func.count(), overdue)
        .where(ReviewDecision.review_id.in_(review_ids), ReviewDecision.done_at.is_(None))
        .group_by(ReviewDecision.review_id)
    )
    return {row[0]: (row[1], int(row[2] or 0)) for row in rows}


def _names(uow: UnitOfWork, people: set[str]) -> Mapping[str, str]:
    rows = uow.session.execute(select(Person.id, Person.display_name).where(Person.id.in_(people)))
    return {row[0]: row[1] for row in rows}
