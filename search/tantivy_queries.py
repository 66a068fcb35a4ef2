"""Queries of the library as queries of tantivy: words, scope, filters and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Any

import tantivy
from tantivy import FieldType, Occur

from search.analysis import Phrase
from search.expression import AllOf, AnyOf, Between, Expression, KindIn, Not, Term, TextField
from search.values import Facet, Filters, Query, Reach, Scope

START = "^"
"""A token that no text has, before the first one of each short field."""

FIELDS = {field: (field.value,) for field in TextField} | {TextField.ANYWHERE: ("body", "about")}
"""Where the index keeps what a field of a query means. `about` is everything but the body."""

_TITLE_BOOST = 3.0
_FACET_FIELDS = {
    Facet.ENGAGEMENT: "engagement_id",
    Facet.CLIENT: "client_id",
    Facet.YEAR: "year",
    Facet.KIND: "kind",
}
_MOST_FACET_VALUES = 60_000
_MOST_SINGLE_TERMS = 2_500
"""A set of terms goes through the whole dictionary and marks all that it finds, whatever else is asked: up to some
thousand terms, each by itself is quicker, twice for 500 and a hundred times for one."""
_SCOPES_KEPT = 64
# Tantivy refuses to expand one prefix to more than 16,384 tokens. Only a hostile document has that many, but it must
# not break the searches of others, so the characters after the prefix are then taken in ranges below that number.
_SECOND_CHARACTERS = [(0x0, 0x5FFF), (0x6000, 0x8FFF), (0x9000, 0xCFFF), (0xD000, 0xD7FF), (0xE000, 0x1FFFF)] + [
    (start, start + 0x2FFF) for start in range(0x20000, 0x35000, 0x3000)
]

OpenEnded = Callable[[str, Phrase], Any]
"""How a phrase is asked for whose last token is only the beginning of one."""


class Asking:
    """Makes queries for one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self.visible = lru_cache(maxsize=_SCOPES_KEPT)(self._visible)
        """The clauses of a scope, which is a value: nothing is kept for longer than it is true."""

    # --- words ---

    def words(self, expression: Expression, open_ended: OpenEnded) -> Any:
        """What an expression matches."""
        if isinstance(expression, Term):
            return self.any_of(
                self.phrase(field, wanted, open_ended)
                for wanted in expression.phrases
                for field in FIELDS[expression.field]
            )
        if isinstance(expression, Between):
            return unscored(self.between(expression.field.value, expression.lowest, expression.highest))
        if isinstance(expression, KindIn):
            return unscored(self.one_of("kind", expression.codes))
        if isinstance(expression, Not):
            return _but_not([self.words(expression.part, open_ended)])
        if isinstance(expression, AnyOf):
            return self.any_of(self.words(part, open_ended) for part in expression.parts)
        return self._all_of(expression, open_ended)

    def _all_of(self, expression: AllOf, open_ended: OpenEnded) -> Any:
        wanted = [part for part in expression.parts if not isinstance(part, Not)]
        unwanted = [self.words(part.part, open_ended) for part in expression.parts if isinstance(part, Not)]
        if not wanted:
            return _but_not(unwanted)
        clauses = [(Occur.Must, self.words(part, open_ended)) for part in wanted]
        return tantivy.Query.boolean_query([*clauses, *((Occur.MustNot, part) for part in unwanted)])

    @staticmethod
    def any_of(queries: Iterable[Any]) -> Any:
        """What at least one of some queries matches; one alone is left as it is."""
        alternatives = list(queries)
        if len(alternatives) == 1:
            return alternatives[0]
        return tantivy.Query.boolean_query([(Occur.Should, query) for query in alternatives])

    def phrase(self, field: str, wanted: Phrase, open_ended: OpenEnded) -> Any:
        """Consecutive tokens in one field of the index."""
        if wanted.open_ended:
            return open_ended(field, wanted)
        # A phrase of one token makes tantivy panic.
        if len(wanted.tokens) == 1:
            return self.term(field, wanted.tokens[0])
        return tantivy.Query.phrase_query(self._schema, field, list(wanted.tokens))

    def open_ended(self, field: str, wanted: Phrase, rest: str = ".?") -> Any:
        """`phrase_prefix_query` would cut its expansion short in silence; the regular expression does not."""
        *before, last = wanted.tokens
        pattern = last + rest
        if not before:
            return tantivy.Query.regex_query(self._schema, field, pattern)
        return tantivy.Query.regex_phrase_query(
            self._schema, field, [*(r"\^" if token == START else token for token in before), pattern]
        )

    def open_ended_in_ranges(self, field: str, wanted: Phrase) -> Any:
        """The same where a token begins more words than tantivy takes at once."""
        ranges = ["", *(rf"[\x{{{first:x}}}-\x{{{last:x}}}]" for first, last in _SECOND_CHARACTERS)]
        return self.any_of(self.open_ended(field, wanted, second) for second in ranges)

    def lifts(self, terms: Iterable[Term], open_ended: OpenEnded) -> list[tuple[Any, Any]]:
        """What brings a hit up whose title or name has the words."""
        return [
            (Occur.Should, tantivy.Query.boost_query(self.phrase(field, term.phrase, open_ended), _TITLE_BOOST))
            for term in terms
            if term.field in {TextField.ANYWHERE, TextField.TITLE, TextField.NAME}
            for field in ("title", "name")
        ]

    # --- scope and filters ---

    def _visible(self, scope: Scope) -> tuple[tuple[Any, Any], ...]:
        if scope.everything:
            # What is excluded is taken from something: a tantivy query of negatives alone finds nothing.
            clauses = [(Occur.Must, tantivy.Query.all_query())]
        else:
            clauses = [(Occur.Must, self.any_of(map(self.reached, scope.merged)))]
        for name, excluded in (
            ("engagement_id", scope.excluded_engagements),
            ("document_id", scope.excluded_documents),
        ):
            if excluded:
                clauses.append((Occur.MustNot, self.one_of(name, excluded)))
        return tuple(clauses)

    def reached(self, reach: Reach) -> Any:
        """What one part of a scope opens."""
        named = [
            self.one_of(name, values)
            for name, values in (("organisation_id", reach.organisations), ("engagement_id", reach.engagements))
            if values
        ]
        opened = self.any_of(named)
        if reach.highest_level is None:
            return opened
        low_enough = self.between("level", None, reach.highest_level)
        return tantivy.Query.boolean_query([(Occur.Must, opened), (Occur.Must, low_enough)])

    def filters(self, filters: Filters) -> dict[str, Any]:
        """One clause per filter in use; those that are also facets under the facet's name."""
        clauses = {
            facet.value: self.one_of(_FACET_FIELDS[facet], values)
            for facet, values in (
                (Facet.ENGAGEMENT, filters.engagements),
                (Facet.CLIENT, filters.clients),
                (Facet.YEAR, filters.years),
                (Facet.KIND, filters.kinds),
            )
            if values
        }
        if filters.filed_from is not None or filters.filed_to is not None:
            clauses["filed"] = self.between("filed_day", _day(filters.filed_from), _day(filters.filed_to))
        if filters.current_only:
            clauses["current"] = self.current()
        if filters.unread_only:
            clauses["unread"] = self.term("readable", 0)
        return clauses

    def current(self) -> Any:
        """Current versions."""
        return self.term("current", 1)

    def term(self, field: str, value: str | int) -> Any:
        """Documents with this exact value or token."""
        return tantivy.Query.term_query(self._schema, field, value)

    def one_of(self, field: str, values: Iterable[str | int]) -> Any:
        """Documents with one of these exact values. Its weight means nothing."""
        wanted = list(values)
        if 0 < len(wanted) <= _MOST_SINGLE_TERMS:
            return self.any_of(self.term(field, value) for value in wanted)
        return tantivy.Query.term_set_query(self._schema, field, wanted)

    def between(self, field: str, lowest: int | None, highest: int | None) -> Any:
        """Documents with a number in a range."""
        return tantivy.Query.range_query(self._schema, field, FieldType.Integer, lowest, highest)

    # --- counts ---

    def facets(
        self, searcher: Any, query: Query, words: list[Any], narrowed: list[Any], visible: Iterable[Any]
    ) -> dict[str, dict[str, int]]:
        """Exact counts for the facets that a query asks for."""
        filters = self.filters(query.filters)
        facets = [Facet(name) for name in query.facets]
        counted = _count(searcher, narrowed, [facet for facet in facets if facet.value not in filters])
        for facet in facets:
            if facet.value in filters:
                others = [(Occur.Must, clause) for name, clause in filters.items() if name != facet.value]
                counted |= _count(searcher, [*words, (Occur.Must, all_unscored([*visible, *others]))], [facet])
        return {facet.value: counted[facet] for facet in facets}


