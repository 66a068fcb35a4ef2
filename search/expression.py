"""What a query means, as a tree: the language makes it, engines answer it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from search.analysis import Phrase
from search.synonyms import Synonyms
from search.values import Expansion


class TextField(StrEnum):
    """Where words are looked for. ANYWHERE is every one of the others, and the metadata."""

    ANYWHERE = "anywhere"
    BODY = "body"
    TITLE = "title"
    NAME = "name"
    CLIENT = "client"
    ENGAGEMENT = "engagement"
    ORIGINATOR = "originator"
    NUMBER = "number"


class NumberField(StrEnum):
    """What can be asked for by range: a year as it is, a day by its proleptic Gregorian ordinal."""

    YEAR = "year"
    DATED = "dated_day"
    FILED = "filed_day"


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase, or any of its synonyms; `written` is what was typed."""

    phrase: Phrase
    field: TextField = TextField.ANYWHERE
    written: str = ""
    others: tuple[Phrase, ...] = ()

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """The phrase and its synonyms."""
        return (self.phrase, *self.others)


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `lowest` to `highest`, both inclusive, None for no limit; documents without the number fail."""

    field: NumberField
    lowest: int | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class KindIn:
    """One of these type codes."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Expression, ...]


Expression = Term | Between | KindIn | Not | AllOf | AnyOf


def wanted_terms(expression: Expression | None) -> Iterator[Term]:
    """The terms that a hit may contain, in order: those that are not negated."""
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, AllOf | AnyOf):
        for part in expression.parts:
            yield from wanted_terms(part)


def with_synonyms(expression: Expression, synonyms: Synonyms) -> tuple[Expression, tuple[Expansion, ...]]:
    """The same, its terms with their synonyms, and what was added. What is negated stays as it was typed."""
    found: dict[Expansion, None] = {}
    return _expanded(expression, synonyms, found), tuple(found)


def _expanded(expression: Expression, synonyms: Synonyms, found: dict[Expansion, None]) -> Expression:
    if isinstance(expression, Term):
        others, expansions = synonyms.expand(expression.written)
        found.update(dict.fromkeys(expansions))
        return replace(expression, others=others) if others else expression
    if isinstance(expression, AllOf | AnyOf):
        return replace(expression, parts=tuple(_expanded(part, synonyms, found) for part in expression.parts))
    return expression
