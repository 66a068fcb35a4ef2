"""What every search engine behind `search` keeps: hits equal substring truth, and scope, filters, facets are exact."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from search import Filters, IndexDocument, Query, QueryError, Reach, Results, Scope, Sort, highlight
from search.analysis import phrase
from search.engine import Engine
from tests.corpus import documents
from tests.search_archive import ALL, ANY, ENGINES, Archive, build, build_archive, cut, keys, visible
from tests.substring_truth import slow_needle

NO_WORDS: dict[str, Any] = dict.fromkeys(
    ("title", "name", "metadata", "client", "engagement", "originator", "number"), ""
)


# --- fixtures ---


@pytest.fixture(scope="module", params=sorted(ENGINES))
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = build_archive(request.param, tmp_path_factory.mktemp("engine"))
    yield archive
    archive.engine.close()


@pytest.fixture(params=sorted(ENGINES))
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Small]:
    small = Small(request.param, tmp_path)
    yield small
    small.close()


class Small:
    """An index of a few bodies, named by number."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self._engine: Engine | None = None

    def of(self, *bodies: str) -> Small:
        template = replace(next(documents(1)), level=0, current=True, **NO_WORDS)
        filed = [replace(template, key=str(n), document_id=f"d{n}", body=body) for n, body in enumerate(bodies)]
        self._engine = build(self.name, self.directory, filed)
        return self

    def find(self, text: str, scope: Scope = ALL) -> str:
        return "".join(sorted(keys(self.search(text, scope))))

    def search(self, text: str, scope: Scope = ALL) -> Results:
        assert self._engine is not None
        return self._engine.search(Query(text, scope))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


# --- the language ---


def test_operators_equal_set_algebra(archive: Archive) -> None:
    chance = random.Random(13)
    everything = set(archive.documents)
    vocabulary = [
        "排放",
        "核查 报告",
        "GB/T 32150",
        "碳",
        "tCO2",
        "D10-001",
        "verification",
        "年度",
        "🎉",
        "第3",
        "２０２４",
        "因子",
    ]
    for _ in range(60):
        a, b, c = chance.sample(vocabulary, 3)
        in_a, in_b, in_c = (archive.true_keys(term) for term in (a, b, c))
        table = {
            f'"{a}" "{b}"': in_a & in_b,
            f'"{a}" OR "{b}" "{c}"': in_a | (in_b & in_c),
            f'（“{a}” OR “{b}”） AND "{c}"': (in_a | in_b) & in_c,
            f'"{a}" -"{b}"': in_a - in_b,
            f'("{a}" AND NOT "{b}") OR "{c}"': (in_a - in_b) | in_c,
            f'NOT "{a}"': everything - in_a,
            f'"{a}" OR NOT "{b}"': in_a | (everything - in_b),
            f'-("{a}" OR "{b}") NOT (NOT "{c}")': (everything - (in_a | in_b)) & in_c,
        }
        text, expected = chance.choice(list(table.items()))
        assert archive.found_keys(text) == expected, text


def test_excerpts_mark_what_was_found_and_only_that(archive: Archive) -> None:
    chance = random.Random(17)
    for document in chance.sample(list(archive.documents.values()), 150):
        term = cut(chance, document.body)
        other = chance.choice(list(archive.documents.values()))
        for text, canonical in (
            (document.body, archive.canonical[document.key]["body"]),
            (other.body, archive.canonical[other.key]["body"]),
        ):
            fragments = highlight(text, f'"{term}"')
            marked = [piece.text for fragment in fragments for piece in fragment.pieces if piece.marked]
            assert bool(marked) == (slow_needle(term) in canonical), repr(term)
            for piece in marked:
                assert phrase(piece).needle.strip("|").find(phrase(term).needle.strip("|")) >= 0, (piece, term)
            for fragment in fragments:
                assert "".join(piece.text for piece in fragment.pieces) == text[fragment.start : fragment.end]


# --- scope, filters, facets, order ---


def passes(filters: Filters, document: IndexDocument) -> bool:
    return (
        (not filters.engagements or document.engagement_id in filters.engagements)
        and (not filters.clients or document.client_id in filters.clients)
        and (not filters.years or document.year in filters.years)
        and (not filters.kinds or document.kind in filters.kinds)
        and (filters.filed_from is None or document.filed_on >= filters.filed_from)
        and (filters.filed_to is None or document.filed_on <= filters.filed_to)
        and (not filters.current_only or document.current)
        and (not filters.unread_only or not document.readable)
    )


