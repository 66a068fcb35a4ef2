"""Synonyms, suggestions and likeness: the same from every engine, and nothing that the scope hides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from search import LIKE, Expansion, IndexDocument, Query, Reach, Scope, Source, Suggestion, Synonyms, highlight
from search.analysis import canonical, runs
from search.engine import Engine
from tests.corpus import documents
from tests.search_archive import ALL, ANY, ENGINES, Archive, build, build_archive, keys, visible

TEMPLATE = IndexDocument(
    key="",
    document_id="",
    organisation_id="o1",
    engagement_id="e1",
    client_id="c1",
    level=1,
    current=True,
    year=2024,
    kind="pdf",
    filed_on=date(2024, 5, 1),
    title="",
    name="",
    metadata="",
    body="",
    readable=True,
)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = build_archive(request.param, tmp_path_factory.mktemp("engine"))
    yield archive
    archive.engine.close()


@pytest.fixture(params=sorted(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    engine: str = request.param
    return engine


def engine_of(name: str, directory: Path, *filed: Mapping[str, object]) -> Engine:
    """An engine with documents that differ from the template as told; their keys are 0, 1, 2 …"""
    templates = [replace(TEMPLATE, key=str(number), document_id=f"d{number}") for number in range(len(filed))]
    return build(name, directory, [replace(template, **told) for template, told in zip(templates, filed, strict=True)])  # type: ignore[arg-type]


ORDINARY = Scope(reaches=(Reach(organisations=frozenset({TEMPLATE.organisation_id}), highest_level=2),))
"""What somebody sees who sees all but what is restricted."""


# --- synonyms ---

SYNONYMS = Synonyms((("GHG", "温室气体", "greenhouse gas"), ("核查", "verification")))


def test_synonyms_find_and_say_what_they_added(name: str, tmp_path: Path) -> None:
    bodies = ("GHG清单", "温室气体清单", "a greenhouse gas list", "清单", "verification of GHG", "溫室氣體 核查")
    engine = engine_of(name, tmp_path, *({"body": body} for body in bodies))

    def found(text: str, *, synonyms: bool = True) -> tuple[str, tuple[Expansion, ...]]:
        results = engine.search(Query(text, ALL, ANY, synonyms=synonyms), SYNONYMS)
        return "".join(sorted(keys(results))), results.expanded

    ghg = Expansion("GHG", ("温室气体", "greenhouse gas"))
    assert found("ghg") == ("01245", (ghg,))
    assert found("ghg", synonyms=False) == ("04", ())
    assert found("温室气体清单")[0] == "01"
    assert found("ghg -温室气体") == ("024", (ghg,))
    assert found("清单 NOT ghg") == ("13", ())
    assert found("内容:ghg verification")[0] == "45"
    assert found("题名:ghg")[0] == ""
    assert found("清单") == ("013", ())
    engine.close()


def test_synonyms_are_marked_in_excerpts() -> None:
    def marked(text: str, query: str, synonyms: Synonyms = SYNONYMS) -> list[str]:
        pieces = [piece for fragment in highlight(text, query, synonyms=synonyms) for piece in fragment.pieces]
        return [piece.text for piece in pieces if piece.marked]

    assert marked("温室气体与Greenhouse Gas", "ghg") == ["温室气体", "Greenhouse Gas"]
    assert marked("温室气体与GHG", "ghg", Synonyms()) == ["GHG"]
    assert marked("温室气体", "题名:ghg 客户:温室气体 年份:2024") == []
    assert marked("温室气体", "内容:ghg") == ["温室气体"]
    assert marked("溫室氣體", "ghg") == ["溫室氣體"]


# --- suggestions ---


def true_suggestions(archive: Archive, prefix: str, scope: Scope) -> dict[tuple[str, Source], int]:
    """Every line of a short field of a visible current document that contains the beginning, and how many have it."""
    found = runs(prefix)
    needle = ("" if found[0].joined else "|") + "|".join(run.text for run in found)
    counted: dict[tuple[str, Source], int] = {}
    for document in archive.documents.values():
        if document.current and visible(scope, document):
            for source in Source:
                for line in getattr(document, source.value).splitlines():
                    if needle in canonical(line):
                        text = " ".join(line.split())
                        counted[text, source] = counted.get((text, source), 0) + 1
    return counted


def some_scope(chance: random.Random) -> Scope:
    engagements = frozenset(f"e{number:04}" for number in chance.sample(range(200), chance.choice((0, 20, 120, 160))))
    organisations = frozenset(chance.sample(("o0", "o1", "o2"), chance.choice((0, 0, 1))))
    whole = Reach(organisations=organisations, highest_level=chance.choice((0, 1, 2, None)))
    return Scope(
        everything=chance.random() < 0.2,
        reaches=(Reach(engagements=engagements, highest_level=chance.choice((0, 1, 2, 3, None))), whole)[
            : chance.choice((1, 2, 2))
        ],
        excluded_engagements=frozenset(f"e{chance.randrange(200):04}" for _ in range(chance.choice((0, 15)))),
        excluded_documents=frozenset(f"d{chance.randrange(600):06}" for _ in range(chance.choice((0, 100)))),
    )


def test_suggestions_are_true_and_never_of_what_is_hidden(archive: Archive) -> None:
    chance = random.Random(31)
    sources = list(archive.documents.values())
    complete, some = 0, 0
    for _ in range(150):
        scope = some_scope(chance)
        value = getattr(chance.choice(sources), chance.choice(list(Source)).value).split("\n")[0]
        start = chance.choice((0, 0, 0, 1, 3))
        prefix = value[start : start + chance.choice((1, 2, 2, 3, 5, 8))]
        # One letter or digit alone gives nothing.
        if not runs(prefix) or [(run.joined, len(run.text)) for run in runs(prefix)] == [(False, 1)]:
            continue
        expected = true_suggestions(archive, prefix, scope)
        answers = archive.engine.suggest(prefix, scope, 50)
        for answer in answers:
            assert expected.get((answer.text, answer.source)) == answer.count, (prefix, scope, answer)
        assert len({(answer.text, answer.source) for answer in answers}) == len(answers)
        assert bool(answers) == bool(expected), prefix
        if len(expected) <= 50:
            complete += 1
            assert len(answers) == len(expected), prefix
        some += bool(answers)
    assert complete >= 40
    assert some >= 60


def test_what_begins_so_comes_first_then_what_is_frequent(name: str, tmp_path: Path) -> None:
    engine = engine_of(
        name,
        tmp_path,
        {"client": "长江电力", "engagement": "2024年度核查\nHC-2024-001", "title": "三峡长江报告"},
        {"client": "长江电力", "title": "长江来函", "name": "Changjiang report.pdf"},
        {"client": "新长江水泥", "originator": "长江检测", "number": "长环〔2024〕7号"},
        {"client": "秘密长江", "level": 3},
        {"client": "旧长江", "current": False},
    )
    scope = ORDINARY

    def texts(prefix: str) -> list[str]:
        return [answer.text for answer in engine.suggest(prefix, scope, 10)]

    assert engine.suggest("长江", scope, 1) == [Suggestion("长江电力", Source.CLIENT, 2)]
    assert texts("长江") == ["长江电力", "长江检测", "长江来函", "新长江水泥", "三峡长江报告"]
    assert texts("長江") == texts("长江")
    assert texts("江") == ["长江电力", "新长江水泥", "长江检测", "三峡长江报告", "长江来函"]
    assert texts("hc-2024") == ["HC-2024-001"]
    assert texts("HC20") == ["HC-2024-001"]
    assert texts("rep") == ["Changjiang report.pdf"]
    assert texts("chang") == ["Changjiang report.pdf"]
    assert texts("hang") == []
    assert texts("2024") == ["2024年度核查", "HC-2024-001", "长环〔2024〕7号"]
    assert texts("秘密") == texts("旧长") == texts("!") == texts("") == texts("r") == texts("2") == []
    engine.close()


def test_a_beginning_of_very_many_words_is_answered(name: str, tmp_path: Path) -> None:
    if name == "whoosh":
        pytest.skip("it has no such limit, and takes minutes to index this")
    filed = [{"title": f"甲 {number}"} for number in range(100_000, 117_000)]
    engine = engine_of(name, tmp_path, *filed)
    assert len(engine.suggest("甲 1", ALL, 5)) == len(engine.suggest("10", ALL, 5)) == 5
    assert [answer.text for answer in engine.suggest("甲 10000", ALL, 50)] == [
        f"甲 {n}" for n in range(100_000, 100_010)
    ]
    engine.close()


# --- likeness ---


@pytest.fixture(scope="module")
def long_text() -> str:
    return next(documents(1, seed=3, body_bytes=9_000)).body


def test_near_copies_come_first_with_how_much_they_share(name: str, tmp_path: Path, long_text: str) -> None:
    others = [document.body for document in documents(40, seed=5, body_bytes=2_000)]
    cut = len(long_text) // 10
    engine = engine_of(
        name,
        tmp_path,
        {"body": long_text},
        {"body": long_text, "name": "copy.pdf"},
        {"body": long_text[cut:] + others[0][:cut]},
        {"body": long_text[: 5 * cut] + others[1][: 5 * cut]},
        {"body": long_text, "level": 3},
        {"body": long_text, "current": False},
        {"body": long_text, "document_id": "d0"},
        *({"body": body} for body in others[2:]),
    )
    answers = engine.similar("0", ORDINARY, 10)
    assert [answer.key for answer in answers[:2]] == ["1", "2"]
    likeness = {answer.key: answer.likeness for answer in answers}
    assert likeness["1"] == 1.0
    assert likeness["2"] is not None
    assert 0.7 < likeness["2"] < 0.95
    assert not {"0", "4", "5", "6"} & likeness.keys()
    assert all((answer.likeness or 0) < LIKE for answer in answers[2:])
    engine.close()


def test_the_same_matter_without_the_same_words_in_a_row_is_relevant_not_alike(name: str, tmp_path: Path) -> None:
    about_kilns = [
        "回转窑煤耗热值检测记录，窑尾烟气，熟料产量，分解炉喷煤管",
        "熟料产量统计：回转窑与分解炉，煤耗与热值，窑尾烟气温度",
    ]
    engine = engine_of(
        name,
        tmp_path,
        *({"body": body * 3} for body in about_kilns),
        *({"body": document.body} for document in documents(60, seed=9, body_bytes=600)),
    )
    first, *_ = engine.similar("0", ALL, 5)
    assert first.key == "1"
    assert (first.likeness or 0) < LIKE
    assert first.relevance > 0.3
    engine.close()


def test_nothing_is_like_what_one_may_not_see(name: str, tmp_path: Path, long_text: str) -> None:
    engine = engine_of(
        name, tmp_path, {"body": long_text, "level": 3}, {"body": long_text}, {"body": ""}, {"body": "短"}
    )
    scope = ORDINARY
    assert engine.similar("0", scope, 5) == []
    assert engine.similar("unknown", scope, 5) == []
    assert engine.similar("1", scope, 5) == []
    assert engine.similar("1", Scope(), 5) == []
    assert engine.similar("2", scope, 5) == engine.similar("3", scope, 5) == []
    assert [answer.key for answer in engine.similar("1", ALL, 5)] == ["0"]
    engine.close()


def test_only_visible_current_others_are_named(name: str, tmp_path: Path) -> None:
    drafts = [document.body for document in documents(12, seed=41, body_bytes=900)]
    filed = {
        document.key: replace(document, body=drafts[number % 12])
        for number, document in enumerate(documents(240, seed=43, body_bytes=10))
    }
    engine = build(name, tmp_path, list(filed.values()))
    chance = random.Random(37)
    answered = 0
    for key in chance.sample(sorted(filed), 80):
        scope, own = some_scope(chance), filed[key]
        expected = {
            other.key
            for other in filed.values()
            if other.body == own.body and other.current and other.key != key and visible(scope, other)
        }
        answers = engine.similar(key, scope, 50)
        copies = {answer.key for answer in answers if answer.likeness == 1.0}
        assert copies == (expected if visible(scope, own) else set())
        assert all(visible(scope, filed[answer.key]) and filed[answer.key].current for answer in answers)
        answered += bool(copies)
    assert answered >= 10
    engine.close()
