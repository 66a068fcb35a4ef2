"""Planning a management review: its day, place, period and agenda, who reviews and who takes part; calling it off."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.reviews.agenda import agenda
from archive_app.management.reviews.models import ManagementReview, ReviewAttendance, ReviewInput
from archive_app.management.reviews.rules import (
    CANCELLED,
    PLANNED,
    keep_review_tasks,
    kind_of,
    locked_review,
    subjects_of_review,
)

REVIEW_PLANNED = event_type("management_review.planned", N_("Management review planned"))
REVIEW_CHANGED = event_type("management_review.changed", N_("Plan of a management review changed"))
REVIEW_CANCELLED = event_type("management_review.cancelled", N_("Management review cancelled"))
ATTENDANCE_CHANGED = event_type("management_review.attendance", N_("Attendance of a management review changed"))
FIRST_YEAR, LAST_YEAR = 2000, 2200
MOST_ATTENDING = 200


@dataclass(frozen=True)
class Plan:
    """What is planned: `year` is whose review it is, `reviewer` the login or identifier of the person of top management
    who reviews in person. What is considered lies between `period_from` and `period_to`, both included."""

    year: int
    on: date
    period_from: date
    period_to: date
    reviewer: str
    title: str = ""
    place: str = ""


@use_case(Permission.REVIEWS_PREPARE)
def plan_review(actor: Actor, uow: UnitOfWork, *, plan: Plan) -> ManagementReview:
    """Plans a review of one's own organisation; its agenda is what the sources require of such an organisation. There
    may be several in a year.

    Raises: NotFoundError for somebody without an organisation, InvalidInputError.
    """
    if actor.organisation_id is None:
        raise NotFoundError
    # Two who plan at once: each gets a number of their own.
    organisation = uow.session.get_one(Organisation, actor.organisation_id, with_for_update=True)
    of_year = (ManagementReview.organisation_id == organisation.id, ManagementReview.year == plan.year)
    last = uow.session.scalar(select(func.max(ManagementReview.ordinal)).where(*of_year)) or 0
    review = ManagementReview(
        id=uow.new_id(),
        organisation_id=organisation.id,
        ordinal=last + 1,
        state=PLANNED,
        suitability="",
        adequacy="",
        effectiveness="",
        reason="",
        created_by=actor.name,
        created_at=uow.now,
        **_checked(uow, organisation.id, plan, last + 1),
    )
    uow.session.add(review)
    uow.session.flush()
    complete_agenda(uow, review)
    keep_review_tasks(uow, review)
    subjects = subjects_of_review(review, person=review.reviewer_id)
    uow.record(REVIEW_PLANNED, subjects, **_told(review))
    return review


@use_case(Permission.REVIEWS_PREPARE)
def change_plan(actor: Actor, uow: UnitOfWork, *, review_id: str, plan: Plan) -> ManagementReview:
    """Changes what is planned; the year stays. Figures that were counted for another period are dropped, and the words
    stay.

    Raises: NotFoundError, ReviewStateError, InvalidInputError.
    """
    review = locked_review(uow, review_id, "change")
    before = (review.period_from, review.period_to)
    if plan.year != review.year:
        raise InvalidInputError(field=N_("Year"), reason=N_("The year of a review stays; cancel it and plan another."))
    for name, value in _checked(uow, review.organisation_id, plan, review.ordinal).items():
        setattr(review, name, value)
    if (review.period_from, review.period_to) != before:
        for row in uow.session.scalars(select(ReviewInput).where(ReviewInput.review_id == review.id)):
            row.figures, row.filled_at = "{}", None
    uow.session.flush()
    keep_review_tasks(uow, review)
    subjects = subjects_of_review(review, person=review.reviewer_id)
    uow.record(REVIEW_CHANGED, subjects, **_told(review))
    return review


@use_case(Permission.REVIEWS_PREPARE)
def cancel_review(actor: Actor, uow: UnitOfWork, *, review_id: str, reason: str) -> ManagementReview:
    """Calls a planned review off, for a reason; what was prepared stays to be read.

    Raises: NotFoundError, ReviewStateError, InvalidInputError.
    """
    review = locked_review(uow, review_id, "cancel")
    review.reason = some_lines(reason, field=N_("Reason"), limit=1000)
    review.state, review.cancelled_at, review.cancelled_by = CANCELLED, uow.now, actor.name
    uow.session.flush()
    keep_review_tasks(uow, review)
    uow.record(REVIEW_CANCELLED, subjects_of_review(review), title=review.title, reason=review.reason)
    return review


@dataclass(frozen=True)
class Attending:
    """Somebody who takes part: `person` is the login or identifier of a colleague with an account, or empty; then
    `name` says who it is. `function` is what they are there as."""

    name: str = ""
    function: str = ""
    person: str = ""


@use_case(Permission.REVIEWS_PREPARE)
def add_attendance(actor: Actor, uow: UnitOfWork, *, review_id: str, attending: Attending) -> ReviewAttendance:
    """Says that somebody takes part. Raises: NotFoundError, ReviewStateError, InvalidInputError."""
    review = locked_review(uow, review_id, "attend")
    field = N_("Name of the person")
    there = list(uow.session.scalars(select(ReviewAttendance).where(ReviewAttendance.review_id == review.id)))
    if len(there) >= MOST_ATTENDING:
        raise InvalidInputError(field=field, reason=N_("These are too many."))
    person = colleague(uow, review.organisation_id, attending.person) if attending.person else None
    if person is not None and person.id in {row.person_id for row in there}:
        raise InvalidInputError(field=field, reason=N_("This person is on the list already."))
    row = ReviewAttendance(
        id=uow.new_id(),
        review_id=review.id,
        person_id=person.id if person else None,
        name=person.display_name if person else one_line(attending.name, field=field, limit=100),
        function=one_line(attending.function, field=N_("Function"), limit=100, required=False),
    )
    uow.session.add(row)
    uow.record(ATTENDANCE_CHANGED, subjects_of_review(review), came=row.name, function=row.function)
    return row


@use_case(Permission.REVIEWS_PREPARE)
def remove_attendance(actor: Actor, uow: UnitOfWork, *, review_id: str, attendance_id: str) -> None:
    """Takes somebody off the list. Raises: NotFoundError, ReviewStateError."""
    review = locked_review(uow, review_id, "attend")
    row = uow.session.get(ReviewAttendance, attendance_id)
    if row is None or row.review_id != review.id:
        raise NotFoundError
    uow.session.delete(row)
    uow.record(ATTENDANCE_CHANGED, subjects_of_review(review), left=row.name)


def complete_agenda(uow: UnitOfWork, review: ManagementReview) -> None:
    """A step: every input and section that the configuration has for such an organisation is on the agenda; what was on
    it stays."""
    kind = kind_of(uow, review)
    outline = agenda().outline_for(kind)
    wanted = [one.code for one in agenda().inputs_for(kind)]
    wanted += [one.code for one in outline.sections()] if outline else []
    _add_points(uow, review, wanted)


def _add_points(uow: UnitOfWork, review: ManagementReview, wanted: Iterable[str]) -> None:
    there = set(uow.session.scalars(select(ReviewInput.code).where(ReviewInput.review_id == review.id)))
    for code in wanted:
        if code not in there:
            uow.session.add(ReviewInput(review_id=review.id, code=code, figures="{}", words=""))
    uow.session.flush()


def _checked(uow: UnitOfWork, organisation_id: str, plan: Plan, ordinal: int) -> dict[str, object]:
    """The plan as columns. Raises: InvalidInputError."""
    if not FIRST_YEAR <= plan.year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year that a review can be of."))
    if plan.period_to < plan.period_from:
        raise InvalidInputError(field=N_("Period until"), reason=N_("The period ends before it begins."))
    if plan.on < plan.period_to:
        raise InvalidInputError(field=N_("Period until"), reason=N_("The review cannot be before its period ends."))
    if plan.period_from.year < FIRST_YEAR or plan.on.year > LAST_YEAR:
        raise InvalidInputError(field=N_("Day"), reason=N_("This is not a year that a review can be of."))
    reviewer = colleague(
        uow, organisation_id, plan.reviewer, Permission.REVIEWS_HOLD, field=N_("Top management that reviews")
    )
    return {
        "year": plan.year,
        "on": plan.on,
        "period_from": plan.period_from,
        "period_to": plan.period_to,
        "place": one_line(plan.place, field=N_("Venue"), limit=200, required=False),
        "title": one_line(plan.title, field=N_("Title"), limit=200, required=False) or _usual_title(plan.year, ordinal),
        "reviewer_id": reviewer.id,
    }


def _usual_title(year: int, ordinal: int) -> str:
    """Titles stay as they are given and are not translated, like those of the engagements that the archive opens."""
    return f"{year}年度管理评审" if ordinal == 1 else f"{year}年度第{ordinal}次管理评审"


def _told(review: ManagementReview) -> dict[str, object]:
    return {
        "title": review.title,
        "year": review.year,
        "on": review.on.isoformat(),
        "period": f"{review.period_from.isoformat()}/{review.period_to.isoformat()}",
    }
