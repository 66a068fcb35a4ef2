"""How text becomes tokens, and the exact rule that search results equal.

**Substring truth.** Let `canonical(text)` be built like this:

1. Invisible characters (soft hyphen, zero-width, directional marks, variation selectors) are dropped; the rest is
   normalised by NFKC and case folding, and traditional characters become the simplified ones they are written with on
   the mainland, each by itself. ＧＢ／Ｔ becomes gb/t, CO₂ becomes co2, 溫室氣體 becomes 温室气体.
2. What is left is cut into maximal *runs* of one class: **joined** (Chinese, kana, hangul, emoji: written without
   spaces between words), **word** (all other letters with their combining marks) or **digits** (decimal digits).
   Everything else only separates. White space between two joined characters is dropped first, because sources break
   lines in the middle of a sentence.
3. The runs are written one after another with exactly one border `|` before, between and after them.

A *term* (a word or a quoted phrase of a query) is brought into the same form, and the outer border is taken off on a
side where the term begins or ends with a joined character. The term matches a text if and only if the result is a
substring of `canonical(text)`. So Chinese may be cut anywhere, words and numbers match whole, any separator (or none,
where the class changes) equals any other, and punctuation between two Chinese characters is never skipped.

>>> canonical("单位：tCO₂，GB/T 32150")
'|单位|tco|2|gb|t|32150|'

**Tokens.** A joined run c1…cn becomes the bigrams c1c2 … c(n-1)cn and the trailing unigram cn; a word or digits run is
one token. A term is a phrase of these tokens; its last run goes without the trailing unigram, and a last run of one
joined character is a prefix. A unigram thus stands only where a run ends, which is what makes phrases equal the rule.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from operator import add

from opencc import OpenCC

LONGEST_RUN_CHARS = 2_000
"""Longer words (base64, garbage) can be no query, and tantivy would drop tokens above 65,530 bytes in silence."""

_UNMATCHABLE = "\N{REPLACEMENT CHARACTER}"
_BORDER = "|"

# Ranges are written for use inside a character class of `re`.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_JOINED = (
    "\u1100-\u11ff\u2600-\u27bf\u2b50\u2b55\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u303c"
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7a3\ud7b0-\ud7fb\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U0001f000-\U0001faff\U00020000-\U0003ffff"
)


def _mark_ranges() -> str:
    """All combining marks but the kana voicing marks, as ranges: single characters above U+FFFF make `re` crawl."""
    codes = [
        code
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code)) in {"Mn", "Mc", "Me"} and code not in {0x3099, 0x309A}
    ]
    starts = [code for before, code in pairwise([0, *codes]) if code != before + 1]
    ends = [code for code, after in pairwise([*codes, 0]) if after != code + 1]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


_LETTER, _MARK = rf"[^\W\d_{_JOINED}]", f"[{_mark_ranges()}]"
_RUN = re.compile(
    rf"[{_JOINED}]+(?:\s+[{_JOINED}]+)*"  # joined, with white space still inside
    rf"|\d+"
    rf"|{_LETTER}++(?:{_MARK}++{_LETTER}*+)*+"
    rf"|(?:{_MARK}++{_LETTER}*+)++"
)
_starts_joined = re.compile(f"[{_JOINED}]").match
_drop_invisible = re.compile(f"[{_INVISIBLE}]+").sub
# NFKC leaves these alone, and none of them combines with the character before it, so a text may be normalised between
# them piece by piece: on Chinese text that takes half the time.
_UNCHANGED = "\x00-\x7f\u2013-\u2015\u2018-\u201f\u3001-\u3029\u4e00-\u9fff"
_special_parts = re.compile(rf"[{_UNCHANGED}]?[^{_UNCHANGED}]+").sub


def _simplified_forms() -> dict[int, str]:
    """What OpenCC makes of each character by itself, from U+4E00 to U+9FFF: one becomes one, so that places stay."""
    characters = [chr(number) for number in range(0x4E00, 0xA000)]
    simple = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, simple, strict=True)
    return {ord(character): other for character, other in pairs if other != character and "\u4e00" <= other <= "\u9fff"}


SIMPLIFIED = _simplified_forms()
_traditional_parts = re.compile(f"[{''.join(map(chr, SIMPLIFIED))}]+").sub
# Another edition of the table makes other tokens: an index belongs to one.
_TABLE_DIGEST = hashlib.sha256(repr(sorted(SIMPLIFIED.items())).encode()).hexdigest()[:8]
ANALYSIS_VERSION = f"2/unicode-{unicodedata.unidata_version}/simplified-{_TABLE_DIGEST}"
"""Changes whenever the same text may give other tokens; an index made by another version must be rebuilt."""


def _simplify(part: re.Match[str]) -> str:
    return part[0].translate(SIMPLIFIED)


def _nfkc(part: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", part[0])


def normalise(text: str) -> str:
    """Step 1 of the rule: one spelling for every way to write the same characters."""
    visible = _special_parts(_nfkc, _drop_invisible("", text))
    return _traditional_parts(_simplify, unicodedata.normalize("NFKC", visible.casefold()))


@dataclass(frozen=True, slots=True)
class Run:
    """A maximal run of one class in normalised text, without the white space that was inside it."""

    text: str
    joined: bool


def runs(text: str) -> list[Run]:
    """Step 2 of the rule."""
    found = []
    for run in _RUN.findall(normalise(text)):
        joined = not run[0].isascii() and _starts_joined(run) is not None
        found.append(Run("".join(run.split()) if joined else run, joined))
    return found


def canonical(text: str) -> str:
    """Step 3 of the rule."""
    return _BORDER + "".join(run.text + _BORDER for run in runs(text))


def index_text(text: str) -> str:
    """The tokens of a stored text, separated by spaces (an engine splits at white space, in order)."""
    pieces = []
    for run in _RUN.findall(normalise(text)):
        if not run[0].isascii() and _starts_joined(run):
            characters = "".join(run.split())
            pieces.append(" ".join([*map(add, characters, characters[1:]), characters[-1]]))
        else:
            pieces.append(run if len(run) <= LONGEST_RUN_CHARS else _UNMATCHABLE)
    return " ".join(pieces)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A term of a query, analysed: consecutive tokens, the last of which may be only the beginning of one.

    `needle` is the same term as a substring of `canonical(text)`; empty if the term has nothing to search for.
    """

    tokens: tuple[str, ...]
    open_ended: bool
    needle: str


