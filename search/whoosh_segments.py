"""What Whoosh holds, read as sets: which documents have a phrase in a field, and what each document is."""

from __future__ import annotations

import math
import sys
import warnings
from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.expression import AllOf, AnyOf, Between, Expression, KindIn, Not, NumberField, Term, TextField
from search.likeness import Portrait
from search.short_fields import SHORT
from search.values import IndexDocument, Reach, Scope, Source

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # see search.whoosh_engine
    from whoosh.fields import FieldType
    from whoosh.formats import Existence, Positions

NAME = "MAIN"
_FIELDS = {field: (field.value,) for field in TextField} | {TextField.ANYWHERE: ("body", "about")}
_LIFTING = {TextField.ANYWHERE, TextField.TITLE, TextField.NAME}
_TITLE_BOOST, _K1, _B = 3.0, 1.2, 0.75
_SCOPES_KEPT = 16
_POSITION = "I"


class Tokens(FieldType):  # type: ignore[misc]
    """A field of token strings, each value by itself: no phrase runs from one into the next."""

    def __init__(self) -> None:
        super().__init__(Positions(), analyzer=None, scorable=True)

    def index(self, value: Sequence[str], **_: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Gives, for each token, its bytes, how often it stands there, the same as weight, and where."""
        places: dict[str, array[int]] = {}
        at = 0
        for text in value:
            for token in text.split(" ") if text else ():
                if token in places:
                    places[token].append(at)
                else:
                    places[token] = array(_POSITION, (at,))
                at += 1
            at += 1
        for token, found in places.items():
            yield token.encode(), len(found), float(len(found)), found.tobytes()


class Exact(FieldType):  # type: ignore[misc]
    """A field of whole terms."""

    def __init__(self) -> None:
        super().__init__(Existence(), analyzer=None)

    def index(self, value: Sequence[str], **_: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Gives, for each term, its bytes and nothing else of note."""
        for term in dict.fromkeys(value):
            yield term.encode(), 1, 1.0, b""


@dataclass(frozen=True, slots=True)
class Record:
    """What the index knows of a document besides its words."""

    key: str
    document_id: str
    organisation_id: str
    engagement_id: str
    client_id: str
    kind: str
    level: int
    current: bool
    readable: bool
    year: int | None
    filed_day: int
    dated_day: int | None
    sort_title: str
    values: Mapping[Source, Sequence[str]]

    @staticmethod
    def of(document: IndexDocument, sort_title: str, values: Mapping[Source, Sequence[str]]) -> Record:
        """The record of a document."""
        return Record(
            document.key,
            document.document_id,
            document.organisation_id,
            document.engagement_id,
            document.client_id,
            document.kind,
            document.level,
            document.current,
            document.readable,
            document.year,
            document.filed_on.toordinal(),
            document.dated_on.toordinal() if document.dated_on else None,
            sort_title,
            values,
        )

    def to_tuple(self) -> tuple[Any, ...]:
        """As it is stored: plain values only."""
        plain = tuple(getattr(self, name) for name in self.__slots__[:-1])
        return (*plain, tuple(tuple(self.values[source]) for source in SHORT))

    @staticmethod
    def from_tuple(stored: tuple[Any, ...]) -> Record:
        """What `to_tuple` gave."""
        *plain, values = stored
        # Most of the texts are the same in many documents.
        shared: list[Any] = [sys.intern(value) if isinstance(value, str) else value for value in plain]
        shared.append({source: tuple(map(sys.intern, lines)) for source, lines in zip(SHORT, values, strict=True)})
        return Record(*shared)


class _Segment:
    """One immutable segment, its records read once, and the documents of it that are not deleted."""

    def __init__(self, reader: Any, records: list[Record] | None) -> None:
        self.reader = reader
        self.id = reader.segment().segment_id()
        self.records = records or [
            Record.from_tuple(reader.stored_fields(number)["record"]) for number in range(reader.doc_count_all())
        ]
        self.alive = frozenset(reader.all_doc_ids())

    def postings(self, field: str, token: bytes) -> Iterator[tuple[int, bytes]]:
        """Documents that have a token, in order, and where."""
        if (field, token) not in self.reader:
            return
        matcher = self.reader.postings(field, token)
        while matcher.is_active():
            yield matcher.id(), matcher.value()
            matcher.next()

    def expanded(self, field: str, beginning: str, rest: str) -> list[bytes]:
        """The tokens that a last token may be: itself, with one more character at most (`.?`), or any more (`.*`)."""
        if not rest:
            return [beginning.encode()]
        longest = len(beginning) + 1 if rest == ".?" else sys.maxsize
        found = self.reader.expand_prefix(field, beginning.encode())
        return [token for token in found if len(token.decode()) <= longest]

    def phrase(self, field: str, tokens: Sequence[str], rest: str) -> dict[int, int]:
        """How often each document has these tokens in a row."""
        *before, last = tokens
        lasts = self.expanded(field, last, rest)
        if not before:
            return dict(self._counted(field, lasts))
        starts = self._starts(field, before)
        found: dict[int, int] = {}
        for token in lasts:
            for number, places in self.postings(field, token):
                if number in starts and (count := len(starts[number].intersection(_shifted(places, len(before))))):
                    found[number] = found.get(number, 0) + count
        return found

    def _counted(self, field: str, tokens: Iterable[bytes]) -> Counter[int]:
        found: Counter[int] = Counter()
        size = array(_POSITION).itemsize
        for token in tokens:
            for number, places in self.postings(field, token):
                found[number] += len(places) // size or 1
        return found

    def _starts(self, field: str, tokens: Sequence[str]) -> dict[int, set[int]]:
        """Where all of these tokens begin to stand in a row."""
        starts: dict[int, set[int]] = {}
        for after, token in enumerate(tokens):
            if after == 0:
                starts = {number: set(_shifted(places, 0)) for number, places in self.postings(field, token.encode())}
                continue
            still = {
                number: starts[number].intersection(_shifted(places, after))
                for number, places in self.postings(field, token.encode())
                if number in starts
            }
            starts = {number: places for number, places in still.items() if places}
        return starts


def _shifted(places: bytes, back: int) -> Iterable[int]:
    found = array(_POSITION, places)
    return [place - back for place in found] if back else found


class Documents:
    """One committed state of an index. Documents have numbers; `records` has a place for every number."""

    def __init__(self, reader: Any, before: Documents | None = None) -> None:
        """Read it; records of segments that are in `before` as well are not read again."""
        known = {segment.id: segment.records for segment in before.segments} if before else {}
        leaves = reader.leaf_readers() if reader.doc_count_all() else ()
        self.segments: list[_Segment] = [_Segment(leaf, known.get(leaf.segment().segment_id())) for leaf, _ in leaves]
        self.records = [record for segment in self.segments for record in segment.records]
        self.alive = frozenset(base + number for segment, base in self._based() for number in segment.alive)
        self._numbers = {self.records[number].key: number for number in self.alive}
        self._phrases: dict[tuple[str, tuple[str, ...], str], dict[int, int]] = {}
        self._visible: OrderedDict[Scope, frozenset[int]] = OrderedDict()
        self._average: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self.alive)

    def number_of(self, key: str) -> int | None:
        """The number of the document with that key."""
        return self._numbers.get(key)

    def phrase(self, field: str, tokens: Sequence[str], rest: str) -> dict[int, int]:
        """How often each document has these tokens in a row in a field (see `_Segment.expanded` for `rest`)."""
        wanted = (field, tuple(tokens), rest)
        if wanted not in self._phrases:
            if len(self._phrases) > _SCOPES_KEPT:
                self._phrases.clear()
            self._phrases[wanted] = {
                base + number: count
                for segment, base in self._based()
                for number, count in segment.phrase(field, tokens, rest).items()
            }
        return self._phrases[wanted]

    def having(self, fields: Sequence[str], token: str) -> set[int]:
        """The documents that have a token in one of the fields."""
        return {
            base + number
            for segment, base in self._based()
            for field in fields
            for number, _ in segment.postings(field, token.encode())
        }

    def rarity(self, token: str) -> float:
        """The inverse document frequency of a token, 0 for one that no document has."""
        having = max(
            sum(segment.reader.doc_frequency(field, token.encode()) for segment in self.segments)
            for field in ("body", "about")
        )
        total = sum(segment.reader.doc_count_all() for segment in self.segments)
        return math.log(1 + (total - having + 0.5) / (having + 0.5)) if having else 0.0

    def length(self, field: str, number: int) -> float:
        """How long a field of a document is, against the average."""
        for segment, base in self._based():
            if base <= number < base + len(segment.records):
                length: int = segment.reader.doc_field_length(number - base, field)
                return length / self._average_length(field)
        raise IndexError(number)

    def portrait(self, number: int) -> Portrait:
        """The portrait of a document."""
        for segment, base in self._based():
            if base <= number < base + len(segment.records):
                return Portrait.from_bytes(segment.reader.stored_fields(number - base)["portrait"])
        raise IndexError(number)

    def visible(self, scope: Scope) -> frozenset[int]:
        """The documents in a scope; the last few scopes are remembered."""
        if scope not in self._visible:
            seen = frozenset(number for number in self.alive if _sees(scope, self.records[number]))
            self._visible[scope] = seen
            if len(self._visible) > _SCOPES_KEPT:
                self._visible.popitem(last=False)
        return self._visible[scope]

    def _average_length(self, field: str) -> float:
        if field not in self._average:
            together = sum(segment.reader.field_length(field) for segment in self.segments)
            self._average[field] = max(1.0, together / max(1, len(self.records)))
        return self._average[field]

    def _based(self) -> Iterator[tuple[_Segment, int]]:
        base = 0
        for segment in self.segments:
            yield segment, base
            base += len(segment.records)


