"""The fields that a search can name, for people: what each is called in the box, and what it means."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType

from archive_app.kernel.language import N_


@dataclass(frozen=True)
class Searchable:
    """A field of the query language. `chinese` and `english` are its names there, `example` is a value of it.

    `notes` are the codes by which the language says that a value of it was not understood.
    """

    chinese: str
    english: str
    label: str
    example: str
    note: str = ""

    def name(self, language: str) -> str:
        """The name that a reader of `language` types."""
        return self.chinese if language.startswith("zh") else self.english


@dataclass(frozen=True)
class FieldUse:
    """A field in somebody's query, with the value as typed."""

    label: str
    value: str


SEARCH_FIELDS = (
    Searchable("客户", "client", N_("Client"), "江南热电"),
    Searchable("项目", "engagement", N_("Engagement"), "HC-2026-001"),
    Searchable("题名", "title", N_("Title"), "核查报告"),
    Searchable("文件名", "name", N_("File name"), "台账.xlsx"),
    Searchable("责任者", "originator", N_("Originator"), "设备管理部"),
    Searchable("文号", "number", N_("Document number"), '"2026-15"'),
    Searchable("内容", "text", N_("Text"), "热值"),
    Searchable("类型", "kind", N_("Kind"), "pdf,xlsx", "bad_kind"),
    Searchable("年份", "year", N_("Year"), "2024..2026", "bad_year"),
    Searchable("日期", "date", N_("Document date"), "2026-05", "bad_date"),
    Searchable("入库", "filed", N_("Filed on"), "2026-05-01..", "bad_date"),
)
_OTHER_NAMES = {"标题": "题名", "形成者": "责任者", "正文": "内容", "年度": "年份"}
_BY_NAME = {name: field for field in SEARCH_FIELDS for name in (field.chinese, field.english)}
FIELDS_BY_NAME = MappingProxyType(_BY_NAME | {other: _BY_NAME[name] for other, name in _OTHER_NAMES.items()})
"""Every name of the query language."""
_OPEN, _CLOSE = '"“”„‟«»「」『』＂〝〞', '"“”„‟«»「」『』＂〝〞'
_USE = re.compile(
    rf"(?<![^\s(（])-?(?P<name>{'|'.join(sorted(map(re.escape, FIELDS_BY_NAME), key=len, reverse=True))})[:：]"
    rf"(?:[{_OPEN}](?P<quoted>[^{_CLOSE}]+)[{_CLOSE}]|[(（](?P<several>[^)）]+)[)）]|(?P<word>[^\s()（）{_OPEN}]+))",
    re.IGNORECASE,
)


def fields_in(text: str, notes: Collection[str] = ()) -> list[FieldUse]:
    """The fields that `text` names, in order; without those whose values were not understood, by the search's notes."""
    uses = []
    for use in _USE.finditer(text):
        field = FIELDS_BY_NAME[use["name"].lower()]
        if not field.note or field.note not in notes:
            uses.append(FieldUse(field.label, next(filter(None, (use["quoted"], use["several"], use["word"])))))
    return uses


def in_field(field: Searchable, value: str, language: str) -> str:
    """The query that looks for exactly `value` in `field`."""
    return f'{field.name(language)}:"{value.translate(_NO_QUOTES)}"'


_NO_QUOTES = str.maketrans(dict.fromkeys(_OPEN, " "))
