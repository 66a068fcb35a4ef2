"""What is different between two texts, as rows that stand side by side. Pure: no database, no files, no pages."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from archive_app.documents.comparing.alignment import Aligner, Budget
from archive_app.documents.comparing.cleaning import readable, whole_sentences
from archive_app.documents.comparing.moved import Moved, find_moved
from archive_app.documents.comparing.pairing import Block, pair
from archive_app.documents.comparing.paragraphs import Side, Text, read_sides
from archive_app.documents.comparing.running_lines import LeftOut

_ROUNDS = 3


class Kind(StrEnum):
    """What happened to the paragraphs of a row. What moved is a row where it was, and one where it is."""

    SAME = "same"
    CHANGED = "changed"
    LEFT_ONLY = "left"
    RIGHT_ONLY = "right"
    MOVED = "moved"


@dataclass(frozen=True)
class Stretch:
    """Characters `start` to `end` of a text, with those in it that are different, in order. `goes_on` says that it
    belongs to the paragraph of the stretch before it: something that was left out stands between the two."""

    start: int
    end: int
    marks: Sequence[tuple[int, int]] = ()
    goes_on: bool = False


@dataclass(frozen=True)
class Row:
    """Paragraphs beside each other: one on each side mostly, more where some were put together or divided.

    `partner` is the index of the other row of what moved. `coarse` says that the paragraphs around were too many or
    too different to be aligned: what the row says is true, but more may have stayed than it says.
    """

    kind: Kind
    left: Sequence[Stretch] = ()
    right: Sequence[Stretch] = ()
    partner: int | None = None
    coarse: bool = False


@dataclass(frozen=True)
class Comparison:
    """All rows, and the running heads and page numbers that are in none of them."""

    rows: Sequence[Row]
    left_out: Sequence[LeftOut]
    right_out: Sequence[LeftOut]

    @property
    def coarse(self) -> bool:
        """Whether some of it was too large or too different to be aligned."""
        return any(row.coarse for row in self.rows)

    def counts(self) -> Counter[Kind]:
        """How many rows there are of each kind; what moved counts once."""
        counts = Counter(row.kind for row in self.rows)
        counts[Kind.MOVED] //= 2
        return counts


def compare(left: Text, right: Text, *, running: bool = False, budget: Budget | None = None) -> Comparison:
    """What is different. Compared the other way round, it says the same the other way round.

    With `running`, running heads and page numbers are compared like everything else.
    """
    if (left.text, list(left.pages)) > (right.text, list(right.pages)):
        found = compare(right, left, running=running, budget=budget)
        return Comparison(_turned(found.rows), found.right_out, found.left_out)
    sides = read_sides(left, right, running=running)
    lines = _aligned(*sides, budget or Budget())
    rows = [_row(line, *sides) for line in lines]
    return Comparison(_partnered(rows, lines), sides[0].running.kinds, sides[1].running.kinds)


@dataclass(frozen=True)
class _Line:
    """What paragraphs are to each other, before it is told as a row; `mate` is what moved on the other side."""

    kind: Kind
    left: Sequence[int] = ()
    right: Sequence[int] = ()
    block: Block | None = None
    mate: int | None = None
    coarse: bool = False


@dataclass(frozen=True)
class _Gap:
    """Paragraphs between two that stayed, by their indexes."""

    left: range
    right: range


def _aligned(left: Side, right: Side, budget: Budget) -> list[_Line]:
    same = _same(left, right, budget)
    gaps = list(_gaps(same, len(left.paragraphs), len(right.paragraphs)))
    moved = find_moved(
        left,
        right,
        (index for gap in gaps for index in gap.left),
        (index for gap in gaps for index in gap.right),
    )
    for attempt in range(_ROUNDS):
        told = [list(_told(gap, left, right, moved, budget)) if gap.left or gap.right else [] for gap in gaps]
        torn = {ours for lines in told for ours in _torn(lines, moved)}
        if not torn:
            break
        # Something moved out of the middle of a paragraph that was divided: it is told as a part of that one.
        moved = Moved({}) if attempt == _ROUNDS - 2 else moved.without(torn)
    lines = list(told[0])
    for (ours, theirs), following in zip(same, told[1:], strict=True):
        lines.append(_Line(Kind.SAME, [ours], [theirs]))
        lines += following
    return lines


def _same(left: Side, right: Side, budget: Budget) -> list[tuple[int, int]]:
    numbers: dict[tuple[int, ...], int] = {}
    ours, theirs = (
        [numbers.setdefault(side.words(index), len(numbers)) for index in range(len(side.paragraphs))]
        for side in (left, right)
    )
    runs = Aligner(ours, theirs, budget, anchors_first=True).runs()
    return [(run.left + step, run.right + step) for run in runs for step in range(run.length)]


def _gaps(same: Iterable[tuple[int, int]], left_end: int, right_end: int) -> Iterator[_Gap]:
    left = right = 0
    for ours, theirs in [*same, (left_end, right_end)]:
        yield _Gap(range(left, ours), range(right, theirs))
        left, right = ours + 1, theirs + 1


def _told(gap: _Gap, left: Side, right: Side, moved: Moved, budget: Budget) -> Iterator[_Line]:
    """The lines of a gap in the order of both sides; what is on one side only comes first where it is the left one."""
    ours = [index for index in gap.left if index not in moved.theirs]
    theirs = [index for index in gap.right if index not in moved.ours]
    paired = pair(left, right, ours, theirs, budget) if ours and theirs else None
    coarse = paired is not None and paired.coarse
    at_left, at_right = gap.left.start, gap.right.start
    for block in [*(paired.blocks if paired else ()), None]:
        stop = (block.left[0], block.right[0]) if block else (gap.left.stop, gap.right.stop)
        yield from _single(range(at_left, stop[0]), Kind.LEFT_ONLY, moved.theirs, coarse=coarse)
        yield from _single(range(at_right, stop[1]), Kind.RIGHT_ONLY, moved.ours, coarse=coarse)
        if block:
            yield _Line(Kind.CHANGED, block.left, block.right, block, coarse=block.coarse)
            at_left, at_right = block.left[-1] + 1, block.right[-1] + 1


def _single(indexes: Iterable[int], kind: Kind, moved: Mapping[int, int], *, coarse: bool) -> Iterator[_Line]:
    side = "left" if kind is Kind.LEFT_ONLY else "right"
    for index in indexes:
        mate = moved.get(index)
        if mate is None:
            yield _Line(kind, **{side: [index]}, coarse=coarse)  # type: ignore[arg-type]
        else:
            yield _Line(Kind.MOVED, **{side: [index]}, mate=mate)  # type: ignore[arg-type]


def _torn(lines: Iterable[_Line], moved: Moved) -> Iterator[int]:
    """What is said to have moved, and stands between paragraphs that became one on either side."""
    for line in lines:
        if line.block is not None:
            yield from (index for index in range(line.left[0], line.left[-1]) if index in moved.theirs)
            yield from (moved.ours[index] for index in range(line.right[0], line.right[-1]) if index in moved.ours)


def _row(line: _Line, left: Side, right: Side) -> Row:
    if line.block is None:
        return Row(line.kind, _plain(left, line.left), _plain(right, line.right), coarse=line.coarse)
    block = line.block
    runs = whole_sentences(
        readable(block.runs, len(block.left_tokens), len(block.right_tokens)),
        [left.tokens.numbers[token] for token in block.left_tokens],
        [right.tokens.numbers[token] for token in block.right_tokens],
        lambda on_left, place: (
            left.ends_sentence(block.left_tokens[place]) if on_left else right.ends_sentence(block.right_tokens[place])
        ),
    )
    marks = (
        _marked(left, block.left_tokens, [(run.left, run.length) for run in runs]),
        _marked(right, block.right_tokens, [(run.right, run.length) for run in runs]),
    )
    # Paragraphs that were only divided in another way, as at the end of a page, say the same.
    kind = Kind.CHANGED if any(marks) else Kind.SAME
    return Row(kind, _plain(left, block.left, marks[0]), _plain(right, block.right, marks[1]), coarse=line.coarse)


def _marked(side: Side, tokens: Sequence[int], kept: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The characters of what is between what was kept, in as few stretches as the text allows."""
    marks: list[tuple[int, int]] = []
    at = 0
    for start, length in [*kept, (len(tokens), 0)]:
        # Tokens that follow each other in the text are marked as one, with the white space between them.
        for _, group in groupby(range(at, start), key=lambda place: tokens[place] - place):
            places = list(group)
            marks.append((side.tokens.starts[tokens[places[0]]], side.tokens.ends[tokens[places[-1]]]))
        at = start + length
    return marks