OWN_FILTER = {"engagement": "engagements", "client": "clients", "year": "years", "kind": "kinds"}
FIELD = {"engagement": "engagement_id", "client": "client_id", "year": "year", "kind": "kind"}


def random_scope(chance: random.Random) -> Scope:
    names = [f"e{number:04}" for number in range(200)]
    organisations = [f"o{number}" for number in range(5)]
    reaches = [
        Reach(
            organisations=frozenset(chance.sample(organisations, chance.choice((0, 0, 1, 2)))),
            engagements=frozenset(chance.sample(names, chance.choice((0, 1, 30, 150)))),
            highest_level=chance.choice((0, 1, 2, 3, None)),
        )
        for _ in range(chance.choice((0, 1, 2, 3)))
    ]
    return Scope(
        everything=chance.random() < 0.2,
        reaches=tuple(reaches),
        excluded_engagements=frozenset(chance.sample(names, chance.choice((0, 5, 40)))),
        excluded_documents=frozenset(f"d{chance.randrange(600):06}" for _ in range(chance.choice((0, 50)))),
    )


def test_scope_filters_and_facets_are_exact(archive: Archive) -> None:
    chance = random.Random(19)
    for _ in range(80):
        scope = random_scope(chance)
        filters = Filters(
            engagements=frozenset(chance.sample([f"e{n:04}" for n in range(200)], chance.choice((0, 0, 0, 60)))),
            clients=frozenset(chance.sample([f"c{n:03}" for n in range(67)], chance.choice((0, 0, 20)))),
            years=frozenset(chance.sample([2021, 2022, 2023, 2024], chance.choice((0, 0, 2)))),
            kinds=frozenset(chance.sample(["pdf", "docx", "txt"], chance.choice((0, 0, 2)))),
            filed_from=chance.choice((None, None, date(2024, 5, 1))),
            filed_to=chance.choice((None, None, date(2025, 5, 1))),
            current_only=chance.random() < 0.7,
            unread_only=chance.random() < 0.1,
        )
        term = chance.choice(("", "排放", "GB/T", "碳 -报告"))
        query = Query(term, scope, filters, limit=len(archive.documents), facets=tuple(OWN_FILTER))
        words = archive.found_keys(term)
        seen = [document for key, document in archive.documents.items() if key in words and visible(scope, document)]
        results = archive.engine.search(query)
        assert keys(results) == {document.key for document in seen if passes(filters, document)}
        assert results.total == len(results.hits)
        for facet, own in OWN_FILTER.items():
            without_own: dict[str, Any] = {own: frozenset()}
            others = replace(filters, **without_own)
            values = [getattr(document, FIELD[facet]) for document in seen if passes(others, document)]
            assert results.facets[facet] == Counter(str(value) for value in values if value is not None), facet


def test_an_empty_scope_sees_nothing(archive: Archive) -> None:
    for text in ("", "排放", "NOT 排放", "-x"):
        results = archive.engine.search(Query(text, Scope(), ANY, facets=("engagement",)))
        assert (results.hits, results.total, results.facets) == ([], 0, {"engagement": {}})


def test_five_thousand_engagements_in_a_scope(archive: Archive) -> None:
    scope = Scope(reaches=(Reach(engagements=frozenset(f"e{number:04}" for number in range(5_000)), highest_level=9),))
    assert archive.engine.search(Query("", scope, ANY)).total == len(archive.documents)


def test_what_is_excluded_is_taken_from_everything_too(archive: Archive) -> None:
    gone = {"d000001", "d000002"}
    scope = Scope(everything=True, excluded_documents=frozenset(gone), excluded_engagements=frozenset({"e0003"}))
    for text in ("", "排放", "NOT 排放"):
        all_of = {key for key in archive.found_keys(text) if visible(scope, archive.documents[key])}
        results = archive.engine.search(Query(text, scope, ANY, limit=len(archive.documents)))
        assert keys(results) == all_of
        assert results.total == len(all_of)


