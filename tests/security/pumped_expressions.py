"""Every regular expression of ours against long texts made to hurt it; `python -m tests.security.pumped_expressions`.

Prints one line for each expression that took longer than LIMIT_SECONDS for one text, and at the end how many there
were. A text is made from the expression itself: what stands before a repetition, then 100 kB of what repeats, then
something that fits nowhere.
"""

import importlib
import inspect
import pkgutil
import re
import signal
import sys
from collections.abc import Iterator
from re import _constants, _parser  # there is no public parser of expressions
from types import BuiltinMethodType, ModuleType
from typing import Any

import archive_app
import search
import storage

LIMIT_SECONDS = 10
LENGTH_CHARS = 100_000
_MOST_REPEATED = 16
_PLAIN = ("a", "0", " ", "\t", "\n", "中", "一", "(", "<", "<!--", '"', "[", "\\", "=", "a:", "a,", "1.", "&", "'")
_NOWHERE = ("\x00", "\x00\n", "!")
# Of what their callers show them: the length, and where it is cut.
_BOUNDED = {
    "archive_app.intake.registers.dates._FULL": 100,  # read_date
    "archive_app.intake.registers.dates._RANGE": 100,  # read_date
    "search.reading.markup._DECLARED": 1024,  # decoded_markup: where browsers look, too
    "search.reading.number_formats._LITERAL": 1000,  # kind_of_format
}
_ASKED_IN_A_LOOP = {
    "search.reading.identification._SVG": {"match"},
    "search.reading.identification._XHTML": {"match"},
    "search.reading.identification._HTML": {"match"},
}
_METHODS = ("search", "match", "fullmatch", "sub", "split", "findall", "finditer")


class TooSlowError(Exception):
    """One text took longer than the limit."""


def expressions() -> Iterator[tuple[str, "re.Pattern[Any]", set[str]]]:
    """Name, expression and the ways it is asked, of every expression that a module of ours keeps."""
    known: set[re.Pattern[Any]] = set()
    for package in (archive_app, search, storage):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" in found.name or found.name.endswith("__main__"):
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                pattern = value.__self__ if isinstance(value, BuiltinMethodType) else value
                if isinstance(pattern, re.Pattern) and pattern not in known:
                    known.add(pattern)
                    full = f"{found.name}.{name}"
                    yield full, pattern, _ASKED_IN_A_LOOP.get(full) or _ways(module, name, value)


def _ways(module: ModuleType, name: str, value: object) -> set[str]:
    if not isinstance(value, re.Pattern):
        return {str(getattr(value, "__name__", "search"))}
    ways = set(re.findall(rf"\b{name}\.({'|'.join(_METHODS)})\b", inspect.getsource(module)))
    return ways or {"search", "fullmatch"}


def texts(pattern: "re.Pattern[Any]") -> Iterator[str]:
    """Texts that make the expression try long and fail."""
    for piece in _PLAIN:
        yield piece * (LENGTH_CHARS // len(piece)) + _NOWHERE[0]
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parsed = _parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    for before, piece in _repetitions(parsed, ""):
        if piece:
            for end in _NOWHERE:
                yield before + piece * (LENGTH_CHARS // len(piece)) + end


def _repetitions(nodes: Any, before: str) -> Iterator[tuple[str, str]]:
    for kind, told in nodes:
        for inner in _inner(kind, told):
            yield from _repetitions(inner, before)
        if kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}:
            _, most, body = told
            if most > _MOST_REPEATED:
                yield before, _sample(body)
        before += _sample([(kind, told)])


def _inner(kind: Any, told: Any) -> list[Any]:
    if kind is _constants.SUBPATTERN:
        return [told[-1]]
    if kind is _constants.BRANCH:
        return list(told[1])
    if kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}:
        return [told[2]]
    return [told] if kind is _constants.ATOMIC_GROUP else []


def _sample(nodes: Any) -> str:
    """A text that fits."""
    found = ""
    for kind, told in nodes:
        if kind is _constants.LITERAL:
            found += chr(told)
        elif kind is _constants.NOT_LITERAL:
            found += "a" if told != ord("a") else "b"
        elif kind is _constants.ANY:
            found += "a"
        elif kind is _constants.IN:
            found += _of_set(told)
        elif kind in {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}:
            found += _sample(told[2]) * max(1, told[0])
        elif inner := _inner(kind, told):
            found += _sample(inner[0])
    return found


def _of_set(members: Any) -> str:
    allowed = re.compile("") if not members else None
    for candidate in "a0 A-._/\\(\"'<>\n\t:,中一十至&;=#!\x80é":
        if allowed or _in_set(members, candidate):
            return candidate
    kind, told = members[0]
    return chr(told[0]) if kind is _constants.RANGE else chr(told) if kind is _constants.LITERAL else "a"


def _in_set(members: Any, candidate: str) -> bool:
    code, negated, inside = ord(candidate), False, False
    for kind, told in members:
        if kind is _constants.NEGATE:
            negated = True
        elif kind is _constants.LITERAL:
            inside |= code == told
        elif kind is _constants.RANGE:
            inside |= told[0] <= code <= told[1]
        elif kind is _constants.CATEGORY:
            inside |= re.match(_CATEGORIES[str(told)], candidate) is not None
    return inside is not negated


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _ask(pattern: "re.Pattern[Any]", way: str, text: Any) -> None:
    empty = type(text)()
    if way == "sub":
        pattern.sub(empty, text)
    elif way == "finditer":
        for _found in pattern.finditer(text):
            pass
    else:
        getattr(pattern, way)(text)


def slow_ones() -> Iterator[str]:
    """The name and the beginning of the text of whatever took too long; at the end how many expressions there were."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, stop)
    count = 0
    for name, pattern, ways in expressions():
        count += 1
        for way in sorted(ways):
            for text in dict.fromkeys(texts(pattern)):
                cut = text if name not in _BOUNDED else text[: _BOUNDED[name] - 1] + text[-1]
                asked = cut if isinstance(pattern.pattern, str) else cut.encode("utf-8", "replace")
                signal.alarm(LIMIT_SECONDS)
                try:
                    _ask(pattern, way, asked)
                except TooSlowError:
                    yield f"{name}.{way} on {text[:20]!r}…{text[-10:]!r}"
                    break
                finally:
                    signal.alarm(0)
    yield f"expressions: {count}"


if __name__ == "__main__":
    for line in slow_ones():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
