"""The values that go into and come out of an index, whatever engine is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """One version of one document, as the index sees it.

    `key` is the version's id and unique in an index. Empty `engagement_id` or `client_id` means "none".
    `kind` is a type code such as `pdf`; `metadata` holds words to find the document by that have no field of their
    own; `readable` is false where no text could be extracted, so that only the other fields find it. `client` and
    `engagement` are what people call them (of an engagement the title and the number, one below the other), `number`
    is the document's own, `dated_on` the day it says it was made.
    """

    key: str
    document_id: str
    organisation_id: str
    engagement_id: str
    client_id: str
    level: int
    current: bool
    year: int | None
    kind: str
    filed_on: date
    title: str
    name: str
    metadata: str
    body: str
    readable: bool
    client: str = ""
    engagement: str = ""
    originator: str = ""
    number: str = ""
    dated_on: date | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A part of what a person may see: these organisations and engagements, up to a level; None: of every level."""

    organisations: frozenset[str] = frozenset()
    engagements: frozenset[str] = frozenset()
    highest_level: int | None = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person may see; the empty scope sees nothing.

    Visible is what `everything` or any of `reaches` opens, `(organisation in organisations or engagement in
    engagements) and level <= highest_level`, and whose engagement and document are not excluded.
    """

    everything: bool = False
    reaches: tuple[Reach, ...] = ()
    excluded_engagements: frozenset[str] = frozenset()
    excluded_documents: frozenset[str] = frozenset()

    @property
    def merged(self) -> tuple[Reach, ...]:
        """The same reaches in as few parts as there are levels, without those that name nothing."""
        of_level: dict[int | None, tuple[frozenset[str], frozenset[str]]] = {}
        for reach in self.reaches:
            if reach.organisations or reach.engagements:
                organisations, engagements = of_level.get(reach.highest_level, (frozenset(), frozenset()))
                of_level[reach.highest_level] = organisations | reach.organisations, engagements | reach.engagements
        return tuple(Reach(*named, level) for level, named in of_level.items())


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader narrowed the list to; an empty set or None does not narrow. Dates are inclusive."""

    engagements: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()
    filed_from: date | None = None
    filed_to: date | None = None
    current_only: bool = True
    unread_only: bool = False


class Sort(StrEnum):
    """Order of hits. RELEVANCE without words is NEWEST. TITLE is pinyin for the 3,755 most used characters."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"


class Facet(StrEnum):
    """What hits can be counted by."""

    ENGAGEMENT = "engagement"
    CLIENT = "client"
    YEAR = "year"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the index. Empty `text` lists everything visible. `facets` are names of `Facet`.

    With `synonyms`, words are also looked for by what the reader's table calls equal.
    """

    text: str
    scope: Scope
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.RELEVANCE
    offset: int = 0
    limit: int = 20
    facets: tuple[str, ...] = ()
    synonyms: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    key: str
    document_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Expansion:
    """`term`, as the table of synonyms spells it, was in the query; `added` was looked for as well."""

    term: str
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits, the exact total, and exact counts per facet value (years as decimal text).

    A facet's counts leave out the filter on that same facet, so that they say what choosing another value would give.
    `notes` are codes of `search.language`: how an ill-formed query was understood. `expanded` says what was looked for
    besides what was typed.
    """

    hits: list[Hit]
    total: int
    facets: dict[str, dict[str, int]]
    notes: tuple[str, ...]
    expanded: tuple[Expansion, ...] = ()


class Source(StrEnum):
    """Where a suggestion was read."""

    CLIENT = "client"
    ENGAGEMENT = "engagement"
    NUMBER = "number"
    ORIGINATOR = "originator"
    TITLE = "title"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A whole title, name and so on that contains what was typed, and the current versions in the scope that have it.

    Of an engagement it is the one line (title or number) that does.
    """

    text: str
    source: Source
    count: int


@dataclass(frozen=True, slots=True)
class Similar:
    """A current version of another document that is like a given one.

    `likeness` estimates which part of all their passages both have, 0 to 1 (give or take 0.05; at 1 the texts are
    equal but for separators, or nearly so), None where one of them has too little text to tell or the fingerprints
    are not available; `relevance` is how far the words that stand out in the given one stand in this one too, 0 to 1.
    """

    key: str
    document_id: str
    likeness: float | None
    relevance: float
