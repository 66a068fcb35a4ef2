"""Use cases of one record: describe it, accept it, return it, look at it.

What the team files itself is accepted by describing it. What the client brought waits until a member of the team
accepts or returns it, and so does what was returned and described anew, and activity data not fully described.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from archive_app.casework import recording
from archive_app.casework.models import Record, SealUse
from archive_app.casework.records.facts import Facts, facts_of, tidied, write_facts
from archive_app.casework.records.kin import proposals_of
from archive_app.casework.records.proposals import Proposal
from archive_app.documents.models import Document, Version
from archive_app.documents.policy import CHANGE, require_change
from archive_app.documents.reading import current_version
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

RECORD_DESCRIBED = event_type("record.described", N_("Record described"))
RECORD_ACCEPTED = event_type("record.accepted", N_("Record accepted"))
RECORD_RETURNED = event_type("record.returned", N_("Record returned"))
TO_ACCEPT = task_kind(
    "casework.record_to_accept",
    N_("Accept a record, or return it"),
    why=N_("You lead this engagement"),
    endpoint="records.record_page",
    subject_argument="document_id",
)
TO_MEND = task_kind(
    "casework.record_to_mend",
    N_("Mend a record that was returned"),
    why=N_("You described it"),
    endpoint="records.record_page",
    subject_argument="document_id",
)
ACCEPTABLE, RETURNABLE = frozenset({"delivered", "returned"}), frozenset({"delivered", "accepted"})
"""The states from which a record is accepted, and from which it is returned."""
_FROM_OUTSIDE = "request:"


class NotDescribedError(ArchiveError):
    """The document is not a record yet."""

    code = "record_missing"
    message = N_("Nobody has described this document as a record yet. Nothing was changed; describe it first.")


@dataclass(frozen=True)
class RecordPage:
    """A record as its own page shows it. `record` is None where nobody described the document yet; `proposal` is then
    what the archive proposes. `renditions` are all of the same record that one may see, the first the record itself."""

    document: Document
    version: Version
    engagement: Engagement
    record: Record | None
    proposal: Proposal
    missing: Sequence[str]
    renditions: Sequence[tuple[Document, Record]]
    seal_uses: Sequence[tuple[SealUse, Document]]
    works: bool


@dataclass(frozen=True)
class DescribedDocument:
    """A document and its record, None where nobody described it yet."""

    document: Document
    record: Record | None


@dataclass(frozen=True)
class RecordPanel:
    """A record as the page of its document shows it; None where nobody described it yet."""

    record: Record | None
    may_describe: bool


@query(Permission.DOCUMENTS_READ)
def view_record(actor: Actor, uow: UnitOfWork, *, document_id: str) -> RecordPage:
    """A document as a record, and what is proposed about it. Raises: NotFoundError."""
    uow.require("document", document_id)
    return _page(uow, document_id)


@query(Permission.RECORDS_DESCRIBE)
def view_for_describing(actor: Actor, uow: UnitOfWork, *, document_id: str) -> RecordPage:
    """The same for somebody who is about to describe it. Raises: NotFoundError, EmergencyReadsOnlyError."""
    require_change(uow, document_id)
    uow.require(WORK, uow.session.get_one(Document, document_id).engagement_id)
    return _page(uow, document_id)


@query(Permission.DOCUMENTS_READ)
def read_record(actor: Actor, uow: UnitOfWork, *, document_id: str) -> DescribedDocument:
    """A document, and what was said about it as a record. Raises: NotFoundError."""
    uow.require("document", document_id)
    document = uow.session.get_one(Document, document_id)
    return DescribedDocument(document, described(recording.record_of(uow, document_id)))


def _page(uow: UnitOfWork, document_id: str) -> RecordPage:
    document, version = uow.session.execute(
        select(Document, Version)
        .join(Version, (Version.document_id == Document.id) & Version.current)
        .where(Document.id == document_id)
    ).one()
    engagement = uow.session.get_one(Engagement, document.engagement_id)
    if engagement.activity == LIBRARY:
        # Records are kept of a case, and what is in a library belongs to none.
        raise NotFoundError
    record = described(recording.record_of(uow, document_id))
    policy = uow.archive.policy
    works = policy.allows(uow.session, uow.actor, WORK, document.engagement_id)
    return RecordPage(
        document=document,
        version=version,
        engagement=engagement,
        record=record,
        proposal=Proposal() if record else proposals_of(uow, [document_id])[document_id],
        missing=recording.missing_fields(record) if record else (),
        renditions=_renditions(uow, record) if record else (),
        seal_uses=_seal_uses(uow, document_id),
        works=works and policy.allows(uow.session, uow.actor, CHANGE, document_id),
    )


@query(Permission.DOCUMENTS_READ)
def record_panel(actor: Actor, uow: UnitOfWork, *, document_id: str) -> RecordPanel | None:
    """What the page of a document shows of it as a record; nothing where it belongs to no engagement, and so to no
    case. Raises: NotFoundError."""
    uow.require("document", document_id)
    engagement_id = uow.session.get_one(Document, document_id).engagement_id
    if uow.session.get_one(Engagement, engagement_id).activity == LIBRARY:
        return None
    policy = uow.archive.policy
    works = policy.allows(uow.session, actor, WORK, engagement_id)
    may_describe = works and actor.may(Permission.RECORDS_DESCRIBE)
    return RecordPanel(described(recording.record_of(uow, document_id)), may_describe)


@use_case(Permission.RECORDS_DESCRIBE)
def describe_record(
    actor: Actor, uow: UnitOfWork, *, document_id: str, facts: Facts, seen: str | None = None
) -> Record:
    """Makes a document a record, or says something else about it. `seen` is `stamp_of` what the person saw, None where
    they saw nothing.

    Raises: NotFoundError, EmergencyReadsOnlyError, EngagementSealedError, InvalidInputError; ConflictError when
    somebody described it since.
    """
    return describe(uow, document_id, facts, seen=seen)


@use_case(Permission.RECORDS_ACCEPT)
def accept_record(actor: Actor, uow: UnitOfWork, *, document_id: str, seen_state: str = "") -> Record:
    """Accepts a record 接收. `seen_state` is the state that the person saw, where they saw one.

    Raises: NotFoundError, EmergencyReadsOnlyError, EngagementSealedError, NotDescribedError, RecordIncompleteError;
    ConflictError when it is not as it was seen.
    """
    return accept(uow, document_id, seen_state=seen_state)


@use_case(Permission.RECORDS_ACCEPT)
def return_record(actor: Actor, uow: UnitOfWork, *, document_id: str, reason: str, seen_state: str = "") -> Record:
    """Returns a record 退回 with a reason, to whoever described it or brought it. Raises: as `accept_record`, and
    InvalidInputError without a reason."""
    return give_back(uow, document_id, reason, seen_state=seen_state)


def describe(uow: UnitOfWork, document_id: str, facts: Facts, *, seen: str | None = None) -> Record:
    """The step of `describe_record`."""
    document = lock_for_change(uow, document_id)
    facts = tidied(facts, uow.archive.today())
    before = recording.record_of(uow, document_id)
    known = described(before)
    if seen is not None and seen != stamp_of(known):
        raise ConflictError
    state = _state_after(uow, document_id, known)
    old = facts_of(known) if known else Facts()
    record = before or recording.new_record(uow, document_id)
    write_facts(record, facts)
    record.described_by, record.described_at = uow.actor.name, uow.now
    if known is None:
        record.reason = ""
    uow.session.add(record)
    if state == "accepted" and recording.missing_fields(record):
        state = "delivered"
        record.decided_by = record.decided_at = None
    _settle(uow, document, record, state)
    said = facts.as_mapping().items()
    words = {name: _plain(value) for name, value in said if value != getattr(old, name)}
    words |= {"title": document.title, "type": facts.type, "type_before": old.type, "state": state}
    uow.record(RECORD_DESCRIBED, subjects_in(uow, document), **words)
    return record


def accept(uow: UnitOfWork, document_id: str, *, seen_state: str = "") -> Record:
    """The step of `accept_record`."""
    document = lock_for_change(uow, document_id)
    record = required_record(uow, document_id)
    _check_seen(record, seen_state, ACCEPTABLE)
    recording.accept(uow, record)
    for kind in (TO_ACCEPT, TO_MEND):
        close_tasks(uow, kind, subject_id=document_id)
    uow.record(RECORD_ACCEPTED, subjects_in(uow, document), title=document.title, type=record.type)
    return record


def give_back(uow: UnitOfWork, document_id: str, reason: str, *, seen_state: str = "") -> Record:
    """The step of `return_record`."""
    reason = one_line(" ".join(reason.split()), field=N_("Reason"), limit=1000)
    document = lock_for_change(uow, document_id)
    record = required_record(uow, document_id)
    _check_seen(record, seen_state, RETURNABLE)
    recording.give_back(uow, record, reason)
    close_tasks(uow, TO_ACCEPT, subject_id=document_id)
    if record.described_by != uow.actor.name and ":" not in record.described_by:
        _open(uow, document, TO_MEND, Addressee(person_id=record.described_by))
    uow.record(RECORD_RETURNED, subjects_in(uow, document), title=document.title, type=record.type, reason=reason)
    return record


@recording.after_decision
def close_what_waited(uow: UnitOfWork, record: Record) -> None:
    """A step: wherever a record was decided, nobody is asked to decide it any more."""
    close_tasks(uow, TO_ACCEPT, subject_id=record.document_id)


def lock_for_change(uow: UnitOfWork, document_id: str) -> Document:
    """The step that lets somebody change what is said about a document, others waiting until it is done.

    Raises: NotFoundError, EmergencyReadsOnlyError, EngagementSealedError.
    """
    require_change(uow, document_id)
    document = uow.session.get_one(Document, document_id)
    uow.require(WORK, document.engagement_id)
    lock_engagement(uow.session, document.engagement_id)
    # Under the lock once more: it may have been taken back, or raised, while this waited.
    require_change(uow, document_id)
    return document


def described(record: Record | None) -> Record | None:
    """The record, unless it is a proposal that nobody confirmed."""
    return None if record is None or record.state == "proposed" else record


def stamp_of(record: Record | None) -> str:
    """What tells one description of a document from another; empty where there is none."""
    return record.described_at.isoformat() if record else ""


def required_record(uow: UnitOfWork, document_id: str) -> Record:
    """The record that a document is. Raises: NotDescribedError."""
    record = described(recording.record_of(uow, document_id))
    if record is None:
        raise NotDescribedError
    return record


def _state_after(uow: UnitOfWork, document_id: str, known: Record | None) -> str:
    """What a record is once it is described: what waits for somebody's acceptance still does, and what was returned
    to the team waits again."""
    brought = current_version(uow.session, document_id).filed_by.startswith(_FROM_OUTSIDE)
    if known is None:
        return "delivered" if brought else "accepted"
    if known.state == "returned":
        return "returned" if brought else "delivered"
    if known.state == "delivered" and not brought and known.decided_at is None and recording.missing_fields(known):
        # The team's own, which only waited for its description to be complete.
        return "accepted"
    return known.state


def _settle(uow: UnitOfWork, document: Document, record: Record, state: str) -> None:
    close_tasks(uow, TO_MEND, subject_id=document.id)
    if state == "accepted":
        if record.state != "accepted":
            recording.accept(uow, record)
        close_tasks(uow, TO_ACCEPT, subject_id=document.id)
        return
    record.state = state
    uow.session.flush()
    if state == "delivered":
        _open(uow, document, TO_ACCEPT, Addressee(part="leader"))


def _open(uow: UnitOfWork, document: Document, kind: TaskKind, to: Addressee) -> None:
    engagement = uow.session.get_one(Engagement, document.engagement_id)
    open_task(
        uow,
        kind,
        to=to,
        subject_id=document.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=engagement.number,
    )


def _check_seen(record: Record, seen_state: str, allowed: frozenset[str]) -> None:
    if record.state not in allowed or (seen_state and seen_state != record.state):
        raise ConflictError


def subjects_in(uow: UnitOfWork, document: Document) -> dict[str, str]:
    """What an event about a record is about."""
    return subjects_of(uow.session, document.engagement_id, document=document.id)


def _plain(value: object) -> object:
    return ",".join(value) if isinstance(value, tuple) else str(value) if value else ""


def _renditions(uow: UnitOfWork, record: Record) -> list[tuple[Document, Record]]:
    main = record.rendition_of or record.document_id
    found = uow.session.execute(
        select(Document, Record)
        .join(Record, Record.document_id == Document.id)
        .where(or_(Record.document_id == main, Record.rendition_of == main), uow.visible("document"))
        .order_by(Document.id)
    )
    rows = sorted(((row[0], row[1]) for row in found), key=lambda row: row[0].id != main)
    return rows if len(rows) > 1 else []


def _seal_uses(uow: UnitOfWork, document_id: str) -> list[tuple[SealUse, Document]]:
    found = uow.session.execute(
        select(SealUse, Document)
        .join(Document, Document.id == SealUse.document_id)
        .where(SealUse.document_id == document_id, uow.visible("document"))
        .order_by(SealUse.id.desc())
        .limit(200)
    )
    return [(row[0], row[1]) for row in found]