def test_each_reach_opens_up_to_its_own_level(small: Small, tmp_path: Path) -> None:
    template = next(documents(1))
    filed = [
        replace(template, key=f"{engagement}{level}", engagement_id=engagement, level=level, current=True, title="碳")
        for engagement in "ab"
        for level in range(4)
    ]
    engine = build(small.name, tmp_path, filed)

    def opened(*reaches: Reach) -> str:
        return " ".join(sorted(keys(engine.search(Query("碳", Scope(reaches=reaches), limit=9)))))

    one, other, nothing = Reach(engagements=frozenset("a")), Reach(engagements=frozenset("b"), highest_level=2), Reach()
    whole = Reach(organisations=frozenset({template.organisation_id}), highest_level=1)
    assert opened(one) == "a0"
    assert opened(one, other) == "a0 b0 b1 b2"
    assert opened(other, whole, nothing) == "a0 a1 b0 b1 b2"
    assert opened(replace(one, highest_level=None), other) == "a0 a1 a2 a3 b0 b1 b2"
    assert opened(replace(one, highest_level=2), other) == "a0 a1 a2 b0 b1 b2"
    assert opened(nothing) == opened(replace(nothing, highest_level=None)) == opened() == ""
    assert Scope(reaches=(one, nothing, other, replace(whole, highest_level=2))).merged == (
        one,
        Reach(whole.organisations, other.engagements, 2),
    )
    engine.close()


def test_an_empty_query_lists_newest_first_and_pages_join(archive: Archive) -> None:
    step = len(archive.documents) // 7
    offsets = range(0, len(archive.documents) + step, step)
    pages = [archive.engine.search(Query("", ALL, ANY, offset=offset, limit=step)) for offset in offsets]
    listed = [hit.key for page in pages for hit in page.hits]
    assert sorted(listed) == sorted(archive.documents)
    days = [archive.documents[key].filed_on for key in listed]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_order_by_date(archive: Archive, sort: Sort) -> None:
    hits = archive.engine.search(Query("排放", ALL, ANY, sort=sort, limit=len(archive.documents))).hits
    days = [archive.documents[hit.key].filed_on for hit in hits]
    assert days == sorted(days, reverse=sort is Sort.NEWEST)


def test_order_by_title_is_pinyin(small: Small, tmp_path: Path) -> None:
    template = next(documents(1))
    titles = ["赵", "安徽", "Beta", "alpha", "北京", "10", "中国", "碳"]
    engine = build(small.name, tmp_path, [replace(template, key=title, title=title, current=True) for title in titles])
    hits = engine.search(Query("", ALL, sort=Sort.TITLE)).hits
    assert [hit.key for hit in hits] == ["10", "alpha", "Beta", "安徽", "北京", "碳", "赵", "中国"]
    engine.close()


def test_a_title_lifts_a_hit(small: Small, tmp_path: Path) -> None:
    template = replace(next(documents(1)), current=True, **NO_WORDS)
    in_body = replace(template, key="body", body="碳排放 " * 3)
    in_title = replace(template, key="title", title="碳排放", body="其他的很多文字" * 20)
    engine = build(small.name, tmp_path, [in_body, in_title])
    assert [hit.key for hit in engine.search(Query("碳排放", ALL)).hits] == ["title", "body"]
    engine.close()


# --- single rules, each with its reason ---


@pytest.mark.parametrize(
    ("body", "query", "found"),
    [
        ("实现宏伟目\n\n标的", "宏伟目标", True),  # a line break inside a sentence
        ("实现宏伟，目标", "宏伟目标", False),  # punctuation between Chinese characters counts
        ("实现宏伟，目标", '"宏伟、目标"', True),  # ... but any is as good as any other
        ("实现宏伟目标", '"宏伟 目标"', True),  # and white space is none
        ("见 GB/T 32150-2015 要求", "gb/t 32150", True),
        ("见 GB/T 32150-2015 要求", "ＧＢ／Ｔ３２１５０", True),
        ("见ＧＢ／Ｔ 32150要求", "GB/T32150", True),
        ("编号 32150", "3215", False),  # numbers match whole
        ("verification", "verif", False),  # and so do words
        ("单位tCO2", "位tco₂", True),
        ("单位tCO2e", "单位tCO2", True),
        ("碳", "碳", True),
        ("低碳", "碳", True),
        ("碳中和", "碳", True),
        ("2020年报", "2020年", True),  # the lone character at the end is a prefix
        ("2020 新年", "2020年", False),
        ("排放,放2020", "放2020", True),
        ("𠮷田重工", "𠮷", True),
        ("𠮷田重工", "田重", True),
        ("カーボン", "ｶｰﾎﾞﾝ", True),
        ("탄소 배출", "탄소배출", True),
        ("Cafe\u0301", "CAFÉ", True),
        ("Straße", "STRASSE", True),
        ("通过🎉了", "🎉", True),
        ("ver\u00adifi\u200bcation", "verification", True),  # soft hyphens are not seen
        ("a_b", '"a b"', True),
        ("x" * 1_999, "x" * 1_999, True),
        ("x" * 100_000 + " tail", "tail", True),  # tantivy drops tokens above 64 KiB in silence
        ("a" + "x" * 100_000 + " b", '"a b"', False),
        ("\ud800碳", "碳", True),  # half a surrogate pair, from a file name that is not UTF-8
    ],
)
def test_rule(small: Small, body: str, query: str, *, found: bool) -> None:
    assert small.of(body).find(query) == ("0" if found else "")


