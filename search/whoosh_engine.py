"""The Whoosh engine: pure Python, for machines where tantivy cannot be installed. Slower, and the same answers.

Whoosh keeps the postings with their positions, the stored values, the segments and their merging. What a query means
is worked out here on sets of document numbers (`search.whoosh_segments`), so that it is exact by construction.

It does not sync its files. That is of no matter for what is sealed (sealing syncs) and for memory, which a power loss
empties; files on a disk are not taken up again after a restart of the machine (`search.memory`).
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from search.analysis import ANALYSIS_VERSION, index_text
from search.engine import MOST_ANSWERS
from search.errors import EngineFailed
from search.language import parse_query
from search.likeness import FINGERPRINT, portrait, rank_similar, telling
from search.short_fields import SHORT, about, beginning_of, lines_of, merge_suggestions, sort_title, whole
from search.synonyms import NO_SYNONYMS, Synonyms
from search.values import Facet, Filters, Hit, IndexDocument, Query, Results, Scope, Similar, Sort, Source, Suggestion
from search.whoosh_segments import NAME, Documents, Exact, Record, Tokens, matching, scored, visible_in

with warnings.catch_warnings():
    # Whoosh's sources have escapes that newer Pythons warn of when they compile them; the meaning is the same.
    warnings.simplefilter("ignore")
    from whoosh import fields
    from whoosh.codec.whoosh3 import W3Codec
    from whoosh.filedb.filestore import FileStorage
    from whoosh.index import TOC, EmptyIndexError, FileIndex
    from whoosh.index import IndexError as WhooshIndexError
    from whoosh.writing import SegmentWriter

_MEMORY_MB = 64


def _schema() -> Any:
    texts = {name: Tokens() for name in ("body", "about", *SHORT)}
    return fields.Schema(**texts, band=Exact(), record=fields.STORED(), portrait=fields.STORED())


class WhooshEngine:
    """See `search.engine.Engine`."""

    layout: ClassVar[str] = (
        f"whoosh-2.7/schema-1/{sys.byteorder}/analysis-{ANALYSIS_VERSION}/like-{FINGERPRINT}/python-{sys.version_info[0]}"
    )

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open the index in `directory`; with `create`, make an empty one there.

        Raises:
            ValueError: there is no whole index in the directory.
        """
        self._directory = directory
        self._storage = FileStorage(str(directory))
        self._reading = threading.Lock()
        self._writer: Any = None
        self._new_keys: dict[str, int] = {}
        if create:
            TOC.create(self._storage, _schema(), NAME)
        self._documents = self._opened()

    @staticmethod
    def last_commit(directory: Path) -> object:
        """See `Engine.last_commit`."""
        try:
            generation: int = TOC._latest_generation(FileStorage(str(directory)), NAME)  # noqa: SLF001 - as FileIndex does
        except OSError as error:
            raise ValueError(str(error)) from error
        if generation < 0:
            msg = f"there is no index in {directory}"
            raise ValueError(msg)
        return generation

    def begin_writing(self) -> None:
        """See `Engine.begin_writing`. Whoosh's own lock is not used: who holds the sealed directory is the writer."""

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See `Engine.put`."""
        for document in documents:
            form = _stored_form(document)
            with self._writing() as writer:
                self._delete(writer, document.key)
                self._new_keys[document.key] = writer.docnum
                writer.add_document(**form)

    def remove(self, keys: Iterable[str]) -> None:
        """See `Engine.remove`."""
        for key in keys:
            with self._writing() as writer:
                self._delete(writer, key)

    def commit(self) -> None:
        """See `Engine.commit`."""
        if self._writer is not None:
            with self._writing() as writer:
                writer.commit()
            self._writer = None
            self._new_keys = {}
        self.reload()

    def close(self) -> None:
        """See `Engine.close`."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with _named():
                writer.cancel()

    def reload(self) -> None:
        """See `Engine.reload`."""
        documents = self._opened(self._documents)
        with self._reading:
            self._documents = documents

    def snapshot(self) -> tuple[dict[str, str], list[str]]:
        """See `Engine.snapshot`: one file a segment, and the list of segments, whose name has a number that grows."""
        generation = self.last_commit(self._directory)
        listed = TOC.read(self._storage, NAME, gen=generation)
        alive = {segment.segment_id() for segment in listed.segments}
        names = [path.name for path in self._directory.iterdir() if path.name.partition(".")[0] in alive]
        return {}, sorted([*names, TOC._filename(NAME, generation)])  # noqa: SLF001 - as FileIndex does

    @property
    def count(self) -> int:
        """Documents in the committed index."""
        return len(self._documents)

    def search(self, query: Query, synonyms: Synonyms = NO_SYNONYMS) -> Results:
        """See `Engine.search`."""
        parsed = parse_query(query.text, synonyms if query.synonyms else NO_SYNONYMS)
        if parsed.expression is None and not parsed.blank:
            return Results([], 0, {facet: {} for facet in query.facets}, parsed.notes)
        with self._reading:
            documents = self._documents
            seen = visible_in(documents, query.scope)
            if parsed.expression is not None:
                seen = seen & matching(documents, parsed.expression)
            records = documents.records
            found = [number for number in seen if _passes(records[number], query.filters)]
            scores: dict[int, float] = {}
            if query.sort is Sort.RELEVANCE and parsed.expression is not None:
                scores = scored(documents, parsed.wanted(), found)
                found.sort(key=lambda number: -scores[number])
            else:
                found.sort(key=_ORDERS[query.sort](records))
            page = found[query.offset : query.offset + query.limit]
            hits = [Hit(records[number].key, records[number].document_id, scores.get(number, 0.0)) for number in page]
            facets = {name: _counts(records, seen, query.filters, Facet(name)) for name in query.facets}
        return Results(hits, len(found), facets, parsed.notes, parsed.expanded)

    def suggest(self, prefix: str, scope: Scope, limit: int) -> list[Suggestion]:
        """See `Engine.suggest`."""
        beginning = beginning_of(prefix)
        if beginning is None:
            return []
        with self._reading:
            documents = self._documents
            seen = visible_in(documents, scope)
            counted: dict[Source, Iterable[tuple[str, int]]] = {}
            for source in SHORT:
                having = documents.phrase(source.value, beginning.tokens, beginning.rest).keys() & seen
                current = (documents.records[number] for number in having if documents.records[number].current)
                counted[source] = Counter(value for record in current for value in set(record.values[source])).items()
        return merge_suggestions(beginning, counted, min(limit, MOST_ANSWERS))

    def similar(self, key: str, scope: Scope, limit: int) -> list[Similar]:
        """See `Engine.similar`."""
        with self._reading:
            documents = self._documents
            seen = visible_in(documents, scope)
            own = documents.number_of(key)
            if own is None or own not in seen:
                return []
            records = documents.records
            shown = documents.portrait(own)
            weights = telling(shown, "\n".join(records[own].values[Source.TITLE]), documents.rarity)
            weighed: Counter[int] = Counter()
            for token, weight in weights.items():
                weighed.update(dict.fromkeys(documents.having(("body", "about"), token), weight))
            for band in shown.bands:
                weighed.update(documents.having(("band",), band))
            others = [
                (number, weight)
                for number, weight in weighed.items()
                if number in seen
                and records[number].current
                and records[number].document_id != records[own].document_id
            ]
            others.sort(key=lambda entry: -entry[1])
            found = [
                (records[number].key, records[number].document_id, float(weight), documents.portrait(number))
                for number, weight in others[: min(limit, MOST_ANSWERS) + MOST_ANSWERS]
            ]
        return rank_similar(shown, found, min(limit, MOST_ANSWERS))

    def _opened(self, before: Documents | None = None) -> Documents:
        try:
            # Always a fresh reader: one that was refreshed after deletions has been seen to give hits that are gone.
            return Documents(FileIndex(self._storage, indexname=NAME).reader(), before)
        except (OSError, EmptyIndexError, WhooshIndexError) as error:
            raise ValueError(str(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        with _named():
            if self._writer is None:
                index = FileIndex(self._storage, indexname=NAME)
                self._writer = SegmentWriter(index, _lk=False, codec=W3Codec(), limitmb=_MEMORY_MB)
            yield self._writer

    def _delete(self, writer: Any, key: str) -> None:
        """Whoosh does not see what it has not committed yet, so that is taken out of the segment being written."""
        new = self._new_keys.pop(key, None)
        if new is not None:
            writer.newsegment.delete_document(new)
        old = self._documents.number_of(key)
        if old is not None and not writer.is_deleted(old):
            writer.delete_document(old)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (OSError, WhooshIndexError) as error:
        msg = f"the search engine could not write: {error}"
        raise EngineFailed(msg) from error


def _stored_form(document: IndexDocument) -> dict[str, Any]:
    body = index_text(document.body)
    values = lines_of(document)
    drawn = portrait(body)
    texts = {source.value: [index_text(getattr(document, source.value))] for source in SHORT if values[source]}
    record = Record.of(document, sort_title(document), {source: list(map(whole, values[source])) for source in SHORT})
    return {
        "body": [body],
        "about": [index_text(text) for text in about(document)],
        **texts,
        "band": drawn.bands,
        "record": record.to_tuple(),
        "portrait": drawn.to_bytes(),
    }


# --- filters, order, counts ---

_ORDERS: dict[Sort, Callable[[list[Record]], Callable[[int], Any]]] = {
    Sort.RELEVANCE: lambda records: lambda number: -records[number].filed_day,
    Sort.NEWEST: lambda records: lambda number: -records[number].filed_day,
    Sort.OLDEST: lambda records: lambda number: records[number].filed_day,
    Sort.TITLE: lambda records: lambda number: records[number].sort_title,
}


def _passes(record: Record, filters: Filters, but: Facet | None = None) -> bool:
    return (
        (not filters.current_only or record.current)
        and (not filters.unread_only or not record.readable)
        and (filters.filed_from is None or record.filed_day >= filters.filed_from.toordinal())
        and (filters.filed_to is None or record.filed_day <= filters.filed_to.toordinal())
        and all(not chosen or facet is but or _value(record, facet) in chosen for facet, chosen in _chosen(filters))
    )


def _chosen(filters: Filters) -> tuple[tuple[Facet, frozenset[Any]], ...]:
    return (
        (Facet.ENGAGEMENT, filters.engagements),
        (Facet.CLIENT, filters.clients),
        (Facet.YEAR, filters.years),
        (Facet.KIND, filters.kinds),
    )


def _value(record: Record, facet: Facet) -> str | int | None:
    if facet is Facet.YEAR:
        return record.year
    return {
        Facet.ENGAGEMENT: record.engagement_id,
        Facet.CLIENT: record.client_id,
        Facet.KIND: record.kind,
    }[facet]


def _counts(records: list[Record], seen: Iterable[int], filters: Filters, facet: Facet) -> dict[str, int]:
    values = (_value(records[number], facet) for number in seen if _passes(records[number], filters, facet))
    return dict(Counter(str(value) for value in values if value not in {None, ""}))