def visible_in(documents: Documents, scope: Scope) -> frozenset[int]:
    """The documents in a scope."""
    return documents.visible(scope)


def _sees(scope: Scope, record: Record) -> bool:
    return (
        (scope.everything or any(_reached(reach, record) for reach in scope.reaches))
        and record.engagement_id not in scope.excluded_engagements
        and record.document_id not in scope.excluded_documents
    )


def _reached(reach: Reach, record: Record) -> bool:
    named = record.organisation_id in reach.organisations or (
        record.engagement_id in reach.engagements and record.engagement_id != ""
    )
    return named and (reach.highest_level is None or record.level <= reach.highest_level)


def matching(documents: Documents, expression: Expression) -> frozenset[int]:
    """The documents that an expression matches."""
    if isinstance(expression, Term):
        return frozenset(number for found in _found(documents, expression) for number in found)
    if isinstance(expression, Not):
        return documents.alive - matching(documents, expression.part)
    if isinstance(expression, AllOf):
        return frozenset.intersection(*(matching(documents, part) for part in expression.parts))
    if isinstance(expression, AnyOf):
        return frozenset.union(*(matching(documents, part) for part in expression.parts))
    records = documents.records
    return frozenset(number for number in documents.alive if _fulfils(records[number], expression))


def _fulfils(record: Record, expression: Between | KindIn) -> bool:
    if isinstance(expression, KindIn):
        return record.kind in expression.codes
    value = {
        NumberField.YEAR: record.year,
        NumberField.DATED: record.dated_day,
        NumberField.FILED: record.filed_day,
    }[expression.field]
    return (
        value is not None
        and (expression.lowest is None or value >= expression.lowest)
        and (expression.highest is None or value <= expression.highest)
    )


def _found(documents: Documents, term: Term) -> Iterator[dict[int, int]]:
    for phrase in term.phrases:
        for field in _FIELDS[term.field]:
            yield documents.phrase(field, phrase.tokens, ".?" if phrase.open_ended else "")


def scored(documents: Documents, terms: Iterable[Term], found: Sequence[int]) -> dict[int, float]:
    """BM25 over the phrases that are wanted; those in titles and names count more. Every number in `found` has one."""
    scores = dict.fromkeys(found, 0.0)
    for term in terms:
        fields = [(field, 1.0) for field in _FIELDS[term.field]]
        fields += [(field, _TITLE_BOOST) for field in ("title", "name") if term.field in _LIFTING]
        for phrase in term.phrases:
            for field, boost in fields:
                having = documents.phrase(field, phrase.tokens, ".?" if phrase.open_ended else "")
                rarity = boost * math.log(1 + (len(documents) - len(having) + 0.5) / (len(having) + 0.5))
                for number in having.keys() & scores.keys():
                    often = having[number]
                    longer = _K1 * (1 - _B + _B * documents.length(field, number))
                    scores[number] += rarity * often * (_K1 + 1) / (often + longer)
    return scores
