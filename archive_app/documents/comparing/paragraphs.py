"""A text divided into what is compared: paragraphs, rows, headings; lines of a page are put together again."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from archive_app.documents.comparing.running_lines import Line, Running, running_lines
from archive_app.documents.comparing.tokens import Numbering, Tokens, read_tokens

_FULL_LINE = 50
"""How wide a line is at least that goes on in the next one, in halves of a Chinese character: on a page of A4 full
lines are wider, and headings are not."""
_FIGURES, _ROW_LOOKED_AT = 0.3, 110
_FIGURE = re.compile(r"\d[\d,.]*")
_FAR = 2**62
_ENDS = re.compile(r"[。！？：.!?:…]$")
_SENTENCE_ENDS = frozenset("。！？；.!?;")
_CLAUSE = re.compile("[，。；：、]")
_BEGINS_ANEW = re.compile(
    r"[（(]?[0-9一二三四五六七八九十百]{1,4}[)）、]|第[0-9一二三四五六七八九十百]{1,5}[章节条款部]"
    r"|[-–—*•·●○■□◆▪]|[A-Za-z][)）]\s|[1-9]\d?(?:\.\d{1,2}){1,4}\s+(?![a-z])"
)


@dataclass(frozen=True)
class Text:
    """One side of a comparison. `pages` are the pages of a layout in order: the character where each begins, and its
    number; None where what begins there has none. Empty for a text that flows by itself."""

    text: str
    pages: Sequence[tuple[int, int | None]] = ()


@dataclass(frozen=True)
class Paragraph:
    """Tokens `start` to `end` of a side."""

    start: int
    end: int


@dataclass(frozen=True)
class Side:
    """One side as it is compared: what runs over the pages is none of its tokens. `parts` are the characters of what
    is, in as few stretches as there are."""

    tokens: Tokens
    paragraphs: Sequence[Paragraph]
    parts: Sequence[tuple[int, int]]
    running: Running

    def words(self, index: int) -> tuple[int, ...]:
        """The numbers of a paragraph's tokens."""
        paragraph = self.paragraphs[index]
        return tuple(self.tokens.numbers[paragraph.start : paragraph.end])

    def ends_sentence(self, token: int) -> bool:
        """Whether a sentence, or a part of one, ends with a token."""
        return self.tokens.text[self.tokens.starts[token]] in _SENTENCE_ENDS

    def stretches(self, index: int) -> list[tuple[int, int]]:
        """The characters of a paragraph: more than one stretch where something runs over it."""
        paragraph = self.paragraphs[index]
        start, end = self.tokens.starts[paragraph.start], self.tokens.ends[paragraph.end - 1]
        found = []
        for part in self.parts[bisect_right(self.parts, (start, _FAR)) - 1 :]:
            if part[0] >= end:
                break
            inside = max(part[0], start), min(part[1], end)
            tokens = bisect_left(self.tokens.starts, inside[0]), bisect_left(self.tokens.starts, inside[1])
            if tokens[0] < tokens[1]:
                found.append((self.tokens.starts[tokens[0]], self.tokens.ends[tokens[1] - 1]))
        return found


def read_sides(left: Text, right: Text, *, running: bool) -> tuple[Side, Side]:
    """Both sides, divided; with `running` the running heads and page numbers stay in."""
    lines = list(_lines(left)), list(_lines(right))
    none = Running(set(), []), Running(set(), [])
    heads = none if running else running_lines(*lines)
    numbering = Numbering()
    return _side(left, lines[0], heads[0], numbering), _side(right, lines[1], heads[1], numbering)


def _side(text: Text, lines: Sequence[Line], running: Running, numbering: Numbering) -> Side:
    kept = [line for index, line in enumerate(lines) if index not in running.lines]
    parts = list(_parts(len(text.text), [lines[index] for index in sorted(running.lines)]))
    tokens = read_tokens(text.text, numbering, parts)
    paragraphs: list[Paragraph] = []
    last: Line | None = None
    for line in kept:
        start, end = bisect_left(tokens.starts, line.start), bisect_left(tokens.starts, line.end)
        if start == end:
            continue
        if last is not None and _goes_on(last, line):
            paragraphs[-1] = Paragraph(paragraphs[-1].start, end)
        else:
            paragraphs.append(Paragraph(start, end))
        last = line
    return Side(tokens, paragraphs, parts, running)


def _parts(length: int, left_out: Iterable[Line]) -> Iterator[tuple[int, int]]:
    at = 0
    for line in left_out:
        if line.start > at:
            yield at, line.start
        at = line.end
    yield at, length


def _lines(text: Text) -> Iterator[Line]:
    pages = [(0, None), *text.pages] if not text.pages or text.pages[0][0] > 0 else list(text.pages)
    for leaf, (start, number) in enumerate(pages):
        end = pages[leaf + 1][0] if leaf + 1 < len(pages) else len(text.text)
        at = start
        for piece in text.text[start:end].split("\n"):
            if piece.strip():
                yield Line(at, at + len(piece), piece, number, leaf)
            at += len(piece) + 1


def _goes_on(line: Line, following: Line) -> bool:
    """Whether a paragraph goes on in the next line of its page, or of the next one. Where this is wrong, on one side or
    on both, what is said about differences stays right: it is told in other rows."""
    if line.page is None or following.page is None or _ENDS.search(line.text.rstrip()):
        return False
    if (
        _BEGINS_ANEW.match(following.text.lstrip())
        or _is_row(line.text[-_ROW_LOOKED_AT:])
        or _is_row(following.text[:_ROW_LOOKED_AT])
    ):
        return False
    return _width(line.text) >= _FULL_LINE


def _width(text: str) -> int:
    # Of a longer one it is enough to know that it is longer.
    return sum(1 + (east_asian_width(character) in "WF") for character in text[:_FULL_LINE])


def _is_row(text: str) -> bool:
    """Whether a line looks like a row of figures rather than a sentence."""
    digits = sum(map(str.isdigit, text))
    figures = digits > _FIGURES * len(text) and len(_FIGURE.findall(text)) > 1
    return "\t" in text or (figures and not _CLAUSE.search(text))
