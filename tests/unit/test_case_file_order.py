"""In which order documents stand in case files, where one ends, and what numbers are made of."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.engagements.schemes import all_schemes, parse_scheme
from archive_app.filing.categories import category_of, checked_category, parse
from archive_app.filing.checks import stages_to_pass
from archive_app.filing.numbering import file_number, item_number, series_prefix
from archive_app.filing.order import Piece, first_pages, in_order, ranks_of, split
from archive_app.kernel.errors import InvalidInputError
from archive_app.settings import SettingsError
from tests.case_files import SHORT_SCHEME

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
RANKS = ranks_of([["letter", "plan"], ["plan", "report"]], ["invoice", "letter", "other"])


def piece(document_id: str, code: str = "", day: date = DAY, pages: int | None = 1, of: str = "") -> Piece:
    return Piece(document_id, code, day, pages, of)


def ids(pieces: list[Piece]) -> str:
    return "".join(one.document_id for one in pieces)


def test_documents_stand_in_the_order_of_stages_types_and_days() -> None:
    listed = [
        piece("a", "report"),
        piece("b"),
        piece("c", "invoice"),
        piece("d", "plan", NEXT),
        piece("e", "plan"),
        piece("f", "letter"),
        piece("g", "unknown"),
        piece("h", "other"),
    ]
    assert ids(in_order(listed, RANKS)) == "fedachbg"


def test_renditions_follow_what_they_are_of() -> None:
    listed = [piece("x", "report", of="f"), piece("a", "plan"), piece("f", "letter", NEXT), piece("z", of="gone")]
    assert ids(in_order(listed, RANKS)) == "fxaz"
    portions = split(in_order(listed, RANKS), most_items=1, most_pages=100)
    assert [ids(portion) for portion in portions] == ["fx", "a", "z"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=40), st.integers(1, 10), st.integers(1, 60))
def test_nothing_is_lost_or_doubled_by_dividing(pages: list[int | None], items: int, most_pages: int) -> None:
    listed = [piece(f"{number:03}", pages=count) for number, count in enumerate(pages)]
    files = split(listed, most_items=items, most_pages=most_pages)
    assert [one for portion in files for one in portion] == listed
    for portion in files:
        assert 0 < len(portion) <= items
        assert len(portion) == 1 or sum(max(one.pages or 1, 1) for one in portion) <= most_pages


def test_pages_follow_each_other() -> None:
    assert first_pages([3, None, 0, 2, 1]) == [1, 4, 5, 6, 8]
    assert first_pages([]) == []


def test_numbers_are_those_of_the_standard() -> None:
    prefix = series_prefix("J019", "ZY·HC", 2026, "D10")
    assert item_number(file_number(prefix, 1, 3), 1, 3) == "J019-ZY·HC·2026·D10-001-001"
    assert file_number(prefix, 1000, 3) == "J019-ZY·HC·2026·D10-1000"


def test_categories_are_what_can_stand_in_a_number() -> None:
    assert checked_category(" zy.hc ") == "ZY·HC"
    for wrong in ("", "ZY-HC", "ZY HC", "核查", "ZY··HC", "·"):
        with pytest.raises(InvalidInputError):
            checked_category(wrong)
    for code in all_schemes():
        assert category_of(code).category.startswith("ZY·")
    assert category_of("key_emitter_verification").retention == "D10"
    assert category_of("management_system_certification").retention == "D30"


ENTRY = 'category = "ZY·HC"\nretention = "D10"\nsource = "x"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: default is missing"),
        (f"[default]\n{ENTRY}[more]", ":5: more is not known here"),
        (f"[default]\n{ENTRY}".replace("D10", "D99"), ":3: default.retention must be one of Y, D30, D10"),
        (f"[default]\n{ENTRY}".replace("·", "-"), ":2: default.category cannot stand in a number: ZY-HC"),
        ('[default]\ncategory = "ZY·HC"', ":1: default.retention is missing"),
        (f'[default]\n{ENTRY}[schemes.x]\n{ENTRY}unknown = "y"', ":9: schemes.x.unknown is not known here"),
        (f"schemes = []\n[default]\n{ENTRY}", ":1: schemes is wrong"),
        ("[default", ":1: "),
    ],
)
def test_a_wrong_file_of_categories_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=r"case_files\.toml") as refused:
        parse(text, "case_files.toml")
    assert f"case_files.toml{told}" in str(refused.value)


def test_a_sealed_file_has_to_fulfil_what_was_passed_and_what_lies_ahead() -> None:
    scheme = parse_scheme(SHORT_SCHEME, "short.toml")
    assert stages_to_pass(scheme, {"work"}, "work") == ["work", "keeping"]
    assert stages_to_pass(scheme, {"keeping"}, "keeping") == ["keeping"]
