"""Late additions: what belongs to a sealed file and came after the seal. Shown as late for ever, with the reason, and
sealed in a supplementary manifest by somebody else than who brought it. What is accepted is checked first.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from archive_app.casework.recording import ACTIVITY_DATA_FIELDS, RecordIncompleteError, missing_fields, record_as
from archive_app.casework.recording import accept as accept_record
from archive_app.casework.records.facts import Facts, tidied, write_facts
from archive_app.documents.ingest import Entry, Stream, file_version, require_level, store
from archive_app.documents.models import Version
from archive_app.documents.names import original_name
from archive_app.documents.withdrawing import withdraw
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD
from archive_app.filing.examining import examine_bytes, versions_of
from archive_app.filing.findings import Finding
from archive_app.filing.models import CaseFile, CaseItem, Seal
from archive_app.filing.numbering import NumberRuleMissingError, rule_of
from archive_app.filing.placing import append, items_in, reason_given, settle_positions, take_out
from archive_app.filing.sealing import SUPPLEMENT, Sealed, Sealer, put_seal
from archive_app.filing.submitting import renumber
from archive_app.filing.waiting import ACCEPT_LATE, no_longer, wait_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import ACCEPTED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_, translate
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case
from archive_app.kernel.words import one_line

LATE_ADDED = event_type("case_file.late_added", N_("Late addition brought"))
LATE_REFUSED = event_type("case_file.late_refused", N_("Late addition refused"))


class NotSealedError(ArchiveError):
    """The file is not sealed, so nothing about it is late and nothing is to be reopened."""

    code = "not_sealed"
    message = N_("The file of %(number)s is not sealed. Nothing was changed; what is missing is filed as usual.")


class LateFaultyError(ArchiveError):
    """The checks found something wrong with what was added."""

    code = "late_faulty"
    message = N_("%(title)s cannot be accepted: %(finding)s Nothing was sealed; refuse it, and have it brought again.")

    def __init__(self, title: str, finding: Finding) -> None:
        super().__init__(title=title, finding=finding.text("en"))
        self._title, self._finding = title, finding

    def text(self, language: str) -> str:
        """What is wrong, in `language`."""
        return translate(language, self.message, title=self._title, finding=self._finding.text(language))


@staged_use_case(Permission.CASE_FILES_SUBMIT)
def add_late(
    actor: Actor,
    archive: Archive,
    *,
    case_file_id: str,
    stream: Stream,
    entry: Entry,
    record_type: str,
    reason: str,
    evidence_on: str,
    described: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Brings a document for a sealed case file, with the reason why it is late; gives its id. It waits for the
    archivist. `evidence_on` is a day such as 2026-03-31; it and the originator of `entry` are what DA/T 97 asks for.
    `described` says of activity data what they need besides (`ACTIVITY_DATA_FIELDS`), because nothing in a sealed file
    is described afterwards.

    Raises: NotFoundError, InvalidInputError, NotSealedError, LevelAboveOwnError, RecordIncompleteError, and as
    `add_document` raises about the file.
    """
    why, day = reason_given(reason), _day(evidence_on)
    besides: dict[str, Any] = {name: described.get(name, "") for name in ACTIVITY_DATA_FIELDS}
    facts = tidied(Facts(record_type, originator=entry.originator, evidence_on=day, **besides), archive.today())
    if missing_fields(facts):
        raise RecordIncompleteError(title=entry.title or entry.name)
    one_line(entry.originator, field=N_("Originator"), limit=200)
    with archive.reading(actor) as uow:
        _require_sealed(uow, uow.session.get_one(Engagement, _engagement_id(uow, case_file_id)))
        require_level(uow, _engagement_id(uow, case_file_id), entry.level)
    original_name(entry.name)
    stored = store(archive, stream, entry.name, lambda _size: None)
    with archive.transaction(actor) as uow:
        engagement = lock_engagement(uow.session, _engagement_id(uow, case_file_id), sealed_too=True)
        _require_sealed(uow, engagement)
        filed = file_version(uow, engagement.id, None, stored, entry)
        if filed.document_id is None:
            raise ConflictError
        record = record_as(uow, filed.document_id, type=record_type, state="delivered")
        write_facts(record, facts)
        accept_record(uow, record)
        target = uow.session.get_one(CaseFile, case_file_id)
        append(uow, target, [(filed.document_id, None)], late_reason=why)
        _number(uow, target)
        wait_for(uow, ACCEPT_LATE, engagement)
        subjects = {"engagement": engagement.id, "organisation": engagement.organisation_id, "case_file": case_file_id}
        uow.record(LATE_ADDED, {**subjects, "document": filed.document_id}, name=entry.name, reason=why)
        return filed.document_id


