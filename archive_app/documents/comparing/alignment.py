"""Which elements of two sequences are the same ones: anchors that occur once in both, and a longest common subsequence
(by rapidfuzz) between them, within a bound on work and memory."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import LCSseq

MOST_CELLS = 200_000_000
"""Of one table of the longest common subsequence: one bit each, that is 25 MB."""
WHOLE_WORK_CELLS = 3_000_000_000
_MOST_DEPTH = 12


@dataclass(frozen=True)
class Run:
    """Elements that are equal: `length` from `left` on one side and from `right` on the other."""

    left: int
    right: int
    length: int


@dataclass
class Budget:
    """What a comparison may still cost; once it is used up, what is left is not aligned."""

    cells: int = WHOLE_WORK_CELLS

    def take(self, cells: int) -> bool:
        """Whether so many cells may be worked on."""
        if cells > min(self.cells, MOST_CELLS):
            return False
        self.cells -= cells
        return True


@dataclass(frozen=True)
class _Window:
    left: int
    left_end: int
    right: int
    right_end: int
    depth: int


@dataclass
class Aligner:
    """Aligns two sequences of numbers. `width` elements in a row that occur once on both sides are an anchor;
    `anchors_first` takes anchors also where the whole table could be worked out.

    `gave_up` says whether something was too large to be aligned.
    """

    left: Sequence[int]
    right: Sequence[int]
    budget: Budget
    width: int = 1
    anchors_first: bool = False
    gave_up: bool = False

    def runs(self) -> list[Run]:
        """Runs of equal elements, in order on both sides; as long as can be, but not always as many as can be."""
        found: list[Run] = []
        windows = [_Window(0, len(self.left), 0, len(self.right), 0)]
        while windows:
            window = self._trimmed(windows.pop(), found)
            if window.left < window.left_end and window.right < window.right_end:
                windows += self._worked_on(window, found)
        return _joined(sorted(found, key=lambda run: run.left))

    def _trimmed(self, window: _Window, found: list[Run]) -> _Window:
        left, right, start, to = self.left, self.right, window.left, window.right
        while start < window.left_end and to < window.right_end and left[start] == right[to]:
            start, to = start + 1, to + 1
        if start > window.left:
            found.append(Run(window.left, window.right, start - window.left))
        left_end, right_end = window.left_end, window.right_end
        while left_end > start and right_end > to and left[left_end - 1] == right[right_end - 1]:
            left_end, right_end = left_end - 1, right_end - 1
        if left_end < window.left_end:
            found.append(Run(left_end, right_end, window.left_end - left_end))
        return _Window(start, left_end, to, right_end, window.depth)

    def _worked_on(self, window: _Window, found: list[Run]) -> Iterator[_Window]:
        cells = (window.left_end - window.left) * (window.right_end - window.right)
        anchors: list[tuple[int, int]] = []
        if window.depth < _MOST_DEPTH and (self.anchors_first or cells > MOST_CELLS):
            anchors = self._anchors(window)
        if anchors:
            yield from self._divided(window, anchors)
        elif self.budget.take(cells):
            codes = LCSseq.opcodes(
                self.left[window.left : window.left_end], self.right[window.right : window.right_end]
            )
            found += (
                Run(window.left + code.src_start, window.right + code.dest_start, code.src_end - code.src_start)
                for code in codes
                if code.tag == "equal"
            )
        else:
            self.gave_up = True

    def _divided(self, window: _Window, anchors: list[tuple[int, int]]) -> Iterator[_Window]:
        """From each anchor to the next: the anchor itself is the common beginning of its window."""
        left, right = window.left, window.right
        for at_left, at_right in [*anchors, (window.left_end, window.right_end)]:
            if at_left >= left and at_right >= right:
                yield _Window(left, at_left, right, at_right, window.depth + 1)
                left, right = at_left, at_right

    def _anchors(self, window: _Window) -> list[tuple[int, int]]:
        ours = _once(self.left, window.left, window.left_end, self.width)
        theirs = _once(self.right, window.right, window.right_end, self.width)
        pairs = [(at, theirs[what]) for what, at in ours.items() if what in theirs]
        rising = _rising(sorted(pairs))
        # Of anchors that follow each other on both sides the first is enough: what is equal behind it is found by that.
        return [
            pair
            for before, pair in pairwise([(-2, -2), *rising])
            if (pair[0] - before[0], pair[1] - before[1]) != (1, 1)
        ]


def _once(sequence: Sequence[int], start: int, end: int, width: int) -> dict[int, int]:
    """Where each thing that occurs once in a window stands."""
    places: dict[int, int] = {}
    for index in range(start, end - width + 1):
        # Two anchors of one hash only divide their window in a bad place: what is equal is looked at one by one.
        what = sequence[index] if width == 1 else hash(tuple(sequence[index : index + width]))
        places[what] = -1 if what in places else index
    return {what: at for what, at in places.items() if at >= 0}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest series of pairs that rises on both sides; the pairs come sorted by the first."""
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for index, (_left, right) in enumerate(pairs):
        place = bisect_left(tops, right)
        tops[place : place + 1] = [right]
        top_pairs[place : place + 1] = [index]
        before.append(top_pairs[place - 1] if place else -1)
    series: list[tuple[int, int]] = []
    index = top_pairs[-1] if top_pairs else -1
    while index >= 0:
        series.append(pairs[index])
        index = before[index]
    return series[::-1]


def _joined(runs: Sequence[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and last.left + last.length == run.left and last.right + last.length == run.right:
            joined[-1] = Run(last.left, last.right, last.length + run.length)
        else:
            joined.append(run)
    return joined
