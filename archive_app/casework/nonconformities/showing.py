"""Nonconformities as lists and pages show them.

Documents show to whoever may see each of them, and the evidence in words only to whoever sees all the documents that it
is about: nobody learns here of what is above their level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from archive_app.casework.hands import is_assigned
from archive_app.casework.models import MaterialRequest, Nonconformity, NonconformityDocument, NonconformityStep, Record
from archive_app.casework.nonconformities.answering import on_link
from archive_app.casework.nonconformities.raising import living_links
from archive_app.casework.nonconformities.rules import (
    CLOSED,
    GRADES,
    STATES,
    TEAM,
    acts_open,
    require_not_the_corrector,
)
from archive_app.casework.requests.answering import SECTIONS, Section
from archive_app.casework.requests.own import own_request
from archive_app.documents.models import Document, Version
from archive_app.documents.policy import names_hidden
from archive_app.engagements.models import Engagement
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import DutiesNotSeparateError
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

MOST_CHOICES = 500


@dataclass(frozen=True)
class NonconformityLine:
    """A nonconformity as lists show it; `overdue` when nobody answered in time."""

    nonconformity: Nonconformity
    overdue: bool


@dataclass(frozen=True)
class ShownDocument:
    """A document beside a nonconformity; `state` of the record that it is, empty where it is none."""

    document_id: str
    title: str
    state: str = ""


@dataclass(frozen=True)
class Asked:
    """A link of the client that a nonconformity can be put onto."""

    request_id: str
    recipient: str
    created_at: datetime


@dataclass(frozen=True)
class NonconformityPage:
    """Everything that the page of one shows. `evidence` is None where it would tell of documents that are not shown;
    `acts` are those of `rules.ACTS` that the actor could do now, `own_answer` that they gave one and so do not
    confirm."""

    nonconformity: Nonconformity
    engagement: Engagement
    overdue: bool
    raised_by: str
    evidence: str | None
    evidence_documents: Sequence[ShownDocument]
    correction_documents: Sequence[ShownDocument]
    steps: Sequence[NonconformityStep]
    acts: frozenset[str]
    own_answer: bool
    recipient: str


@query(Permission.ENGAGEMENTS_READ)
def list_nonconformities(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    state: str = "",
    grade: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[NonconformityLine]:
    """Those of the engagement, by number. Raises: NotFoundError, InvalidInputError."""
    uow.require("engagement", engagement_id)
    statement = select(Nonconformity).where(Nonconformity.engagement_id == engagement_id, uow.visible("nonconformity"))
    for value, known, column, field in (
        (state, STATES, Nonconformity.state, N_("State")),
        (grade, GRADES, Nonconformity.grade, N_("Grade")),
    ):
        if value and value not in known:
            raise InvalidInputError(field=field, reason=N_("Choose one from the list."))
        if value:
            statement = statement.where(column == value)
    page = fetch_page(uow.session, statement, [Nonconformity.position], after=after, limit=limit)
    today = uow.archive.today()
    return Page([NonconformityLine(row[0], _overdue(row[0], today)) for row in page.items], page.next_key)


@query(Permission.ENGAGEMENTS_READ)
def may_raise(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> bool:
    """Whether the actor could raise one. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    engagement = uow.session.get_one(Engagement, engagement_id)
    return (
        actor.may(Permission.NONCONFORMITIES_MANAGE)
        and engagement.sealed_at is None
        and is_assigned(uow.session, engagement_id, actor.person_id, *TEAM)
    )


@query(Permission.ENGAGEMENTS_READ)
def view_nonconformity(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, nonconformity_id: str
) -> NonconformityPage:
    """One nonconformity of an engagement with all that happened to it. Raises: NotFoundError."""
    uow.require("nonconformity", nonconformity_id)
    found = uow.session.get_one(Nonconformity, nonconformity_id)
    if found.engagement_id != engagement_id:
        raise NotFoundError
    steps = select(NonconformityStep).where(NonconformityStep.nonconformity_id == found.id)
    asked = uow.session.get(MaterialRequest, found.request_id) if found.request_id else None
    raiser = uow.session.get(Person, found.raised_by)
    return NonconformityPage(
        nonconformity=found,
        engagement=uow.session.get_one(Engagement, engagement_id),
        overdue=_overdue(found, uow.archive.today()),
        raised_by=raiser.display_name if raiser else "",
        evidence=None if hides_evidence(uow, found) else found.evidence,
        evidence_documents=_documents(uow, found, "evidence"),
        correction_documents=_documents(uow, found, "correction"),
        steps=uow.session.scalars(steps.order_by(NonconformityStep.position)).all(),
        acts=frozenset(acts_open(uow, found)),
        own_answer=_is_corrector(uow, found),
        recipient=asked.recipient if asked else "",
    )


