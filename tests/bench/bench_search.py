"""Search side by side: our index, sealed and scoped, against the bare engine with plaintext excerpts.

Both answer the same queries with the same facets and twenty excerpts over the same documents. The bare side is what
one would write in an hour: the same tokens, no scope, no sealing, an excerpt cut around the first word by `str.find`.

    python -m tests.bench.bench_search [DOCUMENTS]            both side by side, by kind of query, suggestions, likeness
    python -m tests.bench.bench_search --build [DOCUMENTS]    documents a second, against Whoosh with jieba
    python -m tests.bench.bench_search --rebuild [DOCUMENTS]  memory and time of a rebuild while readers query
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
import tantivy

from search import (
    EngineName,
    Facet,
    IndexDocument,
    IndexReader,
    IndexUnavailable,
    Query,
    Reach,
    Scope,
    Synonyms,
    highlight,
    open_reader,
    open_writer,
    rebuild,
)
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
        named = frozenset(f"e{number:04}" for number in range(0, ENGAGEMENTS, ENGAGEMENTS // 50))
        scope = Scope(reaches=(Reach(engagements=named, highest_level=2),))

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


def measure_kinds(directory: Path, documents_count: int) -> dict[str, float]:
    """p50 and p99 per kind of query, of ours with scope and facets and of the bare engine without; milliseconds."""
    filed = list(documents(documents_count))
    bodies = {document.key: document.body for document in filed}
    bare = BareIndex(directory / "bare", filed)
    place = (directory / "memory", directory / "sealed", _KEY, "bench")
    figures: dict[str, float] = {}
    with rebuild(*place, documents=filed, watermark="0"):
        reader = open_reader(place[0], synonyms=Synonyms((("GHG", "温室气体"), ("排放因子", "emission factor"))))
        named = frozenset(f"e{number:04}" for number in range(0, ENGAGEMENTS, ENGAGEMENTS // 50))
        scope = Scope(reaches=(Reach(engagements=named, highest_level=2),))
        for kind, ours, theirs in _kinds(filed):
            calls = [partial(_page, reader, scope, bodies, text) for text in ours]
            figures |= _named(f"{kind} ours", calls)
            figures |= _named(f"{kind} bare", [partial(bare.page, text, bodies) for text in theirs])
        chance = random.Random(8)
        some = chance.sample(filed, min(100, len(filed)))
        beginnings = [one.title[:size] for one in some for size in (1, 2, 3)] + [one.client[:2] for one in some]
        figures |= _named("suggestions", [partial(reader.suggest, beginning, scope, 10) for beginning in beginnings])
        everybody = Scope(everything=True)
        figures |= _named("similar", [partial(reader.similar, one.key, everybody, 10) for one in some])
    return figures


def _kinds(filed: list[IndexDocument]) -> list[tuple[str, list[str], list[str]]]:
    """Kind, queries as ours takes them, and the nearest that the bare engine can answer."""
    chance = random.Random(6)
    bodies = [document.body for document in chance.sample(filed, min(200, len(filed)))]
    pieces = [_piece_of(chance, body, chance.choice((2, 3, 4, 6))) for body in bodies]
    phrases = [_piece_of(chance, body, 12) for body in bodies]
    characters = [_piece_of(chance, body, 1) for body in bodies]
    common = [chance.choice(_COMMON) for _ in bodies]
    clients = [document.client[:4] for document in chance.sample(filed, min(100, len(filed)))]
    both = [f"{a} {b}" for a, b in zip(common, pieces, strict=True)]
    without = [f"{a} -{b.replace(' ', '')}" for a, b in zip(common, pieces, strict=True)]
    return [
        ("common words", common, common),
        ("words", pieces, pieces),
        ("long phrases", phrases, phrases),
        ("single characters", characters, characters),
        ("two terms", both, both),
        ("negations", without, without),
        ("by client", [f"客户:{client} 排放" for client in clients], [f"{client} 排放" for client in clients]),
        ("by year", [f"年份:2022..2024 {text}" for text in common], common),
        ("synonyms", ["温室气体", "GHG 排放", "排放因子"] * 30, ["温室气体", "GHG 排放", "排放因子"] * 30),
    ]


def _piece_of(chance: random.Random, body: str, size: int) -> str:
    for _ in range(100):
        start = chance.randrange(max(1, len(body) - size))
        piece = body[start : start + size].translate(_NO_SYNTAX).strip()
        if all(phrase(term).tokens for term in piece.split()) and piece:
            return piece
    return "排放"


def _page(reader: IndexReader, scope: Scope, bodies: dict[str, str], text: str) -> None:
    results = reader.query(Query(text, scope, limit=_PAGE, facets=tuple(map(Facet, _FACETS))))
    for hit in results.hits:
        highlight(bodies[hit.key], text, synonyms=reader.synonyms)


def _named(name: str, calls: Sequence[Callable[[], object]]) -> dict[str, float]:
    for call in calls[:5]:
        call()
    p50, p99 = _time(calls)
    return {f"{name} p50_ms": p50, f"{name} p99_ms": p99}


def measure_build(directory: Path, documents_count: int) -> dict[str, float]:
    """Documents a second: ours with each engine, the bare engine, and Whoosh cut into words by jieba."""
    filed = list(documents(documents_count))
    few = filed[: max(200, documents_count // 10)]
    figures = {}
    for name, these, build in (
        ("ours", filed, partial(_build_ours, engine=EngineName.TANTIVY)),
        ("ours_whoosh", few, partial(_build_ours, engine=EngineName.WHOOSH)),
        ("bare_tantivy", filed, BareIndex),
        ("whoosh_jieba", few, _build_whoosh_jieba),
    ):
        started = time.perf_counter()
        build(directory / name, these)
        figures[f"{name}_per_s"] = len(these) / (time.perf_counter() - started)
    return figures | {"times_whoosh_jieba": figures["ours_per_s"] / figures["whoosh_jieba_per_s"]}


def _build_ours(directory: Path, filed: list[IndexDocument], *, engine: EngineName) -> None:
    place = (directory / "memory", directory / "sealed", _KEY, "bench")
    rebuild(*place, documents=filed, watermark=None, engine=engine).close()


def _build_whoosh_jieba(directory: Path, filed: list[IndexDocument]) -> None:
    """What one would write with Whoosh in an hour: words by jieba, one field, one commit."""
    import rjieba
    from whoosh import fields, index
    from whoosh.analysis import SpaceSeparatedTokenizer

    schema = fields.Schema(key=fields.ID(stored=True, unique=True), text=fields.TEXT(SpaceSeparatedTokenizer()))
    directory.mkdir()
    writer = index.create_in(str(directory), schema).writer(limitmb=128)
    for document in filed:
        text = f"{document.title}。{document.name}。{document.metadata}。{document.body}"
        writer.add_document(key=document.key, text=" ".join(rjieba.cut_for_search(text)))
    writer.commit()


def measure_rebuild(directory: Path, documents_count: int) -> dict[str, float]:
    """A full rebuild in this process while another one queries: seconds, MiB, and how the queries went meanwhile."""
    place = (directory / "memory", directory / "sealed", _KEY, "bench")
    with rebuild(*place, documents=documents(documents_count), watermark="0") as index:
        before = _resident_mib()
        context = get_context("spawn")
        stop, answers = context.Event(), context.Queue()
        reader = context.Process(target=_keep_asking, args=(place[0], stop, answers))
        reader.start()
        first: float = answers.get(timeout=60)
        peak, finished = [before], threading.Event()
        watcher = threading.Thread(target=_watch_memory, args=(peak, finished))
        watcher.start()
        started = time.perf_counter()
        index.rebuild(documents=documents(documents_count, seed=2), watermark="1")
        seconds = time.perf_counter() - started
        finished.set()
        watcher.join()
        stop.set()
        asked, failed, slowest, p50 = answers.get(timeout=60)
        reader.join()
    return {
        "rebuild_s": seconds,
        "rebuild_per_s": documents_count / seconds,
        "resident_before_mib": before,
        "resident_peak_mib": max(peak),
        "index_in_memory_mib": sum(path.stat().st_size for path in place[0].rglob("*") if path.is_file()) / 2**20,
        "queries_meanwhile": asked,
        "queries_failed": failed,
        "query_first_ms": first,
        "query_p50_ms": p50,
        "query_slowest_ms": slowest,
    }


def _keep_asking(memory: Path, stop: Any, answers: Any) -> None:
    reader = open_reader(memory)
    chance = random.Random(3)
    times: list[float] = []
    failed = 0
    while not stop.is_set() or not times:
        started = time.perf_counter()
        try:
            reader.query(Query(chance.choice(_COMMON), Scope(everything=True), facets=_FACETS))
        except IndexUnavailable:
            failed += 1
        times.append((time.perf_counter() - started) * 1_000)
        if len(times) == 1:
            answers.put(times[0])
        time.sleep(0.01)
    answers.put((len(times), failed, max(times), sorted(times)[len(times) // 2]))


def _resident_mib() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


def _watch_memory(peak: list[float], finished: threading.Event) -> None:
    while not finished.wait(0.05):
        peak[0] = max(peak[0], _resident_mib())


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


def _time(calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
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


_MEASURES = {"--build": measure_build, "--rebuild": measure_rebuild}


def main() -> None:
    """Runs what the first argument names, or the comparison side by side."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    count = numbers[0] if numbers else 20_000
    named = [_MEASURES[argument] for argument in sys.argv[1:] if argument in _MEASURES]
    for measured in named or [measure, measure_kinds]:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
            for name, figure in measured(Path(directory), count).items():
                print(f"{name:34} {figure:12.2f}", flush=True)


if __name__ == "__main__":
    main()
