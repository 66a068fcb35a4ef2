"""A comparison as a page shows it: what stayed is folded up, what changed has a number, long texts are cut."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from archive_app.documents.comparing.comparison import Comparison, Kind, Row, Stretch
from archive_app.documents.places import Place, Places

ROWS_PER_PAGE = 200
_CONTEXT = 2
_LONGEST_SAME, _KEPT_SAME = 600, 400
_LONGEST_MARKED, _KEPT_MARKED = 4_000, 3_000
# One step for each run of blanks; looking for the line break in it here would take a step for each pair of them.
_BLANKS = re.compile(r"\s+")
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")


class Show(StrEnum):
    """How much of what stayed is shown: some of it around every change, none, or all."""

    AROUND = ""
    CHANGES = "changes"
    ALL = "all"


@dataclass(frozen=True)
class Piece:
    """A part of a text; `marked` is what is different, `cut` how many characters were left out here."""

    text: str
    marked: bool = False
    cut: int = 0


@dataclass(frozen=True)
class Cell:
    """One side of a row: its pieces, paragraph by paragraph, and where in the document it stands."""

    paragraphs: Sequence[Sequence[Piece]]
    place: Place | None


@dataclass(frozen=True)
class Shown:
    """A row of the page. `number` counts the changes from 1 and is 0 for what stayed; `partner` is the number of the
    other end of what moved. `folded` is how many rows that stayed are not shown here, and then there are no cells."""

    index: int
    kind: Kind
    left: Cell | None = None
    right: Cell | None = None
    number: int = 0
    partner: int = 0
    coarse: bool = False
    folded: int = 0


@dataclass(frozen=True)
class Portion:
    """Some rows. `changes` are the rows of all changes in the whole comparison, in order; `before` and `after` the rows
    that the portions before and behind begin with; `last` the row that this one ends with."""

    rows: Sequence[Shown]
    changes: Sequence[int]
    first: int
    last: int
    before: int | None
    after: int | None

    def holds(self, number: int) -> bool:
        """Whether a change is in this portion."""
        return self.first <= self.changes[number - 1] <= self.last


@dataclass(frozen=True)
class Presented:
    """One side as it is presented: its text, and where the places in it are."""

    text: str
    places: Places


def present(comparison: Comparison, left: Presented, right: Presented, *, show: Show, start: int) -> Portion:
    """The portion of a comparison that holds the row `start`, or the last one before it that is shown."""
    changes = [index for index, row in enumerate(comparison.rows) if row.kind is not Kind.SAME]
    shown = list(_folded(len(comparison.rows), changes, show))
    firsts = [index for index, _ in shown]
    # Portions begin at fixed places, so that the way back leads where one came from.
    at = max(0, bisect_right(firsts, start) - 1) // ROWS_PER_PAGE * ROWS_PER_PAGE
    portion = shown[at : at + ROWS_PER_PAGE]
    numbers = {index: number for number, index in enumerate(changes, 1)}
    rows = [
        Shown(index, Kind.SAME, folded=folded)
        if folded
        else _shown(index, comparison.rows[index], numbers, left, right)
        for index, folded in portion
    ]
    return Portion(
        rows,
        changes,
        portion[0][0] if portion else 0,
        portion[-1][0] if portion else 0,
        firsts[at - ROWS_PER_PAGE] if at else None,
        firsts[at + ROWS_PER_PAGE] if at + ROWS_PER_PAGE < len(firsts) else None,
    )


def _folded(count: int, changes: Sequence[int], show: Show) -> Iterator[tuple[int, int]]:
    """The rows that are shown, each with 0; between them the first of those that are folded up, with their number."""
    if show is Show.CHANGES:
        yield from ((index, 0) for index in changes)
        return
    context = count if show is Show.ALL else _CONTEXT
    at = 0
    for change in changes:
        first = max(at, change - context)
        yield from _between(at, first)
        until = min(count, change + context + 1)
        yield from ((index, 0) for index in range(first, until))
        at = max(at, until)
    yield from ((index, 0) for index in range(at, count)) if show is Show.ALL else _between(at, count)


def _between(start: int, end: int) -> Iterator[tuple[int, int]]:
    # Folding a single row up would save nothing.
    if end > start:
        yield start, end - start if end - start > 1 else 0


def _shown(index: int, row: Row, numbers: dict[int, int], left: Presented, right: Presented) -> Shown:
    return Shown(
        index,
        row.kind,
        _cell(left, row.left, row.kind),
        _cell(right, row.right, row.kind),
        numbers.get(index, 0),
        0 if row.partner is None else numbers[row.partner],
        row.coarse,
    )


def _cell(side: Presented, stretches: Sequence[Stretch], kind: Kind) -> Cell | None:
    if not stretches:
        return None
    whole = kind in {Kind.LEFT_ONLY, Kind.RIGHT_ONLY}
    paragraphs: list[list[Piece]] = []
    for before, stretch in pairwise([None, *stretches]):
        if stretch is None:
            continue
        pieces = list(_pieces(side.text, stretch, [(stretch.start, stretch.end)] if whole else stretch.marks))
        if stretch.goes_on and before is not None:
            space = _space(side.text[before.end - 1], side.text[stretch.start])
            paragraphs[-1] += [Piece(space, marked=whole), *pieces] if space else pieces
        else:
            paragraphs.append(pieces)
    return Cell(paragraphs, side.places.at(stretches[0].start, side.text))


def _pieces(text: str, stretch: Stretch, marks: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    at = stretch.start
    for start, end in [*marks, (stretch.end, stretch.end)]:
        yield from _cut(_on_one_line(text, at, start), marked=False)
        yield from _cut(_on_one_line(text, start, end), marked=True)
        at = end


def _cut(text: str, *, marked: bool) -> Iterator[Piece]:
    longest, kept = (_LONGEST_MARKED, _KEPT_MARKED) if marked else (_LONGEST_SAME, _KEPT_SAME)
    if not text:
        return
    if len(text) <= longest:
        yield Piece(text, marked)
        return
    half = kept // 2
    yield Piece(text[:half], marked)
    yield Piece("", marked, cut=len(text) - 2 * half)
    yield Piece(text[-half:], marked)


def _on_one_line(text: str, start: int, end: int) -> str:
    """The lines of a paragraph as one: beside a Chinese character nothing was where the line ended, else a space."""

    def gap(found: re.Match[str]) -> str:
        if "\n" not in found[0]:
            return found[0]
        before, behind = start + found.start() - 1, start + found.end()
        return _space(text[before] if before >= 0 else "", text[behind] if behind < len(text) else "")

    return _BLANKS.sub(gap, text[start:end])


def _space(before: str, behind: str) -> str:
    return "" if _CHINESE.match(before) or _CHINESE.match(behind) else " "
