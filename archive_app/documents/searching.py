"""The search: the policy goes into the query as a scope, so that hits, totals and counts are of what one may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Bundle, Session

from archive_app.documents.models import Derivative, Document, Version
from archive_app.documents.reading import is_text_of, open_text
from archive_app.engagements.models import Client, Engagement, TeamMember
from archive_app.engagements.policy import is_archivist
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from search import Facet, Filters, Fragment, IndexUnavailable, Query, QueryError, Results, Scope, Sort, highlight

HIGHEST_LEVEL = 3
PAGE_SIZE = 20
LAST_OFFSET = 10_000
FACET_VALUES = 12
FACETS = (Facet.ENGAGEMENT, Facet.CLIENT, Facet.YEAR, Facet.KIND)
_EXCERPT_BYTES = 400_000


class QueryTooLongError(ArchiveError):
    code = "query_too_long"
    message = N_("The search has too many words. Nothing was searched; use 64 words and 2,000 characters at most.")


class SearchUnavailableError(ArchiveError):
    code = "search_unavailable"
    message = N_("The search is being prepared. Nothing is lost; try again in a moment.")


@dataclass(frozen=True)
class Found:
    """One hit as a person reads it. `fragments` is empty where the text could not be read."""

    document: Document
    version: Version
    engagement: Engagement
    client_name: str
    fragments: Sequence[Fragment]


class _Row(NamedTuple):
    version: Version
    document: Document
    engagement: Engagement
    client_name: str
    text_blob_id: str | None


# Only the columns that a hit shows, made once: loading twenty whole rows of four tables would take longer than the
# index takes to find them.
_HITS: Select[Any, Any, Any, str, str | None] = (
    select(
        Bundle(
            "version",
            Version.id,
            Version.number,
            Version.name,
            Version.current,
            Version.kind,
            Version.filed_at,
            Version.reading,
            Version.key_epoch,
            Version.wrapped_key,
        ),
        Bundle("document", Document.id, Document.title),
        Bundle("engagement", Engagement.id, Engagement.number, Engagement.title, Engagement.year),
        Client.name,
        Derivative.blob_id,
    )
    .select_from(Version)
    .join(Document, Document.id == Version.document_id)
    .join(Engagement, Engagement.id == Version.engagement_id)
    .join(Client, Client.id == Engagement.client_id)
    .outerjoin(Derivative, is_text_of(Version))
)
_OWN_TEAMS = select(TeamMember.engagement_id).where(TeamMember.person_id == bindparam("person_id"))
_TITLES = select(Engagement.id, Engagement.title).where(Engagement.id.in_(bindparam("ids", expanding=True)))
_CLIENT_NAMES = select(Client.id, Client.name).where(Client.id.in_(bindparam("ids", expanding=True)))


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


@query(Permission.DOCUMENTS_READ)
def search_documents(
    actor: Actor, uow: UnitOfWork, *, text: str, filters: Filters, sort: Sort = Sort.RELEVANCE, offset: int = 0
) -> SearchPage:
    """What matches `text` among what the actor may see, with exact counts of the same.

    Raises: QueryTooLongError, SearchUnavailableError.
    """
    results = _ask(uow, Query(text, scope_of(actor, uow), filters, sort, offset, PAGE_SIZE, FACETS))
    rows = _rows(uow, [hit.key for hit in results.hits])
    found = [_found(uow.archive, rows[hit.key], text) for hit in results.hits if hit.key in rows]
    return SearchPage(found, results.total, _facets(uow.session, results, filters), results.notes)


def scope_of(actor: Actor, uow: UnitOfWork) -> Scope:
    """The policy as the index understands it: the same grants, compiled to identifiers."""
    if actor.is_system:
        return Scope(everything=True, highest_level=HIGHEST_LEVEL)
    if not actor.may(Permission.DOCUMENTS_READ):
        return Scope()
    organisations = frozenset({actor.organisation_id}) if is_archivist(actor) and actor.organisation_id else frozenset()
    own = {"person_id": actor.person_id}
    engagements = frozenset() if organisations else frozenset(uow.session.scalars(_OWN_TEAMS, own))
    return Scope(organisations=organisations, engagements=engagements, highest_level=HIGHEST_LEVEL)


def _ask(uow: UnitOfWork, question: Query) -> Results:
    try:
        return uow.archive.index.query(question)
    except QueryError as error:
        raise QueryTooLongError from error
    except IndexUnavailable as error:
        raise SearchUnavailableError from error


def _rows(uow: UnitOfWork, keys: Sequence[str]) -> dict[str, _Row]:
    # The policy once more on the rows themselves: an index that lags behind shows nothing it should not.
    rows = uow.session.execute(_HITS.where(Version.id.in_(keys), uow.visible("document")))
    return {row[0].id: _Row(*row) for row in rows}


def _found(archive: Archive, row: _Row, text: str) -> Found:
    body = None
    if row.text_blob_id is not None:
        body = open_text(archive, row.version, row.text_blob_id, limit_bytes=_EXCERPT_BYTES)
    fragments = highlight(body, text) if body else []
    return Found(row.document, row.version, row.engagement, row.client_name, fragments)


def _facets(session: Session, results: Results, filters: Filters) -> dict[str, Sequence[FacetValue]]:
    chosen: Mapping[str, Collection[str]] = {
        Facet.ENGAGEMENT: filters.engagements,
        Facet.CLIENT: filters.clients,
        Facet.YEAR: {str(year) for year in filters.years},
        Facet.KIND: filters.kinds,
    }
    shown = {name: _most_frequent(counts, chosen[name]) for name, counts in results.facets.items()}
    labels = {
        Facet.ENGAGEMENT: _labels(session, _TITLES, shown.get(Facet.ENGAGEMENT, ())),
        Facet.CLIENT: _labels(session, _CLIENT_NAMES, shown.get(Facet.CLIENT, ())),
    }
    return {
        name: [FacetValue(v, labels.get(Facet(name), {}).get(v, v), results.facets[name][v]) for v in values]
        for name, values in shown.items()
    }


def _most_frequent(counts: Mapping[str, int], chosen: Collection[str]) -> list[str]:
    """The values to show: as many as a person reads, and those that were chosen, so that they can be taken back."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return ranked[:FACET_VALUES] + [value for value in ranked[FACET_VALUES:] if value in chosen]


def _labels(session: Session, names: Select[str, str], values: Collection[str]) -> dict[str, str]:
    if not values:
        return {}
    return {key: name for key, name in session.execute(names, {"ids": list(values)})}  # noqa: C416  # rows are no pairs
