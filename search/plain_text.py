"""The rule of `search.analysis` as a regular expression, for the plain parts of a text: most of it, many times faster.

Plain are ASCII, common Chinese characters and common punctuation of both widths: each normalises to exactly one
character, so that places in the normal form are places in the text. Whatever else a text contains is masked; what is
found is found truly, and what a masked character takes part in is left to the full analysis.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from search.analysis import SIMPLIFIED

MASK = "\0"
_SPACE, _PUNCTUATION = " ", ","
_HAN = "\u4e00-\u9fff"
_COMMON = "\u00b0\u00b1\u00b7\u00d7\u2013-\u2015\u2018-\u201f\u3001-\u3003\u3008-\u3011\u3014-\u3017"
_mask = re.compile(rf"[^\t\n\r\x20-\x7e{_COMMON}\u3000\uff01-\uff5e{_HAN}]").sub


def _plain_character(code: int) -> str:
    """Lower-case letter, digit, space, or the one sign that stands for all punctuation: no more is told apart."""
    narrow = chr(code - 0xFEE0 if code >= 0xFF01 else code).lower()  # noqa: PLR2004  # where the full-width forms begin
    if narrow.isascii() and narrow.isalnum():
        return narrow
    return _SPACE if narrow.isspace() else _PUNCTUATION


_PLAIN = {code: _plain_character(code) for code in range(0x10000) if code and _mask("", chr(code))}
_PLAIN = {code: plain for code, plain in _PLAIN.items() if not 0x4E00 <= code <= 0x9FFF}  # noqa: PLR2004  # _HAN
_PLAIN |= SIMPLIFIED

_LETTERS, _DIGITS, _JOINED = "a-z", "0-9", _HAN
_SEPARATOR = f"[{_SPACE}{_PUNCTUATION}]"


def plain_form(text: str) -> str:
    """The form that `plain_pattern` reads, character for character; `MASK` stands for what is not plain."""
    return _mask(MASK, text).translate(_PLAIN)


@lru_cache(maxsize=512)
def plain_pattern(needle: str) -> re.Pattern[str]:
    """What finds `needle` (of `search.analysis.Phrase`) in the plain form of a text, from first to last character.

    In a text without masked characters it finds the needle exactly where `canonical` of that text contains it.
    """
    runs = needle.strip("|").split("|")
    classes = [_class_of(run) for run in runs]
    parts = [_run_pattern(run, kind) for run, kind in zip(runs, classes, strict=True)]
    between = [_border(before, after) for before, after in pairwise(classes)]
    body = parts[0] + "".join(border + part for border, part in zip(between, parts[1:], strict=True))
    before = f"(?<![{classes[0]}{MASK}])" if needle[0] == "|" else ""
    after = f"(?![{classes[-1]}{MASK}])" if needle[-1] == "|" else ""
    return re.compile(before + body + after)


def _class_of(run: str) -> str:
    if not run[0].isascii():
        return _JOINED
    return _DIGITS if run[0].isdigit() else _LETTERS


def _run_pattern(run: str, kind: str) -> str:
    # White space between Chinese characters does not end a run.
    return (f"{_SPACE}*" if kind is _JOINED else "").join(map(re.escape, run))


def _border(before: str, after: str) -> str:
    if before is not after:
        return f"{_SEPARATOR}*"
    return f"{_SPACE}*{_PUNCTUATION}{_SEPARATOR}*" if before is _JOINED else f"{_SEPARATOR}+"
