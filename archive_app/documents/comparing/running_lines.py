"""Running heads and page numbers: lines at the edges of pages that come back on many of them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product, takewhile

_EDGE_LINES = 3
_FEWEST_PAGES, _SHARE_OF_PAGES = 3, 0.1
_MOST_NUMBERS = 4
_LONGEST = 300
_NUMBER = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
Key = tuple[bool, str]
"""Whether it stands at the top, and the line; a number that goes along with the pages is written as how far it is from
the page's own."""


@dataclass(frozen=True)
class Line:
    """A line of a text: characters `start` to `end`. `page` is the number of the page it is on, None outside of pages;
    `leaf` tells apart pages of the same number, such as those of two files inside."""

    start: int
    end: int
    text: str
    page: int | None = None
    leaf: int = 0


@dataclass(frozen=True)
class LeftOut:
    """Lines of one kind that were left out: the first of them, and on how many pages it stood."""

    text: str
    pages: int


@dataclass
class Running:
    """The lines of one text that run over its pages: their indexes, and what they say."""

    lines: set[int]
    kinds: list[LeftOut]


def running_lines(left: Sequence[Line], right: Sequence[Line]) -> tuple[Running, Running]:
    """The running lines of two texts: what runs in one of them is one in the other, too, however short that is.

    A line counts where nothing but running lines is between it and the edge of its page. A row of figures that differs
    from page to page never does: its numbers neither stay nor go along with the pages.
    """
    known = _frequent(left) | _frequent(right)
    return _found(left, known), _found(right, known)


def _frequent(lines: Sequence[Line]) -> set[Key]:
    pages = list(_pages(lines))
    counted: Counter[Key] = Counter()
    for page in pages:
        counted.update({key for top, edge in _edges(page) for index in edge for key in _keys(lines[index], top)})
    least = max(_FEWEST_PAGES, round(len(pages) * _SHARE_OF_PAGES))
    return {key for key, count in counted.items() if count >= least}


def _found(lines: Sequence[Line], known: set[Key]) -> Running:
    running: set[int] = set()
    first: dict[Key, str] = {}
    counts: Counter[Key] = Counter()
    for page in _pages(lines):
        for top, edge in _edges(page):
            for index in takewhile(lambda index, top=top: known & set(_keys(lines[index], top)), edge):  # type: ignore[misc]
                # The key that says most of it by how pages are counted is the same on all of them.
                key = [key for key in _keys(lines[index], top) if key in known][-1]
                first.setdefault(key, lines[index].text)
                counts[key] += index not in running
                running.add(index)
    return Running(running, [LeftOut(first[key], count) for key, count in counts.items() if count])


def _pages(lines: Sequence[Line]) -> Iterator[list[int]]:
    page: list[int] = []
    for index, line in enumerate(lines):
        if line.page is None:
            continue
        if page and lines[page[-1]].leaf != line.leaf:
            yield page
            page = []
        page.append(index)
    if page:
        yield page


def _edges(page: list[int]) -> Iterator[tuple[bool, list[int]]]:
    yield True, page[:_EDGE_LINES]
    yield False, page[: -_EDGE_LINES - 1 : -1]


def _keys(line: Line, top: bool) -> Iterator[Key]:  # a coordinate
    text = _SPACE.sub(" ", line.text.strip())
    if line.page is None or len(text) > _LONGEST:
        return
    yield top, text
    numbers = _NUMBER.findall(text)
    if not 0 < len(numbers) <= _MOST_NUMBERS or any(len(number) > _MOST_NUMBERS for number in numbers):
        return
    pieces = _NUMBER.split(text)
    # Page 12 of 200: each number either stays as it is or goes along with the pages.
    for ways in list(product((False, True), repeat=len(numbers)))[1:]:
        written = [f"\x00{int(n) - line.page}" if along else n for n, along in zip(numbers, ways, strict=True)]
        yield top, "".join(a + b for a, b in zip(pieces, [*written, ""], strict=True))
