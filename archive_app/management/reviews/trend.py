"""How the figures of a management review stand to those of the reviews before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_

from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.filling import figures_in, points_of
from archive_app.management.reviews.models import ManagementReview
from archive_app.management.reviews.rules import HELD

MOST_BEFORE = 4
WIDTH, HEIGHT, _EDGE = 96, 28, 4


@dataclass(frozen=True)
class Earlier:
    """A review that was held before: its year, its number in that year, and all of its figures."""

    year: int
    ordinal: int
    title: str
    figures: Mapping[str, int]


def earlier_figures(uow: UnitOfWork, review: ManagementReview) -> Sequence[Earlier]:
    """A step: the figures of the last held reviews of the organisation before this one, oldest first."""
    before = (
        select(ManagementReview)
        .where(
            ManagementReview.organisation_id == review.organisation_id,
            ManagementReview.state == HELD,
            tuple_(ManagementReview.year, ManagementReview.ordinal) < tuple_(review.year, review.ordinal),
        )
        .order_by(ManagementReview.year.desc(), ManagementReview.ordinal.desc())
    )
    rows = uow.session.scalars(before.limit(MOST_BEFORE)).all()
    return [Earlier(row.year, row.ordinal, row.title, all_figures(uow, row.id)) for row in reversed(rows)]


def all_figures(uow: UnitOfWork, review_id: str) -> Mapping[str, int]:
    """The figures of all points of a review."""
    return {code: number for point in points_of(uow, review_id).values() for code, number in figures_in(point).items()}


def year_label(earlier: Earlier) -> str:
    """How an earlier review is called where there is little room: by its year."""
    return str(earlier.year) if earlier.ordinal == 1 else f"{earlier.year}-{earlier.ordinal}"


@dataclass(frozen=True)
class Curve:
    """A line through numbers, in a field of `WIDTH` by `HEIGHT`: its points, and where it ends."""

    points: str
    end: tuple[float, float]


def curve_of(numbers: Sequence[int | None]) -> Curve | None:
    """The line through the numbers that are there; None for fewer than two. Zero is at the bottom."""
    there = [(place, number) for place, number in enumerate(numbers) if number is not None]
    if len(there) < 2:  # noqa: PLR2004  one point is no line
        return None
    most = max(1, *(number for _, number in there))
    step = (WIDTH - 2 * _EDGE) / (len(numbers) - 1)
    spots = [
        (round(_EDGE + place * step, 1), round(HEIGHT - _EDGE - number / most * (HEIGHT - 2 * _EDGE), 1))
        for place, number in there
    ]
    return Curve(" ".join(f"{x},{y}" for x, y in spots), spots[-1])
