"""Excerpts of a stored text with what was searched for marked, by the same analysis that found it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from search.analysis import AnalysedText
from search.expression import TextField
from search.language import parse_query
from search.plain_text import plain_form, plain_pattern
from search.synonyms import NO_SYNONYMS, Synonyms

_CHUNK_CHARS = 256
_SCAN_CHARS = 100_000
_MOST_MATCHES = 64


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Fragment:
    """A stretch of the original text; joined, the pieces are exactly `text[start:end]` of the original."""

    pieces: tuple[Piece, ...]
    start: int
    end: int

    @property
    def marked_at(self) -> int | None:
        """Where in the original text its first marked piece begins."""
        at = self.start
        for piece in self.pieces:
            if piece.marked:
                return at
            at += len(piece.text)
        return None


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    term: int


_Sought = tuple[tuple[int, str], ...]
"""Needles, each with the number of its term: a term and its synonyms share one."""
_Reader = Callable[[str, int, int, _Sought], Iterator[_Match]]


def highlight(
    text: str, query_text: str, *, synonyms: Synonyms = NO_SYNONYMS, width_chars: int = 120, fragments: int = 2
) -> list[Fragment]:
    """The first places in `text` that a query's positive terms match, as at most `fragments` fragments in text order.

    `text` is a body: terms of other fields are not looked for. With `synonyms`, those of the terms are.
    Where plain characters (`search.plain_text`) already make a match of every term, rarer spellings are not looked for.

    Where nothing matches (the words stand in the title, or beyond the first 100,000 characters), the beginning of
    the text is returned unmarked; an empty text gives no fragment.

    Raises:
        QueryError: as for the query itself.
    """
    sought = _sought(query_text, synonyms)
    matches = _first_matches(text, sought, fragments, _plain_matches_between)
    if len({match.term for match in matches}) < len({term for term, _ in sought}):
        matches = _first_matches(text, sought, fragments, _matches_between)
    if not matches:
        return [_fragment(text, 0, min(width_chars, len(text)), [])] if text else []
    windows = _windows(matches, len(text), width_chars)
    telling = sorted(windows, key=lambda window: -len({match.term for match in window[2]}))[:fragments]
    return [_fragment(text, *window) for window in sorted(telling, key=lambda window: window[0])]


def _sought(query_text: str, synonyms: Synonyms) -> _Sought:
    terms = parse_query(query_text, synonyms).wanted()
    inside = [term for term in terms if term.field in {TextField.ANYWHERE, TextField.BODY}]
    # The same phrase asked for anywhere and in the body is one.
    needles = {phrase.needle: number for number, term in reversed(list(enumerate(inside))) for phrase in term.phrases}
    return tuple(sorted((number, needle) for needle, number in needles.items()))


def _first_matches(text: str, sought: _Sought, fragments: int, between: _Reader) -> list[_Match]:
    """Matches in text order; reading stops once there are enough of them and every term was seen."""
    found: dict[tuple[int, int], _Match] = {}
    overlap = 2 * max((len(needle) for _, needle in sought), default=0) + 64
    terms = len({term for term, _ in sought})
    for start in range(0, min(len(text), _SCAN_CHARS) if sought else 0, _CHUNK_CHARS):
        for match in between(text, max(0, start - overlap), start + _CHUNK_CHARS, sought):
            found.setdefault((match.start, match.end), match)
        enough = len(found) >= fragments and len({match.term for match in found.values()}) == terms
        if enough or len(found) >= _MOST_MATCHES:
            break
    return sorted(found.values(), key=lambda match: (match.start, -match.end))


def _matches_between(text: str, begin: int, end: int, sought: _Sought) -> Iterator[_Match]:
    analysed = AnalysedText(text[begin:end])
    for term, needle in sought:
        if not _anchor(needle).search(analysed.normalised):
            continue
        for at in _occurrences(analysed.canonical, needle):
            # The outer borders of a part are those of the text only where the part ends with the text.
            cut_before = begin > 0 and at == 0 and needle[0] == "|"
            cut_after = end < len(text) and at + len(needle) == len(analysed.canonical) and needle[-1] == "|"
            if not cut_before and not cut_after:
                match_start, match_end = analysed.original_span(at, at + len(needle))
                yield _Match(begin + match_start, begin + match_end, term)


def _plain_matches_between(text: str, begin: int, end: int, sought: _Sought) -> Iterator[_Match]:
    """Those matches that plain characters make: nearly all, in a small part of the time."""
    plain = plain_form(text[begin:end])
    for term, needle in sought:
        for match in plain_pattern(needle).finditer(plain):
            start, stop = match.span()
            cut_before = begin > 0 and start == 0 and needle[0] == "|"
            cut_after = begin + len(plain) < len(text) and stop == len(plain) and needle[-1] == "|"
            if not cut_before and not cut_after:
                yield _Match(begin + start, begin + stop, term)


def _occurrences(canonical: str, needle: str) -> Iterator[int]:
    """Two matches may share a border, nothing else."""
    step = max(1, len(needle) - 1) if needle[0] == "|" == needle[-1] else len(needle)
    at = canonical.find(needle)
    while at >= 0:
        yield at
        at = canonical.find(needle, at + step)


@lru_cache(maxsize=512)
def _anchor(needle: str) -> re.Pattern[str]:
    """What a normalised text must contain, at least, for the needle to be in it: a cheap way to say no."""
    longest = max(needle.split("|"), key=len)
    return re.compile((r"\s*" if not longest.isascii() else "").join(map(re.escape, longest)))


def _windows(matches: list[_Match], text_length: int, width: int) -> list[tuple[int, int, list[_Match]]]:
    """Cut the text into windows that do not overlap: each begins a little before the first match not yet shown."""
    windows: list[tuple[int, int, list[_Match]]] = []
    shown_to = 0
    for match in matches:
        if windows and match.end <= shown_to:
            windows[-1][2].append(match)
            continue
        if match.start < shown_to:
            continue
        start = max(shown_to, min(match.start - width // 4, text_length - width), 0)
        shown_to = min(text_length, max(start + width, match.end))
        windows.append((start, shown_to, [match]))
    return windows


def _fragment(text: str, start: int, end: int, matches: list[_Match]) -> Fragment:
    pieces, at = [], start
    for match in matches:
        if match.start > at:
            pieces.append(Piece(text[at : match.start], marked=False))
        if match.end > at:
            pieces.append(Piece(text[max(at, match.start) : match.end], marked=True))
            at = match.end
    if at < end:
        pieces.append(Piece(text[at:end], marked=False))
    return Fragment(tuple(pieces), start, end)
