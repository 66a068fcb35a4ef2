"""The tantivy engine: everything that knows tantivy, with `search.tantivy_queries`, and nothing about sealing.

An engine keeps one index in one directory. Documents carry analysed fields: `body` and `about` (all words that are not
the body, each value by itself, so that no phrase runs from one into the next) decide what is found; `title`, `name` and
so on once more what can be asked for by field. Everything else is exact terms and numbers for filters, facets and
order, whole values to suggest, and a portrait to find a document's like.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import tantivy
from tantivy import Occur

from search.analysis import ANALYSIS_VERSION, index_text
from search.engine import MOST_ANSWERS
from search.errors import EngineFailed
from search.language import ParsedQuery, parse_query
from search.likeness import FINGERPRINT, Portrait, portrait, rank_similar, telling
from search.short_fields import (
    SHORT,
    about,
    beginning_of,
    lines_of,
    sort_title,
    whole,
)
from search.synonyms import NO_SYNONYMS, Synonyms
from search.tantivy_queries import START, Asking, OpenEnded, all_unscored
from search.tantivy_suggestions import ONE_EACH, Suggesting
from search.values import Hit, IndexDocument, Query, Results, Scope, Similar, Sort, Source, Suggestion

COMMIT_FILE = "meta.json"
"""The file in an engine's directory that every commit replaces."""
_SEGMENT_FILES = ("idx", "pos", "term", "store", "fast", "fieldnorm")
_HEAP_BYTES = 32_000_000
_EXACT = ("key", "document_id", "organisation_id", "engagement_id", "client_id", "kind")


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in ("body", "about", *SHORT):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in ("key", "document_id"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for source in ONE_EACH:
        builder.add_text_field(f"whole_{source}", stored=True, tokenizer_name="raw", index_option="basic")
    for name in (*_EXACT[2:], "sort_title", *(f"whole_{source}" for source in SHORT if source not in ONE_EACH)):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("band", tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field("portrait", stored=True)
    for name in ("level", "current", "readable", "year", "filed_day", "dated_day"):
        builder.add_integer_field(name, indexed=True, fast=True)
    return builder.build()


_SCHEMA = _schema()
_ASKING = Asking(_SCHEMA)


class TantivyEngine:
    """See `search.engine.Engine`."""

    layout: ClassVar[str] = f"tantivy-0.27/schema-2/analysis-{ANALYSIS_VERSION}/like-{FINGERPRINT}"

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open the index in `directory`; with `create`, make an empty one there.

        Raises:
            ValueError: there is no whole index in the directory.
        """
        self._directory = directory
        self._index = tantivy.Index(_SCHEMA, path=str(directory)) if create else tantivy.Index.open(str(directory))
        self._index.config_reader("Manual")
        self._writer: Any = None

    @staticmethod
    def last_commit(directory: Path) -> object:
        """See `Engine.last_commit`."""
        try:
            told = (directory / COMMIT_FILE).stat()
        except OSError as error:
            raise ValueError(str(error)) from error
        return told.st_ino, told.st_mtime_ns

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

    def search(self, query: Query, synonyms: Synonyms = NO_SYNONYMS) -> Results:
        """Answer a query from the state last reloaded.

        Raises:
            QueryError: as `search.language.parse_query`.
        """
        parsed = parse_query(query.text, synonyms if query.synonyms else NO_SYNONYMS)
        if parsed.expression is None and not parsed.blank:
            return Results([], 0, {facet: {} for facet in query.facets}, parsed.notes)
        try:
            return self._run(query, parsed, _ASKING.open_ended)
        except ValueError as error:
            if not _too_many(error):
                raise
            return self._run(query, parsed, _ASKING.open_ended_in_ranges)

    def _run(self, query: Query, parsed: ParsedQuery, open_ended: OpenEnded) -> Results:
        searcher = self._index.searcher()
        visible = _ASKING.visible(query.scope)
        words = [(Occur.Must, _ASKING.words(parsed.expression, open_ended))] if parsed.expression else []
        order: dict[str, Any] = {}
        lifts: list[tuple[Any, Any]] = []
        if query.sort is Sort.RELEVANCE and words:
            lifts = _ASKING.lifts(parsed.wanted(), open_ended)
        elif query.sort is Sort.TITLE:
            order = {"order_by_field": "sort_title", "order": tantivy.Order.Asc}
        else:
            oldest_first = query.sort is Sort.OLDEST
            order = {"order_by_field": "filed_day", "order": tantivy.Order.Asc if oldest_first else tantivy.Order.Desc}
        filters = [(Occur.Must, clause) for clause in _ASKING.filters(query.filters).values()]
        narrowed = [*words, (Occur.Must, all_unscored([*visible, *filters]))]
        # Tantivy refuses a limit of zero; a page of nothing still has a total.
        found: Any = searcher.search(
            tantivy.Query.boolean_query([*narrowed, *lifts]), limit=max(1, query.limit), offset=query.offset, **order
        )
        hits = [_hit(searcher, score, address, scored=not order) for score, address in found.hits[: query.limit]]
        facets = _ASKING.facets(searcher, query, words, narrowed, visible)
        return Results(hits, int(found.count), facets, parsed.notes, parsed.expanded)

    def suggest(self, prefix: str, scope: Scope, limit: int) -> list[Suggestion]:
        """See `Engine.suggest`. Of words that go on in more than 100 ways the most frequent are looked for."""
        beginning = beginning_of(prefix)
        if beginning is None:
            return []
        most = min(limit, MOST_ANSWERS)
        within = all_unscored([*_ASKING.visible(scope), (Occur.Must, _ASKING.current())])
        return Suggesting(self._index.searcher(), _ASKING, within).suggest(beginning, most)

    def similar(self, key: str, scope: Scope, limit: int) -> list[Similar]:
        """See `Engine.similar`."""
        searcher = self._index.searcher()
        visible = _ASKING.visible(scope)
        own: Any = searcher.search(
            tantivy.Query.boolean_query([*visible, (Occur.Must, _ASKING.term("key", key))]), limit=1
        )
        if not own.hits:
            return []
        stored: Any = searcher.doc(own.hits[0][1])
        shown = _portrait_of(stored)
        weights = telling(
            shown, stored.get_first(f"whole_{Source.TITLE}") or "", lambda token: _rarity(searcher, token)
        )
        liked = [(Occur.Should, _weighed(_token(token), weight)) for token, weight in weights.items()]
        liked += [(Occur.Should, _weighed(_ASKING.term("band", band), 1.0)) for band in shown.bands]
        if not liked:
            return []
        itself = (Occur.MustNot, _ASKING.term("document_id", stored.get_first("document_id")))
        within = all_unscored([*visible, (Occur.Must, _ASKING.current()), itself])
        found: Any = searcher.search(
            tantivy.Query.boolean_query([(Occur.Must, within), (Occur.Must, tantivy.Query.boolean_query(liked))]),
            limit=min(limit, MOST_ANSWERS) + MOST_ANSWERS,
        )
        others: list[tuple[Any, Any]] = [(score, searcher.doc(address)) for score, address in found.hits]
        likenesses = (
            (other.get_first("key"), other.get_first("document_id"), score, _portrait_of(other))
            for score, other in others
        )
        return rank_similar(shown, likenesses, min(limit, MOST_ANSWERS))


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # what tantivy-py raises for everything, a full memory among it
        msg = f"the search engine could not write: {error}"
        raise EngineFailed(msg) from error


def _too_many(error: ValueError) -> bool:
    return "max expansions" in str(error)


def _hit(searcher: Any, score: Any, address: Any, *, scored: bool) -> Hit:
    stored = searcher.doc(address)
    return Hit(stored.get_first("key"), stored.get_first("document_id"), float(score) if scored else 0.0)


def _stored_form(document: IndexDocument) -> Any:
    form = tantivy.Document()
    body = index_text(document.body)
    form.add_text("body", body)
    for text in about(document):
        form.add_text("about", index_text(text))
    for source, lines in lines_of(document).items():
        if lines:
            form.add_text(source.value, f"{START} {index_text(getattr(document, source.value))}")
        for line in lines:
            form.add_text(f"whole_{source}", whole(line))
    for name, value in _exact_values(document).items():
        if isinstance(value, int):
            form.add_integer(name, value)
        elif value:
            form.add_text(name, value)
    drawn = portrait(body)
    for band in drawn.bands:
        form.add_text("band", band)
    form.add_bytes("portrait", drawn.to_bytes())
    return form


def _exact_values(document: IndexDocument) -> dict[str, str | int | None]:
    return {
        **{name: getattr(document, name) for name in _EXACT},
        **{name: int(getattr(document, name)) for name in ("level", "current", "readable")},
        "sort_title": sort_title(document),
        "year": document.year,
        "filed_day": document.filed_on.toordinal(),
        "dated_day": document.dated_on.toordinal() if document.dated_on else None,
    }


# --- suggestions and likeness ---


def _portrait_of(stored: Any) -> Portrait:
    return Portrait.from_bytes(bytes(stored.get_first("portrait")))


def _token(token: str) -> Any:
    return _ASKING.any_of(_ASKING.term(field, token) for field in ("body", "about"))


def _weighed(query: Any, weight: float) -> Any:
    return tantivy.Query.const_score_query(query, weight)


def _rarity(searcher: Any, token: str) -> float:
    having = max(searcher.doc_freq(field, token) for field in ("body", "about"))
    return math.log(1 + (searcher.num_docs - having + 0.5) / (having + 0.5)) if having else 0.0
