"""Suggestions out of tantivy: the values of short fields that contain what was typed, inside a scope, in milliseconds.

Clients, engagements and originators have few values for many documents: they are counted. Titles, file names and
numbers have nearly as many values as there are documents: the first hits are taken, and only the documents of those
that are shown are counted. Every look costs the scope once more, so there are few.
"""

from __future__ import annotations

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
        first = self._first_values(at_start, most)
        if len(first) < most:
            first |= self._first_values(phrases, most)
        for source in ONE_EACH:
            found[source] = [(value, 1) for of, value in first if of is source]
        return in_order(beginning, map(self._with_count, merge_suggestions(beginning, found, most)))

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

    def _first_values(self, phrases: _Phrases, most: int) -> dict[tuple[Source, str], None]:
        words = self._asking.any_of(self._words(source, phrases) for source in ONE_EACH)
        clauses = [(Occur.Must, Query.const_score_query(words, 1.0)), self._within]
        # Twice as many, because versions and documents may share a title.
        found: Any = self._searcher.search(Query.boolean_query(clauses), limit=2 * most, count=False)
        stored = [self._searcher.doc(address) for _, address in found.hits]
        values = ((source, one.get_first(f"whole_{source}")) for one in stored for source in ONE_EACH)
        return {(source, value): None for source, value in values if value}

    def _counted(self, source: Source, phrases: _Phrases, at_start: _Phrases) -> Iterable[tuple[str, int]]:
        inside = self._values(source, phrases)
        return inside if len(inside) < _VALUES else [*inside, *self._values(source, at_start)]

    def _values(self, source: Source, phrases: _Phrases) -> list[tuple[str, int]]:
        clauses = [(Occur.Must, self._words(source, phrases)), self._within]
        return count_values(self._searcher, clauses, {source.value: f"whole_{source}"}, _VALUES)[source.value]

    def _with_count(self, suggestion: Suggestion) -> Suggestion:
        if suggestion.source not in ONE_EACH:
            return suggestion
        value = (Occur.Must, self._asking.term(f"whole_{suggestion.source}", suggestion.text))
        found: Any = self._searcher.search(Query.boolean_query([value, self._within]), limit=1)
        return replace(suggestion, count=int(found.count))