def test_fields_do_not_run_into_each_other(small: Small, tmp_path: Path) -> None:
    words = NO_WORDS | {"title": "甲乙", "name": "丙丁.pdf", "body": "戊己"}
    document = replace(next(documents(1)), current=True, **words)
    engine = build(small.name, tmp_path, [document])
    found = {
        text: engine.search(Query(text, ALL)).total for text in ("甲乙", "丙丁", "戊己", "乙丙", "甲乙 戊己", "pdf戊")
    }
    assert found == {"甲乙": 1, "丙丁": 1, "戊己": 1, "乙丙": 0, "甲乙 戊己": 1, "pdf戊": 0}
    engine.close()


def test_negation_in_a_group_hides_the_secret_document(small: Small) -> None:
    small.of("东京 report", "东京 secret", "secret", "other")
    assert small.find("(东京 AND NOT secret)") == "0"
    assert small.find("（东京 AND NOT secret） OR other") == "03"
    assert small.find("-secret") == "03"


@pytest.mark.parametrize(
    ("query", "found", "notes"),
    [
        ('"碳 排放', "0", ("unbalanced_quote",)),
        ("(碳 排放", "0", ("unbalanced_parenthesis",)),
        ("碳) AND 排放", "0", ("unbalanced_parenthesis",)),
        ("碳 AND", "1", ("literal_operator",)),
        ("OR", "2", ("literal_operator",)),
        ("!!! &", "", ("nothing_to_search",)),
        ("碳 & 排放", "0", ("nothing_to_search",)),
        ("()", "", ()),
        ("", "012", ()),
        ("  \u3000", "012", ()),
        ("-", "", ("nothing_to_search",)),
        ("--碳", "01", ()),
        ("碳 and", "1", ()),
    ],
)
def test_ill_formed_queries_are_taken_as_they_stand(
    small: Small, query: str, found: str, notes: tuple[str, ...]
) -> None:
    small.of("碳 排放", "碳 and", "or")
    assert (small.find(query), small.search(query).notes) == (found, notes)


def test_deep_nesting_neither_fails_nor_crashes(small: Small) -> None:
    small.of("碳", "x")
    assert small.find("(" * 900 + "碳" + ")" * 900) == "0"
    assert small.find("NOT (" * 300 + "碳" + ")" * 300) == "0"
    assert small.find("(" * 2_000) == ""
    assert small.find("(碳 OR " * 60 + "x" + ")" * 60) == "01"


@pytest.mark.parametrize(
    ("text", "code"), [("词 " * 65, "too_many_terms"), ("x" * 2_001, "too_long"), ("ﷺ" * 500, "too_long")]
)
def test_limits_are_said(small: Small, text: str, code: str) -> None:
    with pytest.raises(QueryError) as raised:
        small.of("碳").search(text)
    assert raised.value.code == code


def test_a_hostile_document_cannot_break_one_character_searches(small: Small) -> None:
    """Tantivy gives up above 16,384 expansions of a prefix."""
    every_pair = " ".join("第3碳" + chr(code) + "," for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000)))
    small.of(every_pair, "第3碳", "第4碳")
    assert small.find("第3碳") == "01"
    assert small.find("第4碳") == "2"


def test_put_replaces_and_remove_removes(tmp_path: Path) -> None:
    template = replace(next(documents(1)), current=True)
    for name in ENGINES:
        engine = build(name, tmp_path, [replace(template, body="旧文"), replace(template, body="新文")])
        assert engine.search(Query("旧文", ALL)).total == 0
        assert engine.search(Query("新文", ALL)).total == 1
        engine.remove([template.key, "unknown"])
        assert engine.count == 1
        engine.commit()
        assert (engine.count, engine.search(Query("", ALL)).total) == (0, 0)
        engine.close()
