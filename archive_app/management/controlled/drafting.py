"""Use cases of an edition in the hands of its author: its files, beginning the next one, and giving it up or away.

Every file that an edition had stays, each as a document of its own in the organisation's library; the newest is what
people decide about. While they do, it does not change.
"""

from collections.abc import Callable

from sqlalchemy import func, select, update

from archive_app.documents.control import DRAFT
from archive_app.documents.ingest import Entry, Stored, Stream, file_version, store
from archive_app.documents.names import original_name
from archive_app.engagements.libraries import library_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.duties import APPROVER_NOT_THE_AUTHOR
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case
from archive_app.kernel.words import one_line, some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.controlled.issuing import settle_effect
from archive_app.management.controlled.kinds import (
    ABANDONED,
    AGREED,
    APPROVAL,
    APPROVED,
    IN_APPROVAL,
    IN_REVIEW,
    VOID,
    WAITING,
)
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.controlled.registering import FIRST_LABEL, LABEL_LIMIT, new_edition, next_label
from archive_app.management.controlled.rules import (
    lock_controlled,
    lock_edition,
    require_charge,
    require_member,
    require_revisable,
    require_state,
    subjects,
)
from archive_app.management.controlled.waiting import close_all_tasks, follow_edition

FILE_ADDED = event_type("controlled.file_added", N_("File of an edition added"))
REVISION_BEGUN = event_type("controlled.revision_begun", N_("Revision of a controlled document begun"))
TAKEN_BACK = event_type("controlled.taken_back", N_("Edition taken back to draft"))
ABANDONED_EVENT = event_type("controlled.abandoned", N_("Edition abandoned"))
HANDED_OVER = event_type("controlled.handed_over", N_("Edition handed over"))
NOTE_LIMIT, REASON_LIMIT = 2000, 1000
BEFORE_ISSUE = (DRAFT, IN_REVIEW, IN_APPROVAL, APPROVED)
_TAKE_IT_BACK = N_("Take it back to draft first, or begin the next edition.")
_TOO_LATE = N_("Begin the next edition instead.")


def _accept(_size_bytes: int) -> None:
    """Every complete stream is acceptable."""


@staged_use_case(Permission.CONTROLLED_WRITE)
def add_file(
    actor: Actor,
    archive: Archive,
    *,
    edition_id: str,
    stream: Stream,
    name: str,
    claimed_media_type: str = "",
    confirm: Callable[[int], None] = _accept,
) -> EditionFile:
    """Gives a draft its file, or a newer one; those before it stay. Asked before the first byte is taken and again
    inside the transaction; `confirm` as of `documents.ingest.add_document`.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError; NameMissingError and its kin, EmptyFileError,
    TooLargeError, StorageFullError, StorageUnavailableError, and whatever `stream` and `confirm` raise.
    """
    with archive.reading(actor) as uow:
        require_member(uow)
        uow.require("edition", edition_id)
        _require_draft_in_hand(uow, uow.session.get_one(Edition, edition_id))
    original_name(name)
    stored = store(archive, stream, name, confirm)
    with archive.transaction(actor) as uow:
        controlled, edition = lock_edition(uow, edition_id)
        _require_draft_in_hand(uow, edition)
        row = _file(uow, controlled, edition, stored, Entry(name=name, claimed_media_type=claimed_media_type))
        settle(uow, row)
    return row


@use_case(Permission.CONTROLLED_WRITE)
def revise(actor: Actor, uow: UnitOfWork, *, controlled_id: str, change_note: str, label: str = "") -> Edition:
    """Opens the next edition, from the one in force, as a draft of whoever revises; the one in force stays in force.

    Without `label` it is called what usually comes next. Of a document whose first edition was abandoned, it is begun
    anew.

    Raises: NotFoundError, InvalidInputError, ControlledWithdrawnError, KeptAsItIsError, RevisionOnTheWayError.
    """
    require_member(uow)
    controlled = lock_controlled(uow, controlled_id)
    # An edition whose day has come is the one to revise, whether or not the worker wrote that down yet.
    settle_effect(uow, controlled)
    require_revisable(uow, controlled)
    base = uow.session.get(Edition, controlled.in_force_id) if controlled.in_force_id else None
    note = some_lines(change_note, field=N_("What changes"), limit=NOTE_LIMIT, required=base is not None)
    edition = new_edition(uow, controlled, label=_label(uow, controlled, base, label), change_note=note, base=base)
    uow.record(REVISION_BEGUN, subjects(controlled, edition), number=controlled.number, label=edition.label)
    return edition


