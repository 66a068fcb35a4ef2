"""The search: the policy goes into the query as a scope, so that hits, totals and counts are of what one may see."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, literal, select, union_all
from sqlalchemy.orm import Session

from archive_app.documents.errors import ContentCorruptError
from archive_app.documents.excerpts import Excerpts
from archive_app.documents.indexing import NARROWING
from archive_app.documents.models import Derivative, Document, Version
from archive_app.documents.places import PLACES_PART, Place
from archive_app.documents.reading import is_text_of
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.policy import READ
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy
from archive_app.kernel.policy import Reach as PolicyReach
from archive_app.kernel.tables import Base
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from search import (
    NO_SYNONYMS,
    Expansion,
    Facet,
    Filters,
    Fragment,
    IndexUnavailable,
    Query,
    QueryError,
    Reach,
    Results,
    Scope,
    Sort,
)
from storage import Purpose

log = logging.getLogger("lantai.search")
PAGE_SIZE = 20
LAST_OFFSET = 10_000
FACET_VALUES = 12
FACETS = (Facet.ENGAGEMENT, Facet.CLIENT, Facet.YEAR, Facet.KIND)


class QueryTooLongError(ArchiveError):
    code = "query_too_long"
    message = N_("The search has too many words. Nothing was searched; use 64 words and 2,000 characters at most.")


class SearchUnavailableError(ArchiveError):
    code = "search_unavailable"
    message = N_("The search is being prepared. Nothing is lost; try again in a moment.")


class FoundVersion(NamedTuple):
    """What a hit shows of the version."""

    id: str
    number: int
    name: str
    current: bool
    kind: str
    filed_at: datetime
    reading: str
    key_epoch: int
    wrapped_key: bytes


class FoundDocument(NamedTuple):
    """What a hit shows of the document."""

    id: str
    title: str
    number: str | None
    level: int
    control: str


class FoundEngagement(NamedTuple):
    """What a hit shows of the engagement."""

    id: str
    number: str
    title: str
    year: int
    activity: str

    @property
    def is_library(self) -> bool:
        """Whether it is where documents are that belong to no engagement."""
        return self.activity == LIBRARY


class Found(NamedTuple):
    """One hit as a person reads it. `fragments` is empty where the text could not be read; `places` says of each of
    them where it stands, None where nobody knows."""

    document: FoundDocument
    version: FoundVersion
    engagement: FoundEngagement
    client_name: str
    fragments: Sequence[Fragment] = ()
    places: Sequence[Place | None] = ()


class _Row(NamedTuple):
    version: FoundVersion
    document: FoundDocument
    engagement: FoundEngagement
    client_name: str
    text_blob_id: str | None
    places_blob_id: str | None


# Only the columns that a hit shows, of the tables and not of their classes: loading twenty whole rows of four classes
# would take longer than the index takes to find them.
_V, _D, _E, _C, _T = (
    Base.metadata.tables[rows.__tablename__] for rows in (Version, Document, Engagement, Client, Derivative)
)
_P = _T.alias("places")
_SHOWN = [(_V, FoundVersion._fields), (_D, FoundDocument._fields), (_E, FoundEngagement._fields)]
_DOCUMENT_AT, _ENGAGEMENT_AT, _REST_AT = accumulate(len(names) for _, names in _SHOWN)
_HITS: Select[*tuple[Any, ...]] = (
    select(*(table.c[name] for table, names in _SHOWN for name in names), _C.c.name, _T.c.blob_id, _P.c.blob_id)
    .select_from(
        _V.join(_D, _D.c.id == _V.c.document_id)
        .join(_E, _E.c.id == _V.c.engagement_id)
        .join(_C, _C.c.id == _E.c.client_id)
        .outerjoin(_T, is_text_of(Version))
        .outerjoin(_P, (_P.c.version_id == _V.c.id) & (_P.c.purpose == Purpose.TEXT.value) & (_P.c.part == PLACES_PART))
    )
    .where(_V.c.id.in_(bindparam("keys", expanding=True)))
)
_NOT_YET_NARROWED = select(Job.subject_id).where(Job.kind.in_(NARROWING))
_LABELS = union_all(
    select(_E.c.id, _E.c.title).where(_E.c.id.in_(bindparam("engagements", expanding=True))),
    select(_C.c.id, _C.c.name).where(_C.c.id.in_(bindparam("clients", expanding=True))),
)


@dataclass(frozen=True)
class FacetValue:
    """A value to narrow by, its words, and how many hits it has."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class SearchPage:
    """What the search page shows."""

    found: Sequence[Found]
    total: int
    facets: Mapping[str, Sequence[FacetValue]]
    notes: Sequence[str] = field(default_factory=tuple)
    expanded: Sequence[Expansion] = field(default_factory=tuple)


