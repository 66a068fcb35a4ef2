"""Tables of documents, their versions and what was derived from them, uploads and checks."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from archive_app.kernel.tables import Base, Id


class Document(Base):
    """A document of an engagement; its content is in its versions, newest in force.

    `number` is what the document calls itself 文号, `dated_on` its own date, not that of its filing. A document with
    `withdrawn_at` was taken back by the undoing of its import: nobody finds or sees it, and nothing of it is destroyed.
    `control` says what a controlled document 受控文件 is at (`control.CONTROLS`), and is empty for every other one.
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
    withdrawn_at: Mapped[datetime | None]
    control: Mapped[str] = mapped_column(String(10), default="")
    created_at: Mapped[datetime]


class Read:
    """How the text of a version, or of a part of one, was read.

    `reading` is one of waiting, read, partly, unread; `reading_note` holds codes of what was left out, with commas.
    `reader` is the reader's name and version. Of pages without text of their own, `recognised_pages` were given one by
    `recogniser`, with `confidence` in percent on average, and `unread_pages` were not.
    """

    reading: Mapped[str] = mapped_column(String(8))
    reading_note: Mapped[str | None] = mapped_column(String(300))
    reader: Mapped[str | None] = mapped_column(String(60))
    page_count: Mapped[int | None]
    recogniser: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[int | None]
    recognised_pages: Mapped[int | None]
    unread_pages: Mapped[int | None]


class Version(Read, Base):
    """One version of a document: exact original bytes in the vault, and everything recorded at its entry.

    `name` is the original file name, at most 255 bytes of UTF-8, never used as a path.
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
    checked_at: Mapped[datetime | None]
    check_result: Mapped[str | None] = mapped_column(String(16))


class Part(Read, Base):
    """A file inside a version's file: an attachment, a member of an archive. `number` is its path, such as 2 or 2/1.

    Its bytes stay where they are, in the version; `name` is as it stands there and never used as a path.
    """

    __tablename__ = "part"

    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(500))
    kind: Mapped[str] = mapped_column(String(16))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[bytes | None]


class ReadingRun(Base):
    """Many documents being read again; `last_version_id` is how far its versions were handed on."""

    __tablename__ = "reading_run"
    __table_args__ = (Index(None, "organisation_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id | None] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(10))
    total: Mapped[int]
    handed_on: Mapped[int]
    last_version_id: Mapped[Id]
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Derivative(Base):
    """A blob made from a version: its text, or the picture of a page; encrypted under the version's key."""

    __tablename__ = "derivative"
    __table_args__ = (UniqueConstraint("blob_id"),)

    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    blob_id: Mapped[str] = mapped_column(String(32))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    stored_sha256: Mapped[bytes]
    created_at: Mapped[datetime]


class HeldContent(Base):
    """Bytes in the vault that are not yet a document: a duplicate that waits, a file of the inbox, a part of an upload.

    `version_id` is the version they may become; it owns the key. Whoever holds the bytes refers to `id`.
    """

    __tablename__ = "held_content"
    __table_args__ = (UniqueConstraint("version_id"), UniqueConstraint("blob_id"), Index(None, "key_epoch", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    version_id: Mapped[Id]
    key_epoch: Mapped[int]
    wrapped_key: Mapped[bytes]
    blob_id: Mapped[str] = mapped_column(String(32))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    sm3: Mapped[bytes | None]
    stored_size_bytes: Mapped[int] = mapped_column(BigInteger)
    stored_sha256: Mapped[bytes]
    kind: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Upload(Base):
    """One file that somebody offered, and what became of it: waiting, filed, duplicate, refused or discarded.

    A duplicate's bytes are held until the person decides.
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
    held_id: Mapped[Id | None] = mapped_column(ForeignKey("held_content.id"))
    received_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    filed_document_title: Mapped[str | None] = column_property(
        select(Document.title).where(Document.id == filed_document_id).correlate_except(Document).scalar_subquery()
    )


class UploadPart(Base):
    """A stretch of a large file that came already; the whole is put together when the last one is there."""

    __tablename__ = "upload_part"
    __table_args__ = (UniqueConstraint("held_id"),)

    upload_id: Mapped[Id] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    held_id: Mapped[Id] = mapped_column(ForeignKey("held_content.id"))
    created_at: Mapped[datetime]


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


class SavedSearch(Base):
    """A search that somebody keeps, for themselves or for their organisation; `address` is the question as the part
    of an address behind its question mark."""

    __tablename__ = "saved_search"
    __table_args__ = (UniqueConstraint("person_id", "name"), Index(None, "organisation_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool]
    created_at: Mapped[datetime]


class SavedSearchSeen(Base):
    """When a person last opened a saved search: what was filed since then is new to them."""

    __tablename__ = "saved_search_seen"
    __table_args__ = (Index(None, "saved_search_id"),)

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    saved_search_id: Mapped[Id] = mapped_column(ForeignKey("saved_search.id"), primary_key=True)
    seen_at: Mapped[datetime]
