"""The fields that people are told of are those of the query language; what goes into one is found by it."""

import pytest

from archive_app.documents.excerpts import whole_rows
from archive_app.documents.fields import FIELDS_BY_NAME, SEARCH_FIELDS, fields_in, in_field
from archive_app.documents.notes import SEARCH_NOTES
from search.fields import NAMES, field_named
from search.language import parse_query


def test_every_name_of_the_language_is_explained_and_no_other() -> None:
    assert set(FIELDS_BY_NAME) == set(NAMES)
    for field in SEARCH_FIELDS:
        assert field_named(field.chinese) == field_named(field.english)


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("field", SEARCH_FIELDS, ids=lambda field: field.english)
def test_every_example_is_understood(field: object, language: str) -> None:
    text = f"{field.name(language)}:{field.example}"  # type: ignore[attr-defined]
    assert parse_query(text).notes == ()
    assert [use.label for use in fields_in(text)] == [field.label]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("客户:长江 热值", [("Client", "长江")]),
        ("热值 年份：2024..2026", [("Year", "2024..2026")]),
        ("CLIENT:“长江 电厂”", [("Client", "长江 电厂")]),
        ("-类型:pdf (题名:(甲 OR 乙))", [("Kind", "pdf"), ("Title", "甲 OR 乙")]),
        ("时间:12:30", []),
        ("旧客户:长江", []),
        ("客户: 长江", []),
        ("", []),
    ],
)
def test_fields_are_recognised_where_the_language_does(text: str, uses: list[tuple[str, str]]) -> None:
    assert [(use.label, use.value) for use in fields_in(text)] == uses


def test_a_value_that_was_not_understood_is_no_field() -> None:
    text = "年份:去年 客户:长江"
    notes = parse_query(text).notes
    assert set(notes) <= SEARCH_NOTES.keys()
    assert [use.label for use in fields_in(text, notes)] == ["Client"]


@pytest.mark.parametrize("value", ["长江电厂", '带"引号”的', "a (b) OR c:d", "-x"])
def test_a_value_put_into_a_field_stays_one_phrase(value: str) -> None:
    text = in_field(FIELDS_BY_NAME["title"], value, "en")
    [term] = parse_query(text).wanted()
    assert parse_query(text).notes == ()
    assert term.field.value == "title"


@pytest.mark.parametrize("end", range(60))
def test_rows_that_were_cut_off_are_left_out(end: int) -> None:
    whole = '[[0,"page:1"],[9,"row:a],[b!2"],[12,"page:3",96,[0.1,0.2,0.3,0.4]],[20,"mail"]]'
    rows = whole_rows(whole[:end])
    assert (
        rows == [[0, "page:1"], [9, "row:a],[b!2"], [12, "page:3", 96, [0.1, 0.2, 0.3, 0.4]], [20, "mail"]][: len(rows)]
    )
    assert len(rows) == sum(end >= length for length in (13, 31))
