"""The inbox 收件箱: files that are in the vault already and wait until somebody says where they belong.

They come from watched folders, with registers, or from a person. Filing one is a transaction of its own; what is
discarded becomes an orphan blob, set aside and never destroyed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archive_app.documents.held import hold, look, release, take
from archive_app.documents.ingest import DUPLICATE_OFFERED, Entry, Filed, Stored, Stream, file_version, find_twin, store
from archive_app.documents.names import original_name, storable_text
from archive_app.engagements.engagements import lock_engagement, subjects_of
from archive_app.engagements.policy import WORK
from archive_app.intake.inbox.models import InboxFile
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError, kept_words
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.settling import settle
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import staged_use_case
from archive_app.kernel.words import one_line

INBOX_ARRIVED = event_type("inbox.arrived", N_("File arrived in the inbox"))
INBOX_REFUSED = event_type("inbox.refused", N_("File refused by the inbox"))
INBOX_DISCARDED = event_type("inbox.discarded", N_("File of the inbox discarded"))
WAITING, FILED, REFUSED, DISCARDED = "waiting", "filed", "refused", "discarded"
MAX_AT_ONCE = 500


@dataclass(frozen=True)
class InboxPlace:
    """Where a file lands: its organisation, and what is known of where it belongs.

    `folder` is a watched folder's name; `register_id` says with which register it came; `source_key` is by which the
    watcher knows the file again.
    """

    organisation_id: str
    engagement_id: str | None = None
    register_id: str | None = None
    folder: str = ""
    source_key: bytes | None = None


@dataclass(frozen=True)
class Sorted:
    """What became of one file of a bulk act: the document, the one that has the content already, or an error."""

    inbox_id: str
    name: str
    document_id: str | None = None
    duplicate_of: str | None = None
    error: ArchiveError | None = None


def _accept(_size_bytes: int) -> None:
    """Every complete stream is acceptable."""


@staged_use_case(Permission.DOCUMENTS_ADD)
def hold_file(
    actor: Actor,
    archive: Archive,
    *,
    stream: Stream,
    entry: Entry,
    place: InboxPlace,
    confirm: Callable[[int], None] = _accept,
    finish: Callable[[UnitOfWork, InboxFile], None] = lambda _uow, _file: None,
) -> InboxFile:
    """Takes the bytes of `stream` into the inbox; they are durable, with their row, when this returns.

    `confirm` is called as by `add_document`; `finish` runs as a step of the transaction, before its event.
    Raises: NotFoundError for a place the actor may not bring to; what `store`, `stream` and `confirm` raise.
    """
    with archive.reading(actor) as uow:
        _require_place(uow, place)
    original_name(entry.name)
    stored = store(archive, stream, entry.name, confirm)
    with archive.transaction(actor) as uow:
        _require_place(uow, place)
        inbox_file = arrived(uow, stored, entry, place)
        finish(uow, inbox_file)
        uow.record(INBOX_ARRIVED, inbox_subjects(uow, inbox_file), **_words(inbox_file))
        settle(uow, inbox_file)
    return inbox_file


def arrived(uow: UnitOfWork, stored: Stored, entry: Entry, place: InboxPlace) -> InboxFile:
    """The step that makes stored bytes a waiting file of the inbox; the caller records what happened."""
    inbox_file = _row(uow, entry, place, state=WAITING)
    inbox_file.size_bytes, inbox_file.sha256 = stored.blob.size_bytes, stored.blob.sha256
    inbox_file.kind, inbox_file.held_id = stored.kind.code, hold(uow, stored, inbox_file.name)
    uow.session.add(inbox_file)
    uow.session.flush()
    return inbox_file


def refused(uow: UnitOfWork, entry: Entry, place: InboxPlace, size_bytes: int, error: ArchiveError) -> InboxFile:
    """The step that keeps why a file was not taken; nothing of it is held, and its source stays where it is."""
    inbox_file = _row(uow, entry, place, state=REFUSED)
    inbox_file.size_bytes, inbox_file.reason = size_bytes, error.kept()
    uow.session.add(inbox_file)
    uow.session.flush()
    uow.record(INBOX_REFUSED, inbox_subjects(uow, inbox_file), **_words(inbox_file), reason=error.code)
    return inbox_file


def file_held(
    uow: UnitOfWork,
    inbox_file: InboxFile,
    *,
    engagement_id: str,
    entry: Entry | None = None,
    document_id: str | None = None,
    allow_duplicate: bool = False,
) -> Filed:
    """The step that makes a waiting file a document of the engagement, or a new version of `document_id`.

    Without `entry` the file is described as it came. Where the engagement has the same content already and
    `allow_duplicate` is not set, nothing is filed: the answer names that document and the file goes on waiting.
    Raises: NotFoundError for an engagement that the actor may not add to or that is another organisation's;
    ConflictError when the file does not wait any more; NameMissingError and its kin.
    """
    uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
    engagement = lock_engagement(uow.session, engagement_id)
    inbox_file = uow.session.get_one(InboxFile, inbox_file.id, with_for_update=True, populate_existing=True)
    if inbox_file.state != WAITING or inbox_file.held_id is None:
        raise ConflictError
    if engagement.organisation_id != inbox_file.organisation_id:
        raise NotFoundError
    twin = None if allow_duplicate else find_twin(uow, engagement_id, inbox_file.sha256 or b"")
    if twin is not None:
        stored = look(uow.session, inbox_file.held_id)
        subjects = subjects_of(uow.session, engagement_id, document=twin, inbox_file=inbox_file.id)
        uow.record(DUPLICATE_OFFERED, subjects, name=inbox_file.name)
        return Filed(None, stored.version_id, stored, duplicate_of=twin)
    held_id, inbox_file.held_id = inbox_file.held_id, None
    filed = file_version(uow, engagement_id, document_id, take(uow, held_id), entry or entry_of(inbox_file))
    inbox_file.state, inbox_file.reason, inbox_file.changed_at = FILED, None, uow.now
    inbox_file.engagement_id, inbox_file.document_id = engagement_id, filed.document_id
    inbox_file.sorted_by = uow.actor.name
    uow.session.flush()
    return filed


def discard(uow: UnitOfWork, inbox_file: InboxFile, *, reason: str) -> None:
    """The step that lets a waiting file go, or takes a refused one off the list.

    Raises: InvalidInputError without a reason; ConflictError when the file does not wait any more.
    """
    reason = one_line(reason, field=N_("Reason"), limit=300)
    inbox_file = uow.session.get_one(InboxFile, inbox_file.id, with_for_update=True, populate_existing=True)
    if inbox_file.engagement_id is not None:
        uow.require(WORK, inbox_file.engagement_id)
    if inbox_file.state not in {WAITING, REFUSED}:
        raise ConflictError
    held_id, inbox_file.held_id = inbox_file.held_id, None
    if held_id is not None:
        release(uow, held_id)
    inbox_file.state, inbox_file.changed_at = DISCARDED, uow.now
    # The person's own words: no catalogue key, so they are shown as they are.
    inbox_file.reason = kept_words("%(words)s", {"words": reason})
    inbox_file.sorted_by = uow.actor.name
    uow.record(INBOX_DISCARDED, inbox_subjects(uow, inbox_file), **_words(inbox_file), reason=reason)


@staged_use_case(Permission.INBOX_SORT)
def file_many(
    actor: Actor,
    archive: Archive,
    *,
    inbox_ids: Sequence[str],
    engagement_id: str,
    allow_duplicates: bool = False,
) -> list[Sorted]:
    """Files each of the files in a transaction of its own; one that fails never stops the others."""
    _require_few(inbox_ids)

    def act(uow: UnitOfWork, inbox_file: InboxFile) -> Sorted:
        filed = file_held(uow, inbox_file, engagement_id=engagement_id, allow_duplicate=allow_duplicates)
        return Sorted(inbox_file.id, inbox_file.name, filed.document_id, filed.duplicate_of)

    return [_one(actor, archive, inbox_id, act) for inbox_id in inbox_ids]


@staged_use_case(Permission.INBOX_SORT)
def discard_many(actor: Actor, archive: Archive, *, inbox_ids: Sequence[str], reason: str) -> list[Sorted]:
    """Discards each of the files in a transaction of its own. Raises: InvalidInputError without a reason."""
    _require_few(inbox_ids)
    one_line(reason, field=N_("Reason"), limit=300)

    def act(uow: UnitOfWork, inbox_file: InboxFile) -> Sorted:
        discard(uow, inbox_file, reason=reason)
        return Sorted(inbox_file.id, inbox_file.name)

    return [_one(actor, archive, inbox_id, act) for inbox_id in inbox_ids]


def entry_of(inbox_file: InboxFile) -> Entry:
    """What is known of a file as it came."""
    return Entry(
        name=inbox_file.name,
        source_path=inbox_file.source_path,
        source_system=inbox_file.source_system,
        originator=inbox_file.originator,
        activity=inbox_file.activity,
        modified_at=inbox_file.modified_at,
    )


def inbox_subjects(uow: UnitOfWork, inbox_file: InboxFile) -> dict[str, str]:
    """What an event about a file of the inbox is about."""
    subjects = {"organisation": inbox_file.organisation_id, "inbox_file": inbox_file.id}
    if inbox_file.engagement_id:
        subjects = {**subjects_of(uow.session, inbox_file.engagement_id), **subjects}
    return subjects


def _one(actor: Actor, archive: Archive, inbox_id: str, act: Callable[[UnitOfWork, InboxFile], Sorted]) -> Sorted:
    name = ""
    try:
        with archive.transaction(actor) as uow:
            uow.require("inbox_file", inbox_id, Permission.INBOX_SORT)
            inbox_file = uow.session.get_one(InboxFile, inbox_id)
            name = inbox_file.name
            return act(uow, inbox_file)
    except DeniedError as denied:
        note_denial(archive, actor, Permission.INBOX_SORT, denied.subject)
        return Sorted(inbox_id, name, error=denied)
    except ArchiveError as error:
        return Sorted(inbox_id, name, error=error)


def _require_few(inbox_ids: Sequence[str]) -> None:
    if not 0 < len(inbox_ids) <= MAX_AT_ONCE:
        raise InvalidInputError(field=N_("Files"), reason=N_("Choose between 1 and 500 files."))


def _require_place(uow: UnitOfWork, place: InboxPlace) -> None:
    actor = uow.actor
    if not actor.is_system and actor.organisation_id != place.organisation_id:
        raise NotFoundError
    if place.engagement_id is not None:
        uow.require(WORK, place.engagement_id, Permission.DOCUMENTS_ADD)


def _row(uow: UnitOfWork, entry: Entry, place: InboxPlace, *, state: str) -> InboxFile:
    name = entry.name.replace("\\", "/").rpartition("/")[2]
    return InboxFile(
        id=uow.new_id(),
        organisation_id=place.organisation_id,
        engagement_id=place.engagement_id,
        register_id=place.register_id,
        folder=place.folder,
        brought_by=uow.actor.name,
        name=storable_text(name[:1000]),
        source_path=storable_text(entry.source_path),
        source_system=one_line(entry.source_system, field=N_("Source"), limit=100, required=False),
        originator=one_line(entry.originator, field=N_("Originator"), limit=200, required=False),
        activity=one_line(entry.activity, field=N_("Activity"), limit=200, required=False),
        modified_at=entry.modified_at,
        size_bytes=0,
        kind="",
        state=state,
        source_key=place.source_key,
        created_at=uow.now,
        changed_at=uow.now,
    )


def _words(inbox_file: InboxFile) -> dict[str, object]:
    return {
        "name": inbox_file.name,
        "source_path": inbox_file.source_path,
        "folder": inbox_file.folder,
        "size_bytes": inbox_file.size_bytes,
        "sha256": inbox_file.sha256.hex() if inbox_file.sha256 else None,
    }
