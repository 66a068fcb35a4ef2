"""Declaring impartiality, confidentiality and integrity before an engagement opens (S0 5.10, annex C).

The very words are filed as a record of the engagement: the text that somebody confirmed (系统确认), or the scan of the
sheet that they signed. A crash leaves an orphan blob at most: the record, the row and the opening are one transaction.
"""

import io
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select

from archive_app.casework.recording import record_as
from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.ingest import Entry, Stored, Stream, file_version, store
from archive_app.documents.names import original_name
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.independence import (
    ClientProvinceMissingError,
    NotIndependentError,
    lock_relations,
    require_independent,
)
from archive_app.engagements.interests import Facts, Recorded, record
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.policy import LEAD
from archive_app.engagements.teams import declared
from archive_app.filing.models import Declaration
from archive_app.filing.sheet import (
    CONFIRMED,
    SIGNED,
    Assigned,
    Sheet,
    entry_of,
    file_name,
    record_text,
    sheet_for,
    sheet_of_code,
)
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionMissingError,
)
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, require_confirmed, staged_use_case, use_case

DECLARATION_MADE = event_type("declaration.made", N_("Declaration made"))
SCANS = frozenset({"pdf", "ofd", "jpeg", "png", "tiff", "webp", "bmp", "gif"})
"""The kinds of files that a scanned sheet can be."""


class NotAScanError(ArchiveError):
    """What was brought as the scan of a sheet is none."""

    code = "not_a_scan"
    message = N_(
        "%(name)s is no picture and no PDF or OFD, so it is not the scan of a sheet. Nothing was filed; scan the "
        "signed sheet and bring it again."
    )


@dataclass(frozen=True)
class DeclarationPage:
    """What somebody reads before they declare. `refusal` says why they cannot; `fresh`, that they proved lately who
    they are; `document_id`, where their declaration is filed already."""

    assigned: Assigned
    sheet: Sheet
    refusal: NotIndependentError | ClientProvinceMissingError | None
    fresh: bool
    document_id: str | None


@dataclass(frozen=True)
class Made:
    """How a declaration ended; without a document for one that was made before records of it were kept here."""

    engagement_id: str
    document_id: str | None


@query(Permission.ENGAGEMENTS_READ)
def view_declaration(actor: Actor, uow: UnitOfWork, *, engagement_id: str, language: str) -> DeclarationPage:
    """The text that the actor is to declare for an engagement that they are assigned to. Raises: NotFoundError."""
    assigned = _assigned(uow, engagement_id, actor.person_id)
    try:
        require_confirmed(actor, uow.archive)
        fresh = True
    except ConfirmationRequiredError:
        fresh = False
    made = _made(uow, assigned)
    refusal = None if made else _refusal(uow, assigned)
    return DeclarationPage(
        assigned, sheet_for(uow, assigned, language), refusal, fresh, made.document_id if made else None
    )


@query(Permission.TEAM_MANAGE)
def view_scan(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str) -> Assigned:
    """Whose signed sheet is brought by somebody else: the leader or the archivist. Raises: NotFoundError."""
    uow.require(LEAD, engagement_id)
    return _assigned(uow, engagement_id, person_id)


