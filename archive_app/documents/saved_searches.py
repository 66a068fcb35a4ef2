"""Saved searches: questions under names, for oneself or for one's organisation. What they find is each reader's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from archive_app.documents.models import Document, SavedSearch, SavedSearchSeen, Version
from archive_app.documents.question import address_of, kept_pairs, pairs_of, question_of
from archive_app.documents.searching import ask, scope_of
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, PermissionMissingError
from archive_app.kernel.events import EventType, event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from search import Query, Scope, Sort

SEARCH_SAVED = event_type("search.saved", N_("Search saved"))
SEARCH_CHANGED = event_type("search.changed", N_("Saved search changed"))
SEARCH_DELETED = event_type("search.deleted", N_("Saved search deleted"))
MOST_NEW = 200
"""New documents are counted up to this many."""
_NAME_CHARS = 120
_ADDRESS_CHARS = 8_000
_PAGE_SIZE = 20


class SearchNameTakenError(ArchiveError):
    code = "search_name_taken"
    message = N_("You already have a saved search named %(name)s. Nothing was changed; choose another name.")


@dataclass(frozen=True)
class SavedLine:
    """A saved search as lists show it; `new` counts what was filed since the reader last opened it, None where they
    never did or the search is not available."""

    id: str
    name: str
    address: str
    text: str
    shared: bool
    own: bool
    may_change: bool
    owner_name: str
    new: int | None


@use_case(Permission.DOCUMENTS_READ)
def save_search(
    actor: Actor, uow: UnitOfWork, *, name: str, pairs: Iterable[tuple[str, str]], shared: bool = False
) -> str:
    """Keeps the question that `pairs` ask; returns its id. Sharing needs the right to share.

    Raises: InvalidInputError, SearchNameTakenError, PermissionMissingError.
    """
    if actor.person_id is None or actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    _check_sharing(actor, shared=shared)
    address = address_of(kept_pairs(pairs))
    if not address:
        raise InvalidInputError(field=N_("Search"), reason=N_("This must not be empty."))
    if len(address) > _ADDRESS_CHARS:
        raise InvalidInputError(field=N_("Search"), reason=N_("This is too long."))
    saved = SavedSearch(
        id=uow.new_id(),
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        name=one_line(name, field=N_("Name"), limit=_NAME_CHARS),
        address=address,
        shared=shared,
        created_at=uow.now,
    )
    uow.session.add(saved)
    _write_name(uow, saved.name)
    uow.session.add(SavedSearchSeen(person_id=actor.person_id, saved_search_id=saved.id, seen_at=uow.now))
    _record(uow, SEARCH_SAVED, saved)
    return saved.id


@use_case(Permission.DOCUMENTS_READ)
def change_search(actor: Actor, uow: UnitOfWork, *, search_id: str, name: str, shared: bool) -> None:
    """Renames a saved search, shares it or takes it back.

    Raises: NotFoundError, InvalidInputError, SearchNameTakenError, PermissionMissingError.
    """
    saved = _changeable(uow, search_id)
    if shared != saved.shared:
        _check_sharing(actor, shared=True)
    saved.name, saved.shared = one_line(name, field=N_("Name"), limit=_NAME_CHARS), shared
    _write_name(uow, saved.name)
    _record(uow, SEARCH_CHANGED, saved)


@use_case(Permission.DOCUMENTS_READ)
def delete_search(actor: Actor, uow: UnitOfWork, *, search_id: str) -> None:
    """Deletes a saved search; nothing that it found is touched. Raises: NotFoundError, PermissionMissingError."""
    saved = _changeable(uow, search_id)
    uow.session.execute(delete(SavedSearchSeen).where(SavedSearchSeen.saved_search_id == saved.id))
    uow.session.delete(saved)
    _record(uow, SEARCH_DELETED, saved)


@use_case(Permission.DOCUMENTS_READ)
def open_search(actor: Actor, uow: UnitOfWork, *, search_id: str) -> str:
    """The address of a saved search, which from now on is looked through up to this moment. Raises: NotFoundError."""
    uow.require("saved_search", search_id)
    # Two requests of one person at once would both add the line.
    saved = uow.session.get_one(SavedSearch, search_id, with_for_update=True)
    if actor.person_id is not None:
        uow.session.merge(SavedSearchSeen(person_id=actor.person_id, saved_search_id=saved.id, seen_at=uow.now))
        uow.bookkeeping()
    return saved.address


@query(Permission.DOCUMENTS_READ)
def list_searches(actor: Actor, uow: UnitOfWork, *, after: str | None = None) -> Page[SavedLine]:
    """Saved searches that the actor may open, newest first, each with what is new in it."""
    statement = select(SavedSearch, Person.display_name).join(Person, Person.id == SavedSearch.person_id)
    page = fetch_page(
        uow.session,
        statement.where(uow.visible("saved_search")),
        [SavedSearch.id],
        after=after,
        descending=True,
        limit=_PAGE_SIZE,
    )
    seen, scope = _seen(uow, [row[0].id for row in page.items]), scope_of(actor, uow)
    return Page([_line(uow, scope, row[0], row[1], seen.get(row[0].id)) for row in page.items], page.next_key)


def searches_like(uow: UnitOfWork, text: str, limit: int) -> Sequence[SavedSearch]:
    """A step: visible saved searches whose name contains `text`, the actor's own first."""
    found = select(SavedSearch).where(uow.visible("saved_search"))
    if text:
        found = found.where(SavedSearch.name.icontains(text, autoescape=True))
    own_first = (SavedSearch.person_id == uow.actor.person_id).desc()
    return uow.session.scalars(found.order_by(own_first, SavedSearch.name, SavedSearch.id).limit(limit)).all()


