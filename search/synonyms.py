"""Words that mean the same: a term of a query is looked for under each of its names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from search.analysis import Phrase, canonical, phrase
from search.values import Expansion

_MOST_ADDED = 12
_BORDER = "|"


@dataclass(frozen=True)
class Synonyms:
    """Groups of names for the same thing, as people write them, e.g. `(("GHG", "温室气体"),)`.

    Only true equivalents belong into a group: a search for one finds the others. Names without a letter, digit or
    Chinese character are left out.
    """

    groups: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        """Have equal groups be one value, however they were given."""
        object.__setattr__(self, "groups", tuple(tuple(group) for group in self.groups))

    def expand(self, term: str) -> tuple[tuple[Phrase, ...], tuple[Expansion, ...]]:
        """Other phrases for a term, and which of its words they come from.

        A name may be part of the term (温室气体排放 is also GHG排放), as the rule of analysis finds it there. Of names
        that overlap the longest counts; every name in the term is replaced by one of its equals at a time.
        """
        return _expand(self, term)

    @cached_property
    def _names(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Needle, name and group of every name, the longest first."""
        found = [
            (needle, name, group)
            for group in self.groups
            for name in group
            if (needle := phrase(name).needle) and len(group) > 1
        ]
        return tuple(sorted(found, key=lambda entry: -len(entry[0].strip(_BORDER))))

    def _in(self, form: str) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
        """Where names stand in a canonical form: start, end, name, group; they do not overlap."""
        taken: list[tuple[int, int]] = []
        for needle, name, group in self._names:
            at = form.find(needle)
            while at >= 0:
                # A border belongs to both sides, the words between borders to one.
                start, end = at + needle.startswith(_BORDER), at + len(needle) - needle.endswith(_BORDER)
                if all(end <= before or start >= after for before, after in taken):
                    taken.append((start, end))
                    yield at, at + len(needle), name, group
                at = form.find(needle, at + 1)


NO_SYNONYMS = Synonyms()


@lru_cache(maxsize=1_024)
def _expand(synonyms: Synonyms, term: str) -> tuple[tuple[Phrase, ...], tuple[Expansion, ...]]:
    form = canonical(term)
    phrases: dict[Phrase, None] = {}
    expansions: dict[Expansion, None] = {}
    for start, end, name, group in synonyms._in(form):  # noqa: SLF001 - the two halves of one method
        own = phrase(name).needle
        others = tuple(other for other in group if phrase(other).needle not in {"", own})[: _MOST_ADDED - len(phrases)]
        for other in others:
            # The analysis puts borders where they belong: between Chinese and words, not between Chinese and Chinese.
            phrases[phrase(form[:start] + phrase(other).needle + form[end:])] = None
        if others:
            expansions[Expansion(name, others)] = None
    return tuple(phrases), tuple(expansions)
