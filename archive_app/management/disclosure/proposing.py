"""A document is proposed for publication, and what is public is taken back: at once, and with its reason."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from archive_app.documents.models import Document
from archive_app.documents.policy import require_change
from archive_app.documents.reading import current_version
from archive_app.engagements.models import Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.disclosure.ending import close_what_waited, close_what_was_replaced, write_down
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.rules import (
    DECIDERS,
    LEVEL_RAISED,
    LIVING,
    NOT_IN_FORCE,
    PROPOSED,
    PUBLISHED,
    REASON_LIMIT,
    SOURCE_LIMIT,
    STATES,
    TO_DECIDE,
    TO_PROPOSE_ANEW,
    WITHDRAWN,
    DisclosureDecidedError,
    DisclosureLivesError,
    NotDisclosableError,
    locked,
    subjects,
    why_not_public,
    why_over,
)
from archive_app.worklist.tasks import NEEDLESS, Addressee, close_tasks, open_task

DISCLOSURE_PROPOSED = event_type("disclosure.proposed", N_("Publication of a document proposed"))
DISCLOSURE_TAKEN_BACK = event_type(
    "disclosure.taken_back", N_("Publication of a document, or its proposal, taken back")
)
DISCLOSURE_LEFT = event_type("disclosure.left", N_("Newer edition of a published document left unpublished"))
_UNFIT = {
    WITHDRAWN: N_("The document was taken back"),
    LEVEL_RAISED: N_("Only documents of the level “Public” are made public; change its level first"),
    NOT_IN_FORCE: N_("Of a controlled document only the edition in force is made public"),
}


@dataclass(frozen=True)
class Proposal:
    """Why a document is to be public: `reason` in words, `source` the clause that asks for it (S2 5.3), `until` the
    last day, or no end."""

    reason: str
    source: str = ""
    until: date | None = None


@use_case(Permission.DISCLOSURE_PROPOSE)
def propose_disclosure(actor: Actor, uow: UnitOfWork, *, document_id: str, proposal: Proposal) -> Disclosure:
    """Proposes the current version of a document of one's own organisation for publication; that version is what will
    be public, whatever is filed later.

    Raises: NotFoundError, also for a document of another body; EmergencyReadsOnlyError, InvalidInputError,
    NotDisclosableError, DisclosureLivesError.
    """
    require_change(uow, document_id)
    document = uow.session.get_one(Document, document_id, with_for_update=True, populate_existing=True)
    organisation_id = uow.session.get_one(Engagement, document.engagement_id).organisation_id
    if organisation_id != actor.organisation_id:
        raise DeniedError("document", document_id)
    require_fit(uow, document)
    _require_none_lives(uow, document_id)
    row = Disclosure(
        id=uow.new_id(),
        organisation_id=organisation_id,
        document_id=document_id,
        version_id=current_version(uow.session, document_id).id,
        title=document.title,
        reason=one_line(" ".join(proposal.reason.split()), field=N_("Reason"), limit=REASON_LIMIT),
        source=one_line(proposal.source, field=N_("Clause"), limit=SOURCE_LIMIT, required=False),
        state=PROPOSED,
        proposed_by=actor.name,
        proposed_at=uow.now,
        decision="",
        until=checked_until(uow, proposal.until),
        ended_reason="",
        downloads=0,
    )
    uow.session.add(row)
    try:
        uow.session.flush()
    except IntegrityError as error:
        # Of two who propose the same document at once, the database lets one through.
        raise DisclosureLivesError from error
    close_what_was_replaced(uow, row)
    open_task(
        uow,
        TO_DECIDE,
        to=Addressee(permission=DECIDERS),
        subject_id=row.id,
        organisation_id=organisation_id,
        about=row.title,
    )
    until = row.until.isoformat() if row.until else None
    uow.record(DISCLOSURE_PROPOSED, subjects(row), title=row.title, reason=row.reason, source=row.source, until=until)
    return row


@use_case(Permission.DISCLOSURE_PROPOSE)
def take_back(actor: Actor, uow: UnitOfWork, *, disclosure_id: str, reason: str) -> Disclosure:
    """Takes a publication back, or its proposal: nobody reads it from this moment on.

    Whoever may propose does: what should not be public is taken back by the first who notices.
    Raises: NotFoundError, InvalidInputError, DisclosureDecidedError.
    """
    row = locked(uow, disclosure_id)
    if row.state not in LIVING:
        raise DisclosureDecidedError(state=STATES[row.state])
    why = one_line(" ".join(reason.split()), field=N_("Reason"), limit=REASON_LIMIT)
    was_public = row.state == PUBLISHED
    write_down(uow, row, by=actor.name, reason=why)
    uow.record(DISCLOSURE_TAKEN_BACK, subjects(row), title=row.title, reason=why, was_public=was_public)
    return row


@use_case(Permission.DISCLOSURE_PROPOSE)
def leave_unpublished(actor: Actor, uow: UnitOfWork, *, disclosure_id: str) -> Disclosure:
    """Says that the newer edition of what was published is not to be public: nothing waits any more.

    Raises: NotFoundError, DisclosureDecidedError while it is proposed or published.
    """
    row = locked(uow, disclosure_id)
    if row.state in LIVING:
        raise DisclosureDecidedError(state=STATES[row.state])
    close_tasks(uow, TO_PROPOSE_ANEW, subject_id=row.id, outcome=NEEDLESS)
    uow.record(DISCLOSURE_LEFT, subjects(row), title=row.title)
    return row


def require_fit(uow: UnitOfWork, document: Document) -> None:
    """A step: refuses a document that must not be public. Raises: NotDisclosableError."""
    code = why_not_public(uow, document)
    if code:
        raise NotDisclosableError(reason=_UNFIT[code])


def checked_until(uow: UnitOfWork, until: date | None) -> date | None:
    """A step: a last day that is not past. Raises: InvalidInputError."""
    if until is not None and until < uow.archive.today():
        raise InvalidInputError(field=N_("Public until"), reason=N_("This day is past."))
    return until


def _require_none_lives(uow: UnitOfWork, document_id: str) -> None:
    """Refuses a second one; what is over by itself is written down first, and stands in nobody's way."""
    living = select(Disclosure).where(Disclosure.document_id == document_id, Disclosure.state.in_(LIVING))
    row = uow.session.scalar(living.with_for_update())
    if row is None:
        return
    over = why_over(uow, row)
    if not over:
        raise DisclosureLivesError
    close_what_waited(uow, row, over)
    uow.session.flush()
