"""Collecting the text of a document up to a limit, and cleaning it."""

from __future__ import annotations

import re

# Controls, the two non-characters that PDF readers use for soft hyphens, and halves of surrogate pairs.
_DROPPED = dict.fromkeys((*range(9), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))
_LINE_END = re.compile(r"\r\n?|\x0c|\u2028|\u2029|\x85")
_LINE_TAIL = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_MANY_EMPTY_LINES = re.compile(r"\n{3,}")


class Full(Exception):  # noqa: N818  a signal between a parser and its caller, not an error
    """The collected text has reached its limit."""


class Passages:
    """The pieces of a text in order. `add` raises Full beyond `limit_characters`; what was collected stays."""

    def __init__(self, limit_characters: int) -> None:
        self._left = limit_characters
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        self._pieces.append(piece[: self._left])
        self._left -= len(piece)
        if self._left < 0:
            raise Full

    def text(self) -> str:
        return "".join(self._pieces)


def clean(text: str) -> str:
    """Lines ended by "\\n", at most one empty line between them, nothing that UTF-8, XML or a page could not carry."""
    lines = _LINE_TAIL.sub("", _LINE_END.sub("\n", text).translate(_DROPPED))
    return _MANY_EMPTY_LINES.sub("\n\n", lines).strip()
