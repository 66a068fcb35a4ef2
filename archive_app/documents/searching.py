"""The search: the policy goes into the query as a scope, so that hits, totals and counts are of what one may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents.models import Document, Version
from archive_app.documents.reading import read_text
from archive_app.engagements.models import Client, Engagement, TeamMember
from archive_app.engagements.policy import is_archivist
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from search import Facet, Filters, Fragment, IndexUnavailable, Query, QueryError, Results, Scope, Sort, highlight

HIGHEST_LEVEL = 3
PAGE_SIZE = 20
LAST_OFFSET = 10_000
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


@dataclass(frozen=True)
class FacetValue:
    """A value to narrow by, how many hits it has, and whether it is chosen."""

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
    found = [_found(uow, rows[hit.key], text) for hit in results.hits if hit.key in rows]
    return SearchPage(found, results.total, _facets(uow.session, results), results.notes)


def scope_of(actor: Actor, uow: UnitOfWork) -> Scope:
    """The policy as the index understands it: the same grants, compiled to identifiers."""
    if actor.is_system:
        return Scope(everything=True, highest_level=HIGHEST_LEVEL)
    if not actor.may(Permission.DOCUMENTS_READ):
        return Scope()
    organisations = frozenset({actor.organisation_id}) if is_archivist(actor) and actor.organisation_id else frozenset()
    team = select(TeamMember.engagement_id).where(TeamMember.person_id == actor.person_id)
    engagements = frozenset() if organisations else frozenset(uow.session.scalars(team))
    return Scope(organisations=organisations, engagements=engagements, highest_level=HIGHEST_LEVEL)


def _ask(uow: UnitOfWork, question: Query) -> Results:
    try:
        return uow.archive.index.query(question)
    except QueryError as error:
        raise QueryTooLongError from error
    except IndexUnavailable as error:
        raise SearchUnavailableError from error


def _rows(uow: UnitOfWork, keys: Sequence[str]) -> dict[str, tuple[Version, Document, Engagement, str]]:
    rows = uow.session.execute(
        select(Version, Document, Engagement, Client.name)
        .join(Document, Document.id == Version.document_id)
        .join(Engagement, Engagement.id == Version.engagement_id)
        .join(Client, Client.id == Engagement.client_id)
        # The policy once more on the rows themselves: an index that lags behind shows nothing it should not.
        .where(Version.id.in_(keys), uow.visible("document"))
    )
    return {version.id: (version, document, engagement, client) for version, document, engagement, client in rows}


def _found(uow: UnitOfWork, row: tuple[Version, Document, Engagement, str], text: str) -> Found:
    version, document, engagement, client_name = row
    body = read_text(uow.archive, uow.session, version, limit_bytes=_EXCERPT_BYTES)
    fragments = highlight(body, text) if body else []
    return Found(document, version, engagement, client_name, fragments)


def _facets(session: Session, results: Results) -> dict[str, Sequence[FacetValue]]:
    labels: dict[str, Mapping[str, str]] = {
        Facet.ENGAGEMENT: _labels(session, Engagement.id, Engagement.title, results.facets.get(Facet.ENGAGEMENT, {})),
        Facet.CLIENT: _labels(session, Client.id, Client.name, results.facets.get(Facet.CLIENT, {})),
    }
    return {
        name: [
            FacetValue(value, labels.get(name, {}).get(value, value), count)
            for value, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        ]
        for name, counts in results.facets.items()
    }


def _labels(session: Session, key: object, label: object, counts: Mapping[str, int]) -> dict[str, str]:
    # A thousand labels are more than any page shows; the long tail keeps its counts and shows identifiers.
    wanted = sorted(counts, key=lambda value: -counts[value])[:1000]
    return {row[0]: row[1] for row in session.execute(select(key, label).where(key.in_(wanted)))}  # type: ignore[call-overload,attr-defined]
