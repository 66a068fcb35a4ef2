"""How long a relation counts, by calendar years; and whether two names are one."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from archive_app.engagements.engagements import project_key
from archive_app.engagements.independence import counts, party_key, years_after, years_before
from archive_app.engagements.provinces import parse_provinces, province_name, province_of
from archive_app.kernel.errors import InvalidInputError
from archive_app.settings import SettingsError

DAYS = some.dates(date(1950, 1, 1), date(2150, 12, 31))


@pytest.mark.parametrize(
    ("ended", "today", "held_back"),
    [
        (None, date(2026, 11, 21), True),
        (date(2027, 1, 1), date(2026, 11, 21), True),
        (date(2026, 11, 21), date(2026, 11, 21), True),
        (date(2023, 11, 22), date(2026, 11, 21), True),
        (date(2023, 11, 21), date(2026, 11, 21), False),
        (date(2023, 11, 20), date(2026, 11, 21), False),
        # The 29th of February: three full years end with the last day of February.
        (date(2024, 2, 29), date(2027, 2, 28), True),
        (date(2024, 2, 29), date(2027, 3, 1), False),
        (date(2024, 2, 28), date(2027, 2, 28), False),
        (date(2025, 2, 28), date(2028, 2, 28), False),
        (date(2025, 3, 1), date(2028, 2, 29), True),
        (date(2025, 3, 1), date(2028, 3, 1), False),
    ],
)
def test_a_relation_counts_for_three_calendar_years_after_its_end(
    ended: date | None, today: date, *, held_back: bool
) -> None:
    assert counts(ended, today, 3) is held_back


@given(DAYS, some.integers(-1200, 1200), some.integers(1, 10))
@example(date(2024, 2, 29), -1, 3)
@example(date(2024, 2, 29), 0, 3)
@example(date(2024, 2, 29), -1, 4)
def test_the_first_free_day_is_where_counting_ends(ended: date, shift: int, years: int) -> None:
    today = years_after(ended, years) + timedelta(days=shift)
    assert counts(ended, today, years) is (today < years_after(ended, years))


@given(DAYS, some.integers(1, 10))
def test_years_are_calendar_years(day: date, years: int) -> None:
    for moved, change in ((years_after(day, years), years), (years_before(day, years), -years)):
        assert moved.year == day.year + change
        assert (moved.month, moved.day) == (day.month, day.day) or (day.month, day.day) == (2, 29)


@pytest.mark.parametrize(
    "one", ["江南热电（集团）有限公司", "江南热电(集团)有限公司", " 江南热电（集团） 有限公司\u3000"]
)
def test_names_are_compared_without_widths_and_blanks(one: str) -> None:
    assert party_key(one) == "江南热电(集团)有限公司"
    assert party_key("ACME") == party_key("ａｃｍｅ")
    assert party_key("江南热电") != party_key("江南热电厂")


def test_a_project_number_is_one_however_it_is_typed() -> None:
    assert {
        project_key(typed)
        for typed in ("CCER-2025 001", "ccer－2025001 ", "ＣＣＥＲ-2025001", "CCER——2025001", "CCER−2025001")
    } == {"CCER-2025001"}
    assert project_key("  ") == ""
    for wrong in ("x" * 61, "a\x00b"):
        with pytest.raises(InvalidInputError):
            project_key(wrong)


@pytest.mark.parametrize(
    ("code", "province"),
    [
        ("91320100MA1MUQJ74W", "32"),
        ("91320100ma1muqj74w", "32"),
        ("91320100MA1MUQJ74X", None),  # not its check character
        ("9132010", None),
        ("", None),
        (None, None),
    ],
)
def test_the_province_of_a_credit_code(code: str | None, province: str | None) -> None:
    assert province_of(code) == province


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[provinces]\n320 = {zh='江苏省', en='Jiangsu'}", "provinces.320"),
        ("[provinces]\n32 = {zh='江苏省'}", "provinces.32.en is missing"),
        ("[provinces]\n32 = {zh='江苏省', en='Jiangsu', fr='x'}", "provinces.32.fr is not known"),
        ("[provinces]\n32 = {zh='', en='Jiangsu'}", "provinces.32.zh is empty"),
        ("[provinces]\n32 = {zh=1, en='Jiangsu'}", "provinces.32.zh is wrong"),
        ("[places]\n32 = {zh='江苏省', en='Jiangsu'}", "places is not known"),
        ("provinces = 3", "provinces is wrong"),
        ("[provinces", "here:1: "),
    ],
)
def test_a_file_of_provinces_with_a_mistake_is_refused(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_provinces(text, "here")


def test_a_province_has_a_name_in_each_language() -> None:
    assert [province_name("32", language) for language in ("zh_Hans_CN", "en")] == ["江苏省", "Jiangsu"]
    assert province_name("99", "en") == "99"
