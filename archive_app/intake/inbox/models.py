"""Tables of the inbox 收件箱 and of the watched folders that fill it."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class InboxFile(Base):
    """A file that came in and waits until somebody says where it belongs: waiting, filed, refused or discarded.

    `folder` is the watched folder's name, empty for a file that a person brought; `register_id` is set for a file that
    came with a register. `source_key` digests folder, path and the file's identity there (inode, size, time), by
    which a file whose removal failed is known again. `reason` is JSON: a catalogue key and its values.
    """

    __tablename__ = "inbox_file"
    __table_args__ = (
        UniqueConstraint("held_id"),
        Index(None, "organisation_id", "state", "id"),
        Index(None, "register_id", "id"),
        Index(None, "source_key"),
        Index(None, "sorted_by", "changed_at"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    engagement_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    register_id: Mapped[Id | None]
    folder: Mapped[str] = mapped_column(String(100))
    brought_by: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(1000))
    source_path: Mapped[str] = mapped_column(Text)
    source_system: Mapped[str] = mapped_column(String(100))
    originator: Mapped[str] = mapped_column(String(200))
    activity: Mapped[str] = mapped_column(String(200))
    modified_at: Mapped[datetime | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes | None]
    kind: Mapped[str] = mapped_column(String(16))
    held_id: Mapped[Id | None] = mapped_column(ForeignKey("held_content.id"))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    sorted_by: Mapped[str | None] = mapped_column(String(64))
    source_key: Mapped[bytes | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class WatchedFolder(Base):
    """How a watched folder is doing, as the watcher last saw it; what it is stands in the settings.

    `fault` is JSON: a catalogue key and its values; `growing` counts files that are not yet quiet.
    """

    __tablename__ = "watched_folder"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    organisation_id: Mapped[Id | None] = mapped_column(ForeignKey("organisation.id"))
    looked_at: Mapped[datetime]
    growing: Mapped[int]
    left_behind: Mapped[int]
    fault: Mapped[str | None] = mapped_column(Text)
    fault_since: Mapped[datetime | None]
