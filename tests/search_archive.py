"""Every search engine with the same archive in it, and what a slow oracle says that must be found there."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from search import Filters, IndexDocument, Query, Results, Scope
from search.analysis import phrase
from search.engine import Engine, EngineName, load_engine
from tests.corpus import documents
from tests.engines import FULL
from tests.substring_truth import class_of, slow_canonical, slow_needle

ENGINES: dict[str, type[Engine]] = {name.value: load_engine(name) for name in EngineName}
SIZES = dict.fromkeys(ENGINES, 20000) if FULL else {"tantivy": 2_500, "whoosh": 600}
"""Documents per engine: Whoosh indexes a hundred a second."""
BODY_BYTES = 700
ALL = Scope(everything=True)
ANY = Filters(current_only=False)
FIELDS = ("title", "name", "metadata", "body", "client", "engagement", "originator", "number")


@dataclass(frozen=True)
class Archive:
    """An engine, what was put into it, and the canonical forms of all texts by key and field."""

    engine: Engine
    documents: Mapping[str, IndexDocument]
    canonical: Mapping[str, Mapping[str, str]]

    def true_keys(self, term: str, *fields: str) -> set[str]:
        """The documents that hold a term in one of the fields, anywhere if none is named."""
        needle = slow_needle(term)
        return {
            key for key, forms in self.canonical.items() if any(needle in forms[field] for field in fields or FIELDS)
        }

    def found_keys(self, text: str) -> set[str]:
        """The documents that the engine finds."""
        return keys(self.engine.search(Query(text, ALL, ANY, limit=len(self.documents))))


def keys(results: Results) -> set[str]:
    """The keys of hits."""
    return {hit.key for hit in results.hits}


def build(name: str, directory: Path, filed: list[IndexDocument]) -> Engine:
    """An engine with some documents in it."""
    engine = ENGINES[name](directory, create=True)
    engine.begin_writing()
    engine.put(filed)
    engine.commit()
    return engine


def build_archive(name: str, directory: Path) -> Archive:
    """An engine with the whole archive in it."""
    filed = {document.key: document for document in _filed(SIZES[name])}
    return Archive(build(name, directory, list(filed.values())), filed, _canonical(SIZES[name]))


@cache
def _filed(count: int) -> list[IndexDocument]:
    return list(documents(count, seed=7, body_bytes=BODY_BYTES))


@cache
def _canonical(count: int) -> dict[str, dict[str, str]]:
    return {
        document.key: {field: slow_canonical(getattr(document, field)) for field in FIELDS}
        for document in _filed(count)
    }


def visible(scope: Scope, document: IndexDocument) -> bool:
    """Whether a scope shows a document, by the words of `Scope`."""
    granted = scope.everything or any(
        (document.organisation_id in reach.organisations or document.engagement_id in reach.engagements)
        and (reach.highest_level is None or document.level <= reach.highest_level)
        for reach in scope.reaches
    )
    excluded = document.engagement_id in scope.excluded_engagements or document.document_id in scope.excluded_documents
    return granted and not excluded


def cut(chance: random.Random, text: str) -> str:
    """A stretch of a text: from a few characters to a sentence, mostly beginning and ending at borders of runs."""
    border = [at for at in range(1, len(text)) if class_of(text[at - 1]) != class_of(text[at])] or [0]
    for _ in range(100):
        start = chance.choice(border) if chance.random() < 0.6 else chance.randrange(len(text))
        end = start + chance.choice((1, 1, 2, 2, 3, 4, 6, 9, 14, 25))
        later = [at for at in border if at >= end]
        if later and chance.random() < 0.6:
            end = later[0]
        piece = text[start:end]
        if phrase(piece).tokens and not set(piece) & set('"“”'):
            return piece
    raise AssertionError
