"""Paragraphs that are not the same on both sides: which of them became which, and what of them stayed."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from archive_app.documents.comparing.alignment import Aligner, Budget, Run
from archive_app.documents.comparing.paragraphs import Side

_SHINGLE = 6
_SHORT_TOKENS = 8
_ALIKE, _RUN_OF_ALIKE = 0.4, 2
_PART_OF_IT, _RUN_OF_PART, _LEAST_PART_TOKENS = 0.7, 3, 5
_RUN_OVER_AN_END = 6
_Piece = tuple[tuple[int, int], int]  # a pair of paragraphs, and how many tokens in a row they share


@dataclass(frozen=True)
class Block:
    """Paragraphs of one side that became paragraphs of the other. `runs` are the tokens that stayed, by where they
    stand among `left_tokens` and `right_tokens`, which are all tokens of the block."""

    left: Sequence[int]
    right: Sequence[int]
    left_tokens: Sequence[int]
    right_tokens: Sequence[int]
    runs: Sequence[Run]
    coarse: bool


@dataclass(frozen=True)
class Paired:
    """What became what, in the order of both sides. `coarse` says that some of it was too large or too different to be
    aligned, so that more may have stayed than is said."""

    blocks: Sequence[Block]
    coarse: bool


@dataclass(frozen=True)
class _Half:
    """The paragraphs of one side that are looked at, their tokens, and where the tokens of each begin and end."""

    paragraphs: Sequence[int]
    tokens: Sequence[int]
    bounds: Sequence[int]

    def size(self, at: int) -> int:
        return self.bounds[at + 1] - self.bounds[at]

    def owners(self) -> array[int]:
        return array("i", chain.from_iterable([at] * self.size(at) for at in range(len(self.paragraphs))))


def pair(left: Side, right: Side, ours: Sequence[int], theirs: Sequence[int], budget: Budget) -> Paired:
    """What of the paragraphs `ours`, by their indexes, became what of `theirs`; what became nothing is in no block."""
    halves = _half(left, ours), _half(right, theirs)
    aligner = Aligner(_numbers(left, halves[0].tokens), _numbers(right, halves[1].tokens), budget, _SHINGLE)
    runs = aligner.runs()
    spans = _spans(_links(halves, runs))
    if not aligner.gave_up:
        spans = sorted([*spans, *_lonely(halves, spans)])
    return Paired([_block((left, right), halves, span, budget) for span in spans], aligner.gave_up)


@dataclass(frozen=True, order=True)
class _Span:
    """Paragraphs `left` to `left_end` and `right` to `right_end` by their places in the halves."""

    left: int
    left_end: int
    right: int
    right_end: int


def _half(side: Side, paragraphs: Sequence[int]) -> _Half:
    tokens, bounds = array("i"), array("i", [0])
    for index in paragraphs:
        tokens.extend(range(side.paragraphs[index].start, side.paragraphs[index].end))
        bounds.append(len(tokens))
    return _Half(paragraphs, tokens, bounds)


def _links(halves: tuple[_Half, _Half], runs: Iterable[Run]) -> list[tuple[int, int]]:
    """Pairs of paragraphs that share enough, by their places in the halves. Short runs of what stayed are no sign:
    any two Chinese paragraphs have single characters in common, in the same order."""
    single: Counter[tuple[int, int]] = Counter()
    alike: Counter[tuple[int, int]] = Counter()
    part: Counter[tuple[int, int]] = Counter()
    links: set[tuple[int, int]] = set()
    for pieces in _pieces(halves, runs):
        links |= _over_one_end(pieces)
        for both, length in pieces:
            single[both] += length
            alike[both] += length if length >= _RUN_OF_ALIKE else 0
            part[both] += length if length >= _RUN_OF_PART else 0
    for both in single:
        sizes = halves[0].size(both[0]), halves[1].size(both[1])
        shared = single[both] if max(sizes) <= _SHORT_TOKENS else alike[both]
        # What was put together with another one, or divided, is a part of what it became.
        is_part = min(sizes) >= _LEAST_PART_TOKENS and part[both] >= _PART_OF_IT * min(sizes)
        if is_part or shared >= _ALIKE * max(sizes):
            links.add(both)
    return sorted(links)


def _over_one_end(pieces: Sequence[_Piece]) -> set[tuple[int, int]]:
    """Pairs held together by a run that goes over the end of a paragraph on one side and on within one on the other:
    that is where a page ends, or where a line was taken for the last one. `pieces` are those of one run."""
    links: set[tuple[int, int]] = set()
    held: list[_Piece] = []
    for before, piece in pairwise([None, *pieces, None]):
        if before is None or piece is None or (before[0][0] != piece[0][0] and before[0][1] != piece[0][1]):
            if len(held) > 1 and sum(length for _, length in held) >= _RUN_OVER_AN_END:
                links.update(both for both, _ in held)
            held = []
        if piece is not None:
            held.append(piece)
    return links


def _pieces(halves: tuple[_Half, _Half], runs: Iterable[Run]) -> Iterator[list[_Piece]]:
    """Each run, divided at the ends of paragraphs of either side."""
    ours, theirs = halves[0].owners(), halves[1].owners()
    for run in runs:
        pieces: list[_Piece] = []
        done = 0
        while done < run.length:
            both = ours[run.left + done], theirs[run.right + done]
            left_over = halves[0].bounds[both[0] + 1] - run.left - done
            right_over = halves[1].bounds[both[1] + 1] - run.right - done
            length = min(run.length - done, left_over, right_over)
            pieces.append((both, length))
            done += length
        yield pieces


def _spans(links: Iterable[tuple[int, int]]) -> list[_Span]:
    """Links that share a paragraph belong together; links never cross, as runs do not."""
    spans: list[_Span] = []
    for left, right in links:
        last = spans[-1] if spans else None
        if last is not None and (left < last.left_end or right < last.right_end):
            spans[-1] = _Span(last.left, max(last.left_end, left + 1), last.right, max(last.right_end, right + 1))
        else:
            spans.append(_Span(left, left + 1, right, right + 1))
    return spans


def _lonely(halves: tuple[_Half, _Half], spans: Sequence[_Span]) -> Iterator[_Span]:
    """Where between two spans one short paragraph is left on each side, such as a figure in a cell, the one became the
    other, whatever they share."""
    ends = _Span(len(halves[0].paragraphs), 0, len(halves[1].paragraphs), 0)
    for before, after in pairwise([_Span(0, 0, 0, 0), *spans, ends]):
        single = after.left - before.left_end == 1 and after.right - before.right_end == 1
        if single and max(halves[0].size(before.left_end), halves[1].size(before.right_end)) <= _SHORT_TOKENS:
            yield _Span(before.left_end, after.left, before.right_end, after.right)


def _block(sides: tuple[Side, Side], halves: tuple[_Half, _Half], span: _Span, budget: Budget) -> Block:
    ours, theirs = halves
    left = ours.tokens[ours.bounds[span.left] : ours.bounds[span.left_end]]
    right = theirs.tokens[theirs.bounds[span.right] : theirs.bounds[span.right_end]]
    # Aligned anew: among all paragraphs of the gap, a full stop may have found its counterpart in another one.
    aligner = Aligner(_numbers(sides[0], left), _numbers(sides[1], right), budget, _SHINGLE)
    return Block(
        ours.paragraphs[span.left : span.left_end],
        theirs.paragraphs[span.right : span.right_end],
        left,
        right,
        aligner.runs(),
        aligner.gave_up,
    )


def _numbers(side: Side, tokens: Iterable[int]) -> list[int]:
    return [side.tokens.numbers[token] for token in tokens]
