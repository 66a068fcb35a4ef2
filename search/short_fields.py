"""The short fields of a document: their values, and which of them a person means who types the beginning of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from search.analysis import canonical, normalise, runs
from search.values import IndexDocument, Source, Suggestion

SHORT: tuple[Source, ...] = tuple(Source)
"""In the order in which their suggestions stand: what holds many documents together comes first."""

_LONGEST_BEGINNING_CHARS = 100
_LONGEST_VALUE_CHARS = 300
_SORT_TITLE_BYTES = 96
_BORDER = "|"


def lines_of(document: IndexDocument) -> dict[Source, list[str]]:
    """What may be suggested of each short field: of an engagement each line, of the others all of it as one line."""
    return {
        source: _lines(getattr(document, source.value))
        if source is Source.ENGAGEMENT
        else [line for line in (whole(getattr(document, source.value)),) if line]
        for source in SHORT
    }


def about(document: IndexDocument) -> list[str]:
    """Every text of a document but its body, each to be found by itself."""
    short = (document.client, document.engagement, document.originator, document.number)
    return [document.title, document.name, document.metadata, *short]


def whole(value: str) -> str:
    """A value as it is suggested: on one line, and cut where nobody would read on."""
    return " ".join(value.split())[:_LONGEST_VALUE_CHARS]


def sort_title(document: IndexDocument) -> str:
    """GB 18030 keeps the order of GB 2312, whose first 3,755 characters stand in pinyin order."""
    title = normalise(document.title or document.name).strip()
    return title.encode("gb18030", "replace")[:_SORT_TITLE_BYTES].decode("latin-1")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was typed so far: tokens in a row, the last of which may go on (`rest` is the pattern of how).

    `needle` is what the canonical form of a value contains if and only if it is meant.
    """

    tokens: tuple[str, ...]
    rest: str
    needle: str

    def begins(self, value: str) -> bool | None:
        """Whether a value begins with it; None where it does not even contain it."""
        form = canonical(value)
        if self.needle not in form:
            return None
        return form.startswith(_BORDER + self.needle.removeprefix(_BORDER))


def beginning_of(prefix: str) -> Beginning | None:
    """What was typed, analysed; None where there is nothing to go by, such as one letter or digit alone."""
    found = runs(prefix[:_LONGEST_BEGINNING_CHARS])
    if not found:
        return None
    tokens: list[str] = []
    for run in found:
        tokens += [run.text[at : at + 2] for at in range(len(run.text))] if run.joined else [run.text]
    last = found[-1]
    if len(found) == 1 and len(last.text) == 1 and not last.joined:
        return None
    rest = ".?" if last.joined else ".*"
    if last.joined and len(last.text) > 1:
        tokens.pop()
        rest = ""
    needle = ("" if found[0].joined else _BORDER) + _BORDER.join(run.text for run in found)
    return Beginning(tuple(tokens), rest, needle)


def merge_suggestions(
    beginning: Beginning, counted: Mapping[Source, Iterable[tuple[str, int]]], limit: int
) -> list[Suggestion]:
    """The values that are meant: those that begin so first, then the more frequent, then in the order of sources."""
    found: dict[tuple[Source, str], tuple[bool, int]] = {}
    for source, values in counted.items():
        for value, count in values:
            begins = beginning.begins(value)
            if begins is not None:
                found[source, value] = (begins, count)
    suggestions = (Suggestion(value, source, count) for (source, value), (_, count) in found.items())
    return in_order(beginning, suggestions)[:limit]


def in_order(beginning: Beginning, suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """What begins so first, then the more frequent, then in the order of sources."""
    return sorted(
        suggestions,
        key=lambda one: (not beginning.begins(one.text), -one.count, SHORT.index(one.source), one.text),
    )


def _lines(value: str) -> list[str]:
    return [line for line in value.splitlines() if line.strip()]
