"""Parts of a large file that came already: kept under the line they belong to, let go when it is done."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select

from archive_app.documents.held import hold, release
from archive_app.documents.ingest import Stored
from archive_app.documents.models import HeldContent, Upload, UploadPart
from archive_app.kernel.unit_of_work import UnitOfWork


def keep_part(uow: UnitOfWork, upload: Upload, stored: Stored) -> None:
    """The step that adds stored bytes to what came already; the caller holds the line's lock."""
    part = UploadPart(
        upload_id=upload.id,
        start=upload.received_bytes,
        size_bytes=stored.blob.size_bytes,
        held_id=hold(uow, stored, upload.name),
        created_at=uow.now,
    )
    uow.session.add(part)
    upload.received_bytes += part.size_bytes


def parts_of(uow: UnitOfWork, upload_id: str) -> Sequence[HeldContent]:
    """What came of a file, in its order."""
    held = select(HeldContent).join(UploadPart, UploadPart.held_id == HeldContent.id)
    return uow.session.scalars(held.where(UploadPart.upload_id == upload_id).order_by(UploadPart.start)).all()


def drop_parts(uow: UnitOfWork, uploads: Iterable[Upload]) -> None:
    """The step that lets the parts of these files go: their blobs become orphans."""
    for upload in uploads:
        if not upload.received_bytes:
            continue
        uow.session.flush()
        gone = delete(UploadPart).where(UploadPart.upload_id == upload.id).returning(UploadPart.held_id)
        for held_id in uow.session.scalars(gone).all():
            release(uow, held_id)
        upload.received_bytes = 0
