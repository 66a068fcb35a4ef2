"""What a reader writes to: the text with its places, the children, what was left out; within its limits."""

from __future__ import annotations

import math
import time

from search.reading.model import Child, Passage, ReadingCode
from search.reading.passages import (
    CHILD_NAME_CHARACTERS,
    CHILDREN_LIMIT,
    PASSAGES_LIMIT,
    clean,
    clean_row,
    place_of,
)

_WARNINGS_LIMIT = 20
# Passages of these kinds follow each other line by line; before all others there is an empty line.
_LINES = frozenset({"row", "line", "paragraph"})


TIME_IS_OVER = "the reader stopped because its time was over"


class Full(Exception):  # noqa: N818  a signal from the writer through a reader to its caller, not an error
    """A limit of size or time is reached. What was written stays, and is marked as truncated."""


class TextBuilder:
    """Collects one file's text in order; what is added is cleaned, so that the offsets of the passages stay right.

    `add(place, text)` writes a whole passage; `write(text)` and `end(place)` do the same piece by piece, for readers
    that see a stream. Both raise Full at the limit of `limit_bytes` (UTF-8) and, like `check_time`, where
    `cpu_seconds` or `wall_seconds` are over: a reader lets Full through. Empty passages leave no trace.
    """

    def __init__(self, limit_bytes: int, *, cpu_seconds: float = math.inf, wall_seconds: float = math.inf) -> None:
        self.pages: int | None = None
        self.truncated = False
        self.warnings: list[str] = []
        self.children: list[Child] = []
        self.blank_pages: list[int] = []
        self._left_bytes = limit_bytes
        self._cpu_end = time.process_time() + cpu_seconds
        self._wall_end = time.monotonic() + wall_seconds
        self._pieces: list[str] = []
        self._length = 0
        self._pending: list[str] = []
        self._pending_characters = 0
        self._places = _Places()

    def add(self, place: str, text: str) -> None:
        """One passage; `place` as in `Passage.place`, see `row_place` and the like for names inside it.

        Raises: Full.
        """
        self.write(text)
        self.end(place)

    def write(self, text: str) -> None:
        """A piece of the passage that `end` will close. Raises: Full."""
        # One character is at least one byte, so that more than these cannot fit, however much cleaning drops.
        room = self._left_bytes + 1 - self._pending_characters
        self._pending.append(text[:room])
        self._pending_characters += len(text)

    @property
    def room(self) -> int:
        """How many characters may still be written before the passage that is open can only be cut."""
        return max(0, self._left_bytes + 1 - self._pending_characters)

    def end(self, place: str) -> None:
        """Close the passage. Raises: Full."""
        raw = "".join(self._pending)
        cut, self._pending, self._pending_characters = self.room == 0, [], 0
        kind = place.partition(":")[0]
        text = clean_row(raw) if kind == "row" else clean(raw)
        if text:
            self._append(place_of(place), kind, text)
        if cut:
            raise Full
        self.check_time()

    def check_time(self) -> None:
        """To be called in loops that write nothing. Raises: Full."""
        if time.process_time() > self._cpu_end or time.monotonic() > self._wall_end:
            self.warn(TIME_IS_OVER)
            raise Full

    def warn(self, message: str) -> None:
        """Something that a person should know about this reading; English, never a quotation of the file."""
        if message not in self.warnings and len(self.warnings) < _WARNINGS_LIMIT:
            self.warnings.append(message)

    def child(self, name: str, size_bytes: int | None, refused: ReadingCode | None = None) -> None:
        """The next child, in the order in which the module's `take` counts. Beyond the limit it is only warned of."""
        if len(self.children) >= CHILDREN_LIMIT:
            self.truncated = True
            self.warn(f"only the first {CHILDREN_LIMIT} files inside are taken out")
            return
        shown = clean(name).replace("\n", " ")[:CHILD_NAME_CHARACTERS]
        self.children.append(Child(len(self.children) + 1, shown, size_bytes, refused))

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def passages(self) -> tuple[Passage, ...]:
        # A signal may have ended the reader between a place and its text.
        return tuple(passage for passage in self._places.passages() if passage.start < self._length)

    @property
    def empty(self) -> bool:
        return not self._pieces

    def _append(self, place: str, kind: str, text: str) -> None:
        gap = "" if self.empty else "\n" if kind in _LINES and self._places.last_kind == kind else "\n\n"
        encoded = (gap + text).encode()
        if len(encoded) > self._left_bytes:
            # Cut between characters: what is left of a halved one is ignored.
            text = encoded[: self._left_bytes].decode("utf-8", "ignore")[len(gap) :].rstrip()
            self._left_bytes = 0
            if text:
                self._keep(place, kind, gap, text)
            raise Full
        self._left_bytes -= len(encoded)
        self._keep(place, kind, gap, text)

    def _keep(self, place: str, kind: str, gap: str, text: str) -> None:
        self._places.add(self._length + len(gap), place, kind)
        if self._places.coarse:
            self.warn("the text has so many places that only every few of them are kept")
        self._pieces.append(gap + text)
        self._length += len(gap) + len(text)


class _Places:
    """Passages, at most PASSAGES_LIMIT: where there would be more, neighbours of a kind are one passage.

    The stride doubles for the whole text, so that its end is not finer than its beginning.
    """

    def __init__(self) -> None:
        self.last_kind = ""
        self._kept: list[tuple[int, str, int]] = []  # start, place, how many of its family stand before it
        self._family = ""
        self._in_family = 0
        self._stride = 1
        self._whole = False  # families no longer count

    @property
    def coarse(self) -> bool:
        return self._stride > 1

    def add(self, start: int, place: str, kind: str) -> None:
        self.last_kind = kind
        family = "" if self._whole else place.rstrip("0123456789")
        self._in_family = self._in_family + 1 if family == self._family else 0
        self._family = family
        if self._in_family % self._stride:
            return
        if len(self._kept) == PASSAGES_LIMIT:
            self._thin_out()
            if self._in_family % self._stride:
                return
        self._kept.append((start, place, self._in_family))

    def _thin_out(self) -> None:
        self._stride *= 2
        kept = [entry for entry in self._kept if entry[2] % self._stride == 0]
        if len(kept) > 0.75 * PASSAGES_LIMIT:
            self._whole = True
            kept = [(start, place, 2 * number) for number, (start, place, _) in enumerate(kept[::2])]
            self._stride, self._family, self._in_family = 2, "", 2 * len(kept)
        self._kept = kept

    def passages(self) -> tuple[Passage, ...]:
        return tuple(Passage(start, place) for start, place, _ in self._kept)


def row_place(sheet: str, number: int) -> str:
    """The place of a table's row, counted from 1."""
    return f"row:{sheet}!{number}"
