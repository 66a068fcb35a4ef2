"""Decisions of held reviews as lists and pages show them, and the duties that a held review settles."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, or_, select

from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues
from archive_app.management.recurring.models import Occurrence, OwnDuty
from archive_app.management.recurring.rules import may_settle
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from archive_app.management.reviews.rules import HELD

DUTY = "management_review"
"""The duty of `config/recurring` that a held review settles."""
MOST_DUTIES = 20
OPEN, OVERDUE, DONE = "open", "overdue", "done"
STATES = {OPEN: N_("Not done yet"), OVERDUE: N_("Overdue"), DONE: N_("Done")}


@dataclass(frozen=True)
class DecisionLine:
    """A decision of a held review: `state` is one of STATES, `owner_left` that nobody does it any more."""

    decision: ReviewDecision
    review: ManagementReview
    owner: str
    owner_left: bool
    state: str


@dataclass(frozen=True)
class DecisionFilters:
    """What a list of decisions is narrowed to; empty means all."""

    state: str = ""
    code: str = ""
    owner_id: str = ""
    review_id: str = ""


@dataclass(frozen=True)
class DecisionPage:
    """Everything that the page of a decision shows. `reads_review` says whether the actor sees the review itself;
    `others` are who could do it instead, for those who may give it to them."""

    line: DecisionLine
    mine: bool
    reads_review: bool
    others: Sequence[Colleague]


@query(Permission.REVIEWS_READ)
def list_decisions(
    actor: Actor, uow: UnitOfWork, *, filters: DecisionFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[DecisionLine]:
    """Decisions of held reviews, what is due first first. Raises: InvalidInputError."""
    if filters.state and filters.state not in STATES:
        raise InvalidInputError(field=N_("State"), reason=N_("Choose one from the list."))
    today = uow.archive.today()
    statement = _lines().where(uow.visible("review_decision"))
    if filters.state:
        still_open = ReviewDecision.done_at.is_(None)
        statement = statement.where(still_open if filters.state != DONE else ReviewDecision.done_at.is_not(None))
    if filters.state == OVERDUE:
        statement = statement.where(ReviewDecision.due_on < today)
    for value, column in (
        (filters.code, ReviewDecision.code),
        (filters.owner_id, ReviewDecision.owner_id),
        (filters.review_id, ReviewDecision.review_id),
    ):
        if value:
            statement = statement.where(column == value)
    order = [ReviewDecision.due_on, ReviewDecision.id]
    page = fetch_page(uow.session, statement, order, after=after, limit=limit)
    return Page([_line(uow, *row[:3]) for row in page.items], page.next_key)


@query(Permission.WORK_READ)
def view_decision(actor: Actor, uow: UnitOfWork, *, decision_id: str) -> DecisionPage:
    """One decision of a held review, for whoever reads reviews and for its owner. Raises: NotFoundError."""
    uow.require("review_decision", decision_id)
    row = uow.session.execute(_lines(held=False).where(ReviewDecision.id == decision_id)).one()
    line = _line(uow, row[0], row[1], row[2])
    may_give = actor.may(Permission.REVIEWS_PREPARE) and line.review.state == HELD and line.state != DONE
    return DecisionPage(
        line=line,
        mine=line.decision.owner_id == actor.person_id and line.review.state == HELD,
        reads_review=actor.may(Permission.REVIEWS_READ),
        others=colleagues(uow, line.decision.organisation_id, Permission.WORK_READ) if may_give else (),
    )


@query(Permission.REVIEWS_READ)
def owners_of_decisions(actor: Actor, uow: UnitOfWork) -> Sequence[tuple[str, str]]:
    """Whoever owns decisions that the actor sees, by name: pairs of id and name."""
    owners = select(ReviewDecision.owner_id).where(uow.visible("review_decision"))
    people = select(Person.id, Person.display_name).where(Person.id.in_(owners))
    rows = uow.session.execute(people.order_by(Person.display_name, Person.id))
    return [(row[0], row[1]) for row in rows]


@query(Permission.REVIEWS_READ)
def duties_settled_by(actor: Actor, uow: UnitOfWork, *, review_id: str) -> Sequence[Occurrence]:
    """The open times of the duty “management review” that the report of a held review would settle, as far as the actor
    may say so: those of its year, and those that are due. Raises: NotFoundError."""
    uow.require("management_review", review_id)
    review = uow.session.get_one(ManagementReview, review_id)
    if review.state != HELD:
        return ()
    waiting = (
        select(Occurrence)
        .join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        .where(
            uow.visible("occurrence"),
            Occurrence.organisation_id == review.organisation_id,
            Occurrence.state == "open",
            OwnDuty.code == DUTY,
            or_(Occurrence.year == review.year, Occurrence.due_on <= uow.archive.today()),
        )
        .order_by(Occurrence.due_on, Occurrence.id)
    )
    found = uow.session.scalars(waiting.limit(MOST_DUTIES))
    return [one for one in found if may_settle(one, actor)]


def _lines(*, held: bool = True) -> Select[ReviewDecision, ManagementReview, Person]:
    rows = (
        select(ReviewDecision, ManagementReview, Person)
        .join(ManagementReview, ManagementReview.id == ReviewDecision.review_id)
        .join(Person, Person.id == ReviewDecision.owner_id)
    )
    return rows.where(ManagementReview.state == HELD) if held else rows


def _line(uow: UnitOfWork, decision: ReviewDecision, review: ManagementReview, owner: Person) -> DecisionLine:
    open_state = OVERDUE if decision.due_on < uow.archive.today() else OPEN
    state = DONE if decision.done_at is not None else open_state
    return DecisionLine(decision, review, owner.display_name, not owner.active, state)
