"""Search side by side: our index, sealed and scoped, against the bare engine with plaintext excerpts.

Both answer the same queries with the same facets and twenty excerpts over the same documents. The bare side is what
one would write in an hour: the same tokens, no scope, no sealing, an excerpt cut around the first word by `str.find`.

    python -m tests.bench search-engine
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import tantivy

from search import Facet, IndexDocument, Query, Scope, highlight, open_reader, open_writer, rebuild
from search.analysis import index_text, phrase
from tests.corpus import ENGAGEMENTS, documents

_KEY = bytes(32)
_QUERIES = 300
_WARM_UP = 20
_PAGE = 20
_COMMON = (
    "排放",
    "核查 报告",
    "碳排放",
    "监测计划 数据质量",
    "GB/T 32150",
    "verification",
    "tCO2",
    "宏伟目标 -企业",
    "单位",
)
_NO_SYNTAX = {ord(mark): " " for mark in '"“”（）()-'}
_FACETS = ("engagement", "client", "year", "kind")
_FACET_FIELDS = ("engagement_id", "client_id", "year", "kind")


def measure(directory: Path, documents_count: int) -> dict[str, float]:
    """Build both indexes in `directory` and time them.

    Returns:
        Milliseconds (`…_ms`), documents a second (`…_per_s`), ratios of ours to bare (`…_ratio`).
    """
    filed = list(documents(documents_count))
    bodies = {document.key: document.body for document in filed}
    queries = make_queries(filed, _QUERIES)
    figures: dict[str, float] = {}

    started = time.perf_counter()
    bare = BareIndex(directory / "bare", filed)
    figures["bare_index_per_s"] = len(filed) / (time.perf_counter() - started)
    started = time.perf_counter()
    place = (directory / "memory", directory / "sealed", _KEY, "bench")
    with rebuild(*place, documents=filed, watermark="0") as index:
        figures["our_index_per_s"] = len(filed) / (time.perf_counter() - started)
        figures["our_put_commit_seal_p50_ms"] = _time([lambda: _update(index, filed)] * 40)[0]
    with open_writer(*place):
        reader = open_reader(place[0])
        scope = Scope(
            engagements=frozenset(f"e{number:04}" for number in range(0, ENGAGEMENTS, ENGAGEMENTS // 50)),
            highest_level=2,
        )

        def ours(text: str) -> None:
            results = reader.query(Query(text, scope, limit=_PAGE, facets=tuple(map(Facet, _FACETS))))
            for hit in results.hits:
                highlight(bodies[hit.key], text)

        for number in range(_WARM_UP):
            ours(queries[number])
            bare.page(queries[number], bodies)
        ours_p50, ours_p99 = _time([partial(ours, text) for text in queries])
        bare_p50, bare_p99 = _time([partial(bare.page, text, bodies) for text in queries])
    return figures | {
        "our_query_p50_ms": ours_p50,
        "our_query_p99_ms": ours_p99,
        "bare_query_p50_ms": bare_p50,
        "bare_query_p99_ms": bare_p99,
        "query_p50_ratio": ours_p50 / bare_p50,
        "query_p99_ratio": ours_p99 / bare_p99,
        "index_ratio": figures["our_index_per_s"] / figures["bare_index_per_s"],
    }


def make_queries(filed: list[IndexDocument], count: int) -> list[str]:
    """Different queries of every kind: words, pieces of texts, two terms, negations, references, single characters."""
    chance = random.Random(5)
    queries: dict[str, None] = {}
    while len(queries) < count:
        text = _compose(chance, lambda: _piece(chance, filed))
        if any(phrase(term).tokens for term in text.split()):
            queries[text] = None
    return list(queries)


def _compose(chance: random.Random, piece: Callable[[], str]) -> str:
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(_COMMON)
    if kind < 0.3:
        return f"{chance.choice(_COMMON)} {piece()}"
    if kind < 0.4:
        return f"{chance.choice(_COMMON)} -{piece().replace(' ', '')}"
    return piece()


def _piece(chance: random.Random, filed: list[IndexDocument]) -> str:
    body = chance.choice(filed).body
    start = chance.randrange(len(body) - 8)
    return body[start : start + chance.choice((1, 2, 2, 3, 4, 6))].translate(_NO_SYNTAX).strip()


def _update(index: Any, filed: list[IndexDocument]) -> None:
    index.put([random.Random(time.perf_counter_ns()).choice(filed)])
    index.commit("1")


def _time(calls: list[Callable[[], object]]) -> tuple[float, float]:
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1_000)
    cuts = quantiles(times, n=100)
    return cuts[49], cuts[98]


class BareIndex:
    """What one would write in an hour: the same tokens, one index on disk, no policy, no sealing."""

    def __init__(self, directory: Path, filed: list[IndexDocument]) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="position")
        builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
        for name in ("engagement_id", "client_id", "kind"):
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_integer_field("year", fast=True)
        self._schema = builder.build()
        directory.mkdir()
        index = tantivy.Index(self._schema, path=str(directory))
        writer = index.writer(heap_size=32_000_000, num_threads=1)
        for document in filed:
            form = tantivy.Document()
            form.add_text(
                "text", index_text(f"{document.title}。{document.name}。{document.metadata}。{document.body}")
            )
            form.add_text("key", document.key)
            for name in ("engagement_id", "client_id", "kind"):
                form.add_text(name, getattr(document, name))
            if document.year:
                form.add_integer("year", document.year)
            writer.add_document(form)
        writer.commit()
        index.reload()
        self._searcher = index.searcher()

    def page(self, text: str, bodies: dict[str, str], engagements: Iterable[str] = ()) -> list[str]:
        """Counts by facet, and the excerpts of the first twenty hits, in `engagements` if any are given."""
        terms = [term.removeprefix("-") for term in text.split()]
        occurs = [tantivy.Occur.MustNot if term.startswith("-") else tantivy.Occur.Must for term in text.split()]
        clauses = [(occur, self._phrase(t)) for occur, t in zip(occurs, terms, strict=True) if phrase(t).tokens]
        if engagements:
            within = tantivy.Query.term_set_query(self._schema, "engagement_id", list(engagements))
            clauses.append((tantivy.Occur.Must, within))
        query = tantivy.Query.boolean_query(clauses)
        found: Any = self._searcher.search(query, limit=_PAGE)
        self._searcher.aggregate(query, {name: {"terms": {"field": name, "size": 1_000}} for name in _FACET_FIELDS})
        keys = [str(self._searcher.doc(address).get_first("key")) for _, address in found.hits]
        return [_plain_excerpt(bodies[key], terms) for key in keys]

    def _phrase(self, term: str) -> Any:
        found = phrase(term)
        *before, last = found.tokens
        if found.open_ended and before:
            return tantivy.Query.regex_phrase_query(self._schema, "text", [*before, f"{last}.?"])
        if found.open_ended:
            return tantivy.Query.regex_query(self._schema, "text", f"{last}.?")
        if not before:
            return tantivy.Query.term_query(self._schema, "text", last)
        return tantivy.Query.phrase_query(self._schema, "text", list(found.tokens))


def _plain_excerpt(body: str, terms: list[str]) -> str:
    lower = body.lower()
    places = [(lower.find(term.lower()), len(term)) for term in terms]
    at, length = min(((at, length) for at, length in places if at >= 0), default=(0, 0))
    start = max(0, at - 30)
    return f"{body[start:at]}<mark>{body[at : at + length]}</mark>{body[at + length : start + 120]}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
        for name, figure in measure(Path(directory), count).items():
            print(f"{name:30} {figure:10.2f}")


if __name__ == "__main__":
    main()
