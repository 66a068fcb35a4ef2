"""By its path below a watched folder, a file finds its engagement; or does not, and waits in the inbox.

A route is a pattern of the whole path. In `{engagement}/{name}` the braces name what stands there, `*` is anything but
a slash, `**` anything at all. `regex:` begins a regular expression with a group `engagement`. Numbers are compared
without regard to case, width and Unicode form, and never in the middle of a longer number.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

_REGEX = "regex:"
_TOKEN = re.compile(r"\{engagement\}|\{name\}|\*\*|\*")
_MEANING = {"{name}": "[^/]+", "**": ".*", "*": "[^/]*"}
_LONGEST_PATH = 4096


def route_of(path: str, routes: Sequence[str], numbers: Mapping[str, str]) -> str | None:
    """The one engagement that `path` leads to, or None where no route or more than one engagement fits.

    `numbers` gives engagements by `folded` number; the first route that fits anything decides.
    """
    path = folded(path[:_LONGEST_PATH])
    for route in routes:
        found = _by_expression(path, route, numbers) if route.startswith(_REGEX) else _by_pattern(path, route, numbers)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def folded(text: str) -> str:
    """`text` without differences of case, width and Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _by_expression(path: str, route: str, numbers: Mapping[str, str]) -> set[str]:
    match = _expression(route).search(path)
    number = str(match["engagement"]) if match else ""
    return {numbers[number]} if number in numbers else set()


def _by_pattern(path: str, route: str, numbers: Mapping[str, str]) -> set[str]:
    # Most numbers do not occur at all: a plain search comes before any expression.
    near = (number for number in numbers if number in path)
    return {numbers[number] for number in near if _pattern(route, number).fullmatch(path)}


@lru_cache(maxsize=256)
def _expression(route: str) -> re.Pattern[str]:
    return re.compile(_normal(route.removeprefix(_REGEX)), re.IGNORECASE)


def _normal(expression: str) -> str:
    """The expression in the form that paths are compared in, its escapes left as they are."""
    return unicodedata.normalize("NFKC", expression)


@lru_cache(maxsize=4096)
def _pattern(route: str, number: str) -> re.Pattern[str]:
    parts, end = [], 0
    for token in _TOKEN.finditer(route):
        parts.append(re.escape(folded(route[end : token.start()])))
        # Not a part of a longer number: HC-1 does not stand in HC-12.
        parts.append(_MEANING.get(token[0], rf"(?<![0-9a-z]){re.escape(number)}(?![0-9a-z])"))
        end = token.end()
    parts.append(re.escape(folded(route[end:])))
    return re.compile("".join(parts), re.DOTALL)
