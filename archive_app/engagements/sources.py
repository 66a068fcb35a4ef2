"""The documents that this archive carries out, and which clauses they have (`config/sources.toml`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from archive_app.engagements.data_files import Finding, Path, Shape, Text, Words, read_file
from archive_app.settings import CONFIG

_FILE = CONFIG / "sources.toml"


@dataclass(frozen=True)
class Source(Shape):
    """A document by its short mark (`S0`); `clauses` are its clause numbers, always text: 1.10 is not 1.1."""

    mark: Text
    name: Words
    clauses: tuple[Text, ...]


@dataclass(frozen=True)
class _Sources(Shape):
    sources: tuple[Source, ...]


def parse_sources(text: str, source: str) -> Mapping[str, Source]:
    """The documents of a TOML document by mark. Raises: SettingsError naming `source` and the line."""
    listed = read_file(text, source, _Sources, check=_check).sources
    return MappingProxyType({one.mark: one for one in listed})


@cache
def all_sources() -> Mapping[str, Source]:
    """The documents of this installation, by mark. Raises: SettingsError."""
    return parse_sources(_FILE.read_text(encoding="utf-8"), _FILE.name)


def unknown_clauses(reference: str, path: Path) -> Iterator[Finding]:
    """Says so when `reference`, such as `S0 5.6`, names a document or a clause that does not exist."""
    mark, _, clause = reference.partition(" ")
    known = all_sources().get(mark)
    if known is None:
        yield path, f"names a document that does not exist: {reference} (known: {', '.join(all_sources())})"
    elif clause not in known.clauses:
        yield path, f"names a clause that does not exist: {reference}"


def _check(file: _Sources) -> Iterator[Finding]:
    marks: set[str] = set()
    for number, one in enumerate(file.sources):
        if one.mark in marks:
            yield ("sources", number, "mark"), f"stands twice: {one.mark}"
        if " " in one.mark:
            yield ("sources", number, "mark"), f"holds a blank: {one.mark}"
        marks.add(one.mark)
        for place, clause in enumerate(one.clauses):
            if clause in one.clauses[:place]:
                yield ("sources", number, "clauses", place), f"stands twice: {clause}"
