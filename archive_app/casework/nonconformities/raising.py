"""Raising a nonconformity 开具, putting it onto the client's link, and taking it back (S0 5.6; S1 11.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select

from archive_app.casework.models import MaterialRequest, Nonconformity, NonconformityDocument
from archive_app.casework.nonconformities.rules import (
    GRADES,
    TEAM,
    add_step,
    due_after,
    keep_tasks,
    locked_for,
    require_part,
)
from archive_app.documents.models import Document
from archive_app.engagements.engagements import lock_engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines

NONCONFORMITY_RAISED = event_type("nonconformity.raised", N_("Nonconformity raised"))
NONCONFORMITY_ASKED = event_type("nonconformity.asked", N_("Nonconformity put onto the client's link"))
NONCONFORMITY_WITHDRAWN = event_type("nonconformity.withdrawn", N_("Nonconformity withdrawn"))
MOST_DOCUMENTS = 100
TEXT_LIMIT = 2000


@dataclass(frozen=True)
class Finding:
    """What is raised: `grade` is one of `rules.GRADES`; `clause` as text, such as `GB/T 32151.1 5.2`; `documents` are
    ids of the engagement's documents that show it; `days` working days are given for the answer."""

    grade: str
    clause: str
    statement: str
    evidence: str = ""
    documents: Sequence[str] = ()
    days: int = 10


@use_case(Permission.NONCONFORMITIES_MANAGE)
def raise_nonconformity(
    actor: Actor, uow: UnitOfWork, *, engagement_id: str, finding: Finding, request_id: str = ""
) -> Nonconformity:
    """Raises a nonconformity under the next number of the engagement; with `request_id` the client answers by that link
    and reads the statement and the evidence in words there, and no document.

    Raises: NotFoundError, also for a document or link that is not there for the actor; NotOfTheTeamError,
    InvalidInputError, EngagementSealedError.
    """
    require_part(uow, engagement_id, TEAM)
    if finding.grade not in GRADES:
        raise InvalidInputError(field=N_("Grade"), reason=N_("Choose one from the list."))
    engagement = lock_engagement(uow.session, engagement_id)
    due = due_after(uow, finding.days)
    last = select(func.max(Nonconformity.position)).where(Nonconformity.engagement_id == engagement_id)
    row = Nonconformity(
        id=uow.new_id(),
        engagement_id=engagement_id,
        position=(uow.session.scalar(last) or 0) + 1,
        grade=finding.grade,
        clause=one_line(finding.clause, field=N_("Clause"), limit=100),
        statement=some_lines(finding.statement, field=N_("Statement"), limit=TEXT_LIMIT),
        evidence=some_lines(finding.evidence, field=N_("Evidence"), limit=TEXT_LIMIT, required=False),
        request_id=_living_request(uow, engagement_id, request_id) if request_id else None,
        due_on=due.on,
        provisional=due.provisional,
        state="raised",
        raised_by=actor.name,
        raised_at=uow.now,
        effectiveness="",
    )
    uow.session.add(row)
    uow.session.flush()
    attach(uow, row, finding.documents, "evidence")
    add_step(uow, row, "raised")
    keep_tasks(uow, engagement, row)
    subjects = {"engagement": engagement_id, "organisation": engagement.organisation_id, "nonconformity": row.id}
    words = {"number": row.position, "grade": row.grade, "clause": row.clause, "due": row.due_on.isoformat()}
    uow.record(NONCONFORMITY_RAISED, subjects, **words, documents=len(set(finding.documents)))
    return row


@use_case(Permission.NONCONFORMITIES_MANAGE)
def ask_client(actor: Actor, uow: UnitOfWork, *, nonconformity_id: str, request_id: str) -> Nonconformity:
    """Puts a nonconformity onto a link of the client, in place of the one it was on.

    Raises: as `raise_nonconformity`, and NonconformityStateError.
    """
    engagement, found = locked_for(uow, nonconformity_id, "ask")
    found.request_id = _living_request(uow, engagement.id, request_id)
    subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id, "nonconformity": found.id}
    uow.record(NONCONFORMITY_ASKED, subjects, number=found.position)
    return found


@use_case(Permission.NONCONFORMITIES_MANAGE)
def withdraw_nonconformity(actor: Actor, uow: UnitOfWork, *, nonconformity_id: str, reason: str) -> Nonconformity:
    """Withdraws what was raised wrongly, for a reason; the row and its number stay. The leader does.

    Raises: NotFoundError, NotOfTheTeamError, InvalidInputError, NonconformityStateError, EngagementSealedError.
    """
    engagement, found = locked_for(uow, nonconformity_id, "withdraw")
    why = some_lines(reason, field=N_("Reason"), limit=TEXT_LIMIT)
    found.state, found.closed_by, found.closed_at = "withdrawn", actor.name, uow.now
    add_step(uow, found, "withdrawn", reason=why)
    keep_tasks(uow, engagement, found)
    subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id, "nonconformity": found.id}
    uow.record(NONCONFORMITY_WITHDRAWN, subjects, number=found.position, reason=why)
    return found


def attach(uow: UnitOfWork, found: Nonconformity, documents: Sequence[str], purpose: str) -> list[str]:
    """The step that puts documents of the engagement beside a nonconformity; returns those that were not there yet.

    Raises: InvalidInputError, NotFoundError.
    """
    wanted = list(dict.fromkeys(documents))
    if len(wanted) > MOST_DOCUMENTS:
        raise InvalidInputError(field=N_("Documents"), reason=N_("These are too many."))
    added = []
    for document_id in wanted:
        uow.require("document", document_id)
        if uow.session.get_one(Document, document_id).engagement_id != found.engagement_id:
            raise NotFoundError
        kept = uow.session.get(NonconformityDocument, (found.id, document_id))
        if kept is None:
            row = NonconformityDocument(nonconformity_id=found.id, document_id=document_id, purpose=purpose)
            uow.session.add(row)
            added.append(document_id)
        elif kept.purpose != purpose:
            raise InvalidInputError(
                field=N_("Documents"), reason=N_("One of them shows the nonconformity itself, not its correction.")
            )
    uow.session.flush()
    return added


def living_links(uow: UnitOfWork, engagement_id: str) -> Select[MaterialRequest]:
    """The links of the client that open something, or will when they are sent."""
    return select(MaterialRequest).where(
        MaterialRequest.engagement_id == engagement_id,
        MaterialRequest.ended_at.is_(None),
        or_(MaterialRequest.link_sha256.is_(None), MaterialRequest.until > uow.now),
    )


def _living_request(uow: UnitOfWork, engagement_id: str, request_id: str) -> str:
    asked = uow.session.scalar(living_links(uow, engagement_id).where(MaterialRequest.id == request_id))
    if asked is None:
        raise NotFoundError
    return asked.id
