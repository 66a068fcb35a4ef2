"""What may be public, and when it is: one clause that the public page, its downloads and the own pages all ask."""

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from archive_app.documents.control import IN_FORCE
from archive_app.documents.models import Document, Version
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.models import Edition
from archive_app.management.disclosure.models import Disclosure
from archive_app.worklist.kinds import task_kind

PROPOSED, PUBLISHED, REFUSED, ENDED = "proposed", "published", "refused", "ended"
STATES = {
    PROPOSED: N_("Proposed for publication"),
    PUBLISHED: N_("Published"),
    REFUSED: N_("Not published"),
    ENDED: N_("Ended"),
}
LIVING = (PROPOSED, PUBLISHED)
WITHDRAWN, LEVEL_RAISED, NOT_IN_FORCE, EXPIRED = "withdrawn", "level_raised", "not_in_force", "expired"
OVER = {
    WITHDRAWN: N_("The document was taken back"),
    LEVEL_RAISED: N_("The document is not public any more by its level"),
    NOT_IN_FORCE: N_("The edition is not in force any more"),
    EXPIRED: N_("The last day of its publication is past"),
}
"""Why a document is not served any more, or could not be published: by code, in the order in which they are told."""
REASON_LIMIT, SOURCE_LIMIT = 1000, 100
TO_DECIDE = task_kind(
    "management.disclosure_decision",
    N_("Decide whether a document is made public"),
    why=N_("You decide what your organisation makes public"),
    endpoint="disclosure.disclosure_page",
    subject_argument="disclosure_id",
)
TO_PROPOSE_ANEW = task_kind(
    "management.disclosure_superseded",
    N_("A published document has a newer edition: propose it, or leave it"),
    why=N_("You propose what your organisation makes public"),
    endpoint="disclosure.disclosure_page",
    subject_argument="disclosure_id",
)


class NotDisclosableError(ArchiveError):
    """Something about the document keeps it from being public."""

    code = "not_disclosable"
    message = N_("%(reason)s. Nothing was changed.")
    translated = ("reason",)


class DisclosureLivesError(ArchiveError):
    """The document is proposed or published already."""

    code = "disclosure_lives"
    message = N_(
        "This document was proposed for publication already, or is published. Nothing was changed; see the list of "
        "what is public."
    )


class DisclosureDecidedError(ArchiveError):
    """Somebody decided about it, or took it back, before."""

    code = "disclosure_decided"
    message = N_("This is at “%(state)s” meanwhile. Nothing was changed; reload the page and see what happened to it.")
    translated = ("state",)


def locked(uow: UnitOfWork, disclosure_id: str) -> Disclosure:
    """A step: one disclosure of the actor's organisation, which nobody else changes until the unit of work ends.

    Raises: NotFoundError.
    """
    uow.require("disclosure", disclosure_id)
    return uow.session.get_one(Disclosure, disclosure_id, with_for_update=True, populate_existing=True)


def subjects(row: Disclosure) -> dict[str, str]:
    """What an event about a disclosure is about."""
    about = {"disclosure": row.id, "document": row.document_id, "version": row.version_id}
    return {"organisation": row.organisation_id, **about}


def overtaken(uow: UnitOfWork) -> ColumnElement[bool]:
    """The clause for documents whose edition another one has replaced by its day, whether or not the worker wrote that
    down already."""
    own, newer = aliased(Edition), aliased(Edition)
    found = (
        select(newer.id)
        .join(own, own.controlled_document_id == newer.controlled_document_id)
        .where(own.document_id == Document.id, newer.ordinal > own.ordinal, newer.issued_at.is_not(None))
        .where(
            or_(newer.state == "in_force", and_(newer.state == "approved", newer.effective_on <= uow.archive.today()))
        )
    )
    return found.correlate(Document).exists()


def may_be_public(uow: UnitOfWork) -> ColumnElement[bool]:
    """The clause for documents that may be public at this moment: there, of the public level, and of controlled ones
    the edition in force alone. What loses one of these is not served from the same moment on."""
    return and_(
        Document.withdrawn_at.is_(None),
        Document.level == Level.PUBLIC,
        Document.control.in_(("", IN_FORCE)),
        ~overtaken(uow),
    )


def served(uow: UnitOfWork) -> ColumnElement[bool]:
    """The clause for disclosures that everybody may read now, of the rows that `with_document` joins."""
    until = or_(Disclosure.until.is_(None), Disclosure.until >= uow.archive.today())
    return and_(Disclosure.state == PUBLISHED, until, may_be_public(uow))


def with_document() -> Select[Disclosure, Document, Version]:
    """Disclosures with their documents and the very versions that they publish."""
    return (
        select(Disclosure, Document, Version)
        .join(Document, Document.id == Disclosure.document_id)
        .join(Version, and_(Version.id == Disclosure.version_id, Version.document_id == Document.id))
    )


def why_not_public(uow: UnitOfWork, document: Document) -> str:
    """A step: the code of what keeps a document from being public, empty where nothing does."""
    if document.withdrawn_at is not None:
        return WITHDRAWN
    if document.level != Level.PUBLIC:
        return LEVEL_RAISED
    fit = select(Document.id).where(Document.id == document.id, may_be_public(uow))
    return "" if uow.session.scalar(fit) else NOT_IN_FORCE


def why_over(uow: UnitOfWork, row: Disclosure) -> str:
    """A step: the code of why what was published is not served any more, empty where it is."""
    if row.until is not None and row.until < uow.archive.today():
        return EXPIRED
    return why_not_public(uow, uow.session.get_one(Document, row.document_id, populate_existing=True))


DECIDERS, PROPOSERS = Permission.DISCLOSURE_DECIDE, Permission.DISCLOSURE_PROPOSE