def unscored(query: Any) -> Any:
    """The same hits, without weight."""
    return tantivy.Query.const_score_query(query, 0.0)


def all_unscored(clauses: list[tuple[Any, Any]]) -> Any:
    """What fulfils all clauses, without weight."""
    return unscored(tantivy.Query.boolean_query(clauses))


def _but_not(unwanted: list[Any]) -> Any:
    """A tantivy query of negatives alone finds nothing; here it means everything else."""
    everything = unscored(tantivy.Query.all_query())
    return tantivy.Query.boolean_query([(Occur.Must, everything), *((Occur.MustNot, part) for part in unwanted)])


def _day(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _count(searcher: Any, clauses: list[Any], facets: list[Facet]) -> dict[Facet, dict[str, int]]:
    if not facets:
        return {}
    counted = count_values(searcher, clauses, {facet.value: _FACET_FIELDS[facet] for facet in facets})
    return {facet: dict(counted[facet.value]) for facet in facets}


def count_values(
    searcher: Any, clauses: list[Any], fields: dict[str, str], most: int = _MOST_FACET_VALUES
) -> dict[str, list[tuple[str, int]]]:
    """The values that hits have in fast fields, by any name, with how many have them; the most frequent first."""
    terms = {"size": most, "segment_size": _MOST_FACET_VALUES}
    request = {name: {"terms": {"field": field, **terms}} for name, field in fields.items()}
    answer = searcher.aggregate(tantivy.Query.boolean_query(clauses), request)
    return {
        name: [(_text_of(bucket["key"]), bucket["doc_count"]) for bucket in answer[name]["buckets"]] for name in fields
    }


def _text_of(key: str | float) -> str:
    return key if isinstance(key, str) else str(int(key))
