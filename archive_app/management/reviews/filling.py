"""Preparing a management review: figures from the archive's own rows, and what people say to each point.

Figures are counted anew as often as somebody asks, until the review is held; then they are evidence of what was known
that day, and stay. Words are people's and are kept whatever is counted.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.reviews.figures import Scope, count, figures_of
from archive_app.management.reviews.models import ManagementReview, ReviewInput
from archive_app.management.reviews.planning import complete_agenda
from archive_app.management.reviews.rules import WORDS_LIMIT, locked_review, subjects_of_review

FIGURES_FILLED = event_type("management_review.figures_filled", N_("Figures of a management review counted"))
WORDS_SAID = event_type("management_review.words_said", N_("Input of a management review written"))


@use_case(Permission.REVIEWS_PREPARE)
def fill_figures(actor: Actor, uow: UnitOfWork, *, review_id: str) -> ManagementReview:
    """Counts every figure of the agenda, as of now. Raises: NotFoundError, ReviewStateError."""
    review = locked_review(uow, review_id, "fill")
    complete_agenda(uow, review)
    scope = scope_of(uow, review)
    points = points_of(uow, review.id)
    on_agenda = frozenset(points)
    counted: dict[str, int] = {}
    for code, point in points.items():
        figures = {one.code: count(uow, one, scope) for one in figures_of(code, on_agenda)}
        point.figures = json.dumps(figures)
        point.filled_at = uow.now if figures else None
        counted |= figures
    uow.record(FIGURES_FILLED, subjects_of_review(review), figures=counted)
    return review


@use_case(Permission.REVIEWS_PREPARE)
def say(actor: Actor, uow: UnitOfWork, *, review_id: str, code: str, words: str, seen: str | None = None) -> None:
    """Writes what people say to a point of the agenda, or into a section of the report; nothing takes it back. `seen`
    is the `mark_of` the words that were there as this was begun.

    Raises: NotFoundError, ReviewStateError, InvalidInputError; ConflictError when somebody else wrote in between.
    """
    review = locked_review(uow, review_id, "say")
    point = uow.session.get(ReviewInput, (review.id, code), populate_existing=True)
    if point is None:
        raise NotFoundError
    if seen is not None and seen != mark_of(point.words):
        raise ConflictError
    point.words = some_lines(words, field=N_("Words"), limit=WORDS_LIMIT, required=False)
    point.said_by = actor.name if point.words else None
    uow.record(WORDS_SAID, subjects_of_review(review), code=code, words=point.words)


def mark_of(words: str) -> str:
    """What tells these words from others."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def points_of(uow: UnitOfWork, review_id: str) -> Mapping[str, ReviewInput]:
    """The points of a review, by code."""
    rows = select(ReviewInput).where(ReviewInput.review_id == review_id)
    found = uow.session.scalars(rows.execution_options(populate_existing=True))
    return {row.code: row for row in found}


def figures_in(point: ReviewInput) -> Mapping[str, int]:
    """The figures of a point as they were counted."""
    return {str(code): int(number) for code, number in json.loads(point.figures).items()}


def scope_of(uow: UnitOfWork, review: ManagementReview) -> Scope:
    """What the figures of a review are counted over; days are those of the archive's zone."""
    zone = uow.archive.rules.zone
    return Scope(
        organisation_id=review.organisation_id,
        first=review.period_from,
        last=review.period_to,
        start=datetime.combine(review.period_from, time.min, zone),
        end=datetime.combine(review.period_to + timedelta(days=1), time.min, zone),
        today=uow.archive.today(),
    )