def phrase(term: str) -> Phrase:
    """Analyse one term of a query."""
    found = runs(term)
    if not found:
        return Phrase((), open_ended=False, needle="")
    tokens: list[str] = []
    for run in found:
        tokens += [run.text[at : at + 2] for at in range(len(run.text))] if run.joined else [run.text]
    last = found[-1]
    if last.joined and len(last.text) > 1:
        tokens.pop()
    needle = _BORDER.join(run.text for run in found)
    before, after = ("" if found[0].joined else _BORDER), ("" if last.joined else _BORDER)
    return Phrase(tuple(tokens), last.joined and len(last.text) == 1, before + needle + after)


class AnalysedText:
    """The canonical form of a text that still knows where in the original each character came from."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.normalised = normalise(text)

    @cached_property
    def canonical(self) -> str:
        """The same as `canonical(text)`."""
        return _BORDER + "".join([run + _BORDER for run in self._runs])

    @cached_property
    def _runs(self) -> list[str]:
        found: list[str] = _RUN.findall(self.normalised)
        return ["".join(run.split()) for run in found] if _has_space("".join(found)) else found

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `canonical[start:end]`, which must not be borders alone, stands in the original text."""
        if self.canonical[start] == _BORDER:
            start += 1
        if self.canonical[end - 1] == _BORDER:
            end -= 1
        first = self._stretches.original_span(self._normalised_at(start))[0]
        return first, self._stretches.original_span(self._normalised_at(end - 1))[1]

    def _normalised_at(self, canonical_at: int) -> int:
        number = bisect_right(self._run_starts, canonical_at) - 1
        start, end = self._run_spans[number]
        into_run = canonical_at - self._run_starts[number]
        if end - start == len(self._runs[number]):
            return start + into_run
        visible = [at for at in range(start, end) if not self.normalised[at].isspace()]
        return visible[into_run]

    @cached_property
    def _run_spans(self) -> list[tuple[int, int]]:
        return [run.span() for run in _RUN.finditer(self.normalised)]

    @cached_property
    def _run_starts(self) -> list[int]:
        return list(accumulate([len(run) + 1 for run in self._runs], initial=1))

    @cached_property
    def _stretches(self) -> _Stretches:
        return _Stretches(self._text)


_has_space = re.compile(r"\s").search

# Characters that normalise to exactly one character and never combine with the one before them: a text may be cut
# before each of them without changing its normal form.
_PLAIN = "\x00-\x7f\u2013-\u2016\u2018-\u201f\u3000-\u3029\u4e00-\u9fff\uff01-\uff5e"
_special_stretches = re.compile(rf"[{_PLAIN}]?[^{_PLAIN}]+").finditer


class _Stretches:
    """A text and its normal form side by side: plain between these stretches, one for one."""

    def __init__(self, text: str) -> None:
        self._original_starts, self._normal_starts = [0], [0]
        self._original_ends, self._normal_ends = [0], [0]
        for stretch in _special_stretches(text):
            original = stretch.start()
            for size, normal_size in _piece_sizes(stretch.group()):
                normal = self._normal_ends[-1] + original - self._original_ends[-1]
                self._original_starts.append(original)
                self._normal_starts.append(normal)
                self._original_ends.append(original + size)
                self._normal_ends.append(normal + normal_size)
                original += size

    def original_span(self, normal_at: int) -> tuple[int, int]:
        """The original characters behind one character of the normal form."""
        piece = bisect_right(self._normal_starts, normal_at) - 1
        beyond = normal_at - self._normal_ends[piece]
        if beyond < 0:
            return self._original_starts[piece], self._original_ends[piece]
        original = self._original_ends[piece] + beyond
        return original, original + 1


@lru_cache(maxsize=4_096)
def _piece_sizes(stretch: str) -> list[tuple[int, int]]:
    """Cut a stretch into characters that were normalised each by itself, if so; otherwise it stays in one piece.

    A piece is (characters in the original, characters in the normal form).
    """
    single = [normalise(character) for character in stretch]
    if "".join(single) == normalise(stretch):
        return [(1, len(character)) for character in single]
    return [(len(stretch), len(normalise(stretch)))]
