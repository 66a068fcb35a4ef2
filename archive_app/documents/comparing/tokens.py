"""What a text consists of when two of them are compared: Chinese characters one by one, words, numbers, other signs.

White space, line breaks and characters that nobody sees stand between tokens and are never a difference.
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# Soft hyphens, joiners and marks of direction: they decide how a word is drawn, not which word it is.
_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_LETTER = rf"[^\W\d_{_CJK}]"
_TOKEN = re.compile(
    rf"\d+(?:[.,]\d+)*"  # 1,294,347 is one number: a digit that moved changes all of it
    rf"|[{_CJK}]"
    rf"|{_LETTER}(?:[^\W_{_CJK}]|[\u0300-\u036f{_UNSEEN}])*"
    rf"|[^\s{_UNSEEN}]"
)
_UNSEEN_IN_WORD = re.compile(f"[{_UNSEEN}]+")


class Numbering:
    """Gives equal things equal numbers, over both sides of a comparison."""

    def __init__(self) -> None:
        self._by_spelling: dict[str, int] = {}
        self._by_word: dict[str, int] = {}

    def number(self, spelling: str) -> int:
        """The number of a token; two ways to encode the same characters are one token."""
        found = self._by_spelling.get(spelling)
        if found is None:
            word = spelling if spelling.isascii() else normalize("NFC", _UNSEEN_IN_WORD.sub("", spelling))
            found = self._by_word.setdefault(word, len(self._by_word))
            self._by_spelling[spelling] = found
        return found


@dataclass(frozen=True)
class Tokens:
    """The tokens of one text: their numbers, and the characters from `starts` to `ends` where each stands."""

    text: str
    numbers: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]


def read_tokens(text: str, numbering: Numbering, parts: Iterable[tuple[int, int]]) -> Tokens:
    """The tokens of some parts of a text, which come in its order."""
    found = [token for start, end in parts for token in _TOKEN.finditer(text, start, end)]
    return Tokens(
        text,
        [numbering.number(token[0]) for token in found],
        array("i", [token.start() for token in found]),
        array("i", [token.end() for token in found]),
    )
