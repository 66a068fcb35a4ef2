"""Use cases by which the client brings files for a line, whole or in parts, and takes back what was not decided yet.

Whatever arrives whole becomes a document of the engagement in the transaction that finds the link still open: internal,
named after the line, attributed to the person who gave their name, delivered and not yet accepted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive_app.casework.models import MaterialDelivery, MaterialLine, MaterialRequest, Record
from archive_app.casework.recording import record_as
from archive_app.casework.requests.deciding import LINE_TASK, waiting_for
from archive_app.casework.requests.own import (
    full,
    lock_own,
    open_line,
    own_line,
    own_request,
    require_room,
)
from archive_app.documents import uploads
from archive_app.documents.checking import CHECKED
from archive_app.documents.errors import InterruptedError as TransferInterruptedError
from archive_app.documents.errors import TooLargeError
from archive_app.documents.ingest import Entry, Stored, Stream, file_version, store
from archive_app.documents.looking import DOWNLOADED, VIEWED
from archive_app.documents.models import Document, Upload, Version
from archive_app.documents.names import original_name, storable_text
from archive_app.documents.resuming import Part, Sender, take_part
from archive_app.documents.upload_parts import drop_parts
from archive_app.documents.withdrawing import happened_to, withdraw
from archive_app.engagements.engagements import subjects_of
from archive_app.engagements.models import Client, Engagement
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, staged_use_case, use_case
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

MATERIAL_DELIVERED = event_type("material.delivered", N_("Material delivered by the client"))
MATERIAL_TWICE = event_type("material.twice", N_("Client brought the same file again"))
MATERIAL_TAKEN_BACK = event_type("material.taken_back", N_("Client took a file back"))
SOURCE_SYSTEM = "material request"
_TITLE_LIMIT = 300
_LOOKS = (VIEWED.code, DOWNLOADED.code, CHECKED.code)


class AlreadyBroughtError(ArchiveError):
    """The client brought exactly this content for this line before, and it stands."""

    code = "already_brought"
    message = N_("You brought exactly this file for this line already, as %(name)s. It is there once.")


class NotTakenBackError(ArchiveError):
    """What the team has decided about or worked with stays."""

    code = "not_taken_back"
    message = N_(
        "The verification body has already begun to work with %(name)s, so it stays. Please talk to whoever sent you "
        "the link."
    )


@dataclass(frozen=True)
class Announced:
    """A file as the client's script announces it."""

    name: str
    size_bytes: int
    modified_at: datetime | None = None


@staged_use_case(Permission.REQUEST_ANSWER)
def bring_file(
    actor: Actor, archive: Archive, *, line_id: str, name: str, stream: Stream, claimed_media_type: str = ""
) -> None:
    """Takes a file for a line in one piece.

    Raises: RequestOverError, RequestClosedError, NotFoundError, LineDecidedError, RequestFullError, TooManyFilesError,
    AlreadyBroughtError; NameMissingError and its kin, EmptyFileError, TooLargeError, StorageFullError,
    StorageUnavailableError, and whatever `stream` raises.
    """
    with archive.reading(actor) as uow:
        request = own_request(uow)
        open_line(uow, line_id)
        room = _Bounded(stream, require_room(uow, request, 0), full(uow))
    original_name(name)
    try:
        stored = store(archive, room, name, lambda _size: None)
    except OSError as error:
        raise TransferInterruptedError(received="?", expected="?") from error
    with archive.transaction(actor) as uow:
        twin = _deliver(uow, line_id, stored, Entry(name=name, claimed_media_type=claimed_media_type))
    if twin:
        raise AlreadyBroughtError(name=twin)


