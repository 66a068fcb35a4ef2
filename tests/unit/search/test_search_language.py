"""The query language as a tree."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import phrase
from search.errors import QueryError
from search.expression import AllOf, AnyOf, Between, Expression, KindIn, Not, Term, TextField
from search.language import parse_query
from search.synonyms import Synonyms


def shown(expression: Expression | None) -> str:
    return shown_part(expression) if expression else "∅"


def shown_part(expression: Expression) -> str:
    match expression:
        case Term(found, field):
            name = "" if field is TextField.ANYWHERE else f"{field}:"
            return name + found.needle.strip("|").replace("|", ".")
        case Between() | KindIn():
            return shown_condition(expression)
        case Not(part):
            return f"!{shown(part)}"
        case AllOf(parts):
            return f"({' & '.join(map(shown, parts))})"
        case AnyOf(parts):
            return f"({' + '.join(map(shown, parts))})"


def shown_condition(expression: Between | KindIn) -> str:
    if isinstance(expression, KindIn):
        return f"kind:{'/'.join(expression.codes)}"
    limits = [
        "" if limit is None else str(limit if limit < 10_000 else date.fromordinal(limit))
        for limit in (expression.lowest, expression.highest)
    ]
    return f"{expression.field}:{'..'.join(limits)}"


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
    assert [found.phrase.needle for found in parse_query("a (b OR -c) -(d e) a").wanted()] == ["|a|", "|b|"]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("客户:长江", "client:长江"),
        ("客户：长江 碳", "(client:长江 & 碳)"),
        ("CLIENT:a Client：b", "(client:a & client:b)"),
        ('客户:"长江 电力" x', "(client:长江电力 & x)"),
        ("客户：“长江 电力”", "client:长江电力"),
        ("客户:(长江 OR 黄河 -x) y", "((client:长江 + (client:黄河 & !client:x)) & y)"),
        ("客户：（长江 OR 题名:黄河）", "(client:长江 + title:黄河)"),
        ("-客户:长江", "!client:长江"),
        ("NOT 文号:A-1 OR 责任者:王", "(!number:a.1 + originator:王)"),
        ("项目:2024-001 文件名:a.pdf", "(engagement:2024.001 & name:a.pdf)"),
        ("内容:碳 text:x", "(body:碳 & body:x)"),
        ("类型:PDF", "kind:pdf"),
        ("类型:.jpg,docx、TIF", "kind:jpeg/docx/tiff"),
        ("kind:(pdf OR docx)", "(kind:pdf + kind:docx)"),
        ("年份:2024", "year:2024..2024"),
        ("年份:２０２４．．２０２６", "year:2024..2026"),
        ("year:2026..2024", "year:2024..2026"),
        ("年份:..2024 year:2024..", "(year:..2024 & year:2024..)"),
        ("年份:(2022 OR 2024) -年份:2022", "((year:2022..2022 + year:2024..2024) & !year:2022..2022)"),
        ("日期:2024-02", "dated_day:2024-02-01..2024-02-29"),
        ("日期:2024", "dated_day:2024-01-01..2024-12-31"),
        ("date:2024-5-1..2024/06", "dated_day:2024-05-01..2024-06-30"),
        ("date:2024-06..2023", "dated_day:2023-01-01..2024-06-30"),
        ("入库:2024-05-09.. filed:..2024", "(filed_day:2024-05-09.. & filed_day:..2024-12-31)"),
        # What is no field stays what it was.
        ("GB/T 32150:2015", "(gb.t & 32150.2015)"),
        ("http://example.org/a:b", "http.example.org.a.b"),
        ("10:30 会议：纪要", "(10.30 & 会议.纪要)"),
        ('"客户:长江"', "客户.长江"),
        ("客户: 长江", "(客户 & 长江)"),
        ("(客户:)", "客户"),
        ("客户", "客户"),
        ("a客户:b", "a.客户.b"),
        ("客户:甲:乙", "client:甲.乙"),
        ("客户:(长江", "client:长江"),
        ('客户:"长江', "client:长江"),
        ("客户:AND", "client:and"),
    ],
)
def test_fields(text: str, tree: str) -> None:
    assert shown(parse_query(text).expression) == tree


@pytest.mark.parametrize(
    ("text", "tree", "note"),
    [
        ("年份:abc", "年份.abc", "bad_year"),
        ("年份:20244", "年份.20244", "bad_year"),
        ("年份:..", "年份", "bad_year"),
        ("year:2024..x", "year.2024.x", "bad_year"),
        ('年份:"2024 2025"', "年份.2024.2025", "bad_year"),
        ("日期:2024-13", "日期.2024.13", "bad_date"),
        ("日期:2023-02-29", "日期.2023.02.29", "bad_date"),
        ("日期:0000", "日期.0000", "bad_date"),
        ("入库:昨天", "入库.昨天", "bad_date"),
        ("类型:表 格", "(类型.表 & 格)", "bad_kind"),
        ("客户:&", "∅", "nothing_to_search"),
    ],
)
def test_values_that_a_field_cannot_have_are_words(text: str, tree: str, note: str) -> None:
    parsed = parse_query(text)
    assert (shown(parsed.expression), parsed.notes) == (tree, (note,))


GROUPS = Synonyms((("GHG", "温室气体", "greenhouse gas"), ("排放", "emission"), ("碳中和",), ("!", "叹号")))


@pytest.mark.parametrize(
    ("text", "alternatives", "added"),
    [
        ("ghg", ["ghg", "温室气体", "greenhouse.gas"], {"GHG": ("温室气体", "greenhouse gas")}),
        ("温室气体", ["温室气体", "ghg", "greenhouse.gas"], {"温室气体": ("GHG", "greenhouse gas")}),
        ("溫室氣體", ["温室气体", "ghg", "greenhouse.gas"], {"温室气体": ("GHG", "greenhouse gas")}),
        (
            "企业温室气体清单",
            ["企业温室气体清单", "企业.ghg.清单", "企业.greenhouse.gas.清单"],
            {"温室气体": ("GHG", "greenhouse gas")},
        ),
        (
            '"greenhouse gas 清单"',
            ["greenhouse.gas.清单", "ghg.清单", "温室气体清单"],
            {"greenhouse gas": ("GHG", "温室气体")},
        ),
        ("ghgs", ["ghgs"], {}),
        ("greenhouse", ["greenhouse"], {}),
        ("碳中和", ["碳中和"], {}),
        ("!", [], {}),
    ],
)
def test_synonyms(text: str, alternatives: list[str], added: dict[str, tuple[str, ...]]) -> None:
    parsed = parse_query(text, GROUPS)
    phrases = [phrase for term in parsed.wanted() for phrase in term.phrases]
    assert [phrase.needle.strip("|").replace("|", ".") for phrase in phrases] == alternatives
    assert {expansion.term: expansion.added for expansion in parsed.expanded} == added


def test_what_is_negated_is_not_expanded() -> None:
    parsed = parse_query("-ghg NOT (排放 OR 温室气体)", GROUPS)
    assert (parsed.expanded, parsed) == ((), parse_query("-ghg NOT (排放 OR 温室气体)"))


def test_the_shipped_synonyms_are_groups_of_different_names() -> None:
    groups = tomllib.loads((Path(__file__).parents[3] / "config" / "synonyms.toml").read_text("utf-8"))["groups"]
    needles = [phrase(name).needle for group in groups for name in group]
    assert all(needles)
    assert len(needles) == len(set(needles)), "a name in two groups, or twice in one, says nothing clear"
    assert all(len(group) > 1 for group in groups)
