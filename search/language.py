"""The query language: terms that must all be found, "phrases", field:values, AND, OR, NOT, `-term`, parentheses.

- Terms stand side by side or with AND: all are needed. OR binds weaker than AND, NOT and `-` bind strongest.
- Operators count only in capital letters and only where they have something to operate on; elsewhere they are words.
- `field:value`, `field:"a phrase"` and `field:(several OR parenthesised)` look into one field (`search.fields`). A
  colon after anything else is an ordinary character, and so it is between quotes.
- Chinese and French quotes, full-width parentheses and colons are the same as ASCII ones. A quote or parenthesis
  without a partner is an ordinary character. Nothing a person can type fails, except by length.
- A query of negatives only means "everything visible, but…".

How an odd query was understood is said by notes: `unbalanced_quote`, `unbalanced_parenthesis`, `literal_operator`,
`nothing_to_search` (a term, such as `&`, without a letter, digit or Chinese character; it is left out), and `bad_year`,
`bad_date`, `bad_kind` (a value that its field cannot have: field and value were looked for as words).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from search.analysis import normalise, phrase
from search.errors import QueryError
from search.expression import AllOf, AnyOf, Expression, Not, Term, TextField, wanted_terms, with_synonyms
from search.fields import QueryField, condition, field_named
from search.synonyms import NO_SYNONYMS, Synonyms
from search.values import Expansion

LONGEST_QUERY_CHARS = 2_000
MOST_TERMS = 64

_SAME = str.maketrans(
    dict.fromkeys("“”„‟«»「」『』＂〝〞", '"') | {"（": "(", "）": ")", "－": "-", "：": ":"},
)
_LEXEME = re.compile(
    r"""(?P<quote>"(?P<quoted>[^"]*)"?)"""
    r"""|(?P<paren>[()])"""
    r"""|(?P<minus>(?<![^\s(])-(?=[^\s)-]))"""
    r"""|(?P<word>[^\s()"]+)""",
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`expression` is None if there is nothing to search for; `blank` tells an empty box from a box of `&&&`.

    `expanded` are the synonyms in `expression`.
    """

    expression: Expression | None
    blank: bool
    notes: tuple[str, ...]
    expanded: tuple[Expansion, ...] = ()

    def wanted(self) -> tuple[Term, ...]:
        """The terms a hit may contain, in order: those that are not negated."""
        return tuple(dict.fromkeys(wanted_terms(self.expression)))


@lru_cache(maxsize=256)
def parse_query(text: str, synonyms: Synonyms = NO_SYNONYMS) -> ParsedQuery:
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
    expanded: tuple[Expansion, ...] = ()
    if expression is not None and synonyms.groups:
        expression, expanded = with_synonyms(expression, synonyms)
    return ParsedQuery(expression, not text.strip(), tuple(notes), expanded)


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    """One of `term`, `(`, `)`, `AND`, `OR`, `NOT` and `-`."""
    text: str
    field: QueryField | None = None
    """Of a term or an opening parenthesis: the field that stands before it."""
    name: str = ""
    """The field as it was written, with its colon."""


def _lex(text: str, notes: dict[str, None]) -> Iterator[_Lexeme]:
    plain = text.translate(_SAME)
    at, name = 0, ""
    while found := _LEXEME.search(plain, at):
        at = found.end()
        if found["quote"]:
            if found["quote"] == '"' or not found["quote"].endswith('"'):
                notes["unbalanced_quote"] = None
                at = found.start() + 1
                continue
            yield _named("term", found["quoted"], name)
        elif found["paren"] or found["minus"]:
            yield _named(found[0], found[0], name if found[0] == "(" else "")
        else:
            before, colon, value = found["word"].partition(":")
            known = bool(colon) and not name and field_named(before) is not None
            if known and not value and plain[at : at + 1] in {'"', "("}:
                name = before + colon
                continue
            if known and value:
                yield _named("term", value, before + colon)
            else:
                operator = not name and found["word"] in {"AND", "OR", "NOT"}
                yield _named(found["word"] if operator else "term", found["word"], name)
        name = ""


def _named(kind: str, text: str, name: str) -> _Lexeme:
    return _Lexeme(kind, text, field_named(name[:-1]) if name else None, name)


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
        for at in unmatched:
            # The field of an opening parenthesis that goes belongs to what it would have enclosed first.
            if lexemes[at].field is not None and at + 1 < len(lexemes) and lexemes[at + 1].field is None:
                lexemes[at + 1] = replace(lexemes[at + 1], field=lexemes[at].field, name=lexemes[at].name)
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
    field: QueryField | None = None

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
            groups.append(_Group(field=groups[-1].field if lexeme.field is None else lexeme.field))
        elif lexeme.kind == ")":
            inner = groups.pop().finish()
            groups[-1].add(inner)
        elif lexeme.kind == "OR":
            groups[-1].alternatives.append([])
        elif lexeme.kind in {"NOT", "-"}:
            groups[-1].negate = not groups[-1].negate
        elif lexeme.kind == "term":
            groups[-1].add(_term(lexeme, groups[-1].field if lexeme.field is None else lexeme.field, notes))
    return groups[0].finish()


def _term(lexeme: _Lexeme, named: QueryField | None, notes: dict[str, None]) -> Expression | None:
    written, place = lexeme.text, TextField.ANYWHERE
    if isinstance(named, TextField):
        place = named
    elif named is not None:
        asked = condition(named, written)
        if not isinstance(asked, str):
            return asked
        notes[asked] = None
        written = lexeme.name + written
    analysed = phrase(written)
    if not analysed.tokens:
        notes["nothing_to_search"] = None
        return None
    return Term(analysed, place, written)
