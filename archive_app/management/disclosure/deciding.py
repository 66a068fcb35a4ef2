"""Somebody else decides whether a proposed document is made public, and proves who they are."""

from archive_app.documents.models import Document, Version
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import DISCLOSED_BY_ANOTHER
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.disclosure.models import Disclosure
from archive_app.management.disclosure.proposing import checked_until, require_fit
from archive_app.management.disclosure.rules import (
    PROPOSED,
    PUBLISHED,
    REASON_LIMIT,
    REFUSED,
    STATES,
    TO_DECIDE,
    DisclosureDecidedError,
    locked,
    subjects,
)
from archive_app.worklist.tasks import close_tasks

DISCLOSURE_PUBLISHED = event_type("disclosure.published", N_("Document made public"))
DISCLOSURE_REFUSED = event_type("disclosure.refused", N_("Publication of a document refused"))


@use_case(Permission.DISCLOSURE_DECIDE, confirmed=True)
def decide_disclosure(
    actor: Actor, uow: UnitOfWork, *, disclosure_id: str, publish: bool, words: str = ""
) -> Disclosure:
    """Makes a proposed document public, or refuses that with a reason. `words` are kept as the decision.

    Raises: NotFoundError, also where whoever decides does not see the document; DutiesNotSeparateError,
    DisclosureDecidedError, InvalidInputError; of publishing, NotDisclosableError for what changed meanwhile.
    """
    uow.require("disclosure", disclosure_id)
    document_id = uow.session.get_one(Disclosure, disclosure_id).document_id
    uow.require("document", document_id)
    # The document first, as whoever proposes does; under its lock nobody raises its level meanwhile.
    document = uow.session.get_one(Document, document_id, with_for_update=True, populate_existing=True)
    row = locked(uow, disclosure_id)
    DISCLOSED_BY_ANOTHER.require_apart(actor.name, [row.proposed_by])
    if row.state != PROPOSED:
        raise DisclosureDecidedError(state=STATES[row.state])
    said = one_line(" ".join(words.split()), field=N_("Decision"), limit=REASON_LIMIT, required=not publish)
    version = uow.session.get_one(Version, row.version_id)
    if publish:
        require_fit(uow, document)
        checked_until(uow, row.until)
        row.published_at = uow.now
    row.state = PUBLISHED if publish else REFUSED
    row.decided_by, row.decided_at, row.decision = actor.name, uow.now, said
    close_tasks(uow, TO_DECIDE, subject_id=row.id)
    uow.record(
        DISCLOSURE_PUBLISHED if publish else DISCLOSURE_REFUSED,
        {**subjects(row), "person": actor.person_id or actor.name},
        title=row.title,
        decision=said,
        name=version.name,
        number=version.number,
        size_bytes=version.size_bytes,
        sha256=version.sha256.hex(),
        until=row.until.isoformat() if row.until else None,
    )
    return row
