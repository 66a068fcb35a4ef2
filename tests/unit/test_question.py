"""What stands in an address, and what it asks for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.documents.question import PARAMETERS, address_of, kept_pairs, pairs_of, question_of
from search import Filters, Sort

VALUES = ("", " ", "热值", "a b", "&=+%#", "\0", "\u3000", "2026", "title", "Ä\r\n", "🏭")
ID = "01a1fbd4-f500-7001-970d-1faa9bc57bbc"


def test_every_parameter_is_understood() -> None:
    address = f"q=热值&engagement={ID}&client={ID}&year=2025&year=2026&kind=pdf&from=2026-05-01&to=2026-06-01"
    asked = question_of(pairs_of(f"{address}&versions=all&unread=1&synonyms=off&sort=title"))
    assert asked.text == "热值"
    assert asked.filters == Filters(
        engagements=frozenset({ID}),
        clients=frozenset({ID}),
        years=frozenset({2025, 2026}),
        kinds=frozenset({"pdf"}),
        filed_from=date(2026, 5, 1),
        filed_to=date(2026, 6, 1),
        current_only=False,
        unread_only=True,
    )
    assert (asked.sort, asked.synonyms) == (Sort.TITLE, False)


@pytest.mark.parametrize(
    "address",
    ["year=20266", "year=٢٠٢٦", "year=二〇二六", "kind=exe", "engagement=1", "from=2026-02-30", "sort=x", "x=1"],
)
def test_what_cannot_be_understood_narrows_nothing(address: str) -> None:
    assert question_of(pairs_of(address)) == question_of([])


@given(st.lists(st.tuples(st.sampled_from((*PARAMETERS, "offset", "after")), st.sampled_from(VALUES)), max_size=8))
def test_what_is_kept_asks_the_same_again(pairs: list[tuple[str, str]]) -> None:
    kept = kept_pairs(pairs)
    again = pairs_of(address_of(kept))
    assert again == kept == kept_pairs(kept)
    assert {name for name, _ in kept} <= set(PARAMETERS)