@use_case(Permission.REQUEST_ANSWER)
def announce_file(actor: Actor, uow: UnitOfWork, *, line_id: str, file: Announced) -> Upload:
    """Puts a file on the list of those that come in parts; one that broke off goes on where it was.

    Raises: RequestOverError, RequestClosedError, NotFoundError, LineDecidedError, RequestFullError, TooManyFilesError,
    TooLargeError; NameMissingError and its kin.
    """
    request = lock_own(uow)
    open_line(uow, line_id)
    name = original_name(file.name)
    limit = uow.archive.rules.upload_limit_bytes
    if file.size_bytes > limit:
        raise TooLargeError(limit_gib=f"{limit / 2**30:.1f}")
    key = f"{line_id}/{storable_text(name)}"
    begun = select(Upload).where(
        Upload.engagement_id == request.engagement_id,
        Upload.person_id == actor.name,
        Upload.source_path == key,
        Upload.size_bytes == file.size_bytes,
        Upload.state.in_(uploads.OPEN_STATES),
    )
    upload = uow.session.scalars(begun.order_by(Upload.id.desc()).limit(1).with_for_update()).one_or_none()
    require_room(uow, request, file.size_bytes - (upload.received_bytes if upload else 0), besides=upload)
    offer = uploads.Offer(name, file.size_bytes, file.modified_at)
    if upload is None:
        place = uploads.Place(request.engagement_id, None, uploads.Origin(source_system=SOURCE_SYSTEM))
        upload = uploads.announced(uow, place, offer)
        upload.source_path = key
    else:
        uploads.compare(uow, upload, offer)
    uow.bookkeeping()
    return upload


@query(Permission.REQUEST_ANSWER)
def view_announced(actor: Actor, uow: UnitOfWork, *, line_id: str, upload_id: str) -> Upload:
    """Where an announced file stands, for a sender whose line broke. Raises: RequestOverError, NotFoundError."""
    own_line(uow, line_id)
    return _own_upload(uow, line_id, upload_id)


@staged_use_case(Permission.REQUEST_ANSWER)
def bring_part(actor: Actor, archive: Archive, *, line_id: str, upload_id: str, part: Part) -> Upload:
    """Takes a part of an announced file; the last one delivers it.

    Raises: what `bring_file` and `documents.resuming.receive_part` raise.
    """
    with archive.reading(actor) as uow:
        request = own_request(uow)
        open_line(uow, line_id)
        upload = _own_upload(uow, line_id, upload_id)
        if upload.state in uploads.OPEN_STATES:
            require_room(uow, request, part.expected_bytes or 0, besides=None if part.start else upload)
    twins: list[str] = []

    def own(uow: UnitOfWork) -> Upload:
        lock_own(uow)
        _own_upload(uow, line_id, upload_id)
        return uow.session.get_one(Upload, upload_id, with_for_update=True, populate_existing=True)

    def file(stream: Stream, entry: Entry, confirm: Callable[[int], None]) -> None:
        stored = store(archive, stream, entry.name, confirm)
        with archive.transaction(actor) as uow:
            line = own(uow)
            if line.state not in uploads.OPEN_STATES:
                raise ConflictError
            drop_parts(uow, [line])
            # No longer on its way: it must not be counted twice.
            line.state, line.reason, line.changed_at = "filed", None, uow.now
            uow.session.flush()
            if twin := _deliver(uow, line_id, stored, entry):
                line.state = "discarded"
                twins.append(twin)

    done = take_part(Sender(actor, archive, own, file), upload, part)
    if twins:
        raise AlreadyBroughtError(name=twins[0])
    return done


@use_case(Permission.REQUEST_ANSWER)
def take_back(actor: Actor, uow: UnitOfWork, *, delivery_id: str) -> str:
    """Takes a file out of everybody's sight again, as long as nobody decided about it or worked with it; nothing is
    destroyed. Returns the line's id.

    Raises: RequestOverError, RequestClosedError, NotFoundError, NotTakenBackError.
    """
    lock_own(uow)
    delivery = uow.session.get(MaterialDelivery, delivery_id)
    if delivery is None:
        raise NotFoundError
    line = own_line(uow, delivery.line_id, lock=True)
    document = uow.session.get_one(Document, delivery.document_id, with_for_update=True, populate_existing=True)
    if document.withdrawn_at is not None:
        raise NotFoundError
    record = uow.session.get(Record, document.id, with_for_update=True, populate_existing=True)
    name = uow.session.scalars(select(Version.name).where(Version.document_id == document.id)).first() or ""
    touched = happened_to(uow.session, [document.id], besides=(MATERIAL_DELIVERED.code, *_LOOKS))
    if record is None or record.state != "delivered" or touched:
        raise NotTakenBackError(name=name)
    uow.session.delete(record)
    withdraw(uow, document.id, reason="taken back by the client")
    uow.session.flush()
    if not waiting_for(uow, line.id):
        close_tasks(uow, LINE_TASK, subject_id=line.id, outcome="void")
        line.state, line.changed_at = "returned" if line.reason else "open", uow.now
    subjects = _subjects(uow, line, document.id)
    uow.record(MATERIAL_TAKEN_BACK, subjects, line=line.name, name=name)
    return line.id


