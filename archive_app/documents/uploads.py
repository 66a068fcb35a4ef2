"""The list of files that somebody offers to an engagement: it survives reloads, crashes and broken lines.

A file is announced (waiting), then sent; it ends as filed, as duplicate (kept aside until the person decides) or as
refused with its reason. A file that fails never fails its neighbours.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select, update

from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.held import hold, release, take
from archive_app.documents.ingest import Entry, Filed, Stream, add_document, file_version, require_level
from archive_app.documents.models import Upload
from archive_app.documents.names import original_name, storable_text
from archive_app.documents.policy import require_change
from archive_app.documents.upload_parts import drop_parts
from archive_app.engagements.engagements import lock_engagement, require_unsealed, subjects_of
from archive_app.engagements.policy import WORK
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError, InvalidInputError, NotFoundError, read_kept
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case, use_case

UPLOAD_REFUSED = event_type("upload.refused", N_("File refused"))
DUPLICATE_DISCARDED = event_type("upload.duplicate_discarded", N_("Duplicate discarded"))
MAX_ANNOUNCED = 2000
MAX_LISTED = 2000
OPEN_STATES = ("waiting", "refused")


@dataclass(frozen=True)
class Offer:
    """A file as the browser announces it: `path` is relative inside a dropped folder, or just the name."""

    path: str
    size_bytes: int
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Origin:
    """Where the files of one list come from: 活动, 形成者, 来源系统; and how widely they may be seen 级别."""

    activity: str = ""
    originator: str = ""
    source_system: str = ""
    level: Level = Level.INTERNAL


@dataclass(frozen=True)
class UploadLine:
    """A file of the list, as pages and scripts see it. `reason` is a text in the asker's language.

    The document is the one it was filed as, or for a duplicate the one that holds the same content.
    """

    id: str
    name: str
    path: str
    size_bytes: int
    state: str
    document_id: str | None
    document_title: str
    reason: str
    received_bytes: int = 0


@use_case(Permission.DOCUMENTS_ADD)
def announce(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    offers: Sequence[Offer],
    origin: Origin,
    document_id: str | None = None,
) -> list[Upload]:
    """Puts files on the list, in their order; one announced before and not filed yet keeps its line.

    Raises: NotFoundError, LevelAboveOwnError, InvalidInputError for a list that is too long.
    """
    _check_place(uow, engagement_id, document_id, origin.level)
    if not 0 < len(offers) <= MAX_ANNOUNCED:
        raise InvalidInputError(field=N_("Files"), reason=N_("Between 1 and 2,000 files can be announced at once."))
    known = _known(uow, engagement_id, document_id)
    place = Place(engagement_id, document_id, origin)
    lines = []
    for offer in offers:
        line = known.get(_line_key(offer))
        if line is not None:
            compare(uow, line, offer)
        lines.append(line or announced(uow, place, offer))
    return lines


@use_case(Permission.DOCUMENTS_ADD)
def announce_one(
    actor: Actor,
    uow: UnitOfWork,
    *,
    engagement_id: str,
    offer: Offer,
    origin: Origin,
    document_id: str | None = None,
) -> Upload:
    """A line of its own for a file whose size is not known yet: it comes with a plain form. Raises: NotFoundError."""
    _check_place(uow, engagement_id, document_id, origin.level)
    return announced(uow, Place(engagement_id, document_id, origin), offer)


@query(Permission.DOCUMENTS_READ)
def list_uploads(actor: Actor, uow: UnitOfWork, *, engagement_id: str, language: str) -> list[UploadLine]:
    """The actor's own list for the engagement, newest last; filed files leave it when the list is cleared, and while
    their document is none that the actor may see."""
    uow.require("engagement", engagement_id)
    mine = select(Upload).where(Upload.engagement_id == engagement_id, Upload.person_id == actor.name)
    mine = mine.where(Upload.state != "cleared").order_by(Upload.id.desc()).limit(MAX_LISTED)
    uploads = uow.session.scalars(mine).all()
    hidden = _hidden(uow, uploads)
    return [
        line_of(_without_document(uow, upload) if upload.filed_document_id in hidden else upload, language)
        for upload in reversed(uploads)
        if upload.state == "duplicate" or upload.filed_document_id not in hidden
    ]


@query(Permission.DOCUMENTS_ADD)
def view_upload(actor: Actor, uow: UnitOfWork, *, upload_id: str) -> Upload:
    """One line of the actor's own list: where to go on when the connection broke. Raises: NotFoundError."""
    upload = _own(uow, upload_id)
    if upload.filed_document_id not in _hidden(uow, [upload]):
        return upload
    if upload.state != "duplicate":
        raise NotFoundError
    return _without_document(uow, upload)


