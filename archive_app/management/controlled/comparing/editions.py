"""Two editions of a controlled document beside each other, or two files that an edition had while it was written."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.documents.comparing.versions import ComparedPage, Terms, Wanted, compare_texts
from archive_app.documents.models import Document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile

_MOST_CHOICES = 200


@dataclass(frozen=True)
class EditionText:
    """A file of an edition; `newest` is the one that the edition is. Its `key` is what the address names it by."""

    edition: Edition
    document_id: str
    ordinal: int

    @property
    def newest(self) -> bool:
        """Whether this is the file of the edition, not one that it had before."""
        return self.edition.document_id == self.document_id

    @property
    def key(self) -> str:
        """The edition's own id for its newest file, the document's for an earlier one."""
        return self.edition.id if self.newest else self.document_id


@dataclass(frozen=True)
class EditionsPage:
    """Two texts of a controlled document, and those to choose from, the newest first; `compared` is None while there
    is none at all."""

    controlled: ControlledDocument
    choices: Sequence[EditionText]
    left: EditionText | None = None
    right: EditionText | None = None
    compared: ComparedPage | None = None


@staged_use_case(Permission.CONTROLLED_READ)
def compare_editions(
    actor: Actor,
    archive: Archive,
    *,
    controlled_id: str,
    left: str | None = None,
    right: str | None = None,
    terms: Terms,
) -> EditionsPage:
    """Two editions that the actor sees, by their ids or by those of documents that were their files; without them the
    newest one and the one that it revises. Counts as a look at both.

    Raises: NotFoundError, ContentCorruptError, BusyError.
    """
    with archive.reading(actor) as uow:
        uow.require("controlled_document", controlled_id)
        controlled = uow.session.get_one(ControlledDocument, controlled_id)
        choices = _texts(uow, controlled_id)
    if not choices:
        return EditionsPage(controlled, choices)
    new = _chosen(choices, right) if right else choices[0]
    old = _chosen(choices, left) if left else _before(choices, new)
    pair = Wanted(old.document_id), Wanted(new.document_id)
    return EditionsPage(controlled, choices, old, new, compare_texts(archive, actor, *pair, terms))


def _texts(uow: UnitOfWork, controlled_id: str) -> list[EditionText]:
    rows = (
        select(Edition, EditionFile.document_id, EditionFile.ordinal)
        .join(EditionFile, EditionFile.edition_id == Edition.id)
        .join(Document, Document.id == EditionFile.document_id)
        .where(Edition.controlled_document_id == controlled_id, uow.visible("edition"), uow.visible("document"))
        .order_by(Edition.ordinal.desc(), EditionFile.ordinal.desc())
        .limit(_MOST_CHOICES)
    )
    return [EditionText(row[0], row[1], row[2]) for row in uow.session.execute(rows)]


def _chosen(choices: Sequence[EditionText], key: str) -> EditionText:
    found = next((text for text in choices if key in {text.key, text.document_id}), None)
    if found is None:
        raise NotFoundError
    return found


def _before(choices: Sequence[EditionText], new: EditionText) -> EditionText:
    """What an edition revises; else the newest of an earlier edition; else what the edition was before."""
    others = [text for text in choices if text.newest and text.edition.id != new.edition.id]
    base = (text for text in others if text.edition.id == new.edition.base_id)
    earlier = (text for text in others if text.edition.ordinal < new.edition.ordinal)
    former = (text for text in choices if text.edition.id == new.edition.id and text.ordinal < new.ordinal)
    return next(base, None) or next(earlier, None) or next(former, None) or new
