"""A time of a duty is settled: done, with the records that show it, or not needed; or taken back."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete

from archive_app.documents.control import DRAFT
from archive_app.documents.models import Document
from archive_app.engagements.record_types import all_record_types, record_type_name
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.recurring.models import Occurrence, OccurrenceRecord, OwnDuty
from archive_app.management.recurring.rules import (
    FINISHED,
    NOT_NEEDED,
    OPEN,
    DutyEndedError,
    close_all_tasks,
    falls_due,
    keep_tasks,
    lock_occurrence,
    require_responsible,
    require_state,
    rule_day,
    site_of,
    subjects_of,
)

DUTY_DONE = event_type("duty.done", N_("Recurring duty done"))
DUTY_NOT_NEEDED = event_type("duty.not_needed", N_("Recurring duty not needed this time"))
DUTY_TAKEN_BACK = event_type("duty.taken_back", N_("Settling of a recurring duty taken back"))
MOST_RECORDS = 50
REMARK_LIMIT = 1000
_DOCUMENTS = N_("Records")


class RecordsMissingError(ArchiveError):
    """A duty is done with the records that it asks for, or says why it was done with others."""

    code = "duty_records_missing"
    message = N_(
        "There is no record of this type yet: %(name)s. Nothing was settled; choose a document for it, or write why "
        "another shows it."
    )


@dataclass(frozen=True)
class Shows:
    """A document that shows that a duty was done, and the type of record that it stands for."""

    document_id: str
    type: str


@use_case(Permission.DUTIES_DO)
def settle_done(
    actor: Actor, uow: UnitOfWork, *, occurrence_id: str, records: Sequence[Shows], remark: str = ""
) -> Occurrence:
    """It was done, and the documents show it: one of each type that the duty asks for, or a remark that says why not.

    Raises: NotFoundError, also for a document that the actor does not see; NotResponsibleError, OccurrenceStateError,
    InvalidInputError, RecordsMissingError.
    """
    duty, found = lock_occurrence(uow, occurrence_id)
    require_responsible(uow, found)
    require_state(found, duty, OPEN)
    said = some_lines(remark, field=N_("Remark"), limit=REMARK_LIMIT, required=False)
    shown = _checked(uow, records)
    missing = [code for code in duty.records.split() if code not in shown.values()]
    if missing and not said:
        name = record_type_name(missing[0])
        raise RecordsMissingError(name={"zh": name.zh, "en": name.en})
    uow.session.execute(delete(OccurrenceRecord).where(OccurrenceRecord.occurrence_id == found.id))
    for document_id, record_type in shown.items():
        uow.session.add(
            OccurrenceRecord(
                occurrence_id=found.id,
                document_id=document_id,
                type=record_type,
                added_by=actor.name,
                added_at=uow.now,
            )
        )
    _settle(uow, found, FINISHED, said)
    late = uow.archive.today() > found.due_on
    uow.record(DUTY_DONE, subjects_of(duty, found), due_on=found.due_on.isoformat(), records=len(shown), late=late)
    return found


@use_case(Permission.DUTIES_MANAGE, confirmed=True)
def settle_not_needed(actor: Actor, uow: UnitOfWork, *, occurrence_id: str, reason: str) -> Occurrence:
    """It is not needed this time, for a reason. Raises: NotFoundError, OccurrenceStateError, InvalidInputError."""
    duty, found = lock_occurrence(uow, occurrence_id)
    require_state(found, duty, OPEN)
    why = some_lines(reason, field=N_("Reason"), limit=REMARK_LIMIT)
    _settle(uow, found, NOT_NEEDED, why)
    uow.record(DUTY_NOT_NEEDED, subjects_of(duty, found), due_on=found.due_on.isoformat(), reason=why)
    return found


@use_case(Permission.DUTIES_DO)
def take_back(actor: Actor, uow: UnitOfWork, *, occurrence_id: str, reason: str) -> Occurrence:
    """It was settled wrongly and is open again; its documents stay beside it until it is settled anew. What was not
    needed is taken back by those who manage the duties.

    Raises: NotFoundError, NotResponsibleError, OccurrenceStateError, InvalidInputError; DutyEndedError where it would
    not fall due any more.
    """
    duty, found = lock_occurrence(uow, occurrence_id)
    require_responsible(uow, found)
    require_state(found, duty, FINISHED, NOT_NEEDED)
    if found.state == NOT_NEEDED and not actor.may(Permission.DUTIES_MANAGE):
        require_state(found, duty, FINISHED)
    why = some_lines(reason, field=N_("Reason"), limit=REMARK_LIMIT)
    _require_still_due(uow, duty, found)
    found.state, found.remark, found.settled_by, found.settled_at = OPEN, "", None, None
    found.owner_id = duty.owner_id
    uow.session.flush()
    keep_tasks(uow, found)
    uow.record(DUTY_TAKEN_BACK, subjects_of(duty, found), due_on=found.due_on.isoformat(), reason=why)
    return found


def _settle(uow: UnitOfWork, found: Occurrence, state: str, remark: str) -> None:
    found.state, found.remark = state, remark
    found.settled_by, found.settled_at = uow.actor.name, uow.now
    close_all_tasks(uow, found.id)


def _require_still_due(uow: UnitOfWork, duty: OwnDuty, found: Occurrence) -> None:
    site = site_of(uow, duty)
    if not falls_due(duty, site, rule_day(found)):
        day = duty.ended_on or (site and site.closed_on) or uow.archive.today()
        raise DutyEndedError(title=duty.title, day=day.isoformat())


def _checked(uow: UnitOfWork, records: Sequence[Shows]) -> dict[str, str]:
    """The type of record by document, each document that the actor sees and that is no draft."""
    if len(records) > MOST_RECORDS:
        raise InvalidInputError(field=_DOCUMENTS, reason=N_("These are too many."))
    shown: dict[str, str] = {}
    for record in records:
        if record.type not in all_record_types():
            raise InvalidInputError(field=_DOCUMENTS, reason=N_("Choose one from the list."))
        uow.require("document", record.document_id)
        if uow.session.get_one(Document, record.document_id).control == DRAFT:
            raise InvalidInputError(field=_DOCUMENTS, reason=N_("A draft shows nothing yet; issue it first."))
        shown.setdefault(record.document_id, record.type)
    return shown
