"""Duplicates that wait for a person's decision: bytes in the vault, key and receipt in the upload's row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.documents.models import Upload
from storage import WrappedKey


@dataclass(frozen=True)
class HeldBlob:
    """The bytes of one duplicate as they stand in the vault; the version it may become owns them."""

    upload_id: str
    name: str
    version_id: str
    key: WrappedKey
    blob_id: str
    size_bytes: int
    sha256: bytes
    stored_size_bytes: int
    stored_sha256: bytes


def held_blobs(session: Session) -> Iterator[HeldBlob]:
    """Every duplicate that waits, in the order they were offered."""
    waiting = select(Upload.id, Upload.name, Upload.held).where(Upload.held.is_not(None)).order_by(Upload.id)
    for upload_id, name, held in session.execute(waiting.execution_options(yield_per=500)):
        yield _parse(upload_id, name, held or "")


def with_key(held: str, key: WrappedKey) -> str:
    """The row's text with another wrapping of the same key."""
    return json.dumps({**json.loads(held), "key": {"epoch": key.epoch, "wrapped": key.wrapped.hex()}})


def parse_key(held: str) -> tuple[str, WrappedKey]:
    """The owner and the wrapped key in a row's text."""
    told = json.loads(held)
    return told["version_id"], WrappedKey(told["key"]["epoch"], bytes.fromhex(told["key"]["wrapped"]))


def _parse(upload_id: str, name: str, held: str) -> HeldBlob:
    owner, key = parse_key(held)
    blob = json.loads(held)["blob"]
    return HeldBlob(
        upload_id=upload_id,
        name=name,
        version_id=owner,
        key=key,
        blob_id=blob["blob_id"],
        size_bytes=blob["size_bytes"],
        sha256=bytes.fromhex(blob["sha256"]),
        stored_size_bytes=blob["stored_size_bytes"],
        stored_sha256=bytes.fromhex(blob["stored_sha256"]),
    )
