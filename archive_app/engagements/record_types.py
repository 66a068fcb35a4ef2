"""Types of records: what a document of an engagement can be (`config/record_types.toml`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from archive_app.engagements.data_files import Code, Finding, Shape, Text, Words, read_file
from archive_app.engagements.sources import unknown_clauses
from archive_app.settings import CONFIG

_FILE = CONFIG / "record_types.toml"
OTHER = "other"
"""What is none of the others; it stays when everything else is dropped from the file."""


@dataclass(frozen=True)
class RecordType(Shape):
    """A type of record. `source` is the clause that asks for it, empty where none does; `activity_data` says whether
    emissions are reckoned from it, so that source, unit, frequency and cross-check are asked (S4 6.2.4); `keywords`
    are words of names and headings by which it is proposed."""

    code: Code
    name: Words
    source: str
    activity_data: bool = False
    keywords: tuple[Text, ...] = ()


@dataclass(frozen=True)
class _RecordTypes(Shape):
    types: tuple[RecordType, ...]


def parse_record_types(text: str, source: str) -> Mapping[str, RecordType]:
    """The types of a TOML document by code, in its order. Raises: SettingsError naming `source` and the line."""
    types = read_file(text, source, _RecordTypes, check=_check).types
    return MappingProxyType({one.code: one for one in types})


@cache
def all_record_types() -> Mapping[str, RecordType]:
    """The types of records of this installation, by code. Raises: SettingsError."""
    return parse_record_types(_FILE.read_text(encoding="utf-8"), _FILE.name)


def record_type_name(code: str) -> Words:
    """What people call a type; one that the configuration dropped keeps its code as its name."""
    known = all_record_types().get(code)
    return known.name if known else Words(code, code)


def _check(file: _RecordTypes) -> Iterator[Finding]:
    codes: set[str] = set()
    words: dict[str, str] = {}
    for number, one in enumerate(file.types):
        if one.code in codes:
            yield ("types", number, "code"), f"stands twice: {one.code}"
        codes.add(one.code)
        for place, keyword in enumerate(one.keywords):
            if words.setdefault(keyword.lower(), one.code) != one.code:
                yield ("types", number, "keywords", place), f"proposes {words[keyword.lower()]} already: {keyword}"
        if one.source:
            yield from unknown_clauses(one.source, ("types", number, "source"))
    if OTHER not in codes:
        yield ("types",), f"must hold the type {OTHER}"
