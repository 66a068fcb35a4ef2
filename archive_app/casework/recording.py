"""Steps by which a document becomes a record, and is accepted as one or returned.

They check no permission and record no event: whoever calls them did the one and does the other, holding the engagement
locked. What follows elsewhere from a decision registers with `after_decision`.
"""

from collections.abc import Callable
from datetime import date
from typing import Protocol

from archive_app.casework.models import Record
from archive_app.documents.models import Document
from archive_app.engagements.record_types import all_record_types
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

STATES = {
    "proposed": N_("Proposed by the archive"),
    "delivered": N_("Delivered"),
    "accepted": N_("Accepted"),
    "returned": N_("Returned"),
}
"""What a record may be: proposed by the archive and confirmed by nobody, or one of the three that people decide."""
ACTIVITY_DATA_FIELDS = {
    "source": N_("Source of the data"),
    "unit": N_("Unit"),
    "monitoring_frequency": N_("Monitoring frequency"),
    "department": N_("Responsible department"),
    "cross_check": N_("Cross-check"),
}
"""What activity data are described by besides (S4 6.2.4), without which they are not accepted."""
_NO_WORDS = (
    "shows",
    "methods",
    "facet",
    "originator",
    *ACTIVITY_DATA_FIELDS,
    "authenticity",
    "authenticity_reason",
    "paper_place",
    "rendition",
    "reason",
)
_AFTER_DECISION: list[Callable[[UnitOfWork, Record], None]] = []


class RecordIncompleteError(ArchiveError):
    """Activity data lack what the method asks for."""

    code = "record_incomplete"
    message = N_(
        "%(title)s is activity data, and was not accepted: source, unit, monitoring frequency, responsible department "
        "and cross-check are needed first. Describe the record, then accept it."
    )


def record_of(uow: UnitOfWork, document_id: str) -> Record | None:
    """The step that finds what a document is as a record; a proposal counts, and says so in its state."""
    return uow.session.get(Record, document_id)


def record_as(
    uow: UnitOfWork,
    document_id: str,
    *,
    type: str,  # noqa: A002  # it is called so everywhere
    state: str,
    originator: str = "",
    evidence_on: date | None = None,
    shows: str = "",
) -> Record:
    """The step that makes a document a record, or changes it; what is not said stays as it was.

    Raises: InvalidInputError for an unknown type or state; RecordIncompleteError for accepting activity data that are
    not described as such; NotFoundError of the session where there is no such document.
    """
    if type not in all_record_types():
        raise InvalidInputError(field=N_("Type of record"), reason=N_("Choose one from the list."))
    if state not in STATES:
        raise InvalidInputError(field=N_("State"), reason=N_("Choose one from the list."))
    record = uow.session.get(Record, document_id)
    if record is None:
        record = new_record(uow, document_id)
        uow.session.add(record)
    record.type = type
    record.originator = originator[:200] or record.originator
    record.evidence_on = evidence_on or record.evidence_on
    record.shows = shows[:500] or record.shows
    record.described_by, record.described_at = uow.actor.name, uow.now
    if state == "accepted":
        accept(uow, record)
    else:
        record.state = state
        record.decided_by = record.decided_at = None
        uow.session.flush()
    return record


def new_record(uow: UnitOfWork, document_id: str) -> Record:
    """A record of a document of which nothing is said yet."""
    document = uow.session.get_one(Document, document_id)
    return Record(
        document_id=document_id,
        engagement_id=document.engagement_id,
        type="other",
        state="proposed",
        described_by=uow.actor.name,
        described_at=uow.now,
        **dict.fromkeys(_NO_WORDS, ""),
    )


def accept(uow: UnitOfWork, record: Record) -> None:
    """The step that accepts a record 接收. Raises: RecordIncompleteError."""
    if missing_fields(record):
        title = uow.session.get_one(Document, record.document_id).title
        raise RecordIncompleteError(title=title)
    _decide(uow, record, "accepted", "")


def give_back(uow: UnitOfWork, record: Record, reason: str) -> None:
    """The step that returns a record 退回 to whoever brought it, with the reason."""
    _decide(uow, record, "returned", reason)


class Described(Protocol):
    """A record, or what is to be said about one."""

    @property
    def type(self) -> str:
        """The code of the record type."""


def missing_fields(record: Described) -> list[str]:
    """The fields without which the record is not accepted: some of `ACTIVITY_DATA_FIELDS`, of activity data only."""
    known = all_record_types().get(record.type)
    if known is None or not known.activity_data:
        return []
    return [field for field in ACTIVITY_DATA_FIELDS if not getattr(record, field)]


def after_decision(step: Callable[[UnitOfWork, Record], None]) -> Callable[[UnitOfWork, Record], None]:
    """Registers a step that runs, in the same unit of work, after a record was accepted or returned: what the client
    was asked for follows what became of it. The step must do nothing where there is nothing left to do."""
    _AFTER_DECISION.append(step)
    return step


def _decide(uow: UnitOfWork, record: Record, state: str, reason: str) -> None:
    record.state, record.reason = state, reason
    record.decided_by, record.decided_at = uow.actor.name, uow.now
    uow.session.flush()
    for step in _AFTER_DECISION:
        step(uow, record)