def _plain(side: Side, paragraphs: Sequence[int], marks: Sequence[tuple[int, int]] = ()) -> list[Stretch]:
    return [
        Stretch(
            start, end, [(max(a, start), min(b, end)) for a, b in marks if a < end and b > start], goes_on=place > 0
        )
        for index in paragraphs
        for place, (start, end) in enumerate(side.stretches(index))
    ]


def _partnered(rows: Sequence[Row], lines: Sequence[_Line]) -> list[Row]:
    places = {
        (bool(line.left), (line.left or line.right)[0]): at for at, line in enumerate(lines) if line.mate is not None
    }
    return [
        row if line.mate is None else replace(row, partner=places[not line.left, line.mate])
        for row, line in zip(rows, lines, strict=True)
    ]


def _turned(rows: Sequence[Row]) -> list[Row]:
    """The rows as they are read the other way round."""
    kinds = {Kind.LEFT_ONLY: Kind.RIGHT_ONLY, Kind.RIGHT_ONLY: Kind.LEFT_ONLY}
    order: list[int] = []
    for single, group in groupby(range(len(rows)), key=lambda at: not (rows[at].left and rows[at].right)):
        # Among rows of one side, those of the left one come first.
        places = list(group)
        order += sorted(places, key=lambda at: not rows[at].right) if single else places
    turned = {at: place for place, at in enumerate(order)}
    return [
        replace(
            rows[at],
            kind=kinds.get(rows[at].kind, rows[at].kind),
            left=rows[at].right,
            right=rows[at].left,
            partner=None if rows[at].partner is None else turned[rows[at].partner],  # type: ignore[index]
        )
        for at in order
    ]
