"""The query language as a tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import QueryError
from search.language import AllOf, AnyOf, Expression, Not, Term, parse_query


def shown(expression: Expression | None) -> str:
    match expression:
        case None:
            return "∅"
        case Term(found):
            return found.needle.strip("|").replace("|", ".")
        case Not(part):
            return f"!{shown(part)}"
        case AllOf(parts):
            return f"({' & '.join(map(shown, parts))})"
        case AnyOf(parts):
            return f"({' + '.join(map(shown, parts))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a b", "(a & b)"),
        ("a AND b", "(a & b)"),
        ("a OR b c", "(a + (b & c))"),
        ("(a OR b) c", "((a + b) & c)"),
        ("a -b", "(a & !b)"),
        ("a NOT b", "(a & !b)"),
        ("a NOT NOT b", "(a & b)"),
        ("NOT -a", "a"),
        ("-(a b)", "!(a & b)"),
        ("-“a b”", "!a.b"),
        ("D10-001", "d.10.001"),
        ("D10 -001", "(d.10 & !001)"),
        ("a - b", "(a & b)"),
        ("“碳 排放”「x y」", "(碳排放 & x.y)"),
        ("查找“碳排放”报告", "(查找 & 碳排放 & 报告)"),
        ("（a OR b）", "(a + b)"),
        ("((((a))))", "a"),
        ("a AND ()", "a"),
        ("() OR a", "a"),
        ("a AND AND b", "(a & and & b)"),
        ("AND", "and"),
        ("a and b or c", "(a & and & b & or & c)"),
        ('"AND"', "and"),
        ("ANDROID", "android"),
        ("a OR )", "(a & or)"),
        ("a OR !", "a"),
        ("NOT !", "∅"),
        ('19" 机柜', "(19 & 机柜)"),
        ('-"abc', "!abc"),
        ("-(abc", "!abc"),
    ],
)
def test_tree(text: str, tree: str) -> None:
    assert shown(parse_query(text).expression) == tree


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*' "()（）“”-－', "AND ", " OR", "NOT ", "碳", "a b", "2020", "!"]), max_size=60).map(
        "".join
    )
)
def test_nothing_typed_ever_fails(text: str) -> None:
    parsed = parse_query(text)
    assert parsed.expression is not None or parsed.blank or "碳" not in text
    assert shown(parsed.expression)


@pytest.mark.parametrize(
    ("text", "code"), [("x" * 2_001, "too_long"), ("ﷺ" * 150, "too_long"), ("a " * 65, "too_many_terms")]
)
def test_limits(text: str, code: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_query(text)
    assert raised.value.code == code


def test_at_the_limits() -> None:
    assert parse_query("a " * 64).expression is not None
    assert parse_query("x" * 2_000).expression is not None


def test_wanted_phrases_leave_out_the_negated() -> None:
    assert [found.needle for found in parse_query("a (b OR -c) -(d e) a").wanted()] == ["|a|", "|b|"]
