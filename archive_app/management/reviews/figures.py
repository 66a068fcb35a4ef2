"""The registry of figures: what the archive counts by itself for a management review.

A room says at the top of a module what it can count, and for which inputs. A figure is the number of rows that a
statement selects, so that the same statement lists what is behind the number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import Select, func, select

from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Scope:
    """Of which organisation and time a figure is: the days from `first` to `last`, which is the time from `start` until
    before `end`; `today` is the day on which it is counted."""

    organisation_id: str
    first: date
    last: date
    start: datetime
    end: datetime
    today: date


Counted = Select[str, str, str]
"""A statement for identifier (of `Behind.kind`), words, and the engagement's identifier or an empty text."""
Counts = Callable[[UnitOfWork, Scope], Counted]


@dataclass(frozen=True)
class Behind:
    """How what was counted is listed: `kind` is the subject whose policy says who sees each row, empty where whoever
    holds `permission` sees all of them; its page is `endpoint`, which is given the identifier as `argument` and, if
    `with_engagement`, the engagement's. Without an endpoint the rows are words alone."""

    kind: str = ""
    permission: Permission = Permission.REVIEWS_READ
    endpoint: str = ""
    argument: str = ""
    with_engagement: bool = False


@dataclass(frozen=True)
class ReviewFigure:
    """A figure: stable `code`, its words, and the inputs that it belongs to: it stands at the first of them that the
    agenda has. `grave` says that every one of them is one too many."""

    code: str
    words: str
    inputs: tuple[str, ...]
    behind: Behind
    counts: Counts
    grave: bool = False


_FIGURES: dict[str, ReviewFigure] = {}
FIGURES: Mapping[str, ReviewFigure] = MappingProxyType(_FIGURES)


def review_figure(
    code: str, words: str, *, inputs: tuple[str, ...], behind: Behind, grave: bool = False
) -> Callable[[Counts], Counts]:
    """Registers what counts a figure; a room says so at the top of a module that its `feature.py` imports.

    Raises: ValueError when the code is taken.
    """

    def register(counts: Counts) -> Counts:
        if code in _FIGURES:
            raise ValueError(f"the figure {code} is registered twice")
        _FIGURES[code] = ReviewFigure(code, words, inputs, behind, counts, grave)
        return counts

    return register


def figures_of(input_code: str, on_agenda: frozenset[str]) -> list[ReviewFigure]:
    """The figures that stand at an input of an agenda, in the order of their registration."""
    return [
        one for one in FIGURES.values() if next((code for code in one.inputs if code in on_agenda), "") == input_code
    ]


def count(uow: UnitOfWork, figure: ReviewFigure, scope: Scope) -> int:
    """How many there are, whoever asks: a figure says nothing about any single one of them."""
    rows = figure.counts(uow, scope).order_by(None).subquery()
    return uow.session.scalar(select(func.count()).select_from(rows)) or 0
