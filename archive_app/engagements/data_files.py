"""Reading data of the configuration strictly: a TOML document as frozen dataclasses, or a refusal that names the line.

The shapes say what a file may hold (`Shape`): an unknown key, a missing key and a value of another type are refused.
"""

import json
import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError

from archive_app.settings import SettingsError

Text = Annotated[str, StringConstraints(pattern=r"\S")]
"""Words that are there: not empty, not blank."""
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""What stands in the log and in other files: never translated, never changed."""

T = TypeVar("T")
Path = tuple[str | int, ...]
Finding = tuple[Path, str]
"""Something wrong: where (the keys and positions that lead to it) and what."""

_ENDS = ("", "\n]", "\n]}]")
"""What closes a list that the lines so far leave open; lists of tables of lists are as deep as these files go. It
stands on a line of its own, because the last one may end in a comment."""
_AT_LINE = re.compile(r"at line (\d+)")
_REASONS = {
    "unexpected_keyword_argument": "is not known here",
    "missing": "is missing",
    "string_pattern_mismatch": "is empty, or not written as it must be",
}


@dataclass(frozen=True)
class Shape:
    """What a table of a file may hold: the fields, nothing else, each of exactly its type."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Words(Shape):
    """The same words in both languages."""

    zh: Text
    en: Text

    def text(self, language: str) -> str:
        """The words in `language`, e.g. `zh_Hans_CN`."""
        return self.zh if language.startswith("zh") else self.en


Names = Mapping[str, str]
"""The same words by language tag (zh, en), as they go into the parameters of a text."""


def names_of(words: Mapping[str, Words]) -> Mapping[str, Names]:
    """The names of codes by language tag, in their order; nobody can change them."""
    return MappingProxyType({code: MappingProxyType({"zh": one.zh, "en": one.en}) for code, one in words.items()})


def read_file(
    text: str,
    source: str,
    shape: type[T],
    *,
    prepare: Callable[[dict[str, Any]], None] | None = None,
    check: Callable[[T], Iterable[Finding]] | None = None,
) -> T:
    """A TOML document as `shape`.

    `prepare` may complete the tables before they are read; `check` finds what a shape cannot say. All findings of the
    first kind that has any are told at once.

    Raises: SettingsError with a line `source:line: what is wrong` for each.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place else max(len(text.splitlines()), 1)
        raise SettingsError(f"{source}:{line}: {error}") from error
    if prepare:
        prepare(tables)
    try:
        # JSON has lists, not tuples: reading it strictly takes a list for a tuple and a date, a NaN for nothing known.
        value = TypeAdapter(shape).validate_json(json.dumps(tables, default=lambda _: None), strict=True)
    except ValidationError as error:
        refuse(text, source, (_finding(one["loc"], one["type"], one["msg"]) for one in error.errors()))
    refuse(text, source, check(value) if check else ())
    return value


def refuse(text: str, source: str, findings: Iterable[Finding]) -> None:
    """Raises: SettingsError when there is any finding."""
    if wrong := sorted((line_of(text, path), f"{spelled(path)} {reason}") for path, reason in findings):
        raise SettingsError("\n".join(f"{source}:{line}: {reason}" for line, reason in wrong))


def line_of(text: str, path: Path) -> int:
    """The line where a value stands, from 1; where it is not in the document, that of what it is missing from.

    A value is there from the line on with which the document, cut off after it, holds it: the parser of the library
    knows no lines, and this asks it instead of being a second one.
    """
    lines = text.splitlines()
    while path and not _holds(tomllib.loads(text), path):
        path = path[:-1]
    return bisect_left(range(len(lines)), 1, key=lambda index: _there(lines, index, path)) + 1 if path else 1


def spelled(path: Path) -> str:
    """A path as people read it: `("stages", 2, "records", 0, "type")` -> `stages[3].records[1].type`."""
    words = ""
    for step in path:
        words += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if words else step
    return words or "the file"


def _finding(path: Sequence[str | int], kind: str, message: str) -> Finding:
    return tuple(path), _REASONS.get(kind, f"is wrong: {message}")


def _there(lines: list[str], index: int, path: Path) -> bool:
    # Lines that end inside of a statement belong to the first line after which the document can be read again.
    for end in range(index + 1, len(lines) + 1):
        for closing in _ENDS:
            try:
                tables = tomllib.loads("\n".join(lines[:end]) + closing)
            except tomllib.TOMLDecodeError:
                continue
            return _holds(tables, path)
    return True


def _holds(value: Any, path: Path) -> bool:
    for step in path:
        if isinstance(value, Mapping):
            if step not in value:
                return False
        elif not (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return False
        value = value[step]
    return True
