"""The query language: terms that must all be found, "phrases", AND, OR, NOT, `-term` and parentheses.

- Terms stand side by side or with AND: all are needed. OR binds weaker than AND, NOT and `-` bind strongest.
- Operators count only in capital letters and only where they have something to operate on; elsewhere they are words.
- Chinese and French quotes and full-width parentheses are the same as ASCII ones. A quote or parenthesis without a
  partner is an ordinary character. Nothing a person can type fails, except by length.
- A query of negatives only means "everything visible, but…".

How an odd query was understood is said by notes: `unbalanced_quote`, `unbalanced_parenthesis`, `literal_operator`,
`nothing_to_search` (a term, such as `&`, without a letter, digit or Chinese character; it is left out).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from search.analysis import Phrase, normalise, phrase
from search.errors import QueryError

LONGEST_QUERY_CHARS = 2_000
MOST_TERMS = 64

_SAME = str.maketrans(
    dict.fromkeys("“”„‟«»「」『』＂〝〞", '"') | {"（": "(", "）": ")", "－": "-"},
)
_LEXEME = re.compile(
    r"""(?P<quote>"(?P<quoted>[^"]*)"?)"""
    r"""|(?P<paren>[()])"""
    r"""|(?P<minus>(?<![^\s(])-(?=[^\s)-]))"""
    r"""|(?P<word>[^\s()"]+)""",
)


@dataclass(frozen=True, slots=True)
class Term:
    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Expression, ...]


Expression = Term | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`expression` is None if there is nothing to search for; `blank` tells an empty box from a box of `&&&`."""

    expression: Expression | None
    blank: bool
    notes: tuple[str, ...]

    def wanted(self) -> tuple[Phrase, ...]:
        """The phrases a hit may contain, in order: those that are not negated."""
        return tuple(dict.fromkeys(_wanted(self.expression))) if self.expression else ()


@lru_cache(maxsize=256)
def parse_query(text: str) -> ParsedQuery:
    """Understand a query.

    Raises:
        QueryError: `too_long` above 2,000 characters (as typed or normalised), `too_many_terms` above 64.
    """
    if len(text) > LONGEST_QUERY_CHARS or len(normalise(text)) > LONGEST_QUERY_CHARS:
        msg = f"a query has at most {LONGEST_QUERY_CHARS} characters"
        raise QueryError("too_long", msg)
    notes: dict[str, None] = {}
    lexemes = _settle_operators(_balance(list(_lex(text, notes)), notes), notes)
    if sum(lexeme.kind == "term" for lexeme in lexemes) > MOST_TERMS:
        msg = f"a query has at most {MOST_TERMS} terms"
        raise QueryError("too_many_terms", msg)
    expression = _build(lexemes, notes)
    return ParsedQuery(expression, not text.strip(), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    """One of `term`, `(`, `)`, `AND`, `OR`, `NOT` and `-`."""
    text: str


def _lex(text: str, notes: dict[str, None]) -> Iterator[_Lexeme]:
    plain = text.translate(_SAME)
    at = 0
    while found := _LEXEME.search(plain, at):
        at = found.end()
        if found["quote"]:
            if found["quote"] == '"' or not found["quote"].endswith('"'):
                notes["unbalanced_quote"] = None
                at = found.start() + 1
            else:
                yield _Lexeme("term", found["quoted"])
        elif found["paren"] or found["minus"]:
            yield _Lexeme(found[0], found[0])
        else:
            operator = found["word"] in {"AND", "OR", "NOT"}
            yield _Lexeme(found["word"] if operator else "term", found["word"])


def _balance(lexemes: list[_Lexeme], notes: dict[str, None]) -> list[_Lexeme]:
    open_at: list[int] = []
    unmatched: set[int] = set()
    for at, lexeme in enumerate(lexemes):
        if lexeme.kind == "(":
            open_at.append(at)
        elif lexeme.kind == ")":
            if open_at:
                open_at.pop()
            else:
                unmatched.add(at)
    unmatched.update(open_at)
    if unmatched:
        notes["unbalanced_parenthesis"] = None
    return [lexeme for at, lexeme in enumerate(lexemes) if at not in unmatched]


def _settle_operators(lexemes: list[_Lexeme], notes: dict[str, None]) -> list[_Lexeme]:
    """Turn an operator that misses an operand into an ordinary word (a minus into nothing)."""
    settled: list[_Lexeme] = []
    for at, lexeme in enumerate(lexemes):
        before = settled[-1].kind if settled else ""
        after = lexemes[at + 1].kind if at + 1 < len(lexemes) else ""
        has_right = after in {"term", "(", "NOT", "-"}
        works = {"AND": before in {"term", ")"} and has_right, "OR": before in {"term", ")"} and has_right}
        works |= {"NOT": has_right, "-": has_right}
        if works.get(lexeme.kind, True):
            settled.append(lexeme)
        elif lexeme.kind != "-":
            notes["literal_operator"] = None
            settled.append(_Lexeme("term", lexeme.text))
    return settled


@dataclass(slots=True)
class _Group:
    """What stands inside one pair of parentheses, while it is read: alternatives of things needed together."""

    alternatives: list[list[Expression]] = field(default_factory=lambda: [[]])
    negate: bool = False

    def add(self, part: Expression | None) -> None:
        if part is not None:
            self.alternatives[-1].append(_negated(part) if self.negate else part)
        self.negate = False

    def finish(self) -> Expression | None:
        options = [AllOf(tuple(parts)) if len(parts) > 1 else parts[0] for parts in self.alternatives if parts]
        if len(options) > 1:
            return AnyOf(tuple(options))
        return options[0] if options else None


def _negated(part: Expression) -> Expression:
    return part.part if isinstance(part, Not) else Not(part)


def _build(lexemes: list[_Lexeme], notes: dict[str, None]) -> Expression | None:
    """Groups are kept on a list, not on the call stack, so that no depth of parentheses overflows."""
    groups = [_Group()]
    for lexeme in lexemes:
        if lexeme.kind == "(":
            groups.append(_Group())
        elif lexeme.kind == ")":
            inner = groups.pop().finish()
            groups[-1].add(inner)
        elif lexeme.kind == "OR":
            groups[-1].alternatives.append([])
        elif lexeme.kind in {"NOT", "-"}:
            groups[-1].negate = not groups[-1].negate
        elif lexeme.kind == "term":
            analysed = phrase(lexeme.text)
            if not analysed.tokens:
                notes["nothing_to_search"] = None
            groups[-1].add(Term(analysed) if analysed.tokens else None)
    return groups[0].finish()


def _wanted(expression: Expression) -> Iterator[Phrase]:
    if isinstance(expression, Term):
        yield expression.phrase
    elif isinstance(expression, AllOf | AnyOf):
        for part in expression.parts:
            yield from _wanted(part)