@query(Permission.ENGAGEMENTS_READ)
def view_record(actor: Actor, uow: UnitOfWork, *, engagement_id: str, person_id: str) -> str:
    """The document that somebody's latest declaration for an engagement is filed as. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    latest = (
        select(Declaration.document_id)
        .where(Declaration.engagement_id == engagement_id, Declaration.person_id == person_id)
        .where(uow.visible("declaration"))
        .order_by(Declaration.id.desc())
        .limit(1)
    )
    document_id = uow.session.scalar(latest)
    if document_id is None:
        raise NotFoundError
    return document_id


@use_case(Permission.ENGAGEMENTS_READ)
def state_relation(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    kind: str,
    began_on: date,
    ended_on: date | None = None,
    note: str = "",
) -> Recorded:
    """Records that the actor has, or had, a relation with the client of an engagement that waits for their declaration.

    As long as it counts they cannot declare, and the team page says why. Raises: NotFoundError, InvalidInputError.
    """
    assigned = _assigned(uow, engagement_id, actor.person_id)
    facts = Facts(kind, began_on, ended_on, party_name=assigned.client.name, note=note)
    return record(uow, assigned.person, facts, assigned.client)


@staged_use_case(Permission.ENGAGEMENTS_READ, confirmed=True)
def declare(
    actor: Actor,
    archive: Archive,
    *,
    engagement_id: str,
    language: str,
    version: str,
    text_sha256: str,
    no_relation: bool,
) -> Made:
    """Declares the text that was shown, as a system confirmation 系统确认 by somebody who just proved who they are.

    `version`, `language` and the digest (hexadecimal) are of what was read: where that is not what counts now, nothing
    is declared. Once declared, a further try changes nothing and gives the same record.

    Raises: NotFoundError, ConfirmationRequiredError, ConflictError, InvalidInputError when the relation with the client
    is not denied, NotIndependentError.
    """
    if not no_relation:
        raise InvalidInputError(
            field=N_("Relation with this client"), reason=N_("Answer this, or nobody knows whether you may declare.")
        )
    with archive.reading(actor) as uow:
        assigned = _assigned(uow, engagement_id, actor.person_id)
        if made := _made(uow, assigned):
            return made
        sheet = sheet_for(uow, assigned, language)
        if (sheet.version, sheet.wording.digest().hex()) != (version, text_sha256):
            raise ConflictError
    moment = archive.clock.now()
    words = record_text(assigned, sheet, moment.astimezone(archive.rules.zone))
    entry = entry_of(assigned, sheet, file_name(assigned, sheet, ".txt"))
    stored = store(archive, io.BytesIO(words.encode()), entry.name)
    return _file(actor, archive, assigned, sheet, _Record(CONFIRMED, stored, entry, moment))


@staged_use_case(Permission.ENGAGEMENTS_READ)
def bring_signed(
    actor: Actor,
    archive: Archive,
    *,
    engagement_id: str,
    person_id: str,
    code: str,
    name: str,
    stream: Stream,
    claimed_media_type: str = "",
) -> Made:
    """Files the scan of a sheet that somebody printed and signed: their own, or as leader or archivist a colleague's.

    The `code` on the sheet says which version and language were signed. Whoever brings it is recorded.

    Raises: NotFoundError, PermissionMissingError, SheetUnknownError, NotAScanError, NotIndependentError, and as
    `add_document` raises about the file.
    """
    with archive.reading(actor) as uow:
        _require_bringing(uow, engagement_id, person_id)
        assigned = _assigned(uow, engagement_id, person_id)
        if made := _made(uow, assigned):
            return made
        sheet = sheet_of_code(uow, assigned, code)
    original_name(name)
    entry = replace(entry_of(assigned, sheet, name), claimed_media_type=claimed_media_type)
    try:
        stored = store(archive, stream, name)
    except OSError as error:
        raise TransferInterruptedError(received="?", expected="?") from error
    if stored.kind.code not in SCANS:
        raise NotAScanError(name=original_name(name))
    return _file(actor, archive, assigned, sheet, _Record(SIGNED, stored, entry, archive.clock.now()))


@dataclass(frozen=True)
class _Record:
    """What is filed of a declaration, and when it was made."""

    way: str
    stored: Stored
    entry: Entry
    moment: datetime


def _file(actor: Actor, archive: Archive, was: Assigned, sheet: Sheet, made: _Record) -> Made:
    """The one transaction: the record filed, the declaration kept, the engagement opened, or nothing at all."""
    engagement_id, person_id = was.engagement.id, was.person.id
    with archive.transaction(actor) as uow:
        # In the order in which every filing locks, so that two of them never wait for each other.
        engagement = lock_engagement(uow.session, engagement_id)
        _require_bringing(uow, engagement_id, person_id)
        assigned = _assigned(uow, engagement_id, person_id)
        if before := _made(uow, assigned):
            # Another tab was faster; the bytes stay behind as an orphan.
            return before
        if (assigned.facts(), assigned.assignment.assigned_at) != (was.facts(), was.assignment.assigned_at):
            raise ConflictError
        lock_relations(uow, engagement.organisation_id)
        require_independent(uow, assigned.client, assigned.person, activity=engagement.activity)
        filed = file_version(uow, engagement_id, None, made.stored, made.entry)
        if filed.document_id is None:
            raise ConflictError
        # The day that a signed sheet bears is on the paper: whoever describes the record says it.
        day = made.moment.astimezone(archive.rules.zone).date() if made.way == CONFIRMED else None
        name = assigned.person.display_name
        record_as(uow, filed.document_id, type="declaration", state="accepted", originator=name, evidence_on=day)
        row = Declaration(
            id=uow.new_id(),
            engagement_id=engagement_id,
            person_id=person_id,
            document_id=filed.document_id,
            version=sheet.version,
            language=sheet.language,
            text_sha256=sheet.wording.digest(),
            way=made.way,
            recorded_by=actor.name,
            declared_at=made.moment,
        )
        uow.session.add(row)
        declared(uow, engagement_id, person_id)
        subjects = {"engagement": engagement_id, "organisation": engagement.organisation_id, "person": person_id}
        uow.record(
            DECLARATION_MADE,
            {**subjects, "document": filed.document_id, "declaration": row.id},
            name=name,
            text_version=sheet.version,
            way=made.way,
            text_sha256=sheet.wording.digest().hex(),
        )
        return Made(engagement_id, filed.document_id)


def _assigned(uow: UnitOfWork, engagement_id: str, person_id: str | None) -> Assigned:
    """Somebody's living assignment. Raises: NotFoundError; to the log it is a denial where the engagement exists."""
    row = uow.session.execute(
        select(Engagement, Client, Person, Organisation, Assignment)
        .join(Client, Client.id == Engagement.client_id)
        .join(Organisation, Organisation.id == Engagement.organisation_id)
        .join(Assignment, Assignment.engagement_id == Engagement.id)
        .join(Person, Person.id == Assignment.person_id)
        .where(Engagement.id == engagement_id, Assignment.person_id == person_id, Assignment.ended_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        if uow.archive.policy.exists(uow.session, "engagement", engagement_id):
            raise DeniedError("engagement", engagement_id)
        raise NotFoundError
    return Assigned(*row)


def _require_bringing(uow: UnitOfWork, engagement_id: str, person_id: str) -> None:
    if person_id == uow.actor.person_id:
        return
    uow.require(LEAD, engagement_id)
    if not uow.actor.may(Permission.TEAM_MANAGE):
        raise PermissionMissingError(permission=Permission.TEAM_MANAGE)


def _made(uow: UnitOfWork, assigned: Assigned) -> Made | None:
    """The declaration that opened this assignment; None while it is awaited."""
    if assigned.assignment.declared_at is None:
        return None
    latest = select(Declaration.document_id).where(
        Declaration.engagement_id == assigned.engagement.id, Declaration.person_id == assigned.person.id
    )
    return Made(assigned.engagement.id, uow.session.scalar(latest.order_by(Declaration.id.desc()).limit(1)))


def _refusal(uow: UnitOfWork, assigned: Assigned) -> NotIndependentError | ClientProvinceMissingError | None:
    try:
        require_independent(uow, assigned.client, assigned.person, activity=assigned.engagement.activity)
    except (NotIndependentError, ClientProvinceMissingError) as error:
        return error
    return None
