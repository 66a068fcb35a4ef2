"""How the archive is doing: each room reports in lines, the health page and `lantai doctor` show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from archive_app.kernel.unit_of_work import UnitOfWork


class State(StrEnum):
    """Whether somebody has to do something: nothing, keep an eye on it, act."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"


@dataclass(frozen=True)
class Line:
    """One finding: what was looked at, how it is, and the words for it (catalogue keys with their values)."""

    title: str
    state: State
    text: str
    params: Mapping[str, object] = field(default_factory=dict)


Probe = Callable[[UnitOfWork], Iterable[Line]]
"""Looks at one part of the archive on a reading unit of work."""