@query(Permission.DOCUMENTS_READ)
def search_documents(
    actor: Actor,
    uow: UnitOfWork,
    *,
    text: str,
    filters: Filters,
    sort: Sort = Sort.RELEVANCE,
    offset: int = 0,
    synonyms: bool = True,
) -> SearchPage:
    """What matches `text` among what the actor may see, with exact counts of the same.

    Raises: QueryTooLongError, SearchUnavailableError.
    """
    question = Query(text, scope_of(actor, uow), filters, sort, offset, PAGE_SIZE, FACETS, synonyms)
    results = ask(uow.archive, question)
    rows = _rows(uow, [hit.key for hit in results.hits])
    cut = Excerpts(uow, text, uow.archive.index.synonyms if synonyms else NO_SYNONYMS)
    found = [_found(cut, rows[hit.key]) for hit in results.hits if hit.key in rows]
    facets = _facets(uow.session, results, filters)
    return SearchPage(found, results.total, facets, results.notes, results.expanded)


def scope_of(actor: Actor, uow: UnitOfWork) -> Scope:
    """The policy as the index understands it: the same grants and denials, compiled to identifiers.

    What narrows single documents is in `excluded_documents` from the transaction that narrows them on, until the index
    has confirmed it: neither hits nor totals, counts or suggestions tell of them meanwhile.
    """
    if not actor.may(Permission.DOCUMENTS_READ):
        return Scope()
    if actor.is_system:
        return Scope(everything=True, excluded_documents=frozenset(uow.session.scalars(_NOT_YET_NARROWED)))
    reaching = _reaching(uow.archive.policy, actor.rights)
    found: list[set[str]] = [set() for _ in range(_REACHED + len(reaching.asked))]
    for subject_id, place in uow.session.execute(reaching.statement):
        found[place].add(subject_id)
    by_name = zip(found[_REACHED:], reaching.asked, strict=True)
    return Scope(
        reaches=(*reaching.whole, *(_named_reach(frozenset(ids), *asked) for ids, asked in by_name)),
        excluded_engagements=frozenset(found[_DENIED]),
        excluded_documents=frozenset(found[_NARROWED]),
    )


class _Reaching(NamedTuple):
    """How one person's scope is asked for: `statement` gives pairs of an identifier and a place, places from
    `_REACHED` on standing for what each of `asked` opens, organisations or engagements, up to a level; `whole` needs no
    asking."""

    whole: tuple[Reach, ...]
    asked: tuple[tuple[bool, int | None], ...]
    statement: Any


_NARROWED, _DENIED, _REACHED = range(3)


@lru_cache(maxsize=256)
def _reaching(policy: Policy, rights: Actor) -> _Reaching:
    """Put together once for each person and what they may do; what is asked, and when, is the database's."""
    reaches, denials = policy.reaches(rights, READ), policy.denials(rights, READ)
    named = [reach for reach in reaches if reach.organisation_id is None]
    asked = [
        _NOT_YET_NARROWED.add_columns(literal(_NARROWED)),
        *(select(Engagement.id, literal(_DENIED)).where(clause) for clause in denials),
        *(_identifiers(reach).add_columns(literal(place)) for place, reach in enumerate(named, _REACHED)),
    ]
    return _Reaching(
        tuple(
            Reach(organisations=frozenset({reach.organisation_id}), highest_level=_level(reach))
            for reach in reaches
            if reach.organisation_id is not None
        ),
        tuple((reach.organisations is not None, _level(reach)) for reach in named),
        union_all(*asked),
    )


