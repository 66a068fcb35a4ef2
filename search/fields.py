"""The fields that a query can name, `客户:长江` or `year:2024..2026`, and how their values are read.

| field | names | value |
|---|---|---|
| client, engagement | 客户 client; 项目 engagement | words or a quoted phrase |
| title, file name | 题名 title; 文件名 name | the same |
| originator, number | 责任者 形成者 originator; 文号 number | the same |
| text | 内容 text | the same, in the body alone |
| kind | 类型 kind | type codes or extensions: `pdf`, `.jpg`, `doc,docx` |
| year | 年份 year | `2024`, `2024..2026`, `..2024`, `2024..` |
| day of the document | 日期 date | a year, month or day, or a range of them: `2024-05..2024-06-15` |
| day of filing | 入库 filed | the same |

Case and width of letters, digits and signs do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date
from types import MappingProxyType

from search.expression import Between, KindIn, NumberField, TextField

NAMES = MappingProxyType({
    "客户": TextField.CLIENT, "client": TextField.CLIENT,
    "项目": TextField.ENGAGEMENT, "engagement": TextField.ENGAGEMENT,
    "题名": TextField.TITLE, "标题": TextField.TITLE, "title": TextField.TITLE,
    "文件名": TextField.NAME, "name": TextField.NAME,
    "责任者": TextField.ORIGINATOR, "形成者": TextField.ORIGINATOR, "originator": TextField.ORIGINATOR,
    "文号": TextField.NUMBER, "number": TextField.NUMBER,
    "内容": TextField.BODY, "正文": TextField.BODY, "text": TextField.BODY,
    "类型": "kind", "kind": "kind",
    "年份": NumberField.YEAR, "年度": NumberField.YEAR, "year": NumberField.YEAR,
    "日期": NumberField.DATED, "date": NumberField.DATED,
    "入库": NumberField.FILED, "filed": NumberField.FILED,
})  # fmt: skip
"""What a query may call each field; `kind` stands for the type code."""

QueryField = TextField | NumberField | str

_EXTENSIONS = {
    "jpg": "jpeg",
    "jpe": "jpeg",
    "tif": "tiff",
    "htm": "html",
    "text": "txt",
    "markdown": "md",
}
_KIND = re.compile(r"\.?([a-z0-9][a-z0-9-]{0,31})")
_YEAR = re.compile(r"\d{4}", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?", re.ASCII)
_RANGE = ".."


def field_named(name: str) -> QueryField | None:
    """The field of that name, None if there is none."""
    return NAMES.get(unicodedata.normalize("NFKC", name).casefold())


def condition(field: QueryField, written: str) -> Between | KindIn | str:
    """What a field that holds no words is asked for, or the code of a note that says why it cannot be understood."""
    value = unicodedata.normalize("NFKC", written).strip().casefold()
    if field is NumberField.YEAR:
        return _years(value)
    if isinstance(field, NumberField):
        return _days(field, value)
    codes = [_KIND.fullmatch(code.strip()) for code in re.split("[,、]", value)]
    if not all(codes):
        return "bad_kind"
    return KindIn(tuple(dict.fromkeys(_EXTENSIONS.get(code[1], code[1]) for code in codes if code)))


def _years(value: str) -> Between | str:
    first, dots, last = value.partition(_RANGE)
    given = [first, last] if dots else [first]
    if not any(given) or not all(_YEAR.fullmatch(year) for year in given if year):
        return "bad_year"
    lowest, highest = (int(year) if year else None for year in (first, last if dots else first))
    return _ordered(NumberField.YEAR, lowest, highest)


def _days(field: NumberField, value: str) -> Between | str:
    first, dots, last = value.partition(_RANGE)
    given = [first, last] if dots else [first]
    try:
        spans = [_span(day) if day else None for day in given]
    except ValueError:
        return "bad_date"
    if not any(spans):
        return "bad_date"
    known = [span for span in spans if span]
    if len(known) > 1:
        return Between(field, min(span[0] for span in known), max(span[1] for span in known))
    before, after = bool(dots) and spans[0] is None, bool(dots) and spans[-1] is None
    return Between(field, None if before else known[0][0], None if after else known[0][1])


def _span(written: str) -> tuple[int, int]:
    """The first and the last day of a year, a month or a day. Raises: ValueError when there is no such day."""
    parts = _DATE.fullmatch(written)
    if parts is None:
        raise ValueError(written)
    year, month, day = (int(part) if part else None for part in parts.groups())
    first = date(year or 0, month or 1, day or 1)
    last_month = month or 12
    last = date(first.year, last_month, day or monthrange(first.year, last_month)[1])
    return first.toordinal(), last.toordinal()


def _ordered(field: NumberField, lowest: int | None, highest: int | None) -> Between:
    """A range written from back to front means the same range."""
    if lowest is not None and highest is not None and lowest > highest:
        lowest, highest = highest, lowest
    return Between(field, lowest, highest)
