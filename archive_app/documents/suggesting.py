"""Suggestions while somebody types: their saved searches, and what documents they may see are called."""

from collections.abc import Sequence
from dataclasses import dataclass

from archive_app.documents.fields import FIELDS_BY_NAME, in_field
from archive_app.documents.saved_searches import searches_like
from archive_app.documents.searching import SearchUnavailableError, scope_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from search import IndexUnavailable, Source

_MOST_SAVED = 4
_MOST_NAMES = 8
_LONGEST_CHARS = 100
_FIELD_OF = {
    Source.CLIENT: "client",
    Source.ENGAGEMENT: "engagement",
    Source.NUMBER: "number",
    Source.ORIGINATOR: "originator",
    Source.TITLE: "title",
    Source.NAME: "name",
}


@dataclass(frozen=True)
class Suggested:
    """One line under the box. Of a saved search `address` is its question; of anything else `text` goes into the box.

    `label` is the catalogue key of what it is; `count` is how many current documents have it, None for a search.
    """

    words: str
    label: str
    text: str = ""
    address: str = ""
    count: int | None = None


@query(Permission.DOCUMENTS_READ)
def suggest(actor: Actor, uow: UnitOfWork, *, text: str, language: str) -> Sequence[Suggested]:
    """What `text` may be on its way to: saved searches first, then names of things in documents the actor may see.

    Nothing typed gives saved searches alone. Raises: SearchUnavailableError.
    """
    typed = text.strip()[:_LONGEST_CHARS]
    saved = [
        Suggested(found.name, N_("Saved search"), address=found.address)
        for found in searches_like(uow, typed, _MOST_SAVED)
    ]
    if not typed:
        return saved
    try:
        named = uow.archive.index.suggest(typed, scope_of(actor, uow), _MOST_NAMES)
    except IndexUnavailable as error:
        raise SearchUnavailableError from error
    names, titles = [], {found.text for found in named if found.source is Source.TITLE}
    for found in named:
        # Most documents are called by their file names.
        if found.source is Source.NAME and found.text in titles:
            continue
        field = FIELDS_BY_NAME[_FIELD_OF[found.source]]
        names.append(Suggested(found.text, field.label, text=in_field(field, found.text, language), count=found.count))
    return [*saved, *names]