@staged_use_case(Permission.CASE_FILES_ACCEPT, confirmed=True)
def accept_late(actor: Actor, archive: Archive, *, engagement_id: str, items: Collection[str] | None = None) -> Sealed:
    """Accepts all late additions that wait, after checking them, and seals them in a supplementary manifest. Nobody
    accepts what they brought themselves. `items` are those that the archivist saw, where they saw a list: no other is
    accepted with them.

    Raises: NotFoundError, ConfirmationRequiredError, DutiesNotSeparateError, NotSealedError, ConflictError where none
    waits or another came in meanwhile, LateFaultyError.
    """
    checked = _check_bytes(actor, archive, engagement_id)

    def ready(uow: UnitOfWork, engagement: Engagement) -> str:
        uow.require(LEAD, engagement.id)
        _require_sealed(uow, engagement)
        waiting = late_items(uow, engagement.id)
        if not waiting:
            raise ConflictError
        ACCEPTED_BY_ANOTHER.require_apart(uow.actor.name, {item.added_by for item in waiting})
        if items is not None and {item.id for item in waiting} != set(items):
            raise ConflictError
        if not checked.issuperset(_added_versions(uow, engagement.id)):
            # Somebody brought more while these were checked: it is looked at first, by the archivist too.
            raise ConflictError
        return SUPPLEMENT

    def settle(uow: UnitOfWork, engagement: Engagement, _seal: Seal) -> None:
        no_longer(uow, engagement, ACCEPT_LATE)

    return put_seal(Sealer(actor, archive), engagement_id, ready, settle)


@use_case(Permission.CASE_FILES_ACCEPT)
def refuse_late(actor: Actor, uow: UnitOfWork, *, item_id: str, reason: str) -> None:
    """Refuses a late addition that waits: it is taken back, out of everybody's sight, and stays in the log.

    Raises: NotFoundError, InvalidInputError, NotSealedError, ItemSealedError when it was accepted already.
    """
    item = uow.session.get(CaseItem, item_id)
    if item is None:
        raise NotFoundError
    engagement_id = uow.session.get_one(CaseFile, item.case_file_id).engagement_id
    uow.require(LEAD, engagement_id)
    engagement = lock_engagement(uow.session, engagement_id, sealed_too=True)
    _require_sealed(uow, engagement)
    uow.session.refresh(item)
    why = reason_given(reason)
    document_id = item.document_id
    target = uow.session.get_one(CaseFile, item.case_file_id)
    take_out(uow, [item])
    _number(uow, target)
    withdraw(uow, document_id, reason=why)
    if not late_items(uow, engagement_id):
        no_longer(uow, engagement, ACCEPT_LATE, outcome="void")
    subjects = {"engagement": engagement_id, "organisation": engagement.organisation_id, "document": document_id}
    uow.record(LATE_REFUSED, subjects, reason=why)


def late_items(uow: UnitOfWork, engagement_id: str) -> Sequence[CaseItem]:
    """The step that lists what was added to the case files of a sealed engagement and is in no seal yet."""
    waiting = select(CaseItem).join(CaseFile, CaseFile.id == CaseItem.case_file_id)
    waiting = waiting.where(CaseFile.engagement_id == engagement_id, CaseItem.seal_id.is_(None))
    return uow.session.scalars(waiting.order_by(CaseFile.position, CaseItem.position)).all()


def _engagement_id(uow: UnitOfWork, case_file_id: str) -> str:
    """The engagement of a living case file that the actor may add to. Raises: NotFoundError."""
    uow.require("case_file", case_file_id)
    row = uow.session.get_one(CaseFile, case_file_id)
    uow.require(LEAD, row.engagement_id)
    if row.voided_at is not None:
        raise NotFoundError
    return row.engagement_id


def _number(uow: UnitOfWork, target: CaseFile) -> None:
    """What waits is numbered behind everything else; what a seal holds keeps its number."""
    rule = rule_of(uow, target.organisation_id)
    if rule is None:
        raise NumberRuleMissingError
    settle_positions(uow, items_in(uow, target.id))
    renumber(uow, target, rule.item_digits)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(field=N_("Date of the evidence"), reason=N_("This is not a day.")) from error


def _require_sealed(uow: UnitOfWork, engagement: Engagement) -> None:
    if engagement.sealed_at is None:
        raise NotSealedError(number=engagement.number)
    if not uow.archive.policy.allows(uow.session, uow.actor, LEAD, engagement.id):
        raise DeniedError("engagement", engagement.id)


def _added_versions(uow: UnitOfWork, engagement_id: str) -> Sequence[str]:
    return uow.session.scalars(select(Version.id).where(*versions_of(engagement_id, added_only=True))).all()


def _check_bytes(actor: Actor, archive: Archive, engagement_id: str) -> set[str]:
    """Outside of any transaction, like the checks of a submission; the ids of the versions that were checked."""
    with archive.reading(actor) as uow:
        uow.require(LEAD, engagement_id)
        clauses = versions_of(engagement_id, added_only=True)
        versions = uow.session.scalars(select(Version).where(*clauses).order_by(Version.id)).all()
    for version in versions:
        grave = [finding for finding in examine_bytes(archive, version) if finding.grave]
        if grave:
            raise LateFaultyError(version.name, grave[0])
    return {version.id for version in versions}