def _may_change(actor: Actor, saved: SavedSearch) -> bool:
    """One's own; and, with the right to share, what is shared: whoever left leaves nothing that nobody can mend."""
    return saved.person_id == actor.person_id or (saved.shared and actor.may(Permission.SEARCHES_SHARE))


def _changeable(uow: UnitOfWork, search_id: str) -> SavedSearch:
    uow.require("saved_search", search_id)
    saved = uow.session.get_one(SavedSearch, search_id, with_for_update=True)
    if not _may_change(uow.actor, saved):
        raise PermissionMissingError(permission=Permission.SEARCHES_SHARE)
    return saved


def _check_sharing(actor: Actor, *, shared: bool) -> None:
    if shared and not actor.may(Permission.SEARCHES_SHARE):
        raise PermissionMissingError(permission=Permission.SEARCHES_SHARE)


def _write_name(uow: UnitOfWork, name: str) -> None:
    """Writes what was changed. Two requests at once with one name are told apart by the database alone."""
    try:
        uow.session.flush()
    except IntegrityError as error:
        raise SearchNameTakenError(name=name) from error


def _record(uow: UnitOfWork, kind: EventType, saved: SavedSearch) -> None:
    uow.record(kind, {"saved_search": saved.id}, name=saved.name, search=saved.address, shared=saved.shared)


def _seen(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, SavedSearchSeen]:
    mine = select(SavedSearchSeen).where(
        SavedSearchSeen.person_id == uow.actor.person_id, SavedSearchSeen.saved_search_id.in_(ids)
    )
    return {row.saved_search_id: row for row in uow.session.scalars(mine)}


def _line(
    uow: UnitOfWork, scope: Scope, saved: SavedSearch, owner_name: str, seen: SavedSearchSeen | None
) -> SavedLine:
    return SavedLine(
        id=saved.id,
        name=saved.name,
        address=saved.address,
        text=question_of(pairs_of(saved.address)).text,
        shared=saved.shared,
        own=saved.person_id == uow.actor.person_id,
        may_change=_may_change(uow.actor, saved),
        owner_name=owner_name,
        new=_count_new(uow, scope, saved, seen) if seen else None,
    )


def _count_new(uow: UnitOfWork, scope: Scope, saved: SavedSearch, seen: SavedSearchSeen) -> int | None:
    """How much of what the search finds was filed after it was last opened: at most `MOST_NEW`, policy inside."""
    question = question_of(pairs_of(saved.address))
    try:
        # The newest come first, and are asked for by the moment, which the index does not know, only afterwards.
        results = ask(
            uow.archive,
            Query(question.text, scope, question.filters, Sort.NEWEST, 0, MOST_NEW, (), question.synonyms),
        )
    except ArchiveError:
        return None
    counted = (
        select(func.count())
        .select_from(Version)
        .join(Document, Document.id == Version.document_id)
        .where(Version.id.in_([hit.key for hit in results.hits]), Version.filed_at > seen.seen_at)
    )
    return uow.session.scalar(counted.where(uow.visible("document")))
