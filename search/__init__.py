"""Full-text search over Chinese and English, in a sealed memory index. This is the library's whole public face."""

from search.analysis import canonical
from search.errors import (
    EngineFailed,
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
from search.values import Facet, Filters, Hit, IndexDocument, Query, Results, Scope, Sort

__all__ = [
    "LONGEST_QUERY_CHARS",
    "MOST_TERMS",
    "EngineFailed",
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
    "Results",
    "Scope",
    "SealFailed",
    "SearchError",
    "Sort",
    "canonical",
    "highlight",
    "open_reader",
    "open_writer",
    "rebuild",
]
