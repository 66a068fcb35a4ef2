"""Full-text search over Chinese and English, in a sealed memory index. This is the library's whole public face."""

from search.analysis import canonical
from search.engine import EngineName, choose_engine
from search.errors import (
    EngineFailed,
    EngineMissing,
    IndexBusy,
    IndexUnavailable,
    IndexUnsealable,
    QueryError,
    SealFailed,
    SearchError,
)
from search.excerpts import Fragment, Piece, highlight
from search.index import Index, IndexReader, open_reader, open_writer, rebuild
from search.language import LONGEST_QUERY_CHARS, MOST_TERMS
from search.likeness import LIKE
from search.synonyms import NO_SYNONYMS, Synonyms
from search.values import (
    Expansion,
    Facet,
    Filters,
    Hit,
    IndexDocument,
    Query,
    Reach,
    Results,
    Scope,
    Similar,
    Sort,
    Source,
    Suggestion,
)

__all__ = [
    "LIKE",
    "LONGEST_QUERY_CHARS",
    "MOST_TERMS",
    "NO_SYNONYMS",
    "EngineFailed",
    "EngineMissing",
    "EngineName",
    "Expansion",
    "Facet",
    "Filters",
    "Fragment",
    "Hit",
    "Index",
    "IndexBusy",
    "IndexDocument",
    "IndexReader",
    "IndexUnavailable",
    "IndexUnsealable",
    "Piece",
    "Query",
    "QueryError",
    "Reach",
    "Results",
    "Scope",
    "SealFailed",
    "SearchError",
    "Similar",
    "Sort",
    "Source",
    "Suggestion",
    "Synonyms",
    "canonical",
    "choose_engine",
    "highlight",
    "open_reader",
    "open_writer",
    "rebuild",
]
