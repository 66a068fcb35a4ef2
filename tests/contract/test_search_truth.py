"""Whatever is asked, with fields, negations, other widths, cases and traditional characters: hits equal the truth."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from search import IndexDocument
from search.analysis import phrase
from tests.corpus import traditional
from tests.engines import FULL
from tests.search_archive import ENGINES, Archive, build_archive, cut
from tests.substring_truth import class_of

QUERIES = dict.fromkeys(ENGINES, 1_200) if FULL else {"tantivy": 400, "whoosh": 250}
TEXT_FIELDS = {
    "title": ("题名", "title", "标题"),
    "name": ("文件名", "Name"),
    "client": ("客户", "CLIENT", "ｃｌｉｅｎｔ"),
    "engagement": ("项目", "engagement"),
    "originator": ("责任者", "originator"),
    "number": ("文号", "number"),
    "body": ("内容", "text", "正文"),
}
pytestmark = pytest.mark.timeout(2_400)  # Whoosh takes minutes to index 20,000 documents
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if chr(code) not in '()"-'}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = build_archive(request.param, tmp_path_factory.mktemp("engine"))
    yield archive
    archive.engine.close()


@pytest.fixture
def count(request: pytest.FixtureRequest, archive: Archive) -> int:
    return QUERIES[type(archive.engine).__name__.removesuffix("Engine").lower()]


Asked = tuple[str, set[str]]
"""A query and the keys that it must find."""


class Asking:
    """Makes queries and says what they must find."""

    def __init__(self, archive: Archive, seed: int) -> None:
        self._archive, self._chance = archive, random.Random(seed)
        self._sources = list(archive.documents.values())
        self.kinds: dict[str, int] = {}

    def query(self) -> Asked:
        """One of every shape."""
        shape = self._chance.random()
        text, found = self._leaf()
        if shape < 0.55:
            return text, found
        other, other_found = self._leaf()
        if shape < 0.65:
            return f"{text} {other}", found & other_found
        if shape < 0.75:
            return self._noted("negation", (f"{text} -{other}", found - other_found))
        if shape < 0.85:
            third, third_found = self._leaf()
            return f"（{text} OR {other}） AND {third}", (found | other_found) & third_found
        if shape < 0.95:
            return self._noted("negation", (f"{text} AND NOT ({other})", found - other_found))
        return self._noted("negation", (f"NOT {text}", set(self._archive.documents) - found))

    def _leaf(self) -> Asked:
        kind = self._chance.random()
        if kind < 0.6:
            return self._anywhere()
        return self._in_a_field() if kind < 0.85 else self._by_number()

    def _anywhere(self) -> Asked:
        source = self._chance.choice(self._sources)
        field = self._chance.choice(("body", "body", "body", "title", "metadata", "client", "engagement"))
        term = self._written(cut(self._chance, getattr(source, field)))
        return self._quoted(term), self._archive.true_keys(term)

    def _in_a_field(self) -> Asked:
        field = self._chance.choice(list(TEXT_FIELDS))
        source = self._chance.choice([document for document in self._sources if getattr(document, field)])
        term = self._written(cut(self._chance, getattr(source, field)))
        name = self._chance.choice(TEXT_FIELDS[field]) + self._chance.choice(":：")
        return self._noted("field", (name + self._quoted(term), self._archive.true_keys(term, field)))

    def _by_number(self) -> Asked:
        year = self._chance.randrange(2020, 2027)
        first, last = date(year, 3, 1), date(year, 11, 30)
        table: list[tuple[str, Callable[[IndexDocument], bool]]] = [
            (f"年份:{year}", lambda document: document.year == year),
            (f"year：{year}..", lambda document: document.year is not None and document.year >= year),
            (f"年份:..{year}", lambda document: document.year is not None and document.year <= year),
            (
                f"日期:{first}..{last}",
                lambda document: document.dated_on is not None and first <= document.dated_on <= last,
            ),
            (f"date:{year}", lambda document: document.dated_on is not None and document.dated_on.year == year),
            (f"入库:{year}-03..{year}-11", lambda document: first <= document.filed_on <= last),
            ("类型:pdf", lambda document: document.kind == "pdf"),
            ("kind:(XLSX OR .txt)", lambda document: document.kind in {"xlsx", "txt"}),
            ("类型：docx,txt", lambda document: document.kind in {"docx", "txt"}),
        ]
        text, fulfils = self._chance.choice(table)
        found = {key for key, document in self._archive.documents.items() if fulfils(document)}
        return self._noted("condition", (text, found))

    def _written(self, term: str) -> str:
        """The same term as somebody else would write it."""
        way = self._chance.random()
        if way < 0.15:
            self._note("width")
            return term.translate(_WIDE)
        if way < 0.3:
            self._note("case")
            return self._chance.choice((term.upper(), term.lower(), term.swapcase()))
        if way < 0.45:
            self._note("traditional")
            return traditional(term)
        return term

    def _quoted(self, term: str) -> str:
        quote = self._chance.choice(('"{}"', "“{}”", "「{}」"))
        plain = not set(term) & set(" \t\r\n\u3000-()（）:：") and not term.isupper() and len(term.split()) == 1
        return term if plain and class_of(term[0]) == "joined" and self._chance.random() < 0.3 else quote.format(term)

    def _noted(self, kind: str, asked: Asked) -> Asked:
        self._note(kind)
        return asked

    def _note(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1


def test_hits_equal_the_truth(archive: Archive, count: int) -> None:
    asking = Asking(archive, 23)
    mismatches, found_anything = [], 0
    for _ in range(count):
        text, expected = asking.query()
        if archive.found_keys(text) != expected:
            mismatches.append(text)
        found_anything += bool(expected)
    print(f"\n{count} queries over {len(archive.documents)} documents, {asking.kinds}: {len(mismatches)} mismatches")
    assert mismatches == []
    assert found_anything >= count * 0.6
    assert min(asking.kinds[kind] for kind in ("width", "case", "traditional", "field", "negation", "condition")) >= 20


def test_a_term_alone_is_found_wherever_it_is_cut(archive: Archive, count: int) -> None:
    chance = random.Random(11)
    sources = list(archive.documents.values())
    mixed, single = 0, 0
    for _ in range(count):
        source = chance.choice(sources)
        term = cut(chance, chance.choice((source.body, source.body, source.body, source.title, source.metadata)))
        assert archive.found_keys(f'"{term}"') == archive.true_keys(term), repr(term)
        mixed += len({class_of(character) for character in term} - {"separator"}) > 1
        single += len(phrase(term).tokens) == 1
    assert mixed >= count * 0.2
    assert single >= count * 0.1


def test_traditional_characters_find_simplified_ones_and_the_other_way_round(archive: Archive) -> None:
    for simplified in ("温室气体", "电厂", "报告"):
        found = archive.found_keys(simplified)
        assert found == archive.found_keys(traditional(simplified))
        assert found
