"""A publication ends by itself: with the edition, the level, the document or its last day.

Nothing is served from the moment on in which that is so (`rules.served`). What stands here writes it down, and asks for
the newer edition to be proposed.
"""

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from archive_app.documents.models import Document
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.rules import (
    ENDED,
    LIVING,
    NOT_IN_FORCE,
    OVER,
    PROPOSERS,
    PUBLISHED,
    TO_DECIDE,
    TO_PROPOSE_ANEW,
    may_be_public,
    subjects,
    why_over,
)
from archive_app.management.one_by_one import one_by_one
from archive_app.worklist.tasks import NEEDLESS, Addressee, close_tasks, open_task

DISCLOSURE_OVER = event_type("disclosure.over", N_("Publication of a document ended by itself"))
END_JOB = "management.end_disclosures"
END_EVERY_SECONDS = 600
_MOST = 500
_SYSTEM = Actor.system("disclosure")


def write_down(uow: UnitOfWork, row: Disclosure, *, by: str, reason: str) -> None:
    """A step: the disclosure has ended."""
    row.state, row.ended_at, row.ended_by, row.ended_reason = ENDED, uow.now, by, reason
    close_tasks(uow, TO_DECIDE, subject_id=row.id, outcome=NEEDLESS)


def close_what_waited(uow: UnitOfWork, row: Disclosure, over: str) -> None:
    """A step: a living disclosure has ended by itself for the reason of that code, and its event says so."""
    was_public = row.state == PUBLISHED
    write_down(uow, row, by=_SYSTEM.name, reason=over)
    if was_public and over == NOT_IN_FORCE and _goes_on(uow, row):
        open_task(
            uow,
            TO_PROPOSE_ANEW,
            to=Addressee(permission=PROPOSERS),
            subject_id=row.id,
            organisation_id=row.organisation_id,
            about=row.title,
        )
    uow.record(DISCLOSURE_OVER, subjects(row), title=row.title, reason=over, was_public=was_public)


def close_what_was_replaced(uow: UnitOfWork, row: Disclosure) -> None:
    """A step: with the proposal of an edition nothing waits about those that it replaced."""
    own, former = aliased(Edition), aliased(Edition)
    replaced = (
        select(Disclosure.id)
        .join(former, former.document_id == Disclosure.document_id)
        .join(own, own.controlled_document_id == former.controlled_document_id)
        .where(own.document_id == row.document_id, Disclosure.id != row.id)
    )
    for disclosure_id in uow.session.scalars(replaced).all():
        close_tasks(uow, TO_PROPOSE_ANEW, subject_id=disclosure_id)


def end_what_is_over(workshop: Workshop, _job: Job) -> None:
    """Writes down what is not served any more. Idempotent: one disclosure a transaction."""
    archive = workshop.archive
    with archive.reading(_SYSTEM) as uow:
        over = (
            select(Disclosure.id)
            .join(Document, Document.id == Disclosure.document_id)
            .where(Disclosure.state.in_(LIVING), or_(Disclosure.until < archive.today(), ~may_be_public(uow)))
            .order_by(Disclosure.id)
            .limit(_MOST)
        )
        waiting = uow.session.scalars(over).all()
    with one_by_one(workshop) as tries:
        for disclosure_id in tries.over(waiting):
            with tries.of(disclosure_id), archive.transaction(_SYSTEM) as uow:
                row = uow.session.get_one(Disclosure, disclosure_id, with_for_update=True, populate_existing=True)
                why = why_over(uow, row) if row.state in LIVING else ""
                # Somebody may have been first, or have lowered the level again.
                if why:
                    close_what_waited(uow, row, why)


def over_words(row: Disclosure) -> str:
    """Why something ended, as a catalogue key, where it ended by itself; empty where somebody gave a reason."""
    return OVER.get(row.ended_reason, "") if row.ended_by == _SYSTEM.name else ""


def _goes_on(uow: UnitOfWork, row: Disclosure) -> bool:
    """Whether the controlled document has another edition in force, now or in a moment."""
    living = (
        select(ControlledDocument.id)
        .join(Edition, Edition.controlled_document_id == ControlledDocument.id)
        .where(Edition.document_id == row.document_id, ControlledDocument.withdrawn_at.is_(None))
    )
    return uow.session.scalar(living) is not None