def _deliver(uow: UnitOfWork, line_id: str, stored: Stored, entry: Entry) -> str:
    """The step that makes stored bytes a delivery; returns the name under which the line has them already, or none."""
    request = lock_own(uow)
    line = open_line(uow, line_id, lock=True)
    size = stored.blob.size_bytes
    require_room(uow, request, size)
    # Whatever becomes of it: these bytes are in the vault, and nobody fills it with one file brought again and again.
    request.received_bytes += size
    if twin := _twin(uow, line, stored.blob.sha256):
        uow.record(MATERIAL_TWICE, _subjects(uow, line), line=line.name, name=entry.name)
        return twin
    filed = file_version(uow, request.engagement_id, None, stored, _described(uow, request, line, entry))
    document_id = filed.document_id or ""
    record_as(uow, document_id, type=line.record_type, state="delivered", originator=_originator(uow, request))
    delivery = MaterialDelivery(
        id=uow.new_id(),
        line_id=line.id,
        document_id=document_id,
        session_id=uow.actor.session_id,
        remark="",
        delivered_at=uow.now,
    )
    uow.session.add(delivery)
    line.state, line.changed_at = "delivered", uow.now
    subjects = _subjects(uow, line, document_id)
    open_task(
        uow,
        LINE_TASK,
        to=Addressee(part="leader"),
        subject_id=line.id,
        organisation_id=subjects["organisation"],
        engagement_id=request.engagement_id,
        about=line.name,
    )
    uow.record(MATERIAL_DELIVERED, subjects, line=line.name, name=entry.name)
    return ""


def _described(uow: UnitOfWork, request: MaterialRequest, line: MaterialLine, entry: Entry) -> Entry:
    title = f"{line.name} · {original_name(entry.name)}"
    return Entry(
        name=entry.name,
        source_path=entry.source_path,
        source_system=SOURCE_SYSTEM,
        originator=_originator(uow, request),
        activity=line.name,
        modified_at=entry.modified_at,
        claimed_media_type=entry.claimed_media_type,
        title=title[:_TITLE_LIMIT],
    )


def _originator(uow: UnitOfWork, request: MaterialRequest) -> str:
    client = select(Client.name).join(Engagement, Engagement.client_id == Client.id)
    name = uow.session.scalars(client.where(Engagement.id == request.engagement_id)).one()
    who = f"（{uow.actor.display_name}）" if request.language.startswith("zh") else f" ({uow.actor.display_name})"
    return f"{name[: 200 - len(who)]}{who}"


def _twin(uow: UnitOfWork, line: MaterialLine, sha256: bytes) -> str:
    """The name of a delivery of the line with this content that stands: neither returned nor taken back."""
    twin = (
        select(Version.name)
        .join(MaterialDelivery, MaterialDelivery.document_id == Version.document_id)
        .join(Record, Record.document_id == Version.document_id)
        .where(MaterialDelivery.line_id == line.id, Version.sha256 == sha256, Record.state != "returned")
    )
    return uow.session.scalars(twin.order_by(Version.id).limit(1)).first() or ""


def _own_upload(uow: UnitOfWork, line_id: str, upload_id: str) -> Upload:
    upload = uow.session.get(Upload, upload_id)
    is_theirs = upload is not None and upload.person_id == uow.actor.name
    if upload is None or not is_theirs or not upload.source_path.startswith(f"{line_id}/"):
        raise NotFoundError
    return upload


def _subjects(uow: UnitOfWork, line: MaterialLine, document_id: str = "") -> dict[str, str]:
    request = uow.session.get_one(MaterialRequest, line.request_id)
    more = {"document": document_id} if document_id else {}
    return subjects_of(uow.session, request.engagement_id, material_request=request.id, **more)


class _Bounded:
    """A stream that is not read further than there is room for."""

    def __init__(self, stream: Stream, room_bytes: int, refusal: ArchiveError) -> None:
        self._stream = stream
        self._left = room_bytes
        self._refusal = refusal

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises: the refusal, once there were too many."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise self._refusal
        return block
