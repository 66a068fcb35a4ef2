"""Suggestions out of tantivy: the values of short fields that contain what was typed, inside a scope, in milliseconds.

Clients, engagements and originators have few values for many documents: they are counted. Titles, file names and
numbers have nearly as many values as there are documents: the first hits are taken, and only the documents of those
that are shown are counted. Every look costs the scope once more, so there are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tantivy import Occur, Query

from search.analysis import Phrase
from search.short_fields import SHORT, Beginning, in_order, merge_suggestions
from search.tantivy_queries import START, Asking, count_values
from search.values import Source, Suggestion

ONE_EACH = (Source.NUMBER, Source.TITLE, Source.NAME)
"""The fields that nearly every document has its own value of."""

_CONTINUATIONS = 100
_VALUES = 64
_LOOKS = 2
_TOLD_ONE_BY_ONE = 40

_Phrases = list[tuple[str, ...]]


class Suggesting:
    """Suggestions from one state of an index and one scope, which is given as a query without weight."""

    def __init__(self, searcher: Any, asking: Asking, within: Any) -> None:
        self._searcher, self._asking = searcher, asking
        self._within = (Occur.Must, within)

    def suggest(self, beginning: Beginning, most: int) -> list[Suggestion]:
        """See `Engine.suggest`."""
        phrases = self._phrases(beginning)
        if not phrases:
            return []
        at_start = [(START, *tokens) for tokens in phrases]
        found = {source: self._counted(source, phrases, at_start) for source in SHORT if source not in ONE_EACH}
        first = self._first_values(beginning, phrases, at_start, most)
        for source in ONE_EACH:
            found[source] = [(value, 1) for of, value in first if of is source]
        return in_order(beginning, self._with_counts(merge_suggestions(beginning, found, most)))

    def _phrases(self, beginning: Beginning) -> _Phrases:
        """What was typed, with the last token in each of the ways it goes on in the scope."""
        *before, last = beginning.tokens
        if not beginning.rest:
            return [beginning.tokens]
        found = self._searcher.terms_with_prefix(
            "about", last, filter_query=Query.boolean_query([self._within]), limit=_CONTINUATIONS
        )
        return [(*before, token) for token, count in found if count]

    def _words(self, source: Source, phrases: _Phrases) -> Any:
        if all(len(tokens) == 1 for tokens in phrases):
            return self._asking.one_of(source.value, [tokens[0] for tokens in phrases])
        return self._asking.any_of(
            self._asking.phrase(source.value, Phrase(tokens, open_ended=False, needle=""), self._asking.open_ended)
            for tokens in phrases
        )

    def _first_values(
        self, beginning: Beginning, phrases: _Phrases, at_start: _Phrases, most: int
    ) -> dict[tuple[Source, str], None]:
        """Values of documents that have the words, those at whose start they stand first."""
        inside, first = ([self._words(source, words) for source in ONE_EACH] for words in (phrases, at_start))
        clauses = [
            (Occur.Must, Query.const_score_query(self._asking.any_of(inside), 1.0)),
            (Occur.Should, Query.const_score_query(self._asking.any_of(first), 1.0)),
            self._within,
        ]
        values: dict[tuple[Source, str], None] = {}
        for _ in range(_LOOKS):
            # Twice as many, because versions and documents may share a title; those found are not looked for again.
            known = [(Occur.MustNot, self._asking.term(f"whole_{source}", value)) for source, value in values]
            found: Any = self._searcher.search(Query.boolean_query([*clauses, *known]), limit=2 * most, count=False)
            stored = [self._searcher.doc(address) for _, address in found.hits]
            told = ((source, one.get_first(f"whole_{source}")) for one in stored for source in ONE_EACH)
            # A document that is meant by its title gives its name and number as well: those do not count.
            values |= {(of, value): None for of, value in told if value and beginning.begins(value) is not None}
            if len(values) >= most or len(found.hits) < 2 * most:
                break
        return values

    def _counted(self, source: Source, phrases: _Phrases, at_start: _Phrases) -> Iterable[tuple[str, int]]:
        if not any(self._anywhere(source, tokens) for tokens in phrases):
            return []
        inside = self._values(source, phrases)
        return inside if len(inside) < _VALUES else [*inside, *self._values(source, at_start)]

    def _anywhere(self, source: Source, tokens: tuple[str, ...]) -> bool:
        """Whether the index has all of these tokens in the field at all: a look without the scope, which costs little
        and is only believed where it says no."""
        return all(self._searcher.doc_freq(source.value, token) for token in tokens)

    def _values(self, source: Source, phrases: _Phrases) -> list[tuple[str, int]]:
        clauses = [(Occur.Must, self._words(source, phrases)), self._within]
        return count_values(self._searcher, clauses, {source.value: f"whole_{source}"}, _VALUES)[source.value]

    def _with_counts(self, suggestions: list[Suggestion]) -> list[Suggestion]:
        """With how many documents have each; all at once, unless they are so many that counting is for the index."""
        asked = [one for one in suggestions if one.source in ONE_EACH]
        if not asked:
            return suggestions
        any_of_them = self._asking.any_of(map(self._value, asked))
        clauses = [(Occur.Must, Query.const_score_query(any_of_them, 1.0)), self._within]
        found: Any = self._searcher.search(Query.boolean_query(clauses), limit=_TOLD_ONE_BY_ONE)
        if found.count > _TOLD_ONE_BY_ONE:
            counts = {(one.source, one.text): self._count(one) for one in asked}
        else:
            stored = [self._searcher.doc(address) for _, address in found.hits]
            counts = Counter((source, one.get_first(f"whole_{source}")) for one in stored for source in ONE_EACH)
        return [replace(one, count=counts[one.source, one.text]) if one in asked else one for one in suggestions]

    def _count(self, suggestion: Suggestion) -> int:
        clauses = [(Occur.Must, self._value(suggestion)), self._within]
        found: Any = self._searcher.search(Query.boolean_query(clauses), limit=1)
        return int(found.count)

    def _value(self, suggestion: Suggestion) -> Any:
        return self._asking.term(f"whole_{suggestion.source}", suggestion.text)
