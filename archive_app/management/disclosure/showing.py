"""What the organisation's own people see of what is public: the list, one of it, the panel of a document."""

from dataclasses import dataclass

from sqlalchemy import or_, select

from archive_app.documents.models import Document, Version
from archive_app.documents.policy import CHANGE
from archive_app.engagements.models import Engagement
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.controlled.models import ControlledDocument, Edition
from archive_app.management.disclosure.ending import over_words
from archive_app.management.disclosure.models import Disclosure, DisclosurePage
from archive_app.management.disclosure.rules import (
    LIVING,
    PROPOSED,
    STATES,
    TO_PROPOSE_ANEW,
    may_be_public,
    why_not_public,
    why_over,
    with_document,
)
from archive_app.worklist.models import Task


@dataclass(frozen=True)
class DisclosureLine:
    """A disclosure as lists show it. `over` is the code of why it is not served any more though nobody wrote that down
    yet, empty otherwise."""

    disclosure: Disclosure
    version: Version
    over: str

    @property
    def served(self) -> bool:
        """Whether everybody reads it now, once the page of the organisation is open."""
        return self.disclosure.state == "published" and not self.over


@dataclass(frozen=True)
class DisclosureView:
    """One disclosure with everything about it. `code` is the address of the organisation's page, empty while that is
    closed; `newer_document_id` the edition in force that came after this one."""

    line: DisclosureLine
    proposer: str
    decider: str
    ender: str
    ended_words: str
    code: str
    sees_document: bool
    is_own: bool
    waits_for_newer: bool
    newer_document_id: str

    @property
    def awaits_decision(self) -> bool:
        """Whether somebody is to decide about it."""
        return self.line.disclosure.state == PROPOSED


@dataclass(frozen=True)
class ProposalView:
    """A document that may be proposed, with the version that would be public; `living_id` is the disclosure that stands
    in the way, `unfit` the code of what does."""

    document: Document
    version: Version
    living_id: str
    unfit: str


@dataclass(frozen=True)
class DisclosurePanel:
    """What the page of a document says about its publication; `disclosure` is the last one, None where there was
    none."""

    disclosure: Disclosure | None
    over: str
    may_propose: bool


@query(Permission.CONTROLLED_READ)
def list_disclosures(
    actor: Actor, uow: UnitOfWork, *, state: str = "", text: str = "", after: str | None = None, limit: int = PAGE_SIZE
) -> Page[DisclosureLine]:
    """What was proposed and published, the latest first. Raises: InvalidInputError for a state that is none."""
    if state and state not in STATES:
        raise InvalidInputError(field=N_("State"), reason=N_("Choose one from the list."))
    statement = with_document().where(uow.visible("disclosure"))
    if state:
        statement = statement.where(Disclosure.state == state)
    if text.strip():
        statement = statement.where(Disclosure.title.contains(text.strip(), autoescape=True))
    page = fetch_page(uow.session, statement, [Disclosure.id], after=after, descending=True, limit=limit)
    # Most of a page is served; why not is asked only of what is not.
    fit = with_document().where(Disclosure.id.in_([row[0].id for row in page.items]), may_be_public(uow))
    until = or_(Disclosure.until.is_(None), Disclosure.until >= uow.archive.today())
    sound = set(uow.session.scalars(fit.where(until).with_only_columns(Disclosure.id)))
    lines = [
        DisclosureLine(row[0], row[2], "") if row[0].id in sound else _line(uow, row[0], row[2]) for row in page.items
    ]
    return Page(lines, page.next_key)


@query(Permission.CONTROLLED_READ)
def view_disclosure(actor: Actor, uow: UnitOfWork, *, disclosure_id: str) -> DisclosureView:
    """One disclosure. Raises: NotFoundError."""
    uow.require("disclosure", disclosure_id)
    row, document, version, *_ = uow.session.execute(with_document().where(Disclosure.id == disclosure_id)).one()
    page = uow.session.get(DisclosurePage, row.organisation_id)
    waiting = select(Task.id).where(
        Task.kind == TO_PROPOSE_ANEW.code, Task.subject_id == row.id, Task.closed_at.is_(None)
    )
    waits = uow.session.scalar(waiting) is not None
    return DisclosureView(
        line=_line(uow, row, version),
        proposer=_name(uow, row.proposed_by),
        decider=_name(uow, row.decided_by),
        ender=_name(uow, row.ended_by) if not over_words(row) else "",
        ended_words=over_words(row),
        code=page.code if page is not None and page.open else "",
        sees_document=uow.archive.policy.allows(uow.session, actor, "document", document.id),
        is_own=row.proposed_by == actor.name,
        waits_for_newer=waits,
        newer_document_id=_newer(uow, document.id) if waits else "",
    )


@query(Permission.DISCLOSURE_PROPOSE)
def view_proposal(actor: Actor, uow: UnitOfWork, *, document_id: str) -> ProposalView:
    """A document of one's own organisation that somebody is about to propose. Raises: NotFoundError."""
    uow.require("document", document_id)
    document, version = uow.session.execute(
        select(Document, Version)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .where(Document.id == document_id)
    ).one()
    if not _is_own(uow, document):
        raise DeniedError("document", document_id)
    last = _last(uow, document_id)
    living = last.id if last is not None and last.state in LIVING and not why_over(uow, last) else ""
    return ProposalView(document, version, living, why_not_public(uow, document))


@query(Permission.DISCLOSURE_PROPOSE)
def disclosure_panel(actor: Actor, uow: UnitOfWork, *, document_id: str) -> DisclosurePanel | None:
    """What is said of a document of one's own organisation; nothing of one that cannot be public and never was.

    Raises: NotFoundError.
    """
    uow.require("document", document_id)
    document = uow.session.get_one(Document, document_id)
    if not _is_own(uow, document):
        return None
    last = _last(uow, document_id)
    unfit = why_not_public(uow, document)
    if last is None and (unfit or document.level != Level.PUBLIC):
        return None
    over = why_over(uow, last) if last is not None and last.state in LIVING else ""
    lives = last is not None and last.state in LIVING and not over
    may = not unfit and not lives and uow.archive.policy.allows(uow.session, actor, CHANGE, document_id)
    return DisclosurePanel(last, over, may)


def _line(uow: UnitOfWork, row: Disclosure, version: Version) -> DisclosureLine:
    return DisclosureLine(row, version, why_over(uow, row) if row.state in LIVING else "")


def _is_own(uow: UnitOfWork, document: Document) -> bool:
    return uow.session.get_one(Engagement, document.engagement_id).organisation_id == uow.actor.organisation_id


def _last(uow: UnitOfWork, document_id: str) -> Disclosure | None:
    """The one that is proposed or published, else the latest."""
    of_document = select(Disclosure).where(Disclosure.document_id == document_id)
    return uow.session.scalar(of_document.order_by(Disclosure.state.in_(LIVING).desc(), Disclosure.id.desc()).limit(1))


def _newer(uow: UnitOfWork, document_id: str) -> str:
    """The document of the edition that is in force instead, where the actor sees it."""
    own = select(Edition.controlled_document_id).where(Edition.document_id == document_id)
    in_force = (
        select(Document.id)
        .join(Edition, Edition.document_id == Document.id)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(Edition.controlled_document_id.in_(own), Edition.state == "in_force", uow.visible("document"))
        .where(ControlledDocument.withdrawn_at.is_(None))
    )
    return uow.session.scalar(in_force) or ""


def _name(uow: UnitOfWork, person_id: str | None) -> str:
    person = uow.session.get(Person, person_id) if person_id else None
    return person.display_name if person else ""