def _named_reach(ids: frozenset[str], of_organisations: bool, level: int | None) -> Reach:
    if of_organisations:
        return Reach(organisations=ids, highest_level=level)
    return Reach(engagements=ids, highest_level=level)


def _identifiers(reach: PolicyReach) -> Select[str]:
    """What names a reach: the organisations that are its own, or each engagement."""
    return select(Engagement.id).where(reach.clause) if reach.organisations is None else reach.organisations


def _level(reach: PolicyReach) -> int | None:
    return None if reach.highest_level >= max(Level) else int(reach.highest_level)


def ask(archive: Archive, question: Query) -> Results:
    """The index's answer. Raises: QueryTooLongError, SearchUnavailableError."""
    try:
        return archive.index.query(question)
    except QueryError as error:
        raise QueryTooLongError from error
    except IndexUnavailable as error:
        raise SearchUnavailableError from error


def found_rows(uow: UnitOfWork, keys: Sequence[str]) -> dict[str, Found]:
    """A step: those of `keys` that the actor may see, without excerpts."""
    return {
        key: Found(row.document, row.version, row.engagement, row.client_name) for key, row in _rows(uow, keys).items()
    }


def _rows(uow: UnitOfWork, keys: Sequence[str]) -> dict[str, _Row]:
    # The policy once more on the rows themselves: an index that lags behind shows nothing it should not.
    if not keys:
        return {}
    visible = _visible_hits(uow.archive.policy, uow.actor.rights)
    return {row[0]: _row(row) for row in uow.session.execute(visible, {"keys": keys})}


@lru_cache(maxsize=256)
def _visible_hits(policy: Policy, rights: Actor) -> Select[*tuple[Any, ...]]:
    """The statement with the policy's clause for this very person: clauses depend on nothing else, and whoever's roles
    or levels change has other rights.

    Putting it together and comparing it with those that the database knows would take as long as running it.
    """
    return _HITS.where(policy.visible_to(rights, "document"))


def _row(row: Sequence[Any]) -> _Row:
    return _Row(
        FoundVersion._make(row[:_DOCUMENT_AT]),
        FoundDocument._make(row[_DOCUMENT_AT:_ENGAGEMENT_AT]),
        FoundEngagement._make(row[_ENGAGEMENT_AT:_REST_AT]),
        *row[_REST_AT:],
    )


def _found(excerpts: Excerpts, row: _Row) -> Found:
    try:
        fragments, places = excerpts.cut(row.version, row.text_blob_id, row.places_blob_id)
    except ContentCorruptError:
        # One damaged text must not keep all the other hits back; its own page and the next check say what is wrong.
        log.warning("no excerpt of version %s: its stored text is damaged or missing", row.version.id)
        fragments, places = (), ()
    return Found(row.document, row.version, row.engagement, row.client_name, fragments, places)


def _facets(session: Session, results: Results, filters: Filters) -> dict[str, Sequence[FacetValue]]:
    chosen: Mapping[str, Collection[str]] = {
        Facet.ENGAGEMENT: filters.engagements,
        Facet.CLIENT: filters.clients,
        Facet.YEAR: {str(year) for year in filters.years},
        Facet.KIND: filters.kinds,
    }
    shown = {name: _most_frequent(counts, chosen[name]) for name, counts in results.facets.items()}
    labels = _labels(session, shown.get(Facet.ENGAGEMENT, ()), shown.get(Facet.CLIENT, ()))
    return {
        name: [FacetValue(value, labels.get(value, value), results.facets[name][value]) for value in values]
        for name, values in shown.items()
    }


def _most_frequent(counts: Mapping[str, int], chosen: Collection[str]) -> list[str]:
    """The values to show: as many as a person reads, and those that were chosen, so that they can be taken back."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return ranked[:FACET_VALUES] + [value for value in ranked[FACET_VALUES:] if value in chosen]


def _labels(session: Session, engagements: Sequence[str], clients: Sequence[str]) -> dict[str, str]:
    if not engagements and not clients:
        return {}
    rows = session.execute(_LABELS, {"engagements": engagements, "clients": clients})
    return {key: name for key, name in rows}  # noqa: C416  # rows are no pairs
