"""Files that the client brings through their link as evidence of a correction."""

from datetime import timedelta

from sqlalchemy import func, select

from archive_app.casework.models import Nonconformity, NonconformityDocument, NonconformityStep
from archive_app.casework.nonconformities.answering import locked_by_link, on_link
from archive_app.casework.nonconformities.raising import MOST_DOCUMENTS
from archive_app.casework.nonconformities.rules import add_step, in_state_for
from archive_app.casework.recording import record_as
from archive_app.casework.requests.own import TooManyFilesError, full, own_request, require_room
from archive_app.documents.ingest import Entry, Stored, Stream, file_version, store
from archive_app.documents.models import Version
from archive_app.documents.names import original_name
from archive_app.engagements.engagements import subjects_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case

EVIDENCE_BROUGHT = event_type("nonconformity.evidence_brought", N_("Evidence of a correction brought by the client"))
SOURCE_SYSTEM = "material request"
_A_MINUTE = timedelta(minutes=1)


class EvidenceThereError(ArchiveError):
    """The client brought exactly this content for this nonconformity before."""

    code = "evidence_there"
    message = N_("You brought exactly this file already, as %(name)s. It is there once.")


@staged_use_case(Permission.REQUEST_ANSWER)
def bring_evidence(
    actor: Actor, archive: Archive, *, nonconformity_id: str, name: str, stream: Stream, claimed_media_type: str = ""
) -> None:
    """Takes a file that shows the correction: internal, delivered and not yet accepted; attributed to the person.

    Raises: RequestOverError, RequestClosedError, NotFoundError, NonconformityStateError, RequestFullError,
    TooManyFilesError, EvidenceThereError, and as `documents.ingest.store` raises.
    """
    with archive.reading(actor) as uow:
        found = on_link(uow, nonconformity_id)
        in_state_for(uow, nonconformity_id, "show")
        request = own_request(uow)
        _require_few(uow, found)
        bounded = _UpTo(stream, require_room(uow, request, 0), full(uow))
    offered = original_name(name)
    stored = store(archive, bounded, name, lambda _size: None)
    with archive.transaction(actor) as uow:
        _, found = locked_by_link(uow, nonconformity_id, "show")
        request = own_request(uow)
        require_room(uow, request, stored.blob.size_bytes)
        _require_few(uow, found)
        # Whatever becomes of it: these bytes are in the vault, as of material.
        request.received_bytes += stored.blob.size_bytes
        if twin := _twin(uow, found, stored.blob.sha256):
            uow.bookkeeping()
        else:
            entry = Entry(
                name=name,
                source_system=SOURCE_SYSTEM,
                originator=actor.display_name,
                title=f"{found.position} · {offered}"[:300],
                claimed_media_type=claimed_media_type,
            )
            _file(uow, found, stored, entry)
    if twin:
        raise EvidenceThereError(name=twin)


def _file(uow: UnitOfWork, found: Nonconformity, stored: Stored, entry: Entry) -> None:
    filed = file_version(uow, found.engagement_id, None, stored, entry)
    document_id = filed.document_id or ""
    record_as(uow, document_id, type="correction_evidence", state="delivered", originator=entry.originator)
    row = NonconformityDocument(nonconformity_id=found.id, document_id=document_id, purpose="correction")
    uow.session.add(row)
    add_step(uow, found, "shown")
    about = {"nonconformity": found.id, "document": document_id, "material_request": own_request(uow).id}
    subjects = subjects_of(uow.session, found.engagement_id, **about)
    uow.record(EVIDENCE_BROUGHT, subjects, number=found.position, name=original_name(entry.name))


def _require_few(uow: UnitOfWork, found: Nonconformity) -> None:
    """Refuses more files than one nonconformity needs, or than one person brings in a minute."""
    beside = select(func.count()).select_from(NonconformityDocument)
    if (uow.session.scalar(beside.where(NonconformityDocument.nonconformity_id == found.id)) or 0) >= MOST_DOCUMENTS:
        raise full(uow)
    lately = select(func.count()).where(
        NonconformityStep.by == uow.actor.name,
        NonconformityStep.kind == "shown",
        NonconformityStep.at > uow.now - _A_MINUTE,
    )
    most = uow.archive.rules.requests.files_per_minute
    if (uow.session.scalar(lately) or 0) >= most:
        raise TooManyFilesError(count=most)


def _twin(uow: UnitOfWork, found: Nonconformity, sha256: bytes) -> str:
    """The name under which this content stands beside the nonconformity already, brought by the link itself."""
    twin = (
        select(Version.name)
        .join(NonconformityDocument, NonconformityDocument.document_id == Version.document_id)
        .where(NonconformityDocument.nonconformity_id == found.id, Version.sha256 == sha256)
        .where(Version.filed_by == uow.actor.name)
    )
    return uow.session.scalars(twin.limit(1)).first() or ""


class _UpTo:
    """A stream that is not read further than there is room for."""

    def __init__(self, stream: Stream, room_bytes: int, refusal: ArchiveError) -> None:
        self._stream, self._left, self._refusal = stream, room_bytes, refusal

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises: the refusal, once there were too many."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise self._refusal
        return block
