"""Tables of documents, their versions and what was derived from them, uploads and checks."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from archive_app.kernel.tables import Base, Id


class Document(Base):
    """A document of an engagement; its content is in its versions, newest in force.

    `number` is what the document calls itself 文号, `dated_on` its own date, not that of its filing.
    """

    __tablename__ = "document"
    __table_args__ = (Index(None, "engagement_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    title: Mapped[str] = mapped_column(String(300))
    level: Mapped[int]
    number: Mapped[str | None] = mapped_column(String(100))
    dated_on: Mapped[date | None]
    remark: Mapped[str | None] = mapped_column(String(1000))
    created_at: Mapped[datetime]


class Version(Base):
    """One version of a document: exact original bytes in the vault, and everything recorded at its entry.

    `name` is the original file name, at most 255 bytes of UTF-8, never used as a path. `reading` is one of waiting,
    read, partly, unread.
    """

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        UniqueConstraint("content_blob_id"),
        Index(None, "engagement_id", "sha256"),
        Index(None, "key_epoch", "id"),
        Index(None, "checked_at", "id"),
        Index(None, "reading", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    number: Mapped[int]
    current: Mapped[bool]
    name: Mapped[str] = mapped_column(String(255))
    source_path: Mapped[str] = mapped_column(Text)
    source_system: Mapped[str] = mapped_column(String(100))
    originator: Mapped[str] = mapped_column(String(200))
    activity: Mapped[str] = mapped_column(String(200))
    modified_at: Mapped[datetime | None]
    filed_at: Mapped[datetime]
    filed_by: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(120))
    claimed_media_type: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    sm3: Mapped[bytes | None]
    content_blob_id: Mapped[str] = mapped_column(String(32))
    stored_size_bytes: Mapped[int] = mapped_column(BigInteger)
    stored_sha256: Mapped[bytes]
    key_epoch: Mapped[int]
    wrapped_key: Mapped[bytes]
    reading: Mapped[str] = mapped_column(String(8))
    reading_note: Mapped[str | None] = mapped_column(String(300))
    reader: Mapped[str | None] = mapped_column(String(60))
    page_count: Mapped[int | None]
    checked_at: Mapped[datetime | None]
    check_result: Mapped[str | None] = mapped_column(String(16))


class Derivative(Base):
    """A blob made from a version: its text, or the picture of a page; encrypted under the version's key."""

    __tablename__ = "derivative"
    __table_args__ = (UniqueConstraint("blob_id"),)

    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), primary_key=True)
    part: Mapped[str] = mapped_column(String(20), primary_key=True)
    blob_id: Mapped[str] = mapped_column(String(32))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    stored_sha256: Mapped[bytes]
    created_at: Mapped[datetime]


class Upload(Base):
    """One file that somebody offered, and what became of it: waiting, filed, duplicate, refused or discarded.

    A duplicate keeps its bytes in the vault, under the key in this row, until the person decides.
    """

    __tablename__ = "upload"
    __table_args__ = (Index(None, "engagement_id", "person_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    person_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(1000))
    source_path: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    entry: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    filed_document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    held: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    filed_document_title: Mapped[str | None] = column_property(
        select(Document.title).where(Document.id == filed_document_id).correlate_except(Document).scalar_subquery()
    )


class IndexKey(Base):
    """The key that seals the search index at rest, wrapped by a master key."""

    __tablename__ = "index_key"

    id: Mapped[Id] = mapped_column(primary_key=True)
    key_epoch: Mapped[int]
    wrapped_key: Mapped[bytes]
    created_at: Mapped[datetime]


class Look(Base):
    """Who looked at which document when last: repeated looks within the window are one look."""

    __tablename__ = "look"

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    way: Mapped[str] = mapped_column(String(10), primary_key=True)
    looked_at: Mapped[datetime]