@use_case(Permission.DOCUMENTS_ADD)
def clear_list(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> None:
    """Takes what is finished, refused or never sent off the list; duplicates wait for their decision."""
    uow.require(WORK, engagement_id)
    mine = (Upload.engagement_id == engagement_id, Upload.person_id == actor.name)
    begun = select(Upload).where(*mine, Upload.state.in_(OPEN_STATES), Upload.received_bytes > 0)
    drop_parts(uow, uow.session.scalars(begun.with_for_update()).all())
    uow.session.flush()
    finished = update(Upload).where(*mine, Upload.state.in_(("filed", "refused", "waiting", "discarded")))
    uow.session.execute(finished.values(state="cleared", changed_at=uow.now))
    uow.bookkeeping()


@staged_use_case(Permission.DOCUMENTS_ADD)
def receive(
    actor: Actor,
    archive: Archive,
    *,
    upload_id: str,
    stream: Stream,
    expected_bytes: int | None,
    claimed_media_type: str = "",
) -> Upload:
    """Takes the bytes of an announced file. What goes wrong is kept on its line, and raised.

    Raises: ConflictError when the line is not open; ArchiveError as `add_document` raises.
    """
    upload = open_line(actor, archive, upload_id)

    def confirm(size: int) -> None:
        if expected_bytes is not None and size != expected_bytes:
            raise TransferInterruptedError(received=size, expected=expected_bytes)

    try:
        add_document(
            actor,
            engagement_id=upload.engagement_id,
            document_id=upload.document_id,
            stream=stream,
            entry=entry_of(upload, claimed_media_type),
            confirm=confirm,
            finish=lambda uow, filed: finish(uow, upload_id, filed),
        )
    except ArchiveError as error:
        refuse(actor, archive, upload_id, error)
        raise
    except OSError as error:
        broken = TransferInterruptedError(received="?", expected=expected_bytes or "?")
        refuse(actor, archive, upload_id, broken)
        raise broken from error
    with archive.reading(actor) as uow:
        return uow.session.get_one(Upload, upload_id)


@use_case(Permission.DOCUMENTS_ADD)
def keep_duplicate(actor: Actor, uow: UnitOfWork, *, upload_id: str) -> str:
    """Files the bytes of a duplicate as a document of its own; returns its id.

    Raises: NotFoundError, ConflictError; NotFoundError too when the document was withdrawn of which it was to become a
    version: the bytes are held on.
    """
    # In the order in which every filing locks, so that two of them never wait for each other.
    lock_engagement(uow.session, _own(uow, upload_id).engagement_id)
    upload = own_line(uow, upload_id)
    if upload.document_id is not None:
        uow.require("document", upload.document_id)
    stored = take(uow, _let_go(upload))
    upload.state, upload.changed_at = "filed", uow.now
    filed = file_version(uow, upload.engagement_id, upload.document_id, stored, entry_of(upload))
    upload.filed_document_id = filed.document_id
    if filed.document_id is None:
        raise ConflictError
    return filed.document_id


@use_case(Permission.DOCUMENTS_ADD)
def discard_duplicate(actor: Actor, uow: UnitOfWork, *, upload_id: str) -> str:
    """Lets go of a duplicate's bytes: they become an orphan blob, which is set aside, not destroyed. Returns the
    engagement's id. Raises: NotFoundError, ConflictError."""
    upload = own_line(uow, upload_id)
    release(uow, _let_go(upload))
    upload.state, upload.changed_at = "discarded", uow.now
    uow.record(DUPLICATE_DISCARDED, subjects_of(uow.session, upload.engagement_id), name=upload.name)
    return upload.engagement_id


def line_of(upload: Upload, language: str) -> UploadLine:
    """The line as a person reads it."""
    # A line that was announced a moment ago has no document, and was not asked for the title of one.
    title = upload.filed_document_title if upload.filed_document_id else None
    return UploadLine(
        id=upload.id,
        name=upload.name,
        path=upload.source_path,
        size_bytes=upload.size_bytes,
        state=upload.state,
        document_id=upload.filed_document_id,
        document_title=title or "",
        reason=read_kept(upload.reason, language),
        received_bytes=upload.received_bytes,
    )


def refuse(actor: Actor, archive: Archive, upload_id: str, error: ArchiveError) -> None:
    """Keeps the reason on the line and in the log. A line that another attempt has finished meanwhile stays so."""
    with archive.transaction(actor) as uow:
        upload = uow.session.get_one(Upload, upload_id, with_for_update=True)
        if upload.state in OPEN_STATES:
            upload.state, upload.changed_at = "refused", uow.now
            upload.reason = error.kept()
        subjects = subjects_of(uow.session, upload.engagement_id)
        uow.record(UPLOAD_REFUSED, subjects, name=upload.name, reason=error.code)


def _known(uow: UnitOfWork, engagement_id: str, document_id: str | None) -> dict[tuple[str, int], Upload]:
    mine = select(Upload).where(
        Upload.engagement_id == engagement_id,
        Upload.person_id == uow.actor.name,
        Upload.document_id == document_id if document_id else Upload.document_id.is_(None),
        Upload.state != "cleared",
    )
    lines = uow.session.scalars(mine).all()
    hidden = _hidden(uow, lines)
    return {(line.source_path, line.size_bytes): line for line in lines if line.filed_document_id not in hidden}


def _hidden(uow: UnitOfWork, lines: Sequence[Upload]) -> set[str | None]:
    """The documents of lines that the actor may not see, because their level was raised since."""
    filed = {line.filed_document_id for line in lines if line.filed_document_id is not None}
    shown = uow.archive.policy.among(uow.session, uow.actor, "document", filed)
    return {document_id for document_id in filed if document_id not in shown}


def _without_document(uow: UnitOfWork, upload: Upload) -> Upload:
    """A duplicate that still waits for its decision, without a word of the document that has its content."""
    uow.session.expunge(upload)
    upload.filed_document_id = None
    return upload


def _check_place(uow: UnitOfWork, engagement_id: str, document_id: str | None, level: Level) -> None:
    uow.require(WORK, engagement_id, Permission.DOCUMENTS_ADD)
    require_unsealed(uow.session, engagement_id)
    if document_id is None:
        require_level(uow, engagement_id, level)
    else:
        require_change(uow, document_id)


def compare(uow: UnitOfWork, line: Upload, offer: Offer) -> None:
    """A step: lets parts go that came from another state of the file: of the same name and size, but changed since."""
    told = json.loads(line.entry)
    modified = _moment(offer)
    if line.state in OPEN_STATES and told["modified_at"] != modified:
        drop_parts(uow, [uow.session.get_one(Upload, line.id, with_for_update=True, populate_existing=True)])
        line.entry = json.dumps({**told, "modified_at": modified})
        uow.bookkeeping()


def _moment(offer: Offer) -> str | None:
    return offer.modified_at.isoformat() if offer.modified_at else None


def _line_key(offer: Offer) -> tuple[str, int]:
    return storable_text(offer.path[:4000]), offer.size_bytes


@dataclass(frozen=True)
class Place:
    """Where announced files go: an engagement, or a document of it as new versions, and what is said of all of them."""

    engagement_id: str
    document_id: str | None
    origin: Origin


def announced(uow: UnitOfWork, place: Place, offer: Offer) -> Upload:
    """The step that puts a file on the list; the caller has checked who offers it, and where to."""
    name = offer.path.replace("\\", "/").rpartition("/")[2]
    source_path, size_bytes = _line_key(offer)
    named = {"name": name, "source_path": storable_text(offer.path), "modified_at": _moment(offer)}
    entry = {**asdict(place.origin), **named}
    upload = Upload(
        id=uow.new_id(),
        engagement_id=place.engagement_id,
        document_id=place.document_id,
        person_id=uow.actor.name,
        name=storable_text(name[:1000]),
        source_path=source_path,
        size_bytes=size_bytes,
        entry=json.dumps(entry),
        state="waiting",
        received_bytes=0,
        created_at=uow.now,
        changed_at=uow.now,
    )
    uow.session.add(upload)
    uow.session.flush()
    uow.bookkeeping()
    try:
        original_name(offer.path)
    except ArchiveError as error:
        upload.state, upload.reason = "refused", error.kept()
        subjects = subjects_of(uow.session, place.engagement_id)
        uow.record(UPLOAD_REFUSED, subjects, name=upload.name, reason=error.code)
    return upload


def open_line(actor: Actor, archive: Archive, upload_id: str) -> Upload:
    """The actor's own line, which still wants its file. Raises: NotFoundError, ConflictError."""
    with archive.reading(actor) as uow:
        upload = _own(uow, upload_id)
    if upload.state not in OPEN_STATES:
        raise ConflictError
    return upload


def _own(uow: UnitOfWork, upload_id: str) -> Upload:
    upload = uow.session.get(Upload, upload_id)
    if upload is None:
        raise NotFoundError
    if upload.person_id != uow.actor.name:
        raise DeniedError("upload", upload_id)
    uow.require(WORK, upload.engagement_id, Permission.DOCUMENTS_ADD)
    return upload


def own_line(uow: UnitOfWork, upload_id: str) -> Upload:
    """The actor's own line, locked. Raises: NotFoundError."""
    upload = _own(uow, upload_id)
    return uow.session.get_one(Upload, upload.id, with_for_update=True, populate_existing=True)


def finish(uow: UnitOfWork, upload_id: str, filed: Filed) -> None:
    """The step that ends a line with its filing. Raises: ConflictError when another attempt has ended it."""
    upload = uow.session.get_one(Upload, upload_id, with_for_update=True)
    if upload.state not in OPEN_STATES:
        raise ConflictError
    upload.changed_at, upload.reason = uow.now, None
    drop_parts(uow, [upload])
    upload.size_bytes = filed.stored.blob.size_bytes
    if filed.duplicate_of is not None:
        upload.state, upload.filed_document_id = "duplicate", filed.duplicate_of
        upload.held_id = hold(uow, filed.stored, upload.name)
    else:
        upload.state, upload.filed_document_id = "filed", filed.document_id


def _let_go(upload: Upload) -> str:
    """What a duplicate holds, and no longer refers to. Raises: ConflictError for a line that is no duplicate."""
    if upload.state != "duplicate" or upload.held_id is None:
        raise ConflictError
    held_id, upload.held_id = upload.held_id, None
    return held_id


def entry_of(upload: Upload, claimed_media_type: str = "") -> Entry:
    """What was announced about the file."""
    told = json.loads(upload.entry)
    modified = told.pop("modified_at")
    # Lines from before there were levels say none.
    level = Level(told.pop("level", Level.INTERNAL))
    moment = datetime.fromisoformat(modified) if modified else None
    return Entry(**told, level=level, modified_at=moment, claimed_media_type=claimed_media_type)
