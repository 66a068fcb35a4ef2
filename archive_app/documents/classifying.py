"""The levels of documents: given when they are filed, changed later by whoever leads the engagement.

Raising a level takes the document out of sight: searches leave it out until the index has followed. Lowering one lets
more people see it, so it asks for a reason and for whoever does it to prove who they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.documents.indexing import NARROW
from archive_app.documents.ingest import require_level
from archive_app.documents.models import Document
from archive_app.documents.policy import require_change
from archive_app.documents.reading import current_version
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.policy import LEAD
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, require_confirmed, staged_use_case
from archive_app.kernel.words import one_line

DOCUMENT_CLASSIFIED = event_type("document.classified", N_("Level of a document changed"))
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Classified:
    """What became of one document of a selection: both levels are the same where nothing had to change."""

    document_id: str
    title: str = ""
    before: Level | None = None
    after: Level | None = None
    error: ArchiveError | None = None


@query(Permission.DOCUMENTS_CLASSIFY)
def selected_documents(actor: Actor, uow: UnitOfWork, *, document_ids: Sequence[str]) -> list[Document]:
    """The documents of a selection, all of which the actor may classify. Raises: NotFoundError, InvalidInputError."""
    return _selected(uow, document_ids)


@staged_use_case(Permission.DOCUMENTS_CLASSIFY)
def classify(
    actor: Actor, archive: Archive, *, document_ids: Sequence[str], level: Level, reason: str = ""
) -> list[Classified]:
    """Gives each of the documents a level, in a transaction of its own; one that fails never stops the others.

    Raises: NotFoundError when one of them may not be seen or classified, LevelAboveOwnError, InvalidInputError without
    a reason where a level is lowered, ConfirmationRequiredError there from somebody who did not prove lately who they
    are: then nothing was changed at all.
    """
    reason = one_line(" ".join(reason.split()), field=N_("Reason"), limit=1000, required=False)
    with archive.reading(actor) as uow:
        for document in _selected(uow, document_ids):
            _check(uow, document, level, reason)
    return [_one(actor, archive, document_id, level, reason) for document_id in dict.fromkeys(document_ids)]


def _selected(uow: UnitOfWork, document_ids: Sequence[str]) -> list[Document]:
    if not 0 < len(document_ids) <= MOST_AT_ONCE:
        raise InvalidInputError(field=N_("Documents"), reason=N_("Choose between 1 and 200 documents."))
    for document_id in document_ids:
        require_change(uow, document_id)
    chosen = select(Document).where(Document.id.in_(document_ids)).order_by(Document.title, Document.id)
    documents = list(uow.session.scalars(chosen))
    for engagement_id in {document.engagement_id for document in documents}:
        uow.require(LEAD, engagement_id)
    return documents


def _check(uow: UnitOfWork, document: Document, level: Level, reason: str) -> None:
    require_level(uow, document.engagement_id, level)
    if level < document.level:
        if not reason:
            raise InvalidInputError(field=N_("Reason"), reason=N_("Lowering a level needs a reason."))
        require_confirmed(uow.actor, uow.archive)


def _one(actor: Actor, archive: Archive, document_id: str, level: Level, reason: str) -> Classified:
    try:
        with archive.transaction(actor) as uow:
            document = uow.session.get_one(Document, document_id, with_for_update=True)
            # Under its lock: somebody may have raised it, or let it go, while this waited.
            require_change(uow, document_id)
            uow.require(LEAD, document.engagement_id)
            _check(uow, document, level, reason)
            return _changed(uow, document, level, reason)
    except DeniedError as denied:
        note_denial(archive, actor, Permission.DOCUMENTS_CLASSIFY, denied.subject)
        return Classified(document_id, error=denied)
    except ArchiveError as error:
        return Classified(document_id, error=error)


def _changed(uow: UnitOfWork, document: Document, level: Level, reason: str) -> Classified:
    before = Level(document.level)
    if before != level:
        document.level = level
        if level > before:
            uow.enqueue(NARROW, document.id)
        else:
            uow.enqueue("documents.index", current_version(uow.session, document.id).id)
        words = {"before": before.name.lower(), "after": level.name.lower(), "reason": reason}
        subjects = subjects_of(uow.session, document.engagement_id, document=document.id)
        uow.record(DOCUMENT_CLASSIFIED, subjects, title=document.title, **words)
    return Classified(document.id, document.title, before, level)
