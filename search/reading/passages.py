"""Cleaning text, the syntax of places, and how passages and children travel from a reader's process to its parent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from search.reading.model import Child, Passage, ReadingCode, ReadingError

PASSAGES_LIMIT = 50_000
CHILDREN_LIMIT = 2_000
CHILD_NAME_CHARACTERS = 500
_SHEET_NAME_CHARACTERS = 60  # the formats themselves end at 31
# What the facts about one text may take on their way beside the text itself.
FACTS_BYTES = PASSAGES_LIMIT * 100 + CHILDREN_LIMIT * (6 * CHILD_NAME_CHARACTERS + 100)

# Controls, the two non-characters that PDF readers use for soft hyphens, and halves of surrogate pairs.
_DROPPED = dict.fromkeys((*range(9), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))
_LINE_END = re.compile(r"\r\n?|\x0c|\u2028|\u2029|\x85")
_LINE_TAIL = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_MANY_EMPTY_LINES = re.compile(r"\n{3,}")
_SHEET = rf"[^\n\t]{{0,{_SHEET_NAME_CHARACTERS}}}"
_PLACE = re.compile(
    rf"(?:page|slide|notes|paragraph|line|comment|footnote):[1-9]\d{{0,8}}|row:{_SHEET}![1-9]\d{{0,8}}|sheet:{_SHEET}"
    r"|header|footer|mail|body"
)
_CODES = frozenset(get_args(ReadingCode))


def clean(text: str) -> str:
    """Lines ended by "\\n", at most one empty line between them, nothing that UTF-8, XML or a page could not carry."""
    lines = _LINE_TAIL.sub("", _LINE_END.sub("\n", text).translate(_DROPPED))
    return _MANY_EMPTY_LINES.sub("\n\n", lines).strip()


def clean_row(text: str) -> str:
    """One line whose cells are set apart by tabs; empty cells before the first full one stay, those behind do not."""
    return _LINE_END.sub("\n", text).replace("\n", " ").translate(_DROPPED).rstrip()


def place_of(place: str) -> str:
    """The place as it is kept: a sheet's name is shortened and on one line.

    Raises: RuntimeError where it is none; that is a mistake of the reader, not of the file.
    """
    kind, colon, rest = place.partition(":")
    if kind in {"row", "sheet"}:
        name, mark, number = rest.rpartition("!") if kind == "row" else (rest, "", "")
        shown = re.sub(r"\s+", " ", clean(name))[:_SHEET_NAME_CHARACTERS]
        place = f"{kind}{colon}{shown}{mark}{number}"
    if not _PLACE.fullmatch(place):
        raise RuntimeError(f"no place: {kind}")
    return place


def packed_passages(passages: Iterable[Passage]) -> bytes:
    """One line for each passage, for `unpacked_passages` on the other side."""
    return "".join(f"{json.dumps(_line(passage), ensure_ascii=False)}\n" for passage in passages).encode()


def unpacked_passages(packed: bytes, text: str) -> tuple[Passage, ...]:
    """The passages of `text` from a process that may be in a hostile file's hands.

    Raises: ReadingError ("killed") unless they are in order, inside the text, and written as promised.
    """
    found: list[Passage] = []
    try:
        for start, place, confidence, box in _lines(packed, PASSAGES_LIMIT, 4):
            after = found[-1].start if found else -1
            if type(start) is not int or not after < start < len(text) or not _PLACE.fullmatch(place):
                raise ValueError  # noqa: TRY301  one verdict for every kind of lie
            place.encode()  # halves of surrogate pairs would break every store after us
            found.append(Passage(start, place, _percent(confidence), _box(box)))
    except (ValueError, TypeError, RecursionError) as lie:
        raise ReadingError("killed", "the reader answered passages outside of its protocol") from lie
    return tuple(found)


def packed_children(children: Iterable[Child]) -> bytes:
    return "".join(
        f"{json.dumps((child.name, child.size_bytes, child.refused), ensure_ascii=False)}\n" for child in children
    ).encode()


def unpacked_children(packed: bytes) -> tuple[Child, ...]:
    """The children by their number. Raises: ReadingError ("killed"), as `unpacked_passages`."""
    found: list[Child] = []
    try:
        for number, (name, size_bytes, refused) in enumerate(_lines(packed, CHILDREN_LIMIT, 3), 1):
            sized = size_bytes is None or (type(size_bytes) is int and 0 <= size_bytes < 2**63)
            named = isinstance(name, str) and len(name) <= CHILD_NAME_CHARACTERS and "\n" not in name
            if not named or not sized or not (refused is None or refused in _CODES):
                raise ValueError  # noqa: TRY301
            name.encode()  # halves of surrogate pairs would break every store after us
            found.append(Child(number, name, size_bytes, refused))
    except (ValueError, TypeError, RecursionError) as lie:
        raise ReadingError("killed", "the reader answered children outside of its protocol") from lie
    return tuple(found)


def _line(passage: Passage) -> tuple[Any, ...]:
    return passage.start, passage.place, passage.confidence, passage.box


def _lines(packed: bytes, limit: int, columns: int) -> Iterator[list[Any]]:
    # Counted before anything is built: a few bytes of JSON can stand for many objects.
    if packed.count(b"\n") > limit or (packed and not packed.endswith(b"\n")):
        raise ValueError
    for line in packed.decode().split("\n")[:-1]:
        value = json.loads(line) if len(line) <= 6 * CHILD_NAME_CHARACTERS + 100 else None
        if not isinstance(value, list) or len(value) != columns:
            raise ValueError
        yield value


def _percent(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value <= 100):  # noqa: PLR2004  percent
        raise ValueError
    return value


def _box(value: Any) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:  # noqa: PLR2004  left, top, width, height
        raise ValueError
    if not all(type(side) in {int, float} and 0 <= side <= 1 for side in value):
        raise ValueError
    left, top, width, height = (float(side) for side in value)
    return left, top, width, height