@use_case(Permission.CONTROLLED_WRITE)
def take_back(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Edition:
    """Takes an edition back to draft that people decide about or have approved, and that was not issued: what they were
    asked is void, what they said stays on file.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError.
    """
    controlled, edition = lock_edition(uow, edition_id)
    require_charge(uow, edition)
    require_state(edition, (IN_REVIEW, IN_APPROVAL, APPROVED), way=_TOO_LATE)
    back_to_draft(uow, controlled, edition)
    uow.record(TAKEN_BACK, subjects(controlled, edition), number=controlled.number, label=edition.label)
    return edition


@use_case(Permission.CONTROLLED_WRITE)
def abandon(actor: Actor, uow: UnitOfWork, *, edition_id: str, reason: str) -> Edition:
    """Gives an edition up before it is issued: nothing of it is deleted, and another one may begin.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError, InvalidInputError.
    """
    controlled, edition = lock_edition(uow, edition_id)
    require_charge(uow, edition)
    require_state(edition, BEFORE_ISSUE, way=N_("It can be withdrawn."))
    why = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    void_waiting(uow, edition)
    edition.state, edition.on_the_way, edition.ended_at = ABANDONED, False, uow.now
    close_all_tasks(uow, edition)
    uow.record(
        ABANDONED_EVENT, subjects(controlled, edition), number=controlled.number, label=edition.label, reason=why
    )
    return edition


@use_case(Permission.CONTROLLED_WRITE)
def hand_over(actor: Actor, uow: UnitOfWork, *, edition_id: str, to: str) -> Edition:
    """Gives an edition into the hands of another author; `to` is their login or identifier. Whoever was asked about it
    does not become its author.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError, InvalidInputError, DutiesNotSeparateError.
    """
    controlled, edition = lock_edition(uow, edition_id)
    require_charge(uow, edition)
    require_state(edition, BEFORE_ISSUE, way=_TOO_LATE)
    may = Permission.CONTROLLED_WRITE
    author = colleague(uow, controlled.organisation_id, to, may, level=Level(controlled.level), field=N_("New author"))
    if author.id == edition.author_id:
        raise InvalidInputError(field=N_("New author"), reason=N_("It is in their hands already."))
    asked = _asked(uow, edition)
    APPROVER_NOT_THE_AUTHOR.require_apart(author.id, [one.person_id for one in asked if one.part == APPROVAL])
    if author.id in {one.person_id for one in asked}:
        raise InvalidInputError(field=N_("New author"), reason=N_("They are asked to review it."))
    before, edition.author_id = edition.author_id, author.id
    follow_edition(uow, controlled, edition)
    uow.record(
        HANDED_OVER,
        subjects(controlled, edition, person=author.id),
        number=controlled.number,
        label=edition.label,
        before=before,
    )
    return edition


def back_to_draft(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition) -> None:
    """A step: the edition is a draft again, and nobody is asked about it any more."""
    void_waiting(uow, edition)
    edition.state, edition.approved_at = DRAFT, None
    follow_edition(uow, controlled, edition)


def void_waiting(uow: UnitOfWork, edition: Edition) -> None:
    """A step: what people were asked about the edition and have not decided is void."""
    waiting = (EditionStep.edition_id == edition.id, EditionStep.state == WAITING)
    uow.session.execute(update(EditionStep).where(*waiting).values(state=VOID, decided_at=uow.now))


def _require_draft_in_hand(uow: UnitOfWork, edition: Edition) -> None:
    require_charge(uow, edition)
    require_state(edition, (DRAFT,), way=_TAKE_IT_BACK)


def _file(
    uow: UnitOfWork, controlled: ControlledDocument, edition: Edition, stored: Stored, entry: Entry
) -> EditionFile:
    entry = Entry(
        name=entry.name,
        claimed_media_type=entry.claimed_media_type,
        originator=uow.actor.display_name,
        title=controlled.title,
        number=controlled.number,
        level=Level(controlled.level),
        control=DRAFT,
    )
    library = library_of(uow, controlled.organisation_id)
    filed = file_version(uow, library.id, None, stored, entry, of_the_archive=True)
    of_edition = select(func.max(EditionFile.ordinal)).where(EditionFile.edition_id == edition.id)
    row = EditionFile(
        document_id=filed.document_id,
        edition_id=edition.id,
        ordinal=(uow.session.scalar(of_edition) or 0) + 1,
        added_by=require_member(uow)[0],
        added_at=uow.now,
    )
    uow.session.add(row)
    edition.document_id = row.document_id
    about = subjects(controlled, edition, document=row.document_id, version=filed.version_id)
    uow.record(FILE_ADDED, about, number=controlled.number, label=edition.label, name=entry.name)
    return row


def _label(uow: UnitOfWork, controlled: ControlledDocument, base: Edition | None, typed: str) -> str:
    usual = next_label(base.label) if base else FIRST_LABEL
    label = one_line(typed, field=N_("Edition"), limit=LABEL_LIMIT, required=not usual) or usual
    used = select(Edition.id).where(
        Edition.controlled_document_id == controlled.id, Edition.label == label, Edition.state != ABANDONED
    )
    if uow.session.scalar(used.limit(1)) is not None:
        raise InvalidInputError(field=N_("Edition"), reason=N_("An edition of this document has this name already."))
    return label


def _asked(uow: UnitOfWork, edition: Edition) -> list[EditionStep]:
    """Who is asked about the edition as it stands, or agreed to it."""
    steps = select(EditionStep).where(
        EditionStep.edition_id == edition.id,
        EditionStep.document_id == edition.document_id,
        EditionStep.state.in_((WAITING, AGREED)),
    )
    return list(uow.session.scalars(steps))
