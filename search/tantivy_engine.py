"""The tantivy engine: everything that knows tantivy, and nothing about sealing.

An engine keeps one index in one directory. Documents carry two analysed fields: `text` (title, name, metadata, body,
each a value of its own, so that no phrase runs from one into the next) decides what is found, `title` (title, name)
only lifts hits. Everything else is exact terms and numbers for filters, facets and order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur

from search.analysis import ANALYSIS_VERSION, Phrase, index_text, normalise
from search.errors import EngineFailed
from search.language import AllOf, AnyOf, Expression, Not, ParsedQuery, Term, parse_query
from search.values import Facet, Filters, Hit, IndexDocument, Query, Results, Scope, Sort

LAYOUT = f"tantivy-0.27/schema-1/analysis-{ANALYSIS_VERSION}"
"""What a stored index must have been made by to be readable here."""

COMMIT_FILE = "meta.json"
"""The file in an engine's directory that every commit replaces."""
_SEGMENT_FILES = ("idx", "pos", "term", "store", "fast", "fieldnorm")
_HEAP_BYTES = 32_000_000
_TITLE_BOOST = 3.0
_FACET_FIELDS = {
    Facet.ENGAGEMENT: "engagement_id",
    Facet.CLIENT: "client_id",
    Facet.YEAR: "year",
    Facet.KIND: "kind",
}
_MOST_FACET_VALUES = 60_000
_SORT_TITLE_BYTES = 96
# Tantivy refuses to expand one prefix to more than 16,384 tokens. Only a hostile document has that many, but it must
# not break the searches of others, so the characters after the prefix are then taken in ranges below that number.
_SECOND_CHARACTERS = [(0x0, 0x5FFF), (0x6000, 0x8FFF), (0x9000, 0xCFFF), (0xD000, 0xD7FF), (0xE000, 0x1FFFF)] + [
    (start, start + 0x2FFF) for start in range(0x20000, 0x35000, 0x3000)
]


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in ("text", "title"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in ("key", "document_id"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("organisation_id", "engagement_id", "client_id", "kind", "sort_title"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("level", "current", "readable", "year", "filed_day"):
        builder.add_integer_field(name, indexed=True, fast=True)
    return builder.build()


_SCHEMA = _schema()


class TantivyEngine:
    """One open index directory; writes only after `begin_writing`, and then from one thread.

    `search` may be called from several threads.
    """

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open the index in `directory`; with `create`, make an empty one there.

        Raises:
            ValueError: there is no whole index in the directory.
        """
        self._directory = directory
        self._index = tantivy.Index(_SCHEMA, path=str(directory)) if create else tantivy.Index.open(str(directory))
        self._index.config_reader("Manual")
        self._writer: Any = None

    def begin_writing(self) -> None:
        """Take the writer; the caller makes sure that there is only one."""
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add documents, each in place of an earlier one with the same key; seen after `commit`.

        Raises:
            EngineFailed: nothing since the last commit is kept.
        """
        for document in documents:
            form = _stored_form(document)
            with _writing():
                self._writer.delete_documents_by_term("key", document.key)
                self._writer.add_document(form)

    def remove(self, keys: Iterable[str]) -> None:
        """Take documents out; unknown keys are fine."""
        with _writing():
            for key in keys:
                self._writer.delete_documents_by_term("key", key)

    def commit(self) -> None:
        """Make everything since the last commit visible to `search`, here at once and elsewhere after `reload`.

        Raises:
            EngineFailed: as for `put`.
        """
        with _writing():
            self._writer.commit()
        self.reload()

    def close(self) -> None:
        """Finish merging and let go of the writer. Uncommitted changes are lost."""
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None

    def reload(self) -> None:
        """See what another process has committed; about 0.1 ms."""
        self._index.reload()

    def snapshot(self) -> tuple[dict[str, str], list[str]]:
        """The committed state as files: small ones by content, and names of immutable segment files.

        Merging goes on in the background, so a named file may be gone by the time it is read: take a new snapshot.
        """
        meta = (self._directory / COMMIT_FILE).read_text("utf-8")
        alive = {segment["segment_id"].replace("-", ""): segment["deletes"] for segment in json.loads(meta)["segments"]}
        names = []
        for path in self._directory.iterdir():
            segment, _, suffix = path.name.partition(".")  # <segment>.idx …, or <segment>.<opstamp>.del
            if segment in alive and suffix in {*_SEGMENT_FILES, f"{(alive[segment] or {}).get('opstamp')}.del"}:
                names.append(path.name)
        # With this list tantivy knows the files as its own and clears them away after a merge.
        managed = json.dumps([*sorted(names), COMMIT_FILE])
        return {COMMIT_FILE: meta, ".managed.json": managed}, sorted(names)

    @property
    def count(self) -> int:
        """Documents in the committed index."""
        return int(self._index.searcher().num_docs)

    def search(self, query: Query) -> Results:
        """Answer a query from the state last reloaded.

        Raises:
            QueryError: as `search.language.parse_query`.
        """
        parsed = parse_query(query.text)
        if parsed.expression is None and not parsed.blank:
            return Results([], 0, {facet: {} for facet in query.facets}, parsed.notes)
        try:
            return self._run(query, parsed, _open_ended)
        except ValueError as error:
            if "max expansions" not in str(error):
                raise
            return self._run(query, parsed, _open_ended_in_ranges)

    def _run(self, query: Query, parsed: ParsedQuery, open_ended: _OpenEnded) -> Results:
        searcher = self._index.searcher()
        visible = _visible(query.scope)
        words = [(Occur.Must, _words(parsed.expression, open_ended))] if parsed.expression else []
        order: dict[str, Any] = {}
        lifts: list[tuple[Any, Any]] = []
        if query.sort is Sort.RELEVANCE and words:
            lifts = [(Occur.Should, _lift(wanted, open_ended)) for wanted in parsed.wanted()]
        elif query.sort is Sort.TITLE:
            order = {"order_by_field": "sort_title", "order": tantivy.Order.Asc}
        else:
            oldest_first = query.sort is Sort.OLDEST
            order = {"order_by_field": "filed_day", "order": tantivy.Order.Asc if oldest_first else tantivy.Order.Desc}
        narrowed = [*words, (Occur.Must, _unscored(visible, _filter_clauses(query.filters)))]
        # Tantivy refuses a limit of zero; a page of nothing still has a total.
        found: Any = searcher.search(
            tantivy.Query.boolean_query([*narrowed, *lifts]), limit=max(1, query.limit), offset=query.offset, **order
        )
        hits = [_hit(searcher, score, address, scored=not order) for score, address in found.hits[: query.limit]]
        return Results(hits, int(found.count), _facets(searcher, query, words, narrowed, visible), parsed.notes)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # what tantivy-py raises for everything, a full memory among it
        msg = f"the search engine could not write: {error}"
        raise EngineFailed(msg) from error


def _hit(searcher: Any, score: Any, address: Any, *, scored: bool) -> Hit:
    stored = searcher.doc(address)
    return Hit(stored.get_first("key"), stored.get_first("document_id"), float(score) if scored else 0.0)


def _stored_form(document: IndexDocument) -> Any:
    form = tantivy.Document()
    for text in (document.title, document.name, document.metadata, document.body):
        form.add_text("text", index_text(text))
    for text in (document.title, document.name):
        form.add_text("title", index_text(text))
    for name in ("key", "document_id", "organisation_id", "engagement_id", "client_id", "kind"):
        if value := getattr(document, name):
            form.add_text(name, value)
    form.add_text("sort_title", _sort_title(document.title or document.name))
    for name in ("level", "current", "readable"):
        form.add_integer(name, int(getattr(document, name)))
    form.add_integer("filed_day", document.filed_on.toordinal())
    if document.year is not None:
        form.add_integer("year", document.year)
    return form


def _sort_title(title: str) -> str:
    """GB 18030 keeps the order of GB 2312, whose first 3,755 characters stand in pinyin order."""
    return normalise(title).strip().encode("gb18030", "replace")[:_SORT_TITLE_BYTES].decode("latin-1")


# --- words ---

_OpenEnded = Callable[[str, Phrase], Any]


def _words(expression: Expression, open_ended: _OpenEnded) -> Any:
    if isinstance(expression, Term):
        return _phrase("text", expression.phrase, open_ended)
    if isinstance(expression, Not):
        return _but_not([_words(expression.part, open_ended)])
    if isinstance(expression, AnyOf):
        return tantivy.Query.boolean_query([(Occur.Should, _words(part, open_ended)) for part in expression.parts])
    return _all_of(expression, open_ended)


def _all_of(expression: AllOf, open_ended: _OpenEnded) -> Any:
    wanted = [part for part in expression.parts if not isinstance(part, Not)]
    unwanted = [_words(part.part, open_ended) for part in expression.parts if isinstance(part, Not)]
    if not wanted:
        return _but_not(unwanted)
    clauses = [(Occur.Must, _words(part, open_ended)) for part in wanted]
    return tantivy.Query.boolean_query([*clauses, *((Occur.MustNot, part) for part in unwanted)])


def _but_not(unwanted: list[Any]) -> Any:
    """A tantivy query of negatives alone finds nothing; here it means everything else."""
    everything = tantivy.Query.const_score_query(tantivy.Query.all_query(), 0.0)
    return tantivy.Query.boolean_query([(Occur.Must, everything), *((Occur.MustNot, part) for part in unwanted)])


def _phrase(field: str, wanted: Phrase, open_ended: _OpenEnded) -> Any:
    if wanted.open_ended:
        return open_ended(field, wanted)
    # A phrase of one token makes tantivy panic.
    if len(wanted.tokens) == 1:
        return tantivy.Query.term_query(_SCHEMA, field, wanted.tokens[0])
    return tantivy.Query.phrase_query(_SCHEMA, field, list(wanted.tokens))


def _open_ended(field: str, wanted: Phrase, second: str = ".?") -> Any:
    """`phrase_prefix_query` would cut its expansion short in silence; the regular expression does not."""
    *before, last = wanted.tokens
    pattern = last + second
    if not before:
        return tantivy.Query.regex_query(_SCHEMA, field, pattern)
    return tantivy.Query.regex_phrase_query(_SCHEMA, field, [*before, pattern])


def _open_ended_in_ranges(field: str, wanted: Phrase) -> Any:
    ranges = ["", *(rf"[\x{{{first:x}}}-\x{{{last:x}}}]" for first, last in _SECOND_CHARACTERS)]
    return tantivy.Query.boolean_query([(Occur.Should, _open_ended(field, wanted, second)) for second in ranges])


def _lift(wanted: Phrase, open_ended: _OpenEnded) -> Any:
    return tantivy.Query.boost_query(_phrase("title", wanted, open_ended), _TITLE_BOOST)


# --- scope, filters, facets ---


def _unscored(visible: list[tuple[Any, Any]], filters: dict[str, Any]) -> Any:
    clauses = [*visible, *((Occur.Must, clause) for clause in filters.values())]
    return tantivy.Query.const_score_query(tantivy.Query.boolean_query(clauses), 0.0)


def _visible(scope: Scope) -> list[tuple[Any, Any]]:
    grants = (
        []
        if scope.everything
        else [
            (Occur.Should, _one_of("organisation_id", scope.organisations)),
            (Occur.Should, _one_of("engagement_id", scope.engagements)),
        ]
    )
    clauses = [(Occur.Must, tantivy.Query.boolean_query(grants))] if grants else []
    clauses.append((Occur.Must, _between("level", None, scope.highest_level)))
    for name, excluded in (("engagement_id", scope.excluded_engagements), ("document_id", scope.excluded_documents)):
        if excluded:
            clauses.append((Occur.MustNot, _one_of(name, excluded)))
    return clauses


def _filter_clauses(filters: Filters) -> dict[str, Any]:
    """One clause per filter in use; those that are also facets under the facet's name."""
    clauses = {
        facet.value: _one_of(_FACET_FIELDS[facet], values)
        for facet, values in (
            (Facet.ENGAGEMENT, filters.engagements),
            (Facet.CLIENT, filters.clients),
            (Facet.YEAR, filters.years),
            (Facet.KIND, filters.kinds),
        )
        if values
    }
    if filters.filed_from is not None or filters.filed_to is not None:
        clauses["filed"] = _between("filed_day", _day(filters.filed_from), _day(filters.filed_to))
    if filters.current_only:
        clauses["current"] = tantivy.Query.term_query(_SCHEMA, "current", 1)
    if filters.unread_only:
        clauses["unread"] = tantivy.Query.term_query(_SCHEMA, "readable", 0)
    return clauses


def _one_of(field: str, values: Iterable[str | int]) -> Any:
    return tantivy.Query.term_set_query(_SCHEMA, field, list(values))


def _between(field: str, lowest: int | None, highest: int | None) -> Any:
    return tantivy.Query.range_query(_SCHEMA, field, FieldType.Integer, lowest, highest)


def _day(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _facets(
    searcher: Any, query: Query, words: list[Any], narrowed: list[Any], visible: list[Any]
) -> dict[str, dict[str, int]]:
    filters = _filter_clauses(query.filters)
    facets = [Facet(name) for name in query.facets]
    counted = _count(searcher, narrowed, [facet for facet in facets if facet.value not in filters])
    for facet in facets:
        if facet.value in filters:
            others = {name: clause for name, clause in filters.items() if name != facet.value}
            counted |= _count(searcher, [*words, (Occur.Must, _unscored(visible, others))], [facet])
    return {facet.value: counted[facet] for facet in facets}


def _count(searcher: Any, clauses: list[Any], facets: list[Facet]) -> dict[Facet, dict[str, int]]:
    if not facets:
        return {}
    terms = {"size": _MOST_FACET_VALUES, "segment_size": _MOST_FACET_VALUES}
    request = {facet.value: {"terms": {"field": _FACET_FIELDS[facet], **terms}} for facet in facets}
    answer = searcher.aggregate(tantivy.Query.boolean_query(clauses), request)
    return {
        facet: {_facet_value(bucket["key"]): bucket["doc_count"] for bucket in answer[facet.value]["buckets"]}
        for facet in facets
    }


def _facet_value(key: str | float) -> str:
    return key if isinstance(key, str) else str(int(key))