@query(Permission.NONCONFORMITIES_MANAGE)
def choices(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> tuple[Sequence[ShownDocument], Sequence[Asked]]:
    """What forms choose from: the newest documents of the engagement, and the links of the client that live.

    Raises: NotFoundError.
    """
    uow.require("engagement.work", engagement_id)
    documents = (
        select(Document.id, Document.title)
        .where(Document.engagement_id == engagement_id, uow.visible("document"))
        .order_by(Document.id.desc())
    )
    found = uow.session.execute(documents.limit(MOST_CHOICES))
    links = living_links(uow, engagement_id).order_by(MaterialRequest.id.desc()).limit(MOST_CHOICES)
    asked = [Asked(row.id, row.recipient, row.created_at) for row in uow.session.scalars(links)]
    return [ShownDocument(*row) for row in found], asked


@dataclass(frozen=True)
class OwnNonconformity:
    """A nonconformity as the client sees it through their link: what was raised, what they brought and answered."""

    nonconformity: Nonconformity
    overdue: bool
    brought: Sequence[str]
    steps: Sequence[NonconformityStep]

    @property
    def answerable(self) -> bool:
        """Whether it waits for an answer."""
        return self.nonconformity.state in {"raised", "returned"}

    @property
    def returned_because(self) -> str:
        """Why the last answer was returned; empty where it was not."""
        if self.nonconformity.state != "returned":
            return ""
        return next(step.reason for step in reversed(self.steps) if step.kind == "returned")


@query(Permission.REQUEST_ANSWER)
def own_nonconformities(actor: Actor, uow: UnitOfWork) -> Sequence[OwnNonconformity]:
    """What the client has to answer by the link that they opened, by number. Raises: RequestOverError."""
    request_id = own_request(uow).id
    on_it = select(Nonconformity).where(Nonconformity.request_id == request_id, Nonconformity.state != "withdrawn")
    found = uow.session.scalars(on_it.order_by(Nonconformity.position)).all()
    return [_own(uow, row) for row in found]


@query(Permission.REQUEST_ANSWER)
def own_nonconformity(actor: Actor, uow: UnitOfWork, *, nonconformity_id: str) -> OwnNonconformity:
    """One of them. Raises: RequestOverError; NotFoundError, also for one that was withdrawn."""
    found = on_link(uow, nonconformity_id)
    if found.state == "withdrawn":
        raise NotFoundError
    return _own(uow, found)


def _own(uow: UnitOfWork, found: Nonconformity) -> OwnNonconformity:
    # What came by the link: nothing that the team put beside it.
    brought = (
        select(Document.title)
        .join(NonconformityDocument, NonconformityDocument.document_id == Document.id)
        .join(Version, Version.document_id == Document.id)
        .where(NonconformityDocument.nonconformity_id == found.id, Document.withdrawn_at.is_(None))
        .where(NonconformityDocument.purpose == "correction")
        .where(Version.number == 1, Version.filed_by == uow.actor.name)
        .order_by(Document.id)
    )
    steps = select(NonconformityStep).where(
        NonconformityStep.nonconformity_id == found.id, NonconformityStep.kind.in_(("answered", "returned"))
    )
    return OwnNonconformity(
        found,
        _overdue(found, uow.archive.today()),
        uow.session.scalars(brought).all(),
        uow.session.scalars(steps.order_by(NonconformityStep.position)).all(),
    )


def _overdue(found: Nonconformity, today: date) -> bool:
    return found.state not in CLOSED | {"answered"} and found.due_on < today


def _documents(uow: UnitOfWork, found: Nonconformity, purpose: str) -> list[ShownDocument]:
    beside = (
        select(Document.id, Document.title, Record.state)
        .join(NonconformityDocument, NonconformityDocument.document_id == Document.id)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(NonconformityDocument.nonconformity_id == found.id, NonconformityDocument.purpose == purpose)
        .where(uow.visible("document"))
        .order_by(Document.id)
    )
    return [ShownDocument(row[0], row[1], row[2] or "") for row in uow.session.execute(beside)]


def hides_evidence(uow: UnitOfWork, found: Nonconformity) -> bool:
    """Whether the evidence in words would tell the actor of documents that they do not see."""
    hidden = select(NonconformityDocument.document_id).where(
        NonconformityDocument.nonconformity_id == found.id,
        NonconformityDocument.purpose == "evidence",
        names_hidden(uow.archive.policy, uow.actor, NonconformityDocument.document_id),
    )
    return uow.session.scalar(hidden.limit(1)) is not None


def _is_corrector(uow: UnitOfWork, found: Nonconformity) -> bool:
    try:
        require_not_the_corrector(uow, found)
    except DutiesNotSeparateError:
        return True
    return False


def _section(uow: UnitOfWork, request: MaterialRequest) -> Section | None:
    """What the client's page tells of nonconformities: how many wait for an answer, if there are any."""
    on_it = select(Nonconformity.state).where(
        Nonconformity.request_id == request.id, Nonconformity.state != "withdrawn"
    )
    states = uow.session.scalars(on_it).all()
    count = sum(state in {"raised", "returned"} for state in states)
    words = N_("Nonconformities: %(count)s to answer")
    return Section(words, "corrections.own_list_page", count) if states else None


SECTIONS.append(_section)
