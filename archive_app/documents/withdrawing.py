"""Taking back documents that an import filed by mistake, as long as nothing else happened to them.

Nothing is destroyed: destruction has one gate, which is not this. The document, its version and its bytes stay where
they are, out of everybody's sight; whoever withdraws one keeps a copy of its bytes to file rightly.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents.indexing import FORGET
from archive_app.documents.ingest import DOCUMENT_FILED
from archive_app.documents.models import Document
from archive_app.engagements.engagements import subjects_of
from archive_app.kernel.events import Event, EventSubject, event_type
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

DOCUMENT_WITHDRAWN = event_type("document.withdrawn", N_("Document withdrawn"))
_AT_ONCE = 500


def happened_to(session: Session, document_ids: Sequence[str], *, besides: Iterable[str] = ()) -> dict[str, list[str]]:
    """By document, the codes of what happened to it since it was filed, in order; `besides` names further codes that
    do not count. A document that nothing happened to is left out."""
    ignored = {DOCUMENT_FILED.code, *besides}
    found: dict[str, list[str]] = {}
    for start in range(0, len(document_ids), _AT_ONCE):
        about = select(EventSubject.subject_id, Event.code).join(Event, Event.id == EventSubject.event_id)
        about = about.where(
            EventSubject.kind == "document",
            EventSubject.subject_id.in_(document_ids[start : start + _AT_ONCE]),
            Event.code.not_in(ignored),
        )
        for document_id, code in session.execute(about.order_by(Event.id)):
            found.setdefault(document_id, []).append(code)
    return found


def withdraw(uow: UnitOfWork, document_id: str, *, reason: str) -> None:
    """The step that takes a document out of sight: at once, also for searches in an index that has yet to forget it.

    The caller has asked `happened_to`.
    """
    document = uow.session.get_one(Document, document_id, with_for_update=True)
    document.withdrawn_at = uow.now
    uow.enqueue(FORGET, document_id)
    subjects = subjects_of(uow.session, document.engagement_id, document=document_id)
    uow.record(DOCUMENT_WITHDRAWN, subjects, title=document.title, reason=reason)
